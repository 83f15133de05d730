"""The suggested spots to measure, as numbered ghost marks in the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QLineF, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QGraphicsView, QStyleOptionGraphicsItem, QWidget

from nesr_gui.gui.model.marks import Pixel

REACH = 13.0  # screen pixels within which a click picks a spot
_SIZE = 22.0  # screen pixels


class SuggestionItem(QGraphicsRectItem):
    """A dashed ring with a rank, of constant size on the screen."""

    def __init__(self, rank: int, pixel: Pixel) -> None:
        super().__init__(-_SIZE, -_SIZE, 2 * _SIZE, 2 * _SIZE)
        self.rank, self.pixel = rank, pixel
        self.setPen(Qt.PenStyle.NoPen)
        self.setPos(pixel[1] + 0.5, pixel[0] + 0.5)
        self.setZValue(9)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setToolTip(f"Suggested spot {rank} (row {pixel[0]}, col {pixel[1]}); click to mark it")

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw ring and rank, visible on any background."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = QRectF(-_SIZE / 2, -_SIZE / 2, _SIZE, _SIZE)
        painter.setPen(QPen(QColor(0, 0, 0, 150), 3.6))
        painter.setBrush(QColor(0, 0, 0, 90))
        painter.drawEllipse(ring)
        dashed = QPen(QColor("white"), 1.8, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.FlatCap)
        dashed.setDashPattern([2.4, 1.6])
        painter.setPen(dashed)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(ring)
        font = painter.font()
        font.setPixelSize(12)
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor("white"))
        painter.drawText(ring, Qt.AlignmentFlag.AlignCenter, str(self.rank))


class SuggestionLayer(QObject):
    """Shows suggested spots in a view box; signals the one that is clicked."""

    picked = Signal(int, int)  # row, col

    def __init__(self, view: QGraphicsView, box: Any) -> None:
        super().__init__(view)
        self._box = box
        self.items: dict[int, SuggestionItem] = {}

    def show_suggestions(self, suggestions: Mapping[int, Pixel]) -> None:
        """Show these pixels, by rank."""
        for rank in [rank for rank, item in self.items.items() if suggestions.get(rank) != item.pixel]:
            self._box.removeItem(self.items.pop(rank))
        for rank, pixel in suggestions.items():
            if rank not in self.items:
                self.items[rank] = SuggestionItem(rank, pixel)
                self._box.addItem(self.items[rank], ignoreBounds=True)

    def at(self, scene_pos: QPointF) -> SuggestionItem | None:
        """The spot at a scene position."""
        if not self.items:
            return None
        distances = {rank: QLineF(item.scenePos(), scene_pos).length() for rank, item in self.items.items()}
        rank = min(distances, key=lambda each: distances[each], default=None)
        return self.items[rank] if rank is not None and distances[rank] <= REACH else None

    def click(self, at: QPointF) -> bool:
        """Signal the spot at `at` in source pixels; returns whether there is one."""
        item = self.at(self._box.mapViewToScene(at)) if self.items else None
        if item is not None:
            self.picked.emit(*item.pixel)
        return item is not None
