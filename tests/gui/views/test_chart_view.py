"""The corners of a chart over the photograph: moved by mouse and keys, with the grid of the patches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nesr_gui.colorimetry.charts import classic, sg
from nesr_gui.gui.views.image.chart_view import ChartView

CORNERS = np.array([[60.0, 80], [60, 560], [340, 560], [340, 80]])
SHAPE = 400, 640  # source pixels; the picture has a quarter of them
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def view(qtbot: QtBot) -> ChartView:
    made = ChartView()
    qtbot.addWidget(made)
    made.resize(700, 500)
    made.show_photograph(np.random.default_rng(0).integers(0, 256, (200, 320, 3)).astype(np.uint8), SHAPE)
    made.show_chart(classic())
    made.show_corners(CORNERS)
    made.show()
    qtbot.waitExposed(made)
    return made


def at(view: ChartView, row: float, col: float) -> QPoint:
    """Position of a source pixel in the view."""
    return view._to_view((row, col)).toPoint()


def drag(qtbot: QtBot, view: ChartView, start: QPoint, stop: QPoint) -> None:
    port = view.viewport()
    qtbot.mousePress(port, LEFT, pos=start)
    qtbot.mouseMove(port, (start + stop) / 2)
    qtbot.mouseMove(port, stop)
    qtbot.mouseRelease(port, LEFT, pos=stop)


def shown(view: ChartView) -> npt.NDArray[np.uint8]:
    image = view.grab().toImage().convertToFormat(view.grab().toImage().Format.Format_RGB888)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return flat[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def test_the_whole_photograph_is_shown_with_its_corners_in_source_pixels(view: ChartView) -> None:
    top_left, bottom_right = at(view, 0, 0), at(view, *SHAPE)
    assert top_left.x() >= 0 and top_left.y() >= 0 and bottom_right.x() <= 700 and bottom_right.y() <= 500
    assert bottom_right.x() - top_left.x() > 600
    view.resize(400, 300)
    assert at(view, *SHAPE).x() <= 400  # still


def test_a_corner_is_dragged(view: ChartView, qtbot: QtBot) -> None:
    moves: list[npt.NDArray[np.float64]] = []
    view.corners_changed.connect(moves.append)
    for corner, (row, col) in enumerate([(100, 120), (90, 500), (300, 520), (310, 100)]):
        drag(qtbot, view, view.position_of(corner).toPoint(), at(view, row, col))
        np.testing.assert_allclose(view.corners[corner], (row, col), atol=1)
    assert len(moves) == 8 and moves[-1] is view.corners
    np.testing.assert_allclose(moves[0][1:], CORNERS[1:])  # the others stay


def test_a_drag_inside_moves_the_chart_and_outside_the_photograph(view: ChartView, qtbot: QtBot) -> None:
    drag(qtbot, view, at(view, 200, 300), at(view, 220, 330))
    np.testing.assert_allclose(view.corners, CORNERS + np.array([20, 30]), atol=1)
    before = view.corners
    for _ in range(3):
        view.scale(1.5, 1.5)
    place = view._to_source(QPointF(0, 0))
    outside = at(view, before[0][0] - 30, before[0][1] + 5)
    drag(qtbot, view, outside, outside + QPoint(40, 25))
    assert view.corners is before
    moved = np.subtract(place, view._to_source(QPointF(0, 0))) * view.transform().m11()
    np.testing.assert_allclose(moved, (25, 40), atol=1.5)


def test_keys_choose_and_move_a_corner(view: ChartView, qtbot: QtBot) -> None:
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_3)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    qtbot.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(view, Qt.Key.Key_2)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    np.testing.assert_array_equal(view.corners - CORNERS, [[0, 0], [-1, 10], [10, -1], [0, 0]])


def test_corners_stay_near_the_photograph(view: ChartView, qtbot: QtBot) -> None:
    view.show_corners(CORNERS - (0, 390))
    view.setFocus()
    for _ in range(3):
        qtbot.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert view.corners[0][1] == -SHAPE[1] / 2


def test_the_wheel_zooms_and_a_double_click_shows_all(view: ChartView, qtbot: QtBot) -> None:
    fitting = view.transform().m11()
    point = QPointF(at(view, 60, 80))

    def turn(steps: int) -> None:
        event = QWheelEvent(
            point, view.viewport().mapToGlobal(point), QPoint(), QPoint(0, 120 * steps), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(view.viewport(), event)

    turn(2)
    assert view.transform().m11() == pytest.approx(fitting * 1.25**2)
    turn(60)
    assert view.transform().m11() == pytest.approx(40)
    turn(-60)
    assert view.transform().m11() == pytest.approx(fitting / 2, rel=0.02)
    qtbot.mouseDClick(view.viewport(), LEFT, pos=at(view, 0, 0))
    assert view.transform().m11() == pytest.approx(fitting, rel=0.01)


def test_a_click_picks_the_patch_below(view: ChartView, qtbot: QtBot) -> None:
    for placed, patch in ((CORNERS, 7), (np.roll(CORNERS, -2, axis=0), 16)):  # second row and column; upside down
        view.show_placement(placed)
        with qtbot.waitSignal(view.patch_picked) as picked:
            qtbot.mouseClick(view.viewport(), LEFT, pos=at(view, 60 + 1.45 / 3.9 * 280, 80 + 1.45 / 5.9 * 480))
        assert picked.args == [patch]


def test_the_grid_follows_the_longer_side_until_colours_tell(view: ChartView) -> None:
    upright = np.array([[20.0, 200], [20, 400], [380, 400], [380, 200]])
    view.show_corners(upright)
    squares = view._squares()
    assert squares is not None
    first, second = squares[0].mean(axis=0), squares[1].mean(axis=0)
    assert abs(first[1] - second[1]) > abs(first[0] - second[0])  # a row of patches runs down
    view.show_placement(upright)
    squares = view._squares()
    assert squares is not None
    assert abs(squares[0].mean(axis=0) - squares[1].mean(axis=0))[0] > 10  # as it is placed
    view.show_corners(upright + 1)
    assert view._placed is None  # no longer known


def test_the_colours_of_the_chart_are_drawn_once_it_is_placed(view: ChartView) -> None:
    def colour(patch: int) -> npt.NDArray[np.uint8]:
        squares = view._squares()
        assert squares is not None
        col, row = squares[patch].mean(axis=0).round().astype(int)
        return np.median(shown(view)[row - 3 : row + 4, col - 3 : col + 4], axis=(0, 1))

    before = colour(14)
    view.show_placement(CORNERS)
    red, white = colour(14), colour(18)
    assert red[0] > 150 and red[1:].max() < 90 and white.min() > 220
    assert np.abs(before.astype(int) - red).max() > 30


def test_corners_that_enclose_nothing_are_drawn_without_grid(view: ChartView, qtbot: QtBot) -> None:
    view.show_corners(CORNERS[[0, 0, 2, 3]])
    assert view._squares() is None
    assert shown(view).max() > 0
    qtbot.mouseClick(view.viewport(), LEFT, pos=at(view, 200, 300))  # picks nothing


def test_the_magnifier_shows_the_corner_that_is_held(view: ChartView, qtbot: QtBot) -> None:
    before = shown(view)
    qtbot.mousePress(view.viewport(), LEFT, pos=view.position_of(0).toPoint())
    during = shown(view)
    qtbot.mouseRelease(view.viewport(), LEFT, pos=view.position_of(0).toPoint())
    changed = np.abs(during.astype(int) - before).max(axis=2) > 40
    assert changed[-140:-30, -140:-30].mean() > 0.3  # far from the corner that is held
    assert changed[:200, :200].mean() < 0.02
    after = np.abs(shown(view).astype(int) - before).max(axis=2) > 40
    assert after[-140:-30, -140:-30].mean() == 0


def test_the_first_corners_have_the_sides_of_the_chart(view: ChartView) -> None:
    for chart in (classic(), sg()):
        view.show_chart(chart)
        corners = view.first_corners()
        height, width = corners[2] - corners[0]
        assert width / height == pytest.approx(chart.columns / chart.rows)
        np.testing.assert_allclose(corners.mean(axis=0), (200, 320))
        assert corners.min() > 20 and (corners.max(axis=0) < (380, 620)).all()
