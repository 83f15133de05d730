"""Small dialogs: the wavelengths of a false colour, how fine a picture of the plot shall be, what to film."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QSpinBox, QWidget

from nesr_gui.gui.figures.sweep import ENDINGS, Sweep, missing_for
from nesr_gui.gui.model.view_settings import SPEEDS
from nesr_gui.gui.views.widgets import ChoiceDialog, SliderSpinBox, form

Three = tuple[float, float, float]


class FalseColourDialog(ChoiceDialog):
    """Announces the wavelengths while they are chosen, so that the picture can follow."""

    wavelengths_picked = Signal(object)  # (red, green, blue) nm

    def __init__(self, nm_range: tuple[float, float], wavelengths: Three, parent: QWidget | None = None) -> None:
        super().__init__("Wavelengths of the false colour", "Keep", parent)
        names = "Red", "Green", "Blue"
        self.dials = [SliderSpinBox(f"{name} wavelength", nm_range, 1.0, decimals=1, suffix=" nm") for name in names]
        for dial, nm in zip(self.dials, wavelengths, strict=True):
            dial.show_value(nm)
            dial.value_picked.connect(self._announce)
        self.stack(form(*((f"&{name}", dial) for name, dial in zip(names, self.dials, strict=True))))
        self.judge(lambda: "Their lines in the plot can also be dragged.")

    def _announce(self) -> None:
        red, green, blue = (dial.number.value() for dial in self.dials)
        self.wavelengths_picked.emit((red, green, blue))


class FigureExportDialog(ChoiceDialog):
    """How fine a picture of the plot is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Export figure", "Export…", parent)
        self.dpi = QSpinBox()
        self.dpi.setRange(72, 1200)
        self.dpi.setValue(300)
        self.dpi.setSuffix(" dpi")
        self.dpi.setAccessibleName("Resolution of the picture")
        self.stack(form(("Resolution of a PNG", self.dpi)))
        self.judge(lambda: "The figure is 169×116 mm; an SVG or PDF is sharp at any size.")


class SweepDialog(ChoiceDialog):
    """The sweep as it shall be written; says at once how long it will be, or why it cannot be."""

    def __init__(
        self, nm_range: tuple[float, float], speed: float, shape: tuple[int, int], parent: QWidget | None = None
    ) -> None:
        super().__init__("Export sweep", "Export…", parent)
        self._shape = shape
        self.start, self.stop = (_box(name, nm, nm_range, " nm") for name, nm in
                                 (("First wavelength", nm_range[0]), ("Last wavelength", nm_range[1])))  # fmt: skip
        self.speed = _box("Speed of the sweep", speed, SPEEDS, " nm/s")
        self.rate, self.side = QSpinBox(), QSpinBox()
        self.rate.setRange(1, 60)
        self.rate.setValue(25)
        self.rate.setSuffix(" frames a second")
        self.rate.setAccessibleName("Frames a second")
        self.side.setRange(64, 4096)
        self.side.setValue(min(960, max(64, *shape)))
        self.side.setSuffix(" pixels")
        self.side.setAccessibleName("Longest side at most")
        self.format = QComboBox()
        self.format.addItems(["MP4 film", "GIF animation"])
        self.format.setAccessibleName("Format")
        self.label = QCheckBox("Write the wavelength into the picture")
        self.label.setChecked(True)
        self.label.setAccessibleName("Write the wavelength into the picture")
        for box in (self.start, self.stop, self.speed, self.rate, self.side):
            box.valueChanged.connect(self._judge)
        self.format.currentIndexChanged.connect(self._judge)
        self.stack(form(
            ("From", self.start), ("To", self.stop), ("Speed", self.speed), ("Frames", self.rate),
            ("Longest side", self.side), ("Format", self.format), ("", self.label),
        ))  # fmt: skip
        self._judge()

    def sweep(self) -> Sweep:
        """What is chosen."""
        return Sweep(
            self.start.value(), self.stop.value(), self.speed.value(), frames_per_second=self.rate.value(),
            longest_side=self.side.value(), is_labelled=self.label.isChecked(),
        )  # fmt: skip

    def ending(self) -> str:
        """The ending of the format's files."""
        return ENDINGS[self.format.currentIndex()]

    def _judge(self) -> None:
        self.judge(self._say)

    def _say(self) -> str:
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
