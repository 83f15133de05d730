"""The export dialog: bands, region, quantity, data type and format, with an estimate of size and time."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
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
from nesr_gui.gui.views.widgets import ChoiceDialog, DecimalBox, NumberBox, combo, note
from nesr_gui.io.cubes.export import DTYPES, CubeWriterSource
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, Wavelengths

OWN, STEP, COUNT, LIST, SENSOR = "own", "step", "count", "list", "sensor"
_HINTS = {
    LIST: "450, 550.5, 620  or  400:700:10",
    SENSOR: "NAME:CENTRE/WIDTH in nm, one per line or separated by commas:\nB2:492.4/66, B3:559.8/36",
}
_SHAPES = {BandShape.TABLE: "Published response", BandShape.BOX: "Box", BandShape.GAUSSIAN: "Gaussian"}
_DATA_TYPES = {
    "float32": "32-bit floating point", "float16": "16-bit floating point", "uint16": "16-bit integer, scaled",
}  # fmt: skip
_DARK = 0.01  # no reflectance displayed as white is below it


class BandChoice(QWidget):
    """Form for the bands to export; `changed` is emitted after every change."""

    changed = Signal()
    responses_requested = Signal()  # load a table of spectral responses

    def __init__(self, field: SpectralField, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._field, (self._low, self._high) = field, field.wavelength_range
        self._measured: Sensor | None = None  # sensor loaded from a table
        self._text = {LIST: "", SENSOR: self._text_of(SENSORS["Sentinel-2A"])}
        self.kind = combo("Band selection")
        for name, text in (
            (OWN, f"Bands of the image ({len(field.bands)})"), (STEP, "Constant step"),
            (COUNT, "Number of evenly spaced bands"),
            (LIST, "List of wavelengths"), (SENSOR, "Sensor bands (spectral responses)"),
        ):  # fmt: skip
            self.kind.addItem(text, name)
        self.preset = combo("Preset")
        self.preset.addItem("Choose…")
        self.preset.addItems([*SAMPLINGS, *SENSORS])
        self.start, self.stop = _nm_box("First wavelength", self._low), _nm_box("Last wavelength", self._high)
        self.step = _nm_box("Wavelength step", 10.0)
        self.count = QSpinBox()
        self.count.setRange(1, 100_000)
        self.count.setValue(31)
        self.count.setAccessibleName("Number of bands")
        self.text = QPlainTextEdit()
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("List of wavelengths or bands")
        self.text.setMinimumHeight(6 * self.fontMetrics().height())
        self.paste, self.responses = QPushButton("&Paste"), QPushButton("&Responses…")
        for button in (self.paste, self.responses):
            button.setAutoDefault(False)  # Enter exports
        self.paste.setAccessibleName("Paste from the clipboard")
        self.responses.setAccessibleName("Load a table of spectral responses")
        self.responses.setToolTip("Load a text table: a column of wavelengths, then a column of responses per band")
        self.shape = combo("Band shape")
        for shape, label in _SHAPES.items():
            self.shape.addItem(label, shape)
        self._lay_out()
        self._connect()
        self._show_kind()

    def bands(self) -> Wavelengths | Sensor | None:
        """The chosen bands; None for those of the image.

        Raises:
            ValueError: the choice is invalid.
        """
        kind, start, stop = self.kind.currentData(), self.start.value(), self.stop.value()
        if kind == OWN:
            return None
        if kind == STEP:
            return Wavelengths.from_step(start, stop, self.step.value())
        if kind == COUNT:
            if start >= stop and self.count.value() > 1:
                raise ValueError(
                    f"{self.count.value()} bands do not fit between {start:g} and {stop:g} nm; choose a larger range"
                )
            return Wavelengths.evenly_spaced(self.count.value(), start, stop)
        text = self.text.toPlainText()
        if kind == LIST:
            if not text.strip():
                raise ValueError("no wavelengths are listed; enter them in nm, for example 450, 550.5")
            return Wavelengths.parse(re.sub(r"[\s,;]+", ",", text.strip().strip(",;")))
        if self._measured is not None:
            return self._measured
        shape, preset = BandShape(self.shape.currentData()), self._preset()
        return preset.shaped(shape) if preset is not None else Sensor.parse(text, shape)

    def show_sensor(self, sensor: Sensor) -> None:
        """Use a sensor loaded from a table; editing its text turns it into centres and widths."""
        self._fill(SENSOR, str(sensor))
        self._measured = sensor
        self.changed.emit()

    def choices(self) -> dict[str, Any]:
        """The choices as plain values, to be saved."""
        self._text[self.kind.currentData()] = self.text.toPlainText()
        preset = self._preset()
        return {
            "kind": self.kind.currentData(), "step": self.step.value(), "count": self.count.value(),
            "list": self._text[LIST], "sensor": preset.name if preset is not None else self._text[SENSOR],
            "shape": str(self.shape.currentData()),
        }  # fmt: skip

    def restore(self, saved: dict[str, Any]) -> None:
        """Restore saved choices where valid; the wavelength range stays that of the image.

        Raises:
            ValueError: the saved bands are not bands of this image, whose own bands are chosen instead.
        """
        self.step.setValue(float(saved.get("step", self.step.value())))
        self.count.setValue(int(saved.get("count", self.count.value())))
        self._text |= {LIST: str(saved.get("list", ""))}
        if (name := saved.get("sensor")) in SENSORS:
            self._text[SENSOR] = self._text_of(SENSORS[name])
        elif name:
            self._text[SENSOR] = str(name)
        self.shape.setCurrentIndex(max(self.shape.findData(saved.get("shape")), 0))
        self.kind.setCurrentIndex(max(self.kind.findData(saved.get("kind")), 0))
        try:
            ExportPlan(self.bands()).prepared(self._field)
        except ValueError:
            self.kind.setCurrentIndex(0)
            raise

    def _preset(self) -> Sensor | None:
        """The preset sensor whose bands the text still lists, so that its responses and provenance are kept."""
        text = self._text[SENSOR].strip()
        return next((sensor for sensor in SENSORS.values() if self._text_of(sensor) == text), None)

    def _text_of(self, sensor: Sensor) -> str:
        """The bands of a sensor that lie within the range of the image, or all if none does."""
        try:
            return str(sensor.within(self._field))
        except ValueError:
            return str(sensor)

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
            ("&Bands", self.kind), ("Pr&eset", self.preset), ("Fro&m", self.start), ("T&o", self.stop),
            ("Step", self.step), ("&Number", self.count), (self._label, self.text), ("", buttons),
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
        self.responses.clicked.connect(self.responses_requested)

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
            self._fill(SENSOR, self._text_of(SENSORS[name]))
            self.shape.setCurrentIndex(self.shape.findData(BandShape.TABLE))
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
        if self.shape.currentData() == BandShape.TABLE and self._preset() is None:  # it has no published responses
            self.shape.setCurrentIndex(self.shape.findData(BandShape.GAUSSIAN))
        self.changed.emit()


def _nm_box(name: str, value: float) -> DecimalBox:
    box = DecimalBox()
    box.setRange(0.1, 100_000)
    box.setDecimals(2)
    box.setSuffix(" nm")
    box.setValue(value)
    box.setAccessibleName(name)
    return box


@dataclass(frozen=True, eq=False)
class ExportContext:
    """What can be exported: the field with its resolution, named regions, and the current illuminant.

    `highest` is the value displayed as white; 16-bit integers must be able to store several times as much.
    """

    field: SpectralField
    resolution: str = "full resolution"
    regions: tuple[tuple[str, Region], ...] = ()
    light: Illuminant = Illuminant("D65")  # noqa: RUF009  (it is frozen)
    highest: float = 1.0


class CubeExportDialog(ChoiceDialog):
    """All settings of an `ExportPlan` and the file format; requests an estimate for each valid plan."""

    estimate_requested = Signal(object)  # ExportPlan

    def __init__(self, context: ExportContext, parent: QWidget | None = None) -> None:
        super().__init__("Export cube", "Export…", parent, lines=3)
        self._context, self._plan = context, ExportPlan()
        self.bands = BandChoice(context.field)
        self.region, self.quantity = combo("Region"), combo("Quantity")
        self.only_region = _check("Mask pixels outside the region")
        self.numbers, self.format = combo("Data type"), combo("Format")
        self.scale = NumberBox()
        self.scale.setRange(1e-20, 1e6)
        self.scale.setSingleStep(default_scale(context.highest))
        self.scale.setValue(default_scale(context.highest))
        self.scale.setAccessibleName("Scale factor of integers")
        self.error_band = _check("Include 90 % prediction interval")
        self.carries, self.notes = note(2), note(1)
        self.notes.hide()
        self._fill()
        self._lay_out()
        self.bands.changed.connect(self._validate)
        for box in (self.region, self.quantity, self.numbers):
            box.currentIndexChanged.connect(self._validate)
        for check in (self.only_region, self.error_band):
            check.toggled.connect(self._validate)
        self.scale.valueChanged.connect(self._validate)
        self.format.currentIndexChanged.connect(self._show_format)
        self._show_format()

    def plan(self) -> ExportPlan:
        """The chosen plan.

        Raises:
            ValueError: a choice is invalid.
        """
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
        """The chosen file format."""
        file_format: io.Format = self.format.currentData()
        return file_format

    def show_estimate(self, plan: ExportPlan, estimate: Estimate) -> None:
        """Show the estimated time of a plan, if it is still the current one."""
        if plan is self._plan and self.accept_button.isEnabled():
            self.summary.setText(f"{self._size}; estimated time {format_duration(estimate.seconds)}.")

    def choices(self) -> dict[str, Any]:
        """The choices as plain values, to be saved; regions are specific to an image and omitted."""
        return {
            "bands": self.bands.choices(), "numbers": self.numbers.currentData(), "scale": self.scale.value(),
            "format": self.file_format().name, "error_band": self.error_band.isChecked(),
            "quantity": self._context.field.quantity.value,
        }  # fmt: skip

    def restore(self, saved: dict[str, Any]) -> None:
        """Restore saved choices where valid, and note those that do not apply to this image."""
        omitted = []
        try:
            self.bands.restore(saved.get("bands", {}))
        except ValueError:
            low, high = self._context.field.wavelength_range
            omitted.append(f"the bands, as they are not within this image's {low:g}-{high:g} nm")
        self.format.setCurrentIndex(max(self.format.findText(str(saved.get("format"))), 0))
        self.numbers.setCurrentIndex(max(self.numbers.findData(saved.get("numbers")), 0))
        scale, quantity = float(saved.get("scale", self.scale.value())), self._context.field.quantity
        if saved.get("quantity", quantity.value) == quantity.value and 65534 * scale >= self._context.highest:
            self.scale.setValue(scale)
        elif self.numbers.currentData() == "uint16":
            omitted.append("the scale factor, as it does not suit the values of this image")
        self.notes.setText(f"Not kept from the last export: {'; '.join(omitted)}.")
        self.notes.setVisible(bool(omitted))
        self.error_band.setChecked(bool(saved.get("error_band", False)))
        self._validate()

    def _fill(self) -> None:
        self.region.addItem("Whole image", None)
        for title, region in self._context.regions:
            self.region.addItem(title, region)
        self.quantity.addItem(self._context.field.quantity.label.capitalize(), None)
        if self._context.field.quantity is Quantity.REFLECTANCE:
            lights = {light.name: light for light in (self._context.light, *map(Illuminant, ILLUMINANTS))}
            for name, light in lights.items():
                meaning = f" ({ILLUMINANTS[name]})" if name in ILLUMINANTS else ""
                self.quantity.addItem(f"Radiance under {name}{meaning}", light)
        for row in io.written_formats():
            self.format.addItem(row.name, row)

    def _lay_out(self) -> None:
        rows = (
            ("Pixels", QLabel(self._pixels())),
            ("Re&gion", self.region),
            ("", self.only_region),
        )
        layout = QGridLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setHorizontalSpacing(14)
        layout.setVerticalSpacing(12)
        layout.addWidget(_group("Wavelengths", (("", self.bands),)), 0, 0, 3, 1)
        layout.addWidget(_group("Image", rows), 0, 1)
        layout.addWidget(_group("Values", (
            ("&Quantity", self.quantity), ("&Data type", self.numbers), ("Sc&ale", self.scale), ("", self.error_band),
        )), 1, 1)  # fmt: skip
        layout.addWidget(_group("File", (("&Format", self.format), ("", self.carries))), 2, 1)
        layout.addWidget(self.notes, 3, 0, 1, 2)
        layout.addWidget(self.summary, 4, 0, 1, 2)
        layout.addWidget(self.buttons, 5, 0, 1, 2)
        for column in (0, 1):
            layout.setColumnStretch(column, 1)
            layout.setColumnMinimumWidth(column, 360)
        self.setMinimumWidth(780)
        self.bands.kind.setFocus()

    def _pixels(self) -> str:
        (height, width), resolution = self._context.field.shape, self._context.resolution
        return resolution if "×" in resolution else f"{width}×{height}, {resolution}"

    def _show_format(self) -> None:
        """List the data types of the format, and what else it stores."""
        chosen, before = self.file_format(), self.numbers.currentData()
        self.numbers.blockSignals(True)
        self.numbers.clear()
        for dtype in (dtype for dtype in DTYPES if dtype in chosen.dtypes):
            self.numbers.addItem(_DATA_TYPES[dtype], dtype)
        self.numbers.setCurrentIndex(max(self.numbers.findData(before), 0))
        self.numbers.blockSignals(False)
        where = "a JSON file beside it" if chosen.described_beside else "the file"
        interval = "supported" if chosen.holds_bounds else "not supported"
        if chosen.holds_coefficients:
            interval = "of a model included"
        extension = f"Extension {chosen.ending}" if chosen.ending else "Folder"
        self.carries.setText(f"{extension}; metadata in {where}; prediction interval {interval}.")
        self._validate()

    def _validate(self) -> None:
        """Show the size of the export, or why the choices are invalid."""
        self.scale.setEnabled(self.numbers.currentData() == "uint16")
        self.only_region.setEnabled(self.region.currentData() is not None)
        is_calibrated = isinstance(self._context.field, CalibratedField)
        self.error_band.setEnabled(is_calibrated and self.file_format().holds_bounds)
        if self.validate(self._describe):
            self.estimate_requested.emit(self._plan)

    def _describe(self) -> str:
        plan = self.plan()
        coefficients = self.file_format().holds_coefficients
        self._size = _size(plan.prepared(self._context.field, as_coefficients=coefficients))
        self._plan = plan
        return f"{self._size}; estimating time…"


def default_scale(highest: float) -> float:
    """Scale factor of 16-bit integers, a power of ten that stores five times `highest`, the value of white."""
    if highest <= 0:
        return 1e-4
    power = math.ceil(math.log10(5 * highest / 65534))
    return 10.0 ** (max(power, -4) if highest >= _DARK else power)


def _size(export: CubeWriterSource) -> str:
    missing = getattr(export.field, "missing_text", str)()
    selection = getattr(export.field, "selection_text", str)()
    notes = "; ".join(part for part in (selection, missing) if part)
    note = f" ({notes})" if notes else ""
    return f"{export.contents}{note}, {format_size(export.nbytes)}"


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
