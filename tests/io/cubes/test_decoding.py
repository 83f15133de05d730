"""Stored numbers become the values that the program that wrote them reads back, by every convention."""

from __future__ import annotations

import base64
import struct
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nesr_gui import io
from nesr_gui.io.cubes.decoding import Decoding, decoding, decoding_of
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Wavelengths

BANDS = Wavelengths(np.array([400.0, 455.5, 600, 700]))
SHAPE = (4, 5, 3)
FOREIGN = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
PACKED = ["int8", "uint8", "int16", "uint16", "int32", "uint32"]
FILLS = [-9999.0, -1.23e34, -1.267651e30, 9.969209968386869e36, -3.4028234663852886e38, 1e20, 0.0, -0.1, -9999.9]


def read(path: Path) -> np.ndarray:
    field = io.open_cube(path, is_trusted=True)
    np.testing.assert_allclose(field.wavelengths.nm, BANDS.nm, rtol=1e-6)
    return field.cube(field.wavelengths).values


@st.composite
def packed(draw: Any) -> dict[str, Any]:
    """An encoding of xarray and NetCDF: type, factor, offset and fill value."""
    dtype = np.dtype(draw(st.sampled_from(PACKED)))
    limits = np.iinfo(dtype)
    return {
        "dtype": dtype.name,
        "scale_factor": draw(st.sampled_from([1e-4, 0.01, 0.5, 2.0])),
        "add_offset": draw(st.sampled_from([0.0, 0.1, -3.0])),
        "_FillValue": draw(st.sampled_from([int(limits.min), int(limits.max), 0])),
    }


def scene(encoding: dict[str, Any], seed: int) -> np.ndarray:
    """Values that the encoding holds, some of them missing."""
    rng = np.random.default_rng(seed)
    limits = np.iinfo(encoding["dtype"])
    stored = rng.integers(max(int(limits.min), -(2**20)), min(int(limits.max), 2**20), SHAPE, dtype=np.int64)
    values = stored * encoding["scale_factor"] + encoding["add_offset"]
    values[rng.random(SHAPE) < 0.2] = np.nan
    return values


@FOREIGN
@given(
    encoding=packed(),
    seed=st.integers(0, 99),
    target=st.sampled_from(["h5netcdf", "netcdf4", "scipy", "zarr2", "zarr3"]),
)
def test_what_xarray_packs_it_and_we_unpack_alike(encoding: dict[str, Any], seed: int, target: str) -> None:
    xarray = pytest.importorskip("xarray")
    if target == "scipy" and encoding["dtype"].startswith("u"):
        return  # the classic format has no such types
    values = scene(encoding, seed)
    data = xarray.Dataset(
        {"radiance": (("wavelength", "y", "x"), values)},
        coords={"wavelength": ("wavelength", BANDS.nm, {"units": "nm"})},
    )
    packing = {"radiance": encoding, "wavelength": {"dtype": "int16", "scale_factor": 0.5, "_FillValue": -1}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "c.zarr" if "zarr" in target else "c.nc")
        if "zarr" in target:
            data.to_zarr(path, zarr_format=int(target[-1]), encoding=packing, consolidated=False)
            expected = xarray.open_zarr(path, consolidated=False)["radiance"].values
        else:
            data.to_netcdf(path, engine=target, encoding=packing)
            with xarray.open_dataset(path, engine=target) as opened:
                expected = opened["radiance"].values
        np.testing.assert_allclose(read(path), expected, rtol=1e-6, atol=1e-7)


@FOREIGN
@given(fill=st.sampled_from(FILLS), seed=st.integers(0, 9), target=st.sampled_from(["h5netcdf", "zarr2", "zarr3"]),
       dtype=st.sampled_from(["float32", "float64"]))  # fmt: skip
def test_fills_of_floating_point(fill: float, seed: int, target: str, dtype: str) -> None:
    xarray = pytest.importorskip("xarray")
    values = np.random.default_rng(seed).random(SHAPE)
    values[:, 0, 0] = np.nan
    data = xarray.Dataset(
        {"cube": (("wavelength", "y", "x"), values)}, coords={"wavelength": ("wavelength", BANDS.nm, {"units": "nm"})}
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "c.zarr" if "zarr" in target else "c.nc")
        encoding = {"cube": {"dtype": dtype, "_FillValue": fill}}
        if "zarr" in target:
            data.to_zarr(path, zarr_format=int(target[-1]), encoding=encoding, consolidated=False)
        else:
            data.to_netcdf(path, engine=target, encoding=encoding)
        np.testing.assert_allclose(read(path), values, rtol=1e-6)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_as_the_fill_of_xarray_is_no_surprise(tmp_path: Path, zarr_format: int, dtype: str) -> None:
    xarray = pytest.importorskip("xarray")
    values = np.random.default_rng(5).random(SHAPE).astype(dtype)
    values[:, 0, 0] = np.nan
    data = xarray.Dataset(
        {"cube": (("wavelength", "y", "x"), values)}, coords={"wavelength": ("wavelength", BANDS.nm, {"units": "nm"})}
    )
    data.to_zarr(tmp_path / "c.zarr", zarr_format=zarr_format, consolidated=False)
    field = io.open_cube(tmp_path / "c.zarr", is_trusted=True)
    assert field.notes == ()
    np.testing.assert_array_equal(field.cube(BANDS).values, values.astype(np.float32))


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("stated", [np.float32, np.float64, "{:.9g}".format, "{!r}".format])
def test_a_fill_is_compared_in_the_precision_of_the_data(tmp_path: Path, fill: float, dtype: str, stated: Any) -> None:
    values = np.random.default_rng(1).random(SHAPE).astype(dtype) + np.asarray(1, dtype)
    values[:, 2, 1] = fill
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["cube"], file["wavelength"] = values, BANDS.nm
        file["cube"].attrs["_FillValue"] = stated(fill)
    found = read(tmp_path / "c.h5")
    assert np.isnan(found[:, 2, 1]).all() and np.isnan(found).sum() == 4


@pytest.mark.parametrize("nodata", [-9999.9, -3.4028234663852886e38, float("nan"), -1.23e34, 1e20])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nodata_of_gdal(tmp_path: Path, nodata: float, dtype: str) -> None:
    rasterio = pytest.importorskip("rasterio")
    values = np.random.default_rng(2).random((4, 5, 3)).astype(dtype)
    values[:, 1, 1] = nodata
    options = {"count": 4, "height": 5, "width": 3, "dtype": dtype, "nodata": nodata}
    transform = rasterio.Affine(0.1, 0, 8, 0, -0.1, 50)
    with rasterio.open(tmp_path / "c.tif", "w", driver="GTiff", transform=transform, **options) as image:
        image.write(values)
        for band, nm in enumerate(BANDS, 1):
            image.set_band_description(band, f"{nm} nm")
    with rasterio.open(tmp_path / "c.tif") as image:
        np.testing.assert_array_equal(
            np.isnan(read(tmp_path / "c.tif")), image.read(masked=True).mask | np.isnan(values)
        )


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_nodata_of_envi_as_gdal_writes_it(tmp_path: Path, interleave: str) -> None:
    rasterio = pytest.importorskip("rasterio")
    values = np.random.default_rng(2).random((4, 5, 3)).astype(np.float32)
    values[:, 1, 1] = -1.23e34
    options = {"count": 4, "height": 5, "width": 3, "dtype": "float32", "nodata": -1.23e34}
    transform = rasterio.Affine(0.1, 0, 8, 0, -0.1, 50)
    with rasterio.open(
        tmp_path / "c.img", "w", driver="ENVI", transform=transform, interleave=interleave, **options
    ) as image:
        image.write(values)
        for band, nm in enumerate(BANDS, 1):
            image.set_band_description(band, f"Band {band} ({nm} Nanometers)")
    values[:, 1, 1] = np.nan
    np.testing.assert_array_equal(read(tmp_path / "c.img"), values)


@pytest.mark.parametrize(("dtype", "word"), [("i1", "true"), ("i2", "true"), ("i4", "true"), ("u2", "false")])
def test_signedness_that_an_attribute_declares(tmp_path: Path, dtype: str, word: str) -> None:
    netcdf = pytest.importorskip("netCDF4")
    real = np.dtype(("u" if word == "true" else "i") + dtype[1:])
    limits = np.iinfo(real)
    values = np.random.default_rng(3).integers(limits.min, limits.max, SHAPE, dtype=real)
    with netcdf.Dataset(tmp_path / "c.nc", "w") as file:
        for name, size in zip(("wavelength", "y", "x"), SHAPE, strict=True):
            file.createDimension(name, size)
        listed = file.createVariable("wavelength", "f8", ("wavelength",))
        listed[:], listed.units = BANDS.nm, "nm"
        cube = file.createVariable("rad", dtype, ("wavelength", "y", "x"), fill_value=values.view(dtype)[0, 0, 0])
        cube.set_auto_maskandscale(False)
        cube._Unsigned, cube.scale_factor = word, 0.5
        cube[:] = values.view(dtype)
    expected = np.where(values == values[0, 0, 0], np.nan, values * 0.5)
    np.testing.assert_allclose(read(tmp_path / "c.nc"), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "attributes",
    [{"valid_range": np.int16([-100, 16000])}, {"valid_min": np.int16(-100), "valid_max": np.int16(16000)},
     {"valid_range": np.array([-0.01, 1.6])}],
)  # fmt: skip
def test_what_lies_outside_the_valid_range_is_no_value(tmp_path: Path, attributes: dict[str, Any]) -> None:
    stored = np.random.default_rng(4).integers(-5000, 25000, SHAPE).astype(np.int16)
    stored[0, 0, :2] = -100, 16000  # the limits are valid
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["refl"], file["wavelength"] = stored, BANDS.nm
        file["refl"].attrs.update({"scale_factor": 1e-4, **attributes})
    expected = np.where((stored < -100) | (stored > 16000), np.nan, stored * 1e-4)
    np.testing.assert_allclose(read(tmp_path / "c.h5"), expected, rtol=1e-6)


def test_valid_limits_have_the_precision_of_the_data() -> None:
    found = decoding_of({"valid_min": 0.1, "valid_max": 0.7}, "f4").decode(np.float32([0.05, 0.1, 0.7, 0.8]))
    assert np.isnan(found).tolist() == [True, False, False, True]


@pytest.mark.parametrize("name", ["Scale_Factor", "Scale Factor", "scaleFactor", "Reflectance_Scale_Factor"])
@pytest.mark.parametrize("stated", [10000.0, "10000", np.array([10000.0]), np.int32(10000)])
def test_spellings_of_neon(name: str, stated: Any) -> None:
    how = decoding_of({name: stated, "Data_Ignore_Value": "-9999"}, "i2")
    np.testing.assert_allclose(how.decode(np.int16([1064, -9999])), [0.1064, np.nan])
    assert "divided" in how.notes["scaling"]


@pytest.mark.parametrize(
    ("text", "dtype", "value"),
    [(base64.b64encode(struct.pack("<d", -9999)).decode(), "f4", -9999), ("NaN", "f8", None), ("-1.#IND", "f4", None),
     ("ADwcxg==", "f4", -9999), ("", "f4", None), ("None", "i2", None), (b"-9999\0", "i2", -9999),
     ("{-9999}", "f4", -9999)],
)  # fmt: skip
def test_fills_that_are_text(text: Any, dtype: str, value: float | None) -> None:
    how = decoding(dtype, fill=[text])
    if value is not None:
        assert set(how.fill) == {value} and not how.notes
    assert ("data_ignore_value" in how.notes) == (text in ("", "None"))


@pytest.mark.parametrize("factor", [0.0, np.nan, np.inf])
def test_factors_that_cannot_be_are_refused(factor: float) -> None:
    with pytest.raises(UnreadableFile, match="zero or not finite"):
        Decoding(np.array([factor]))


def test_what_the_netcdf_library_never_wrote_is_no_value(tmp_path: Path) -> None:
    netcdf = pytest.importorskip("netCDF4")
    for form in ("NETCDF4", "NETCDF3_CLASSIC"):
        with netcdf.Dataset(tmp_path / f"{form}.nc", "w", format=form) as file:
            for name, size in zip(("wavelength", "y", "x"), SHAPE, strict=True):
                file.createDimension(name, size)
            listed = file.createVariable("wavelength", "f8", ("wavelength",))
            listed[:], listed.units = BANDS.nm, "nm"
            file.createVariable("cube", "f4", ("wavelength", "y", "x"))[:, :2] = 0.5
        found = read(tmp_path / f"{form}.nc")
        assert (found[:, :2] == 0.5).all() and np.isnan(found[:, 2:]).all()


def test_a_fill_that_hdf5_defines_is_no_value(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["wavelength"] = BANDS.nm
        file.create_dataset("cube", SHAPE, "f4", chunks=(1, 5, 3), fillvalue=-9999)[:2] = 0.5
    assert np.isnan(read(tmp_path / "c.h5")[2:]).all()
