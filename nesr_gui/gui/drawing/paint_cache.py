"""What graphics items have painted, kept as pixels of the screen while only things beneath or beside them change."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap, QTransform


class PaintCache:
    """The pixels of one item, painted again if their content, scale or position within a pixel changes.

    Not `QGraphicsItem.setCacheMode`: its pixels are shifted by up to half a pixel when the item moves.
    """

    def __init__(self) -> None:
        self._pixmap = QPixmap()
        self._state: tuple[object, ...] | None = None
        self._corner = QPoint()  # of the pixmap, in pixels from that of the origin of the item

    def draw(self, painter: QPainter, area: QRectF, content: object, paint: Callable[[QPainter], None]) -> None:
        """Draw what `paint` paints within `area`; both in the coordinates of `painter`.

        Args:
            painter: the painter of a graphics item.
            area: what the item covers.
            content: compared with that of the last call.
            paint: called with a painter of the pixels if they have to be painted again.
        """
        to_device = painter.deviceTransform()
        origin = to_device.map(QPointF())
        pixel = QPoint(math.floor(origin.x()), math.floor(origin.y()))
        within = to_device * QTransform.fromTranslate(-pixel.x(), -pixel.y())
        if (state := (content, area, within)) != self._state:
            self._state = state
            covered = within.mapRect(area).toAlignedRect()
            self._corner, self._pixmap = covered.topLeft(), QPixmap(covered.size())
            self._pixmap.fill(Qt.GlobalColor.transparent)
            own = QPainter(self._pixmap)
            own.setRenderHints(painter.renderHints())
            own.setFont(painter.font())
            own.setTransform(within * QTransform.fromTranslate(-covered.x(), -covered.y()))
            paint(own)
            own.end()
        from_device, is_invertible = to_device.inverted()
        if is_invertible:
            world = painter.worldTransform()
            painter.setWorldTransform(from_device * world)  # pixels of the device
            painter.drawPixmap(pixel + self._corner, self._pixmap)
            painter.setWorldTransform(world)
