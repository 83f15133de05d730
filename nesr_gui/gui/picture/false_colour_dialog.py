"""The three wavelengths of a false colour, by numbers and keys; in the plot they are dragged."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from nesr_gui.gui.dial import Dial
from nesr_gui.gui.forms import ChoiceDialog, form

Three = tuple[float, float, float]


class FalseColourDialog(ChoiceDialog):
    """Announces the wavelengths while they are chosen, so that the picture can follow."""

    wavelengths_picked = Signal(object)  # (red, green, blue) nm

    def __init__(self, nm_range: tuple[float, float], wavelengths: Three, parent: QWidget | None = None) -> None:
        super().__init__("Wavelengths of the false colour", "Keep", parent)
        names = "Red", "Green", "Blue"
        self.dials = [Dial(f"{name} wavelength", nm_range, 1.0, decimals=1, suffix=" nm") for name in names]
        for dial, nm in zip(self.dials, wavelengths, strict=True):
            dial.show_value(nm)
            dial.value_picked.connect(self._announce)
        self.stack(form(*((f"&{name}", dial) for name, dial in zip(names, self.dials, strict=True))))
        self.judge(lambda: "Their lines in the plot can also be dragged.")

    def _announce(self) -> None:
        red, green, blue = (dial.number.value() for dial in self.dials)
        self.wavelengths_picked.emit((red, green, blue))
