"""The table of classes and the histogram of their scores show numbers, shares and thresholds of the right classes."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nesr_gui.analysis.class_counts import ClassTally, ScoreHistogram
from nesr_gui.analysis.outputs import ClassCount
from nesr_gui.gui.views.panels.class_table import PIXELS, SHARE, THRESHOLD, UNCERTAIN, ClassRow, ClassTable
from nesr_gui.gui.views.panels.threshold_histogram import ThresholdHistogram

COLOURS = "#c32f0f", "#1a95fe"
ROWS = (
    ClassRow("a", "left out", "#000000", -1, False), ClassRow("b", "leaf", COLOURS[0], 1, True),
    ClassRow("c", "soil", COLOURS[1], 2, True), ClassRow("none", "No class", "#222222", 0),
    ClassRow("uncertain", "Uncertain", "#999999", 255),
)  # fmt: skip


def test_counts_are_in_the_rows_of_their_classes(qtbot: QtBot) -> None:
    """Shares are of the pixels that were counted, not of all of a large image."""
    table = ClassTable()
    qtbot.addWidget(table)
    table.show_rows(ROWS)
    counts = [(0, "none", 100), (1, "leaf", 40), (2, "soil", 10), (255, "abstained", 50)]
    tally = ClassTally(
        tuple(ClassCount(n, name, px, px / 200) for n, name, px in counts), {0: 20, 1: 24, 2: 6}, 200, 900, None
    )
    table.show_counts(tally)
    texts = [[table.item(row, column).text() for column in (PIXELS, SHARE, UNCERTAIN)] for row in range(5)]
    assert texts == [["", "", ""], ["40", "20.0 %", "12.0 %"], ["10", "5.0 %", "3.0 %"], ["100", "50.0 %", "10.0 %"],
                     ["50", "25.0 %", ""]]  # fmt: skip
    table.show_thresholds(10.0, {"c": 4.5}, "°")
    assert [table.item(row, THRESHOLD).text() for row in range(5)] == ["", "10°", "4.5°", "", ""]
    for row, selected in enumerate(([], [1], [2], [], [])):
        table.selectRow(row)
        assert table.selected() == selected


@pytest.fixture
def histogram(qtbot: QtBot) -> ThresholdHistogram:
    """Two classes with as many pixels at each of ten scores from 0 to 20."""
    widget = ThresholdHistogram()
    qtbot.addWidget(widget)
    widget.resize(420, 120)
    counts = np.full((2, 10), 50)
    widget.show_histogram(ScoreHistogram(np.linspace(0, 20, 11), counts, 1000, 1000), COLOURS, "°")
    return widget


@pytest.mark.parametrize("is_distance", [True, False])
def test_scores_that_meet_the_threshold_of_their_class_are_not_pale(
    histogram: ThresholdHistogram, is_distance: bool
) -> None:
    """Small distances or large fractions; the second class has a threshold of its own, a dashed line of its colour."""
    histogram.show_threshold(8.0, (None, 14.0), is_distance=is_distance)
    image = histogram.grab().toImage()
    bottom = histogram.height() - 40

    def is_pale(x: float, colour: str) -> bool:
        """Whether only a pale tint of a colour is in a column of the picture."""
        columns = [image.pixelColor(round(histogram.x_of(x)), y) for y in range(3, bottom)]
        assert any(_is_like(each, colour) for each in columns) or any(_is_tint(each, colour) for each in columns)
        return not any(_is_like(each, colour) for each in columns)

    for score in (1.0, 5.0, 11.0, 13.0, 17.0, 19.0):
        for colour, threshold in zip(COLOURS, (8.0, 14.0), strict=True):
            is_met = score <= threshold if is_distance else score >= threshold
            assert is_pale(score, colour) != is_met, (score, colour)
    at = round(histogram.x_of(14.0))
    above = [image.pixelColor(x, y) for x in (at - 1, at, at + 1) for y in (2, 3, 4, 5)]
    assert any(_is_like(each, COLOURS[1]) or _is_tint(each, COLOURS[1]) for each in above)


def _is_like(found: QColor, colour: str) -> bool:
    wanted = QColor(colour)
    gaps = (found.red() - wanted.red(), found.green() - wanted.green(), found.blue() - wanted.blue())
    return max(map(abs, gaps)) < 12


def _is_tint(found: QColor, colour: str) -> bool:
    return found.saturation() > 20 and abs(found.hue() - QColor(colour).hue()) < 12 and not _is_like(found, colour)


def test_a_click_picks_the_score_under_the_mouse(histogram: ThresholdHistogram) -> None:
    histogram.show_threshold(10.0, (), is_distance=True)
    picked: list[float] = []
    histogram.threshold_picked.connect(picked.append)
    scores = (0.0, 3.0, 10.0, 17.0, 20.0)
    for score in scores:
        QTest.mouseClick(histogram, Qt.MouseButton.LeftButton, pos=QPoint(round(histogram.x_of(score)), 20))
    one_pixel = 20 / (histogram.x_of(20) - histogram.x_of(0))
    assert picked == pytest.approx(scores, abs=0.6 * one_pixel + 0.05)
