"""What the field answers, and what follows from it, for one mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nesr_gui.colorimetry.appearance import Appearance
from nesr_gui.fields.protocol import Doubt
from nesr_gui.spectral import FloatArray, Spectrum


@dataclass(frozen=True, eq=False)
class Curve:
    """What is known at one place: its spectrum, the measured one where there is one, and what a model was shown of it.

    Of a region the spectrum is the mean of `pixels` of its `of` pixels, and `deviation` (L,) their standard deviation.
    `doubts` is the share of its pixels that each flag is raised for, where the model raises flags.
    `seen` are the bands of a cube that the model made the spectrum of.
    `interval` is what the model gives as the limits (2, L) between which 90 % of true values lie.
    """

    spectrum: Spectrum
    truth: Spectrum | None = None
    deviation: FloatArray | None = None
    interval: FloatArray | None = None
    pixels: int = 1
    of: int = 1
    doubts: Mapping[Doubt, float] = field(default_factory=dict)
    seen: Spectrum | None = None

    def spread_text(self) -> str:
        """What the shading around the curve stands for, in words; nothing where there is none."""
        if self.deviation is not None:
            of = f"{self.of}" if self.pixels == self.of else f"{self.pixels} of {self.of}"
            return f", mean ± SD of {of} pixels"
        return ", 90 % interval" if self.interval is not None else ""

    def doubts_text(self) -> str:
        """Why not to trust it, in words; nothing where there is no reason."""
        said = [doubt.text if share == 1 else f"{share:.0%} {doubt.text}" for doubt, share in self.doubts.items()]
        return f"; {', '.join(said)}" if said else ""


@dataclass(frozen=True)
class Reading:
    """Values at one place and the current wavelength."""

    value: float
    truth: float | None = None
    doubt: Doubt = field(default=Doubt(0))


@dataclass(frozen=True)
class Finding:
    """Of one place: its appearance, where there is a reflectance to look at, and the smooth metamer of its colour.

    `refusal` is the sentence that says why there is no appearance.
    """

    appearance: Appearance | None = None
    smooth: Spectrum | None = None
    refusal: str = ""
