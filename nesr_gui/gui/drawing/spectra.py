"""How lines, bands and keys of spectra are drawn, the same in the plot and in figures."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from nesr_gui.gui.model.plot_settings import KeySign, Kind, SpreadKind

_HATCH = 5.0  # units between the lines of a hatch


def line_pen(colour: QColor, width: float, dash: Sequence[float] | None) -> QPen:
    """Return the pen of a line; `dash` is in line widths, None for a solid line."""
    pen = QPen(colour, width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dash:
        pen.setDashPattern(list(dash))
    return pen


def paint_spread(
    painter: QPainter, outline: QPainterPath, kind: SpreadKind, colour: str, within: QRectF, unit: float = 1.0
) -> None:
    """Paint a band around a spectrum: filled for a prediction interval, hatched for a standard deviation.

    Args:
        painter: in logical pixels or points.
        outline: the closed outline of the band.
        kind: what the band is.
        colour: the colour of its mark.
        within: the visible area.
        unit: the length of a line width in the units of the painter.
    """
    ink = QColor(colour)
    painter.save()
    painter.setClipRect(within, Qt.ClipOperation.IntersectClip)
    painter.setPen(Qt.PenStyle.NoPen)
    if kind is SpreadKind.INTERVAL:
        ink.setAlpha(52)
        painter.fillPath(outline, ink)
        painter.restore()
        return
    ink.setAlpha(150)
    painter.setPen(line_pen(ink, 0.7 * unit, ()))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(outline)
    painter.setClipPath(outline, Qt.ClipOperation.IntersectClip)
    seen = outline.boundingRect() & within
    left = seen.left() - seen.height()
    left -= left % (_HATCH * unit)  # lines of overlapping bands coincide, so that they stay distinct
    for step in range(int((seen.right() - left) / (_HATCH * unit)) + 1):
        x = left + step * _HATCH * unit
        painter.drawLine(QPointF(x, seen.bottom()), QPointF(x + seen.height(), seen.top()))
    painter.restore()


def draw_key_sign(painter: QPainter, where: QRectF, sign: KeySign, ink: QColor, width: float = 1.5) -> None:
    """Draw the sample of a key entry: a line of `width`, a band, or (None) a circle; a remark has none."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if isinstance(sign, Kind):
        painter.setPen(line_pen(ink, 0.5 * width if sign is Kind.METAMER else width, sign.value))
        painter.drawLine(QPointF(where.left(), where.center().y()), QPointF(where.right(), where.center().y()))
    elif isinstance(sign, SpreadKind):
        box, outline = where.adjusted(0, where.height() * 0.2, 0, -where.height() * 0.2), QPainterPath()
        outline.addRect(box)
        paint_spread(painter, outline, sign, ink.name(), where, where.height() / 12)
    elif sign is None:
        painter.setPen(QPen(ink, 0.8 * width))
        painter.drawEllipse(where.center(), where.height() * 0.27, where.height() * 0.27)
    painter.restore()
