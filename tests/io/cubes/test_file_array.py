"""Arrays in files are read as NumPy would, and a file that changes meanwhile gives a sentence, never a bus error."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io import CubeHints
from nesr_gui.io.cubes import file_array
from nesr_gui.io.cubes import numpy as reader
from nesr_gui.io.cubes.file_array import FileArray, WatchedFile
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Wavelengths

BANDS = Wavelengths.evenly_spaced(6)
BAND, ROW, COL = np.mgrid[:6, :40, :50]
VALUES = (0.1 + 0.1 * BAND + 0.001 * ROW + 0.0001 * COL).astype(np.float32)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_window_of_any_layout_is_that_of_numpy(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    shape = data.draw(st.tuples(*[st.integers(1, 9)] * 3))
    order = data.draw(st.permutations(range(3)))
    dtype = data.draw(st.sampled_from(["<f4", ">i2", "u1", "<f8"]))
    offset, gap = data.draw(st.integers(0, 9)), data.draw(st.sampled_from([0, 7]))
    stored = np.arange(np.prod(shape)).reshape([shape[axis] for axis in order]).astype(dtype)
    row = stored.shape[2] * stored.dtype.itemsize + gap
    raw = b"".join(line.tobytes() + b"\xff" * gap for plane in stored for line in plane)
    path = tmp_path_factory.mktemp("a") / "a.bin"
    path.write_bytes(b"\xff" * offset + raw + b"\xff" * 99)
    by_axis = dict(zip(order, (stored.shape[1] * row, row, stored.dtype.itemsize), strict=True))
    array = FileArray(WatchedFile(path), dtype, offset, shape, [by_axis[axis] for axis in range(3)])
    window = tuple(
        slice(data.draw(st.integers(0, size)), data.draw(st.integers(0, size + 2)), data.draw(st.integers(1, 4)))
        for size in shape
    )
    expected = stored.transpose(np.argsort(order))
    near, span = data.draw(st.sampled_from([(1, 1), (8, 64), (1 << 16, 1 << 23)]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_array, "NEAR", near)
        patch.setattr(file_array, "SPAN", span)
        patch.setattr(file_array, "PAGE", near)
        np.testing.assert_array_equal(array[window], expected[window])
    np.testing.assert_array_equal(np.asarray(array), expected)


def test_an_array_beyond_the_end_of_its_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(100))
    with pytest.raises(ValueError, match=r"a.bin has 100 bytes; an array of 5 x 5 float64 from byte 0 needs 200"):
        FileArray(WatchedFile(tmp_path / "a.bin"), "f8", 0, (5, 5))


def written(folder: Path, name: str) -> tuple[Path, Path]:
    """A cube in a format that is read on demand, and the file with its values."""
    path = folder / name
    if name == "c3.nc":
        netcdf = pytest.importorskip("netCDF4")
        with netcdf.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
            for dim, size in zip(("wavelength", "y", "x"), VALUES.shape, strict=True):
                file.createDimension(dim, size)
            listed = file.createVariable("wavelength", "f8", ("wavelength",))
            listed[:], listed.units = BANDS.nm, "nm"
            file.createVariable("cube", "f4", ("wavelength", "y", "x"))[:] = VALUES
    elif name == "ij.tif":
        tifffile.imwrite(path, VALUES, imagej=True, metadata={"axes": "CYX", "Labels": [f"{nm:g} nm" for nm in BANDS]})
    else:
        io.write_cube(path, CubeField(VALUES, BANDS), BANDS)
    return path, path.with_suffix(".img") if name == "c.hdr" else path


MAPPED = ["c.hdr", "c.npy", "c.npz", "c.tif", "c3.nc", "ij.tif"]


@pytest.mark.parametrize("name", MAPPED)
def test_a_file_that_is_shortened_gives_a_sentence(tmp_path: Path, name: str) -> None:
    path, data = written(tmp_path, name)
    field = io.open_cube(path)
    np.testing.assert_allclose(field.spectra([(39, 49)], BANDS)[0], VALUES[:, 39, 49], rtol=1e-6)
    os.truncate(data, data.stat().st_size // 2)
    for read in (lambda: field.spectra([(39, 49)], BANDS), lambda: field.band(400), lambda: field.cube(BANDS)):
        with pytest.raises(UnreadableFile, match="was changed since it was opened"):
            read()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
@pytest.mark.parametrize("name", MAPPED)
def test_a_file_that_is_replaced_or_overwritten_gives_a_sentence(tmp_path: Path, name: str) -> None:
    path, data = written(tmp_path, name)
    field = io.open_cube(path)
    other = tmp_path / "other"
    other.write_bytes(data.read_bytes())
    os.replace(other, data)
    with pytest.raises(UnreadableFile, match="was changed since it was opened"):
        field.band(400)
    field = io.open_cube(path)
    field.band(400)
    with data.open("r+b") as file:
        file.write(file.read(1))
    os.utime(data, (1, 1))
    with pytest.raises(UnreadableFile, match="was changed since it was opened"):
        field.band(400)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted there")
@pytest.mark.parametrize("name", ["c.hdr", "c.npy"])
def test_a_file_that_was_deleted_is_still_read(tmp_path: Path, name: str) -> None:
    path, data = written(tmp_path, name)
    field = io.open_cube(path)
    data.unlink()
    np.testing.assert_allclose(field.band(700), VALUES[5], rtol=1e-6)


def test_systems_without_pread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "preadv", raising=False)
    path, data = written(tmp_path, "c.hdr")
    field = io.open_cube(path)
    np.testing.assert_array_equal(field.cube(BANDS).values, VALUES)
    os.truncate(data, 100)
    with pytest.raises(UnreadableFile, match="was changed since it was opened"):
        field.band(400)


RACE = """
import os, sys, threading
from pathlib import Path
from nesr_gui import io
field, data = io.open_cube(sys.argv[1]), Path(sys.argv[2])
size, whole, stop = data.stat().st_size, data.read_bytes(), threading.Event()
def shrink():
    while not stop.is_set():
        os.truncate(data, size // 3)
        with data.open("r+b") as file:
            file.write(whole)
other = threading.Thread(target=shrink)
other.start()
said = set()
for turn in range(300):
    try:
        field.cube(field.wavelengths)
    except ValueError as error:
        said.add("was changed since it was opened" in str(error))
stop.set()
other.join()
print(said)
"""


@pytest.mark.parametrize("name", MAPPED)
def test_a_race_with_a_program_that_shortens_the_file_ends_no_process(tmp_path: Path, name: str) -> None:
    path, data = written(tmp_path, name)
    command = [sys.executable, "-c", RACE, str(path), str(data)]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    assert ran.returncode == 0 and ran.stdout == "{True}\n", ran.stderr[-500:]


def test_a_member_of_an_archive_that_states_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "cube.npy", np.zeros((3, 200, 200)))
    with zipfile.ZipFile(tmp_path / "c.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "cube.npy", "cube.npy")
    assert io.open_cube(tmp_path / "c.npz", CubeHints(wavelengths=Wavelengths.evenly_spaced(3), band_axis=0)).shape
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "MAX_RATIO", 2)
        with pytest.raises(UnreadableFile, match="more than its"):
            io.open_cube(tmp_path / "c.npz")
