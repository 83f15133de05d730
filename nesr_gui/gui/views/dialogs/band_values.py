"""The table of the values of a mark at all bands, which can be copied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.model.marks import Mark, MarkSpectrum, as_text
from nesr_gui.gui.views.widgets import plain, quiet


class BandValuesDialog(QDialog):
    """Lists the values of the active mark at every band; stays open while other marks become active."""

    copy_requested = Signal(str)  # tab-separated text for the clipboard

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Values at all bands")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(QSize(580, 560))
        self._rows: list[dict[str, str]] = []
        self.heading, self.table = QLabel(), QTableWidget(0, 0)
        self.heading.setWordWrap(True)
        self.table.setAccessibleName("Values at all bands")
        quiet(self.table)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = self.buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.setToolTip("Copy the selected rows, or all of them, for a spreadsheet")
        self.copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        for button in self.buttons.buttons():
            button.setAccessibleName(button.text().replace("&", ""))
        plain(self.buttons)
        self.buttons.rejected.connect(self.close)
        self.copy.clicked.connect(lambda: self.copy_requested.emit(self.text()))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        for widget in (self.heading, self.table, self.buttons):
            layout.addWidget(widget)
        self.show_values(None, None, "")

    def show_values(self, mark: Mark | None, values: MarkSpectrum | None, quantity: str) -> None:
        """Show the values of a mark; a mark without values is waited for, without a mark there is nothing to show."""
        if mark is None:
            self.heading.setText("No mark is active; click a pixel in the image.")
        elif values is None:
            self.heading.setText(f"{mark.label}: …")
        else:
            self.heading.setText(f"{mark.label}: {quantity}{values.spread_text()}")
        self._rows = rows_of(values) if values is not None else []
        self.copy.setEnabled(bool(self._rows))
        titles = list(self._rows[0]) if self._rows else []
        self.table.setColumnCount(len(titles))
        self.table.setHorizontalHeaderLabels(titles)
        self.table.setRowCount(len(self._rows))
        for line, row in enumerate(self._rows):
            for column, text in enumerate(row.values()):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(line, column, item)

    def text(self) -> str:
        """The selected rows with titles, or all rows, tab-separated."""
        chosen = sorted({index.row() for index in self.table.selectedIndexes()})
        return as_text([self._rows[line] for line in chosen] or self._rows)


def rows_of(values: MarkSpectrum) -> list[dict[str, str]]:
    """Return one row per band as text: wavelength, value, and what else is known of it."""
    nm = values.spectrum.wavelengths.nm
    columns: dict[str, Sequence[float]] = {"nm": nm.tolist(), "value": values.spectrum.values.tolist()}
    if values.truth is not None:
        measured = np.interp(nm, values.truth.wavelengths.nm, values.truth.values, left=np.nan, right=np.nan)
        columns["measured"] = measured.tolist()
    if values.deviation is not None:
        columns["standard deviation"] = values.deviation.tolist()
    if values.interval is not None:
        columns |= {"90 % low": values.interval[0].tolist(), "90 % high": values.interval[1].tolist()}
    return [
        {title: "" if np.isnan(value) else f"{value:.6g}" for title, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]
