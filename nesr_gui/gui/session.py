"""What is open and what is chosen: the one mutable thing of the window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from nesr_gui.field import SpectralField
from nesr_gui.gui.look import Look
from nesr_gui.gui.theme import PIN_COLOURS
from nesr_gui.gui.understanding import Understanding
from nesr_gui.io.interpretation import Interpretation
from nesr_gui.spectral import RGBImage, Spectrum
from nesr_gui.viewing import Viewing

if TYPE_CHECKING:
    from nesr_gui.io.photograph import Decoded

Bytes = npt.NDArray[np.uint8]
Pixel = tuple[int, int]
"""(row, col) of the source photograph, whatever resolution it is worked at."""


@dataclass(frozen=True)
class Pin:
    """A marked pixel of the source photograph."""

    number: int
    row: int
    col: int
    colour: str

    @property
    def pixel(self) -> Pixel:
        return self.row, self.col

    @property
    def label(self) -> str:
        """The name a pin has in files: pin 1 (row 120, col 64)."""
        return f"pin {self.number} (row {self.row}, col {self.col})"


@dataclass(frozen=True, eq=False)
class Curve:
    """What is known at one pixel: its spectrum, and the measured one where there is one."""

    spectrum: Spectrum
    truth: Spectrum | None = None


@dataclass(frozen=True)
class Reading:
    """Values at one pixel and the current wavelength."""

    value: float
    truth: float | None = None


class _ChangePins(QUndoCommand):
    """From one set of pins to another; moves of one gesture are one step."""

    def __init__(self, session: Session, text: str, after: tuple[Pin, ...], gesture: int = 0) -> None:
        super().__init__(text)
        self._session, self._before, self._after, self._gesture = session, session.pins, after, gesture

    def redo(self) -> None:
        self._session._put_pins(self._after)

    def undo(self) -> None:
        self._session._put_pins(self._before)

    def id(self) -> int:
        return 1 if self._gesture else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _ChangePins) or other._gesture != self._gesture:
            return False
        self._after = other._after
        return True


class Session(QObject):
    """Decides what a pick means and says what became of it; widgets show the facts it emits."""

    image_changed = Signal()  # another photograph or cube is open
    photograph_changed = Signal()  # the one that is open is understood otherwise
    field_changed = Signal()  # it can be asked now, or at another resolution
    wavelength_changed = Signal(float)
    pins_changed = Signal()
    curves_changed = Signal()
    readings_changed = Signal()
    look_changed = Signal()
    hover_changed = Signal(object)  # Pixel | None
    hover_curve_changed = Signal(object)  # Spectrum | None
    model_changed = Signal()
    viewing_changed = Signal(object)  # Viewing

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name = ""
        self.photograph: RGBImage | None = None
        self.colours: Bytes | None = None  # the photograph as displayed
        self.field: SpectralField | None = None
        self.truth: SpectralField | None = None
        self.encoded: RGBImage | None = None  # what the field was made of, pixel by pixel; a cube was not
        self.source_shape: tuple[int, int] | None = None
        self.reduction = 1  # source pixels along one side of a pixel of the field
        self.levels = (0.0, 1.0)  # what a band shows as black and as white
        self.nm = 550.0
        self.look = Look()
        self.pins: tuple[Pin, ...] = ()
        self.hover: Pixel | None = None
        self.hover_curve: Spectrum | None = None
        self.curves: Mapping[Pixel, Curve] = {}
        self.readings: Mapping[Pixel, Reading] = {}
        self.model_name = ""
        self.device = ""
        self.viewing = Viewing.default()
        self.undo_stack = QUndoStack(self)
        self.understanding = Understanding(self.undo_stack, self)

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """nm that can be picked; before there is a field, what the models cover."""
        return self.field.wavelength_range if self.field else (400.0, 700.0)

    def resolution(self) -> str:
        """What the field is worked at, in words: 2048×1365 of 6000×4000, 1:3."""
        if self.field is None or self.source_shape is None:
            return ""
        if self.reduction == 1:
            return "full resolution"
        (height, width), (full_height, full_width) = self.field.shape, self.source_shape
        return f"{width}×{height} of {full_width}×{full_height}, 1:{self.reduction}"

    def open_photograph(
        self,
        photograph: RGBImage,
        colours: Bytes,
        truth: SpectralField | None = None,
        decoded: Decoded | None = None,
        interpretation: Interpretation | None = None,
    ) -> None:
        """Show a photograph at once, in `colours` (H, W, 3); its field comes later.

        `decoded` is its file, where there is one, and `interpretation` how the photograph was made of it.
        """
        if truth is not None and truth.shape != photograph.source_shape:
            raise ValueError(
                f"the measured cube has {truth.shape[1]}x{truth.shape[0]} pixels, the photograph "
                f"{photograph.source_shape[1]}x{photograph.source_shape[0]}; they must be equal"
            )
        self.photograph, self.colours, self.truth = photograph, colours, truth
        self.understanding.start(decoded, interpretation or Interpretation())
        self._start(photograph.source.name, photograph.source_shape, ("photograph", "band"))

    def open_cube(self, name: str, cube: SpectralField, levels: tuple[float, float]) -> None:
        """Show a cube, which can be asked at once."""
        self.photograph = self.colours = self.truth = None
        self.understanding.start(None, Interpretation())
        self._start(name, cube.shape, ("band", "false_colour"))
        self.set_field(cube, 1, levels)

    def reread_photograph(self, photograph: RGBImage, colours: Bytes) -> None:
        """Show the open photograph as it is understood now; its old field answers until the new one is there."""
        self.photograph, self.colours = photograph, colours
        self.photograph_changed.emit()

    def _start(self, name: str, source_shape: tuple[int, int], modes: tuple[str, str]) -> None:
        self.name, self.source_shape, self.field, self.encoded, self.reduction = name, source_shape, None, None, 1
        self.curves, self.readings = {}, {}
        self.undo_stack.clear()
        self._put_pins(())
        self.set_hover(None)
        self.look = replace(self.look, modes=modes, active=0, levels={}, reference=None)
        self.image_changed.emit()
        self.field_changed.emit()
        self.look_changed.emit()

    def set_field(
        self, field: SpectralField, reduction: int, levels: tuple[float, float], encoded: RGBImage | None = None
    ) -> None:
        """The reconstruction of an image is ready, or ready at another resolution; pins stay where they are."""
        self.field, self.encoded, self.reduction, self.levels = field, encoded, reduction, levels
        self.curves, self.readings = {}, {}
        self.field_changed.emit()
        self.set_wavelength(self.nm)

    def set_model(self, name: str, device: str) -> None:
        self.model_name, self.device = name, device
        self.model_changed.emit()

    def set_viewing(self, viewing: Viewing) -> None:
        """See reflectances under another light, or by another observer."""
        if viewing != self.viewing:
            self.viewing = viewing
            self.viewing_changed.emit(viewing)

    def set_wavelength(self, nm: float) -> None:
        """Go to `nm`, to a tenth, within the range; the tenth is what slider, line and number agree on."""
        low, high = self.wavelength_range
        nm = min(max(round(nm, 1), low), high)
        if nm != self.nm:
            self.nm = nm
            self.wavelength_changed.emit(nm)

    def step_wavelength(self, by: float) -> None:
        self.set_wavelength(self.nm + by)

    def set_look(self, look: Look) -> None:
        """Show what is open in another way."""
        if look != self.look:
            self.look = look
            self.look_changed.emit()

    def reference(self) -> tuple[Spectrum | None, str]:
        """What similarity is measured to, and its name: the spectrum chosen, or else the last pin's."""
        if self.look.reference is not None:
            return self.look.reference, self.look.reference.name
        pin = self.pins[-1] if self.pins else None
        curve = self.curves.get(pin.pixel) if pin else None
        return (curve.spectrum, pin.label) if pin and curve else (None, "")

    def set_hover(self, pixel: Pixel | None) -> None:
        if pixel != self.hover:
            self.hover = pixel
            self.hover_changed.emit(pixel)
            if pixel is None:
                self.set_hover_curve(None)

    def set_hover_curve(self, curve: Spectrum | None) -> None:
        """The spectrum under the mouse."""
        self.hover_curve = curve
        self.hover_curve_changed.emit(curve)

    def set_curves(self, curves: Mapping[Pixel, Curve]) -> None:
        """Take curves for the present field; those of pixels without a pin are let go."""
        known = {**self.curves, **curves}
        self.curves = {pin.pixel: known[pin.pixel] for pin in self.pins if pin.pixel in known}
        self.curves_changed.emit()

    def set_readings(self, readings: Mapping[Pixel, Reading]) -> None:
        self.readings = readings
        self.readings_changed.emit()

    def pick_pixel(self, row: int, col: int) -> None:
        """A click in the image: a pin, unless a grey point is being picked."""
        if self.understanding.is_picking and self._inside(row, col):
            self.understanding.pick_grey(row, col)
        else:
            self.add_pin(row, col)

    def add_pin(self, row: int, col: int) -> None:
        if self.source_shape is None or not self._inside(row, col):
            return
        taken = {pin.number for pin in self.pins}
        number = next(n for n in range(1, len(taken) + 2) if n not in taken)
        pin = Pin(number, row, col, PIN_COLOURS[(number - 1) % len(PIN_COLOURS)])
        self.undo_stack.push(_ChangePins(self, f"add pin {number}", (*self.pins, pin)))

    def move_pin(self, number: int, row: int, col: int, gesture: int) -> None:
        """Move a pin; moves with the same `gesture` (one drag of the mouse, > 0) are undone together."""
        moved = tuple(replace(pin, row=row, col=col) if pin.number == number else pin for pin in self.pins)
        if moved != self.pins and self._inside(row, col):
            self.undo_stack.push(_ChangePins(self, f"move pin {number}", moved, gesture))

    def remove_pin(self, number: int) -> None:
        left = tuple(pin for pin in self.pins if pin.number != number)
        if left != self.pins:
            self.undo_stack.push(_ChangePins(self, f"remove pin {number}", left))

    def clear_pins(self) -> None:
        if self.pins:
            self.undo_stack.push(_ChangePins(self, "clear pins", ()))

    def _put_pins(self, pins: tuple[Pin, ...]) -> None:
        self.pins = pins
        self.pins_changed.emit()

    def _inside(self, row: int, col: int) -> bool:
        height, width = self.source_shape or (0, 0)
        return 0 <= row < height and 0 <= col < width
