"""The measured cube beside a photograph: how it lies over it, and the plain functions that find that out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nesr_gui.fields.protocol import Progress
from nesr_gui.fields.registration import NoMatch, gain_in, match
from nesr_gui.fields.resampled import Match, MatchedField, Orientation
from nesr_gui.gui.model.truth import Measurement
from nesr_gui.spectral import RGBImage

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import Reading


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
