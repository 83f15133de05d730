"""Analyses: learns those that are shown from the image, and connects their panel."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace

from PySide6.QtCore import QObject, Qt

from nesr_gui.analysis.classification import ABSTAINED, NONE
from nesr_gui.analysis.clustering import Clusters
from nesr_gui.analysis.definitions import Definition
from nesr_gui.analysis.pixelwise import rests_on
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.gui.drawing.tone_mapping import NONE_COLOUR, UNCERTAIN_COLOUR
from nesr_gui.gui.model.analyses import (
    AnalysisKind,
    AnalysisRequest,
    AnalysisSettings,
    FittedAnalysis,
)
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.palette import cluster_colour
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.analyses import FitRequest, fit_analyses
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes import ANALYSES
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.panels.analysis import AnalysisPanel
from nesr_gui.gui.views.panels.class_table import ClassRow
from nesr_gui.gui.views.widgets import scrollable

HEIGHT = 350  # px of the panel when it opens: a histogram and some rows of the table


class AnalysisController(QObject):
    """Keeps the analyses of the visible pictures in step with the image, its marks and the settings."""

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self.panel = AnalysisPanel()
        area = Qt.DockWidgetArea.RightDockWidgetArea
        self.dock = window.add_panel("analysis", "Analysis", scrollable(self.panel), area, row=1, shown=False)
        self._requested: tuple[AnalysisRequest, ...] = ()

    @property
    def _document(self) -> Document:
        return self._workspace.current

    # Changes

    def show(self, kind: AnalysisKind) -> None:
        """Show an analysis in the active pane, and its panel."""
        document = self._document
        document.set_view_settings(document.view_settings.showing(ANALYSES[kind].name))
        self._window.panels.reveal(self.panel, HEIGHT)

    def set_definition(self, kind: AnalysisKind, definition: Definition, item: str, is_continued: bool) -> None:
        """Change the definition of an analysis."""
        series = (kind, item) if is_continued else None
        self._set(self._document.analysis_settings.with_definition(kind, definition), item, series)

    def set_threshold(self, key: str, threshold: float | None) -> None:
        """Give a class a threshold of its own; None for that of all classes."""
        settings = self._document.analysis_settings
        try:
            definition = settings.classes.with_own(key, threshold)
        except ValueError as error:
            self._window.messages.show_failure(error)
            self.show_panel()
            return
        if definition == settings.classes:
            self.show_panel()  # which may show what was typed
        self._set(settings.with_definition(AnalysisKind.CLASSES, definition), "threshold of a class")

    def use(self, key: str, is_used: bool) -> None:
        """Use a spectrum as class and endmember, or leave it out."""
        self._set(self._document.analysis_settings.using(key, is_used), "analysed spectra")

    def set_range(self, within: tuple[float, float] | None) -> None:
        """Set the wavelengths of all analyses; None for all."""
        self._set(replace(self._document.analysis_settings, within=within), "analysed wavelengths", "range")

    def set_layers(self, kind: AnalysisKind, layers: tuple[int, ...]) -> None:
        """Show other layers of an analysis in the active pane."""
        document, name = self._document, ANALYSES[kind].name
        document.set_view_settings(document.view_settings.showing(name).with_layers(name, *layers))

    def set_abstaining(self, abstains: bool) -> None:
        """Mark uncertain pixels, or not."""
        self._set(replace(self._document.analysis_settings, abstains=abstains), "marking of uncertain pixels")

    def _set(self, settings: AnalysisSettings, item: str, series: Hashable = None) -> None:
        self._document.set_analysis_settings(settings, item, series)

    # Learning

    def forget(self) -> None:
        """Cancel the work for the previous field."""
        self._requested = ()
        self._worker.cancel(Task.FIT_ANALYSIS)

    def fit(self) -> None:
        """Learn the analyses that are shown, unless they are known or being learned."""
        document = self._workspace.current
        kinds = _shown(document)
        if not kinds or document.field is None:
            return
        wanted = tuple(request for kind in kinds if (request := document.analysis_request(kind)) is not None)
        if not wanted:
            return
        if self._are_known(wanted):
            if self._requested:  # undo and redo in quick succession: what is being learned is wanted no more
                self.forget()
        elif wanted != self._requested:
            self._requested = wanted
            self._worker.submit(Task.FIT_ANALYSIS, FitRequest(wanted, document.analyses), fit_analyses, self._take)

    def _are_known(self, wanted: tuple[AnalysisRequest, ...]) -> bool:
        analyses = self._document.analyses
        return all((known := analyses.get(each.kind)) is not None and known.request == each for each in wanted)

    def _take(self, request: FitRequest, fitted: Mapping[AnalysisKind, FittedAnalysis]) -> None:
        """Use a result unless the image has changed meanwhile."""
        if request.requests == self._requested:
            self._requested = ()
        if all(each.field is self._document.field for each in request.requests):
            self._document.set_analyses(fitted)

    def take_end(self) -> None:
        """After a failure or cancellation, learn again what is still wanted at the next change."""
        if not self._worker.is_busy(Task.FIT_ANALYSIS):
            self._requested = ()

    # Display

    def show_panel(self) -> None:
        """Show the analysis of the active pane, or the last one, in the panel."""
        document = self._workspace.current
        self.panel.show_kind(document.view_settings.analysis)
        if not self.dock.isVisible():
            return
        settings, field = document.analysis_settings, document.field
        fitted = document.analyses.get(self.panel.kind)
        self.panel.show_settings(settings, document.wavelength_range)
        shown = document.view_settings.layers[document.view_settings.active]
        self.panel.show_layers(shown.get(ANALYSES[self.panel.kind].name, (0,)))
        self.panel.show_rows(_rows(document, self.panel.kind, fitted), settings.classes)
        words = rests_on(field) if field is not None else ""
        self.panel.show_fitted(fitted, words, isinstance(field, CalibratedField))


def _shown(document: Document) -> list[AnalysisKind]:
    """The analyses in the visible panes."""
    settings = document.view_settings
    names = {settings.modes[side] for side in settings.sides}
    return [kind for kind, mode in ANALYSES.items() if mode.name in names]


def _rows(document: Document, kind: AnalysisKind, fitted: FittedAnalysis | None) -> list[ClassRow]:
    """The rows of the table of an analysis: spectra or clusters, and what belongs to none of them."""
    rows, settings = list[ClassRow](), document.analysis_settings
    if settings.definition(kind).least_spectra:
        number = 0
        for each in document.analysis_spectra:
            is_used = each.key not in settings.left_out
            number += is_used
            rows.append(ClassRow(each.key, each.name, each.colour, number if is_used else -1, is_used))
    elif fitted is not None and isinstance(fitted.analysis, Clusters):
        rows += [
            ClassRow(name, name, cluster_colour(number), number)
            for number, name in enumerate(fitted.analysis.names, 1)
        ]  # fmt: skip
    if rows and kind is AnalysisKind.CLASSES:
        rows.append(ClassRow("none", "No class", NONE_COLOUR, NONE))
    if rows and kind.is_of_classes and settings.abstains and isinstance(document.field, CalibratedField):
        rows.append(ClassRow("uncertain", "Uncertain", UNCERTAIN_COLOUR, ABSTAINED))
    return rows
