"""The actions that reconstruct, and what is told of models and of what they made."""

from __future__ import annotations

from PySide6.QtCore import QObject

from nesr_gui.gui.model.session import Session
from nesr_gui.gui.reconstructing import Reconstructing
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow


class ReconstructCommands(QObject):
    """Carries out `reconstruct` and `reconstruct_fully`; says what has to be known of the model that is used."""

    def __init__(self, window: MainWindow, session: Session, worker: Worker, reconstructing: Reconstructing) -> None:
        super().__init__(window)
        self._window, self._session, self._reconstructing = window, session, reconstructing
        self._told = ""  # in the notice, of how the model was run
        self._failed = ""  # in the notice, of why it was not
        reconstructing.began.connect(self._show_possible)
        session.field_changed.connect(self._show_possible)
        worker.ended.connect(self._show_possible)
        session.field_changed.connect(self._tell_notes)
        reconstructing.told.connect(window.notice.show_success)
        reconstructing.began.connect(self._let_go)
        worker.failed.connect(self._note)
        self._show_possible()

    def reconstruct(self) -> None:
        self._reconstructing.reconstruct()

    def reconstruct_fully(self) -> None:
        self._reconstructing.reconstruct(full=True)

    def _show_possible(self) -> None:
        actions = self._window.actions_by_name
        enable(actions, ["reconstruct"], self._reconstructing.can_reconstruct())
        enable(actions, ["reconstruct_fully"], self._reconstructing.can_reconstruct(full=True))

    def _note(self, purpose: str, error: Exception) -> None:
        self._failed = str(error) if purpose == "encode" else self._failed

    def _let_go(self) -> None:
        """It is tried again: why it failed the last time is no news any more."""
        if self._failed and self._failed in self._window.notice.text.text():
            self._window.notice.hide()
        self._failed = ""

    def _tell_notes(self) -> None:
        """Say of a reconstruction what has to be known of how its model was run; let go what was said of the last."""
        notice, field = self._window.notice, self._session.field
        if self._told and notice.text.text() == self._told:
            notice.hide()
        self._told = field.provenance.get("model_notes", "") if field is not None and self._session.encoded else ""
        if self._told:
            notice.show_success(self._told)
