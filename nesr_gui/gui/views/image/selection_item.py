"""The pixels that are selected in the scatter plot, as a translucent overlay of the picture."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nesr_gui.analysis.pixelwise import Bools

COLOUR = QColor(255, 0, 190, 150)
"""Rare in photographs and in colormaps."""


class SelectionItem(QGraphicsItem):
    """Colours the selected pixels of a field; coordinates are source pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(4)  # above the pictures, below divider and marks
        self.hide()  # so that it costs nothing
        self.mask: Bools | None = None
        self._picture = QImage()
        self._whole, self._covered = QRectF(), QRectF()

    def show_mask(self, mask: Bools | None, binning: int, source_shape: tuple[int, int]) -> None:
        """Show the selected pixels (H, W) of a field.

        Args:
            mask: the pixels; None for no selection.
            binning: source pixels along each side of a pixel.
            source_shape: (H, W) of the image; pixels of the field may extend beyond it.
        """
        if mask is self.mask:
            return
        self.prepareGeometryChange()
        self.mask = mask
        self.setVisible(mask is not None)
        if mask is None:
            self._picture, self._whole = QImage(), QRectF()
        else:
            height, width = mask.shape
            self._bytes = np.ascontiguousarray(mask).view(np.uint8)  # which the picture does not copy
            self._picture = QImage(self._bytes.data, width, height, width, QImage.Format.Format_Indexed8)
            self._picture.setColorTable([0, COLOUR.rgba()])
            self._covered = QRectF(0, 0, width * binning, height * binning)
            self._whole = QRectF(0, 0, source_shape[1], source_shape[0])
        self.update()

    def boundingRect(self) -> QRectF:
        """Rectangle of the image."""
        return self._whole

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the pixels."""
        if self.mask is not None:
            painter.setClipRect(self._whole, Qt.ClipOperation.IntersectClip)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(self._covered, self._picture)
