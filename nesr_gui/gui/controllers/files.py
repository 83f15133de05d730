"""Opening files as documents: dialogs, dropped and pasted files, developing, and the queue of several files."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog

from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.document import Document, DocumentSource, OpenedCube, Simulation
from nesr_gui.gui.model.preferences import (
    forget_recent_files,
    measured_cube_of,
    profile_library,
    recent_files,
    remember_file,
    settings,
)
from nesr_gui.gui.model.session_file import ENDING, FILTER
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.comparison import ExposureRequest, SimulatedPhotograph
from nesr_gui.gui.tasks.files import PasteRequest, write_pasted
from nesr_gui.gui.tasks.sessions import LoadedSession, MovedImage, SessionRequest, open_session
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.dialogs.cube_import import LABELS, CubeImportDialog
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.message_bar import Topic
from nesr_gui.gui.views.widgets import local_files
from nesr_gui.inference.model_input import InputKind
from nesr_gui.io.errors import error_message
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.io.regions.files import is_region_file

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import CubeHints


MODEL_ENDING = ".safetensors"
_OF_AN_IMAGE = (  # cancelled at once when another becomes current: a later result would be put into that one
    Task.DEVELOP_PREVIEW, Task.DEVELOP, Task.LOAD_CAMERA, Task.LOAD_SPECTRA, Task.LOAD_REFERENCE, Task.REGISTER,
    Task.DETECT_KIND, Task.SIMULATE,
)  # fmt: skip
_MOST_NAMED = 3  # failures listed in the message
NAME = "Pasted image.png"
R = TypeVar("R", loading.ReadRequest, loading.CubeRequest, SessionRequest)
T = TypeVar("T")


class Reconstruction(Protocol):
    """The reconstruction that follows the opening of an image."""

    def reconstruct(self) -> None:
        """Reconstruct the open image."""

    def resume(self) -> None:
        """Continue the pending reconstruction of the current document."""

    def stop(self) -> None:
        """Cancel the reconstruction of the current document."""

    def use_model(self, path: Path) -> None:
        """Load a model and use it."""


class FileController(QObject):
    """Opens files: a photograph is shown first, then reconstructed."""

    recent_changed = Signal()  # list of recent files
    restored = Signal(object)  # LoadedSession
    regions_opened = Signal(object)  # Path of a file of regions of the open image

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
        """Ask for files and open them, several in tabs of their own."""
        from nesr_gui import io

        kinds = (io.dialog_filter(kind) for kind in (io.FileKind.PHOTOGRAPH, io.FileKind.CUBE))
        filters = ";;".join([*kinds, FILTER, "All files (*)"])  # the content decides, not the name
        names, _ = QFileDialog.getOpenFileNames(
            self._window, "Open photographs, spectral cubes or sessions", "", filters
        )
        paths = [Path(name) for name in names]
        if len(paths) == 1:
            self.open(paths[0], beside=beside)
        elif paths:
            self._window.files_picked.emit(paths)

    def ask_file_beside(self) -> None:
        """Ask for files and open each in a new tab."""
        self.ask_file(beside=True)

    def ask_folder(self) -> None:
        """Ask for a cube stored as a folder and open it."""
        path = QFileDialog.getExistingDirectory(self._window, "Open cube folder (Zarr, or one file per band)")
        if path:
            self.open(Path(path))

    def ask_camera(self) -> None:
        """Ask for a camera profile or a table of sensitivities for developing the photograph."""
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Load camera profile or sensitivities", "", loading.DEVELOPMENT_CAMERAS
        )
        if path:
            self.load_camera(Path(path))

    def ask_reading(self, error: Exception, open_cube: Callable[[Path, CubeHints], None]) -> None:
        """If opening failed because a cube file is ambiguous, ask for the missing information and open it again."""
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
        """Open a photograph, cube, session or model, or the regions of the open image.

        The image replaces the current document, unless that has unsaved changes or is left before the image is read, or
        `beside` requests a new tab.

        Args:
            path: the file or folder.
            truth: measured cube of a photograph.
            interpretation: develop settings of a photograph; default settings if None.
            beside: whether to open a new tab.
            is_pasted: whether the file is a temporary copy of a pasted image.
        """
        if path.suffix.lower() == ENDING:
            self.open_session(SessionRequest(path, beside=beside))
            return
        if path.suffix.lower() == MODEL_ENDING:
            self._reconstruction.use_model(path)
            return
        if is_region_file(path):
            self.regions_opened.emit(path)
            return
        request = loading.ReadRequest(
            path, truth, interpretation or DevelopSettings(), beside=beside, is_pasted=is_pasted,
            library=profile_library(),
        )  # fmt: skip
        self._submit(request, loading.read_file, self._take_file)

    def _submit(self, request: R, read: Callable[[R, ProgressCallback], T], take: Callable[[R, T], None]) -> None:
        """Read a file for the current document; if another one is current by then, it opens in a new tab."""
        asked_in = weakref.ref(self._document)  # as the worker keeps a request that failed

        def take_read(request: R, opened: T) -> None:
            take(replace(request, beside=request.beside or asked_in() is not self._document), opened)

        self._worker.submit(Task.OPEN, request, read, take_read)

    def open_recent(self, path: Path) -> None:
        """Open a recent file, with the measured cube that it was opened with before."""
        self.open(path, measured_cube_of(path))

    def choose_development(self, interpretation: DevelopSettings) -> None:
        """Set the develop settings of the photograph."""
        self._document.development.choose(interpretation)

    def reset_development(self) -> None:
        """Reset the develop settings to those of the file."""
        self._document.development.reset()

    def set_picking(self, picking: bool) -> None:
        """Set whether the next click in the image picks the grey point."""
        self._document.development.set_picking(picking)

    def stop_picking(self) -> None:
        """Stop picking the grey point."""
        self._document.development.set_picking(False)

    def develop(self) -> None:
        """Develop the photograph with its current settings. A change of the working resolution only reconstructs it."""
        self._window.messages.dismiss(Topic.CAMERA_PROFILE)  # unless it was applied just now
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
        """Load a camera profile or sensitivities and develop the photograph with them."""
        request = loading.CameraRequest(path)
        self._worker.submit(Task.LOAD_CAMERA, request, loading.read_camera_or_profile, self._take_camera)

    def open_cube(self, path: Path, reading: CubeHints) -> None:
        """Open an ambiguous cube file with additional hints."""
        self._submit(loading.CubeRequest(path, reading), loading.read_cube, self._take_file)

    def open_simulated(self, request: ExposureRequest, photograph: SimulatedPhotograph) -> None:
        """Open the simulated photograph of the open cube in a new tab, with the same marks."""
        if self._document.cube is None or request.cube is not self._document.cube.field:
            return
        marks, source, georeference = self._document.marks, self._document.source, self._document.georeference
        self._workspace.make_room(beside=True)
        self._cancel_work()
        self._document.developed = DevelopSettings()
        self._window.messages.hide()
        self._document.open_photograph(photograph.image, photograph.colours, photograph.measurement)
        self._document.mark_set.take_all(marks)
        if source is not None:
            simulation = Simulation(request.viewing, request.white)
            self._document.start_from(replace(source, simulation=simulation), georeference)
        self._reconstruction.reconstruct()

    def open_session(self, request: SessionRequest) -> None:
        """Open a session file."""
        self._submit(request, open_session, self._take_session)

    def tidy(self) -> None:
        """Remove temporary files that a killed process left in recently used folders."""
        exported = settings().value("files/exported", "")
        folders = {path.parent for path in recent_files()} | ({Path(str(exported))} if exported else set())
        self._worker.submit(
            Task.TIDY_FOLDERS, loading.SweepRequest(tuple(folders)), loading.sweep_folders, lambda request, done: None
        )

    def forget_recent(self) -> None:
        """Clear the list of recent files."""
        forget_recent_files()
        self.recent_changed.emit()

    def show_recent(self) -> None:
        """Fill the menu of recent files."""
        entries = [(path.name, partial(self.open_recent, path)) for path in recent_files()]
        self._window.fill_menu(
            "open_recent", [*entries, ("", None), ("Clear recent files", self.forget_recent)] if entries else []
        )

    def _take_file(
        self, request: loading.ReadRequest | loading.CubeRequest, opened: loading.OpenedPhotograph | OpenedCube
    ) -> None:
        self._workspace.make_room(request.beside)
        reading = request.reading if isinstance(request, loading.CubeRequest) else None
        read = request if isinstance(request, loading.ReadRequest) else loading.ReadRequest(request.path)
        truth = read.truth if isinstance(opened, loading.OpenedPhotograph) and opened.truth is not None else None
        source = DocumentSource(request.path.absolute(), truth, reading, read.is_pasted)
        automatic = opened.automatic if isinstance(opened, loading.OpenedPhotograph) else None
        self._put(opened, source, replace(read.interpretation, profile=automatic or read.interpretation.profile))
        if automatic is not None and isinstance(opened, loading.OpenedPhotograph):
            self._note_automatic(automatic, opened)
        self.resume()
        if not read.is_pasted:
            self.remember(request.path, truth)

    def _note_automatic(self, profile: CameraProfile, opened: loading.OpenedPhotograph) -> None:
        """Say that a stored profile was applied, and offer to leave it out."""
        development, messages = self._document.development, self._window.messages
        development.note_automatic_profile()
        sentence = f"The camera profile {profile.name} was applied, as chosen for photographs of the {profile.camera}."
        assert opened.decoded is not None  # whose camera the profile is of
        stored, metadata = opened.decoded.stored, dict(opened.image.source.metadata)
        mismatches = profile.mismatches(stored.camera, metadata["photograph_encoding"], stored.white_balance)
        notes = (*mismatches, *opened.notes)
        messages.show_success(" ".join([sentence, *notes]), Topic.CAMERA_PROFILE)
        messages.offer("Do not use it", development.leave_out_profile)

    def _put(
        self, opened: loading.OpenedPhotograph | OpenedCube, source: DocumentSource, interpretation: DevelopSettings
    ) -> None:
        """Show an opened image in the current document."""
        self._cancel_work()
        self._reconstruction.stop()
        if isinstance(opened, OpenedCube):
            self._document.open_cube(source.image.name, opened.field, opened.levels)
            self._document.awaits_model = True
        else:
            self._document.awaits_model = False
            self._document.developed = None if opened.is_draft else replace(interpretation, working_pixels=None)
            self._document.open_photograph(opened.image, opened.colours, opened.truth, opened.decoded, interpretation)
        self._document.start_from(source, opened.georeference)
        self._window.messages.hide()
        notes = opened.notes if isinstance(opened, OpenedCube) else (*opened.image.source.notes, *opened.notes)
        if notes:
            self._window.messages.show_success(" ".join(notes), Topic.DEVELOPMENT)

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

    def _take_preview(self, request: loading.InterpretRequest, preview: loading.OpenedPhotograph | None) -> None:
        development = self._document.development
        is_late = self._document.developed == replace(development.interpretation, working_pixels=None)
        if preview is not None and request.decoded is development.decoded and not is_late:
            self._document.developed = None
            self._show_developed(preview)

    def _take_developed(self, request: loading.InterpretRequest, photograph: loading.OpenedPhotograph) -> None:
        development = self._document.development
        if request.decoded is not development.decoded:
            return
        self._document.developed = replace(request.interpretation, working_pixels=None)
        self._show_developed(photograph)
        if request.interpretation == development.interpretation:  # unless the settings have changed meanwhile
            self._reconstruction.reconstruct()

    def _show_developed(self, photograph: loading.OpenedPhotograph) -> None:
        self._window.messages.dismiss(Topic.DEVELOPMENT)  # outdated notes on the previous settings
        self._reconstruction.stop()
        self._document.set_photograph(photograph.image, photograph.colours)

    def _take_camera(self, request: loading.CameraRequest, camera: Observer | CameraProfile) -> None:
        self._document.development.choose_camera(camera)

    def resume(self) -> None:
        """Cancel tasks of the previous document and continue those of the current one.

        A running reconstruction continues unless the current document needs the worker.
        """
        self._cancel_work()
        document, decoded = self._document, self._document.development.decoded
        settings = document.development.interpretation
        if decoded is not None and document.developed is None:
            request = loading.InterpretRequest(decoded, settings)
            self._worker.submit(Task.DEVELOP, request, loading.interpret, self._take_developed)
        elif decoded is not None and document.developed != replace(settings, working_pixels=None):
            self.develop()  # also while it is reconstructed as it was developed before
        elif document.pending is not None:
            self._reconstruction.resume()
        elif document.field is None or document.awaits_model:
            self._reconstruction.reconstruct()

    def _cancel_work(self) -> None:
        for task in _OF_AN_IMAGE:
            self._worker.cancel(task)

    def remember(self, path: Path, truth: Path | None = None) -> None:
        """Move a file, opened with a measured cube or without, to the top of the list of recent files."""
        remember_file(path, truth)
        self.recent_changed.emit()


class OpenQueue(QObject):
    """Opens a single file with `open_one`, and several files in tabs of their own, one after the other."""

    def __init__(
        self, window: MainWindow, worker: Worker, files: FileController, open_one: Callable[[Path], None]
    ) -> None:
        super().__init__(window)
        self._window, self._worker, self._files, self._open_one = window, worker, files, open_one
        self._waiting: deque[Callable[[], None]] = deque()
        self._count = 0  # files of the current batch
        self._failures: list[str] = []

    def open(self, paths: Sequence[Path]) -> None:
        """Open these files."""
        if len(paths) == 1 and not is_region_file(paths[0]):
            self._open_one(paths[0])
        else:  # regions after the image that they belong to
            self.take(partial(self._files.open, path, beside=True) for path in sorted(paths, key=is_region_file))

    def take(self, openings: Iterable[Callable[[], None]]) -> None:
        """Queue callbacks that each open a file; failures are reported together at the end."""
        before = len(self._waiting)
        self._waiting.extend(openings)
        self._count += len(self._waiting) - before
        self.open_next()

    def take_failure(self, task: Task, error: Exception) -> None:
        """Record a failure for the final report."""
        if task is Task.OPEN and self._count and not isinstance(error, MovedImage):  # reported by a dialog
            self._failures.append(error_message(error).rstrip(".") or type(error).__name__)

    def open_next(self) -> None:
        """Open the next file after the previous one: the worker only keeps the newest request."""
        while self._waiting and not self._worker.is_busy(Task.OPEN):
            self._waiting.popleft()()  # models are not opened by this task
        if self._worker.is_busy(Task.OPEN):
            return
        count, failures = self._count, self._failures
        self._count, self._failures = 0, []
        if failures and count > 1:
            listed = "; ".join(failures[:_MOST_NAMED]) + (" …" if len(failures) > _MOST_NAMED else "")
            self._window.messages.show_failure(
                ValueError(f"{len(failures)} of {count} files could not be opened: {listed}")
            )


class PasteController(QObject):
    """Opens the contents of the clipboard; pasted images are saved in a temporary folder of the window."""

    def __init__(self, window: MainWindow, worker: Worker, files: FileController, queue: OpenQueue) -> None:
        super().__init__(window)
        self._window, self._worker, self._files, self._queue = window, worker, files, queue
        self._folder: Path | None = None
        self._numbers = count(1)

    def paste(self) -> None:
        """Open the files copied in a file manager, or the image copied in another program."""
        clipboard = QGuiApplication.clipboard()
        mime: QMimeData | None = clipboard.mimeData()  # None if the clipboard is empty
        if mime is not None and (paths := local_files(mime)):
            self._queue.open(paths)
        elif mime is not None and not (image := clipboard.image()).isNull():
            self._open(image)
        else:
            self._window.messages.show_failure(
                ValueError("the clipboard contains no image or file; copy an image, or files in a file manager, first")
            )

    def _open(self, image: QImage) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="nesr_gui-"))
        request = PasteRequest(self._folder / str(next(self._numbers)) / NAME, image)
        self._worker.submit(Task.PASTE, request, write_pasted, lambda request, done: self._open_written(request.path))

    def _open_written(self, path: Path) -> None:
        self._queue.take([lambda: self._files.open(path, is_pasted=True)])

    def clear(self) -> None:
        """Delete the temporary folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
