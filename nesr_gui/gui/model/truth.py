"""The measured cube of a photograph, and its registration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nesr_gui.fields.protocol import SpectralField, reconstruction_model
from nesr_gui.fields.resampled import Registration, ResampledField, Shape
from nesr_gui.spectral import Spectrum

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import CubeHints


@dataclass(frozen=True, eq=False)
class MeasuredCube:
    """A measured cube (ground truth) and its registration to the open photograph.

    Attributes:
        cube: the cube.
        name: its display name.
        path: its file, if it has one.
        match: the registration.
        white: the spectrum of a perfect white, to convert radiance to reflectance.
        is_chosen: whether the user set the registration, so that it is not recomputed automatically.
        shown: the number of its bands that were the model's input; 0 if the input was a photograph.
        hints: the hints the user gave for reading its file, if any.
    """

    cube: SpectralField
    name: str
    path: Path | None = None
    match: Registration = field(default_factory=Registration)
    white: Spectrum | None = None
    is_chosen: bool = False
    shown: int = 0
    hints: CubeHints | None = None

    def over(self, shape: Shape) -> SpectralField:
        """Return the cube resampled to a photograph of `shape` (H, W) source pixels."""
        return ResampledField(self.cube, shape, self.match, self.white)

    @property
    def remark(self) -> str:
        """A caveat for readers of the accuracy metrics; empty if there is none."""
        if model := reconstruction_model(self.cube):
            return f"It is not measured but a reconstruction by {model}; the metrics compare two estimates."
        if self.shown:
            return f"{self.shown} of its {len(self.cube.bands)} bands were the model's input; metrics use all of them."
        if not self.cube.quantity.is_relative and self.white is None:
            return "It contains radiance, which includes the illuminant; the reconstruction is reflectance."
        low, high = self.cube.wavelength_range
        if low > 400 or high < 700:
            return f"It covers {low:g}-{high:g} nm; only these wavelengths are compared."
        return ""
