"""Lines and handles are as large on a fine screen as on a coarse one."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QGraphicsScene

from nesr_gui.gui.drawing.symbols import outline
from nesr_gui.gui.model.marks import new_mark
from nesr_gui.gui.views.image.mark_items import MarkItem
from nesr_gui.regions import Region, Shape, inside


def drawn(ratio: float) -> np.ndarray:
    """An active region on black, in the dots of a screen (h, w, 3)."""
    context = QGraphicsScene()
    item = MarkItem(new_mark(Region.rectangle(20, 20, 60, 80), ()))
    item.show_mark(item.mark, True)
    context.addItem(item)
    image = QImage(round(100 * ratio), round(80 * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(0)
    painter = QPainter(image)
    context.render(painter, QRectF(0, 0, 100, 80), QRectF(0, 0, 100, 80))
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3].copy()


@pytest.mark.usefixtures("qapp")
def test_handles_and_outlines_are_as_large_on_a_fine_screen() -> None:
    coarse, fine = drawn(1.0), drawn(2.0)
    mean = fine.reshape(80, 2, 100, 2, 3).mean((1, 3))
    lit = (coarse.max(-1) > 40).sum(), (mean.max(-1) > 40).sum()
    assert lit[1] == pytest.approx(lit[0], rel=0.1)


def test_the_path_of_a_region_leaves_its_holes_out() -> None:
    ring = Region(Shape.POLYGON, ((2, 3), (2, 30), (35, 31), (30, 4)), (((5, 6), (5, 12), (12, 9)),))
    path, centres = outline(ring), np.arange(40) + 0.5
    drawn = [[path.contains(QPointF(col, row)) for col in centres] for row in centres]
    np.testing.assert_array_equal(drawn, inside(ring, centres, centres))
