"""The command palette: searches actions by name and runs the selected one with Enter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QPainter, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QMenuBar,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

_AT_WORD, _IN_ROW, _ANYWHERE = (
    8.0,
    5.0,
    1.0,
)  # score of a letter at the beginning of a word, after the previous match, or elsewhere
_STREWN = 4.0  # score per letter below which the letters are merely scattered over the text
_WAVELENGTH = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:nm)?")
_WEAKEST = 0.35  # fraction of the best score below which items are not listed
_ITEM = Qt.ItemDataRole.UserRole
_TO_LIST = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}


def fitness(query: str, *texts: str) -> float | None:
    """Score of how well `query` matches; None if it does not.

    Every word of the query must match one of `texts`, earlier texts counting more: its letters in order, best at the
    beginnings of words or next to each other. Case and accents are ignored. An empty query matches everything with 0.
    """
    total = 0.0
    plain = [_plain(text) for text in texts]
    for word in _plain(query).split():
        fits = [
            worth / (1 + rank) for rank, text in enumerate(plain) if (worth := _word_fitness(word, text)) is not None
        ]
        if not fits:
            return None
        total += max(fits)
    return total


def _word_fitness(word: str, text: str) -> float | None:
    """Best score of matching the letters of a word in a text, slightly reduced by the length of the text."""
    rest = iter(text)
    if not all(letter in rest for letter in word):
        return None
    ends: dict[int, float] = {}  # best score of a match that ends at each position
    for count, letter in enumerate(word):
        before, reached, best = ends, {}, None if count else 0.0
        for place, there in enumerate(text):
            if there == letter:
                worth = _AT_WORD if _begins_word(text, place) else _ANYWHERE
                ways = [best + worth] if best is not None else []
                ways += [before[place - 1] + _IN_ROW] if place - 1 in before else []
                if ways:
                    reached[place] = max(ways)
            best = max((worth for worth in (best, before.get(place)) if worth is not None), default=None)
        ends = reached
    most = max(ends.values())
    return most - 0.01 * len(text) if most > _STREWN * len(word) else None


def _begins_word(text: str, place: int) -> bool:
    return text[place].isalnum() and (place == 0 or not text[place - 1].isalnum())


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


@dataclass(frozen=True)
class PaletteItem:
    """An entry of the palette: name, menu, callback, keys, and the reason if it is disabled."""

    name: str
    menu: str
    do: Callable[[], object]
    tip: str = ""
    keys: str = ""
    possible: bool = True
    why: str = ""  # the item is disabled


def of_menus(bar: QMenuBar) -> list[PaletteItem]:
    """Items for all actions of all menus, in menu order; menus that fill themselves on opening are filled.

    Actions with the same name and keys in two menus are listed once.
    """
    unique: dict[tuple[str, str, str], PaletteItem] = {}
    for item in (item for action in bar.actions() for item in _of(action, ())):
        unique.setdefault((item.name, item.keys, "" if item.keys else item.menu), item)
    return list(unique.values())


def _of(action: QAction, path: tuple[str, ...]) -> Iterator[PaletteItem]:
    text = action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")
    name, _, text_keys = text.partition("\t")
    menu = action.menu()
    if isinstance(menu, QMenu):
        menu.aboutToShow.emit()
        for inner in menu.actions():
            yield from _of(inner, (*path, name))
    elif name and not action.isSeparator():
        keys = text_keys or action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        tip = action.toolTip().removesuffix(f" ({keys})")
        tip = "" if tip == text else tip
        yield PaletteItem(
            name, " ▸ ".join(path), action.trigger, tip, keys, possible=action.isEnabled(), why=action.whatsThis()
        )


def of_wavelength(query: str, nm_range: tuple[float, float], go: Callable[[float], None]) -> PaletteItem | None:
    """An item that goes to the wavelength typed as 550, 550.5 nm or 550,5; None for other text."""
    match = _WAVELENGTH.fullmatch(query.strip())
    if match is None:
        return None
    nm, (low, high) = float(match[1].replace(",", ".")), nm_range
    why = f"the open image covers {low:g}-{high:g} nm"
    possible = low <= nm <= high
    return PaletteItem(f"Go to {nm:g} nm", "Wavelength", lambda: go(nm), possible=possible, why="" if possible else why)


def fitting(query: str, items: Iterable[PaletteItem]) -> list[PaletteItem]:
    """The items that match the query, best first; all in their order for an empty query."""
    rated = [
        (worth, item) for item in items
        if (worth := fitness(query, item.name, f"{item.menu} {item.name}", item.keys, item.tip)) is not None
    ]  # fmt: skip
    best = max((worth for worth, _ in rated), default=0.0)
    rated = [(worth, item) for worth, item in rated if worth >= _WEAKEST * best]
    return [item for _, item in sorted(rated, key=lambda pair: -pair[0])]


class CommandPalette(QDialog):
    """A line edit above the list of matching items; navigation keys control the list while typing.

    `typed` creates an item from the text itself, such as a wavelength to go to.
    """

    def __init__(
        self, items: Sequence[PaletteItem], typed: Callable[[str], PaletteItem | None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Find action")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._above, self._items, self._typed = parent, items, typed
        self.line = QLineEdit()
        self.line.setPlaceholderText("Action, wavelength or recent file")
        self.line.setClearButtonEnabled(True)
        self.line.setMinimumHeight(34)
        self.line.setAccessibleName("Search")
        self.list = QListWidget()
        self.list.setAccessibleName("Results")
        self.list.setUniformItemSizes(True)
        self.list.setItemDelegate(_ItemPainter(self.list))
        self.line.installEventFilter(self)
        self.line.textChanged.connect(self._find)
        self.line.returnPressed.connect(lambda: self._choose(self.list.currentItem()))
        self.list.itemActivated.connect(self._choose)
        self.list.itemClicked.connect(self._choose)
        self.list.currentItemChanged.connect(self._describe)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.line)
        layout.addWidget(self.list)
        self.resize(640, 420)
        self._find("")

    def shown(self) -> list[PaletteItem]:
        """The items listed now, best first."""
        return [self.list.item(row).data(_ITEM) for row in range(self.list.count())]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Forward navigation keys from the line edit to the list."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() in _TO_LIST:
            self.list.event(event)
            return True
        return super().eventFilter(watched, event)

    def _find(self, query: str) -> None:
        typed = self._typed(query)
        items = ([typed] if typed else []) + fitting(query, self._items)
        self.list.clear()
        for item in items:
            row = QListWidgetItem(item.name)
            row.setData(_ITEM, item)
            row.setData(Qt.ItemDataRole.AccessibleTextRole, _spoken(item))
            self.list.addItem(row)
        self.list.setCurrentRow(0)
        if not items:
            self.line.setAccessibleDescription("Nothing found")

    def _describe(self, current: QListWidgetItem | None) -> None:
        """Describe the current item on the line edit, which has the focus."""
        self.line.setAccessibleDescription(_spoken(current.data(_ITEM)) if current else "")

    def _choose(self, row: QListWidgetItem | None) -> None:
        item: PaletteItem | None = row.data(_ITEM) if row else None
        if item is not None and item.possible:
            self.accept()
            QTimer.singleShot(0, self._above, item.do)  # after the window has regained the focus


class _ItemPainter(QStyledItemDelegate):
    """Paints name and keys, and below them menu and tip or the reason why the item is disabled."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Height of two lines."""
        return QSize(200, 2 * option.fontMetrics.height() + 10)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one item."""
        item: PaletteItem = index.data(_ITEM)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        colours = option.palette
        ink, quiet = colours.text().color(), colours.placeholderText().color()
        if is_selected and item.possible:
            painter.fillRect(option.rect, colours.highlight())
            ink = quiet = colours.highlightedText().color()
        elif is_selected:
            painter.fillRect(option.rect, colours.midlight())
        if not item.possible:
            ink = colours.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
        area = option.rect.adjusted(10, 4, -10, -4)
        upper = QRect(area.left(), area.top(), area.width(), area.height() // 2)
        lower = upper.translated(0, upper.height())
        painter.setFont(option.font)
        painter.setPen(quiet)
        painter.drawText(upper, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, item.keys)
        detail = option.fontMetrics.elidedText(_detail(item), Qt.TextElideMode.ElideRight, lower.width())
        painter.drawText(lower, Qt.AlignmentFlag.AlignVCenter, detail)
        painter.setPen(ink)
        room = upper.width() - option.fontMetrics.horizontalAdvance(item.keys) - 12
        name = option.fontMetrics.elidedText(item.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(upper, Qt.AlignmentFlag.AlignVCenter, name)


def _detail(item: PaletteItem) -> str:
    detail = item.tip if item.possible else item.why or "not available"
    return " · ".join(part for part in (item.menu, detail) if part)


def _spoken(item: PaletteItem) -> str:
    return ", ".join(part for part in (item.name, _detail(item), item.keys) if part)
