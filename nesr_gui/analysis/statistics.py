"""Statistics of regions and masks, integrals of spectra, histograms, and pairs of values for scatter plots."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.abstention import iter_deviations
from nesr_gui.analysis.moments import Moments
from nesr_gui.analysis.pixelwise import (
    SAMPLE,
    Bools,
    Doubles,
    PixelAnalysis,
    Range,
    bands_within,
    iter_spectra,
    sampled_rows,
    trapezoid_weights,
)
from nesr_gui.fields.protocol import ProgressCallback, SpectralField, validate_window
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

MOST_POINTS = 200_000  # of a scatter plot
MOST_SORTED = 1 << 18  # pixels that percentiles are from
PERCENTILES = (5.0, 25.0, 50.0, 75.0, 95.0)


@dataclass(frozen=True, eq=False)
class Summary:
    """Statistics of the pixels, of a single value or of one at each of L wavelengths.

    Attributes:
        mean: of the pixels, () or (L,).
        deviation: standard deviation between them; 0 of a single pixel.
        lowest: of all pixels.
        highest: of all pixels.
        percentiles: those of `PERCENTILES`, (5,) or (5, L).
    """

    mean: Doubles
    deviation: Doubles
    lowest: Doubles
    highest: Doubles
    percentiles: Doubles


@dataclass(frozen=True, eq=False)
class RegionStatistics(Summary):
    """Statistics of the spectra of a region.

    Attributes:
        wavelengths: of the statistics.
        pixels: number of pixels with values.
        sorted_pixels: number of them, evenly spread, that the percentiles are from.
        is_sampled: whether the region has more pixels than these, from evenly spread strips.
        overall: of the mean of each pixel over the wavelengths, by the trapezoidal rule.
        covariance: (L, L) between the wavelengths.
    """

    wavelengths: Wavelengths
    pixels: int
    sorted_pixels: int
    is_sampled: bool
    overall: Summary
    covariance: Doubles

    def curves(self, name: str = "region") -> list[Spectrum]:
        """Mean, standard deviation, lowest and highest value as spectra."""
        parts = {
            "mean": self.mean, "standard deviation": self.deviation, "lowest": self.lowest, "highest": self.highest,
        }  # fmt: skip
        return [Spectrum(self.wavelengths, part.astype(np.float32), f"{name} {what}") for what, part in parts.items()]


def region_statistics(
    field: SpectralField,
    region: Region | None = None,
    *,
    mask: Bools | None = None,
    within: Range | None = None,
    sample: int | None = None,
    progress: ProgressCallback | None = None,
) -> RegionStatistics:
    """Statistics of the pixels of a region, a mask or both, at the bands within a range of wavelengths.

    Args:
        field: any field.
        region: in source pixels; None for the whole image.
        mask: (H, W) of the field.
        within: range in nm; None for all bands.
        sample: about the most pixels to read, from evenly spread strips of rows; None for all.
        progress: called with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: no pixel is left, the range has fewer than two bands, or the mask has another shape.
    """
    if mask is not None and mask.shape != field.shape:
        raise ValueError(f"a mask of shape {mask.shape} for an image of shape {field.shape}; they must be equal")
    bands = bands_within(field, within)
    rows, cols = region.window(field.shape, field.binning) if region else validate_window(field, None, None)
    strips = sampled_rows(rows, cols.stop - cols.start, sample)
    read = sum(strip.stop - strip.start for strip in strips) * (cols.stop - cols.start)
    # the mean over the wavelengths is the last value of each pixel
    moments, size = Moments(len(bands) + 1), len(bands) + 1
    weights = trapezoid_weights(bands.nm)
    weights /= weights.sum()
    lowest, highest = np.full(size, np.inf), np.full(size, -np.inf)
    every, kept = math.ceil(read / MOST_SORTED) | 1, list[FloatArray]()  # odd: other columns in each row
    for block in iter_spectra(field, bands, region=region, sample=sample, progress=progress):
        chosen = block.members & np.isfinite(block.spectra).all(axis=0)
        if mask is not None:
            chosen &= mask[block.rows, block.cols]
        spectra = block.spectra[:, chosen]
        if not spectra.shape[1]:
            continue
        values = np.concatenate([spectra, np.float32(weights[None] @ spectra)])
        kept.append(values[:, -moments.count % every :: every])
        moments.add(values)
        lowest, highest = np.minimum(lowest, values.min(axis=1)), np.maximum(highest, values.max(axis=1))
    mean = moments.mean  # refuses if there are no pixels
    covariance = moments.covariance() if moments.count > 1 else np.zeros((size, size))
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0))
    ordered = np.concatenate(kept, axis=1)
    percentiles = np.percentile(ordered, PERCENTILES, axis=1).astype(np.float64)
    overall = Summary(mean[-1], deviation[-1], lowest[-1], highest[-1], percentiles[:, -1])
    return RegionStatistics(
        mean=mean[:-1], deviation=deviation[:-1], lowest=lowest[:-1], highest=highest[:-1],
        percentiles=percentiles[:, :-1], wavelengths=bands, pixels=moments.count, sorted_pixels=ordered.shape[1],
        is_sampled=strips != [rows], overall=overall, covariance=covariance[:-1, :-1],
    )  # fmt: skip


def band_histogram(
    field: SpectralField,
    nm: float,
    region: Region | None = None,
    *,
    bins: int = 64,
    sample: int | None = SAMPLE,
    progress: ProgressCallback | None = None,
) -> tuple[npt.NDArray[np.int64], Doubles]:
    """Counts (bins,) and edges (bins + 1,) of the values of a region at one wavelength.

    Args:
        field: any field.
        nm: the wavelength.
        region: in source pixels; None for the whole image.
        bins: of equal width, from the lowest to the highest value.
        sample: about the most pixels to read, from evenly spread strips of rows; None for all.
        progress: called with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: no pixel has a value, or the region is outside the image.
    """
    blocks = iter_spectra(field, Wavelengths(np.array([nm])), region=region, sample=sample, progress=progress)
    return threshold_histogram(np.concatenate([block.valid[0] for block in blocks]), bins)


@dataclass(frozen=True)
class Integral:
    """The area under a spectrum over a range, and its limits within the 90 % prediction interval, if it has one."""

    area: float
    limits: tuple[float, float] | None = None


def integrate(spectrum: Spectrum, within: Range, interval: FloatArray | None = None) -> Integral:
    """Area under a spectrum over a range of wavelengths, linear between its own (trapezoidal rule).

    The limits are those of spectra within the prediction interval, see `analysis.abstention`.

    Args:
        spectrum: without gaps in the range.
        within: in nm.
        interval: lower and upper limits (2, L) of its prediction interval.

    Raises:
        ValueError: the spectrum does not cover the range.
    """
    own, (low, high) = spectrum.wavelengths.nm, within
    if not (own[0] <= low < high <= own[-1]):
        raise ValueError(f"the spectrum covers {own[0]:g}-{own[-1]:g} nm; asked for {low:g}-{high:g} nm")
    nodes = np.unique(np.concatenate([[low, high], own[(own > low) & (own < high)]]))
    weights = trapezoid_weights(nodes)

    def area(values: FloatArray) -> float:
        return float(weights @ np.interp(nodes, own, values))

    if interval is None:
        return Integral(area(spectrum.values))
    deviating = iter_deviations(spectrum.wavelengths, spectrum.values, *interval)
    areas = [area(values) for values in (spectrum.values, *deviating)]
    return Integral(areas[0], (min(areas), max(areas)))


@dataclass(frozen=True, eq=False)
class ScatterData:
    """Two values of the same pixels.

    Attributes:
        points: (N, 2) as (row, col) of the field.
        x: (N,).
        y: (N,).
        is_sampled: whether the image has more pixels than these.
    """

    points: npt.NDArray[np.int64]
    x: FloatArray
    y: FloatArray
    is_sampled: bool


def scatter(
    field: SpectralField,
    x: PixelAnalysis,
    y: PixelAnalysis,
    *,
    region: Region | None = None,
    most: int = MOST_POINTS,
    progress: ProgressCallback | None = None,
) -> ScatterData:
    """Values of the first layers of two analyses in the same pixels, at most about `most`, evenly spread.

    Args:
        field: any field.
        x: gives the values of the horizontal axis.
        y: gives the values of the vertical axis.
        region: in source pixels; None for the whole image.
        most: about the most points.
        progress: called with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: the field does not cover the wavelengths, or the region is outside the image.
    """
    nm = Wavelengths(np.union1d(x.wavelengths.nm, y.wavelengths.nm))
    own = [np.searchsorted(nm.nm, analysis.wavelengths.nm) for analysis in (x, y)]
    points, columns, count = [], [], 0
    for block in iter_spectra(field, nm, region=region, sample=max(most, SAMPLE), progress=progress):
        rows, cols = np.nonzero(block.members)
        spectra = block.spectra[:, rows, cols]
        values = np.stack([a.values(spectra[at])[0] for a, at in zip((x, y), own, strict=True)], axis=1)
        known = np.isfinite(values).all(axis=1)
        points.append(np.stack([rows + block.rows.start, cols + block.cols.start], axis=1)[known])
        columns.append(values[known])
        count += rows.size
    places, pairs = np.concatenate(points), np.concatenate(columns)
    if len(places) > most:
        kept = ((np.arange(most) + 0.5) * (len(places) / most)).astype(np.int64)
        places, pairs = places[kept], pairs[kept]
    is_sampled = len(places) < field.shape[0] * field.shape[1] if region is None else len(places) < count
    return ScatterData(places, pairs[:, 0], pairs[:, 1], is_sampled)


def threshold_histogram(values: FloatArray, bins: int = 256) -> tuple[npt.NDArray[np.int64], Doubles]:
    """Counts (bins,) and edges (bins + 1,) of the finite values of a map, to choose a threshold by.

    Raises:
        ValueError: the map has no values.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        raise ValueError("the map has no values; choose another region")
    counts, edges = np.histogram(known, bins)
    return counts.astype(np.int64), edges.astype(np.float64)
