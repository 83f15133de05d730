"""The marks as they stand in the image."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPainterPathStroker, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nesr_gui.gui.drawing.symbols import draw_sign, placed, screen_pen
from nesr_gui.gui.model.marks import Mark
from nesr_gui.regions import Region, Shape

REACH = 13.0  # pixels of the screen within which the mouse takes hold of a pin
EDGE_REACH = 6.0  # and of an outline or a handle
WHOLE = -1  # taken hold of as a whole, and not by a handle
_SIGN = QRectF(5, -21, 16, 16)
_HANDLE = 8.0


class _Sign(QGraphicsItem):
    """The sign of a mark, the same size at any zoom; for a pin also a ring that leaves its pixel free to be seen."""

    def __init__(self, mark: Mark, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self.mark, self.active = mark, False
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)

    def boundingRect(self) -> QRectF:
        return QRectF(-14, -30, 44, 44)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.mark.shape is Shape.POINT:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ring = placed(self.mark.symbol, QPointF(0, 0), 15)
            for colour, width in _outlines(self.mark.colour, 2.4):
                painter.setPen(QPen(colour, width))
                painter.drawPath(ring)
        body = placed(self.mark.symbol, _SIGN.center(), _SIGN.height())
        for colour, width in ((QColor(0, 0, 0, 150), 6.0 if self.active else 4.4),
                              (QColor("white"), 4.6 if self.active else 2.8)):  # fmt: skip
            painter.setPen(
                QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
            )
            painter.setBrush(colour)
            painter.drawPath(body)
        draw_sign(painter, _SIGN, self.mark.number, self.mark.colour, self.mark.symbol)


class MarkItem(QGraphicsItem):
    """A mark in the image: the sign, of a region also its outline and, when it is active, its handles.

    Its coordinates are source pixels; lines and handles keep their width on the screen.
    """

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark, self._active = mark, False
        self._outline = QPainterPath()
        self._sign = _Sign(mark, self)
        self.setZValue(10)
        self.show_mark(mark, False)

    def show_mark(self, mark: Mark, active: bool) -> None:
        self.prepareGeometryChange()
        self.mark, self._active = mark, active
        self._outline = outline(mark.place) if isinstance(mark.place, Region) else QPainterPath()
        self._sign.mark, self._sign.active = mark, active
        self._sign.setPos(self._anchor())
        self.setToolTip(mark.label)
        self.setVisible(mark.visible)
        self.setZValue(11 if active else 10)
        self._sign.update()
        self.update()

    def sign_scene_pos(self) -> QPointF:
        """Where the sign stands in the scene."""
        return self._sign.scenePos()

    def grip(self, scene_pos: QPointF) -> int | None:
        """What of the mark is at a place of the scene: a handle, `WHOLE`, or nothing."""
        if not self.isVisible():
            return None
        to_scene = self.sceneTransform()
        if isinstance(self.mark.place, Region):
            if self._active:
                near = [
                    (QLineF(to_scene.map(handle), scene_pos).length(), n) for n, handle in enumerate(self._handles())
                ]
                distance, handle = min(near)
                if distance <= EDGE_REACH + 2:
                    return handle
            stroker = QPainterPathStroker()
            stroker.setWidth(2 * EDGE_REACH)
            if stroker.createStroke(to_scene.map(self._outline)).contains(scene_pos):
                return WHOLE
        sign = _SIGN.translated(to_scene.map(self._anchor()))
        near_pin = QLineF(to_scene.map(self._anchor()), scene_pos).length() <= REACH
        on_pin = near_pin and self.mark.shape is Shape.POINT
        return WHOLE if on_pin or sign.contains(scene_pos) else None

    def distance(self, scene_pos: QPointF) -> float:
        """Pixels of the screen from the sign to a place of the scene."""
        return float(QLineF(self.sceneTransform().map(self._anchor()), scene_pos).length())

    def boundingRect(self) -> QRectF:
        margin = _HANDLE * self._per_pixel()
        return self._outline.boundingRect().adjusted(-margin, -margin, margin, margin)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._outline.isEmpty():
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in _outlines(self.mark.colour, 2.4 if self._active else 1.8):
            painter.setPen(screen_pen(painter.device(), colour, width))
            painter.drawPath(self._outline)
        if self._active:
            to_device = painter.transform()
            painter.setTransform(QTransform())
            painter.setPen(QPen(QColor(0, 0, 0, 170), 1))
            painter.setBrush(QColor("white"))
            for handle in self._handles():
                at = to_device.map(handle)
                painter.drawRect(QRectF(at.x() - _HANDLE / 2, at.y() - _HANDLE / 2, _HANDLE, _HANDLE))

    def _handles(self) -> list[QPointF]:
        place = self.mark.place
        return [QPointF(col, row) for row, col in place.handles()] if isinstance(place, Region) else []

    def _anchor(self) -> QPointF:
        """Where the sign stands: the centre of a pin's pixel, the upper right end of a region."""
        place = self.mark.place
        if not isinstance(place, Region):
            return QPointF(place[1] + 0.5, place[0] + 0.5)
        if place.shape is Shape.RECTANGLE:
            return QPointF(place.bounds[3], place.bounds[0])
        points = self._outline.toFillPolygon().toList()
        return max(points, key=lambda point: point.x() - point.y())

    def _per_pixel(self) -> float:
        """Source pixels to a pixel of the screen."""
        scale = abs(self.sceneTransform().m11()) if self.scene() is not None else 1.0
        return 1 / max(scale, 1e-6)


def outline(region: Region) -> QPainterPath:
    """The outline of a region, x to the right and y down in source pixels."""
    path = QPainterPath()
    top, left, bottom, right = region.bounds
    rect = QRectF(left, top, right - left, bottom - top)
    if region.shape is Shape.RECTANGLE:
        path.addRect(rect)
    elif region.shape is Shape.ELLIPSE:
        path.addEllipse(rect)
    else:
        path.addPolygon(QPolygonF([QPointF(col, row) for row, col in region.vertices]))
        path.closeSubpath()
    return path


def _outlines(colour: str, width: float) -> list[tuple[QColor, float]]:
    """Lines over each other that are seen on any ground."""
    return [(QColor(0, 0, 0, 130), width + 3.4), (QColor("white"), width + 1.8), (QColor(colour), width)]


def nearest(items: list[MarkItem], scene_pos: QPointF) -> tuple[MarkItem, int] | None:
    """Of the marks at a place of the scene the one meant, and what of it; a handle comes before all else."""
    gripped = [(item, grip) for item in items if (grip := item.grip(scene_pos)) is not None]
    return min(gripped, key=lambda found: (found[1] == WHOLE, found[0].distance(scene_pos)), default=None)
