"""What forms and panes are made of: rows, choices, a number as a slider and digits, a frame around the focus."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMainWindow,
    QSlider,
    QTabBar,
    QTableWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

ROW_HEIGHT = 26  # px of a table's row
_UNMARKED = (QAbstractScrollArea, QComboBox, QTabBar, QToolButton)
"""What looks the same with the focus, or nearly so."""


class ChoiceDialog(QDialog):
    """Choices and a button that carries them out; says what they come to, or why they cannot be.

    Args:
        title: of the window.
        go: what the button says.
        lines: of text there is always room for in what is said, so that a dialog does not change its height.
    """

    def __init__(self, title: str, go: str, parent: QWidget | None = None, *, lines: int = 1) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.verdict = note(lines)
        self.buttons = QDialogButtonBox()
        self.go = self.buttons.addButton(go, QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setDefault(True)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        plain(self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def judge(self, say: Callable[[], str]) -> bool:
        """Show what `say` says of the choices; the sentence of a ValueError it raises is why they cannot be."""
        try:
            said, can_go = say(), True
        except ValueError as error:
            text = str(error)
            said, can_go = f"{text[:1].upper()}{text[1:].rstrip('.')}.", False
        self.verdict.setText(said)
        self.go.setEnabled(can_go)
        return can_go

    def stack(self, *parts: QWidget | QLayout) -> None:
        """Lay out the parts under each other, below them the verdict and the buttons."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(14)
        self.setMinimumWidth(440)
        for part in (*parts, self.verdict, self.buttons):
            if isinstance(part, QLayout):
                layout.addLayout(part)
            else:
                layout.addWidget(part)


def plain(buttons: QDialogButtonBox) -> None:
    """Words alone: some systems put icons on such buttons that a dark theme hides."""
    for button in buttons.buttons():
        button.setIcon(QIcon())


def form(*rows: tuple[str, QWidget]) -> QFormLayout:
    """Labels and what they name."""
    made = QFormLayout()
    made.setHorizontalSpacing(16)
    made.setVerticalSpacing(8)
    for label, widget in rows:
        made.addRow(label, widget)
    return made


def row(*widgets: QWidget, is_filled: bool = False) -> QWidget:
    """Widgets beside each other, no wider than they need to be, or the first as wide as there is room."""
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    for place, widget in enumerate(widgets):
        layout.addWidget(widget, 1 if is_filled and place == 0 else 0)
    if not is_filled:
        layout.addStretch(1)
    return made


def combo(name: str) -> QComboBox:
    """Entries to choose from, none of which widens the form."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(26)
    return box


def note(lines: int) -> QLabel:
    """Text with room for so many lines."""
    made = QLabel()
    made.setWordWrap(True)
    made.setMinimumHeight(lines * made.fontMetrics().height())
    made.setAlignment(Qt.AlignmentFlag.AlignTop)
    return made


def quiet(table: QTableWidget) -> None:
    """Rows to read and to select, without lines around their cells; Tab leaves the table."""
    table.setStyleSheet(
        "QHeaderView::section { border: none; background: transparent; padding: 4px 6px; }"
        "QTableView::item { padding: 0 6px; }"
    )
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.horizontalHeader().setHighlightSections(False)
    table.setShowGrid(False)
    table.setFrameShape(QTableWidget.Shape.NoFrame)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setTabKeyNavigation(False)


class SliderSpinBox(QWidget):
    """Announces the number the user moves to; shows the one it is given, without echo."""

    value_picked = Signal(float)

    def __init__(
        self, name: str, limits: tuple[float, float], step: float, *, decimals: int = 0, suffix: str = ""
    ) -> None:
        super().__init__()
        self._step = step
        self.slider, self.number = QSlider(Qt.Orientation.Horizontal), QDoubleSpinBox()
        self.slider.setRange(round(limits[0] / step), round(limits[1] / step))
        self.slider.setPageStep(10)
        self.slider.setAccessibleName(name)
        self.number.setRange(*limits)
        self.number.setDecimals(decimals)
        self.number.setSingleStep(step)
        self.number.setSuffix(suffix)
        self.number.setKeyboardTracking(False)
        self.number.setAccessibleName(f"{name}, as a number")
        self.number.setMinimumWidth(92)
        self.setFocusProxy(self.slider)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.number)
        self.slider.valueChanged.connect(lambda steps: self._pick(steps * step))
        self.number.valueChanged.connect(self._pick)

    def show_value(self, value: float) -> None:
        blocked = [QSignalBlocker(part) for part in (self.slider, self.number)]
        self.slider.setValue(round(value / self._step))
        self.number.setValue(value)
        for blocker in blocked:
            blocker.unblock()

    def _pick(self, value: float) -> None:
        self.show_value(value)
        self.value_picked.emit(self.number.value())


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
