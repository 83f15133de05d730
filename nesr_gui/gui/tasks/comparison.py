"""Tasks for measured cubes: registration to photographs, simulation of photographs, and accuracy of reconstructions."""

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
    """A measured cube to open and register to a photograph, with the hints the user gave for reading it."""

    path: Path
    reading: CubeHints | None
    photograph: RGBImage


def open_truth(request: TruthRequest, progress: ProgressCallback) -> MeasuredCube:
    """Open a measured cube and register it to the photograph.

    Raises:
        RegistrationError: the cube does not match the photograph.
        OSError, ValueError: the file cannot be read.
    """
    from nesr_gui import io

    cube = io.open_cube(request.path, request.reading)
    match = register(request.photograph, cube, progress)
    return MeasuredCube(cube, request.path.name, request.path, match, hints=request.reading)


@dataclass(frozen=True, eq=False)
class MatchRequest:
    """A measured cube to register again, in a given `orientation` if there is one."""

    measurement: MeasuredCube
    photograph: RGBImage
    orientation: Orientation | None = None


def match_again(request: MatchRequest, progress: ProgressCallback) -> MeasuredCube:
    """Register a measured cube again.

    Raises:
        RegistrationError: the cube does not match the photograph.
    """
    cube, photograph, turn = request.measurement.cube, request.photograph, request.orientation
    reflectance = ResampledField(cube, cube.shape, white=request.measurement.white)
    registration = (
        register(photograph, reflectance, progress)
        if turn is None
        else register_in_orientation(photograph, reflectance, turn, progress)
    )
    return replace(request.measurement, match=registration, is_chosen=turn is not None)


@dataclass(frozen=True, eq=False)
class ExposureRequest:
    """A cube to simulate a photograph of, with the light and the camera of `viewing`; `white` as in `MeasuredCube`."""

    cube: SpectralField
    name: str
    viewing: ViewingConditions
    white: Spectrum | None


@dataclass(frozen=True, eq=False)
class SimulatedPhotograph:
    """A simulated photograph, its display colours (H, W, 3) uint8, and the cube as its ground truth."""

    image: RGBImage
    colours: UInt8Array
    measurement: MeasuredCube


def expose(request: ExposureRequest, progress: ProgressCallback) -> SimulatedPhotograph:
    """Simulate a photograph of a cube.

    Raises:
        ValueError: the cube cannot be photographed under these conditions; the text is one sentence.
    """
    reflectance = ResampledField(request.cube, request.cube.shape, white=request.white)
    image, exposure = render_photograph(reflectance, request.name, request.viewing, progress)
    registration = Registration(gain=exposure)
    truth = MeasuredCube(request.cube, request.name, None, registration, request.white, is_chosen=True)
    return SimulatedPhotograph(image, displayed(image), truth)


@dataclass(frozen=True, eq=False)
class AccuracyRequest:
    """Marks to compute accuracy metrics for, None for the whole image; `truth` is in source pixels."""

    field: SpectralField
    truth: SpectralField
    binning: int
    places: tuple[MarkGeometry | None, ...]


def measure(request: AccuracyRequest, progress: ProgressCallback) -> dict[MarkGeometry | None, AccuracyMetrics]:
    """Compute the metrics of each place; regions include the field's pixels whose centres are inside."""
    truth, metrics = binned_field(request.truth, request.binning), dict[MarkGeometry | None, AccuracyMetrics]()
    for done, place in enumerate(request.places):
        count = len(request.places)

        def partial_progress(share: float, done: int = done, count: int = count) -> None:
            progress((done + share) / count)

        rows, cols, members = _part(place, request.binning, request.field.shape)
        metrics[place] = accuracy(
            request.field, truth, rows=rows, cols=cols, members=members, progress=partial_progress
        )
    return metrics


def _part(
    place: MarkGeometry | None, binning: int, shape: tuple[int, int]
) -> tuple[slice | None, slice | None, Members | None]:
    """Return the window (rows, cols) of a mark in a field of `shape`, and a mask function for regions."""
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
    if not members(rows, cols).any():  # no pixel centre inside: use the pixel at the centre of the region
        return slice(middle[0], middle[0] + 1), slice(middle[1], middle[1] + 1), None
    return rows, cols, members


def _clipped(low: float, high: float, size: int) -> slice:
    start = min(max(math.floor(low), 0), size - 1)
    return slice(start, min(max(math.ceil(high), start + 1), size))


def cells(figures: AccuracyMetrics) -> tuple[str, ...]:
    """Return the metrics as text, in the order of `COLUMNS`."""
    shown = (
        f"{figures.mrae:.4f}", f"{figures.rmse:.4f}", f"{figures.psnr:.2f}", f"{figures.angle:.2f}",
        f"{figures.colour:.2f}", f"{figures.pixels:,}",
    )  # fmt: skip
    return tuple("–" if text == "nan" else text for text in shown)


def rows_of(marks: Sequence[Mark], figures: Mapping[MarkGeometry | None, AccuracyMetrics]) -> list[dict[str, str]]:
    """Return the metrics of image and marks in full precision, for files and the clipboard."""
    named = [(IMAGE, figures.get(None)), *((mark.label, figures.get(mark.place)) for mark in marks)]
    rows = []
    for name, row in named:
        if row is not None:
            values = (row.mrae, row.rmse, row.psnr, row.angle, row.colour)
            texts = ("" if math.isnan(value) else f"{value:.6g}" for value in values)
            rows.append({"part": name, **dict(zip(COLUMNS, (*texts, str(row.pixels)), strict=True))})
    return rows
