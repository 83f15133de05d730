"""Window size and panel positions as stored in session files.

Qt's binary layout state is not used for files from other sources: a damaged state crashes Qt.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QDockWidget

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
    docked = [(dock, place) for dock, place in placed if place.shown and place.front and place.floats is None]
    for side, orientation in enumerate((Qt.Orientation.Horizontal, Qt.Orientation.Vertical)):
        window.resizeDocks([dock for dock, _ in docked], [place.size[side] for _, place in docked], orientation)
    for dock, _ in docked:
        dock.raise_()
    window.panels.keep_sizes()


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
