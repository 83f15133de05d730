"""The plot as a figure for print: its own drawing, so that lines, type and legend keep their size at any resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QByteArray, QMarginsF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QImageWriter, QPainter, QPen, QPolygonF
from PySide6.QtSvg import QSvgGenerator

from nesr_gui.gui.axis import ticks
from nesr_gui.gui.session import Curve, Pin
from nesr_gui.gui.wavelength_slider import spectrum_gradient
from nesr_gui.io.atomic import replacing
from nesr_gui.spectral import Spectrum

SIZE = QRectF(0, 0, 480, 330)  # points of 1/72 inch: 169 x 116 mm
_INK, _QUIET, _GRID = QColor("#1c2127"), QColor("#4b525c"), QColor("#e1e4e8")
_ROW = 15.0  # points between two lines of the legend


@dataclass(frozen=True, eq=False)
class Figure:
    """What is drawn: pins with their curves, the wavelengths of the axis, and the name of the quantity."""

    curves: Sequence[tuple[Pin, Curve]]
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
    entries = _legend(figure)
    columns = 2 if len(entries) > 1 else 1
    legend_height = _ROW * math.ceil(len(entries) / columns)
    area = SIZE.marginsRemoved(QMarginsF(56, 14 + legend_height + (8 if entries else 0), 18, 50))
    spectra = [spectrum for _, spectrum, _ in entries]
    low = min([0.0, *(float(s.values.min()) for s in spectra)])
    high = max([float(s.values.max()) for s in spectra], default=1.0)
    axes = _Axes(area, figure.nm_range, (low, low + (high - low) * 1.06 if high > low else 1.0))
    _draw_axes(painter, axes, figure.quantity)
    for pin, spectrum, dashed in entries:
        painter.setPen(_pen(pin, dashed))
        painter.drawPolyline(axes.line(spectrum))
    for place, (pin, _, dashed) in enumerate(entries):
        row, column = divmod(place, columns)
        at = QPointF(area.left() + column * area.width() / columns, 14 + _ROW * (row + 0.5))
        painter.setPen(_pen(pin, dashed))
        painter.drawLine(at, at + QPointF(22, 0))
        _text(painter, QRectF(at.x() + 28, at.y() - 8, 220, 16), pin.label + (", measured" if dashed else ""), _INK)


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

    def line(self, spectrum: Spectrum) -> QPolygonF:
        pairs = zip(spectrum.wavelengths, spectrum.values.tolist(), strict=True)
        return QPolygonF([QPointF(self.x(nm), self.y(value)) for nm, value in pairs])


def _legend(figure: Figure) -> list[tuple[Pin, Spectrum, bool]]:
    entries = []
    for pin, curve in figure.curves:
        entries.append((pin, curve.spectrum, False))
        if curve.truth is not None:
            entries.append((pin, curve.truth, True))
    return entries


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


def _pen(pin: Pin, dashed: bool) -> QPen:
    pen = QPen(QColor(pin.colour), 1.3 if dashed else 1.7)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dashed:
        pen.setDashPattern([3.5, 2.5])
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
