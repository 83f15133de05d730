"""Measured cubes beside photographs: laid over them, photographed, and compared with their reconstruction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.accuracy import AccuracyMetrics, Members, accuracy
from nesr_gui.fields.camera import render_photograph
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.fields.registration import register, register_in_orientation
from nesr_gui.fields.resampled import Orientation, Registration, ResampledField, binned_field
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.marks import Mark, MarkGeometry
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.tasks.loading import displayed
from nesr_gui.regions import Region, inside
from nesr_gui.spectral import RGBImage, Spectrum

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import CubeHints


COLUMNS = ("MRAE", "RMSE", "PSNR (dB)", "Angle (°)", "ΔE2000", "Pixels")
IMAGE = "Whole image"


@dataclass(frozen=True, eq=False)
class TruthRequest:
    """A cube to be laid over a photograph, with what its user says of its file."""

    path: Path
    reading: CubeHints | None
    photograph: RGBImage


def open_truth(request: TruthRequest, progress: ProgressCallback) -> MeasuredCube:
    """Open it and find its place; `RegistrationError` says in a sentence that there is none."""
    from nesr_gui import io

    cube = io.open_cube(request.path, request.reading)
    return MeasuredCube(cube, request.path.name, request.path, register(request.photograph, cube, progress))


@dataclass(frozen=True, eq=False)
class MatchRequest:
    """A cube to be laid anew over a photograph; in the `orientation` that its user chose, if any."""

    measurement: MeasuredCube
    photograph: RGBImage
    orientation: Orientation | None = None


def match_again(request: MatchRequest, progress: ProgressCallback) -> MeasuredCube:
    """The same cube with its place found again; raises as `open_truth`."""
    cube, photograph, turn = request.measurement.cube, request.photograph, request.orientation
    seen = ResampledField(cube, cube.shape, white=request.measurement.white)
    found = (
        register(photograph, seen, progress)
        if turn is None
        else register_in_orientation(photograph, seen, turn, progress)
    )
    return replace(request.measurement, match=found, is_chosen=turn is not None)


@dataclass(frozen=True, eq=False)
class ExposureRequest:
    """A cube to be photographed, by the light and the camera of `viewing`; `white` as of `MeasuredCube`."""

    cube: SpectralField
    name: str
    viewing: ViewingConditions
    white: Spectrum | None


@dataclass(frozen=True, eq=False)
class SimulatedPhotograph:
    """The photograph of a cube, its colours as displayed (H, W, 3), and the cube as its truth."""

    image: RGBImage
    colours: UInt8Array
    measurement: MeasuredCube


def expose(request: ExposureRequest, progress: ProgressCallback) -> SimulatedPhotograph:
    """Photograph a cube; ValueError says in a sentence why it cannot be."""
    seen = ResampledField(request.cube, request.cube.shape, white=request.white)
    image, exposure = render_photograph(seen, request.name, request.viewing, progress)
    lain = Registration(gain=exposure)
    truth = MeasuredCube(request.cube, request.name, None, lain, request.white, is_chosen=True)
    return SimulatedPhotograph(image, displayed(image), truth)


@dataclass(frozen=True, eq=False)
class AccuracyRequest:
    """Places of which the figures are asked, None for the whole image; `truth` is of the source's pixels."""

    field: SpectralField
    truth: SpectralField
    binning: int
    places: tuple[MarkGeometry | None, ...]


def measure(request: AccuracyRequest, progress: ProgressCallback) -> dict[MarkGeometry | None, AccuracyMetrics]:
    """The figures of each place; a region's are of the pixels of the field whose centres lie in it."""
    truth, found = binned_field(request.truth, request.binning), dict[MarkGeometry | None, AccuracyMetrics]()
    for done, place in enumerate(request.places):
        count = len(request.places)

        def told(share: float, done: int = done, count: int = count) -> None:
            progress((done + share) / count)

        rows, cols, members = _part(place, request.binning, request.field.shape)
        found[place] = accuracy(request.field, truth, rows=rows, cols=cols, members=members, progress=told)
    return found


def _part(
    place: MarkGeometry | None, binning: int, shape: tuple[int, int]
) -> tuple[slice | None, slice | None, Members | None]:
    """The window of a place in a field of `shape`, and which of its pixels are meant."""
    if place is None:
        return None, None, None
    if not isinstance(place, Region):
        row, col = (min(at // binning, size - 1) for at, size in zip(place, shape, strict=True))
        return slice(row, row + 1), slice(col, col + 1), None
    top, left, bottom, right = (edge / binning for edge in place.bounds)
    rows, cols = _clipped(top, bottom, shape[0]), _clipped(left, right, shape[1])

    def members(rows: slice, cols: slice) -> npt.NDArray[np.bool_]:
        lattice = (np.arange(part.start, part.stop) for part in (rows, cols))
        return inside(place, *((at + 0.5) * binning for at in lattice))

    middle = tuple(int((part.start + part.stop) / 2) for part in (rows, cols))
    if not members(rows, cols).any():  # a region between the centres has the pixel in its middle
        return slice(middle[0], middle[0] + 1), slice(middle[1], middle[1] + 1), None
    return rows, cols, members


def _clipped(low: float, high: float, size: int) -> slice:
    start = min(max(math.floor(low), 0), size - 1)
    return slice(start, min(max(math.ceil(high), start + 1), size))


def cells(figures: AccuracyMetrics) -> tuple[str, ...]:
    """A row of the table, in the order of `COLUMNS`."""
    shown = (
        f"{figures.mrae:.4f}", f"{figures.rmse:.4f}", f"{figures.psnr:.2f}", f"{figures.angle:.2f}",
        f"{figures.colour:.2f}", f"{figures.pixels:,}",
    )  # fmt: skip
    return tuple("–" if text == "nan" else text for text in shown)


def rows_of(marks: Sequence[Mark], figures: Mapping[MarkGeometry | None, AccuracyMetrics]) -> list[dict[str, str]]:
    """What is known of the image and of marks, in full precision, for files and the clipboard."""
    named = [(IMAGE, figures.get(None)), *((mark.label, figures.get(mark.place)) for mark in marks)]
    rows = []
    for name, known in named:
        if known is not None:
            values = (known.mrae, known.rmse, known.psnr, known.angle, known.colour, known.pixels)
            texts = ("" if math.isnan(value) else f"{value:.6g}" for value in values[:-1])
            rows.append({"part": name, **dict(zip(COLUMNS, (*texts, str(known.pixels)), strict=True))})
    return rows
