"""The table of formats: whatever is in it can be opened, and whatever is not is refused in its words."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io import FORMATS, FileKind, Format
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests.io.cubes.test_cave import write_scene

PIXELS = np.random.default_rng(3).integers(0, 255, (6, 5, 3), np.uint8)
ROWS = [(row, extension) for row in FORMATS for extension in row.extensions]
PHOTOGRAPHS = [extension for row, extension in ROWS if row.kind is FileKind.PHOTOGRAPH]


def field() -> CubeField:
    values = np.random.default_rng(4).random((4, 6, 5), np.float32)
    return CubeField(values, Wavelengths.evenly_spaced(4), Quantity.REFLECTANCE, {"source": "p.png"})


@pytest.mark.parametrize("extension", [*PHOTOGRAPHS, ".JPG", ".Png"])
def test_every_photograph_extension_is_read(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"p{extension}"
    Image.fromarray(PIXELS).save(path, Image.registered_extensions().get(extension.lower(), "PNG"))
    assert io.is_photograph(path)
    assert io.read_photograph(str(path)).shape == (6, 5)


@pytest.mark.parametrize("row", [row for row in FORMATS if row.kind is FileKind.CURVES], ids=lambda row: row.name)
def test_every_curves_format_round_trips(tmp_path: Path, row: Format) -> None:
    curve = Spectrum(Wavelengths.evenly_spaced(3), np.array([1, 2, 3], np.float32), "a")
    assert row.read and row.write
    row.write(tmp_path / "c", [curve], provenance={"k": "v"})
    assert row.read(tmp_path / "c")[0].values.tolist() == [1, 2, 3]


def test_a_folder_opens_as_a_cave_scene(tmp_path: Path) -> None:
    write_scene(tmp_path / "toys_ms")
    cube = io.open_cube(tmp_path / "toys_ms")
    assert cube.quantity is Quantity.REFLECTANCE and cube.provenance["source"] == "toys"


def test_an_unknown_extension_names_those_of_the_table(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"p.gif has the extension '.gif'; photographs are PNG \(.png\), JPEG"):
        io.read_photograph(tmp_path / "p.gif")
    with pytest.raises(
        ValueError, match=r"c has no extension; spectral cubes are NetCDF-4 / HDF5 \(.nc .h5 .hdf5 .*\)"
    ):
        io.open_cube(tmp_path / "c")
    with pytest.raises(ValueError, match=r"c.png has the extension '.png'; spectral cubes are NetCDF-4"):
        io.write_cube(tmp_path / "c.png", field(), Wavelengths.evenly_spaced(4))


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*p.png"):
        io.read_photograph(tmp_path / "p.png")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*c.nc"):
        io.open_cube(tmp_path / "c.nc")


def test_dialog_filters() -> None:
    assert io.dialog_filter(FileKind.PHOTOGRAPH).startswith(
        "Photographs (*.png *.jpg *.jpeg *.jpe *.jfif *.tif *.tiff *.bmp *.webp *.heic"
    )
    assert io.dialog_filter(FileKind.CUBE).startswith("Spectral cubes (*.nc *.h5 *.hdf5 ")
    assert io.dialog_filter(FileKind.CURVES) == "Spectra (*.csv *.sli)"


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "p.png", PIXELS, photometric="rgb")
    (tmp_path / "p.tif").write_bytes(imagecodecs.png_encode(PIXELS))
    np.testing.assert_array_equal(
        io.read_photograph(tmp_path / "p.png").values, io.read_photograph(tmp_path / "p.tif").values
    )


def test_importing_the_table_is_light() -> None:
    heavy = ["torch", "h5py", "imagecodecs", "tifffile", "PIL", "colour", "PySide6", "scipy"]
    code = f"import sys, nesr_gui.io; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_dialog_names_the_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    missing = {"rawpy", "pillow_heif"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in missing else find(name, *rest))
    assert io.dialog_filter(FileKind.PHOTOGRAPH).startswith(
        "Photographs; HEIC and camera RAW with nesr-gui[raw] (*.png"
    )
    assert io.dialog_filter(FileKind.CUBE).startswith("Spectral cubes (")
