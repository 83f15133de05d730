"""Statistics of the active mark or the image within an interval of wavelengths, and integrals of the marks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication

from nesr_gui.analysis.pixelwise import rests_on
from nesr_gui.analysis.statistics import Integral, RegionStatistics
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import Mark, MarkGeometry, as_text
from nesr_gui.gui.model.statistics_settings import Range, Scope, StatisticsSettings
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.spectra import region_of
from nesr_gui.gui.tasks.statistics import (
    Histogram,
    HistogramRequest,
    IntegralsRequest,
    StatisticsRequest,
    compute_histogram,
    compute_integrals,
    compute_statistics,
    integral_rows,
)
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.panels.statistics import StatisticsPanel
from nesr_gui.gui.views.plot.interval import IntervalMarker

_TASKS = Task.STATISTICS, Task.HISTOGRAM, Task.INTEGRALS
_NO_FIELD = "Open a photograph or a cube, or wait until it is ready."
_NO_MARK = "No mark is active. Draw a region, or choose the whole image."
_OF_PIXELS = "The uncertainty of the reconstruction is not included."


class StatisticsController(QObject):
    """Computes what the panel lacks while it is visible, and shows it."""

    panel_made = Signal(object)  # StatisticsPanel
    export_requested = Signal(object, object)  # rows of a table, what they are of as provenance

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        area = Qt.DockWidgetArea.RightDockWidgetArea
        self.dock = window.add_panel("statistics", "Statistics", lambda: self.panel, area, row=1, shown=False)
        self.marker = IntervalMarker(window.plot)
        self._is_wanted = False
        self._statistics: StatisticsRequest | None = None  # the last requests
        self._histogram: HistogramRequest | None = None
        self._integrals: IntegralsRequest | None = None
        self._areas: Mapping[MarkGeometry, Integral] = {}  # the last integrals, and the marks that were listed
        self._listed: tuple[Mark, ...] = ()
        self._title = self._words = ""  # of the pixels, and what is said of them
        self._is_computing = False

    @cached_property
    def panel(self) -> StatisticsPanel:
        """The panel, which takes long to make: it is made when it is first shown."""
        panel = StatisticsPanel()
        self._window.panels.fill(self.dock, panel)
        self.panel_made.emit(panel)
        return panel

    def open(self) -> None:
        """Show the panel, and compute again what was cancelled."""
        self._forget()
        self._window.panels.reveal(self.panel)
        self.query()

    def set_wanted(self, is_wanted: bool) -> None:
        """Set whether the panel is visible."""
        self._is_wanted = is_wanted
        if not is_wanted:
            self._forget()
            self.marker.show_interval(None, self._workspace.current.wavelength_range)
        self.query()

    def set_settings(self, settings: StatisticsSettings) -> None:
        """Set pixels and interval of the current document."""
        self._workspace.current.set_statistics(settings)

    def set_interval(self, within: Range) -> None:
        """Set the interval, as dragged in the plot; the whole range counts as all wavelengths."""
        document = self._workspace.current
        low, high = document.wavelength_range
        within = max(within[0], low), min(within[1], high)
        if within[0] < within[1]:
            scope = document.statistics.scope
            document.set_statistics(StatisticsSettings(scope, within if within != (low, high) else None))

    def query(self) -> None:
        """Request what the visible panel lacks."""
        if not self._is_wanted:
            return
        document = self._workspace.current
        available = document.wavelength_range
        within = document.statistics.range_in(available)
        self.panel.show_settings(document.statistics, available)
        self.marker.show_interval(within, available)
        if document.field is None:
            self._integrals, self._areas = None, {}
            self._worker.cancel(Task.INTEGRALS)
            self._show_integrals(within)
            self._show_nothing(_NO_FIELD)
            return
        self._query_integrals(document, within)
        mark = document.mark_set.active_mark
        if document.statistics.scope is Scope.IMAGE:
            title, region = "Whole image", None
        elif mark is not None:
            title, region = mark.title, region_of(mark.place, document.binning)
        else:
            self._show_nothing(_NO_MARK)
            return
        self._title = title[0].upper() + title[1:]
        statistics = StatisticsRequest(document.field, region, within)
        if statistics != self._statistics:
            self._statistics, self._is_computing = statistics, True
            self._words = "…"
            self._worker.submit(Task.STATISTICS, statistics, compute_statistics, self._take_statistics)
        self._show_words(self._words)  # the mark may have been renamed
        histogram = HistogramRequest(document.field, region, document.nm)
        if histogram != self._histogram:
            self._histogram = histogram
            self._worker.submit(Task.HISTOGRAM, histogram, compute_histogram, self._take_histogram)

    def _query_integrals(self, document: Document, within: Range) -> None:
        last = self._integrals
        if last is None or last.curves is not document.curves or last.within != within:
            self._integrals = IntegralsRequest(document.curves, within)
            self._worker.submit(Task.INTEGRALS, self._integrals, compute_integrals, self._take_integrals)
        elif document.marks != self._listed:  # some were removed or renamed
            self._show_integrals(within)

    def _show_nothing(self, reason: str) -> None:
        self._statistics = self._histogram = None
        self._is_computing = False
        for task in (Task.STATISTICS, Task.HISTOGRAM):
            self._worker.cancel(task)
        self.panel.show_words(reason)
        self.panel.show_statistics(())
        self.panel.show_histogram(None, "")

    def _forget(self) -> None:
        """Forget what was requested, and cancel it."""
        self._statistics = self._histogram = self._integrals = None
        self._is_computing = False
        for task in _TASKS:
            self._worker.cancel(task)

    def take_end(self) -> None:
        """Say that the statistics were cancelled, if they were."""
        if self._is_computing and self._is_wanted and not self._worker.is_busy(Task.STATISTICS):
            self._is_computing = False
            self._show_words("cancelled. Press K to compute the statistics.")

    def _take_statistics(self, request: StatisticsRequest, found: RegionStatistics | ValueError) -> None:
        if request != self._statistics:
            return
        self._is_computing = False
        if isinstance(found, ValueError):
            self._show_words(f"{found}.")
            self.panel.show_statistics(())
            return
        remark = f" {_OF_PIXELS}" if "model" in request.field.provenance else ""
        self._show_words(found.in_words() + remark)
        self.panel.show_statistics(found.rows())

    def _show_words(self, words: str) -> None:
        self._words = words
        self.panel.show_words(f"{self._title}: {words}")

    def _take_histogram(self, request: HistogramRequest, found: Histogram | ValueError) -> None:
        if request == self._histogram:
            title = f"{request.field.quantity.label} at {request.nm:.1f} nm"
            self.panel.show_histogram(None if isinstance(found, ValueError) else found, title)

    def _take_integrals(self, request: IntegralsRequest, found: Mapping[MarkGeometry, Integral]) -> None:
        if request is self._integrals:
            self._areas = found
            self._show_integrals(request.within)

    def _show_integrals(self, within: Range) -> None:
        self._listed = self._workspace.current.marks
        self.panel.show_integrals(integral_rows(self._listed, self._areas, within))

    def copy(self) -> None:
        """Copy the visible table to the clipboard."""
        QGuiApplication.clipboard().setText(as_text(self.panel.rows))

    def export(self) -> None:
        """Request the export of the visible table; show the panel if there is none."""
        field = self._workspace.current.field
        if not self.panel.rows or field is None:
            self.open()
        else:
            low, high = self._workspace.current.statistics.range_in(field.wavelength_range)
            about = {
                "statistics_of": self.panel.words.text(), "wavelengths": f"{low:g}-{high:g} nm",
                "rests_on": rests_on(field),
            }  # fmt: skip
            self.export_requested.emit(self.panel.rows, about)
