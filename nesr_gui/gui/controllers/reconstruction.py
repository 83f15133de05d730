"""From an open image to its field: the models in use, what is asked of them, and another way where that has failed."""

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
_WITH_MODEL = (Task.RECONSTRUCT, Task.LOAD_MODEL)  # these follow a new model by themselves


class ReconstructionController(QObject):
    """Has images reconstructed by the models in use: one that takes photographs, and one that takes cubes or none.

    A cube without a model that takes it stays as it was measured.
    """

    message_raised = Signal(str)  # about a model that was chosen and does not take what is open

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._models: dict[InputKind, LoadedModel] = {}
        self._requested: loading.ModelRequest | None = None  # for the model that was or will be loaded last
        self._full = False  # whether full resolution was asked for last
        self._working_pixels: int | None = None  # preferred where the photograph's settings name none
        self._running: loading.ImageRequest | None = None  # what the worker was asked to reconstruct last

    def load_model(self, path: Path | None, device: str) -> None:
        self._requested = loading.ModelRequest(path, device)
        self._worker.submit(Task.LOAD_MODEL, self._requested, loading.load_model, self._take_model)

    def use_model(self, path: Path) -> None:
        """Reconstruct by the model in a file what it takes, from now on; what is open is reconstructed again."""
        request = loading.ModelRequest(path, self._requested.device if self._requested else "auto")
        self._worker.submit(Task.LOAD_MODEL, request, loading.load_model, self._take_model)

    def leave_cubes(self) -> None:
        """Show cubes as they were measured from now on, and the one that is open again."""
        self._models.pop(InputKind.CUBE, None)
        self._workspace.drop_model(InputKind.CUBE)
        if self._document.cube is not None:
            self.stop()
            self._document.show_measured()

    def use_device(self, device: str) -> None:
        """Compute there from now on; what is open is reconstructed again."""
        used = [model.path for model in self._workspace.models.values()]
        for path in used or ([self._requested.path] if self._requested else []):
            self.load_model(path, device)

    @property
    def device(self) -> str:
        """Where is computed, or what was asked for where that failed."""
        return self._model.device if self._model is not None else self._requested.device if self._requested else ""

    def supports_low_memory(self) -> bool:
        """Whether what is open can be computed in smaller tiles."""
        return self._model is not None and self._model.supports_low_memory

    def save_memory(self) -> None:
        """Compute in smaller tiles from now on, with equal answers; what is open is reconstructed again."""
        if self._model is not None:
            self._models[self._model.input] = self._model.low_memory()
            self.again()

    def prefer_working_pixels(self, pixels: int | None) -> None:
        """Reconstruct images of more pixels at about so many; None for what the model's device does in seconds."""
        if pixels != self._working_pixels:
            self._working_pixels = pixels
            self.reconstruct()

    def reconstruct(self, full: bool = False) -> None:
        """Reconstruct what is open, at the working resolution or at its own."""
        if self._model is not None and self._is_ready():
            full = self._full = full or self._document.wants_full
            self._document.wants_full = self._document.awaits_model = False
            self._document.pending = request = self._request(self._model, full)
            self._encode(request)

    def reconstruct_default(self) -> None:
        self.reconstruct()

    def reconstruct_fully(self) -> None:
        self.reconstruct(full=True)

    def again(self) -> None:
        """Reconstruct what is open as it was asked for last."""
        self.reconstruct(self._full)

    def resume(self) -> None:
        """What was asked for the document that is shown goes on."""
        pending = self._document.pending
        is_running = pending is self._running and self._worker.is_busy(Task.RECONSTRUCT)
        if isinstance(pending, loading.ImageRequest) and not is_running:
            self._encode(pending)

    def stop(self) -> None:
        """Let go what was asked for the document that is shown."""
        pending, self._document.pending = self._document.pending, None
        self._document.is_outdated = False
        if pending is not None and pending is self._running:
            self._worker.cancel(Task.RECONSTRUCT)

    def can_reconstruct(self, full: bool = False) -> bool:
        """Whether there is something to reconstruct that is not there yet or under way."""
        is_missing = self._document.encoded is None or self._document.is_outdated
        wanted = self._document.binning > 1 if full else is_missing
        return wanted and self._is_ready() and self._model is not None and self._document.pending is None

    @property
    def _document(self) -> Document:
        return self._workspace.current

    @property
    def _model(self) -> LoadedModel | None:
        """The model for what is open; a photograph that none takes goes to the other, which says what it takes."""
        found = self._models.get(self._document.input)
        return self._models.get(InputKind.CUBE) if found is None else found

    def _is_ready(self) -> bool:
        """Whether the open image is there as it is to be reconstructed."""
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
        self._window.messages.dismiss(Topic.RECONSTRUCTION)  # it is tried again

    def _take_model(self, request: loading.ModelRequest, model: LoadedModel) -> None:
        self._models[model.input], self._requested = model, request
        self._workspace.set_model(model.input, ActiveModel(model.name, model.device, request.path))
        if self._model is model:
            self.again()
        elif self._document.name and request.path is not None:  # and was chosen
            stays = f"{self._document.name} stays as it is"
            self.message_raised.emit(
                f"{model.name} takes {describe_input(model.input_bands)}: open one to use it. {stays}."
            )

    def _take_reconstruction(self, request: loading.ImageRequest, made: loading.Reconstruction) -> None:
        """Give a field to the document that it was asked for, shown or not."""
        document = next((each for each in self._workspace.documents if each.pending is request), None)
        if document is None:
            return
        document.pending, document.is_outdated = None, False
        document.model_file = request.model_file if isinstance(request, loading.CubeEncodeRequest) else None
        document.set_field(made.field, made.image.binning, made.levels, made.image)

    def take_end(self, task: Task) -> None:
        """A reconstruction has ended: one that did not answer was cancelled or failed; another one may be waiting."""
        if task is not Task.RECONSTRUCT:
            return
        for document in self._workspace.documents:
            if (running := self._running) is not None and document.pending is running:
                document.pending, document.is_outdated = None, not running.full
        waiting = next((each.pending for each in self._workspace.documents if each.pending is not None), None)
        if isinstance(waiting, loading.ImageRequest) and not self._worker.is_busy(Task.RECONSTRUCT):
            self._encode(waiting)

    def show_actions(self) -> None:
        actions = self._window.actions_by_name
        actions["reconstruct"].setEnabled(self.can_reconstruct())
        actions["reconstruct_fully"].setEnabled(self.can_reconstruct(full=True))

    def show_notes(self) -> None:
        """What has to be known of how the model was run; of the last field it is no longer true."""
        field = self._document.field
        notes = field.provenance.get("model_notes", "") if field is not None and self._document.encoded else ""
        if notes:
            self._window.messages.show_success(notes, Topic.MODEL_NOTES)
        else:
            self._window.messages.dismiss(Topic.MODEL_NOTES)


class FailureRecovery(QObject):
    """Puts a button beside the sentence that says what failed; the rest of the window goes on meanwhile."""

    def __init__(
        self, window: MainWindow, workspace: Workspace, worker: Worker, reconstruction: ReconstructionController
    ) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._reconstruction = reconstruction
        self._waiting: Task | None = None  # what is done again when the new field is there

    def remedy(self, task: Task, error: Exception) -> Remedy | None:
        """What to offer; nothing where the same would fail again, as with a file that cannot be read."""
        reconstruction, broken = self._reconstruction, isinstance(error, MemoryError | DeviceLost)
        if isinstance(error, MemoryError) and reconstruction.supports_low_memory():
            return "Retry with smaller tiles", partial(self._compute_otherwise, task, reconstruction.save_memory)
        elsewhere = reconstruction.device not in ("cpu", "")
        if elsewhere and (broken or task is Task.LOAD_MODEL):
            return "Retry on the processor", partial(
                self._compute_otherwise, task, partial(reconstruction.use_device, "cpu")
            )
        if broken or not isinstance(error, ValueError | OSError):
            again = partial(self._worker.retry, task)
            return "Retry", reconstruction.again if task is Task.RECONSTRUCT else again
        return None

    def offer(self, task: Task, error: Exception) -> None:
        remedy = self.remedy(task, error)
        if remedy is not None:
            self._window.messages.offer(*remedy)

    def _compute_otherwise(self, task: Task, change: Callable[[], None]) -> None:
        self._waiting = None if task in _WITH_MODEL else task
        change()

    def take_field(self) -> None:
        if self._waiting and self._workspace.current.field is not None:
            task, self._waiting = self._waiting, None
            self._worker.retry(task, self._with_field)

    def _with_field(self, request: Any) -> Any:
        """The same of the field there is now."""
        if is_dataclass(request) and not isinstance(request, type) and hasattr(request, "field"):
            return replace(request, field=self._workspace.current.field)
        return request
