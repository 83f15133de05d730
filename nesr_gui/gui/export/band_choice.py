"""Which bands a cube shall have: the image's own, evenly spaced ones, a list, or those of a sensor."""

from __future__ import annotations

import re
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QApplication,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from nesr_gui.fields.protocol import SpectralField
from nesr_gui.fields.sensor import SAMPLINGS, SENSORS, BandShape, Sensor
from nesr_gui.gui.forms import combo
from nesr_gui.spectral import Wavelengths

OWN, STEP, COUNT, LIST, SENSOR = "own", "step", "count", "list", "sensor"
_HINTS = {
    LIST: "450, 550.5, 620  or  400:700:10",
    SENSOR: "NAME:CENTRE/WIDTH in nm, one a line or parted by commas:\nB2:492.4/66, B3:559.8/36",
}


class BandChoice(QWidget):
    """The form; `changed` after every change, `bands` is what it says then."""

    changed = Signal()
    responses_asked = Signal()  # a table of responses from a file

    def __init__(self, field: SpectralField, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high = field.wavelength_range
        self._measured: Sensor | None = None  # a sensor that was read from a table
        self._text = {LIST: "", SENSOR: str(SENSORS["Sentinel-2A"])}
        self.kind = combo("Kind of bands")
        for name, text in (
            (OWN, f"The image's own ({len(field.bands)})"), (STEP, "Every so many nm"), (COUNT, "A number, evenly"),
            (LIST, "A list of wavelengths"), (SENSOR, "Bands of a sensor, integrated"),
        ):  # fmt: skip
            self.kind.addItem(text, name)
        self.preset = combo("Preset")
        self.preset.addItem("choose…")
        self.preset.addItems([*SAMPLINGS, *SENSORS])
        self.start, self.stop = _nm_box("First wavelength", self._low), _nm_box("Last wavelength", self._high)
        self.step = _nm_box("Distance between two wavelengths", 10.0)
        self.count = QSpinBox()
        self.count.setRange(1, 100_000)
        self.count.setValue(31)
        self.count.setAccessibleName("Number of bands")
        self.text = QPlainTextEdit()
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("Wavelengths or bands, as text")
        self.text.setMinimumHeight(6 * self.fontMetrics().height())
        self.paste, self.responses = QPushButton("&Paste"), QPushButton("&Responses…")
        for button in (self.paste, self.responses):
            button.setAutoDefault(False)  # Enter exports
        self.paste.setAccessibleName("Take the text from the clipboard")
        self.responses.setAccessibleName("Read a table of responses")
        self.responses.setToolTip("A table of text: wavelengths, then a column of responses for each band")
        self.shape = combo("Shape of the bands")
        for shape in (BandShape.BOX, BandShape.GAUSSIAN):
            self.shape.addItem(shape, shape)
        self._lay_out()
        self._connect()
        self._show_kind()

    def bands(self) -> Wavelengths | Sensor | None:
        """What is chosen; ValueError says in a sentence why it cannot be."""
        kind, start, stop = self.kind.currentData(), self.start.value(), self.stop.value()
        if kind == OWN:
            return None
        if kind == STEP:
            return Wavelengths.every(start, stop, self.step.value())
        if kind == COUNT:
            if start >= stop and self.count.value() > 1:
                raise ValueError(f"{self.count.value()} bands do not fit between {start:g} and {stop:g} nm")
            return Wavelengths.count(self.count.value(), start, stop)
        text = self.text.toPlainText()
        if kind == LIST:
            if not text.strip():
                raise ValueError("no wavelength is listed; write them in nm, as in 450, 550.5")
            return Wavelengths.parse(re.sub(r"[\s,;]+", ",", text.strip().strip(",;")))
        if self._measured is not None:
            return self._measured
        return self._named() or Sensor.parse(text, BandShape(self.shape.currentData()))

    def show_sensor(self, sensor: Sensor) -> None:
        """Take a sensor that was read from a table; changing its text makes it a list of centres and widths."""
        self._fill(SENSOR, str(sensor))
        self._measured = sensor
        self.changed.emit()

    def choices(self) -> dict[str, Any]:
        """What is chosen, as plain values to be remembered."""
        self._text[self.kind.currentData()] = self.text.toPlainText()
        return {
            "kind": self.kind.currentData(), "step": self.step.value(), "count": self.count.value(),
            "list": self._text[LIST], "sensor": self._text[SENSOR], "shape": str(self.shape.currentData()),
        }  # fmt: skip

    def restore(self, known: dict[str, Any]) -> None:
        """Choose what was chosen before, as far as it is known; first and last wavelength are the image's."""
        self.step.setValue(float(known.get("step", self.step.value())))
        self.count.setValue(int(known.get("count", self.count.value())))
        self._text |= {LIST: str(known.get("list", "")), SENSOR: str(known.get("sensor", self._text[SENSOR]))}
        self.shape.setCurrentIndex(max(self.shape.findData(known.get("shape")), 0))
        self.kind.setCurrentIndex(max(self.kind.findData(known.get("kind")), 0))

    def _named(self) -> Sensor | None:
        """The sensor of a preset, whose source then is known, where the text is still that."""
        shape = BandShape(self.shape.currentData())
        same = (sensor for sensor in SENSORS.values() if str(sensor) == self.text.toPlainText().strip())
        return next((sensor.shaped(shape) for sensor in same), None)

    def _lay_out(self) -> None:
        buttons = QWidget()
        buttons.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.paste)
        row.addWidget(self.responses)
        row.addStretch(1)
        self._buttons, self._label = buttons, QLabel()
        self._label.setBuddy(self.text)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(14)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows: tuple[tuple[str | QLabel, QWidget], ...] = (
            ("&Bands", self.kind), ("Pr&eset", self.preset), ("Fro&m", self.start), ("Unti&l", self.stop),
            ("E&very", self.step), ("&Number", self.count), (self._label, self.text), ("", buttons),
            ("&Shape", self.shape),
        )  # fmt: skip
        for label, widget in rows:
            self._form.addRow(label, widget)

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(self._show_kind)
        self.preset.activated.connect(self._take_preset)
        for box in (self.start, self.stop, self.step):
            box.valueChanged.connect(self.changed)
        self.count.valueChanged.connect(self.changed)
        self.shape.currentIndexChanged.connect(self._forget_table)
        self.text.textChanged.connect(self._forget_table)
        self.paste.clicked.connect(lambda: self.text.setPlainText(QApplication.clipboard().text()[:200_000]))
        self.responses.clicked.connect(self.responses_asked)

    def _show_kind(self) -> None:
        kind = self.kind.currentData()
        evenly, typed = kind in (STEP, COUNT), kind in (LIST, SENSOR)
        for widget, visible in (
            (self.start, evenly), (self.stop, evenly), (self.step, kind == STEP), (self.count, kind == COUNT),
            (self.text, typed), (self._buttons, typed), (self.shape, kind == SENSOR),
        ):  # fmt: skip
            self._form.setRowVisible(widget, visible)
        self.responses.setVisible(kind == SENSOR)
        if typed:
            self._label.setText("&Wavelengths" if kind == LIST else "Centres, &widths")
            self.text.setPlaceholderText(_HINTS[kind])
            self.text.setPlainText(self._text[kind])
        self.changed.emit()

    def _take_preset(self, index: int) -> None:
        name = self.preset.currentText()
        if name in SENSORS:
            self.shape.setCurrentIndex(self.shape.findData(SENSORS[name].bands[0].shape))
            self._fill(SENSOR, str(SENSORS[name]))
        elif name in SAMPLINGS:
            nm = SAMPLINGS[name].nm
            for box, value in ((self.start, nm[0]), (self.stop, nm[-1]), (self.step, nm[1] - nm[0])):
                box.setValue(float(value))
            self.kind.setCurrentIndex(self.kind.findData(STEP))
        self.preset.setCurrentIndex(0)

    def _fill(self, kind: str, text: str) -> None:
        self._text[kind] = text
        self.kind.setCurrentIndex(self.kind.findData(kind))
        self.text.setPlainText(text)

    def _forget_table(self) -> None:
        self._measured = None
        if (kind := self.kind.currentData()) in self._text:
            self._text[kind] = self.text.toPlainText()
        self.changed.emit()


def _nm_box(name: str, value: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0.1, 100_000)
    box.setDecimals(2)
    box.setSuffix(" nm")
    box.setValue(value)
    box.setAccessibleName(name)
    return box
