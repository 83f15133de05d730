"""Drawing a new region with the chosen tool."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, QPointF, Signal
from PySide6.QtGui import QColor, QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem, QWidget

from nesr_gui.gui.drawing.symbols import screen_pen
from nesr_gui.gui.marks.mark_items import outline
from nesr_gui.gui.model.marks import simplified
from nesr_gui.regions import Point, Region, Shape

DRAGGED = (Shape.RECTANGLE, Shape.ELLIPSE, Shape.LASSO)


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
