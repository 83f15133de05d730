"""The command palette: type a few letters of what you want, and Enter does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.shell.offers import Offer, fitting

_OFFER = Qt.ItemDataRole.UserRole
_TO_LIST = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}


class CommandPalette(QDialog):
    """A line to type in over a list of offers; the keys that move in the list work while one types.

    `typed` makes an offer of the text itself, such as a wavelength to go to.
    """

    def __init__(self, offers: Sequence[Offer], typed: Callable[[str], Offer | None], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Find an action")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._above, self._offers, self._typed = parent, offers, typed
        self.line = QLineEdit()
        self.line.setPlaceholderText("An action, a wavelength, a file …")
        self.line.setClearButtonEnabled(True)
        self.line.setMinimumHeight(34)
        self.line.setAccessibleName("What to find")
        self.list = QListWidget()
        self.list.setAccessibleName("What was found")
        self.list.setUniformItemSizes(True)
        self.list.setItemDelegate(_OfferPainter(self.list))
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

    def shown(self) -> list[Offer]:
        """What is offered now, the best first."""
        return [self.list.item(row).data(_OFFER) for row in range(self.list.count())]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() in _TO_LIST:
            self.list.event(event)
            return True
        return super().eventFilter(watched, event)

    def _find(self, query: str) -> None:
        typed = self._typed(query)
        found = ([typed] if typed else []) + fitting(query, self._offers)
        self.list.clear()
        for offer in found:
            item = QListWidgetItem(offer.name)
            item.setData(_OFFER, offer)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, _spoken(offer))
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        if not found:
            self.line.setAccessibleDescription("Nothing fits")

    def _describe(self, current: QListWidgetItem | None) -> None:
        """The line has the focus, so it says what Enter would do."""
        self.line.setAccessibleDescription(_spoken(current.data(_OFFER)) if current else "")

    def _choose(self, item: QListWidgetItem | None) -> None:
        offer = item.data(_OFFER) if item else None
        if offer is not None and offer.possible:
            self.accept()
            QTimer.singleShot(0, self._above, offer.do)  # when the window has its focus again


class _OfferPainter(QStyledItemDelegate):
    """Name, then menu and what it does or why it cannot be done, and the keys at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, 2 * option.fontMetrics.height() + 10)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        offer: Offer = index.data(_OFFER)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        colours = option.palette
        ink, quiet = colours.text().color(), colours.placeholderText().color()
        if is_selected and offer.possible:
            painter.fillRect(option.rect, colours.highlight())
            ink = quiet = colours.highlightedText().color()
        elif is_selected:
            painter.fillRect(option.rect, colours.midlight())
        if not offer.possible:
            ink = colours.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
        area = option.rect.adjusted(10, 4, -10, -4)
        upper = QRect(area.left(), area.top(), area.width(), area.height() // 2)
        lower = upper.translated(0, upper.height())
        painter.setFont(option.font)
        painter.setPen(quiet)
        painter.drawText(upper, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, offer.keys)
        detail = option.fontMetrics.elidedText(_detail(offer), Qt.TextElideMode.ElideRight, lower.width())
        painter.drawText(lower, Qt.AlignmentFlag.AlignVCenter, detail)
        painter.setPen(ink)
        room = upper.width() - option.fontMetrics.horizontalAdvance(offer.keys) - 12
        name = option.fontMetrics.elidedText(offer.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(upper, Qt.AlignmentFlag.AlignVCenter, name)


def _detail(offer: Offer) -> str:
    told = offer.tip if offer.possible else offer.why or "not now"
    return " · ".join(part for part in (offer.menu, told) if part)


def _spoken(offer: Offer) -> str:
    return ", ".join(part for part in (offer.name, _detail(offer), offer.keys) if part)
