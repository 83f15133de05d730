"""What of an image to export, at which bands, as what, and how it is stored, with what that comes to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from nesr_gui import io
from nesr_gui.colorimetry.viewing_conditions import ILLUMINANTS, Illuminant
from nesr_gui.export import Estimate, ExportPlan, format_duration, format_size
from nesr_gui.fields.protocol import CalibratedField, SpectralField
from nesr_gui.fields.sensor import SAMPLINGS, SENSORS, BandShape, Sensor
from nesr_gui.gui.views.widgets import ChoiceDialog, combo, note
from nesr_gui.io.cubes.export import DTYPES, CubeWriterSource
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, Wavelengths

OWN, STEP, COUNT, LIST, SENSOR = "own", "step", "count", "list", "sensor"
_HINTS = {
    LIST: "450, 550.5, 620  or  400:700:10",
    SENSOR: "NAME:CENTRE/WIDTH in nm, one a line or parted by commas:\nB2:492.4/66, B3:559.8/36",
}
_NUMBERS = {
    "float32": "32-bit floating point", "float16": "16-bit floating point", "uint16": "16-bit whole numbers, scaled",
}  # fmt: skip


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
            return Wavelengths.from_step(start, stop, self.step.value())
        if kind == COUNT:
            if start >= stop and self.count.value() > 1:
                raise ValueError(f"{self.count.value()} bands do not fit between {start:g} and {stop:g} nm")
            return Wavelengths.evenly_spaced(self.count.value(), start, stop)
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


@dataclass(frozen=True, eq=False)
class Offer:
    """What can be exported: the field and how it is worked at, parts of the image by name, and the light that is on."""

    field: SpectralField
    resolution: str = "full resolution"
    regions: tuple[tuple[str, Region], ...] = ()
    light: Illuminant = Illuminant("D65")  # noqa: RUF009  (it is frozen)


class CubeExportDialog(ChoiceDialog):
    """Every choice of an `ExportPlan`, and the format; announces plans whose time should be measured."""

    estimate_asked = Signal(object)  # ExportPlan

    def __init__(self, offer: Offer, parent: QWidget | None = None) -> None:
        super().__init__("Export cube", "Export…", parent, lines=3)
        self._offer, self._asked = offer, ExportPlan()
        self.bands = BandChoice(offer.field)
        self.region, self.quantity = combo("Part of the image"), combo("What the numbers are")
        self.only_region = _check("No values outside the region")
        self.numbers, self.format = combo("Numbers"), combo("Format")
        self.scale = QDoubleSpinBox()
        self.scale.setDecimals(8)
        self.scale.setRange(1e-8, 1e6)
        self.scale.setSingleStep(1e-4)
        self.scale.setValue(1e-4)
        self.scale.setAccessibleName("Scale of whole numbers")
        self.error_band = _check("With the error band (90 %)")
        self.carries = note(2)
        self._fill()
        self._lay_out()
        self.bands.changed.connect(self._judge)
        for box in (self.region, self.quantity, self.numbers):
            box.currentIndexChanged.connect(self._judge)
        for check in (self.only_region, self.error_band):
            check.toggled.connect(self._judge)
        self.scale.valueChanged.connect(self._judge)
        self.format.currentIndexChanged.connect(self._show_format)
        self._show_format()

    def plan(self) -> ExportPlan:
        """What is chosen; ValueError says in a sentence why it cannot be."""
        dtype = self.numbers.currentData() or DTYPES[0]
        is_masked = self.only_region.isEnabled() and self.only_region.isChecked()
        has_band = self.error_band.isEnabled() and self.error_band.isChecked()
        return ExportPlan(
            self.bands.bands(),
            self.quantity.currentData(),
            self.region.currentData(),
            is_masked,
            io.StorageEncoding(dtype, self.scale.value() if dtype == "uint16" else 1e-4, has_band),
        )

    def file_format(self) -> io.Format:
        """The format of the file."""
        chosen: io.Format = self.format.currentData()
        return chosen

    def show_estimate(self, plan: ExportPlan, estimate: Estimate) -> None:
        """Tell how long a plan will take, if it is still the one."""
        if plan is self._asked and self.go.isEnabled():
            self.verdict.setText(
                f"{self._size}: {format_duration(estimate.seconds)} to compute on this machine, as measured."
            )

    def choices(self) -> dict[str, Any]:
        """What is chosen, as plain values to be remembered; a part of one image means nothing in another."""
        return {
            "bands": self.bands.choices(), "numbers": self.numbers.currentData(), "scale": self.scale.value(),
            "format": self.file_format().name, "error_band": self.error_band.isChecked(),
        }  # fmt: skip

    def restore(self, known: dict[str, Any]) -> None:
        """Choose what was chosen before, as far as it is known."""
        self.bands.restore(known.get("bands", {}))
        self.format.setCurrentIndex(max(self.format.findText(str(known.get("format"))), 0))
        self.numbers.setCurrentIndex(max(self.numbers.findData(known.get("numbers")), 0))
        self.scale.setValue(float(known.get("scale", 1e-4)))
        self.error_band.setChecked(bool(known.get("error_band", False)))
        self._judge()

    def _fill(self) -> None:
        self.region.addItem("All of it", None)
        for title, region in self._offer.regions:
            self.region.addItem(title, region)
        self.quantity.addItem(str(self._offer.field.quantity).capitalize(), None)
        if self._offer.field.quantity is Quantity.REFLECTANCE:
            lights = {light.name: light for light in (self._offer.light, *map(Illuminant, ILLUMINANTS))}
            for name, light in lights.items():
                meaning = f" ({ILLUMINANTS[name]})" if name in ILLUMINANTS else ""
                self.quantity.addItem(f"Radiance under {name}{meaning}", light)
        for row in io.written_formats():
            self.format.addItem(row.name, row)

    def _lay_out(self) -> None:
        rows = (
            ("Pixels", QLabel(self._pixels())),
            ("Par&t", self.region),
            ("", self.only_region),
        )
        layout = QGridLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setHorizontalSpacing(14)
        layout.setVerticalSpacing(12)
        layout.addWidget(_group("Wavelengths", (("", self.bands),)), 0, 0, 3, 1)
        layout.addWidget(_group("Image", rows), 0, 1)
        layout.addWidget(_group("Values", (
            ("&Quantity", self.quantity), ("N&umbers", self.numbers), ("Sc&ale", self.scale), ("", self.error_band),
        )), 1, 1)  # fmt: skip
        layout.addWidget(_group("File", (("&Format", self.format), ("", self.carries))), 2, 1)
        layout.addWidget(self.verdict, 3, 0, 1, 2)
        layout.addWidget(self.buttons, 4, 0, 1, 2)
        for column in (0, 1):
            layout.setColumnStretch(column, 1)
            layout.setColumnMinimumWidth(column, 360)
        self.setMinimumWidth(780)
        self.bands.kind.setFocus()

    def _pixels(self) -> str:
        (height, width), resolution = self._offer.field.shape, self._offer.resolution
        return resolution if "×" in resolution else f"{width}×{height}, {resolution}"

    def _show_format(self) -> None:
        """Offer the numbers that a format can store, and say what else it carries."""
        chosen, before = self.file_format(), self.numbers.currentData()
        self.numbers.blockSignals(True)
        self.numbers.clear()
        for dtype in (dtype for dtype in DTYPES if dtype in chosen.dtypes):
            self.numbers.addItem(_NUMBERS[dtype], dtype)
        self.numbers.setCurrentIndex(max(self.numbers.findData(before), 0))
        self.numbers.blockSignals(False)
        where = "stand in a JSON beside the numbers" if chosen.described_beside else "stand in it"
        band = "it can hold an error band" if chosen.holds_bounds else "no error band"
        name = f"Ends in {chosen.ending}" if chosen.ending else "A folder"
        self.carries.setText(f"{name}. Wavelengths, quantity and origin {where}; {band}.")
        self._judge()

    def _judge(self) -> None:
        """Say what the choices come to, or why they cannot be."""
        self.scale.setEnabled(self.numbers.currentData() == "uint16")
        self.only_region.setEnabled(self.region.currentData() is not None)
        is_calibrated = isinstance(self._offer.field, CalibratedField)
        self.error_band.setEnabled(is_calibrated and self.file_format().holds_bounds)
        if self.judge(self._say):
            self.estimate_asked.emit(self._asked)

    def _say(self) -> str:
        plan = self.plan()
        self._size = _size(plan.prepared(self._offer.field))
        self._asked = plan
        return f"{self._size}; measuring how long it will take…"


def _size(export: CubeWriterSource) -> str:
    bands, height, width = export.shape
    plural = "band" if bands == 1 else "bands"
    missing = getattr(export.field, "missing_text", str)()
    said = f" ({missing})" if missing else ""
    return f"{bands} {plural} of {width}×{height} pixels{said}, {format_size(export.nbytes)}"


def _group(title: str, rows: tuple[tuple[str, QWidget], ...]) -> QGroupBox:
    group = QGroupBox(title)
    form = QFormLayout(group)
    form.setHorizontalSpacing(14)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for label, widget in rows:
        if label:
            form.addRow(label, widget)
        else:
            form.addRow(widget)
    return group


def _check(text: str) -> QCheckBox:
    box = QCheckBox(text)
    box.setAccessibleName(text)
    return box
