"""Statistics of regions and masks, integrals of spectra, and histograms for thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.abstention import iter_deviations
from nesr_gui.analysis.moments import Moments
from nesr_gui.analysis.pixelwise import (
    SAMPLE,
    Bools,
    Doubles,
    Range,
    bands_within,
    iter_spectra,
    sampled_rows,
    trapezoid_weights,
)
from nesr_gui.fields.protocol import ProgressCallback, SpectralField, validate_window
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

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

    def cells(self, at: int | None = None) -> dict[str, str]:
        """The statistics as cells of a table: of a single value, or those at the wavelength with the index `at`."""
        percentiles = {
            "median" if percent == 50 else f"{percent:g} %": values
            for percent, values in zip(PERCENTILES, self.percentiles, strict=True)
        }
        parts = {
            "mean": self.mean, "SD": self.deviation, "lowest": self.lowest, **percentiles, "highest": self.highest,
        }  # fmt: skip
        return {name: f"{float(values if at is None else values[at]):.6g}" for name, values in parts.items()}


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

    def in_words(self) -> str:
        """How many pixels the statistics are from, as sentences."""
        text = f"{self.pixels:,} {'pixel' if self.pixels == 1 else 'pixels'}"
        text += ", evenly spread." if self.is_sampled else "."
        if self.sorted_pixels < self.pixels:
            text += f" Percentiles are from {self.sorted_pixels:,} of them."
        return text

    def rows(self) -> list[dict[str, str]]:
        """A row of a table for the mean over the wavelengths, and one for each of them."""
        nm = self.wavelengths.nm
        rows = [{"nm": f"{nm[0]:g}-{nm[-1]:g}", **self.overall.cells()}]
        return rows + [{"nm": f"{band:g}", **self.cells(at)} for at, band in enumerate(nm.tolist())]


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
    gathered = _Gathered(bands, _spacing(read))
    for block in iter_spectra(field, bands, region=region, sample=sample, progress=progress):
        chosen = block.members & np.isfinite(block.spectra).all(axis=0)
        if mask is not None:
            chosen &= mask[block.rows, block.cols]
        gathered.add(block.spectra[:, chosen])
    return gathered.statistics(is_sampled=strips != [rows])


def class_statistics(
    field: SpectralField,
    numbers: npt.NDArray[np.uint8],
    chosen: Sequence[int],
    *,
    within: Range | None = None,
    progress: ProgressCallback | None = None,
) -> dict[int, RegionStatistics]:
    """Statistics of the pixels of several classes, from one evaluation of the image; without classes that have none.

    Args:
        field: any field.
        numbers: the class of each pixel (H, W) of the field.
        chosen: the numbers of the classes.
        within: range in nm; None for all bands.
        progress: called with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: the range has fewer than two bands, or the numbers have another shape.
    """
    if numbers.shape != field.shape:
        raise ValueError(f"classes of shape {numbers.shape} for an image of shape {field.shape}; they must be equal")
    bands = bands_within(field, within)
    every = _spacing(math.prod(field.shape))
    gathered = {number: _Gathered(bands, every) for number in chosen}
    for block in iter_spectra(field, bands, progress=progress):
        own = np.where(np.isfinite(block.spectra).all(axis=0), numbers[block.rows, block.cols].astype(np.int16), -1)
        for number in np.unique(own).tolist():
            if number in gathered:
                gathered[number].add(block.spectra[:, own == number])
    return {number: part.statistics() for number, part in gathered.items() if part.pixels}


class _Gathered:
    """Spectra of which the statistics are wanted, block by block; every `every`-th is kept for the percentiles."""

    def __init__(self, wavelengths: Wavelengths, every: int) -> None:
        self.wavelengths, self._every = wavelengths, every
        weights = trapezoid_weights(wavelengths.nm)
        self._weights = weights / weights.sum()
        size = len(wavelengths) + 1  # the last value is the mean over the wavelengths
        self._moments, self._kept = Moments(size), list[FloatArray]()
        self._lowest, self._highest = np.full(size, np.inf), np.full(size, -np.inf)

    @property
    def pixels(self) -> int:
        return self._moments.count

    def add(self, spectra: FloatArray) -> None:
        """Add finite spectra (L, n)."""
        if not spectra.shape[1]:
            return
        values = np.concatenate([spectra, np.float32(self._weights[None] @ spectra)])
        self._kept.append(values[:, -self.pixels % self._every :: self._every])
        self._moments.add(values)
        self._lowest = np.minimum(self._lowest, values.min(axis=1))
        self._highest = np.maximum(self._highest, values.max(axis=1))

    def statistics(self, is_sampled: bool = False) -> RegionStatistics:
        """Raises ValueError if there are none."""
        count, mean = self._moments.count, self._moments.mean
        covariance = self._moments.covariance() if count > 1 else np.zeros((mean.size, mean.size))
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0))
        kept, low, high = np.concatenate(self._kept, axis=1), self._lowest, self._highest
        percentiles = np.percentile(kept, PERCENTILES, axis=1).astype(np.float64)
        return RegionStatistics(
            mean=mean[:-1], deviation=deviation[:-1], lowest=low[:-1], highest=high[:-1],
            percentiles=percentiles[:, :-1], wavelengths=self.wavelengths, pixels=count, sorted_pixels=kept.shape[1],
            is_sampled=is_sampled, overall=Summary(mean[-1], deviation[-1], low[-1], high[-1], percentiles[:, -1]),
            covariance=covariance[:-1, :-1],
        )  # fmt: skip


def _spacing(pixels: int) -> int:
    """Of how many pixels one is kept for the percentiles: an odd number, so that rows give different columns."""
    return math.ceil(pixels / MOST_SORTED) | 1


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


def threshold_histogram(values: FloatArray, bins: int = 256) -> tuple[npt.NDArray[np.int64], Doubles]:
    """Counts (bins,) and edges (bins + 1,) of the finite values of a map, to choose a threshold by.

    Raises:
        ValueError: the map has no values.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        raise ValueError("the map has no values; choose another region")
    counts, edges = np.histogram(known.astype(np.float64), bins)  # float32 has too few values between close limits
    return counts.astype(np.int64), edges
