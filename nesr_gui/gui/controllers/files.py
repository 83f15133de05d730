"""From a file to the session: opened, dropped, pasted, read, and handed on to be reconstructed."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage

from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.gui.controllers.reconstruction import Reconstructing
from nesr_gui.gui.model.document import Cube, Document, Origin
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.session_file import ENDING
from nesr_gui.gui.model.workspace import Documents
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.comparison import Exposed, ExposureRequest
from nesr_gui.gui.tasks.files import PasteRequest, write_pasted
from nesr_gui.gui.tasks.sessions import MovedImage, Restored, SessionRequest, open_session
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.main_window import MainWindow, local_files
from nesr_gui.inference.model_input import InputKind
from nesr_gui.io.photos.develop_settings import DevelopSettings

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import CubeHints


_MOST_RECENT = 8
MODEL_ENDING = ".safetensors"
_MOST_TOLD = 3  # failures that are told each
NAME = "Pasted image.png"


class Opening(QObject):
    """Puts into the session what is opened, the photograph first and its field when it is ready."""

    recent_changed = Signal()
    restored = Signal(object)  # session_jobs.Restored

    def __init__(
        self,
        session: Session,
        worker: Worker,
        documents: Documents,
        reconstructing: Reconstructing,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._worker, self._documents = session, worker, documents
        self._reconstructing = reconstructing
        documents.shown.connect(self._resume)

    def open(
        self,
        path: Path,
        truth: Path | None = None,
        interpretation: DevelopSettings | None = None,
        *,
        beside: bool = False,
        is_pasted: bool = False,
    ) -> None:
        """Open a photograph, with its measured cube if that is known and how to understand it, or a cube.

        A session is opened as it was saved, and a model is used from now on. An image takes the place of the document
        that is shown, unless something in that is not saved, or a place `beside` it is asked for.
        """
        if path.suffix.lower() == ENDING:
            self.open_session(SessionRequest(path, beside=beside))
            return
        if path.suffix.lower() == MODEL_ENDING:
            self._reconstructing.use_model(path)
            return
        request = loading.ReadRequest(path, truth, interpretation or DevelopSettings(), beside, is_pasted)
        self._worker.submit(Task.OPEN, request, loading.read_file, self._take_file)

    def interpret(self, interpretation: DevelopSettings) -> None:
        """Understand the open photograph so; the newest wins. A working resolution leaves its colours as they are."""
        decoded = self._session.understanding.decoded
        if decoded is None:
            return
        if replace(interpretation, working_pixels=None) == self._document.shown:
            for task in (Task.DEVELOP_PREVIEW, Task.DEVELOP):
                self._worker.cancel(task)
            self._reconstructing.reconstruct()
            return
        request = loading.InterpretRequest(decoded, interpretation)
        self._worker.submit(Task.DEVELOP_PREVIEW, request, loading.draft, self._take_draft)
        self._worker.submit(Task.DEVELOP, request, loading.interpret, self._take_interpretation)

    def load_camera(self, path: Path) -> None:
        """Take the open photograph as one of the camera whose sensitivities a table holds."""
        self._worker.submit(Task.LOAD_CAMERA, loading.CameraRequest(path), loading.read_camera, self._take_camera)

    def open_cube(self, path: Path, reading: CubeHints) -> None:
        """Open a cube whose file left something open."""
        self._worker.submit(Task.OPEN, loading.CubeRequest(path, reading), loading.read_cube, self._take_file)

    def open_exposed(self, request: ExposureRequest, made: Exposed) -> None:
        """Open the photograph that was made of the open cube, in a document beside it, with the same marks."""
        if self._session.cube is None or request.cube is not self._session.cube.field:
            return
        marks, origin = self._session.marks, self._document.origin
        self._documents.make_room(beside=True)
        self._leave_work()
        self._document.shown = DevelopSettings()
        self._session.open_photograph(made.image, made.colours, made.measurement)
        self._session.marking.take_all(marks)
        if origin is not None:
            self._documents.start(origin)
        self._reconstructing.reconstruct()

    def open_session(self, request: SessionRequest) -> None:
        """Open what a session file keeps."""
        self._worker.submit(Task.OPEN, request, open_session, self._take_session)

    def tidy(self) -> None:
        """Remove what a killed program left beside the files that were opened and written last."""
        exported = settings().value("files/exported", "")
        folders = {path.parent for path in self.recent()} | ({Path(str(exported))} if exported else set())
        self._worker.submit(
            Task.TIDY_FOLDERS, loading.SweepRequest(tuple(folders)), loading.sweep_folders, lambda request, done: None
        )

    def recent(self) -> list[Path]:
        """The files opened last, the newest first."""
        kept = settings().value("files/recent", [])
        return [Path(p) for p in ([kept] if isinstance(kept, str) else kept if isinstance(kept, list) else [])]

    def forget_recent(self) -> None:
        settings().remove("files/recent")
        self.recent_changed.emit()

    def _take_file(self, request: loading.ReadRequest | loading.CubeRequest, opened: loading.Photograph | Cube) -> None:
        self._documents.make_room(request.beside)
        reading = request.reading if isinstance(request, loading.CubeRequest) else None
        asked = request if isinstance(request, loading.ReadRequest) else loading.ReadRequest(request.path)
        origin = Origin(request.path.absolute(), asked.truth, reading, asked.is_pasted)
        self._put(opened, origin, asked.interpretation)
        self._resume()
        if not asked.is_pasted:
            self.remember(request.path)

    def _put(self, opened: loading.Photograph | Cube, origin: Origin, interpretation: DevelopSettings) -> None:
        """Have the session show an image in the document that is shown."""
        self._leave_work()
        self._reconstructing.stop()
        if isinstance(opened, Cube):
            self._session.open_cube(origin.image.name, opened.field, opened.levels)
            self._document.waits = True
        else:
            self._document.waits = False
            self._document.shown = None if opened.is_draft else replace(interpretation, working_pixels=None)
            self._session.open_photograph(opened.image, opened.colours, opened.truth, opened.decoded, interpretation)
        self._documents.start(origin)

    def _take_session(self, request: SessionRequest, restored: Restored) -> None:
        kept = restored.kept
        self._documents.make_room(request.beside)
        self._put(restored.opened, kept.origin, kept.interpretation)
        if kept.model_file is not None and InputKind.CUBE not in self._session.models:
            self._reconstructing.use_model(kept.model_file)
        left_out = self._documents.restore(kept, request.path, request.is_copy)
        if not request.is_copy:
            self.remember(request.path)
        self.restored.emit(replace(restored, notes=(*restored.notes, *left_out)))

    def _take_draft(self, request: loading.InterpretRequest, made: loading.Photograph | None) -> None:
        understanding = self._session.understanding
        is_late = self._document.shown == replace(understanding.interpretation, working_pixels=None)
        if made is not None and request.decoded is understanding.decoded and not is_late:
            self._document.shown = None
            self._reconstructing.stop()
            self._session.reread_photograph(made.image, made.colours)

    def _take_interpretation(self, request: loading.InterpretRequest, made: loading.Photograph) -> None:
        understanding = self._session.understanding
        if request.decoded is not understanding.decoded:
            return
        self._document.shown = replace(request.interpretation, working_pixels=None)
        self._reconstructing.stop()
        self._session.reread_photograph(made.image, made.colours)
        if request.interpretation == understanding.interpretation:  # and not one that was passed on the way
            self._reconstructing.reconstruct()

    def _take_camera(self, request: loading.CameraRequest, camera: Observer) -> None:
        self._session.understanding.choose_camera(camera)

    @property
    def _document(self) -> Document:
        return self._documents.current

    def _resume(self) -> None:
        """Another document is shown: what was asked for the one before is let go, what this one lacks is asked for.

        A reconstruction goes on, unless this one needs the worker; then it waits.
        """
        self._leave_work()
        document, understanding = self._document, self._session.understanding
        if document.encoding is not None:
            self._reconstructing.resume()
        elif document.decoded is not None and document.shown is None:
            request = loading.InterpretRequest(document.decoded, understanding.interpretation)
            self._worker.submit(Task.DEVELOP, request, loading.interpret, self._take_interpretation)
        elif document.decoded is not None and document.shown != replace(
            understanding.interpretation, working_pixels=None
        ):
            self.interpret(understanding.interpretation)
        elif self._session.field is None or document.waits:
            self._reconstructing.reconstruct()

    def _leave_work(self) -> None:
        for task in (Task.DEVELOP_PREVIEW, Task.DEVELOP, Task.LOAD_CAMERA, Task.LOAD_SPECTRA, Task.LOAD_REFERENCE):
            self._worker.cancel(task)

    def remember(self, path: Path) -> None:
        """Put a file first among those that were opened last."""
        path = path.resolve()
        paths = [path, *(p for p in self.recent() if p != path)][:_MOST_RECENT]
        settings().setValue("files/recent", [str(p) for p in paths])
        self.recent_changed.emit()


class Incoming(QObject):
    """Opens one file as `open_one` does, and of several each in a tab of its own, one after the other."""

    def __init__(self, window: MainWindow, worker: Worker, opening: Opening, open_one: Callable[[Path], None]) -> None:
        super().__init__(window)
        self._window, self._worker, self._opening, self._open_one = window, worker, opening, open_one
        self._waiting: deque[Callable[[], None]] = deque()
        self._count = 0  # of those that came together
        self._failures: list[str] = []
        window.files_picked.connect(self.open)
        worker.failed.connect(self._note)
        worker.ended.connect(self._go_on)

    def open(self, paths: Sequence[Path]) -> None:
        if len(paths) == 1:
            self._open_one(paths[0])
        else:
            self.take(partial(self._opening.open, path, beside=True) for path in paths)

    def take(self, openings: Iterable[Callable[[], None]]) -> None:
        """Open each after the one before; what fails is told in one sentence when all are done."""
        known = len(self._waiting)
        self._waiting.extend(openings)
        self._count += len(self._waiting) - known
        self._go_on(Task.OPEN)

    def _note(self, task: Task, error: Exception) -> None:
        if task is Task.OPEN and self._count and not isinstance(error, MovedImage):  # a question tells of that
            self._failures.append(str(error).strip().rstrip(".") or type(error).__name__)

    def _go_on(self, task: Task) -> None:
        """The worker reads the newest only, so each waits for the one before."""
        if task is not Task.OPEN:
            return
        while self._waiting and not self._worker.is_busy(Task.OPEN):
            self._waiting.popleft()()  # a model among them is not read as images are
        if self._worker.is_busy(Task.OPEN):
            return
        count, failures = self._count, self._failures
        self._count, self._failures = 0, []
        if failures and count > 1:
            told = "; ".join(failures[:_MOST_TOLD]) + (" …" if len(failures) > _MOST_TOLD else "")
            self._window.notice.show_failure(ValueError(f"{len(failures)} of {count} were not opened: {told}"))


class Pasting(QObject):
    """Opens what the clipboard holds. An image from there is kept in a folder that goes with the window."""

    def __init__(self, window: MainWindow, worker: Worker, opening: Opening, incoming: Incoming) -> None:
        super().__init__(window)
        self._window, self._worker, self._opening, self._incoming = window, worker, opening, incoming
        self._folder: Path | None = None
        self._numbers = count(1)

    def paste(self) -> None:
        """Open the files that were copied in a file manager, or the image that was copied in another program."""
        clipboard = QGuiApplication.clipboard()
        mime: QMimeData | None = clipboard.mimeData()  # None where the clipboard is empty
        if mime is not None and (paths := local_files(mime)):
            self._incoming.open(paths)
        elif mime is not None and not (image := clipboard.image()).isNull():
            self._open(image)
        else:
            self._window.notice.show_failure(
                ValueError("the clipboard holds no image and no file; copy an image, or files in a file manager, first")
            )

    def _open(self, image: QImage) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="nesr_gui-"))
            self._window.closing.connect(self._clear)
        request = PasteRequest(self._folder / str(next(self._numbers)) / NAME, image)
        self._worker.submit(Task.PASTE, request, write_pasted, lambda request, done: self._open_written(request.path))

    def _open_written(self, path: Path) -> None:
        self._incoming.take([lambda: self._opening.open(path, is_pasted=True)])

    def _clear(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
