"""A dialog with a table of numbers that can be copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
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

from nesr_gui.gui.model.marks import as_text
from nesr_gui.gui.views.widgets import plain, quiet

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class TableDialog(QDialog):
    """Lists rows of text below a heading; is deleted when it is closed.

    Attributes:
        heading: says what the table is of.
        table: the table, with the columns of the first row.
        content: the layout, to which subclasses add widgets above the heading.
    """

    copy_requested = Signal(str)  # tab-separated text for the clipboard

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(QSize(580, 560))
        self._rows: Sequence[Mapping[str, str]] = ()
        self.heading, self.table = QLabel(), QTableWidget(0, 0)
        self.heading.setWordWrap(True)
        self.table.setAccessibleName(title)
        quiet(self.table)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(_RIGHT)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = self.add_button("Copy", "Copy the selected rows, or all of them, for a spreadsheet")
        self.copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        self.copy.clicked.connect(lambda: self.copy_requested.emit(self.text()))
        self.buttons.button(QDialogButtonBox.StandardButton.Close).setAccessibleName("Close")
        plain(self.buttons)
        self.buttons.rejected.connect(self.close)
        self.content = QVBoxLayout(self)
        self.content.setContentsMargins(16, 14, 16, 14)
        self.content.setSpacing(10)
        for widget in (self.heading, self.table, self.buttons):
            self.content.addWidget(widget)

    def add_button(self, text: str, tip: str) -> QPushButton:
        """Add a button beside those that close the dialog and copy the table."""
        button = self.buttons.addButton(text, QDialogButtonBox.ButtonRole.ActionRole)
        button.setToolTip(tip)
        button.setAccessibleName(text.rstrip("…"))
        return button

    def show_rows(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Show rows that have the same columns; without any, nothing can be copied."""
        self._rows = rows
        titles = list(rows[0]) if rows else []
        self.table.setColumnCount(len(titles))
        self.table.setHorizontalHeaderLabels(titles)
        self.table.setRowCount(len(rows))
        for line, row in enumerate(rows):
            for column, text in enumerate(row.values()):
                item = QTableWidgetItem(text)
                item.setTextAlignment(_RIGHT)
                self.table.setItem(line, column, item)
        self.copy.setEnabled(bool(rows))

    def text(self) -> str:
        """The selected rows with titles, or all rows, tab-separated."""
        chosen = sorted({index.row() for index in self.table.selectedIndexes()})
        return as_text([self._rows[line] for line in chosen] or self._rows)
