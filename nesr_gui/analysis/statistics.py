"""Statistics of regions and masks, and histograms for thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.moments import Moments
from nesr_gui.analysis.pixelwise import Bools, Doubles, Range, bands_within, iter_spectra
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths


@dataclass(frozen=True, eq=False)
class RegionStatistics:
    """Statistics of the spectra of a region.

    Attributes:
        wavelengths: of the statistics.
        pixels: number of pixels with values.
        mean: (L,).
        deviation: standard deviation (L,) between the pixels.
        lowest: (L,).
        highest: (L,).
        covariance: (L, L) between the wavelengths.
    """

    wavelengths: Wavelengths
    pixels: int
    mean: Doubles
    deviation: Doubles
    lowest: Doubles
    highest: Doubles
    covariance: Doubles

    @property
    def overall_mean(self) -> float:
        """Mean over pixels and wavelengths, which count by their distance from their neighbours."""
        widths = np.gradient(self.wavelengths.nm) if len(self.wavelengths) > 1 else np.ones(1)
        return float((widths * self.mean).sum() / widths.sum())

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
    progress: ProgressCallback | None = None,
) -> RegionStatistics:
    """Statistics of the pixels of a region, a mask or both, at the bands within a range of wavelengths.

    Args:
        field: any field.
        region: in source pixels; None for the whole image.
        mask: (H, W) of the field.
        within: range in nm; None for all bands.
        progress: called with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: no pixel is left, the range has fewer than two bands, or the mask has another shape.
    """
    if mask is not None and mask.shape != field.shape:
        raise ValueError(f"a mask of shape {mask.shape} for an image of shape {field.shape}; they must be equal")
    gathered = _Gathered(bands_within(field, within))
    for block in iter_spectra(field, gathered.wavelengths, region=region, progress=progress):
        chosen = block.members & np.isfinite(block.spectra).all(axis=0)
        if mask is not None:
            chosen &= mask[block.rows, block.cols]
        gathered.add(block.spectra[:, chosen])
    return gathered.statistics()


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
    gathered = {number: _Gathered(bands) for number in chosen}
    for block in iter_spectra(field, bands, progress=progress):
        own = np.where(np.isfinite(block.spectra).all(axis=0), numbers[block.rows, block.cols].astype(np.int16), -1)
        for number in np.unique(own).tolist():
            if number in gathered:
                gathered[number].add(block.spectra[:, own == number])
    return {number: part.statistics() for number, part in gathered.items() if part.pixels}


class _Gathered:
    """Spectra of which the statistics are wanted, block by block."""

    def __init__(self, wavelengths: Wavelengths) -> None:
        self.wavelengths = wavelengths
        self._moments = Moments(len(wavelengths))
        self._lowest, self._highest = np.full(len(wavelengths), np.inf), np.full(len(wavelengths), -np.inf)

    @property
    def pixels(self) -> int:
        return self._moments.count

    def add(self, spectra: FloatArray) -> None:
        """Add finite spectra (L, n)."""
        self._moments.add(spectra)
        if spectra.shape[1]:
            self._lowest = np.minimum(self._lowest, spectra.min(axis=1))
            self._highest = np.maximum(self._highest, spectra.max(axis=1))

    def statistics(self) -> RegionStatistics:
        """Raises ValueError if there are none."""
        count, mean = self._moments.count, self._moments.mean
        covariance = self._moments.covariance() if count > 1 else np.zeros((mean.size, mean.size))
        return RegionStatistics(
            wavelengths=self.wavelengths, pixels=count, mean=mean,
            deviation=np.sqrt(np.maximum(np.diag(covariance), 0)), lowest=self._lowest, highest=self._highest,
            covariance=covariance,
        )  # fmt: skip


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
