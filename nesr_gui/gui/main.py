"""Start of the window, for interactive use or for a screenshot."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from nesr_gui import resources
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.app import App
from nesr_gui.gui.model.preferences import data_folder, nothing_remembered
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.views.main_window import WINDOW_SIZE
from nesr_gui.io.errors import error_message
from nesr_gui.spectral import varied_pixels

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C in the terminal, and what systems and schedulers send to end a program."""


class Screenshot(QObject):
    """Adds pins if there are no marks, waits for reconstruction and results, and writes a screenshot of the window."""

    finished = Signal(int)  # exit code

    def __init__(self, path: Path, app: App) -> None:
        super().__init__(app)
        self._path, self._app = path, app
        self._done = False

    def check(self) -> None:
        """Take the next step; called after every change."""
        document, worker = self._app.document, self._app.worker
        # for a cube, `field` is the measured cube until it is reconstructed
        if document.field is None or self._done or any(map(worker.is_busy, (Task.LOAD_MODEL, Task.RECONSTRUCT))):
            return
        if not document.marks:
            height, width = document.source_shape or (1, 1)
            middle = [(height // 2, width // 2)]
            for row, col in varied_pixels(document.photograph) if document.photograph else middle:
                document.add_pin(row, col)
            return
        if all(mark.place in document.readouts and mark.place in document.colour_results for mark in document.marks):
            self._done = True
            QTimer.singleShot(0, self, self._take)  # after all views are updated

    def fail(self, error: Exception) -> None:
        """Write the error to stderr and finish with exit code 1."""
        if not self._done:
            self._done = True
            sys.stderr.write(f"error: {error_message(error)}\n")
            self.finished.emit(1)

    def _take(self) -> None:
        self._app.refresh.run()
        written = self._app.window.grab().save(str(self._path))
        if not written:
            sys.stderr.write(f"error: cannot write {self._path}; choose a .png file in an existing folder\n")
        self.finished.emit(0 if written else 1)


def run(files: Sequence[Path], *, model: Path | None, device: str, screenshot: Path | None) -> int:
    """Open the window and run the event loop.

    Args:
        files: the files to open; none shows the start page, or for a screenshot opens the first sample.
        model: the model file; None for the embedded model.
        device: the device, or "auto" for the preference.
        screenshot: the PNG file to write before exiting; None for interactive use.

    Returns:
        The exit code of the program.
    """
    with nothing_remembered() if screenshot else nullcontext():
        return _run(files, model, device, screenshot)


@nothing_remembered()
def say_when_usable() -> None:
    """Start the window as for a first start, and write a line once it is painted and responsive; runs until closed."""

    def say() -> None:
        sys.stdout.write("usable\n")
        sys.stdout.flush()

    qt = QApplication(sys.argv[:1])  # before the timers, which need its thread
    QTimer.singleShot(0, qt, lambda: QTimer.singleShot(0, qt, say))  # after the initial events of the window
    _run([], None, "cpu", None)


def _warm_up(request: None, progress: ProgressCallback) -> None:
    """Do the last imports of the start, and search for garbage again (`cli.gui.import_window`), but not in those."""
    try:
        loading.prepare_colours(request, progress)
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def closes_on_signals(window: QWidget) -> Iterator[None]:
    """Context manager in which a signal to end closes the window as its button does; a second one ends the program.

    Python handles signals between its own instructions, of which there are none while Qt waits for events. So the
    number of a signal is also written to a socket, which Qt watches. Signals that are ignored remain so.
    """

    def close() -> None:
        heard.recv(len(SIGNALS))
        window.close()

    def handle(number: int, _: object) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)

    heard, told = socket.socketpair()
    with closing(heard), closing(told):
        told.setblocking(False)
        notifier = QSocketNotifier(heard.fileno(), QSocketNotifier.Type.Read)
        notifier.activated.connect(close)
        woken = signal.set_wakeup_fd(told.fileno())
        before = {each: signal.getsignal(each) for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN}
        for each in before:
            signal.signal(each, handle)
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
            signal.set_wakeup_fd(woken)
            notifier.setEnabled(False)


def _run(files: Sequence[Path], model: Path | None, device: str, screenshot: Path | None) -> int:
    qt = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(qt, QApplication)
    qt.setApplicationName("nesr_gui")
    qt.setDesktopFileName("nesr-gui")  # by which Wayland finds the icon
    app = App()
    if screenshot is not None:
        app.first_steps.close()
        picture = Screenshot(screenshot, app)
        app.watch(picture.check, picture.fail)
        picture.finished.connect(qt.exit)
    else:
        app.window.may_close = app.documents.may_close_window
        app.window.closing.connect(qt.exit)  # also of a window that is hidden while an export is finished
        app.autosave.start(data_folder() / "autosave")

    def prepare_readers() -> None:  # after what the first click needs
        if screenshot is None:
            app.worker.submit(Task.PREPARE_READERS, None, loading.prepare_readers, lambda request, done: None)

    app.window.show()
    if screenshot is not None:
        app.window.compose(WINDOW_SIZE)  # the offscreen platform has a small virtual screen
    if files:
        app.queue.open(files)
    elif screenshot is not None:
        app.open_sample(resources.samples()[0])
    app.reconstruction.load_model(model, app.preferences["device"] if device == "auto" else device)
    app.worker.submit(Task.WARM_UP, None, _warm_up, lambda request, done: prepare_readers())
    app.view.load_plugins()
    app.files.tidy()
    with closes_on_signals(app.window):
        code = qt.exec()
    app.window.close()
    return code
