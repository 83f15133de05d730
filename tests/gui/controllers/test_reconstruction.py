"""Work that fails says so in one sentence, and offers another way; the rest of the window goes on."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import DeviceLost, OutOfMemory
from nesr_gui.gui.app import App
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.io.errors import NO_MEMORY
from tests.gui.conftest import FakeEngine


def press(app: App, text: str, qtbot: QtBot) -> None:
    messages = app.window.messages
    qtbot.waitUntil(lambda: messages.isVisible() and messages.remedy.isVisible())
    assert messages.remedy.text() == messages.remedy.accessibleName() == text
    QTest.mouseClick(messages.remedy, Qt.MouseButton.LeftButton)


def begin(app: App, photograph: Path) -> None:
    app.reconstruction.load_model(None, "auto")
    app.files.open(photograph)


def test_out_of_memory_is_retried_with_smaller_tiles(
    app: App, photograph: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    engine.model.supports_low_memory = True
    engine.error, engine.helps = OutOfMemory("there is not enough main memory for this"), lambda m: m.name == "thrifty"
    begin(app, photograph)
    qtbot.waitUntil(app.window.messages.isVisible)
    assert app.window.messages.text.text() == "there is not enough main memory for this."
    app.document.add_pin(3, 4)  # the rest goes on
    press(app, "Retry with smaller tiles", qtbot)
    qtbot.waitUntil(lambda: app.document.field is not None and bool(app.document.curves))


@pytest.mark.parametrize("error", [DeviceLost("the graphics device stopped"), OutOfMemory("no memory")])
def test_a_failing_device_is_left_for_the_processor(
    app: App, photograph: Path, engine: FakeEngine, qtbot: QtBot, error: Exception
) -> None:
    engine.model.device = "cuda"
    engine.error, engine.helps = error, lambda model: model.device == "cpu"
    begin(app, photograph)
    press(app, "Retry on CPU", qtbot)
    qtbot.waitUntil(lambda: app.document.field is not None)
    assert app.workspace.model.device == "cpu"


def test_an_export_is_done_again_with_the_new_field(
    opened: App, tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    assert opened.document.field is not None
    broken = opened.document.field

    def export(request: object, progress: object) -> None:
        if request.field is broken:  # type: ignore[attr-defined]
            raise OutOfMemory("no memory")
        written.append(request.field)  # type: ignore[attr-defined]

    written: list[object] = []
    opened.reconstruction._model.supports_low_memory = True  # type: ignore[union-attr, misc]
    asked = loading.OpenedCube(broken, (0.0, 1.0))  # as any request with a field
    opened.worker.submit(Task.EXPORT, asked, export, lambda request, result: None)
    press(opened, "Retry with smaller tiles", qtbot)
    qtbot.waitUntil(lambda: bool(written))
    assert written == [opened.document.field] and opened.document.field is not broken


def test_what_failed_unexpectedly_is_done_once_more(opened: App, qtbot: QtBot) -> None:
    tries: list[int] = []

    def work(request: int, progress: object) -> int:
        tries.append(request)
        if len(tries) == 1:
            raise RuntimeError("a hiccup")
        return request

    done: list[int] = []
    opened.worker.submit(Task.EXPORT, 7, work, lambda request, result: done.append(result))
    press(opened, "Retry", qtbot)
    qtbot.waitUntil(lambda: done == [7])
    opened.worker.retry(Task.EXPORT)
    assert tries == [7, 7]


def test_a_reconstruction_that_failed_unexpectedly_is_done_once_more(
    app: App, photograph: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    engine.error = RuntimeError("a hiccup")
    begin(app, photograph)
    qtbot.waitUntil(app.window.messages.isVisible)
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.RECONSTRUCT))
    engine.error = None
    press(app, "Retry", qtbot)
    qtbot.waitUntil(lambda: app.document.field is not None)
    assert not app.window.messages.isVisible()


def test_what_would_fail_again_is_not_offered(app: App, tmp_path: Path, qtbot: QtBot) -> None:
    app.files.open(tmp_path / "none.png")
    qtbot.waitUntil(app.window.messages.isVisible)
    assert not app.window.messages.remedy.isVisible()


def test_a_model_that_cannot_be_had_on_a_device_is_offered_on_the_processor(
    app: App, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    app.reconstruction.load_model(None, "mps")
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.LOAD_MODEL))
    assert app.recovery.remedy(Task.LOAD_MODEL, ValueError("device 'mps' is not available on this machine")) is not None
    app.reconstruction.use_device("cpu")
    qtbot.waitUntil(lambda: app.workspace.model.device == "cpu")
    assert app.recovery.remedy(Task.LOAD_MODEL, ValueError("no")) is None


def test_memory_that_runs_out_elsewhere_is_one_sentence(app: App, qtbot: QtBot) -> None:
    app.window.messages.show_failure(MemoryError())
    assert app.window.messages.text.text() == f"{NO_MEMORY}."
    assert not app.window.messages.more.isVisible()
