"""The table of classes, endmembers or clusters: which are used, their thresholds, and how many pixels they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRegularExpression, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPixmap, QRegularExpressionValidator
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from nesr_gui.analysis.class_counts import ClassTally
from nesr_gui.gui.views.widgets import ROW_HEIGHT, quiet

_TITLES = "Class", "Threshold", "Pixels", "Share", "Uncertain"
NAME, THRESHOLD, PIXELS, SHARE, UNCERTAIN = range(len(_TITLES))
_COUNTED = PIXELS, SHARE, UNCERTAIN
_NUMBER = r"\s*(-?\d{0,3}([.,]\d{0,4})?)?\s*"  # or nothing
_FEWEST, _MOST = 3, 7  # rows that are visible without scrolling
_LEFT, _RIGHT = (
    side | Qt.AlignmentFlag.AlignVCenter for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
)
SWATCH = 12  # px


@dataclass(frozen=True)
class ClassRow:
    """A row of the table.

    Attributes:
        key: identifies it; of rows without a check box only a name.
        name: of the class.
        colour: of the class, #rrggbb.
        number: of the class in the map; 0 for none, 255 for uncertain pixels; -1 for a spectrum that is left out.
        is_used: whether it is checked; None for a row without a check box.
    """

    key: str
    name: str
    colour: str
    number: int
    is_used: bool | None = None


class _ThresholdDelegate(QStyledItemDelegate):
    """Edits a threshold as text: a number, or nothing for the threshold of all classes."""

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        """Override of Qt."""
        edit = QLineEdit(parent)
        edit.setValidator(QRegularExpressionValidator(QRegularExpression(_NUMBER), edit))
        edit.setPlaceholderText("as all")
        edit.setAlignment(_RIGHT)
        edit.setAccessibleName("Threshold of this class; empty for that of all")
        return edit

    def setEditorData(self, editor: QWidget, index: QModelIndex | QPersistentModelIndex) -> None:
        """Override of Qt: the number without its unit."""
        assert isinstance(editor, QLineEdit)
        editor.setText(str(index.data()).rstrip("° "))
        editor.selectAll()


class ClassTable(QTableWidget):
    """One row per class; signals using and leaving out spectra, and thresholds of single classes."""

    use_picked = Signal(str, bool)  # key of a spectrum, whether it is a class or an endmember
    threshold_picked = Signal(str, object)  # key of a spectrum, its own threshold, or None for that of all

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_TITLES), parent)
        self.setAccessibleName("Classes")
        quiet(self)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setIconSize(QSize(SWATCH, SWATCH))
        self._headers = headers = [QTableWidgetItem(title) for title in _TITLES]
        for column, item in enumerate(headers):
            item.setTextAlignment(_LEFT if column == NAME else _RIGHT)
            self.setHorizontalHeaderItem(column, item)
        headers[THRESHOLD].setToolTip(
            "Threshold of the class; type another one (F2), or delete it for that of all classes"
        )
        self.setItemDelegateForColumn(THRESHOLD, _ThresholdDelegate(self))
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        headers[UNCERTAIN].setToolTip(
            "Share of the image that would have the class, but whose 90 % prediction interval allows another one"
        )
        self._rows: tuple[ClassRow, ...] = ()
        self._cells: list[list[QTableWidgetItem]] = []  # by row and column
        self.itemChanged.connect(self._take_edit)
        self.show_rows(())

    @property
    def rows(self) -> tuple[ClassRow, ...]:
        """The rows as shown."""
        return self._rows

    def selected(self) -> list[int]:
        """The numbers of the selected classes and clusters, in order."""
        chosen = {index.row() for index in self.selectionModel().selectedRows()}
        return [row.number for at, row in enumerate(self._rows) if at in chosen and 0 < row.number < 255]

    def show_rows(self, rows: Sequence[ClassRow]) -> None:
        """List classes; the selection stays where the same classes are listed."""
        if (shown := tuple(rows)) == self._rows:
            return
        keys = {self._rows[index.row()].key for index in self.selectionModel().selectedRows()}
        self._rows = shown
        with QSignalBlocker(self):
            self.clearSelection()
            self.setRowCount(len(shown))
            self._cells = [_cells(row) for row in shown]
            for at, cells in enumerate(self._cells):
                for column, cell in enumerate(cells):
                    self.setItem(at, column, cell)
            for at, row in enumerate(shown):
                if row.key in keys:
                    self.selectionModel().select(
                        self.model().index(at, NAME),
                        self.selectionModel().SelectionFlag.Select | self.selectionModel().SelectionFlag.Rows,
                    )
        height = self.horizontalHeader().sizeHint().height() + 4
        self.setMinimumHeight(height + ROW_HEIGHT * min(max(len(shown), 1), _FEWEST))
        self.setMaximumHeight(height + ROW_HEIGHT * min(max(len(shown), 1), _MOST))

    def show_title(self, title: str) -> None:
        """Set the title of the names."""
        self._headers[NAME].setText(title)

    def show_columns(self, *, thresholds: bool, counts: bool, uncertain: bool) -> None:
        """Show the columns of thresholds, of pixels and shares, and of uncertain pixels, or not."""
        self.setColumnHidden(THRESHOLD, not thresholds)
        self.setColumnHidden(PIXELS, not counts)
        self.setColumnHidden(SHARE, not counts)
        self.setColumnHidden(UNCERTAIN, not (counts and uncertain))

    def show_thresholds(self, common: float, own: Mapping[str, float], unit: str) -> None:
        """Show the threshold of each class; those of their own are bold."""
        with QSignalBlocker(self):
            for cells, row in zip(self._cells, self._rows, strict=True):
                item, is_own = cells[THRESHOLD], row.key in own
                item.setText(f"{own.get(row.key, common):g}{unit}" if 0 < row.number < 255 else "")
                font = QFont(self.font())
                font.setBold(is_own)
                item.setFont(font)

    def show_counts(self, tally: ClassTally | None, waiting: str = "…") -> None:
        """Show how many pixels each class has; `waiting` until they are counted."""
        by_number = {each.number: each for each in tally.counts} if tally is not None else {}
        with QSignalBlocker(self):
            for cells, row in zip(self._cells, self._rows, strict=True):
                count, texts = by_number.get(row.number), ["", "", ""]
                if count is not None and tally is not None:
                    uncertain = tally.uncertain.get(row.number)
                    texts = [f"{count.pixels:,}", share_text(count.share)]
                    texts.append(share_text(uncertain / max(tally.used, 1)) if uncertain is not None else "")
                elif row.number >= 0 and tally is None:
                    texts = [waiting] * 3
                for column, text in zip(_COUNTED, texts, strict=True):
                    cells[column].setText(text)

    def _take_edit(self, item: QTableWidgetItem) -> None:
        row = self._rows[item.row()]
        if item.column() == NAME and row.is_used is not None:
            is_used = item.checkState() is Qt.CheckState.Checked
            if is_used != row.is_used:
                self.use_picked.emit(row.key, is_used)
        elif item.column() == THRESHOLD:
            try:
                threshold = float(item.text().strip().replace(",", "."))
            except ValueError:  # nothing, or a sign without a number
                threshold = None
            self.threshold_picked.emit(row.key, threshold)


def _cells(row: ClassRow) -> list[QTableWidgetItem]:
    """The cells of a row, as yet without numbers."""
    fixed = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
    name = QTableWidgetItem(swatch(row.colour), row.name)
    name.setFlags(fixed)
    if row.is_used is not None:
        name.setFlags(fixed | Qt.ItemFlag.ItemIsUserCheckable)
        name.setCheckState(Qt.CheckState.Checked if row.is_used else Qt.CheckState.Unchecked)
    numbers = [QTableWidgetItem() for _ in (THRESHOLD, *_COUNTED)]
    for column, item in enumerate(numbers, THRESHOLD):
        item.setTextAlignment(_RIGHT)
        item.setText("…" if column in _COUNTED and row.number >= 0 else "")
        item.setFlags(fixed | Qt.ItemFlag.ItemIsEditable if column == THRESHOLD and row.is_used else fixed)
    return [name, *numbers]


def swatch(colour: str) -> QIcon:
    """A square of a colour #rrggbb."""
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)


def share_text(share: float, digits: int = 1) -> str:
    """A share as text: what is not nothing is never rounded to 0, what is not all never to 100."""
    step = 10.0**-digits
    if 0 < share < step / 100:
        return f"< {step:g} %"
    if 1 - step / 100 < share < 1:
        return f"> {100 - step:g} %"
    return f"{100 * share:.{digits}f} %"
