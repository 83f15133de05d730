"""The marks in the image: display, dragging and drawing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QLineF, QObject, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPainterPathStroker, QPen, QTransform
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsPathItem,
    QGraphicsRectItem,
    QGraphicsView,
    QStyleOptionGraphicsItem,
    QWidget,
)

from nesr_gui.gui.drawing.paint_cache import PaintCache
from nesr_gui.gui.drawing.symbols import draw_badge, draw_sign, outline, placed, screen_pen
from nesr_gui.gui.model.marks import Mark, MarkGeometry, simplified
from nesr_gui.gui.model.transect import Tool
from nesr_gui.regions import Point, Region, Shape

REACH = 13.0  # screen pixels within which the mouse grabs a pin
EDGE_REACH = 6.0  # the same for an outline or a handle
WHOLE = -1  # grip of a whole mark rather than of a handle
_SIGN = QRectF(5, -21, 16, 16)
_HANDLE = 8.0
DRAGGED = (Shape.RECTANGLE, Shape.ELLIPSE, Shape.LASSO)
ARROWS = {
    Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1),
}  # fmt: skip
CLOSING_REACH = 9  # screen pixels within which a click closes a polygon
_GESTURES = itertools.count(1)


def next_gesture() -> int:
    """Number of a new drag; those of all views are different."""
    return next(_GESTURES)


class _Sign(QGraphicsRectItem):
    """The numbered symbol of a mark at constant screen size; a pin also has a ring around its pixel."""

    def __init__(self, mark: Mark, parent: QGraphicsItem) -> None:
        super().__init__(-14, -30, 44, 44, parent)  # symbol and ring in screen pixels
        self.setPen(Qt.PenStyle.NoPen)
        self.mark, self.active = mark, False
        self._cache = PaintCache()  # the picture beneath changes with every step of the wavelength
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw ring, outline and symbol."""
        self._cache.draw(painter, self.rect(), (self.mark, self.active), self._paint)

    def _paint(self, painter: QPainter) -> None:
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
        if self.mark.reading is not None:
            draw_badge(painter, _SIGN, self.mark.colour, self.mark.reading.is_used)


class MarkItem(QGraphicsItem):
    """A mark in the image: its symbol and, for a region, its outline and the handles of the active one.

    Coordinates are source pixels; lines and handles have a constant width on screen.
    """

    def __init__(self, mark: Mark, active: bool = False) -> None:
        super().__init__()
        self._outline = QPainterPath()
        self._sign = _Sign(mark, self)
        self.setZValue(10)
        self.show_mark(mark, active)

    def show_mark(self, mark: Mark, active: bool) -> None:
        """Show the current state of the mark."""
        self.prepareGeometryChange()
        self.mark, self._active = mark, active
        self._outline = outline(mark.place) if isinstance(mark.place, Region) else QPainterPath()
        self._sign.mark, self._sign.active = mark, active
        self._sign.setPos(self._anchor())
        reading = mark.reading
        measured = f"\nMeasured spectrum of {reading.source}" if reading is not None else ""
        self.setToolTip(mark.label + measured + ", not used" * (reading is not None and not reading.is_used))
        self.setVisible(mark.visible)
        self.setZValue(11 if active else 10)
        self._sign.update()
        self.update()

    def sign_scene_pos(self) -> QPointF:
        """Position of the symbol in the scene."""
        return self._sign.scenePos()

    def grip(self, scene_pos: QPointF) -> int | None:
        """The part of the mark at a scene position: index of a handle, `WHOLE`, or None."""
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
        """Distance in screen pixels from the symbol to a scene position."""
        return float(QLineF(self.sceneTransform().map(self._anchor()), scene_pos).length())

    def boundingRect(self) -> QRectF:
        """Rectangle of outline and handles."""
        margin = _HANDLE * self._per_pixel()
        return self._outline.boundingRect().adjusted(-margin, -margin, margin, margin)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw outline and handles of a region."""
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
        """Anchor of the symbol: the centre of a pin's pixel, the upper right of a region."""
        place = self.mark.place
        if not isinstance(place, Region):
            return QPointF(place[1] + 0.5, place[0] + 0.5)
        if place.shape is Shape.RECTANGLE:
            return QPointF(place.bounds[3], place.bounds[0])
        points = self._outline.toFillPolygon().toList()
        return max(points, key=lambda point: point.x() - point.y())

    def _per_pixel(self) -> float:
        """Source pixels per screen pixel."""
        scale = abs(self.sceneTransform().m11()) if self.scene() is not None else 1.0
        return 1 / max(scale, 1e-6)


def _outlines(colour: str, width: float) -> list[tuple[QColor, float]]:
    """Colours and widths of strokes that are visible together on any background."""
    return [(QColor(0, 0, 0, 130), width + 3.4), (QColor("white"), width + 1.8), (QColor(colour), width)]


def nearest(items: list[MarkItem], scene_pos: QPointF) -> tuple[MarkItem, int] | None:
    """The mark at a scene position with the part that is hit; handles take precedence."""
    gripped = [(item, grip) for item in items if (grip := item.grip(scene_pos)) is not None]
    return min(gripped, key=lambda pair: (pair[1] == WHOLE, pair[0].distance(scene_pos)), default=None)


class Drawing(QObject):
    """Draws a region with the mouse: polygons by clicks, other shapes by a drag."""

    drawn = Signal(object)  # Region

    def __init__(self, view: QWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tool: Tool = Shape.POINT
        self.preview = QGraphicsPathItem()
        self.preview.setZValue(12)
        self.preview.setPen(screen_pen(view, "w", 1.6, (4, 2)))
        self.preview.setBrush(QColor(0, 0, 0, 40))
        self._points: list[Point] = []

    @property
    def is_drawing(self) -> bool:
        """Whether a region is being drawn."""
        return bool(self._points)

    def choose(self, tool: Tool) -> None:
        """Select the tool, cancelling a region in progress."""
        self.cancel()
        self.tool = tool

    def cancel(self) -> None:
        """Discard the region in progress."""
        self._points = []
        self.preview.setPath(QPainterPath())

    def take_back(self) -> None:
        """Remove the last vertex of the polygon."""
        self._points = self._points[:-1]
        self._show()

    def click(self, at: QPointF, reach: float) -> None:
        """Add a vertex to the polygon, or close it within `reach` source pixels of the first one."""
        if self.tool is Shape.POLYGON:
            point = (at.y(), at.x())
            if len(self._points) > 2 and math.dist(point, self._points[0]) <= reach:
                self.finish()
                return
            self._points.append(point)
            self._show()

    def hover(self, at: QPointF) -> None:
        """Preview the next edge of the polygon."""
        if self.tool is Shape.POLYGON and self._points:
            self._show((at.y(), at.x()))

    def drag(self, at: QPointF, starts: bool, ends: bool, screen_pixel: float) -> None:
        """Drag a rectangle, ellipse or lasso; `screen_pixel` is the size of a screen pixel in source pixels."""
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
        """Emit the region drawn so far, if it has an area."""
        region = self._region(self._points)
        self.cancel()
        if region is not None and region.bounds[2] > region.bounds[0] and region.bounds[3] > region.bounds[1]:
            self.drawn.emit(region)

    def _region(self, points: list[Point]) -> Region | None:
        if self.tool in (Shape.RECTANGLE, Shape.ELLIPSE):  # snap to pixel edges
            points = [(round(row), round(col)) for row, col in points]
        least = 2 if self.tool in (Shape.RECTANGLE, Shape.ELLIPSE) else 3
        return Region(self.tool, tuple(points)) if isinstance(self.tool, Shape) and len(points) >= least else None

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
    """Shows the marks in a view box; signals editing and drawing with the mouse or keyboard."""

    pixel_picked = Signal(int, int)  # row, col: a new pin or the requested pixel
    drawn = Signal(object)  # Region
    picked = Signal(int)  # number of the selected mark
    place_picked = Signal(int, object, int)  # number, MarkGeometry, gesture
    menu_picked = Signal(int, QPoint)  # number, position on the screen
    shift_picked = Signal(int, int)  # offset of the active mark in rows and cols
    tool_left = Signal()  # Escape was pressed while nothing was being drawn

    def __init__(self, view: QGraphicsView, box: Any) -> None:
        super().__init__(view)
        self._view, self._box = view, box
        self.items: dict[int, MarkItem] = {}
        self.drawing = Drawing(view, self)
        self.drawing.drawn.connect(self.drawn)
        box.addItem(self.drawing.preview, ignoreBounds=True)
        self._grabbed: tuple[Mark, int] | None = None  # mark at the start of the drag, and its grip
        self._from: Point = (0.0, 0.0)
        self._gesture = 0
        self._is_picking = False
        self._active: int | None = None
        view.installEventFilter(self)

    def show_marks(self, marks: Sequence[Mark], active: int | None) -> None:
        """Show these marks; the active region has handles."""
        shown = {mark.number: mark for mark in marks}
        self._active = active
        for number in [number for number in self.items if number not in shown]:
            self._box.removeItem(self.items.pop(number))
            if self._grabbed is not None and self._grabbed[0].number == number:
                self._grabbed = None
        for number, mark in shown.items():
            if number in self.items:
                self.items[number].show_mark(mark, number == active)
            else:
                self.items[number] = MarkItem(mark, number == active)
                self._box.addItem(self.items[number], ignoreBounds=True)

    def show_tool(self, tool: Tool) -> None:
        """Select the drawing tool."""
        self.drawing.choose(tool)

    def show_picking(self, is_picking: bool) -> None:
        """Set whether the next click picks a pixel, regardless of marks and tool."""
        self._is_picking = is_picking
        self.drawing.cancel()

    def cursor_at(self, scene_pos: QPointF) -> Qt.CursorShape:
        """Cursor shape at a scene position; also updates the preview of a polygon."""
        self.drawing.hover(self._box.mapSceneToView(scene_pos))
        hit = self._mark_at(scene_pos)
        if hit is None:
            return Qt.CursorShape.CrossCursor
        return Qt.CursorShape.OpenHandCursor if hit[1] == WHOLE else Qt.CursorShape.SizeAllCursor

    def grab(self, scene_pos: QPointF) -> bool:
        """Whether a drag from a scene position edits or draws marks instead of panning."""
        hit = self._mark_at(scene_pos)
        self._grabbed = (hit[0].mark, hit[1]) if hit else None
        at = self._box.mapSceneToView(scene_pos)
        self._from = (at.y(), at.x())
        return self._grabbed is not None or (self.drawing.tool in DRAGGED and not self._is_picking)

    def drag(self, at: QPointF, starts: bool, ends: bool) -> None:
        """Continue a drag that `grab` has accepted, at `at` in source pixels."""
        self._gesture = next_gesture() if starts else self._gesture
        if self._grabbed is None:
            if starts:
                self.drawing.drag(QPointF(self._from[1], self._from[0]), True, False, self._screen_pixel())
            self.drawing.drag(at, False, ends, self._screen_pixel())
            return
        mark, grip = self._grabbed
        if starts:
            self.picked.emit(mark.number)
        place = _dragged(mark.place, grip, self._from, (at.y(), at.x()))
        self.place_picked.emit(mark.number, place, self._gesture)

    def click(self, at: QPointF) -> None:
        """Select the mark that was clicked, or draw with the current tool."""
        hit = self._mark_at(self._box.mapViewToScene(at))
        if hit is not None and not self.drawing.is_drawing:
            self.picked.emit(hit[0].mark.number)
        elif self._is_picking or self.drawing.tool is Shape.POINT:
            self.pixel_picked.emit(math.floor(at.y()), math.floor(at.x()))
        else:
            self.drawing.click(at, CLOSING_REACH * self._screen_pixel())

    def finish(self) -> bool:
        """Close the polygon; returns whether one was being drawn."""
        was_drawing = self.drawing.is_drawing
        self.drawing.finish()
        return was_drawing

    def mark_at(self, at: QPoint) -> int | None:
        """Number of the mark at a position on the screen, if the view is visible there."""
        inside = self._view.viewport().mapFromGlobal(at)
        if not self._view.isVisible() or not self._view.viewport().rect().contains(inside):
            return None
        hit = nearest(list(self.items.values()), self._view.mapToScene(inside))
        return hit[0].mark.number if hit is not None else None

    def open_menu(self, scene_pos: QPointF, screen_pos: QPoint) -> None:
        """Request the menu of the mark at a scene position."""
        hit = nearest(list(self.items.values()), scene_pos)
        if hit is not None:
            self.menu_picked.emit(hit[0].mark.number, screen_pos)

    def open_active_menu(self) -> None:
        """Request the menu of the active mark from the keyboard."""
        item = self.items.get(self._active) if self._active is not None else None
        if item is not None:
            at = self._view.mapFromScene(item.sign_scene_pos())
            self.menu_picked.emit(item.mark.number, self._view.mapToGlobal(at))

    def eventFilter(self, view: QObject, event: QEvent) -> bool:
        """Handle keys: Enter, Backspace and Escape while drawing; arrows move the active mark."""
        if not isinstance(event, QKeyEvent):
            return False
        if event.type() == QEvent.Type.ShortcutOverride and self._moves_mark(event):
            event.accept()  # overrides the shortcut that steps the wavelength
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
            self.shift_picked.emit(*(pixels * step for step in ARROWS[key]))
            return True
        if drawing and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return self.finish()
        if drawing and key == Qt.Key.Key_Backspace:
            self.drawing.take_back()
            return True
        return False

    def _moves_mark(self, event: QKeyEvent) -> bool:
        """Whether the key is an arrow that moves the active mark."""
        others = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier
        return self._active in self.items and Qt.Key(event.key()) in ARROWS and not event.modifiers() & others

    def _mark_at(self, scene_pos: QPointF) -> tuple[MarkItem, int] | None:
        """The mark at a scene position and the part that is hit; None while a pixel is being picked."""
        return None if self._is_picking else nearest(list(self.items.values()), scene_pos)

    def _screen_pixel(self) -> float:
        """Size of a screen pixel in source pixels."""
        return float(self._box.viewPixelSize()[0])


def _dragged(place: MarkGeometry, grip: int, start: Point, to: Point) -> MarkGeometry:
    """Geometry after a drag; regions move by whole pixels, so that their pixel count is kept."""
    if not isinstance(place, Region):
        return math.floor(to[0]), math.floor(to[1])
    if grip == WHOLE:
        return place.moved(round(to[0] - start[0]), round(to[1] - start[1]))
    if place.shape in (Shape.RECTANGLE, Shape.ELLIPSE):
        to = float(round(to[0])), float(round(to[1]))
    return place.reshaped(grip, to)
