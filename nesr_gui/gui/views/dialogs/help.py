"""The user guide, Markdown with pictures that travels with the program, and the sheet of all keys."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QKeySequence, QResizeEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.drawing.theme import is_dark
from nesr_gui.gui.views.actions import TABLE

IN_THE_IMAGE = (
    ("Move the active mark by a pixel", ("Arrow keys",)),
    ("Move the active mark by ten", ("Shift+Arrow keys",)),
    ("Menu of the active mark", ("Menu key", "Shift+F10")),
    ("End a polygon", ("Return",)),
    ("Take back its last corner", ("Backspace",)),
    ("Leave the tool or the polygon", ("Esc",)),
    ("Zoom", ("Wheel",)),
    ("Pan", ("Drag", "Middle button")),
)
"""Keys that mean something while the image has the focus; they are no actions."""


class GuideText(QTextBrowser):
    """Shows a page; pictures are as wide as there is room, and in a dark window the dark ones (`name-dark.png`)."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("User guide")
        self.setOpenLinks(False)
        self.document().setDocumentMargin(22)
        self.anchorClicked.connect(self._follow)
        self._page = Path()

    def show_page(self, page: Path) -> None:
        self._page = page
        self.document().setBaseUrl(QUrl.fromLocalFile(str(page)))
        self.setMarkdown(page.read_text(encoding="utf-8"))

    def headings(self) -> list[tuple[int, str, int]]:
        """Level, text and position of each heading."""
        found, block = [], self.document().begin()
        while block.isValid():
            if level := block.blockFormat().headingLevel():
                found.append((level, block.text(), block.position()))
            block = block.next()
        return found

    def go_to(self, position: int) -> None:
        """Bring a place of the text to the top."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(position)
        self.setTextCursor(cursor)
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() + self.cursorRect(cursor).top() - 12)

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return super().loadResource(kind, name)
        path = self._page.parent / QUrl(name).fileName()
        dark = path.with_stem(f"{path.stem}-dark")
        image = QImage(str(dark if is_dark(self.palette()) and dark.exists() else path))
        room = max(self.viewport().width() - 60, 100)
        ratio = self.devicePixelRatioF()
        if image.width() > room * ratio:
            image = image.scaledToWidth(round(room * ratio), Qt.TransformationMode.SmoothTransformation)
        image.setDevicePixelRatio(ratio)
        return image

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._load_again()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._load_again()

    def _load_again(self) -> None:
        """Pictures for another width or theme, at the place where one reads."""
        if self._page.name:
            read = self.verticalScrollBar().value() / max(self.verticalScrollBar().maximum(), 1)
            self.show_page(self._page)
            self.verticalScrollBar().setValue(round(read * self.verticalScrollBar().maximum()))

    def _follow(self, url: QUrl) -> None:
        """A heading of this page, or something outside of the program."""
        if url.isRelative() and url.hasFragment():
            wanted = url.fragment()
            at = next((place for _, text, place in self.headings() if _slug(text) == wanted), None)
            if at is not None:
                self.go_to(at)
        elif not url.isRelative():
            QDesktopServices.openUrl(url)


class GuideWindow(QDialog):
    """The guide with its contents and a line to search in it; it stays beside the window."""

    def __init__(self, page: Path, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle("User guide")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.text = GuideText()
        self.text.show_page(page)
        self.contents = QListWidget()
        self.contents.setAccessibleName("Contents of the guide")
        for level, text, position in self.text.headings():
            item = QListWidgetItem(4 * (level - 1) * " " + text)
            item.setData(Qt.ItemDataRole.UserRole, position)
            self.contents.addItem(item)
        self.contents.currentItemChanged.connect(self._go)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search the guide")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search the guide")
        self.search.returnPressed.connect(self._find)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(8, 8, 0, 8)
        column.addWidget(self.search)
        column.addWidget(self.contents)
        both = QSplitter()
        both.addWidget(side)
        both.addWidget(self.text)
        both.setStretchFactor(1, 1)
        both.setSizes([230, 770])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(both)
        self.resize(1000, 720)
        self.text.setFocus()

    def _go(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.text.go_to(item.data(Qt.ItemDataRole.UserRole))

    def _find(self) -> None:
        """The next place where the words stand, from the top again after the last."""
        if not self.text.find(self.search.text()):
            self.text.moveCursor(QTextCursor.MoveOperation.Start)
            self.text.find(self.search.text())


def _slug(heading: str) -> str:
    """What links call a heading."""
    return "".join(letter for letter in heading.lower().replace(" ", "-") if letter.isalnum() or letter == "-")


def sections() -> list[tuple[str, list[tuple[str, tuple[str, ...]]]]]:
    """Title, and each action with its keys as this system writes them."""
    native = QKeySequence.SequenceFormat.NativeText
    menus = dict.fromkeys(entry.menu for entry in TABLE if entry.shortcut)
    made = [
        (menu, [(entry.text.rstrip("…"), tuple(key.toString(native) for key in entry.keys))
                for entry in TABLE if entry.menu == menu and entry.shortcut])
        for menu in menus
    ]  # fmt: skip
    return [*made, ("In the image", list(IN_THE_IMAGE))]


class ShortcutSheet(QDialog):
    """Shows every key, in two columns of tables."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.text = QTextBrowser()
        self.text.setAccessibleName("Keyboard shortcuts")
        self.text.setHtml(as_html(sections()))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        self.resize(860, 640)


def as_html(sheet: list[tuple[str, list[tuple[str, tuple[str, ...]]]]]) -> str:
    """Two columns with about as many lines in each."""
    lines = sum(len(rows) + 2 for _, rows in sheet)
    columns: list[list[str]] = [[], []]
    filled = 0
    for title, rows in sheet:
        columns[2 * filled + len(rows) > lines].append(_table(title, rows))
        filled += len(rows) + 2
    cells = "".join(f"<td width='50%' style='padding: 0 14px'>{''.join(column)}</td>" for column in columns)
    return f"<table width='100%'><tr>{cells}</tr></table>"


def _table(title: str, rows: list[tuple[str, tuple[str, ...]]]) -> str:
    lines = "".join(
        f"<tr><td style='padding: 2px 0'>{escape(text)}</td>"
        f"<td align='right' style='padding: 2px 0'>{'&nbsp;&nbsp; '.join(f'<b>{escape(key)}</b>' for key in keys)}</td>"
        "</tr>"
        for text, keys in rows
    )
    return f"<h3>{escape(title)}</h3><table width='100%' cellspacing='0'>{lines}</table>"
