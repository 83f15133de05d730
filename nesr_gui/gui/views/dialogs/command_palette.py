"""The command palette: searches actions, settings and controls by name, and runs the selected one with Enter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QMenuBar,
    QSlider,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

_PREFIX, _INITIALS, _INSIDE = 3.0, 2.0, 1.0  # score of a word of the query, by how it matches a text
_LEAST_INSIDE = 3  # letters that match inside a word
_WAVELENGTH = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:nm)?")
_CONTROL_SYNONYMS = {
    "Encoding": "gamma srgb linear colour space profile", "White balance": "neutral grey cast",
    "Exposure": "brightness stops ev", "Working resolution": "size megapixels quality",
    "Normalise spectra": "scale shape", "Derivative": "slope", "Light": "illuminant", "Observer": "eye standard",
    "Colour temperature of the light": "kelvin cct",
}  # fmt: skip
_ITEM = Qt.ItemDataRole.UserRole
_TO_LIST = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}


def fitness(query: str, *texts: str) -> float | None:
    """Score of how well `query` matches; None if it does not.

    Every word of the query must match one of `texts`, earlier texts counting more: it begins one of their words, is
    made of the beginnings of consecutive words, or is contained in a word. Case and accents are ignored. An empty query
    matches everything with 0.
    """
    total = 0.0
    plain = [_plain(text) for text in texts]
    for word in _plain(query).split():
        fits = [worth / (1 + rank) for rank, text in enumerate(plain) if (worth := _word_fitness(word, text))]
        if not fits:
            return None
        total += max(fits)
    return total


def _word_fitness(word: str, text: str) -> float:
    """Score of a word of the query in a text, higher at its start and in a short text; 0 if it does not match."""
    words = re.findall(r"[^\W_]+", text)
    if any(each.startswith(word) for each in words) or re.search(rf"(?<!\w){re.escape(word)}", text):
        score = _PREFIX + 0.5 * text.startswith(word) + 0.5 * (word in words)
    elif len(word) > 1 and any(_are_beginnings(word, words[at:]) for at in range(len(words) - 1)):
        score = _INITIALS
    elif len(word) >= _LEAST_INSIDE and word in text:
        score = _INSIDE
    else:
        return 0.0
    return score - min(0.001 * len(text), 0.4)


def _are_beginnings(letters: str, words: Sequence[str]) -> bool:
    """Whether the letters are a beginning of each of the first words, put together, as "expcub" of "export cube"."""
    if not letters:
        return True
    length = 1
    while words and length <= len(letters) and words[0].startswith(letters[:length]):
        if _are_beginnings(letters[length:], words[1:]):
            return True
        length += 1
    return False


@lru_cache(maxsize=4096)  # the same names at every key
def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


@dataclass(frozen=True)
class PaletteItem:
    """An entry of the palette: name, group, callback, keys, and the reason if it is disabled.

    `synonyms` are other words that find it; `checked` tells whether it is switched on, None if it cannot be.
    """

    name: str
    menu: str
    do: Callable[[], object]
    tip: str = ""
    keys: str = ""
    possible: bool = True
    why: str = ""  # the item is disabled
    synonyms: str = ""
    checked: bool | None = None


def of_menus(bar: QMenuBar, synonyms: Mapping[str, str] | None = None) -> list[PaletteItem]:
    """Items for all actions of all menus, in menu order; menus that fill themselves on opening are filled.

    Actions with the same name and keys in two menus are listed once.

    Args:
        bar: the menu bar.
        synonyms: other words for the actions and menus with these object names.
    """
    unique: dict[tuple[str, str, str], PaletteItem] = {}
    for item in (item for action in bar.actions() for item in _of(action, (), "", synonyms or {})):
        unique.setdefault((item.name, item.keys, "" if item.keys else item.menu), item)
    return list(unique.values())


def _of(action: QAction, path: tuple[str, ...], words: str, synonyms: Mapping[str, str]) -> Iterator[PaletteItem]:
    text = action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")
    name, _, text_keys = text.partition("\t")
    menu = action.menu()
    words = f"{words} {synonyms.get(action.objectName(), '')}".strip()
    if isinstance(menu, QMenu):
        menu.aboutToShow.emit()
        for inner in menu.actions():
            yield from _of(inner, (*path, name), words, synonyms)
    elif name and not action.isSeparator():
        keys = text_keys or action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        tip = action.toolTip().removesuffix(f" ({keys})")
        tip = "" if tip == text else tip
        yield PaletteItem(
            name, " ▸ ".join(path), action.trigger, tip=tip, keys=keys, possible=action.isEnabled(),
            why=action.whatsThis(), synonyms=words, checked=action.isChecked() if action.isCheckable() else None,
        )  # fmt: skip


def of_panel(
    title: str, panel: QWidget, reveal: Callable[[QWidget], None], listed: Collection[str]
) -> Iterator[PaletteItem]:
    """Items for the named controls of a panel: buttons are pressed, others get the focus, in the revealed panel.

    Buttons for actions with these `listed` names are left out.
    """
    for control in panel.findChildren(QWidget):
        name = control.accessibleName().rstrip("…")
        is_part = control.objectName().startswith("qt_") or name.endswith(", value")  # of another control
        if not name or is_part or not control.isVisibleTo(panel):
            continue
        if isinstance(control, QAbstractButton):
            if name in listed:
                continue
            do: Callable[[], object] = partial(_press, control, reveal)
        elif isinstance(control, QComboBox | QAbstractSpinBox | QSlider):
            do = partial(_focus, control, reveal)
        else:
            continue
        checked = control.isChecked() if isinstance(control, QAbstractButton) and control.isCheckable() else None
        why = "" if control.isEnabled() else "not available for the open image"
        yield PaletteItem(
            name, f"{title} panel", do, tip=control.toolTip(), possible=control.isEnabled(), why=why,
            synonyms=_CONTROL_SYNONYMS.get(name, ""), checked=checked,
        )  # fmt: skip


def _press(button: QAbstractButton, reveal: Callable[[QWidget], None]) -> None:
    reveal(button)
    button.setFocus(Qt.FocusReason.ShortcutFocusReason)
    button.click()


def _focus(control: QWidget, reveal: Callable[[QWidget], None]) -> None:
    reveal(control)
    control.setFocus(Qt.FocusReason.ShortcutFocusReason)


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
        if (worth := fitness(query, item.name, item.synonyms, f"{item.menu} {item.name}", item.keys, item.tip))
        is not None
    ]  # fmt: skip
    return [item for _, item in sorted(rated, key=lambda pair: -pair[0])]


class CommandPalette(QDialog):
    """A line edit above the list of matching items; navigation keys control the list while typing.

    `collect` returns the items, in their present state. `typed` creates an item from the text itself, such as a
    wavelength to go to.
    """

    def __init__(
        self, collect: Callable[[], Sequence[PaletteItem]], typed: Callable[[str], PaletteItem | None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Find action")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._above, self._collect, self._typed = parent, collect, typed
        self._items = collect()
        self._stale = QTimer(self, singleShot=True, interval=0)
        self._stale.timeout.connect(self._collect_again)
        self.line = QLineEdit()
        self.line.setPlaceholderText("Action, setting, light, wavelength or recent file")
        self.line.setClearButtonEnabled(True)
        self.line.setMinimumHeight(34)
        self.line.setAccessibleName("Search")
        self.list = QListWidget()
        self.list.setAccessibleName("Results")
        self.list.setUniformItemSizes(True)
        self.list.setItemDelegate(_ItemPainter(self.list))
        self.nothing = QLabel()
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.nothing.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.nothing.setContentsMargins(0, 24, 0, 0)
        self._results = QStackedLayout()
        self._results.addWidget(self.list)
        self._results.addWidget(self.nothing)
        self.line.installEventFilter(self)
        self.line.textChanged.connect(self._find)
        self.line.returnPressed.connect(lambda: self._choose(self.list.currentItem()))
        self.list.itemActivated.connect(self._choose)
        self.list.itemClicked.connect(self._choose)
        self.list.currentItemChanged.connect(self._describe)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.line)
        layout.addLayout(self._results)
        self.resize(640, 420)
        self._find("")

    def shown(self) -> list[PaletteItem]:
        """The items listed now, best first."""
        return [self.list.item(row).data(_ITEM) for row in range(self.list.count())]

    def follow(self, actions: Iterable[QAction]) -> None:
        """Update the list when one of the actions changes, for example because a task has ended."""
        for action in actions:
            action.changed.connect(self._stale.start)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Forward navigation keys from the line edit to the list."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() in _TO_LIST:
            self.list.event(event)
            return True
        return super().eventFilter(watched, event)

    def _collect_again(self) -> None:
        """Show the present state of the items, without moving the selection or the view."""
        row, scrolled = self.list.currentRow(), self.list.verticalScrollBar().value()
        current = self.list.currentItem().data(_ITEM) if row >= 0 else None
        self._items = self._collect()
        self._find(self.line.text())
        same = [at for at, item in enumerate(self.shown()) if current and (item.name, item.menu) == _key(current)]
        self.list.setCurrentRow(same[0] if same else max(min(row, self.list.count() - 1), 0))
        self.list.verticalScrollBar().setValue(scrolled)

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
        self._results.setCurrentWidget(self.list if items else self.nothing)
        if not items:
            self.nothing.setText(f"Nothing found for “{query.strip()[:60]}”")
            self.line.setAccessibleDescription("Nothing found")

    def _describe(self, current: QListWidgetItem | None) -> None:
        """Describe the current item on the line edit, which has the focus."""
        self.line.setAccessibleDescription(_spoken(current.data(_ITEM)) if current else "")

    def _choose(self, row: QListWidgetItem | None) -> None:
        item: PaletteItem | None = row.data(_ITEM) if row else None
        if item is not None and item.possible:
            self.accept()
            QTimer.singleShot(0, self._above, item.do)  # after the window has regained the focus


def _key(item: PaletteItem) -> tuple[str, str]:
    return item.name, item.menu


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
        name = option.fontMetrics.elidedText(_checked(item) + item.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(upper, Qt.AlignmentFlag.AlignVCenter, name)


def _checked(item: PaletteItem) -> str:
    return "✓ " if item.checked else ""


def _detail(item: PaletteItem) -> str:
    detail = item.tip if item.possible else item.why or "not available"
    return " · ".join(part for part in (item.menu, detail) if part)


def _spoken(item: PaletteItem) -> str:
    checked = "checked" if item.checked else ""
    return ", ".join(part for part in (item.name, checked, _detail(item), item.keys) if part)
