"""Lines between pixels and the values in them, where the image is so large that there is room."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nesr_gui.gui.model.session import Bytes
from nesr_gui.gui.tasks.rendering import Picture

LINES_FROM, VALUES_FROM = 10.0, 42.0  # pixels of the screen along a side of a pixel


class PixelGrid(QGraphicsItem):
    """The grid of a picture's own pixels: those of the field, however many of the photograph each stands for."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # only what is in sight is painted
        self._picture: Picture | None = None
        self._lookup: Bytes | None = None

    def show_picture(self, picture: Picture | None, lookup: Bytes | None = None) -> None:
        self.prepareGeometryChange()
        self._picture, self._lookup = picture, lookup
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(*self._picture.request.sampling.rect) if self._picture else QRectF()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._picture is None or self._picture.request.sampling.stride > 1:
            return
        side = self._picture.request.sampling.reduction
        on_screen = side * abs(painter.worldTransform().m11())
        if on_screen < LINES_FROM:
            return
        seen = option.exposedRect.intersected(self.boundingRect())
        left, right = math.floor(seen.left() / side), math.ceil(seen.right() / side)
        top, bottom = math.floor(seen.top() / side), math.ceil(seen.bottom() / side)
        opacity = min((on_screen - LINES_FROM) / LINES_FROM, 1.0)
        painter.setPen(QPen(QColor(128, 128, 128, round(40 + 110 * opacity)), 0))
        painter.drawLines(
            [QLineF(x * side, top * side, x * side, bottom * side) for x in range(left, right + 1)]
            + [QLineF(left * side, y * side, right * side, y * side) for y in range(top, bottom + 1)]
        )
        if on_screen >= VALUES_FROM and self._picture.request.nodes is None:  # only the field's own values are told
            self._paint_values(painter, range(top, bottom), range(left, right), on_screen)

    def _paint_values(self, painter: QPainter, rows: range, cols: range, on_screen: float) -> None:
        assert self._picture is not None
        world, side = painter.worldTransform(), self._picture.request.sampling.reduction
        font = painter.font()
        font.setPixelSize(round(min(max(on_screen / 5, 9), 14)))
        painter.save()
        painter.setWorldTransform(QTransform())  # letters keep their size
        painter.setFont(font)
        for row in rows:
            for col in cols:
                value = self._picture.value_at(row * side, col * side)
                if value is not None:
                    painter.setPen(self._ink(row * side, col * side))
                    cell = world.mapRect(QRectF(col * side, row * side, side, side))
                    painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, value_text(value))
        painter.restore()

    def _ink(self, row: int, col: int) -> QColor:
        """Black on light pixels, white on dark ones."""
        assert self._picture is not None
        at = self._picture.request.sampling.index_of(row, col)
        shown = self._picture.shown[at]
        colour = self._lookup[shown] if self._lookup is not None and shown.ndim == 0 else shown
        rgb = np.broadcast_to(np.asarray(colour, np.float64), 3)
        return QColor("black" if float(rgb @ (0.3, 0.6, 0.1)) > 130 else "white")


def value_text(value: np.ndarray) -> str:
    """A value, or the three of a colour under each other."""
    values = np.atleast_1d(value)
    if values.dtype == np.uint8:
        return "\n".join(str(one) for one in values.tolist())
    return "\n".join(f"{one:.3f}" if abs(one) < 10 else f"{one:.3g}" for one in values.tolist())
