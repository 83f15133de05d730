import numpy as np
import pytest

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.tasks.spectra import ColourQuery, PixelQuery, query_colours, query_curves, query_readouts
from nesr_gui.spectral import Spectrum, Wavelengths
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
    asked = ColourQuery({(1, 2): spectrum}, ViewingConditions.default(), True, None, False, None, 1)
    result = query_colours(asked, lambda done: None)[1, 2]
    assert (result.appearance is None) == (low == 450) == ("lies outside 450-1000 nm" in result.refusal)
