"""Figure of the spectra plot for print, drawn so that lines, text and legend have fixed sizes at any resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.drawing.symbols import placed
from nesr_gui.gui.drawing.theme import spectrum_gradient
from nesr_gui.gui.drawing.ticks import ticks
from nesr_gui.gui.figures.export import INK, QUIET, draw_text, save_drawing
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.plot_settings import Kind, Line, PlotContent, Values, symbol_places
from nesr_gui.regions import Shape

SIZE = QRectF(0, 0, 480, 330)  # points of 1/72 inch: 169 x 116 mm
_GRID = QColor("#e1e4e8")
_ROW = 15.0  # points, height of a row of the legend


@dataclass(frozen=True, eq=False)
class Figure:
    """Content of the figure: the plot, the range of the wavelength axis (nm), and the name of the quantity."""

    plotted: PlotContent
    nm_range: tuple[float, float]
    quantity: str


def save_figure(path: Path, figure: Figure, dpi: int) -> None:
    """Write the figure as PNG at `dpi`, SVG or PDF, by extension; callable on any thread. Raises as `save_drawing`."""
    save_drawing(path, SIZE.size(), lambda painter: draw(painter, figure), dpi, "Spectra")


def draw(painter: QPainter, figure: Figure) -> None:
    """Draw the whole figure, in points."""
    painter.fillRect(SIZE, Qt.GlobalColor.white)
    plotted, lines = figure.plotted, figure.plotted.lines()
    columns = 2 if len(lines) > 3 else 1
    legend_height = _ROW * math.ceil(len(lines) / columns)
    area = SIZE.marginsRemoved(QMarginsF(56, 14 + legend_height + (8 if lines else 0), 18, 50))
    axes = _Axes(area, figure.nm_range, _value_range(plotted))
    _draw_axes(painter, axes, plotted.transform.unit(figure.quantity))
    painter.save()
    painter.setClipRect(area)
    for mark in plotted.marks:
        curve = plotted.curves.get(mark.place)
        if curve is not None and (spread := plotted.spread(curve)) is not None:
            shade = QColor(mark.colour)
            shade.setAlpha(48)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(shade)
            painter.drawPolygon(axes.band(curve.spectrum.wavelengths.nm, *spread))
    for line in lines:
        values = plotted.values(line.spectrum)
        painter.setPen(_pen(line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(axes.line(line.spectrum.wavelengths.nm, values))
        if line.kind is Kind.CURVE and line.mark is not None:
            _draw_symbols(painter, axes, line.mark, line.spectrum.wavelengths.nm, values)
            _draw_seen(painter, axes, line.mark, plotted.seen(plotted.curves[line.mark.place]))
    painter.restore()
    _draw_legend(painter, area, lines, columns, plotted)


def _value_range(plotted: PlotContent) -> tuple[float, float]:
    """Return the range of the value axis, which includes 0 and a margin above the highest value."""
    values = [plotted.values(line.spectrum) for line in plotted.lines()]
    for curve in (plotted.curves.get(mark.place) for mark in plotted.marks):
        if curve is not None and (spread := plotted.spread(curve)) is not None:
            values += spread
        if curve is not None and (seen := plotted.seen(curve)) is not None:
            values.append(seen[1])
    finite = np.concatenate([part[np.isfinite(part)] for part in values]) if values else np.zeros(0)
    low = min(0.0, float(finite.min(initial=0.0)))
    high = max(0.0, float(finite.max(initial=0.0)))
    return low, low + (high - low) * 1.06 if high > low else low + 1.0


def _draw_symbols(painter: QPainter, axes: _Axes, mark: Mark, nm: Values, values: Values) -> None:
    """Draw the mark's symbol along its curve."""
    painter.setPen(QPen(QColor("white"), 0.5))
    painter.setBrush(QColor(mark.colour))
    for at in symbol_places(mark.number, axes.x_range):
        value = float(np.interp(at, nm, values, left=np.nan, right=np.nan))
        if math.isfinite(value):
            painter.drawPath(placed(mark.symbol, QPointF(axes.x(at), axes.y(value)), 6.5))


def _draw_seen(painter: QPainter, axes: _Axes, mark: Mark, seen: tuple[Values, Values] | None) -> None:
    """Draw the model's input bands as open circles."""
    painter.setPen(QPen(QColor(mark.colour), 0.9))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for nm, value in zip(*seen, strict=True) if seen is not None else ():
        if math.isfinite(value):
            painter.drawEllipse(QPointF(axes.x(nm), axes.y(value)), 2.6, 2.6)


def _draw_legend(painter: QPainter, area: QRectF, lines: Sequence[Line], columns: int, plotted: PlotContent) -> None:
    for place, line in enumerate(lines):
        row, column = divmod(place, columns)
        at = QPointF(area.left() + column * area.width() / columns, 14 + _ROW * (row + 0.5))
        painter.setPen(_pen(line))
        painter.drawLine(at, at + QPointF(22, 0))
        name = line.name
        if line.kind is Kind.CURVE and line.mark is not None:
            painter.setPen(QPen(QColor("white"), 0.5))
            painter.setBrush(QColor(line.mark.colour))
            painter.drawPath(placed(line.mark.symbol, at + QPointF(11, 0), 7.5))
            curve = plotted.curves[line.mark.place]
            name = (line.mark.title if line.mark.shape is not Shape.POINT else line.mark.label) + curve.spread_text()
            name += ", ○ model input" if plotted.seen(curve) is not None else ""
        draw_text(painter, QRectF(at.x() + 28, at.y() - 8, area.width() / columns - 34, 16), name, INK)


@dataclass(frozen=True)
class _Axes:
    """Mapping of wavelengths and values to the page."""

    area: QRectF
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, nm: float) -> float:
        low, high = self.x_range
        return self.area.left() + self.area.width() * (nm - low) / max(high - low, 1e-9)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return self.area.bottom() - self.area.height() * (value - low) / max(high - low, 1e-9)

    def line(self, nm: Values, values: Values) -> QPolygonF:
        pairs = zip(nm.tolist(), values.tolist(), strict=True)
        return QPolygonF([QPointF(self.x(at), self.y(value)) for at, value in pairs if math.isfinite(value)])

    def band(self, nm: Values, low: Values, high: Values) -> QPolygonF:
        return QPolygonF(self.line(nm, low).toList() + self.line(nm, high).toList()[::-1])


def _draw_axes(painter: QPainter, axes: _Axes, quantity: str) -> None:
    area = axes.area
    for value in ticks(*axes.y_range, 6):
        y = axes.y(value)
        painter.setPen(QPen(_GRID, 0.7))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        draw_text(painter, QRectF(area.left() - 46, y - 8, 40, 16), f"{value:g}", QUIET, Qt.AlignmentFlag.AlignRight)
    strip = QRectF(area.left(), area.bottom(), area.width(), 6)
    painter.fillRect(strip, spectrum_gradient(*axes.x_range, strip.topLeft(), strip.topRight()))
    for nm in ticks(*axes.x_range, 8):
        x = axes.x(nm)
        painter.setPen(QPen(_GRID, 0.7))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        draw_text(painter, QRectF(x - 25, area.bottom() + 9, 50, 14), f"{nm:g}", QUIET, Qt.AlignmentFlag.AlignHCenter)
    middle = Qt.AlignmentFlag.AlignHCenter
    draw_text(painter, QRectF(area.left(), area.bottom() + 25, area.width(), 16), "wavelength (nm)", INK, middle)
    painter.save()
    painter.translate(6, area.center().y())
    painter.rotate(-90)
    draw_text(painter, QRectF(-area.height() / 2, 0, area.height(), 16), quantity, INK, middle)
    painter.restore()


def _pen(line: Line) -> QPen:
    colour = QColor(line.mark.colour) if line.mark is not None else QUIET
    pen = QPen(colour, 1.7 if line.kind is Kind.CURVE else 1.3)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if line.kind.value:
        pen.setDashPattern([0.75 * part for part in line.kind.value])
    return pen


@dataclass(frozen=True, eq=False)
class FigureExport:
    """A figure to export; `dpi` is for PNG."""

    path: Path
    figure: Figure
    dpi: int


def export_figure(request: FigureExport, progress: ProgressCallback) -> None:
    """Draw the figure and write it to a file; raises as `save_drawing`."""
    save_figure(request.path, request.figure, request.dpi)
