"""What is not saved outlives a crash, and nothing is left by a program that was closed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from nesr_gui.gui.app import App
from nesr_gui.gui.model.session_file import read_session
from nesr_gui.gui.tasks.sessions import AutosaveFolder, FindRequest, find_copies
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes import MODES
from nesr_gui.io import atomic
from nesr_gui.io.photos.develop_settings import DevelopSettings
from tests.gui.conftest import FakeEngine

DIE = """
import os, sys
from PySide6.QtCore import QLockFile
for folder in sys.argv[1:]:
    lock = QLockFile(folder + ".lock")
    assert lock.tryLock(0)
os._exit(1)  # with the lock held, as a crash does
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "autosave"


@pytest.fixture
def start(engine: FakeEngine, root: Path, qtbot: QtBot) -> Iterator[Callable[[], App]]:
    """Starts programs that keep copies in `root`; those not closed by a test are in the end."""
    made: list[App] = []

    def make() -> App:
        app = App()
        made.append(app)
        app.window.show()
        app.reconstruction.load_model(None, "auto")
        app.autosave.start(root)
        qtbot.waitUntil(lambda: app.autosave._folder is not None)
        return app

    yield make
    for app in made:
        app.window.close()
        app.window.deleteLater()


def open_marked(app: App, path: Path, pixels: list[tuple[int, int]], qtbot: QtBot) -> None:
    known = app.document.name
    app.files.open(path, beside=bool(known))
    qtbot.waitUntil(lambda: app.document.name == path.name and app.document.field is not None)
    for pixel in pixels:
        app.document.add_pin(*pixel)


def copied(app: App, qtbot: QtBot) -> list[Path]:
    """The copies after the time for copying has come."""
    app.autosave.save()
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.AUTOSAVE))
    assert app.autosave._folder is not None
    return app.autosave._folder.copies()


def crash(app: App, root: Path) -> None:
    """Leave on disk what a killed program would: its folder, and a lock of a process that is no more."""
    shelf = app.autosave._folder
    assert shelf is not None
    left = root.parent / "left"
    shelf.folder.rename(left)
    app.window.close()
    left.rename(shelf.folder)
    subprocess.run([sys.executable, "-c", DIE, str(shelf.folder)], check=False, env=os.environ)
    assert Path(f"{shelf.folder}.lock").exists()


def offer(app: App, qtbot: QtBot) -> QMessageBox:
    qtbot.waitUntil(lambda: bool(app.window.findChildren(QMessageBox)))
    (box,) = app.window.findChildren(QMessageBox)
    return box


def press(box: QMessageBox, text: str) -> None:
    next(button for button in box.buttons() if button.text() == text).click()


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.png"
    iio.imwrite(path, np.random.default_rng(1).integers(0, 256, (40, 50, 3)).astype(np.uint8))
    return path


def test_half_a_copy_that_a_crash_left_is_gone_after_the_next_start(
    start: Callable[[], App], photograph: Path, root: Path, qtbot: QtBot
) -> None:
    first = start()
    open_marked(first, photograph, [(3, 4)], qtbot)
    (copy,) = copied(first, qtbot)
    crash(first, root)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    half = copy.with_name(f".{copy.name}.{atomic._HOST}-{dead.pid}-0123456789abcdef.part")
    half.write_text("{")
    second = start()
    press(offer(second, qtbot), "Later")
    assert copy.exists() and not half.exists()


def test_after_a_crash_every_document_comes_back_with_its_marks(
    start: Callable[[], App], photograph: Path, other: Path, root: Path, qtbot: QtBot
) -> None:
    first = start()
    open_marked(first, photograph, [(3, 4), (5, 6)], qtbot)
    open_marked(first, other, [(7, 8)], qtbot)
    first.document.development.choose(DevelopSettings(stops=0.5))
    first.document.set_wavelength(612.3)
    assert len(copied(first, qtbot)) == 2
    crash(first, root)

    second = start()
    box = offer(second, qtbot)
    assert "photograph.png" in box.informativeText() and "other.png" in box.informativeText()
    press(box, "Restore")
    qtbot.waitUntil(lambda: len(second.workspace.documents) == 2 and second.document.field is not None)
    qtbot.waitUntil(lambda: not second.worker.is_busy(Task.OPEN) and not second.worker.is_busy(Task.DEVELOP))
    by_name = {document.name: document for document in second.workspace.documents}
    assert [mark.pixel for mark in by_name["photograph.png"].marks] == [(3, 4), (5, 6)]
    restored = by_name["other.png"]
    assert [mark.pixel for mark in restored.marks] == [(7, 8)] and restored.nm == 612.3
    assert restored.development.interpretation.stops == 0.5
    assert len(second.workspace.modified()) == 2  # nothing of it is saved yet

    crash_again = [path.stat().st_mtime_ns for path in root.rglob("*.nesr")]
    assert len(crash_again) == 2 and copied(second, qtbot) == []  # they go on where they are
    second.window.close()
    assert list(root.iterdir()) == []


def test_a_program_that_is_closed_leaves_nothing_and_is_offered_nothing(
    start: Callable[[], App], photograph: Path, root: Path, qtbot: QtBot
) -> None:
    first = start()
    open_marked(first, photograph, [(3, 4)], qtbot)
    assert len(copied(first, qtbot)) == 1
    first.window.close()
    assert list(root.iterdir()) == []
    second = start()
    qtbot.waitUntil(lambda: not second.worker.is_busy(Task.FIND_COPIES))
    assert not second.window.findChildren(QMessageBox)


def test_copies_go_before_work_that_takes_long_to_end_is_waited_for(
    start: Callable[[], App], photograph: Path, root: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = start()
    open_marked(app, photograph, [(3, 4)], qtbot)
    assert len(copied(app, qtbot)) == 1
    left: list[list[Path]] = []
    end = app.worker.close
    monkeypatch.setattr(app.worker, "close", lambda: (left.append(list(root.rglob("*.nesr"))), end()))
    app.window.close()
    assert left == [[]]


def test_a_copy_is_written_where_something_was_made_and_goes_when_it_is_saved(
    start: Callable[[], App], photograph: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    app = start()
    open_marked(app, photograph, [], qtbot)
    assert copied(app, qtbot) == []
    app.document.add_pin(3, 4)
    (copy,) = copied(app, qtbot)
    copy.write_text("as it is")
    assert copied(app, qtbot) == [copy] and copy.read_text() == "as it is"  # nothing was made since
    app.document.add_pin(5, 6)
    assert copied(app, qtbot) == [copy] and len(read_session(copy, MODES).marks) == 2
    app.application.undo()
    app.application.undo()
    assert copied(app, qtbot) == []
    app.application.redo()
    assert len(copied(app, qtbot)) == 1
    document = app.workspace.current
    document.file = tmp_path / "work.nesr"
    app.documents.save(document)
    qtbot.waitUntil(lambda: not document.is_modified)
    assert app.autosave._folder is not None
    qtbot.waitUntil(lambda: app.autosave._folder.copies() == [])


def test_of_a_program_that_runs_nothing_is_taken(
    start: Callable[[], App], photograph: Path, root: Path, qtbot: QtBot
) -> None:
    first = start()
    open_marked(first, photograph, [(3, 4)], qtbot)
    (copy,) = copied(first, qtbot)
    second = start()
    qtbot.waitUntil(lambda: not second.worker.is_busy(Task.FIND_COPIES))
    assert not second.window.findChildren(QMessageBox)
    second.window.close()
    assert copy.exists()


@pytest.mark.parametrize(("button", "is_kept"), [("Discard", False), ("Later", True)])
def test_what_is_discarded_goes_and_what_is_not_decided_is_offered_again(
    start: Callable[[], App], photograph: Path, root: Path, qtbot: QtBot, button: str, is_kept: bool
) -> None:
    first = start()
    open_marked(first, photograph, [(3, 4)], qtbot)
    copied(first, qtbot)
    crash(first, root)
    second = start()
    press(offer(second, qtbot), button)
    assert second.document.source_shape is None
    second.window.close()
    assert bool(list(root.iterdir())) == is_kept
    if is_kept:
        press(offer(start(), qtbot), "Discard")


def test_a_copy_is_offered_also_if_the_clock_was_wrong(
    start: Callable[[], App], photograph: Path, root: Path, qtbot: QtBot
) -> None:
    first = start()
    open_marked(first, photograph, [(3, 4)], qtbot)
    (copy,) = copied(first, qtbot)
    crash(first, root)
    os.utime(copy, (0, 0))  # as by a clock without a battery
    second = start()
    press(offer(second, qtbot), "Restore")
    qtbot.waitUntil(lambda: [mark.place for mark in second.document.marks] == [(3, 4)])


INSTANCES = """
import os, sys
from pathlib import Path
from nesr_gui.gui.tasks.sessions import FindRequest, find_copies
ready, go = os.pipe()
answers = []
for _ in range(6):
    reading, writing = os.pipe()
    answers.append(reading)
    if not os.fork():
        os.close(go)
        os.read(ready, 1)  # until all are there
        found = find_copies(FindRequest(Path(sys.argv[1])), lambda fraction: None)
        os.write(writing, "".join(f"{copy.path.name}\\n" for copy in found.copies).encode() + b".")
        sys.stdin.read()  # the locks are held
        os._exit(0)
    os.close(writing)
os.close(go)
for reading in answers:
    with os.fdopen(reading, "rb") as answer:
        text = b""
        while not text.endswith(b"."):
            text += os.read(answer.fileno(), 1 << 16)
        print(text[:-1].decode(), end="")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts six programs at once by fork")
def test_of_programs_that_start_at_once_one_is_offered_a_copy(
    start: Callable[[], App], photograph: Path, other: Path, root: Path, qtbot: QtBot
) -> None:
    first = start()
    for path in (photograph, other):
        open_marked(first, path, [(3, 4)], qtbot)
    names = sorted(path.name for path in copied(first, qtbot))
    crash(first, root)
    command = [sys.executable, "-c", INSTANCES, str(root)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert sorted(ran.stdout.split("\n")[:-1]) == names, ran.stdout + ran.stderr


def test_a_folder_of_copies_that_is_removed_meanwhile_is_made_again(
    start: Callable[[], App], photograph: Path, root: Path, qtbot: QtBot
) -> None:
    app = start()
    open_marked(app, photograph, [(3, 4)], qtbot)
    assert len(copied(app, qtbot)) == 1
    shutil.rmtree(root)
    app.document.add_pin(5, 6)
    assert len(copied(app, qtbot)) == 1 and not app.window.messages.isVisible()


def test_a_copy_whose_image_is_gone_is_kept_until_it_can_be_restored(
    start: Callable[[], App], photograph: Path, root: Path, qtbot: QtBot
) -> None:
    first = start()
    open_marked(first, photograph, [(3, 4)], qtbot)
    photograph.unlink()
    assert len(copied(first, qtbot)) == 1
    crash(first, root)
    second = start()
    press(offer(second, qtbot), "Restore")

    def asked() -> list[QMessageBox]:
        return [box for box in second.window.findChildren(QMessageBox) if "photograph.png of the" in box.text()]

    qtbot.waitUntil(lambda: bool(asked()))
    asked()[0].reject()
    second.window.close()
    assert len(list(root.rglob("*.nesr"))) == 1


def test_copies_can_be_turned_off(start: Callable[[], App], photograph: Path, qtbot: QtBot) -> None:
    app = start()
    (timer,) = app.autosave.findChildren(QTimer)
    assert timer.isActive() and timer.interval() == 30_000
    open_marked(app, photograph, [(3, 4)], qtbot)
    assert len(copied(app, qtbot)) == 1
    app.preferences.choose("autosave", "")
    assert not timer.isActive() and copied(app, qtbot) == []


def test_a_disk_that_takes_no_copy_is_told_once(
    start: Callable[[], App], photograph: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, kept: object) -> None:
        raise OSError(28, "No space left on device")

    app = start()
    monkeypatch.setattr("nesr_gui.gui.tasks.sessions.write_session", full)
    open_marked(app, photograph, [(3, 4)], qtbot)
    copied(app, qtbot)
    assert "the disk of the file is full" in app.window.messages.text.text()
    app.window.messages.hide()
    copied(app, qtbot)
    assert not app.window.messages.isVisible()
    monkeypatch.undo()
    assert len(copied(app, qtbot)) == 1


def test_a_window_that_was_not_started_to_work_with_keeps_nothing(opened: App, qtbot: QtBot) -> None:
    opened.document.add_pin(3, 4)
    opened.autosave.save()
    assert not opened.worker.is_busy(Task.AUTOSAVE) and not any(t.isActive() for t in opened.findChildren(QTimer))


def test_what_is_damaged_or_too_old_is_not_offered(root: Path) -> None:
    for name in ("damaged", "empty"):
        (root / name).mkdir(parents=True)
    damaged = root / "damaged" / "a.nesr"
    damaged.write_text("{")
    found = find_copies(FindRequest(root), lambda fraction: None)
    assert found.copies == () and found.left == () and damaged.exists() and not (root / "empty").exists()
    os.utime(damaged, (0, 0))
    again = find_copies(FindRequest(root), lambda fraction: None)
    assert not damaged.parent.exists()
    for own in (found.own, again.own):
        assert AutosaveFolder.take(own.folder) is None
        own.release()
    assert list(root.iterdir()) == []
