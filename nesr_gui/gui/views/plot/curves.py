"""The curves of the plot: spectra of marks with spread, truth and smooth metamer, and reference spectra."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nesr_gui.gui.drawing.paint_cache import PaintCache
from nesr_gui.gui.drawing.spectra import paint_spread
from nesr_gui.gui.drawing.symbols import screen_pen, symbol_path
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.plot_settings import (
    Kind,
    Line,
    PlotContent,
    Spread,
    SpreadKind,
    Transform,
    Values,
    symbol_places,
)


class _Signs(pg.ScatterPlotItem):  # type: ignore[misc]
    """Scatter symbols that ignore clicks; pyqtgraph would keep references to clicked points."""

    def mouseClickEvent(self, event: Any) -> None:
        """Leave clicks to the items below."""
        event.ignore()


@dataclass(frozen=True, eq=False)
class Curve:
    """A line as it is drawn: its points in the coordinates of the axes, and its pen."""

    x: Values  # (L,)
    y: Values  # (L,)
    path: QPainterPath
    pen: QPen

    @classmethod
    def of(cls, x: Values, y: Values, pen: QPen) -> Curve:
        """A line through points (L,); those without a finite height interrupt it."""
        return cls(x, y, pg.arrayToQPath(x, y, connect="finite"), pen)


@dataclass(frozen=True, eq=False)
class Band:
    """The band around a spectrum: its closed outline in the coordinates of the axes."""

    kind: SpreadKind
    colour: str
    outline: QPainterPath


class _CurvesItem(QGraphicsItem):
    """Bands and, above them, curves, painted once: the wavelength line moves over them with every step."""

    def __init__(self, box: Any) -> None:
        super().__init__()
        self._box, self._cache = box, PaintCache()
        self._drawn: tuple[tuple[Band, ...], tuple[Curve, ...]] = (), ()
        box.sigRangeChanged.connect(self._follow_range)

    def show_lines(self, bands: Sequence[Band], curves: Sequence[Curve]) -> None:
        """Show bands and curves, the last ones uppermost."""
        self._drawn = tuple(bands), tuple(curves)
        self.update()

    def _follow_range(self, *changed: object) -> None:
        self.prepareGeometryChange()

    def boundingRect(self) -> QRectF:
        """All that is visible of the plot."""
        return QRectF(self._box.viewRect())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the pixels of the last painting."""
        self._cache.draw(painter, self.boundingRect(), self._drawn, self._paint)

    def _paint(self, painter: QPainter) -> None:
        bands, curves = self._drawn
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        to_pixels, ratio = painter.worldTransform(), self._box.getViewWidget().devicePixelRatioF()
        painter.setWorldTransform(QTransform())  # hatch and outline of bands keep their size at any zoom
        within = QRectF(painter.viewport())
        for band in bands:
            paint_spread(painter, to_pixels.map(band.outline), band.kind, band.colour, within, ratio)
        painter.setWorldTransform(to_pixels)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for curve in curves:
            painter.setPen(curve.pen)
            painter.drawPath(curve.path)


class CurveLayer:
    """Draws a `PlotContent` into a plot; a logarithmic axis runs over the exponents of the values."""

    def __init__(self, plot: Any, quiet: Callable[[], QColor]) -> None:
        self._plot, self._quiet = plot, quiet
        self.plotted = PlotContent()
        self.lines: dict[Kind, dict[int, Curve]] = {kind: {} for kind in Kind}  # by mark number, lowest first
        self.bands: dict[int, Band] = {}  # by mark number, lowest first
        self._ends_of: tuple[object, object] | None = None  # what `_ends` were computed for
        self._ends: list[tuple[Line, float]] = []
        self._item = _CurvesItem(plot.getViewBox())
        plot.addItem(self._item, ignoreBounds=True)
        self.inputs, self.symbols, self.dots = (_Signs(pxMode=True) for _ in range(3))
        for place, scatter in enumerate((self.inputs, self.symbols, self.dots)):
            scatter.setZValue(17 + place)
            plot.addItem(scatter, ignoreBounds=True)

    @property
    def curves(self) -> Mapping[int, Curve]:
        """The spectra of marks by number."""
        return self.lines[Kind.CURVE]

    @property
    def truths(self) -> Mapping[int, Curve]:
        """The measured spectra of marks by number."""
        return self.lines[Kind.TRUTH]

    def show(self, plotted: PlotContent) -> None:
        """Update all curves and symbols to the content."""
        self.plotted = plotted
        self.lines = {kind: {} for kind in Kind}
        curves = []
        for line in plotted.lines:
            of_kind = self.lines[line.kind]
            number = line.mark.number if line.mark is not None else len(of_kind)
            values = plotted.axes.scaled(plotted.values(line.spectrum))
            of_kind[number] = curve = Curve.of(line.spectrum.wavelengths.nm, values, self._pen(line))
            curves.append(curve)
        self.bands = {
            spread.mark.number: Band(spread.kind, spread.mark.colour, self._outline(spread))
            for spread in plotted.shown_spreads
        }
        self._item.show_lines(tuple(self.bands.values()), curves)
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
                for nm in symbol_places(line.x, visible):
                    if np.isfinite(value := self._value_of(line, nm)):
                        spots.append(self._spot(mark, nm, value, 9))
        self.symbols.setData(spots)

    def _visible(self) -> tuple[float, float]:
        low, high = self._plot.getViewBox().viewRange()[0]
        return low, high

    def _scaled(self, value: float) -> float:
        return float(self.plotted.axes.scaled(np.array(value)))

    def _outline(self, spread: Spread) -> QPainterPath:
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

    def _value_of(self, line: Curve, nm: float) -> float:
        return float(np.interp(nm, line.x, line.y, left=np.nan, right=np.nan))

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
