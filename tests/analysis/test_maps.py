"""Maps as files and means: what they hold where a map abstains, has no value, or is of a part of a binned image."""

from __future__ import annotations

import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import OpenEXR
import pytest
import rasterio
from rasterio.features import rasterize
from scipy.optimize import nnls

from nesr_gui.analysis.expression import Expression
from nesr_gui.analysis.maps import AnalysisMap, compute_map, mean_values
from nesr_gui.analysis.outputs import class_mask, write_mask, write_values
from nesr_gui.analysis.unmixing import Unmixing
from nesr_gui.io.georeference import Georeference
from nesr_gui.regions import Region
from tests.analysis.scenes import BANDS, UncertainCube, chart_spectra, field_of, mixed_cube

VALUES = mixed_cube(18, 24)
PART = Region.rectangle(6, 9, 51, 60)  # in source pixels, three of which are a pixel
WHERE = Georeference.upright((500_000, 5_400_000), (2.0, 2.0), 32632)


def uncertain_map(text: str) -> AnalysisMap:
    """A map of a part of a binned, georeferenced reconstruction, of which about half abstains; a pixel has no value."""
    values = VALUES.copy()
    values[:, 8, 9] = np.nan
    half = np.where(np.arange(24) < 11, 0.0, 0.2) * np.ones((18, 1))
    field = UncertainCube(values, half)
    field.binning, field.source_shape = 3, (54, 72)
    analysis = Expression.parse(text).for_field(field, 0.1)
    return compute_map(field, analysis, region=PART, georeference=WHERE)


def certain_pixels(made: AnalysisMap) -> np.ndarray:
    """Where (h, w) the map answers, from the image itself."""
    cols = np.arange(made.cols.start, made.cols.stop)
    return np.broadcast_to(cols < 11, made.values.shape[1:])


@pytest.mark.parametrize("ending", [".tif", ".exr"])
def test_files_of_values_are_gaps_where_the_map_abstains(tmp_path: Path, ending: str) -> None:
    made = uncertain_map("b550 + 0")
    expected = np.where(certain_pixels(made), VALUES[15, 2:17, 3:20], np.nan)
    expected[8 - 2, 9 - 3] = np.nan
    write_values(tmp_path / f"map{ending}", made)
    if ending == ".tif":
        with rasterio.open(tmp_path / "map.tif") as image:
            found = image.read(1)
            assert np.isnan(image.nodata) and image.crs.to_epsg() == 32632
            assert tuple(image.transform)[:6] == (6, 0, 500_018, 0, -6, 5_399_988)
    else:
        with OpenEXR.File(str(tmp_path / "map.exr")) as file:
            found = file.channels()["Y"].pixels
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("ending", [".png", ".tif", ".geojson"])
def test_files_of_masks_hold_what_is_true_for_certain_where_it_is(tmp_path: Path, ending: str) -> None:
    made = uncertain_map("b550 > 0.2")
    expected = certain_pixels(made) & (VALUES[15, 2:17, 3:20] > 0.2)
    expected[8 - 2, 9 - 3] = False
    assert 0 < expected.sum() < certain_pixels(made).sum()
    np.testing.assert_array_equal(class_mask(made, 1), expected)
    path = tmp_path / f"mask{ending}"
    write_mask(path, made, "green")
    if ending == ".png":
        np.testing.assert_array_equal(iio.imread(path), 255 * expected.astype(np.uint8))
        return
    if ending == ".tif":
        with rasterio.open(path) as image:
            np.testing.assert_array_equal(image.read(1), 255 * expected.astype(np.uint8))
            assert image.crs.to_epsg() == 32632 and tuple(image.transform)[:6] == (6, 0, 500_018, 0, -6, 5_399_988)
        return
    content = json.loads(path.read_text())
    shapes = [(feature["geometry"], 1) for feature in content["features"]]
    whole = rasterize(shapes, (18, 24), transform=rasterio.Affine(6, 0, 500_000, 0, -6, 5_400_000))
    np.testing.assert_array_equal(whole[2:17, 3:20], expected)
    assert whole.sum() == expected.sum()


def test_means_are_those_of_the_pixels_with_values_in_the_region() -> None:
    """Of the abundances that SciPy finds."""
    values, region = VALUES.copy(), Region.parse("ellipse 2,3 14,21")
    values[3, 7, 8:12] = np.nan
    members = chart_spectra(3)
    matrix = np.stack([each.values for each in members]).T.astype(float)
    inside = [
        (row, col) for row in range(18) for col in range(24)
        if ((row + 0.5 - 8) / 6) ** 2 + ((col + 0.5 - 12) / 9) ** 2 <= 1 and np.isfinite(values[:, row, col]).all()
    ]  # fmt: skip
    solved = [nnls(matrix, values[:, row, col].astype(float)) for row, col in inside]
    expected = [*np.mean([abundances for abundances, _ in solved], axis=0), np.mean([r / 31**0.5 for _, r in solved])]
    found = mean_values(field_of(values), Unmixing(members, BANDS, sums_to_one=False), region=region)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    empty = np.full_like(VALUES, np.nan)
    assert np.isnan(mean_values(field_of(empty), Unmixing(members, BANDS))).all()
