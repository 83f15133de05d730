"""The program as it is started: one window, to work with or to take a picture of."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from nesr_gui import resources
from nesr_gui.gui.app import App
from nesr_gui.gui.model.marks import spots
from nesr_gui.gui.model.preferences import kept_folder, nothing_remembered
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.views.main_window import WINDOW_SIZE


class Screenshot(QObject):
    """Waits for the field, places pins where there are none, waits for their curves, and writes the file."""

    finished = Signal(int)  # exit code

    def __init__(self, path: Path, app: App) -> None:
        super().__init__(app)
        self._path, self._app = path, app
        self._done = False

    def check(self) -> None:
        """Something changed: is everything there?"""
        document, worker = self._app.document, self._app.worker
        # a cube answers before it is reconstructed, as it was measured
        if document.field is None or self._done or any(map(worker.is_busy, (Task.LOAD_MODEL, Task.RECONSTRUCT))):
            return
        if not document.marks:
            height, width = document.source_shape or (1, 1)
            middle = [(height // 2, width // 2)]
            for row, col in spots(document.photograph) if document.photograph else middle:
                document.add_pin(row, col)
            return
        if all(mark.place in document.readouts and mark.place in document.colour_results for mark in document.marks):
            self._done = True
            QTimer.singleShot(0, self, self._take)  # after every view has shown the same state

    def fail(self, error: Exception) -> None:
        if not self._done:
            self._done = True
            sys.stderr.write(f"error: {error}\n")
            self.finished.emit(1)

    def _take(self) -> None:
        self._app.refresh.run()
        written = self._app.window.grab().save(str(self._path))
        if not written:
            sys.stderr.write(f"error: cannot write {self._path}; name a file that ends in .png, in a folder there is\n")
        self.finished.emit(0 if written else 1)


def run(image: Path | None, *, model: Path | None, device: str, screenshot: Path | None) -> int:
    """Open the window on `image` or its start page; with `screenshot` write a picture, of the first sample if need be.

    Returns the program's exit code.
    """
    with nothing_remembered() if screenshot else nullcontext():
        return _run(image, model, device, screenshot)


@nothing_remembered()
def say_when_usable() -> None:
    """Start as a user does, and write a line when the window is painted and answers; it goes on until it is closed."""

    def say() -> None:
        sys.stdout.write("usable\n")
        sys.stdout.flush()

    qt = QApplication(sys.argv[:1])  # the timers below belong to its thread
    QTimer.singleShot(0, qt, lambda: QTimer.singleShot(0, qt, say))  # after the events of the window's opening
    _run(None, None, "cpu", None)


def _run(image: Path | None, model: Path | None, device: str, screenshot: Path | None) -> int:
    qt = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(qt, QApplication)
    qt.setApplicationName("nesr_gui")
    app = App()
    if screenshot is not None:
        app.first_steps.close()
        picture = Screenshot(screenshot, app)
        app.watch(picture.check, picture.fail)
        picture.finished.connect(qt.exit)
    else:
        app.window.may_close = app.documents.may_close_window
        app.autosave.start(kept_folder() / "autosave")
    app.window.show()
    if screenshot is not None:
        app.window.compose(WINDOW_SIZE)  # the platform without a screen imagines a small one
    if image is not None:
        app.files.open(image)
    elif screenshot is not None:
        app.open_sample(resources.samples()[0])
    app.reconstruction.load_model(model, app.preferences["device"] if device == "auto" else device)
    app.worker.submit(Task.WARM_UP, None, loading.prepare_colours, lambda request, done: None)
    app.files.tidy()
    code = qt.exec()
    app.window.close()
    return code
