"""Small dialogs: false-colour wavelengths, figure resolution and sweep export."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QSpinBox, QWidget

from nesr_gui.gui.figures.sweep import ENDINGS, Sweep, missing_for
from nesr_gui.gui.model.view_settings import SPEEDS
from nesr_gui.gui.views.widgets import ChoiceDialog, SliderSpinBox, form

Three = tuple[float, float, float]


class FalseColourDialog(ChoiceDialog):
    """Signals each change of the wavelengths, so that the image updates immediately."""

    wavelengths_picked = Signal(object)  # (red, green, blue) nm

    def __init__(self, nm_range: tuple[float, float], wavelengths: Three, parent: QWidget | None = None) -> None:
        super().__init__("False-colour wavelengths", "OK", parent)
        names = "Red", "Green", "Blue"
        self.dials = [SliderSpinBox(f"{name} wavelength", nm_range, 1.0, decimals=1, suffix=" nm") for name in names]
        for dial, nm in zip(self.dials, wavelengths, strict=True):
            dial.show_value(nm)
            dial.value_picked.connect(self._announce)
        self.stack(form(*((f"&{name}", dial) for name, dial in zip(names, self.dials, strict=True))))
        self.validate(lambda: "You can also drag the lines in the plot.")

    def _announce(self) -> None:
        red, green, blue = (dial.number.value() for dial in self.dials)
        self.wavelengths_picked.emit((red, green, blue))


class FigureExportDialog(ChoiceDialog):
    """Resolution of the exported plot."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Export figure", "Export…", parent)
        self.dpi = QSpinBox()
        self.dpi.setRange(72, 1200)
        self.dpi.setValue(300)
        self.dpi.setSuffix(" dpi")
        self.dpi.setAccessibleName("PNG resolution")
        self.stack(form(("PNG resolution", self.dpi)))
        self.validate(lambda: "The figure is 169×116 mm; SVG and PDF are vector formats.")


class SweepDialog(ChoiceDialog):
    """Settings of a sweep export; shows the resulting length or why the settings are invalid."""

    def __init__(
        self, nm_range: tuple[float, float], speed: float, shape: tuple[int, int], parent: QWidget | None = None
    ) -> None:
        super().__init__("Export sweep", "Export…", parent)
        self._shape = shape
        self.start, self.stop = (_box(name, nm, nm_range, " nm") for name, nm in
                                 (("First wavelength", nm_range[0]), ("Last wavelength", nm_range[1])))  # fmt: skip
        self.speed = _box("Sweep speed", speed, SPEEDS, " nm/s")
        self.rate, self.side = QSpinBox(), QSpinBox()
        self.rate.setRange(1, 60)
        self.rate.setValue(25)
        self.rate.setSuffix(" frames per second")
        self.rate.setAccessibleName("Frame rate")
        self.side.setRange(64, 4096)
        self.side.setValue(min(960, max(64, *shape)))
        self.side.setSuffix(" pixels")
        self.side.setAccessibleName("Maximum side length")
        self.format = QComboBox()
        self.format.addItems(["MP4 video", "GIF animation"])
        self.format.setAccessibleName("Format")
        self.label = QCheckBox("Show the wavelength in the image")
        self.label.setChecked(True)
        self.label.setAccessibleName("Show the wavelength in the image")
        for box in (self.start, self.stop, self.speed, self.rate, self.side):
            box.valueChanged.connect(self._validate)
        self.format.currentIndexChanged.connect(self._validate)
        self.stack(form(
            ("From", self.start), ("To", self.stop), ("Speed", self.speed), ("Frame rate", self.rate),
            ("Maximum side length", self.side), ("Format", self.format), ("", self.label),
        ))  # fmt: skip
        self._validate()

    def sweep(self) -> Sweep:
        """The chosen settings."""
        return Sweep(
            self.start.value(), self.stop.value(), self.speed.value(), frames_per_second=self.rate.value(),
            longest_side=self.side.value(), is_labelled=self.label.isChecked(),
        )  # fmt: skip

    def ending(self) -> str:
        """File extension of the chosen format."""
        return ENDINGS[self.format.currentIndex()]

    def _validate(self) -> None:
        self.validate(self._describe)

    def _describe(self) -> str:
        frames = len(self.sweep().wavelengths())
        if missing := missing_for(self.ending()):
            raise ValueError(missing)
        height, width = self._shape
        stride = -(-max(height, width) // self.side.value())
        size = f"{-(-width // stride)}×{-(-height // stride)}"
        return f"{frames} frames of {size} pixels, {frames / self.rate.value():.1f} s."


def _box(name: str, value: float, within: tuple[float, float], suffix: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(1)
    box.setRange(*within)
    box.setValue(value)
    box.setSuffix(suffix)
    box.setAccessibleName(name)
    return box
