"""The scatter plot of an image: two quantities of every pixel, and a selection among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtGui import QUndoStack

from nesr_gui.analysis.components import Components
from nesr_gui.analysis.expression import MAX_LENGTH
from nesr_gui.analysis.maps import AnalysisMap
from nesr_gui.analysis.pixelwise import Bools
from nesr_gui.analysis.scatter import IntervalSummary, Limits
from nesr_gui.gui.model.analyses import AnalysisRequest
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.undo import ReplaceValue
from nesr_gui.regions import Point

MAX_VERTICES = 10_000  # of a selection
KEY = "scatter"  # of its colormap in the view settings


@dataclass(frozen=True)
class ScatterPlot:
    """Two axes, and what is selected on them.

    Attributes:
        x: expression, name of an index or of a component on the horizontal axis; empty for a default band.
        y: the same of the vertical axis.
        selection: vertices (x, y) of a polygon whose pixels are selected; empty if none are.
    """

    x: str = ""
    y: str = ""
    selection: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        if max(len(self.x), len(self.y)) > MAX_LENGTH:
            raise ValueError(f"an axis of more than {MAX_LENGTH:,} characters")
        count = len(self.selection)
        if count in (1, 2) or count > MAX_VERTICES or not np.isfinite(self.selection).all():
            raise ValueError(f"a selection of {count} corners; expected 3 to {MAX_VERTICES:,} finite ones")
        if count and not (self.x and self.y):
            raise ValueError("a selection without its axes")

    def axes(self, wavelength_range: tuple[float, float]) -> tuple[str, str]:
        """Both axes for a field that covers a range (nm), with default bands at 1/2 and 5/6 of it."""
        low, high = wavelength_range
        x, y = (f"b{low + share * (high - low):.0f}" for share in (1 / 2, 5 / 6))
        return self.x or x, self.y or y


class ScatterModel:
    """The scatter plot and its values; changes are commands on the undo stack.

    Attributes:
        plot: axes and selection.
        map: the values of both axes; None until they are computed.
        axes: of these values.
        limits: automatic limits of these values.
        mask: the selected pixels of the field (H, W); None without a selection, or until it is computed.
        intervals: prediction intervals of the values; None for a measured field, or until they are computed.
        basis: the components that an axis is one of; None if no axis is.
        components: components that an axis needed, also an earlier one, and what they were learned from.
    """

    def __init__(self, undo_stack: QUndoStack, announce: Callable[[Change], None]) -> None:
        self._undo_stack, self._announce = undo_stack, announce
        self.plot = ScatterPlot()
        self.components: tuple[AnalysisRequest, Components] | None = None
        self.forget_values()

    def start(self) -> None:
        """Return to the first axes, without a selection, for a new image; not undoable."""
        self.forget_answers()
        self._put(ScatterPlot())

    def restore(self, plot: ScatterPlot) -> None:
        """Set the scatter plot of a session file; not undoable."""
        self._put(plot)

    def set_axes(self, x: str, y: str) -> None:
        """Choose the axes, which ends the selection on the previous ones."""
        self._replace("change of axes", ScatterPlot(x, y))

    def select(self, vertices: Sequence[Point], axes: tuple[str, str]) -> None:
        """Select the pixels inside a polygon on axes; no vertices end the selection."""
        text = "select in scatter plot" if vertices else "clear selection"
        after = ScatterPlot(*axes, tuple(vertices)) if vertices else replace(self.plot, selection=())
        self._replace(text, after)

    def forget_answers(self) -> None:
        """Drop what was computed from the previous field."""
        self.components = None
        self.forget_values()

    def forget_values(self) -> None:
        """Drop the values of previous axes."""
        self.map: AnalysisMap | None = None
        self.axes = ("", "")
        self.basis: AnalysisRequest | None = None
        self.limits: Limits | None = None
        self.mask: Bools | None = None
        self.intervals: IntervalSummary | None = None

    def is_of(self, axes: tuple[str, str], basis: AnalysisRequest | None) -> bool:
        """Whether the values are those of axes, and of components if these are."""
        return self.map is not None and self.axes == axes and self.basis == basis

    def set_values(
        self,
        axes: tuple[str, str],
        values: AnalysisMap,
        limits: Limits,
        components: tuple[AnalysisRequest, Components] | None,
    ) -> None:
        """Set the values of both axes, and the components that they are of."""
        self.axes, self.map, self.limits = axes, values, limits
        self.basis = components[0] if components is not None else None
        self.components = components or self.components
        self._announce(Change.SCATTER_VALUES)

    def set_mask(self, mask: Bools | None) -> None:
        """Set the selected pixels."""
        self.mask = mask
        self._announce(Change.SCATTER_VALUES)

    def set_intervals(self, intervals: IntervalSummary) -> None:
        """Set the prediction intervals of the values."""
        self.intervals = intervals
        self._announce(Change.SCATTER_VALUES)

    def _replace(self, text: str, after: ScatterPlot) -> None:
        if after != self.plot:
            self._undo_stack.push(ReplaceValue(text, self._put, self.plot, after))

    def _put(self, plot: ScatterPlot) -> None:
        self.plot, self.mask = plot, None
        self._announce(Change.SCATTER)
