"""Every analysis of the bundled cube, as it is read from its file, equals a published library or a slow loop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import spectral
from scipy.integrate import trapezoid
from scipy.ndimage import map_coordinates
from scipy.optimize import nnls
from sklearn.decomposition import PCA

from nesr_gui import io, resources
from nesr_gui.analysis.class_counts import tally_classes
from nesr_gui.analysis.classification import Classification, MatchedFilter, SpectralAngleMapper
from nesr_gui.analysis.clustering import Clusters
from nesr_gui.analysis.components import ComponentKind, Components
from nesr_gui.analysis.continuum import AbsorptionDepth
from nesr_gui.analysis.expression import Expression
from nesr_gui.analysis.library import SpectralLibrary
from nesr_gui.analysis.maps import compute_map
from nesr_gui.analysis.matching import Query, rank_matches
from nesr_gui.analysis.pixelwise import PixelAnalysis
from nesr_gui.analysis.scatter import Pair, density
from nesr_gui.analysis.statistics import integrate, region_statistics
from nesr_gui.analysis.transect import box_mean, sample_transect
from nesr_gui.analysis.unmixing import Unmixing
from nesr_gui.fields.protocol import SpectralField
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, Spectrum

TOP, LEFT, BOTTOM, RIGHT = 20, 30, 80, 130  # several patches of a colour chart, and what is between them
PART = Region.rectangle(TOP, LEFT, BOTTOM, RIGHT)
SPOTS = (30, 45), (50, 100), (70, 40)


@pytest.fixture(scope="module")
def cube() -> SpectralField:
    path = resources.sample("colour_checker").truth
    assert path is not None
    return io.open_cube(path)


@pytest.fixture(scope="module")
def values(cube: SpectralField) -> FloatArray:
    """(L, h, w) of the part, by the library of the file format."""
    import h5py

    with h5py.File(resources.sample("colour_checker").truth) as file:
        return np.asarray(file["cube"][:, TOP:BOTTOM, LEFT:RIGHT], np.float32)


@pytest.fixture
def spectra(cube: SpectralField, values: FloatArray) -> list[Spectrum]:
    """Of three different places."""
    return [Spectrum(cube.bands, values[:, row - TOP, col - LEFT], f"{row},{col}") for row, col in SPOTS]


@pytest.fixture
def map_of(cube: SpectralField) -> Callable[[PixelAnalysis], FloatArray]:
    return lambda analysis: compute_map(cube, analysis, region=PART).values


def test_angles_and_classes(cube, values, spectra, map_of):
    spectra = spectra[:2]  # and not that of the third spot, which has no class
    image = np.moveaxis(values, 0, -1).astype(np.float64)
    angles = np.degrees(spectral.spectral_angles(image, np.stack([each.values for each in spectra]).astype(float)))
    found = map_of(Classification(SpectralAngleMapper(spectra, cube.bands), 8.0))
    expected = np.where(angles.min(axis=-1) <= 8, angles.argmin(axis=-1) + 1, 0)
    is_clear = np.abs(angles - 8).min(axis=-1) > 0.06  # float32, near 0°
    np.testing.assert_array_equal(found[0][is_clear], expected[is_clear])
    np.testing.assert_allclose(found[1], angles.min(axis=-1), atol=0.06)
    assert len(np.unique(expected)) == 3
    tally = tally_classes(cube, Classification(SpectralAngleMapper(spectra, cube.bands), 8.0), ("a", "b"))
    assert tally.numbers is not None
    np.testing.assert_array_equal(tally.numbers[TOP:BOTTOM, LEFT:RIGHT], found[0])


def test_the_matched_filter(cube, values, spectra, map_of):
    image = np.moveaxis(values, 0, -1).astype(np.float64)
    matched = MatchedFilter.fit(cube, spectra[:1], cube.bands, region=PART)
    expected = spectral.matched_filter(image, spectra[0].values.astype(float))
    scores = matched.scores(values)[0]
    assert np.corrcoef(scores.ravel(), expected.ravel())[0, 1] > 0.99
    assert map_of(Classification(matched, 0.5))[0][SPOTS[0][0] - TOP, SPOTS[0][1] - LEFT] == 1


def test_components(cube, values, map_of):
    pixels = values.reshape(31, -1).T.astype(np.float64)
    library = PCA(3).fit(pixels)
    expected = library.transform(pixels).T.reshape(3, *values.shape[1:])
    components = Components.fit(cube, cube.bands, 3, region=PART)
    found = map_of(components)
    for own, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(own, np.sign((own * other).sum()) * other, atol=1e-4)
    np.testing.assert_allclose(components.explained, library.explained_variance_ratio_, rtol=1e-4)


def test_minimum_noise_fractions(cube, values):
    """By their definition; of a rendered chart, in which only the first three have noise."""
    found = Components.fit(cube, cube.bands, 3, ComponentKind.MNF, region=PART)
    across, down = np.diff(values, axis=2).reshape(31, -1), np.diff(values, axis=1).reshape(31, -1)
    differences = np.concatenate([across, down], axis=1).astype(np.float64)
    noise = differences @ differences.T / (2 * differences.shape[1])
    scores = found.values(values).reshape(3, -1).astype(np.float64)
    np.testing.assert_allclose(found.projection @ noise @ found.projection.T, np.eye(3), atol=1e-5)
    np.testing.assert_allclose(np.cov(scores), np.diag(found.strengths), atol=1e-3 * found.strengths[0])
    assert (np.diff(found.strengths) < 0).all()


def test_clusters(cube, values, map_of):
    clusters = Clusters.fit(cube, cube.bands, 5, region=PART)
    distances = np.square(values[None] - clusters.centres[:, :, None, None]).sum(axis=1)
    found = map_of(clusters)[0]
    own = np.take_along_axis(distances, found.astype(int)[None] - 1, axis=0)[0]
    np.testing.assert_allclose(own, distances.min(axis=0), atol=1e-5)
    means = [values[:, found == number].mean(axis=1) for number in range(1, 6)]
    np.testing.assert_allclose(clusters.centres, means, atol=0.02)  # of mini-batches


@pytest.mark.parametrize("is_summed", [True, False])
def test_abundances(cube, values, spectra, map_of, is_summed):
    matrix = np.stack([each.values for each in spectra]).T.astype(np.float64)
    weight = 1e4  # of a row that makes the abundances sum to 1 (Heinz and Chang 2001)
    if is_summed:
        matrix = np.concatenate([matrix, np.full((1, 3), weight)])
    found = map_of(Unmixing(spectra, cube.bands, sums_to_one=is_summed))
    for row in range(0, 60, 7):
        for col in range(0, 100, 11):
            pixel = [*values[:, row, col].astype(float), *[weight] * is_summed]
            np.testing.assert_allclose(found[:3, row, col], nnls(matrix, pixel)[0], atol=1e-4)


def test_band_math_scatter_and_absorption(cube, values, map_of):
    double = values.astype(np.float64)
    mean = trapezoid(double[20:26], dx=10, axis=0) / 50
    found = map_of(Expression.parse("b555 / mean(600, 650)").for_field(cube))[0]
    np.testing.assert_allclose(found, (double[15] + double[16]) / 2 / mean, rtol=1e-5)
    pair = Pair(*(Expression.parse(text).for_field(cube) for text in ("b550", "b650")))
    counts = density(map_of(pair), (0.0, 1.0, 0.0, 1.0), (40, 50)).counts
    expected, _, _ = np.histogram2d(double[25].ravel(), double[15].ravel(), (40, 50), ((0, 1), (0, 1)))
    np.testing.assert_array_equal(counts, expected)
    removed = spectral.remove_continuum(np.moveaxis(double, 0, -1), cube.bands.nm)
    depth, position, _ = map_of(AbsorptionDepth(cube.bands))
    np.testing.assert_allclose(depth, 1 - removed.min(axis=-1), atol=1e-5)
    deepest = cube.bands.nm[removed.argmin(axis=-1)]
    assert (position == deepest)[depth > 0.05].mean() > 0.999  # float32


def test_statistics_transect_box_and_integral(cube, values):
    double = values.astype(np.float64)
    found = region_statistics(cube, PART, within=(450, 600))
    np.testing.assert_allclose(found.mean, double[5:21].mean(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found.deviation, double[5:21].std(axis=(1, 2), ddof=1), rtol=1e-5)
    line = sample_transect(cube, [(25.2, 33.7), (71.9, 121.3)], cube.bands)
    places = (line.points - 0.5 - (TOP, LEFT)).T
    for band in (0, 12, 30):
        np.testing.assert_allclose(line.spectra[:, band], map_coordinates(double[band], places, order=1), atol=1e-6)
    mean, deviation, count = box_mean(cube, 40, 60, 5, cube.bands)
    box = double[:, 38 - TOP : 43 - TOP, 58 - LEFT : 63 - LEFT].reshape(31, -1)
    np.testing.assert_allclose((mean.values, deviation), (box.mean(axis=1), box.std(axis=1)), atol=1e-6)
    assert count == 25
    area = integrate(mean, (450.0, 605.0)).area
    nodes = np.array([*cube.bands.nm[5:21], 605.0])
    assert area == pytest.approx(trapezoid(np.interp(nodes, cube.bands.nm, mean.values), nodes), rel=1e-6)


def test_the_nearest_of_a_library_of_pixels(cube, values):
    pixels = values[:, ::6, ::10].reshape(31, -1).astype(np.float64)
    library = SpectralLibrary.of(
        [Spectrum(cube.bands, each.astype(np.float32), str(at)) for at, each in enumerate(pixels.T)]
    )
    own = values[:, 33 - TOP, 47 - LEFT].astype(np.float64)
    cosines = own @ pixels / np.linalg.norm(own) / np.linalg.norm(pixels, axis=0)
    matches = rank_matches(Query.at_pixel(cube, 33, 47), library)
    expected = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    np.testing.assert_allclose([match.distance for match in matches], np.sort(expected), atol=1e-4)
