"""What a file leaves open is asked with a likely answer, and the answer opens it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.views.dialogs.cube_import import CubeImportDialog
from nesr_gui.io import CubeHints, atomic
from nesr_gui.io.cubes.description import AmbiguousFile
from nesr_gui.spectral import Quantity, Wavelengths


def test_wavelengths_are_suggested_and_judged(qtbot):
    asked = AmbiguousFile("a.mat does not say it", "wavelengths", "400:700:10", "31 bands")
    asked.reading = CubeHints(band_axis=2)
    dialog = CubeImportDialog(asked)
    qtbot.addWidget(dialog)
    assert dialog.text.text() == "400:700:10" and dialog.summary.text() == "31 bands, 400-700 nm. Suggested: 31 bands."
    dialog.text.setText("red")
    assert not dialog.accept_button.isEnabled() and "Cannot read wavelengths" in dialog.summary.text()
    dialog.text.setText("450, 550")
    dialog.quantity.setCurrentText("radiance")
    reading = dialog.reading()
    assert dialog.accept_button.isEnabled() and reading.wavelengths.nm.tolist() == [450, 550]
    assert reading.band_axis == 2 and reading.quantity is Quantity.RADIANCE


@pytest.mark.parametrize(
    ("field", "choices", "expected"), [("band_axis", ("0", "1", "2"), 1), ("variable", ("a", "1"), "1")]
)
def test_choices_are_offered(qtbot, field, choices, expected):
    dialog = CubeImportDialog(AmbiguousFile("which", field, "1", "the largest", choices))
    qtbot.addWidget(dialog)
    assert dialog.choice.count() == len(choices) and getattr(dialog.reading(), field) == expected
    assert dialog.choice.accessibleName()


def asked(app: App) -> list[str]:
    """What the dialogs that are open ask for."""
    return [dialog._error.field for dialog in app.window.findChildren(CubeImportDialog)]


def test_a_cube_without_wavelengths_is_asked_for_and_opens(qtbot, tmp_path: Path):
    np.save(tmp_path / "c.npy", np.random.default_rng(0).random((3, 20, 30), np.float32))
    app = App()
    qtbot.addWidget(app.window)
    app.window.show()
    app.files.open(tmp_path / "c.npy")

    for field in ("band_axis", "wavelengths"):
        qtbot.waitUntil(lambda field=field: field in asked(app))
        app.window.findChild(CubeImportDialog).accept_button.click()
        qtbot.waitUntil(lambda field=field: field not in asked(app))
    qtbot.waitUntil(lambda: app.document.field is not None, timeout=5000)
    assert app.document.field.wavelength_range == (400, 700)
    assert app.document.field.wavelengths.nm.tolist() == Wavelengths.evenly_spaced(3).nm.tolist()
    app.window.close()


def test_a_folder_is_opened_from_the_menu(qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "bands"
    made = CubeField(np.full((2, 8, 9), 0.25, np.float32), Wavelengths.evenly_spaced(2), Quantity.REFLECTANCE)
    io.write_cube(folder, made, made.wavelengths, encoding=io.StorageEncoding("uint16"))
    app = App()
    qtbot.addWidget(app.window)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *words: str(folder))
    app.window.actions_by_name["open_folder"].trigger()
    qtbot.waitUntil(lambda: app.document.field is not None)
    assert app.document.field.shape == (8, 9) and app.document.name == "bands"
    app.window.close()


def test_starting_tidies_up_where_files_were_written(qtbot, tmp_path: Path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".c.h5.{atomic._HOST}-{dead.pid}-0123456789abcdef.part"
    left.write_text("half")
    settings().setValue("files/exported", str(tmp_path))
    app = App()
    qtbot.addWidget(app.window)
    app.files.tidy()
    qtbot.waitUntil(lambda: not left.exists())
    app.window.close()
