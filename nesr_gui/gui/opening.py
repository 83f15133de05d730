"""From a file to a field: reads, loads the model, reconstructs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from nesr_gui.gui import jobs
from nesr_gui.gui.documents.document import Document, Origin
from nesr_gui.gui.documents.documents import Documents
from nesr_gui.gui.documents.session_file import ENDING
from nesr_gui.gui.documents.session_jobs import Restored, SessionRequest, open_session
from nesr_gui.gui.session import Session
from nesr_gui.gui.settings import settings
from nesr_gui.gui.truth.exposing import Exposed, ExposureRequest
from nesr_gui.gui.worker import Worker
from nesr_gui.io.interpretation import Interpretation
from nesr_gui.viewing import Observer

if TYPE_CHECKING:
    from nesr_gui.engine import Model
    from nesr_gui.io.reading import Reading

_MOST_RECENT = 8


class Opening(QObject):
    """Puts into the session what is opened, the photograph first and its field when it is ready."""

    recent_changed = Signal()
    restored = Signal(object)  # session_jobs.Restored
    can_reconstruct_changed = Signal()

    def __init__(self, session: Session, worker: Worker, documents: Documents, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._worker, self._documents = session, worker, documents
        self._model: Model | None = None
        self._asked: jobs.ModelRequest | None = None  # for the model that is or will be there
        self._full = False  # whether full resolution was asked for last
        self._working_pixels: int | None = None  # preferred where the photograph's interpretation names none
        self._encoding: jobs.EncodeRequest | None = None  # what the worker was asked to reconstruct last
        documents.shown.connect(self._resume)
        worker.ended.connect(self._go_on)

    def load_model(self, path: Path | None, device: str) -> None:
        self._asked = jobs.ModelRequest(path, device)
        self._worker.submit("model", self._asked, jobs.load_model, self._take_model)

    def use_model(self, path: Path) -> None:
        """Reconstruct by the model in a file from now on; what is open is reconstructed again."""
        request = jobs.ModelRequest(path, self._asked.device if self._asked else "auto")
        self._worker.submit("model", request, jobs.load_model, self._take_model)

    def use_device(self, device: str) -> None:
        """Compute there from now on; what is open is reconstructed again."""
        if self._asked is not None:
            self.load_model(self._asked.path, device)

    @property
    def device(self) -> str:
        """Where is computed, or what was asked for where that failed."""
        return self._model.device if self._model is not None else self._asked.device if self._asked else ""

    def can_save_memory(self) -> bool:
        """Whether what is open can be computed in smaller tiles."""
        return self._model is not None and self._model.can_save_memory

    def save_memory(self) -> None:
        """Compute in smaller tiles from now on, with equal answers; what is open is reconstructed again."""
        if self._model is not None:
            self._model = self._model.thrifty()
            self.reconstruct(self._full)

    def prefer_working_pixels(self, pixels: int | None) -> None:
        """Reconstruct photographs of more pixels at about so many; None for what the model's device does in seconds."""
        if pixels != self._working_pixels:
            self._working_pixels = pixels
            self.reconstruct()

    def open(
        self,
        path: Path,
        truth: Path | None = None,
        interpretation: Interpretation | None = None,
        *,
        beside: bool = False,
        is_pasted: bool = False,
    ) -> None:
        """Open a photograph, with its measured cube if that is known and how to understand it, or a cube.

        It takes the place of the document that is shown, unless something in that is not saved, or a place `beside` it
        is asked for.
        """
        if path.suffix.lower() == ENDING:
            self.open_session(SessionRequest(path, beside=beside))
            return
        request = jobs.ReadRequest(path, truth, interpretation or Interpretation(), beside, is_pasted)
        self._worker.submit("read", request, jobs.read_file, self._take_file)

    def interpret(self, interpretation: Interpretation) -> None:
        """Understand the open photograph so; the newest wins. A working resolution leaves its colours as they are."""
        decoded = self._session.understanding.decoded
        if decoded is None:
            return
        if replace(interpretation, working_pixels=None) == self._document.shown:
            for purpose in ("draft", "interpret"):
                self._worker.cancel(purpose)
            self.reconstruct()
            return
        request = jobs.InterpretRequest(decoded, interpretation)
        self._worker.submit("draft", request, jobs.draft, self._take_draft)
        self._worker.submit("interpret", request, jobs.interpret, self._take_interpretation)

    def load_camera(self, path: Path) -> None:
        """Take the open photograph as one of the camera whose sensitivities a table holds."""
        self._worker.submit("camera", jobs.CameraRequest(path), jobs.read_camera, self._take_camera)

    def open_cube(self, path: Path, reading: Reading) -> None:
        """Open a cube whose file left something open."""
        self._worker.submit("read", jobs.CubeRequest(path, reading), jobs.read_cube, self._take_file)

    def open_exposed(self, request: ExposureRequest, made: Exposed) -> None:
        """Open the photograph that was made of the open cube, in a document beside it, with the same marks."""
        if request.cube is not self._session.field:
            return
        marks, origin = self._session.marks, self._document.origin
        self._documents.make_room(beside=True)
        self._leave_work()
        self._document.shown = Interpretation()
        self._session.open_photograph(made.image, made.colours, made.measurement)
        self._session.marking.take_all(marks)
        if origin is not None:
            self._documents.start(origin)
        self.reconstruct()

    def open_session(self, request: SessionRequest) -> None:
        """Open what a session file keeps."""
        self._worker.submit("read", request, open_session, self._take_session)

    def tidy(self) -> None:
        """Remove what a killed program left beside the files that were opened and written last."""
        exported = settings().value("files/exported", "")
        folders = {path.parent for path in self.recent()} | ({Path(str(exported))} if exported else set())
        self._worker.submit("sweep", jobs.SweepRequest(tuple(folders)), jobs.sweep_folders, lambda request, done: None)

    def reconstruct(self, full: bool = False) -> None:
        """Reconstruct the open photograph, at the working resolution or at its own."""
        if self._model is not None and self._document.shown is not None and self._session.photograph is not None:
            full = self._full = full or self._document.full
            self._document.full, understanding = False, self._session.understanding
            chosen = understanding.interpretation
            wanted = replace(chosen, working_pixels=chosen.working_pixels or self._working_pixels)
            request = jobs.EncodeRequest(self._session.photograph, self._model, full, understanding.decoded, wanted)
            self._document.encoding = request
            self._encode(request)

    def can_reconstruct(self, full: bool = False) -> bool:
        """Whether there is something to reconstruct that is not there yet or under way."""
        wanted = self._session.reduction > 1 if full else self._session.field is None
        shown = self._document.shown is not None and self._session.photograph is not None
        return wanted and shown and self._model is not None and self._document.encoding is None

    def recent(self) -> list[Path]:
        """The files opened last, the newest first."""
        kept = settings().value("files/recent", [])
        return [Path(p) for p in ([kept] if isinstance(kept, str) else kept if isinstance(kept, list) else [])]

    def forget_recent(self) -> None:
        settings().remove("files/recent")
        self.recent_changed.emit()

    def _take_model(self, request: jobs.ModelRequest, model: Model) -> None:
        self._model, self._asked = model, request
        self._session.set_model(model.name, model.device, request.path)
        self.reconstruct(self._full)

    def _take_file(self, request: jobs.ReadRequest | jobs.CubeRequest, opened: jobs.Photograph | jobs.Cube) -> None:
        self._documents.make_room(request.beside)
        reading = request.reading if isinstance(request, jobs.CubeRequest) else None
        asked = request if isinstance(request, jobs.ReadRequest) else jobs.ReadRequest(request.path)
        origin = Origin(request.path.absolute(), asked.truth, reading, asked.is_pasted)
        self._put(opened, origin, asked.interpretation)
        self._resume()
        if not asked.is_pasted:
            self.remember(request.path)

    def _put(self, opened: jobs.Photograph | jobs.Cube, origin: Origin, interpretation: Interpretation) -> None:
        """Have the session show an image in the document that is shown."""
        self._leave_work()
        self._drop_encoding()
        if isinstance(opened, jobs.Cube):
            self._session.open_cube(origin.image.name, opened.field, opened.levels)
        else:
            self._document.shown = None if opened.is_draft else replace(interpretation, working_pixels=None)
            self._session.open_photograph(opened.image, opened.colours, opened.truth, opened.decoded, interpretation)
        self._documents.start(origin)

    def _take_session(self, request: SessionRequest, restored: Restored) -> None:
        kept = restored.kept
        self._documents.make_room(request.beside)
        self._put(restored.opened, kept.origin, kept.interpretation)
        left_out = self._documents.restore(kept, request.path, request.is_copy)
        if not request.is_copy:
            self.remember(request.path)
        self.restored.emit(replace(restored, notes=(*restored.notes, *left_out)))

    def _take_draft(self, request: jobs.InterpretRequest, made: jobs.Photograph | None) -> None:
        understanding = self._session.understanding
        is_late = self._document.shown == replace(understanding.interpretation, working_pixels=None)
        if made is not None and request.decoded is understanding.decoded and not is_late:
            self._document.shown = None
            self._drop_encoding()
            self._session.reread_photograph(made.image, made.colours)

    def _take_interpretation(self, request: jobs.InterpretRequest, made: jobs.Photograph) -> None:
        understanding = self._session.understanding
        if request.decoded is not understanding.decoded:
            return
        self._document.shown = replace(request.interpretation, working_pixels=None)
        self._drop_encoding()
        self._session.reread_photograph(made.image, made.colours)
        if request.interpretation == understanding.interpretation:  # and not one that was passed on the way
            self.reconstruct()

    def _take_camera(self, request: jobs.CameraRequest, camera: Observer) -> None:
        self._session.understanding.choose_camera(camera)

    @property
    def _document(self) -> Document:
        return self._documents.current

    def _encode(self, request: jobs.EncodeRequest) -> None:
        self._encoding = request
        self._worker.submit("encode", request, jobs.encode, self._take_reconstruction)
        self.can_reconstruct_changed.emit()

    def _take_reconstruction(self, request: jobs.EncodeRequest, made: jobs.Reconstruction) -> None:
        """Give a field to the document that it was asked for, shown or not."""
        document = next((each for each in self._documents.all if each.encoding is request), None)
        if document is None:
            return
        document.encoding = None
        if document is self._document:
            self._session.set_field(made.field, made.image.reduction, made.levels, made.image)
        else:
            document.take_field(made.field, made.image.reduction, made.levels, made.image)

    def _go_on(self, purpose: str) -> None:
        """A reconstruction has ended: one that did not answer was cancelled or failed; another one may be waiting."""
        if purpose != "encode":
            return
        for document in self._documents.all:
            if document.encoding is self._encoding:
                document.encoding = None
        waiting = next((each.encoding for each in self._documents.all if each.encoding is not None), None)
        if waiting is not None and not self._worker.is_busy("encode"):
            self._encode(waiting)

    def _resume(self) -> None:
        """Another document is shown: what was asked for the one before is let go, what this one lacks is asked for.

        A reconstruction goes on, unless this one needs the worker; then it waits.
        """
        self._leave_work()
        document, understanding = self._document, self._session.understanding
        if document.encoding is not None:
            if document.encoding is not self._encoding or not self._worker.is_busy("encode"):
                self._encode(document.encoding)
        elif document.decoded is not None and document.shown is None:
            request = jobs.InterpretRequest(document.decoded, understanding.interpretation)
            self._worker.submit("interpret", request, jobs.interpret, self._take_interpretation)
        elif document.decoded is not None and document.shown != replace(
            understanding.interpretation, working_pixels=None
        ):
            self.interpret(understanding.interpretation)
        elif self._session.field is None:
            self.reconstruct()

    def _leave_work(self) -> None:
        for purpose in ("draft", "interpret", "camera", "spectra", "reference"):
            self._worker.cancel(purpose)

    def _drop_encoding(self) -> None:
        """Another image takes the place of the one that is shown."""
        encoding, self._document.encoding = self._document.encoding, None
        if encoding is not None and encoding is self._encoding:
            self._worker.cancel("encode")

    def remember(self, path: Path) -> None:
        """Put a file first among those that were opened last."""
        path = path.resolve()
        paths = [path, *(p for p in self.recent() if p != path)][:_MOST_RECENT]
        settings().setValue("files/recent", [str(p) for p in paths])
        self.recent_changed.emit()
