"""The marks over the image: shown, taken hold of, drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGraphicsView

from nesr_gui.gui.marks.mark_drawing import DRAGGED, Drawing
from nesr_gui.gui.marks.mark_items import WHOLE, MarkItem, nearest
from nesr_gui.gui.model.marks import Mark, Place
from nesr_gui.regions import Point, Region, Shape

_ARROWS = {
    Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1),
}  # fmt: skip
CLOSING_REACH = 9  # pixels of the screen within which a click closes a polygon
_GESTURES = itertools.count(1)  # of all views, so that drags in two of them are not taken for one


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


def _dragged(place: Place, grip: int, start: Point, to: Point) -> Place:
    """A place after a drag; regions move by whole pixels, so that they hold as many as before."""
    if not isinstance(place, Region):
        return math.floor(to[0]), math.floor(to[1])
    if grip == WHOLE:
        return place.moved(round(to[0] - start[0]), round(to[1] - start[1]))
    if place.shape in (Shape.RECTANGLE, Shape.ELLIPSE):
        to = float(round(to[0])), float(round(to[1]))
    return place.reshaped(grip, to)
