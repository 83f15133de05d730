"""An image pane: one picture or two, with the pins on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget

from nesr_gui.gui.canvas import Canvas
from nesr_gui.gui.caption import Caption
from nesr_gui.gui.pin_marker import REACH, PinMarker
from nesr_gui.gui.sampling import View
from nesr_gui.gui.session import Pin


class _Box(pg.ViewBox):  # type: ignore[misc]
    """Zoom with the wheel, pan with a drag, unless the drag began on a pin."""

    clicked = Signal(object)  # QPointF in source pixels
    double_clicked = Signal()
    pin_dragged = Signal(object, bool)  # QPointF in source pixels; True at the start

    def __init__(self) -> None:
        super().__init__(invertY=True, lockAspect=True, enableMenu=False)
        self.disableAutoRange()
        self.grabs: Callable[[QPointF], bool] = lambda scene_pos: False  # whether a drag from there moves a pin
        self._grabbed = False

    def mouseClickEvent(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            if event.double():
                self.double_clicked.emit()
            else:
                self.clicked.emit(self.mapSceneToView(event.scenePos()))

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        if event.button() == Qt.MouseButton.RightButton:
            return
        if event.isStart():
            self._grabbed = self.grabs(event.buttonDownScenePos())
        if not self._grabbed:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        self.pin_dragged.emit(self.mapSceneToView(event.scenePos()), event.isStart())


class ImageView(pg.GraphicsView):  # type: ignore[misc]
    """Shows pictures of the image, and announces where it is clicked, dragged and looked at."""

    pixel_picked = Signal(int, int)  # row, col
    pin_move_picked = Signal(int, int, int, int)  # number, row, col, gesture
    pin_remove_picked = Signal(int)  # number
    pixel_hovered = Signal(object)  # (row, col) | None
    view_changed = Signal(object)  # View
    navigated = Signal(object)  # View, which the user went to by hand
    fit_picked = Signal()
    side_picked = Signal(int)  # 0 or 1, where two are shown

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Image")
        self.setAccessibleDescription("What is open, as its caption says. Click a pixel to see its spectrum.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.box = _Box()
        self.setCentralItem(self.box)
        self.canvas = Canvas(self.box, self)
        self.captions = Caption(0, self), Caption(1, self)
        self._sides: tuple[int, ...] = (0,)
        self.markers: dict[int, PinMarker] = {}
        self._shape: tuple[int, int] | None = None
        self.is_fitted = True
        self._grabbed: PinMarker | None = None
        self._gesture = 0
        self.box.grabs = self._grab
        self.box.clicked.connect(self._pick)
        self.box.double_clicked.connect(self.fit_picked)
        self.box.pin_dragged.connect(self._drag)
        self.box.sigRangeChangedManually.connect(self._unfit)
        self.box.sigRangeChanged.connect(self._announce_view)
        self.sceneObj.sigMouseMoved.connect(self._hover)
        self._follow_palette()

    def show_image(self, shape: tuple[int, int] | None) -> None:
        """Make room for a newly opened image of `shape` source pixels."""
        self._shape = shape
        height, width = shape or (1, 1)
        self.canvas.show_image((height, width))
        self._limit()
        self.fit()

    def show_sides(self, sides: tuple[int, ...], share: float) -> None:
        """Show one side's picture, or both divided at a share of the width."""
        self._sides = sides
        self.canvas.arrange(sides, share)
        self._place_captions()

    def show_caption(self, side: int, text: str, is_active: bool) -> None:
        """What a side shows, in its upper corner; marked where it is the one of two that the keys change."""
        self.captions[side].show_text(text, is_active)
        self._place_captions()

    def show_view(self, view: View) -> None:
        """Look at what another view shows."""
        self.is_fitted = False
        self.box.setRange(QRectF(view.left, view.top, view.right - view.left, view.bottom - view.top), padding=0)

    def show_pins(self, pins: Sequence[Pin]) -> None:
        shown = {pin.number: pin for pin in pins}
        for number in [number for number in self.markers if number not in shown]:
            marker = self.markers.pop(number)
            self.box.removeItem(marker)
            if marker is self._grabbed:
                self._grabbed = None
        for number, pin in shown.items():
            if number in self.markers:
                self.markers[number].show_pin(pin)
            else:
                self.markers[number] = PinMarker(pin)
                self.box.addItem(self.markers[number], ignoreBounds=True)

    def fit(self) -> None:
        """Show the whole image."""
        if self._shape is not None:
            self.is_fitted = True
            self.box.setRange(QRectF(0, 0, self._shape[1], self._shape[0]), padding=0.02)
            self._announce_view()

    @property
    def has_image(self) -> bool:
        return self._shape is not None

    def view(self) -> View:
        """What is in sight, in source pixels."""
        (left, right), (top, bottom) = self.box.viewRange()
        scale = (right - left) / max(self.box.width() * self.devicePixelRatioF(), 1)
        return View(top, bottom, left, right, scale)

    def position_of(self, row: int, col: int) -> QPointF:
        """Where the centre of a pixel is on this widget."""
        return QPointF(self.mapFromScene(self.box.mapViewToScene(QPointF(col + 0.5, row + 0.5))))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if event is not None and hasattr(self, "captions"):
            self._place_captions()
            self._limit()
            if self.is_fitted:
                self.fit()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.pixel_hovered.emit(None)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        marker = self._marker_at(self.mapToScene(event.pos()))
        if marker is not None:
            number = marker.pin.number
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.addAction(f"Remove pin {number}", lambda: self.pin_remove_picked.emit(number))
            menu.popup(event.globalPos())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._follow_palette()

    def _follow_palette(self) -> None:
        self.setBackground(self.palette().color(QPalette.ColorRole.Midlight))

    def _limit(self) -> None:
        """Half an image beyond the image can be seen, or as much as it takes to see all of it in this widget."""
        height, width = self._shape or (1, 1)
        tall = self.height() / max(self.width(), 1)
        reach = 0.5 * max(height, width)
        across, down = reach + max(height / tall - width, 0), reach + max(width * tall - height, 0)
        self.box.setLimits(xMin=-across, xMax=width + across, yMin=-down, yMax=height + down, minXRange=4, minYRange=4)

    def _place_captions(self) -> None:
        for caption in self.captions:
            caption.setVisible(caption.side in self._sides and bool(caption.text()))
            at_right = len(self._sides) == 2 and caption.side == 1
            caption.move(self.width() - caption.width() - 10 if at_right else 10, 10)

    def _announce_view(self) -> None:
        if self._shape is not None:
            self.view_changed.emit(self.view())

    def _unfit(self) -> None:
        self.is_fitted = False
        self.navigated.emit(self.view())

    def _pixel(self, at: QPointF) -> tuple[int, int] | None:
        row, col = math.floor(at.y()), math.floor(at.x())
        height, width = self._shape or (0, 0)
        return (row, col) if 0 <= row < height and 0 <= col < width else None

    def _marker_at(self, scene_pos: QPointF) -> PinMarker | None:
        near = [(QLineF(m.scenePos(), scene_pos).length(), n) for n, m in self.markers.items()]
        distance, number = min(near, default=(math.inf, 0))
        return self.markers[number] if distance <= REACH else None

    def _pick(self, at: QPointF) -> None:
        pixel = self._pixel(at)
        if len(self._sides) == 2:
            self.side_picked.emit(self.canvas.side_at(at.x()))
        if pixel is not None and self._marker_at(self.box.mapViewToScene(at)) is None:
            self.pixel_picked.emit(*pixel)

    def _grab(self, scene_pos: QPointF) -> bool:
        self._grabbed = self._marker_at(scene_pos)
        return self._grabbed is not None

    def _drag(self, at: QPointF, starts: bool) -> None:
        self._gesture += starts
        pixel = self._pixel(at)
        if pixel is not None and self._grabbed is not None:
            self.pin_move_picked.emit(self._grabbed.pin.number, *pixel, self._gesture)

    def _hover(self, scene_pos: QPointF) -> None:
        inside = self.sceneObj.sceneRect().contains(scene_pos)
        self.pixel_hovered.emit(self._pixel(self.box.mapSceneToView(scene_pos)) if inside else None)
        taken = self._marker_at(scene_pos) is not None
        self.setCursor(Qt.CursorShape.OpenHandCursor if taken else Qt.CursorShape.CrossCursor)
