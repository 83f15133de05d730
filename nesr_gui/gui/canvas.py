"""What is drawn under the pins: one picture, or two with a line between."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem

from nesr_gui.gui.pictures import Picture
from nesr_gui.gui.pixel_grid import PixelGrid
from nesr_gui.gui.session import Bytes, Pixel


class _Image(pg.ImageItem):  # type: ignore[misc]
    """An image that is smooth when made smaller and shows its pixels when made larger, unless they are but samples."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(axisOrder="row-major")
        self.setParentItem(parent)
        self.is_sampled = False

    def paint(self, painter: QPainter, *args: Any) -> None:
        smooth = self.is_sampled or abs(painter.worldTransform().m11()) < 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        super().paint(painter, *args)


class Layer(QGraphicsRectItem):
    """One picture with its pixel grid, seen only within this rectangle: blocks may overhang the image's edge."""

    def __init__(self) -> None:
        super().__init__()
        self.setPen(Qt.PenStyle.NoPen)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemClipsChildrenToShape)
        self.image = _Image(self)
        self.grid = PixelGrid(self)
        self.picture: Picture | None = None

    def show_picture(self, picture: Picture | None, lookup: Bytes | None) -> None:
        self.picture = picture
        self.grid.show_picture(picture, lookup)
        if picture is None:
            self.image.clear()
            return
        sampling = picture.request.sampling
        self.image.is_sampled = sampling.stride > 1
        levels = (0, 255) if picture.shown.ndim == 2 else None
        if self.image.image is not picture.shown:
            self.image.setImage(picture.shown, autoLevels=False, levels=levels, lut=lookup, rect=QRectF(*sampling.rect))
        else:
            self.image.setLookupTable(lookup)


class Canvas(QObject):
    """The two layers in a view box, and where each may be seen."""

    divided = Signal(float)  # the user moved the line to this share of the view's width

    def __init__(self, box: pg.ViewBox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._box = box
        self._shape = (1, 1)
        self.layers = (Layer(), Layer())
        self._sides: tuple[int, ...] = (0,)
        self._share = 0.5
        self.line = pg.InfiniteLine(0, angle=90, movable=True, pen=pg.mkPen("w", width=2.5))
        self.line.setHoverPen(pg.mkPen("#3f7fe0", width=4))
        self.line.addMarker("<|>", 0.5, 14)
        self.line.setZValue(5)
        self.cursor = QGraphicsRectItem(0, 0, 1, 1)
        self.cursor.setPen(QPen(QColor("#ffd400"), 0))
        self.cursor.setZValue(8)
        for item in (*self.layers, self.line, self.cursor):
            box.addItem(item, ignoreBounds=True)
        self.cursor.hide()
        box.sigRangeChanged.connect(self.place)
        self.line.sigDragged.connect(self._announce)
        self.place()

    def show_image(self, shape: tuple[int, int]) -> None:
        """Another image, of `shape` source pixels: what is shown of the last one is no longer true."""
        self._shape = shape
        for layer in self.layers:
            layer.show_picture(None, None)
        self.place()

    def arrange(self, sides: tuple[int, ...], share: float) -> None:
        """Show these sides; two are divided at a share of the view's width."""
        self._sides, self._share = sides, share
        for side, layer in enumerate(self.layers):
            layer.setVisible(side in sides)
        self.line.setVisible(len(sides) == 2)
        self.place()

    def side_at(self, x: float) -> int:
        """Which side's picture is at x (source pixels)."""
        return self._sides[-1] if x >= self.line.value() else self._sides[0]

    def show_cursor(self, pixel: Pixel | None) -> None:
        """Mark the pixel that the mouse points at in another view."""
        self.cursor.setVisible(pixel is not None)
        if pixel is not None:
            self.cursor.setRect(QRectF(pixel[1], pixel[0], 1, 1))

    def place(self) -> None:
        """The line stays where it is on the screen, and the image moves under it."""
        height, width = self._shape
        whole = QRectF(0, 0, width, height)
        if len(self._sides) < 2:
            for layer in self.layers:
                layer.setRect(whole)
            return
        left, right = self._box.viewRange()[0]
        x = left + self._share * (right - left)
        self.line.setValue(x)
        at = min(max(x, 0.0), float(width))
        self.layers[0].setRect(QRectF(0, 0, at, height))
        self.layers[1].setRect(QRectF(at, 0, width - at, height))

    def _announce(self) -> None:
        left, right = self._box.viewRange()[0]
        self.divided.emit((float(self.line.value()) - left) / max(right - left, 1e-9))
