"""The documents that are open, of which the session shows one."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from nesr_gui.gui.model.document import Document, Origin
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.session_file import Kept
from nesr_gui.gui.model.viewport import View

_OF_THE_SESSION = (
    "name", "photograph", "colours", "cube", "field", "measurement", "truth", "encoded", "source_shape", "binning",
    "levels", "nm", "look", "curves", "readings", "findings", "viewing", "white",
)  # fmt: skip
"""Fields of a document that are attributes of the session while it is shown."""


class Panes(Protocol):
    """The image pane, as far as a document keeps what of the image is looked at; None is the whole."""

    def view(self) -> View | None: ...
    def go(self, view: View | None) -> None: ...


class Documents(QObject):
    """Keeps what the session shows when another document takes its place, and shows it again.

    Nothing that a document holds is asked for again: its field, curves and findings stay with it.
    """

    changed = Signal()  # which there are, or which is shown
    shown = Signal()  # another one is

    def __init__(self, session: Session, panes: Panes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._panes = session, panes
        self.all: list[Document] = [session.document]

    @property
    def current(self) -> Document:
        """The one that is shown; the session knows more of it until `kept` is asked."""
        return self._session.document

    @property
    def place(self) -> int:
        return self.all.index(self.current)

    def kept(self) -> Document:
        """The document that is shown, with all that the session knows of it."""
        session, document = self._session, self.current
        for name in _OF_THE_SESSION:
            setattr(document, name, getattr(session, name))
        document.marks, document.active = session.marking.marks, session.marking.active
        document.overlays, document.view = session.comparison.overlays, self._panes.view()
        document.decoded, document.interpretation = session.understanding.decoded, session.understanding.interpretation
        return document

    def modified(self) -> list[Document]:
        """Those in which something was made that is not saved."""
        self.kept()
        return [document for document in self.all if document.is_modified]

    def make_room(self, beside: bool) -> None:
        """Have a document shown that another image may take: the current one, or a new one `beside` it.

        A document in which something is not saved is never taken.
        """
        current = self.kept()
        if current.origin is not None and (beside or current.is_modified):
            self._add()

    def start(self, origin: Origin) -> None:
        """The image that the session shows was opened from there, and nothing made of it yet."""
        self.current.origin, self.current.file = origin, None
        self.current.saved = self.kept().made
        self.changed.emit()

    def restore(self, kept: Kept, path: Path, is_copy: bool) -> tuple[str, ...]:
        """Have everything as a session file kept it, for the image that the session shows.

        Args:
            kept: what the file keeps.
            path: where it is.
            is_copy: whether it is an automatic copy, of which nothing is saved yet.

        Returns:
            Sentences about what could not be had.
        """
        session, document = self._session, self.kept()
        document.marks = tuple(mark for mark in kept.marks if session.marking.holds(mark.place))
        left_out = len(kept.marks) - len(document.marks)
        document.active = kept.active if kept.active in [mark.number for mark in document.marks] else None
        low, high = session.wavelength_range
        document.nm = min(max(kept.nm, low), high)
        document.look, document.view, document.overlays = kept.look, kept.view, kept.overlays
        document.viewing, document.white = kept.viewing, kept.white
        document.full, document.model, document.file = kept.is_full, kept.model, kept.file if is_copy else path
        self._show(document)
        made = self.kept().made
        document.saved, document.copied = ((), made) if is_copy else (made, ())
        document.copy = path if is_copy else None
        self.changed.emit()
        return (f"{left_out} of its {len(kept.marks)} marks lie outside the image.",) if left_out else ()

    def show(self, place: int) -> None:
        """Show another document."""
        if self.all[place] is not self.current:
            self.kept()
            self._show(self.all[place])

    def step(self, by: int) -> None:
        """Show the next document, or the one before; after the last comes the first."""
        self.show((self.place + by) % len(self.all))

    def close(self, document: Document) -> None:
        """Let a document go; in place of the last one stays one in which nothing is open. One that is gone is gone."""
        if document not in self.all:  # it was closed a second time while it was being saved
            return
        place = self.all.index(document)
        if len(self.all) == 1:
            self.all.append(self._session.steps.new_document())
        self.all.remove(document)
        if document is self.current:
            self._show(self.all[min(place, len(self.all) - 1)])
        document.steps.clear()
        document.steps.deleteLater()
        self.changed.emit()

    def clear_steps(self) -> None:
        """Nothing can be undone any more: stacks tell it when they are destroyed, to slots that are no more."""
        for document in self.all:
            document.steps.clear()

    def _add(self) -> None:
        """A new document after the current one, shown as the session is now: the session soon opens something in it."""
        new = self._session.steps.new_document()
        self.all.insert(self.place + 1, new)
        self._take(new)
        self.changed.emit()

    def _take(self, document: Document) -> None:
        self._session.document = document
        self._session.steps.setActiveStack(document.steps)

    def _show(self, document: Document) -> None:
        session, kept = self._session, copy(document)  # those who hear of a part may ask for the whole, half-way
        session.set_hover(None)
        self._take(document)
        for name in _OF_THE_SESSION:
            setattr(session, name, getattr(kept, name))
        session.understanding.start(kept.decoded, kept.interpretation)
        session.comparison.set_overlays(kept.overlays)
        session.marking.show(kept.source_shape or (0, 0), kept.marks, kept.active)
        for fact in (session.image_changed, session.field_changed, session.white_changed, session.look_changed):
            fact.emit()
        session.wavelength_changed.emit(session.nm)
        session.viewing_changed.emit(session.viewing)
        for fact in (session.curves_changed, session.readings_changed, session.findings_changed):
            fact.emit()
        self._panes.go(kept.view)
        self.shown.emit()
        self.changed.emit()
