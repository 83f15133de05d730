"""The selected pixels are coloured where they are in the image, also at a reduced resolution."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QStyleOptionGraphicsItem

from nesr_gui.gui.views.image.selection_item import SelectionItem


@pytest.mark.parametrize(("binning", "shape"), [(1, (24, 31)), (2, (48, 62)), (2, (47, 61)), (5, (118, 151))])
def test_pixels_are_where_the_field_has_them(qapp: QApplication, binning: int, shape: tuple[int, int]) -> None:
    """The last row and column of a field may reach beyond the image: they are cut, not squeezed."""
    height, width = shape
    size = -(-height // binning), -(-width // binning)
    mask = np.random.default_rng(0).random(size) < 0.4
    item, picture = SelectionItem(), QImage(width, height, QImage.Format.Format_ARGB32)
    item.show_mask(mask, binning, shape)
    picture.fill(0)
    painter = QPainter(picture)
    item.paint(painter, QStyleOptionGraphicsItem())
    painter.end()
    is_coloured = np.array(
        [[picture.pixelColor(col, row).alpha() > 0 for col in range(width)] for row in range(height)]
    )  # fmt: skip
    expected = mask.repeat(binning, axis=0).repeat(binning, axis=1)[:height, :width]
    np.testing.assert_array_equal(is_coloured, expected)
    assert item.boundingRect() == QRectF(0, 0, width, height) and item.isVisible()
    item.show_mask(None, binning, shape)
    assert not item.isVisible() and item.boundingRect().isEmpty()
