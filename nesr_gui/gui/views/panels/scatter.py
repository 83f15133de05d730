"""The scatter plot panel: axes, plot, and what can be done with a selection."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.model.palette import TINT, colormaps
from nesr_gui.gui.views.plot.scatter_view import ScatterView
from nesr_gui.gui.views.widgets import command_button

EMPTY = "Open an image to compare two quantities of its pixels."


class ScatterPanel(QWidget):
    """Chooses two quantities, and shows and selects pixels by them."""

    axes_picked = Signal(str, str)  # as typed
    colormap_picked = Signal(str)
    log_picked = Signal(bool)  # whether colours are logarithms of numbers
    regions_requested = Signal()  # make regions of the selection
    export_requested = Signal()  # export the selection

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = ScatterView()
        self.x_axis, self.y_axis = _axis_box("Horizontal axis"), _axis_box("Vertical axis")
        self._shown = "", ""
        for box in (self.x_axis, self.y_axis):
            box.activated.connect(self._announce)
            line = box.lineEdit()
            assert line is not None
            line.editingFinished.connect(self._announce)
        self.lasso, self.rectangle = (
            _tool("Lasso", "Drag around pixels in the plot to select them", is_checked=True),
            _tool("Rectangle", "Drag a rectangle in the plot to select the pixels inside"),
        )
        self.tools = QButtonGroup(self)
        for button in (self.lasso, self.rectangle):
            self.tools.addButton(button)
        self.lasso.toggled.connect(self._choose_tool)
        self.clear = command_button(
            "Clear", "Clear the selection (Delete)", self.view.clear_requested, "Clear selection of scatter plot"
        )
        self.regions = command_button(
            "Make regions", "Mark the largest connected parts of the selection as regions", self.regions_requested
        )
        self.export = command_button(
            "Export…", "Export the selection as mask or regions", self.export_requested, "Export selection"
        )
        self.display = self._make_display()
        self.words = QLabel(EMPTY)
        self.words.setWordWrap(True)
        self.words.setAccessibleName("What the scatter plot shows")
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        axes, commands = QHBoxLayout(), QHBoxLayout()
        for name, box in (("&x", self.x_axis), ("&y", self.y_axis)):
            label = QLabel(name)
            label.setBuddy(box)
            axes.addWidget(label)
            axes.addWidget(box, 1)
        for widget in (self.lasso, self.rectangle, self.clear, self.regions, self.export, self.display):
            commands.addWidget(widget)
        commands.addStretch(1)
        commands.setSpacing(5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(5)
        layout.addLayout(axes)
        layout.addWidget(self.view, 1)
        layout.addLayout(commands)
        layout.addWidget(self.words)
        self.show_style(True, "viridis")
        self.show_possible(False, False)

    def show_suggestions(self, suggestions: Sequence[tuple[str, str]]) -> None:
        """Offer quantities for both axes, with what they are."""
        for box in (self.x_axis, self.y_axis):
            if [box.itemText(at) for at in range(box.count())] == [text for text, _ in suggestions]:
                continue
            blocked, text = QSignalBlocker(box), box.currentText()
            box.clear()
            for at, (each, tip) in enumerate(suggestions):
                box.addItem(each)
                box.setItemData(at, tip, Qt.ItemDataRole.ToolTipRole)
            box.setEditText(text)
            blocked.unblock()

    def show_axes(self, axes: tuple[str, str]) -> None:
        """Show the axes of the document, in place of what was typed."""
        self._shown = axes
        for box, text in zip((self.x_axis, self.y_axis), axes, strict=True):
            blocked = QSignalBlocker(box)
            box.setEditText(text)
            line = box.lineEdit()
            if line is not None:
                line.setCursorPosition(0)
            blocked.unblock()

    def show_words(self, text: str, tip: str = "") -> None:
        """State what the plot shows, or why it shows nothing."""
        self.words.setText(text)
        self.words.setToolTip(tip)

    def show_possible(self, has_values: bool, has_selection: bool) -> None:
        """Enable what is possible."""
        for widget in (self.x_axis, self.y_axis, self.lasso, self.rectangle, self.view):
            widget.setEnabled(has_values)
        for widget in (self.clear, self.regions, self.export):
            widget.setEnabled(has_selection)

    def show_style(self, is_logarithmic: bool, colormap: str) -> None:
        """Show how numbers are coloured."""
        self.logarithmic.setChecked(is_logarithmic)  # `triggered` is emitted for clicks only
        for action in self._colormaps.actions():
            action.setChecked(action.text() == colormap)
        self.view.show_style(colormap, is_logarithmic)

    def sizeHint(self) -> QSize:
        """Preferred size: a plot that shows something."""
        return QSize(super().sizeHint().width(), 360)

    def _announce(self) -> None:
        axes = self.x_axis.currentText().strip(), self.y_axis.currentText().strip()
        if axes != self._shown:
            self._shown = axes  # announced once, even if it is invalid
            self.axes_picked.emit(*axes)

    def _choose_tool(self, is_lasso: bool) -> None:
        self.view.is_lasso = is_lasso

    def _make_display(self) -> QToolButton:
        button = QToolButton()
        button.setText("Display")
        button.setAccessibleName("Display of the scatter plot")
        button.setToolTip("Colours and limits of the scatter plot")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        self.logarithmic = QAction("Logarithmic numbers", menu, checkable=True)
        self.logarithmic.triggered.connect(self.log_picked)
        menu.addAction(self.logarithmic)
        menu.addAction("Automatic limits", self.view.fit)
        colours = menu.addMenu("Colormap")
        self._colormaps = QActionGroup(menu)
        for name in colormaps():
            if name != TINT:
                action = colours.addAction(name, partial(self.colormap_picked.emit, name))
                action.setCheckable(True)
                self._colormaps.addAction(action)
        button.setMenu(menu)
        return button


def _axis_box(name: str) -> QComboBox:
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.setAccessibleName(name)
    box.setToolTip(
        f"{name}: a band such as b550, an expression such as b650 / b550 or mean(600, 650), an index such as GLI, or a "
        "principal component such as PC 1"
    )
    box.setMinimumContentsLength(8)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.view().setAccessibleName(f"Quantities of the {name.lower()}")
    line = box.lineEdit()
    assert line is not None
    line.setAccessibleName(name)
    line.setPlaceholderText("b550")
    box.setCompleter(None)  # type: ignore[arg-type]  # which would replace what is typed by a suggestion
    return box


def _tool(text: str, tip: str, *, is_checked: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setCheckable(True)
    button.setChecked(is_checked)
    button.setToolTip(tip)
    button.setAccessibleName(f"{text} in the scatter plot")
    return button
