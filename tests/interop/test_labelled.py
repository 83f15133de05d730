"""Fields as xarray datasets: what is indexed is what the field answers, and nothing else is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.inference import engine
from nesr_gui.inference.checkpoint import Checkpoint, save_checkpoint
from nesr_gui.inference.model import LoadedModel
from nesr_gui.interop.lazy_cube import FEW_PIXELS, LazyCube
from nesr_gui.io.georeference import KEY, Georeference
from nesr_gui.spectral import Quantity, RGBImage, Wavelengths
from tests import tiny
from tests.io.cubes.test_cubes import Doubtful

xarray = pytest.importorskip("xarray")
from nesr_gui.interop.labelled import NesrBackend  # noqa: E402  (it imports xarray)

NM = [410.0, 512.37, 690.0]
SHAPE = (40, 52)


@pytest.fixture(scope="module")
def field() -> Any:
    model = LoadedModel(Checkpoint("tiny", tiny.network(tiny.FACTORISED), {}, "ab"), "cpu")
    return engine.encode(RGBImage(np.random.default_rng(2).random((*SHAPE, 3), np.float32)), model)


@pytest.fixture(scope="module")
def values(field: Any) -> np.ndarray:
    return field.cube(NM).values


KEYS = [
    np.index_exp[:],
    np.index_exp[1],
    np.index_exp[-1, 3, 4],
    np.index_exp[:, 3, 4],
    np.index_exp[..., 7],
    np.index_exp[1:2, ::3, 5:44:3],
    np.index_exp[0, ::-1, 50:2:-2],
    np.index_exp[::-1, 5:30, :],
    np.index_exp[:, np.array([39, 2, 2, 17]), 3:20],
    np.index_exp[np.array([2, 0]), 2:30, np.array([1, 51, 50, 9, 10, 11, 12, 13, 14, 15])],
    np.index_exp[2, np.arange(30), np.arange(0, 52, 3)],
    np.index_exp[:, 4:4],
    np.index_exp[1, 10:31:5, 4:50:2],
    np.index_exp[np.array(1), :, np.arange(52) % 7 == 3],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_a_lazy_cube_is_indexed_like_an_array(field: Any, values: np.ndarray, key: Any) -> None:
    lazy, expected = LazyCube.of(field, NM), values
    full = list(key)
    if full[0] is Ellipsis:
        full = [slice(None), slice(None), 7]
    full += [slice(None)] * (3 - len(full))
    for axis, part in reversed(list(enumerate(full))):  # each axis separately
        expected = expected[(slice(None),) * axis + (part,)]
    assert lazy[key].shape == expected.shape
    np.testing.assert_allclose(lazy[key], expected, atol=1e-5)


@pytest.mark.parametrize(
    "key",
    [
        np.index_exp[None],
        np.index_exp[True],
        np.index_exp[:, np.array([[0, 1], [2, 3]])],
        np.index_exp[0, 0, 0, 0],
        np.index_exp[np.ones((3, *SHAPE), bool)],
        np.index_exp[3],
        np.index_exp[1.0],
    ],
    ids=str,
)
def test_what_a_lazy_cube_cannot_be_indexed_with_is_refused(field: Any, key: Any) -> None:
    with pytest.raises(IndexError):
        LazyCube.of(field, NM)[key]


def test_many_blocks_are_put_together(values: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nesr_gui.fields.protocol.BLOCK_VALUES", 300)
    lazy = LazyCube.of(CubeField(values, Wavelengths(np.array(NM))))
    assert len(list(lazy.field.blocks(NM))) > 10
    rows = np.array([39, 2, 2, 17, *range(20)])
    np.testing.assert_array_equal(lazy[:], values)
    np.testing.assert_array_equal(lazy[::-2, rows, 3:50:2], values[::-2, rows, 3:50:2])


def test_only_what_is_indexed_is_computed(values: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    cube = CubeField(values, Wavelengths(np.array(NM)))
    asked: list[tuple[int, int, int]] = []
    read = CubeField._read

    def watched(self: CubeField, bands: slice, rows: slice, cols: slice) -> Any:
        result = read(self, bands, rows, cols)
        asked.append(result.shape)
        return result

    monkeypatch.setattr(CubeField, "_read", watched)
    data = cube.to_xarray()
    assert asked == [], "making the dataset reads nothing"
    np.testing.assert_array_equal(data.cube.isel(wavelength=1), values[1])
    assert asked == [(1, *SHAPE)]
    asked.clear()
    np.testing.assert_array_equal(data.cube.sel(wavelength=512.37)[::4, ::4], values[1, ::4, ::4])
    assert asked == [(1, 10, 13)]
    asked.clear()
    np.testing.assert_array_equal(data.cube.isel(y=3, x=4), values[:, 3, 4])
    assert asked == [(3, 1, 1)]
    with pytest.raises(IndexError):
        LazyCube.of(cube)[3]


@pytest.mark.parametrize("quantity", Quantity)
def test_the_quantity_is_labelled_as_in_an_exported_file(quantity: Quantity, tmp_path: Path) -> None:
    cube = CubeField(np.ones((3, 4, 5), np.float32), Wavelengths(np.array(NM)), quantity)
    io.write_cube(tmp_path / "c.nc", cube, cube.bands)
    pytest.importorskip("h5netcdf")
    with xarray.open_dataset(tmp_path / "c.nc", engine="h5netcdf") as exported:
        assert cube.to_xarray().cube.attrs == exported["cube"].attrs


def test_the_dataset_is_labelled_as_an_exported_file_is(field: Any, tmp_path: Path) -> None:
    data = field.to_xarray()
    io.write_cube(tmp_path / "c.nc", field, field.bands)
    pytest.importorskip("h5netcdf")
    with xarray.open_dataset(tmp_path / "c.nc", engine="h5netcdf") as exported:
        assert data.cube.dims == exported["cube"].dims
        np.testing.assert_allclose(data.cube.values, exported["cube"].values, atol=1e-6)
        for name in ("wavelength", "y", "x"):
            np.testing.assert_array_equal(data[name], exported[name])
            assert data[name].attrs.items() <= exported[name].attrs.items()
        shared = {key: value for key, value in exported.attrs.items() if key in data.attrs}
        assert shared == {key: data.attrs[key] for key in shared} and "model" in shared
    data.to_netcdf(tmp_path / "d.nc", engine="h5netcdf")
    np.testing.assert_allclose(io.open_cube(tmp_path / "d.nc").cube(NM).values, field.cube(NM).values, atol=0.2)
    assert io.open_cube(tmp_path / "d.nc").quantity is Quantity.REFLECTANCE


def test_a_deep_copy_has_the_same_values(tmp_path: Path, values: np.ndarray) -> None:
    bands = Wavelengths(np.array(NM))
    io.write_cube(tmp_path / "c.npy", CubeField(values, bands), bands)
    data = io.open_cube(tmp_path / "c.npy").to_xarray()
    np.testing.assert_array_equal(data.copy(deep=True).cube, values)


def test_any_wavelengths_can_be_asked_for(field: Any) -> None:
    data = field.to_xarray(Wavelengths.from_step(500, 520, 0.5))
    np.testing.assert_allclose(data.cube.sel(wavelength=512.5), field.band(512.5), atol=1e-5)
    with pytest.raises(ValueError, match="covers 400-700 nm; asked for 800 nm"):
        field.to_xarray([800.0])


def test_the_interval_is_beside_the_values() -> None:
    values = np.random.default_rng(5).uniform(0.2, 1, (3, 30, 20)).astype(np.float32)

    class Interval(Doubtful):
        def prediction_interval_band(self, nm: float, **window: Any) -> tuple[Any, Any]:
            return self.band(nm, **window) - 0.1, self.band(nm, **window) + 0.1

    data = Interval(values, Wavelengths(np.array(NM)), Quantity.REFLECTANCE).to_xarray()
    assert FEW_PIXELS < 30 * 20
    for name, by in (("lower", -0.1), ("upper", 0.1)):
        for part in (np.s_[:], np.s_[1], np.s_[:, 3:5, 4]):
            np.testing.assert_allclose(data[name][part], values[part] + by, atol=1e-6)
        assert data[name].attrs["long_name"].startswith(name)


def test_positions_on_the_map_are_coordinates() -> None:
    where = Georeference.upright((600000.0, 5100000.0), (10.0, 10.0), 32632)
    cube = CubeField(np.zeros((3, 4, 5), np.float32), Wavelengths(np.array(NM)), provenance={KEY: where.map_info()})
    data = cube.to_xarray()
    assert data.x.values.tolist() == [600005, 600015, 600025, 600035, 600045]
    assert data.y.values.tolist() == [5099995, 5099985, 5099975, 5099965]
    assert data.x.attrs == {"standard_name": "projection_x_coordinate", "units": "m"}
    assert data.cube.attrs["grid_mapping"] == "spatial_ref"
    assert data.spatial_ref.attrs["spatial_ref"] == "EPSG:32632"
    assert data.spatial_ref.attrs["GeoTransform"] == "600000.0 10.0 0.0 5100000.0 0.0 -10.0"
    degrees = Georeference.upright((11.0, 47.0), (0.1, 0.1), 4326)
    data = CubeField(cube._values, cube.bands, provenance={KEY: degrees.map_info()}).to_xarray()
    assert data.y.attrs == {"units": "degrees_north", "standard_name": "latitude"}


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "m.safetensors", tiny.network(tiny.FACTORISED), {})
    return tmp_path / "m.safetensors"


def test_the_engine_reconstructs_a_photograph(photograph: Path, model_file: Path) -> None:
    with pytest.raises(ValueError, match="at most 0 pixels requested"):
        xarray.open_dataset(photograph, engine=NesrBackend, model=model_file, max_pixels=0, device="cpu")
    data = xarray.open_dataset(
        photograph, engine=NesrBackend, wavelengths=NM, model=model_file, max_pixels=600, device="cpu"
    )
    assert data.cube.shape == (3, 20, 26) and data.attrs["photograph"] == "photo.png" and data.attrs["reduction"] == "2"
    assert np.isfinite(data.cube.sel(wavelength=690.0)).all()
    both = xarray.open_dataset(photograph, engine=NesrBackend, model=model_file, drop_variables="cube", device="cpu")
    assert "cube" not in both


def test_the_engine_opens_cubes_in_chunks(field: Any, tmp_path: Path) -> None:
    pytest.importorskip("dask")
    io.write_cube(tmp_path / "c.npy", field, field.bands)
    data = xarray.open_dataset(tmp_path / "c.npy", engine=NesrBackend, chunks={})
    assert data.cube.data.chunks == ((1,) * 31, (40,), (52,))
    np.testing.assert_allclose(data.cube.mean("wavelength").values, field.cube(field.bands).values.mean(0), atol=1e-5)
    with pytest.raises(ValueError, match="c has no extension"):
        xarray.open_dataset(tmp_path / "c", engine=NesrBackend)


def test_only_portable_fields_are_taken_unasked() -> None:
    backend = NesrBackend()
    guesses = {name: backend.guess_can_open(name) for name in ("a.field", "a.nc", "a.png")}
    assert guesses == {"a.field": True, "a.nc": False, "a.png": False}
    assert backend.guess_can_open(object()) is False


def test_a_missing_library_is_named_with_its_extra(field: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "xarray", None)
    monkeypatch.delitem(sys.modules, "nesr_gui.interop.labelled")
    with pytest.raises(ModuleNotFoundError, match=r"needs the library xarray, .* install nesr-gui\[notebook\]"):
        field.to_xarray()
