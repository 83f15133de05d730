"""The curves in the plot: each mark's, with its spread, its truth and its smooth metamer, and library spectra."""

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
    """Signs that leave clicks to what is under them; of clicked ones, pyqtgraph would keep every spot for ever."""

    def mouseClickEvent(self, event: Any) -> None:
        event.ignore()


class CurveLayer:
    """Draws what is `PlotContent` into a plot."""

    def __init__(
        self, plot: Any, quiet: Callable[[], QColor], visible_range: Callable[[], tuple[float, float]]
    ) -> None:
        self._plot, self._quiet, self._range = plot, quiet, visible_range
        self.plotted = PlotContent()
        self.lines: dict[Kind, dict[int, Any]] = {kind: {} for kind in Kind}  # by the number of the mark
        self.curves, self.truths = self.lines[Kind.CURVE], self.lines[Kind.TRUTH]
        self._drawn: dict[tuple[Kind, int], tuple[object, ...]] = {}
        self.spreads: dict[int, QGraphicsPathItem] = {}
        self.seen, self.symbols, self.dots = (_Signs(pxMode=True) for _ in range(3))
        for place, scatter in enumerate((self.seen, self.symbols, self.dots)):
            scatter.setZValue(17 + place)
            plot.addItem(scatter, ignoreBounds=True)

    def show(self, plotted: PlotContent) -> None:
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
                items[number].setZValue(heights[kind, number])  # not as they happened to be answered
                if self._drawn.get((kind, number)) != state:  # while one mark is dragged, the others stay
                    items[number].setData(line.spectrum.wavelengths.nm, plotted.values(line.spectrum))
        self._drawn = drawn
        self._show_spreads()
        self._show_seen()
        self._show_symbols()

    def show_dots(self, nm: float, values: Mapping[int, float]) -> None:
        """The sign of each mark on its curve at `nm`: at the field's value, by number, or until that comes between."""
        spots = []
        for mark in self.plotted.marks:
            if (line := self.curves.get(mark.number)) is not None:
                known = values.get(mark.number) if self.plotted.transform == Transform() else None
                spots.append(self._spot(mark, nm, self._value_of(line, nm) if known is None else known, 12))
        self.dots.setData(_finite(spots))

    def readout(self, nm: float) -> list[tuple[Mark | None, str, float]]:
        """Mark, name and value as shown of every line at a wavelength."""
        found = []
        for line in self.plotted.lines():
            values, bands = self.plotted.values(line.spectrum), line.spectrum.wavelengths.nm
            found.append((line.mark, line.name, float(np.interp(nm, bands, values, left=np.nan, right=np.nan))))
        return found

    def extent(self) -> tuple[float, float] | None:
        """Lowest and highest value of all lines and of what is shaded around them."""
        values = [self.seen.getData()[1]]
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
            known, item = np.isfinite(low) & np.isfinite(high), self.spreads[number]
            x, y = np.concatenate([nm[known], nm[known][::-1]]), np.concatenate([low[known], high[known][::-1]])
            path = pg.arrayToQPath(x, y, finiteCheck=False)
            colour = QColor(mark.colour)
            colour.setAlpha(56)
            item.setPath(path)
            item.setBrush(colour)
            item.setPen(Qt.PenStyle.NoPen)
            item.setZValue(-5 + place / len(wanted))

    def _show_seen(self) -> None:
        """The bands that a model was shown: circles, open so that the curve is seen through them."""
        spots = []
        for mark in self.plotted.marks:
            curve = self.plotted.curves.get(mark.place)
            seen = self.plotted.seen(curve) if curve is not None else None
            for nm, value in zip(*seen, strict=True) if seen is not None else ():
                spots.append({"pos": (nm, value), "size": 8, "symbol": "o", "brush": None, "pen": _ring(mark.colour)})
        self.seen.setData(_finite(spots))

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
    """The same object for the same colour: by it the scatter plot knows a symbol it has drawn before."""
    return QBrush(QColor(colour))


@cache
def _ring(colour: str) -> QPen:
    return pg.mkPen(colour, width=1.5)


@cache
def _edge(colour: str) -> QPen:
    return pg.mkPen(colour, width=1)


def _keep(plot: Any, items: dict[int, Any], wanted: Mapping[int, Any], make: Callable[[], Any]) -> None:
    """Have one item in `plot` for each number of `wanted`."""
    for number in items.keys() - wanted.keys():
        plot.removeItem(items.pop(number))
    for number in wanted.keys() - items.keys():
        items[number] = make()
        plot.addItem(items[number], ignoreBounds=True)
