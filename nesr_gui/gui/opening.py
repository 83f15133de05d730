"""From a file to a field: reads, loads the model, reconstructs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from nesr_gui.gui import jobs
from nesr_gui.gui.session import Session
from nesr_gui.gui.settings import settings
from nesr_gui.gui.worker import Worker

if TYPE_CHECKING:
    from nesr_gui.engine import Model
    from nesr_gui.io.reading import Reading

_MOST_RECENT = 8


class Opening(QObject):
    """Puts into the session what is opened, the photograph first and its field when it is ready."""

    recent_changed = Signal()
    can_reconstruct_changed = Signal()

    def __init__(self, session: Session, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._worker = session, worker
        self._model: Model | None = None

    def load_model(self, path: Path | None, device: str) -> None:
        self._worker.submit("model", jobs.ModelRequest(path, device), jobs.load_model, self._take_model)

    def open(self, path: Path, truth: Path | None = None) -> None:
        """Open a photograph, with its measured cube if that is known, or a cube."""
        self._worker.submit("read", jobs.ReadRequest(path, truth), jobs.read_file, self._take_file)

    def open_cube(self, path: Path, reading: Reading) -> None:
        """Open a cube whose file left something open."""
        self._worker.submit("read", jobs.CubeRequest(path, reading), jobs.read_cube, self._take_file)

    def tidy(self) -> None:
        """Remove what a killed program left beside the files that were opened and written last."""
        exported = settings().value("files/exported", "")
        folders = {path.parent for path in self.recent()} | ({Path(str(exported))} if exported else set())
        self._worker.submit("sweep", jobs.SweepRequest(tuple(folders)), jobs.sweep_folders, lambda request, done: None)

    def reconstruct(self, full: bool = False) -> None:
        """Reconstruct the open photograph, at the working resolution or at its own."""
        if self._model is not None and self._session.photograph is not None:
            request = jobs.EncodeRequest(self._session.photograph, self._model, full)
            self._worker.submit("encode", request, jobs.encode, self._take_reconstruction)
            self.can_reconstruct_changed.emit()

    def can_reconstruct(self, full: bool = False) -> bool:
        """Whether there is something to reconstruct that is not there yet or under way."""
        wanted = self._session.reduction > 1 if full else self._session.field is None
        ready = self._model is not None and self._session.photograph is not None
        return wanted and ready and not self._worker.is_busy("encode")

    def recent(self) -> list[Path]:
        """The files opened last, the newest first."""
        kept = settings().value("files/recent", [])
        return [Path(p) for p in ([kept] if isinstance(kept, str) else kept if isinstance(kept, list) else [])]

    def _take_model(self, request: jobs.ModelRequest, model: Model) -> None:
        self._model = model
        self._session.set_model(model.name, model.device)
        if self._session.field is None:
            self.reconstruct()

    def _take_file(self, request: jobs.ReadRequest | jobs.CubeRequest, opened: jobs.Photograph | jobs.Cube) -> None:
        self._worker.cancel("encode")
        if isinstance(opened, jobs.Cube):
            self._session.open_cube(request.path.name, opened.field, opened.levels)
        else:
            self._session.open_photograph(opened.image, opened.colours, opened.truth)
            self.reconstruct()
        self._remember(request.path)

    def _take_reconstruction(self, request: jobs.EncodeRequest, made: jobs.Reconstruction) -> None:
        if request.photograph is self._session.photograph:
            self._session.set_field(made.field, made.reduction, made.levels)

    def _remember(self, path: Path) -> None:
        path = path.resolve()
        paths = [path, *(p for p in self.recent() if p != path)][:_MOST_RECENT]
        settings().setValue("files/recent", [str(p) for p in paths])
        self.recent_changed.emit()
