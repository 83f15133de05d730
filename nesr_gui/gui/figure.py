"""The plot as a figure for print: its own drawing, so that lines, type and legend keep their size at any resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QByteArray, QMarginsF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QImageWriter, QPainter, QPen, QPolygonF
from PySide6.QtSvg import QSvgGenerator

from nesr_gui.gui.axis import ticks
from nesr_gui.gui.marks import Mark, Shape
from nesr_gui.gui.plotted import Kind, Line, Plotted, Values, symbol_places
from nesr_gui.gui.signs import placed
from nesr_gui.gui.wavelength_slider import spectrum_gradient
from nesr_gui.io.atomic import replacing

SIZE = QRectF(0, 0, 480, 330)  # points of 1/72 inch: 169 x 116 mm
_INK, _QUIET, _GRID = QColor("#1c2127"), QColor("#4b525c"), QColor("#e1e4e8")
_ROW = 15.0  # points between two lines of the legend


@dataclass(frozen=True, eq=False)
class Figure:
    """What is drawn: the plot as it is, the wavelengths of the axis, and the name of the quantity."""

    plotted: Plotted
    nm_range: tuple[float, float]
    quantity: str


def save_figure(path: Path, figure: Figure, dpi: int) -> None:
    """Write PNG at `dpi`, or SVG, by the file's ending; on any thread.

    Raises:
        ValueError: the ending is neither.
        OSError: the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in (".png", ".svg"):
        raise ValueError(f"cannot write {path.name}: a figure is a picture; choose a name that ends in .png or .svg")
    with replacing(path) as part:
        written = _save_svg(part, figure) if kind == ".svg" else _save_png(part, figure, dpi)
        if not written:
            raise OSError(f"cannot write {path}; choose another folder")


def _save_svg(path: Path, figure: Figure) -> bool:
    generator = QSvgGenerator()
    generator.setFileName(str(path))
    generator.setSize(SIZE.size().toSize())
    generator.setViewBox(SIZE)
    generator.setResolution(72)
    generator.setTitle("Spectra")
    painter = QPainter()
    if not painter.begin(generator):
        return False
    draw(painter, figure)
    return painter.end()


def _save_png(path: Path, figure: Figure, dpi: int) -> bool:
    scale = dpi / 72
    image = QImage(QSize(round(SIZE.width() * scale), round(SIZE.height() * scale)), QImage.Format.Format_RGB32)
    image.setDotsPerMeterX(round(dpi / 0.0254))
    image.setDotsPerMeterY(round(dpi / 0.0254))
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.scale(scale, scale)
    draw(painter, figure)
    painter.end()
    return QImageWriter(str(path), QByteArray(b"png")).write(image)


def draw(painter: QPainter, figure: Figure) -> None:
    """The whole figure in points."""
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
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
    painter.restore()
    _draw_legend(painter, area, lines, columns, plotted)


def _value_range(plotted: Plotted) -> tuple[float, float]:
    """From zero or below to a little above the highest value."""
    values = [plotted.values(line.spectrum) for line in plotted.lines()]
    for curve in (plotted.curves.get(mark.place) for mark in plotted.marks):
        if curve is not None and (spread := plotted.spread(curve)) is not None:
            values += spread
    finite = np.concatenate([part[np.isfinite(part)] for part in values]) if values else np.zeros(0)
    low = min(0.0, float(finite.min(initial=0.0)))
    high = max(0.0, float(finite.max(initial=0.0)))
    return low, low + (high - low) * 1.06 if high > low else low + 1.0


def _draw_symbols(painter: QPainter, axes: _Axes, mark: Mark, nm: Values, values: Values) -> None:
    """The mark's symbol along its curve."""
    painter.setPen(QPen(QColor("white"), 0.5))
    painter.setBrush(QColor(mark.colour))
    for at in symbol_places(mark.number, axes.x_range):
        value = float(np.interp(at, nm, values, left=np.nan, right=np.nan))
        if math.isfinite(value):
            painter.drawPath(placed(mark.symbol, QPointF(axes.x(at), axes.y(value)), 6.5))


def _draw_legend(painter: QPainter, area: QRectF, lines: Sequence[Line], columns: int, plotted: Plotted) -> None:
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
            spread = plotted.curves[line.mark.place].spread_text()
            name = (line.mark.title if line.mark.shape is not Shape.POINT else line.mark.label) + spread
        _text(painter, QRectF(at.x() + 28, at.y() - 8, area.width() / columns - 34, 16), name, _INK)


@dataclass(frozen=True)
class _Axes:
    """Where values stand on the page."""

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
        _text(painter, QRectF(area.left() - 46, y - 8, 40, 16), f"{value:g}", _QUIET, Qt.AlignmentFlag.AlignRight)
    strip = QRectF(area.left(), area.bottom(), area.width(), 6)
    painter.fillRect(strip, spectrum_gradient(*axes.x_range, strip.topLeft(), strip.topRight()))
    for nm in ticks(*axes.x_range, 8):
        x = axes.x(nm)
        painter.setPen(QPen(_GRID, 0.7))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        _text(painter, QRectF(x - 25, area.bottom() + 9, 50, 14), f"{nm:g}", _QUIET, Qt.AlignmentFlag.AlignHCenter)
    middle = Qt.AlignmentFlag.AlignHCenter
    _text(painter, QRectF(area.left(), area.bottom() + 25, area.width(), 16), "wavelength (nm)", _INK, middle)
    painter.save()
    painter.translate(6, area.center().y())
    painter.rotate(-90)
    _text(painter, QRectF(-area.height() / 2, 0, area.height(), 16), quantity, _INK, middle)
    painter.restore()


def _pen(line: Line) -> QPen:
    colour = QColor(line.mark.colour) if line.mark is not None else _QUIET
    pen = QPen(colour, 1.7 if line.kind is Kind.CURVE else 1.3)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if line.kind.value:
        pen.setDashPattern([0.75 * part for part in line.kind.value])
    return pen


def _text(
    painter: QPainter, where: QRectF, text: str, ink: QColor,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:  # fmt: skip
    font = QFont()
    font.setPixelSize(10)
    painter.setFont(font)
    painter.setPen(ink)
    metrics = QFontMetricsF(font)
    painter.drawText(where, side | Qt.AlignmentFlag.AlignVCenter, metrics.elidedText(
        text, Qt.TextElideMode.ElideRight, where.width()))  # fmt: skip
