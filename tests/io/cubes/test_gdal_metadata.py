"""What GDAL writes around the bands of an image: side files, masks, overviews, rasters from south to north."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from nesr_gui import io
from nesr_gui.io.cubes import gdal_metadata
from nesr_gui.io.cubes.decoding import decoding
from nesr_gui.io.cubes.gdal_metadata import items_beside, items_in
from nesr_gui.io.georeference import KEY, Georeference
from nesr_gui.spectral import Quantity
from tests.io.cubes.foreign import MISSING, NM, PACKED, SHAPE, STATED, VALUES, check, listed, question

rasterio = pytest.importorskip("rasterio")

GUESS = ",".join(listed(NM))


def raster(
    path: Path, values: Any = VALUES, *, names: str = "", dtype: str = "float32", down: float = -30.0, **options: Any
) -> Path:
    """An image of GDAL in UTM; `down` is the step from row to row, and rows are stored from north to south or back."""
    change: Callable[[Any], None] = options.pop("change", lambda image: None)
    place = rasterio.Affine(30, 0, 500_000, 0, down, 4_000_000)
    size = dict(zip(("count", "height", "width"), SHAPE, strict=True))
    options = {"driver": "GTiff", "crs": "EPSG:32633", "transform": place, **size, **options}
    with rasterio.open(path, "w", dtype=dtype, **options) as image:
        image.write((values if down < 0 else values[:, ::-1]).astype(dtype))
        for band, nm in enumerate(NM, 1):
            if names:
                image.set_band_description(band, names.format(nm))
        change(image)
    return path


def side_file(image: Path, of_band: str, of_file: str = "") -> Path:
    """Write the side file of an image, with the same text for each band but for its wavelength."""
    bands = "".join(
        f'<PAMRasterBand band="{number}">{of_band.format(nm, nm / 1000)}</PAMRasterBand>'
        for number, nm in enumerate(NM, 1)
    )
    Path(f"{image}.aux.xml").write_text(f"<PAMDataset>{of_file}{bands}</PAMDataset>")
    return image


@pytest.mark.parametrize(
    "text",
    ["<Description>{0} nm</Description>", '<Metadata><MDI key="wavelength">{0}</MDI></Metadata>',
     '<Metadata><MDI key="Wavelength">{1}</MDI><MDI key="wavelength_units">um</MDI></Metadata>',
     '<Metadata domain="IMAGERY"><MDI key="CENTRAL_WAVELENGTH_UM">{1}</MDI></Metadata>',
     '<Metadata><MDI key="center_wavelength">{0} nm</MDI></Metadata>'],
)  # fmt: skip
def test_wavelengths_in_a_side_file(tmp_path: Path, text: str) -> None:
    check(side_file(raster(tmp_path / "c.tif"), text))


def test_a_list_of_the_file_and_numbers_in_names(tmp_path: Path) -> None:
    tags = {"wavelengths": ", ".join(map(str, NM / 1000)), "wavelength_units": "Micrometers"}
    check(raster(tmp_path / "c.tif", change=lambda image: image.update_tags(**tags)))
    assert question(raster(tmp_path / "d.tif", names="B01 ({:g})")).guess == GUESS


def test_good_bands_that_gdal_took_over_from_envi(tmp_path: Path) -> None:
    def state(image: Any) -> None:
        image.update_tags(ns="ENVI", bbl="{1, 1, 1, 1, 1, 1, 1, 1, 1, 0}")

    field = check(raster(tmp_path / "c.tif", names="{:g} nm", change=state),
                  np.where(np.arange(10)[:, None, None] == 9, np.nan, VALUES))  # fmt: skip
    assert field.provenance["bad_bands"].startswith("1 of 10")


def test_fills_and_factors_in_a_side_file(tmp_path: Path) -> None:
    stored = np.where(np.isnan(MISSING), -9999, np.round((VALUES - 0.05) * 1e4))
    image = raster(tmp_path / "c.tif", stored, names="{} nm", dtype="int16")
    text = "<NoDataValue>-9.99900000000000E+03</NoDataValue><Offset>0.05</Offset><Scale>0.0001</Scale>"
    check(side_file(image, text), MISSING)
    envi = raster(tmp_path / "c.img", PACKED, names="{} nm", dtype="int16", driver="ENVI")
    check(side_file(envi, "<NoDataValue>-9999</NoDataValue>"), np.where(np.isnan(MISSING), np.nan, PACKED))


def test_what_is_in_the_file_comes_first(tmp_path: Path) -> None:
    image = raster(tmp_path / "c.tif", names="{:g} nm", nodata=-9999.0)
    check(side_file(image, "<Description>9{0} nm</Description>"))


def envi_header(path: Path, **stated: Any) -> Path:
    """An ENVI header of 16-bit integers, reflectance × 10000, of the size of the cube."""
    keys = {
        "samples": 7, "lines": 9, "bands": 10, "header_offset": 0, "file_type": "ENVI Standard", "data_type": 12,
        "interleave": "bsq", "byte_order": 0, "wavelength_units": "Nanometers",
        "wavelength": "{" + ", ".join(listed(NM)) + "}", "reflectance_scale_factor": 10000, "data_ignore_value": 0,
    } | stated  # fmt: skip
    lines = [f"{key.replace('_', ' ')} = {value}" for key, value in keys.items() if value is not None]
    path.write_text("\n".join(["ENVI", *lines]))
    return path


INTEGERS = np.round(VALUES * 1e4)


@pytest.mark.parametrize("beside", ["c.hdr", "c.tif.hdr"])
@pytest.mark.parametrize("stated", [{}, {"file_type": "TIFF"}, {"data_file": "c.tif"}, {"byte_order": 1}])
def test_an_envi_header_of_a_tiff_completes_it_with_a_note(tmp_path: Path, beside: str, stated: dict[str, Any]) -> None:
    envi_header(tmp_path / beside, **stated)
    (tmp_path / "c.tfw").write_text("30\n0\n0\n-30\n500015\n3999985\n")
    field = check(raster(tmp_path / "c.tif", INTEGERS, dtype="uint16"))
    assert field.quantity is Quantity.REFLECTANCE
    assert field.notes == (f"Header: factors and values that mean none of {beside} were applied.",)


def test_a_header_without_factors_is_no_surprise(tmp_path: Path) -> None:
    envi_header(tmp_path / "c.hdr", data_type=4, reflectance_scale_factor=None, data_ignore_value=None)
    field = check(raster(tmp_path / "c.tif"))
    assert field.notes == () and field.provenance["described_by"] == "c.hdr"


@pytest.mark.parametrize(
    ("values", "dtype", "stated", "own"),
    [
        (VALUES, "float32", {}, ""),
        (INTEGERS, "uint16", {"data_type": 2}, ""),
        (INTEGERS, "uint16", {"data_type": 13}, ""),
        (INTEGERS, "uint16", {}, "c.img"),
        (INTEGERS, "uint16", {}, "c"),
        (INTEGERS, "uint16", {"data_file": "other.img"}, ""),
        (INTEGERS, "uint16", {"samples": 9, "lines": 7}, ""),
    ],
)
def test_an_envi_header_of_another_file_changes_no_tiff(
    tmp_path: Path, values: Any, dtype: str, stated: dict[str, Any], own: str
) -> None:
    envi_header(tmp_path / "c.hdr", **stated)
    if own:
        (tmp_path / own).write_bytes(INTEGERS.astype("<u2").tobytes())
        check(tmp_path / own)
    field = check(raster(tmp_path / "c.tif", values, dtype=dtype, names="{:g} nm"), values)
    assert field.notes == () and "described_by" not in field.provenance


@pytest.mark.parametrize(
    "text",
    ["", "<PAMDataset>", "<!DOCTYPE a [<!ENTITY b 'c'>]><PAMDataset/>", "<Other/>", "<PAMDataset><PAMRasterBand/>"
     '<PAMRasterBand band="0"><Scale>2</Scale></PAMRasterBand></PAMDataset>'],
)  # fmt: skip
def test_damaged_side_files_state_nothing(tmp_path: Path, text: str) -> None:
    image = raster(tmp_path / "c.tif", names="{:g} nm")
    Path(f"{image}.aux.xml").write_text(text)
    assert items_beside(image) == []
    check(image)


def test_a_damaged_tag_states_nothing() -> None:
    assert items_in("<GDALMetadata><Item") == [] == items_in(None)


ELEMENTS = ["Scale", "NoDataValue", "Description"]
KEYS = ["wavelength", "wavelengths", "CENTRAL_WAVELENGTH_UM", "wavelength_units", "bbl", "Band_1", "Band_2"]
TEXTS = ["450 nm", "nan", "1e400", "B01 (443)", "", "um", "{1, 0}", "-9999", "99999999999999999999"]
ENTRIES = st.tuples(
    st.integers(-2, 12),
    st.sampled_from(KEYS + ELEMENTS),
    st.sampled_from(TEXTS) | st.text(alphabet="0123456789.,;{}() nm", max_size=12),
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(entries=st.lists(ENTRIES, max_size=8))
def test_any_side_file_gives_values_or_none(tmp_path_factory: Any, entries: list[tuple[int, str, str]]) -> None:
    image = tmp_path_factory.getbasetemp() / "any.tif"
    parts = []
    for band, name, text in entries:
        entry = (
            f"<{name}>{text}</{name}>" if name in ELEMENTS else f'<Metadata><MDI key="{name}">{text}</MDI></Metadata>'
        )
        parts.append(entry if band < 0 else f'<PAMRasterBand band="{band}">{entry}</PAMRasterBand>')
    Path(f"{image}.aux.xml").write_text(f"<PAMDataset>{''.join(parts)}</PAMDataset>")
    items = items_beside(image)
    found, bad = gdal_metadata.wavelengths(items, 10), gdal_metadata.bad_bands(items)
    assert found is None or (found[0].ndim == 1 and isinstance(found[1], str))
    assert bad is None or bad.dtype == np.bool_
    assert gdal_metadata.per_band(items, "scale", 1.0).ndim == 1
    gdal_metadata.suggested(items, 2)
    decoding("i2", fill=gdal_metadata.nodata(items))


@pytest.mark.parametrize("inside", ["YES", "NO"])
@pytest.mark.parametrize("down", [-30.0, 30.0])
def test_pixels_outside_the_mask_have_no_value(tmp_path: Path, inside: str, down: float) -> None:
    mask = np.full(SHAPE[1:], 255, np.uint8)
    mask[0, 0] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside):
        path = raster(tmp_path / "c.tif", names="{:g} nm", down=down)
        with rasterio.open(path, "r+") as image:
            image.write_mask(mask if down < 0 else mask[::-1])
    assert Path(f"{path}.msk").exists() == (inside == "NO")
    field = check(path, MISSING)
    assert "outside the mask" in field.provenance["mask"]
    np.testing.assert_allclose(field.band(405, stride=2), MISSING[0, ::2, ::2], atol=1e-6)
    np.testing.assert_allclose(field.spectra([(0, 0), (8, 6)], [405]), [[np.nan], [VALUES[0, 8, 6]]], atol=1e-6)


@pytest.mark.parametrize("driver", ["GTiff", "COG"])
def test_overviews_are_no_bands(tmp_path: Path, driver: str) -> None:
    values = np.tile(VALUES, (1, 60, 80))
    options = {"driver": driver, "height": 540, "width": 560, "count": 2}
    path = raster(tmp_path / "c.tif", values[:2], **options)
    if driver == "GTiff":
        with rasterio.open(path, "r+") as image:
            image.build_overviews([2, 4, 8])
    with rasterio.open(path) as image:
        assert image.overviews(1)
    Path(f"{path}.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Description>405 nm</Description></PAMRasterBand>'
        '<PAMRasterBand band="2"><Description>450 nm</Description></PAMRasterBand></PAMDataset>'
    )
    assert io.is_cube(path)
    check(path, values[:2], nm=[405, 450])


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_envi_images_of_gdal_from_south_to_north(tmp_path: Path, interleave: str) -> None:
    stored = np.where(np.isnan(MISSING), -9999, MISSING)
    path = raster(
        tmp_path / "c.img", stored, names="{:g} nm", down=30.0, driver="ENVI", interleave=interleave, nodata=-9999.0
    )
    assert "rotation=180" in path.with_suffix(".hdr").read_text()
    assert_north_up(check(path, MISSING))


def test_envi_images_with_a_negative_height_of_pixels(tmp_path: Path) -> None:
    path = raster(tmp_path / "c.img", names="{:g} nm", down=30.0, driver="ENVI")
    header = path.with_suffix(".hdr")
    header.write_text(header.read_text().replace("30, 30, 33, North,WGS-84, rotation=180", "30, -30, 33, North,WGS-84"))
    assert_north_up(check(path))


@pytest.mark.parametrize("rotation", ["rotation=0", "rotation=30", "rotation=-52.5"])
def test_other_rotations_are_left_as_they_are(tmp_path: Path, rotation: str) -> None:
    path = raster(tmp_path / "c.img", names="{:g} nm", driver="ENVI")
    header = path.with_suffix(".hdr")
    header.write_text(header.read_text().replace("North,WGS-84", f"North,WGS-84, {rotation}"))
    assert "orientation" not in check(path).provenance


def test_geotiffs_from_south_to_north(tmp_path: Path) -> None:
    assert_north_up(check(raster(tmp_path / "c.tif", names="{:g} nm", down=30.0)))


@pytest.mark.parametrize("is_point", [False, True])
def test_geotiffs_with_a_negative_height_of_pixels(tmp_path: Path, is_point: bool) -> None:
    corner = (0.0, 0.0, 0.0, 500_015.0, 4_000_015.0, 0.0) if is_point else (2.0, 3.0, 0.0, 500_060.0, 4_000_090.0, 0.0)
    keys = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1 + is_point, 3072, 0, 1, 32633)
    tags = [(33550, "d", 3, (30.0, -30.0, 0.0), True), (33922, "d", 6, corner, True), (34735, "H", 16, keys, True)]
    with tifffile.TiffWriter(tmp_path / "c.tif") as tiff:
        for nm, band in zip(NM, VALUES[:, ::-1].astype("f4"), strict=True):
            tiff.write(band, description=f"{nm:g} nm", metadata=None, contiguous=False, extratags=tags)
    assert_north_up(check(tmp_path / "c.tif"))


def assert_north_up(field: Any) -> None:
    """The place of the upper left corner is that of the northernmost row, in the cube and in its exports."""
    assert field.provenance["orientation"] == "stored from south to north; shown north up"
    where = Georeference.parse(field.provenance[KEY])
    assert where is not None and where.epsg == 32633
    assert where.to_map([(0, 0), (9, 7)]).tolist() == [[500_000, 4_000_270], [500_210, 4_000_000]]


@pytest.mark.parametrize("format", ["c.tif", "c.hdr"])
def test_what_is_exported_from_it_has_the_right_place(tmp_path: Path, format: str) -> None:
    driver = "ENVI" if format.endswith("hdr") else "GTiff"
    field = check(raster(tmp_path / "s.img", names="{:g} nm", down=30.0, driver=driver))
    io.write_cube(tmp_path / "out.hdr", field, field.wavelengths, rows=slice(2, 8), cols=slice(1, 7))
    with rasterio.open(tmp_path / "out.img") as image:
        assert image.transform == rasterio.Affine(30, 0, 500_030, 0, -30, 4_000_210)
        np.testing.assert_allclose(image.read(), VALUES[:, 2:8, 1:7], atol=1e-6)
    assert_north_up(io.open_cube(tmp_path / "s.img"))
    where = Georeference.parse(field.provenance[KEY])
    assert where is not None
    tifffile.imwrite(tmp_path / "picture.tif", np.zeros((9, 7), "u1"), extratags=where.geotiff_tags())
    with rasterio.open(tmp_path / "picture.tif") as image:
        assert image.transform == rasterio.Affine(30, 0, 500_000, 0, -30, 4_000_270)


def test_names_of_pages(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "c.tif") as tiff:
        for nm, band in zip(NM, VALUES.astype("f4"), strict=True):
            tiff.write(band, description=f"{nm:g} nm", metadata=None, contiguous=False)
    check(tmp_path / "c.tif")
    with tifffile.TiffWriter(tmp_path / "d.tif") as tiff:
        for nm, band in zip(NM, VALUES.astype("f4"), strict=True):
            tiff.write(band, metadata=None, contiguous=False, extratags=[(285, "s", 0, f"B ({nm:g})", True)])
    assert question(tmp_path / "d.tif").guess == GUESS
    check(tmp_path / "d.tif", hints=STATED)
