"""Clusters are near those of k-means on all pixels, equal for equal seeds, and cancellable."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from nesr_gui.analysis.clustering import Clusters, Feature
from nesr_gui.analysis.components import Components
from nesr_gui.analysis.maps import compute_map
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.io import registry
from nesr_gui.spectral import Quantity
from tests.analysis.scenes import BANDS, TiledCube, chart_spectra, field_of, mixed_cube


def patchwork(shading: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """An image (L, H, W) of four materials with noise, and the material (H, W) of each pixel."""
    chance, members = np.random.default_rng(5), np.stack([s.values for s in chart_spectra(4)])
    which = chance.choice(4, (40, 50), p=[0.4, 0.3, 0.2, 0.1])
    shades = 1 + shading * chance.uniform(-1, 1, which.shape)
    return (members[which].transpose(2, 0, 1) * shades + chance.normal(0, 0.01, (31, 40, 50))).astype(np.float32), which


def test_materials_are_separated_and_the_largest_is_the_first():
    values, which = patchwork()
    clusters = Clusters.fit(field_of(values), BANDS, 4)
    numbers = compute_map(field_of(values), clusters).values[0]
    np.testing.assert_array_equal(numbers, which + 1)
    members = np.stack([s.values for s in chart_spectra(4)])
    np.testing.assert_allclose([curve.values for curve in clusters.curves()], members, atol=0.01)
    np.testing.assert_allclose(clusters.shares, np.bincount(which.ravel()) / which.size, atol=1e-9)


@pytest.mark.parametrize(("level", "size"), [(300, 1), (30_000, 20), (30_000, 1000)])
def test_materials_are_separated_on_a_large_offset(level, size):
    """Temperatures, or counts above a pedestal."""
    values, which = patchwork()
    raised = (level + size * values).astype(np.float32)
    clusters = Clusters.fit(field_of(raised), BANDS, 4)
    np.testing.assert_array_equal(clusters.values(raised)[0], which + 1)
    members = level + size * np.stack([s.values for s in chart_spectra(4)])
    np.testing.assert_allclose([curve.values for curve in clusters.curves()], members, atol=0.02 * size)


def test_the_error_is_near_that_of_k_means_on_all_pixels():
    values = mixed_cube(60, 70)
    pixels = values.reshape(31, -1).T.astype(np.float64)
    clusters = Clusters.fit(field_of(values), BANDS, 6)
    numbers = compute_map(field_of(values), clusters).values[0].ravel().astype(int) - 1
    own = np.square(pixels - clusters.centres[numbers]).sum()
    nearest = np.square(pixels[:, None] - clusters.centres).sum(-1).argmin(1)
    np.testing.assert_array_equal(numbers, nearest)
    assert own < 1.1 * KMeans(6, n_init=3, random_state=0).fit(pixels).inertia_


def test_shapes_ignore_brightness():
    values, which = patchwork(shading=0.8)
    found = {}
    for feature in (Feature.SPECTRA, Feature.SHAPES):
        clusters = Clusters.fit(field_of(values), BANDS, 4, feature)
        found[feature] = adjusted_rand_score(which.ravel(), clusters.values(values)[0].ravel())
    assert found[Feature.SHAPES] > 0.95 > found[Feature.SPECTRA]


def test_components_are_clustered_in_their_own_space():
    values, which = patchwork()
    components = Components.fit(field_of(values), BANDS, 3)
    clusters = Clusters.fit(field_of(values), BANDS, 4, Feature.COMPONENTS, components=components)
    assert clusters.centres.shape == (4, 3)
    np.testing.assert_array_equal(clusters.values(values)[0], which + 1)
    members = np.stack([s.values for s in chart_spectra(4)])
    np.testing.assert_allclose([curve.values for curve in clusters.curves()], members, atol=0.01)
    assert "principal components" in clusters.describe()["components"]


def test_equal_seeds_give_equal_clusters_however_the_image_is_split():
    values = mixed_cube(60, 70)
    fields = field_of(values), field_of(values)
    one, same = (Clusters.fit(field, BANDS, 5, seed=3, sample=2000) for field in fields)
    other = Clusters.fit(fields[0], BANDS, 5, seed=4, sample=2000)
    np.testing.assert_array_equal(one.centres, same.centres)
    assert not np.array_equal(one.centres, other.centres)
    assert one.describe()["seed"] == "3"


def test_materials_that_lie_in_different_parts_of_an_image_are_all_found():
    """Every mini-batch has pixels of the whole image: rows of one material fill several of them."""
    which = np.repeat(np.arange(6), 20)[:, None] * np.ones(400, int)
    noise = np.random.default_rng(3).normal(0, 0.01, (31, *which.shape))
    values = (np.stack([s.values for s in chart_spectra(6)])[which].transpose(2, 0, 1) + noise).astype(np.float32)
    clusters = Clusters.fit(field_of(values), BANDS, 6)
    assert adjusted_rand_score(which.ravel(), clusters.values(values)[0].ravel()) == 1


def test_clusters_report_progress_and_can_be_cancelled_in_both_parts():
    values, _ = patchwork()
    field = TiledCube(values, BANDS, Quantity.REFLECTANCE)
    seen = []
    Clusters.fit(field, BANDS, 4, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1 and sum(fraction > 0.5 for fraction in seen) > 3
    for limit in (0.1, 0.6):

        def cancel(fraction, limit=limit):
            if fraction > limit:
                raise Cancelled

        with pytest.raises(Cancelled):
            Clusters.fit(field, BANDS, 4, progress=cancel)


def test_impossible_numbers_are_refused_in_one_sentence():
    values, _ = patchwork()
    for count in (1, 255):
        with pytest.raises(ValueError, match=f"{count} clusters requested; 2 to 254 are possible"):
            Clusters.fit(field_of(values), BANDS, count)
    with pytest.raises(ValueError, match="10 clusters requested of 6 pixels with values; choose fewer clusters"):
        Clusters.fit(field_of(values[:, :2, :3]), BANDS, 10)
    with pytest.raises(ValueError, match="2 clusters requested of 1 different spectra"):
        Clusters.fit(field_of(np.full((31, 9, 9), 0.5, np.float32)), BANDS, 2)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    def fail(name):
        raise ImportError

    monkeypatch.setattr(registry.importlib, "import_module", fail)
    with pytest.raises(ValueError, match=r"clusters need the library scikit-learn, .* install nesr-gui\[analysis\]"):
        Clusters.fit(field_of(patchwork()[0]), BANDS, 2)
