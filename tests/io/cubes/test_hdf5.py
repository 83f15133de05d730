"""Exported cubes: streamed, complete or absent, opened lazily and by others."""

from __future__ import annotations

import gc
import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray

import nesr_gui
from nesr_gui.fields.protocol import Block, Cancelled, CubeField
from nesr_gui.io import describe, open_cube, write_cube
from nesr_gui.io.cubes.description import AmbiguousFile
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity, Wavelengths

BANDS = Wavelengths(np.array([400, 450.25, 512.3, 1 / 3 + 600, 700]))
PROVENANCE = {"source": "photo ü.png", "model": "nesr", "reduction": "3", "empty": "", "notes": "a\nb"}
WRITTEN = {**PROVENANCE, "program": f"nesr_gui {nesr_gui.__version__}"}


def field(shape: tuple[int, int] = (7, 9), quantity: Quantity = Quantity.REFLECTANCE) -> CubeField:
    values = np.random.default_rng(5).random((len(BANDS), *shape), np.float32)
    return CubeField(values, BANDS, quantity, PROVENANCE)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_cube(tmp_path / "c.nc", field(), BANDS)
    return tmp_path / "c.nc"


@pytest.mark.parametrize("quantity", list(Quantity))
@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (130, 257)])
def test_round_trip_is_exact(tmp_path: Path, shape: tuple[int, int], quantity: Quantity) -> None:
    source = field(shape, quantity)
    write_cube(tmp_path / "c.nc", source, BANDS)
    read = open_cube(tmp_path / "c.nc")
    np.testing.assert_array_equal(read.cube(BANDS).values, source.cube(BANDS).values)
    np.testing.assert_array_equal(read.wavelengths.nm, BANDS.nm)
    assert read.quantity is quantity
    assert read.provenance == WRITTEN
    np.testing.assert_array_equal(read.spectra([(0, 0)], BANDS), source.spectra([(0, 0)], BANDS))


def test_blocks_of_any_size_give_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cube(tmp_path / "whole.nc", field((40, 30)), BANDS)
    monkeypatch.setattr("nesr_gui.fields.protocol.BLOCK_VALUES", 7 * 11 * len(BANDS))
    fractions: list[float] = []
    write_cube(tmp_path / "pieces.nc", field((40, 30)), BANDS, progress=fractions.append)
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1 and len(fractions) > 10
    whole, pieces = (open_cube(tmp_path / name).cube(BANDS).values for name in ("whole.nc", "pieces.nc"))
    np.testing.assert_array_equal(pieces, whole)


@pytest.mark.parametrize("bands", [Wavelengths.evenly_spaced(1), Wavelengths.evenly_spaced(61)])
def test_other_wavelengths_than_its_own(tmp_path: Path, bands: Wavelengths) -> None:
    write_cube(tmp_path / "c.nc", field(), bands)
    np.testing.assert_array_equal(open_cube(tmp_path / "c.nc").cube(bands).values, field().cube(bands).values)


def test_xarray_opens_it(written: Path) -> None:
    with xarray.open_dataset(written, engine="h5netcdf") as dataset:
        cube = dataset["cube"]
        assert cube.dims == ("wavelength", "y", "x") and cube.dtype == np.float32
        assert set(dataset.coords) == {"wavelength", "y", "x"}
        np.testing.assert_array_equal(cube.values, field().cube(BANDS).values)
        np.testing.assert_array_equal(dataset["wavelength"].values, BANDS.nm)
        assert dataset["wavelength"].dtype == np.float64
        assert dataset["wavelength"].attrs["units"] == "nm"
        assert dataset["wavelength"].attrs["standard_name"] == "radiation_wavelength"
        assert dataset["y"].attrs["reduction"] == dataset["x"].attrs["reduction"] == "3"
        assert cube.attrs["long_name"] == "relative reflectance" and cube.attrs["units"] == "1"
        assert dataset.attrs == {**WRITTEN, "Conventions": "CF-1.11"}


def test_it_reopens_what_xarray_wrote(tmp_path: Path) -> None:
    values = np.random.default_rng(6).random((3, 4, 5), np.float32)
    cube = xarray.DataArray(values, dims=("wavelength", "y", "x"), coords={"wavelength": [400.0, 500.0, 600.0]})
    cube.to_dataset(name="cube").to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    read = open_cube(tmp_path / "x.nc")
    np.testing.assert_array_equal(read.cube(read.wavelengths).values, values)
    assert read.quantity is Quantity.UNKNOWN


def test_attributes_of_other_programs_are_understood(written: Path) -> None:
    with h5py.File(written, "a") as file:
        file["wavelength"].attrs["units"] = np.array([b"nanometers"])
        file.attrs.update({"bytes": np.bytes_(b"text"), "number": 3, "list": [1, 2]})
    provenance = open_cube(written).provenance
    assert provenance["bytes"] == "text" and provenance["number"] == "3" and provenance["list"] == "[1 2]"


def test_describe_says_what_a_file_holds(written: Path) -> None:
    described = describe(written)
    assert described["size"] == "9 x 7 pixels" and described["bands"] == "5, 400-700 nm"
    assert described["quantity"] == "relative reflectance" and described["source"] == "photo ü.png"


@pytest.mark.parametrize("after", [0, 1, 4])
def test_cancelling_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    monkeypatch.setattr("nesr_gui.fields.protocol.BLOCK_VALUES", 9 * len(BANDS))
    calls: list[float] = []

    def cancel(fraction: float) -> None:
        calls.append(fraction)
        if len(calls) > after:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_cube(tmp_path / "c.nc", field(), BANDS, progress=cancel)
    assert os.listdir(tmp_path) == []


def test_a_failing_field_leaves_the_older_file(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = written.read_bytes()

    def fail(*args: object, **options: object) -> list[Block]:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(CubeField, "blocks", fail)
    with pytest.raises(RuntimeError, match=r"out of memory"):
        write_cube(written, field(), BANDS)
    assert written.read_bytes() == before and os.listdir(written.parent) == ["c.nc"]


def test_a_file_can_be_written_over_while_it_is_the_source(written: Path) -> None:
    source = open_cube(written)
    write_cube(written, source, BANDS)
    np.testing.assert_array_equal(open_cube(written).cube(BANDS).values, source.cube(BANDS).values)


def test_too_little_space_is_said_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(0, 0, 5 << 20))
    wide = CubeField(np.broadcast_to(np.float32(0), (2, 40_000, 10_000)), Wavelengths.evenly_spaced(2))
    with pytest.raises(OSError, match=r"takes 3.0 GiB and .* has 5.0 MiB free; export fewer"):
        write_cube(tmp_path / "c.nc", wide, Wavelengths.evenly_spaced(2))
    assert os.listdir(tmp_path) == []


def test_wavelengths_outside_the_field_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"covers 400-700 nm; asked for 390-700 nm"):
        write_cube(tmp_path / "c.nc", field(), Wavelengths(np.array([390, 700])))
    assert os.listdir(tmp_path) == []


def test_the_file_is_read_lazily_and_closed_with_the_field(written: Path) -> None:
    read = open_cube(written)
    values: Any = read._values
    handle = values.array.file
    assert handle.id.valid
    del values
    blocks = read.blocks(BANDS)
    del read
    gc.collect()
    assert handle.id.valid  # somebody still reads
    next(blocks)
    del blocks
    gc.collect()
    assert not handle.id.valid


def test_a_refused_file_is_closed(written: Path) -> None:
    with h5py.File(written, "a") as file:
        file["wavelength"].attrs["units"] = "fathom"
    with pytest.raises(UnreadableFile):
        open_cube(written)
    with h5py.File(written, "a"):  # HDF5 refuses this while the file is open for reading
        pass


def test_a_file_cut_at_any_length_is_refused(written: Path) -> None:
    data = written.read_bytes()
    cut = written.with_name("cut.nc")
    for length in [*range(0, 200, 7), *range(200, len(data) - 1, 997), len(data) - 1]:
        cut.write_bytes(data[:length])
        with pytest.raises(UnreadableFile, match=r"cut.nc (is not an HDF5 file|is damaged or was cut short)"):
            open_cube(cut)


def test_a_damaged_file_is_refused_or_read(written: Path) -> None:
    data = bytearray(written.read_bytes())
    rng = np.random.default_rng(7)
    for position in rng.integers(0, 6000, 150):
        hurt = bytearray(data)
        hurt[position] ^= 0xFF
        written.write_bytes(hurt)
        try:
            open_cube(written)
        except UnreadableFile as error:
            assert "\n" not in str(error)
    gc.collect()


def _replace(name: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        if value is not None:
            file[name] = value

    return change


def _virtual(file: h5py.File) -> None:
    del file["cube"]
    layout = h5py.VirtualLayout((5, 7, 9), np.float32)
    layout[:] = h5py.VirtualSource("/nowhere/other.h5", "cube", (5, 7, 9))
    file.create_virtual_dataset("cube", layout)


def _external(file: h5py.File) -> None:
    del file["cube"]
    file.create_dataset("cube", (5, 7, 9), np.float32, external=[("other.raw", 0, 1260)])


def _huge(file: h5py.File) -> None:
    del file["cube"], file["wavelength"]
    file.create_dataset("cube", (10**9, 10, 10), np.float32, chunks=(1, 10, 10))[0] = 1
    file.create_dataset("wavelength", (10**9,), np.float64, chunks=(10,))[0] = 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_replace("cube", None), "it has no `cube`"),
        (_replace("wavelength", np.array([400, np.nan, 500, 600, 700])), "finite, positive numbers"),
        (_replace("wavelength", np.array([-400.0, 450, 500, 600, 700])), "finite, positive numbers"),
        (
            _replace("cube", np.zeros((7, 9), np.float32)),
            "no other array of numbers with three dimensions; it has cube (7 x 9)",
        ),
        (_replace("cube", np.zeros((5, 0, 9), np.float32)), "no `cube` and no other array"),
        (_replace("cube", np.array([[["a"]]], "S1")), "no `cube` and no other array"),
        (_replace("cube", h5py.ExternalLink("/nowhere/other.h5", "cube")), "it has no `cube`"),
        (_replace("cube", h5py.SoftLink("/x")), "it has no `cube`"),
        (_virtual, "in other files"),
        (_external, "in other files"),
        (_huge, "of shape 1000000000 x 10 x 10"),
        (lambda file: file["cube"].attrs.update({"scale_factor": 0.0}), "zero or not finite"),
        (lambda file: file["cube"].attrs.update({"scale_factor": "much"}), "that is not a number"),
        (lambda file: file["wavelength"].attrs.update({"units": "fathom"}), "they are in 'fathom'"),
        (lambda file: (file.__delitem__("cube"), file.create_group("cube")), "it has no `cube`"),
        (lambda file: (file.__delitem__("cube"), file.create_dataset("cube", (5, 7, 9), "f4")), "never written"),
    ],
)
def test_what_is_no_cube_is_refused(written: Path, change: Callable[[h5py.File], object], said: str) -> None:
    with h5py.File(written, "a") as file:
        change(file)
    with pytest.raises(UnreadableFile) as refused:
        open_cube(written)
    assert "c.nc" in str(refused.value) and said.removeprefix("it ") in str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        _replace("wavelength", None),
        _replace("wavelength", np.arange(400.0, 404)),
        _replace("wavelength", np.array([b"a"] * 5)),
        _replace("wavelength", h5py.ExternalLink("/nowhere/other.h5", "w")),
    ],
)
def test_without_wavelengths_it_asks(written: Path, change: Callable[[h5py.File], object]) -> None:
    with h5py.File(written, "a") as file:
        change(file)
        for dim in file["cube"].dims:
            dim.label = ""
    with pytest.raises(AmbiguousFile) as asked:
        open_cube(written)
    assert asked.value.field in ("wavelengths", "band_axis")


def test_other_files_and_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "c.nc").write_bytes(b"\0 no HDF5 at all" * 100)
    with pytest.raises(UnreadableFile, match=r"c.nc is not an HDF5 file"):
        open_cube(tmp_path / "c.nc")
    with pytest.raises(FileNotFoundError, match=r"there is no file"):
        open_cube(tmp_path / "none.nc")


@pytest.mark.parametrize("shape", [(1, 1), (100, 130), (129, 300), (400, 600)])
def test_tiles_waste_little_space(tmp_path: Path, shape: tuple[int, int]) -> None:
    made = CubeField(np.ones((3, *shape), np.float32), Wavelengths.evenly_spaced(3))
    write_cube(tmp_path / "c.nc", made, Wavelengths.evenly_spaced(3))
    values = 4 * 3 * shape[0] * shape[1]
    assert (tmp_path / "c.nc").stat().st_size < 1.05 * values + 40_000
