"""Densities, selections and intervals of two values equal NumPy and slow loops over all pixels."""

import json
import math
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest
import rasterio
import rasterio.features
from matplotlib.path import Path as MatplotlibPath

from nesr_gui.analysis import scatter
from nesr_gui.analysis.components import Components
from nesr_gui.analysis.expression import Expression
from nesr_gui.analysis.maps import compute_map
from nesr_gui.analysis.outputs import write_mask
from nesr_gui.analysis.pixelwise import sampled_rows
from nesr_gui.analysis.scatter import (
    Pair,
    automatic_limits,
    density,
    polygon_mask,
    selection_map,
    summarise_intervals,
)
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.io.georeference import Georeference
from nesr_gui.spectral import Quantity
from tests.analysis.scenes import BANDS, TiledCube, UncertainCube, field_of, mixed_cube

VALUES = mixed_cube()
STAR = [(0.1, 0.1), (0.5, 0.5), (0.2, 0.6), (0.45, 0.05), (0.3, 0.7), (0.1, 0.3)]  # crosses itself


def pair_of(field, x="b550", y="b650 - b450"):
    return Pair(*(Expression.parse(text).for_field(field) for text in (x, y)))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(scatter, "_PIECE", 100)


def is_inside(x, y, polygon):
    """Whether a ray to the right crosses the outline an odd number of times."""
    crossings = 0
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if (y1 <= y) != (y2 <= y):
            crossings += x < x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    return crossings % 2 == 1


def test_a_pair_has_the_values_of_both_analyses():
    field = TiledCube(VALUES, BANDS, Quantity.REFLECTANCE)
    components = Components.fit(field, BANDS, 3)
    pair = Pair(Expression.parse("b555").for_field(field), components, layers=(0, 1))
    made = compute_map(field, pair)
    np.testing.assert_allclose(made.values[0], (VALUES[15] + VALUES[16]) / 2, rtol=1e-6)
    np.testing.assert_allclose(made.values[1], components.values(VALUES)[1], atol=1e-5)
    assert [layer.name for layer in made.layers] == ["b555", "PC 2"]
    assert made.provenance["x_expression"] == "b555" and "principal" in made.provenance["y_analysis"]


def test_the_density_is_the_histogram_of_numpy():
    values = np.random.default_rng(0).normal(size=(2, 40, 50)).astype(np.float32)
    values[0, 3, 4] = np.nan
    limits = (-1.5, 2.0, -2.5, 1.0)
    found = density(values, limits, (20, 30))
    x, y = values.reshape(2, -1).astype(float)
    expected, _, _ = np.histogram2d(y, x, (20, 30), ((-2.5, 1.0), (-1.5, 2.0)))
    np.testing.assert_array_equal(found.counts, expected)
    assert found.pixels == expected.sum() < 2000
    mask = np.zeros((40, 50), bool)
    mask[3:9, 4:20] = True
    part, _, _ = np.histogram2d(*values[::-1, mask].astype(float), (20, 30), ((-2.5, 1.0), (-1.5, 2.0)))
    np.testing.assert_array_equal(density(values, limits, (20, 30), mask=mask).counts, part)


def test_the_upper_edges_of_the_density_count():
    corner = np.ones((2, 1, 1), np.float32)
    assert density(corner, (0, 1, 0, 1), (4, 4)).counts[3, 3] == 1
    assert density(0 * corner, (0, 1, 0, 1), (4, 4)).counts[0, 0] == 1


def test_automatic_limits_leave_out_a_thousandth_at_each_end():
    values = np.stack([np.linspace(0, 1, 5000), np.linspace(0, -10, 5000)]).reshape(2, 50, 100).astype(np.float32)
    values[:, 0, 0] = 1e6
    left, right, bottom, top = automatic_limits(values)
    assert left == pytest.approx(0.001 - 0.04, abs=1e-3) and right == pytest.approx(0.999 + 0.04, abs=2e-3)
    assert bottom == pytest.approx(-10.39, abs=0.03) and top == pytest.approx(0.39, abs=0.03)
    left, right, bottom, top = automatic_limits(np.full((2, 3, 3), 5, np.float32))
    assert left < 5 < right and bottom < 5 < top
    with pytest.raises(ValueError, match="no pixel has a value of both axes"):
        automatic_limits(np.full((2, 3, 3), np.nan, np.float32))


def test_a_polygon_selects_what_a_slow_loop_and_matplotlib_select():
    made = compute_map(field_of(VALUES), pair_of(field_of(VALUES), "b550", "b650"))
    made.values[0, 5, 5] = np.nan
    found = polygon_mask(made.values, STAR)
    expected = [[is_inside(*made.values[:, row, col].astype(float), STAR) for col in range(31)] for row in range(24)]
    np.testing.assert_array_equal(found, expected)
    assert 50 < found.sum() < 700 and not found[5, 5]
    square = [(0.2, 0.2), (0.5, 0.2), (0.5, 0.5), (0.2, 0.5)]
    points = made.values.reshape(2, -1).T
    np.testing.assert_array_equal(
        polygon_mask(made.values, square).ravel(), MatplotlibPath(square).contains_points(points)
    )


def test_neighbouring_polygons_share_no_pixel_and_leave_none_out():
    grid = np.stack(np.meshgrid(np.arange(5), np.arange(5))).astype(np.float32)
    left = polygon_mask(grid, [(0, 0), (2, 0), (2, 4), (0, 4)])
    right = polygon_mask(grid, [(2, 0), (4, 0), (4, 4), (2, 4)])
    np.testing.assert_array_equal(left, (grid[0] < 2) & (grid[1] < 4))
    np.testing.assert_array_equal(right, (grid[0] >= 2) & (grid[0] < 4) & (grid[1] < 4))


@pytest.mark.parametrize("binning", [1, 3])
@pytest.mark.parametrize("sample", [None, 16 * 31])
def test_intervals_are_those_of_the_map(sample, binning):
    half = np.linspace(0.001, 0.3, VALUES[0].size).reshape(VALUES.shape[1:])
    field = UncertainCube(VALUES, half)
    field.binning, field.source_shape = binning, (binning * 24, binning * 31)
    pair = pair_of(field)
    made = compute_map(field, pair)
    found = summarise_intervals(field, pair, made.differences, sample=sample)
    rows = np.concatenate([np.arange(24)[strip] for strip in sampled_rows(slice(0, 24), 31, sample)])
    widths = np.stack(made.widths)[:, rows].reshape(2, -1)
    np.testing.assert_allclose(found.widths, np.median(widths, axis=1), rtol=1e-6)
    shares = [np.mean(made.abstained(layer)[rows]) for layer in (0, 1)]
    np.testing.assert_allclose(found.shares, shares)
    assert 0.05 < found.shares[0] < 0.95 and found.pixels == widths.shape[1]


def test_pixels_without_a_value_of_one_axis_have_no_interval():
    half = np.linspace(0.001, 0.3, VALUES[0].size).reshape(VALUES.shape[1:])
    values = VALUES.copy()
    values[25, :12] = np.nan  # one axis has no value there, where the intervals are narrow
    field = UncertainCube(values, half)
    pair = pair_of(field, y="b650")
    found = summarise_intervals(field, pair, (0.2, 0.2), sample=None)
    assert found.pixels == 12 * 31
    np.testing.assert_allclose(found.widths, 2 * np.median(half[12:]), rtol=1e-5)
    np.testing.assert_allclose(found.shares, np.mean(2 * half[12:] > 0.2))


def test_every_step_can_be_cancelled():
    def cancel(fraction):
        assert 0 < fraction <= 1
        raise Cancelled

    field = UncertainCube(VALUES, np.full(VALUES.shape[1:], 0.01))
    made = compute_map(field, pair_of(field))
    for step in (
        lambda: density(made.values, (0, 1, 0, 1), progress=cancel),
        lambda: polygon_mask(made.values, STAR, progress=cancel),
        lambda: summarise_intervals(field, pair_of(field), made.differences, progress=cancel),
    ):
        with pytest.raises(Cancelled):
            step()


def test_a_selection_is_written_for_other_programs(tmp_path):
    place = Georeference.upright((500_000, 4_000_000), (2, 2), epsg=32632)
    field = field_of(VALUES, binning=2, source_shape=(48, 62))
    made = compute_map(field, pair_of(field), georeference=place)
    mask = polygon_mask(made.values, STAR)
    selected = selection_map(made, mask, STAR)
    assert selected.provenance["selection"].startswith("inside the polygon 0.1,0.1 0.5,0.5 ")
    for name in ("s.png", "s.tif", "s.geojson"):
        write_mask(tmp_path / name, selected, "selection")
    np.testing.assert_array_equal(iio.imread(tmp_path / "s.png") == 255, mask)
    with rasterio.open(tmp_path / "s.tif") as file:
        np.testing.assert_array_equal(file.read(1), 255 * mask)
        assert file.descriptions == ("selection",) and file.crs.to_epsg() == 32632
        assert file.transform[0] == 4 and file.transform[2] == 500_000
        description = json.loads(file.tags()["TIFFTAG_IMAGEDESCRIPTION"])
    assert description["x_expression"] == "b550" and "Measured values" in description["rests_on"]
    drawn = json.loads((tmp_path / "s.geojson").read_text())["features"]
    burnt = rasterio.features.rasterize(
        [feature["geometry"] for feature in drawn], mask.shape, transform=rasterio.Affine(4, 0, 500_000, 0, -4, 4e6)
    )
    np.testing.assert_array_equal(burnt > 0, mask)
    empty = selection_map(made, np.zeros_like(mask), STAR)
    with pytest.raises(ValueError, match=r"selection contains no pixel, so s\.png would be empty"):
        write_mask(tmp_path / "s.png", empty, "selection")
    with pytest.raises(ValueError, match=r"a mask cannot be written as \.jpg; choose "):
        write_mask(tmp_path / "s.jpg", selected, "selection")


def test_pixels_without_values_are_not_part_of_a_selection():
    values = VALUES.copy()
    values[:, 2, 3] = np.nan
    field = field_of(values)
    made = compute_map(field, pair_of(field))
    selected = selection_map(made, np.ones(VALUES.shape[1:], bool), STAR)
    assert math.isnan(selected.values[0, 2, 3]) and np.nansum(selected.values) == VALUES[0].size - 1
    assert selected.widths is None and replace(made, widths=None).layers == made.layers
