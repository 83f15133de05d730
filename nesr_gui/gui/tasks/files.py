"""Files of cubes, spectra, marks and pictures: frozen requests and the functions that read and write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColorSpace, QImage, QImageReader

from nesr_gui import export
from nesr_gui.colorimetry import cie
from nesr_gui.export import Estimate, ExportPlan, ExportResult
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.fields.sensor import Sensor
from nesr_gui.gui.model.marks import COLUMNS, Mark, MarkGeometry, MarkSpectrum, Pixel, mark_of
from nesr_gui.gui.tasks.spectra import MANY, SAMPLE, PixelQuery, RegionQuery, pixels_of, query_curves, query_regions
from nesr_gui.io.spectra.csv import read_table, write_curves, write_table
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.regions import Region
from nesr_gui.spectral import Spectrum, Wavelengths

MOST_PIXELS = 30_000_000  # of a picture that has to be read whole; a JPEG is read small


@dataclass(frozen=True, eq=False)
class CubeExport:
    """A cube to write as planned; `origin` may name the file that was opened."""

    path: Path
    field: SpectralField
    plan: ExportPlan
    origin: str = ""


def export_cube(request: CubeExport, progress: ProgressCallback) -> ExportResult:
    """Stream a cube to a file and check it."""
    return export.write(
        request.path,
        request.field,
        request.plan,
        origin=request.origin,
        progress=progress,
    )


@dataclass(frozen=True, eq=False)
class EstimateRequest:
    """A plan whose size and time are asked."""

    field: SpectralField
    plan: ExportPlan


def estimate(request: EstimateRequest, progress: ProgressCallback) -> Estimate:
    """Measure on a part of the cube how long all of it will take."""
    return export.estimated(request.plan.prepared(request.field))


@dataclass(frozen=True)
class SensorRequest:
    """A table of responses."""

    path: Path


def read_sensor(request: SensorRequest, progress: ProgressCallback) -> Sensor:
    """The sensor that a table describes."""
    return Sensor.measured(request.path.name, read_spectra(request.path))


@dataclass(frozen=True, eq=False)
class CurvesExport:
    """Marks whose curves are written, and what to say of the resolution."""

    path: Path
    field: SpectralField
    binning: int
    marks: tuple[Mark, ...]
    resolution: str


def export_curves(request: CurvesExport, progress: ProgressCallback) -> None:
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


def _ask(request: CurvesExport, progress: ProgressCallback) -> dict[MarkGeometry, MarkSpectrum]:
    """The curve of every mark; a region's of all its pixels, or of as many as the plot takes of a very large one."""
    pixels: tuple[Pixel, ...] = tuple(mark.place for mark in request.marks if not isinstance(mark.place, Region))
    curves: dict[MarkGeometry, MarkSpectrum] = {}
    if pixels:
        curves |= query_curves(PixelQuery(request.field, None, request.binning, pixels), progress)
    for mark in request.marks:
        if isinstance(mark.place, Region):
            _, size = pixels_of(mark.place, request.binning, request.field.shape)
            most = size if size <= MANY else SAMPLE
            asked = RegionQuery(request.field, None, request.binning, (mark.place,), most)
            curves |= query_regions(asked, progress)
    return curves


def _limits(curve: MarkSpectrum) -> list[tuple[str, np.ndarray]]:
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


def export_table(request: TableExport, progress: ProgressCallback) -> None:
    """Write the table as CSV, from which `read_marks` makes the marks again."""
    write_table(request.path, request.rows, provenance=request.provenance)


@dataclass(frozen=True)
class FileRequest:
    """A file to read."""

    path: Path


def read_marks(request: FileRequest, progress: ProgressCallback) -> list[Mark]:
    """The marks of a table that was exported."""
    return [mark_of(row) for row in read_table(request.path, COLUMNS)]


def read_library(request: FileRequest, progress: ProgressCallback) -> list[Spectrum]:
    """The spectra of a file."""
    return read_spectra(request.path)


@dataclass(frozen=True)
class ChartRequest:
    """One of `cie.CHARTS`."""

    name: str


def read_chart(request: ChartRequest, progress: ProgressCallback) -> list[Spectrum]:
    """The published reflectances of a colour chart."""
    patches = cie.chart(request.name)
    return [Spectrum(Wavelengths(nm), values.astype(np.float32), name) for name, (nm, values) in patches]


@dataclass(frozen=True, eq=False)
class PasteRequest:
    """An image to write as a PNG of 8 bits, for the readers of files."""

    path: Path
    image: QImage


def write_pasted(request: PasteRequest, progress: ProgressCallback) -> None:
    """Write a pasted image in sRGB; one that does not say what its colours are is taken as sRGB.

    Raises:
        OSError: it cannot be written.
    """
    image = request.image
    if image.colorSpace().isValid():
        image = image.convertedToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    formats = QImage.Format
    image = image.convertToFormat(formats.Format_RGBA8888 if image.hasAlphaChannel() else formats.Format_RGB888)
    request.path.parent.mkdir(parents=True)
    if image.isNull() or not image.save(str(request.path)):
        raise OSError("the pasted image cannot be opened: there is no room for it; free some memory or disk")


@dataclass(frozen=True)
class ThumbnailRequest:
    """Files, and the size in pixels that their pictures shall have at most."""

    paths: tuple[Path, ...]
    size: QSize


def make_thumbnails(request: ThumbnailRequest, progress: ProgressCallback) -> Mapping[Path, QImage]:
    """The files that are there, each with its picture; one that cannot be had cheaply is null."""
    made = {}
    for done, path in enumerate(request.paths):
        progress(done / len(request.paths))
        if path.exists():
            made[path] = _thumbnail(path, request.size) if path.is_file() else QImage()
    return made


def _thumbnail(path: Path, size: QSize) -> QImage:
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    whole = reader.size()
    if not whole.isValid():
        return QImage()
    if bytes(reader.format().data()) == b"jpeg":
        reader.setScaledSize(whole.scaled(size * 2, Qt.AspectRatioMode.KeepAspectRatio))
    elif whole.width() * whole.height() > MOST_PIXELS:
        return QImage()
    image = reader.read()
    if image.colorSpace().isValid():
        image.convertToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    return image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
