"""The legend and readout under the plot: each pin, where it is, and its value at the wavelength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from nesr_gui.gui.session import Pin, Pixel, Reading
from nesr_gui.gui.theme import pin_icon

_MOST_ROWS = 5  # shown without scrolling


class PinTable(QTableWidget):
    """One row per pin."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self.setAccessibleName("Pins")
        self.setAccessibleDescription("Position of each pin and its value at the wavelength shown")
        self.setHorizontalHeaderItem(0, QTableWidgetItem("Pin"))
        self._titles: list[QTableWidgetItem] = []  # of all columns but the first
        self._cells: list[tuple[QTableWidgetItem, QTableWidgetItem]] = []  # value and measured, per row
        self.setStyleSheet(
            "QHeaderView::section { border: none; background: transparent; padding: 4px 10px; }"
            "QTableView::item { padding: 0 10px; }"
        )
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        self.setShowGrid(False)
        self.setFrameShape(QTableWidget.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setIconSize(QSize(18, 18))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(0, 56)
        for column, side in ((1, Qt.AlignmentFlag.AlignLeft), (2, Qt.AlignmentFlag.AlignRight),
                             (3, Qt.AlignmentFlag.AlignRight)):  # fmt: skip
            title = QTableWidgetItem()
            title.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, title)
            self._titles.append(title)
        self._titles[0].setText("Position")
        self._titles[2].setText("Measured")
        self.show_pins(())

    def show_pins(self, pins: Sequence[Pin]) -> None:
        self.setRowCount(len(pins))
        self._cells = []
        for row, pin in enumerate(pins):
            name = QTableWidgetItem(QIcon(pin_icon(pin.number, pin.colour)), "")
            name.setData(Qt.ItemDataRole.AccessibleTextRole, f"pin {pin.number}")
            self.setItem(row, 0, name)
            self.setItem(row, 1, QTableWidgetItem(f"row {pin.row}, col {pin.col}"))
            self._cells.append((QTableWidgetItem("…"), QTableWidgetItem()))
            for column, cell in enumerate(self._cells[row], start=2):
                cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(row, column, cell)
        rows = min(max(len(pins), 1), _MOST_ROWS)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + 26 * rows + 8)
        self.setVisible(bool(pins))

    def show_readings(self, nm: float, pins: Sequence[Pin], readings: Mapping[Pixel, Reading]) -> None:
        self._titles[1].setText(f"At {nm:.1f} nm")
        self.setColumnHidden(3, all(reading.truth is None for reading in readings.values()))
        for pin, (value, measured) in zip(pins, self._cells, strict=True):
            reading = readings.get(pin.pixel)
            if reading is not None:
                value.setText(f"{reading.value:.4f}")
                measured.setText("" if reading.truth is None else f"{reading.truth:.4f}")
