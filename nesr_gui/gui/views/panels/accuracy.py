"""The accuracy panel: registration of the measured cube and accuracy of the reconstruction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.fields.accuracy import CONDITIONS, AccuracyMetrics
from nesr_gui.fields.resampled import Orientation
from nesr_gui.gui.drawing.symbols import sign_icon
from nesr_gui.gui.model.marks import Mark, MarkGeometry
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.tasks.comparison import COLUMNS, IMAGE, cells
from nesr_gui.gui.views.widgets import DecimalBox, command_button, quiet, row

NOTHING = (
    "No measured cube is open. Open a photograph and its measured cube, or open a cube and simulate a photograph of it."
)
_UNIT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class AccuracyPanel(QWidget):
    """Shows registration and metrics; signals changes of the registration and requests to compute."""

    orientation_picked = Signal(object)  # Orientation
    gain_picked = Signal(float)
    registration_requested = Signal()  # register automatically
    removal_requested = Signal()  # stop comparing
    measure_requested = Signal()  # compute the accuracy of the image
    copy_requested = Signal()  # copy the metrics
    open_requested = Signal()  # open a measured cube
    simulation_requested = Signal()  # simulate a photograph of the open cube

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = QLabel(NOTHING)
        self.words.setWordWrap(True)
        self.words.setAccessibleName("Measured cube")
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.orientation, self.gain = QComboBox(), DecimalBox()
        self.orientation.setAccessibleName("Orientation of the cube")
        self.orientation.view().setAccessibleName("Orientations of the cube")
        self.orientation.activated.connect(
            lambda: self.orientation_picked.emit(Orientation(self.orientation.currentData()))
        )
        self.gain.setAccessibleName("Factor applied to the values of the cube")
        self.gain.setKeyboardTracking(False)
        self.gain.valueChanged.connect(self.gain_picked)
        self.again = command_button(
            "Register again", "Determine orientation and gain automatically", self.registration_requested
        )
        self.end = command_button("Stop comparing", "Remove the measured cube", self.removal_requested)
        self.open = command_button(
            "Compare with measured cube…", "Open the measured cube of this photograph", self.open_requested
        )
        self.photograph = command_button(
            "Simulate photograph and reconstruct",
            "Simulate a photograph of the open cube and reconstruct it",
            self.simulation_requested,
        )
        self.measure = command_button(
            "Compute", "Compute the accuracy over all pixels of the image", self.measure_requested
        )
        self.copy = command_button("Copy", "Copy the metrics to the clipboard as a table", self.copy_requested)
        self.table = _table()
        self.conditions = QLabel(CONDITIONS[0].upper() + CONDITIONS[1:] + ".")
        self.conditions.setWordWrap(True)
        self.conditions.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        self._lay_out()
        self.show_measurement(None, ())

    def show_measurement(self, measurement: MeasuredCube | None, possible: Sequence[Orientation]) -> None:
        """Show the measured cube and the orientations that match the photograph."""
        has_cube = measurement is not None
        for widget in (self.controls, self.table, self.conditions):
            widget.setVisible(has_cube)
        for button in (self.measure, self.copy):
            button.setVisible(has_cube)
        if measurement is None:
            self.words.setText(NOTHING)
            return
        for part in (self.orientation, self._gain_row):  # fixed for the cube that was reconstructed
            self._form.setRowVisible(part, not measurement.shown)
        self.again.setHidden(bool(measurement.shown))
        match = measurement.match
        correlation = f", correlation {match.correlation:.3f}" if match.correlation is not None else ""
        other = f" (next best {match.next_best:.2f})" if match.next_best is not None else ""
        self.words.setText(
            " ".join(part for part in (f"{measurement.name}{correlation}{other}.", measurement.remark) if part)
        )
        self.orientation.clear()
        for turn in possible:
            self.orientation.addItem(turn.label[0].upper() + turn.label[1:], turn)
        self.orientation.setCurrentIndex(
            list(possible).index(match.orientation) if match.orientation in possible else -1
        )
        with QSignalBlocker(self.gain):
            decimals = min(max(3 - math.floor(math.log10(match.gain)), 0), 12)
            self.gain.setDecimals(decimals)
            self.gain.setSingleStep(10.0 ** (2 - decimals))
            self.gain.setRange(10.0**-decimals, 1e9)
            self.gain.setValue(match.gain)

    def show_possible(self, can_open: bool, can_photograph: bool) -> None:
        """Show the buttons of the available ways to start a comparison."""
        self.open.setVisible(can_open)
        self.photograph.setVisible(can_photograph)

    def show_figures(
        self, marks: Sequence[Mark], figures: Mapping[MarkGeometry | None, AccuracyMetrics], is_measuring: bool
    ) -> None:
        """Show a row for the image and one for each mark; … for metrics still being computed."""
        self.table.setRowCount(1 + len(marks))
        rows: list[tuple[str, Mark | None, AccuracyMetrics | None]] = [(IMAGE, None, figures.get(None))]
        rows += [(mark.title, mark, figures.get(mark.place)) for mark in marks]
        for at, (title, mark, metrics) in enumerate(rows):
            name = QTableWidgetItem(title)
            if mark is not None:
                name.setIcon(sign_icon(mark.number, mark.colour, mark.symbol))
            self.table.setItem(at, 0, name)
            waiting = ("…" if is_measuring or mark is not None else "",) * len(COLUMNS)
            for column, text in enumerate(cells(metrics) if metrics is not None else waiting, 1):
                item = QTableWidgetItem(text)
                item.setTextAlignment(_UNIT)
                self.table.setItem(at, column, item)
        self.copy.setEnabled(bool(figures))

    def show_can_measure(self, can: bool) -> None:
        """Enable or disable the Compute button."""
        self.measure.setEnabled(can)

    def _lay_out(self) -> None:
        self.controls = QWidget()
        self._form = form = QFormLayout(self.controls)
        self._gain_row = row(self.gain, QLabel("no offset"))
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("&Orientation", self.orientation)
        form.addRow("&Gain", self._gain_row)
        form.addRow("", row(self.again, self.end))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 10)
        layout.setSpacing(10)
        for widget in (self.words, row(self.open, self.photograph), self.controls):
            layout.addWidget(widget)
        layout.addWidget(self.table, 1)
        layout.addWidget(row(self.measure, self.copy))
        layout.addWidget(self.conditions)
        layout.addStretch(0)


def _table() -> QTableWidget:
    table = QTableWidget(0, 1 + len(COLUMNS))
    table.setAccessibleName("Accuracy")
    table.setAccessibleDescription(
        "Error metrics of the reconstruction against the measured cube, for the image and each mark"
    )
    for column, title in enumerate(("Region", *COLUMNS)):
        item = QTableWidgetItem(title)
        item.setTextAlignment(_UNIT if column else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.setHorizontalHeaderItem(column, item)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    quiet(table)
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return table
