"""Panels around the image: they move, hide, and stand in the next run where they stood."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtWidgets import QDockWidget, QTabBar, QTextEdit
from pytestqt.qtbot import QtBot

from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.views.main_window import MainWindow

NAMES = {"spectra", "one", "two", "three"}
AREA = Qt.DockWidgetArea
Made = Callable[[], MainWindow]


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[Made]:
    """Makes a shown window with three panels beside those of its own."""
    made: list[MainWindow] = []

    def make() -> MainWindow:
        window = MainWindow()
        window.add_panel("one", "One", QTextEdit(), AREA.RightDockWidgetArea, shown=True)
        window.add_panel("two", "Two", QTextEdit(), AREA.BottomDockWidgetArea, shown=False)
        window.add_panel("three", "Three", QTextEdit(), AREA.LeftDockWidgetArea, shown=True)
        window.compose(QSize(1280, 800))
        window.show()
        qtbot.waitExposed(window)
        made.append(window)
        return window

    yield make
    for each in made:
        each.close()
        each.deleteLater()


def dock(window: MainWindow, name: str) -> QDockWidget:
    found = window.findChild(QDockWidget, name)
    assert isinstance(found, QDockWidget)
    return found


def in_front(panel: QDockWidget) -> bool:
    """Qt keeps a panel behind another shown, outside of the window."""
    return not panel.visibleRegion().isEmpty()


def layout(window: MainWindow) -> dict[str, object]:
    """Area, floating, hidden, and what it shares its tabs with, of each panel that stands in the window."""
    return {
        name: (d.isFloating(), d.isHidden(), None if d.isFloating() else (window.dockWidgetArea(d), tabs(window, name)))
        for name, d in ((name, dock(window, name)) for name in NAMES)
    }


def tabs(window: MainWindow, name: str) -> set[str]:
    return {d.objectName() for d in window.tabifiedDockWidgets(dock(window, name))} & NAMES


def test_the_image_is_central_and_the_spectra_stand_right_of_it(window: Made) -> None:
    made = window()
    assert made.centralWidget().isAncestorOf(made.image) and made.centralWidget().isAncestorOf(made.bar)
    spectra = dock(made, "spectra")
    assert spectra.isAncestorOf(made.plot) and spectra.isAncestorOf(made.table)
    assert made.plot.isVisible() and made.plot.mapTo(made, made.plot.pos()).x() > made.image.width()
    assert not dock(made, "two").isVisible()
    assert tabs(made, "spectra") == {"one"}
    assert spectra.width() == 512


def test_every_panel_has_an_entry_that_opens_it_in_front(window: Made, qtbot: QtBot) -> None:
    made = window()
    entries = {action.text(): action for action in made.submenus["panels"].actions()}
    assert {"Spectra", "Input", "Light and camera", "One", "Two", "Three"} == set(entries)
    entries["Two"].trigger()
    assert dock(made, "two").isVisible()
    entries["One"].trigger()
    assert dock(made, "one").isHidden()
    entries["One"].trigger()
    qtbot.waitUntil(lambda: in_front(dock(made, "one")) and not in_front(dock(made, "spectra")))
    assert all(dock(made, name).accessibleName() for name in ("spectra", "one", "two", "three"))
    assert all(bar.accessibleName() for bar in made.findChildren(QTabBar))


def test_no_tab_names_a_panel_that_is_hidden_at_first(qtbot: QtBot) -> None:
    made = MainWindow()
    qtbot.addWidget(made)
    made.add_panel("four", "Four", QTextEdit(), AREA.RightDockWidgetArea, shown=False)
    made.show()
    made.compose(QSize(1280, 800))
    qtbot.waitExposed(made)

    def named() -> set[str]:
        bars = [bar for bar in made.findChildren(QTabBar) if bar.isVisible() and bar.y() >= 0]
        return {bar.tabText(place) for bar in bars for place in range(bar.count())}

    assert "Light and camera" in named() and "Four" not in named()
    dock(made, "four").show()
    qtbot.waitUntil(lambda: {"Spectra", "Four"} <= named())


def test_a_layout_is_remembered_and_reset(window: Made, qtbot: QtBot) -> None:
    first = window()
    at_first = layout(first)
    first.addDockWidget(AREA.LeftDockWidgetArea, dock(first, "spectra"))
    dock(first, "two").show()
    dock(first, "one").setFloating(True)
    dock(first, "three").hide()
    changed = layout(first)
    assert changed != at_first
    width = dock(first, "spectra").width()
    first.close()
    second = window()
    assert layout(second) == changed
    assert abs(dock(second, "spectra").width() - width) <= 2
    second.reset_layout()
    assert layout(second) == at_first
    assert in_front(dock(second, "spectra"))
    qtbot.waitUntil(lambda: dock(second, "spectra").width() == pytest.approx(512, abs=16))  # Qt lays docks out later


@pytest.mark.parametrize("broken", [QByteArray(b"no layout"), "text", 7])
def test_a_broken_layout_is_let_go(window: Made, broken: object) -> None:
    expected = layout(window())
    settings().setValue("window/layout", broken)
    assert layout(window()) == expected


def test_a_panel_is_revealed_with_the_height_that_it_needs(window: Made, qtbot: QtBot) -> None:
    shown = window()
    plain, needy = QTextEdit(), QTextEdit()
    shown.add_panel("plain", "Plain", plain, AREA.RightDockWidgetArea, row=1, shown=False)
    panel = shown.add_panel("needy", "Needy", needy, AREA.RightDockWidgetArea, row=1, shown=False)
    shown.panels.reveal(plain)
    height, above = dock(shown, "plain").height(), dock(shown, "spectra")
    shown.panels.reveal(needy, height - 50)  # it is high enough
    qtbot.waitUntil(lambda: in_front(panel))
    assert panel.height() == pytest.approx(height, abs=30)
    panel.hide()
    shown.panels.reveal(needy, height + 60)
    qtbot.waitUntil(lambda: panel.height() >= height + 50 and in_front(panel))
    shown.resizeDocks([above, panel], [above.height() + 60, height], Qt.Orientation.Vertical)
    qtbot.waitUntil(lambda: panel.height() < height + 20)
    chosen = panel.height()
    shown.panels.reveal(needy, height + 60)  # it was visible: the user has chosen its height
    qtbot.wait(50)
    assert panel.height() == chosen


def test_a_panel_that_needs_more_than_the_window_is_revealed_without_a_complaint_of_qt(window: Made) -> None:
    shown = window()
    needy = QTextEdit()
    shown.add_panel("needy", "Needy", needy, AREA.RightDockWidgetArea, row=1, shown=False)
    shown.panels.reveal(needy, 5000)
    assert needy.isVisible()
