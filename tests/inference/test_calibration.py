"""Intervals contain the answer, hold what they promise where they were learned, and scale with the photograph."""

import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.fields.intervals import BRIGHTNESS, SATURATION, bins
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.training.calibration import (
    CalibrationUnit,
    calibrate_intervals,
    coverage,
    interval_score,
    seen_chromaticities,
    stretched,
)
from tests.training import worlds

BANDS = np.arange(400, 701, 10.0)
SEEN = np.zeros((32, 32), bool)
SEEN[6:20, 6:20] = True


def unit(name: str, seed: int, spread: float = 0.1) -> CalibrationUnit:
    """Answers whose relative errors grow with wavelength."""
    rng = np.random.default_rng(seed)
    rgb = rng.uniform(0.01, 1, (4000, 3)).astype(np.float32)
    answers = (rgb.mean(1, keepdims=True) * rng.uniform(0.5, 1.5, (4000, 31))).astype(np.float32)
    errors = rng.normal(size=answers.shape) * spread * np.linspace(0.5, 2, 31)
    return CalibrationUnit(name, rgb, answers, np.maximum(answers * (1 + errors), 0).astype(np.float32))


@pytest.fixture(scope="module")
def units():
    return [unit("a", 1), unit("b", 2, 0.15), unit("c", 3, 0.05), unit("d", 4)]


@pytest.fixture(scope="module")
def calibration(units):
    return calibrate_intervals(units, SEEN)


def test_intervals_hold_for_a_unit_never_seen(calibration):
    assert 0.85 < coverage(calibration, unit("new", 9)) < 0.99


def test_every_unit_counts_the_same_whatever_its_size(units):
    large = CalibrationUnit(
        "a", *(np.concatenate([part] * 3) for part in (units[0].rgb, units[0].answers, units[0].truth))
    )
    again = calibrate_intervals([large, *units[1:]], SEEN)
    np.testing.assert_allclose(again.high, calibrate_intervals(units, SEEN).high, atol=0.02)


def test_they_widen_with_wavelength_as_the_errors_do(calibration):
    assert (calibration.high[-1] > 1.5 * calibration.high[0]).mean() > 0.8


def test_the_answer_lies_within_and_nothing_is_below_zero(calibration):
    fresh = unit("new", 10)
    nm = np.array([700.0, 404.9, 550.0, 555.0])
    answers = fresh.answers[:, :4]
    low, high = calibration.prediction_interval(fresh.rgb, answers, nm)
    assert (low >= 0).all()
    assert (low <= answers).all()
    assert (answers <= high).all()


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.4), (-0.4, -0.2), (-9.0, 0.1)])
def test_residuals_of_one_sign_leave_the_answer_within_the_interval(low, high):
    """Where a model errs in one direction only, both quantiles lie on one side of its answer."""
    tables = (np.full((31, 3, 3), value, np.float32) for value in (low, high))
    calibration = IntervalCalibration(BANDS, *tables, SEEN, np.array(0.1, np.float32))
    fresh = unit("new", 13)
    lower, upper = calibration.prediction_interval(fresh.rgb, fresh.answers, BANDS)
    assert (lower >= 0).all()
    assert (lower <= fresh.answers).all()
    assert (fresh.answers <= upper).all()
    assert (lower < upper).all()


def test_a_value_does_not_depend_on_the_other_wavelengths_or_pixels(calibration):
    fresh = unit("new", 11)
    nm = np.array([455.5, 500.0, 640.2])
    together = calibration.prediction_interval(fresh.rgb[:50], fresh.answers[:50, :3], nm)
    alone = calibration.prediction_interval(fresh.rgb[7:8], fresh.answers[7:8, 1:2], nm[1:2])
    for whole, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(one[0, 0], whole[7, 1], rtol=1e-6)


def test_the_score_rewards_a_band_that_fits(calibration):
    fresh = unit("new", 12)
    scores = {
        factor: interval_score(
            *stretched(calibration, factor).prediction_interval(fresh.rgb, fresh.answers, BANDS), fresh.truth
        )
        for factor in (0.2, 1.0, 5.0)
    }
    assert scores[1.0] < scores[0.2]
    assert scores[1.0] < scores[5.0]


def test_pixels_are_shared_out_among_the_sorts():
    rgb = np.random.default_rng(0).uniform(0, 1, (100, 3)).astype(np.float32)
    shares = bins(rgb)
    assert shares.shape == (100, len(SATURATION) * len(BRIGHTNESS))
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    assert (bins(np.zeros((1, 3), np.float32)) >= 0).all()  # black belongs somewhere too


def test_colours_of_unseen_chromaticity_are_told_whatever_their_brightness():
    some = np.zeros((31, 3, 3), np.float32)
    calibration = IntervalCalibration(BANDS, some, some, SEEN, np.array(0.1, np.float32))
    colours = np.array([[1, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 2], [1, 1, 12]], np.float32)
    assert calibration.is_unfamiliar(colours).tolist() == [False, True, False, False, True]
    assert calibration.is_unfamiliar(0.01 * colours).tolist() == calibration.is_unfamiliar(colours).tolist()


def test_seen_is_what_several_sources_of_training_had(monkeypatch):
    monkeypatch.setattr("nesr_gui.training.calibration.FEWEST", 1)
    library = worlds.library("coarse", 10, 400)
    seen = seen_chromaticities([worlds.scene("a")], [library] * 3)
    calibration = IntervalCalibration(BANDS, *np.zeros((2, 31, 3, 3), np.float32), seen, np.array(0.1, np.float32))
    known = cie.render_camera_rgb(library.values)
    unclipped = (known.min(1) > 0) & (known.max(1) < 1)
    assert not calibration.is_unfamiliar(known[unclipped]).any()
    assert calibration.is_unfamiliar(np.array([[0, 1, 0], [0, 0, 1]], np.float32)).all()
