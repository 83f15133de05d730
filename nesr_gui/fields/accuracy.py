"""Accuracy of a reconstruction against a measured cube, for any part of an image, in constant memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui import metrics
from nesr_gui.colorimetry.cie import colour_differences
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.camera import MAX_LOST_RESPONSE, camera_weights, lost_response
from nesr_gui.fields.protocol import ProgressCallback, SpectralField, validate_window
from nesr_gui.spectral import FloatArray, Quantity, Wavelengths

STEP = 10.0  # nm between compared wavelengths
MIN_TRUTH_FOR_ANGLE = 0.02  # mean truth above which the spectral angle is meaningful

Members = Callable[[slice, slice], npt.NDArray[np.bool_]]
"""Selects the pixels (h, w) of a rectangle, rows × columns, that count."""

CONDITIONS = (
    "MRAE = mean |y - t| / (max(t, 0) + 0.001); RMSE and PSNR for a range of 1; spectral angle in degrees over pixels "
    f"of mean truth above {MIN_TRUTH_FOR_ANGLE:g}; ΔE2000 of the colours for the default camera (CIE 1931 2°, D65)"
)


@dataclass(frozen=True)
class AccuracyMetrics:
    """Metrics over `pixels` compared pixels, see `CONDITIONS`; NaN where a metric is undefined."""

    mrae: float
    rmse: float
    psnr: float
    angle: float
    colour: float
    pixels: int

    def in_words(self) -> str:
        """All metrics on one line."""
        return (
            f"MRAE {self.mrae:.4f}, RMSE {self.rmse:.4f}, PSNR {self.psnr:.2f} dB, angle {self.angle:.2f}°, "
            f"ΔE2000 {self.colour:.2f}"
        )


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of pixels (h, w) over the compared wavelengths; NaN where the truth is unknown."""

    mrae: FloatArray
    rmse: FloatArray
    angle: FloatArray
    colour: FloatArray
    bright: npt.NDArray[np.bool_]


def shared_bands(field: SpectralField, truth: SpectralField) -> Wavelengths:
    """Wavelengths at which two fields are compared: about every 10 nm of their common range.

    Raises:
        ValueError: the ranges do not overlap.
    """
    (low, high), (least, most) = field.wavelength_range, truth.wavelength_range
    start, stop = max(low, least), min(high, most)
    if start > stop:
        raise ValueError(
            f"the measured cube covers {least:g}-{most:g} nm and the reconstruction {low:g}-{high:g} nm, which have no "
            "wavelength in common; open a cube that covers part of the same range"
        )
    return Wavelengths.evenly_spaced(max(round((stop - start) / STEP), 1) + 1 if stop > start else 1, start, stop)


class SpectralComparison:
    """Compares spectra with measured ones at `bands`; `sees` is whether these bands determine a colour."""

    def __init__(self, bands: Wavelengths, estimated: Quantity, measured: Quantity) -> None:
        self.bands = bands
        viewing = ViewingConditions.default()
        self.has_colour = lost_response(viewing, measured, bands) <= MAX_LOST_RESPONSE
        if self.has_colour:
            self._weights = [camera_weights(viewing, quantity, bands.nm) for quantity in (estimated, measured)]

    def errors(self, spectra: FloatArray, truth: FloatArray) -> Errors:
        """All error measures of spectra (L, h, w)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            mrae, rmse = metrics.mrae(spectra, truth, axis=0), metrics.rmse(spectra, truth, axis=0)
            last = (np.moveaxis(part, 0, -1) for part in (spectra, truth))
            angle = np.asarray(metrics.spectral_angle(*last), np.float32)
            bright = truth.mean(axis=0) > MIN_TRUTH_FOR_ANGLE
        return Errors(mrae, rmse, angle, self.colour(spectra, truth), bright)

    def colour(self, spectra: FloatArray, truth: FloatArray) -> FloatArray:
        """ΔE2000 (h, w) of spectra (L, h, w), with colours clipped to sRGB as in a photograph.

        NaN if the wavelengths do not determine a colour.
        """
        if not self.has_colour:
            return np.full(truth.shape[1:], np.nan, np.float32)
        valid = np.isfinite(truth).all(axis=0)
        parts = zip((spectra, np.where(valid, truth, 0)), self._weights, strict=True)
        estimated, measured = (np.clip(np.tensordot(part, weights, axes=(0, 0)), 0, 1) for part, weights in parts)
        return np.where(valid, colour_differences(estimated, measured), np.float32(np.nan))


class MetricAccumulator:
    """Running sums of errors, from which the metrics are computed."""

    def __init__(self) -> None:
        self._sums = np.zeros(4)  # of MRAE, squared RMSE, angle, ΔE2000
        self._pixels = self._bright = 0

    def add(self, errors: Errors, members: npt.NDArray[np.bool_] | None = None) -> None:
        """Add the errors of pixels (h, w), excluding those without truth and those outside `members`."""
        counted = np.isfinite(errors.rmse)
        if members is not None:
            counted &= members
        bright = counted & errors.bright
        parts = (
            errors.mrae[counted], errors.rmse[counted].astype(np.float64) ** 2, errors.angle[bright],
            errors.colour[counted],
        )  # fmt: skip
        self._sums += [part.sum(dtype=np.float64) for part in parts]
        self._pixels += int(counted.sum())
        self._bright += int(bright.sum())

    def figures(self) -> AccuracyMetrics:
        """Metrics of all pixels added so far."""
        mrae, square, colour = (self._sums[[0, 1, 3]] / self._pixels).tolist() if self._pixels else (math.nan,) * 3
        angle = float(self._sums[2]) / self._bright if self._bright else math.nan
        psnr = -10 * math.log10(square) if square > 0 else math.inf if square == 0 else math.nan
        return AccuracyMetrics(
            mrae=mrae, rmse=math.sqrt(square), psnr=psnr, angle=angle, colour=colour, pixels=self._pixels
        )


def accuracy(
    field: SpectralField,
    truth: SpectralField,
    *,
    rows: slice | None = None,
    cols: slice | None = None,
    members: Members | None = None,
    progress: ProgressCallback | None = None,
) -> AccuracyMetrics:
    """Metrics of a window of a field against a truth of the same shape, computed block by block.

    Args:
        field: the reconstruction.
        truth: the measured field.
        rows: rows of the window; all by default.
        cols: columns of the window; all by default.
        members: selects the pixels of each block that count; all by default.
        progress: called with the fraction done.

    Raises:
        ValueError: the shapes differ, the fields share no wavelength, or the window is outside the image.

    Examples:
        >>> import nesr_gui
        >>> from nesr_gui import resources
        >>> cube = nesr_gui.open_cube(resources.sample("colour_checker").truth)
        >>> accuracy(cube, cube, rows=slice(0, 8)).rmse
        0.0
    """
    if field.shape != truth.shape:
        raise ValueError(f"the measured cube has shape {truth.shape} and the reconstruction {field.shape}")
    comparison = SpectralComparison(shared_bands(field, truth), field.quantity, truth.quantity)
    window, tally, done = validate_window(field, rows, cols), MetricAccumulator(), 0
    total = math.prod(part.stop - part.start for part in window)
    for block in field.blocks(comparison.bands, rows=window[0], cols=window[1]):
        measured = truth.cube(comparison.bands, rows=block.rows, cols=block.cols).values
        chosen = members(block.rows, block.cols) if members is not None else None
        tally.add(comparison.errors(block.values, measured), chosen)
        done += measured[0].size
        if progress is not None:
            progress(done / total)
    return tally.figures()
