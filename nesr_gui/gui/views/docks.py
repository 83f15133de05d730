"""Dockable panels around the image; their layout is saved between sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QAbstractButton, QDockWidget, QMainWindow, QMenu, QTabWidget, QWidget

VERSION = 1  # of saved layouts; increase it when the default arrangement changes, to discard older ones

SIDES = {
    Qt.DockWidgetArea.LeftDockWidgetArea: (Qt.Orientation.Horizontal, 0.22),
    Qt.DockWidgetArea.RightDockWidgetArea: (Qt.Orientation.Horizontal, 0.4),
    Qt.DockWidgetArea.BottomDockWidgetArea: (Qt.Orientation.Vertical, 0.28),
    Qt.DockWidgetArea.TopDockWidgetArea: (Qt.Orientation.Vertical, 0.28),
}
"""Area → the side it takes from, and its share of the window's at first."""
ROWS = 0.64, 0.36
"""Shares of the height of a side area at first, if it has two rows."""


@dataclass(frozen=True, eq=False)
class _Panel:
    """A dock with its default area, row in it, and visibility."""

    dock: QDockWidget
    area: Qt.DockWidgetArea
    row: int
    shown: bool


class DockManager:
    """Creates the docks of a window and saves their layout; panels of one row of an area are tabs.

    When the window becomes narrower, the side area shrinks before the image does.
    """

    def __init__(self, window: QMainWindow, menu: QMenu) -> None:
        self._window, self._menu = window, menu
        self._panels: list[_Panel] = []
        self._makers: dict[QDockWidget, Callable[[], QWidget]] = {}
        self._remembered = False
        self._chosen = 0, 1  # widths of the side area and of the window when one of them was chosen
        self._given = 0  # width that the side area got when it followed the window; another one was chosen
        window.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks
        )  # no animation, so that a layout takes effect at once
        window.setDockNestingEnabled(True)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for corner in (Qt.Corner.TopLeftCorner, Qt.Corner.BottomLeftCorner):
            window.setCorner(corner, Qt.DockWidgetArea.LeftDockWidgetArea)
        for corner in (Qt.Corner.TopRightCorner, Qt.Corner.BottomRightCorner):
            window.setCorner(corner, Qt.DockWidgetArea.RightDockWidgetArea)

    def add(
        self,
        name: str,
        title: str,
        content: QWidget | Callable[[], QWidget],
        area: Qt.DockWidgetArea,
        row: int,
        shown: bool,
    ) -> QDockWidget:
        """Put a widget into a dock; a restored layout that contains this `name` determines its position.

        A function makes the widget, and puts it into the dock by `fill`, when it is first needed.
        """
        dock = QDockWidget(title, self._window)
        dock.setObjectName(name)
        dock.setAccessibleName(f"{title} panel")
        if isinstance(content, QWidget):
            self.fill(dock, content)
        else:
            self._makers[dock] = content
        action = dock.toggleViewAction()
        action.setToolTip(f"Show or hide the {title} panel")
        action.triggered.connect(lambda checked: dock.raise_() if checked else None)
        self._menu.addAction(action)
        self._menu.setEnabled(True)
        panel = _Panel(dock, area, row, shown)
        self._panels.append(panel)
        if not self._window.restoreDockWidget(dock):
            self._place(panel)
            self.fit()
        return dock

    def content(self, dock: QDockWidget) -> QWidget:
        """The widget of a dock, which is made if it has not been needed yet."""
        return dock.widget() or self._makers[dock]()

    def fill(self, dock: QDockWidget, widget: QWidget) -> None:
        """Put `widget` into an empty dock."""
        for button in widget.findChildren(QAbstractButton):  # a click must not move the focus: the button may be
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # disabled by what it does, and Qt passes the focus on
        dock.setWidget(widget)

    def reveal(self, widget: QWidget, least: int = 0) -> None:
        """Open and raise the panel that contains `widget`.

        A docked panel that was not visible gets at least a height (px), as far as those above and below it can shrink.
        """
        for panel in self._panels:
            if panel.dock.isAncestorOf(widget):
                was_visible = panel.dock.isVisible() and not panel.dock.visibleRegion().isEmpty()
                panel.dock.show()
                panel.dock.raise_()
                if least and not was_visible and not panel.dock.isFloating():
                    self._enlarge(panel.dock, least)

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
            self._given = 0

    def follow_width(self, before: int, now: int) -> None:
        """Adapt the side area to a window whose width changed from `before` to `now`.

        A narrower window takes from the side area first, a wider one gives to both; coming back restores the width that
        the user or the default layout had chosen.
        """
        dock = next((d for d in self.docks if self._is_beside(d)), None)
        if dock is None:
            return
        if dock.width() != self._given:
            self._chosen = dock.width(), before
        width, of = self._chosen
        wanted = width - (of - now) if now < of else width * now // of
        self._window.resizeDocks([dock], [max(wanted, dock.minimumSizeHint().width(), 1)], Qt.Orientation.Horizontal)
        if (layout := self._window.layout()) is not None:
            layout.activate()
        self._given = dock.width()

    def _is_beside(self, dock: QDockWidget) -> bool:
        """Whether a dock is visible in the window left or right of the image."""
        orientation, _ = SIDES.get(self._window.dockWidgetArea(dock), (Qt.Orientation.Vertical, 0.0))
        return orientation is Qt.Orientation.Horizontal and dock.isVisible() and not dock.isFloating()

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

    def _enlarge(self, dock: QDockWidget, least: int) -> None:
        if (layout := self._window.layout()) is not None:
            layout.activate()
        missing = least - dock.height()
        own = [dock, *self._window.tabifiedDockWidgets(dock)]
        others = [
            each for each in self.docks
            if each not in own and not each.isFloating() and not each.visibleRegion().isEmpty()
            and self._window.dockWidgetArea(each) is self._window.dockWidgetArea(dock)
        ]  # fmt: skip
        if missing > 0 and others:
            highest = max(others, key=lambda each: each.height())
            rest = max(highest.height() - missing, 1)  # Qt refuses less, and keeps what it needs anyway
            self._window.resizeDocks([highest, dock], [rest, least], Qt.Orientation.Vertical)

    def _place(self, panel: _Panel) -> None:
        before = next((p for p in self._row(panel.area, panel.row) if p is not panel), None)
        panel.dock.setVisible(False)  # if it were hidden in its tab, Qt would leave the tab behind
        self._window.addDockWidget(panel.area, panel.dock)
        if before is not None:
            self._window.tabifyDockWidget(before.dock, panel.dock)
        panel.dock.setVisible(panel.shown)

    def _front(self, area: Qt.DockWidgetArea) -> None:
        """Raise the first panel of each row of an area, and give area and rows their default sizes."""
        rows = [[p.dock for p in self._row(area, row) if p.shown] for row in range(len(ROWS))]
        first = [docks[0] for docks in rows if docks]
        if not first:
            return
        orientation, share = SIDES[area]
        whole = self._window.width() if orientation == Qt.Orientation.Horizontal else self._window.height()
        self._window.resizeDocks(first[:1], [round(share * whole)], orientation)
        if len(first) == len(ROWS):
            height = self._window.height()
            self._window.resizeDocks(first, [round(part * height) for part in ROWS], Qt.Orientation.Vertical)
        for dock in first:
            dock.raise_()

    def _row(self, area: Qt.DockWidgetArea, row: int) -> list[_Panel]:
        return [panel for panel in self._panels if (panel.area, panel.row) == (area, row)]
