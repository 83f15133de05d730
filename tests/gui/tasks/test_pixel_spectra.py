import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.model.marks import MarkGeometry, MarkSpectrum
from nesr_gui.gui.tasks.spectra import ColourQuery, PixelQuery, query_colours, query_curves, query_readouts
from nesr_gui.regions import Region
from nesr_gui.spectral import RGBImage, Spectrum, Wavelengths
from tests.gui.conftest import BANDS, smooth_cube

FIELD = CubeField(smooth_cube(300, 400), BANDS)


def ignore(fraction: float) -> None:
    pass


def test_curves_and_readings_are_the_field_at_the_reduced_pixel() -> None:
    truth = CubeField(smooth_cube(600, 800)[5:], Wavelengths(BANDS.nm[5:]))
    request = PixelQuery(FIELD, truth, 2, ((599, 3), (11, 799)), None)
    curves = query_curves(request, ignore)
    whole = Wavelengths.from_step(400, 700, 1)
    for pixel in request.pixels:
        reduced = [(pixel[0] // 2, pixel[1] // 2)]
        np.testing.assert_array_equal(curves[pixel].spectrum.values, FIELD.spectra(reduced, whole)[0])
        measured = curves[pixel].truth
        assert measured is not None and measured.wavelengths.nm[0] == 450
        block = [(2 * reduced[0][0] + i, 2 * reduced[0][1] + j) for i in (0, 1) for j in (0, 1)]
        mean = truth.spectra(block, measured.wavelengths).mean(0)
        np.testing.assert_allclose(measured.values, mean, atol=1e-6)
    readouts = query_readouts(PixelQuery(FIELD, truth, 2, ((11, 799),), 433.3), ignore)
    assert readouts[11, 799].value == FIELD.spectra([(5, 399)], [433.3])[0, 0] and readouts[11, 799].truth is None


@pytest.mark.parametrize("low", [400, 450])
def test_a_spectrum_that_does_not_determine_a_colour_has_none(low: int) -> None:
    bands = Wavelengths.from_step(low, 1000, 10)
    spectrum = Spectrum(bands, np.full(len(bands), 0.5, np.float32))
    asked = ColourQuery({(1, 2): MarkSpectrum(spectrum)}, ViewingConditions.default(), True, None, False, None, 1)
    result = query_colours(asked, lambda done: None)[1, 2]
    assert (result.appearance is None) == (low == 450) == ("lies outside 450-1000 nm" in result.refusal)


PIN, BOX, SPECK = (37, 50), Region.rectangle(20, 10, 30, 41), Region.rectangle(50.1, 70.1, 50.3, 70.4)


@pytest.mark.parametrize(
    ("place", "displayed", "binning", "rows", "cols"),
    [
        (PIN, 1, 1, slice(37, 38), slice(50, 51)),
        (PIN, 1, 3, slice(36, 39), slice(48, 51)),
        (PIN, 2, 1, slice(18, 19), slice(25, 26)),
        (PIN, 2, 4, slice(18, 20), slice(24, 26)),
        (PIN, 4, 1, slice(9, 10), slice(12, 13)),
        (BOX, 1, 2, slice(20, 30), slice(10, 41)),
        (BOX, 2, 1, slice(10, 15), slice(5, 20)),  # those whose centres are inside
        (SPECK, 2, 1, slice(25, 26), slice(35, 36)),
    ],
)
def test_smooth_metamers_have_the_colour_of_the_photograph_there(
    place: MarkGeometry, displayed: int, binning: int, rows: slice, cols: slice
) -> None:
    """Photographs of many pixels are displayed at a lower resolution, which need not be that of the field."""
    values = 0.2 + 0.6 * np.random.default_rng(0).random((60 // displayed, 80 // displayed, 3))
    photograph = RGBImage(values, binning=displayed, source_shape=(60, 80))
    curves = {place: MarkSpectrum(Spectrum(BANDS, np.full(31, 0.5, np.float32)))}
    query = ColourQuery(curves, ViewingConditions.default(), True, None, True, photograph, binning)
    smooth = query_colours(query, ignore)[place].smooth
    assert smooth is not None
    seen = np.interp(cie.CAMERA_BANDS, smooth.wavelengths.nm, smooth.values) @ cie.default_camera().T
    np.testing.assert_allclose(seen, photograph.values[rows, cols].mean((0, 1)), atol=2e-3)
