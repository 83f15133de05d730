"""An image from the clipboard is a photograph like any other, which a session takes along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColorSpace, QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui.gui.app import App
from nesr_gui.gui.controllers.files import NAME
from nesr_gui.gui.model.preferences import recent_files
from nesr_gui.gui.model.session_file import read_session
from nesr_gui.gui.tasks.files import PasteRequest, write_pasted
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes import MODES
from tests.gui.controllers.test_autosave import copied, crash, offer, root, start  # noqa: F401

COLOURS = np.random.default_rng(5).integers(0, 256, (30, 40, 3)).astype(np.uint8)


def image() -> QImage:
    return QImage(COLOURS.tobytes(), 40, 30, 120, QImage.Format.Format_RGB888).copy()


def paste(app: App, qtbot: QtBot) -> None:
    known = app.document.photograph
    QGuiApplication.clipboard().setImage(image())
    app.window.actions_by_name["paste"].trigger()
    qtbot.waitUntil(lambda: app.document.photograph is not known and app.document.field is not None)
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.OPEN))


def test_a_pasted_image_has_its_colours_and_leaves_no_file(app: App, qtbot: QtBot) -> None:
    app.reconstruction.load_model(None, "auto")
    paste(app, qtbot)
    origin = app.workspace.current.source
    assert app.document.name == NAME and origin is not None and origin.is_pasted
    assert app.document.colours is not None and np.array_equal(app.document.colours, COLOURS)
    assert recent_files() == [] and not app.workspace.modified()
    app.document.add_pin(3, 4)
    paste(app, qtbot)  # what was made stays, in a tab of its own
    assert len(app.workspace.documents) == 2 and app.document.marks == ()
    app.window.close()
    assert not origin.image.exists() and not origin.image.parent.parent.exists()


def test_a_session_of_a_pasted_image_has_it_beside_it_and_spares_other_files(
    app: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.reconstruction.load_model(None, "auto")
    paste(app, qtbot)
    app.document.add_pin(3, 4)
    other = tmp_path / "work.png"
    other.write_bytes(b"of somebody else")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "work.nesr"), ""))
    for _ in range(2):  # the second time nothing is asked, and no second picture written
        app.documents.save_session()
        qtbot.waitUntil(lambda: not app.workspace.modified())
        app.document.add_pin(5, 6)
    assert other.read_bytes() == b"of somebody else" and len(list(tmp_path.glob("*.png"))) == 2
    assert read_session(tmp_path / "work.nesr", MODES).source.image == tmp_path / "work 2.png"
    app.workspace.close(app.workspace.current)
    app.files.open(tmp_path / "work.nesr")
    qtbot.waitUntil(lambda: len(app.document.marks) == 2)
    assert app.document.colours is not None and np.array_equal(app.document.colours, COLOURS)


def test_a_pasted_image_outlives_a_crash_and_is_then_saved(
    start,  # noqa: F811
    root: Path,  # noqa: F811
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    first = start()
    paste(first, qtbot)
    first.document.add_pin(3, 4)
    copied(first, qtbot)
    crash(first, root)
    second = start()
    offer(second, qtbot).buttons()[0].click()
    qtbot.waitUntil(lambda: len(second.document.marks) == 1)
    assert second.document.colours is not None and np.array_equal(second.document.colours, COLOURS)
    second.autosave.set_interval(None)  # its image is needed all the same
    qtbot.waitUntil(lambda: not second.worker.is_busy(Task.AUTOSAVE))
    document = second.workspace.current
    document.file = tmp_path / "work.nesr"
    second.documents.save(document)
    qtbot.waitUntil(lambda: not document.is_modified)
    assert document.source is not None and document.source.image == tmp_path / "work.png"
    qtbot.waitUntil(lambda: not list(root.rglob("*.png")))
    second.window.close()
    assert list(root.iterdir()) == [] and (tmp_path / "work.png").exists()


def test_colours_of_another_space_become_srgb_and_alpha_stays(tmp_path: Path) -> None:
    wide = image().convertToFormat(QImage.Format.Format_ARGB32)
    wide.fill(0x80FF0000)
    wide.setColorSpace(QColorSpace(QColorSpace.NamedColorSpace.DisplayP3))
    path = tmp_path / "a" / "b.png"
    write_pasted(PasteRequest(path, wide), lambda fraction: None)
    written = QImage(str(path))
    assert written.hasAlphaChannel() and written.pixelColor(0, 0).alpha() == 0x80
    assert written.colorSpace() == QColorSpace(QColorSpace.NamedColorSpace.SRgb)


def test_recent_files_can_be_forgotten(opened: App) -> None:
    menu = opened.window.submenus["open_recent"]
    assert [action.text() for action in menu.actions()] == ["photograph.png", "", "Clear recent files"]
    menu.actions()[-1].trigger()
    assert recent_files() == [] and not menu.isEnabled() and not opened.window.start.recent
