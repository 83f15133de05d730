"""Statistics of regions, scatter data, transects and boxes equal NumPy on the whole cube."""

import numpy as np
import pytest
from scipy.integrate import simpson
from scipy.ndimage import map_coordinates

from nesr_gui.analysis import statistics
from nesr_gui.analysis.components import Components
from nesr_gui.analysis.expression import Expression
from nesr_gui.analysis.scatter import scatter
from nesr_gui.analysis.statistics import (
    band_histogram,
    class_statistics,
    integrate,
    region_statistics,
    threshold_histogram,
)
from nesr_gui.analysis.transect import box_mean, sample_transect
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.regions import Region, inside
from nesr_gui.spectral import Quantity, Spectrum
from tests.analysis.scenes import BANDS, TiledCube, UncertainCube, field_of, mixed_cube

VALUES = mixed_cube()
SHAPE = VALUES.shape[1:]


def members(region, binning=1, shape=SHAPE):
    return inside(region, *((np.arange(size) + 0.5) * binning for size in shape))


@pytest.mark.parametrize("field", [field_of(VALUES), TiledCube(VALUES, BANDS, Quantity.REFLECTANCE)])
def test_the_statistics_of_a_region_within_a_band_interval(field):
    region = Region.parse("ellipse 3,4 20,27")
    found = region_statistics(field, region, within=(450, 555))
    chosen = VALUES[5:16][:, members(region)].astype(np.float64)
    assert found.pixels == chosen.shape[1] and found.wavelengths.nm.tolist() == list(range(450, 551, 10))
    np.testing.assert_allclose(found.mean, chosen.mean(1), rtol=1e-6)
    np.testing.assert_allclose(found.deviation, chosen.std(1, ddof=1), rtol=1e-5)
    np.testing.assert_allclose(found.covariance, np.cov(chosen), rtol=1e-4, atol=1e-9)
    np.testing.assert_array_equal(found.lowest, chosen.min(1))
    np.testing.assert_array_equal(found.highest, chosen.max(1))
    np.testing.assert_allclose(found.percentiles, np.percentile(chosen, [5, 25, 50, 75, 95], axis=1), rtol=1e-6)
    assert found.sorted_pixels == found.pixels and not found.is_sampled
    means = np.trapezoid(chosen, np.arange(450, 551, 10), axis=0) / 100
    overall = found.overall
    assert overall.mean == pytest.approx(means.mean()) and overall.deviation == pytest.approx(means.std(ddof=1))
    assert (overall.lowest, overall.highest) == pytest.approx((means.min(), means.max()))
    np.testing.assert_allclose(overall.percentiles, np.percentile(means, [5, 25, 50, 75, 95]), rtol=1e-6)
    assert [curve.name for curve in found.curves("leaf")][:2] == ["leaf mean", "leaf standard deviation"]


def test_a_mask_a_binned_field_and_gaps():
    values = VALUES.copy()
    values[2, 5, 6] = np.nan
    field = field_of(values, binning=2, source_shape=(48, 62))
    region, mask = Region.rectangle(4, 6, 40, 50), np.zeros(SHAPE, bool)
    mask[4:8, 3:9] = True
    chosen = members(region, 2) & mask
    chosen[5, 6] = False
    found = region_statistics(field, region, mask=mask)
    assert found.pixels == chosen.sum() == 23
    np.testing.assert_allclose(found.mean, VALUES[:, chosen].mean(1), rtol=1e-5)


def test_large_values_keep_their_digits():
    values = (1e5 + VALUES).astype(np.float32)
    found = region_statistics(field_of(values))
    np.testing.assert_allclose(found.deviation, values.reshape(31, -1).astype(float).std(1, ddof=1), rtol=1e-6)


def test_percentiles_of_many_pixels_are_from_evenly_spread_ones_in_any_blocks(monkeypatch):
    ramp = np.broadcast_to(np.linspace(0, 1, 24 * 31, dtype=np.float32).reshape(24, 31), (31, 24, 31)).copy()
    monkeypatch.setattr(statistics, "MOST_SORTED", 100)
    for field in (field_of(ramp), TiledCube(ramp, BANDS, Quantity.REFLECTANCE)):
        found = region_statistics(field)
        assert found.sorted_pixels == 83 and found.pixels == 24 * 31, "every ninth"
        np.testing.assert_allclose(found.percentiles[:, 0], [0.05, 0.25, 0.5, 0.75, 0.95], atol=0.03)


def test_a_sample_of_an_image_is_from_strips_and_says_so():
    tall = np.random.default_rng(0).random((31, 320, 40)).astype(np.float32)
    found = region_statistics(field_of(tall), sample=3200)
    assert found.is_sampled and found.pixels == 3200
    np.testing.assert_allclose(found.mean, tall.mean((1, 2)), atol=0.05)
    whole = region_statistics(field_of(tall), sample=20_000)
    assert not whole.is_sampled and whole.pixels == 320 * 40


def test_the_histogram_of_a_band_counts_the_pixels_of_a_region():
    region = Region.parse("ellipse 3,4 20,27")
    for field in (field_of(VALUES), TiledCube(VALUES, BANDS, Quantity.REFLECTANCE)):
        counts, edges = band_histogram(field, 555, region, bins=8)
        expected, expected_edges = np.histogram(VALUES[15:17].mean(0)[members(region)], 8)
        np.testing.assert_allclose(edges, expected_edges, rtol=1e-5)
        assert counts.tolist() == expected.tolist()


def test_integrals_are_those_of_scipy_on_the_spectrum_and_within_its_interval():
    spectrum = Spectrum(BANDS, VALUES[:, 3, 4])
    dense = np.linspace(433, 612.5, 20_001)
    expected = simpson(np.interp(dense, BANDS.nm, spectrum.values), x=dense)
    found = integrate(spectrum, (433, 612.5))
    assert found.area == pytest.approx(expected, rel=1e-6) and found.limits is None
    expression = Expression.parse("integral(433, 612.5)").for_field(field_of(VALUES))
    at_nodes = np.interp(expression.wavelengths.nm, BANDS.nm, spectrum.values)
    assert found.area == pytest.approx(float(expression.values(at_nodes[:, None])[0, 0]), rel=1e-6)
    limits = np.stack([spectrum.values - 0.1, spectrum.values + 0.2])
    low, high = integrate(spectrum, (433, 612.5), limits).limits
    assert low == pytest.approx(expected - 0.1 * 179.5, rel=1e-5) and high == pytest.approx(
        expected + 0.2 * 179.5, rel=1e-5
    ), "the constant patterns are the widest"
    with pytest.raises(ValueError, match="the spectrum covers 400-700 nm; asked for 390-500 nm"):
        integrate(spectrum, (390, 500))


def test_statistics_without_pixels_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="no pixel has a value at all wavelengths; choose another region"):
        region_statistics(field_of(VALUES), mask=np.zeros(SHAPE, bool))
    with pytest.raises(ValueError, match=r"a mask of shape \(3, 3\) for an image of shape"):
        region_statistics(field_of(VALUES), mask=np.ones((3, 3), bool))
    with pytest.raises(ValueError, match=r"the range 404-409 nm holds 0 of the image's 31 bands"):
        region_statistics(field_of(VALUES), within=(404, 409))

    def cancel(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        region_statistics(field_of(VALUES), progress=cancel)


def test_scatter_data_pair_two_values_of_the_same_pixels():
    field = TiledCube(VALUES, BANDS, Quantity.REFLECTANCE)
    x = Expression.parse("b550").for_field(field)
    y = Components.fit(field, BANDS, 2)
    found = scatter(field, x, y)
    assert len(found.points) == VALUES[0].size and not found.is_sampled
    rows, cols = found.points.T
    np.testing.assert_allclose(found.x, VALUES[15, rows, cols])
    np.testing.assert_allclose(found.y, y.values(VALUES)[0, rows, cols], atol=1e-5)
    region = Region.rectangle(2, 3, 10, 12)
    part = scatter(field, x, y, region=region, most=20)
    assert len(part.points) == 20 and part.is_sampled
    assert members(region)[part.points[:, 0], part.points[:, 1]].all()


def test_the_histogram_counts_finite_values():
    counts, edges = threshold_histogram(np.array([0, 1, 1, np.nan, 4], np.float32), 4)
    assert counts.tolist() == [1, 2, 0, 1] and edges.tolist() == [0, 1, 2, 3, 4]
    assert threshold_histogram(np.full(5, 1e6, np.float32))[0].sum() == 5
    assert threshold_histogram(np.array([1e7, 1e7 + 10], np.float32))[0].tolist() == [1, *[0] * 254, 1]
    with pytest.raises(ValueError, match="the map has no values"):
        threshold_histogram(np.full(3, np.nan, np.float32))


def test_a_transect_is_evenly_spaced_and_bilinear():
    field = field_of(VALUES)
    corners = [(2.5, 3.5), (2.5, 20.5), (14.5, 20.5)]
    found = sample_transect(field, corners, BANDS, count=59)
    assert found.distances.tolist() == pytest.approx(np.linspace(0, 29, 59).tolist())
    np.testing.assert_allclose(found.points[0], corners[0])
    np.testing.assert_allclose(found.points[34], corners[1])  # halfway steps: 17 pixels are 34 steps
    np.testing.assert_allclose(found.points[-1], corners[2])
    for band in (0, 17):
        expected = map_coordinates(VALUES[band].astype(float), (found.points - 0.5).T, order=1)
        np.testing.assert_allclose(found.spectra[:, band], expected, atol=1e-6)
    np.testing.assert_array_equal(found.spectra[0], VALUES[:, 2, 3])
    assert found.limits is None


def test_a_transect_by_default_has_a_point_for_every_pixel_of_the_field():
    binned = field_of(VALUES, binning=2, source_shape=(48, 62))
    assert len(sample_transect(binned, [(1, 1), (1, 41)], BANDS).distances) == 21
    found = sample_transect(binned, [(1, 1), (1, 41)], BANDS)
    np.testing.assert_array_equal(found.spectra[5], VALUES[:, 0, 5])  # source column 11 is the centre of pixel 5


def test_a_transect_ends_at_the_border_and_skips_gaps_beside_it():
    values = VALUES.copy()
    values[:, 1, :] = np.nan
    found = sample_transect(field_of(values), [(0.5, 0.0), (0.5, 31.0)], BANDS, count=32)
    assert np.isfinite(found.spectra).all()
    np.testing.assert_array_equal(found.spectra[[0, -1]], VALUES[:, 0, [0, -1]].T)


def test_a_wide_transect_is_the_mean_of_parallel_lines():
    field = field_of(VALUES)
    start, end = np.array([4.5, 3.5]), np.array([16.5, 12.5])  # 3-4-5 triangle: the normal is (.6, -.8)
    found = sample_transect(field, [tuple(start), tuple(end)], BANDS, width=4)
    lines = [
        sample_transect(field, [tuple(start + by * np.array([0.6, -0.8])),
                                tuple(end + by * np.array([0.6, -0.8]))], BANDS).spectra
        for by in (-1.5, -0.5, 0.5, 1.5)
    ]  # fmt: skip
    np.testing.assert_allclose(found.spectra, np.mean(lines, axis=0), atol=1e-6)
    np.testing.assert_allclose(found.points, sample_transect(field, [tuple(start), tuple(end)], BANDS).points)


def test_a_wide_transect_turns_with_its_line():
    field = field_of(VALUES)
    found = sample_transect(field, [(5.5, 5.5), (5.5, 15.5), (15.5, 15.5)], BANDS, width=3)
    np.testing.assert_allclose(found.spectra[3], VALUES[:, 4:7, 8].mean(1), atol=1e-6)
    np.testing.assert_allclose(found.spectra[17], VALUES[:, 12, 14:17].mean(1), atol=1e-6)


def test_a_wide_transect_leaves_out_what_is_outside_or_has_no_value():
    values = VALUES.copy()
    values[:, 1, 5] = np.nan
    values[:, :, 9] = np.nan
    found = sample_transect(field_of(values), [(0.5, 0.5), (0.5, 20.5)], BANDS, width=3)
    np.testing.assert_allclose(found.spectra[2], VALUES[:, :2, 2].mean(1), atol=1e-6)
    np.testing.assert_allclose(found.spectra[5], VALUES[:, 0, 5], atol=1e-6)
    assert np.isnan(found.spectra[9]).all() and np.isfinite(found.spectra[10]).all()


def test_the_interval_of_a_wide_transect_is_the_mean_of_its_intervals():
    half = np.full(SHAPE, 0.05)
    half[6] = 0.2
    field = UncertainCube(VALUES, half)
    found = sample_transect(field, [(5.5, 3.5), (5.5, 20.5)], BANDS, width=3)
    np.testing.assert_allclose((found.limits[1] - found.limits[0]) / 2, 0.1, atol=1e-6)
    assert sample_transect(field, [(5.5, 3.5), (5.5, 20.5)], BANDS, intervals=False).limits is None


@pytest.mark.parametrize("width", [1, 3])
def test_a_transect_of_a_reduced_field_is_that_of_its_pixels(width):
    """With intervals, which differ from pixel to pixel; only distances and places are in other pixels."""
    half = np.random.default_rng(8).uniform(0.01, 0.2, SHAPE)
    fields = [UncertainCube(VALUES, half) for _ in range(2)]
    fields[1].binning, fields[1].source_shape = 3, (3 * SHAPE[0], 3 * SHAPE[1])
    line = np.array([(3.2, 4.7), (17.9, 26.1)])
    one, other = (
        sample_transect(field, [tuple(end) for end in scale * line], BANDS, count=30, width=width)
        for field, scale in zip(fields, (1, 3), strict=True)
    )
    np.testing.assert_allclose(other.spectra, one.spectra, atol=1e-6)
    np.testing.assert_allclose(other.limits, one.limits, atol=1e-6)
    np.testing.assert_allclose((other.distances, *other.points.T), 3 * np.array((one.distances, *one.points.T)))


def test_the_interval_beside_the_middle_of_a_pixel_is_as_wide_as_in_it():
    half = np.random.default_rng(8).uniform(0.01, 0.2, SHAPE)
    found = sample_transect(UncertainCube(VALUES, half), [(5.3, 3.1), (5.3, 20.9)], BANDS, count=90)
    widths = 2 * half[5, np.floor(found.points[:, 1]).astype(int)]
    np.testing.assert_allclose(found.limits[1] - found.limits[0], np.broadcast_to(widths[:, None], (90, 31)), atol=1e-5)
    np.testing.assert_allclose(found.limits.mean(axis=0), found.spectra, atol=1e-5)


def test_an_analysis_along_a_transect_and_its_intervals():
    field = UncertainCube(VALUES, np.full(SHAPE, 0.05))
    found = sample_transect(field, [(0.5, 0.5), (20.5, 0.5)], BANDS, count=21)
    np.testing.assert_allclose(found.limits[1] - found.limits[0], 0.1, atol=1e-6)
    components = Components.fit(field, BANDS, 2)
    np.testing.assert_allclose(found.values(components)[0], components.values(VALUES)[0, :21, 0], atol=1e-5)
    with pytest.raises(ValueError, match="the transect is at 31 bands"):
        found.values(Expression.parse("b550").for_field(field))


def test_impossible_lines_are_refused_in_one_sentence():
    field = field_of(VALUES)
    for line in ([], [(1, 1)], [(1, 1), (1, 1)], [(1, np.nan), (2, 2)]):
        with pytest.raises(ValueError, match="a line needs at least two different points"):
            sample_transect(field, line, BANDS)
    with pytest.raises(ValueError, match="the image has 24 rows and 31 columns; the line goes to row 30, column 2"):
        sample_transect(field, [(1, 1), (30, 2)], BANDS)
    with pytest.raises(ValueError, match="1 points along the line requested; 2 to 10,000"):
        sample_transect(field, [(1, 1), (3, 2)], BANDS, count=1)
    with pytest.raises(ValueError, match="a width of 100 pixels requested; 1 to 99 are possible"):
        sample_transect(field, [(1, 1), (3, 2)], BANDS, width=100)


def test_a_box_is_averaged_as_far_as_it_is_in_the_image():
    field = field_of(VALUES)
    mean, deviation, pixels = box_mean(field, 5, 6, 3, BANDS)
    inner = VALUES[:, 4:7, 5:8].reshape(31, -1)
    np.testing.assert_allclose(mean.values, inner.mean(1), rtol=1e-5)
    np.testing.assert_allclose(deviation, inner.std(1), rtol=1e-3, atol=1e-6)
    assert pixels == 9 and box_mean(field, 0, 0, 3, BANDS)[2] == 4 and box_mean(field, 5, 6, 4, BANDS)[2] == 16
    binned = field_of(VALUES, binning=4, source_shape=(96, 124))
    assert box_mean(binned, 5, 6, 3, BANDS)[2] == 1 and box_mean(binned, 9, 9, 5, BANDS)[2] == 1  # centres at 6, 10, …
    assert box_mean(binned, 8, 8, 9, BANDS)[2] == 4
    with pytest.raises(ValueError, match="a box of 3 pixels around row 24, column 0 requested"):
        box_mean(field, 24, 0, 3, BANDS)


def test_the_statistics_of_classes_are_those_of_their_masks():
    values = VALUES.copy()
    values[2, 5, 6] = values[9, 5, 4] = np.nan  # beyond the range, and within it
    field = TiledCube(values, BANDS, Quantity.REFLECTANCE)
    numbers = (np.indices(SHAPE).sum(axis=0) % 4).astype(np.uint8)
    numbers[numbers == 3] = 255
    found = class_statistics(field, numbers, (1, 2, 7, 255), within=(450, 620))
    assert list(found) == [1, 2, 255]  # without a class that has no pixel
    for number, own in found.items():
        expected = region_statistics(field, mask=numbers == number, within=(450, 620))
        assert own.pixels == expected.pixels == (numbers == number).sum() - (number == numbers[5, 4])
        for name in ("mean", "deviation", "lowest", "highest"):
            np.testing.assert_allclose(getattr(own, name), getattr(expected, name), rtol=1e-6)
    with pytest.raises(ValueError, match=r"classes of shape \(3, 3\) for an image of shape"):
        class_statistics(field, np.ones((3, 3), np.uint8), (1,))
