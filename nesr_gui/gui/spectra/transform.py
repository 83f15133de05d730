"""Curves as they are compared: normalised, differentiated, or as differences to one of them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import Spectrum

Values = npt.NDArray[np.float64]


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
