"""The curves of the plot: spectra of marks with spread, truth and smooth metamer, and reference spectra."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from nesr_gui.gui.drawing.symbols import screen_pen, symbol_path
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.plot_settings import Kind, Line, PlotContent, Transform, symbol_places


class _Signs(pg.ScatterPlotItem):  # type: ignore[misc]
    """Scatter symbols that ignore clicks; pyqtgraph would keep references to clicked points."""

    def mouseClickEvent(self, event: Any) -> None:
        """Leave clicks to the items below."""
        event.ignore()


class CurveLayer:
    """Draws a `PlotContent` into a plot."""

    def __init__(
        self, plot: Any, quiet: Callable[[], QColor], visible_range: Callable[[], tuple[float, float]]
    ) -> None:
        self._plot, self._quiet, self._range = plot, quiet, visible_range
        self.plotted = PlotContent()
        self.lines: dict[Kind, dict[int, Any]] = {kind: {} for kind in Kind}  # by mark number
        self.curves, self.truths = self.lines[Kind.CURVE], self.lines[Kind.TRUTH]
        self._drawn: dict[tuple[Kind, int], tuple[object, ...]] = {}
        self.spreads: dict[int, QGraphicsPathItem] = {}
        self.inputs, self.symbols, self.dots = (_Signs(pxMode=True) for _ in range(3))
        for place, scatter in enumerate((self.inputs, self.symbols, self.dots)):
            scatter.setZValue(17 + place)
            plot.addItem(scatter, ignoreBounds=True)

    def show(self, plotted: PlotContent) -> None:
        """Update all curves and symbols to the content."""
        self.plotted = plotted
        wanted: dict[Kind, dict[int, Line]] = {kind: {} for kind in Kind}
        heights: dict[tuple[Kind, int], float] = {}
        for place, line in enumerate(lines := plotted.lines()):
            of_kind = wanted[line.kind]
            number = line.mark.number if line.mark is not None else len(of_kind)
            of_kind[number], heights[line.kind, number] = line, place / len(lines)
        drawn: dict[tuple[Kind, int], tuple[object, ...]] = {}
        for kind, items in self.lines.items():
            _keep(self._plot, items, wanted[kind], pg.PlotDataItem)
            for number, line in wanted[kind].items():
                state = drawn[kind, number] = (line.spectrum, plotted.basis)
                items[number].setPen(self._pen(line))
                items[number].setZValue(heights[kind, number])  # independent of the order of the results
                if self._drawn.get((kind, number)) != state:  # dragging one mark leaves the other curves unchanged
                    items[number].setData(line.spectrum.wavelengths.nm, plotted.values(line.spectrum))
        self._drawn = drawn
        self._show_spreads()
        self._show_inputs()
        self._show_symbols()

    def show_dots(self, nm: float, values: Mapping[int, float]) -> None:
        """Place each mark's symbol on its curve at `nm`, at `values` by number, or interpolated where missing."""
        spots = []
        for mark in self.plotted.marks:
            if (line := self.curves.get(mark.number)) is not None:
                value = values.get(mark.number) if self.plotted.transform == Transform() else None
                spots.append(self._spot(mark, nm, self._value_of(line, nm) if value is None else value, 12))
        self.dots.setData(_finite(spots))

    def readout(self, nm: float) -> list[tuple[Mark | None, str, float]]:
        """Mark, name and displayed value of every curve at a wavelength."""
        rows = []
        for line in self.plotted.lines():
            values, bands = self.plotted.values(line.spectrum), line.spectrum.wavelengths.nm
            rows.append((line.mark, line.name, float(np.interp(nm, bands, values, left=np.nan, right=np.nan))))
        return rows

    def extent(self) -> tuple[float, float] | None:
        """Lowest and highest value of all curves and spreads; None without any."""
        values = [self.inputs.getData()[1]]
        for item in self.spreads.values():
            shaded = item.path().boundingRect()
            values.append((shaded.top(), shaded.bottom()))
        for items in self.lines.values():
            for item in items.values():
                if (drawn := item.getData()[1]) is not None:
                    values.append(drawn)
        together = np.concatenate(values)
        finite = together[np.isfinite(together)]
        return (float(finite.min()), float(finite.max())) if finite.size else None

    def _show_spreads(self) -> None:
        plotted, wanted = self.plotted, {}
        for mark in plotted.marks:
            curve = plotted.curves.get(mark.place)
            spread = plotted.spread(curve) if curve is not None else None
            if curve is not None and spread is not None:
                wanted[mark.number] = (mark, curve.spectrum.wavelengths.nm, spread)
        _keep(self._plot, self.spreads, wanted, QGraphicsPathItem)
        for place, (number, (mark, nm, (low, high))) in enumerate(wanted.items()):
            finite, item = np.isfinite(low) & np.isfinite(high), self.spreads[number]
            x, y = np.concatenate([nm[finite], nm[finite][::-1]]), np.concatenate([low[finite], high[finite][::-1]])
            path = pg.arrayToQPath(x, y, finiteCheck=False)
            colour = QColor(mark.colour)
            colour.setAlpha(56)
            item.setPath(path)
            item.setBrush(colour)
            item.setPen(Qt.PenStyle.NoPen)
            item.setZValue(-5 + place / len(wanted))

    def _show_inputs(self) -> None:
        """Show the input bands of a model as open circles."""
        spots = []
        for mark in self.plotted.marks:
            curve = self.plotted.curves.get(mark.place)
            inputs = self.plotted.seen(curve) if curve is not None else None
            for nm, value in zip(*inputs, strict=True) if inputs is not None else ():
                spots.append({"pos": (nm, value), "size": 8, "symbol": "o", "brush": None, "pen": _ring(mark.colour)})
        self.inputs.setData(_finite(spots))

    def _show_symbols(self) -> None:
        spots = []
        for mark in self.plotted.marks:
            if (line := self.curves.get(mark.number)) is not None:
                for nm in symbol_places(mark.number, self._range()):
                    spots.append(self._spot(mark, nm, self._value_of(line, nm), 9))
        self.symbols.setData(_finite(spots))

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


def _finite(spots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [spot for spot in spots if np.isfinite(spot["pos"][1])]


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
