"""Shows in the window which documents are open, and in which of them something is not saved."""

from __future__ import annotations

from PySide6.QtCore import QObject

from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.workspace import Documents
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow


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
