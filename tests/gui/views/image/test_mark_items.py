"""The sign of a mark shows its present state, although its pixels are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QGraphicsScene

from nesr_gui.gui.model.marks import Mark, Reading
from nesr_gui.gui.views.image.mark_items import MarkItem
from nesr_gui.spectral import Spectrum, Wavelengths

MARK = Mark(1, (30.0, 30.0), "#d02040", "star")
READING = Reading(Spectrum(Wavelengths.evenly_spaced(31), np.ones(31, np.float32), "leaf"), "leaf.csv")
pytestmark = pytest.mark.usefixtures("qapp")


def painted(scene: QGraphicsScene) -> np.ndarray:
    image = QImage(60, 60, QImage.Format.Format_RGB32)
    image.fill(QColor(128, 128, 128))
    painter = QPainter(image)
    scene.render(painter, image.rect(), image.rect())
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(60, 60, 4)[..., :3].copy()


def fresh(mark: Mark, active: bool) -> np.ndarray:
    scene = QGraphicsScene()
    item = MarkItem(mark)
    item.show_mark(mark, active)
    scene.addItem(item)
    return painted(scene)


@pytest.mark.parametrize(
    "change",
    [{"number": 2}, {"colour": "#2040d0"}, {"symbol": "circle"}, {"reading": READING},
     {"reading": replace(READING, is_used=False)}],
)  # fmt: skip
def test_a_changed_mark_is_painted_anew(change: dict[str, Any]) -> None:
    scene = QGraphicsScene()
    item = MarkItem(MARK)
    scene.addItem(item)
    before = painted(scene)
    after = replace(MARK, **change)
    item.show_mark(after, False)
    assert (painted(scene) != before).any()
    np.testing.assert_array_equal(painted(scene), fresh(after, False))


def test_a_switched_reading_and_a_changed_selection_are_painted_anew() -> None:
    scene = QGraphicsScene()
    item = MarkItem(replace(MARK, reading=READING))
    scene.addItem(item)
    painted(scene)
    for is_used, active in ((False, False), (False, True), (True, True)):
        mark = replace(MARK, reading=replace(READING, is_used=is_used))
        item.show_mark(mark, active)
        np.testing.assert_array_equal(painted(scene), fresh(mark, active))
