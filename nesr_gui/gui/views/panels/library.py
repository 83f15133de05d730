"""The library panel: opened spectral libraries, and the matches of the active mark in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFont, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.analysis.distances import Distance
from nesr_gui.analysis.library import natural_key
from nesr_gui.analysis.matching import LEAST_COVER, Match
from nesr_gui.gui.model.library import MOST_METAMERIC, MatchSettings, OpenedLibrary
from nesr_gui.gui.tasks.library import MatchAnswer
from nesr_gui.gui.views.widgets import DecimalBox, command_button, local_files, note, quiet, row

EMPTY = (
    "What is it? Compare the active mark with spectral libraries: tables, ENVI libraries (.sli), CGATS, CxF, and the "
    "files or folders of the ECOSTRESS and USGS libraries. Drop them here, or open them."
)
_LISTED = 4  # libraries that are seen without scrolling
_COLUMNS = 6
_RANK, _NAME, _DISTANCE, _TOLD, _GAIN, _FILE = range(_COLUMNS)
_WIDTHS = {_RANK: 44, _NAME: 132, _DISTANCE: 80, _TOLD: 90, _GAIN: 58, _FILE: 48}
_TITLES = {_RANK: "#", _NAME: "Name", _TOLD: "Told apart", _GAIN: "Gain", _FILE: "Library"}
_TIPS = {
    _RANK: "Rank among all compared spectra, whatever the list is sorted by",
    _NAME: "Name of the spectrum in its library",
    _TOLD: "Whether it can be told apart from the mark, and the share of the wavelengths at which it lies, with some "
    f"gain, within the 90 % interval of the mark. From {LEAST_COVER:.0%} on it cannot be told apart",
    _GAIN: "Factor that brings it closest to the mark, as in the plot",
    _FILE: "The library and the file in it",
}
_LEFT, _RIGHT = (
    side | Qt.AlignmentFlag.AlignVCenter for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
)
_Index = QModelIndex | QPersistentModelIndex


class MatchModel(QAbstractTableModel):
    """Matches as a table that is searched and sorted by index, so that thousands stay fluent."""

    def __init__(self) -> None:
        super().__init__()
        self.matches: tuple[Match, ...] = ()
        self._distance = Distance.ANGLE
        self._words: tuple[str, ...] = ()
        self._sorting = _RANK, Qt.SortOrder.AscendingOrder
        self._rows: list[int] = []  # of the matches that are shown
        self._bold = QFont()
        self._bold.setBold(True)

    def show_matches(self, matches: Sequence[Match], distance: Distance) -> None:
        """Show matches, the nearest first."""
        self.beginResetModel()
        self.matches, self._distance = tuple(matches), distance
        self._arrange()
        self.endResetModel()

    def search(self, text: str) -> None:
        """Show only matches whose names or files contain every word of a text."""
        self.beginResetModel()
        self._words = tuple(text.casefold().split())
        self._arrange()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Override of Qt: equal values stay in the order of their ranks."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        chosen = [self._rows[index.row()] for index in before]
        self._sorting = column, order
        self._arrange()
        places = {at: place for place, at in enumerate(self._rows)}
        after = [self.index(places[at], old.column()) for at, old in zip(chosen, before, strict=True)]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def match_at(self, place: int) -> Match:
        """The match in a row."""
        return self.matches[self._rows[place]]

    def rank(self, place: int) -> int:
        """The rank, from 1, of the match in a row."""
        return self._rows[place] + 1

    def shown(self) -> list[Match]:
        """The matches in the order of the rows."""
        return [self.matches[at] for at in self._rows]

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - as Qt declares it
        """Override of Qt."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - as Qt declares it
        """Override of Qt."""
        return 0 if parent.isValid() else _COLUMNS

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Override of Qt: titles, and what the columns mean."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADINGS[self._distance] if section == _DISTANCE else _TITLES[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._distance.explanation if section == _DISTANCE else _TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if section in (_NAME, _FILE) else _RIGHT
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Override of Qt."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(self._rows[index.row()], index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if index.column() in (_NAME, _FILE) else _RIGHT
        if role == Qt.ItemDataRole.FontRole and self.match_at(index.row()).cannot_be_told_apart:
            return self._bold
        if role == Qt.ItemDataRole.ToolTipRole:
            entry = self.match_at(index.row()).entry
            return f"{entry.name}\n{entry.file}: {entry.spectrum.wavelengths}"
        return None

    def _text(self, at: int, column: int) -> str:
        match = self.matches[at]
        if column == _TOLD:
            if math.isnan(match.cover):
                return "–"
            return f"{'no' if match.cannot_be_told_apart else 'yes'} ({match.cover:.0%})"
        return {
            _RANK: str(at + 1), _NAME: match.entry.name, _FILE: match.entry.file, _GAIN: f"{match.gain:.3g}",
            _DISTANCE: f"{match.distance:.3g}{self._distance.unit}",
        }[column]  # fmt: skip

    def _arrange(self) -> None:
        """Choose and order the rows."""
        (column, order), rows = self._sorting, list(range(len(self.matches)))
        if self._words:
            texts = [f"{match.entry.name} {match.entry.file}".casefold() for match in self.matches]
            rows = [at for at in rows if all(word in texts[at] for word in self._words)]
        if column != _RANK:
            rows.sort(key=self._keys(column))
        if order is Qt.SortOrder.DescendingOrder:
            rows.reverse()
        self._rows = rows

    def _keys(self, column: int) -> Callable[[int], Any]:
        matches = self.matches
        return {
            _NAME: lambda at: natural_key(matches[at].entry.name),
            _DISTANCE: lambda at: matches[at].distance,
            _TOLD: lambda at: -1.0 if math.isnan(matches[at].cover) else matches[at].cover,
            _GAIN: lambda at: matches[at].gain,
            _FILE: lambda at: natural_key(matches[at].entry.file),
        }[column]


_HEADINGS = {
    Distance.ANGLE: "Angle", Distance.DIVERGENCE: "Divergence", Distance.RMSE: "RMSE", Distance.COLOUR: "ΔE2000",
}  # fmt: skip


class _MatchTable(QTableView):
    """Signals Enter on a row, and the keys that elsewhere copy the table of marks."""

    chosen = Signal()
    copy_requested = Signal()

    def event(self, event: QEvent) -> bool:
        """Take the keys before the menu does."""
        return _takes(event, QKeySequence.StandardKey.Copy) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the selected rows by Enter, or copy."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy_requested.emit()
        else:
            super().keyPressEvent(event)


class _LibraryList(QListWidget):
    """Signals Delete, which elsewhere is the shortcut that removes a mark."""

    removal_requested = Signal()

    def event(self, event: QEvent) -> bool:
        """Take Delete before the menu does."""
        return _takes(event, QKeySequence.StandardKey.Delete) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Remove the selected libraries by Delete."""
        if event.matches(QKeySequence.StandardKey.Delete):
            self.removal_requested.emit()
        else:
            super().keyPressEvent(event)


def _takes(event: QEvent, key: QKeySequence.StandardKey) -> bool:
    """Whether an event asks if a widget handles a key itself, which it then accepts."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent) or not event.matches(key):
        return False
    event.accept()
    return True


class LibraryPanel(QWidget):
    """Lists libraries and matches; signals what the user opens, asks for and selects."""

    files_requested = Signal()  # open files
    folder_requested = Signal()  # open a folder
    marks_requested = Signal()  # use the marks as a library
    files_dropped = Signal(object)  # list of Path
    removal_requested = Signal(object)  # places of the selected libraries
    settings_picked = Signal(object)  # MatchSettings
    selection_picked = Signal()  # other matches are selected
    keep_requested = Signal()  # add the selected matches to the reference spectra
    copy_requested = Signal()
    export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._settings, self._range, self._is_showing = MatchSettings(), (400.0, 700.0), False
        self.words = _label("What the libraries say")
        self.basis = _label("What the matches rest on")
        self.basis.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        self._make_buttons()
        self.libraries = _LibraryList()
        self.libraries.setAccessibleName("Opened libraries")
        self.libraries.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.libraries.itemSelectionChanged.connect(self._show_removable)
        self.libraries.removal_requested.connect(self._request_removal)
        self.listing = QToolButton()  # opens the list, which otherwise leaves its place to the matches
        self.listing.setCheckable(True)
        self.listing.setAccessibleName("List of opened libraries")
        self.listing.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.listing.toggled.connect(self._show_list)
        self._make_settings()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search names")
        self.search.setAccessibleName("Search matches")
        self.search.setClearButtonEnabled(True)
        for button in self.search.findChildren(QToolButton):
            button.setAccessibleName("Clear search")
        self.search.textChanged.connect(self._search)
        self.model = MatchModel()
        self.table = self._make_table()
        self._lay_out()
        self.show_libraries(())
        self.show_settings(self._settings, self._range)
        self.show_answer(None, "")

    # What is shown

    def show_libraries(self, libraries: Sequence[OpenedLibrary]) -> None:
        """List the opened libraries."""
        self.libraries.clear()
        for library in libraries:
            count = len(library.library)
            item = QListWidgetItem(f"{library.name}: {count:,} {'spectrum' if count == 1 else 'spectra'}")
            tip = str(library.path) if library.path is not None else "Spectra of marks, as they were"
            if library.skipped:
                named = ", ".join(library.skipped[:4]) + (", …" if len(library.skipped) > 4 else "")
                tip += f"\n{len(library.skipped):,} files without spectra were skipped: {named}"
            item.setToolTip(tip)
            self.libraries.addItem(item)
        names = [self.libraries.item(at).text() for at in range(self.libraries.count())]
        self.listing.setText(f"{len(names)} {'library' if len(names) == 1 else 'libraries'}")
        self.listing.setAccessibleDescription(", ".join(names))
        self.listing.setToolTip("\n".join(("Show the list of opened libraries, to close some of them", *names)))
        for widget in (self.listing, self._question, self._tools, self.basis):
            widget.setVisible(bool(libraries))
        self._show_list()
        self._show_removable()

    def show_settings(self, settings: MatchSettings, nm_range: tuple[float, float]) -> None:
        """Show how the mark is compared, without emitting signals."""
        self._settings, self._range = settings, nm_range
        parts = (self.distance, self.low, self.high, self.metamers, self.most, self.brightness)
        blocked = [QSignalBlocker(part) for part in parts]
        self.distance.setCurrentIndex(self.distance.findData(settings.distance))
        low, high = settings.within or nm_range
        for box, value in ((self.low, low), (self.high, high)):
            box.setRange(min(nm_range[0], low), max(nm_range[1], high))
            box.setValue(value)
        self.metamers.setChecked(settings.metamers)
        self.most.setValue(settings.most)
        self.brightness.setChecked(settings.any_brightness)
        del blocked
        of_metamers, on = (self.most, self.brightness), settings.metamers
        for widget in (self.distance,) if on else of_metamers:  # first: all together would widen the panel
            widget.hide()
        for widget in of_metamers if on else (self.distance,):
            widget.show()

    def show_answer(self, answer: MatchAnswer | None, words: str) -> None:
        """Show matches, or none and why. Spectra that are in the list again stay selected.

        Args:
            answer: the matches.
            words: what was found, or why there is nothing.
        """
        kept = {id(match.entry) for match in self.selected()}
        at = self.table.verticalScrollBar().value()
        self._is_showing = True
        matches = answer.matches if answer is not None else ()
        distance = answer.request.settings.ranked_by if answer is not None else self._settings.ranked_by
        self.model.show_matches(matches, distance)
        self._select(kept)
        self._is_showing = False
        self.table.verticalScrollBar().setValue(at)
        self.words.setText(words or EMPTY)
        self.basis.setText(answer.brief_basis() if answer is not None else "")
        self.basis.setToolTip(answer.basis() if answer is not None else "")
        self.table.setVisible(bool(matches))
        for button in (self.keep, self.copy, self.export):
            button.setEnabled(bool(matches))

    def selected(self) -> list[Match]:
        """The selected matches, in the order of the rows."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self.model.match_at(place) for place in rows]

    def sizeHint(self) -> QSize:
        """Preferred size: some rows."""
        return QSize(super().sizeHint().width(), 420)

    # Drag & drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept local files and folders."""
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the dropped files as libraries."""
        if paths := local_files(event.mimeData()):
            event.acceptProposedAction()
            self.files_dropped.emit(paths)

    # Parts

    def _make_buttons(self) -> None:
        self.open = command_button(
            "Open…", "Open files of spectra", self.files_requested, "Open spectral libraries in the panel…"
        )
        self.folder = command_button(
            "Folder…", "Open all spectra below a folder", self.folder_requested, "Open a folder of spectra…"
        )
        self.marks = command_button(
            "Use marks", "Add the spectra of the marks, as they are now, as a library", self.marks_requested,
            "Add the marks as a library",
        )  # fmt: skip
        self.remove = command_button("Remove", "Close the selected libraries", None, "Close selected libraries")
        self.remove.clicked.connect(self._request_removal)
        self.keep = command_button(
            "Add to plot", "Add the selected spectra to the reference spectra of the plot; as a double click does",
            self.keep_requested, "Add selected matches to the reference spectra",
        )  # fmt: skip
        self.copy = command_button(
            "Copy", "Copy the matches to the clipboard as a table", self.copy_requested, "Copy the list of matches"
        )
        self.export = command_button(
            "Export…", "Export the matches as CSV", self.export_requested, "Export the list of matches…"
        )

    def _make_settings(self) -> None:
        self.distance = QComboBox()
        self.distance.setAccessibleName("Distance between spectra")
        self.distance.view().setAccessibleName("Distances")
        self.distance.setToolTip("By which matches are ranked; none of them depends on brightness")
        for distance in Distance:
            self.distance.addItem(distance.label[0].upper() + distance.label[1:], distance)
        self.low, self.high = DecimalBox(), DecimalBox()
        for box, name in ((self.low, "Shortest compared wavelength"), (self.high, "Longest compared wavelength")):
            box.setAccessibleName(name)
            box.setToolTip(f"{name}: spectra that do not cover the range are left out")
            box.setDecimals(0)
            box.setSingleStep(10)
            box.setSuffix(" nm")
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._pick_range)
        self.metamers = QCheckBox("Metamers")
        self.metamers.setToolTip(
            "Only spectra that photograph like the mark under the chosen light and observer: what it might be"
        )
        self.metamers.setAccessibleName("Only metamers of the mark")
        self.most, self.brightness = DecimalBox(), QCheckBox("Any brightness")
        self.most.setAccessibleName("Largest colour difference of metamers")
        self.most.setToolTip("Colour difference ΔE2000 up to which colours count as the same")
        self.most.setPrefix("ΔE ≤ ")
        self.most.setRange(0.1, MOST_METAMERIC)
        self.most.setDecimals(1)
        self.most.setSingleStep(0.5)
        self.most.setKeyboardTracking(False)
        self.brightness.setToolTip("Allow metamers of another brightness: exposure and shading are unknown")
        self.brightness.setAccessibleName("Metamers of any brightness")
        self.distance.activated.connect(self._pick_distance)
        self.metamers.toggled.connect(lambda on: self.settings_picked.emit(replace(self._settings, metamers=on)))
        self.most.valueChanged.connect(lambda value: self.settings_picked.emit(replace(self._settings, most=value)))
        self.brightness.toggled.connect(
            lambda on: self.settings_picked.emit(replace(self._settings, any_brightness=on))
        )

    def _make_table(self) -> _MatchTable:
        table = _MatchTable()
        table.setAccessibleName("Matches")
        table.setAccessibleDescription("Library spectra and their distances to the active mark")
        table.setModel(self.model)
        quiet(table)
        table.setSortingEnabled(True)
        table.sortByColumn(_RANK, Qt.SortOrder.AscendingOrder)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setWordWrap(False)
        table.setMinimumHeight(86)
        for column, width in _WIDTHS.items():
            table.setColumnWidth(column, width)
        table.horizontalHeader().setStretchLastSection(True)
        table.selectionModel().selectionChanged.connect(self._announce_selection)
        table.doubleClicked.connect(lambda index: self.keep_requested.emit())
        table.chosen.connect(self.keep_requested)
        table.copy_requested.connect(self.copy_requested)
        return table

    def _lay_out(self) -> None:
        to = QLabel("to")
        self._question = row(self.distance, self.most, self.brightness, self.low, to, self.high, self.metamers)
        self._tools = row(self.search, self.keep, self.copy, self.export, is_filled=True)
        self._list = row(self.libraries, self.remove, is_filled=True)
        self.libraries.setFixedHeight(_LISTED * self.libraries.fontMetrics().lineSpacing() + 8)
        opening = row(self.open, self.folder, self.marks, self.listing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 6, 14, 8)
        layout.setSpacing(5)
        for widget in (opening, self._list, self._question, self._tools, self.words):
            layout.addWidget(widget)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.basis)
        layout.addStretch(0)

    def _show_list(self) -> None:
        is_listed = self.listing.isChecked()
        self._list.setVisible(is_listed and self.libraries.count() > 0)
        self.listing.setArrowType(Qt.ArrowType.DownArrow if is_listed else Qt.ArrowType.RightArrow)

    # What the user does

    def _pick_distance(self) -> None:
        self.settings_picked.emit(replace(self._settings, distance=Distance(self.distance.currentData())))

    def _pick_range(self) -> None:
        chosen = self.low.value(), self.high.value()
        is_all = chosen[0] <= self._range[0] and chosen[1] >= self._range[1]
        self.settings_picked.emit(replace(self._settings, within=None if is_all else chosen))

    def _search(self, text: str) -> None:
        """Spectra that are still listed stay selected."""
        kept = {id(match.entry) for match in self.selected()}
        self._is_showing = True
        self.model.search(text)
        self._select(kept)
        self._is_showing = False
        self.selection_picked.emit()

    def _select(self, entries: set[int]) -> None:
        """Select the rows of entries, by identity."""
        if not entries:
            return
        places = [at for at, match in enumerate(self.model.shown()) if id(match.entry) in entries]
        selection = QItemSelection()
        for place in places:
            selection.select(self.model.index(place, 0), self.model.index(place, _COLUMNS - 1))
        model = self.table.selectionModel()
        model.select(selection, QItemSelectionModel.SelectionFlag.Select)
        if places:
            model.setCurrentIndex(self.model.index(places[0], 0), QItemSelectionModel.SelectionFlag.NoUpdate)

    def _announce_selection(self) -> None:
        if not self._is_showing:
            self.selection_picked.emit()

    def _show_removable(self) -> None:
        self.remove.setEnabled(bool(self.libraries.selectedItems()))

    def _request_removal(self) -> None:
        places = sorted(index.row() for index in self.libraries.selectedIndexes())
        if places:
            self.removal_requested.emit(places)


def _label(name: str) -> QLabel:
    label = note(1)
    label.setAccessibleName(name)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
