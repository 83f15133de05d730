"""Files of spectra and marks: frozen requests and the plain functions that read and write them, on any thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import Progress, SpectralField
from nesr_gui.gui.marks.region_requests import MANY, SAMPLE, RegionsRequest, ask_regions, pixels_of
from nesr_gui.gui.marks.requests import PointsRequest, ask_curves
from nesr_gui.gui.model.marks import COLUMNS, Curve, Mark, Pixel, Place, mark_of
from nesr_gui.io.spectra.csv import read_table, write_curves, write_table
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.regions import Region
from nesr_gui.spectral import Spectrum, Wavelengths


@dataclass(frozen=True, eq=False)
class CurvesExport:
    """Marks whose curves are written, and what to say of the resolution."""

    path: Path
    field: SpectralField
    reduction: int
    marks: tuple[Mark, ...]
    resolution: str


def export_curves(request: CurvesExport, progress: Progress) -> None:
    """Ask the curves and write them as text, with a column for each limit of what is shaded around them."""
    curves = _ask(request, progress)
    columns: list[Spectrum] = []
    for mark in request.marks:
        curve = curves[mark.place]
        columns.append(replace(curve.spectrum, name=mark.label))
        for name, values in _limits(curve):
            columns.append(Spectrum(curve.spectrum.wavelengths, values, f"{mark.label} {name}"))
    provenance = {**request.field.provenance, "working_resolution": request.resolution}
    for mark in request.marks:
        curve = curves[mark.place]
        if text := curve.spread_text() + curve.doubts_text():
            provenance[f"mark_{mark.number}"] = f"{mark.label}{text}"
    write_curves(request.path, columns, provenance=provenance)


def _ask(request: CurvesExport, progress: Progress) -> dict[Place, Curve]:
    """The curve of every mark; a region's of all its pixels, or of as many as the plot takes of a very large one."""
    pixels: tuple[Pixel, ...] = tuple(mark.place for mark in request.marks if not isinstance(mark.place, Region))
    curves: dict[Place, Curve] = {}
    if pixels:
        curves |= ask_curves(PointsRequest(request.field, None, request.reduction, pixels), progress)
    for mark in request.marks:
        if isinstance(mark.place, Region):
            _, size = pixels_of(mark.place, request.reduction, request.field.shape)
            most = size if size <= MANY else SAMPLE
            asked = RegionsRequest(request.field, None, request.reduction, (mark.place,), most)
            curves |= ask_regions(asked, progress)
    return curves


def _limits(curve: Curve) -> list[tuple[str, np.ndarray]]:
    limits = []
    if curve.deviation is not None:
        limits.append(("standard deviation", curve.deviation))
    if curve.interval is not None:
        limits += [("90 % low", curve.interval[0]), ("90 % high", curve.interval[1])]
    return limits


@dataclass(frozen=True, eq=False)
class TableExport:
    """The rows of the table, and where they come from."""

    path: Path
    rows: Sequence[dict[str, str]]
    provenance: dict[str, str]


def export_table(request: TableExport, progress: Progress) -> None:
    """Write the table as CSV, from which `read_marks` makes the marks again."""
    write_table(request.path, request.rows, provenance=request.provenance)


@dataclass(frozen=True)
class FileRequest:
    """A file to read."""

    path: Path


def read_marks(request: FileRequest, progress: Progress) -> list[Mark]:
    """The marks of a table that was exported."""
    return [mark_of(row) for row in read_table(request.path, COLUMNS)]


def read_library(request: FileRequest, progress: Progress) -> list[Spectrum]:
    """The spectra of a file."""
    return read_spectra(request.path)


@dataclass(frozen=True)
class ChartRequest:
    """One of `colorimetry.CHARTS`."""

    name: str


def read_chart(request: ChartRequest, progress: Progress) -> list[Spectrum]:
    """The published reflectances of a colour chart."""
    patches = cie.chart(request.name)
    return [Spectrum(Wavelengths(nm), values.astype(np.float32), name) for name, (nm, values) in patches]
