"""Exports: dialogs, writing and reports."""

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
_BUSY = "another export is running; wait until it is finished, or cancel it"
_CHOICES = "export/choices"


class ToWrite(Protocol):
    """A frozen request whose result is written to `path`."""

    @property
    def path(self) -> Path:
        """The file or folder to write."""


R = TypeVar("R", bound=ToWrite)
T = TypeVar("T")


class OutputWriter:
    """Writes small files one after the other, and at most one cube or video at a time."""

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        self._window, self._workspace, self._worker = window, workspace, worker

    def ask(self, title: str, ending: str, filters: str) -> Path | None:
        """Ask for a file name, proposing the name of the image with `ending` in the last folder.

        A name without an extension gets that of the selected file type.
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
        """Write a small file after those requested before."""
        self._worker.submit(Task.WRITE, request, run, lambda request, result: self.report(request.path))

    def may_export(self) -> bool:
        """Whether no export is running; otherwise the user is notified."""
        is_busy = self._worker.is_busy(Task.EXPORT)
        if is_busy:
            self._window.messages.show_failure(ValueError(_BUSY))
        return not is_busy

    def export(self, request: R, run: Callable[[R, ProgressCallback], T], on_result: Callable[[R, T], None]) -> None:
        """Write a cube or video unless an export is running; `on_result` is called at the end."""
        if self.may_export():
            self._worker.submit(Task.EXPORT, request, run, on_result)

    def report(self, path: Path, message: str = "") -> None:
        """Show that a file was written, with `message` if given."""
        settings().setValue(_FOLDER, str(path.resolve().parent))
        self._window.messages.show_success(message or f"Wrote {path}.")


class ExportController(QObject):
    """Implements all export actions, with their dialogs.

    `metrics` returns the computed accuracy, `rendered` the picture shown on a side.
    """

    exported = Signal()  # a cube was written

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
        """Export the spectra of all marks."""
        document = self._document
        if document.field is None or not document.marks:
            return
        path = self._writer.ask("Export spectra", "-curves.csv", CSV)
        if path:
            request = files.CurvesExport(path, document.field, document.binning, document.marks, document.resolution())
            self._writer.write(request, files.export_curves)

    def export_figure(self) -> None:
        """Export the plot."""
        dialog = FigureExportDialog(self._window)

        def go() -> None:
            path = self._writer.ask("Export figure", "-spectra.png", FILTERS)
            if path:
                self._save_figure(path, dialog.dpi.value())

        dialog.accepted.connect(go)
        dialog.open()

    def _save_figure(self, path: Path, dpi: int) -> None:
        document = self._document
        quantity = document.field.quantity.label if document.field else ""
        figure = Figure(document.plot_content(), document.wavelength_range, quantity)
        self._writer.write(FigureExport(path, figure, dpi), export_figure)

    def export_table(self) -> None:
        """Export the mark table, which can be imported again."""
        document = self._document
        path = self._writer.ask("Export marks", "-marks.csv", CSV)
        if path and document.marks:
            rows = document.table_rows([mark.number for mark in document.marks])
            provenance = {**self._provenance(), "seen_under": document.viewing.name}
            self._writer.write(files.TableExport(path, rows, provenance), files.export_table)

    def export_accuracy(self) -> None:
        """Export the accuracy metrics."""
        path, metrics = self._writer.ask("Export accuracy", "-accuracy.csv", CSV), self._metrics()
        if path and metrics:
            provenance = {**self._provenance(), "measures": CONDITIONS}
            if (measured := self._document.measurement) is not None:
                provenance |= {"truth": measured.name, "truth_match": measured.match.in_words()}
            request = files.TableExport(path, rows_of(self._document.marks, metrics), provenance)
            self._writer.write(request, files.export_table)

    def _provenance(self) -> dict[str, str]:
        document = self._document
        provenance = dict(document.field.provenance) if document.field is not None else {}
        return {**provenance, "working_resolution": document.resolution()}

    def export_comparison(self) -> None:
        """Export the comparison figure, after a dialog with preview."""
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
        """Export a sweep as video, after a dialog."""
        document, shown = self._document, self._rendered(self._document.view_settings.active)
        if document.field is None or not self._writer.may_export():
            return
        dialog = SweepDialog(
            document.wavelength_range, document.view_settings.speed, document.field.shape, self._window
        )

        def go() -> None:
            sweep = dialog.sweep()
            kinds = {".mp4": "MP4 video (*.mp4)", ".gif": "GIF animation (*.gif)"}
            path = self._writer.ask("Export sweep", f"-sweep{dialog.ending()}", kinds[dialog.ending()])
            if path:
                mode = "band" if shown is None else shown.request.mode.name
                self.save_sweep(SweepExport(path, mode, RenderContext.of(document), sweep))

        dialog.accepted.connect(go)
        dialog.open()

    def save_sweep(self, request: SweepExport) -> None:
        """Write a sweep."""
        self._writer.export(request, export_sweep, lambda request, result: self._writer.report(request.path))

    def export_cube(self) -> None:
        """Export a cube, after a dialog."""
        if self._document.field is None or not self._writer.may_export():
            return
        context = self._context()
        dialog = CubeExportDialog(context, self._window)

        def measure(plan: Any) -> None:
            request = files.EstimateRequest(context.field, plan)
            self._worker.submit(
                Task.ESTIMATE, request, files.estimate, lambda request, result: dialog.show_estimate(plan, result)
            )

        dialog.estimate_requested.connect(measure)
        dialog.bands.responses_requested.connect(lambda: self._load_responses(dialog))
        dialog.finished.connect(self._stop_asking)
        dialog.accepted.connect(lambda: self._write(dialog, context))
        dialog.restore(_remembered())
        dialog.open()

    def _context(self) -> ExportContext:
        document = self._document
        assert document.field is not None  # checked by the caller
        regions = [(mark.title, mark.place) for mark in document.marks if isinstance(mark.place, Region)]
        view = self._region_in_view()
        in_view = [("Visible part", view)] if view is not None else []
        return ExportContext(document.field, document.resolution(), (*in_view, *regions), document.viewing.light)

    def _region_in_view(self) -> Region | None:
        """The visible source pixels, unless the whole image is visible."""
        image, (height, width) = self._window.image, self._document.source_shape or (0, 0)
        view = image.view()
        top, left = max(math.floor(view.top), 0), max(math.floor(view.left), 0)
        bottom, right = min(math.ceil(view.bottom), height), min(math.ceil(view.right), width)
        if image.is_fitted or top >= bottom or left >= right:
            return None
        return Region.rectangle(top, left, bottom, right)

    def _load_responses(self, dialog: CubeExportDialog) -> None:
        path, _ = QFileDialog.getOpenFileName(dialog, "Load spectral responses", "", spectra_filter())
        if path:
            request = files.SensorRequest(Path(path))
            self._worker.submit(
                Task.LOAD_RESPONSES,
                request,
                files.read_sensor,
                lambda request, sensor: dialog.bands.show_sensor(sensor),
            )

    def _write(self, dialog: CubeExportDialog, context: ExportContext) -> None:
        settings().setValue(_CHOICES, json.dumps(dialog.choices()))
        chosen, plan = dialog.file_format(), dialog.plan()
        path = self._writer.ask("Export cube", chosen.ending, f"{chosen.name} (*{chosen.ending})")
        if path is None:
            return
        origin = (
            self._document.name if self._document.encoded is None else ""
        )  # the field of a photograph records it itself
        request = files.CubeExport(path, context.field, plan, origin=origin)
        self._writer.export(request, files.export_cube, self._report)

    def show_actions(self) -> None:
        """Enable the export actions."""
        document, actions = self._document, self._window.actions_by_name
        enable(actions, ("export_cube",), document.field is not None)
        enable(actions, ("export_comparison",), document.field is not None and document.truth is not None)

    def _stop_asking(self) -> None:
        """Cancel the estimates of a closed dialog."""
        for task in (Task.ESTIMATE, Task.LOAD_RESPONSES):
            self._worker.cancel(task)

    def _report(self, request: files.CubeExport, written: ExportResult) -> None:
        self._writer.report(request.path, str(written))
        self.exported.emit()


def _remembered() -> dict[str, Any]:
    """Settings of the last export; empty if missing or invalid."""
    try:
        saved = json.loads(str(settings().value(_CHOICES, "{}")))
    except ValueError:
        return {}
    return saved if isinstance(saved, dict) else {}
