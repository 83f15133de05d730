"""The measured cube beside a photograph, and how it lies over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nesr_gui.fields.protocol import SpectralField
from nesr_gui.fields.resampled import Registration, ResampledField, Shape
from nesr_gui.spectral import Quantity, Spectrum


@dataclass(frozen=True, eq=False)
class MeasuredCube:
    """A cube and its place over the open photograph; `is_chosen` by the user, so that nothing else is sought for it.

    `white` is the spectrum of a perfect white in it, where it holds radiance that shall be read as reflectance. A model
    was `shown` so many of its bands, where it made the reconstruction of these.
    """

    cube: SpectralField
    name: str
    path: Path | None = None
    match: Registration = field(default_factory=Registration)
    white: Spectrum | None = None
    is_chosen: bool = False
    shown: int = 0

    def over(self, shape: Shape) -> SpectralField:
        """The cube as it lies over a photograph of `shape` source pixels."""
        return ResampledField(self.cube, shape, self.match, self.white)

    @property
    def remark(self) -> str:
        """What a reader of its figures must know; empty where there is nothing."""
        if self.shown:
            return f"The model was shown {self.shown} of its {len(self.cube.bands)} bands; figures are of all of them."
        if self.cube.quantity is Quantity.RADIANCE and self.white is None:
            return "It holds radiance: its spectra have the light in them, those of a reconstruction do not."
        low, high = self.cube.wavelength_range
        if low > 400 or high < 700:
            return f"It covers {low:g}-{high:g} nm: only these wavelengths are compared."
        return ""
