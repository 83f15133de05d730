"""Files that are dropped on the window or pasted into it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QGuiApplication

from nesr_gui.gui.main_window import MainWindow, local_files
from nesr_gui.gui.opening import Opening
from nesr_gui.gui.worker import Worker


class Incoming(QObject):
    """Opens one file as `open_one` does, and of several each in a tab of its own, one after the other."""

    def __init__(self, window: MainWindow, worker: Worker, opening: Opening, open_one: Callable[[Path], None]) -> None:
        super().__init__(window)
        self._window, self._worker, self._opening, self._open_one = window, worker, opening, open_one
        self._waiting: deque[Path] = deque()
        window.files_picked.connect(self.open)
        worker.ended.connect(self._go_on)

    def paste(self) -> None:
        """Open the files that were copied in a file manager."""
        mime: QMimeData | None = QGuiApplication.clipboard().mimeData()  # None where the clipboard is empty
        if mime is not None and (paths := local_files(mime)):
            self.open(paths)
        else:
            self._window.notice.show_failure(
                ValueError("the clipboard holds no file; copy photographs, cubes or sessions in a file manager first")
            )

    def open(self, paths: Sequence[Path]) -> None:
        if len(paths) == 1:
            self._open_one(paths[0])
            return
        self._waiting.extend(paths)
        self._go_on("read")

    def _go_on(self, purpose: str) -> None:
        """The worker reads the newest only, so each waits for the one before."""
        if purpose == "read" and self._waiting and not self._worker.is_busy("read"):
            self._opening.open(self._waiting.popleft(), beside=True)
