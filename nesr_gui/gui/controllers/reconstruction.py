"""From an open image to its field: the models in use, what is asked of them, and another way where that has failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from nesr_gui.fields.protocol import DeviceLost
from nesr_gui.gui.model.document import Document, UsedModel
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.workspace import Documents
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.inference.model_input import InputKind, describe_input

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel


Remedy = tuple[str, Callable[[], None]]
_WITH_MODEL = (
    Task.RECONSTRUCT,
    Task.LOAD_MODEL,
)  # what a new model brings with it; the pictures and curves follow its field


class Reconstructing(QObject):
    """Has images reconstructed by the models in use: one that takes photographs, and one that takes cubes or none.

    A cube without a model that takes it stays as it was measured.
    """

    began = Signal()  # a reconstruction
    told = Signal(str)  # of a model that was chosen and does not take what is open

    def __init__(self, session: Session, worker: Worker, documents: Documents, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._worker, self._documents = session, worker, documents
        self._models: dict[InputKind, LoadedModel] = {}
        self._asked: loading.ModelRequest | None = None  # for the model that was or will be loaded last
        self._full = False  # whether full resolution was asked for last
        self._working_pixels: int | None = None  # preferred where the photograph's interpretation names none
        self._encoding: loading.ImageRequest | None = None  # what the worker was asked to reconstruct last
        worker.ended.connect(self._go_on)

    def load_model(self, path: Path | None, device: str) -> None:
        self._asked = loading.ModelRequest(path, device)
        self._worker.submit(Task.LOAD_MODEL, self._asked, loading.load_model, self._take_model)

    def use_model(self, path: Path) -> None:
        """Reconstruct by the model in a file what it takes, from now on; what is open is reconstructed again."""
        request = loading.ModelRequest(path, self._asked.device if self._asked else "auto")
        self._worker.submit(Task.LOAD_MODEL, request, loading.load_model, self._take_model)

    def leave_cubes(self) -> None:
        """Show cubes as they were measured from now on, and the one that is open again."""
        self._models.pop(InputKind.CUBE, None)
        self._session.drop_model(InputKind.CUBE)
        if self._session.cube is not None:
            self.stop()
            self._session.show_measured()

    def use_device(self, device: str) -> None:
        """Compute there from now on; what is open is reconstructed again."""
        used = [model.path for model in self._session.models.values()]
        for path in used or ([self._asked.path] if self._asked else []):
            self.load_model(path, device)

    @property
    def device(self) -> str:
        """Where is computed, or what was asked for where that failed."""
        return self._model.device if self._model is not None else self._asked.device if self._asked else ""

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
            full = self._full = full or self._document.full
            self._document.full = self._document.waits = False
            self._document.encoding = request = self._request(self._model, full)
            self._encode(request)

    def again(self) -> None:
        """Reconstruct what is open as it was asked for last."""
        self.reconstruct(self._full)

    def resume(self) -> None:
        """What was asked for the document that is shown goes on."""
        encoding = self._document.encoding
        if encoding is not None and (encoding is not self._encoding or not self._worker.is_busy(Task.RECONSTRUCT)):
            self._encode(encoding)

    def stop(self) -> None:
        """Let go what was asked for the document that is shown."""
        encoding, self._document.encoding = self._document.encoding, None
        self._document.lacks = False
        if encoding is not None and encoding is self._encoding:
            self._worker.cancel(Task.RECONSTRUCT)

    def can_reconstruct(self, full: bool = False) -> bool:
        """Whether there is something to reconstruct that is not there yet or under way."""
        lacks = self._session.encoded is None or self._document.lacks
        wanted = self._session.binning > 1 if full else lacks
        return wanted and self._is_ready() and self._model is not None and self._document.encoding is None

    @property
    def _document(self) -> Document:
        return self._documents.current

    @property
    def _model(self) -> LoadedModel | None:
        """The model for what is open; a photograph that none takes goes to the other, which says what it takes."""
        found = self._models.get(self._session.input)
        return self._models.get(InputKind.CUBE) if found is None else found

    def _is_ready(self) -> bool:
        """Whether the open image is there as it is to be reconstructed."""
        session = self._session
        return session.cube is not None or (self._document.shown is not None and session.photograph is not None)

    def _request(self, model: LoadedModel, full: bool) -> loading.ImageRequest:
        session = self._session
        if session.cube is not None:
            path = session.models[InputKind.CUBE].path
            return loading.CubeEncodeRequest(session.cube.field, session.name, model, path, full, self._working_pixels)
        assert session.photograph is not None
        chosen = session.understanding.interpretation
        wanted = replace(chosen, working_pixels=chosen.working_pixels or self._working_pixels)
        return loading.EncodeRequest(session.photograph, model, full, session.understanding.decoded, wanted)

    def _encode(self, request: loading.ImageRequest) -> None:
        self._encoding = request
        self._worker.submit(Task.RECONSTRUCT, request, loading.encode, self._take_reconstruction)
        self.began.emit()

    def _take_model(self, request: loading.ModelRequest, model: LoadedModel) -> None:
        self._models[model.input], self._asked = model, request
        self._session.set_model(model.input, UsedModel(model.name, model.device, request.path))
        if self._model is model:
            self.again()
        elif self._session.name and request.path is not None:  # and was chosen
            stays = f"{self._session.name} stays as it is"
            self.told.emit(f"{model.name} takes {describe_input(model.input_bands)}: open one to use it. {stays}.")

    def _take_reconstruction(self, request: loading.ImageRequest, made: loading.Reconstruction) -> None:
        """Give a field to the document that it was asked for, shown or not."""
        document = next((each for each in self._documents.all if each.encoding is request), None)
        if document is None:
            return
        document.encoding, document.lacks = None, False
        document.model_file = request.model_file if isinstance(request, loading.CubeEncodeRequest) else None
        take = self._session.set_field if document is self._document else document.take_field
        take(made.field, made.image.binning, made.levels, made.image)

    def _go_on(self, task: Task) -> None:
        """A reconstruction has ended: one that did not answer was cancelled or failed; another one may be waiting."""
        if task is not Task.RECONSTRUCT:
            return
        for document in self._documents.all:
            if (ended := document.encoding) is not None and ended is self._encoding:
                document.encoding, document.lacks = None, not ended.full
        waiting = next((each.encoding for each in self._documents.all if each.encoding is not None), None)
        if waiting is not None and not self._worker.is_busy(Task.RECONSTRUCT):
            self._encode(waiting)


class ReconstructCommands(QObject):
    """Carries out `reconstruct` and `reconstruct_fully`; says what has to be known of the model that is used."""

    def __init__(self, window: MainWindow, session: Session, worker: Worker, reconstructing: Reconstructing) -> None:
        super().__init__(window)
        self._window, self._session, self._reconstructing = window, session, reconstructing
        self._told = ""  # in the notice, of how the model was run
        self._failed = ""  # in the notice, of why it was not
        reconstructing.began.connect(self._show_possible)
        session.field_changed.connect(self._show_possible)
        worker.ended.connect(self._show_possible)
        session.field_changed.connect(self._tell_notes)
        reconstructing.told.connect(window.notice.show_success)
        reconstructing.began.connect(self._let_go)
        worker.failed.connect(self._note)
        self._show_possible()

    def reconstruct(self) -> None:
        self._reconstructing.reconstruct()

    def reconstruct_fully(self) -> None:
        self._reconstructing.reconstruct(full=True)

    def _show_possible(self) -> None:
        actions = self._window.actions_by_name
        enable(actions, ["reconstruct"], self._reconstructing.can_reconstruct())
        enable(actions, ["reconstruct_fully"], self._reconstructing.can_reconstruct(full=True))

    def _note(self, task: Task, error: Exception) -> None:
        self._failed = str(error) if task is Task.RECONSTRUCT else self._failed

    def _let_go(self) -> None:
        """It is tried again: why it failed the last time is no news any more."""
        if self._failed and self._failed in self._window.notice.text.text():
            self._window.notice.hide()
        self._failed = ""

    def _tell_notes(self) -> None:
        """Say of a reconstruction what has to be known of how its model was run; let go what was said of the last."""
        notice, field = self._window.notice, self._session.field
        if self._told and notice.text.text() == self._told:
            notice.hide()
        self._told = field.provenance.get("model_notes", "") if field is not None and self._session.encoded else ""
        if self._told:
            notice.show_success(self._told)


class Retrying(QObject):
    """Puts a button beside the sentence that says what failed; the rest of the window goes on meanwhile."""

    def __init__(self, window: MainWindow, session: Session, worker: Worker, reconstructing: Reconstructing) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._reconstructing = window, session, worker, reconstructing
        self._waiting: Task | None = None  # task of what is done again when the new field is there
        worker.failed.connect(self._offer)
        session.field_changed.connect(self._go_on)

    def remedy(self, task: Task, error: Exception) -> Remedy | None:
        """What to offer; nothing where the same would fail again, as with a file that cannot be read."""
        reconstructing, broken = self._reconstructing, isinstance(error, MemoryError | DeviceLost)
        if isinstance(error, MemoryError) and reconstructing.supports_low_memory():
            return "Retry with smaller tiles", partial(self._compute_otherwise, task, reconstructing.save_memory)
        elsewhere = reconstructing.device not in ("cpu", "")
        if elsewhere and (broken or task is Task.LOAD_MODEL):
            return "Retry on the processor", partial(
                self._compute_otherwise, task, partial(reconstructing.use_device, "cpu")
            )
        if broken or not isinstance(error, ValueError | OSError):
            again = partial(self._worker.retry, task)
            return "Retry", reconstructing.again if task is Task.RECONSTRUCT else again
        return None

    def _offer(self, task: Task, error: Exception) -> None:
        remedy = self.remedy(task, error)
        if remedy is not None:
            self._window.notice.offer(*remedy)

    def _compute_otherwise(self, task: Task, change: Callable[[], None]) -> None:
        self._waiting = None if task in _WITH_MODEL else task
        change()

    def _go_on(self) -> None:
        if self._waiting and self._session.field is not None:
            task, self._waiting = self._waiting, None
            self._worker.retry(task, self._with_field)

    def _with_field(self, request: Any) -> Any:
        """The same of the field there is now."""
        if is_dataclass(request) and not isinstance(request, type) and hasattr(request, "field"):
            return replace(request, field=self._session.field)
        return request
