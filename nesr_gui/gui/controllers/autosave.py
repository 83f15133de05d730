"""Saves copies of unsaved documents, and offers to restore those left by a crash."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from PySide6.QtCore import QDateTime, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QMessageBox

from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.session_file import ENDING, SessionData
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.sessions import (
    AutosaveFolder,
    Copy,
    CopyRequest,
    FindRequest,
    Found,
    SaveRequest,
    SessionRequest,
    find_copies,
    remove_copy,
    write_copies,
)
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.window_layout import layout_of

_MOST_NAMED = 8  # copies listed in the dialog


class AutosaveController(QObject):
    """Saves copies of modified documents at an interval; removes a copy when its document is saved or closed.

    Nothing is saved before `start`, as in a window for screenshots or benchmarks.
    """

    restore_requested = Signal(object)  # list of SessionRequest

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._folder: AutosaveFolder | None = None  # set between `start` and `close`
        self._left: tuple[AutosaveFolder, ...] = ()
        self._copies: set[Path] = set()  # written, restored or discarded, but not yet deleted
        self._numbers = count(1)
        self._reported = ""
        self._seconds: int | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.save)

    def start(self, root: Path) -> None:
        """Save copies in a folder of `root`, and offer to restore copies left there."""
        self._worker.submit(Task.FIND_COPIES, FindRequest(root), find_copies, self._take_found)

    def set_interval(self, seconds: int | None) -> None:
        """Set the interval in seconds; None disables copies."""
        self._seconds = seconds
        self._timer.stop()
        if seconds is not None and self._folder is not None:
            self._timer.start(1000 * seconds)
        self.tidy()

    def save(self) -> None:
        """Save a copy of each document that has changed since its last copy."""
        if self._folder is None or self._seconds is None or self._worker.is_busy(Task.AUTOSAVE):
            return
        requests = []
        for document in self._workspace.modified():
            if document.backup_work != document.work:
                document.backup = document.backup or self._folder.folder / self._name(document)
                data = SessionData.of(document, layout_of(self._window), self._workspace.libraries)
                requests.append(SaveRequest(document.backup, data, document.work))
        self._copies.update(request.path for request in requests)
        self._submit(requests)

    def tidy(self) -> None:
        """Remove the copies of documents that are saved or closed."""
        if self._folder is not None and not self._worker.is_busy(Task.AUTOSAVE):
            self._submit([])

    def close(self) -> None:
        """Remove own copies on a regular exit; recovered copies without a decision are kept."""
        self.remove_copies()
        if self._folder is not None:
            for folder in (self._folder, *self._left):
                folder.release()
        self._folder = None

    def remove_copies(self) -> None:
        """Stop saving and delete the copies of this session."""
        self._timer.stop()
        for path in self._copies:
            remove_copy(path)

    def _submit(self, requests: Sequence[SaveRequest]) -> None:
        modified = self._workspace.modified() if self._seconds is not None else []
        for document in self._workspace.documents:
            if document not in modified:
                document.backup, document.backup_work = None, ()
        open_images = {document.source.image for document in self._workspace.documents if document.source is not None}
        needed = {document.backup for document in modified} | {image.with_suffix(ENDING) for image in open_images}
        needless = self._copies - needed
        if requests or needless:
            self._worker.submit(
                Task.AUTOSAVE, CopyRequest(tuple(requests), tuple(needless)), write_copies, self._take_written
            )

    def _take_written(self, request: CopyRequest, failure: str) -> None:
        self._copies -= set(request.needless)
        work = {copy.path: copy.work for copy in request.copies} if not failure else {}
        for document in self._workspace.documents:
            if document.backup is not None and document.backup in work:
                document.backup_work = work[document.backup]
        if failure and failure != self._reported:  # report the same failure only once
            self._window.messages.show_failure(OSError(failure))
        self._reported = failure

    def _name(self, document: Document) -> str:
        return f"{Path(document.title).stem[:60]} ({next(self._numbers)}){ENDING}"

    def adopt(self) -> None:
        """Continue to use the copy from which the current document was restored."""
        if (copy := self._workspace.current.backup) is not None:
            self._copies.add(copy)

    def _take_found(self, request: FindRequest, result: Found) -> None:
        self._folder, self._left = result.own, result.left
        self.set_interval(self._seconds)
        if result.copies:
            self._offer(result.copies)

    def _offer(self, copies: Sequence[Copy]) -> None:
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Recovery")
        box.setText("nesr_gui was not closed properly. Restore unsaved documents?")
        lines = [f"{copy.name}, {_when(copy.time)}" for copy in copies[-_MOST_NAMED:]]
        others = len(copies) - len(lines)
        box.setInformativeText("\n".join(lines + ([f"and {others} more"] if others else [])))
        restore = box.addButton("Restore", QMessageBox.ButtonRole.AcceptRole)
        discard = box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
        box.setEscapeButton(box.addButton("Later", QMessageBox.ButtonRole.RejectRole))
        box.setDefaultButton(restore)
        paths = [copy.path for copy in copies]
        restore.clicked.connect(lambda: self._restore(paths))
        discard.clicked.connect(lambda: self._discard(paths))
        box.open()

    def _restore(self, paths: Sequence[Path]) -> None:
        requests = [SessionRequest(path, beside=True, is_copy=True) for path in paths]
        self.restore_requested.emit(requests)

    def _discard(self, paths: Sequence[Path]) -> None:
        self._copies.update(paths)
        self.tidy()


def _when(seconds: float) -> str:
    return QDateTime.fromSecsSinceEpoch(int(seconds)).toString("yyyy-MM-dd HH:mm")
