"""Exports: dialogs, writing and reports."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cattrs import Converter
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog

from nesr_gui.export import ExportResult
from nesr_gui.fields.accuracy import CONDITIONS, AccuracyMetrics, shared_bands
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.figures import comparison, spectra
from nesr_gui.gui.figures.comparison import TruthFigure, TruthFigureExport, export_truth_figure
from nesr_gui.gui.figures.export import FILTERS
from nesr_gui.gui.figures.picture import Picture, PictureExport, copied, export_picture
from nesr_gui.gui.figures.spectra import Figure, FigureExport, FigureStyle, export_figure
from nesr_gui.gui.figures.sweep import SweepExport, SweepFormat, export_sweep
from nesr_gui.gui.figures.transect import TransectFigure, export_transect_figure
from nesr_gui.gui.model.analyses import AnalysisKind, FittedAnalysis
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import MarkGeometry
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks import files
from nesr_gui.gui.tasks.class_maps import (
    ClassMapExport,
    ClassMapRequest,
    ClassStatistics,
    StatisticsExport,
    export_class_map,
    export_statistics,
)
from nesr_gui.gui.tasks.comparison import rows_of
from nesr_gui.gui.tasks.library import LIBRARY_FORMATS, MarkLibraryExport, MarkLibraryRequest, write_mark_library
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.gui.tasks.scatter import SelectionExport, export_selection
from nesr_gui.gui.tasks.transect import TransectExport, TransectRequest, export_transect
from nesr_gui.gui.tasks.value_maps import (
    LoadingsExport,
    MapExport,
    MapRequest,
    export_loadings,
    export_map,
    is_mask,
)
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.analysis import AnalysisMode, categories_of
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.dialogs.class_maps import ClassMapDialog, MapChoices
from nesr_gui.gui.views.dialogs.export import CubeExportDialog, ExportContext
from nesr_gui.gui.views.dialogs.figures import FigureDialog, SpectraFigureDialog, TruthFigureChoices, TruthFigureDialog
from nesr_gui.gui.views.dialogs.picture import PictureChoices, PictureDialog
from nesr_gui.gui.views.dialogs.simple import SweepChoices, SweepDialog
from nesr_gui.gui.views.file_manager import show_in_folder
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.save_dialog import ask_save_path
from nesr_gui.io.regions.files import GEOJSON, IMAGEJ
from nesr_gui.io.spectra.readers import spectra_filter
from nesr_gui.regions import Region

REGIONS = "GeoJSON regions (*.geojson);;ImageJ regions (*.zip *.roi)"
VALUES, TIFF = "GeoTIFF (*.tif);;OpenEXR image (*.exr)", "GeoTIFF (*.tif)"
MASKS = (
    "Mask as PNG (*.png);;Mask as TIFF, georeferenced if the image is (*.tif);;GeoJSON regions (*.geojson);;"
    "ImageJ regions (*.zip)"
)
CSV = "Comma-separated values (*.csv)"
_FOLDER = "files/exported"
_BUSY = "another export is running; wait until it is finished, or cancel it"
_SELECTING = "the selection is still being computed; export again in a moment"
_APPLYING = "the measured spectra are being applied; export again in a moment"
_CUBE, _FIGURE, _COMPARISON, _PICTURE, _SWEEP, _CLASS_MAP = (
    "export/choices", "export/figure", "export/comparison", "export/picture", "export/sweep", "export/class_map",
)  # fmt: skip
_NO_CLASSES = "no classes are ready; show Classes or Clusters, or wait until they are computed"
_CONVERTER = Converter(detailed_validation=False)
_CONVERTER.register_unstructure_hook(SweepFormat, lambda kind: kind.name)
_CONVERTER.register_structure_hook(SweepFormat, lambda name, kind: SweepFormat[name])


class ToWrite(Protocol):
    """A frozen request whose result is written to `path`."""

    @property
    def path(self) -> Path:
        """The file or folder to write."""


R = TypeVar("R", bound=ToWrite)
T = TypeVar("T")
P = TypeVar("P")


class OutputWriter:
    """Writes small files one after the other, and at most one cube or video at a time."""

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        self._window, self._workspace, self._worker = window, workspace, worker

    def ask(self, title: str, ending: str, filters: str, name: str = "") -> Path | None:
        """Ask for a file name, proposing the name of the image with `ending` in the last folder.

        Another image may have been opened behind a dialog, so that dialogs give the `name` of theirs; otherwise it is
        the current one.
        """
        stem = Path(name or self._workspace.current.name).stem or "image"
        proposed = Path(str(settings().value(_FOLDER, ""))) / f"{stem}{ending}"
        return ask_save_path(self._window, title, proposed, filters)

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
        self._window.messages.offer("Show in folder", partial(show_in_folder, path.resolve()))


def _when_applied(export: Callable[[ExportController], None]) -> Callable[[ExportController], None]:
    """Let an action tell the user to wait while the field does not yet reflect the measured spectra of the marks."""

    @wraps(export)
    def call(controller: ExportController) -> None:
        if not controller.is_awaiting_anchors():
            export(controller)

    return call


class ExportController(QObject):
    """Implements all export actions, with their dialogs.

    `metrics` returns the computed accuracy, `rendered` the picture shown on a side, and `matches` the listed library
    matches as rows of a table with their provenance.
    """

    exported = Signal()  # a cube was written

    def __init__(
        self,
        window: MainWindow,
        workspace: Workspace,
        worker: Worker,
        metrics: Callable[[], Mapping[MarkGeometry | None, AccuracyMetrics]],
        rendered: Callable[[int], RenderedImage | None],
        matches: Callable[[], tuple[list[dict[str, str]], dict[str, str]]],
    ) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._metrics, self._rendered, self._matches = metrics, rendered, matches
        self._writer = OutputWriter(window, workspace, worker)

    @property
    def _document(self) -> Document:
        return self._workspace.current

    def is_awaiting_anchors(self) -> bool:
        """Whether measured spectra are being applied, of which the user is then notified."""
        is_awaiting = self._document.awaits_anchoring
        if is_awaiting:
            self._window.messages.show_failure(ValueError(_APPLYING))
        return is_awaiting

    @_when_applied
    def export_curves(self) -> None:
        """Export the spectra of all marks."""
        document = self._document
        if document.field is None or not document.marks:
            return
        path = self._writer.ask("Export spectra", "-spectra.csv", CSV)
        if path:
            request = files.CurvesExport(path, document.field, document.binning, document.marks, document.resolution())
            self._writer.write(request, files.export_curves)

    @_when_applied
    def export_figure(self) -> None:
        """Export the plot as a figure, after a dialog with preview."""
        name, plotted = self._document.name, self.figure(_remembered(_FIGURE, FigureStyle()))
        dialog = SpectraFigureDialog(plotted.style, self._window)

        def figure() -> Figure:
            return replace(plotted, style=dialog.style_chosen())

        def show(drawn: QImage | ValueError) -> None:
            if isinstance(drawn, ValueError):
                dialog.show_failure(drawn)
            else:
                dialog.show_preview(drawn)

        self._show_figure_dialog(dialog, figure, spectra.preview, show)
        dialog.accepted.connect(lambda: self.save_figure(figure(), name))

    def figure(self, style: FigureStyle) -> Figure:
        """Return the figure of the plot as it is now."""
        document = self._document
        quantity = document.field.quantity.label if document.field else ""
        return Figure(document.plot_content(), document.wavelength_range, quantity, style)

    def save_figure(self, figure: Figure, name: str = "") -> None:
        """Remember the style of a figure, and write it to a file that the user chooses; see `OutputWriter.ask`."""
        _remember(_FIGURE, figure.style)
        path = self._writer.ask("Export figure", "-spectra.png", FILTERS, name)
        if path:
            self._writer.write(FigureExport(path, figure), export_figure)

    def _show_figure_dialog(
        self, dialog: FigureDialog, figure: Callable[[], T], draw: Callable[[T, ProgressCallback], P],
        show: Callable[[P], None],
    ) -> None:  # fmt: skip
        """Open the dialog of a figure, and draw its preview in the background whenever its settings change."""

        def take(request: T, drawn: P) -> None:
            if dialog.isVisible():
                show(drawn)

        def ask() -> None:
            self._worker.submit(Task.FIGURE_PREVIEW, figure(), draw, take)

        dialog.changed.connect(ask)
        dialog.finished.connect(lambda result: self._worker.cancel(Task.FIGURE_PREVIEW))
        dialog.open()
        ask()

    @_when_applied
    def export_selection(self) -> None:
        """Export the pixels that are selected in the scatter plot, as a mask or as regions."""
        scatter = self._document.scatter
        if scatter.map is None or scatter.mask is None:
            self._window.messages.show_failure(ValueError(_SELECTING))
            return
        path = self._writer.ask("Export selection", "-selection.png", MASKS)
        if path:
            request = SelectionExport(path, scatter.map, scatter.mask, scatter.plot.selection)
            self._writer.write(request, export_selection)

    @_when_applied
    def export_map(self) -> None:
        """Export the values or the mask of the analysis in the active pane, of all pixels."""
        document, mode = self._document, MODES[self._document.view_settings.mode]
        fitted = self._fitted(mode.kind) if isinstance(mode, AnalysisMode) else None
        if fitted is None or fitted.analysis is None or not self._writer.may_export():
            return
        filters = MASKS if is_mask(fitted.analysis) else VALUES if len(fitted.analysis.layers) == 1 else TIFF
        ending = f"-{mode.name}{'.png' if filters == MASKS else '.tif'}"
        path = self._writer.ask("Export map", ending, filters)
        if path:
            map_request = MapRequest(fitted, document.analysis_settings.abstains, document.georeference)
            self._writer.export(
                MapExport(path, map_request), export_map, lambda request, text: self._writer.report(request.path, text)
            )

    def _fitted(self, kind: AnalysisKind) -> FittedAnalysis | None:
        """An analysis as it is defined at present; None while it is being learned, of which the user is notified."""
        fitted = self._document.fitted(kind)
        if fitted is None:
            error = ValueError(f"{MODES[kind].title} is still being computed; export again in a moment")
            self._window.messages.show_failure(error)
        return fitted

    @_when_applied
    def export_loadings(self) -> None:
        """Export mean and loadings of the components."""
        fitted = self._fitted(AnalysisKind.COMPONENTS)
        if fitted is None or fitted.analysis is None:
            return
        path = self._writer.ask("Export loadings", "-loadings.csv", CSV)
        if path:
            self._writer.write(LoadingsExport(path, fitted), export_loadings)

    @_when_applied
    def export_transect(self) -> None:
        """Export the spectra along the transect."""
        field, line, pixel = self._document.field, self._document.transect.line, self._pixel_metres()
        if field is None or line is None:
            return
        path = self._writer.ask("Export transect", "-transect.csv", CSV)
        if path:
            self._writer.write(TransectExport(path, field, line, pixel), export_transect)

    @_when_applied
    def export_transect_figure(self) -> None:
        """Export picture and curve of the transect."""
        document = self._document
        field, line = document.field, document.transect.line
        if field is None or line is None:
            return
        request, pixel = TransectRequest(field, line, document.nm), self._pixel_metres()
        path = self._writer.ask("Export figure of transect", "-transect.png", FILTERS)
        if path:
            self._writer.write(TransectFigure(path, request, pixel), export_transect_figure)

    def _pixel_metres(self) -> float | None:
        place = self._document.georeference
        return place.pixel_metres if place is not None else None

    @_when_applied
    def export_table(self) -> None:
        """Export the mark table, or the marks as regions for other programs; all can be imported again."""
        document, provenance = self._document, self._provenance()
        path = self._writer.ask("Export marks", "-marks.csv", f"{CSV};;{REGIONS}")
        if path and path.suffix.lower() in (*GEOJSON, *IMAGEJ):
            request = files.RegionsExport(path, document.marks, document.georeference)
            self._writer.write(request, files.export_regions)
        elif path and document.marks:
            rows = document.table_rows([mark.number for mark in document.marks])
            provenance |= {"seen_under": document.viewing.name}
            self._writer.write(files.TableExport(path, rows, provenance), files.export_table)

    @_when_applied
    def export_accuracy(self) -> None:
        """Export the accuracy metrics."""
        rows, provenance = rows_of(self._document.marks, self._metrics()), self._provenance()
        if (measured := self._document.measurement) is not None:
            provenance |= {"truth": measured.name, "truth_match": measured.match.in_words()}
        path = self._writer.ask("Export accuracy", "-accuracy.csv", CSV)
        if path and rows:
            request = files.TableExport(path, rows, {**provenance, "measures": CONDITIONS})
            self._writer.write(request, files.export_table)

    def export_statistics(self, rows: Sequence[Mapping[str, str]], about: Mapping[str, str]) -> None:
        """Export a table of the Statistics panel, with what it is about as provenance."""
        provenance = self._provenance()
        path = self._writer.ask("Export statistics", "-statistics.csv", CSV)
        if path:
            self._writer.write(files.TableExport(path, rows, {**provenance, **about}), files.export_table)

    @_when_applied
    def export_matches(self) -> None:
        """Export the listed matches of the active mark."""
        (rows, about), provenance = self._matches(), self._provenance()
        path = self._writer.ask("Export matches", "-matches.csv", CSV)
        if path and rows:
            self._writer.write(files.TableExport(path, rows, {**provenance, **about}), files.export_table)

    @_when_applied
    def save_marks(self) -> None:
        """Save the spectra of the marks as a spectral library."""
        document = self._document
        if document.field is None or not document.marks:
            return
        path = self._writer.ask("Save marks as library", "-library.sli", LIBRARY_FORMATS)
        if path:
            library = MarkLibraryRequest(document.name, document.field, document.binning, document.marks)
            self._writer.write(MarkLibraryExport(path, library, document.resolution()), write_mark_library)

    def _provenance(self) -> dict[str, str]:
        document = self._document
        provenance = dict(document.field.provenance) if document.field is not None else {}
        return {**provenance, "working_resolution": document.resolution()}

    @_when_applied
    def export_comparison(self) -> None:
        """Export the comparison figure, after a dialog with preview."""
        name, context, marks = self._document.name, RenderContext.of(self._document), self._document.mark_set.visible
        if context.field is None or context.truth is None:
            return
        bands = shared_bands(context.field, context.truth).nm
        choices = _remembered(_COMPARISON, TruthFigureChoices())
        dialog = TruthFigureDialog((float(bands[0]), float(bands[-1])), choices, self._window)

        def figure() -> TruthFigure:
            return TruthFigure(context, marks, *dialog.chosen())

        self._show_figure_dialog(dialog, figure, comparison.preview, dialog.show_preview)
        dialog.accepted.connect(lambda: self._save_comparison(figure(), dialog.choices(), name))

    def _save_comparison(self, figure: TruthFigure, choices: TruthFigureChoices, name: str) -> None:
        _remember(_COMPARISON, choices)
        path = self._writer.ask("Export comparison figure", "-comparison.png", FILTERS, name)
        if path:
            self._writer.write(TruthFigureExport(path, figure, choices.dpi), export_truth_figure)

    @_when_applied
    def export_picture(self) -> None:
        """Export what a pane shows, or the values behind it, after a dialog."""
        document = self._document
        if document.source_shape is None or not self._writer.may_export():
            return
        sides = sorted(document.view_settings.sides, key=lambda side: side != document.view_settings.active)
        names = ("Left", "Right") if len(sides) > 1 else ("Picture", "Picture")
        pictures = {f"{names[side]}: {self._caption(picture)}": picture
                    for side in sides for picture in [self._picture(side)]}  # fmt: skip
        name, marks, georeference = document.name, document.mark_set.visible, document.georeference
        dialog = PictureDialog(pictures, _remembered(_PICTURE, PictureChoices()), self._window)

        def go() -> None:
            choices = dialog.choices()
            _remember(_PICTURE, choices)
            kind = choices.format
            path = self._writer.ask("Export picture", f"-picture{kind.ending}", f"{kind} image (*{kind.ending})", name)
            if path:
                request = PictureExport(
                    path, dialog.picture, choices.content, kind, has_bar=choices.has_bar,
                    marks=marks if choices.has_marks else (), georeference=georeference,
                )  # fmt: skip
                self._writer.export(request, export_picture, self._report_picture)

        dialog.accepted.connect(go)
        dialog.open()

    @_when_applied
    def copy_picture(self) -> None:
        """Copy the picture of the active pane, with all pixels of the image, to the clipboard."""
        if self._document.source_shape is None:
            return
        picture = self._picture(self._document.view_settings.active)
        self._worker.submit(Task.COPY_PICTURE, picture, copied, self._put_picture)

    @_when_applied
    def export_class_map(self) -> None:
        """Export the visible classes or clusters of all pixels, after a dialog."""
        document = self._document
        kind = document.class_kind
        fitted = document.fitted(kind) if kind is not None else None
        if fitted is None or fitted.analysis is None:
            self._window.messages.show_failure(ValueError(_NO_CLASSES))
            return
        if not self._writer.may_export():
            return
        name, georeference, origin = document.name, document.georeference, _origin(document)
        asked = ClassMapRequest(fitted, document.analysis_settings.abstains)
        names = asked.analysis.names
        what = MODES[fitted.request.kind].title.lower()
        dialog = ClassMapDialog(what, names, asked.image.shape, _remembered(_CLASS_MAP, MapChoices()), self._window)
        colours = [each.colour for each in categories_of(fitted)]

        def go() -> None:
            choices = dialog.choices()
            _remember(_CLASS_MAP, choices)
            ending = choices.format.ending
            path = self._writer.ask(
                dialog.windowTitle(), f"-{fitted.request.kind}{ending}", f"{choices.format} (*{ending})", name
            )
            if path:
                request = ClassMapExport(
                    path, asked, names, colours, least_pixels=choices.least_pixels, origin=origin,
                    georeference=georeference,
                )  # fmt: skip
                self._writer.export(request, export_class_map, self._report_class_map)

        dialog.accepted.connect(go)
        dialog.open()

    def _report_class_map(self, request: ClassMapExport, message: str) -> None:
        self._writer.report(request.path, message)

    def export_class_statistics(self, statistics: ClassStatistics) -> None:
        """Export the statistics of classes."""
        path = self._writer.ask("Export statistics of classes", "-statistics.csv", CSV)
        if path:
            self._writer.write(StatisticsExport(path, statistics), export_statistics)

    def _picture(self, side: int) -> Picture:
        """What a side shows: its mode, or the one shown instead while that is not available."""
        document, shown = self._document, self._rendered(side)
        context, mode = RenderContext.of(document).of_side(side), document.view_settings.modes[side]
        if shown is not None and MODES[mode].unavailable_reason(context):
            mode = shown.request.mode.name
        return Picture(mode, context)

    def _caption(self, picture: Picture) -> str:
        return MODES[picture.mode].caption(picture.context)

    def _report_picture(self, request: PictureExport, message: str) -> None:
        self._writer.report(request.path, message)

    def _put_picture(self, picture: Picture, image: QImage) -> None:
        QGuiApplication.clipboard().setImage(image)
        message = f"Copied {self._caption(picture)}: {image.width()}×{image.height()} pixels."
        self._window.messages.show_success(message)

    @_when_applied
    def export_sweep(self) -> None:
        """Export a sweep as video, animation or frames, after a dialog."""
        document, shown = self._document, self._rendered(self._document.view_settings.active)
        if document.field is None or not self._writer.may_export():
            return
        name, context = document.name, RenderContext.of(document)
        dialog = SweepDialog(
            document.wavelength_range, document.view_settings.speed, document.field.shape,
            _remembered(_SWEEP, SweepChoices()), self._window,
        )  # fmt: skip

        def go() -> None:
            sweep, kind = dialog.sweep(), dialog.kind()
            _remember(_SWEEP, dialog.choices())
            path = self._writer.ask("Export sweep", f"-sweep{kind.ending}", kind.filter, name)
            if path:
                mode = "band" if shown is None else shown.request.mode.name
                self.save_sweep(SweepExport(path, mode, context, sweep, kind))

        dialog.accepted.connect(go)
        dialog.open()

    def save_sweep(self, request: SweepExport) -> None:
        """Write a sweep."""
        self._writer.export(request, export_sweep, lambda request, result: self._writer.report(request.path))

    @_when_applied
    def export_cube(self) -> None:
        """Export a cube, after a dialog."""
        if self._document.field is None or not self._writer.may_export():
            return
        name, origin, context = self._document.name, _origin(self._document), self._context()
        dialog = CubeExportDialog(context, self._window)

        def measure(plan: Any) -> None:
            request = files.EstimateRequest(context.field, plan)
            self._worker.submit(
                Task.ESTIMATE, request, files.estimate, lambda request, result: dialog.show_estimate(plan, result)
            )

        dialog.estimate_requested.connect(measure)
        dialog.bands.responses_requested.connect(lambda: self._load_responses(dialog))
        dialog.finished.connect(self._stop_asking)
        dialog.accepted.connect(lambda: self._write(dialog, context, name, origin))
        dialog.restore(_remembered(_CUBE, dict[str, Any]()))
        dialog.open()

    def _context(self) -> ExportContext:
        document = self._document
        assert document.field is not None  # checked by the caller
        regions = [(mark.title, mark.place) for mark in document.marks if isinstance(mark.place, Region)]
        view = self._region_in_view()
        in_view = [("Visible area", view)] if view is not None else []
        return ExportContext(
            document.field, document.resolution(), (*in_view, *regions), document.viewing.light, document.levels[1]
        )

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

    def _write(self, dialog: CubeExportDialog, context: ExportContext, name: str, origin: str) -> None:
        _remember(_CUBE, dialog.choices())
        chosen, plan = dialog.file_format(), dialog.plan()
        path = self._writer.ask("Export cube", chosen.ending, f"{chosen.name} (*{chosen.ending})", name)
        if path is None:
            return
        sources = [document.source for document in self._workspace.documents if document.source is not None]
        opened = tuple(file for source in sources for file in (source.image, source.truth) if file is not None)
        request = files.CubeExport(path, context.field, plan, origin=origin, opened=opened)
        self._writer.export(request, files.export_cube, self._report)

    def show_actions(self) -> None:
        """Enable the export actions."""
        document, actions = self._document, self._window.actions_by_name
        enable(actions, ("export_cube",), document.field is not None)
        enable(actions, ("export_picture", "copy_picture"), document.source_shape is not None)
        enable(actions, ("export_comparison",), document.field is not None and document.truth is not None)

    def _stop_asking(self) -> None:
        """Cancel the estimates of a closed dialog."""
        for task in (Task.ESTIMATE, Task.LOAD_RESPONSES):
            self._worker.cancel(task)

    def _report(self, request: files.CubeExport, written: ExportResult) -> None:
        self._writer.report(request.path, str(written))
        self.exported.emit()


def _origin(document: Document) -> str:
    """The name of a cube for the provenance of what is written; empty for a photograph, whose field records it."""
    return document.name if document.encoded is None else ""


def _remember(key: str, choices: object) -> None:
    """Save the choices of a dialog."""
    settings().setValue(key, json.dumps(_CONVERTER.unstructure(choices)))


def _remembered(key: str, default: T) -> T:
    """Return the last choices of a dialog; the default if missing or invalid."""
    try:
        return _CONVERTER.structure(json.loads(str(settings().value(key, "{}"))), type(default))
    except (ValueError, KeyError, TypeError):
        return default
