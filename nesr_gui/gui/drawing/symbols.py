"""Mark symbols with their numbers, and pens of constant width at any zoom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPaintDevice, QPainter, QPainterPath, QPen, QPixmap, QPolygonF, QTransform

from nesr_gui.regions import Region, Shape

_HALF = {
    "square": [(-0.45, -0.45), (0.45, -0.45), (0.45, 0.45), (-0.45, 0.45)],
    "triangle": [(0, -0.56), (0.6, 0.46), (-0.6, 0.46)],
    "wedge": [(0, 0.56), (0.6, -0.46), (-0.6, -0.46)],
    "diamond": [(0, -0.6), (0.6, 0), (0, 0.6), (-0.6, 0)],
    "cross": [(-0.24, -0.54), (0.24, -0.54), (0.24, -0.24), (0.54, -0.24), (0.54, 0.24), (0.24, 0.24), (0.24, 0.54),
              (-0.24, 0.54), (-0.24, 0.24), (-0.54, 0.24), (-0.54, -0.24), (-0.24, -0.24)],
    "star": [(r * math.sin(n * math.pi / 5), -r * math.cos(n * math.pi / 5))
             for n, r in enumerate([0.62, 0.33] * 5)],
}  # fmt: skip
_NUMBER_AT = {"triangle": 0.12, "wedge": -0.12}
"""Vertical offset of the number from the centre of a symbol, as a fraction of its size."""


def screen_pen(device: QPaintDevice, colour: Any, width: float, dash: Sequence[float] | None = None) -> QPen:
    """Return a pen whose width is in logical pixels; Qt's cosmetic pens are in device pixels.

    Args:
        device: the paint device.
        colour: any colour that pyqtgraph accepts.
        width: in logical pixels.
        dash: lengths of dashes and gaps, in line widths.
    """
    return pg.mkPen(colour, width=width * device.devicePixelRatioF(), dash=list(dash) if dash else None)


@cache
def symbol_path(symbol: str) -> QPainterPath:
    """Return the outline of a symbol of `palette.MARK_SYMBOLS`, about one unit wide and centred at the origin."""
    path = QPainterPath()
    if symbol == "circle":
        path.addEllipse(QPointF(0, 0), 0.5, 0.5)
    else:
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in _HALF[symbol]]))
        path.closeSubpath()
    return path


def placed(symbol: str, centre: QPointF, size: float) -> QPainterPath:
    """Return the outline of a symbol of this size around a point."""
    return QTransform.fromTranslate(centre.x(), centre.y()).scale(size, size).map(symbol_path(symbol))


def outline(region: Region) -> QPainterPath:
    """Return the outlines of a region and its holes, x to the right and y down in source pixels."""
    path = QPainterPath()
    top, left, bottom, right = region.bounds
    rect = QRectF(left, top, right - left, bottom - top)
    if region.shape is Shape.RECTANGLE:
        path.addRect(rect)
    elif region.shape is Shape.ELLIPSE:
        path.addEllipse(rect)
    else:
        for each in region.outlines:
            path.addPolygon(QPolygonF([QPointF(col, row) for row, col in each]))
            path.closeSubpath()
    return path


def draw_sign(painter: QPainter, where: QRectF, number: int, colour: str, symbol: str) -> None:
    """Draw a filled symbol with the mark's number in white."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawPath(placed(symbol, where.center(), where.height()))
    font = painter.font()
    part = {"circle": 0.66, "square": 0.66, "diamond": 0.6}.get(symbol, 0.52) * (1.0 if number < 10 else 0.8)
    font.setPixelSize(max(round(where.height() * part), 1))
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor("white"))
    lowered = where.translated(0, _NUMBER_AT.get(symbol, 0) * where.height())
    painter.drawText(lowered, Qt.AlignmentFlag.AlignCenter, str(number))


def draw_badge(painter: QPainter, sign: QRectF, colour: str, is_used: bool) -> None:
    """Draw the badge of a mark with a measured spectrum at the lower right of its symbol: filled while it is used."""
    centre, radius = sign.bottomRight() - QPointF(0.04, 0.04) * sign.height(), 0.28 * sign.height()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor("#14171c"), 0.09 * sign.height()))
    painter.setBrush(QColor("white"))
    painter.drawEllipse(centre, radius, radius)
    if is_used:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(centre, 0.6 * radius, 0.6 * radius)


@lru_cache(maxsize=512)
def sign_icon(
    number: int, colour: str, symbol: str, size: int = 18, ratio: float = 2.0, badge: bool | None = None
) -> QIcon:
    """Return an icon of a mark's symbol.

    Args:
        number: the number of the mark, with its `colour` and `symbol`.
        colour: #rrggbb.
        symbol: a symbol of `palette.MARK_SYMBOLS`.
        size: in logical pixels.
        ratio: the device pixel ratio.
        badge: whether its measured spectrum is used; None if it has none.
    """
    pixmap = QPixmap(round(size * ratio), round(size * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    where = QRectF(1.5, 1.5, size - 3, size - 3) if badge is None else QRectF(0.5, 0.5, size - 4.5, size - 4.5)
    draw_sign(painter, where, number, colour, symbol)
    if badge is not None:
        draw_badge(painter, where, colour, badge)
    painter.end()
    return plain_icon(pixmap)


def plain_icon(pixmap: QPixmap) -> QIcon:
    """Return an icon whose colours do not change in selected rows."""
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
