"""The napari plug-in without napari: layers as its readers return them, files as its writer writes them."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import nesr_gui
from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.interop import napari
from nesr_gui.spectral import Quantity, Wavelengths

MANIFEST = Path(napari.__file__).with_name("napari.yaml")
BANDS = Wavelengths.from_step(400, 700, 100)


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).random((4, 20, 30)).astype(np.float32)
    io.write_cube(tmp_path / "c.npy", CubeField(values, BANDS, Quantity.REFLECTANCE, {"source": "s"}), BANDS)
    return tmp_path / "c.npy"


def test_a_cube_is_a_layer_with_wavelengths(cube: Path) -> None:
    reader = napari.get_reader(str(cube))
    assert reader is not None
    ((data, options, kind),) = reader(str(cube))
    assert kind == "image" and data.shape == (4, 20, 30) and options["name"] == "c"
    assert options["scale"] == (100.0, 1, 1) and options["translate"] == (400.0, 0, 0)
    assert options["units"][0] == "nm" and options["axis_labels"] == ("wavelength", "y", "x")
    low, high = options["contrast_limits"]
    assert low == 0 and 0.95 < high < 1
    np.testing.assert_array_equal(data[2], io.open_cube(cube).band(600))


def test_a_photograph_is_reconstructed(photo: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nesr_gui.inference.model import load_model

    monkeypatch.setattr(napari, "load_model", lambda: load_model(model_file, "cpu"))
    ((data, options, _),) = napari.read_layers([str(photo)])
    assert data.shape == (61, 12, 16) and options["scale"][0] == 5
    assert options["metadata"]["nesr_gui"]["provenance"]["model"] == "tiny"


def test_what_cannot_be_read_is_left_to_others(tmp_path: Path, cube: Path) -> None:
    (tmp_path / "notes.gif").write_text("x", encoding="utf-8")
    assert napari.get_reader(str(tmp_path / "notes.gif")) is None
    assert napari.get_reader([str(cube), str(tmp_path / "notes.gif")]) is None
    assert napari.get_reader([]) is None


@pytest.mark.parametrize("ending", [".nc", ".npz", ".hdr", ".field"])
def test_a_layer_comes_back(cube: Path, tmp_path: Path, ending: str) -> None:
    ((data, options, _),) = napari.read_layers(str(cube))
    out = str(tmp_path / f"out{ending}")
    assert napari.write_cube(out, data, options) == [out]
    read = io.open_cube(out)
    np.testing.assert_array_equal(read.cube(BANDS).values, io.open_cube(cube).cube(BANDS).values)
    assert read.quantity is Quantity.REFLECTANCE and read.provenance["source"] == "s"


def test_a_layer_of_another_program_is_written_by_its_scale(tmp_path: Path) -> None:
    data = np.random.default_rng(0).random((3, 4, 5))
    options: dict[str, Any] = {"units": ("nm", "pixel", "pixel"), "scale": (10, 1, 1), "translate": (500, 0, 0)}
    napari.write_cube(str(tmp_path / "a.npy"), data, options)
    assert io.open_cube(tmp_path / "a.npy").bands.nm.tolist() == [500, 510, 520]
    with pytest.raises(ValueError, match="does not say at which wavelengths its bands are"):
        napari.write_cube(str(tmp_path / "b.npy"), data, {"units": ("pixel",) * 3})
    with pytest.raises(ValueError, match="three dimensions"):
        napari.write_cube(str(tmp_path / "b.npy"), data[0], options)


def test_uneven_bands_have_no_scale(tmp_path: Path) -> None:
    bands = Wavelengths(np.array([400.0, 500.0, 700.0]))
    io.write_cube(tmp_path / "c.npy", CubeField(np.ones((3, 2, 2), np.float32), bands), bands)
    ((data, options, _),) = napari.read_layers(str(tmp_path / "c.npy"))
    assert "scale" not in options
    napari.write_cube(str(tmp_path / "d.npy"), data, options)
    assert io.open_cube(tmp_path / "d.npy").bands.nm.tolist() == [400, 500, 700]


def test_the_manifest_names_functions_and_formats_that_exist() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    commands = {each["id"]: each["python_name"] for each in manifest["contributions"]["commands"]}
    for python_name in commands.values():
        module, _, function = python_name.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
    (reader,), (writer,) = manifest["contributions"]["readers"], manifest["contributions"]["writers"]
    assert {reader["command"], writer["command"]} < set(commands)
    extensions = {extension for row in io.FORMATS for extension in row.extensions}
    assert {pattern.removeprefix("*") for pattern in reader["filename_patterns"]} <= extensions
    written = {ending for row in io.written_formats() for ending in row.writes or row.extensions}
    assert set(writer["filename_extensions"]) <= written


def test_npe2_accepts_the_manifest() -> None:
    npe2 = pytest.importorskip("npe2")
    assert npe2.PluginManifest.from_file(MANIFEST).name == "nesr-gui"


def test_every_entry_point_is_there() -> None:
    project = tomllib.loads((Path(nesr_gui.__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["project"]["entry-points"]
    assert set(groups) == {"xarray.backends", "napari.manifest"}
    module, _, name = groups["xarray.backends"]["nesr"].partition(":")
    if importlib.util.find_spec("xarray"):
        assert getattr(importlib.import_module(module), name).description
    package, _, file = groups["napari.manifest"]["nesr-gui"].partition(":")
    assert (Path(importlib.import_module(package).__file__ or "").parent / file).is_file()
