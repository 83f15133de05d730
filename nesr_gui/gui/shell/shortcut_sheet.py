"""The sheet of all keys, made from the table of actions."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from nesr_gui.gui.actions import TABLE

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
