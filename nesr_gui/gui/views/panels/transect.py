"""The transect panel: the spectra along a line, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from nesr_gui.analysis.transect import MOST_ACROSS
from nesr_gui.gui.views.plot.transect_view import TransectView
from nesr_gui.gui.views.widgets import command_button

EMPTY = "Choose the transect tool (T) and drag a line in the image to see the spectra along it."


class TransectPanel(QWidget):
    """Shows a transect; signals changes of its width, and what to do with it."""

    width_picked = Signal(int)
    removal_requested = Signal()
    export_requested = Signal()  # of the spectra
    figure_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = TransectView()
        self.across = QSpinBox()
        self.across.setRange(1, MOST_ACROSS)
        self.across.setSuffix(" px")
        self.across.setKeyboardTracking(False)
        self.across.setAccessibleName("Width of the transect")
        self.across.setToolTip("Pixels across the line of which the mean is shown")
        self.across.valueChanged.connect(self.width_picked)
        self.remove = command_button(
            "Remove", "Remove the transect (Delete, while its tool is selected)", self.removal_requested,
            "Remove transect",
        )  # fmt: skip
        self.export = command_button(
            "Export…", "Export the spectra along the line as CSV", self.export_requested, "Export transect"
        )
        self.figure = command_button(
            "Figure…", "Export picture and curve as PNG, SVG or PDF", self.figure_requested, "Export figure of transect"
        )
        self.words = QLabel(EMPTY)
        self.words.setWordWrap(True)
        self.words.setAccessibleName("What the transect shows")
        commands = QHBoxLayout()
        label = QLabel("Width")
        label.setBuddy(self.across)
        for widget in (label, self.across, self.remove, self.export, self.figure):
            commands.addWidget(widget)
        commands.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(5)
        layout.addLayout(commands)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.words)
        layout.addStretch(0)
        self.show_line(None)

    def show_line(self, width: int | None) -> None:
        """Show the width of the transect, in pixels of the field; None if there is none."""
        for widget in (self.across, self.remove, self.export, self.figure):
            widget.setEnabled(width is not None)
        self.view.setVisible(width is not None)
        if width is not None:
            blocked = QSignalBlocker(self.across)
            self.across.setValue(width)
            blocked.unblock()

    def show_words(self, text: str, tip: str = "") -> None:
        """State what the transect shows, or how to draw one."""
        self.words.setText(text)
        self.words.setToolTip(tip)
        self.words.setVisible(bool(text))

    def sizeHint(self) -> QSize:
        """Preferred size: picture and curve."""
        return QSize(super().sizeHint().width(), 340)
