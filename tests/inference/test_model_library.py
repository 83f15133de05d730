"""Installed models: a model folder comes back unchanged, and one that is not what it states is refused."""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path

import pytest

from nesr_gui import resources
from nesr_gui.inference import model_library
from nesr_gui.inference.checkpoint import UnreadableModel, save_checkpoint
from nesr_gui.inference.model import load_model
from nesr_gui.inference.model_library import CARD, CONFIG, WEIGHTS
from tests import tiny
from tests.cli.test_cli import run  # noqa: F401


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of installed models."""
    monkeypatch.setenv("NESR_GUI_MODELS", str(tmp_path / "installed"))
    return tmp_path / "installed"


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """The folder of a model, with its card."""
    model = tmp_path / "tiny-1.safetensors"
    save_checkpoint(model, tiny.network(), {"licence": "MIT"})
    model.with_suffix(".md").write_text("# Tiny\n\nA card.\n", encoding="utf-8")
    model_library.write_folder(model, tmp_path / "packed")
    return tmp_path / "packed"


def zipped(folder: Path, prefix: str = "") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, prefix + file.name)
    return path


def edit(folder: Path, **changes: object) -> None:
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    (folder / CONFIG).write_text(json.dumps({**config, **changes}), encoding="utf-8")


def rehash(folder: Path) -> None:
    edit(folder, sha256={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (WEIGHTS, CARD)})


def test_a_folder_a_config_and_a_zip_are_installed(packed: Path, place: Path) -> None:
    for source in (packed, packed / CONFIG, zipped(packed), zipped(packed, "tiny-1/")):
        path = model_library.install(source)
        assert path == place / "tiny-1.safetensors"
        assert path.read_bytes() == (packed / WEIGHTS).read_bytes()
        assert path.with_suffix(".md").read_text(encoding="utf-8") == "# Tiny\n\nA card.\n"
        assert list(model_library.models())[-1] == "tiny-1"
        assert load_model(Path("tiny-1"), "cpu").checkpoint.provenance == {"licence": "MIT"}
        assert model_library.remove("tiny-1") == path and not any(place.iterdir())


def test_a_config_names_what_it_holds(packed: Path) -> None:
    config = json.loads((packed / CONFIG).read_text(encoding="utf-8"))
    assert config["name"] == "tiny-1" and config["format"] == "nesr_gui model 1"
    assert config["sha256"][WEIGHTS] == hashlib.sha256((packed / WEIGHTS).read_bytes()).hexdigest()
    with pytest.raises(FileExistsError, match="is not an empty folder"):
        model_library.write_folder(resources.default_model(), packed)


def test_another_model_of_the_same_name_is_replaced_only_if_wanted(packed: Path, place: Path) -> None:
    model_library.install(packed)
    save_checkpoint(packed / WEIGHTS, tiny.network(seed=1), {})
    rehash(packed)
    with pytest.raises(FileExistsError, match="another model called tiny-1 is installed"):
        model_library.install(packed)
    model_library.install(packed, replace=True)
    assert (place / "tiny-1.safetensors").read_bytes() == (packed / WEIGHTS).read_bytes()
    edit(packed, name="nesr-lean")
    with pytest.raises(FileExistsError, match="nesr-lean is a model of this program or a plug-in"):
        model_library.install(packed, replace=True)


def test_a_file_that_was_changed_is_refused(packed: Path, place: Path) -> None:
    for name in (WEIGHTS, CARD):
        content = (packed / name).read_bytes()
        (packed / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        for source in (packed, zipped(packed)):
            with pytest.raises(UnreadableModel, match=rf"{name} in .* its SHA-256 differs .*; download it again"):
                model_library.install(source)
        (packed / name).write_bytes(content)
    assert not place.exists()


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, CARD])
def test_a_missing_file_is_named(packed: Path, name: str) -> None:
    (packed / name).unlink()
    for source in (packed, zipped(packed)):
        with pytest.raises(UnreadableModel, match=f"lacks {name}"):
            model_library.install(source)


@pytest.mark.parametrize("name", ["weights.pt", "pytorch_model.bin", "a.PKL"])
def test_a_pickle_is_refused(packed: Path, name: str) -> None:
    (packed / name).write_bytes(b"cos\nsystem\n")
    for source in (packed, zipped(packed)):
        with pytest.raises(UnreadableModel, match=f"contains .*{name}, which may run code"):
            model_library.install(source)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../tiny"},
        {"name": "tiny/1"},
        {"name": ".hidden"},
        {"name": 3},
        {"format": "nesr_gui model 2"},
        {"sha256": {}},
        {"sha256": {WEIGHTS: "00", CARD: "00"}},
        {"sha256": None},
    ],
)
def test_a_config_that_makes_no_sense_is_refused(packed: Path, place: Path, changes: dict[str, object]) -> None:
    edit(packed, **changes)
    with pytest.raises(UnreadableModel, match="does not describe a model of this program"):
        model_library.install(packed)
    assert not place.exists()


def test_other_weights_are_refused_though_the_hash_is_right(packed: Path) -> None:
    (packed / WEIGHTS).write_bytes(b"\x10\0\0\0\0\0\0\0" + b"{}".ljust(16))
    rehash(packed)
    with pytest.raises(UnreadableModel, match="contains no 'nesr_gui 1' model"):
        model_library.install(packed)


def test_what_is_no_package_is_refused(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no model folder or zip file"):
        model_library.install(tmp_path / "none.zip")
    with pytest.raises(UnreadableModel, match="is no zip file, or is damaged"):
        model_library.install(packed / WEIGHTS)
    path = zipped(packed)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UnreadableModel, match="is no zip file, or is damaged"):
        model_library.install(path)
    with pytest.raises(FileNotFoundError, match="no model called tiny-1 is installed"):
        model_library.remove("tiny-1")


def test_an_archive_unpacks_only_what_a_model_consists_of(packed: Path, place: Path, tmp_path: Path) -> None:
    path = zipped(packed)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../outside.txt", "x")
        archive.writestr("a/b/config.json", "x")
        archive.writestr("train.py", "x")
    model_library.install(path)
    assert {each.name for each in place.iterdir()} == {"tiny-1.safetensors", "tiny-1.md"}
    assert not (tmp_path / "outside.txt").exists()


def test_the_folder_is_that_of_the_window(monkeypatch: pytest.MonkeyPatch, qapp: object) -> None:
    from PySide6.QtCore import QStandardPaths

    if sys.platform == "win32":
        pytest.skip("Qt's folder depends on the organisation there")
    monkeypatch.delenv("NESR_GUI_MODELS")
    qt = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation))
    assert model_library.folder() == qt / "nesr_gui" / "models"


def test_the_commands_pack_install_list_and_remove(run, packed: Path, place: Path, tmp_path: Path) -> None:  # noqa: F811
    assert "config.json" in run("models", "pack", tmp_path / "tiny-1.safetensors", tmp_path / "again")[1]
    code, said, _ = run("models", "install", tmp_path / "again")
    assert code == 0 and "use it with --model tiny-1" in said
    assert "tiny-1" in run("models", "list")[1]
    (packed / CARD).unlink()
    code, _, wrong = run("models", "install", packed, "--replace")
    assert code == 2 and wrong.strip().count("\n") == 0 and "lacks README.md" in wrong
    assert run("models", "remove", "tiny-1")[0] == 0 and not any(place.iterdir())
