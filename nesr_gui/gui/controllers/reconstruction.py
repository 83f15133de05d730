"""Reconstruction of the open image: models in use, requests to the worker, and recovery from failures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from nesr_gui.fields.protocol import DeviceLost
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.workspace import ActiveModel, Workspace
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.message_bar import Topic
from nesr_gui.inference.model_input import InputKind, describe_input

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel


Remedy = tuple[str, Callable[[], None]]
_WITH_MODEL = (Task.RECONSTRUCT, Task.LOAD_MODEL)  # restarted by loading a model


class ReconstructionController(QObject):
    """Reconstructs images with the models in use: one for photographs, and one or none for cubes.

    A cube without a suitable model is shown as measured.
    """

    message_raised = Signal(str)  # the chosen model does not accept the open image

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._models: dict[InputKind, LoadedModel] = {}
        self._requested: loading.ModelRequest | None = None  # last request for a model
        self._working_pixels: int | None = None  # used if the photograph's settings specify none
        self._running: loading.ImageRequest | None = None  # by the worker

    def load_model(self, path: Path | None, device: str) -> None:
        """Load a model, the default one if `path` is None, on a device."""
        self._requested = loading.ModelRequest(path, device)
        self._worker.submit(Task.LOAD_MODEL, self._requested, loading.load_model, self._take_model)

    def photograph_model(self) -> LoadedModel | None:
        """The model in use for photographs; None while it is loading."""
        return self._models.get(InputKind.PHOTOGRAPH)

    def use_model(self, path: Path) -> None:
        """Load a model file and use it for its type of input; the open image is reconstructed again."""
        request = loading.ModelRequest(path, self._requested.device if self._requested else "auto")
        self._worker.submit(Task.LOAD_MODEL, request, loading.load_model, self._take_model)

    def leave_cubes(self) -> None:
        """Show cubes as measured, including the open one."""
        self._models.pop(InputKind.CUBE, None)
        self._workspace.drop_model(InputKind.CUBE)
        if self._document.cube is not None:
            self.stop()
            self._document.show_measured()

    def use_device(self, device: str) -> None:
        """Change the computing device; the open image is reconstructed again."""
        used = [model.path for model in self._workspace.models.values()]
        for path in used or ([self._requested.path] if self._requested else []):
            self.load_model(path, device)

    @property
    def device(self) -> str:
        """Device in use, or the requested one if loading failed."""
        return self._model.device if self._model is not None else self._requested.device if self._requested else ""

    def supports_low_memory(self) -> bool:
        """Whether the open image can be computed in smaller tiles."""
        return self._model is not None and self._model.supports_low_memory

    def save_memory(self) -> None:
        """Compute in smaller tiles with identical results; the open image is reconstructed again."""
        if self._model is not None:
            self._models[self._model.input] = self._model.low_memory()
            self.again()

    def prefer_working_pixels(self, pixels: int | None) -> None:
        """Set the preferred working resolution in pixels; None chooses it for the device."""
        if pixels != self._working_pixels:
            self._working_pixels = pixels
            self.reconstruct()

    def reconstruct(self, full: bool = False) -> None:
        """Reconstruct the open image at working or full resolution."""
        if self._model is not None and self._is_ready():
            document = self._document
            document.is_full = full or document.wants_full
            document.wants_full = document.awaits_model = False
            document.pending = request = self._request(self._model, document.is_full)
            self._encode(request)

    def reconstruct_default(self) -> None:
        """Reconstruct the open image at working resolution."""
        self.reconstruct()

    def reconstruct_fully(self) -> None:
        """Reconstruct the open image at full resolution."""
        self.reconstruct(full=True)

    def again(self) -> None:
        """Repeat the last reconstruction of the open image."""
        self.reconstruct(self._document.is_full)

    def resume(self) -> None:
        """Continue the pending reconstruction of the current document."""
        pending = self._document.pending
        if isinstance(pending, loading.ImageRequest) and pending is not self._running:
            self._encode(pending)

    def stop(self) -> None:
        """Cancel the reconstruction of the current document."""
        pending, self._document.pending = self._document.pending, None
        self._document.is_outdated = False
        if pending is not None and pending is self._running:
            self._worker.cancel(Task.RECONSTRUCT)

    def stop_closed(self) -> None:
        """Cancel the reconstruction of a document that was closed."""
        if self._running is not None and all(each.pending is not self._running for each in self._workspace.documents):
            self._worker.cancel(Task.RECONSTRUCT)

    def can_reconstruct(self, full: bool = False) -> bool:
        """Whether the image can be reconstructed, and is neither reconstructed nor in progress."""
        is_missing = self._document.encoded is None or self._document.is_outdated
        wanted = self._document.binning > 1 if full else is_missing
        return wanted and self._is_ready() and self._model is not None and self._document.pending is None

    @property
    def _document(self) -> Document:
        return self._workspace.current

    @property
    def _model(self) -> LoadedModel | None:
        """Model for the open image; without one for photographs, the cube model reports the mismatch."""
        model = self._models.get(self._document.input)
        return self._models.get(InputKind.CUBE) if model is None else model

    def _is_ready(self) -> bool:
        """Whether the image is loaded and developed with its current settings."""
        document = self._document
        return document.cube is not None or (self._document.developed is not None and document.photograph is not None)

    def _request(self, model: LoadedModel, full: bool) -> loading.ImageRequest:
        document = self._document
        if document.cube is not None:
            path = self._workspace.models[InputKind.CUBE].path
            return loading.CubeEncodeRequest(
                cube=document.cube.field, name=document.name, model=model, model_file=path, full=full,
                working_pixels=self._working_pixels,
            )  # fmt: skip
        assert document.photograph is not None
        chosen = document.development.interpretation
        wanted = replace(chosen, working_pixels=chosen.working_pixels or self._working_pixels)
        return loading.EncodeRequest(document.photograph, model, full, document.development.decoded, wanted)

    def _encode(self, request: loading.ImageRequest) -> None:
        self._running = request
        self._worker.submit(Task.RECONSTRUCT, request, loading.encode, self._take_reconstruction)
        self._window.messages.dismiss(Topic.RECONSTRUCTION)  # outdated by the new attempt

    def _take_model(self, request: loading.ModelRequest, model: LoadedModel) -> None:
        self._models[model.input], self._requested = model, request
        self._workspace.set_model(model.input, ActiveModel(model.name, model.device, request.path))
        if self._model is model:
            self._document.is_outdated = True
            self.again()
        elif self._document.name and request.path is not None:  # chosen by the user
            self.message_raised.emit(
                f"{model.name} requires {describe_input(model.input_bands)} as input; "
                f"{self._document.name} is unchanged."
            )

    def _take_reconstruction(self, request: loading.ImageRequest, result: loading.Reconstruction) -> None:
        """Set the field of the document that requested it, current or not."""
        document = next((each for each in self._workspace.documents if each.pending is request), None)
        if document is None:
            return
        document.pending, document.is_outdated = None, False
        document.model_file = request.model_file if isinstance(request, loading.CubeEncodeRequest) else None
        document.set_field(result.field, result.image.binning, result.levels, result.image)

    def take_end(self) -> None:
        """Handle a cancelled or failed reconstruction, and start a waiting one."""
        running, self._running = self._running, None
        for document in self._workspace.documents:
            if running is not None and document.pending is running:
                document.pending, document.is_outdated = None, document.is_outdated or not running.full
        waiting = next((each.pending for each in self._workspace.documents if each.pending is not None), None)
        if isinstance(waiting, loading.ImageRequest) and not self._worker.is_busy(Task.RECONSTRUCT):
            self._encode(waiting)

    def show_actions(self) -> None:
        """Enable the reconstruction actions."""
        actions = self._window.actions_by_name
        actions["reconstruct"].setEnabled(self.can_reconstruct())
        actions["reconstruct_fully"].setEnabled(self.can_reconstruct(full=True))

    def show_notes(self) -> None:
        """Show the notes on how the model was run for the current field."""
        field = self._document.field
        notes = field.provenance.get("model_notes", "") if field is not None and self._document.encoded else ""
        if notes:
            self._window.messages.show_success(notes, Topic.MODEL_NOTES)
        else:
            self._window.messages.dismiss(Topic.MODEL_NOTES)


class FailureRecovery(QObject):
    """Offers a button to retry next to the message of a failure."""

    def __init__(
        self, window: MainWindow, workspace: Workspace, worker: Worker, reconstruction: ReconstructionController
    ) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._reconstruction = reconstruction
        self._waiting: Task | None = None  # task to retry with the new field

    def remedy(self, task: Task, error: Exception) -> Remedy | None:
        """The remedy for an error; None if a retry would fail again, as for an unreadable file."""
        reconstruction, broken = self._reconstruction, isinstance(error, MemoryError | DeviceLost)
        if isinstance(error, MemoryError) and reconstruction.supports_low_memory():
            return "Retry with smaller tiles", partial(self._compute_otherwise, task, reconstruction.save_memory)
        elsewhere = reconstruction.device not in ("cpu", "")
        if elsewhere and (broken or task is Task.LOAD_MODEL):
            return "Retry on CPU", partial(self._compute_otherwise, task, partial(reconstruction.use_device, "cpu"))
        if broken or not isinstance(error, ValueError | OSError):
            again = partial(self._worker.retry, task)
            return "Retry", reconstruction.again if task is Task.RECONSTRUCT else again
        return None

    def offer(self, task: Task, error: Exception) -> None:
        """Offer the remedy for an error, if any."""
        remedy = self.remedy(task, error)
        if remedy is not None:
            self._window.messages.offer(*remedy)

    def _compute_otherwise(self, task: Task, change: Callable[[], None]) -> None:
        self._waiting = None if task in _WITH_MODEL else task
        change()

    def take_field(self) -> None:
        """Retry the failed task with the new field."""
        if self._waiting and self._workspace.current.field is not None:
            task, self._waiting = self._waiting, None
            self._worker.retry(task, self._with_field)

    def _with_field(self, request: Any) -> Any:
        """A request with the current field."""
        if is_dataclass(request) and not isinstance(request, type) and hasattr(request, "field"):
            return replace(request, field=self._workspace.current.field)
        return request
