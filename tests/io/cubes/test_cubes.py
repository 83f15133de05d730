"""Every row of the table that writes cubes: written here, read here and by the program that others read it with."""

from __future__ import annotations

import importlib.util
import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from safetensors.numpy import load_file

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField, IntervalBlock
from nesr_gui.fields.sensor import Sensor, SensorBand, SensorField
from nesr_gui.io import FORMATS, CubeHints, FileKind, Format, StorageEncoding
from nesr_gui.spectral import Quantity, Wavelengths

UNEVEN = Wavelengths(np.array([400, 450.25, 512.3, 1 / 3 + 600, 700]))
THERMAL = Wavelengths(np.array([8000.5, 12000.0]))  # which could be in Å or cm⁻¹ if the file did not state their unit
WRITTEN = [row for row in FORMATS if row.kind is FileKind.CUBE and row.write]
ENDINGS = [(row, ending) for row in WRITTEN for ending in (row.writes or row.extensions or ("",))]
STORED = [(row, dtype) for row in WRITTEN for dtype in row.dtypes]
PROVENANCE = {"source": "photo ü, {1} = a.png", "model": "nesr", "reduction": "3", "notes": "two\nlines"}
LIBRARY = {"Zarr": "zarr", "Spectral OpenEXR": "OpenEXR"}


class Seen(NamedTuple):
    """A cube as another program sees it."""

    values: npt.NDArray[Any]  # (L, H, W), scaled
    nm: npt.NDArray[np.float64]
    unit: str


def field(shape: tuple[int, int] = (7, 9), bands: Wavelengths = UNEVEN) -> CubeField:
    values = np.random.default_rng(5).random((len(bands), *shape), np.float32)
    values[0, 0, 0] = np.nan
    return CubeField(values, bands, Quantity.REFLECTANCE, PROVENANCE)


def stored(made: CubeField, encoding: StorageEncoding) -> npt.NDArray[np.float32]:
    """What a perfect reader finds."""
    values = made.cube(made.wavelengths).values
    if encoding.dtype == "uint16":
        return (np.rint(values.astype(np.float64) / encoding.scale) * encoding.scale).astype(np.float32)
    return values.astype(encoding.dtype).astype(np.float32)


def place(folder: Path, row: Format) -> Path:
    if row.name in LIBRARY and not importlib.util.find_spec(LIBRARY[row.name]):
        pytest.skip(f"{LIBRARY[row.name]} is not installed")
    return folder / ("scene" + (row.writes or row.extensions or ("",))[0])


def by_name(rows: list[tuple[Format, str]]) -> Any:
    return pytest.mark.parametrize(("row", "other"), rows, ids=[f"{row.name}-{other}" for row, other in rows])


@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (130, 257), (300, 17)])
@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: row.name)
def test_sizes_and_bands_come_back(tmp_path: Path, row: Format, shape: tuple[int, int]) -> None:
    path = place(tmp_path, row)
    for bands in (UNEVEN, Wavelengths(np.array([555.5])), THERMAL):
        made, encoding = field(shape, bands), StorageEncoding(row.dtypes[0])
        fractions: list[float] = []
        assert io.write_cube(path, made, bands, encoding=encoding, progress=fractions.append) == 0
        assert fractions[0] == 0 and fractions[-1] == 1 and fractions == sorted(fractions)
        read = io.open_cube(path)
        np.testing.assert_array_equal(read.wavelengths.nm, bands.nm)
        np.testing.assert_allclose(read.cube(bands).values, stored(made, encoding), rtol=1e-6)
        assert read.quantity is Quantity.REFLECTANCE
        assert {key: read.provenance[key] for key in PROVENANCE} == PROVENANCE


@by_name(STORED)
def test_every_number_type_comes_back(tmp_path: Path, row: Format, other: str) -> None:
    path, encoding = place(tmp_path, row), StorageEncoding(other, scale=1 / 1000)
    made = field((20, 30))
    io.write_cube(path, made, UNEVEN, encoding=encoding)
    read = io.open_cube(path)
    np.testing.assert_allclose(read.cube(UNEVEN).values, stored(made, encoding), rtol=1e-6)
    assert io.describe(path)["format"] == f"{row.name} spectral cube"
    assert not io.is_photograph(path)
    np.testing.assert_array_equal(read.band(600, stride=3), read.band(600)[::3, ::3])
    points = [(0, 0), (19, 29), (7, 4)]
    window = read.cube([450.0, 699.0], rows=slice(3, 9), cols=slice(4, 30)).values
    np.testing.assert_array_equal(window, read.cube([450.0, 699.0]).values[:, 3:9, 4:30])
    np.testing.assert_array_equal(
        read.spectra(points, UNEVEN), [read.cube(UNEVEN).values[:, row, col] for row, col in points]
    )


@by_name(ENDINGS)
def test_every_ending_a_window_and_an_older_file(tmp_path: Path, row: Format, other: str) -> None:
    path = place(tmp_path, row).with_name("scene" + other)
    encoding = StorageEncoding(row.dtypes[0])
    io.write_cube(path, field((3, 4)), UNEVEN, encoding=encoding)
    made = field((40, 50))
    io.write_cube(path, made, UNEVEN, encoding=encoding, rows=slice(5, 39), cols=slice(7, 50))
    read = io.open_cube(path)
    np.testing.assert_allclose(read.cube(UNEVEN).values, stored(made, encoding)[:, 5:39, 7:], rtol=1e-6)
    assert "rows 5-38, columns 7-49" in read.provenance["window"]
    assert not [name for name in tmp_path.iterdir() if name.name.startswith(".")]


@pytest.mark.parametrize("name", ["bands", "scene.zarr"])
@pytest.mark.parametrize("other", ["fieldnotes.txt", "photos/a.jpg", "cube/notes.txt", "precious/zarr.json"])
def test_a_folder_with_other_files_is_spared(tmp_path: Path, name: str, other: str) -> None:
    encoding = StorageEncoding("uint16")
    place(tmp_path, next(row for row in WRITTEN if row.ending == Path(name).suffix))
    made, file = field(), tmp_path / name / other
    for is_export in (False, True):
        if is_export:
            io.write_cube(tmp_path / name, made, UNEVEN, encoding=encoding)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("weeks of work")
        refused = (
            f"^the folder {re.escape(str(tmp_path / name))} holds other files, such as {other}; choose a new folder$"
        )
        with pytest.raises(FileExistsError, match=refused):
            io.write_cube(tmp_path / name, made, UNEVEN, encoding=encoding)
        assert file.read_text() == "weeks of work"
        file.unlink()
        if not any(file.parent.iterdir()):
            file.parent.rmdir()
    (tmp_path / name / ".DS_Store").touch()  # of the file manager
    (tmp_path / name).rename(tmp_path / f"renamed{Path(name).suffix}")
    small = CubeField(np.ones((2, 3, 4), np.float32), Wavelengths.evenly_spaced(2))
    io.write_cube(tmp_path / f"renamed{Path(name).suffix}", small, small.wavelengths, encoding=encoding)
    assert io.open_cube(tmp_path / f"renamed{Path(name).suffix}").shape == (3, 4)


def test_images_of_bands_without_our_description_are_spared(tmp_path: Path) -> None:
    (tmp_path / "bands").mkdir()
    (tmp_path / "bands" / "bands_001_400.0nm.png").write_bytes(b"measured")
    with pytest.raises(FileExistsError, match=r"such as bands_001_400.0nm.png; choose a new folder"):
        io.write_cube(tmp_path / "bands", field(), UNEVEN, encoding=StorageEncoding("uint16"))


def test_a_zarr_store_with_other_arrays_is_spared(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    for version in (2, 3):
        store = zarr.open_group(tmp_path / f"{version}.zarr", mode="w", zarr_format=version)
        store.create_array("cube" if version == 2 else "precious", data=np.arange(5))
        with pytest.raises(FileExistsError, match="holds other files, such as"):
            io.write_cube(tmp_path / f"{version}.zarr", field(), UNEVEN)


def _spectral(path: Path) -> Seen:
    envi = pytest.importorskip("spectral.io.envi")
    image = envi.open(str(path))
    with warnings.catch_warnings(action="ignore"):  # it warns of the NaN that is meant
        values = np.array(image.load(), dtype=np.float64).transpose(2, 0, 1)
    if "data ignore value" in image.metadata:
        raw = np.array(image.open_memmap(interleave="bsq"))
        values[raw == float(image.metadata["data ignore value"])] = np.nan
    return Seen(values, np.array(image.bands.centers), image.bands.band_unit)


def _xarray(path: Path) -> Seen:
    xarray = pytest.importorskip("xarray")
    zarr = path.suffix == ".zarr"
    options = (
        {"engine": "zarr", "consolidated": False} if zarr else {"engine": pytest.importorskip("h5netcdf").__name__}
    )
    with xarray.open_dataset(path, **options) as data:
        assert data["cube"].dims == ("wavelength", "y", "x") and data.attrs["source"] == PROVENANCE["source"]
        assert data["wavelength"].attrs["standard_name"] == "radiation_wavelength"
        return Seen(data["cube"].values, data["wavelength"].values, data["wavelength"].attrs["units"])


def _matlab(path: Path) -> Seen:
    with path.open("rb") as raw:
        head = raw.read(512)
    assert head.startswith(b"MATLAB 7.3 MAT-file, ") and head[124:128] == b"\x00\x02IM"
    with h5py.File(path) as file:
        assert file["cube"].attrs["MATLAB_class"] == b"single" and file["norm_factor"][0, 0] == 1
        return Seen(np.array(file["cube"]).transpose(0, 2, 1), np.array(file["bands"]).ravel(), "nm")


def _rasterio(path: Path) -> Seen:
    rasterio = pytest.importorskip("rasterio")
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(path) as image:
        tags = [image.tags(band) for band in image.indexes]
        values = np.ma.filled(image.read(masked=True).astype(np.float64), np.nan)
        assert json.loads(image.tags()["TIFFTAG_IMAGEDESCRIPTION"])["provenance"]["model"] == "nesr"
        assert image.profile["tiled"] and image.descriptions[0] == f"{float(tags[0]['wavelength']):g} nm"
        nm, units = [float(tag["wavelength"]) for tag in tags], {tag["wavelength_units"] for tag in tags}
        return Seen(values * np.array(image.scales)[:, None, None], np.array(nm), units.pop())


def _tifffile(path: Path) -> Seen:
    with tifffile.TiffFile(path) as image:
        said = json.loads(image.pages[0].description)
        values = np.atleast_3d(image.asarray().T).T.astype(np.float64)  # of one band it gives the picture
    if "scale" in said:
        values = np.where(values == 65535, np.nan, values * said["scale"])
    return Seen(values, np.array(said["wavelengths_nm"]), "nm")


def _openexr(path: Path) -> Seen:
    exr = pytest.importorskip("OpenEXR")
    with exr.File(str(path), separate_channels=True) as file:
        assert file.header()["spectralLayoutVersion"] == "1.0"
        pixels = {name: channel.pixels for name, channel in file.channels().items()}
    assert {"R", "G", "B"} < set(pixels)
    named = {float(n[2:-2].replace(",", ".")): values for n, values in pixels.items() if re.fullmatch(r"T\..*nm", n)}
    nm = sorted(named)
    return Seen(np.stack([named[value] for value in nm]), np.array(nm), "nm")


def _numpy(path: Path) -> Seen:
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            said, values = json.loads(str(arrays["provenance"])), arrays["cube"]
            assert str(arrays["quantity"]) == "relative reflectance"
            nm = arrays["wavelengths"]
    else:
        said, values = json.loads((path.parent / (path.name + ".json")).read_text(encoding="utf-8")), np.load(path)
        nm = np.array(said["wavelengths_nm"])
    if "scale" in said:
        values = np.where(values == 65535, np.nan, values * said["scale"])
    return Seen(values, nm, "nm")


def _safetensors(path: Path) -> Seen:
    arrays = load_file(path)
    with np.errstate(invalid="ignore"):
        assert np.array_equal(arrays["basis"], np.eye(len(arrays["bands"])))
    return Seen(arrays["coefficients"].transpose(2, 0, 1).astype(np.float64), arrays["wavelengths"], "nm")


def _pictures(path: Path) -> Seen:
    said = json.loads((path / "cube.json").read_text(encoding="utf-8"))
    files = sorted(path.glob("*.png"))
    raw = np.stack([imagecodecs.png_decode(file.read_bytes()) for file in files])
    nm = [float(re.findall(r"_([\d.]+)nm", file.name)[0]) for file in files]
    return Seen(np.where(raw == 65535, np.nan, raw * said["scale"]), np.array(nm), "nm")


OTHERS: list[tuple[str, Callable[[Path], Seen]]] = [
    ("ENVI", _spectral),
    ("NetCDF-4 / HDF5", _xarray),
    ("Zarr", _xarray),
    ("MATLAB", _matlab),
    ("TIFF", _rasterio),
    ("TIFF", _tifffile),
    ("Spectral OpenEXR", _openexr),
    ("NumPy array", _numpy),
    ("NumPy archive", _numpy),
    ("Folder of PNG bands", _pictures),
    ("Portable field", _safetensors),
]
PAIRS = [(row, dtype, other) for name, other in OTHERS for row in WRITTEN if row.name == name for dtype in row.dtypes]


@pytest.mark.parametrize(("row", "dtype", "other"), PAIRS, ids=lambda part: getattr(part, "__name__", str(part))[:20])
def test_another_program_reads_the_same(tmp_path: Path, row: Format, dtype: str, other: Callable[[Path], Seen]) -> None:
    path, encoding = place(tmp_path, row), StorageEncoding(dtype)
    for shape, bands in (((33, 21), UNEVEN), ((1, 1), UNEVEN), ((7, 131), Wavelengths(np.array([555.5])))):
        made = field(shape, bands)
        io.write_cube(path, made, bands, encoding=encoding)
        seen = other(path)
        np.testing.assert_allclose(seen.values, stored(made, encoding), rtol=2e-5 if dtype == "uint16" else 1e-6)
        np.testing.assert_array_equal(seen.nm, bands.nm)
        assert seen.unit in ("nm", "Nanometers")


@pytest.mark.parametrize("scale", [1.7, 100.0])  # an even power of ten could be taken for a divisor
@pytest.mark.parametrize(
    ("row", "dtype", "other"),
    [pair for pair in PAIRS if pair[1] == "uint16"],
    ids=lambda part: getattr(part, "__name__", str(part))[:20],
)
def test_steps_above_one_come_back(
    tmp_path: Path, row: Format, dtype: str, other: Callable[[Path], Seen], scale: float
) -> None:
    path, encoding = place(tmp_path, row), StorageEncoding(dtype, scale)
    large = field().cube(UNEVEN).values * np.float32(60_000)
    for quantity in (Quantity.RADIANCE, Quantity.REFLECTANCE):
        made = CubeField(large, UNEVEN, quantity, PROVENANCE)
        io.write_cube(path, made, UNEVEN, encoding=encoding)
        np.testing.assert_allclose(io.open_cube(path).cube(UNEVEN).values, stored(made, encoding), rtol=1e-6)
    np.testing.assert_allclose(other(path).values, stored(made, encoding), rtol=2e-5)


def test_every_row_that_writes_is_read_by_another_program() -> None:
    assert {name for name, _ in OTHERS} == {row.name for row in WRITTEN}


def test_values_that_do_not_fit_are_counted_and_cut(tmp_path: Path) -> None:
    values = np.array([[[-0.1, 0.0, 1.0, 7.0, np.nan, np.inf]]], np.float32)
    made = CubeField(values, Wavelengths(np.array([500.0])))
    assert io.write_cube(tmp_path / "c.npy", made, made.wavelengths, encoding=StorageEncoding("uint16")) == 3
    read = io.open_cube(tmp_path / "c.npy").band(500)[0]
    np.testing.assert_allclose(read, [0, 0, 1, 6.5534, np.nan, 6.5534], rtol=1e-6)
    large = CubeField(np.array([[[1e6, -1e6, 3.0]]], np.float32), made.wavelengths)
    assert io.write_cube(tmp_path / "c.npy", large, made.wavelengths, encoding=StorageEncoding("float16")) == 2
    assert io.open_cube(tmp_path / "c.npy").band(500)[0].tolist() == [65504, -65504, 3]


@pytest.mark.parametrize(
    ("name", "encoding", "said"),
    [
        ("c.mat", StorageEncoding("uint16"), "MATLAB cannot store uint16; choose float32"),
        ("c.hdr", StorageEncoding("float16"), "ENVI cannot store float16; choose float32 or uint16"),
        ("c.exr", StorageEncoding("uint16"), "Spectral OpenEXR cannot store uint16"),
        ("c", StorageEncoding(), "c has no extension and would be a folder of png bands, which cannot store float32"),
        (
            "c.tif",
            StorageEncoding(error_band=True),
            "TIFF cannot store a prediction interval with the cube; NetCDF-4 / HDF5",
        ),
        ("c.nc", StorageEncoding(error_band=True), "this image has no prediction interval"),
        ("c.bil", StorageEncoding(), "c.bil has the extension '.bil'; spectral cubes are"),
    ],
)
def test_what_cannot_be_stored_is_said(tmp_path: Path, name: str, encoding: StorageEncoding, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        io.write_cube(tmp_path / name, field(), UNEVEN, encoding=encoding)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{"dtype": "int8"}, {"scale": 0.0}, {"scale": float("nan")}])
def test_encodings_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="requested"):
        StorageEncoding(**options)


def test_radiance_and_unknown_stay_what_they_are(tmp_path: Path) -> None:
    for row in WRITTEN:
        path = place(tmp_path, row)
        for quantity in (Quantity.RADIANCE, Quantity.UNKNOWN):
            made = CubeField(np.full((2, 3, 4), 0.5, np.float32), Wavelengths.evenly_spaced(2), quantity)
            io.write_cube(path, made, made.wavelengths, encoding=StorageEncoding(row.dtypes[-1]))
            read = io.open_cube(path)
            assert read.quantity is quantity, row.name
            np.testing.assert_allclose(read.band(400), 0.5, rtol=1e-4)


class Doubtful(CubeField):
    """A cube whose values may be a tenth off."""

    def prediction_interval(self, points: Any, wavelengths: Any) -> tuple[Any, Any]:
        values = self.spectra(points, wavelengths)
        return values - 0.1, values + 0.1

    def prediction_interval_blocks(
        self, wavelengths: Any, *, rows: Any = None, cols: Any = None
    ) -> Iterator[IntervalBlock]:
        for block in self.blocks(wavelengths, rows=rows, cols=cols):
            yield IntervalBlock(block.rows, block.cols, block.values - 0.1, block.values + 0.1)

    def prediction_interval_band(self, nm: float, **window: Any) -> tuple[Any, Any]:
        raise NotImplementedError("files ask for blocks")

    def quality_flags(self, **window: Any) -> Any:
        return np.zeros(self.shape, np.uint8)


@pytest.mark.parametrize("name", ["c.nc", "c.zarr", "c.npz"])
@pytest.mark.parametrize("dtype", ["float32", "uint16"])
def test_the_error_band_is_stored_beside_the_cube(tmp_path: Path, name: str, dtype: str) -> None:
    if name == "c.zarr":
        pytest.importorskip("zarr")
    values = np.random.default_rng(5).uniform(0.2, 1, (5, 30, 20)).astype(np.float32)
    made = Doubtful(values, UNEVEN, Quantity.REFLECTANCE, PROVENANCE)
    fractions: list[float] = []
    encoding = StorageEncoding(dtype, error_band=True)
    io.write_cube(tmp_path / name, made, UNEVEN, encoding=encoding, cols=slice(3, 20), progress=fractions.append)
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1)
    for variable, by in ((None, 0.0), ("lower", -0.1), ("upper", 0.1)):
        read = io.open_cube(tmp_path / name, CubeHints(variable=variable))
        np.testing.assert_allclose(read.cube(UNEVEN).values, values[:, :, 3:] + by, atol=6e-5)
    if name != "c.npz":
        assert _xarray(tmp_path / name).values.shape == (5, 30, 17)


def test_envi_names_the_bands(tmp_path: Path) -> None:
    envi = pytest.importorskip("spectral.io.envi")
    nm = Wavelengths(np.array([440.0, 550.5, 633.33]))
    io.write_cube(tmp_path / "bands.hdr", field(), nm)
    header = envi.read_envi_header(tmp_path / "bands.hdr")
    assert header["band names"] == ["440 nm", "550.5 nm", "633.33 nm"]
    sensor = Sensor("two", (SensorBand("Blue, {coast}", 480, 20), SensorBand("Green", 560, 36)))
    integrated = SensorField(field(), sensor)
    io.write_cube(tmp_path / "sensor.hdr", integrated, integrated.bands)
    assert envi.read_envi_header(tmp_path / "sensor.hdr")["band names"] == ["Blue coast", "Green"]
