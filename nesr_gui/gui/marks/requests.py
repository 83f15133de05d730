"""What the window asks of a field at points, frozen when it asks, and the functions that answer, on any thread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nesr_gui.fields.protocol import CalibratedField, Doubt, Points, Progress, SpectralField
from nesr_gui.fields.resampled import at_reduction
from nesr_gui.gui.model.marks import Curve, Pixel, Place, Reading
from nesr_gui.inference.model_input import SeenBands, Shown
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths


@dataclass(frozen=True, eq=False)
class PointsRequest:
    """Pixels of the source to ask the field, and the measured truth where there is one; `nm` None asks for curves.

    `encoded` is what the field was made of, if it was made.
    """

    field: SpectralField
    truth: SpectralField | None
    reduction: int
    pixels: tuple[Pixel, ...]
    nm: float | None = None
    encoded: Shown | None = None


def _reduced(request: PointsRequest) -> list[Pixel]:
    """The field's pixel that each source pixel lies in."""
    return [(row // request.reduction, col // request.reduction) for row, col in request.pixels]


def _reduced_truth(request: PointsRequest) -> SpectralField | None:
    """The truth as the field's pixels see it: what stands for several source pixels is compared with their mean."""
    return at_reduction(request.truth, request.reduction) if request.truth is not None else None


def curve_wavelengths(field: SpectralField) -> Wavelengths:
    """Where curves are asked: every nm of the field's range."""
    return Wavelengths.every(*field.wavelength_range, 1.0)


def ask_spectra(request: PointsRequest, progress: Progress) -> dict[Pixel, Spectrum]:
    """The spectrum of each pixel, and nothing else of it."""
    bands = curve_wavelengths(request.field)
    found = request.field.spectra(_reduced(request), bands)
    return {pixel: Spectrum(bands, values) for pixel, values in zip(request.pixels, found, strict=True)}


def ask_curves(request: PointsRequest, progress: Progress) -> dict[Place, Curve]:
    """The curve of each pixel."""
    field, truth = request.field, _reduced_truth(request)
    bands = curve_wavelengths(field)
    curves = [Spectrum(bands, values) for values in field.spectra(_reduced(request), bands)]
    intervals = _intervals(field, _reduced(request), bands)
    doubts = [doubt_shares(field, [pixel]) for pixel in _reduced(request)]
    truths: list[Spectrum | None] = [None] * len(curves)
    if truth is not None:
        low, high = truth.wavelength_range
        shared = bands.nm[(bands.nm >= low) & (bands.nm <= high)]
        if shared.size:
            truths = [Spectrum(Wavelengths(shared), v) for v in truth.spectra(_reduced(request), shared)]
    seen = [seen_bands(request.encoded, [pixel]) for pixel in _reduced(request)]
    return {
        pixel: Curve(curve, measured, interval=interval, doubts=shares, seen=shown)
        for pixel, curve, measured, interval, shares, shown in zip(
            request.pixels, curves, truths, intervals, doubts, seen, strict=True
        )
    }


def seen_bands(encoded: Shown | None, points: Points) -> Spectrum | None:
    """The mean of what a model was shown of a cube at the field's pixels (N, 2); None where it was a photograph."""
    if not isinstance(encoded, SeenBands):
        return None
    rows, cols = np.asarray(points).T
    return Spectrum(encoded.wavelengths, encoded.values[:, rows, cols].mean(axis=1))


def _intervals(field: SpectralField, points: list[Pixel], bands: Wavelengths) -> list[FloatArray] | list[None]:
    """The limits (2, L) at each point between which the field's maker says 90 % of true values lie, if it says so."""
    if not isinstance(field, CalibratedField):
        return [None] * len(points)
    low, high = field.interval(points, bands)
    return list(np.stack([low, high], axis=1).astype(np.float32))


def doubt_shares(field: SpectralField, points: Points) -> dict[Doubt, float]:
    """Of the pixels (N, 2), the share that each flag is raised for, if for any."""
    if not isinstance(field, CalibratedField):
        return {}
    places = np.asarray(points)
    (top, left), (bottom, right) = places.min(0), places.max(0) + 1
    flags = field.doubts(rows=slice(top, bottom), cols=slice(left, right))[places[:, 0] - top, places[:, 1] - left]
    shares = {doubt: float((flags & doubt > 0).mean()) for doubt in Doubt}
    return {doubt: share for doubt, share in shares.items() if share}


def ask_readings(request: PointsRequest, progress: Progress) -> dict[Place, Reading]:
    """The value of each pixel at one wavelength, asked of the field rather than read off a curve."""
    assert request.nm is not None
    values = request.field.spectra(_reduced(request), [request.nm])[:, 0].tolist()
    truths: list[float | None] = [None] * len(values)
    truth = _reduced_truth(request)
    if truth is not None and truth.wavelength_range[0] <= request.nm <= truth.wavelength_range[1]:
        truths = truth.spectra(_reduced(request), [request.nm])[:, 0].tolist()
    doubts = [Doubt(sum(doubt_shares(request.field, [pixel]))) for pixel in _reduced(request)]
    return {pixel: Reading(*known) for pixel, *known in zip(request.pixels, values, truths, doubts, strict=True)}
