"""The open documents, the current one, and the settings they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec

from PySide6.QtCore import QObject, Signal

from nesr_gui.analysis.library import SpectralLibrary
from nesr_gui.fields.protocol import reconstruction_model
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.library import OpenedLibrary
from nesr_gui.gui.model.palette import MARK_COLOURS, MarkColours
from nesr_gui.gui.model.session_file import SessionData
from nesr_gui.gui.model.transect import Tool
from nesr_gui.inference.model_input import InputKind
from nesr_gui.regions import Shape

P = ParamSpec("P")


@dataclass(frozen=True)
class ActiveModel:
    """A model in use: its name, its device, and its file (None for an embedded model)."""

    name: str = ""
    device: str = ""
    path: Path | None = None


class Workspace(QObject):
    """Holds the open documents and the current one, and the spectral libraries that they share.

    Switching between documents recomputes nothing: each keeps its field, spectra and colours.

    Attributes:
        libraries: the opened spectral libraries, and `library` all of their spectra.
    """

    current_changed = Signal(object, object)  # previous Document, current Document
    changed = Signal(object)  # Change

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.models: dict[InputKind, ActiveModel] = {}
        self.tool: Tool = Shape.POINT  # the shape of the next mark, or another tool
        self.libraries: tuple[OpenedLibrary, ...] = ()
        self.library = SpectralLibrary(())
        self._mark_colours = MARK_COLOURS["safe"]
        self.current = self._new()
        self.documents = [self.current]

    @property
    def place(self) -> int:
        """Index of the current document."""
        return self.documents.index(self.current)

    def on_current(self, method: Callable[Concatenate[Document, P], None]) -> Callable[P, None]:
        """Return a function that calls a method of the document that is current at that time."""

        def call(*args: P.args, **kwargs: P.kwargs) -> None:
            method(self.current, *args, **kwargs)

        return call

    def modified(self) -> list[Document]:
        """Return the documents with unsaved work."""
        return [document for document in self.documents if document.is_modified]

    def make_room(self, beside: bool) -> None:
        """Make sure that the current document can take another image, and create one if it cannot.

        Args:
            beside: whether to open in a new tab even if the current document has no unsaved work.
        """
        before = self.current
        if before.source is not None and (beside or before.is_modified):
            new = self._new()
            new.adopt_settings(before)
            self.documents.insert(self.place + 1, new)
            self._set_current(new)

    def restore(self, data: SessionData, path: Path, is_copy: bool) -> tuple[str, ...]:
        """Apply the state of a session file to the current document, in which its image is already open.

        Args:
            data: the content of the session file.
            path: the session file.
            is_copy: whether it is an autosave copy, whose content counts as unsaved work.

        Returns:
            Warnings for the user, one sentence each.
        """
        document = self.current
        outside = data.restore(document)
        document.file = data.file if is_copy else path
        work = document.work
        document.saved_work, document.backup_work = ((), work) if is_copy else (work, ())
        document.backup = path if is_copy else None
        self.current_changed.emit(document, document)
        self.changed.emit(Change.DOCUMENTS)
        return (f"{outside} of {len(data.marks)} marks are outside the image and were left out.",) if outside else ()

    def show(self, place: int) -> None:
        """Make the document at index `place` current."""
        if self.documents[place] is not self.current:
            self._set_current(self.documents[place])

    def step(self, by: int) -> None:
        """Make the document `by` places further current, wrapping around."""
        self.show((self.place + by) % len(self.documents))

    def close(self, document: Document) -> None:
        """Close a document; the last one is replaced by an empty one. A document that is already closed is ignored."""
        if document not in self.documents:  # closed twice while it was being saved
            return
        place = self.documents.index(document)
        if len(self.documents) == 1:
            self.documents.append(self._new())
        self.documents.remove(document)
        if document is self.current:
            self._set_current(self.documents[min(place, len(self.documents) - 1)])
        document.undo_stack.clear()
        document.setParent(None)  # and not deleted: a dialog may still change it; it goes with its last reference
        self.changed.emit(Change.DOCUMENTS)

    def clear_undo(self) -> None:
        """Clear all undo stacks, because they emit signals while they are destroyed."""
        for document in self.documents:
            document.undo_stack.clear()

    # Settings shared by all documents

    @property
    def model(self) -> ActiveModel:
        """The model in use for the kind of image that is open, or else any model in use."""
        return self.models.get(self.current.input) or next(iter(self.models.values()), ActiveModel())

    @property
    def made_by(self) -> tuple[str, str]:
        """Name and device of the model that made the field; without a field, of the model in use."""
        document = self.current
        if document.cube is not None and document.encoded is None:
            author = reconstruction_model(document.cube.field)
            return (f"{author}, from a file" if author else "as measured"), ""
        model = document.field.provenance.get("model") if document.field is not None else None
        return model or self.model.name, self.model.device

    def set_model(self, takes: InputKind, model: ActiveModel) -> None:
        """Use a model for photographs or for cubes."""
        self.models = {**self.models, takes: model}
        self.changed.emit(Change.MODELS)

    def drop_model(self, takes: InputKind) -> None:
        """Stop using a model for photographs or for cubes."""
        self.models = {kind: model for kind, model in self.models.items() if kind is not takes}
        self.changed.emit(Change.MODELS)

    def set_libraries(self, libraries: Sequence[OpenedLibrary]) -> None:
        """Replace the opened spectral libraries."""
        self.libraries = tuple(libraries)
        self.library = SpectralLibrary(tuple(entry for each in libraries for entry in each.library.entries))
        self.changed.emit(Change.LIBRARIES)

    def set_tool(self, tool: Tool) -> None:
        """Select what the mouse draws in the image: the shape of the next mark, or something else."""
        if tool is not self.tool:
            self.tool = tool
            self.changed.emit(Change.TOOL)

    def set_mark_colours(self, palette: MarkColours) -> None:
        """Set the palette of new marks, in all documents."""
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
