"""What to export: the wavelengths of a cube, the resolution of a figure."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.field import SpectralField
from nesr_gui.spectral import Wavelengths


def size_text(size: int) -> str:
    """Bytes for people: 74.4 MB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}" if size < 1000 * scale else f"{size / scale:,.0f} {unit}"
    return f"{size} bytes"


class CubeExportDialog(QDialog):
    """Which wavelengths; says at once what that costs or why it cannot be."""

    def __init__(self, field: SpectralField, resolution: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export cube")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._field = field
        low, high = field.wavelength_range
        self.by_step = QRadioButton("every so many nm")
        self.by_count = QRadioButton("a number of bands")
        self.by_step.setChecked(True)
        self.start, self.stop = _nm_box("First wavelength", low), _nm_box("Last wavelength", high)
        self.step = _nm_box("Distance between two wavelengths", 10.0)
        self.count = QSpinBox()
        self.count.setRange(1, 100_000)
        self.count.setValue(31)
        self.count.setAccessibleName("Number of bands")
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.verdict.setMinimumHeight(3 * self.fontMetrics().height())
        self.verdict.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.buttons = QDialogButtonBox()
        self.go = self.buttons.addButton("Export…", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        for box in (self.start, self.stop, self.step, self.count):
            box.valueChanged.connect(self._judge)
        self.by_step.toggled.connect(self._judge)
        self._lay_out(resolution)
        self._judge()

    def wavelengths(self) -> Wavelengths:
        """What is chosen; ValueError says in a sentence why it cannot be."""
        low, high = self._field.wavelength_range
        start, stop = self.start.value(), self.stop.value()
        if start < low or stop > high:
            raise ValueError(f"this image covers {low:g}-{high:g} nm; asked for {start:g}-{stop:g} nm")
        if self.by_step.isChecked():
            return Wavelengths.every(start, stop, self.step.value())
        if start >= stop and self.count.value() > 1:
            raise ValueError(f"{self.count.value()} bands do not fit between {start:g} and {stop:g} nm")
        return Wavelengths.count(self.count.value(), start, stop)

    def _lay_out(self, resolution: str) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        height, width = self._field.shape
        form.addRow("Resolution", QLabel(f"{width} x {height} pixels ({resolution})".replace(" x ", "×")))
        form.addRow("From", self.start)
        form.addRow("To", self.stop)
        form.addRow(self.by_step, self.step)
        form.addRow(self.by_count, self.count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(14)
        layout.addLayout(form)
        layout.addWidget(self.verdict)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(420)

    def _judge(self) -> None:
        self.step.setEnabled(self.by_step.isChecked())
        self.count.setEnabled(self.by_count.isChecked())
        try:
            bands = self.wavelengths()
        except ValueError as error:
            sentence = str(error)
            self.verdict.setText(sentence[0].upper() + sentence[1:] + ".")
            self.go.setEnabled(False)
            return
        height, width = self._field.shape
        plural, size = "band" if len(bands) == 1 else "bands", size_text(4 * len(bands) * height * width)
        self.verdict.setText(f"{len(bands)} {plural} of {width}×{height} pixels: {size} as float32.")
        self.go.setEnabled(True)


class FigureExportDialog(QDialog):
    """How fine a picture of the plot is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export figure")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dpi = QSpinBox()
        self.dpi.setRange(72, 1200)
        self.dpi.setValue(300)
        self.dpi.setSuffix(" dpi")
        self.dpi.setAccessibleName("Resolution of the picture")
        self.buttons = QDialogButtonBox()
        self.buttons.addButton("Export…", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.addRow("Resolution of a PNG", self.dpi)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(14)
        layout.addLayout(form)
        layout.addWidget(QLabel("The figure is 169×116 mm; an SVG is sharp at any size."))
        layout.addWidget(self.buttons)


def _nm_box(name: str, value: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0.1, 100_000)
    box.setDecimals(1)
    box.setSuffix(" nm")
    box.setValue(value)
    box.setAccessibleName(name)
    return box
