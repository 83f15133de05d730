"""The light and camera panel: illuminant and observer for rendering reflectance."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from nesr_gui.colorimetry.viewing_conditions import (
    CIE_1931,
    CIE_1964,
    ILLUMINANTS,
    KELVIN_RANGES,
    Illuminant,
    IlluminantKind,
    Observer,
    ViewingConditions,
)
from nesr_gui.gui.views.widgets import row
from nesr_gui.spectral import Quantity

_TEMPERATURES = {
    IlluminantKind.DAYLIGHT: "Daylight, by temperature",
    IlluminantKind.BLACKBODY: "Blackbody, by temperature",
}


class ViewingConditionsPanel(QWidget):
    """Shows the viewing conditions; signals changes and requests to load a light, a camera or a white."""

    viewing_picked = Signal(object)  # ViewingConditions
    light_file_requested = Signal()  # load an illuminant
    camera_file_requested = Signal()  # load camera sensitivities
    white_requested = Signal()  # use the active mark as white reference

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewing = ViewingConditions.default()
        self.light, self.observer, self.kelvin = QComboBox(), QComboBox(), QSpinBox()
        for box, name in ((self.light, "Light"), (self.observer, "Observer")):
            box.setAccessibleName(name)
            box.view().setAccessibleName(f"{name}s")
        self.kelvin.setAccessibleName("Colour temperature of the light")
        self.kelvin.setSuffix(" K")
        self.kelvin.setSingleStep(100)
        self.kelvin.setKeyboardTracking(False)
        self.load_light = _button("Load…", "Load an illuminant", "Load a table of wavelength and spectral power")
        self.load_camera = _button("Load…", "Load camera sensitivities", "Load a table of wavelength, R, G and B")
        self.reset = _button(
            "Reset to D65, 2°", "Reset light and observer", "Reset to the light and observer used for photographs"
        )
        self.white = _button("Use active mark as white", "Use the active mark as white reference",
                             "Express all spectra relative to the spectrum of the active mark")  # fmt: skip
        self.note = QLabel()
        self.note.setWordWrap(True)
        self._fill()
        self.light.activated.connect(self._pick_light)
        self.kelvin.valueChanged.connect(self._pick_kelvin)
        self.observer.activated.connect(self._pick_observer)
        self.load_light.clicked.connect(self.light_file_requested)
        self.load_camera.clicked.connect(self.camera_file_requested)
        self.white.clicked.connect(self.white_requested)
        self.reset.clicked.connect(lambda: self.viewing_picked.emit(ViewingConditions.default()))
        self._lay_out()
        self.show_viewing(self._viewing)
        self.show_quantity(None, None, False)

    def show_viewing(self, viewing: ViewingConditions) -> None:
        """Show the current viewing conditions without emitting signals."""
        self._viewing = viewing
        blocked = [QSignalBlocker(widget) for widget in (self.light, self.observer, self.kelvin)]
        light = viewing.light
        if light.kind is IlluminantKind.FILE:
            _offer(self.light, light.name, light)
        key = light.kind if light.kind in _TEMPERATURES else light
        self.light.setCurrentIndex(next(i for i in range(self.light.count()) if self.light.itemData(i) == key))
        if light.kind in _TEMPERATURES:
            low, high = KELVIN_RANGES[light.kind]
            self.kelvin.setRange(int(low), int(high))
            self.kelvin.setValue(round(light.kelvin))
        self._form.setRowVisible(self.kelvin, light.kind in _TEMPERATURES)
        _offer(self.observer, viewing.observer.name, viewing.observer)
        del blocked
        self.reset.setEnabled(viewing != ViewingConditions.default())
        self._show_note()

    def show_quantity(self, quantity: Quantity | None, white: str | None, can_take_white: bool) -> None:
        """Show the options for a quantity.

        Args:
            quantity: of the open image; None without one.
            white: name of the white reference, if any.
            can_take_white: whether the active mark can be the white reference.
        """
        self._quantity, self._white = quantity, white
        self.white.setVisible(quantity not in (None, Quantity.REFLECTANCE))
        self.white.setEnabled(can_take_white)
        has_colours = quantity is None or quantity.is_relative or white is not None
        for widget in (self.light, self.observer, self.kelvin, self.load_light, self.load_camera):
            widget.setEnabled(has_colours)
        self._show_note()

    def _show_note(self) -> None:
        quantity, parts = getattr(self, "_quantity", None), []
        if quantity not in (None, Quantity.REFLECTANCE):
            if self._white is not None:
                parts.append(f"Relative to the white reference {self._white}.")
            elif quantity is Quantity.RADIANCE:
                parts.append(
                    "This image contains radiance, which includes the light of the scene. To render it under another "
                    "light, mark a white patch, make it the active mark, and use it as white."
                )
            else:
                parts.append(
                    "The file does not state what its values are; for colours they are taken as reflectance. If they "
                    "are radiance, mark a white patch, make it the active mark, and use it as white."
                )
        if self._viewing.observer.is_camera:
            parts.append(
                "Swatches show the R, G and B of the camera; xy, L*a*b* and ΔE are for the CIE 1931 2° observer."
            )
        else:
            parts.append("Colours are chromatically adapted to the light (Bradford).")
        self.note.setText("\n\n".join(parts))

    def _fill(self) -> None:
        for name, meaning in ILLUMINANTS.items():
            self.light.addItem(f"{name}  {meaning}", Illuminant(name))
        for kind, text in _TEMPERATURES.items():
            self.light.addItem(text, kind)
        for observer in (CIE_1931, CIE_1964):
            self.observer.addItem(observer.name, observer)

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(12)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._form.addRow("Light", row(self.light, self.load_light, is_filled=True))
        self._form.addRow("Temperature", self.kelvin)
        self._form.addRow("Observer", row(self.observer, self.load_camera, is_filled=True))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(10)
        layout.addLayout(self._form)
        layout.addWidget(self.note)
        layout.addWidget(self.white)
        layout.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch(1)
        for box in (self.light, self.observer):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(10)

    def _pick_light(self) -> None:
        data = self.light.currentData()
        if data in _TEMPERATURES:
            data = Illuminant.daylight(5000) if data is IlluminantKind.DAYLIGHT else Illuminant.blackbody(3000)
        self.viewing_picked.emit(ViewingConditions(data, self._viewing.observer))

    def _pick_kelvin(self, kelvin: int) -> None:
        make = Illuminant.daylight if self._viewing.light.kind is IlluminantKind.DAYLIGHT else Illuminant.blackbody
        self.viewing_picked.emit(ViewingConditions(make(float(kelvin)), self._viewing.observer))

    def _pick_observer(self) -> None:
        observer: Observer = self.observer.currentData()
        self.viewing_picked.emit(ViewingConditions(self._viewing.light, observer))


def _offer(box: QComboBox, name: str, data: object) -> None:
    """Select the entry of `data`, adding it if missing."""
    index = next((i for i in range(box.count()) if box.itemData(i) == data), -1)
    if index < 0:
        box.addItem(name, data)
        index = box.count() - 1
    box.setCurrentIndex(index)


def _button(text: str, name: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    return button
