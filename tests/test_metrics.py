"""Metrics by hand, alike for numpy and torch."""

import math

import numpy as np
import pytest
import torch

from nesr_gui import metrics

TRUTH = np.array([[0.5, 0.25], [0.0, 0.1]])
GUESS = np.array([[0.4, 0.25], [0.1, 0.2]])


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_by_hand(kind):
    guess, truth = kind(GUESS), kind(TRUTH)
    expected = (0.1 / 0.501 + 0 + 0.1 / 0.001 + 0.1 / 0.101) / 4
    assert float(metrics.mrae(guess, truth)) == pytest.approx(expected)
    assert float(metrics.rmse(guess, truth)) == pytest.approx(math.sqrt(0.03 / 4))
    assert metrics.psnr(guess, truth) == pytest.approx(-10 * math.log10(0.03 / 4))
    assert metrics.psnr(truth, truth) == math.inf
    angles = metrics.spectral_angle(guess, truth)
    assert float(angles[0]) == pytest.approx(math.degrees(math.atan2(0.25, 0.4) - math.atan2(0.25, 0.5)))
    assert float(angles[1]) == pytest.approx(math.degrees(math.atan2(0.1, 0.2)))


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_angle_ignores_brightness_and_black_is_perpendicular(kind):
    truth = kind(TRUTH)
    assert float(metrics.spectral_angle(3 * truth, truth).max()) < 1e-5
    assert float(metrics.spectral_angle(0 * truth, truth)[0]) == pytest.approx(90)


@pytest.mark.parametrize("size", [1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize("kind", [np.float32, torch.tensor])
def test_angles_of_small_radiances_are_those_of_reflectances(kind, size):
    guess, truth = kind(GUESS.astype(np.float32)), kind(TRUTH.astype(np.float32))
    expected = metrics.spectral_angle(guess, truth)
    np.testing.assert_allclose(
        metrics.spectral_angle(kind(size * GUESS.astype(np.float32)), kind(size * TRUTH.astype(np.float32))),
        expected,
        rtol=1e-4,
    )


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_noise_below_zero_does_not_make_the_error_negative_or_infinite(kind):
    truth = kind(np.array([0.5, -0.005, -metrics.MRAE_EPSILON]))
    errors = abs(0.1 - truth) / kind(np.array([0.501, 0.001, 0.001]))
    assert float(metrics.mrae(kind(np.full(3, 0.1)), truth)) == pytest.approx(float(errors.mean()))


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_one_spectrum_has_one_angle(kind):
    angle = metrics.spectral_angle(kind(GUESS[0]), kind(TRUTH[0]))
    assert angle.shape == () and float(angle) == pytest.approx(float(metrics.spectral_angle(GUESS, TRUTH)[0]))


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_a_missing_value_is_not_a_perfect_one(kind):
    guess, truth = kind(np.where(GUESS == 0.25, np.nan, GUESS)), kind(TRUTH)
    for metric in (metrics.psnr, metrics.rmse, metrics.mrae):
        assert math.isnan(float(metric(guess, truth)))


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
@pytest.mark.parametrize("metric", [metrics.psnr, metrics.rmse, metrics.mrae])
def test_other_shapes_are_not_stretched(metric, kind):
    with pytest.raises(ValueError, match=r"prediction of shape \(2, 2\) and a truth of shape \(2,\)"):
        metric(kind(GUESS), kind(TRUTH[0]))


def test_mrae_is_a_loss():
    guess = torch.tensor(GUESS, requires_grad=True)
    metrics.mrae(guess, torch.tensor(TRUTH)).backward()
    assert torch.isfinite(guess.grad).all()
