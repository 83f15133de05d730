"""Building blocks of forms and panels: dialogs, rows, combo boxes, a slider with spin box, and a focus frame."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, QMimeData, QObject, QSignalBlocker, Qt, Signal, SignalInstance
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QPen, QValidator
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDockWidget,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QSlider,
    QTabBar,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

ROW_HEIGHT = 26  # of a table, px
_PARTIAL = re.compile(r"[+-]?\d*\.?\d*([eE][+-]?\d*)?")  # of a number that is being typed
_UNMARKED = (QAbstractScrollArea, QComboBox, QPushButton, QSlider, QTabBar, QToolButton)
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
        layout.addStrut(400)  # not a minimum of the dialog, which would replace that of its contents
        for part in (*parts, self.summary, self.buttons):
            if isinstance(part, QLayout):
                layout.addLayout(part)
            else:
                layout.addWidget(part)


def local_files(mime: QMimeData) -> list[Path]:
    """The local files and folders of a drag or of the clipboard."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


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


def command_button(text: str, tip: str, signal: SignalInstance | None, name: str = "") -> QPushButton:
    """A push button that emits a signal, with a name for assistive technology if the text alone says too little."""
    button = QPushButton(text)
    button.setAccessibleName((name or text).rstrip("…"))
    button.setToolTip(tip)
    if signal is not None:
        button.clicked.connect(lambda checked=False: signal.emit())
    return button


def menu_button(text: str, name: str, tip: str) -> QToolButton:
    """A button that opens a menu."""
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    return button


def combo(name: str) -> QComboBox:
    """A combo box whose entries do not widen the form."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.view().setAccessibleName(f"{name}, choices")
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(26)
    return box


def scrollable(widget: QWidget) -> QScrollArea:
    """A frameless area that scrolls the widget if it is too small for it."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(widget)
    return area


def note(lines: int) -> QLabel:
    """A label with room for a number of lines."""
    label = QLabel()
    label.setWordWrap(True)
    label.setMinimumHeight(lines * label.fontMetrics().height())
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    return label


def quiet(table: QTableView) -> None:
    """Style a table for reading and selecting rows: no grid; Tab leaves the table."""
    table.setStyleSheet(
        "QHeaderView::section { border: none; background: transparent; padding: 4px 6px; }"
        "QTableView::item { padding: 0 6px; }"
    )
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.horizontalHeader().setHighlightSections(False)
    table.setShowGrid(False)
    table.setFrameShape(QTableView.Shape.NoFrame)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setTabKeyNavigation(False)
    table.setCornerWidget(QWidget())  # item views have a palette of their own, see `theme.apply`


class DecimalBox(QDoubleSpinBox):
    """A spin box for decimals, which are typed with a point or a comma in every locale."""

    def validate(self, text: str, at: int) -> tuple[QValidator.State, str, int]:
        """Override of Qt: either is the decimal separator; Qt ignores the one that groups thousands."""
        separator = self.locale().decimalPoint()
        state, text, at = super().validate(text.replace(",", separator).replace(".", separator), at)
        return state, text, at


class NumberBox(QDoubleSpinBox):
    """A spin box for numbers of any magnitude, such as 2.5e-07, that shows significant digits."""

    def __init__(self, parent: QWidget | None = None, *, digits: int = 6) -> None:
        super().__init__(parent)
        self._digits = digits
        self.setDecimals(300)  # Qt rounds values to them

    def setDigits(self, digits: int) -> None:
        """Set the number of significant digits, to which later values are rounded."""
        self._digits = digits

    def setValue(self, value: float) -> None:
        """Set the value, as far as it is shown."""
        super().setValue(float(self.textFromValue(value)))

    def textFromValue(self, value: float) -> str:
        """Override of Qt: the shortest text with these digits."""
        return f"{value + 0.0:.{self._digits}g}"

    def valueFromText(self, text: str) -> float:
        """Override of Qt: also of a number with an exponent."""
        try:
            return float(self._stripped(text))
        except ValueError:  # not yet a number
            return self.value()

    def validate(self, text: str, at: int) -> tuple[QValidator.State, str, int]:
        """Override of Qt: accept numbers with exponents, within the range."""
        number = _PARTIAL.fullmatch(self._stripped(text))
        if number is None:
            return QValidator.State.Invalid, text, at
        try:
            is_valid = self.minimum() <= float(number[0]) <= self.maximum()
        except ValueError:  # not yet a number
            is_valid = False
        return QValidator.State.Acceptable if is_valid else QValidator.State.Intermediate, text, at

    def _stripped(self, text: str) -> str:
        return text.removeprefix(self.prefix()).removesuffix(self.suffix()).strip().replace(",", ".")


class SliderSpinBox(QWidget):
    """A slider with a spin box for one number."""

    value_picked = Signal(float)  # set by the user

    def __init__(
        self, name: str, limits: tuple[float, float], step: float, *, decimals: int = 0, suffix: str = ""
    ) -> None:
        super().__init__()
        self._step = step
        self.slider, self.number = QSlider(Qt.Orientation.Horizontal), DecimalBox()
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


class FocusKeeper(QObject):
    """Keeps the focus in its panel when the focused button is disabled: Qt passes it on to whatever comes next."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._follow)

    def _follow(self, old: QWidget | None, now: QWidget | None) -> None:
        if not isinstance(old, QAbstractButton) or not isValid(old) or old.isEnabled() or not old.isVisible():
            return
        panel: QWidget | None = old
        while panel is not None and not isinstance(panel, QDockWidget):
            panel = panel.parentWidget()
        if panel is None or (now is not None and panel.isAncestorOf(now)):
            return
        nearest = old.previousInFocusChain()
        while nearest is not None and nearest is not old:
            takes_focus = nearest.focusPolicy() & Qt.FocusPolicy.TabFocus
            if takes_focus and nearest.isEnabled() and nearest.isVisible() and panel.isAncestorOf(nearest):
                nearest.setFocus()
                return
            nearest = nearest.previousInFocusChain()


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
