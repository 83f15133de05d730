"""File names whose bytes are not UTF-8 open, are exported and recorded."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.fingerprint import fingerprint
from nesr_gui.io.names import readable
from nesr_gui.io.spectra import csv
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests.io.test_real_world import CASES

NAME = os.fsdecode(b"caf\xe9")
BANDS = Wavelengths.evenly_spaced(4)
VALUES = np.random.default_rng(0).random((4, 6, 5), np.float32)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")


def test_a_name_is_made_readable() -> None:
    assert readable(NAME) == "caf\\xe9" and readable("café") == "café"


@pytest.mark.parametrize("ending", [".nc", ".hdr", ".mat", ".tif", ".zarr", ".exr", ".npy", ".npz", ""])
def test_cubes_are_written_and_read(tmp_path: Path, ending: str) -> None:
    field = CubeField(VALUES, BANDS, Quantity.REFLECTANCE, {"photograph": f"{NAME}.png"})
    encoding = io.StorageEncoding("float32" if ending else "uint16")
    path = tmp_path / NAME / f"{NAME}{ending}"
    path.parent.mkdir()
    io.write_cube(path, field, BANDS, encoding=encoding, provenance={"exported_from": NAME})
    read = io.open_cube(path)
    np.testing.assert_allclose(read.cube(BANDS).values, VALUES, atol=1e-4)
    assert read.provenance["photograph"] == "caf\\xe9.png"
    assert len(fingerprint(path)) == 64 and not list(path.parent.glob(".*"))


@pytest.mark.parametrize("case", ["photo/plain.png", "photo/x.jfif", "tif/rgb_plus2.tif", "exr/layer.exr"])
def test_photographs_are_read(tmp_path: Path, case: str) -> None:
    path = tmp_path / (NAME + Path(case).suffix)
    shutil.copy(CASES / case, path)
    image = io.read_photograph(path)
    assert image.source.name.startswith("caf\\xe9.")
    np.testing.assert_array_equal(image.values, io.read_photograph(CASES / case).values)


def test_curves_are_written(tmp_path: Path) -> None:
    curve = Spectrum(BANDS, VALUES[:, 0, 0], NAME)
    csv.write_curves(tmp_path / f"{NAME}.csv", [curve], provenance={"photograph": NAME})
    assert csv.read_curves(tmp_path / f"{NAME}.csv")[0].name == "caf\\xe9"
    csv.write_table(tmp_path / "t.csv", [{"name": NAME}], provenance={"photograph": NAME})
    assert csv.read_table(tmp_path / "t.csv", ["name"]) == [{"name": "caf\\xe9"}]
