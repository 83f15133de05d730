"""Saving, closing and switching documents, and the tabs that show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox

from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.document import Document, DocumentSource
from nesr_gui.gui.model.session_file import ENDING, FILTER, SessionData
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.sessions import LoadedSession, MovedImage, SaveRequest, save_session
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.save_dialog import ask_save_path
from nesr_gui.gui.views.window_layout import apply_layout, layout_of
from nesr_gui.io.errors import error_message

_QUESTION = "unsaved"
_EXPORTS = (Task.EXPORT, Task.WRITE)


class DocumentController(QObject):
    """Saves and closes documents, with dialogs for unsaved changes, and updates the tabs."""

    session_requested = Signal(object)  # SessionRequest
    saved = Signal(object)  # Path

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._leaves_after_exports = False  # the user quits as soon as no export is running
        self._tabs: list[Document] = []  # as displayed, which the user clicks, until the next refresh

    def close_tab(self) -> None:
        """Close the current document."""
        self.close(self._workspace.current)

    def show_next(self) -> None:
        """Show the next document."""
        self._workspace.step(1)

    def show_previous(self) -> None:
        """Show the previous document."""
        self._workspace.step(-1)

    def show_at(self, place: int) -> None:
        """Show the document of a tab."""
        document = self._tabs[place]
        if document in self._workspace.documents:
            self._workspace.show(self._workspace.documents.index(document))

    def close_at(self, place: int) -> None:
        """Close the document of a tab."""
        document = self._tabs[place]
        if document in self._workspace.documents:
            self.close(document)

    def close(self, document: Document) -> None:
        """Close a document, asking whether to save changes."""
        self._leave([document], lambda: self._workspace.close(document))

    def may_close_window(self) -> bool:
        """Whether nothing would be lost; otherwise ask the user, and close the window afterwards.

        Unsaved changes and running exports would be lost.
        """
        modified = self._workspace.modified()
        if not modified and not self._is_exporting():
            return True
        if not self._window.findChildren(QMessageBox, _QUESTION):
            self._leave(modified, self._leave_exports)
        return False

    def _is_exporting(self) -> bool:
        return any(map(self._worker.is_busy, _EXPORTS))

    def _leave_exports(self) -> None:
        """Close the window; with a running export, ask whether to finish it first or to discard it."""
        self._leaves_after_exports = True
        if not self._is_exporting():
            self._close_window()
            return
        box = QMessageBox(self._window)
        box.setObjectName(_QUESTION)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Export running")
        box.setText("An export is running. Finish it before quitting?")
        box.setInformativeText("The window closes now, and the program quits when the file is complete.")
        finish = box.addButton("Finish, then quit", QMessageBox.ButtonRole.AcceptRole)
        discard = box.addButton("Discard export and quit", QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(finish)
        box.setEscapeButton(stay)
        finish.clicked.connect(self._finish_exports)
        discard.clicked.connect(self._discard_exports)
        stay.clicked.connect(self._stay)
        box.open()

    def _finish_exports(self) -> None:
        self._worker.pause(Task.EXPORT, False)
        self._window.hide()

    def _discard_exports(self) -> None:
        for task in _EXPORTS:
            self._worker.cancel(task)

    def _stay(self) -> None:
        self._leaves_after_exports = False

    def _close_window(self) -> None:
        for box in self._window.findChildren(QMessageBox, _QUESTION):
            box.close()
        self._window.may_close = lambda: True
        self._window.close()

    def take_end(self) -> None:
        """Close the window if the user is waiting for the last export to quit."""
        if self._leaves_after_exports and not self._is_exporting():
            self._close_window()

    def take_failure(self, task: Task, error: Exception) -> None:
        """Do not quit after a failed export: the window shows the failure."""
        if task in _EXPORTS and self._leaves_after_exports:
            self._stay()
            self._window.show()

    def _leave(self, modified: Sequence[Document], then: Callable[[], None]) -> None:
        """Ask for each modified document whether to save it; `then` is called unless the user cancels.

        Documents that were saved or closed in the meantime are skipped.
        """
        unsaved = self._workspace.modified()
        modified = [document for document in modified if document in unsaved]
        if not modified:
            then()
            return
        document, *others = modified
        self._workspace.show(self._workspace.documents.index(document))
        box = QMessageBox(self._window)
        box.setObjectName(_QUESTION)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Unsaved changes")
        box.setText(f"Save changes to {document.title}?")
        box.setInformativeText("Otherwise marks, develop settings and loaded spectra are lost.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.button(buttons.Save).clicked.connect(lambda: self.save(document, lambda: self._leave(others, then)))
        box.button(buttons.Discard).clicked.connect(lambda: self._leave(others, then))
        box.open()

    def save_session(self) -> None:
        """Save the current document."""
        self.save(self._workspace.current)

    def save_session_as(self) -> None:
        """Save the current document in a file chosen by the user."""
        self.save(self._workspace.current, elsewhere=True)

    def save(self, document: Document, then: Callable[[], None] = lambda: None, elsewhere: bool = False) -> None:
        """Save a document to its file or to one chosen by the user; `then` is called after success."""
        if document not in self._workspace.documents:  # saved and closed while the dialog was open
            then()
            return
        path = document.file if not elsewhere else None
        path = path or self._ask_file(document)
        if path is not None and document.source is not None:
            data = replace(SessionData.of(document, layout_of(self._window), self._workspace.libraries), file=None)
            request = SaveRequest(path, data, document.work)
            before = document.saved_work

            def done(request: SaveRequest, source: DocumentSource) -> None:
                if document.source is not None and document.saved_work is before:  # no other image was opened in it
                    # The comparison may be another one by now.
                    document.source = replace(document.source, image=source.image, is_pasted=source.is_pasted)
                    document.file, document.saved_work = path, request.work
                self.saved.emit(path)
                self._workspace.changed.emit(Change.DOCUMENTS)
                then()

            self._worker.submit(Task.SAVE_SESSION, request, save_session, done)

    def _ask_file(self, document: Document) -> Path | None:
        if document.source is None:
            return None
        image = document.source.image
        proposed = document.file or Path(image.name if document.source.is_pasted else image).with_suffix(ENDING)
        return ask_save_path(self._window, "Save session", proposed, FILTER, ending=ENDING)

    def ask_image(self, error: Exception) -> None:
        """Ask for the image of a session that failed to open because the image has moved."""
        if not isinstance(error, MovedImage):
            return
        box = QMessageBox(self._window)
        box.setWindowTitle("Open session")
        box.setText(f"{error_message(error)}.")
        choose = box.addButton("Choose image…", QMessageBox.ButtonRole.AcceptRole)
        use = box.addButton("Use this image", QMessageBox.ButtonRole.ActionRole) if error.found is not None else None
        box.addButton(QMessageBox.StandardButton.Cancel)

        def go() -> None:
            if use is not None and box.clickedButton() is use:
                self.session_requested.emit(replace(error.request, image=error.found, is_accepted=True))
            elif box.clickedButton() is choose and (path := self._ask_where(error)) is not None:
                self.session_requested.emit(replace(error.request, image=path))

        box.finished.connect(go)
        box.finished.connect(box.deleteLater)
        self._window.messages.hide()  # it shows the same message
        box.open()

    def _ask_where(self, error: MovedImage) -> Path | None:
        folder = str(error.request.path.parent)
        path, _ = QFileDialog.getOpenFileName(self._window, f"Locate {error.wanted}", folder)
        return Path(path) if path else None

    def show_restored(self, restored: LoadedSession) -> None:
        """Apply the layout of an opened session and show its notes."""
        if restored.data.layout is not None:
            apply_layout(restored.data.layout, self._window)
        if restored.notes:
            self._window.messages.show_success(" ".join(restored.notes))

    def compare_models(self) -> None:
        """Notify once that a session was saved with another model."""
        document = self._workspace.current
        field, (name, digest) = document.field, document.saved_model
        if field is None or document.encoded is None or not name:
            return
        document.saved_model = ("", "")
        provenance = field.provenance
        if (provenance.get("model"), provenance.get("model_sha256", "")) != (name, digest):
            self._window.messages.show_success(
                f"The session was saved with model {name}; its spectra now use {provenance.get('model')}."
            )

    def show_documents(self) -> None:
        """Update tabs, window title and actions."""
        workspace, current = self._workspace, self._workspace.current
        documents = self._tabs = [*workspace.documents]
        titles = [f"{title}{'*' * each.is_modified}" for title, each in zip(self._titles(), documents, strict=True)]
        self._window.tabs.show_documents(titles, [_tip(each) for each in documents], workspace.place)
        self._window.show_title(current.title if current.source else "", current.is_modified)
        actions, several = self._window.actions_by_name, len(documents) > 1
        enable(actions, ["next_tab", "previous_tab"], several)
        enable(actions, ["close_tab"], several or current.source is not None)
        enable(actions, ["save_session", "save_session_as"], current.source is not None)

    def _titles(self) -> list[str]:
        """Titles of the tabs; duplicates are numbered."""
        titles: list[str] = []
        for document in self._workspace.documents:
            number, title = 1, document.title
            while title in titles:
                number += 1
                title = f"{document.title} ({number})"
            titles.append(title)
        return titles


def _tip(document: Document) -> str:
    image = document.source.image if document.source and not document.source.is_pasted else ""
    return str(document.file or image)
