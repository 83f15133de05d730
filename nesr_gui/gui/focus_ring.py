"""A frame around what has the keyboard: Qt draws none around pictures, plots, tables and flat buttons."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QComboBox, QMainWindow, QTabBar, QToolButton, QWidget
from shiboken6 import isValid

_UNMARKED = (QAbstractScrollArea, QComboBox, QTabBar, QToolButton)
"""What looks the same with the focus, or nearly so."""


class FocusRing(QWidget):
    """Lies over the part of a window that has the focus, and lets the mouse through."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window, self._shown = window, cast(QWidget, window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._follow)

    def _follow(self, old: QWidget | None, now: QWidget | None) -> None:
        if not isValid(self) or not isValid(self._window):
            return  # the program ends
        if isValid(self._shown):
            self._shown.removeEventFilter(self)
        self.setParent(self._window)  # what loses the focus may be about to be deleted, with its children
        self.hide()
        if isinstance(now, _UNMARKED) and self._window.isAncestorOf(now):
            self._shown = now
            now.installEventFilter(self)
            self.setParent(now)
            self.setGeometry(now.rect())
            self.show()
            self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._shown.rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QPen(self.palette().highlight().color(), 2))
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
