"""Exports: asks what to write and where to, has it written, and reports the result."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from nesr_gui.export import ExportResult
from nesr_gui.fields.accuracy import CONDITIONS, AccuracyMetrics, shared_bands
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.figures.comparison import TruthFigure, TruthFigureExport, export_truth_figure, preview
from nesr_gui.gui.figures.export import FILTERS
from nesr_gui.gui.figures.spectra import Figure, FigureExport, export_figure
from nesr_gui.gui.figures.sweep import SweepExport, export_sweep
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import MarkGeometry
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks import files
from nesr_gui.gui.tasks.comparison import rows_of
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.dialogs.comparison_figure import TruthFigureDialog
from nesr_gui.gui.views.dialogs.export import CubeExportDialog, ExportContext
from nesr_gui.gui.views.dialogs.simple import FigureExportDialog, SweepDialog
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


class OutputWriter:
    """Has small files written one after the other, and of cubes and films only one at a time."""

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        self._window, self._workspace, self._worker = window, workspace, worker

    def ask(self, title: str, ending: str, filters: str) -> Path | None:
        """Where to; proposed is the image's name with `ending`, beside what was written last.

        A name without an ending of its own gets that of the kind of file that is chosen.
        """
        proposed = (
            Path(str(settings().value(_FOLDER, ""))) / f"{Path(self._workspace.current.name).stem or 'image'}{ending}"
        )
        chosen, kind = QFileDialog.getSaveFileName(self._window, title, str(proposed), filters)
        if not chosen:
            return None
        path, endings = Path(chosen), re.findall(r"\*(\.\w+)", kind or filters)
        return path.with_suffix(endings[0]) if endings and not path.suffix else path

    def write(self, request: R, run: Callable[[R, ProgressCallback], None]) -> None:
        """Have a small file written, after those that were asked for before."""
        self._worker.submit(Task.WRITE, request, run, lambda asked, done: self.report(asked.path))

    def may_export(self) -> bool:
        """Whether a cube or a film can be begun; if not, the user is told why."""
        is_busy = self._worker.is_busy(Task.EXPORT)
        if is_busy:
            self._window.messages.show_failure(ValueError(_BUSY))
        return not is_busy

    def export(self, request: R, run: Callable[[R, ProgressCallback], T], on_result: Callable[[R, T], None]) -> None:
        """Have a cube or a film written, unless another one is; `on_result` tells of it."""
        if self.may_export():
            self._worker.submit(Task.EXPORT, request, run, on_result)

    def report(self, path: Path, said: str = "") -> None:
        """Say that a file was written, if need be in other words."""
        settings().setValue(_FOLDER, str(path.resolve().parent))
        self._window.messages.show_success(said or f"Wrote {path}.")


class ExportController(QObject):
    """Carries out every action that exports, asking the user for what else is needed.

    `metrics` gives the accuracy that is known, `rendered` the image that a side of the pane shows.
    """

    exported = Signal()  # a cube

    def __init__(
        self,
        window: MainWindow,
        workspace: Workspace,
        worker: Worker,
        metrics: Callable[[], Mapping[MarkGeometry | None, AccuracyMetrics]],
        rendered: Callable[[int], RenderedImage | None],
    ) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._metrics, self._rendered = metrics, rendered
        self._writer = OutputWriter(window, workspace, worker)

    @property
    def _document(self) -> Document:
        return self._workspace.current

    def export_curves(self) -> None:
        document = self._document
        if document.field is None or not document.marks:
            return
        path = self._writer.ask("Export curves", "-curves.csv", CSV)
        if path:
            request = files.CurvesExport(path, document.field, document.binning, document.marks, document.resolution())
            self._writer.write(request, files.export_curves)

    def export_figure(self) -> None:
        dialog = FigureExportDialog(self._window)

        def go() -> None:
            path = self._writer.ask("Export figure", "-spectra.png", FILTERS)
            if path:
                self._save_figure(path, dialog.dpi.value())

        dialog.accepted.connect(go)
        dialog.open()

    def _save_figure(self, path: Path, dpi: int) -> None:
        document = self._document
        quantity = str(document.field.quantity) if document.field else ""
        figure = Figure(document.plot_content(), document.wavelength_range, quantity)
        self._writer.write(FigureExport(path, figure, dpi), export_figure)

    def export_table(self) -> None:
        """The table of marks, from which they can be imported again."""
        document = self._document
        path = self._writer.ask("Export marks", "-marks.csv", CSV)
        if path and document.marks:
            rows = document.table_rows([mark.number for mark in document.marks])
            provenance = {**self._provenance(), "seen_under": document.viewing.name}
            self._writer.write(files.TableExport(path, rows, provenance), files.export_table)

    def export_accuracy(self) -> None:
        """Ask where to, and write the metrics."""
        path, metrics = self._writer.ask("Export accuracy", "-accuracy.csv", CSV), self._metrics()
        if path and metrics:
            provenance = {**self._provenance(), "measures": CONDITIONS}
            if (measured := self._document.measurement) is not None:
                provenance |= {"truth": measured.name, "truth_match": measured.match.in_words()}
            request = files.TableExport(path, rows_of(self._document.marks, metrics), provenance)
            self._writer.write(request, files.export_table)

    def _provenance(self) -> dict[str, str]:
        document = self._document
        made = dict(document.field.provenance) if document.field is not None else {}
        return {**made, "working_resolution": document.resolution()}

    def export_comparison(self) -> None:
        """Ask what to show, with a preview, then where to."""
        context, marks = RenderContext.of(self._document), self._document.mark_set.visible
        if context.field is None or context.truth is None:
            return
        bands = shared_bands(context.field, context.truth).nm
        dialog = TruthFigureDialog((float(bands[0]), float(bands[-1])), self._window)

        def figure() -> TruthFigure:
            return TruthFigure(context, marks, *dialog.chosen())

        def show(request: TruthFigure, image: QImage) -> None:
            if dialog.isVisible():
                dialog.show_preview(image)

        def ask() -> None:
            self._worker.submit(Task.FIGURE_PREVIEW, figure(), preview, show)

        dialog.changed.connect(ask)
        dialog.finished.connect(lambda result: self._worker.cancel(Task.FIGURE_PREVIEW))
        dialog.accepted.connect(lambda: self._save_comparison(figure(), dialog.dpi.value()))
        dialog.open()
        ask()

    def _save_comparison(self, figure: TruthFigure, dpi: int) -> None:
        path = self._writer.ask("Export comparison figure", "-comparison.png", FILTERS)
        if path:
            self._writer.write(TruthFigureExport(path, figure, dpi), export_truth_figure)

    def export_sweep(self) -> None:
        """Ask what to film, then where to, and do it."""
        document, shown = self._document, self._rendered(self._document.view_settings.active)
        if document.field is None or not self._writer.may_export():
            return
        dialog = SweepDialog(
            document.wavelength_range, document.view_settings.speed, document.field.shape, self._window
        )

        def go() -> None:
            sweep = dialog.sweep()
            kinds = {".mp4": "MP4 film (*.mp4)", ".gif": "GIF animation (*.gif)"}
            path = self._writer.ask("Export sweep", f"-sweep{dialog.ending()}", kinds[dialog.ending()])
            if path:
                mode = "band" if shown is None else shown.request.mode.name
                self.save_sweep(SweepExport(path, mode, RenderContext.of(document), sweep))

        dialog.accepted.connect(go)
        dialog.open()

    def save_sweep(self, request: SweepExport) -> None:
        self._writer.export(request, export_sweep, lambda request, made: self._writer.report(request.path))

    def export_cube(self) -> None:
        """Open the dialog, and when it is accepted ask for a name and write."""
        if self._document.field is None or not self._writer.may_export():
            return
        context = self._context()
        dialog = CubeExportDialog(context, self._window)

        def measure(plan: Any) -> None:
            asked = files.EstimateRequest(context.field, plan)
            self._worker.submit(
                Task.ESTIMATE, asked, files.estimate, lambda asked, found: dialog.show_estimate(plan, found)
            )

        dialog.estimate_requested.connect(measure)
        dialog.bands.responses_requested.connect(lambda: self._load_responses(dialog))
        dialog.finished.connect(self._stop_asking)
        dialog.accepted.connect(lambda: self._write(dialog, context))
        dialog.restore(_remembered())
        dialog.open()

    def _context(self) -> ExportContext:
        document = self._document
        assert document.field is not None  # else there is nothing to export
        regions = [(mark.title, mark.place) for mark in document.marks if isinstance(mark.place, Region)]
        view = self._region_in_view()
        in_view = [("What is in view", view)] if view is not None else []
        return ExportContext(document.field, document.resolution(), (*in_view, *regions), document.viewing.light)

    def _region_in_view(self) -> Region | None:
        """The pixels of the source that are in sight, if that is not all of them."""
        image, (height, width) = self._window.image, self._document.source_shape or (0, 0)
        view = image.view()
        top, left = max(math.floor(view.top), 0), max(math.floor(view.left), 0)
        bottom, right = min(math.ceil(view.bottom), height), min(math.ceil(view.right), width)
        if image.is_fitted or top >= bottom or left >= right:
            return None
        return Region.rectangle(top, left, bottom, right)

    def _load_responses(self, dialog: CubeExportDialog) -> None:
        path, _ = QFileDialog.getOpenFileName(dialog, "Read a table of responses", "", spectra_filter())
        if path:
            request = files.SensorRequest(Path(path))
            self._worker.submit(
                Task.LOAD_RESPONSES, request, files.read_sensor, lambda asked, sensor: dialog.bands.show_sensor(sensor)
            )

    def _write(self, dialog: CubeExportDialog, context: ExportContext) -> None:
        settings().setValue(_CHOICES, json.dumps(dialog.choices()))
        chosen, plan = dialog.file_format(), dialog.plan()
        path = self._writer.ask("Export cube", chosen.ending, f"{chosen.name} (*{chosen.ending})")
        if path is None:
            return
        origin = self._document.name if self._document.encoded is None else ""  # a photograph's field names it itself
        request = files.CubeExport(path, context.field, plan, origin=origin)
        self._writer.export(request, files.export_cube, self._report)

    def show_actions(self) -> None:
        document, actions = self._document, self._window.actions_by_name
        enable(actions, ("export_cube",), document.field is not None)
        enable(actions, ("export_comparison",), document.field is not None and document.truth is not None)

    def _stop_asking(self) -> None:
        """Nothing is told to a dialog that is closed."""
        for task in (Task.ESTIMATE, Task.LOAD_RESPONSES):
            self._worker.cancel(task)

    def _report(self, request: files.CubeExport, written: ExportResult) -> None:
        self._writer.report(request.path, str(written))
        self.exported.emit()


def _remembered() -> dict[str, Any]:
    """The choices of the last export; none where there was none, or another program changed them."""
    try:
        known = json.loads(str(settings().value(_CHOICES, "{}")))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
