"""The scatter plot panel: axes, plot, and what can be done with a selection."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.drawing import theme
from nesr_gui.gui.model.palette import GREY, TINT, colormaps
from nesr_gui.gui.views.plot.scatter_view import ScatterView
from nesr_gui.gui.views.widgets import menu_button

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
        self.lasso = _tool("lasso", "Select with a lasso: drag around pixels in the plot")
        self.rectangle = _tool("rectangle", "Select with a rectangle: drag one in the plot")
        self.lasso.setChecked(True)
        self.tools = QButtonGroup(self)
        for button in (self.lasso, self.rectangle):
            self.tools.addButton(button)
        self.lasso.toggled.connect(self._choose_tool)
        self.selection = menu_button("Selection", "Selection in the scatter plot", "Use the selected pixels")
        menu = QMenu(self.selection)
        self.in_view = menu.addAction("Select what is in view", self.view.select_view)
        self.on_selection = [
            menu.addAction("Clear", self.view.clear_requested.emit),
            menu.addAction("Make regions", self.regions_requested.emit),
            menu.addAction("Export…", self.export_requested.emit),
        ]
        self.selection.setMenu(menu)
        self.display = menu_button("Display", "Display of the scatter plot", "Colours and limits of the scatter plot")
        self.display.setMenu(self._make_display())
        self.words = QLabel(EMPTY)
        self.words.setWordWrap(True)
        self.words.setAccessibleName("What the scatter plot shows")
        top = QHBoxLayout()
        top.setSpacing(5)
        for name, box in (("x", self.x_axis), ("y", self.y_axis)):
            label = QLabel(name)
            label.setBuddy(box)
            top.addWidget(label)
            top.addWidget(box, 1)
        for widget in (self.lasso, self.rectangle, self.selection, self.display):
            top.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 6)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.words)
        self._colour_icons()
        self.show_style(True, GREY)
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
        self.in_view.setEnabled(has_values)
        for action in self.on_selection:
            action.setEnabled(has_selection)

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

    def _make_display(self) -> QMenu:
        menu = QMenu(self.display)
        self.logarithmic = menu.addAction("Logarithmic numbers")
        self.logarithmic.setCheckable(True)
        self.logarithmic.triggered.connect(self.log_picked)
        menu.addAction("Automatic limits", self.view.fit)
        colours = menu.addMenu("Colormap")
        self._colormaps = QActionGroup(menu)
        for name in colormaps():
            if name != TINT:
                action = colours.addAction(name, partial(self.colormap_picked.emit, name))
                action.setCheckable(True)
                self._colormaps.addAction(action)
        return menu

    def changeEvent(self, event: QEvent) -> None:
        """Redraw the icons when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "tools"):
            self._colour_icons()

    def _colour_icons(self) -> None:
        for name, button in (("lasso", self.lasso), ("rectangle", self.rectangle)):
            button.setIcon(theme.icon(name, self.palette()))


def _axis_box(name: str) -> QComboBox:
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.setAccessibleName(name)
    box.setToolTip(
        f"{name}: a band such as b550, an expression such as b650 / b550 or mean(600, 650), an index such as GLI, or a "
        "principal component such as PC 1"
    )
    box.setMinimumContentsLength(6)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.view().setAccessibleName(f"Quantities of the {name.lower()}")
    line = box.lineEdit()
    assert line is not None
    line.setAccessibleName(name)
    line.setPlaceholderText("b550")
    box.setCompleter(None)  # type: ignore[arg-type]  # which would replace what is typed by a suggestion
    return box


def _tool(name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setCheckable(True)
    button.setToolTip(tip)
    button.setAccessibleName(f"{name.capitalize()} in the scatter plot")
    return button
