"""Offers another way where work has failed: with smaller tiles, on the processor, or once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject

from nesr_gui.fields.protocol import DeviceLost
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.reconstructing import Reconstructing
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.gui.views.main_window import MainWindow

Remedy = tuple[str, Callable[[], None]]
_ASKED_AGAIN = ("encode", "model")  # what a new model brings with it; the pictures and curves follow its field


class Retrying(QObject):
    """Puts a button beside the sentence that says what failed; the rest of the window goes on meanwhile."""

    def __init__(self, window: MainWindow, session: Session, worker: Worker, reconstructing: Reconstructing) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._reconstructing = window, session, worker, reconstructing
        self._waiting = ""  # purpose of what is done again when the new field is there
        worker.failed.connect(self._offer)
        session.field_changed.connect(self._go_on)

    def remedy(self, purpose: str, error: Exception) -> Remedy | None:
        """What to offer; nothing where the same would fail again, as with a file that cannot be read."""
        reconstructing, broken = self._reconstructing, isinstance(error, MemoryError | DeviceLost)
        if isinstance(error, MemoryError) and reconstructing.can_save_memory():
            return "Retry with smaller tiles", partial(self._compute_otherwise, purpose, reconstructing.save_memory)
        elsewhere = reconstructing.device not in ("cpu", "")
        if elsewhere and (broken or purpose == "model"):
            return "Retry on the processor", partial(
                self._compute_otherwise, purpose, partial(reconstructing.use_device, "cpu")
            )
        if broken or not isinstance(error, ValueError | OSError):
            again = partial(self._worker.retry, purpose)
            return "Retry", reconstructing.again if purpose == "encode" else again
        return None

    def _offer(self, purpose: str, error: Exception) -> None:
        remedy = self.remedy(purpose, error)
        if remedy is not None:
            self._window.notice.offer(*remedy)

    def _compute_otherwise(self, purpose: str, change: Callable[[], None]) -> None:
        self._waiting = "" if purpose in _ASKED_AGAIN else purpose
        change()

    def _go_on(self) -> None:
        if self._waiting and self._session.field is not None:
            purpose, self._waiting = self._waiting, ""
            self._worker.retry(purpose, self._with_field)

    def _with_field(self, request: Any) -> Any:
        """The same of the field there is now."""
        if is_dataclass(request) and not isinstance(request, type) and hasattr(request, "field"):
            return replace(request, field=self._session.field)
        return request
