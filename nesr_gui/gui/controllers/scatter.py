"""The scatter plot: queries of its values, its display, and what is done with a selection."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from nesr_gui.analysis.components import Components
from nesr_gui.analysis.indices import INDICES
from nesr_gui.analysis.maps import AnalysisMap
from nesr_gui.analysis.pixelwise import Bools, brief_basis, rests_on
from nesr_gui.analysis.scatter import IntervalSummary, Limits
from nesr_gui.fields.protocol import CalibratedField, ProgressCallback, SpectralField
from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisRequest
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import Mark, Pixel
from nesr_gui.gui.model.palette import GREY
from nesr_gui.gui.model.scatter import KEY
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks import scatter as tasks
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.panels.scatter import EMPTY, ScatterPanel
from nesr_gui.gui.views.plot.scatter_view import Spot
from nesr_gui.regions import Point, Region

PREFERRED = 350  # px of the height of the panel
R = TypeVar("R")
T = TypeVar("T")
_TASKS = (
    Task.SCATTER, Task.SCATTER_DENSITY, Task.SCATTER_SELECTION, Task.SCATTER_INTERVALS, Task.SCATTER_REGIONS,
)  # fmt: skip
_ON_SELECTION = ("clear_selection", "selection_regions", "export_selection")
_BANDS = 7  # offered for axes
_NEGLIGIBLE = 0.005  # share of pixels that the line below the plot does not mention


class ScatterController(QObject):
    """Computes the scatter plot while its panel is visible or pixels are selected, and links it with the picture."""

    panel_made = Signal(object)  # ScatterPanel

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        area = Qt.DockWidgetArea.RightDockWidgetArea
        self.dock = window.add_panel("scatter", "Scatter plot", lambda: self.panel, area, row=1, shown=False)
        self._is_visible = False
        self._failure = ""  # why the axes have no values
        self._asked: dict[Task, tuple[object, ...]] = {}  # what the latest request of each task is about
        self._in_region = ""  # pixels of the active region, as text

    @cached_property
    def panel(self) -> ScatterPanel:
        """The panel, which takes long to make: it is made when it is first shown."""
        panel = ScatterPanel()
        self._window.panels.fill(self.dock, panel)
        self.panel_made.emit(panel)
        return panel

    @property
    def _document(self) -> Document:
        return self._workspace.current

    # What the user does

    def open(self) -> None:
        """Show the panel, and compute what is missing."""
        self._window.panels.reveal(self.panel, PREFERRED)
        self.panel.view.setFocus()
        self.query()

    def set_visible(self, is_visible: bool) -> None:
        """Compute and show the plot while its panel is visible."""
        self._is_visible = is_visible
        if is_visible:
            self.query()
            self.show()
            self.follow_pixels()

    def set_axes(self, x: str, y: str) -> None:
        """Choose the axes, if the field has both."""
        field = self._document.field
        if field is None:
            return
        self._failure = _failure_of((x, y), self._wanted())
        if self._failure:
            self._show_words()
        elif (x, y) != self._document.scatter.plot.axes(field.wavelength_range):
            self._document.scatter.set_axes(x, y)
        else:
            self.show()

    def select(self, vertices: tuple[Point, ...]) -> None:
        """Select the pixels inside a polygon."""
        scatter = self._document.scatter
        if scatter.map is not None:
            scatter.select(vertices, scatter.axes)

    def select_view(self) -> None:
        """Select the pixels in the visible range of the plot."""
        self._window.panels.reveal(self.panel, PREFERRED)
        self.panel.view.select_view()

    def clear_selection(self) -> None:
        """Select nothing."""
        document = self._document
        document.scatter.select((), document.scatter.axes)

    def set_log_counts(self, is_logarithmic: bool) -> None:
        """Colour logarithms of numbers, or the numbers."""
        document = self._document
        document.set_view_settings(replace(document.view_settings, log_counts=is_logarithmic))

    def set_colormap(self, name: str) -> None:
        """Choose the colours of numbers."""
        document = self._document
        chosen = None if name == GREY else name
        document.set_view_settings(document.view_settings.with_colormap(KEY, chosen))

    def set_limits(self, limits: Limits) -> None:
        """Count anew within the visible range."""
        self._query_density()

    def make_regions(self) -> None:
        """Mark the largest parts of the selection as regions."""
        document = self._document
        if document.scatter.mask is not None:
            request = tasks.RegionsRequest(document.scatter.mask, document.binning, "selection")
            self._worker.submit(Task.SCATTER_REGIONS, request, tasks.make_regions, self._take_regions)

    # Queries

    def forget(self) -> None:
        """Cancel the work for the previous field."""
        self._asked.clear()
        self._failure = self._in_region = ""
        for task in _TASKS:
            self._worker.cancel(task)

    def query(self) -> None:
        """Compute what is missing: the values, then what is selected, and the intervals."""
        document, scatter = self._workspace.current, self._workspace.current.scatter
        field = document.field
        if field is None or not (self._is_visible or scatter.plot.selection):
            return
        axes, wanted = scatter.plot.axes(field.wavelength_range), self._wanted()
        basis = wanted if tasks.needs_components(axes) else None
        if scatter.map is None or not scatter.is_of(axes, basis):
            scatter.forget_values()
            self._failure = _failure_of(axes, wanted)
            if self._failure:
                self._worker.cancel(Task.SCATTER)
            else:
                request = tasks.ScatterRequest(
                    axes, wanted, self._components(wanted), document.georeference
                )  # fmt: skip
                self._submit(Task.SCATTER, (field, axes, basis), request, tasks.compute_scatter, self._take_values)
            return
        if (vertices := scatter.plot.selection) and scatter.mask is None:
            selected = tasks.SelectionRequest(scatter.map, vertices)
            self._submit(
                Task.SCATTER_SELECTION, (scatter.map, vertices), selected, tasks.select_pixels, self._take_mask
            )
        if isinstance(field, CalibratedField) and scatter.intervals is None and self._is_visible:
            intervals = tasks.IntervalRequest(field, axes, scatter.map, self._components(wanted))
            key = (scatter.map,)
            self._submit(Task.SCATTER_INTERVALS, key, intervals, tasks.compute_intervals, self._take_intervals)

    def _wanted(self) -> AnalysisRequest:
        """The components of the field, as they are defined at present."""
        wanted = self._document.analysis_request(AnalysisKind.COMPONENTS)
        assert wanted is not None  # with a field
        return wanted

    def _components(self, wanted: AnalysisRequest) -> Components | None:
        """The components, if the view mode or an axis has needed them already."""
        fitted, own = self._document.fitted(AnalysisKind.COMPONENTS), self._document.scatter.components
        if fitted is not None and isinstance(fitted.analysis, Components):
            return fitted.analysis
        return own[1] if own is not None and own[0] == wanted else None

    def take_end(self) -> None:
        """Say so if the values were not computed, and allow to ask again."""
        self._asked.pop(Task.SCATTER, None)
        self._show_words()

    def _query_density(self) -> None:
        """Count all pixels in the visible range, and those of the active region."""
        document, scatter = self._document, self._document.scatter
        if document.field is None or scatter.map is None or not self._is_visible:
            return
        mark = document.mark_set.active_mark
        region = mark.place if mark is not None and isinstance(mark.place, Region) else None
        limits = self.panel.view.view_limits()
        request = tasks.DensityRequest(document.field, scatter.map, limits, region)
        shown_as = (mark.title, mark.colour) if mark is not None and region is not None else None
        key = scatter.map, limits, region, shown_as
        self._submit(Task.SCATTER_DENSITY, key, request, tasks.count_pixels, self._take_densities)

    def _submit(
        self, task: Task, key: tuple[object, ...], request: R, run: Callable[[R, ProgressCallback], T],
        take: Callable[[R, T], None],
    ) -> None:  # fmt: skip
        """Submit a request unless that with the same key was the latest one."""
        if self._asked.get(task) != key:
            self._asked[task] = key
            self._worker.submit(task, request, run, take)

    # Results, each discarded if what was asked about has changed

    def _take_values(self, request: tasks.ScatterRequest, values: tasks.ScatterValues) -> None:
        document, field = self._document, request.wanted.field
        if field is not document.field or request.axes != document.scatter.plot.axes(field.wavelength_range):
            return
        components = None
        if tasks.needs_components(request.axes) and values.components is not None:
            if request.wanted != self._wanted():
                return
            components = request.wanted, values.components
        document.scatter.set_values(request.axes, values.map, values.limits, components)

    def _take_mask(self, request: tasks.SelectionRequest, mask: Bools) -> None:
        scatter = self._document.scatter
        self._asked.pop(Task.SCATTER_SELECTION, None)  # computed anew when an undone selection is back
        if request.map is scatter.map and request.vertices == scatter.plot.selection:
            scatter.set_mask(mask)

    def _take_intervals(self, request: tasks.IntervalRequest, intervals: IntervalSummary) -> None:
        scatter = self._document.scatter
        if request.map is scatter.map:
            scatter.set_intervals(intervals)

    def _take_densities(self, request: tasks.DensityRequest, found: tasks.Densities) -> None:
        asked = self._asked.get(Task.SCATTER_DENSITY, ())[:3]
        if asked != (self._document.scatter.map, request.limits, request.region):
            return
        mark = self._document.mark_set.active_mark
        is_of_region = found.region is not None and mark is not None and mark.place == request.region
        self._in_region = f"{mark.title}: {found.in_region:,}" if is_of_region and mark is not None else ""
        of_region = (found.region, mark.colour) if is_of_region and found.region and mark is not None else None
        self.panel.view.show_densities(found.all, of_region)
        self._show_words()

    def _take_regions(self, request: tasks.RegionsRequest, found: tasks.SelectedRegions) -> None:
        document = self._document
        if request.mask is not document.scatter.mask:
            return
        document.mark_set.take_all([Mark(1, each.place, "", "", each.name) for each in found.regions])
        self._window.messages.show_success(found.in_words("the selection"))

    # Display

    def show(self) -> None:
        """Show axes, selection and intervals, and the selected pixels in the picture."""
        document, scatter = self._workspace.current, self._workspace.current.scatter
        if document.source_shape is not None:
            self._window.panes.show_selection(scatter.mask, document.binning, document.source_shape)
        self._show_actions(bool(scatter.plot.selection))
        if not self._is_visible:
            return
        panel, view = self.panel, self.panel.view
        panel.show_possible(document.field is not None, bool(scatter.plot.selection))
        settings = document.view_settings
        panel.show_style(settings.log_counts, settings.colormaps.get(KEY, GREY))
        if document.field is not None:
            panel.show_suggestions(_suggestions(self._wanted()))
            panel.show_axes(scatter.plot.axes(document.field.wavelength_range))
        names = ("", "") if scatter.map is None else (scatter.map.layers[0].name, scatter.map.layers[1].name)
        view.show_axes(names, scatter.limits)
        if scatter.map is None:
            view.show_densities(None, None)
        view.show_selection(scatter.plot.selection if scatter.map is not None else ())
        view.show_intervals(scatter.intervals.widths if scatter.intervals is not None else None)
        self._show_words()

    def follow_pixels(self) -> None:
        """Show the pins, the pixel under the mouse and the active region in the plot."""
        if self._is_visible:
            self._show_spots()
            self._query_density()

    def _show_spots(self) -> None:
        document = self._document
        places: list[tuple[Mark | None, Pixel]] = [
            (mark, mark.place) for mark in document.mark_set.visible if not isinstance(mark.place, Region)
        ]
        if document.hover is not None:
            places.append((None, document.hover))
        spots = []
        for mark, (row, col) in places:
            if document.scatter.map is not None:
                x, y = document.scatter.map.values[:, row // document.binning, col // document.binning].tolist()
                if math.isfinite(x) and math.isfinite(y):
                    spots.append(Spot(x, y, mark))
        self.panel.view.show_spots(spots)

    def _show_actions(self, has_selection: bool) -> None:
        actions = self._window.actions_by_name
        enable(actions, _ON_SELECTION, has_selection)
        enable(actions, ("select_in_view",), self._document.scatter.map is not None)

    def _show_words(self) -> None:
        """State what the plot shows, and what it rests on."""
        document, scatter = self._document, self._document.scatter
        if document.field is None:
            self.panel.show_words(EMPTY)
        elif self._failure:
            self.panel.show_words(f"{self._failure[:1].upper()}{self._failure[1:].rstrip('.')}.")
        elif scatter.map is None:
            is_busy = self._worker.is_busy(Task.SCATTER)
            self.panel.show_words("Computing…" if is_busy else "The values are not computed; press O to compute them.")
        else:
            self.panel.show_words(*self._description(document, document.field, scatter.map))

    def _description(self, document: Document, field: SpectralField, values: AnalysisMap) -> tuple[str, str]:
        """What the plot shows and rests on, in brief and in full."""
        scatter, total = document.scatter, values.values[0].size
        parts = [f"{total:,} pixels"]
        if self._in_region:
            parts.append(self._in_region)
        if scatter.mask is not None:
            count = int(np.count_nonzero(scatter.mask))
            parts.append(f"selected: {count:,} ({tasks.percent(count / total)})")
        brief = full = f"{'; '.join(parts)}."
        if document.is_estimated:
            brief, full = f"{brief} {brief_basis(field)}.", f"{full} {rests_on(field)}"
        if (intervals := scatter.intervals) is not None:
            (across, up), shares = intervals.widths, [tasks.percent(share) for share in intervals.shares]
            wider = f"wider than the spread of the image for {shares[0]} of the pixels on x, {shares[1]} on y"
            sample = "" if intervals.pixels >= total else f" (of {intervals.pixels:,} pixels)"
            full += f" Cross: median 90 % prediction interval, {across:.2g} × {up:.2g}; {wider}{sample}."
            brief += " Cross: median 90 % interval"
            brief += f", {wider}." if max(intervals.shares) > _NEGLIGIBLE else "."
        return brief, full


def _failure_of(axes: tuple[str, str], wanted: AnalysisRequest) -> str:
    """Why a field does not have both quantities, in one sentence; empty if it has."""
    for name, axis in zip("xy", axes, strict=True):
        try:
            tasks.check_axis(axis, wanted)
        except ValueError as error:
            return f"{name} axis: {error}"
    return ""


def _suggestions(wanted: AnalysisRequest) -> list[tuple[str, str]]:
    """Quantities that a field has, and what they are."""
    low, high = wanted.field.wavelength_range
    bands = [f"b{nm:.0f}" for nm in np.linspace(math.ceil(low), math.floor(high), _BANDS)]
    offered = [(text, f"Value at {text[1:]} nm") for text in dict.fromkeys(bands)]
    tip = "Component of the spectra, as defined in the panel Analysis"
    offered += [(name, tip) for name in tasks.component_names(wanted)]
    offered += [(name, f"{index.title}: {index.expression}") for name, index in INDICES.items()]
    middle = (low + high) / 2
    offered.append((f"mean({low:g}, {middle:g})", "Mean over a range in nm"))
    return [(text, tip) for text, tip in offered if not _failure_of((text, text), wanted)]
