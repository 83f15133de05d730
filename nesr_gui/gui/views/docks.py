"""Dockable panels around the image; their layout is saved between sessions."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QTabWidget, QWidget

VERSION = 1  # of saved layouts; increase it when the default arrangement changes, to discard older ones

SIDES = {
    Qt.DockWidgetArea.LeftDockWidgetArea: (Qt.Orientation.Horizontal, 0.22),
    Qt.DockWidgetArea.RightDockWidgetArea: (Qt.Orientation.Horizontal, 0.453),
    Qt.DockWidgetArea.BottomDockWidgetArea: (Qt.Orientation.Vertical, 0.28),
    Qt.DockWidgetArea.TopDockWidgetArea: (Qt.Orientation.Vertical, 0.28),
}
"""Area → the side it takes from, and its share of the window's at first."""


@dataclass(frozen=True, eq=False)
class _Panel:
    """A dock with its default area and visibility."""

    dock: QDockWidget
    area: Qt.DockWidgetArea
    shown: bool


class DockManager:
    """Creates the docks of a window and saves their layout; panels of one area are tabbed."""

    def __init__(self, window: QMainWindow, menu: QMenu) -> None:
        self._window, self._menu = window, menu
        self._panels: list[_Panel] = []
        self._remembered = False
        window.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks
        )  # no animation, so that a layout takes effect at once
        window.setDockNestingEnabled(True)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for corner in (Qt.Corner.TopLeftCorner, Qt.Corner.BottomLeftCorner):
            window.setCorner(corner, Qt.DockWidgetArea.LeftDockWidgetArea)
        for corner in (Qt.Corner.TopRightCorner, Qt.Corner.BottomRightCorner):
            window.setCorner(corner, Qt.DockWidgetArea.RightDockWidgetArea)

    def add(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea, shown: bool) -> QDockWidget:
        """Put `widget` into a dock; a restored layout that contains this `name` determines its position."""
        dock = QDockWidget(title, self._window)
        dock.setObjectName(name)
        dock.setAccessibleName(f"{title} panel")
        dock.setWidget(widget)
        action = dock.toggleViewAction()
        action.setToolTip(f"Show or hide the {title} panel")
        action.triggered.connect(lambda checked: dock.raise_() if checked else None)
        self._menu.addAction(action)
        self._menu.setEnabled(True)
        panel = _Panel(dock, area, shown)
        self._panels.append(panel)
        if not self._window.restoreDockWidget(dock):
            self._place(panel)
            self.fit()
        return dock

    def reveal(self, widget: QWidget) -> None:
        """Open and raise the panel that contains `widget`."""
        for panel in self._panels:
            if panel.dock.isAncestorOf(widget):
                panel.dock.show()
                panel.dock.raise_()

    @property
    def docks(self) -> list[QDockWidget]:
        """All docks in order of creation."""
        return [panel.dock for panel in self._panels]

    def keep_sizes(self) -> None:
        """Treat the current layout as chosen by the user: `fit` no longer changes it."""
        self._remembered = True

    def fit(self) -> None:
        """Give each area its default share of the window, unless the user has changed the layout."""
        if not self._remembered:
            for area in SIDES:
                self._front(area)

    def reset(self) -> None:
        """Restore default positions and sizes of all panels."""
        for panel in self._panels:
            panel.dock.setFloating(False)
            self._window.removeDockWidget(panel.dock)
        placed, self._panels = self._panels, []
        for panel in placed:
            self._panels.append(panel)
            self._place(panel)
        self._remembered = False
        self.fit()

    def save(self) -> QByteArray:
        """The layout, as a state for `restore`."""
        return self._window.saveState(VERSION)

    def restore(self, layout: object) -> None:
        """Apply a saved layout, also to docks added later; ignore anything else."""
        self._remembered = isinstance(layout, QByteArray) and self._window.restoreState(layout, VERSION)

    def _place(self, panel: _Panel) -> None:
        before = next((p for p in self._panels if p.area == panel.area and p is not panel), None)
        self._window.addDockWidget(panel.area, panel.dock)
        if before is not None:
            self._window.tabifyDockWidget(before.dock, panel.dock)
        panel.dock.setVisible(panel.shown)

    def _front(self, area: Qt.DockWidgetArea) -> None:
        """Raise the first panel of an area and give the area its default size."""
        first = next((p.dock for p in self._panels if p.area == area and p.shown), None)
        if first is not None:
            orientation, share = SIDES[area]
            whole = self._window.width() if orientation == Qt.Orientation.Horizontal else self._window.height()
            self._window.resizeDocks([first], [round(share * whole)], orientation)
            first.raise_()
