"""Window size and panel positions as stored in session files.

Qt's binary layout state is not used for files from other sources: a damaged state crashes Qt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QDockWidget, QTabBar

from nesr_gui.gui.model.session_file import Layout, PanelPlace
from nesr_gui.gui.views.main_window import FRAME, MainWindow

_AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea, "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "top": Qt.DockWidgetArea.TopDockWidgetArea, "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}  # fmt: skip


def layout_of(window: MainWindow) -> Layout:
    """The current layout."""
    docks = window.panels.docks
    leaders = {dock: min([dock, *window.tabifiedDockWidgets(dock)], key=docks.index) for dock in docks}
    places = (
        PanelPlace(
            name=dock.objectName(),
            area=next((name for name, area in _AREAS.items() if area is window.dockWidgetArea(dock)), "right"),
            tabs=docks.index(leaders[dock]),
            shown=dock.toggleViewAction().isChecked(),
            front=dock.isVisible() and not dock.visibleRegion().isEmpty(),
            size=(dock.width(), dock.height()),
            floats=(dock.x(), dock.y()) if dock.isFloating() else None,
        )
        for dock in docks
    )
    return Layout((window.width(), window.height()), tuple(places))


def apply_layout(layout: Layout, window: MainWindow) -> None:
    """Apply a layout as far as the screen allows; a maximised window keeps its size."""
    if layout == layout_of(window):
        return
    if not (window.isMaximized() or window.isFullScreen()):
        room = (window.screen().availableSize() - FRAME).expandedTo(window.size())
        window.resize(QSize(*layout.size).boundedTo(room))
    by_name = {dock.objectName(): dock for dock in window.panels.docks}
    placed = [(by_name[place.name], place) for place in layout.panels if place.name in by_name]
    for dock, _ in placed:
        dock.setFloating(False)
        window.removeDockWidget(dock)
    _dock(window, placed)
    for dock, place in placed:
        dock.setVisible(place.shown)
        if place.floats is not None:
            dock.setFloating(True)
            dock.setGeometry(_on_screen(QRect(*place.floats, *place.size), window.screen().availableGeometry()))
    docked = [(dock, place) for dock, place in placed if place.shown and place.floats is None]
    fronts = [(dock, place) for dock, place in docked if place.front]
    groups = Counter((place.area, place.tabs) for _, place in docked)
    bar = max((bar.sizeHint().height() for bar in _tab_bars(window) if bar.count() > 1), default=0)
    docks = [dock for dock, _ in fronts]
    window.resizeDocks(docks, [place.size[0] for _, place in fronts], Qt.Orientation.Horizontal)
    # Qt counts the tab bar of a group as part of its height.
    heights = [place.size[1] + bar * (groups[place.area, place.tabs] > 1) for _, place in fronts]
    window.resizeDocks(docks, heights, Qt.Orientation.Vertical)
    for dock in docks:
        dock.raise_()
    window.panels.keep_sizes()


def _tab_bars(window: MainWindow) -> list[QTabBar]:
    """The tab bars of panels, which Qt makes as needed."""
    return window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)


def _dock(window: MainWindow, placed: Sequence[tuple[QDockWidget, PanelPlace]]) -> None:
    leaders: dict[tuple[str, int], QDockWidget] = {}
    for dock, place in placed:
        window.addDockWidget(_AREAS[place.area], dock)
        leader = leaders.setdefault((place.area, place.tabs), dock)
        if leader is not dock:
            window.tabifyDockWidget(leader, dock)


def _on_screen(wanted: QRect, screen: QRect) -> QRect:
    """The rectangle moved and clipped to fit on the screen."""
    size = wanted.size().boundedTo(screen.size())
    left = min(max(wanted.left(), screen.left()), screen.right() + 1 - size.width())
    top = min(max(wanted.top(), screen.top()), screen.bottom() + 1 - size.height())
    return QRect(left, top, size.width(), size.height())
