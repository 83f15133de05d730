"""What belongs to the program rather than to an image: finding actions, keys, preferences, help."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMessageBox

from nesr_gui import resources
from nesr_gui.gui.model.preferences import Preferences
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.shell.hints import Hinting
from nesr_gui.gui.views.dialogs.command_palette import CommandPalette, of_menus, of_wavelength
from nesr_gui.gui.views.dialogs.help import GuideWindow, ShortcutSheet
from nesr_gui.gui.views.dialogs.preferences import PreferencesDialog
from nesr_gui.gui.views.main_window import MainWindow


class Shell(QObject):
    """Carries out actions on the program; methods are named in `actions.TABLE`."""

    def __init__(self, window: MainWindow, session: Session, preferences: Preferences, hinting: Hinting) -> None:
        super().__init__(window)
        self._window, self._session, self._preferences, self._hinting = window, session, preferences, hinting

    def find_action(self) -> None:
        session = self._session
        offers = of_menus(self._window.menuBar())
        palette = CommandPalette(
            offers, lambda text: of_wavelength(text, session.wavelength_range, session.set_wavelength), self._window
        )
        palette.open()

    def shortcuts(self) -> None:
        ShortcutSheet(self._window).open()

    def preferences(self) -> None:
        dialog = PreferencesDialog(self._preferences, self._window)
        dialog.reset_asked.connect(lambda: self._ask_reset(dialog))
        dialog.open()

    def guide(self) -> None:
        """The user guide; one window of it is enough."""
        shown = self._window.findChild(GuideWindow) or GuideWindow(resources.guide(), self._window)
        shown.show()
        shown.activateWindow()

    def zoom_in(self) -> None:
        self._zoom(2.0)

    def zoom_out(self) -> None:
        self._zoom(0.5)

    def _zoom(self, factor: float) -> None:
        """Around the active mark, so that it can be led to its pixel with the keys; without one, around the middle."""
        mark = self._session.marking.get(self._session.marking.active)
        self._window.panes.zoom(factor, mark.pixel if mark is not None else None)

    def _ask_reset(self, dialog: PreferencesDialog) -> None:
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Reset everything",
            "Put all preferences and the layout of the panels back as they were at first, and show the first steps "
            "again? Recent files stay.",
            QMessageBox.StandardButton.Reset | QMessageBox.StandardButton.Cancel,
            dialog,
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.button(QMessageBox.StandardButton.Reset).clicked.connect(self.reset)
        box.open()

    def reset(self) -> None:
        """Preferences and layout as in a program that starts for the first time."""
        self._preferences.reset()
        self._window.reset_layout()
        self._hinting.start_again()
