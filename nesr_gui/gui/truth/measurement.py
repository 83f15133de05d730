"""The measured cube beside a photograph: how it lies over it, and the plain functions that find that out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nesr_gui.fields.protocol import Progress, SpectralField
from nesr_gui.fields.registration import NoMatch, gain_in, match
from nesr_gui.fields.resampled import Match, MatchedField, Orientation, Shape
from nesr_gui.spectral import Quantity, RGBImage, Spectrum

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import Reading


@dataclass(frozen=True, eq=False)
class Measurement:
    """A cube and its place over the open photograph; `is_chosen` by the user, so that nothing else is sought for it.

    `white` is the spectrum of a perfect white in it, where it holds radiance that shall be read as reflectance. A model
    was `shown` so many of its bands, where it made the reconstruction of these.
    """

    cube: SpectralField
    name: str
    path: Path | None = None
    match: Match = field(default_factory=Match)
    white: Spectrum | None = None
    is_chosen: bool = False
    shown: int = 0

    def over(self, shape: Shape) -> SpectralField:
        """The cube as it lies over a photograph of `shape` source pixels."""
        return MatchedField(self.cube, shape, self.match, self.white)

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


def declared(path: Path, photograph: RGBImage) -> Measurement:
    """The cube that is known to be of a photograph; where they are too dull to tell, it lies as it is stored."""
    from nesr_gui import io

    cube = io.open_cube(path)
    try:
        found = match(photograph, cube)
    except NoMatch:
        if cube.shape != photograph.source_shape:
            raise
        found = Match()
    return Measurement(cube, path.name, path, found)


@dataclass(frozen=True, eq=False)
class TruthRequest:
    """A cube to be laid over a photograph, with what its user says of its file."""

    path: Path
    reading: Reading | None
    photograph: RGBImage


def open_truth(request: TruthRequest, progress: Progress) -> Measurement:
    """Open it and find its place; `NoMatch` says in a sentence that there is none."""
    from nesr_gui import io

    cube = io.open_cube(request.path, request.reading)
    return Measurement(cube, request.path.name, request.path, match(request.photograph, cube, progress))


@dataclass(frozen=True, eq=False)
class MatchRequest:
    """A cube to be laid anew over a photograph; in the `orientation` that its user chose, if any."""

    measurement: Measurement
    photograph: RGBImage
    orientation: Orientation | None = None


def match_again(request: MatchRequest, progress: Progress) -> Measurement:
    """The same cube with its place found again; raises as `open_truth`."""
    cube, photograph, turn = request.measurement.cube, request.photograph, request.orientation
    seen = MatchedField(cube, cube.shape, white=request.measurement.white)
    found = match(photograph, seen, progress) if turn is None else gain_in(photograph, seen, turn, progress)
    return replace(request.measurement, match=found, is_chosen=turn is not None)


@dataclass(frozen=True)
class KindRequest:
    """A file of which must be known what it is."""

    path: Path


def is_cube(request: KindRequest, progress: Progress) -> bool:
    """Whether it is a cube, and may be a truth."""
    from nesr_gui import io

    return io.is_cube(request.path)
