"""Values of analyses: the shown layers, their means, masks as regions, and the wavelength in loadings."""

from __future__ import annotations

from PySide6.QtCore import QObject

from nesr_gui.analysis.pixelwise import Doubles
from nesr_gui.gui.model.analyses import AnalysisKind, FittedAnalysis
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks import value_maps as tasks
from nesr_gui.gui.tasks.scatter import SelectedRegions
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes import ANALYSES, MODES
from nesr_gui.gui.view_modes.analysis import AnalysisMode
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.panels.analysis import AnalysisPanel
from nesr_gui.gui.views.panels.value_pages import AbundancesPage, ComponentsPage, ExpressionPage
from nesr_gui.regions import Region

_KINDS = (AnalysisKind.ABUNDANCES, AnalysisKind.EXPRESSION, AnalysisKind.COMPONENTS)
_TASKS = Task.IMAGE_MEANS, Task.REGION_MEANS, Task.MASK_REGIONS


class ValueMapController(QObject):
    """Chooses what the pictures of values show, and uses them; `panel` is that of the analyses."""

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker, panel: AnalysisPanel) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker, self._panel = window, workspace, worker, panel
        pages = panel.pages
        abundances, expression, components = (pages[kind] for kind in _KINDS)
        assert isinstance(abundances, AbundancesPage) and isinstance(expression, ExpressionPage)
        assert isinstance(components, ComponentsPage)
        self.abundances, self.expression, self.components = abundances, expression, components
        self._asked: dict[Task, tuple[object, ...]] = {}  # what was requested or is known
        self._means: dict[Task, Doubles] = {}
        self._enabled: tuple[object, ...] = ()

    @property
    def _document(self) -> Document:
        return self._workspace.current

    # Layers

    def show_next_layer(self) -> None:
        """Show the next layer of the analysis in the active pane; after the last one, the first."""
        self._step(1)

    def show_previous_layer(self) -> None:
        """Show the previous layer of the analysis in the active pane."""
        self._step(-1)

    def mix_layers(self) -> None:
        """Show the first layers of the analysis in the active pane as colours, or a single one again."""
        context, mode = self._shown()
        if mode is None:
            return
        mixture = mode.first_mixture(context)
        if len(mode.layers(context)) > 1:
            self._show_layers(mode, mode.layers(context)[:1])
        elif mixture is not None:
            self._show_layers(mode, mixture)

    def _step(self, by: int) -> None:
        context, mode = self._shown()
        if mode is None:
            return
        count = len(mode.analysis(context).layers)
        self._show_layers(mode, ((mode.layers(context)[0] + by) % count,))

    def _shown(self) -> tuple[RenderContext, AnalysisMode | None]:
        """The analysis in the active pane; None while there is none."""
        context = RenderContext.of(self._document)
        mode = MODES[context.view_settings.mode]
        is_ready = isinstance(mode, AnalysisMode) and not mode.unavailable_reason(context)
        return context, mode if is_ready and isinstance(mode, AnalysisMode) else None

    def _show_layers(self, mode: AnalysisMode, layers: tuple[int, ...]) -> None:
        self._document.set_view_settings(self._document.view_settings.with_layers(mode.name, *layers))

    # Regions

    def make_regions(self) -> None:
        """Mark the largest parts of the mask as regions."""
        document = self._document
        fitted = document.fitted(AnalysisKind.EXPRESSION)
        if fitted is None:
            error = ValueError("the expression is still being computed; make its regions in a moment")
            self._window.messages.show_failure(error)
        elif tasks.is_mask(fitted.analysis):
            request = tasks.MapRequest(fitted, document.analysis_settings.abstains)
            self._worker.submit(Task.MASK_REGIONS, request, tasks.outline_mask, self._take_regions)

    def _take_regions(self, request: tasks.MapRequest, found: SelectedRegions) -> None:
        document = self._document
        if request.fitted.request.field is not document.field:
            return
        document.add_found([Mark(1, each.place, "", "", each.name) for each in found.regions])
        self._window.messages.show_success(found.in_words("the mask"))

    # Means

    def forget(self) -> None:
        """Cancel the work for the previous field."""
        self._asked.clear()
        self._means.clear()
        for task in _TASKS:
            self._worker.cancel(task)

    def query_means(self) -> None:
        """Average the abundances over the image and the active region, where they are shown."""
        if not self.abundances.isVisible():
            return
        document = self._document
        fitted = document.analyses.get(AnalysisKind.ABUNDANCES)
        mark = document.mark_set.active_mark
        region = mark.place if mark is not None and isinstance(mark.place, Region) else None
        self._query(Task.IMAGE_MEANS, fitted, None)
        if region is None:
            self._forget(Task.REGION_MEANS)
        else:
            self._query(Task.REGION_MEANS, fitted, region)
        self._show_means()

    def _query(self, task: Task, fitted: FittedAnalysis | None, region: Region | None) -> None:
        known = fitted.rendered if fitted is not None else None, region  # another difference has the same means
        if self._asked.get(task) == known:
            return
        self._forget(task)
        if fitted is not None and fitted.analysis is not None:
            self._asked[task] = known
            request = tasks.MeansRequest(fitted, region)
            self._worker.submit(
                task, request, tasks.compute_means, lambda request, means: self._take_means(task, request, means)
            )

    def _forget(self, task: Task) -> None:
        if self._asked.pop(task, None) is not None:
            self._means.pop(task, None)
            self._worker.cancel(task)

    def _take_means(self, task: Task, request: tasks.MeansRequest, means: Doubles) -> None:
        if self._asked.get(task) == (request.fitted.rendered, request.region):
            self._means[task] = means
            self._show_means()

    def _show_means(self) -> None:
        known = [self._means.get(task) for task in (Task.IMAGE_MEANS, Task.REGION_MEANS)]
        self.abundances.show_means(*(each.tolist() if each is not None else None for each in known))

    def take_end(self) -> None:
        """After a failure or cancellation, ask again at the next change."""
        for task in (Task.IMAGE_MEANS, Task.REGION_MEANS):
            if task not in self._means and not self._worker.is_busy(task):
                self._asked.pop(task, None)

    # Display

    def show_wavelength(self) -> None:
        """Show the selected wavelength in the loadings."""
        if self.components.isVisible():
            self.components.loadings.show_wavelength(self._document.nm)

    def pick_wavelength(self, nm: float) -> None:
        """Select a wavelength."""
        self._document.set_wavelength(nm)

    def show_actions(self) -> None:
        """Enable the actions on layers and maps."""
        document = self._document
        basis = document.view_settings.mode, document.analyses, document.field
        if basis == self._enabled:
            return
        self._enabled = basis
        context, mode = self._shown()
        actions = self._window.actions_by_name
        analysis = mode.analysis(context) if mode is not None else None
        has_layers = analysis is not None and len(analysis.layers) > 1
        enable(actions, ("next_layer", "previous_layer"), has_layers)
        enable(actions, ("mix_layers",), mode is not None and mode.first_mixture(context) is not None)
        enable(actions, ("export_map",), mode is not None and mode.kind in _KINDS)
        enable(actions, ("export_loadings",), mode is ANALYSES[AnalysisKind.COMPONENTS])
        enable(actions, ("mask_regions",), tasks.is_mask(analysis))
