"""The documents that are open, of which one is shown, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.palette import MARK_COLOURS, MarkColours
from nesr_gui.gui.model.session_file import SessionData
from nesr_gui.inference.model_input import InputKind
from nesr_gui.regions import Shape


@dataclass(frozen=True)
class ActiveModel:
    """Its name, the device it runs on, and its file; None is the one that is embedded."""

    name: str = ""
    device: str = ""
    path: Path | None = None


class Workspace(QObject):
    """Holds the documents and says which one is current.

    Nothing that a document holds is asked for again: its field, curves and colours stay with it.
    """

    current_changed = Signal(object, object)  # the Document before, the one now
    changed = Signal(object)  # Change

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.models: dict[InputKind, ActiveModel] = {}
        self.tool = Shape.POINT  # what is drawn next
        self._mark_colours = MARK_COLOURS["safe"]
        self.current = self._new()
        self.documents = [self.current]

    @property
    def place(self) -> int:
        """Where the current document stands among the others."""
        return self.documents.index(self.current)

    def modified(self) -> list[Document]:
        """Those in which something was made that is not saved."""
        return [document for document in self.documents if document.is_modified]

    def make_room(self, beside: bool) -> None:
        """Have a document shown that another image may take: the current one, or a new one `beside` it.

        A document in which something is not saved is never taken.
        """
        before = self.current
        if before.source is not None and (beside or before.is_modified):
            new = self._new()
            new.adopt_settings(before)
            self.documents.insert(self.place + 1, new)
            self._set_current(new)

    def restore(self, data: SessionData, path: Path, is_copy: bool) -> tuple[str, ...]:
        """Give the current document, in which the image is open, the state of a session file.

        Args:
            data: what the file holds.
            path: where it is.
            is_copy: whether it is an automatic copy, of which nothing is saved yet.

        Returns:
            Sentences about what could not be had.
        """
        document = self.current
        outside = data.restore(document)
        document.file = data.file if is_copy else path
        work = document.work
        document.saved_work, document.backup_work = ((), work) if is_copy else (work, ())
        document.backup = path if is_copy else None
        self.current_changed.emit(document, document)
        self.changed.emit(Change.DOCUMENTS)
        return (f"{outside} of its {len(data.marks)} marks lie outside the image.",) if outside else ()

    def show(self, place: int) -> None:
        """Show another document."""
        if self.documents[place] is not self.current:
            self._set_current(self.documents[place])

    def step(self, by: int) -> None:
        """Show the next document, or the one before; after the last comes the first."""
        self.show((self.place + by) % len(self.documents))

    def close(self, document: Document) -> None:
        """Close a document; in place of the last one stays an empty one. One that is gone is gone."""
        if document not in self.documents:  # it was closed a second time while it was being saved
            return
        place = self.documents.index(document)
        if len(self.documents) == 1:
            self.documents.append(self._new())
        self.documents.remove(document)
        if document is self.current:
            self._set_current(self.documents[min(place, len(self.documents) - 1)])
        document.undo_stack.clear()
        document.deleteLater()
        self.changed.emit(Change.DOCUMENTS)

    def clear_undo(self) -> None:
        """Nothing can be undone any more: stacks announce it when they are destroyed, to slots that are gone."""
        for document in self.documents:
            document.undo_stack.clear()

    # What documents share

    @property
    def model(self) -> ActiveModel:
        """The model in use for what is open, or else for what is not."""
        return self.models.get(self.current.input) or next(iter(self.models.values()), ActiveModel())

    @property
    def made_by(self) -> tuple[str, str]:
        """The model that made the field and where it runs; before there is one, the model in use."""
        document = self.current
        if document.cube is not None and document.encoded is None:
            return "as measured", ""
        made = document.field.provenance.get("model") if document.field is not None else None
        return made or self.model.name, self.model.device

    def set_model(self, takes: InputKind, model: ActiveModel) -> None:
        """Another model is used for photographs, or for cubes."""
        self.models = {**self.models, takes: model}
        self.changed.emit(Change.MODELS)

    def drop_model(self, takes: InputKind) -> None:
        """None is used for them any more."""
        self.models = {kind: model for kind, model in self.models.items() if kind is not takes}
        self.changed.emit(Change.MODELS)

    def set_tool(self, tool: Shape) -> None:
        """Choose what is drawn next."""
        if tool is not self.tool:
            self.tool = tool
            self.changed.emit(Change.TOOL)

    def set_mark_colours(self, palette: MarkColours) -> None:
        """The colours that marks made from now on take."""
        self._mark_colours = palette
        for document in self.documents:
            document.mark_set.palette = palette

    def _new(self) -> Document:
        document = Document(self)
        document.mark_set.palette = self._mark_colours
        return document

    def _set_current(self, document: Document) -> None:
        before, self.current = self.current, document
        before.set_hover(None)
        self.current_changed.emit(before, document)
        self.changed.emit(Change.DOCUMENTS)
