"""The stored camera profiles: which of them apply by themselves, and which to use or remove."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.views.widgets import plain, quiet, row
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.profile_library import Library

COLUMNS = ("Profile", "Camera", "Light", "White balance", "ΔE2000 left out", "Photograph of the chart")
SIZE = QSize(900, 380)  # default size
TEXT = (
    "A ticked profile is applied whenever a photograph of its camera is opened, and a notice says so. It fits "
    "photographs that were taken with the same settings in the same light."
)
NONE = "No profile is stored. Tick “Use for photographs of this camera” after a calibration by a chart, or add a file."


class CameraProfilesDialog(QDialog):
    """Lists the stored profiles; a tick makes one apply to photographs of its camera."""

    automatic_picked = Signal(object, bool)  # CameraProfile, whether it is used by itself
    use_picked = Signal(object)  # CameraProfile for the open photograph
    removal_picked = Signal(object)  # CameraProfile
    file_requested = Signal()  # add a profile from a file

    def __init__(self, can_use: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Camera profiles")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._can_use = can_use
        self._library: Library = ()
        self.text = QLabel(TEXT)
        self.text.setWordWrap(True)
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setAccessibleName("Stored camera profiles")
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        quiet(self.table)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.itemChanged.connect(self._tick)
        self.table.itemSelectionChanged.connect(self._show_possible)
        self.use, self.remove = QPushButton("Use for this photograph"), QPushButton("Remove")
        self.add = QPushButton("Add…")
        self.use.clicked.connect(lambda: self.use_picked.emit(self._selected()))
        self.remove.clicked.connect(lambda: self.removal_picked.emit(self._selected()))
        self.add.setToolTip("Add a camera profile from a file")
        self.add.clicked.connect(self.file_requested)
        for button in (self.use, self.remove, self.add):
            button.setAccessibleName(button.text().rstrip("…"))
            button.setAutoDefault(False)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        plain(self.buttons)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        for widget in (self.text, self.table, row(self.use, self.remove, self.add), self.buttons):
            layout.addWidget(widget)
        self.show_library(())
        self.resize(SIZE.boundedTo(self.screen().availableSize()))

    def show_library(self, library: Library) -> None:
        """Show the stored profiles; the selected line stays."""
        selected = self.table.currentRow()
        self._library = library
        self.text.setText(TEXT if library else NONE)
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(library))
            for line, stored in enumerate(library):
                for column, text in enumerate(_texts(stored.profile)):
                    item = QTableWidgetItem(text)
                    item.setToolTip(text)
                    if column == 0 and stored.profile.camera:
                        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                        item.setCheckState(Qt.CheckState.Checked if stored.is_automatic else Qt.CheckState.Unchecked)
                    self.table.setItem(line, column, item)
        if library:
            self.table.selectRow(min(max(selected, 0), len(library) - 1))
        self._show_possible()

    def _selected(self) -> CameraProfile | None:
        line = self.table.currentRow()
        return self._library[line].profile if 0 <= line < len(self._library) else None

    def _show_possible(self) -> None:
        is_chosen = self._selected() is not None
        self.use.setEnabled(is_chosen and self._can_use)
        self.remove.setEnabled(is_chosen)

    def _tick(self, item: QTableWidgetItem) -> None:
        if item.column() == 0:
            self.automatic_picked.emit(self._library[item.row()].profile, item.checkState() == Qt.CheckState.Checked)


def _texts(profile: CameraProfile) -> tuple[str, ...]:
    balance = profile.white_balance
    return (
        profile.name,
        profile.camera or "not known",
        profile.light,
        f"red × {balance[0]:.2f}, blue × {balance[2]:.2f}" if balance else "",
        f"{profile.left_out:.1f}",
        profile.photograph,
    )
