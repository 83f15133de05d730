"""Components equal those of scikit-learn and of Spectral Python, however the image is split."""

import numpy as np
import pytest
import spectral
from sklearn.decomposition import PCA

from nesr_gui.analysis import pixelwise
from nesr_gui.analysis.components import ComponentKind, Components, NoiseMoments
from nesr_gui.analysis.maps import compute_map
from nesr_gui.analysis.pixelwise import SpectraBlock
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity
from tests.analysis.scenes import BANDS, TiledCube, field_of, mixed_cube

VALUES = mixed_cube()


def test_principal_components_equal_those_of_scikit_learn():
    found = Components.fit(field_of(VALUES), BANDS, 6)
    expected = PCA(6, svd_solver="full").fit(VALUES.reshape(31, -1).T.astype(np.float64))
    signs = np.sign((found.loadings * expected.components_).sum(axis=1))[:, None]
    np.testing.assert_allclose(found.loadings, signs * expected.components_, atol=2e-5)
    np.testing.assert_allclose(found.strengths, expected.explained_variance_, rtol=1e-4)
    np.testing.assert_allclose(found.explained, expected.explained_variance_ratio_, rtol=1e-4)
    scores = signs * expected.transform(VALUES.reshape(31, -1).T).T
    np.testing.assert_allclose(compute_map(field_of(VALUES), found).values.reshape(6, -1), scores, atol=1e-5)
    assert (np.take_along_axis(found.loadings, np.abs(found.loadings).argmax(1)[:, None], 1) > 0).all()


def test_noise_fractions_equal_those_of_spectral_python():
    """With the covariance of the differences to the right and below as noise."""
    found = Components.fit(field_of(VALUES), BANDS, 31, ComponentKind.MNF)
    image = np.moveaxis(VALUES, 0, -1).astype(np.float64)
    pairs = []
    for differences in (image[:, :-1] - image[:, 1:], image[:-1] - image[1:]):
        pairs.append(differences.reshape(-1, 31))
    stacked = np.concatenate(pairs)
    noise = spectral.GaussianStats(np.zeros(31), stacked.T @ stacked / (2 * len(stacked)), len(stacked))
    expected = spectral.mnf(spectral.calc_stats(image), noise)
    np.testing.assert_allclose(found.strengths, expected.napc.eigenvalues, rtol=1e-6)
    reduced = expected.reduce(image, num=4)
    scores = compute_map(field_of(VALUES), found).values[:4]
    for own, theirs in zip(scores, np.moveaxis(reduced, -1, 0), strict=True):
        theirs = theirs * np.sign((own * theirs).sum())
        np.testing.assert_allclose(own, theirs, atol=2e-3 * np.abs(theirs).max())


@pytest.mark.parametrize("kind", ComponentKind)
def test_curves_are_mean_and_loadings(kind):
    """From which the spectra are rebuilt; the projection of noise fractions is another matrix."""
    found = Components.fit(field_of(VALUES), BANDS, 4, kind)
    mean, *loadings = found.curves()
    np.testing.assert_allclose(mean.values, VALUES.mean(axis=(1, 2)), rtol=1e-5)
    scores = found.values(VALUES).reshape(4, -1).astype(np.float64)
    rebuilt = mean.values[:, None] + sum(np.outer(each.values, own) for each, own in zip(loadings, scores, strict=True))
    np.testing.assert_allclose(rebuilt, found.spectra(found.values(VALUES)).reshape(31, -1), atol=1e-4)
    assert [each.name for each in loadings] == [f"{kind.short} {number}" for number in range(1, 5)]


def test_components_do_not_depend_on_how_the_image_is_split(monkeypatch):
    whole = [Components.fit(field_of(VALUES), BANDS, 5, kind) for kind in ComponentKind]
    monkeypatch.setattr(pixelwise, "STRIP_VALUES", 3 * 31 * 31)  # strips of three rows
    tiled = TiledCube(VALUES, BANDS, Quantity.REFLECTANCE)
    for kind, expected in zip(ComponentKind, whole, strict=True):
        found = Components.fit(tiled, BANDS, 5, kind)
        np.testing.assert_allclose(found.strengths, expected.strengths, rtol=1e-9)
        np.testing.assert_allclose(found.loadings, expected.loadings, atol=1e-8)


@pytest.mark.parametrize("kind", ComponentKind)
def test_all_components_rebuild_the_spectra_and_the_first_remove_noise(kind):
    clean = mixed_cube(noise=0)
    found = Components.fit(field_of(VALUES), BANDS, 31, kind)
    scores = found.values(VALUES)
    np.testing.assert_allclose(found.spectra(scores), VALUES, atol=2e-5)
    first = Components.fit(field_of(VALUES), BANDS, 6, kind)
    smooth = first.spectra(first.values(VALUES))
    assert np.square(smooth - clean).mean() < 0.5 * np.square(VALUES - clean).mean()


def test_noise_fractions_of_white_noise_have_no_signal_and_whiten_it():
    noise = np.random.default_rng(1).normal(0.5, 0.05, (31, 60, 60)).astype(np.float32)
    found = Components.fit(field_of(noise), BANDS, 31, ComponentKind.MNF)
    assert 0.8 < found.strengths.min() < found.strengths.max() < 1.25  # signal / noise + 1 of no signal, and sampling
    np.testing.assert_allclose(np.var(found.values(noise).reshape(31, -1), axis=1), found.strengths, rtol=1e-3)


def test_neighbours_across_the_gaps_of_a_sample_do_not_count():
    parts = [
        SpectraBlock(slice(row, row + 4), slice(0, 31), VALUES[:, row : row + 4], np.ones((4, 31), bool))
        for row in (0, 4, 12)
    ]
    noise, expected = NoiseMoments(31), []
    for part in parts:
        noise.add(part)
    for strip in (VALUES[:, :8], VALUES[:, 12:16]):
        expected += [np.diff(strip, axis=axis).reshape(31, -1) for axis in (1, 2)]
    differences = np.concatenate(expected, axis=1).astype(np.float64)
    assert noise.count == differences.shape[1]
    np.testing.assert_allclose(noise.covariance(), differences @ differences.T / (2 * noise.count), rtol=1e-9)


def test_pixels_without_values_and_outside_the_region_do_not_count():
    values = VALUES.copy()
    values[4, 3, 5] = np.nan
    region = Region.rectangle(2, 3, 20, 30)
    found = Components.fit(field_of(values), BANDS, 3, region=region)
    chosen = VALUES[:, 2:20, 3:30].reshape(31, -1).T
    chosen = np.delete(chosen, 1 * 27 + 2, axis=0)
    np.testing.assert_allclose(found.strengths, PCA(3).fit(chosen.astype(np.float64)).explained_variance_, rtol=1e-4)
    assert found.pixels == "485 of 744 pixels"


def test_a_large_image_is_sampled_and_says_so():
    values = np.tile(VALUES, (1, 8, 1))
    found = Components.fit(field_of(values), BANDS, 3, sample=1500)
    assert found.pixels == f"{3 * 16 * 31:,} of {24 * 8 * 31:,} pixels"
    full = Components.fit(field_of(values), BANDS, 3, sample=None)
    np.testing.assert_allclose(found.explained, full.explained, atol=0.03)


def test_components_can_be_cancelled_and_report_progress():
    seen = []
    field = TiledCube(VALUES, BANDS, Quantity.REFLECTANCE)
    Components.fit(field, BANDS, 2, progress=seen.append)
    assert seen == sorted(seen) and len(seen) == 25 and seen[-1] == 1

    def cancel(fraction):
        raise Cancelled

    for kind in ComponentKind:
        with pytest.raises(Cancelled):
            Components.fit(field, BANDS, 2, kind, progress=cancel)


def test_impossible_components_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"40 components requested; 31 wavelengths"):
        Components.fit(field_of(VALUES), BANDS, 40)
    flat = field_of(np.full((31, 4, 5), 0.5, np.float32))
    with pytest.raises(ValueError, match="all pixels have the same spectrum"):
        Components.fit(flat, BANDS, 2)
    with pytest.raises(ValueError, match="no pixel has a value|0 pixels have a value"):
        Components.fit(field_of(np.full((31, 4, 5), np.nan, np.float32)), BANDS, 2)
