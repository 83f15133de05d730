"""Classes and clusters: counts their pixels, and makes regions, statistics and reference spectra of them."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from nesr_gui.analysis.classification import Classification, Scoring
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.gui.model.analyses import AnalysisKind, ClassCounts, FittedAnalysis
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.class_maps import (
    ClassMapRequest,
    ClassRegions,
    ClassStatistics,
    HistogramRequest,
    RegionsRequest,
    ScoreSummary,
    StatisticsRequest,
    compute_statistics,
    count_classes,
    find_regions,
    summarise_scores,
)
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes import ANALYSES
from nesr_gui.gui.view_modes.analysis import categories_of
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.dialogs.class_maps import RegionsDialog, StatisticsDialog
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.panels.analysis import COUNTING, NOT_COUNTED, AnalysisPanel

REST_MS = 250  # without changes before the pixels are counted
_ON_CLASSES = ("class_regions", "class_statistics", "export_class_map")
_COUNTS = {AnalysisKind.CLASSES: Task.COUNT_CLASSES, AnalysisKind.CLUSTERS: Task.COUNT_CLUSTERS}


class ClassController(QObject):
    """Counts the pixels of the visible classes and clusters, and does what their panel and menu offer."""

    statistics_export_requested = Signal(object)  # ClassStatistics

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker, panel: AnalysisPanel) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker, self._panel = window, workspace, worker, panel
        self._requested: dict[AnalysisKind, tuple[FittedAnalysis, bool]] = {}
        self._scored: tuple[Scoring, ScoreSummary | None] | None = None  # of the histogram in the panel
        self.statistics: StatisticsDialog | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._count)

    @property
    def _document(self) -> Document:
        return self._workspace.current

    # Counts and histogram

    def forget(self) -> None:
        """Cancel the work for the previous image."""
        self._requested.clear()
        self._scored = None
        self._rest.stop()
        for task in (*_COUNTS.values(), Task.SCORE_HISTOGRAM, Task.CLASS_REGIONS, Task.CLASS_STATISTICS):
            self._worker.cancel(task)

    def stop(self) -> None:
        """Count no more."""
        self._rest.stop()

    def count(self) -> None:
        """Count the pixels of the visible classes and clusters once they rest, unless that is done."""
        self._ask_histogram()
        document = self._workspace.current
        if not _of_classes(document):
            return
        self._rest.start()

    def _count(self) -> None:
        document = self._workspace.current
        for kind in _of_classes(document):
            fitted, task = document.fitted(kind), _COUNTS[kind]
            if fitted is None or fitted.analysis is None or document.counts_of(kind) is not None:
                continue
            wanted = fitted, document.analysis_settings.abstains
            if wanted != self._requested.get(kind):
                self._requested[kind] = wanted
                self._worker.submit(task, ClassMapRequest(*wanted), count_classes, self._take_counts)

    def _take_counts(self, request: ClassMapRequest, counts: ClassCounts) -> None:
        self._document.set_class_counts(request.fitted.request.kind, counts)

    def _ask_histogram(self) -> None:
        """Compute the histogram of the classes in the panel, unless it is shown or under way."""
        document, panel = self._document, self._panel
        fitted = document.analyses.get(AnalysisKind.CLASSES)
        if panel.kind is not AnalysisKind.CLASSES or not panel.isVisible() or fitted is None:
            return
        if isinstance(fitted.analysis, Classification):
            scoring = fitted.analysis.scoring
            if self._scored is None or self._scored[0] is not scoring:
                self._scored = scoring, None
                request = HistogramRequest(fitted.request.field, scoring)
                self._worker.submit(Task.SCORE_HISTOGRAM, request, summarise_scores, self._take_scores)

    def _take_scores(self, request: HistogramRequest, summary: ScoreSummary) -> None:
        if self._scored is not None and request.scoring is self._scored[0]:
            self._scored = request.scoring, summary
            self.show_counts()

    def show_counts(self) -> None:
        """Show counts in the panel and beside the pictures, and the histogram of scores."""
        document = self._workspace.current
        counts = {kind: document.counts_of(kind) for kind in _COUNTS}
        shares = {
            kind.value: {each.number: each.share for each in known.tally.counts}
            for kind, known in counts.items() if known is not None
        }  # fmt: skip
        self._window.panes.show_shares(shares)
        if not self._panel.isVisible():
            return
        kind = self._panel.kind
        if kind in _COUNTS:
            self._panel.show_counts(counts[kind], document.resolution(), self._remark(kind))
        if kind is AnalysisKind.CLASSES:
            fitted = document.analyses.get(kind)
            analysis = fitted.analysis if fitted is not None else None
            is_known = (
                self._scored is not None and isinstance(analysis, Classification)
                and analysis.scoring is self._scored[0]
            )  # fmt: skip
            summary = self._scored[1] if self._scored is not None and is_known else None
            self._panel.classes.show_histogram(summary.histogram if summary is not None else None, fitted)
            is_answering = document.analysis_settings.abstains and isinstance(document.field, CalibratedField)
            certainty = summary.certainty if summary is not None and is_answering else None
            self._panel.classes.show_certainty(counts[kind] if is_answering else None, certainty)

    def _remark(self, kind: AnalysisKind) -> str:
        """Why there are no counts of classes or clusters."""
        document = self._document
        known, fitted = document.analyses.get(kind), document.fitted(kind)
        if known is not None and known.analysis is None:
            return f"Not possible: {known.refusal}."
        if kind not in _of_classes(document):
            return ""
        is_asked = self._requested.get(kind) == (fitted, document.analysis_settings.abstains)
        return NOT_COUNTED if is_asked and not self._worker.is_busy(_COUNTS[kind]) else COUNTING

    def show_actions(self) -> None:
        """Enable what can be done with classes and clusters."""
        document = self._workspace.current
        kind = document.class_kind
        fitted = document.analyses.get(kind) if kind is not None else None
        is_possible = fitted is not None and fitted.analysis is not None
        actions = self._window.actions_by_name
        enable(actions, _ON_CLASSES, is_possible)
        clusters = document.analyses.get(AnalysisKind.CLUSTERS)
        enable(actions, ("centres_as_references",), clusters is not None and bool(clusters.centres))

    # Regions, statistics, reference spectra

    def _map(self) -> ClassMapRequest | None:
        """The visible classes as they are now; None while they are being learned, of which the user is notified."""
        document, kind = self._document, self._document.class_kind
        fitted = document.fitted(kind) if kind is not None else None
        if kind is None or fitted is None or fitted.analysis is None:
            mode = ANALYSES[kind or AnalysisKind.CLASSES]
            error = ValueError(f"{mode.title.lower()} are not ready; show them, or wait until they are computed")
            self._window.messages.show_failure(error)
            return None
        counts = document.counts_of(kind)
        numbers = counts.tally.numbers if counts is not None else None
        return ClassMapRequest(fitted, document.analysis_settings.abstains, numbers)

    def _chosen(self, asked: ClassMapRequest) -> dict[int, str]:
        """Number → name of the classes that are selected in the panel, or of all."""
        names = dict(enumerate(asked.analysis.names, 1))
        panel = self._panel
        selected = panel.table.selected() if panel.kind is asked.fitted.request.kind else []
        return {number: names[number] for number in selected if number in names} or names

    def make_regions(self) -> None:
        """Mark the largest areas of the selected classes, after a dialog."""
        asked = self._map()
        if asked is None:
            return
        chosen = self._chosen(asked)
        colours = {number: each.colour for number, each in enumerate(categories_of(asked.fitted), 1)}
        dialog = RegionsDialog(list(chosen.values()), self._window)

        def go() -> None:
            request = RegionsRequest(asked, chosen, colours, dialog.most.value(), dialog.least.value())
            self._worker.submit(Task.CLASS_REGIONS, request, find_regions, self._take_regions)

        dialog.accepted.connect(go)
        dialog.open()

    def _take_regions(self, request: RegionsRequest, found: ClassRegions) -> None:
        if request.map.image is not self._document.field:
            return
        added = self._document.add_found(found.marks)
        made = f"Made {added} {'region' if added == 1 else 'regions'}"
        self._window.messages.show_success(f"{made}{found.simplified.in_words()}.")

    def show_statistics(self) -> None:
        """Show the statistics of the selected classes in a dialog."""
        asked = self._map()
        if asked is None:
            return
        if self.statistics is None:
            self.statistics = StatisticsDialog(self._window)
            self.statistics.copy_requested.connect(self._copy)
            self.statistics.export_requested.connect(self.statistics_export_requested)
            self.statistics.finished.connect(self._close_statistics)
        self.statistics.show_statistics(None, "")
        self.statistics.show()
        self.statistics.raise_()
        request = StatisticsRequest(asked, self._chosen(asked))
        self._worker.submit(Task.CLASS_STATISTICS, request, compute_statistics, self._take_statistics)

    def _take_statistics(self, request: StatisticsRequest, found: ClassStatistics) -> None:
        if self.statistics is not None and request.map.image is self._document.field:
            self.statistics.show_statistics(found, request.map.image.quantity.label)

    def take_end(self) -> None:
        """Show that the statistics or the counts were cancelled, if they were."""
        if self.statistics is not None and not self._worker.is_busy(Task.CLASS_STATISTICS):
            self.statistics.show_end()
        self.show_counts()

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    def _close_statistics(self) -> None:
        self.statistics = None
        self._worker.cancel(Task.CLASS_STATISTICS)

    def use_centres(self) -> None:
        """Add the centres of the clusters to the reference spectra."""
        fitted = self._document.analyses.get(AnalysisKind.CLUSTERS)
        if fitted is None or not fitted.centres:
            return
        source = f"{len(fitted.centres)} clusters of {self._document.name}"
        try:
            self._document.add_references(fitted.centres, source)
        except ValueError as error:
            self._window.messages.show_failure(error)


def _of_classes(document: Document) -> list[AnalysisKind]:
    """The classes and clusters in the visible panes."""
    modes = {document.view_settings.modes[side] for side in document.view_settings.sides}
    return [kind for kind in _COUNTS if kind.value in modes]
