"""Appearances against published values, and against what must be."""

import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.appearance import appearances, dominant_wavelength
from nesr_gui.colorimetry.viewing_conditions import Illuminant, ViewingConditions
from nesr_gui.spectral import Wavelengths

FINE = Wavelengths.from_step(400, 700, 1)
CHART = cie.colour_checker(FINE)


def test_the_chart_has_its_published_lab():
    """BabelColor's averages under D50, 2°: within what the range 400-700 nm leaves out."""
    quoted = {0: (37.54, 14.37, 14.92), 5: (70.48, -32.26, -0.37), 14: (42.10, 53.38, 28.19), 18: (96.0, -0.4, 2.4)}
    seen = appearances(CHART, FINE, ViewingConditions(Illuminant("D50")))
    for patch, lab in quoted.items():
        np.testing.assert_allclose(seen[patch].lab, lab, atol=1.5)


def test_white_is_white_and_has_no_hue():
    for light in (Illuminant("A"), Illuminant.blackbody(3000), Illuminant("LED-RGB1")):
        (white,) = appearances(np.ones((1, 301)), FINE, ViewingConditions(light))
        np.testing.assert_allclose(white.lab, [100, 0, 0], atol=1e-6)
        assert np.isnan(white.dominant) and white.in_gamut and white.hex == "#ffffff"


def test_black_is_black():
    (black,) = appearances(np.zeros((1, 301)), FINE, ViewingConditions())
    assert black.lab == (0, 0, 0) and black.hex == "#000000" and np.isnan(black.dominant)


@pytest.mark.parametrize("nm", [450, 500, 546.3, 580, 620])
def test_the_dominant_wavelength_of_a_narrow_band_is_its_own(nm):
    narrow = np.exp(-(((FINE.nm - nm) / 4) ** 2))[None]
    (seen,) = appearances(narrow, FINE, ViewingConditions(Illuminant("E")))
    assert seen.dominant == pytest.approx(nm, abs=1.5)


def test_dominant_wavelengths_are_those_of_colour_science():
    pytest.importorskip("scipy")
    colour, white = cie._colour(), np.array([0.3127, 0.3290])
    rng = np.random.default_rng(0)
    for xy in white + rng.uniform(-0.12, 0.12, (40, 2)):
        expected = float(colour.dominant_wavelength(xy, white)[0])
        ours = dominant_wavelength(xy, white, ViewingConditions())
        assert ours == pytest.approx(expected, abs=1.0) or min(abs(ours), abs(expected)) < 430


def test_difference_is_of_the_standard():
    """Pairs 1, 7 and 25 of Sharma, Wu and Dalal (2005)."""
    for lab, other, expected in [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ]:
        assert cie.delta_e(lab, other) == pytest.approx(expected, abs=1e-4)


def test_every_chart_has_named_patches():
    for name in cie.CHARTS:
        patches = cie.chart(name)
        assert len(patches) == 24 and len({patch for patch, _ in patches}) == 24
