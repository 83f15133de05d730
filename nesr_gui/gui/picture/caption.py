"""What a picture shows, in words over its corner; pressed, what it could show instead."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

_STYLE = """
QToolButton {{ background: rgba(15, 17, 20, 178); color: white; border: 2px solid {edge}; border-radius: 5px;
  padding: 3px 8px; }}
QToolButton:hover {{ background: rgba(40, 44, 50, 220); }}
QToolButton:focus {{ border-color: #8ab4ff; }}
QToolButton::menu-indicator {{ image: none; }}
"""
_AROUND = 24  # px of edge and padding
_TIP = "Choose what is shown here"


class Caption(QToolButton):
    """Names the picture of a side; its menu is filled when it opens."""

    menu_wanted = Signal(object)  # QMenu

    def __init__(self, side: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.side = side
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.aboutToShow.connect(lambda: self.menu_wanted.emit(menu))
        self.setMenu(menu)
        self._said, self._room = "", 10_000
        self.show_text("", False)

    def show_text(self, text: str, is_active: bool) -> None:
        """What is shown; an edge marks the side of two that the keys change."""
        style = _STYLE.format(edge="#8ab4ff" if is_active else "transparent")
        if style != self.styleSheet():  # costly, and rare beside a wavelength that moves
            self.setStyleSheet(style)
        self._said = text
        self.fit(self._room)
        self.setAccessibleName(f"{('Left', 'Right')[self.side]} picture: {text}" if is_active else f"Picture: {text}")

    def fit(self, room: int) -> None:
        """Be at most so wide; what is cut off stands in the tip."""
        self._room = room
        text = self.fontMetrics().elidedText(self._said, Qt.TextElideMode.ElideRight, room - _AROUND)
        if text != self.text():
            self.setText(text)
            self.setToolTip(_TIP if text == self._said else f"{self._said}\n{_TIP}")
            self.adjustSize()
