"""Work that fails says so in one sentence, and offers another way; the rest of the window goes on."""

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.export import ExportPlan
from nesr_gui.fields.protocol import CubeField, DeviceLost, OutOfMemory
from nesr_gui.gui.app import App
from nesr_gui.gui.tasks import files, loading
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.io.errors import NO_MEMORY
from nesr_gui.spectral import Quantity
from tests.gui.conftest import BANDS, FakeEngine, smooth_cube


def press(app: App, text: str, qtbot: QtBot) -> None:
    messages = app.window.messages
    qtbot.waitUntil(lambda: messages.isVisible() and not messages.remedy.visibleRegion().isEmpty())
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


class OnDevice(CubeField):
    """The field of a model on a graphics device, which fails from the moment that `is_lost` is set."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.is_lost = threading.Event()

    def _check(self) -> None:
        if self.is_lost.is_set():
            raise DeviceLost("the graphics device failed; continue on the processor")

    def spectra(self, *args: Any, **options: Any) -> Any:
        self._check()
        return super().spectra(*args, **options)

    def band(self, *args: Any, **options: Any) -> Any:
        self._check()
        return super().band(*args, **options)

    def blocks(self, *args: Any, **options: Any) -> Iterator[Any]:
        for block in super().blocks(*args, **options):
            self._check()
            yield block


@pytest.fixture
def on_device(app: App, photograph: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> App:
    """A window with a photograph that was reconstructed on a graphics device, and a mark."""
    encode = engine.encode

    def encoded(image: Any, model: Any, **options: Any) -> CubeField:
        field = encode(image, model, **options)
        if model.device == "cpu":
            return field
        return OnDevice(
            field.cube(BANDS).values, BANDS, Quantity.REFLECTANCE, {"model": "m"}, source_shape=image.source_shape
        )

    monkeypatch.setattr(sys.modules["nesr_gui.inference.engine"], "encode", encoded)
    engine.model.device = "cuda"
    begin(app, photograph)
    qtbot.waitUntil(lambda: isinstance(app.document.field, OnDevice))
    app.document.add_pin(3, 4)
    qtbot.waitUntil(lambda: bool(app.document.curves) and not app.worker._newest)
    return app


def lose_device(app: App) -> None:
    assert isinstance(app.document.field, OnDevice)
    app.document.field.is_lost.set()


@pytest.mark.parametrize("work", ["scrub", "click"])
def test_a_device_that_fails_while_looking_is_left_for_the_processor(on_device: App, qtbot: QtBot, work: str) -> None:
    lose_device(on_device)
    if work == "scrub":
        on_device.document.set_wavelength(612.0)
    else:
        on_device.document.add_pin(10, 12)
    marks = on_device.document.marks
    qtbot.waitUntil(on_device.window.messages.isVisible)
    assert on_device.window.messages.text.text() == "the graphics device failed; continue on the processor."
    press(on_device, "Retry on CPU", qtbot)

    def is_answered() -> bool:
        document = on_device.document
        is_new = document.field is not None and not isinstance(document.field, OnDevice)
        return is_new and all(mark.place in document.curves for mark in marks) and on_device.renderers[0].is_settled

    qtbot.waitUntil(is_answered)
    assert on_device.document.marks == marks and on_device.document.is_modified
    assert on_device.workspace.model.device == "cpu"


def test_a_device_that_fails_during_an_export_costs_no_file_and_it_is_done_on_the_processor(
    on_device: App, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = tmp_path / "cubes"
    folder.mkdir()
    path = folder / "c.npy"
    path.write_bytes(b"older")
    before = on_device.document.field
    lose_device(on_device)
    request = files.CubeExport(path, before, ExportPlan())
    on_device.exporter._writer.export(request, files.export_cube, on_device.exporter._report)
    qtbot.waitUntil(on_device.window.messages.isVisible)
    assert on_device.window.messages.text.text() == "the graphics device failed; continue on the processor."
    assert path.read_bytes() == b"older" and list(folder.iterdir()) == [path]
    press(on_device, "Retry on CPU", qtbot)
    qtbot.waitUntil(lambda: "Wrote" in on_device.window.messages.text.text())
    np.testing.assert_allclose(io.open_cube(path).cube(BANDS).values, smooth_cube(60, 80))


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


def test_a_field_of_an_earlier_photograph_stays_outdated_also_if_full_resolution_is_cancelled(
    opened: App, engine: FakeEngine, qtbot: QtBot
) -> None:
    assert not opened.reconstruction.can_reconstruct()
    engine.gate.clear()
    opened.files.choose_development(replace(opened.document.development.interpretation, stops=1.0))
    qtbot.waitUntil(lambda: opened.worker.is_busy(Task.RECONSTRUCT))
    opened.worker.cancel(Task.RECONSTRUCT)
    assert opened.reconstruction.can_reconstruct()
    opened.reconstruction.reconstruct_fully()
    opened.worker.cancel(Task.RECONSTRUCT)
    assert opened.reconstruction.can_reconstruct()
    engine.gate.set()
    opened.reconstruction.reconstruct_default()
    qtbot.waitUntil(lambda: not opened.worker.is_busy(Task.RECONSTRUCT))
    assert not opened.reconstruction.can_reconstruct()


def test_full_resolution_that_is_cancelled_leaves_the_field_as_it_is(
    opened: App, engine: FakeEngine, qtbot: QtBot
) -> None:
    engine.gate.clear()
    opened.reconstruction.reconstruct_fully()
    opened.worker.cancel(Task.RECONSTRUCT)
    assert not opened.reconstruction.can_reconstruct()


def test_a_field_of_an_earlier_model_is_outdated_also_at_full_resolution(
    opened: App, engine: FakeEngine, qtbot: QtBot
) -> None:
    opened.reconstruction.reconstruct_fully()
    qtbot.waitUntil(lambda: not opened.worker.is_busy(Task.RECONSTRUCT))
    engine.gate.clear()
    opened.reconstruction.load_model(None, "cpu")
    qtbot.waitUntil(lambda: opened.worker.is_busy(Task.RECONSTRUCT))
    opened.worker.cancel(Task.RECONSTRUCT)
    assert opened.reconstruction.can_reconstruct()
