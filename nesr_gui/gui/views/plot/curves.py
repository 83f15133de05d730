"""The curves of the plot: spectra of marks with spread, truth and smooth metamer, and reference spectra."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsPathItem, QStyleOptionGraphicsItem, QWidget

from nesr_gui.gui.drawing.spectra import paint_spread
from nesr_gui.gui.drawing.symbols import screen_pen, symbol_path
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.plot_settings import Kind, Line, PlotContent, Spread, SpreadKind, Transform, symbol_places


class _Signs(pg.ScatterPlotItem):  # type: ignore[misc]
    """Scatter symbols that ignore clicks; pyqtgraph would keep references to clicked points."""

    def mouseClickEvent(self, event: Any) -> None:
        """Leave clicks to the items below."""
        event.ignore()


class _SpreadItem(QGraphicsPathItem):
    """The band around a spectrum; hatch and outline keep their size at any zoom."""

    def __init__(self, box: Any) -> None:
        super().__init__()
        self._box = box
        self.kind, self.colour = SpreadKind.INTERVAL, "#000000"

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:  # fmt: skip
        """Paint in pixels of the view."""
        outline = painter.worldTransform().map(self.path())
        painter.save()
        painter.setWorldTransform(QTransform())
        paint_spread(painter, outline, self.kind, self.colour, self._box.sceneBoundingRect())
        painter.restore()


class CurveLayer:
    """Draws a `PlotContent` into a plot; a logarithmic axis runs over the exponents of the values."""

    def __init__(self, plot: Any, quiet: Callable[[], QColor]) -> None:
        self._plot, self._quiet = plot, quiet
        self.plotted = PlotContent()
        self.lines: dict[Kind, dict[int, Any]] = {kind: {} for kind in Kind}  # by mark number
        self.curves, self.truths = self.lines[Kind.CURVE], self.lines[Kind.TRUTH]
        self._drawn: dict[tuple[Kind, int], tuple[object, ...]] = {}
        self.spreads: dict[int, _SpreadItem] = {}
        self._ends_of: tuple[object, object] | None = None  # what `_ends` were computed for
        self._ends: list[tuple[Line, float]] = []
        self.inputs, self.symbols, self.dots = (_Signs(pxMode=True) for _ in range(3))
        for place, scatter in enumerate((self.inputs, self.symbols, self.dots)):
            scatter.setZValue(17 + place)
            plot.addItem(scatter, ignoreBounds=True)

    def show(self, plotted: PlotContent) -> None:
        """Update all curves and symbols to the content."""
        self.plotted = plotted
        wanted: dict[Kind, dict[int, Line]] = {kind: {} for kind in Kind}
        heights: dict[tuple[Kind, int], float] = {}
        for place, line in enumerate(lines := plotted.lines):
            of_kind = wanted[line.kind]
            number = line.mark.number if line.mark is not None else len(of_kind)
            of_kind[number], heights[line.kind, number] = line, place / len(lines)
        drawn: dict[tuple[Kind, int], tuple[object, ...]] = {}
        for kind, items in self.lines.items():
            _keep(self._plot, items, wanted[kind], pg.PlotDataItem)
            for number, line in wanted[kind].items():
                state = drawn[kind, number] = (line.spectrum, plotted.basis, plotted.axes.is_logarithmic)
                items[number].setPen(self._pen(line))
                items[number].setZValue(heights[kind, number])  # independent of the order of the results
                if self._drawn.get((kind, number)) != state:  # dragging one mark leaves the other curves unchanged
                    values = plotted.axes.scaled(plotted.values(line.spectrum))
                    items[number].setData(line.spectrum.wavelengths.nm, values, connect="finite")
        self._drawn = drawn
        self._show_spreads()
        self._show_inputs()
        self.show_symbols()

    def show_dots(self, nm: float, values: Mapping[int, float]) -> None:
        """Place each mark's symbol on its curve at `nm`, at `values` by number, or interpolated where missing."""
        spots = []
        for mark in self.plotted.marks:
            if (line := self.curves.get(mark.number)) is not None:
                exact = values.get(mark.number) if self.plotted.transform == Transform() else None
                value = self._value_of(line, nm) if exact is None else self._scaled(exact)
                if np.isfinite(value):
                    spots.append(self._spot(mark, nm, value, 12))
        self.dots.setData(spots)

    def readout(self, nm: float) -> list[tuple[Mark | None, str, float]]:
        """Mark, name and displayed value of every curve at a wavelength."""
        rows = []
        for line in self.plotted.lines:
            values, bands = self.plotted.values(line.spectrum), line.spectrum.wavelengths.nm
            rows.append((line.mark, line.name, float(np.interp(nm, bands, values, left=np.nan, right=np.nan))))
        return rows

    def ends(self) -> list[tuple[Line, float]]:
        """The curves of marks and references, and their heights at the visible end."""
        if self._ends_of != (self.plotted, visible := self._visible()):
            self._ends_of, self._ends = (self.plotted, visible), []
            for line in self.plotted.lines:
                if line.kind in (Kind.CURVE, Kind.LIBRARY):
                    nm, values = line.spectrum.wavelengths.nm, self.plotted.values(line.spectrum)
                    at = symbol_places(nm, visible)[1]
                    height = self._scaled(float(np.interp(at, nm, values, left=np.nan, right=np.nan)))
                    if np.isfinite(height):
                        self._ends.append((line, height))
        return self._ends

    def show_symbols(self) -> None:
        """Place the symbols of the marks at the visible ends of their curves."""
        spots, visible = [], self._visible()
        for mark in self.plotted.marks:
            if (line := self.curves.get(mark.number)) is not None:
                for nm in symbol_places(line.getData()[0], visible):
                    if np.isfinite(value := self._value_of(line, nm)):
                        spots.append(self._spot(mark, nm, value, 9))
        self.symbols.setData(spots)

    def _visible(self) -> tuple[float, float]:
        low, high = self._plot.getViewBox().viewRange()[0]
        return low, high

    def _scaled(self, value: float) -> float:
        return float(self.plotted.axes.scaled(np.array(value)))

    def _show_spreads(self) -> None:
        wanted = {spread.mark.number: spread for spread in self.plotted.shown_spreads}
        _keep(self._plot, self.spreads, wanted, partial(_SpreadItem, self._plot.getViewBox()))
        for place, (number, spread) in enumerate(wanted.items()):
            item = self.spreads[number]
            item.kind, item.colour = spread.kind, spread.mark.colour
            item.setPath(self._outline(spread))
            item.setZValue(-5 + place / len(wanted))

    def _outline(self, spread: Spread) -> Any:
        """The closed outline of a band; without a logarithm, its lower edge is far below the axis."""
        low, high = (self.plotted.axes.scaled(edge) for edge in (spread.low, spread.high))
        if self.plotted.axes.is_logarithmic:
            low = np.where(np.isnan(low) & np.isfinite(spread.low), -30.0, low)
        finite, nm = np.isfinite(low) & np.isfinite(high), spread.nm
        x, y = np.concatenate([nm[finite], nm[finite][::-1]]), np.concatenate([low[finite], high[finite][::-1]])
        return pg.arrayToQPath(x, y, finiteCheck=False)

    def _show_inputs(self) -> None:
        """Show the input bands of a model as open circles."""
        spots = []
        for mark, inputs in self.plotted.inputs:
            for nm, value in zip(inputs[0], self.plotted.axes.scaled(inputs[1]), strict=True):
                if np.isfinite(value):
                    ring = _ring(mark.colour)
                    spots.append({"pos": (nm, value), "size": 8, "symbol": "o", "brush": None, "pen": ring})
        self.inputs.setData(spots)

    def _value_of(self, line: Any, nm: float) -> float:
        x, y = line.getData()
        return float(np.interp(nm, x, y, left=np.nan, right=np.nan))

    def _spot(self, mark: Mark, nm: float, value: float, size: int) -> dict[str, Any]:
        ground = self._plot.getViewWidget().palette().base().color().name()
        return {
            "pos": (nm, value), "size": size, "symbol": symbol_path(mark.symbol), "brush": _brush(mark.colour),
            "pen": _edge(ground), "data": mark.number,
        }  # fmt: skip

    def _pen(self, line: Line) -> QPen:
        colour, width = (QColor(line.mark.colour), 1.6) if line.mark is not None else (self._quiet(), 1.5)
        if line.kind is Kind.CURVE and line.mark is not None:
            width = 3.0 if line.mark.number == self.plotted.active else 2.0
        return screen_pen(self._plot.getViewWidget(), colour, width, line.kind.value)


@cache
def _brush(colour: str) -> QBrush:
    """Cached brush of a colour: the scatter plot caches rendered symbols by brush identity."""
    return QBrush(QColor(colour))


@cache
def _ring(colour: str) -> QPen:
    return pg.mkPen(colour, width=1.5)


@cache
def _edge(colour: str) -> QPen:
    return pg.mkPen(colour, width=1)


def _keep(plot: Any, items: dict[int, Any], wanted: Mapping[int, Any], make: Callable[[], Any]) -> None:
    """Create and remove items so that `plot` has one for each number of `wanted`."""
    for number in items.keys() - wanted.keys():
        plot.removeItem(items.pop(number))
    for number in wanted.keys() - items.keys():
        items[number] = make()
        plot.addItem(items[number], ignoreBounds=True)
