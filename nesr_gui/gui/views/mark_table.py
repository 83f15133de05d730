"""The mark table: legend of the plot, values and colours of marks, and the context menu of a mark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QItemSelectionModel, QPoint, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QIcon, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QMenu, QTableWidget, QTableWidgetItem, QWidget

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.appearance import Appearance
from nesr_gui.gui.drawing.symbols import plain_icon, sign_icon
from nesr_gui.gui.model.marks import ColourResult, Mark, MarkGeometry, MarkSpectrum, Readout
from nesr_gui.gui.model.palette import MARK_SYMBOLS, MarkColours
from nesr_gui.gui.views.widgets import ROW_HEIGHT, quiet

TITLES = ("Mark", "At", "Measured", "RGB", "x, y", "L* a* b*", "Dominant λ", "Position")
MARK, VALUE, MEASURED, COLOUR, XY, LAB, DOMINANT, POSITION = range(len(TITLES))
_WIDTHS = (132, 88, 84, 44, 112, 140, 88, 330)
_MOST_ROWS = 6  # visible without scrolling
_LEFT, _RIGHT = (
    side | Qt.AlignmentFlag.AlignVCenter for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
)
_ALIGNMENTS = {**dict.fromkeys(range(len(TITLES)), _LEFT), **dict.fromkeys((VALUE, MEASURED, DOMINANT), _RIGHT)}


class MarkTable(QTableWidget):
    """One row per mark; signals selecting, renaming and hiding marks, and opening their menu."""

    mark_picked = Signal(int)  # number of the row that became current
    selection_picked = Signal(object)  # numbers of the selected rows
    name_picked = Signal(int, str)  # number, new name
    visible_picked = Signal(int, bool)  # number, whether to show the mark
    menu_picked = Signal(int, QPoint)  # number, position on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(TITLES), parent)
        self.setAccessibleName("Marks")
        self.setAccessibleDescription("Value at the current wavelength, colour and position of each pin and region")
        quiet(self)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setIconSize(QSize(18, 18))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.horizontalHeader().setStretchLastSection(True)
        self._titles = [QTableWidgetItem(title) for title in TITLES]
        for column, (header, width) in enumerate(zip(self._titles, _WIDTHS, strict=True)):
            header.setTextAlignment(_ALIGNMENTS[column])
            self.setHorizontalHeaderItem(column, header)
            self.setColumnWidth(column, width)
        self.setColumnHidden(MEASURED, True)
        self._numbers: list[int] = []
        self._swatches: dict[str, QIcon] = {}
        self.itemChanged.connect(self._announce_edit)
        self.currentCellChanged.connect(self._announce_current)
        self.itemSelectionChanged.connect(lambda: self.selection_picked.emit(self.selected()))
        self.show_marks((), None)

    def show_marks(self, marks: Sequence[Mark], active: int | None) -> None:
        """Show a row for each mark and keep the selection if it contains the active one."""
        chosen = [number for number in self.selected() if number in {mark.number for mark in marks}]
        chosen = chosen if active in chosen else []
        blocked = QSignalBlocker(self)
        self._numbers = [mark.number for mark in marks]
        self.setRowCount(len(marks))
        for row, mark in enumerate(marks):
            self._show_mark(row, mark)
        rows = min(max(len(marks), 1), _MOST_ROWS)
        bar = self.horizontalScrollBar().sizeHint().height()
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + ROW_HEIGHT * rows + bar + 4)
        self.setVisible(bool(marks))
        self._select(chosen, active)
        blocked.unblock()
        self.selection_picked.emit(self.selected())

    def show_active(self, number: int | None) -> None:
        """Select the active mark, unless it is already selected."""
        blocked = QSignalBlocker(self)
        self._select(self.selected() if number in self.selected() else [], number)
        blocked.unblock()

    def show_readouts(self, nm: float, readouts: Mapping[int, Readout]) -> None:
        """Show values at a wavelength by mark number; … for marks without a value yet."""
        blocked = QSignalBlocker(self)
        self._titles[VALUE].setText(f"At {nm:.1f} nm")
        if readouts:  # avoids flicker while the wavelength changes
            self.setColumnHidden(MEASURED, all(reading.truth is None for reading in readouts.values()))
        for row, number in enumerate(self._numbers):
            reading = readouts.get(number)
            self._cell(row, VALUE).setText("…" if reading is None else f"{reading.value:.4f}")
            truth = reading.truth if reading is not None else None
            self._cell(row, MEASURED).setText(f"{truth:.4f}" if truth is not None else "")
        blocked.unblock()

    def show_curves(self, marks: Sequence[Mark], curves: Mapping[MarkGeometry, MarkSpectrum]) -> None:
        """Show the position of each mark, with its spread and quality flags."""
        blocked = QSignalBlocker(self)
        for row, mark in enumerate(marks):
            curve = curves.get(mark.place)
            notes = curve.spread_text() + curve.doubts_text() if curve is not None else ""
            self._fill(row, POSITION, text := mark.position + notes, text)
        blocked.unblock()

    def show_colour_results(self, marks: Sequence[Mark], colour_results: Mapping[MarkGeometry, ColourResult]) -> None:
        """Show the colours of marks; empty where a colour is undefined."""
        blocked = QSignalBlocker(self)
        for row, mark in enumerate(marks):
            colour_result = colour_results.get(mark.place)
            appearance = colour_result.appearance if colour_result is not None else None
            texts = {column: "–" for column in (COLOUR, XY, LAB, DOMINANT)}
            if appearance is not None:
                texts[COLOUR] = "" if appearance.in_gamut else "!"
                texts[XY] = "{:.4f}, {:.4f}".format(*appearance.xy)
                texts[LAB] = "  ".join(f"{round(value, 1) + 0.0:.1f}" for value in appearance.lab)
                texts[DOMINANT] = _dominant(appearance.dominant)
            refusal = colour_result.refusal if colour_result is not None else ""
            tip = _colour_text(appearance) if appearance is not None else refusal
            for column, text in texts.items():
                self._fill(row, column, text, tip)
            self._cell(row, COLOUR).setIcon(self._swatch(appearance.hex) if appearance is not None else QIcon())
        blocked.unblock()

    def selected(self) -> list[int]:
        """Numbers of the selected marks in table order."""
        rows = sorted({index.row() for index in self.selectedIndexes()})
        return [self._numbers[row] for row in rows if row < len(self._numbers)]

    def rename(self, number: int) -> None:
        """Edit the name of a mark in its cell."""
        if number in self._numbers:
            item = self._cell(self._numbers.index(number), MARK)
            self.setFocus()
            self.setCurrentItem(item)
            if self.state() != self.State.EditingState:  # otherwise the editor is open already
                self.editItem(item)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Request the menu of the mark under the mouse."""
        row = self.rowAt(self.viewport().mapFromGlobal(event.globalPos()).y())
        if 0 <= row < len(self._numbers):
            self.menu_picked.emit(self._numbers[row], event.globalPos())

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        cell = self.item(row, column)
        if cell is None:
            cell = QTableWidgetItem()
            cell.setTextAlignment(_ALIGNMENTS[column])
            cell.setFlags(cell.flags() & ~Qt.ItemFlag.ItemIsEditable)
            self.setItem(row, column, cell)
        return cell

    def _fill(self, row: int, column: int, text: str, tip: str) -> None:
        cell = self._cell(row, column)
        cell.setText(text)
        cell.setToolTip(tip)

    def _show_mark(self, row: int, mark: Mark) -> None:
        item = self._cell(row, MARK)
        item.setIcon(sign_icon(mark.number, mark.colour, mark.symbol))
        item.setText(mark.title)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked if mark.visible else Qt.CheckState.Unchecked)
        item.setToolTip(f"{mark.label}; the check box shows or hides it")

    def _select(self, numbers: Sequence[int], active: int | None) -> None:
        flags = QItemSelectionModel.SelectionFlag
        self.clearSelection()
        if active is not None and active in self._numbers:
            index = self.model().index(self._numbers.index(active), MARK)
            self.selectionModel().setCurrentIndex(index, flags.NoUpdate)
        for number in {*numbers, *([active] if active is not None else [])} & set(self._numbers):
            index = self.model().index(self._numbers.index(number), MARK)
            self.selectionModel().select(index, flags.Select | flags.Rows)

    def _announce_edit(self, item: QTableWidgetItem) -> None:
        if item.column() == MARK and item.row() < len(self._numbers):
            number = self._numbers[item.row()]
            self.name_picked.emit(number, item.text().strip())
            self.visible_picked.emit(number, item.checkState() == Qt.CheckState.Checked)

    def _announce_current(self, row: int, column: int, before_row: int, before_column: int) -> None:
        if 0 <= row < len(self._numbers):
            self.mark_picked.emit(self._numbers[row])

    def _swatch(self, colour: str) -> QIcon:
        if colour not in self._swatches:
            if len(self._swatches) > 256:
                self._swatches.clear()
            pixmap = QPixmap(32, 32)
            pixmap.fill(QColor(colour))
            self._swatches[colour] = plain_icon(pixmap)
        return self._swatches[colour]


def _dominant(nm: float) -> str:
    if math.isnan(nm):
        return "no hue"
    return f"{nm:.0f} nm" if nm > 0 else f"{-nm:.0f} nm, complementary"


def _colour_text(appearance: Appearance) -> str:
    linear = "{:.4f}, {:.4f}, {:.4f}".format(*appearance.rgb)
    outside = "" if appearance.in_gamut else "\nOutside the sRGB gamut: the swatch is clipped"
    return f"{appearance.hex}, linear sRGB {linear}{outside}"


class MarkMenu(QMenu):
    """Context menu of a mark; colours and symbols are shown as they will look."""

    rename_requested = Signal()
    colour_requested = Signal()  # a colour outside the palette
    edit_picked = Signal(str, object)  # name of the attribute, new value
    white_requested = Signal()  # use the mark as white
    remove_requested = Signal()

    def __init__(self, mark: Mark, palette: MarkColours, takes_white: bool, parent: QWidget | None = None) -> None:
        super().__init__(mark.title, parent)
        self.addAction("Rename…", self.rename_requested.emit)
        colours = self.addMenu("Colour")
        for name, colour in palette.colours.items():
            icon = sign_icon(mark.number, colour, mark.symbol)
            colours.addAction(icon, name, lambda colour=colour: self.edit_picked.emit("colour", colour))
        colours.addSeparator()
        colours.addAction("Other…", self.colour_requested.emit)
        symbols = self.addMenu("Symbol")
        for symbol in MARK_SYMBOLS:
            icon = sign_icon(mark.number, mark.colour, symbol)
            symbols.addAction(icon, symbol.capitalize(), lambda symbol=symbol: self.edit_picked.emit("symbol", symbol))
        text = "Hide" if mark.visible else "Show"
        self.addAction(text, lambda: self.edit_picked.emit("visible", not mark.visible))
        if takes_white:
            self.addAction("Use as white reference", self.white_requested.emit)
        self.addSeparator()
        self.addAction("Remove", self.remove_requested.emit)


class PairDifferenceLabel(QLabel):
    """Shows ΔE2000 and spectral angle between two selected marks."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Difference between two marks")
        self.setContentsMargins(12, 2, 12, 6)
        self.setWordWrap(True)
        self.hide()

    def show_pair(self, pair: list[tuple[Mark, MarkSpectrum | None, ColourResult | None]]) -> None:
        """Show the difference between two marks; hidden for any other number, or without spectra."""
        parts = []
        if len(pair) == 2:
            (first, curve, colour), (second, other, other_colour) = pair
            appearances = [each.appearance for each in (colour, other_colour) if each is not None and each.appearance]
            if len(appearances) == 2:
                parts.append(f"ΔE2000 {cie.delta_e(appearances[0].lab, appearances[1].lab):.2f}")
            if curve is not None and other is not None:
                values = [each.spectrum.values.astype(np.float64)[None] for each in (curve, other)]  # (1, L)
                parts.append(f"spectral angle {metrics.spectral_angle(*values)[0]:.2f}°")
            if parts:
                parts[0] = f"{first.title} – {second.title}:  {parts[0]}"
        self.setText("  ·  ".join(parts))
        self.setVisible(bool(parts))
