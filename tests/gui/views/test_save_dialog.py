"""The dialog that asks for a file to write: the names it gives, and when it asks before a file is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from nesr_gui.gui.views import save_dialog
from nesr_gui.gui.views.save_dialog import ask_save_path

BOTH = "PNG image (*.png);;GeoTIFF (*.tif *.tiff)"


def answer(monkeypatch: pytest.MonkeyPatch, *names: object, kind: str = "") -> list[str]:
    """Let the user type file names one after the other; returns the names that were proposed."""
    left, proposed = iter(names), list[str]()

    def ask(parent: object, title: str, name: str, filters: str) -> tuple[str, str]:
        proposed.append(name)
        return str(next(left)), kind

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    return proposed


def confirm(monkeypatch: pytest.MonkeyPatch, *answers: bool) -> list[str]:
    """Answer the questions whether a file may be replaced; returns them."""
    left, asked = iter(answers), list[str]()
    buttons = QMessageBox.StandardButton

    def ask(parent: object, title: str, text: str, *options: object) -> QMessageBox.StandardButton:
        asked.append(text)
        return buttons.Yes if next(left) else buttons.No

    monkeypatch.setattr(QMessageBox, "warning", ask)
    return asked


@pytest.mark.parametrize(
    ("typed", "kind", "ending", "name"),
    [
        ("map", "GeoTIFF (*.tif *.tiff)", "", "map.tif"),
        ("map", "", "", "map.png"),
        ("map.tiff", "PNG image (*.png)", "", "map.tiff"),
        ("my 5.0 camera", "", ".json", "my 5.0 camera.json"),
        ("a.JSON", "", ".json", "a.JSON"),
    ],
)
def test_a_name_gets_the_extension_of_its_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, kind: str, ending: str, name: str
) -> None:
    answer(monkeypatch, tmp_path / typed, kind=kind)
    assert confirm(monkeypatch) == []
    assert ask_save_path(None, "Export map", "map.png", BOTH, ending=ending) == tmp_path / name


def test_a_folder_has_no_extension_and_nothing_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, tmp_path / "bands", "")
    assert ask_save_path(None, "Export cube", "bands", "Folder of PNG bands (*)") == tmp_path / "bands"
    assert ask_save_path(None, "Export cube", "bands", "Folder of PNG bands (*)") is None


def test_a_file_is_not_replaced_unasked_because_its_extension_was_not_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work.nesr").touch()
    asked = confirm(monkeypatch, False, True)
    proposed = answer(monkeypatch, tmp_path / "work", tmp_path / "other")
    assert ask_save_path(None, "Save session", "photo.nesr", "Sessions (*.nesr)") == tmp_path / "other.nesr"
    assert proposed == ["photo.nesr", str(tmp_path / "work.nesr")]
    assert asked == ["work.nesr already exists.\nDo you want to replace it?"]
    answer(monkeypatch, tmp_path / "work")
    assert ask_save_path(None, "Save session", "photo.nesr", "Sessions (*.nesr)") == tmp_path / "work.nesr"
    assert len(asked) == 2
    answer(monkeypatch, tmp_path / "work.nesr")  # the dialog of the system has asked about it
    assert ask_save_path(None, "Save session", "photo.nesr", "Sessions (*.nesr)") == tmp_path / "work.nesr"
    assert len(asked) == 2


def test_every_file_to_write_is_asked_for_here() -> None:
    sources = Path(save_dialog.__file__).parents[1].rglob("*.py")
    assert [path.name for path in sources if "getSaveFileName" in path.read_text("utf-8")] == ["save_dialog.py"]
