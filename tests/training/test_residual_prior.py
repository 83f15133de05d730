"""What is learned about residuals is what made them."""

import dataclasses

import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.fields.residual_prior import IntervalNarrowing
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.training import residual_prior
from nesr_gui.training.measuring import anchored_scores, mean_anchored_scores
from nesr_gui.training.residual_prior import ResidualUnit, fit_prior, residual_unit
from tests import tiny
from tests.fields.test_anchored import model
from tests.training import worlds

BANDS = cie.CAMERA_BANDS.nm
WIDE = IntervalCalibration(
    BANDS, *np.stack([np.full((31, 3, 3), -0.3), np.full((31, 3, 3), 0.3)]).astype(np.float32),
    np.ones((32, 32), bool), np.array(0.1, np.float32),
)  # fmt: skip


def unit(seed: int, patches: int = 200) -> ResidualUnit:
    """A scene whose residuals follow the colour, with some noise.

    Two curves are unseen by the camera, or three if `seed` is odd; one is seen.
    """
    rng, camera = np.random.default_rng(seed), cie.default_camera()
    blind = np.eye(31) - np.linalg.pinv(camera) @ camera
    base = 0.5 + 0.3 * np.sin(np.outer(np.linspace(0, 3, 31), rng.uniform(0.3, 2, patches)))
    answers = base * rng.uniform(0.3, 1, patches)
    scores = np.tanh(rng.normal(size=(3, 31)) @ (base - base.mean(1, keepdims=True)))
    scores[2] *= seed % 2
    hidden = np.stack([np.cos(np.linspace(0, 12, 31)), np.sin(np.linspace(0, 17, 31)), np.cos(np.linspace(0, 22, 31))])
    seen = 0.6 * camera[1] / camera[1].max()
    truth = answers + 0.05 * answers.mean(0) * (blind @ hidden.T @ scores + np.outer(seen, scores[0]))
    pixels = truth + rng.normal(0, 0.002, truth.shape)
    rgb = np.clip(camera @ answers, 0, 1).T
    parts = [part.astype(np.float32) for part in (answers, truth, answers, pixels, rgb)]
    return ResidualUnit(f"scene {seed}", rng.uniform(0, 1, (2, patches)), *parts)


@pytest.fixture(scope="module")
def fitted():
    patch = pytest.MonkeyPatch()
    for name, value in {"STEPS": 20, "SAMPLE": 30, "CURVES": 4, "GROUPS": 2, "COUNTS": (1, 5, 24)}.items():
        patch.setattr(residual_prior, name, value)
    units = [unit(seed) for seed in range(4)]
    yield units, fit_prior(units, WIDE)
    patch.undo()


def test_the_curves_are_unseen_by_the_camera_and_hold_the_residuals(fitted):
    units, prior = fitted
    assert abs(prior.camera @ prior.curves).max() < 1e-5
    blind = np.eye(31) - np.linalg.pinv(prior.camera) @ prior.camera
    for each in units:
        residual = each.patch_truth - each.patch_answers
        assert np.square(residual - blind @ residual).sum() > 0.005 * np.square(residual).sum()
        residual = blind @ residual
        left = residual - prior.curves @ (np.linalg.pinv(prior.curves) @ residual)
        assert np.square(left).sum() < 0.05 * np.square(residual).sum()


def test_readings_of_a_new_scene_predict_its_other_pixels(fitted):
    _, prior = fitted
    fresh = unit(99)
    features = prior.features(fresh.patch_answers, fresh.places, 1)
    measured = fresh.patch_truth.astype(float)
    found = prior.compare(fresh.patch_answers, measured, 0.001 * measured, 1)
    some = np.arange(0, 200, 10)
    scores, _ = prior.posterior(features[:, some], found.scores[:, some], found.noise[:, some]).scores(features)
    corrected = fresh.answers + prior.curves @ scores * prior.brightness(fresh.answers, 1)
    assert np.square(corrected - fresh.truth).mean() < 0.3 * np.square(fresh.answers - fresh.truth).mean()


def coverage(cases, narrowing, doubt) -> float:
    """Of the values of all cases, by the definition of the intervals."""
    inside = []
    for case in cases:
        needed, corrections, logarithms, levels = (part.numpy() for part in vars(case).values())
        width = np.sqrt(np.exp(logarithms * (narrowing @ levels)) + (doubt @ levels) * corrections)
        inside.append((needed <= width).mean())
    return float(np.mean(inside))


@pytest.mark.parametrize(("factor", "lowest", "highest"), [(0.02, 0.75, 0.95), (0.2, 0.89, 0.95)])
def test_intervals_hold_what_they_should_with_readings(fitted, factor, lowest, highest):
    """As well as the corrections permit, if those of the model are much too narrow; exactly if they are too wide."""
    units, prior = fitted
    narrow = IntervalCalibration(BANDS, factor * WIDE.low, factor * WIDE.high, WIDE.seen, WIDE.constant)
    cases = [case for each in units for case in residual_prior._cases(prior, each, narrow)]
    assert len(cases) == 4 * 2 * 3
    assert lowest < coverage(cases, *residual_prior._calibrated(cases)) < highest
    assert abs(coverage(cases, np.ones(4), np.zeros(4)) - 0.92) > 0.02


def test_intervals_are_calibrated_with_the_formula_of_the_field(fitted):
    """Which values are within them is the same for both, with limits that are not symmetric."""
    prior = dataclasses.replace(fitted[1], narrowing=np.full(4, 0.7, np.float32), doubt=np.full(4, 0.3, np.float32))
    fresh = unit(99)
    given = IntervalCalibration(BANDS, 0.02 * WIDE.low, 0.1 * WIDE.high, WIDE.seen, WIDE.constant)
    case = list(residual_prior._cases(prior, fresh, given))[2]  # with 24 readings
    features, pixels = (prior.features(part, fresh.places, 1) for part in (fresh.patch_answers, fresh.answers))
    found, faint = residual_prior._compare(prior, fresh), prior.faintness(pixels)
    chosen = next(residual_prior._spots(prior, features, fresh))[:24]
    posterior = prior.posterior(features[:, chosen], found.scores[:, chosen], found.noise[:, chosen])
    mean, kernels = posterior.scores(pixels)
    scores = mean * prior.brightness(fresh.answers, 1)
    bounds = [part.T for part in given.prediction_interval(fresh.rgb, fresh.answers.T, BANDS)]
    lower, upper = IntervalNarrowing.of(prior, BANDS).limits(
        fresh.answers, (bounds[0], bounds[1]), np.maximum(fresh.answers + prior.curves @ scores, 0), scores=scores,
        variances=posterior.variances(kernels, faint), levels=prior.at_levels(faint),
    )  # fmt: skip
    width = (0.7 * case.logarithms).exp() + 0.3 * case.corrections
    inside = (lower <= fresh.truth) & (fresh.truth <= upper)
    assert 0.3 < inside.mean() < 0.95
    assert (inside == (case.needed <= width.sqrt()).numpy()).mean() > 0.998


def test_patches_of_a_scene_avoid_its_chart():
    scene = worlds.scene("a")
    found = residual_unit(scene, tiny.network(tiny.LOW_RANK))
    rows, cols = np.floor(found.places * max(scene.cube.shape[1:])).astype(int)
    level = cie.white_level(scene.photograph(eight_bit=True))
    for index in (0, len(rows) - 1):
        row, col = rows[index], cols[index]
        np.testing.assert_allclose(found.truth[:, index] * level, scene.cube[:, row, col], rtol=1e-5)
        patch = scene.cube[:, row - 2 : row + 3, col - 2 : col + 3]
        np.testing.assert_allclose(found.patch_truth[:, index] * level, patch.mean((1, 2)), rtol=1e-5)
    around = np.stack([scene.outside_chart()[r - 2 : r + 3, c - 2 : c + 3] for r, c in zip(rows, cols, strict=True)])
    assert around.all() and around.shape[1:] == (5, 5)


def test_scores_without_spots_are_the_models_and_are_averaged(monkeypatch):
    scenes = [worlds.scene("a"), worlds.scene("b")]
    rows = [row for scene in scenes for row in anchored_scores(model(), scene, [0, 2])]
    assert [(row.scene, row.chosen, row.anchors) for row in rows[:4]] == [
        ("a", "suggested", 0), ("a", "suggested", 2), ("a", "at random", 0), ("a", "at random", 2)
    ]  # fmt: skip
    assert rows[0].rmse == rows[2].rmse and rows[0].rmse != rows[1].rmse
    means = mean_anchored_scores(rows)
    assert len(means) == 4
    assert means[1].rmse == pytest.approx((rows[1].rmse + rows[5].rmse) / 2)
    assert 0 <= means[1].coverage <= 1 and rows[1].width < rows[0].width
    assert all(row.interval_score > row.width for row in rows if row.coverage < 1)
