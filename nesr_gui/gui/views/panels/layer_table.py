"""Choice of the shown layer of an analysis: one from a table, or up to three as red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.views.widgets import ROW_HEIGHT, quiet

CHANNELS = "Red", "Green", "Blue"
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_FEWEST = 2  # rows that there is room for
_SWATCH = 12  # px


@dataclass(frozen=True)
class LayerRow:
    """A layer: its name, its colour #rrggbb, if it has one, and the texts of the further columns."""

    name: str
    colour: str
    cells: tuple[str, ...] = ()


class LayerChoice(QWidget):
    """A table of layers, whose current row is shown, and three boxes for the layers that are mixed to colours.

    Args:
        name: of the table, for assistive technology.
        titles: of its columns.
        most: rows that are visible without scrolling.
    """

    layers_picked = Signal(object)  # tuple of one to three numbers of layers

    def __init__(self, name: str, titles: Sequence[str], *, most: int = 7, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._most = most
        self._mixable = 0  # the first layers, which can be colours
        self.table = QTableWidget(0, len(titles))
        self.table.setAccessibleName(name)
        quiet(self.table)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._names: list[str] = []
        self.show_titles(titles)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.itemSelectionChanged.connect(self._pick_row)
        self.mix = QCheckBox("As colours")
        self.mix.setAccessibleName("Show layers as colours")
        self.mix.setToolTip("Show up to three layers as red, green and blue, each between its own limits")
        self.mix.clicked.connect(self._pick_mix)
        self.channels = tuple(_channel(name) for name in CHANNELS)
        self._mixing = QWidget()
        mixing = QHBoxLayout(self._mixing)
        mixing.setContentsMargins(0, 0, 0, 0)
        mixing.addWidget(self.mix)
        for box in self.channels:
            box.activated.connect(self._pick_channels)
            mixing.addWidget(box, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addWidget(self._mixing)
        self.show_rows((), 0)

    def show_titles(self, titles: Sequence[str], tips: Sequence[str] = ()) -> None:
        """Show the titles of the columns, with explanations."""
        for column, title in enumerate(titles):
            item = QTableWidgetItem(title)
            item.setTextAlignment(_RIGHT if column else _LEFT)
            item.setToolTip(tips[column] if column < len(tips) else "")
            self.table.setHorizontalHeaderItem(column, item)

    def show_rows(self, rows: Sequence[LayerRow], mixable: int) -> None:
        """List layers, of which the first `mixable` can be colours."""
        names = [row.name for row in rows]
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(rows))
            for at, row in enumerate(rows):
                for column, text in enumerate((row.name, *row.cells)):
                    item = QTableWidgetItem(text)
                    item.setTextAlignment(_RIGHT if column else _LEFT)
                    if column == 0:
                        item.setIcon(_swatch(row.colour))
                    self.table.setItem(at, column, item)
        if names != self._names or mixable != self._mixable:
            self._names, self._mixable = names, mixable
            self._fill_channels(names[:mixable])
        self._mixing.setVisible(mixable > 1)
        height = self.table.horizontalHeader().sizeHint().height() + 4
        self.table.setFixedHeight(height + ROW_HEIGHT * min(max(len(rows), _FEWEST), self._most))

    def show_layers(self, layers: Sequence[int]) -> None:
        """Show which layers the picture has."""
        is_mixed = len(layers) > 1
        self.mix.setChecked(is_mixed)
        with QSignalBlocker(self.table):
            if is_mixed or not 0 <= layers[0] < self.table.rowCount():
                self.table.clearSelection()
            elif layers[0] != self.table.currentRow() or not self.table.selectedItems():
                self.table.selectRow(layers[0])
        for channel, box in enumerate(self.channels):
            box.setEnabled(is_mixed)
            if is_mixed:
                box.setCurrentIndex(layers[channel] if channel < len(layers) else box.count() - 1)

    def _fill_channels(self, names: Sequence[str]) -> None:
        for channel, box in enumerate(self.channels):
            box.clear()
            box.addItems(names)
            if channel > 1:
                box.addItem("none")
            box.setCurrentIndex(min(channel, box.count() - 1))

    def _pick_row(self) -> None:
        chosen = self.table.selectionModel().selectedRows()
        if chosen:
            self.layers_picked.emit((chosen[0].row(),))

    def _pick_mix(self, is_mixed: bool) -> None:
        if is_mixed:
            self._pick_channels()
        else:
            self.layers_picked.emit((max(self.table.currentRow(), 0),))

    def _pick_channels(self) -> None:
        numbers = [box.currentIndex() for box in self.channels]
        self.layers_picked.emit(tuple(number for number in numbers if number < self._mixable))


def _channel(name: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(f"{name} channel")
    box.view().setAccessibleName(f"{name} channel, choices")
    box.setToolTip(f"{name} channel")
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(5)
    return box


def _swatch(colour: str) -> QIcon:
    if not colour:
        return QIcon()
    pixmap = QPixmap(_SWATCH, _SWATCH)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)
