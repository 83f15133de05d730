"""Georeferencing: what GDAL and xarray read of our files and we of theirs, parts of images, and sizes of pixels."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import xarray

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.georeference import KEY, Georeference
from nesr_gui.spectral import Wavelengths

UTM = Georeference.upright((500000.0, 5200000.0), (10.0, 20.0), 32733)
DEGREES = Georeference.upright((12.5, 48.25), (0.001, 0.002), 4326)
LAEA = Georeference.upright((4321000.0, 3210000.0), (20.0, 20.0), 3035, metres=1.0)
BANDS = Wavelengths.from_step(400, 700, 60)
VALUES = np.random.default_rng(0).random((6, 9, 12), np.float32)
MAP_INFO = "{UTM, 1.000, 1.000, 500000.0, 4100000.0, 30.0, 30.0, 11, North, WGS-84, units=Meters}"


def opened_by_gdal(path: Path) -> Any:
    rasterio = pytest.importorskip("rasterio")
    with warnings.catch_warnings(action="ignore"):
        return rasterio.open(path)


def stated(path: Path) -> Georeference:
    """The georeference of a cube that is opened, whose bands are known."""
    found = Georeference.parse(io.open_cube(path, io.CubeHints(wavelengths=BANDS)).provenance[KEY])
    assert found is not None
    return found


@pytest.mark.parametrize("where", [UTM, DEGREES, LAEA])
def test_map_info_says_the_same_again(where: Georeference) -> None:
    assert Georeference.parse(where.map_info()) == where
    np.testing.assert_allclose(where.window(3, 5).to_map([(0, 0)]), where.to_map([(3, 5)]))
    np.testing.assert_allclose(where.binned(4).to_map([(1, 2)]), where.to_map([(4, 8)]))
    np.testing.assert_allclose(where.flipped(9).to_map([(2, 1)]), where.to_map([(7, 1)]))
    assert where.flipped(9).map_info() == "" and where.flipped(9).flipped(9) == where


def test_image_and_map_coordinates_are_inverse_also_if_rotated() -> None:
    rotated = Georeference((8.0, 6.0, 100.0, 6.0, -8.0, 200.0), 25832, 1.0)
    points = np.random.default_rng(1).uniform(0, 50, (20, 2))
    np.testing.assert_allclose(rotated.to_image(rotated.to_map(points)), points, atol=1e-9)
    assert rotated.pixel_metres == pytest.approx(10) and rotated.map_info() == ""
    np.testing.assert_allclose(rotated.window(3, 5).to_map([(0, 0)]), rotated.to_map([(3, 5)]))
    np.testing.assert_allclose(rotated.binned(4).to_map([(1, 2)]), rotated.to_map([(4, 8)]))
    np.testing.assert_allclose(rotated.flipped(9).to_map([(2, 1)]), rotated.to_map([(7, 1)]))


def test_only_zones_of_utm_are_known_to_be_in_metres() -> None:
    for epsg, metres in {32601: 1, 32660: 1, 32701: 1, 32600: None, 32661: None, 32800: None, 4326: None}.items():
        assert Georeference.upright((0, 0), (10, 10), epsg).metres == metres


def test_the_reference_pixel_of_an_envi_header_is_where_gdal_takes_it_to_be(tmp_path: Path) -> None:
    """It counts from 1 at the corner of the image, may be any pixel, and its position that of its upper left corner."""
    path = tmp_path / "cube.hdr"
    io.write_cube(path, CubeField(VALUES, BANDS, provenance={KEY: MAP_INFO}), BANDS)
    header = path.read_text(encoding="utf-8").replace("UTM, 1.000, 1.000,", "UTM, 4.5, 3.0,")
    assert "4.5, 3.0" in header
    path.write_text(header, encoding="utf-8")
    with opened_by_gdal(path.with_suffix(".img")) as image:
        expected = [image.xy(row, col, offset="ul") for row, col in ((0, 0), (6, 7))]
    np.testing.assert_allclose(stated(path).to_map([(0, 0), (6, 7)]), expected)
    np.testing.assert_allclose(expected[0], (500000 - 3.5 * 30, 4100000 + 2 * 30))


def test_an_image_without_a_file_or_attributes_lies_nowhere(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"")
    assert Georeference.of_image(None, {}) is None and Georeference.of_image(tmp_path / "photo.png", {}) is None


@pytest.mark.parametrize(
    ("info", "metres"),
    [
        (MAP_INFO, 30.0),
        ("{UTM, 1, 1, 500000, 4100000, 2.5, 2.5, 32, North, WGS-84}", 2.5),
        ("{Arbitrary, 1, 1, 0, 0, 3.0, 3.0, 0, units=Feet}", 0.9144),
        ("{Arbitrary, 1, 1, 0, 0, 65, 65, units=µm}", 65e-6),
        ("{Geographic Lat/Lon, 1, 1, 10.0, 50.0, 0.01, 0.01, WGS-84, units=Degrees}", None),
        ("{UTM, 1, 1, 0, 0, 30.0, 15.0, 11, North, WGS-84, units=Meters}", None),
        ("{Arbitrary, 1, 1, 0, 0, 1.0, 1.0}", None),
    ],
)
def test_the_size_of_a_pixel_is_that_of_the_map_info(info: str, metres: float | None) -> None:
    where = Georeference.parse(info)
    assert where is not None
    assert where.pixel_metres == (pytest.approx(metres) if metres else None)


@pytest.mark.parametrize(
    "info",
    [
        "", "UTM, 1, 1", "{UTM, 1, 1, 0, 0, wide, high, 11, units=Meters}", "UTM, 1, 1, x",
        MAP_INFO.replace("11,", "11, rotation=30,"), MAP_INFO.replace("30.0, 30.0", "30.0, -30.0"),
        MAP_INFO.replace("500000.0", "nan"),
    ],
)  # fmt: skip
def test_damaged_or_rotated_map_info_is_none(info: str) -> None:
    assert Georeference.parse(info) is None


@pytest.mark.parametrize(
    ("where", "name"), [(UTM, "part.hdr"), (DEGREES, "part.hdr"), (UTM, "part.tif"), (DEGREES, "part.tif"),
                        (LAEA, "part.tif")],
)  # fmt: skip
def test_gdal_finds_an_exported_part_where_it_lies(tmp_path: Path, where: Georeference, name: str) -> None:
    cube = CubeField(VALUES, BANDS, provenance={KEY: where.map_info()})
    io.write_cube(tmp_path / name, cube, BANDS, rows=slice(2, 8), cols=slice(3, 10))
    with opened_by_gdal(tmp_path / name.replace(".hdr", ".img")) as image:
        assert image.crs.to_epsg() == where.epsg
        np.testing.assert_array_equal(image.read(), VALUES[:, 2:8, 3:10])
        np.testing.assert_allclose(image.xy(0, 0, offset="ul"), where.to_map([(2, 3)])[0])
        np.testing.assert_allclose(image.xy(6, 7, offset="ul"), where.to_map([(8, 10)])[0])
    np.testing.assert_allclose(stated(tmp_path / name).to_map([(0, 0)]), where.to_map([(2, 3)]))


def test_a_part_keeps_a_projection_that_is_not_understood(tmp_path: Path) -> None:
    other = "Gauss-Kruger, 1.0, 1.0, 100.0, 200.0, 2.0, 2.0, 3, Potsdam"
    cube = CubeField(VALUES, BANDS, provenance={KEY: other})
    io.write_cube(tmp_path / "part.hdr", cube, BANDS, rows=slice(2, 8), cols=slice(1, 5))
    assert stated(tmp_path / "part.hdr").map_info() == ("Gauss-Kruger, 1.0, 1.0, 102.0, 196.0, 2.0, 2.0, 3, Potsdam")
    io.write_cube(tmp_path / "whole.hdr", cube, BANDS)
    assert io.open_cube(tmp_path / "whole.hdr").provenance[KEY] == other


@pytest.mark.parametrize("where", [UTM, DEGREES, LAEA])
@pytest.mark.parametrize("is_point", [False, True])
def test_a_geotiff_of_gdal_has_its_map_coordinates(tmp_path: Path, where: Georeference, is_point: bool) -> None:
    rasterio = pytest.importorskip("rasterio")
    affine = pytest.importorskip("rasterio.transform").Affine
    path = tmp_path / "cube.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=6, height=9, width=12, dtype="float32", crs=f"EPSG:{where.epsg}",
        transform=affine(*where.transform),
    ) as image:  # fmt: skip
        image.write(VALUES)
        if is_point:
            image.update_tags(AREA_OR_POINT="Point")
    found = stated(path)
    assert (found.epsg, found.pixel_metres) == (where.epsg, where.pixel_metres)
    np.testing.assert_allclose(found.transform, where.transform)
    with opened_by_gdal(path) as image:
        np.testing.assert_allclose(found.to_map([(4, 5)])[0], image.xy(4, 5, offset="ul"))


def test_a_geotiff_that_runs_from_south_to_north_has_that_of_the_image_shown(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    affine, path = pytest.importorskip("rasterio.transform").Affine, tmp_path / "cube.tif"
    with warnings.catch_warnings(action="ignore"), rasterio.open(
        path, "w", driver="GTiff", count=6, height=9, width=12, dtype="float32", crs="EPSG:3035",
        transform=affine(*LAEA.flipped(9).transform),
    ) as image:  # fmt: skip
        image.write(VALUES[:, ::-1])
    np.testing.assert_allclose(stated(path).transform, LAEA.transform)
    np.testing.assert_array_equal(io.open_cube(path, io.CubeHints(wavelengths=BANDS)).band(400.0), VALUES[0])


@pytest.mark.parametrize("where", [UTM, DEGREES, LAEA.flipped(9)])
@pytest.mark.parametrize("is_point", [False, True])
def test_gdal_reads_the_tags_that_are_written(tmp_path: Path, where: Georeference, is_point: bool) -> None:
    keys = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 2, 3072, 0, 1, 3035)
    where = replace(where, epsg=3035, geo_keys={34735: keys}) if is_point else where
    tifffile.imwrite(tmp_path / "out.tif", VALUES[0], extratags=where.geotiff_tags())
    with opened_by_gdal(tmp_path / "out.tif") as image:
        np.testing.assert_allclose(tuple(image.transform)[:6], where.transform)
        if is_point or where.map_info():
            assert image.crs.to_epsg() == where.epsg


@pytest.mark.parametrize("ascending", [False, True])
def test_netcdf_coordinates_give_position_and_size(tmp_path: Path, ascending: bool) -> None:
    pyproj_wkt = 'PROJCRS["ETRS89-extended / LAEA Europe",ID["EPSG",3035]]'
    y = 3210.0 - 0.02 * (np.arange(9) + 0.5)
    data = xarray.Dataset(
        {
            "reflectance": (("wavelength", "y", "x"), VALUES, {"grid_mapping": "crs"}),
            "crs": ((), 0, {"crs_wkt": pyproj_wkt}),
        },
        {
            "wavelength": ("wavelength", BANDS.nm, {"units": "nm"}),
            "y": ("y", y[::-1] if ascending else y, {"units": "km", "standard_name": "projection_y_coordinate"}),
            "x": ("x", 4321 + 0.02 * (np.arange(12) + 0.5), {"units": "km"}),
        },
    )  # fmt: skip
    data.to_netcdf(tmp_path / "cube.nc", engine="h5netcdf")
    found = stated(tmp_path / "cube.nc")
    assert found.epsg == 3035 and found.pixel_metres == pytest.approx(20)
    np.testing.assert_allclose(found.to_map([(0, 0), (9, 12)]), [(4321, 3210), (4321.24, 3209.82)])


@pytest.mark.parametrize(
    ("y", "x"),
    [
        ((np.arange(9), {}), (np.arange(12), {})),
        ((np.arange(9) ** 2, {"units": "m"}), (np.arange(12), {"units": "m"})),
        ((np.arange(9), {"units": "m"}), (np.arange(12), {"units": "km"})),
        ((np.arange(9), {"units": "s"}), (np.arange(12), {"units": "s"})),
        (([*range(7), np.inf, np.inf], {"units": "m"}), (np.arange(12), {"units": "m"})),
    ],
)
def test_coordinates_that_are_no_places_give_none(tmp_path: Path, y: Any, x: Any) -> None:
    data = xarray.Dataset(
        {"cube": (("wavelength", "y", "x"), VALUES)},
        {"wavelength": ("wavelength", BANDS.nm, {"units": "nm"}), "y": ("y", *y), "x": ("x", *x)},
    )
    data.to_netcdf(tmp_path / "cube.nc", engine="h5netcdf")
    assert KEY not in io.open_cube(tmp_path / "cube.nc").provenance


@pytest.mark.parametrize(
    ("stated_size", "metres"),
    [
        ({"PhysicalSizeX": 0.65, "PhysicalSizeY": 0.65}, 0.65e-6),
        ({"PhysicalSizeX": 2.0, "PhysicalSizeXUnit": "mm", "PhysicalSizeY": 2.0, "PhysicalSizeYUnit": "mm"}, 2e-3),
        ({"PhysicalSizeX": 2.0}, None),
        ({}, None),
    ],
)
def test_an_ome_tiff_states_the_size_of_its_pixels(
    tmp_path: Path, stated_size: dict[str, Any], metres: float | None
) -> None:
    names = {"Channel": {"Name": [f"{nm:g} nm" for nm in BANDS.nm]}}
    tifffile.imwrite(tmp_path / "c.ome.tif", VALUES, metadata={"axes": "CYX", **names, **stated_size})
    where = Georeference.parse(io.open_cube(tmp_path / "c.ome.tif").provenance.get(KEY, ""))
    assert (where.pixel_metres if where is not None else None) == (pytest.approx(metres) if metres else None)


@pytest.mark.parametrize(
    "tags",
    [
        {}, {"ModelPixelScale": [1], "ModelTiepoint": []}, {"ModelPixelScale": "ab"},
        {"ModelTransformation": [0.0] * 16}, {"ModelTransformation": [float("nan")] * 16},
        {"ModelPixelScale": [1, 1, 0], "ModelTiepoint": [0] * 6, "GTRasterTypeGeoKey": "x"},
    ],
)  # fmt: skip
def test_damaged_tags_are_no_georeferencing(tags: dict[str, Any]) -> None:
    assert Georeference.of_geotiff(tags) is None
