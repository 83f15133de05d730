"""Quitting loses no export without a question: it is finished first, discarded, or the window stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui import main
from nesr_gui.gui.app import App
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.io.atomic import atomic_write
from tests.gui.conftest import FakeEngine


@dataclass(frozen=True)
class SlowWrite:
    """A file that is written when the event is set, or fails."""

    path: Path
    gate: threading.Event
    error: Exception | None = None


def write_slowly(request: SlowWrite, progress: ProgressCallback) -> None:
    with atomic_write(request.path) as part:
        while not request.gate.wait(0.002):
            progress(0.3)
        if request.error is not None:
            raise request.error
        part.write_text("complete")


@pytest.fixture
def exporting(app: App, tmp_path: Path) -> Iterator[SlowWrite]:
    app.window.may_close = app.documents.may_close_window
    request = SlowWrite(tmp_path / "out" / "cube.h5", threading.Event())
    request.path.parent.mkdir()
    yield request
    request.gate.set()
    app.window.may_close = lambda: True


def begin(app: App, request: SlowWrite, task: Task = Task.EXPORT) -> None:
    app.worker.submit(task, request, write_slowly, lambda request, done: app.exporter._writer.report(request.path))


def question(app: App) -> QMessageBox | None:
    boxes = [box for box in app.window.findChildren(QMessageBox) if box.isVisible()]
    assert len(boxes) <= 1
    return boxes[0] if boxes else None


def answer(app: App, text: str) -> None:
    box = question(app)
    assert box is not None
    next(button for button in box.buttons() if button.text() == text).click()


@pytest.mark.parametrize("task", [Task.EXPORT, Task.WRITE])
def test_an_export_is_finished_in_the_background_before_quitting(
    app: App, exporting: SlowWrite, qtbot: QtBot, task: Task
) -> None:
    begin(app, exporting, task)
    app.worker.pause(Task.EXPORT, True)  # nobody could resume it
    closed: list[bool] = []
    app.window.closing.connect(lambda: closed.append(True))
    assert not app.window.close() and app.window.isVisible()
    answer(app, "Finish, then quit")
    assert not app.window.isVisible() and closed == [] and app.worker.is_busy(task)
    exporting.gate.set()
    qtbot.waitUntil(lambda: closed == [True])
    assert exporting.path.read_text() == "complete"


def test_an_export_is_discarded_and_leaves_nothing(app: App, exporting: SlowWrite, qtbot: QtBot) -> None:
    begin(app, exporting)
    app.window.close()
    answer(app, "Discard export and quit")
    qtbot.waitUntil(lambda: not app.window.isVisible())
    assert list(exporting.path.parent.iterdir()) == []


def test_the_window_stays_and_so_does_the_export(app: App, exporting: SlowWrite, qtbot: QtBot) -> None:
    begin(app, exporting)
    app.window.close()
    answer(app, "Stay")
    assert app.window.isVisible() and app.worker.is_busy(Task.EXPORT)
    exporting.gate.set()
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.EXPORT))
    assert app.window.isVisible() and exporting.path.read_text() == "complete"


def test_an_export_that_fails_while_quitting_is_told(app: App, exporting: SlowWrite, qtbot: QtBot) -> None:
    begin(app, SlowWrite(exporting.path, exporting.gate, ValueError("the disk is full; free some space")))
    app.window.close()
    answer(app, "Finish, then quit")
    exporting.gate.set()
    qtbot.waitUntil(app.window.isVisible)
    assert "the disk is full" in app.window.messages.text.text() and app.window.messages.isVisible()


def test_nothing_is_asked_any_more_when_the_export_ends_before_the_answer(
    app: App, exporting: SlowWrite, qtbot: QtBot
) -> None:
    begin(app, exporting)
    app.window.close()
    assert not app.window.close()  # asked only once
    assert question(app) is not None
    exporting.gate.set()
    qtbot.waitUntil(lambda: not app.window.isVisible())
    assert exporting.path.read_text() == "complete"


def test_unsaved_changes_are_asked_about_first(opened: App, exporting: SlowWrite, qtbot: QtBot) -> None:
    opened.document.add_pin(3, 4)
    begin(opened, exporting)
    opened.window.close()
    box = question(opened)
    assert box is not None and "photograph.png" in box.text()
    box.button(QMessageBox.StandardButton.Discard).click()
    qtbot.waitUntil(lambda: (asked := question(opened)) is not None and "export" in asked.text())
    answer(opened, "Stay")
    assert opened.window.isVisible()


def test_an_export_goes_on_when_its_tab_is_closed(opened: App, exporting: SlowWrite, qtbot: QtBot) -> None:
    begin(opened, exporting)
    opened.documents.close_tab()
    assert opened.document.source is None and question(opened) is None
    exporting.gate.set()
    qtbot.waitUntil(lambda: not opened.worker.is_busy(Task.EXPORT))
    assert exporting.path.read_text() == "complete"


def test_the_program_ends_when_the_export_is_complete(
    qapp: QApplication, engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, made = SlowWrite(tmp_path / "cube.h5", threading.Event()), list[App]()

    def make() -> App:
        made.append(App())
        return made[0]

    def quit_while_exporting() -> None:
        begin(made[0], request)
        made[0].window.close()
        answer(made[0], "Finish, then quit")
        assert not made[0].window.isVisible()
        request.gate.set()

    monkeypatch.setattr(main, "App", make)
    monkeypatch.setattr(main, "data_folder", lambda: tmp_path)
    too_late = QTimer(singleShot=True, interval=30_000)
    too_late.timeout.connect(lambda: qapp.exit(3))
    too_late.start()
    QTimer.singleShot(0, quit_while_exporting)
    assert main.run([], model=None, device="cpu", screenshot=None) == 0
    too_late.stop()
    assert request.path.read_text() == "complete"
    made[0].window.deleteLater()
