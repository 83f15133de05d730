"""What belongs to the program rather than to an image: finding actions, keys, preferences, help."""

from __future__ import annotations

from PySide6.QtCore import QObject

from nesr_gui.gui.command_palette import CommandPalette
from nesr_gui.gui.main_window import MainWindow
from nesr_gui.gui.offers import of_menus, of_wavelength
from nesr_gui.gui.session import Session
from nesr_gui.gui.shortcut_sheet import ShortcutSheet


class Shell(QObject):
    """Carries out actions on the program; methods are named in `actions.TABLE`."""

    def __init__(self, window: MainWindow, session: Session) -> None:
        super().__init__(window)
        self._window, self._session = window, session

    def find_action(self) -> None:
        session = self._session
        offers = of_menus(self._window.menuBar())
        palette = CommandPalette(
            offers, lambda text: of_wavelength(text, session.wavelength_range, session.set_wavelength), self._window
        )
        palette.open()

    def shortcuts(self) -> None:
        ShortcutSheet(self._window).open()

    def zoom_in(self) -> None:
        self._zoom(2.0)

    def zoom_out(self) -> None:
        self._zoom(0.5)

    def _zoom(self, factor: float) -> None:
        """Around the active mark, so that it can be led to its pixel with the keys; without one, around the middle."""
        mark = self._session.marking.get(self._session.marking.active)
        self._window.panes.zoom(factor, mark.pixel if mark is not None else None)
