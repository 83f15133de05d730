"""Files that come in together: dropped on the window, pasted into it, or left by a crash."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from nesr_gui.gui.opening import Opening
from nesr_gui.gui.tasks.sessions import MovedImage
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.gui.views.main_window import MainWindow

_MOST_TOLD = 3  # failures that are told each


class Incoming(QObject):
    """Opens one file as `open_one` does, and of several each in a tab of its own, one after the other."""

    def __init__(self, window: MainWindow, worker: Worker, opening: Opening, open_one: Callable[[Path], None]) -> None:
        super().__init__(window)
        self._window, self._worker, self._opening, self._open_one = window, worker, opening, open_one
        self._waiting: deque[Callable[[], None]] = deque()
        self._count = 0  # of those that came together
        self._failures: list[str] = []
        window.files_picked.connect(self.open)
        worker.failed.connect(self._note)
        worker.ended.connect(self._go_on)

    def open(self, paths: Sequence[Path]) -> None:
        if len(paths) == 1:
            self._open_one(paths[0])
        else:
            self.take(partial(self._opening.open, path, beside=True) for path in paths)

    def take(self, openings: Iterable[Callable[[], None]]) -> None:
        """Open each after the one before; what fails is told in one sentence when all are done."""
        known = len(self._waiting)
        self._waiting.extend(openings)
        self._count += len(self._waiting) - known
        self._go_on("read")

    def _note(self, purpose: str, error: Exception) -> None:
        if purpose == "read" and self._count and not isinstance(error, MovedImage):  # a question tells of that
            self._failures.append(str(error).strip().rstrip(".") or type(error).__name__)

    def _go_on(self, purpose: str) -> None:
        """The worker reads the newest only, so each waits for the one before."""
        if purpose != "read":
            return
        while self._waiting and not self._worker.is_busy("read"):
            self._waiting.popleft()()  # a model among them is not read as images are
        if self._worker.is_busy("read"):
            return
        count, failures = self._count, self._failures
        self._count, self._failures = 0, []
        if failures and count > 1:
            told = "; ".join(failures[:_MOST_TOLD]) + (" …" if len(failures) > _MOST_TOLD else "")
            self._window.notice.show_failure(ValueError(f"{len(failures)} of {count} were not opened: {told}"))
