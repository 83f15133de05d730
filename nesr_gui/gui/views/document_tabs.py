"""The tab bar above the image, with one tab per document."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QTabBar, QWidget


class Tabs(QTabBar):
    """Shows the open documents; signals the selection and closing of tabs."""

    place_picked = Signal(int)  # index of the selected tab
    close_requested = Signal(int)  # index of the tab

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Open documents")
        self.setDocumentMode(True)
        self.setTabsClosable(True)
        self.setExpanding(False)
        self.setDrawBase(False)
        self.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumWidth(1)  # many tabs scroll, and never widen the window
        self.currentChanged.connect(self.place_picked)
        self.tabCloseRequested.connect(self.close_requested)
        self.hide()

    def show_documents(self, titles: Sequence[str], tips: Sequence[str], place: int) -> None:
        """Show one tab per document with the one at `place` selected; hidden for a single document."""
        with QSignalBlocker(self):
            while self.count() > len(titles):
                self.removeTab(self.count() - 1)
            while self.count() < len(titles):
                self.addTab("")
            for at, (title, tip) in enumerate(zip(titles, tips, strict=True)):
                self.setTabText(at, title.replace("&", "&&"))
                self.setTabToolTip(at, tip)
            self.setCurrentIndex(place)
        self.setVisible(len(titles) > 1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Close a tab with the middle button."""
        at = self.tabAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.MiddleButton and at >= 0:
            self.close_requested.emit(at)
        else:
            super().mouseReleaseEvent(event)
