"""A picture of the window when everything in it is ready, for people and machines without a screen."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from nesr_gui.gui.model.marks import spots
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.gui.views.main_window import MainWindow


class Screenshot(QObject):
    """Waits for the field, places pins where there are none, waits for their curves, and writes the file."""

    finished = Signal(int)  # exit code

    def __init__(self, path: Path, window: MainWindow, session: Session, worker: Worker) -> None:
        super().__init__(window)
        self._path, self._window, self._session, self._worker = path, window, session, worker
        self._done = False

    def look(self) -> None:
        """Something changed: is everything there?"""
        session = self._session
        is_made = not any(map(self._worker.is_busy, ("model", "encode")))  # a cube answers before, as it was measured
        if session.field is None or self._done or not is_made:
            return
        if not session.marks:
            height, width = session.source_shape or (1, 1)
            middle = [(height // 2, width // 2)]
            for row, col in spots(session.photograph) if session.photograph else middle:
                session.add_pin(row, col)
            return
        if all(session.reading(mark) is not None and mark.place in session.findings for mark in session.marks):
            self._done = True
            QTimer.singleShot(0, self, self._take)  # after every other slot has shown the same news

    def fail(self, purpose: str, error: Exception) -> None:
        if not self._done:
            self._done = True
            sys.stderr.write(f"error: {error}\n")
            self.finished.emit(1)

    def _take(self) -> None:
        written = self._window.grab().save(str(self._path))
        if not written:
            sys.stderr.write(f"error: cannot write {self._path}; name a file that ends in .png, in a folder there is\n")
        self.finished.emit(0 if written else 1)
