"""Files that are written: asks what and where to, has it done, and tells what became of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from nesr_gui.export import ExportResult
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.tasks import files as jobs
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.dialogs.export import CubeExportDialog, Offer
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.io.spectra.readers import spectra_filter
from nesr_gui.regions import Region

CSV = "Comma-separated values (*.csv)"
_FOLDER = "files/exported"
_BUSY = "another export is being written; wait until it is done, or cancel it"
_CHOICES = "export/choices"


class ToWrite(Protocol):
    """A frozen request that ends in a file or folder at `path`."""

    @property
    def path(self) -> Path: ...


R = TypeVar("R", bound=ToWrite)
T = TypeVar("T")


class Writing:
    """Has small files written one after the other, and of cubes and films only one at a time."""

    def __init__(self, window: MainWindow, session: Session, worker: Worker) -> None:
        self._window, self._session, self._worker = window, session, worker

    def ask(self, title: str, ending: str, filters: str) -> Path | None:
        """Where to; proposed is the image's name with `ending`, beside what was written last.

        A name without an ending of its own gets that of the kind of file that is chosen.
        """
        proposed = Path(str(settings().value(_FOLDER, ""))) / f"{Path(self._session.name).stem or 'image'}{ending}"
        chosen, kind = QFileDialog.getSaveFileName(self._window, title, str(proposed), filters)
        if not chosen:
            return None
        path, endings = Path(chosen), re.findall(r"\*(\.\w+)", kind or filters)
        return path.with_suffix(endings[0]) if endings and not path.suffix else path

    def write(self, request: R, run: Callable[[R, ProgressCallback], None]) -> None:
        """Have a small file written, after those that were asked for before."""
        self._worker.submit(Task.WRITE, request, run, lambda asked, done: self.tell(asked.path))

    def may_export(self) -> bool:
        """Whether a cube or a film can be begun; if not, the user is told why."""
        is_busy = self._worker.is_busy(Task.EXPORT)
        if is_busy:
            self._window.notice.show_failure(ValueError(_BUSY))
        return not is_busy

    def export(self, request: R, run: Callable[[R, ProgressCallback], T], then: Callable[[R, T], None]) -> None:
        """Have a cube or a film written, unless another one is; `then` tells of it."""
        if self.may_export():
            self._worker.submit(Task.EXPORT, request, run, then)

    def tell(self, path: Path, said: str = "") -> None:
        """Say that a file was written, if need be in other words."""
        settings().setValue(_FOLDER, str(path.resolve().parent))
        self._window.notice.show_success(said or f"Wrote {path}.")


class Exporting(QObject):
    """Carries out the action `export_cube`, and pauses what is being written."""

    exported = Signal()

    def __init__(self, window: MainWindow, session: Session, worker: Worker, writing: Writing) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._writing = window, session, worker, writing
        window.status.pause_picked.connect(worker.pause)

    def export_cube(self) -> None:
        """Open the dialog, and when it is accepted ask for a name and write."""
        if self._session.field is None or not self._writing.may_export():
            return
        offer = self._offer()
        dialog = CubeExportDialog(offer, self._window)

        def measure(plan: Any) -> None:
            asked = jobs.EstimateRequest(offer.field, plan)
            self._worker.submit(
                Task.ESTIMATE, asked, jobs.estimate, lambda asked, found: dialog.show_estimate(plan, found)
            )

        dialog.estimate_asked.connect(measure)
        dialog.bands.responses_asked.connect(lambda: self._load_responses(dialog))
        dialog.finished.connect(self._stop_asking)
        dialog.accepted.connect(lambda: self._write(dialog, offer))
        dialog.restore(_remembered())
        dialog.open()

    def _offer(self) -> Offer:
        session = self._session
        assert session.field is not None  # else there is nothing to export
        regions = [(mark.title, mark.place) for mark in session.marks if isinstance(mark.place, Region)]
        view = self._region_in_view()
        in_view = [("What is in view", view)] if view is not None else []
        return Offer(session.field, session.resolution(), (*in_view, *regions), session.viewing.light)

    def _region_in_view(self) -> Region | None:
        """The pixels of the source that are in sight, if that is not all of them."""
        image, (height, width) = self._window.image, self._session.source_shape or (0, 0)
        view = image.view()
        top, left = max(math.floor(view.top), 0), max(math.floor(view.left), 0)
        bottom, right = min(math.ceil(view.bottom), height), min(math.ceil(view.right), width)
        if image.is_fitted or top >= bottom or left >= right:
            return None
        return Region.rectangle(top, left, bottom, right)

    def _load_responses(self, dialog: CubeExportDialog) -> None:
        path, _ = QFileDialog.getOpenFileName(dialog, "Read a table of responses", "", spectra_filter())
        if path:
            request = jobs.SensorRequest(Path(path))
            self._worker.submit(
                Task.LOAD_RESPONSES, request, jobs.read_sensor, lambda asked, sensor: dialog.bands.show_sensor(sensor)
            )

    def _write(self, dialog: CubeExportDialog, offer: Offer) -> None:
        settings().setValue(_CHOICES, json.dumps(dialog.choices()))
        chosen, plan = dialog.file_format(), dialog.plan()
        path = self._writing.ask("Export cube", chosen.ending, f"{chosen.name} (*{chosen.ending})")
        if path is None:
            return
        origin = self._session.name if self._session.encoded is None else ""  # a photograph's field names it itself
        request = jobs.CubeExport(path, offer.field, plan, origin)
        self._writing.export(request, jobs.export_cube, self._tell)

    def _stop_asking(self) -> None:
        """Nothing is told to a dialog that is closed."""
        for task in (Task.ESTIMATE, Task.LOAD_RESPONSES):
            self._worker.cancel(task)

    def _tell(self, request: jobs.CubeExport, written: ExportResult) -> None:
        self._writing.tell(request.path, str(written))
        self.exported.emit()


def _remembered() -> dict[str, Any]:
    """The choices of the last export; none where there was none, or another program changed them."""
    try:
        known = json.loads(str(settings().value(_CHOICES, "{}")))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
