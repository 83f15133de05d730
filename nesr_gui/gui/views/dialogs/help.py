"""The user guide, shipped as Markdown with images, and the sheet of keyboard shortcuts."""

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
    ("Move the active mark by 1 pixel", ("Arrow keys",)),
    ("Move the active mark by 10 pixels", ("Shift+Arrow keys",)),
    ("Open the menu of the active mark", ("Menu key", "Shift+F10")),
    ("Close the polygon", ("Enter",)),
    ("Remove the last vertex of the polygon", ("Backspace",)),
    ("Cancel the polygon, or return to the pin tool", ("Esc",)),
    ("Zoom", ("Wheel",)),
    ("Pan", ("Drag", "Middle button")),
)
"""Keys handled by the focused image; they belong to no action."""


class GuideText(QTextBrowser):
    """Shows a page; images fit the width and have dark variants (`name-dark.png`) for dark themes."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("User guide")
        self.setOpenLinks(False)
        self.document().setDocumentMargin(22)
        self.anchorClicked.connect(self._follow)
        self._page = Path()

    def show_page(self, page: Path) -> None:
        """Load a Markdown file."""
        self._page = page
        self.document().setBaseUrl(QUrl.fromLocalFile(str(page)))
        self.setMarkdown(page.read_text(encoding="utf-8"))

    def headings(self) -> list[tuple[int, str, int]]:
        """Level, text and position of each heading."""
        headings, block = [], self.document().begin()
        while block.isValid():
            if level := block.blockFormat().headingLevel():
                headings.append((level, block.text(), block.position()))
            block = block.next()
        return headings

    def go_to(self, position: int) -> None:
        """Scroll a text position to the top."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(position)
        self.setTextCursor(cursor)
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() + self.cursorRect(cursor).top() - 12)

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Load an image of the page, in its dark variant for a dark theme, scaled to the width."""
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
        """Reload the images for the new width."""
        super().resizeEvent(event)
        self._load_again()

    def changeEvent(self, event: QEvent) -> None:
        """Reload the images when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._load_again()

    def _load_again(self) -> None:
        """Reload the page and keep the scroll position."""
        if self._page.name:
            position = self.verticalScrollBar().value() / max(self.verticalScrollBar().maximum(), 1)
            self.show_page(self._page)
            self.verticalScrollBar().setValue(round(position * self.verticalScrollBar().maximum()))

    def _follow(self, url: QUrl) -> None:
        """Follow a link to a heading of this page, or open other links externally."""
        if url.isRelative() and url.hasFragment():
            anchor = url.fragment()
            at = next((place for _, text, place in self.headings() if _slug(text) == anchor), None)
            if at is not None:
                self.go_to(at)
        elif not url.isRelative():
            QDesktopServices.openUrl(url)


class GuideWindow(QDialog):
    """The guide with table of contents and search, in a non-modal window."""

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
        """Find the next occurrence, wrapping around at the end."""
        if not self.text.find(self.search.text()):
            self.text.moveCursor(QTextCursor.MoveOperation.Start)
            self.text.find(self.search.text())


def _slug(heading: str) -> str:
    """The anchor of a heading in Markdown links."""
    return "".join(letter for letter in heading.lower().replace(" ", "-") if letter.isalnum() or letter == "-")


def sections() -> list[tuple[str, list[tuple[str, tuple[str, ...]]]]]:
    """Titles of menus, each with its actions and their native key names."""
    native = QKeySequence.SequenceFormat.NativeText
    menus = dict.fromkeys(entry.menu for entry in TABLE if entry.shortcut)
    menu_sections = [
        (menu, [(entry.text.rstrip("…"), tuple(key.toString(native) for key in entry.keys))
                for entry in TABLE if entry.menu == menu and entry.shortcut])
        for menu in menus
    ]  # fmt: skip
    return [*menu_sections, ("In the image", list(IN_THE_IMAGE))]


class ShortcutSheet(QDialog):
    """Lists all keyboard shortcuts in two columns."""

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
    """Two HTML columns of about equal length."""
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
