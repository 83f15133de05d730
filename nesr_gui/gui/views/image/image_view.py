"""An image pane: one picture or two with a divider, marks, and captions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QMoveEvent, QResizeEvent
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from nesr_gui.gui.drawing import theme
from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.gui.views.image.layers import Canvas
from nesr_gui.gui.views.image.mark_items import MarkLayer
from nesr_gui.gui.views.image.scale_bar import ScaleBar
from nesr_gui.gui.views.image.selection_item import SelectionItem
from nesr_gui.gui.views.image.suggestion_items import SuggestionLayer
from nesr_gui.gui.views.image.transect_item import TransectLayer

_STYLE = """
QToolButton {{ background: rgba(15, 17, 20, 178); color: white; border: 2px solid {edge}; border-radius: 5px;
  padding: 3px 8px; }}
QToolButton:hover {{ background: rgba(40, 44, 50, 220); }}
QToolButton:focus {{ border-color: #8ab4ff; }}
QToolButton::menu-indicator {{ image: none; }}
"""
_AROUND = 24  # px of border and padding
_TIP = "Choose the view mode"
_MARGIN = 10  # px between a caption and the edges


class Caption(QToolButton):
    """Button over the image that names the mode of a side; its menu is filled when it opens."""

    menu_requested = Signal(object)  # QMenu

    def __init__(self, side: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.side = side
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.aboutToShow.connect(lambda: self.menu_requested.emit(menu))
        self.setMenu(menu)
        self._text, self._room = "", 10_000
        self._shown: tuple[str, bool] | None = None
        self.show_text("", False)

    def show_text(self, text: str, is_active: bool) -> bool:
        """Show the text, with a border if the side is the active one; returns whether anything changed."""
        if (text, is_active) == self._shown:
            return False
        self._shown = text, is_active
        style = _STYLE.format(edge="#8ab4ff" if is_active else "transparent")
        if style != self.styleSheet():  # setting a style is slow, and captions change often
            self.setStyleSheet(style)
        self._text = text
        self.fit(self._room)
        self.setAccessibleName(f"{('First', 'Second')[self.side]} pane: {text}" if is_active else f"Image: {text}")
        return True

    def fit(self, room: int) -> None:
        """Limit the width in pixels; an elided text is shown in full in the tool tip."""
        self._room = room
        text = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, room - _AROUND)
        if text != self.text():
            self.setText(text)
            self.setToolTip(_TIP if text == self._text else f"{self._text}\n{_TIP}")
            self.adjustSize()


class _Box(pg.ViewBox):  # type: ignore[misc]
    """View box that zooms with the wheel and pans by dragging, unless a drag edits marks."""

    clicked = Signal(object)  # QPointF in source pixels
    double_clicked = Signal()
    mark_dragged = Signal(object, bool, bool)  # QPointF in source pixels, is start, is end

    def __init__(self) -> None:
        super().__init__(invertY=True, lockAspect=True, enableMenu=False)
        self.disableAutoRange()
        self.grabs: Callable[[QPointF], bool] = lambda scene_pos: False  # whether a drag from a position edits marks
        self._grabbed = False

    def mouseClickEvent(self, event: Any) -> None:
        """Signal single and double clicks of the left button."""
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            if event.double():
                self.double_clicked.emit()
            else:
                self.clicked.emit(self.mapSceneToView(event.scenePos()))

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Drag a mark or pan the view."""
        if event.button() == Qt.MouseButton.RightButton:
            return
        if event.isStart():
            left = event.button() == Qt.MouseButton.LeftButton  # the middle button always pans
            self._grabbed = left and self.grabs(event.buttonDownScenePos())
        if not self._grabbed:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        self.mark_dragged.emit(self.mapSceneToView(event.scenePos()), event.isStart(), event.isFinish())


class ImageView(pg.GraphicsView):  # type: ignore[misc]
    """Shows pictures and marks; signals clicks, hovering and changes of the viewport."""

    pixel_hovered = Signal(object)  # (row, col) | None
    view_changed = Signal(object)  # Viewport
    navigated = Signal(object)  # Viewport after the user has panned or zoomed
    fit_requested = Signal()
    side_picked = Signal(int)  # 0 or 1: the side that was clicked

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Image")
        self.setAccessibleDescription(
            "The open image in the mode that its caption names. Click a pixel to see its spectrum, or press Shift+P "
            "for the pixel at the centre; arrow keys move the active mark by one pixel, with Shift by ten."
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.box = _Box()
        self.setCentralItem(self.box)
        self.canvas = Canvas(self.box, self)
        self.captions = Caption(0, self), Caption(1, self)
        self.scale_bar = ScaleBar(self)
        self._pixel_metres: float | None = None
        self.marks, self.suggestions = MarkLayer(self, self.box), SuggestionLayer(self, self.box)
        self.transect, self.selection = TransectLayer(self, self.box), SelectionItem()
        self.box.addItem(self.selection, ignoreBounds=True)
        self._dragged: MarkLayer | TransectLayer | None = None
        self._sides: tuple[int, ...] = (0,)
        self._shape: tuple[int, int] | None = None
        self._covered = 0  # px at the lower edge of the parent
        self.is_fitted = True
        self._wanted: Viewport | None = None
        self._actual: tuple[float, float] | None = None  # centre (row, column) of a view at actual size
        self.box.grabs = self._grab
        self.box.clicked.connect(self._click)
        self.box.double_clicked.connect(self._double_click)
        self.box.mark_dragged.connect(self._drag)
        self.box.sigRangeChangedManually.connect(self._unfit)
        self.box.sigRangeChanged.connect(self._announce_view)
        self.sceneObj.sigMouseMoved.connect(self._hover)
        self.setBackground(theme.SURROUND)

    def show_image(self, shape: tuple[int, int] | None) -> None:
        """Reset the view for another image of `shape` source pixels; drags and drawing in the previous one end."""
        self._dragged = None
        self.marks.drawing.cancel()
        self._shape = shape
        height, width = shape or (1, 1)
        self.canvas.show_image((height, width))
        self._limit()
        self.fit()

    def show_sides(self, sides: tuple[int, ...], share: float) -> None:
        """Show one side, or both divided at a fraction of the width."""
        self._sides = sides
        self.canvas.arrange(sides, share)
        self._place_captions()

    def show_caption(self, side: int, text: str, is_active: bool) -> None:
        """Set the caption of a side; the active side of two has a border."""
        if self.captions[side].show_text(text, is_active):
            self._place_captions()

    def show_view(self, view: Viewport) -> None:
        """Show a viewport and keep it when the widget is resized, until the user navigates."""
        self.is_fitted, self._wanted, self._actual = False, view, None
        self.box.setRange(QRectF(view.left, view.top, view.right - view.left, view.bottom - view.top), padding=0)

    def fit(self) -> None:
        """Show the whole image."""
        if self._shape is not None:
            self.is_fitted, self._wanted, self._actual = True, None, None
            self.box.setRange(QRectF(0, 0, self._shape[1], self._shape[0]), padding=0.02)
            self._announce_view()

    def zoom(self, factor: float, pixel: tuple[int, int] | None) -> None:
        """Zoom in by `factor`, centred on `pixel` or on the current centre."""
        view = self.view()
        row, col = _centre(view) if pixel is None else (pixel[0] + 0.5, pixel[1] + 0.5)
        height, width = (view.bottom - view.top) / factor, (view.right - view.left) / factor
        self.box.setRange(QRectF(col - width / 2, row - height / 2, width, height), padding=0)
        self._unfit()

    def show_actual_size(self) -> None:
        """Show one source pixel per pixel of the screen around the current centre, or all of a small image."""
        self._place_actual(_centre(self.view()))
        self._unfit()

    def _place_actual(self, middle: tuple[float, float]) -> None:
        ratio, edges = self.devicePixelRatioF(), list[float]()
        size = self.box.height() * ratio, self.box.width() * ratio
        for centre, seen, whole in zip(middle, size, self._shape or (1, 1), strict=True):
            edge = (whole - seen) / 2 if seen >= whole else min(max(centre - seen / 2, 0), whole - seen)
            edges.append(round(edge))  # on whole pixels, so that none is resampled
        self.box.setRange(QRectF(edges[1], edges[0], size[1], size[0]), padding=0)

    def show_covered(self, height: int) -> None:
        """Keep the scale bar clear of what covers `height` pixels at the lower edge of the parent."""
        self._covered = height
        self._place_scale_bar()

    def show_scale_bar(self, is_shown: bool, metres: float | None) -> None:
        """Show or hide the scale bar; `metres` is the length of a source pixel, if known."""
        self._pixel_metres = metres
        self.scale_bar.setVisible(is_shown)
        self._place_scale_bar()

    @property
    def has_image(self) -> bool:
        """Whether an image is open."""
        return self._shape is not None

    def view(self) -> Viewport:
        """The visible part of the image in source pixels."""
        (left, right), (top, bottom) = self.box.viewRange()
        scale = (right - left) / max(self.box.width() * self.devicePixelRatioF(), 1)
        return Viewport(top, bottom, left, right, scale)

    def aim(self) -> Viewport:
        """The viewport last requested, in source pixels: it stays visible when the widget is resized."""
        rect, scale = self.box.targetRect(), self.view().scale
        return self._wanted or Viewport(rect.top(), rect.bottom(), rect.left(), rect.right(), scale)

    def position_of(self, row: int, col: int) -> QPointF:
        """Position of the centre of a pixel in widget coordinates."""
        return QPointF(self.mapFromScene(self.box.mapViewToScene(QPointF(col + 0.5, row + 0.5))))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the requested viewport at a new size."""
        super().resizeEvent(event)
        if event is not None and hasattr(self, "captions"):
            self._place_captions()
            self._place_scale_bar()
            self._limit()
            if self.is_fitted:
                self.fit()
            elif self._actual is not None:
                self._place_actual(self._actual)
                self.navigated.emit(self.view())
            elif self._wanted is not None:
                self.show_view(self._wanted)

    def moveEvent(self, event: QMoveEvent) -> None:
        """Keep the scale bar clear at a new place."""
        super().moveEvent(event)
        self._place_scale_bar()

    def leaveEvent(self, event: QEvent) -> None:
        """Signal that the mouse is over no pixel."""
        super().leaveEvent(event)
        self.pixel_hovered.emit(None)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of the mark under the mouse or, from the keyboard, of the active mark."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self.marks.open_active_menu()
        else:
            self.marks.open_menu(self.mapToScene(event.pos()), event.globalPos())

    def _limit(self) -> None:
        """Limit panning to half an image beyond the edges, or as far as the whole image or its actual size needs."""
        height, width = self._shape or (1, 1)
        tall = self.height() / max(self.width(), 1)
        reach = 0.5 * max(height, width)
        ratio = self.devicePixelRatioF()
        across = max(reach + max(height / tall - width, 0), (self.width() * ratio - width) / 2 + 1)
        down = max(reach + max(width * tall - height, 0), (self.height() * ratio - height) / 2 + 1)
        self.box.setLimits(xMin=-across, xMax=width + across, yMin=-down, yMax=height + down, minXRange=4, minYRange=4)

    def _place_captions(self) -> None:
        """Place captions in the upper corners, stacked if they would overlap."""
        first, second = self.captions
        for caption in self.captions:
            caption.setVisible(caption.side in self._sides and bool(caption.text()))
            caption.fit(self.width() - 2 * _MARGIN)
            caption.move(_MARGIN, _MARGIN)
        if len(self._sides) == 2:
            left = self.width() - second.width() - _MARGIN
            overlaps = first.geometry().right() + _MARGIN > left
            second.move(left, _MARGIN + (first.height() + 4 if overlaps else 0))

    def _place_scale_bar(self) -> None:
        """Update the scale bar and keep it in the lower left corner."""
        if self.scale_bar.isVisibleTo(self) and self._shape is not None:
            self.scale_bar.show_scale(float(self.box.viewPixelSize()[0]), self._pixel_metres)
            parent = self.parentWidget()
            below = parent.height() - self.geometry().bottom() - 1 if parent is not None else 0
            free = self.height() - max(self._covered - below, 0)
            self.scale_bar.move(_MARGIN, free - self.scale_bar.height() - _MARGIN)

    def _announce_view(self) -> None:
        self._place_scale_bar()
        if self._shape is not None:
            self.view_changed.emit(self.view())

    def _unfit(self) -> None:
        view = self.view()
        self.is_fitted, self._wanted = False, None
        self._actual = _centre(view) if math.isclose(view.scale, 1, rel_tol=1e-6) else None
        self.navigated.emit(view)

    def _pixel(self, at: QPointF) -> tuple[int, int] | None:
        row, col = math.floor(at.y()), math.floor(at.x())
        height, width = self._shape or (0, 0)
        return (row, col) if 0 <= row < height and 0 <= col < width else None

    def _grab(self, scene_pos: QPointF) -> bool:
        """Whether a drag from a scene position edits or draws marks or the transect instead of panning."""
        if self.transect.grab(scene_pos):
            self._dragged = self.transect
        elif self.marks.grab(scene_pos):
            self._dragged = self.marks
        elif self.transect.draw_from(scene_pos):
            self._dragged = self.transect
        else:
            return False
        return True

    def _drag(self, at: QPointF, starts: bool, ends: bool) -> None:
        if self._dragged is not None:
            self._dragged.drag(at, starts, ends)

    def _click(self, at: QPointF) -> None:
        self.side_picked.emit(self.canvas.side_at(at.x()) if len(self._sides) == 2 else self._sides[0])
        if not self.suggestions.click(at):
            self.marks.click(at)

    def _double_click(self) -> None:
        if not self.marks.finish():
            self.fit_requested.emit()

    def _hover(self, scene_pos: QPointF) -> None:
        inside = self.sceneObj.sceneRect().contains(scene_pos)
        self.pixel_hovered.emit(self._pixel(self.box.mapSceneToView(scene_pos)) if inside else None)
        is_suggested = self.suggestions.at(scene_pos) is not None
        cursor = Qt.CursorShape.PointingHandCursor if is_suggested else None
        if cursor is None and self.transect.item.line is not None:
            cursor = self.transect.cursor_at(scene_pos)
        self.setCursor(cursor or self.marks.cursor_at(scene_pos))


def _centre(view: Viewport) -> tuple[float, float]:
    """Row and column of the centre."""
    return (view.top + view.bottom) / 2, (view.left + view.right) / 2
