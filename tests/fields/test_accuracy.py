"""Figures of an image are those of all its values at once, however it is cut into blocks."""

from __future__ import annotations

import numpy as np
import pytest

from nesr_gui import metrics
from nesr_gui.colorimetry.cie import colour_differences, render_camera_rgb
from nesr_gui.fields.accuracy import accuracy, shared_bands
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.spectral import Quantity, Wavelengths

BANDS = Wavelengths.from_step(400, 700, 10)
RNG = np.random.default_rng(4)
TRUTH = 0.6 * RNG.random((31, 9, 14), np.float32)
TRUTH[:, :2, :3] = 0.001
GUESS = (TRUTH + 0.05 * RNG.standard_normal(TRUTH.shape)).astype(np.float32)


def field(values: np.ndarray, bands: Wavelengths = BANDS) -> CubeField:
    return CubeField(values, bands)


@pytest.mark.parametrize("block", [31, 31 * 20, 1 << 20])
def test_figures_are_those_of_the_definitions(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nesr_gui.fields.protocol.BLOCK_VALUES", block)
    got = accuracy(field(GUESS), field(TRUTH))
    assert got.mrae == pytest.approx(metrics.mrae(GUESS, TRUTH), rel=1e-4)
    assert got.rmse == pytest.approx(metrics.rmse(GUESS, TRUTH), rel=1e-4)
    assert got.psnr == pytest.approx(metrics.psnr(GUESS, TRUTH), rel=1e-4)
    last = np.moveaxis(GUESS, 0, -1), np.moveaxis(TRUTH, 0, -1)
    bright = TRUTH.mean(0) > 0.02
    assert got.angle == pytest.approx(metrics.spectral_angle(*last)[bright].mean(), rel=1e-4)
    assert got.colour == pytest.approx(
        colour_differences(render_camera_rgb(last[0]), render_camera_rgb(last[1])).mean(), rel=1e-3
    )
    assert got.pixels == 9 * 14


def test_equal_radiances_have_equal_colours() -> None:
    same = CubeField(TRUTH, BANDS, Quantity.RADIANCE)
    assert accuracy(same, same).colour == 0


def test_members_and_windows_are_counted_alone() -> None:
    chosen = RNG.random((9, 14)) > 0.5
    got = accuracy(field(GUESS), field(TRUTH), members=lambda rows, cols: chosen[rows, cols])
    assert got.pixels == chosen.sum()
    assert got.mrae == pytest.approx(metrics.mrae(GUESS[:, chosen], TRUTH[:, chosen]), rel=1e-4)
    window = accuracy(field(GUESS), field(TRUTH), rows=slice(3, 5), cols=slice(4, 9))
    assert window.rmse == pytest.approx(metrics.rmse(GUESS[:, 3:5, 4:9], TRUTH[:, 3:5, 4:9]), rel=1e-4)


def test_only_shared_wavelengths_are_compared() -> None:
    short = field(TRUTH[5:16], Wavelengths(BANDS.nm[5:16]))
    got = accuracy(field(GUESS), short)
    assert got.mrae == pytest.approx(metrics.mrae(GUESS[5:16], TRUTH[5:16]), rel=1e-4)
    assert np.isnan(got.colour)  # 450-550 nm make no colour
    with pytest.raises(ValueError, match="no wavelength in common"):
        shared_bands(field(GUESS), field(TRUTH, Wavelengths.from_step(800, 1100, 10)))
    assert len(shared_bands(field(GUESS), field(TRUTH[:1], Wavelengths(np.array([700.0]))))) == 1


def test_pixels_without_truth_are_left_out() -> None:
    holed = TRUTH.copy()
    holed[4, 5, 6] = np.nan
    got = accuracy(field(GUESS), field(holed))
    known = np.ones((9, 14), bool)
    known[5, 6] = False
    assert got.pixels == known.sum() and got.rmse == pytest.approx(
        metrics.rmse(GUESS[:, known], TRUTH[:, known]), rel=1e-4
    )
    nothing = accuracy(field(GUESS), field(np.full_like(TRUTH, np.nan)))
    assert nothing.pixels == 0 and np.isnan([nothing.mrae, nothing.rmse, nothing.psnr, nothing.angle]).all()


def test_measured_values_below_zero_count() -> None:
    noisy = TRUTH.copy()
    noisy[3, :, :7] = -metrics.MRAE_EPSILON
    got = accuracy(field(GUESS), field(noisy))
    assert got.pixels == 9 * 14 and got.rmse == pytest.approx(metrics.rmse(GUESS, noisy), rel=1e-4)
    assert got.mrae == pytest.approx(metrics.mrae(GUESS, noisy), rel=1e-4) and got.mrae > 0


def test_equal_is_perfect() -> None:
    got = accuracy(field(TRUTH), field(TRUTH))
    assert got.mrae == got.rmse == 0 and got.psnr == np.inf and got.angle == pytest.approx(0, abs=0.05)


def test_shapes_must_agree_and_work_can_be_stopped() -> None:
    with pytest.raises(ValueError, match="shape"):
        accuracy(field(GUESS), field(TRUTH[:, :5]))

    def stop(fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        accuracy(field(GUESS), field(TRUTH), progress=stop)
