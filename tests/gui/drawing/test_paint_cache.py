"""Kept pixels are those that would be painted, and are painted again only if they would differ."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from nesr_gui.gui.drawing.paint_cache import PaintCache
from nesr_gui.gui.drawing.symbols import draw_sign

AREA = QRectF(-10, -10, 20, 20)
pytestmark = pytest.mark.usefixtures("qapp")


class Item:
    """A sign on grey, painted at a place of a screen."""

    def __init__(self) -> None:
        self.cache, self.paintings = PaintCache(), 0

    def paint(self, painter: QPainter) -> None:
        self.paintings += 1
        draw_sign(painter, QRectF(-8, -8, 16, 16), 7, "#d02040", "star")

    def shown(self, at: QPointF, ratio: float, zoom: float = 1.0, *, is_kept: bool = True) -> np.ndarray:
        image = QImage(round(60 * ratio), round(50 * ratio), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(QColor(128, 128, 128))
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(at)
        painter.scale(zoom, zoom)
        if is_kept:
            self.cache.draw(painter, AREA, "star", self.paint)
        else:
            self.paint(painter)
        painter.fillRect(QRectF(0, 0, 2, 2), Qt.GlobalColor.black)  # the painter's transform is as it was
        painter.end()
        return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)[..., :3].astype(int)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
@pytest.mark.parametrize("at", [(30.0, 25.0), (30.37, 24.81), (4.5, 47.2)])
def test_kept_pixels_are_those_that_are_painted(ratio: float, at: tuple[float, float]) -> None:
    item, place = Item(), QPointF(*at)
    direct = item.shown(place, ratio, is_kept=False)
    assert np.ptp(direct) > 100
    for _ in range(2):
        assert np.abs(item.shown(place, ratio) - direct).max() <= 2, "levels of 255, of rounded transparency"
    assert item.paintings == 2


def test_pixels_are_painted_again_if_they_would_differ() -> None:
    item = Item()
    for at, ratio, zoom, paintings in (
        ((30.25, 25.0), 1.0, 1.0, 1), ((31.25, 20.0), 1.0, 1.0, 1), ((31.5, 20.0), 1.0, 1.0, 2),
        ((31.5, 20.0), 2.0, 1.0, 3), ((31.5, 20.0), 2.0, 1.5, 4),
    ):  # fmt: skip
        item.shown(QPointF(*at), ratio, zoom)
        assert item.paintings == paintings
    image = QImage(10, 10, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    for content, paintings in (("star", 5), ("circle", 6), ("circle", 6)):
        item.cache.draw(painter, AREA, content, item.paint)
        assert item.paintings == paintings
    painter.end()
