"""The bars at the top of the window: what went wrong or was written, and the first steps of a new user."""

from __future__ import annotations

import enum
import traceback
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QWidget,
)

from nesr_gui.fields.protocol import DeviceLost
from nesr_gui.gui.drawing.theme import is_dark

GROUNDS = {
    False: {"failure": ("#fdecea", "#e6b8b2"), "success": ("#e8f4ec", "#b3d6c0")},
    True: {"failure": ("#46302c", "#7a4a42"), "success": ("#26382f", "#3f6350")},
}
"""Dark or not → of what is said, the ground and its lower edge."""
STEPS = {
    "pixel": "Click a pixel to see its spectrum",
    "wavelength": "Drag the wavelength to see any band",
    "export": "Export the cube",
}


class Topic(enum.Enum):
    """What a message is about, so that it can be dismissed when it is no longer true."""

    DEVELOPMENT = enum.auto()  # how the file was developed
    MODEL_NOTES = enum.auto()  # how the model was run
    RECONSTRUCTION = enum.auto()  # why it failed


class MessageBar(QFrame):
    """Hidden until there is something to say; never in the way."""

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
        self.more.setAccessibleName("Details of the failure")
        self.remedy = QPushButton()
        self.remedy.setAccessibleName("What can be done about it")
        self.remedy.clicked.connect(self._retry)
        self._do: Callable[[], None] | None = None
        self.close_button = QToolButton()
        self.close_button.setText("✕")
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName("Close this message")
        self.close_button.clicked.connect(self.hide)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setFixedHeight(120)
        self.details.setAccessibleName("Details of the failure, as text")
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
        """Say what failed; what a programmer would want to know is folded away."""
        nothing = "There is not enough memory for this" if isinstance(error, MemoryError) else ""
        sentence = str(error).strip() or nothing or f"The program ran into a {type(error).__name__}."
        self.text.setText(sentence.rstrip(".") + ".")  # its first letter as it is: it may be that of a file
        expected = isinstance(error, ValueError | OSError | MemoryError | DeviceLost)
        self.details.setPlainText("".join(traceback.format_exception(error)))
        self.more.setVisible(not expected)
        self.more.setChecked(False)
        self.details.hide()
        self._present(True, topic)

    def show_success(self, sentence: str, topic: Topic | None = None) -> None:
        """Say what was done."""
        self.text.setText(sentence)
        self.more.hide()
        self.details.hide()
        self._present(False, topic)

    def offer(self, text: str, do: Callable[[], None]) -> None:
        """A button beside what is said, for another way."""
        self.remedy.setText(text)
        self.remedy.setAccessibleName(text)
        self._do = do
        self.remedy.show()

    def _retry(self) -> None:
        self.hide()
        if self._do is not None:
            self._do()

    def dismiss(self, topic: Topic) -> None:
        """Hide what is said about a topic, if that is what is shown."""
        if self._topic is topic:
            self.hide()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():
            self._topic = None

    def _present(self, is_failure: bool, topic: Topic | None) -> None:
        self._is_failure, self._topic, self._do = is_failure, topic, None
        self.remedy.hide()
        self.update()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        ground, edge = GROUNDS[is_dark(self.palette())]["failure" if self._is_failure else "success"]
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(ground))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(edge))


class FirstStepsBar(QFrame):
    """A line that names the steps that are left."""

    close_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.ToolTipBase)
        self.text = QLabel()
        self.text.setForegroundRole(QPalette.ColorRole.ToolTipText)
        self.text.setAccessibleName("First steps")
        self.text.setWordWrap(True)  # rather than widen the window beyond the screen
        self.close_button = QToolButton()
        self.close_button.setText("✕")
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName("Close the first steps for good")
        self.close_button.setToolTip("Do not show the first steps again")
        self.close_button.clicked.connect(self.close_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 4, 8, 4)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.close_button)
        self.hide()

    def show_steps(self, steps: list[str]) -> None:
        self.text.setText(
            "&nbsp; &nbsp; ".join(f"<b>{n}</b> {STEPS[step]}" for n, step in enumerate(STEPS, 1) if step in steps)
        )
        self.setVisible(bool(steps))
