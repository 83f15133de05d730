"""Tasks of the transect: its spectra, its values at one wavelength, and its file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nesr_gui.analysis.pixelwise import rests_on
from nesr_gui.analysis.transect import Transect, describe_line, sample_transect
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.gui.model.transect import TransectLine, TransectSpectra
from nesr_gui.io.georeference import KEY
from nesr_gui.io.spectra.csv import write_table
from nesr_gui.spectral import Wavelengths

MOST_WAVELENGTHS = 601  # of the picture of a transect


@dataclass(frozen=True, eq=False)
class TransectRequest:
    """A line to evaluate a field along: at one wavelength, or at many if `nm` is None."""

    field: SpectralField
    line: TransectLine
    nm: float | None = None


def transect_wavelengths(field: SpectralField) -> Wavelengths:
    """Return the wavelengths of the picture of a transect: every nm, or fewer for a wide range."""
    low, high = field.wavelength_range
    if high <= low:
        return Wavelengths(np.array([low]))
    return Wavelengths.from_step(low, high, float(max(math.ceil((high - low) / (MOST_WAVELENGTHS - 1)), 1)))


def query_transect(request: TransectRequest, progress: ProgressCallback) -> TransectSpectra:
    """Evaluate a field along a line at many wavelengths, and shade the values."""
    line, wavelengths = request.line, transect_wavelengths(request.field)
    found = sample_transect(request.field, line.ends, wavelengths, width=line.width, intervals=False, progress=progress)
    values = found.spectra[np.isfinite(found.spectra)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    high = high if high > low else low + 1e-6 * (abs(low) or 1.0)
    shades = 1 + 254 * (np.nan_to_num(found.spectra.T, nan=low) - low) / (high - low)
    shades[np.isnan(found.spectra.T)] = 0
    return TransectSpectra(found, shades.round().astype(np.uint8), (low, high))


def query_transect_values(request: TransectRequest, progress: ProgressCallback) -> Transect:
    """Evaluate a field along a line at one wavelength, with prediction intervals if it has them."""
    assert request.nm is not None
    line, nm = request.line, Wavelengths(np.array([request.nm]))
    return sample_transect(request.field, line.ends, nm, width=line.width, progress=progress)


@dataclass(frozen=True, eq=False)
class TransectExport:
    """A line whose spectra are written at the bands of the field; `metres` is the length of a source pixel."""

    path: Path
    field: SpectralField
    line: TransectLine
    metres: float | None = None


def export_transect(request: TransectExport, progress: ProgressCallback) -> None:
    """Write a row for each point of the line: where it is, and its spectrum with the prediction interval.

    Raises:
        OSError: the file cannot be written.
    """
    field, line, bands = request.field, request.line, request.field.bands
    found = sample_transect(field, line.ends, bands, width=line.width, progress=progress)
    provenance = {key: text for key, text in field.provenance.items() if key != KEY}
    provenance |= {**describe_line(line.ends, line.width), "rests_on": rests_on(field)}
    write_table(request.path, found.rows(request.metres), provenance=provenance)
