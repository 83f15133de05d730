"""Graphics items below the marks: pictures, the divider, the pixel grid and pixel values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QStyleOptionGraphicsItem, QWidget

from nesr_gui.gui.drawing.symbols import screen_pen
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.marks import Pixel
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.regions import Region

LINES_FROM, VALUES_FROM = 10.0, 42.0  # minimum screen pixels per image pixel


class PixelGrid(QGraphicsRectItem):
    """The grid of the pixels of the field, which may each cover several source pixels, and their values."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self.setPen(Qt.PenStyle.NoPen)  # its rectangle is that of the picture in source pixels
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # provides the exposed rectangle
        self._picture: RenderedImage | None = None
        self._lookup: UInt8Array | None = None

    def show_picture(self, picture: RenderedImage | None, lookup: UInt8Array | None = None) -> None:
        """Show the grid of a picture."""
        self._picture, self._lookup = picture, lookup
        self.setRect(QRectF(*picture.request.sampling.rect) if picture is not None else QRectF())
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw grid lines and values if pixels are large enough on screen."""
        if self._picture is None or self._picture.request.sampling.stride > 1:
            return
        side = self._picture.request.sampling.binning
        on_screen = side * abs(painter.worldTransform().m11())
        if on_screen < LINES_FROM:
            return
        exposed = option.exposedRect.intersected(self.rect())
        left, right = math.floor(exposed.left() / side), math.ceil(exposed.right() / side)
        top, bottom = math.floor(exposed.top() / side), math.ceil(exposed.bottom() / side)
        opacity = min((on_screen - LINES_FROM) / LINES_FROM, 1.0)
        painter.setPen(QPen(QColor(128, 128, 128, round(40 + 110 * opacity)), 0))
        painter.drawLines(
            [QLineF(x * side, top * side, x * side, bottom * side) for x in range(left, right + 1)]
            + [QLineF(left * side, y * side, right * side, y * side) for y in range(top, bottom + 1)]
        )
        # interpolated pictures have no exact values
        if on_screen >= VALUES_FROM and self._picture.request.scrub_bands is None:
            self._paint_values(painter, range(top, bottom), range(left, right), on_screen)

    def _paint_values(self, painter: QPainter, rows: range, cols: range, on_screen: float) -> None:
        assert self._picture is not None
        world, side = painter.worldTransform(), self._picture.request.sampling.binning
        font = painter.font()
        font.setPixelSize(round(min(max(on_screen / 5, 9), 14)))
        painter.save()
        painter.setWorldTransform(QTransform())  # text of constant size
        painter.setFont(font)
        for row in rows:
            for col in cols:
                value = self._picture.value_at(row * side, col * side)
                if value is not None:
                    painter.setPen(self._ink(row * side, col * side))
                    cell = world.mapRect(QRectF(col * side, row * side, side, side))
                    painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, value_text(value))
        painter.restore()

    def _ink(self, row: int, col: int) -> QColor:
        """Black on light pixels, white on dark ones."""
        assert self._picture is not None
        at = self._picture.request.sampling.index_of(row, col)
        shown = self._picture.shown[at]
        colour = self._lookup[shown] if self._lookup is not None and shown.ndim == 0 else shown
        rgb = np.broadcast_to(np.asarray(colour, np.float64), 3)
        return QColor("black" if float(rgb @ (0.3, 0.6, 0.1)) > 130 else "white")


def value_text(value: np.ndarray) -> str:
    """A value, or the three values of a colour on separate lines."""
    values = np.atleast_1d(value)
    if values.dtype == np.uint8:
        return "\n".join(str(one) for one in values.tolist())
    return "\n".join(f"{one:.3f}" if one == 0 or 0.01 <= abs(one) < 10 else f"{one:.3g}" for one in values.tolist())


class _Image(pg.ImageItem):  # type: ignore[misc]
    """An image item that is smoothed when minified, and shows sharp pixels when magnified unless subsampled."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(axisOrder="row-major")
        self.setParentItem(parent)
        self.is_sampled = False

    def paint(self, painter: QPainter, *args: Any) -> None:
        """Draw with or without smoothing."""
        on_screen = abs(painter.worldTransform().m11()) * painter.device().devicePixelRatioF()
        smooth = self.is_sampled or on_screen < 1 - 1e-6
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        super().paint(painter, *args)


class _Cross(QGraphicsItem):
    """A cross of fixed screen size with an open centre."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setZValue(8)

    def boundingRect(self) -> QRectF:
        """Rectangle in screen pixels around the centre."""
        return QRectF(-13, -13, 26, 26)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw four arms with a dark outline."""
        arms = [QLineF(4 * x, 4 * y, 12 * x, 12 * y) for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        for colour, width in (("black", 3.4), ("white", 1.6)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawLines(arms)


class _BoxOutline(QGraphicsRectItem):
    """The outline of the averaging box around the mouse pointer, in source pixels, with lines of constant width."""

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(8)
        self.setPen(Qt.PenStyle.NoPen)  # its lines are painted below
        self.hide()

    def boundingRect(self) -> QRectF:
        """Rectangle of the lines, whose width on the screen is below four pixels."""
        margin = 4 / max(abs(self.sceneTransform().m11()), 1e-6) if self.scene() is not None else 0.0
        return self.rect().adjusted(-margin, -margin, margin, margin)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw a white outline on a dark one, which are visible together on any picture."""
        for colour, width in ((QColor(0, 0, 0, 170), 3.4), (QColor("white"), 1.4)):
            painter.setPen(screen_pen(painter.device(), colour, width))
            painter.drawRect(self.rect())


class Layer(QGraphicsRectItem):
    """A picture with its pixel grid, clipped to this rectangle: binned pixels may extend beyond the image."""

    def __init__(self) -> None:
        super().__init__()
        self.setPen(Qt.PenStyle.NoPen)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemClipsChildrenToShape)
        self.image = _Image(self)
        self.grid = PixelGrid(self)
        self.picture: RenderedImage | None = None

    def show_picture(self, picture: RenderedImage | None, lookup: UInt8Array | None) -> None:
        """Place a picture over the pixels that it samples."""
        previous, self.picture = self.picture, picture
        self.grid.show_picture(picture, lookup)
        if picture is None:
            self.image.clear()
            return
        sampling, shown = picture.request.sampling, picture.shown
        self.image.is_sampled = sampling.stride > 1
        if previous is not None and previous.shown is shown and previous.request.sampling == sampling:
            self.image.setLookupTable(lookup)
            return
        levels = (0, 255) if shown.ndim == 2 else None
        self.image.setImage(shown, autoLevels=False, levels=levels, lut=lookup, rect=QRectF(*sampling.rect))


class Canvas(QObject):
    """The two layers of a view box and the divider between them."""

    divided = Signal(float)  # position of the dragged divider as a fraction of the width

    def __init__(self, box: pg.ViewBox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._box = box
        self._shape = (1, 1)
        self.layers = (Layer(), Layer())
        self._sides: tuple[int, ...] = (0,)
        self._share = 0.5
        self.line = pg.InfiniteLine(0, angle=90, movable=True, pen=screen_pen(box.getViewWidget(), "w", 2.5))
        self.line.setHoverPen(screen_pen(box.getViewWidget(), "#3f7fe0", 4))
        self.line.addMarker("<|>", 0.5, 14)
        self.line.setZValue(5)
        self.cursor, self.outline = _Cross(), _BoxOutline()
        for item in (*self.layers, self.line, self.cursor, self.outline):
            box.addItem(item, ignoreBounds=True)
        self.cursor.hide()
        box.sigRangeChanged.connect(self.place)
        self.line.sigDragged.connect(self._announce)
        self.place()

    def show_image(self, shape: tuple[int, int]) -> None:
        """Clear the layers for another image of `shape` source pixels."""
        self._shape = shape
        for layer in self.layers:
            layer.show_picture(None, None)
        self.place()

    def arrange(self, sides: tuple[int, ...], share: float) -> None:
        """Show these sides; two are divided at a fraction of the width of the view."""
        self._sides, self._share = sides, share
        for side, layer in enumerate(self.layers):
            layer.setVisible(side in sides)
        self.line.setVisible(len(sides) == 2)
        self.place()

    def side_at(self, x: float) -> int:
        """The side shown at x (source pixels)."""
        return self._sides[-1] if x >= self.line.value() else self._sides[0]

    def show_cursor(self, pixel: Pixel | None) -> None:
        """Mark the pixel under the mouse in the other view."""
        self.cursor.setVisible(pixel is not None)
        if pixel is not None:
            self.cursor.setPos(pixel[1] + 0.5, pixel[0] + 0.5)

    def show_box(self, box: Region | None) -> None:
        """Outline the averaging box around the mouse pointer."""
        self.outline.setVisible(box is not None)
        if box is not None:
            top, left, bottom, right = box.bounds
            self.outline.setRect(QRectF(left, top, right - left, bottom - top))

    def place(self) -> None:
        """Keep the divider at its position on screen while the view changes."""
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
