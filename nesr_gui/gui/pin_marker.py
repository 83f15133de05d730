"""The sign of a pin in the image."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nesr_gui.gui.session import Pin
from nesr_gui.gui.theme import draw_pin_disc

REACH = 13.0  # pixels of the screen within which the mouse takes hold of a pin
_RING = QRectF(-7, -7, 14, 14)
_DISC = QRectF(5, -21, 16, 16)


class PinMarker(QGraphicsItem):
    """A ring that leaves the pixel free to be seen, and a disc with the pin's number; the same size at any zoom."""

    def __init__(self, pin: Pin) -> None:
        super().__init__()
        self.pin = pin
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setZValue(10)
        self.show_pin(pin)

    def show_pin(self, pin: Pin) -> None:
        """Stand at the centre of the pin's pixel."""
        self.pin = pin
        self.setPos(QPointF(pin.col + 0.5, pin.row + 0.5))
        self.setToolTip(pin.label)
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(-10, -24, 34, 34)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 130), 6.0), (QColor("white"), 4.4), (QColor(self.pin.colour), 2.4)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(_RING)
        painter.setPen(Qt.PenStyle.NoPen)
        for colour, margin in ((QColor(0, 0, 0, 130), 2.2), (QColor("white"), 1.4)):
            painter.setBrush(colour)
            painter.drawEllipse(_DISC.adjusted(-margin, -margin, margin, margin))
        draw_pin_disc(painter, _DISC, self.pin.number, self.pin.colour)
