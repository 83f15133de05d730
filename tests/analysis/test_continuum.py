"""Continuum removal equals that of Spectral Python, and the hull lies above the spectrum and is convex."""

import numpy as np
import pytest
import spectral

from nesr_gui.analysis.continuum import AbsorptionDepth, continuum, remove_continuum
from nesr_gui.analysis.maps import compute_map
from nesr_gui.spectral import Wavelengths
from tests.analysis.scenes import BANDS, field_of, mixed_cube

UNEVEN = Wavelengths(np.array([400.0, 403, 411, 440, 441, 500, 530, 600, 610, 700]))


@pytest.mark.parametrize("bands", [BANDS, UNEVEN])
def test_the_hull_equals_that_of_spectral_python(bands):
    spectra = np.random.default_rng(0).random((len(bands), 200)).astype(np.float32) + 0.1
    expected = spectral.spectral_continuum(np.ascontiguousarray(spectra.T, np.float64), bands.nm)
    np.testing.assert_allclose(continuum(spectra, bands).T, expected, atol=1e-6)
    removed = spectral.remove_continuum(np.ascontiguousarray(spectra.T, np.float64), bands.nm)
    np.testing.assert_allclose(remove_continuum(spectra, bands).T, removed, atol=1e-6)


def test_the_hull_is_above_the_spectrum_and_convex_and_touches_it():
    spectra = mixed_cube().astype(np.float64)
    hull = continuum(spectra, BANDS).astype(np.float64)
    assert (hull >= spectra - 1e-6).all()
    assert (np.diff(hull, 2, axis=0) <= 1e-6).all()
    np.testing.assert_allclose(hull[[0, -1]], spectra[[0, -1]], atol=1e-7)


def test_straight_convex_and_gapped_spectra():
    straight = np.linspace(0.2, 0.8, 31, dtype=np.float32)
    dome = (1 - ((BANDS.nm - 550) / 200) ** 2).astype(np.float32)
    gap = np.where(BANDS.nm == 500, np.nan, straight).astype(np.float32)
    hull = continuum(np.stack([straight, dome, gap], axis=1), BANDS)
    np.testing.assert_allclose(hull[:, 0], straight, atol=1e-6)
    np.testing.assert_array_equal(hull[:, 1], dome)
    assert np.isnan(hull[:, 2]).all()
    black = np.zeros((31, 1), np.float32)
    assert np.isnan(remove_continuum(black, BANDS)).all()


def test_the_depth_and_position_of_a_band_are_found():
    line = 0.5 + 0.001 * (BANDS.nm - 400)
    band = line * (1 - 0.3 * np.exp(-(((BANDS.nm - 580) / 15) ** 2)))
    values = np.stack([band, line], axis=1).astype(np.float32)[:, None]
    made = compute_map(field_of(values), AbsorptionDepth(BANDS))
    np.testing.assert_allclose(made.values[0, 0], [0.3, 0], atol=1e-5)
    assert made.values[1, 0, 0] == 580
    assert [layer.label for layer in made.layers] == ["depth", "position (nm)"]


def test_two_wavelengths_have_no_band():
    with pytest.raises(ValueError, match="2 wavelengths have no absorption band; choose at least three"):
        AbsorptionDepth(Wavelengths(np.array([400.0, 500.0])))
