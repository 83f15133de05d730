"""Cubes that other programs wrote: what they say is understood, what they leave open is asked."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import imagecodecs
import numpy as np
import pytest
import tifffile

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io import CubeHints
from nesr_gui.io.cubes.description import AmbiguousFile
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity, Wavelengths

BANDS = Wavelengths(np.array([400.0, 455.5, 600, 700]))
LINES, ROWS, COLS = np.mgrid[:4, :5, :3]
VALUES = (0.1 + 0.2 * LINES + 0.013 * ROWS + 0.0031 * COLS).astype(np.float32)  # (L, H, W), smooth as a scene is
TYPES = ["u1", "i2", "i4", "f4", "f8", "c8", "c16", "u2", "u4", "i8", "u8"]


def check(path: Path, expected: Any = VALUES, reading: CubeHints | None = None, rtol: float = 1e-6) -> Any:
    field = io.open_cube(path, reading)
    np.testing.assert_allclose(field.wavelengths.nm, BANDS.nm, rtol=1e-12)
    np.testing.assert_allclose(field.cube(BANDS).values, expected, rtol=rtol)
    np.testing.assert_allclose(field.spectra([(4, 2)], BANDS)[0], expected[:, 4, 2], rtol=rtol)
    np.testing.assert_array_equal(field.band(500, stride=2), field.band(500)[::2, ::2])
    return field


def envi(path: Path, array: np.ndarray, interleave: str, offset: int = 0, **keys: object) -> Path:
    """An ENVI set of `array` (L, H, W), written by hand as cameras write them."""
    order = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}[interleave]
    codes = dict(zip(TYPES, (1, 2, 3, 4, 5, 6, 9, 12, 13, 14, 15), strict=True))
    path.with_suffix(".raw").write_bytes(b"\7" * offset + array.transpose(order).tobytes())
    big = int(array.dtype.byteorder == ">")
    bands, lines, samples = array.shape
    said = {
        "description": "{\n  made by a camera }",
        "samples": samples,
        "Lines": lines,
        "bands": bands,
        "header offset": offset,
        "data type": codes[array.dtype.str[1:]],
        "interleave": interleave.upper(),
        "byte order": big,
        "wavelength": "{\n 400,\n 455.5, 600,\n 700\n}",
        "wavelength units": "nm",
    }
    lines_ = [f"{k} = {v}" for k, v in {**said, **{k.replace("_", " "): v for k, v in keys.items()}}.items()]
    path.write_text("ENVI\n; a remark = no key\n" + "\n".join(lines_) + "\n")
    return path


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_envi_of_every_kind(tmp_path: Path, code: str, order: str, interleave: str) -> None:
    dtype = np.dtype(order + code)
    array = (VALUES * 200).astype(dtype)
    expected = np.abs(array).astype(np.float32)
    field = check(envi(tmp_path / "c.hdr", array, interleave, offset=13), expected)
    assert field.provenance["description"] == "made by a camera"
    check(tmp_path / "c.raw", expected)


def test_envi_of_spectral_python(tmp_path: Path) -> None:
    library = pytest.importorskip("spectral.io.envi")
    for interleave in ("bsq", "bil", "bip"):
        library.save_image(
            str(tmp_path / "c.hdr"),
            VALUES.transpose(1, 2, 0),
            interleave=interleave,
            force=True,
            metadata={"wavelength": list(BANDS.nm / 1000), "wavelength units": "Micrometers"},
        )
        field = check(tmp_path / "c.hdr")
        assert field.provenance["source_wavelength_unit"] == "Micrometers" and field.quantity is Quantity.UNKNOWN


def test_envi_marks_are_honoured(tmp_path: Path) -> None:
    array = np.round(VALUES * 5000).astype("<i2")
    array[1, 2, 1] = -9999
    keys = {"data_ignore_value": -9999, "reflectance_scale_factor": 10000, "bbl": "{1, 1, 0, 1}"}
    field = io.open_cube(envi(tmp_path / "c.hdr", array, "bil", fwhm="{5, 5, 5, 5}", **keys))
    expected = (array / 1e4).astype(np.float32)
    expected[1, 2, 1] = expected[2] = np.nan
    np.testing.assert_allclose(field.cube(BANDS).values, expected, rtol=1e-6)
    assert field.quantity is Quantity.REFLECTANCE and field.provenance["fwhm"] == "5, 5, 5, 5"
    assert "1 of 4" in field.provenance["bad_bands"]
    gains = {"data_gain_values": "{1, 2, 3, 4}", "data_offset_values": "{0, 0, 0, 1}"}
    field = io.open_cube(envi(tmp_path / "c.hdr", array, "bip", **gains))
    np.testing.assert_allclose(field.band(700), array[3] * 4 + 1, rtol=1e-6)


def test_unsorted_and_repeated_wavelengths(tmp_path: Path) -> None:
    order = [3, 0, 2, 1]
    listed = ", ".join(str(BANDS.nm[i]) for i in order)
    check(envi(tmp_path / "c.hdr", VALUES[order], "bsq", wavelength="{" + listed + "}"))
    check(envi(tmp_path / "r.hdr", VALUES[::-1].copy(), "bip", wavelength="{700, 600, 455.5, 400}"))
    repeated = VALUES[[0, 1, 1, 2, 3]].copy()
    repeated[2] = 9
    field = check(envi(tmp_path / "d.hdr", repeated, "bsq", wavelength="{400, 455.5, 455.5, 600, 700}"))
    assert "1 bands repeat a wavelength" in field.provenance["repeated_wavelengths"]


@pytest.mark.parametrize(
    ("unit", "factor", "inverse"),
    [("nm", 1, 0), ("Micrometers", 1e-3, 0), ("m", 1e-9, 0), ("Angstroms", 10, 0), ("mm", 1e-6, 0), ("", 1e-3, 0),
     ("Unknown", 1, 0), ("Wavenumber", 1e7, 1), ("1/cm", 1e7, 1), ("m-1", 1e9, 1), ("GHz", 299792458, 1)],
)  # fmt: skip
def test_every_unit_of_wavelength(tmp_path: Path, unit: str, factor: float, inverse: int) -> None:
    values = factor / BANDS.nm if inverse else BANDS.nm * factor
    text = "{" + ",".join(repr(float(value)) for value in values) + "}"
    field = check(envi(tmp_path / "c.hdr", VALUES, "bsq", wavelength=text, wavelength_units=unit))
    assert ("source_wavelength_unit" in field.provenance) == (unit != "nm")


def test_a_large_envi_file_opens_in_a_second_and_scrubs(tmp_path: Path) -> None:
    header = envi(tmp_path / "c.hdr", VALUES, "bsq", samples=10_000, lines=10_000, bands=50, data_type=4)
    text = header.read_text().replace(
        "{\n 400,\n 455.5, 600,\n 700\n}", "{" + ",".join(map(str, range(400, 450))) + "}"
    )
    header.write_text(text)
    with (tmp_path / "c.raw").open("r+b") as file:
        file.truncate(20_000_000_000)
        file.seek(4 * 10_000 * 10_000 * 7)
        file.write(np.float32(0.5).tobytes())
    start = time.process_time()
    field = io.open_cube(header)
    bands = [field.band(nm, stride=16) for nm in (400, 407, 449)]
    assert bands[1][0, 0] == 0.5 and bands[1].shape == (625, 625)
    assert field.spectra([(9999, 9999)], field.wavelengths).shape == (1, 50)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("axes", ["yxb", "byx", "xby", "bxy"])
def test_netcdf_of_xarray_in_any_order(tmp_path: Path, axes: str) -> None:
    xarray = pytest.importorskip("xarray")
    dims = {"y": "y", "x": "x", "b": "wavelength"}
    cube = xarray.DataArray(VALUES, dims=("wavelength", "y", "x"), coords={"wavelength": BANDS.nm / 1000})
    cube["wavelength"].attrs["units"] = "um"
    cube.attrs["long_name"] = "surface reflectance"
    data = cube.transpose(*(dims[a] for a in axes)).to_dataset(name="reflectance")
    packed = {"reflectance": {"dtype": "int16", "scale_factor": 1e-4, "add_offset": 0.1, "_FillValue": -1}}
    data.to_netcdf(tmp_path / "c.nc", engine="h5netcdf", encoding=packed)
    field = io.open_cube(tmp_path / "c.nc")
    np.testing.assert_allclose(field.cube(BANDS).values, VALUES, atol=6e-5)
    assert field.quantity is Quantity.REFLECTANCE


def test_hdf5_with_several_arrays_asks_which(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["scene/radiance"] = VALUES.transpose(1, 2, 0)
        file["scene/mask"] = np.zeros((5, 3, 2))
        file["scene/wavelengths"] = BANDS.nm
    with pytest.raises(AmbiguousFile) as asked:
        io.open_cube(tmp_path / "c.h5")
    assert asked.value.field == "variable" and asked.value.guess == "scene/radiance"
    assert set(asked.value.choices) == {"scene/radiance", "scene/mask"}
    field = check(tmp_path / "c.h5", reading=CubeHints(variable="radiance"))
    assert field.quantity is Quantity.RADIANCE
    with pytest.raises(UnreadableFile, match=r"has no array 'x'; it has scene/"):
        io.open_cube(tmp_path / "c.h5", CubeHints(variable="x"))


def test_zarr_of_xarray(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    xarray = pytest.importorskip("xarray")
    cube = xarray.DataArray(VALUES, dims=("band", "y", "x"), coords={"wavelength": ("band", BANDS.nm)})
    for version in (2, 3):
        cube.to_dataset(name="c").to_zarr(tmp_path / f"{version}.zarr", zarr_format=version, consolidated=False)
        check(tmp_path / f"{version}.zarr")


def write_73(path: Path, **arrays: np.ndarray) -> None:
    """As MATLAB does: column-major, so that HDF5 sees the axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            file[name] = values.T


def write_5(path: Path, **arrays: np.ndarray) -> None:
    pytest.importorskip("scipy.io").savemat(path, arrays)


@pytest.mark.parametrize("write", [write_73, write_5])
@pytest.mark.parametrize(
    ("key", "axes", "quantity"),
    [("cube", (1, 2, 0), Quantity.RADIANCE), ("rad", (1, 2, 0), Quantity.RADIANCE),
     ("ref", (1, 2, 0), Quantity.UNKNOWN), ("HyperImage", (0, 1, 2), Quantity.UNKNOWN)],
)  # fmt: skip
def test_matlab_files_of_the_data_sets(tmp_path: Path, write: Any, key: str, axes: Any, quantity: Quantity) -> None:
    path = tmp_path / "c.mat"
    values = np.concatenate([VALUES, VALUES], axis=1)  # (4, 10, 3)
    values = np.concatenate([values, values], axis=2)  # (4, 10, 6)
    array = values.transpose(axes).astype(np.float64)
    write(path, **{key: array, "bands": BANDS.nm[None, :], "norm_factor": np.array([[7.5]])})
    field = check(path, values)
    assert field.quantity is quantity and field.provenance["norm_factor"] == "7.5"
    path = tmp_path / "bare.mat"
    write(path, **{key: array})
    with pytest.raises(AmbiguousFile, match=r"at which wavelengths its 4 bands stand$") as asked:
        io.open_cube(path)
    assert asked.value.field == "wavelengths" and not asked.value.guess
    check(path, values, CubeHints(wavelengths=BANDS))


@pytest.mark.parametrize("write", [write_73, write_5])
def test_a_lone_matlab_array_asks_which_axis(tmp_path: Path, write: Any) -> None:
    path = tmp_path / "c.mat"
    write(path, data=np.concatenate([VALUES] * 3, axis=1).transpose(1, 0, 2))  # (15, 4, 3): bands in the middle
    with pytest.raises(AmbiguousFile, match=r"which axis runs over the bands; 1 is likely \(its values") as asked:
        io.open_cube(path)
    assert asked.value.field == "band_axis" and asked.value.choices == ("0", "1", "2")
    reading = CubeHints(band_axis=1)
    with pytest.raises(AmbiguousFile, match=r"its 4 bands"):
        io.open_cube(path, reading)
    field = io.open_cube(path, replace(reading, wavelengths=BANDS, quantity=Quantity.RADIANCE))
    np.testing.assert_allclose(field.band(600)[:5], VALUES[2], rtol=1e-6)
    assert field.quantity is Quantity.RADIANCE and field.provenance["wavelengths"] == "given by the user"
    field = io.open_cube(path, CubeHints(wavelengths=BANDS))  # four wavelengths fit one axis only
    np.testing.assert_allclose(field.band(600)[:5], VALUES[2], rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": True}, {"rowsperstrip": 2}])
@pytest.mark.parametrize("layout", ["separate", "contig", "pages"])
def test_tiff_of_tifffile(tmp_path: Path, layout: str, options: dict[str, Any]) -> None:
    values = np.concatenate([VALUES, VALUES])[:6]
    array = values.transpose(1, 2, 0) if layout == "contig" else values
    config = {"photometric": "minisblack"} if layout == "pages" else {"planarconfig": layout}
    tifffile.imwrite(tmp_path / "c.tif", array, metadata=None, **config, **options)
    assert not io.is_photograph(tmp_path / "c.tif")
    bands = Wavelengths(np.array([400.0, 455.5, 600, 700, 710, 720]))
    with pytest.raises(AmbiguousFile, match=r"its 6 bands"):
        io.open_cube(tmp_path / "c.tif")
    field = io.open_cube(tmp_path / "c.tif", CubeHints(wavelengths=bands))
    np.testing.assert_array_equal(field.cube(bands).values, values)
    np.testing.assert_array_equal(field.cube(bands, rows=slice(3, 5), cols=slice(1, 3)).values, values[:, 3:5, 1:3])


@pytest.mark.parametrize("tiled", [False, True])
def test_geotiff_of_rasterio(tmp_path: Path, tiled: bool) -> None:
    rasterio = pytest.importorskip("rasterio")
    values = np.pad(VALUES, ((0, 0), (0, 30), (0, 30)))
    shape = {"count": 4, "height": 35, "width": 33, "dtype": "uint16", "nodata": 0}
    blocks = {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"} if tiled else {}
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(tmp_path / "c.tif", "w", driver="GTiff", **shape, **blocks) as image,
    ):
        image.write(np.round(values * 10000).astype(np.uint16))
        image.scales = [1e-4] * 4
        for band, nm in enumerate(BANDS, 1):
            image.set_band_description(band, f"Band {band} ({nm:g} Nanometers)")
    field = io.open_cube(tmp_path / "c.tif")
    read = field.cube(BANDS).values
    np.testing.assert_allclose(read[:, :5, :3], np.round(VALUES * 10000) / 10000, rtol=1e-6)
    assert np.isnan(read[:, 6:, 6:]).all() and np.array_equal(field.wavelengths.nm, BANDS.nm)


def test_spectral_exr_of_another_program(tmp_path: Path) -> None:
    exr = pytest.importorskip("OpenEXR")
    named = {f"S0.{nm:.6f}".replace(".", ",").replace("S0,", "S0.") + "nm": nm for nm in BANDS}
    channels = {name: band.copy() for name, band in zip(named, VALUES, strict=True)}
    channels |= {colour: VALUES[0].copy() for colour in "RGB"}
    header = {"spectralLayoutVersion": "1.0", "emissiveUnits": "W.m^-2.sr^-1"}
    exr.File(header, channels).write(str(tmp_path / "c.exr"))
    field = check(tmp_path / "c.exr")
    assert field.quantity is Quantity.RADIANCE and field.provenance["units"] == "W.m^-2.sr^-1"


@pytest.mark.parametrize("quantity", [Quantity.REFLECTANCE, Quantity.RADIANCE])
def test_colour_science_reads_our_exr(tmp_path: Path, quantity: Quantity) -> None:
    pytest.importorskip("OpenEXR")
    pytest.importorskip("OpenImageIO")
    with warnings.catch_warnings(action="ignore"):  # of libraries that it does without
        import colour

        io.write_cube(tmp_path / "c.exr", CubeField(VALUES, BANDS, quantity), BANDS)
        components = colour.io.read_spectral_image_Fichet2021(str(tmp_path / "c.exr"))
    nm, values = components["T" if quantity is Quantity.REFLECTANCE else "S0"]
    np.testing.assert_allclose(nm, BANDS.nm, rtol=1e-6)
    np.testing.assert_allclose(np.moveaxis(values, 2, 0), VALUES, rtol=1e-6)


def test_numpy_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "c.npy", VALUES.transpose(1, 2, 0))
    with pytest.raises(AmbiguousFile, match="which axis"):
        io.open_cube(tmp_path / "c.npy")
    check(tmp_path / "c.npy", reading=CubeHints(wavelengths=BANDS))
    np.save(tmp_path / "f.npy", np.asfortranarray(VALUES))
    check(tmp_path / "f.npy", reading=CubeHints(wavelengths=BANDS))
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "c.npz", data=VALUES.transpose(2, 0, 1), wl=BANDS.nm)
        np.testing.assert_allclose(io.open_cube(tmp_path / "c.npz").band(600), VALUES[2].T, rtol=1e-6)
    np.save(tmp_path / "o.npy", np.array([{}, {}, {}], dtype=object), allow_pickle=True)
    with pytest.raises(UnreadableFile, match="Python objects"):
        io.open_cube(tmp_path / "o.npy")


@pytest.mark.parametrize("pattern", ["scene_{nm:g}nm.png", "{nm:g} nm.tif"])
def test_folders_of_named_bands(tmp_path: Path, pattern: str) -> None:
    stored = np.round(VALUES * 65535).astype(np.uint16)
    for nm, band in zip(BANDS, stored, strict=True):
        path = tmp_path / pattern.format(nm=nm)
        if path.suffix == ".png":
            path.write_bytes(imagecodecs.png_encode(band))
        else:
            tifffile.imwrite(path, band)
    assert check(tmp_path, stored / 65535).quantity is Quantity.UNKNOWN


def test_folders_of_numbered_bands_ask(tmp_path: Path) -> None:
    for folder, numbers in (("index", [1, 2, 3, 10]), ("nm", [400, 500, 600, 700])):
        (tmp_path / folder).mkdir()
        for number, band in zip(numbers, VALUES, strict=True):
            tifffile.imwrite(tmp_path / folder / f"v2_band{number}.tif", band)
    with pytest.raises(AmbiguousFile, match=r"its 4 bands stand"):
        io.open_cube(tmp_path / "index")
    check(tmp_path / "index", reading=CubeHints(wavelengths=BANDS))
    with pytest.raises(AmbiguousFile, match=r"400:700:100 is likely \(the numbers in their names\)"):
        io.open_cube(tmp_path / "nm")


def test_band_folders_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"has 0 PNG or TIFF files"):
        io.open_cube(tmp_path)
    tifffile.imwrite(tmp_path / "a1.tif", VALUES[0])
    tifffile.imwrite(tmp_path / "a2.tif", VALUES[0][:3])
    field = io.open_cube(tmp_path, CubeHints(wavelengths=Wavelengths.evenly_spaced(2)))
    with pytest.raises(UnreadableFile, match=r"a2.tif has 3 x 3 pixels of float32; expected 3 x 5"):
        field.band(700)
    (tmp_path / "b.png").write_bytes(b"x")
    with pytest.raises(UnreadableFile, match=r"not numbered alike"):
        io.open_cube(tmp_path)
