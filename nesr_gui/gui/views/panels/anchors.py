"""The anchors panel: the measured spectra of marks, and how they agree with the reconstruction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.fields.anchored import AnchorCheck
from nesr_gui.gui.drawing.symbols import sign_icon
from nesr_gui.gui.model.anchoring import Anchoring
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.views.widgets import command_button, quiet, row

EMPTY = (
    "Measured spectra of a few spots correct the reconstruction of the whole image. Mark a spot, measure it with a "
    "spectrometer, and drop the file on the mark, or attach it here. Where to measure next shows the spots that help "
    "most."
)
CANCELLED = "The measured spectra are not applied, because this was cancelled."
_RMSE = "RMSE at the spot, relative to the mean of the reading"


@dataclass(frozen=True)
class _Column:
    """A column: its title and width in px, what it shows, and whether that is a number."""

    title: str
    width: int
    tip: str
    is_number: bool = False


_COLUMNS = (
    _Column("Mark", 118, "The check box switches the measured spectrum on or off"),
    _Column("Model error", 86, f"Error of the reconstruction without any measured spectrum: {_RMSE}", is_number=True),
    _Column(
        "Without it", 76, "The same with the other measured spectra only; much larger than the error of the model for "
        "a spectrum that contradicts them", is_number=True,
    ),
    _Column("With it", 58, "The same with all measured spectra that are switched on", is_number=True),
    _Column("Remark", 126, "Why the measured spectrum cannot be used, or may not belong to its spot"),
    _Column("Source", 150, "File or chart of the measured spectrum"),
    _Column("Position", 150, "Position of the mark in source pixels; the spectrum is of the 5×5 pixels at its centre"),
)  # fmt: skip
MARK, MODEL_ERROR, WITHOUT, WITH, REMARK, SOURCE, POSITION = range(len(_COLUMNS))
_NUMBER = Qt.ItemDataRole.UserRole  # number of the mark, in the first column
_VALUE = Qt.ItemDataRole.UserRole + 1  # by which a cell is sorted
_LEFT, _RIGHT = (
    side | Qt.AlignmentFlag.AlignVCenter for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
)


class _Cell(QTableWidgetItem):
    """A cell that is sorted by its value instead of its text."""

    def __lt__(self, other: QTableWidgetItem) -> bool:
        """Whether it comes before another one."""
        return bool(self.data(_VALUE) < other.data(_VALUE))


class AnchorsPanel(QWidget):
    """Lists the measured spectra; signals selecting, switching, attaching and detaching them."""

    mark_picked = Signal(int)  # number of the row that became current
    use_picked = Signal(int, bool)  # number, whether to use its measured spectrum
    all_picked = Signal(bool)  # whether to use all measured spectra
    removal_requested = Signal(object)  # numbers of the selected rows
    attach_requested = Signal()  # attach a measured spectrum to the active mark
    apply_requested = Signal()  # after it was cancelled
    suggestion_requested = Signal()  # where to measure next
    marking_requested = Signal()  # mark the suggested spots
    dismissal_requested = Signal()  # dismiss the suggested spots

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = QLabel(EMPTY)
        self.words.setWordWrap(True)
        self.words.setAccessibleName("Measured spectra")
        self.all = QCheckBox("Use all")
        self.all.setAccessibleName("Use all measured spectra")
        self.all.setToolTip("Switch all measured spectra on or off")
        self.all.clicked.connect(self._announce_all)
        self.table = self._make_table()
        self.attach = command_button(
            "Attach…",
            "Attach a measured spectrum to the active mark",
            self.attach_requested,
            "Attach measured spectrum…",
        )
        self.detach = command_button(
            "Detach", "Remove the measured spectra of the selected rows from their marks", None,
            "Detach selected measured spectra",
        )  # fmt: skip
        self.detach.clicked.connect(lambda: self.removal_requested.emit(self.selected()))
        self.apply = command_button(
            "Apply", "Apply the measured spectra", self.apply_requested, "Apply measured spectra"
        )
        self.suggest = command_button(
            "Where to measure next",
            "Show the spots whose measured spectra would narrow the intervals of the image most",
            self.suggestion_requested,
        )  # fmt: skip
        self.mark_all = command_button(
            "Mark them", "Mark all suggested spots", self.marking_requested, "Mark suggested spots"
        )
        self.dismiss = command_button(
            "Dismiss", "Hide the suggested spots", self.dismissal_requested, "Dismiss suggested spots"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 14, 10)
        layout.setSpacing(8)
        layout.addWidget(self.words)
        layout.addWidget(row(self.all, self.attach, self.detach, self.apply))
        layout.addWidget(self.table, 1)
        layout.addWidget(row(self.suggest, self.mark_all, self.dismiss))
        layout.addStretch(0)
        self.show_anchors((), None, "", is_pending=False)
        self.show_suggestions(False)

    def show_anchors(
        self, measured: Sequence[Mark], anchoring: Anchoring | None, refusal: str, *, is_pending: bool
    ) -> None:
        """Show a row for each measured spectrum.

        Args:
            measured: the marks that have one.
            anchoring: what the measured spectra make of the reconstruction, if computed.
            refusal: why there can be none, in one sentence; empty otherwise.
            is_pending: whether `anchoring` is that of earlier measured spectra; … is shown instead of its numbers.
        """
        checks = anchoring.checks if anchoring is not None and not is_pending else {}
        remarks = (
            {placed.number: anchoring.remark(placed) for placed in anchoring.readings}
            if anchoring is not None and not is_pending else {}
        )  # fmt: skip
        is_cancelled = anchoring is not None and anchoring.is_cancelled and not is_pending
        self.words.setText(words := self._explanation(bool(measured), refusal, is_cancelled))
        self.words.setVisible(bool(words))
        for widget in (self.table, self.all, self.detach):
            widget.setVisible(bool(measured))
        self.apply.setVisible(is_cancelled)
        self.suggest.setEnabled(not refusal)
        self._show_all(measured)
        blocked = QSignalBlocker(self.table)
        self.table.setSortingEnabled(False)
        self.table.setRowCount(len(measured))
        waiting = "…" if is_pending else "–"
        for at, mark in enumerate(measured):
            self._show_row(at, mark, checks.get(mark.number), remarks.get(mark.number, ""), waiting)
        self.table.setSortingEnabled(True)
        blocked.unblock()

    def show_active(self, mark: Mark | None) -> None:
        """Select the row of the active mark."""
        number = mark.number if mark is not None else None
        blocked = QSignalBlocker(self.table)
        numbers = [self._number(at) for at in range(self.table.rowCount())]
        if number not in self.selected():
            self.table.clearSelection()
            if number in numbers:
                self.table.selectRow(numbers.index(number))
        blocked.unblock()
        self.detach.setEnabled(bool(self.selected()))

    def show_suggestions(self, has_suggestions: bool) -> None:
        """Show what can be done with suggested spots, if there are any."""
        self.mark_all.setVisible(has_suggestions)
        self.dismiss.setVisible(has_suggestions)

    def selected(self) -> list[int]:
        """Numbers of the marks of the selected rows."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows(MARK))
        return [self._number(at) for at in rows]

    def sizeHint(self) -> QSize:
        """Preferred size: a few rows."""
        return QSize(super().sizeHint().width(), 220)

    def _explanation(self, has_readings: bool, refusal: str, is_cancelled: bool) -> str:
        if refusal and has_readings:
            return f"The measured spectra are not applied: {refusal}."
        if refusal:
            return f"{refusal[0].upper()}{refusal[1:]}."
        if is_cancelled:
            return CANCELLED
        return "" if has_readings else EMPTY

    def _number(self, at: int) -> int:
        """Number of the mark of a row."""
        return int(self.table.model().index(at, MARK).data(_NUMBER))

    def _show_all(self, measured: Sequence[Mark]) -> None:
        used = [mark.reading is not None and mark.reading.is_used for mark in measured]
        self.all.setTristate(any(used) and not all(used))
        state = Qt.CheckState.Checked if all(used) else Qt.CheckState.PartiallyChecked
        self.all.setCheckState(state if any(used) else Qt.CheckState.Unchecked)

    def _announce_all(self) -> None:
        self.all_picked.emit(self.all.checkState() is not Qt.CheckState.Unchecked)

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, len(_COLUMNS))
        table.setAccessibleName("Anchors")
        table.setAccessibleDescription("Measured spectra of marks, and how they agree with the reconstruction")
        for column, each in enumerate(_COLUMNS):
            item = QTableWidgetItem(each.title)
            item.setTextAlignment(_RIGHT if each.is_number else _LEFT)
            item.setToolTip(each.tip)
            table.setHorizontalHeaderItem(column, item)
            table.setColumnWidth(column, each.width)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setIconSize(QSize(18, 18))
        quiet(table)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.setSortIndicator(MARK, Qt.SortOrder.AscendingOrder)
        table.itemChanged.connect(self._announce_use)
        table.currentCellChanged.connect(self._announce_current)
        table.itemSelectionChanged.connect(lambda: self.detach.setEnabled(bool(self.selected())))
        return table

    def _show_row(self, at: int, mark: Mark, check: AnchorCheck | None, remark: str, waiting: str) -> None:
        reading = mark.reading
        assert reading is not None  # of a row
        errors = (check.before, check.left_out, check.after) if check is not None else (None,) * 3
        if not reading.is_used:
            errors = (*errors[:2], None)
        texts = [waiting if error is None else f"{error:.1%}" for error in errors]
        values: tuple[tuple[str, object], ...] = (
            (mark.title, mark.number),
            *((text, -1.0 if error is None else error) for text, error in zip(texts, errors, strict=True)),
            (f"⚠ {remark}" if remark else "", remark), (reading.source, reading.source.casefold()),
            (mark.position, mark.pixel),
        )  # fmt: skip
        for column, ((text, value), of) in enumerate(zip(values, _COLUMNS, strict=True)):
            cell = _Cell(text)
            if column == MARK:
                cell.setData(_NUMBER, mark.number)
                cell.setIcon(sign_icon(mark.number, mark.colour, mark.symbol, badge=reading.is_used))
                cell.setFlags(cell.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                cell.setCheckState(Qt.CheckState.Checked if reading.is_used else Qt.CheckState.Unchecked)
            cell.setData(_VALUE, value)
            cell.setTextAlignment(_RIGHT if of.is_number else _LEFT)
            cell.setToolTip(remark if column == REMARK else f"{reading.source}: {reading.spectrum.name}")
            self.table.setItem(at, column, cell)

    def _announce_use(self, item: QTableWidgetItem) -> None:
        if item.column() == MARK:
            self.use_picked.emit(int(item.data(_NUMBER)), item.checkState() is Qt.CheckState.Checked)

    def _announce_current(self, at: int, column: int, before: int, before_column: int) -> None:
        if at >= 0 and at != before:
            self.mark_picked.emit(self._number(at))
