"""What forms are made of: rows, boxes to choose from, tables, and dialogs that say at once what the choices come to."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

ROW_HEIGHT = 26  # px of a table's row


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
