"""Keeps copies of what is not saved, and offers what a program that died has left."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QObject, Qt, QTimer, Signal
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

_MOST_NAMED = 8  # copies that are named in the offer


class AutosaveController(QObject):
    """Copies every so often what was made since; a copy goes when its document is saved or closed.

    Nothing happens before `start`: a window for a picture or a benchmark keeps nothing.
    """

    restore_requested = Signal(object)  # list of SessionRequest

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._folder: AutosaveFolder | None = None  # from `start` until `close`
        self._left: tuple[AutosaveFolder, ...] = ()
        self._copies: set[Path] = set()  # written, restored or discarded, and not removed yet
        self._numbers = count(1)
        self._reported = ""
        self._seconds: int | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.save)

    def start(self, root: Path) -> None:
        """Keep copies in a folder of `root`, and offer those that are left there."""
        self._worker.submit(Task.FIND_COPIES, FindRequest(root), find_copies, self._take_found)

    def set_interval(self, seconds: int | None) -> None:
        """Copy every so often; None keeps no copies."""
        self._seconds = seconds
        self._timer.stop()
        if seconds is not None and self._folder is not None:
            self._timer.start(1000 * seconds)
        self.tidy()

    def save(self) -> None:
        """Copy every document in which something was made since its last copy."""
        if self._folder is None or self._seconds is None or self._worker.is_busy(Task.AUTOSAVE):
            return
        requests = []
        for document in self._workspace.modified():
            if document.backup_work != document.work:
                document.backup = document.backup or self._folder.folder / self._name(document)
                data = SessionData.of(document, layout_of(self._window))
                requests.append(SaveRequest(document.backup, data, document.work))
        self._copies.update(request.path for request in requests)
        self._submit(requests)

    def tidy(self) -> None:
        """Remove the copies of what is saved or closed."""
        if self._folder is not None and not self._worker.is_busy(Task.AUTOSAVE):
            self._submit([])

    def close(self) -> None:
        """The program is closed as it should be: nothing is left but what its user has not decided about."""
        self.remove_copies()
        if self._folder is not None:
            for folder in (self._folder, *self._left):
                folder.release()
        self._folder = None

    def remove_copies(self) -> None:
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

    def _take_written(self, request: CopyRequest, said: str) -> None:
        self._copies -= set(request.needless)
        work = {copy.path: copy.work for copy in request.copies} if not said else {}
        for document in self._workspace.documents:
            if document.backup is not None and document.backup in work:
                document.backup_work = work[document.backup]
        if said and said != self._reported:  # once, and not every half minute
            self._window.messages.show_failure(OSError(said))
        self._reported = said

    def _name(self, document: Document) -> str:
        return f"{Path(document.title).stem[:60]} ({next(self._numbers)}){ENDING}"

    def adopt(self) -> None:
        """What was restored of a copy goes on in it."""
        if (copy := self._workspace.current.backup) is not None:
            self._copies.add(copy)

    def _take_found(self, request: FindRequest, found: Found) -> None:
        self._folder, self._left = found.own, found.left
        self.set_interval(self._seconds)
        if found.copies:
            self._offer(found.copies)

    def _offer(self, copies: Sequence[Copy]) -> None:
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Recovery")
        box.setText("nesr_gui ended without being closed. Restore what was not saved?")
        named = [f"{copy.name}, {_when(copy.time)}" for copy in copies[-_MOST_NAMED:]]
        others = len(copies) - len(named)
        box.setInformativeText("\n".join(named + ([f"and {others} more"] if others else [])))
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
    return QLocale().toString(QDateTime.fromSecsSinceEpoch(int(seconds)), QLocale.FormatType.ShortFormat)
