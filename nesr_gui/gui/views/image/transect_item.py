"""The transect in the image: display, dragging, drawing and keys."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QLineF, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QGraphicsItem, QGraphicsView, QStyleOptionGraphicsItem, QWidget

from nesr_gui.gui.drawing.symbols import screen_pen
from nesr_gui.gui.model.transect import LineTool, Tool, TransectLine
from nesr_gui.gui.views.image.mark_items import ARROWS, EDGE_REACH, REACH, WHOLE, next_gesture
from nesr_gui.regions import Point

ENDS = "AB"
_HANDLE = 10.0  # screen pixels
_ROOM = 26.0  # screen pixels around the ends, for their letters


class TransectItem(QGraphicsItem):
    """A line with a handle and a letter at each end, and the strip that it averages.

    Coordinates are source pixels; line and handles have a constant size on the screen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(9.5)  # below the marks
        self.line: TransectLine | None = None
        self._across, self._grip = 1.0, WHOLE
        self.is_active = False

    def show_line(self, line: TransectLine | None, binning: int, is_active: bool, grip: int) -> None:
        """Show a transect.

        Args:
            line: the transect, if any.
            binning: source pixels of a pixel of its width.
            is_active: whether keys move it.
            grip: what they move: an end, or `WHOLE`.
        """
        self.prepareGeometryChange()
        self.line, self.is_active, self._grip = line, is_active, grip
        self._across = float(line.width * binning) if line is not None else 1.0
        self.setVisible(line is not None)
        if line is not None:
            self.setToolTip("Transect from A to B")
        self.update()

    def ends(self) -> list[QPointF]:
        """Both ends; none without a line."""
        return [QPointF(col, row) for row, col in self.line.ends] if self.line is not None else []

    def grip_at(self, scene_pos: QPointF) -> int | None:
        """The end at a scene position, `WHOLE` on the line, or None."""
        if self.line is None or not self.isVisible():
            return None
        start, end = (self.sceneTransform().map(each) for each in self.ends())
        near = [QLineF(each, scene_pos).length() for each in (start, end)]
        if min(near) <= REACH:
            return near.index(min(near))
        along, offset = end - start, scene_pos - start
        length = max(QPointF.dotProduct(along, along) ** 0.5, 1e-9)
        at = QPointF.dotProduct(along, offset) / length
        away = abs(along.x() * offset.y() - along.y() * offset.x()) / length
        return WHOLE if 0 <= at <= length and away <= EDGE_REACH else None

    def boundingRect(self) -> QRectF:
        """Rectangle of strip, handles and letters."""
        scale = abs(self.sceneTransform().m11()) if self.scene() is not None else 1.0
        margin = _ROOM / max(scale, 1e-6) + self._across
        return QPolygonF(self.ends()).boundingRect().adjusted(-margin, -margin, margin, margin)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw strip, line, handles and letters, visible on any background."""
        if self.line is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        start, end = self.ends()
        if self._across > 1:
            painter.setPen(screen_pen(painter.device(), QColor(255, 255, 255, 150), 1))
            painter.setBrush(QColor(255, 255, 255, 60))
            normal = QLineF(start, end).unitVector().normalVector()
            side = QPointF(normal.dx(), normal.dy()) * (self._across / 2)
            painter.drawPolygon(QPolygonF([start + side, end + side, end - side, start - side]))
        for colour, width in (("black", 4.2 if self.is_active else 3.6), ("white", 2.2 if self.is_active else 1.6)):
            painter.setPen(screen_pen(painter.device(), colour, width))
            painter.drawLine(start, end)
        to_device = painter.transform()
        painter.setTransform(QTransform())
        ratio = painter.device().devicePixelRatioF()
        painter.scale(ratio, ratio)
        for which, at in enumerate(to_device.map(each) / ratio for each in (start, end)):
            self._paint_end(painter, which, at, to_device.map(end if which == 0 else start) / ratio)

    def _paint_end(self, painter: QPainter, which: int, at: QPointF, other: QPointF) -> None:
        is_gripped = self.is_active and self._grip in (which, WHOLE)
        painter.setPen(QPen(QColor(0, 0, 0, 200), 1.6))
        painter.setBrush(QColor("#8ab4ff") if is_gripped else QColor("white"))
        painter.drawEllipse(at, _HANDLE / 2, _HANDLE / 2)
        away = QLineF(other, at)
        away.setLength(away.length() + 15)
        font = painter.font()
        font.setPixelSize(13)
        font.setBold(True)
        painter.setFont(font)
        where = QRectF(-9, -9, 18, 18).translated(away.p2())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(15, 17, 20, 178))
        painter.drawEllipse(where)
        painter.setPen(QColor("white"))
        painter.drawText(where, Qt.AlignmentFlag.AlignCenter, ENDS[which])


class TransectLayer(QObject):
    """Shows the transect in a view box; signals drawing and editing with the mouse or keyboard."""

    ends_picked = Signal(object, object, int)  # start and end (row, col), gesture
    shift_picked = Signal(int, int, int)  # end or `WHOLE`, offset in rows and cols
    removal_requested = Signal()

    def __init__(self, view: QGraphicsView, box: Any) -> None:
        super().__init__(view)
        self._view, self._box = view, box
        self.item = TransectItem()
        self.item.hide()
        box.addItem(self.item, ignoreBounds=True)
        self._has_tool, self._grip, self._binning = False, WHOLE, 1
        self._held: tuple[TransectLine | None, int] | None = None  # the line at the start of a drag, and its grip
        self._from: Point = (0.0, 0.0)
        self._gesture = 0

    @property
    def is_active(self) -> bool:
        """Whether keys move the transect."""
        return self._has_tool and self.item.line is not None

    def show_line(self, line: TransectLine | None, binning: int) -> None:
        """Show the transect of a field; `binning` is that of the field."""
        self._binning = binning
        self._grip = self._grip if line is not None else WHOLE
        self._show(line)

    def show_tool(self, tool: Tool | None) -> None:
        """Set the selected tool; None if the mouse draws nothing at present."""
        had_tool, self._has_tool = self._has_tool, tool is LineTool.TRANSECT
        if self._has_tool and not had_tool:
            self._view.installEventFilter(self)  # before that of the marks; without the tool, events cost nothing
        elif had_tool and not self._has_tool:
            self._view.removeEventFilter(self)
        self._show(self.item.line)

    def grab(self, scene_pos: QPointF) -> bool:
        """Whether a drag from a scene position moves the transect or an end of it."""
        grip = self.item.grip_at(scene_pos)
        return grip is not None and self._hold(self.item.line, grip, scene_pos)

    def draw_from(self, scene_pos: QPointF) -> bool:
        """Whether a drag from a scene position draws a new transect."""
        return self._has_tool and self._hold(None, 1, scene_pos)

    def drag(self, at: QPointF, starts: bool, ends: bool) -> None:
        """Continue a drag that `grab` or `draw_from` accepted, at `at` in source pixels."""
        if self._held is None:
            return
        self._gesture = next_gesture() if starts else self._gesture
        (line, grip), to = self._held, (at.y(), at.x())
        if line is None:
            start, end = self._from, to
        elif grip == WHOLE:
            start, end = line.moved(to[0] - self._from[0], to[1] - self._from[1]).ends
        else:
            start, end = line.with_end(grip, to).ends
        if starts:
            self._grip = WHOLE if line is None else grip
        if start != end:
            self.ends_picked.emit(start, end, self._gesture)

    def cursor_at(self, scene_pos: QPointF) -> Qt.CursorShape | None:
        """Cursor shape over the transect; None elsewhere."""
        grip = self.item.grip_at(scene_pos)
        if grip is None:
            return None
        return Qt.CursorShape.OpenHandCursor if grip == WHOLE else Qt.CursorShape.SizeAllCursor

    def eventFilter(self, view: QObject, event: QEvent) -> bool:
        """Handle keys of the tool: arrows move, Enter chooses what they move, Delete and Escape remove."""
        if not isinstance(event, QKeyEvent) or not self.is_active:
            return False
        key = Qt.Key(event.key())
        held = event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier)
        is_ours = key in (*ARROWS, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Delete, Qt.Key.Key_Escape)
        if held or not is_ours:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # overrides the shortcuts of wavelength and marks
            return True
        if event.type() != QEvent.Type.KeyPress:
            return False
        if key in ARROWS:
            pixels = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self.shift_picked.emit(self._grip, *(pixels * step for step in ARROWS[key]))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._grip = {WHOLE: 0, 0: 1, 1: WHOLE}[self._grip]
            self._show(self.item.line)
        else:
            self.removal_requested.emit()
        return True

    def _hold(self, line: TransectLine | None, grip: int, scene_pos: QPointF) -> bool:
        at = self._box.mapSceneToView(scene_pos)
        self._held, self._from = (line, grip), (at.y(), at.x())
        return True

    def _show(self, line: TransectLine | None) -> None:
        self.item.show_line(line, self._binning, self._has_tool and line is not None, self._grip)
