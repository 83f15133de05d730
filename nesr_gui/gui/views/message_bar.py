"""The bars over the lower edge of the image: messages on failures and results, and hints for first-time users."""

from __future__ import annotations

import enum
import traceback
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.fields.protocol import DeviceLost
from nesr_gui.gui.drawing.theme import is_dark
from nesr_gui.io.errors import error_message

GROUNDS = {
    False: {"failure": ("#fdecea", "#e6b8b2"), "success": ("#e8f4ec", "#b3d6c0")},
    True: {"failure": ("#46302c", "#7a4a42"), "success": ("#26382f", "#3f6350")},
}
"""Dark theme or not → background and upper border of each kind of message."""
STEPS = {
    "pixel": "Click a pixel to see its spectrum",
    "wavelength": "Drag the wavelength slider to see any band",
    "export": "Export the cube",
}


class Topic(enum.Enum):
    """Subject of a message, by which an outdated message is dismissed."""

    DEVELOPMENT = enum.auto()  # notes on developing the file
    MODEL_NOTES = enum.auto()  # notes on running the model
    RECONSTRUCTION = enum.auto()  # failure
    ANCHORS = enum.auto()  # remark on a measured spectrum
    CAMERA_PROFILE = enum.auto()  # that was applied by itself


class MessageBar(QFrame):
    """Shows one message with optional details and an action button; hidden when there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setAccessibleName("Message")
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.more = QToolButton()
        self.more.setText("Details")
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        self.more.setAccessibleName("Details of the error")
        self.remedy = QPushButton()
        self.remedy.setAccessibleName("Suggested action")
        self.remedy.clicked.connect(self._retry)
        self._do: Callable[[], None] | None = None
        self.close_button = QToolButton()
        self.close_button.setText("✕")
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName("Close message")
        self.close_button.clicked.connect(self.hide)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setFixedHeight(120)
        self.details.setAccessibleName("Text of the error details")
        self.more.toggled.connect(self.details.setVisible)
        layout = QGridLayout(self)
        layout.setContentsMargins(14, 6, 8, 6)
        layout.addWidget(self.text, 0, 0)
        layout.addWidget(self.remedy, 0, 1)
        layout.addWidget(self.more, 0, 2)
        layout.addWidget(self.close_button, 0, 3)
        layout.addWidget(self.details, 1, 0, 1, 4)
        layout.setColumnStretch(0, 1)
        self._is_failure = True
        self._topic: Topic | None = None
        self.hide()

    def show_failure(self, error: Exception, topic: Topic | None = None) -> None:
        """Show the message of an error; unexpected errors have their traceback under Details."""
        sentence = error_message(error) or f"Unexpected error: {type(error).__name__}."
        ends = sentence.endswith("?")
        self.text.setText(
            sentence if ends else sentence.rstrip(".") + "."
        )  # not capitalised: it may start with a file name
        expected = isinstance(error, ValueError | OSError | MemoryError | DeviceLost)
        self.details.setPlainText("".join(traceback.format_exception(error)))
        self.more.setVisible(not expected)
        self.more.setChecked(False)
        self.details.hide()
        self._present(True, topic)

    def show_success(self, sentence: str, topic: Topic | None = None) -> None:
        """Show the result of an operation."""
        self.text.setText(sentence)
        self.more.hide()
        self.details.hide()
        self._present(False, topic)

    def offer(self, text: str, do: Callable[[], None]) -> None:
        """Add a button to the current message that runs `do`."""
        self.remedy.setText(text)
        self.remedy.setAccessibleName(text)
        self._do = do
        self.remedy.show()

    def _retry(self) -> None:
        self.hide()
        if self._do is not None:
            self._do()

    def dismiss(self, topic: Topic) -> None:
        """Hide the current message if it is about `topic`."""
        if self._topic is topic:
            self.hide()

    def hideEvent(self, event: QHideEvent) -> None:
        """Forget the topic when the bar is hidden."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._topic = None

    def _present(self, is_failure: bool, topic: Topic | None) -> None:
        self._is_failure, self._topic, self._do = is_failure, topic, None
        self.remedy.hide()
        self.update()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint background and border in the colours of failure or success."""
        ground, edge = GROUNDS[is_dark(self.palette())]["failure" if self._is_failure else "success"]
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(ground))
        painter.fillRect(0, 0, self.width(), 1, QColor(edge))


class Overlay(QWidget):
    """Bars over the lower edge of the content, which neither moves nor shrinks when they appear.

    They keep clear of the controls at its right, which hold the whole height while they are visible.
    """

    covered = Signal(int)  # px at the lower edge of the content

    def __init__(self, content: QWidget, controls: QWidget, bars: Sequence[QWidget]) -> None:
        super().__init__()
        self._content, self._controls, self._bars = content, controls, QWidget(self)
        column, layout = QVBoxLayout(self._bars), QVBoxLayout(self)
        for each in (column, layout):
            each.setContentsMargins(0, 0, 0, 0)
            each.setSpacing(0)
        layout.addWidget(content)
        for bar in bars:
            column.addWidget(bar)
        self._height = 0
        controls.installEventFilter(self)
        self._bars.installEventFilter(self)
        self._bars.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the bars at the lower edge."""
        super().resizeEvent(event)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Place the bars when one appears or changes, or when the controls do."""
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show, QEvent.Type.Hide):
            self._place()
        return False

    def _place(self) -> None:
        width = self.width() - (self._controls.width() if self._controls.isVisible() else 0)
        layout = self._bars.layout()
        assert layout is not None
        layout.activate()
        height = max(layout.totalHeightForWidth(width), 0) if layout.hasHeightForWidth() else layout.sizeHint().height()
        self._bars.setGeometry(0, self.height() - height, width, height)
        if height != self._height:
            self._height = height
            self.covered.emit(height)


class FirstStepsBar(QFrame):
    """Lists the first steps that the user has not completed."""

    close_requested = Signal()  # permanently

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.ToolTipBase)
        self.text = QLabel()
        self.text.setForegroundRole(QPalette.ColorRole.ToolTipText)
        self.text.setAccessibleName("First steps")
        self.text.setWordWrap(True)  # so that the text never widens the window
        self.close_button = QToolButton()
        self.close_button.setText("✕")
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName("Close the first steps permanently")
        self.close_button.setToolTip("Do not show the first steps again")
        self.close_button.clicked.connect(self.close_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 4, 8, 4)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.close_button)
        self.hide()

    def show_steps(self, steps: list[str]) -> None:
        """Show these steps, given as keys of `STEPS`; none hides the bar."""
        numbered = [f"<b>{n}</b>&nbsp;{STEPS[step]}" for n, step in enumerate(STEPS, 1) if step in steps]
        self.text.setText(" &nbsp; &nbsp; ".join(numbered))
        self.setVisible(bool(steps))
