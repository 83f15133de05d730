"""Structs of MATLAB 5 whose dimensions or sizes are wrong are refused before memory is taken for them."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.io.cubes import mat5
from nesr_gui.io.errors import UnreadableFile

VALUES = np.arange(210.0).reshape(7, 5, 6) + 1
BANDS = np.arange(450, 701, 50.0)


def written(path: Path, **options: bool) -> bytes:
    scipy_io = pytest.importorskip("scipy.io")
    scipy_io.savemat(path, {"a": {"b": {"cube": VALUES, "wavelength": BANDS}}}, **options)
    return path.read_bytes()


@pytest.mark.parametrize("compressed", [False, True])
def test_nested_structs_are_read(tmp_path: Path, compressed: bool) -> None:
    written(tmp_path / "c.mat", do_compression=compressed)
    mat5.check_structs(tmp_path / "c.mat")
    field = io.open_cube(tmp_path / "c.mat", is_trusted=True)
    np.testing.assert_array_equal(field.cube(BANDS).values, VALUES.transpose(2, 0, 1))


def test_dimensions_beyond_the_content_are_refused(tmp_path: Path) -> None:
    data = written(tmp_path / "c.mat")
    one = struct.pack("<IIii", 5, 8, 1, 1)  # dimensions of 1 x 1: of the struct and of the one in it
    assert data.count(one) == 2
    for at in (data.index(one), data.rindex(one)):
        (tmp_path / "c.mat").write_bytes(data[:at] + struct.pack("<IIii", 5, 8, 1 << 28, 1) + data[at + len(one) :])
        tracemalloc.start()
        with pytest.raises(UnreadableFile):
            io.open_cube(tmp_path / "c.mat", is_trusted=True)
        assert tracemalloc.get_traced_memory()[1] < 20e6
        tracemalloc.stop()


def test_a_variable_that_states_more_than_it_can_hold_is_refused(tmp_path: Path) -> None:
    data = written(tmp_path / "c.mat")
    bomb = zlib.compress(struct.pack("<II", 14, 1 << 30) + data[136:])
    (tmp_path / "c.mat").write_bytes(data[:128] + struct.pack("<II", 15, len(bomb)) + bomb)
    with pytest.raises(ValueError, match="states more bytes than are read"):
        mat5.check_structs(tmp_path / "c.mat")
