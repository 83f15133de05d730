"""A photograph with a colour chart in it: four corners to drag, the grid of its patches, and a magnifier."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsPixmapItem, QGraphicsScene, QGraphicsView, QWidget

from nesr_gui.colorimetry.charts import ColourChart
from nesr_gui.colorimetry.cie import encode_srgb
from nesr_gui.gui.drawing import theme
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.io.photos.chart_patches import ChartError, homography, inner_square, ordered_corners, project

REACH = 16.0  # px around a corner in which a press takes hold of it
HANDLE = 7.0  # px, radius of a corner
SMALLEST, LARGEST = 0.5, 40.0  # zoom, relative to the fitting one and in px per source pixel
LOUPE, MAGNIFICATION = 150, 8  # px, side of the magnifier; px per px of the view, at least
MARGIN = 10  # px
MOST_SWATCHES = 400  # patches whose colour is drawn
START = 0.3  # distance of the first corners from the centre, as a fraction of the image
_ARROWS = {
    Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
}  # fmt: skip
_CORNERS = (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4)
_SQUARE = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])
Array = npt.NDArray[np.float64]


class ChartView(QGraphicsView):
    """Shows a photograph and the corners of a chart, in source pixels (row, col).

    The chart's own colours are drawn inside its patches as soon as it is known which way it lies.
    """

    corners_changed = Signal(object)  # (4, 2), while a corner is moved
    patch_picked = Signal(int)  # index of the patch that was clicked

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setBackgroundBrush(QColor(theme.SURROUND))
        self.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setMouseTracking(True)
        self.setAccessibleName("Photograph of the chart")
        self.setAccessibleDescription(
            "The photograph with the four corners of the chart. Drag a corner, or press 1 to 4 to choose one and the "
            "arrow keys to move it by one pixel, with Shift by ten. Drag inside the corners to move all of them."
        )
        self._scene = QGraphicsScene(self)
        self._picture = QGraphicsPixmapItem()
        self._picture.setTransformationMode(Qt.TransformationMode.SmoothTransformation)
        self._scene.addItem(self._picture)
        self.setScene(self._scene)
        self._shape = (1, 1)
        self._chart: ColourChart | None = None
        self._colours: list[QColor] = []
        self._corners: Array = np.zeros((4, 2))
        self._placed: Array | None = None  # corners from the chart's top left, clockwise
        self._active, self._patch = 0, -1
        self._held: tuple[int, Array, QPointF] | None = None  # corner or -1 for all, corners and position at the start
        self._pan: QPointF | None = None
        self._is_fitted = True

    def sizeHint(self) -> QSize:
        """Preferred size."""
        return QSize(660, 560)

    def show_photograph(self, colours: UInt8Array, shape: tuple[int, int]) -> None:
        """Show a photograph as displayed (h, w, 3), of `shape` (H, W) source pixels."""
        height, width = colours.shape[:2]
        image = QImage(np.ascontiguousarray(colours).data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self._picture.setPixmap(QPixmap.fromImage(image))
        self._picture.setTransform(QTransform.fromScale(shape[1] / width, shape[0] / height))
        self._shape = shape
        self._scene.setSceneRect(QRectF(-shape[1] / 2, -shape[0] / 2, 2 * shape[1], 2 * shape[0]))
        self.fit()

    def show_chart(self, chart: ColourChart) -> None:
        """Show the grid of a chart."""
        self._chart, self._placed, self._patch = chart, None, -1
        codes = np.round(255 * encode_srgb(np.clip(chart.colours, 0, 1))).astype(int)
        self._colours = [QColor(*code) for code in codes.tolist()]
        self.viewport().update()

    def show_corners(self, corners: Array) -> None:
        """Show four corners (row, col), in any order."""
        self._corners, self._placed = np.array(corners, np.float64), None
        self.viewport().update()

    def show_placement(self, corners: Array | None) -> None:
        """Show which way the chart lies: its corners clockwise from its own top left; None if that is not known."""
        self._placed = corners
        self.viewport().update()

    def show_patch(self, patch: int) -> None:
        """Highlight a patch; -1 for none."""
        self._patch = patch
        self.viewport().update()

    @property
    def corners(self) -> Array:
        """The corners (4, 2), (row, col), in the order in which they were shown."""
        return self._corners

    def first_corners(self) -> Array:
        """Corners in the middle of the photograph to begin with, with the sides of the chart."""
        height, width = self._shape
        rows, columns = (self._chart.rows, self._chart.columns) if self._chart is not None else (4, 6)
        scale = 2 * START * min(height / rows, width / columns)
        middle, half = np.array([height, width]) / 2, np.array([rows, columns]) * scale / 2
        return np.array(middle + half * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]))

    def fit(self) -> None:
        """Show the whole photograph."""
        self._is_fitted = True
        self.fitInView(QRectF(0, 0, self._shape[1], self._shape[0]), Qt.AspectRatioMode.KeepAspectRatio)

    def position_of(self, corner: int) -> QPointF:
        """Position of a corner in the view."""
        return self._to_view(self._corners[corner])

    # Geometry

    def _to_view(self, point: Sequence[float] | Array) -> QPointF:
        return self.viewportTransform().map(QPointF(float(point[1]), float(point[0])))

    def _to_source(self, position: QPointF) -> tuple[float, float]:
        at = self.viewportTransform().inverted()[0].map(position)
        return at.y(), at.x()

    def _grid_corners(self) -> Array | None:
        """The corners from the chart's top left; a guess by the sides until colours tell. None if they enclose none."""
        if self._placed is not None:
            return self._placed
        try:
            ring = ordered_corners(self._corners)
        except ChartError:
            return None
        sides = np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1)
        is_wide = self._chart is None or self._chart.columns >= self._chart.rows
        return ring if (sides[::2].sum() >= sides[1::2].sum()) == is_wide else np.roll(ring, -1, axis=0)

    def _squares(self) -> Array | None:
        """Corners (N, 4, 2) of the part of each patch that is read, in the view."""
        ring = self._grid_corners()
        if ring is None or self._chart is None:
            return None
        matrix = homography(ring)
        points = np.stack([inner_square(self._chart, patch, _SQUARE) for patch in range(len(self._chart))])
        view = self.viewportTransform()
        found = project(matrix, points)
        x = found[..., 1] * view.m11() + view.dx()
        y = found[..., 0] * view.m22() + view.dy()
        return np.stack([x, y], axis=-1)

    # Mouse and keyboard

    def _corner_at(self, position: QPointF) -> int | None:
        distances = [math.hypot(*(self.position_of(corner) - position).toTuple()) for corner in range(4)]
        nearest = int(np.argmin(distances))
        return nearest if distances[nearest] <= REACH else None

    def _is_inside(self, position: QPointF) -> bool:
        ring = self._grid_corners()
        if ring is None:
            return False
        return QPolygonF([self._to_view(point) for point in ring]).containsPoint(position, Qt.FillRule.OddEvenFill)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of a corner, of the whole chart, or of the photograph."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        position = event.position()
        if event.button() == Qt.MouseButton.LeftButton:
            corner = self._corner_at(position)
            if corner is not None:
                self._active = corner
                self._held = corner, self._corners.copy(), position
            elif self._is_inside(position):
                self._held = -1, self._corners.copy(), position
            else:
                self._pan = position
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._pan = position
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move what is held."""
        position = event.position()
        if self._held is not None:
            corner, start, pressed = self._held
            moved = np.array(self._to_source(position)) - np.array(self._to_source(pressed))
            changed = start.copy()
            changed[corner if corner >= 0 else slice(None)] += moved
            self._move(changed)
        elif self._pan is not None:
            moved_by = position - self._pan
            self._pan = position
            self._is_fitted = False
            for bar, by in ((self.horizontalScrollBar(), moved_by.x()), (self.verticalScrollBar(), moved_by.y())):
                bar.setValue(bar.value() - round(by))
        else:
            on_corner = self._corner_at(position) is not None
            inside = Qt.CursorShape.OpenHandCursor if self._is_inside(position) else Qt.CursorShape.ArrowCursor
            self.viewport().setCursor(Qt.CursorShape.SizeAllCursor if on_corner else inside)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go; a click inside the chart picks a patch."""
        held, self._held, self._pan = self._held, None, None
        if held is not None and held[0] < 0 and (held[1] == self._corners).all():
            self._pick_patch(event.position())
        self.viewport().update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the whole photograph."""
        self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the mouse."""
        factor = 1.25 ** (event.angleDelta().y() / 120)
        scale = self.transform().m11()
        fitting = min(self.viewport().width() / self._shape[1], self.viewport().height() / self._shape[0])
        factor = min(max(factor, SMALLEST * fitting / scale), max(LARGEST / scale, 1e-6))
        self._is_fitted = False
        self.scale(factor, factor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose a corner by its number, and move it with the arrow keys."""
        key = Qt.Key(event.key())
        if key in _CORNERS:
            self._active = _CORNERS.index(key)
            self.viewport().update()
        elif key in _ARROWS:
            pixels = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            changed = self._corners.copy()
            changed[self._active] += pixels * np.array(_ARROWS[key])
            self._move(changed)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the magnifier."""
        super().focusOutEvent(event)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the whole photograph in view until the user zooms."""
        super().resizeEvent(event)
        if self._is_fitted:
            self.fit()

    def _move(self, corners: Array) -> None:
        height, width = self._shape
        corners = np.clip(corners, (-height / 2, -width / 2), (1.5 * height, 1.5 * width))
        if not (corners == self._corners).all():
            self.show_corners(corners)
            self.corners_changed.emit(self._corners)

    def _pick_patch(self, position: QPointF) -> None:
        squares = self._squares()
        if squares is not None:
            distances = np.linalg.norm(squares.mean(axis=1) - position.toTuple(), axis=1)
            self.patch_picked.emit(int(distances.argmin()))

    # Drawing

    def drawForeground(self, painter: QPainter, rect: QRectF | object) -> None:
        """Draw grid, corners and magnifier in pixels of the view."""
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_overlay(painter)
        if self._held is not None and self._held[0] >= 0:
            self._draw_loupe(painter, self._held[0])
        painter.restore()

    def _draw_overlay(self, painter: QPainter) -> None:
        ring = self._grid_corners()
        outline = QPolygonF([self._to_view(point) for point in (self._corners if ring is None else ring)])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 150), 3.5), (QColor("white") if ring is not None else "#ff6b5e", 1.5)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawPolygon(outline)
        squares = self._squares()
        if squares is not None:
            self._draw_patches(painter, squares)
        for corner in range(4):
            is_active = corner == self._active and self.hasFocus()
            painter.setPen(QPen(QColor(0, 0, 0, 200), 1.5))
            painter.setBrush(self.palette().highlight().color() if is_active else QColor("white"))
            painter.drawEllipse(self.position_of(corner), HANDLE, HANDLE)

    def _draw_patches(self, painter: QPainter, squares: Array) -> None:
        has_colours = self._placed is not None and len(squares) <= MOST_SWATCHES
        for patch, square in enumerate(squares):
            polygon = QPolygonF([QPointF(x, y) for x, y in square.tolist()])
            painter.setBrush(Qt.BrushStyle.NoBrush)
            is_chosen = patch == self._patch
            for colour, width in ((QColor(0, 0, 0, 130), 2.6), (QColor("white"), 1.2)):
                painter.setPen(QPen(QColor(colour), width + 2.5 * is_chosen))
                painter.drawPolygon(polygon)
            if has_colours:
                centre = square.mean(axis=0)
                small = QPolygonF([QPointF(*(centre + 0.5 * (corner - centre)).tolist()) for corner in square])
                painter.setPen(QPen(QColor(0, 0, 0, 90), 1))
                painter.setBrush(self._colours[patch])
                painter.drawPolygon(small)

    def _draw_loupe(self, painter: QPainter, corner: int) -> None:
        """Draw the surroundings of a corner enlarged, in the corner of the view that is farthest from it."""
        at, area = self.position_of(corner), QRectF(self.viewport().rect())
        left = MARGIN if at.x() > area.width() / 2 else area.width() - LOUPE - MARGIN
        top = MARGIN if at.y() > area.height() / 2 else area.height() - LOUPE - MARGIN
        frame = QRectF(left, top, LOUPE, LOUPE)
        scale = max(MAGNIFICATION * 1.0, 2 * self.transform().m11())
        row, col = self._corners[corner]
        picture = self._picture.transform()
        side = LOUPE / scale
        part = QRectF(col - side / 2, row - side / 2, side, side)
        source = QRectF(part.x() / picture.m11(), part.y() / picture.m22(), side / picture.m11(), side / picture.m22())
        painter.save()
        painter.setClipRect(frame)
        painter.fillRect(frame, QColor(theme.SURROUND))
        painter.drawPixmap(frame, self._picture.pixmap(), source)
        ring = self._grid_corners()
        if ring is not None:
            points = [QPointF(left + (x - part.x()) * scale, top + (y - part.y()) * scale) for y, x in ring.tolist()]
            painter.setPen(QPen(QColor("white"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolygon(QPolygonF(points))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        middle = frame.center()
        painter.setPen(QPen(QColor(0, 0, 0), 1))
        painter.drawEllipse(middle, 4, 4)
        painter.restore()
        painter.setPen(QPen(QColor("white"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(frame)
