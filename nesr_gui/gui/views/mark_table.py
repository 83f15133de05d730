"""The mark table: legend of the plot, values and colours of marks, and the context menu of a mark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QIcon, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QMenu, QTableWidget, QTableWidgetItem, QWidget

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.appearance import LEAST_LUMINANCE, Appearance
from nesr_gui.gui.drawing.labels import value_format
from nesr_gui.gui.drawing.symbols import plain_icon, sign_icon
from nesr_gui.gui.model.marks import Absorption, ColourResult, Mark, MarkGeometry, MarkSpectrum, Readout
from nesr_gui.gui.model.palette import MARK_SYMBOLS, MarkColours
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.views.widgets import ROW_HEIGHT, quiet


@dataclass(frozen=True)
class _Column:
    """A column: its title, width (px, for text `_TEXT_HEIGHT` high), and, if users may hide it, its name in menus."""

    title: str
    width: int
    name: str = ""
    is_number: bool = True


_COLUMNS = (
    _Column("Mark", 136, is_number=False),
    _Column("At", 86, "Value"),
    _Column("Measured", 78, "Measured value"),
    _Column("Band depth", 82, "Depth of the absorption band"),
    _Column("Band at", 72, "Position of the absorption band"),
    _Column("Band width", 82, "Width of the absorption band"),
    _Column("RGB", 44, "Colour (sRGB)", is_number=False),
    _Column("x", 62, "Chromaticity x"),
    _Column("y", 62, "Chromaticity y"),
    _Column("L*", 52, "Lightness L*"),
    _Column("a*", 52, "a*"),
    _Column("b*", 52, "b*"),
    _Column("Dominant λ", 144, "Dominant wavelength"),
    _Column("Pixels", 84, "Number of pixels"),
    _Column("Position", 330, "Position", is_number=False),
)
(
    MARK, VALUE, MEASURED, BAND_DEPTH, BAND, BAND_WIDTH, COLOUR, X, Y, L, A, B, DOMINANT, PIXELS, POSITION,
) = range(len(_COLUMNS))  # fmt: skip
_OF_COLOUR = (COLOUR, X, Y, L, A, B, DOMINANT)
_OF_ABSORPTION = (BAND_DEPTH, BAND, BAND_WIDTH)
_TEXT_HEIGHT = 14  # px
_MOST_ROWS = 6  # visible without scrolling
_FEWEST_ROWS = 2  # visible in a small window, so that the plot keeps its place
_LEFT, _RIGHT = (
    side | Qt.AlignmentFlag.AlignVCenter for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
)
_HIDDEN = "marks/hidden_columns"


class MarkTable(QTableWidget):
    """One row per mark; signals selecting, renaming and hiding marks, and opening their menu."""

    mark_picked = Signal(int)  # number of the row that became current
    selection_picked = Signal(object)  # numbers of the selected rows
    name_picked = Signal(int, str)  # number, new name
    visible_picked = Signal(int, bool)  # number, whether to show the mark
    menu_picked = Signal(int, QPoint)  # number, position on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_COLUMNS), parent)
        self.setAccessibleName("Marks")
        self.setAccessibleDescription("Value at the current wavelength, colour and position of each pin and region")
        quiet(self)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setIconSize(QSize(18, 18))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.horizontalHeader().setStretchLastSection(True)
        headers = [QTableWidgetItem(each.title) for each in _COLUMNS]
        self._value_title = headers[VALUE]
        larger = max(self.fontMetrics().height() / _TEXT_HEIGHT, 1.0)
        for column, (each, header) in enumerate(zip(_COLUMNS, headers, strict=True)):
            header.setTextAlignment(_RIGHT if each.is_number else _LEFT)
            self.setHorizontalHeaderItem(column, header)
            self.setColumnWidth(column, round(each.width * larger))
        self.horizontalHeader().setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.horizontalHeader().customContextMenuRequested.connect(self._ask_columns)
        self._has_truth = self.has_absorptions = False
        self._hidden = set(str(settings().value(_HIDDEN, "")).split("\n")) & {
            each.name for each in _COLUMNS if each.name
        }
        self.column_actions = self._make_column_actions()
        self._show_columns()
        self._numbers: list[int] = []
        self._cells: list[list[QTableWidgetItem]] = []  # by row and column
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
        del self._cells[len(marks) :]
        for row in range(len(self._cells), len(marks)):
            self._add_cells(row)
        for row, mark in enumerate(marks):
            self._show_mark(row, mark)
        shown = min(max(len(marks), 1), _MOST_ROWS)
        bar = self.horizontalScrollBar().sizeHint().height()
        frame = self.horizontalHeader().sizeHint().height() + bar + 4
        self.setMaximumHeight(frame + ROW_HEIGHT * shown)
        self.setMinimumHeight(frame + ROW_HEIGHT * min(shown, _FEWEST_ROWS))
        self.setVisible(bool(marks))
        self._select(chosen, active)
        blocked.unblock()

    def show_readouts(self, nm: float, readouts: Mapping[int, Readout]) -> None:
        """Show values at a wavelength by mark number; … for marks without a value yet."""
        blocked = QSignalBlocker(self)
        self._show_heading(f"At {nm:.1f} nm")
        if readouts:  # avoids flicker while the wavelength changes
            self._has_truth = any(reading.truth is not None for reading in readouts.values())
            self._show_columns()
        form = value_format(max([abs(each.value) for each in readouts.values()], default=0.0))
        for row, number in enumerate(self._numbers):
            reading = readouts.get(number)
            self._cells[row][VALUE].setText("…" if reading is None else f"{reading.value:{form}}")
            truth = reading.truth if reading is not None else None
            self._cells[row][MEASURED].setText(f"{truth:{form}}" if truth is not None else "")
        blocked.unblock()

    def _show_heading(self, text: str) -> None:
        """Head the values; a signal of the model would lay out and paint the whole table."""
        blocked, header = QSignalBlocker(self.model()), self.horizontalHeader()
        self._value_title.setText(text)
        blocked.unblock()
        header.viewport().update(header.sectionViewportPosition(VALUE), 0, header.sectionSize(VALUE), header.height())

    def show_curves(self, marks: Sequence[Mark], curves: Mapping[MarkGeometry, MarkSpectrum]) -> None:
        """Show the position of each mark, with its spread and quality flags, and its number of pixels."""
        blocked = QSignalBlocker(self)
        for row, mark in enumerate(marks):
            curve = curves.get(mark.place)
            notes = curve.spread_text() + curve.doubts_text() if curve is not None else ""
            position = self._cells[row][POSITION]
            position.setText(mark.position + notes)
            position.setToolTip(position.text())
            self._cells[row][PIXELS].setText(f"{curve.of:,}" if curve is not None else "…")
        blocked.unblock()

    def show_colour_results(self, marks: Sequence[Mark], colour_results: Mapping[MarkGeometry, ColourResult]) -> None:
        """Show the colours of marks; empty where a colour is undefined."""
        blocked = QSignalBlocker(self)
        for row, mark in enumerate(marks):
            colour_result = colour_results.get(mark.place)
            appearance = colour_result.appearance if colour_result is not None else None
            texts = _colour_cells(appearance) if appearance is not None else ["–"] * len(_OF_COLOUR)
            refusal = colour_result.refusal if colour_result is not None else ""
            tip = _colour_text(appearance) if appearance is not None else refusal
            for column, text in zip(_OF_COLOUR, texts, strict=True):
                cell = self._cells[row][column]
                cell.setText(text)
                cell.setToolTip(tip)
            self._cells[row][COLOUR].setIcon(self._swatch(appearance.hex) if appearance is not None else QIcon())
        blocked.unblock()

    def show_absorptions(self, marks: Sequence[Mark], absorptions: Mapping[MarkGeometry, Absorption] | None) -> None:
        """Show the absorption bands of marks; None hides their columns."""
        if self.has_absorptions != (absorptions is not None):
            self.has_absorptions = absorptions is not None
            self._show_columns()
        if absorptions is None:
            return
        blocked = QSignalBlocker(self)
        for row, mark in enumerate(marks):
            absorption = absorptions.get(mark.place)
            for column, text in zip(_OF_ABSORPTION, absorption.texts() if absorption else ("…",) * 3, strict=True):
                self._cells[row][column].setText(text)
                self._cells[row][column].setToolTip(absorption.interval_text() if absorption else "")
        blocked.unblock()

    def sizeHint(self) -> QSize:
        """Preferred size: all rows up to the greatest number."""
        return QSize(super().sizeHint().width(), self.maximumHeight())

    def _make_column_actions(self) -> list[QAction]:
        """Actions that show or hide a column, and one that shows all of them; the choice is remembered."""
        actions = []
        for name in (each.name for each in _COLUMNS if each.name):
            action = QAction(name, self)
            action.setCheckable(True)
            action.setChecked(name not in self._hidden)
            action.setToolTip(f"Show or hide the column {name} of the mark table")
            action.toggled.connect(partial(self._choose_column, name))
            actions.append(action)
        separator, everything = QAction(self), QAction("All columns", self)
        separator.setSeparator(True)
        everything.setToolTip("Show all columns of the mark table")
        everything.triggered.connect(self._choose_all_columns)
        return [*actions, separator, everything]

    def _ask_columns(self, at: QPoint) -> None:
        menu = QMenu("Columns", self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions(self.column_actions)
        menu.popup(self.horizontalHeader().mapToGlobal(at))

    def _choose_column(self, name: str, shown: bool) -> None:
        self._hidden = self._hidden - {name} if shown else self._hidden | {name}
        settings().setValue(_HIDDEN, "\n".join(sorted(self._hidden)))
        self._show_columns()

    def _choose_all_columns(self) -> None:
        for action in self.column_actions:
            if action.isCheckable():
                action.setChecked(True)

    def _show_columns(self) -> None:
        """Show the chosen columns; measured values and absorption bands only where there are any."""
        for column, each in enumerate(_COLUMNS):
            is_empty = (column == MEASURED and not self._has_truth) or (
                column in _OF_ABSORPTION and not self.has_absorptions
            )
            self.setColumnHidden(column, each.name in self._hidden or is_empty)

    def selected(self) -> list[int]:
        """Numbers of the selected marks in table order."""
        rows = sorted(map(QModelIndex.row, self.selectionModel().selectedRows(MARK)))
        return [self._numbers[row] for row in rows if row < len(self._numbers)]

    def mark_at(self, at: QPoint) -> int | None:
        """Number of the mark in the row at a position on the screen."""
        inside = self.viewport().mapFromGlobal(at)
        row = self.rowAt(inside.y())
        is_row = self.isVisible() and self.viewport().rect().contains(inside) and 0 <= row < len(self._numbers)
        return self._numbers[row] if is_row else None

    def rename(self, number: int) -> None:
        """Edit the name of a mark in its cell."""
        if number in self._numbers:
            item = self._cells[self._numbers.index(number)][MARK]
            self.setFocus()
            self.setCurrentItem(item)
            # an open editor outlasts the state of editing if a mouse button is released beside it
            is_open = self.state() == self.State.EditingState or self.indexWidget(self.indexFromItem(item)) is not None
            if not is_open:
                self.editItem(item)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the current row in view."""
        super().resizeEvent(event)
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Request the menu of the mark under the mouse."""
        row = self.rowAt(self.viewport().mapFromGlobal(event.globalPos()).y())
        if 0 <= row < len(self._numbers):
            self.menu_picked.emit(self._numbers[row], event.globalPos())

    def _add_cells(self, row: int) -> None:
        """Give a new row its empty cells."""
        self._cells.append([])
        for column, each in enumerate(_COLUMNS):
            cell = QTableWidgetItem()
            cell.setTextAlignment(_RIGHT if each.is_number else _LEFT)
            cell.setFlags(cell.flags() & ~Qt.ItemFlag.ItemIsEditable)
            self.setItem(row, column, cell)
            self._cells[row].append(cell)

    def _show_mark(self, row: int, mark: Mark) -> None:
        item = self._cells[row][MARK]
        badge = mark.reading.is_used if mark.reading is not None else None
        item.setIcon(sign_icon(mark.number, mark.colour, mark.symbol, badge=badge))
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
    return f"{nm:.0f} nm" if nm > 0 else f"complementary {-nm:.0f} nm"


def _colour_cells(appearance: Appearance) -> list[str]:
    """Texts of the columns of `_OF_COLOUR`."""
    swatch = "" if appearance.in_gamut else "!"
    lab = [f"{round(value, 1) + 0.0:.1f}" for value in appearance.lab]
    if appearance.is_near_black:
        return [swatch, "–", "–", *lab, "–"]
    return [swatch, *(f"{value:.4f}" for value in appearance.xy), *lab, _dominant(appearance.dominant)]


def _colour_text(appearance: Appearance) -> str:
    linear = "{:.4f}, {:.4f}, {:.4f}".format(*appearance.rgb)
    outside = "" if appearance.in_gamut else "\nOutside the sRGB gamut: the swatch is clipped"
    dark = (
        f"\nDarker than {LEAST_LUMINANCE:.1%} of white: too dark for x, y and a hue" if appearance.is_near_black else ""
    )
    return f"{appearance.hex}, linear sRGB {linear}{outside}{dark}"


class MarkMenu(QMenu):
    """Context menu of a mark; colours and symbols are shown as they will look."""

    rename_requested = Signal()
    colour_requested = Signal()  # a colour outside the palette
    edit_picked = Signal(str, object)  # name of the attribute, new value
    white_requested = Signal()  # use the mark as white
    remove_requested = Signal()

    def __init__(
        self,
        mark: Mark,
        palette: MarkColours,
        takes_white: bool,
        more: Sequence[QAction],
        parent: QWidget | None = None,
    ) -> None:
        """Create the menu of a mark.

        Args:
            mark: the mark.
            palette: the colours to choose from.
            takes_white: whether it can be used as white.
            more: actions of the window on the active mark.
            parent: the parent widget.
        """
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
        self.addActions(more)
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
