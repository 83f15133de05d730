import numpy as np
import pytest

from nesr_gui.field import Cancelled, CubeField
from nesr_gui.gui.jobs import displayed
from nesr_gui.gui.requests import (
    PointsRequest,
    View,
    ask_curves,
    ask_readings,
    coarse_band,
    exact_band,
    levels_of,
    resolve_band,
)
from nesr_gui.spectral import RGBImage, Wavelengths
from tests.gui.conftest import BANDS, smooth_cube

FIELD = CubeField(smooth_cube(300, 400), BANDS)
ALL = View(-10, 310, -10, 410, 0.5)


def ignore(fraction: float) -> None:
    pass


@pytest.mark.parametrize("samples", [100, 5000, 1 << 20, None])
@pytest.mark.parametrize("reduction", [1, 3])
@pytest.mark.parametrize("view", [ALL, View(31.5, 97, 50.2, 120, 0.3), View(100, 900, 0, 1200, 4.0)])
def test_a_band_covers_what_is_in_view_and_stands_where_it_was_sampled(
    samples: int | None, reduction: int, view: View
) -> None:
    request = resolve_band(FIELD, reduction, 512.3, (0, 1), view, samples)
    band = coarse_band(request, ignore)
    x, y, width, height = request.rect
    side = request.stride * reduction
    assert band.values.shape == (height // side, width // side) and x % side == y % side == 0
    assert request.covers(view, (300 * reduction, 400 * reduction))
    if samples is not None:
        assert band.values.size <= samples * 1.3 + 200
    whole = FIELD.band(512.3)
    for i in range(0, band.values.shape[0], 7):
        for j in range(0, band.values.shape[1], 7):  # the block of each sample begins at the pixel that was sampled
            assert band.values[i, j] == whole[(y + i * side) // reduction, (x + j * side) // reduction]


def test_the_exact_band_is_as_fine_as_the_screen() -> None:
    assert resolve_band(FIELD, 1, 500, (0, 1), View(0, 300, 0, 400, 0.5), None).stride == 1
    assert resolve_band(FIELD, 1, 500, (0, 1), View(0, 300, 0, 400, 3.7), None).stride == 3
    assert resolve_band(FIELD, 2, 500, (0, 1), View(0, 600, 0, 800, 3.7), None).stride == 1


def test_the_exact_band_equals_the_coarse_one_of_its_stride(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nesr_gui.gui.requests.EXACT_PIECE", 1000)
    request = resolve_band(FIELD, 1, 437.7, (0, 1), View(13, 299, 7, 390, 2.2), None)
    np.testing.assert_array_equal(exact_band(request, ignore).values, coarse_band(request, ignore).values)


def test_the_exact_band_can_be_stopped_between_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nesr_gui.gui.requests.EXACT_PIECE", 1000)

    def stop(fraction: float) -> None:
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        exact_band(resolve_band(FIELD, 1, 437.7, (0, 1), ALL, None), stop)


def test_curves_and_readings_are_the_field_at_the_reduced_pixel() -> None:
    truth = CubeField(smooth_cube(600, 800)[5:], Wavelengths(BANDS.nm[5:]))
    request = PointsRequest(FIELD, truth, 2, ((599, 3), (11, 799)), None)
    curves = ask_curves(request, ignore)
    whole = Wavelengths.every(400, 700, 1)
    for pixel in request.pixels:
        reduced = [(pixel[0] // 2, pixel[1] // 2)]
        np.testing.assert_array_equal(curves[pixel].spectrum.values, FIELD.spectra(reduced, whole)[0])
        measured = curves[pixel].truth
        assert measured is not None and measured.wavelengths.nm[0] == 450
        np.testing.assert_array_equal(measured.values, truth.spectra([pixel], measured.wavelengths)[0])
    readings = ask_readings(PointsRequest(FIELD, truth, 2, ((11, 799),), 433.3), ignore)
    assert readings[11, 799].value == FIELD.spectra([(5, 399)], [433.3])[0, 0] and readings[11, 799].truth is None


def test_levels_are_zero_and_nearly_the_top() -> None:
    low, high = levels_of(FIELD)
    assert low == 0 and 0.85 < high <= 0.9
    assert levels_of(CubeField(np.zeros((31, 4, 4), np.float32), BANDS)) == (0, 1)


def test_displayed_colours_are_those_of_the_file() -> None:
    from nesr_gui.colorimetry import decode_srgb

    codes = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    np.testing.assert_array_equal(displayed(RGBImage(decode_srgb(codes / 255))), codes)
