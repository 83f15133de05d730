"""How curves are compared: normalised, differentiated, as differences to one, and what is shown beside them."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal

from nesr_gui.spectral import Spectrum

Values = npt.NDArray[np.float64]
MOST = 48  # spectra from libraries at once: more than can be told apart


class Normalise(enum.StrEnum):
    """What is made 1."""

    NONE = "As they are"
    MAXIMUM = "Maximum = 1"
    AREA = "Mean = 1"
    AT_WAVELENGTH = "1 at the wavelength"


@dataclass(frozen=True)
class Transform:
    """Normalised first, differentiated then, and last the difference to the active mark's curve so treated."""

    normalise: Normalise = Normalise.NONE
    derivative: bool = False
    difference: bool = False

    def curve(self, spectrum: Spectrum, nm: float) -> Values:
        """The values (L,) of a spectrum, normalised at `nm` where that is chosen, and differentiated (per nm)."""
        values = spectrum.values / self.scale(spectrum, nm)
        if self.derivative and len(values) > 1:
            values = np.gradient(values, spectrum.wavelengths.nm)
        return np.asarray(values, np.float64)

    def scale(self, spectrum: Spectrum, nm: float) -> float:
        """What values are divided by; 1 where that would be nothing to divide by."""
        values, bands = spectrum.values.astype(np.float64), spectrum.wavelengths.nm
        if self.normalise is Normalise.MAXIMUM:
            scale = values.max()
        elif self.normalise is Normalise.AREA:
            width = bands[-1] - bands[0]
            scale = np.trapezoid(values, bands) / width if width > 0 else values[0]
        elif self.normalise is Normalise.AT_WAVELENGTH:
            scale = np.interp(nm, bands, values)
        else:
            return 1.0
        return float(scale) if np.isfinite(scale) and abs(scale) > 1e-9 else 1.0

    def apply(self, spectrum: Spectrum, nm: float, active: Spectrum | None) -> Values:
        """The values (L,) as shown; differences are to `active` where it has values, and nan elsewhere."""
        values = self.curve(spectrum, nm)
        if not self.difference or active is None:
            return values
        bands, other = spectrum.wavelengths.nm, active.wavelengths.nm
        return values - np.interp(bands, other, self.curve(active, nm), left=np.nan, right=np.nan)

    def unit(self, quantity: str) -> str:
        """The name of what is shown, for an axis."""
        name = quantity if self.normalise is Normalise.NONE else f"{quantity}, {self.normalise.lower()}"
        name = f"derivative of {name} per nm" if self.derivative else name
        return f"difference in {name}" if self.difference else name


@dataclass(frozen=True, eq=False)
class Reference:
    """A spectrum from a library, with where it is from."""

    spectrum: Spectrum
    source: str
    visible: bool = True


@dataclass(frozen=True)
class Overlays:
    """What is done to the curves, and which references stand beside them."""

    transform: Transform = field(default_factory=Transform)
    truth: bool = True
    smooth: bool = False
    library: tuple[Reference, ...] = ()


class Comparison(QObject):
    """Holds the transform of the curves, and the references: measured truth, smooth metamers, library spectra."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.overlays = Overlays()

    @property
    def transform(self) -> Transform:
        return self.overlays.transform

    @property
    def truth(self) -> bool:
        return self.overlays.truth

    @property
    def smooth(self) -> bool:
        return self.overlays.smooth

    @property
    def library(self) -> tuple[Reference, ...]:
        return self.overlays.library

    @property
    def shown(self) -> tuple[Reference, ...]:
        """The library spectra that are not hidden."""
        return tuple(reference for reference in self.library if reference.visible)

    def set_overlays(self, overlays: Overlays) -> None:
        if overlays != self.overlays:
            self.overlays = overlays
            self.changed.emit()

    def set_transform(self, transform: Transform) -> None:
        self.set_overlays(replace(self.overlays, transform=transform))

    def show_truth(self, shown: bool) -> None:
        self.set_overlays(replace(self.overlays, truth=shown))

    def show_smooth(self, shown: bool) -> None:
        self.set_overlays(replace(self.overlays, smooth=shown))

    def add(self, spectra: Sequence[Spectrum], source: str) -> None:
        """Take spectra from a library.

        Raises:
            ValueError: there would be too many to tell apart.
        """
        if len(self.library) + len(spectra) > MOST:
            loaded = f", and {len(self.library)} are loaded" if self.library else ""
            raise ValueError(
                f"{source} holds {len(spectra)} spectra{loaded}; at most {MOST} can be compared at once, so "
                "remove some or make a smaller file"
            )
        added = (Reference(spectrum, source) for spectrum in spectra)
        self.set_overlays(replace(self.overlays, library=(*self.library, *added)))

    def set_visible(self, place: int, visible: bool) -> None:
        """Show or hide the library spectrum at `place`."""
        changed = replace(self.library[place], visible=visible)
        self.set_overlays(replace(self.overlays, library=(*self.library[:place], changed, *self.library[place + 1 :])))

    def clear(self) -> None:
        """Let all library spectra go."""
        self.set_overlays(replace(self.overlays, library=()))
