"""Tasks that read and write files of cubes, spectra, marks, tables and images."""

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
from nesr_gui.io.georeference import Georeference
from nesr_gui.io.regions.files import GEOJSON, IMAGEJ, NamedRegion, read_regions, write_regions
from nesr_gui.io.spectra.csv import read_table, write_curves, write_table
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.regions import Region
from nesr_gui.spectral import Spectrum, Wavelengths

MOST_PIXELS = 30_000_000  # for thumbnails; JPEG files are decoded at reduced size and have no limit


@dataclass(frozen=True, eq=False)
class CubeExport:
    """A cube to export.

    Args:
        path: file or folder to write.
        field: what to export.
        plan: bands, region and encoding.
        origin: name of the opened file for the provenance.
        opened: images that are open, which must not be replaced.
    """

    path: Path
    field: SpectralField
    plan: ExportPlan
    origin: str = ""
    opened: tuple[Path, ...] = ()


def export_cube(request: CubeExport, progress: ProgressCallback) -> ExportResult:
    """Write a cube to a file and verify it; raises as `export.check_destination` and `export.write`."""
    export.check_destination(request.path, *request.opened)
    return export.write(
        request.path,
        request.field,
        request.plan,
        origin=request.origin,
        progress=progress,
    )


@dataclass(frozen=True, eq=False)
class EstimateRequest:
    """An export plan to estimate."""

    field: SpectralField
    plan: ExportPlan


def estimate(request: EstimateRequest, progress: ProgressCallback) -> Estimate:
    """Estimate size and time of an export by timing a part of the cube."""
    return export.estimated(request.plan.prepared(request.field))


@dataclass(frozen=True)
class SensorRequest:
    """A table of band responses to read."""

    path: Path


def read_sensor(request: SensorRequest, progress: ProgressCallback) -> Sensor:
    """Read a sensor from a table of band responses; raises as `read_spectra`."""
    return Sensor.measured(request.path.name, read_spectra(request.path))


@dataclass(frozen=True, eq=False)
class CurvesExport:
    """Marks whose spectra are exported, and the working resolution as text for the provenance."""

    path: Path
    field: SpectralField
    binning: int
    marks: tuple[Mark, ...]
    resolution: str


def export_curves(request: CurvesExport, progress: ProgressCallback) -> None:
    """Compute the spectra of marks and write them as text, with columns for standard deviations and intervals."""
    curves = mark_spectra(request.field, request.binning, request.marks, progress)
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


def mark_spectra(
    field: SpectralField,
    binning: int,
    marks: Sequence[Mark],
    progress: ProgressCallback,
    bands: Wavelengths | None = None,
) -> dict[MarkGeometry, MarkSpectrum]:
    """Return the spectrum of every mark; of very large regions a sample of pixels, as in the plot.

    Args:
        field: the field, of which each pixel covers `binning` × `binning` source pixels.
        binning: see there.
        marks: the marks.
        progress: as of all tasks.
        bands: the wavelengths of the spectra; by default every nm.
    """
    pixels: tuple[Pixel, ...] = tuple(mark.place for mark in marks if not isinstance(mark.place, Region))
    curves: dict[MarkGeometry, MarkSpectrum] = {}
    if pixels:
        curves |= query_curves(PixelQuery(field, None, binning, pixels, bands=bands), progress)
    for mark in marks:
        if isinstance(mark.place, Region):
            _, size = pixels_of(mark.place, binning, field.shape)
            most = size if size <= MANY else SAMPLE
            query = RegionQuery(field, None, binning, (mark.place,), most, bands=bands)
            curves |= query_regions(query, progress)
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
    """Table rows to export, and their provenance."""

    path: Path
    rows: Sequence[Mapping[str, str]]
    provenance: Mapping[str, str]


def export_table(request: TableExport, progress: ProgressCallback) -> None:
    """Write the mark table as CSV; `read_marks` reads it back."""
    write_table(request.path, request.rows, provenance=request.provenance)


@dataclass(frozen=True)
class FileRequest:
    """A file to read."""

    path: Path


@dataclass(frozen=True, eq=False)
class RegionsExport:
    """Marks to export as regions for other programs, and the georeferencing of the image."""

    path: Path
    marks: tuple[Mark, ...]
    georeference: Georeference | None


def export_regions(request: RegionsExport, progress: ProgressCallback) -> None:
    """Write marks as GeoJSON or ImageJ regions; raises as `write_regions`."""
    regions = [NamedRegion(mark.place, mark.title, mark.colour) for mark in request.marks]
    write_regions(request.path, regions, request.georeference)


@dataclass(frozen=True)
class MarksRequest:
    """A file of marks or regions to read, and the georeferencing and shape (H, W) of the image."""

    path: Path
    georeference: Georeference | None = None
    shape: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class ImportedMarks:
    """Marks of a file, and sentences on what was inferred."""

    marks: list[Mark]
    notes: tuple[str, ...] = ()


def read_marks(request: MarksRequest, progress: ProgressCallback) -> ImportedMarks:
    """Read the marks of an exported table, or the regions of a GeoJSON or ImageJ file.

    Raises:
        OSError, ValueError: the file cannot be read, or contains no marks.
    """
    if request.path.suffix.lower() not in (*GEOJSON, *IMAGEJ):
        return ImportedMarks([mark_of(row) for row in read_table(request.path, COLUMNS)])
    notes: list[str] = []
    regions = read_regions(request.path, request.georeference, request.shape, notes)
    marks = [Mark(number, each.place, each.colour, "", each.name) for number, each in enumerate(regions, 1)]
    return ImportedMarks(marks, tuple(notes))


def read_library(request: FileRequest, progress: ProgressCallback) -> list[Spectrum]:
    """Read the spectra of a file; raises as `read_spectra`."""
    return read_spectra(request.path)


@dataclass(frozen=True)
class ChartRequest:
    """A colour chart of `cie.CHARTS`."""

    name: str


def read_chart(request: ChartRequest, progress: ProgressCallback) -> list[Spectrum]:
    """Return the published reflectances of a colour chart."""
    patches = cie.chart(request.name)
    return [Spectrum(Wavelengths(nm), values.astype(np.float32), name) for name, (nm, values) in patches]


@dataclass(frozen=True, eq=False)
class PasteRequest:
    """An image from the clipboard to write as an 8-bit PNG file, so that it can be opened like any file."""

    path: Path
    image: QImage


def write_pasted(request: PasteRequest, progress: ProgressCallback) -> None:
    """Write a pasted image, converted to sRGB; images without a colour space are assumed to be sRGB.

    Raises:
        OSError: the file cannot be written.
    """
    image = request.image
    if image.colorSpace().isValid():
        image = image.convertedToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    formats = QImage.Format
    image = image.convertToFormat(formats.Format_RGBA8888 if image.hasAlphaChannel() else formats.Format_RGB888)
    request.path.parent.mkdir(parents=True)
    if image.isNull() or not image.save(str(request.path)):
        raise OSError("cannot store the pasted image: not enough memory or disk space; free some and paste again")


@dataclass(frozen=True)
class ThumbnailRequest:
    """Files, and the maximum size of their thumbnails in pixels."""

    paths: tuple[Path, ...]
    size: QSize


def make_thumbnails(request: ThumbnailRequest, progress: ProgressCallback) -> Mapping[Path, QImage]:
    """Return the thumbnails of the files that exist; null for formats without fast decoding."""
    thumbnails = {}
    for done, path in enumerate(request.paths):
        progress(done / len(request.paths))
        if path.exists():
            thumbnails[path] = _thumbnail(path, request.size) if path.is_file() else QImage()
    return thumbnails


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
    if image.isNull():  # a TIFF of 32 bits, or damaged
        return image
    if image.colorSpace().isValid():
        image.convertToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    return image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
