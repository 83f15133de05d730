"""Tasks for measured spectra of marks: reading them from files, applying them, and where to measure next."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nesr_gui.colorimetry import cie
from nesr_gui.fields.anchored import PATCH, Anchor, AnchorCheck, AnchoredField, anchored, as_anchorable
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.fields.residual_prior import DARK
from nesr_gui.fields.suggestion import suggest_spots
from nesr_gui.gui.model.anchoring import Anchoring
from nesr_gui.gui.model.marks import Pixel, PlacedReading, Reading, Readings
from nesr_gui.gui.model.plot_settings import ReferenceSpectrum
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.spectral import FloatArray, RGBImage, Spectrum, Wavelengths

SUGGESTED = 5  # spots at once
_MAY_BE_CUBE = ".hdr"
DAMAGED = "the prior for measured spectra in this model is damaged; choose another model"


@dataclass(frozen=True)
class ReadingRequest:
    """A file of measured spectra; one that was dropped may be something else."""

    path: Path
    is_dropped: bool = False


def read_readings(request: ReadingRequest, progress: ProgressCallback) -> list[Reading]:
    """Read all measured spectra of a file; none if it was dropped and is an ENVI cube instead.

    Raises:
        OSError, UnreadableFile: the file cannot be read.
    """
    path = request.path
    try:
        spectra = read_spectra(path)
    except UnreadableFile:
        if request.is_dropped and path.suffix.lower() == _MAY_BE_CUBE:
            return []
        raise
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return [Reading(spectrum, path.name, digest) for spectrum in spectra]


@dataclass(frozen=True, eq=False)
class ReferencesRequest:
    """The reference spectra of the plot, to choose a measured spectrum from."""

    library: tuple[ReferenceSpectrum, ...]


def list_references(request: ReferencesRequest, progress: ProgressCallback) -> list[Reading]:
    """Return the reference spectra and the published ones of colour charts as measured spectra."""
    readings = [Reading(reference.spectrum, reference.source) for reference in request.library]
    for chart in cie.CHARTS:
        for name, (nm, values) in cie.chart(chart):
            spectrum = Spectrum(Wavelengths(nm), values.astype(np.float32), name)
            readings.append(Reading(spectrum, f"{chart}, published"))
    return readings


@dataclass(frozen=True, eq=False)
class CheckRequest:
    """A measured spectrum to attach to a mark of a reconstruction."""

    beneath: SpectralField
    placed: PlacedReading


def check_reading(request: CheckRequest, progress: ProgressCallback) -> None:
    """Check that a measured spectrum can correct the reconstruction from its spot.

    Raises:
        ValueError: it cannot; the text is one sentence.
    """
    _check(request.beneath, [request.placed.anchor()])


@dataclass(frozen=True, eq=False)
class AnchoringRequest:
    """Measured spectra to apply to a reconstruction `beneath`, and what was computed before, if anything."""

    beneath: SpectralField
    readings: Readings
    previous: Anchoring | None = None


def apply_readings(request: AnchoringRequest, progress: ProgressCallback) -> Anchoring:
    """Correct a reconstruction by the measured spectra that are used, and check all of them.

    Unusable ones are left out with a reason. The field stays the same object if the spectra that it uses are the same.
    """
    beneath, total = request.beneath, 2 * len(request.readings)
    usable, refusals = dict[PlacedReading, Anchor](), dict[int, str]()
    for done, placed in enumerate(request.readings):
        progress(done / total)
        try:
            usable[placed] = placed.anchor()
            _check(beneath, [usable[placed]])
        except ValueError as error:
            usable.pop(placed, None)
            refusals[placed.number] = str(error)
    used = [placed for placed in usable if placed.reading.is_used]
    anchors, checks, corrected = [usable[placed] for placed in used], dict[int, AnchorCheck](), beneath
    if used:
        corrected, found = _check(beneath, anchors)
        checks = {placed.number: check for placed, check in zip(used, found, strict=True)}
    for done, (placed, anchor) in enumerate(usable.items()):
        progress(0.5 + done / total)
        if placed not in used:  # how it agrees with those that are
            checks[placed.number] = _check(beneath, [*anchors, anchor])[1][-1]
    scaled = {
        placed.number: _scaled(placed.reading.spectrum, checks[placed.number].scale, beneath.wavelength_range)
        for placed in usable
    }
    previous = request.previous
    if previous is not None and previous.beneath is beneath and previous.used == tuple(used):
        corrected = previous.corrected
    return Anchoring(beneath, request.readings, corrected, checks=checks, scaled=scaled, refusals=refusals)


def _check(beneath: SpectralField, anchors: Sequence[Anchor]) -> tuple[AnchoredField, list[AnchorCheck]]:
    """A reconstruction corrected by anchors, at least one, and how these agree.

    Raises:
        ValueError: an anchor is unusable.
    """
    try:
        corrected = anchored(as_anchorable(beneath), anchors)
    except np.linalg.LinAlgError as error:
        raise ValueError(DAMAGED) from error
    assert isinstance(corrected, AnchoredField)  # there are anchors
    checks = corrected.checks()
    if not np.isfinite([[check.before, check.left_out, check.after, check.scale] for check in checks]).all():
        raise ValueError(DAMAGED)
    return corrected, checks


def _scaled(spectrum: Spectrum, scale: float, nm_range: tuple[float, float]) -> Spectrum:
    """A reading, scaled to the reconstruction, where it has values within a range in nm."""
    nm = spectrum.wavelengths.nm
    shown = np.isfinite(spectrum.values) & (nm >= nm_range[0]) & (nm <= nm_range[1])
    return Spectrum(Wavelengths(nm[shown]), spectrum.values[shown] * np.float32(scale), spectrum.name)


@dataclass(frozen=True, eq=False)
class SuggestionRequest:
    """A reconstruction of an image, with measured spectra or without, and the number of spots to measure next."""

    field: SpectralField
    image: RGBImage
    count: int = SUGGESTED


def suggest(request: SuggestionRequest, progress: ProgressCallback) -> list[Pixel]:
    """Return the spots to measure next, the best first, in source pixels.

    They lie in the more even half of the pixels that are not clipped: the area that an instrument sees must not have an
    edge in it, and the prior is of small patches.

    Raises:
        ValueError: the model has no prior, or all of the image is clipped.
    """
    clipped = request.image.clipped
    allowed = np.ones(request.image.shape, bool) if clipped is None else ~clipped
    if not allowed.any():
        raise ValueError("the whole photograph is clipped; open one that is exposed less")
    unevenness = _unevenness(request.image.values, progress)
    allowed &= unevenness <= np.median(unevenness[allowed])
    return suggest_spots(as_anchorable(request.field), request.count, allowed)


def _unevenness(values: FloatArray, progress: ProgressCallback) -> FloatArray:
    """Standard deviation (H, W) of colours (H, W, 3) within `PATCH` × `PATCH` pixels, relative to their brightness."""
    variance, brightness = np.zeros(values.shape[:2], np.float32), np.full(values.shape[:2], DARK, np.float32)
    for channel in range(values.shape[2]):
        progress(0.3 * channel / values.shape[2])
        mean = _patch_means(values[..., channel])
        variance += np.maximum(_patch_means(np.square(values[..., channel])) - np.square(mean), 0)
        brightness += mean / values.shape[2]
    return np.asarray(np.sqrt(variance) / brightness, np.float32)


def _patch_means(plane: FloatArray) -> FloatArray:
    """Mean (H, W) of the `PATCH` × `PATCH` pixels around each; edges are repeated."""
    for axis in (0, 1):
        width = [(PATCH // 2, PATCH // 2) if each == axis else (0, 0) for each in (0, 1)]
        padded, size = np.pad(plane, width, mode="edge"), plane.shape[axis]
        total = sum(padded.take(range(at, at + size), axis) for at in range(PATCH))
        plane = np.asarray(total, np.float32) / np.float32(PATCH)
    return plane
