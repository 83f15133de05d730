"""What the user does with whole documents, and how the window shows which are open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox

from nesr_gui.gui.controllers.files import Opening
from nesr_gui.gui.model.document import Document, Origin
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.session_file import ENDING, FILTER, Kept
from nesr_gui.gui.model.workspace import Documents
from nesr_gui.gui.tasks.sessions import MovedImage, Restored, SaveRequest, save_session
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.window_layout import apply_layout, layout_of

_QUESTION = "unsaved"


class DocumentCommands(QObject):
    """Carries out the actions on documents, asking the user what else must be known."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        worker: Worker,
        documents: Documents,
        opening: Opening,
        open_in_tab: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._worker = window, session, worker
        self._documents, self._opening, self._open_in_tab = documents, opening, open_in_tab
        window.tabs.close_picked.connect(lambda place: self.close(documents.all[place]))
        opening.restored.connect(self._show_restored)
        session.field_changed.connect(self._compare_models)

    def open_in_tab(self) -> None:
        self._open_in_tab()

    def close_tab(self) -> None:
        self.close(self._documents.current)

    def next_tab(self) -> None:
        self._documents.step(1)

    def previous_tab(self) -> None:
        self._documents.step(-1)

    def close(self, document: Document) -> None:
        """Let a document go; what was made in it and not saved is asked about."""
        self._leave([document], lambda: self._documents.close(document))

    def may_close_window(self) -> bool:
        """Whether nothing would be lost; if something would, the user is asked, and may close the window so."""

        def close() -> None:
            self._window.may_close = lambda: True
            self._window.close()

        modified = self._documents.modified()
        if modified and not self._window.findChildren(QMessageBox, _QUESTION):
            self._leave(modified, close)
        return not modified

    def _leave(self, modified: Sequence[Document], then: Callable[[], None]) -> None:
        """Ask about one document after the other whether to save it; `then` follows unless the user stays.

        While one was being saved, others may have been saved or closed: nothing is asked about these.
        """
        unsaved = self._documents.modified()
        modified = [document for document in modified if document in unsaved]
        if not modified:
            then()
            return
        document, *others = modified
        self._documents.show(self._documents.all.index(document))
        box = QMessageBox(self._window)
        box.setObjectName(_QUESTION)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Unsaved changes")
        box.setText(f"Save what was done with {document.title}?")
        box.setInformativeText("Marks, the reading of the photograph and loaded spectra would be lost otherwise.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.button(buttons.Save).clicked.connect(lambda: self.save(document, lambda: self._leave(others, then)))
        box.button(buttons.Discard).clicked.connect(lambda: self._leave(others, then))
        box.open()

    def save_session(self) -> None:
        self.save(self._documents.current)

    def save_session_as(self) -> None:
        self.save(self._documents.current, elsewhere=True)

    def save(self, document: Document, then: Callable[[], None] = lambda: None, elsewhere: bool = False) -> None:
        """Save a document, in its file or one that the user is asked for; `then` follows where it was saved."""
        if document not in self._documents.all:  # it was saved and closed while this was being asked
            then()
            return
        self._documents.kept()
        path = document.file if not elsewhere else None
        path = path or self._ask_file(document)
        if path is not None and document.origin is not None:
            request = SaveRequest(path, replace(Kept.of(document, layout_of(self._window)), file=None), document.made)

            def done(request: SaveRequest, origin: Origin) -> None:
                document.origin, document.file, document.saved = origin, path, request.made
                self._opening.remember(path)
                self._documents.changed.emit()
                then()

            self._worker.submit(Task.SAVE_SESSION, request, save_session, done)

    def _ask_file(self, document: Document) -> Path | None:
        if document.origin is None:
            return None
        image = document.origin.image
        proposed = document.file or Path(image.name if document.origin.is_pasted else image).with_suffix(ENDING)
        chosen, _ = QFileDialog.getSaveFileName(self._window, "Save session", str(proposed), FILTER)
        path = Path(chosen)
        return (path if path.suffix else path.with_suffix(ENDING)) if chosen else None

    def ask_image(self, error: Exception) -> None:
        """Ask where the image of a session is, where that is why it did not open."""
        if not isinstance(error, MovedImage):
            return
        box = QMessageBox(self._window)
        box.setWindowTitle("Open session")
        box.setText(f"{error}.")
        choose = box.addButton("Choose image…", QMessageBox.ButtonRole.AcceptRole)
        use = box.addButton("Use this one", QMessageBox.ButtonRole.ActionRole) if error.found is not None else None
        box.addButton(QMessageBox.StandardButton.Cancel)

        def go() -> None:
            if use is not None and box.clickedButton() is use:
                self._opening.open_session(replace(error.request, image=error.found, is_accepted=True))
            elif box.clickedButton() is choose and (path := self._ask_where(error)) is not None:
                self._opening.open_session(replace(error.request, image=path))

        box.finished.connect(go)
        box.finished.connect(box.deleteLater)
        self._window.notice.hide()  # it says the same
        box.open()

    def _ask_where(self, error: MovedImage) -> Path | None:
        folder = str(error.request.path.parent)
        path, _ = QFileDialog.getOpenFileName(self._window, f"Where is {error.wanted}?", folder)
        return Path(path) if path else None

    def _show_restored(self, restored: Restored) -> None:
        if restored.kept.layout is not None:
            apply_layout(restored.kept.layout, self._window)
        if restored.notes:
            self._window.notice.show_success(" ".join(restored.notes))

    def _compare_models(self) -> None:
        """Say once where a session was saved with another model than this one."""
        document, field = self._documents.current, self._session.field
        name, digest = document.model
        if field is None or self._session.encoded is None or not name:
            return
        document.model = ("", "")
        made = field.provenance
        if (made.get("model"), made.get("model_sha256", "")) != (name, digest):
            self._window.notice.show_success(
                f"This session was saved with the model {name}; its curves are now those of {made.get('model')}."
            )


class DocumentDisplay(QObject):
    """Keeps tabs, title and actions as the documents are."""

    def __init__(self, session: Session, window: MainWindow, documents: Documents) -> None:
        super().__init__(window)
        self._window, self._documents = window, documents
        for fact in (
            documents.changed, session.marking.changed, session.understanding.changed, session.comparison.changed,
            session.white_changed, session.look_changed,
        ):  # fmt: skip
            fact.connect(self.show_documents)
        documents.shown.connect(window.notice.hide)  # it was told when the file was opened
        window.tabs.place_picked.connect(documents.show)
        self.show_documents()

    def show_documents(self) -> None:
        documents, current = self._documents, self._documents.kept()
        titles = [
            title + "*" * document.is_modified for title, document in zip(self._titles(), documents.all, strict=True)
        ]
        self._window.tabs.show_documents(titles, [_tip(document) for document in documents.all], documents.place)
        self._window.show_title(current.title if current.origin else "", current.is_modified)
        actions, several = self._window.actions_by_name, len(documents.all) > 1
        enable(actions, ["next_tab", "previous_tab"], several)
        enable(actions, ["close_tab"], several or current.origin is not None)
        enable(actions, ["save_session", "save_session_as"], current.origin is not None)

    def _titles(self) -> list[str]:
        """What the tabs are called; of equal names with a number."""
        titles: list[str] = []
        for document in self._documents.all:
            number, title = 1, document.title
            while title in titles:
                number += 1
                title = f"{document.title} ({number})"
            titles.append(title)
        return titles


def _tip(document: Document) -> str:
    image = document.origin.image if document.origin and not document.origin.is_pasted else ""
    return str(document.file or image)
