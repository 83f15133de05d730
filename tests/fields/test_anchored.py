"""Measured spectra correct a reconstruction as the Gaussian process says, whoever asks and however it is computed."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.fields import anchored as anchored_module
from nesr_gui.fields.anchored import (
    MARGIN,
    NOISE,
    Anchor,
    AnchorCheck,
    AnchoredField,
    CalibratedAnchoredField,
    anchored,
)
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.fields.residual_prior import DARK, LEVELS, IntervalNarrowing, interpolate
from nesr_gui.inference import engine
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.checkpoint import Checkpoint
from nesr_gui.inference.model import LoadedModel
from nesr_gui.spectral import RGBImage, Spectrum, Wavelengths
from tests import tiny

BANDS = cie.CAMERA_BANDS
NM = [400.0, 405.0, 512.3, 550.0, 695.1, 700.0]
CLOSE = {"atol": 2e-5, "rtol": 2e-5}
SPOTS = [(4, 5), (12, 20), (18, 9), (1, 26), (21, 0)]


def model(config=tiny.FACTORISED, *, prior=None, calibrated: bool = True) -> LoadedModel:
    low, high = np.full((31, 3, 3), -0.3, np.float32), np.full((31, 3, 3), 0.5, np.float32)
    calibration = IntervalCalibration(BANDS.nm, low, high, np.ones((32, 32), bool), np.array(0.1, np.float32))
    prior = prior or tiny.residual_prior()
    return LoadedModel(
        Checkpoint("tiny", tiny.network(config), {}, "ab", calibration if calibrated else None, prior), "cpu"
    )


@pytest.fixture(scope="module", params=[tiny.FACTORISED, tiny.CONFIG], ids=["factorised", "paper's"])
def beneath(request):
    """The colours of the image vary over less than the level of white, as photographs do."""
    image = tiny.image(24, 28)
    return engine.encode(RGBImage(0.1 + 0.6 * image.values), model(request.param))


def reading(field, spot: tuple[int, int], seed: int = 0, size: float = 0.1) -> Anchor:
    """What an instrument would read where the field errs by some curves."""
    row, col = spot
    rows, cols = slice(max(row - 2, 0), row + 3), slice(max(col - 2, 0), col + 3)
    mean = field.cube(BANDS, rows=rows, cols=cols).values.mean((1, 2))
    error = field.residual_prior.curves @ np.random.default_rng(seed).normal(size=4) * mean.mean()
    return Anchor(row, col, Spectrum(BANDS, mean + size * error, f"spot {seed}"))


@pytest.fixture(scope="module")
def anchors(beneath):
    return [reading(beneath, spot, seed, 3.0) for seed, spot in enumerate(SPOTS)]


@pytest.fixture(scope="module")
def field(beneath, anchors):
    return beneath.anchored(anchors)


def reference(beneath, anchors, nm, points):
    """Posterior mean (L, N), scores and their variance (M, N) at points, by equations 2.25 and 2.26."""
    prior, level = beneath.residual_prior, beneath.level
    answers = beneath.cube(BANDS).values.astype(np.float64)

    def describe(spectrum, row, col):
        bright = (prior.camera.mean(0) @ spectrum) + DARK * level
        shape = prior.shapes @ (spectrum / bright - prior.centre)
        return np.array([*shape, 0.3 * np.log(bright / level), (row + 0.5) / 28, (col + 0.5) / 28]), bright

    def kernel(one, other, curve):
        total = 0.0
        for rates, fading, weight in zip(prior.rates, prior.fading, prior.weights[:, curve], strict=True):
            value = weight * np.exp(-0.5 * np.sum((rates * (one[0] - other[0])) ** 2))
            total += value * (DARK * level / one[1] * DARK * level / other[1] if fading else 1.0)
        return total

    patches, residuals, noise = [], [], []
    pseudo = np.linalg.pinv(prior.curves.astype(float))
    for anchor in anchors:
        rows, cols = (slice(max(at - 2, 0), at + 3) for at in (anchor.row, anchor.col))
        mean = answers[:, rows, cols].mean((1, 2))
        patch = describe(mean, anchor.row, anchor.col)
        seen, wanted = prior.camera @ anchor.spectrum.values, prior.camera @ mean
        scale = seen @ wanted / (seen @ seen)
        deviation = NOISE * anchor.spectrum.values.max() * scale
        variance = deviation**2 + np.mean((scale * seen - wanted) ** 2)
        patches.append(patch)
        residuals.append(pseudo @ (scale * anchor.spectrum.values - mean) / patch[1])
        dark = (DARK * level / patch[1]) ** 2
        noise.append((pseudo**2).sum(1) * variance / patch[1] ** 2 + prior.noise + prior.dark_noise * dark)
    mean, left = np.empty((len(points), len(nm))), np.empty((len(points), prior.curves.shape[1]))
    found = np.empty_like(left)
    functions = interpolate(prior.nm, prior.curves, np.array(nm)).astype(float)
    wanted = beneath.cube(nm).values
    for index, (row, col) in enumerate(points):
        pixel = describe(answers[:, row, col], row, col)
        scores = np.empty(prior.curves.shape[1])
        for curve in range(len(scores)):
            gram = np.array([[kernel(a, b, curve) for b in patches] for a in patches])
            gram += np.diag([each[curve] for each in noise])
            across = np.array([kernel(pixel, each, curve) for each in patches])
            scores[curve] = across @ np.linalg.solve(gram, [each[curve] for each in residuals])
            left[index, curve] = kernel(pixel, pixel, curve) - across @ np.linalg.solve(gram, across)
        mean[index] = np.maximum(wanted[:, row, col] + functions @ scores * pixel[1], 0)
        found[index] = scores * pixel[1]
    return mean.T, found.T, left.T


def test_it_is_the_posterior_of_the_textbook(beneath, field, anchors):
    points = [(row, col) for row in (0, 4, 12, 17, 23) for col in (0, 5, 14, 20, 27)]
    mean, _, left = reference(beneath, anchors, NM, points)
    np.testing.assert_allclose(field.spectra(points, NM).T, mean, atol=2e-5)
    state = field._states(1, slice(0, 24), slice(0, 28), intervals=True)
    np.testing.assert_allclose(np.stack([state[4:8, r, c] for r, c in points], 1), left, atol=2e-5)
    assert left.min() < 0.5 * left.max()  # readings say something somewhere
    assert abs(mean - beneath.spectra(points, NM).T).max() > 0.05


def test_spectra_bands_and_cubes_agree_for_any_tiles(field, beneath, anchors, monkeypatch):
    cube = field.cube(NM).values
    points = [(0, 0), (23, 27), (4, 5), (11, 13)]
    np.testing.assert_allclose(field.spectra(points, NM).T, np.stack([cube[:, r, c] for r, c in points], 1), **CLOSE)
    np.testing.assert_allclose(field.spectra(points, [512.3])[:, 0], [cube[2][p] for p in points], **CLOSE)
    monkeypatch.setattr(anchored_module, "CHUNK", 7)
    monkeypatch.setattr(anchored_module, "BLOCK_VALUES", 31 * 50)
    fresh = beneath.anchored(anchors)
    np.testing.assert_allclose(fresh.cube(NM).values, cube, **CLOSE)
    np.testing.assert_allclose([fresh.band(nm) for nm in NM], cube, **CLOSE)
    np.testing.assert_allclose(fresh.band_images(NM), cube, **CLOSE)
    np.testing.assert_allclose(fresh.band(550, stride=3), cube[3, ::3, ::3], **CLOSE)
    window = {"rows": slice(3, 17), "cols": slice(5, 26)}
    np.testing.assert_allclose(fresh.band(550, stride=2, **window), cube[3, 3:17:2, 5:26:2], **CLOSE)
    np.testing.assert_allclose(fresh.cube(NM, **window).values, cube[:, 3:17, 5:26], **CLOSE)
    np.testing.assert_allclose(fresh.preview_bands(NM, **window), cube[:, 3:17, 5:26], **CLOSE)


def test_intervals_agree_whoever_asks_in_chunks_of_any_size(field, beneath, monkeypatch):
    assert isinstance(field, CalibratedField) and isinstance(field, CalibratedAnchoredField)
    lower, upper = (np.empty((len(NM), *field.shape)) for _ in range(2))
    for block in field.prediction_interval_blocks(NM):
        lower[:, block.rows, block.cols], upper[:, block.rows, block.cols] = block.lower, block.upper
    points = [(0, 0), (23, 27), (4, 5)]
    for whole, found in zip((lower, upper), field.prediction_interval(points, NM), strict=True):
        np.testing.assert_allclose(found.T, np.stack([whole[:, r, c] for r, c in points], 1), **CLOSE)
    for whole, found in zip((lower, upper), field.prediction_interval_band(550, stride=3), strict=True):
        np.testing.assert_allclose(found, whole[3, ::3, ::3], **CLOSE)
    cube = field.cube(NM).values
    assert (lower <= cube + 1e-6).all() and (cube <= upper + 1e-6).all() and (lower >= 0).all()
    np.testing.assert_array_equal(field.quality_flags(), beneath.quality_flags())
    monkeypatch.setattr(anchored_module, "CHUNK_VALUES", 50)
    for block in field.prediction_interval_blocks(NM):
        np.testing.assert_allclose(block.lower, lower[:, block.rows, block.cols], **CLOSE)
        np.testing.assert_allclose(block.upper, upper[:, block.rows, block.cols], **CLOSE)


def test_what_a_band_has_computed_is_used_again(beneath, anchors, monkeypatch):
    """The next band, the cube and the intervals of the same window do not compare its pixels with the anchors again."""
    field, window = beneath.anchored(anchors), {"rows": slice(2, 20), "cols": slice(1, 27)}
    expected = field.cube(NM, **window).values
    counted, scores = [], type(field.posterior).scores
    monkeypatch.setattr(type(field.posterior), "scores", lambda *of: (counted.append(of[1].shape[1]), scores(*of))[1])
    field.band(500, **window)
    assert sum(counted) == 18 * 26
    np.testing.assert_allclose([field.band(nm, **window) for nm in NM], expected, **CLOSE)
    np.testing.assert_allclose(field.cube(NM, **window).values, expected, **CLOSE)
    assert sum(counted) == 18 * 26
    other = beneath.anchored(anchors)
    lower, _ = other.prediction_interval_band(550, **window)
    np.testing.assert_allclose(other.band(550, **window), expected[3], **CLOSE)
    np.testing.assert_allclose(next(other.prediction_interval_blocks([550], **window)).lower[0], lower, **CLOSE)
    assert sum(counted) == 2 * 18 * 26


def test_without_the_last_anchor_it_is_the_field_beneath_bit_for_bit(field, beneath, anchors):
    assert field.anchored([]) is beneath
    assert beneath.anchored([]) is beneath
    other = field.anchored(anchors[:1])
    np.testing.assert_array_equal(other.cube(NM).values, beneath.anchored(anchors[:1]).cube(NM).values)


def test_the_rerendered_colour_of_every_pixel_stays():
    """But for values that would be negative: this network answers far from zero."""
    beneath = engine.encode(tiny.image(24, 28), model(tiny.CONFIG))
    field = beneath.anchored([reading(beneath, spot, seed, 0.3) for seed, spot in enumerate(SPOTS)])
    corrected, before = field.cube(BANDS).values, beneath.cube(BANDS).values
    assert corrected.min() > 0 and abs(corrected - before).max() > 0.05
    assert abs(np.tensordot(cie.default_camera(), corrected - before, 1)).max() < 1e-5


def test_every_further_anchor_leaves_less_variance(beneath, anchors):
    before = np.inf
    for count in range(1, len(anchors) + 1):
        field = beneath.anchored(anchors[:count])
        left = field._states(1, slice(0, 24), slice(0, 28), intervals=True)[4:8]
        assert (left <= before + 1e-5).all()
        before = left


def test_at_an_anchor_the_interval_is_the_readings_and_far_from_all_the_models():
    """Pixels that differ from every patch keep the interval of the model."""
    prior = tiny.residual_prior()
    quiet = dataclasses.replace(
        prior, rates=np.full_like(prior.rates, 8.0), noise=0 * prior.noise, dark_noise=0 * prior.dark_noise,
        pixel_noise=0 * prior.pixel_noise, rest=0 * prior.rest, narrowing=np.ones(4, np.float32),
        doubt=np.zeros(4, np.float32),
    )  # fmt: skip
    values = np.full((24, 28, 3), 0.5, np.float32)
    values[:, 14:] = (0.1, 0.5, 0.2)
    beneath = engine.encode(RGBImage(values), model(prior=quiet))
    field = beneath.anchored([reading(beneath, (12, 5))])
    ratio = []
    for point in [(12, 5), (12, 25)]:
        (low, high), (least, most) = (each.prediction_interval([point], NM) for each in (field, beneath))
        ratio.append(((high - low) / (most - least)).max())
    assert ratio[0] < 0.25
    assert ratio[1] == pytest.approx(1, abs=0.01)


def reference_limits(beneath, anchors, nm, points):
    """Limits (2, L, N) at points, value by value."""
    prior, level, answers = beneath.residual_prior, beneath.level, beneath.cube(BANDS).values.astype(float)
    mean, scores, left = reference(beneath, anchors, nm, points)
    functions, rest = (
        interpolate(prior.nm, prior.curves, np.array(nm)).astype(float),
        np.interp(nm, BANDS.nm, prior.rest),
    )
    bounds, before = beneath.prediction_interval(points, nm), beneath.spectra(points, nm)
    result = np.empty((2, len(nm), len(points)))
    for n, (row, col) in enumerate(points):
        bright = (prior.camera.mean(0) @ answers[:, row, col]) / level + DARK
        dark = (DARK / bright) ** 2
        noise = prior.noise + prior.pixel_noise + dark * prior.dark_noise
        prior_variance = prior.weights.T @ np.where(prior.fading, dark, 1)
        power, doubt = (np.interp(np.log(bright), np.log(LEVELS), part) for part in (prior.narrowing, prior.doubt))
        for band, curve in enumerate(functions):
            whole = curve**2 @ (prior_variance + noise) + rest[band]
            share = (curve**2 @ (left[:, n] + noise) + rest[band]) / whole
            old, new = before[n, band], mean[band, n]
            for side, sign in enumerate((-1, 1)):
                half = np.sqrt((bounds[side][n, band] - old) ** 2 * share**power + doubt * curve**2 @ scores[:, n] ** 2)
                result[side, band, n] = max(new + sign * half, 0)
    return result


def test_limits_are_narrowed_by_the_share_that_remains_and_widened_by_the_correction(beneath, field, anchors):
    points = [(row, col) for row in (0, 4, 12, 17, 23) for col in (0, 5, 14, 20, 27)]
    found = np.stack(field.prediction_interval(points, NM)).transpose(0, 2, 1)
    np.testing.assert_allclose(found, reference_limits(beneath, anchors, NM, points), atol=5e-5)


def test_narrowing_and_doubt_depend_on_brightness():
    prior, levels = tiny.residual_prior(), np.array([0.001, *LEVELS, 5.0])
    np.testing.assert_allclose(
        prior.at_levels(DARK / levels),
        [DARK / levels, *(part[[0, 0, 1, 2, 3, 3]] for part in (prior.narrowing, prior.doubt))],
        rtol=1e-5,
    )


def test_the_share_of_the_variance_is_one_without_readings():
    prior, faint = tiny.residual_prior(), np.linspace(0.01, 1, 5, dtype=np.float32)
    shares = IntervalNarrowing.of(prior, np.array(NM)).shares(prior.variances(faint), faint)
    np.testing.assert_allclose(shares, 1, atol=1e-6)


def test_a_reading_on_another_scale_says_the_same(beneath, anchors):
    percent = [
        dataclasses.replace(a, spectrum=dataclasses.replace(a.spectrum, values=100 * a.spectrum.values))
        for a in anchors
    ]
    np.testing.assert_allclose(
        beneath.anchored(percent).cube(NM).values, beneath.anchored(anchors).cube(NM).values, atol=1e-5
    )


def test_a_noisy_reading_says_less(beneath, anchors):
    def change(noise: float) -> float:
        loud = dataclasses.replace(anchors[0], noise=np.full(31, noise, np.float32))
        return float(abs(beneath.anchored([loud]).cube(NM).values - beneath.cube(NM).values).max())

    assert 0 < change(10.0) < 0.01 < change(0.0)


def test_a_reading_of_another_colour_is_trusted_less(beneath):
    """As of the wrong spot: a red reading of a spot that is not red."""
    here = reading(beneath, (12, 20), size=0.5)
    red = Spectrum(BANDS, here.spectrum.values * np.linspace(0.1, 4, 31, dtype=np.float32), "red")
    right, wrong = (beneath.anchored([each]) for each in (here, dataclasses.replace(here, spectrum=red)))
    assert wrong._readings.residuals.noise.min() > 20 * right._readings.residuals.noise.min()
    assert wrong.checks()[0].colour > 10 > 1 > right.checks()[0].colour


def test_a_bad_reading_shows_itself(beneath):
    prior = dataclasses.replace(tiny.residual_prior(), rates=np.full((3, 6), 0.01, np.float32))
    image = RGBImage(np.full((24, 28, 3), 0.5, np.float32))
    flat = engine.encode(image, model(prior=prior))
    anchors = [reading(flat, spot, 7, 0.5) for spot in SPOTS[:4]]
    good = flat.anchored(anchors).checks()
    assert all(check.left_out < 0.3 * check.before and check.after < 0.3 * check.before for check in good)
    bad = reading(flat, SPOTS[0], 8, 0.5)
    checks = flat.anchored([bad, *anchors[1:]]).checks()
    assert checks[0].left_out > checks[0].before
    assert checks[0].left_out == max(check.left_out for check in checks)


@pytest.mark.parametrize(
    ("colour", "before", "left_out", "doubt"),
    [
        (10.1, 0.2, 0.2, "another colour than the photograph (ΔE2000 10)"),
        (9.9, 0.2, 0.29, ""),
        (9.9, 0.2, 0.31, "contradicts the others: without it, they miss it by 31%, the photograph alone by 20%"),
        (9.9, 0.01, 0.09, ""),  # more, but little
    ],
)
def test_a_reading_is_doubted_for_its_colour_or_for_the_others(colour, before, left_out, doubt):
    found = AnchorCheck(before=before, left_out=left_out, after=0.01, colour=colour, scale=1.0).doubt
    assert doubt in found and bool(found) is bool(doubt)


def test_anchors_are_plain_data(anchors):
    gap = Spectrum(BANDS, np.where(BANDS.nm == 500, np.nan, 0.5), "gap")
    for anchor in (anchors[0], Anchor(1, 2, gap, np.full(31, 0.01, np.float32), "a.csv, SHA-256 ab")):
        again = Anchor.from_data(json.loads(json.dumps(anchor.to_data(), allow_nan=False)))
        assert (again.row, again.col, again.origin, again.spectrum.name) == (
            anchor.row, anchor.col, anchor.origin, anchor.spectrum.name
        )  # fmt: skip
        np.testing.assert_array_equal(again.spectrum.values, anchor.spectrum.values)
        np.testing.assert_array_equal(again.spectrum.wavelengths.nm, anchor.spectrum.wavelengths.nm)
        assert (again.noise is None) == (anchor.noise is None)


def test_provenance_names_the_readings(field, beneath):
    text = field.provenance["measured_spectra"]
    assert "spot 0 at row 4 col 5, times 1" in text and text.count(";") == len(SPOTS) - 1
    assert field.provenance["model"] == beneath.provenance["model"]


def test_a_spot_of_a_binned_photograph_is_in_source_pixels():
    image = tiny.image(24, 28)
    binned = engine.encode(image.reduced(24 * 28 // 4), model())
    assert binned.binning == 2
    anchor = reading(binned, (11, 12), 1, 0.5)
    corrected = binned.anchored([dataclasses.replace(anchor, row=22, col=24)])
    assert corrected._readings.predicted[:, 0] == pytest.approx(
        binned.cube(BANDS, rows=slice(10, 12), cols=slice(11, 14)).values.mean((1, 2)), abs=1e-6
    )
    np.testing.assert_allclose(corrected._readings.features[-2:, 0], np.array([11.5, 12.5]) / 14, rtol=1e-6)
    with pytest.raises(ValueError, match=r"rows 0-23 and columns 0-27; there is no spot at row 24, column 3"):
        binned.anchored([dataclasses.replace(anchor, row=24, col=3)])


@pytest.mark.parametrize(
    ("nm", "values", "message"),
    [
        (np.arange(450, 701, 10.0), 0.5, r"x covers 450-700 nm; a measured spectrum must cover 400-700 nm"),
        (np.arange(400, 651, 10.0), 0.5, r"x covers 400-650 nm; .* must cover"),
        (BANDS.nm, np.nan, r"x has no values; .* must cover"),
        (
            [400, 700.0],
            0.5,
            r"x has no values between 400 and 700 nm; a measured spectrum needs one every 25 nm or less",
        ),
        (np.delete(BANDS.nm, [10, 11]), 0.5, r"x has no values between 490 and 520 nm"),
        (BANDS.nm, 0.0, r"x is black or has the opposite colour of its spot; measure it again"),
    ],
)
def test_unusable_readings_are_refused(beneath, nm, values, message):
    spectrum = Spectrum(Wavelengths(nm), np.full(len(nm), values, np.float32), "x")
    with pytest.raises(ValueError, match=message):
        beneath.anchored([Anchor(3, 3, spectrum)])


def test_a_reading_may_lack_a_little_at_the_ends_and_anything_outside(beneath):
    nm = np.concatenate([[350], np.linspace(400 + MARGIN, 700 - MARGIN, 55), [900]])
    assert isinstance(beneath.anchored([Anchor(3, 3, Spectrum(Wavelengths(nm), np.full(57, 0.5), "x"))]), AnchoredField)


def test_a_model_without_a_prior_says_so():
    bare = engine.encode(tiny.image(8, 8), LoadedModel(Checkpoint("t", tiny.network(), {}, "a"), "cpu"))
    with pytest.raises(ValueError, match=r"no prior for measured spectra; choose the default model, nesr-lean, or run"):
        bare.anchored([Anchor(3, 3, Spectrum(BANDS, np.full(31, 0.5), "x"))])


def test_a_model_without_calibration_has_no_intervals():
    bare = engine.encode(tiny.image(12, 12), model(calibrated=False))
    field = anchored(bare, [reading(bare, (5, 5))])
    assert not isinstance(field, CalibratedField)
    assert field.cube(NM).values.shape == (6, 12, 12)


@pytest.mark.parametrize("noise", [np.full(30, 0.1), np.full(31, -0.1), np.full(31, np.nan)])
def test_noise_is_a_deviation_for_each_wavelength(noise):
    with pytest.raises(ValueError, match=r"noise of shape .*expected a standard deviation of at least 0 for each"):
        Anchor(0, 0, Spectrum(BANDS, np.ones(31), "x"), noise.astype(np.float32))
