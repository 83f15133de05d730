"""Continuum removal equals that of Spectral Python; the hull is convex; bands are those that SciPy finds."""

import numpy as np
import pytest
import spectral
from scipy.signal import peak_widths

from nesr_gui.analysis.continuum import AbsorptionDepth, continuum, deepest_band, remove_continuum
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
    for dark in (0 * straight, -straight):  # no continuum to divide by
        assert np.isnan(remove_continuum(dark, BANDS)).all() and np.isnan(remove_continuum(dark[:, None], BANDS)).all()


def test_the_depth_and_position_of_a_band_are_found():
    line = 0.5 + 0.001 * (BANDS.nm - 400)
    band = line * (1 - 0.3 * np.exp(-(((BANDS.nm - 580) / 15) ** 2)))
    values = np.stack([band, line], axis=1).astype(np.float32)[:, None]
    made = compute_map(field_of(values), AbsorptionDepth(BANDS))
    np.testing.assert_allclose(made.values[0, 0], [0.3, 0], atol=1e-5)
    assert made.values[1, 0, 0] == 580 and np.isnan(made.values[1:, 0, 1]).all()
    assert [layer.label for layer in made.layers] == ["depth", "position (nm)", "width (nm)"]


def test_two_wavelengths_have_no_band():
    with pytest.raises(ValueError, match="2 wavelengths have no absorption band; choose at least three"):
        AbsorptionDepth(Wavelengths(np.array([400.0, 500.0])))


def smooth_spectra(bands: Wavelengths) -> np.ndarray:
    """Random, smooth, straight, flat and hollow spectra (L, n)."""
    chance, share = np.random.default_rng(1), np.linspace(0, 1, len(bands))
    waves = 0.5 + 0.4 * np.sin(9 * share[:, None] * chance.random(20) + 6 * chance.random(20))
    shapes = [share + 0.1, 1.1 - share, 0 * share + 0.3, 1 - (share - 0.5) ** 2, (share - 0.5) ** 2 + 0.1, 0 * share]
    return np.concatenate([chance.random((len(bands), 20)) + 0.1, waves, np.array(shapes).T], axis=1).astype(np.float32)


@pytest.mark.parametrize("bands", [BANDS, UNEVEN, Wavelengths.from_step(400, 700, 1), Wavelengths(np.array([400.0]))])
def test_a_single_spectrum_has_the_hull_that_it_has_among_others(bands):
    spectra = smooth_spectra(bands)
    together = continuum(spectra, bands)
    for spectrum, hull in zip(spectra.T, together.T, strict=True):
        np.testing.assert_allclose(continuum(spectrum, bands), hull, atol=2e-7)
    gap = np.where(bands.nm == bands.nm[-1], np.nan, spectra[:, 0]).astype(np.float32)
    assert np.isnan(continuum(gap, bands)).all()


def test_the_width_is_that_at_half_the_depth_of_scipy():
    bands = Wavelengths.from_step(400, 700, 2)
    ratios = remove_continuum(smooth_spectra(bands)[:, :40], bands)
    ratios = ratios[:, ratios.min(axis=0) < 0.999]
    assert ratios.shape[1] > 30
    depths, positions, widths = deepest_band(ratios, bands)
    for ratio, depth, position, width in zip(ratios.T, depths, positions, widths, strict=True):
        deepest = int(ratio.argmin())
        assert depth == pytest.approx(1 - ratio.min(), abs=1e-6) and position == bands.nm[deepest]
        assert width == pytest.approx(2 * peak_widths(1 - ratio.astype(float), [deepest])[0][0], rel=1e-4)
    one = deepest_band(ratios[:, 7], bands)
    np.testing.assert_array_equal(one, [depths[7], positions[7], widths[7]])


def test_spectra_without_a_band_have_no_position():
    found = deepest_band(remove_continuum(smooth_spectra(BANDS)[:, 40:], BANDS), BANDS)
    np.testing.assert_allclose(found[0, :4], 0, atol=1e-6)
    assert np.isnan(found[1:, :4]).all() and found[1, 4] == 550
    assert np.isnan(found[:, 5]).all(), "black has no continuum"
