"""The layout keeps still: no mode, notice or hint moves or rescales the picture, and panels give way to it."""

import base64
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QBoxLayout,
    QCheckBox,
    QDockWidget,
    QScrollArea,
    QStyle,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from nesr_gui import resources
from nesr_gui.gui.app import App
from nesr_gui.gui.drawing import theme
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.model.transect import LineTool
from nesr_gui.gui.model.view_settings import PaneLayout, ViewSettings
from nesr_gui.gui.view_modes import ANALYSES, TABLE
from nesr_gui.gui.views.document_tabs import Tabs
from nesr_gui.gui.views.image.colour_bar import WIDTH
from nesr_gui.gui.views.image.split_view import SplitView
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.mark_table import COLOUR, DOMINANT, VALUE
from nesr_gui.gui.views.plot.plot_view import HINTS
from nesr_gui.gui.views.start_page import StartPage
from nesr_gui.regions import Shape
from tests.gui.controllers.test_view_settings import exact, known, press  # noqa: F401
from tests.gui.views.test_accessibility import contrast

MODES = [mode.name for mode in TABLE]
OLD_DEFAULT = (
    "AAAA/wAAAAH9AAAAAgAAAAAAAAE3AAACyfwCAAAAAfsAAAAKAGwAaQBnAGgAdAEAAAA6AAACyQAAAJoA////AAAAAQAAAkQAAALJ"
    "/AIAAAAB/AAAADoAAALJAAAAigEAABn6AAAAAAIAAAAC+wAAAA4AcwBwAGUAYwB0AHIAYQEAAAAA/////wAAAHAA////+wAAAAoA"
    "aQBuAHAAdQB0AQAAAAD/////AAAAVAD///8AAAF5AAACyQAAAAEAAAACAAAAAQAAAAL8AAAAAQAAAAIAAAABAAAACgB0AG8AbwBs"
    "AHMBAAAAAP////8AAAAAAAAAAA=="
)  # fmt: skip
"""A layout as saved when *Input* was a tab behind the spectra, and *Light and camera* on the left."""


def places(app: App) -> list[object]:
    """Where each pane and the corners of the image are, in pixels of the window, and the range of its view.

    Each picture, which covers part of the image, must lie on the pixels that it samples.
    """
    found: list[object] = []
    for image in app.window.panes.images:
        if image.isVisible():
            found += [QRect(image.mapTo(app.window, QPoint()), image.size()), image.box.viewRange()]
            found += [image.position_of(row, col) for row in (0, 59) for col in (0, 79)]
            for layer in image.canvas.layers:
                if layer.isVisible() and layer.picture is not None:
                    placed = layer.image.mapRectToScene(QRectF(layer.image.boundingRect()))
                    assert image.box.mapSceneToView(placed).boundingRect().getRect() == pytest.approx(
                        layer.picture.request.sampling.rect, abs=1e-6
                    )
    return found


@pytest.fixture
def still(known: App, qtbot: QtBot) -> App:  # noqa: F811
    """A window with an image that every mode can show, zoomed in so that nothing fits by chance."""
    known.document.add_pin(40, 70)  # abundances need two spectra
    qtbot.waitUntil(lambda: len(known.document.curves) == 2)
    known.window.image.zoom(1.7, (20, 30))
    press(known, "2")
    qtbot.waitUntil(exact(known, "band"))
    return known


def test_blinking_between_two_modes_moves_nothing(still: App, qtbot: QtBot) -> None:
    before = places(still)
    others = len(MODES) - len(ANALYSES)
    pairs = [*itertools.combinations(MODES[:others], 2), *itertools.pairwise(MODES[others - 1 :])]
    for one, other in pairs:
        for mode in (one, other, one):
            still.view.show_mode(mode)
            qtbot.waitUntil(exact(still, mode))
            assert places(still) == before, (one, other)
        press(still, "X")
        qtbot.waitUntil(exact(still, other))
        assert places(still) == before and still.document.view_settings.mode == other


@pytest.mark.parametrize("arrangement", [PaneLayout.DIVIDED, PaneLayout.SIDE_BY_SIDE])
def test_no_mode_of_two_moves_anything(still: App, qtbot: QtBot, arrangement: PaneLayout) -> None:
    still.document.set_view_settings(still.document.view_settings.arranged(arrangement))
    QApplication.processEvents()
    side = still.document.view_settings.active
    qtbot.waitUntil(exact(still, still.document.view_settings.modes[1 - side], 1 - side))
    before = places(still)
    for mode in MODES:
        still.view.show_mode(mode)
        qtbot.waitUntil(exact(still, mode, side))
        assert places(still) == before, mode
    press(still, "X")
    assert places(still)[:1] == before[:1]


def test_notices_and_hints_cover_the_image_instead_of_moving_it(still: App) -> None:
    before, window = places(still), still.window
    window.hints.show_steps([])
    window.messages.show_failure(RuntimeError("a long sentence " * 20))
    window.messages.more.setChecked(True)
    window.hints.show_steps(["pixel", "wavelength", "export"])
    QApplication.processEvents()
    assert places(still) == before
    for bar in (window.messages, window.hints):
        assert bar.isVisible() and window.rect().contains(QRect(bar.mapTo(window, QPoint()), bar.size()))
        assert window.childAt(bar.mapTo(window, bar.rect().center())) in (bar, *bar.findChildren(QWidget))


def test_notices_and_hints_leave_controls_and_scale_bars_free(still: App, qtbot: QtBot) -> None:
    window, column = still.window, still.window.panes.column
    still.view.toggle_scale_bar()
    window.hints.show_steps(["pixel", "wavelength", "export"])
    window.messages.show_success("a long sentence " * 20)
    QApplication.processEvents()
    covering = window.messages, window.hints

    def free(widget: QWidget) -> bool:
        own, *others = (QRect(each.mapTo(window, QPoint()), each.size()) for each in (widget, *covering))
        return widget.isVisible() and not any(own.intersects(other) for other in others)

    bar = column.bars[0]
    assert all(free(widget) for widget in (bar.auto, bar.low, bar.scale, window.image.scale_bar))
    assert (
        window.messages.mapTo(window, window.messages.rect().topRight()).x() + 1 == column.mapTo(window, QPoint()).x()
    )
    still.view.show_side_by_side()
    for image in window.panes.images:  # stacked or not
        qtbot.waitUntil(lambda image=image: free(image.scale_bar), timeout=5000)
    covered = window.image.scale_bar.y()
    window.messages.hide()
    window.hints.hide()
    QApplication.processEvents()
    image = window.panes.images[1]
    assert image.scale_bar.geometry().bottom() >= image.height() - 12 and window.image.scale_bar.y() >= covered


def test_notices_take_the_whole_width_of_the_start_page(app: App) -> None:
    app.window.messages.show_success("done")
    QApplication.processEvents()
    assert app.window.start.isVisible() and app.window.messages.width() == app.window.middle.width()


@pytest.fixture
def large_text(qapp: QApplication) -> Iterator[None]:
    """Text one and a half times as large as usual."""
    usual, larger = qapp.font(), qapp.font()
    larger.setPointSizeF(1.5 * usual.pointSizeF())
    qapp.setFont(larger)
    yield
    qapp.setFont(usual)


@pytest.mark.parametrize("name", ["start", "input", "light", "analysis"])
def test_with_large_text_on_a_small_screen_nothing_scrolls_sideways(large_text: None, app: App, name: str) -> None:
    window = app.window
    window.compose(QSize(1366, 740))
    dock = window.findChild(QDockWidget, name)
    if dock is not None:
        dock.show()
        dock.raise_()
    QApplication.processEvents()
    area = window.start if dock is None else dock.widget()
    assert isinstance(area, QScrollArea) and area.isVisible() and area.horizontalScrollBar().maximum() == 0


def test_with_large_text_the_table_of_marks_shows_its_titles_and_values(large_text: None, app: App) -> None:
    table = app.window.table
    for column, text in ((VALUE, "At 550.0 nm"), (COLOUR, "RGB"), (DOMINANT, "Dominant λ")):
        assert table.fontMetrics().horizontalAdvance(text) + 12 <= table.columnWidth(column), text


def test_samples_stand_side_by_side_as_far_as_there_is_room(qtbot: QtBot) -> None:
    page = StartPage([])
    qtbot.addWidget(page)
    page.show_samples(resources.samples())
    page.show()
    for width, rows in ((1600, 1), (400, 3), (1600, 1)):
        page.resize(width, 600)
        QApplication.processEvents()
        assert len({tile.y() for tile in page.samples.values()}) == rows
        assert page.horizontalScrollBar().maximum() == 0


def test_no_mode_moves_the_scale_of_the_colour_bar(still: App, qtbot: QtBot) -> None:
    bar, found = still.window.panes.bars[0], set()
    for mode in MODES:
        still.view.show_mode(mode)
        qtbot.waitUntil(exact(still, mode))
        QApplication.processEvents()
        if bar.isVisible():
            found.add((bar.scale.geometry().getRect(), bar.high.geometry().getRect(), bar.low.geometry().getRect()))
            needed = bar.title.heightForWidth(bar.title.width())
            assert needed <= bar.title.height(), f"{bar.title.text()} is cut"
    assert len(found) == 1


@pytest.mark.parametrize("size", [(1001, 640), (1000, 641), (900, 777)])
@pytest.mark.parametrize("shape", [(100, 400), (400, 100)])
def test_two_panes_have_the_same_size(qtbot: QtBot, size: tuple[int, int], shape: tuple[int, int]) -> None:
    panes = SplitView()
    qtbot.addWidget(panes)
    panes.show()
    panes.show_view_settings(ViewSettings(arrangement=PaneLayout.SIDE_BY_SIDE))
    panes.show_image(shape)
    panes.resize(*size)
    QApplication.processEvents()
    first, second = panes.images
    assert first.size() == second.size() and first.view() == second.view()


def test_colour_bars_share_a_column_of_constant_width(still: App, qtbot: QtBot) -> None:
    panes = still.window.panes
    assert [bar.isVisible() for bar in panes.bars] == [True, False] and panes.bars[0].width() == WIDTH
    press(still, "1")
    qtbot.waitUntil(exact(still, "photograph"))
    assert not any(bar.isVisible() for bar in panes.bars) and panes.column.width() == WIDTH
    press(still, "D")
    press(still, "4")
    qtbot.waitUntil(lambda: all(bar.isVisible() for bar in panes.bars))
    QApplication.processEvents()
    assert {bar.width() for bar in panes.bars} == {WIDTH // 2} and panes.column.width() == WIDTH
    assert not panes.bars[0].high.isVisible() and panes.bars[0].scale.isVisible()
    assert "inear sRGB" in panes.bars[still.document.view_settings.active].scale.toolTip()


def test_two_panes_are_stacked_by_the_shape_of_image_and_window(qtbot: QtBot) -> None:
    panes = SplitView()
    qtbot.addWidget(panes)
    panes.resize(800 + WIDTH, 600)
    for shape, size, direction in (
        ((100, 400), (888, 600), QBoxLayout.Direction.TopToBottom),
        ((400, 100), (888, 600), QBoxLayout.Direction.LeftToRight),
        ((400, 500), (400, 900), QBoxLayout.Direction.TopToBottom),
        ((400, 500), (1200, 500), QBoxLayout.Direction.LeftToRight),
    ):
        panes.resize(*size)
        panes.show_image(shape)
        panes.show()
        assert panes._panes.direction() is direction, (shape, size)


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[Callable[[int, int], MainWindow]]:
    made: list[MainWindow] = []

    def make(width: int, height: int) -> MainWindow:
        window = MainWindow()
        made.append(window)
        window.show()
        window.compose(QSize(width, height))
        window.middle.setCurrentWidget(window.panes)
        QApplication.processEvents()
        return window

    yield make
    for each in made:
        each.close()
        each.deleteLater()


def test_in_a_small_window_the_image_keeps_at_least_half(window: Callable[[int, int], MainWindow]) -> None:
    image = window(1000, 640).image
    assert image.width() >= 500 and image.height() >= 320


def test_in_a_small_window_a_long_table_leaves_the_plot_its_place(opened: App) -> None:
    opened.window.compose(QSize(1000, 640))
    for row in range(9):
        opened.document.add_pin(row, row)
    QApplication.processEvents()
    assert opened.window.height() == 640 and opened.window.plot.height() >= 200
    assert 6 * 26 > opened.window.table.viewport().height() >= 2 * 26
    opened.window.compose(QSize(1000, 1000))
    QApplication.processEvents()
    assert opened.window.table.viewport().height() >= 6 * 26


def test_spectra_shrink_before_the_image_and_come_back(window: Callable[[int, int], MainWindow]) -> None:
    made = window(1440, 900)
    image, spectra = made.image.width(), made.findChild(QDockWidget, "spectra").width()
    made.resize(1250, 900)
    QApplication.processEvents()
    assert made.image.width() == image and made.findChild(QDockWidget, "spectra").width() == spectra - 190
    made.resize(1000, 900)
    QApplication.processEvents()
    assert made.image.width() > 500
    made.resize(1440, 900)
    QApplication.processEvents()
    assert (made.image.width(), made.findChild(QDockWidget, "spectra").width()) == (image, spectra)


def test_input_and_light_stand_below_the_curves(window: Callable[[int, int], MainWindow]) -> None:
    made = window(1280, 800)
    for content in (made.input, made.light):
        made.panels.reveal(content)
        QApplication.processEvents()
        top, bottom = (widget.mapTo(made, QPoint()).y() for widget in (made.plot, content))
        assert bottom > top + made.plot.height()
        assert not made.plot.viewport().visibleRegion().isEmpty() and not content.visibleRegion().isEmpty()


def test_a_layout_saved_before_panels_stood_below_the_curves_is_kept(
    window: Callable[[int, int], MainWindow],
) -> None:
    settings().setValue("window/layout", QByteArray(base64.b64decode(OLD_DEFAULT)))
    made = window(1280, 800)
    spectra, light = (made.findChild(QDockWidget, name) for name in ("spectra", "light"))
    assert [dock.objectName() for dock in made.tabifiedDockWidgets(spectra)] == ["input"]
    assert made.dockWidgetArea(light) is Qt.DockWidgetArea.LeftDockWidgetArea
    made.reset_layout()
    assert [dock.objectName() for dock in made.tabifiedDockWidgets(light)] == ["input"]
    assert made.tabifiedDockWidgets(spectra) == []


@pytest.fixture(params=[Qt.ColorScheme.Light, Qt.ColorScheme.Dark])
def themed(request: pytest.FixtureRequest, qapp: QApplication, app: App) -> Iterator[App]:
    theme.apply(qapp, request.param)
    QApplication.processEvents()
    yield app
    theme.apply(qapp, Qt.ColorScheme.Light)


def test_the_surround_is_neutral_in_both_themes(themed: App) -> None:
    themed.window.middle.setCurrentWidget(themed.window.panes)
    QApplication.processEvents()
    for widget in (themed.window.image, themed.window.panes.column):
        corner = widget.grab().toImage().pixelColor(3, widget.height() - 3)
        assert corner.name() == theme.SURROUND.name() and corner.red() == corner.green() == corner.blue()


def extremes(image: QImage, ground: str) -> float:
    """The greatest contrast of a pixel to the ground."""
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    return max(contrast(colour, ground) for colour in colours)


def test_unticked_boxes_and_icons_of_panels_are_visible(themed: App, qtbot: QtBot) -> None:
    box = QCheckBox()
    qtbot.addWidget(box)
    box.resize(20, 20)
    ground = QApplication.palette().window().color().name()
    assert extremes(box.grab().toImage(), ground) >= 3
    themed.document.source_shape = (9, 9)
    themed.document.mark_set.start((9, 9))
    themed.document.add_pin(3, 4)
    table = themed.window.table
    themed.document.mark_set.edit(1, visible=False)
    table.clearSelection()
    table.setMinimumSize(300, 60)
    QApplication.processEvents()
    cell = table.visualItemRect(table.item(0, 0))
    side = table.style().pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth)
    sign = table.viewport().grab(QRect(cell.left(), cell.top(), side + 8, cell.height())).toImage()
    assert extremes(sign, table.palette().base().color().name()) >= 3
    buttons = [
        button for button in themed.window.findChildren(QAbstractButton)
        if button.objectName() in ("qt_dockwidget_floatbutton", "qt_dockwidget_closebutton")
    ]  # fmt: skip
    assert len(buttons) >= 6
    for button in buttons:
        picture = button.icon().pixmap(18, 18).toImage()
        ink = [picture.pixelColor(x, y) for x in range(18) for y in range(18)]
        solid = [colour.name() for colour in ink if colour.alpha() > 200]
        assert solid and min(contrast(colour, ground) for colour in solid) >= 3


def test_the_current_tab_is_readable_and_the_others_scroll(qtbot: QtBot) -> None:
    tabs = Tabs()
    qtbot.addWidget(tabs)
    tabs.resize(600, 32)
    tabs.show()
    titles = [f"photograph_{number}_of_the_chart.png" for number in range(9)]
    for place in (8, 0, 4):
        tabs.show_documents(titles, titles, place)
        QApplication.processEvents()
        where = tabs.tabRect(place)
        assert tabs.rect().contains(where), place
        assert where.width() > tabs.fontMetrics().horizontalAdvance(titles[place])
    tabs.show_documents(["x" * 300, "b"], ["", ""], 0)
    assert tabs.tabRect(0).width() <= 260


def test_seven_tabs_of_panels_show_their_whole_titles_and_more_of_them_scroll(opened: App) -> None:
    window = opened.window
    window.compose(QSize(1280, 800))
    docks = {dock.objectName(): dock for dock in window.panels.docks}

    def show(*names: str) -> QTabBar:
        for name in names:
            docks[name].toggleViewAction().trigger()
        QApplication.processEvents()
        bars = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        return max(bars, key=QTabBar.count)

    bar = show("analysis", "scatter", "transect", "statistics", "library")
    assert bar.count() == 7 and bar.accessibleName() == "Panels"
    for at in range(7):
        assert bar.rect().contains(bar.tabRect(at)), bar.tabText(at)
        assert bar.tabRect(at).width() > bar.fontMetrics().horizontalAdvance(bar.tabText(at)), bar.tabText(at)
    bar = show("anchors")
    assert bar.count() == 8 and bar.tabText(bar.currentIndex()) == "Anchors"
    for at in range(8):
        assert bar.tabRect(at).width() > bar.fontMetrics().horizontalAdvance(bar.tabText(at)), bar.tabText(at)
    for at in (0, 7):
        bar.setCurrentIndex(at)
        assert bar.rect().contains(bar.tabRect(at)), bar.tabText(at)


def test_the_hint_follows_the_tool_into_the_next_image(opened: App) -> None:
    assert opened.window.plot.hint.text() == HINTS[Shape.POINT] and set(HINTS) == {*Shape, *LineTool}
    for tool, said in (("E", "ellipse"), ("G", "polygon"), ("L", "Drag around"), ("R", "rectangle"), ("P", "pixel")):
        press(opened, tool)
        assert said in opened.window.plot.hint.text()
    press(opened, "R")
    opened.document.open_photograph(opened.document.photograph, opened.document.colours)
    assert "rectangle" in opened.window.plot.hint.text() and opened.window.plot.hint.isVisibleTo(opened.window.plot)


def test_a_button_that_is_disabled_by_its_click_leaves_the_focus_in_place(opened: App, qtbot: QtBot) -> None:
    window = opened.window
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.panels.reveal(window.light)
    light = window.light.light
    light.setCurrentIndex(0)
    light.activated.emit(0)
    assert window.light.reset.isEnabled()
    window.image.setFocus()
    QTest.mouseClick(window.light.reset, Qt.MouseButton.LeftButton)
    assert not window.light.reset.isEnabled() and window.image.hasFocus()
    light.setCurrentIndex(0)
    light.activated.emit(0)
    window.light.reset.setFocus()
    QTest.keyClick(window.light.reset, Qt.Key.Key_Space)
    assert not window.light.reset.isEnabled() and window.light.isAncestorOf(QApplication.focusWidget())


def test_actual_size_is_one_image_pixel_per_pixel_of_the_screen(opened: App, qtbot: QtBot) -> None:
    image = opened.window.image
    qtbot.waitUntil(lambda: opened.renderers[0].is_settled)
    QApplication.processEvents()  # panels reach their widths
    image.zoom(3.3, (10, 20))
    press(opened, "1", Qt.KeyboardModifier.ControlModifier)
    assert image.view().scale == pytest.approx(1, abs=1e-9) and not image.is_fitted
    opened.window.hints.hide()
    QApplication.processEvents()
    colours = opened.document.colours
    assert colours is not None
    corner = image.box.mapViewToScene(QPointF(0, 0))
    assert corner.x() == pytest.approx(round(corner.x()), abs=1e-6)
    left, top = round(corner.x()), round(corner.y())
    seen = image.viewport().grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.array([[seen.pixelColor(left + col, top + row).getRgb()[:3] for col in range(80)] for row in range(60)])
    np.testing.assert_array_equal(rows, colours)


def test_actual_size_stays_on_whole_pixels_when_the_window_changes(opened: App, qtbot: QtBot) -> None:
    image, window = opened.window.image, opened.window
    qtbot.waitUntil(lambda: opened.renderers[0].is_settled)
    image.zoom(3.3, (10, 20))
    press(opened, "1", Qt.KeyboardModifier.ControlModifier)
    before = image.view()
    for size in ((1003, 777), (1280, 800), (1279, 801), (900, 640), (1280, 800)):
        window.resize(*size)
        QApplication.processEvents()
        view, corner = image.view(), image.box.mapViewToScene(QPointF(0, 0))
        assert view.scale == pytest.approx(1, abs=1e-9), size
        assert (corner.x(), corner.y()) == pytest.approx((round(corner.x()), round(corner.y())), abs=1e-6)
        assert (view.left + view.right) / 2 == pytest.approx((before.left + before.right) / 2, abs=1)
    image.zoom(2.0, None)
    scale = image.view().scale
    window.resize(1003, 777)
    QApplication.processEvents()
    assert image.view().scale != pytest.approx(1) and scale == pytest.approx(0.5)


def test_full_screen_and_back(app: App) -> None:
    QTest.keyClick(app.window, Qt.Key.Key_F11)
    assert app.window.isFullScreen()
    QTest.keyClick(app.window, Qt.Key.Key_F11)
    assert not app.window.isFullScreen()
