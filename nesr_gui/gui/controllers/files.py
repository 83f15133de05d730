"""From files to documents: opened, dropped, pasted, read, and handed on to be reconstructed."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog

from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.gui.model.document import Document, DocumentSource, OpenedCube
from nesr_gui.gui.model.preferences import forget_recent_files, recent_files, remember_file, settings
from nesr_gui.gui.model.session_file import ENDING, FILTER
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.comparison import ExposureRequest, SimulatedPhotograph
from nesr_gui.gui.tasks.files import PasteRequest, write_pasted
from nesr_gui.gui.tasks.sessions import LoadedSession, MovedImage, SessionRequest, open_session
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.dialogs.cube_import import LABELS, CubeImportDialog
from nesr_gui.gui.views.main_window import MainWindow, local_files
from nesr_gui.gui.views.message_bar import Topic
from nesr_gui.inference.model_input import InputKind
from nesr_gui.io.photos.develop_settings import DevelopSettings

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import CubeHints


MODEL_ENDING = ".safetensors"
_MOST_NAMED = 3  # failures that are named
NAME = "Pasted image.png"


class Reconstruction(Protocol):
    """What follows an opened image."""

    def reconstruct(self) -> None: ...
    def resume(self) -> None: ...
    def stop(self) -> None: ...
    def use_model(self, path: Path) -> None: ...


class FileController(QObject):
    """Opens files: a photograph is shown first, and reconstructed when it is ready."""

    recent_changed = Signal()
    restored = Signal(object)  # LoadedSession

    def __init__(
        self, window: MainWindow, workspace: Workspace, worker: Worker, reconstruction: Reconstruction
    ) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._reconstruction = reconstruction

    @property
    def _document(self) -> Document:
        return self._workspace.current

    def ask_file(self, beside: bool = False) -> None:
        """Ask for a file and open it."""
        from nesr_gui import io

        filters = ";;".join([*(io.dialog_filter(kind) for kind in (io.FileKind.PHOTOGRAPH, io.FileKind.CUBE)), FILTER])
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Open a photograph, a spectral cube or a session", "", filters
        )
        if path:
            self.open(Path(path), beside=beside)

    def ask_file_beside(self) -> None:
        self.ask_file(beside=True)

    def ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self._window, "Open a cube that is a folder: Zarr, or one file per band"
        )
        if path:
            self.open(Path(path))

    def ask_camera(self) -> None:
        """Ask for a camera's sensitivities, to develop the photograph with."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Load camera sensitivities", "", loading.CAMERAS)
        if path:
            self.load_camera(Path(path))

    def ask_reading(self, error: Exception, open_cube: Callable[[Path, CubeHints], None]) -> None:
        """Ask what the file of a cube leaves open, where that is why it did not open, and open it so."""
        from nesr_gui.io.cubes.description import AmbiguousFile

        if not isinstance(error, AmbiguousFile) or error.path is None or error.field not in LABELS:
            return
        dialog, path = CubeImportDialog(error, self._window), error.path
        dialog.accepted.connect(lambda: open_cube(path, dialog.reading()))
        dialog.open()

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
            self._reconstruction.use_model(path)
            return
        request = loading.ReadRequest(
            path, truth, interpretation or DevelopSettings(), beside=beside, is_pasted=is_pasted
        )
        self._worker.submit(Task.OPEN, request, loading.read_file, self._take_file)

    def choose_development(self, interpretation: DevelopSettings) -> None:
        self._document.development.choose(interpretation)

    def reset_development(self) -> None:
        self._document.development.reset()

    def set_picking(self, picking: bool) -> None:
        """Whether the next click in the image picks the grey point."""
        self._document.development.set_picking(picking)

    def stop_picking(self) -> None:
        self._document.development.set_picking(False)

    def develop(self) -> None:
        """Develop the open photograph with its settings; the newest wins. A working resolution leaves the colours."""
        decoded, interpretation = self._document.development.decoded, self._document.development.interpretation
        if decoded is None:
            return
        if replace(interpretation, working_pixels=None) == self._document.developed:
            for task in (Task.DEVELOP_PREVIEW, Task.DEVELOP):
                self._worker.cancel(task)
            self._reconstruction.reconstruct()
            return
        request = loading.InterpretRequest(decoded, interpretation)
        self._worker.submit(Task.DEVELOP_PREVIEW, request, loading.draft, self._take_preview)
        self._worker.submit(Task.DEVELOP, request, loading.interpret, self._take_developed)

    def load_camera(self, path: Path) -> None:
        """Develop the open photograph as one of the camera whose sensitivities a table holds."""
        self._worker.submit(Task.LOAD_CAMERA, loading.CameraRequest(path), loading.read_camera, self._take_camera)

    def open_cube(self, path: Path, reading: CubeHints) -> None:
        """Open a cube whose file left something open."""
        self._worker.submit(Task.OPEN, loading.CubeRequest(path, reading), loading.read_cube, self._take_file)

    def open_simulated(self, request: ExposureRequest, made: SimulatedPhotograph) -> None:
        """Open the photograph that was made of the open cube, in a document beside it, with the same marks."""
        if self._document.cube is None or request.cube is not self._document.cube.field:
            return
        marks, source = self._document.marks, self._document.source
        self._workspace.make_room(beside=True)
        self._cancel_work()
        self._document.developed = DevelopSettings()
        self._window.messages.hide()
        self._document.open_photograph(made.image, made.colours, made.measurement)
        self._document.mark_set.take_all(marks)
        if source is not None:
            self._document.start_from(source)
        self._reconstruction.reconstruct()

    def open_session(self, request: SessionRequest) -> None:
        """Open what a session file keeps."""
        self._worker.submit(Task.OPEN, request, open_session, self._take_session)

    def tidy(self) -> None:
        """Remove what a killed program left beside the files that were opened and written last."""
        exported = settings().value("files/exported", "")
        folders = {path.parent for path in recent_files()} | ({Path(str(exported))} if exported else set())
        self._worker.submit(
            Task.TIDY_FOLDERS, loading.SweepRequest(tuple(folders)), loading.sweep_folders, lambda request, done: None
        )

    def forget_recent(self) -> None:
        forget_recent_files()
        self.recent_changed.emit()

    def show_recent(self) -> None:
        entries = [(path.name, partial(self.open, path)) for path in recent_files()]
        self._window.fill_menu(
            "open_recent", [*entries, ("", None), ("Clear recent", self.forget_recent)] if entries else []
        )

    def _take_file(
        self, request: loading.ReadRequest | loading.CubeRequest, opened: loading.OpenedPhotograph | OpenedCube
    ) -> None:
        self._workspace.make_room(request.beside)
        reading = request.reading if isinstance(request, loading.CubeRequest) else None
        asked = request if isinstance(request, loading.ReadRequest) else loading.ReadRequest(request.path)
        source = DocumentSource(request.path.absolute(), asked.truth, reading, asked.is_pasted)
        self._put(opened, source, asked.interpretation)
        self.resume()
        if not asked.is_pasted:
            self.remember(request.path)

    def _put(
        self, opened: loading.OpenedPhotograph | OpenedCube, source: DocumentSource, interpretation: DevelopSettings
    ) -> None:
        """Show an image in the current document."""
        self._cancel_work()
        self._reconstruction.stop()
        if isinstance(opened, OpenedCube):
            self._document.open_cube(source.image.name, opened.field, opened.levels)
            self._document.awaits_model = True
        else:
            self._document.awaits_model = False
            self._document.developed = None if opened.is_draft else replace(interpretation, working_pixels=None)
            self._document.open_photograph(opened.image, opened.colours, opened.truth, opened.decoded, interpretation)
        self._document.start_from(source)
        self._window.messages.hide()
        if not isinstance(opened, OpenedCube) and opened.image.source.notes:
            self._window.messages.show_success(" ".join(opened.image.source.notes), Topic.DEVELOPMENT)

    def _take_session(self, request: SessionRequest, restored: LoadedSession) -> None:
        data = restored.data
        self._workspace.make_room(request.beside)
        self._put(restored.opened, data.source, data.interpretation)
        if data.model_file is not None and InputKind.CUBE not in self._workspace.models:
            self._reconstruction.use_model(data.model_file)
        left_out = self._workspace.restore(data, request.path, request.is_copy)
        if not request.is_copy:
            self.remember(request.path)
        self.restored.emit(replace(restored, notes=(*restored.notes, *left_out)))

    def _take_preview(self, request: loading.InterpretRequest, made: loading.OpenedPhotograph | None) -> None:
        development = self._document.development
        is_late = self._document.developed == replace(development.interpretation, working_pixels=None)
        if made is not None and request.decoded is development.decoded and not is_late:
            self._document.developed = None
            self._show_developed(made)

    def _take_developed(self, request: loading.InterpretRequest, made: loading.OpenedPhotograph) -> None:
        development = self._document.development
        if request.decoded is not development.decoded:
            return
        self._document.developed = replace(request.interpretation, working_pixels=None)
        self._show_developed(made)
        if request.interpretation == development.interpretation:  # and not one that was passed on the way
            self._reconstruction.reconstruct()

    def _show_developed(self, made: loading.OpenedPhotograph) -> None:
        self._window.messages.dismiss(Topic.DEVELOPMENT)  # it was about the photograph as it was developed before
        self._reconstruction.stop()
        self._document.set_photograph(made.image, made.colours)

    def _take_camera(self, request: loading.CameraRequest, camera: Observer) -> None:
        self._document.development.choose_camera(camera)

    def resume(self) -> None:
        """Another document is shown: what was asked for the one before is let go, what this one lacks is asked for.

        A reconstruction goes on, unless this one needs the worker; then it waits.
        """
        self._cancel_work()
        document, decoded = self._document, self._document.development.decoded
        settings = document.development.interpretation
        if document.pending is not None:
            self._reconstruction.resume()
        elif decoded is not None and document.developed is None:
            request = loading.InterpretRequest(decoded, settings)
            self._worker.submit(Task.DEVELOP, request, loading.interpret, self._take_developed)
        elif decoded is not None and document.developed != replace(settings, working_pixels=None):
            self.develop()
        elif document.field is None or document.awaits_model:
            self._reconstruction.reconstruct()

    def _cancel_work(self) -> None:
        for task in (Task.DEVELOP_PREVIEW, Task.DEVELOP, Task.LOAD_CAMERA, Task.LOAD_SPECTRA, Task.LOAD_REFERENCE):
            self._worker.cancel(task)

    def remember(self, path: Path) -> None:
        """Put a file first among those that were opened last."""
        remember_file(path)
        self.recent_changed.emit()


class OpenQueue(QObject):
    """Opens one file as `open_one` does, and of several each in a tab of its own, one after the other."""

    def __init__(
        self, window: MainWindow, worker: Worker, files: FileController, open_one: Callable[[Path], None]
    ) -> None:
        super().__init__(window)
        self._window, self._worker, self._files, self._open_one = window, worker, files, open_one
        self._waiting: deque[Callable[[], None]] = deque()
        self._count = 0  # of those that came together
        self._failures: list[str] = []

    def open(self, paths: Sequence[Path]) -> None:
        if len(paths) == 1:
            self._open_one(paths[0])
        else:
            self.take(partial(self._files.open, path, beside=True) for path in paths)

    def take(self, openings: Iterable[Callable[[], None]]) -> None:
        """Open each after the one before; what fails is shown in one sentence when all are done."""
        known = len(self._waiting)
        self._waiting.extend(openings)
        self._count += len(self._waiting) - known
        self.take_end(Task.OPEN)

    def take_failure(self, task: Task, error: Exception) -> None:
        if task is Task.OPEN and self._count and not isinstance(error, MovedImage):  # a question tells of that
            self._failures.append(str(error).strip().rstrip(".") or type(error).__name__)

    def take_end(self, task: Task) -> None:
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
            named = "; ".join(failures[:_MOST_NAMED]) + (" …" if len(failures) > _MOST_NAMED else "")
            self._window.messages.show_failure(ValueError(f"{len(failures)} of {count} were not opened: {named}"))


class PasteController(QObject):
    """Opens what the clipboard holds. An image from there is kept in a folder that goes with the window."""

    def __init__(self, window: MainWindow, worker: Worker, files: FileController, queue: OpenQueue) -> None:
        super().__init__(window)
        self._window, self._worker, self._files, self._queue = window, worker, files, queue
        self._folder: Path | None = None
        self._numbers = count(1)

    def paste(self) -> None:
        """Open the files that were copied in a file manager, or the image that was copied in another program."""
        clipboard = QGuiApplication.clipboard()
        mime: QMimeData | None = clipboard.mimeData()  # None where the clipboard is empty
        if mime is not None and (paths := local_files(mime)):
            self._queue.open(paths)
        elif mime is not None and not (image := clipboard.image()).isNull():
            self._open(image)
        else:
            self._window.messages.show_failure(
                ValueError("the clipboard holds no image and no file; copy an image, or files in a file manager, first")
            )

    def _open(self, image: QImage) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="nesr_gui-"))
        request = PasteRequest(self._folder / str(next(self._numbers)) / NAME, image)
        self._worker.submit(Task.PASTE, request, write_pasted, lambda request, done: self._open_written(request.path))

    def _open_written(self, path: Path) -> None:
        self._queue.take([lambda: self._files.open(path, is_pasted=True)])

    def clear(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
