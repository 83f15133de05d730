"""The marks in the image: shown, taken hold of, drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QLineF, QObject, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPainterPathStroker, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QGraphicsItem, QGraphicsPathItem, QGraphicsView, QStyleOptionGraphicsItem, QWidget

from nesr_gui.gui.drawing.symbols import draw_sign, placed, screen_pen
from nesr_gui.gui.model.marks import Mark, MarkGeometry, simplified
from nesr_gui.regions import Point, Region, Shape

REACH = 13.0  # pixels of the screen within which the mouse takes hold of a pin
EDGE_REACH = 6.0  # and of an outline or a handle
WHOLE = -1  # taken hold of as a whole, and not by a handle
_SIGN = QRectF(5, -21, 16, 16)
_HANDLE = 8.0
DRAGGED = (Shape.RECTANGLE, Shape.ELLIPSE, Shape.LASSO)
_ARROWS = {
    Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1),
}  # fmt: skip
CLOSING_REACH = 9  # pixels of the screen within which a click closes a polygon
_GESTURES = itertools.count(1)  # of all views, so that drags in two of them are not taken for one


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


class Drawing(QObject):
    """Follows the mouse until a region is drawn: polygons by clicks, others by a drag."""

    drawn = Signal(object)  # Region

    def __init__(self, view: QWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tool = Shape.POINT
        self.preview = QGraphicsPathItem()
        self.preview.setZValue(12)
        self.preview.setPen(screen_pen(view, "w", 1.6, (4, 2)))
        self.preview.setBrush(QColor(0, 0, 0, 40))
        self._points: list[Point] = []

    @property
    def is_drawing(self) -> bool:
        return bool(self._points)

    def choose(self, tool: Shape) -> None:
        self.cancel()
        self.tool = tool

    def cancel(self) -> None:
        self._points = []
        self.preview.setPath(QPainterPath())

    def take_back(self) -> None:
        """The last corner of the polygon was not meant."""
        self._points = self._points[:-1]
        self._show()

    def click(self, at: QPointF, reach: float) -> None:
        """A click; within `reach` source pixels of its first corner it closes a polygon."""
        if self.tool is Shape.POLYGON:
            point = (at.y(), at.x())
            if len(self._points) > 2 and math.dist(point, self._points[0]) <= reach:
                self.finish()
                return
            self._points.append(point)
            self._show()

    def hover(self, at: QPointF) -> None:
        """The side of the polygon that would be drawn next."""
        if self.tool is Shape.POLYGON and self._points:
            self._show((at.y(), at.x()))

    def drag(self, at: QPointF, starts: bool, ends: bool, screen_pixel: float) -> None:
        """A drag of a rectangle, an ellipse or a lasso; `screen_pixel` is its size in source pixels."""
        point = (at.y(), at.x())
        if starts:
            self._points = [point]
        elif self._points:
            self._points = [*self._points, point] if self.tool is Shape.LASSO else [self._points[0], point]
        self._show()
        if ends and self._points:
            if self.tool is Shape.LASSO and len(self._points) > 3:
                self._points = list(simplified(self._points, screen_pixel))
            self.finish()

    def finish(self) -> None:
        """Take what is drawn so far, if it has an area."""
        region = self._region(self._points)
        self.cancel()
        if region is not None and region.bounds[2] > region.bounds[0] and region.bounds[3] > region.bounds[1]:
            self.drawn.emit(region)

    def _region(self, points: list[Point]) -> Region | None:
        if self.tool in (Shape.RECTANGLE, Shape.ELLIPSE):  # on the edges of pixels, so that its rows can be told
            points = [(round(row), round(col)) for row, col in points]
        least = 2 if self.tool in (Shape.RECTANGLE, Shape.ELLIPSE) else 3
        return Region(self.tool, tuple(points)) if len(points) >= least else None

    def _show(self, next_point: Point | None = None) -> None:
        points = self._points + ([next_point] if next_point else [])
        region = self._region(points)
        path = QPainterPath()
        if region is not None:
            path = outline(region)
        elif points:
            path.moveTo(QPointF(points[0][1], points[0][0]))
            for row, col in points[1:]:
                path.lineTo(QPointF(col, row))
        self.preview.setPath(path)


class MarkLayer(QObject):
    """Shows the marks in a view box and announces what the mouse does to them or draws with the chosen tool."""

    pixel_picked = Signal(int, int)  # row, col of a click with the tool for pins, or while a pixel is asked for
    drawn = Signal(object)  # Region of a new mark
    picked = Signal(int)  # number of the mark that is meant
    place_picked = Signal(int, object, int)  # number, Place, gesture
    menu_picked = Signal(int, QPoint)  # number, where on the screen
    shift_picked = Signal(int, int, int)  # rows, cols by which the active mark is to move; gesture
    tool_left = Signal()  # Escape, while nothing was being drawn

    def __init__(self, view: QGraphicsView, box: Any) -> None:
        super().__init__(view)
        self._view, self._box = view, box
        self.items: dict[int, MarkItem] = {}
        self.drawing = Drawing(view, self)
        self.drawing.drawn.connect(self.drawn)
        box.addItem(self.drawing.preview, ignoreBounds=True)
        self._held: tuple[Mark, int] | None = None  # the mark as it was when taken, and by what
        self._from: Point = (0.0, 0.0)
        self._gesture = 0
        self._asks_pixel = False
        self._active: int | None = None
        view.installEventFilter(self)

    def show_marks(self, marks: Sequence[Mark], active: int | None) -> None:
        shown = {mark.number: mark for mark in marks}
        self._active = active
        for number in [number for number in self.items if number not in shown]:
            self._box.removeItem(self.items.pop(number))
            if self._held is not None and self._held[0].number == number:
                self._held = None
        for number, mark in shown.items():
            if number not in self.items:
                self.items[number] = MarkItem(mark)
                self._box.addItem(self.items[number], ignoreBounds=True)
            self.items[number].show_mark(mark, number == active)

    def show_tool(self, tool: Shape) -> None:
        self.drawing.choose(tool)

    def show_asking(self, asks_pixel: bool) -> None:
        """Whether the next click means a pixel, whatever mark is there and whatever tool is chosen."""
        self._asks_pixel = asks_pixel
        self.drawing.cancel()

    def cursor_at(self, scene_pos: QPointF) -> Qt.CursorShape:
        """What the mouse looks like there; also lets a polygon follow it."""
        self.drawing.hover(self._box.mapSceneToView(scene_pos))
        found = self._mark_at(scene_pos)
        if found is None:
            return Qt.CursorShape.CrossCursor
        return Qt.CursorShape.OpenHandCursor if found[1] == WHOLE else Qt.CursorShape.SizeAllCursor

    def grab(self, scene_pos: QPointF) -> bool:
        """Whether a drag from there is about marks, and does not pan the image."""
        found = self._mark_at(scene_pos)
        self._held = (found[0].mark, found[1]) if found else None
        at = self._box.mapSceneToView(scene_pos)
        self._from = (at.y(), at.x())
        return self._held is not None or (self.drawing.tool in DRAGGED and not self._asks_pixel)

    def drag(self, at: QPointF, starts: bool, ends: bool) -> None:
        """The mouse at `at`, in source pixels, after `grab` has said yes."""
        self._gesture = next(_GESTURES) if starts else self._gesture
        if self._held is None:
            if starts:
                self.drawing.drag(QPointF(self._from[1], self._from[0]), True, False, self._screen_pixel())
            self.drawing.drag(at, False, ends, self._screen_pixel())
            return
        mark, grip = self._held
        if starts:
            self.picked.emit(mark.number)
        place = _dragged(mark.place, grip, self._from, (at.y(), at.x()))
        self.place_picked.emit(mark.number, place, self._gesture)

    def click(self, at: QPointF) -> None:
        """A click into the image: on a mark it means that mark, elsewhere it draws."""
        found = self._mark_at(self._box.mapViewToScene(at))
        if found is not None and not self.drawing.is_drawing:
            self.picked.emit(found[0].mark.number)
        elif self._asks_pixel or self.drawing.tool is Shape.POINT:
            self.pixel_picked.emit(math.floor(at.y()), math.floor(at.x()))
        else:
            self.drawing.click(at, CLOSING_REACH * self._screen_pixel())

    def finish(self) -> bool:
        """A double click or Enter: whether it ended a polygon."""
        was_drawing = self.drawing.is_drawing
        self.drawing.finish()
        return was_drawing

    def open_menu(self, scene_pos: QPointF, screen_pos: QPoint) -> None:
        found = nearest(list(self.items.values()), scene_pos)
        if found is not None:
            self.menu_picked.emit(found[0].mark.number, screen_pos)

    def open_active_menu(self) -> None:
        """The menu of the active mark, asked for with the keyboard."""
        item = self.items.get(self._active) if self._active is not None else None
        if item is not None:
            at = self._view.mapFromScene(item.sign_scene_pos())
            self.menu_picked.emit(item.mark.number, self._view.mapToGlobal(at))

    def eventFilter(self, view: QObject, event: QEvent) -> bool:
        """Enter ends a polygon, Backspace takes a corner back, Escape lets it be; arrows move the active mark."""
        if not isinstance(event, QKeyEvent):
            return False
        if event.type() == QEvent.Type.ShortcutOverride and self._moves_mark(event):
            event.accept()  # or it would be the shortcut that steps the wavelength
            return True
        if event.type() != QEvent.Type.KeyPress:
            return False
        key, drawing = Qt.Key(event.key()), self.drawing.is_drawing
        if key == Qt.Key.Key_Escape:
            self.drawing.cancel()
            if not drawing:
                self.tool_left.emit()
            return True
        if self._moves_mark(event):
            pixels = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self._gesture = self._gesture if event.isAutoRepeat() else next(_GESTURES)  # a held key is one step
            self.shift_picked.emit(*(pixels * step for step in _ARROWS[key]), self._gesture)
            return True
        if drawing and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return self.finish()
        if drawing and key == Qt.Key.Key_Backspace:
            self.drawing.take_back()
            return True
        return False

    def _moves_mark(self, event: QKeyEvent) -> bool:
        """Whether a key moves the active mark: an arrow, where there is such a mark."""
        others = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier
        return self._active in self.items and Qt.Key(event.key()) in _ARROWS and not event.modifiers() & others

    def _mark_at(self, scene_pos: QPointF) -> tuple[MarkItem, int] | None:
        """The mark that the mouse would take hold of there, and by what; none while a pixel is asked for."""
        return None if self._asks_pixel else nearest(list(self.items.values()), scene_pos)

    def _screen_pixel(self) -> float:
        """The size of a pixel of the screen in source pixels."""
        return float(self._box.viewPixelSize()[0])


def _dragged(place: MarkGeometry, grip: int, start: Point, to: Point) -> MarkGeometry:
    """A place after a drag; regions move by whole pixels, so that they hold as many as before."""
    if not isinstance(place, Region):
        return math.floor(to[0]), math.floor(to[1])
    if grip == WHOLE:
        return place.moved(round(to[0] - start[0]), round(to[1] - start[1]))
    if place.shape in (Shape.RECTANGLE, Shape.ELLIPSE):
        to = float(round(to[0])), float(round(to[1]))
    return place.reshaped(grip, to)
