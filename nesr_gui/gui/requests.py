"""What the window asks of an open field, frozen when it asks, and the plain functions that answer, on any thread."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from nesr_gui import colorimetry
from nesr_gui.field import Progress, SpectralField
from nesr_gui.gui.session import Bytes, Curve, Pixel, Reading
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

EXACT_PIECE = 1 << 16  # pixels of an exact band between two chances to stop
SHADES = np.round(255 * colorimetry.encode_srgb(np.linspace(0, 1, 1 << 16))).astype(np.uint8)


@dataclass(frozen=True)
class View:
    """What the image pane shows: a rectangle in source pixels, and source pixels per pixel of the screen."""

    top: float
    bottom: float
    left: float
    right: float
    scale: float


@dataclass(frozen=True, eq=False)
class BandRequest:
    """One band of a window of the field, every `stride`-th pixel."""

    field: SpectralField
    nm: float
    stride: int
    rows: slice
    cols: slice
    reduction: int
    levels: tuple[float, float]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns that will be asked."""
        rows, cols = (-(-(part.stop - part.start) // self.stride) for part in (self.rows, self.cols))
        return rows, cols

    @property
    def rect(self) -> tuple[int, int, int, int]:
        """x, y, width, height in source pixels of the blocks that the samples stand for."""
        (height, width), side = self.size, self.stride * self.reduction
        return self.cols.start * self.reduction, self.rows.start * self.reduction, width * side, height * side

    def covers(self, view: View, shape: tuple[int, int]) -> bool:
        """Whether nothing of a source image of `shape` that is in view lies outside."""
        x, y, width, height = self.rect
        return (
            y <= max(view.top, 0) and y + height >= min(view.bottom, shape[0])
            and x <= max(view.left, 0) and x + width >= min(view.right, shape[1])
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class BandImage:
    """The answer: grey (h, w) uint8 as shown, values (h, w) float32, and the seconds it took."""

    request: BandRequest
    grey: Bytes
    values: FloatArray
    seconds: float


def resolve_band(
    field: SpectralField, reduction: int, nm: float, levels: tuple[float, float], view: View, samples: int | None
) -> BandRequest:
    """The band of what is in view: at most about `samples` pixels, or with None as fine as the screen can show.

    Windows start on multiples of the stride, so that a moved view samples the same pixels.
    """
    fine = max(1, math.floor(view.scale / reduction))
    edges = []
    for low, high, size in ((view.top, view.bottom, field.shape[0]), (view.left, view.right, field.shape[1])):
        start = min(max(math.floor(low / reduction), 0), size - 1)
        edges.append((start, min(max(math.ceil(high / reduction), start + 1), size)))
    area = math.prod(stop - start for start, stop in edges)
    stride = fine if samples is None else max(fine, math.ceil(math.sqrt(area / samples)))
    rows, cols = (slice(start - start % stride, stop) for start, stop in edges)
    return BandRequest(field, nm, stride, rows, cols, reduction, levels)


def coarse_band(request: BandRequest, progress: Progress) -> BandImage:
    """The band in one piece, too small to be worth stopping."""
    start = time.perf_counter()
    values = request.field.band(request.nm, stride=request.stride, rows=request.rows, cols=request.cols)
    return BandImage(request, shades(values, request.levels), values, time.perf_counter() - start)


def exact_band(request: BandRequest, progress: Progress) -> BandImage:
    """The band piece by piece, so that a newer request need not wait for it."""
    start = time.perf_counter()
    _, width = request.size
    step = request.stride * max(1, EXACT_PIECE // width)
    pieces = []
    for row in range(request.rows.start, request.rows.stop, step):
        progress((row - request.rows.start) / (request.rows.stop - request.rows.start))
        rows = slice(row, min(row + step, request.rows.stop))
        pieces.append(request.field.band(request.nm, stride=request.stride, rows=rows, cols=request.cols))
    values = np.concatenate(pieces)
    return BandImage(request, shades(values, request.levels), values, time.perf_counter() - start)


def shades(values: FloatArray, levels: tuple[float, float]) -> Bytes:
    """Values as grey: encoded like a photograph, so that a band is as bright as the photograph next to it."""
    low, high = levels
    index = np.clip((values - low) * (65535 / max(high - low, 1e-12)), 0, 65535)
    shown: Bytes = SHADES[index.astype(np.uint16)]
    return shown


def levels_of(field: SpectralField) -> tuple[float, float]:
    """Black and white for every band of a field, fixed so that scrubbing shows what changes: 0 and nearly the top."""
    stride = max(1, max(field.shape) // 96)
    bands = [field.band(nm, stride=stride) for nm in np.linspace(*field.wavelength_range, 7)]
    values = np.stack(bands)
    values = values[np.isfinite(values)]
    top = float(np.percentile(values, 99.5)) if values.size else 1.0
    low = float(np.percentile(values, 0.5)) if values.size and values.min() < 0 else 0.0
    return min(low, 0.0), top if top > 0 else 1.0


@dataclass(frozen=True, eq=False)
class PointsRequest:
    """Pixels of the source to ask the field, and the measured truth where there is one; `nm` None asks for curves."""

    field: SpectralField
    truth: SpectralField | None
    reduction: int
    pixels: tuple[Pixel, ...]
    nm: float | None = None


def _reduced(request: PointsRequest) -> list[Pixel]:
    """The field's pixel that each source pixel lies in."""
    return [(row // request.reduction, col // request.reduction) for row, col in request.pixels]


def curve_wavelengths(field: SpectralField) -> Wavelengths:
    """Where curves are asked: every nm of the field's range."""
    return Wavelengths.every(*field.wavelength_range, 1.0)


def ask_curves(request: PointsRequest, progress: Progress) -> dict[Pixel, Curve]:
    """The curve of each pixel."""
    field, truth = request.field, request.truth
    bands = curve_wavelengths(field)
    curves = [Spectrum(bands, values) for values in field.spectra(_reduced(request), bands)]
    truths: list[Spectrum | None] = [None] * len(curves)
    if truth is not None:
        low, high = truth.wavelength_range
        shared = bands.nm[(bands.nm >= low) & (bands.nm <= high)]
        if shared.size:
            truths = [Spectrum(Wavelengths(shared), v) for v in truth.spectra(list(request.pixels), shared)]
    return {
        pixel: Curve(curve, measured) for pixel, curve, measured in zip(request.pixels, curves, truths, strict=True)
    }


def ask_readings(request: PointsRequest, progress: Progress) -> dict[Pixel, Reading]:
    """The value of each pixel at one wavelength, asked of the field rather than read off a curve."""
    assert request.nm is not None
    values = request.field.spectra(_reduced(request), [request.nm])[:, 0].tolist()
    truths: list[float | None] = [None] * len(values)
    truth = request.truth
    if truth is not None and truth.wavelength_range[0] <= request.nm <= truth.wavelength_range[1]:
        truths = truth.spectra(list(request.pixels), [request.nm])[:, 0].tolist()
    return {pixel: Reading(*pair) for pixel, pair in zip(request.pixels, zip(values, truths, strict=True), strict=True)}
