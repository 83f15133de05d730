"""What the user does with whole documents: tabs."""

from __future__ import annotations

from PySide6.QtCore import QObject

from nesr_gui.gui.commands import Commands
from nesr_gui.gui.documents import Documents
from nesr_gui.gui.main_window import MainWindow


class DocumentCommands(QObject):
    """Carries out the actions on documents, asking the user what else must be known."""

    def __init__(self, window: MainWindow, documents: Documents, commands: Commands) -> None:
        super().__init__(window)
        self._window, self._documents, self._commands = window, documents, commands
        window.tabs.close_picked.connect(lambda place: self._close(place))

    def open_in_tab(self) -> None:
        self._commands.open_file(beside=True)

    def close_tab(self) -> None:
        self._close(self._documents.place)

    def next_tab(self) -> None:
        self._documents.step(1)

    def previous_tab(self) -> None:
        self._documents.step(-1)

    def _close(self, place: int) -> None:
        self._documents.close(self._documents.all[place])
