"""Building blocks of forms and panels: dialogs, rows, combo boxes, a slider with spin box, and a focus frame."""

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

ROW_HEIGHT = 26  # of a table, px
_UNMARKED = (QAbstractScrollArea, QComboBox, QTabBar, QToolButton)
"""Widgets whose style shows focus barely or not at all."""


class ChoiceDialog(QDialog):
    """A form with an accept button; shows a summary of the choices, or why they are invalid.

    Args:
        title: window title.
        accept: text of the accept button.
        lines: height reserved for the summary in lines of text, so that the dialog keeps its size.
    """

    def __init__(self, title: str, accept: str, parent: QWidget | None = None, *, lines: int = 1) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.summary = note(lines)
        self.buttons = QDialogButtonBox()
        self.accept_button = self.buttons.addButton(accept, QDialogButtonBox.ButtonRole.AcceptRole)
        self.accept_button.setDefault(True)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        plain(self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def validate(self, describe: Callable[[], str]) -> bool:
        """Show the summary that `describe` returns, and whether it is valid.

        If `describe` raises a ValueError, its message is shown and the accept button disabled.
        """
        try:
            summary, is_valid = describe(), True
        except ValueError as error:
            text = str(error)
            summary, is_valid = f"{text[:1].upper()}{text[1:].rstrip('.')}.", False
        self.summary.setText(summary)
        self.accept_button.setEnabled(is_valid)
        return is_valid

    def stack(self, *parts: QWidget | QLayout) -> None:
        """Stack the parts vertically, followed by summary and buttons."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(14)
        self.setMinimumWidth(440)
        for part in (*parts, self.summary, self.buttons):
            if isinstance(part, QLayout):
                layout.addLayout(part)
            else:
                layout.addWidget(part)


def plain(buttons: QDialogButtonBox) -> None:
    """Remove the icons that some platforms add to dialog buttons: a dark theme hides them."""
    for button in buttons.buttons():
        button.setIcon(QIcon())


def form(*rows: tuple[str, QWidget]) -> QFormLayout:
    """A form layout of labels and fields."""
    layout = QFormLayout()
    layout.setHorizontalSpacing(16)
    layout.setVerticalSpacing(8)
    for label, widget in rows:
        layout.addRow(label, widget)
    return layout


def row(*widgets: QWidget, is_filled: bool = False) -> QWidget:
    """Widgets in a row, at their preferred widths or with the first one expanding."""
    container = QWidget()
    layout = QHBoxLayout(container)
    layout.setContentsMargins(0, 0, 0, 0)
    for place, widget in enumerate(widgets):
        layout.addWidget(widget, 1 if is_filled and place == 0 else 0)
    if not is_filled:
        layout.addStretch(1)
    return container


def combo(name: str) -> QComboBox:
    """A combo box whose entries do not widen the form."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(26)
    return box


def note(lines: int) -> QLabel:
    """A label with room for a number of lines."""
    label = QLabel()
    label.setWordWrap(True)
    label.setMinimumHeight(lines * label.fontMetrics().height())
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    return label


def quiet(table: QTableWidget) -> None:
    """Style a table for reading and selecting rows: no grid; Tab leaves the table."""
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
    """A slider with a spin box for one number."""

    value_picked = Signal(float)  # set by the user

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
        self.number.setAccessibleName(f"{name}, value")
        self.number.setMinimumWidth(92)
        self.setFocusProxy(self.slider)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.number)
        self.slider.valueChanged.connect(lambda steps: self._pick(steps * step))
        self.number.valueChanged.connect(self._pick)

    def show_value(self, value: float) -> None:
        """Show a value without emitting signals."""
        blocked = [QSignalBlocker(part) for part in (self.slider, self.number)]
        self.slider.setValue(round(value / self._step))
        self.number.setValue(value)
        for blocker in blocked:
            blocker.unblock()

    def _pick(self, value: float) -> None:
        self.show_value(value)
        self.value_picked.emit(self.number.value())


class FocusRing(QWidget):
    """Frame around the focused widget, where the style draws none; transparent for the mouse."""

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
            return  # during shutdown
        if isValid(self._shown):
            self._shown.removeEventFilter(self)
        self.setParent(self._window)  # the old parent may be about to be deleted with its children
        self.hide()
        if isinstance(now, _UNMARKED) and self._window.isAncestorOf(now):
            self._shown = now
            now.installEventFilter(self)
            self.setParent(now)
            self.setGeometry(now.rect())
            self.show()
            self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the focused widget."""
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._shown.rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frame in the highlight colour."""
        painter = QPainter(self)
        painter.setPen(QPen(self.palette().highlight().color(), 2))
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
