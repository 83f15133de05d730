"""The curves of the plot: spectra of marks with spread, truth and smooth metamer, and reference spectra."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QGraphicsRectItem, QStyleOptionGraphicsItem, QWidget

from nesr_gui.gui.drawing.paint_cache import PaintCache
from nesr_gui.gui.drawing.spectra import paint_spread
from nesr_gui.gui.drawing.symbols import placed, screen_pen
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.plot_settings import (
    NAMED,
    Kind,
    Line,
    PlotContent,
    Spread,
    SpreadKind,
    Transform,
    Values,
    symbol_places,
)

_FAINT = 90  # opacity of a line of a family, of 255


@dataclass(frozen=True)
class Spot:
    """A symbol of a mark in the plot, at a point in the coordinates of the axes."""

    mark: Mark
    x: float
    y: float


class _Signs(QGraphicsRectItem):
    """Symbols of `size` px: those of the marks, or open circles for input bands."""

    def __init__(self, box: Any, size: float, *, is_open: bool = False) -> None:
        super().__init__()
        self._box, self._size, self._is_open = box, size, is_open
        self.spots: list[Spot] = []
        self._around, self._pixel = (
            QRectF(),
            (1.0, 1.0),
        )  # centres of the symbols, and a pixel, in coordinates of the axes
        self.setPen(Qt.PenStyle.NoPen)  # its rectangle is that around the symbols
        self.setFlag(QGraphicsRectItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # provides the exposed rectangle

    def show_spots(self, spots: list[Spot]) -> None:
        """Show these symbols."""
        self.spots = spots
        self._around = QPolygonF([QPointF(spot.x, spot.y) for spot in spots]).boundingRect()
        self.fit()
        self.update()

    def are_near(self, spots: list[Spot]) -> bool:
        """Whether these symbols are within a tenth of a pixel of the present ones."""
        wide, high = self._pixel
        return len(spots) == len(self.spots) and all(
            [spot.mark == old.mark and abs(spot.x - old.x) <= 0.1 * wide and abs(spot.y - old.y) <= 0.1 * high
             for spot, old in zip(spots, self.spots, strict=True)]
        )  # fmt: skip

    def fit(self) -> None:
        """Compute the rectangle that the symbols cover in the present range."""
        seen, room = self._box.viewRect(), self._box.rect()  # in the coordinates of the axes, and in px
        self._pixel = seen.width() / max(room.width(), 1), seen.height() / max(room.height(), 1)
        wide, high = (self._size * self._pixel[0], self._size * self._pixel[1]) if self.spots else (0.0, 0.0)
        self.setRect(self._around.adjusted(-wide, -high, wide, high))

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the symbols in the exposed rectangle, which is narrow while the wavelength line moves."""
        to_view, ground = painter.worldTransform(), self._box.getViewWidget().palette().base().color()
        reach = self._size
        exposed = to_view.mapRect(option.exposedRect).adjusted(-reach, -reach, reach, reach)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setWorldTransform(QTransform())
        for spot in self.spots:
            if exposed.contains(at := to_view.map(QPointF(spot.x, spot.y))):
                colour = QColor(spot.mark.colour)
                painter.setBrush(Qt.BrushStyle.NoBrush if self._is_open else colour)
                painter.setPen(QPen(colour, 1.5) if self._is_open else QPen(ground, 1))
                painter.drawPath(placed("circle" if self._is_open else spot.mark.symbol, at, self._size))
        painter.setWorldTransform(to_view)


@dataclass(frozen=True, eq=False)
class Curve:
    """A line as it is drawn: its points in the coordinates of the axes, the path through the finite ones, and a pen."""

    x: Values  # (L,)
    y: Values  # (L,)
    path: QPainterPath
    pen: QPen


@dataclass(frozen=True, eq=False)
class Band:
    """The band around a spectrum: its closed outline in the coordinates of the axes."""

    kind: SpreadKind
    colour: str
    outline: QPainterPath


class _CurvesItem(QGraphicsRectItem):
    """Bands and, above them, curves, painted once: the wavelength line moves over them with every step."""

    def __init__(self, box: Any) -> None:
        super().__init__()
        self._box, self._cache = box, PaintCache()
        self._drawn: tuple[tuple[Band, ...], tuple[Curve, ...]] = (), ()
        self.setPen(Qt.PenStyle.NoPen)  # its rectangle is all that is visible of the plot

    def show_lines(self, bands: Sequence[Band], curves: Sequence[Curve]) -> None:
        """Show bands and curves, the last ones uppermost."""
        self._drawn = tuple(bands), tuple(curves)
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the pixels of the last painting."""
        self._cache.draw(painter, self.rect(), self._drawn, self._paint)

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
        self._are_symbols_placed = True
        box = plot.getViewBox()
        self._item = _CurvesItem(box)
        plot.addItem(self._item, ignoreBounds=True)
        self.inputs, self.symbols, self.dots = _Signs(box, 8, is_open=True), _Signs(box, 9), _Signs(box, 12)
        for place, signs in enumerate((self.inputs, self.symbols, self.dots)):
            signs.setZValue(17 + place)
            plot.addItem(signs, ignoreBounds=True)

    @property
    def curves(self) -> Mapping[int, Curve]:
        """The spectra of marks by number."""
        return self.lines[Kind.CURVE]

    def show(self, plotted: PlotContent) -> None:
        """Update all curves and symbols to the content."""
        self.plotted = plotted
        self.lines = {kind: {} for kind in Kind}
        curves = []
        for line in plotted.lines:
            of_kind = self.lines[line.kind]
            number = line.mark.number if line.mark is not None else len(of_kind)
            x, y = line.spectrum.wavelengths.nm, plotted.axes.scaled(plotted.values(line.spectrum))
            of_kind[number] = Curve(x, y, pg.arrayToQPath(x, y, connect="finite"), self._pen(line))
            curves.append(of_kind[number])
        self.bands = {
            spread.mark.number: Band(spread.kind, spread.mark.colour, self._outline(spread))
            for spread in plotted.shown_spreads
        }
        self._item.show_lines(tuple(self.bands.values()), curves)
        if plotted.inputs or self.inputs.spots:
            self._show_inputs()
        self._are_symbols_placed = False

    def show_dots(self, nm: float, values: Mapping[int, float]) -> None:
        """Place each mark's symbol on its curve at `nm`, at `values` by number, or interpolated where missing."""
        spots, curves = list[Spot](), self.lines[Kind.CURVE]
        for mark in self.plotted.marks:
            if (line := curves.get(mark.number)) is not None:
                exact = values.get(mark.number) if self.plotted.transform == Transform() else None
                value = self._value_of(line, nm) if exact is None else self._scaled(exact)
                if np.isfinite(value):
                    spots.append(Spot(mark, nm, value))
        if not self.dots.are_near(spots):  # the exact values are mostly where the interpolated ones were
            self.dots.show_spots(spots)

    def readout(self, nm: float) -> list[tuple[str, str, float]]:
        """Colour #rrggbb, name and displayed value of every curve at a wavelength, except those of a family."""
        rows = []
        for line in self.plotted.lines:
            if line.kind is Kind.METAMER:
                continue
            values, bands = self.plotted.values(line.spectrum), line.spectrum.wavelengths.nm
            rows.append((line.ink, line.name, float(np.interp(nm, bands, values, left=np.nan, right=np.nan))))
        return rows

    def ends(self) -> list[tuple[Line, float]]:
        """The curves of marks and references, and their heights at the visible end."""
        if self._ends_of != (self.plotted, visible := self._visible()):
            self._ends_of, self._ends = (self.plotted, visible), []
            for line in self.plotted.lines:
                if line.kind in NAMED:
                    nm, values = line.spectrum.wavelengths.nm, self.plotted.values(line.spectrum)
                    at = symbol_places(nm, visible)[1]
                    height = self._scaled(float(np.interp(at, nm, values, left=np.nan, right=np.nan)))
                    if np.isfinite(height):
                        self._ends.append((line, height))
        return self._ends

    def follow_view(self) -> None:
        """Fit to the range in view and the size of the plot."""
        self._item.setRect(self._plot.getViewBox().viewRect())
        for signs in (self.inputs, self.dots):
            if signs.spots:
                signs.fit()
        self._show_symbols()

    def place_symbols(self) -> None:
        """Place the symbols of new curves, unless that was done because the range in view changed with them."""
        if not self._are_symbols_placed:
            self._show_symbols()

    def _show_symbols(self) -> None:
        """Place the symbols of the marks at the visible ends of their curves."""
        spots, visible, curves = list[Spot](), self._visible(), self.lines[Kind.CURVE]
        for mark in self.plotted.marks:
            if (line := curves.get(mark.number)) is not None:
                for nm in symbol_places(line.x, visible):
                    if np.isfinite(value := self._value_of(line, nm)):
                        spots.append(Spot(mark, nm, value))
        self.symbols.show_spots(spots)
        self._are_symbols_placed = True

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
        self.inputs.show_spots(
            [
                Spot(mark, float(nm), float(value))
                for mark, inputs in self.plotted.inputs
                for nm, value in zip(inputs[0], self.plotted.axes.scaled(inputs[1]), strict=True)
                if np.isfinite(value)
            ]
        )

    def _value_of(self, line: Curve, nm: float) -> float:
        return float(np.interp(nm, line.x, line.y, left=np.nan, right=np.nan))

    def _pen(self, line: Line) -> QPen:
        colour, width = (QColor(line.ink), 1.6) if line.ink else (self._quiet(), 1.5)
        if line.kind is Kind.METAMER:
            colour.setAlpha(_FAINT)
            width = 1.0
        if line.kind is Kind.CURVE and line.mark is not None:
            width = 3.0 if line.mark.number == self.plotted.active else 2.0
        return screen_pen(self._plot.getViewWidget(), colour, width, line.kind.value)
