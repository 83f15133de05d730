"""Map coordinates of cubes: what GDAL reads of our files, what we read of GDAL's, and parts of images."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.regions.georeference import KEY, Georeference
from nesr_gui.spectral import Wavelengths

UTM = Georeference((500000.0, 5200000.0), (10.0, 20.0), 32733)
DEGREES = Georeference((12.5, 48.25), (0.001, 0.002), 4326)
BANDS = Wavelengths.from_step(400, 700, 60)
VALUES = np.random.default_rng(0).random((6, 9, 12), np.float32)


def opened_by_gdal(path: Path) -> Any:
    rasterio = pytest.importorskip("rasterio")
    with warnings.catch_warnings(action="ignore"):
        return rasterio.open(path)


@pytest.mark.parametrize("where", [UTM, DEGREES])
def test_map_info_says_the_same_again(where: Georeference) -> None:
    assert Georeference.parse(where.map_info()) == where
    assert Georeference((0.0, 0.0), (1.0, 1.0), 3857).map_info() == ""
    np.testing.assert_allclose(where.window(3, 5).to_map([(0, 0)]), where.to_map([(3, 5)]))


@pytest.mark.parametrize("where", [UTM, DEGREES])
def test_gdal_finds_an_exported_part_where_it_lies(tmp_path: Path, where: Georeference) -> None:
    cube = CubeField(VALUES, BANDS, provenance={KEY: where.map_info()})
    io.write_cube(tmp_path / "part.hdr", cube, BANDS, rows=slice(2, 8), cols=slice(3, 10))
    with opened_by_gdal(tmp_path / "part.img") as image:
        assert image.crs.to_epsg() == where.epsg
        np.testing.assert_allclose(image.xy(0, 0, offset="ul"), where.to_map([(2, 3)])[0])
        np.testing.assert_allclose(image.xy(6, 7, offset="ul"), where.to_map([(8, 10)])[0])
    again = Georeference.parse(io.open_cube(tmp_path / "part.hdr").provenance[KEY])
    assert again is not None and np.allclose(again.origin, where.to_map([(2, 3)])[0])


def test_a_part_of_an_image_with_other_map_info_has_none(tmp_path: Path) -> None:
    other = "Arbitrary, 1, 1, 0, 0, 1, 1"
    cube = CubeField(VALUES, BANDS, provenance={KEY: other})
    io.write_cube(tmp_path / "part.hdr", cube, BANDS, rows=slice(2, 8))
    assert KEY not in io.open_cube(tmp_path / "part.hdr").provenance
    io.write_cube(tmp_path / "whole.hdr", cube, BANDS)
    assert io.open_cube(tmp_path / "whole.hdr").provenance[KEY] == other


@pytest.mark.parametrize("where", [UTM, DEGREES])
@pytest.mark.parametrize("is_point", [False, True])
def test_a_geotiff_of_gdal_has_its_map_coordinates(tmp_path: Path, where: Georeference, is_point: bool) -> None:
    rasterio = pytest.importorskip("rasterio")
    affine = pytest.importorskip("rasterio.transform").Affine
    (x, y), (width, height), path = where.origin, where.pixel, tmp_path / "cube.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=6, height=9, width=12, dtype="float32", crs=f"EPSG:{where.epsg}",
        transform=affine(width, 0, x, 0, -height, y),
    ) as image:  # fmt: skip
        image.write(VALUES)
        if is_point:
            image.update_tags(AREA_OR_POINT="Point")
    cube = io.open_cube(path, io.CubeHints(wavelengths=BANDS))
    found = Georeference.parse(cube.provenance[KEY])
    assert found is not None and found.epsg == where.epsg
    np.testing.assert_allclose([found.origin, found.pixel], [where.origin, where.pixel])
    with opened_by_gdal(path) as image:
        np.testing.assert_allclose(found.to_map([(4, 5)])[0], image.xy(4, 5, offset="ul"))


@pytest.mark.parametrize("tags", [{}, {"ModelPixelScale": [1], "ModelTiepoint": []}, {"ModelPixelScale": "ab"}])
def test_damaged_tags_are_no_georeferencing(tags: dict[str, Any]) -> None:
    assert Georeference.of_geotiff(tags) is None
