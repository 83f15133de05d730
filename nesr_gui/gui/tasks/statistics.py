"""Tasks of the Statistics panel: statistics and histogram of pixels, integrals of marks, and their tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.pixelwise import SAMPLE
from nesr_gui.analysis.statistics import (
    Integral,
    RegionStatistics,
    band_histogram,
    integrate,
    region_statistics,
)
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.gui.model.marks import Mark, MarkGeometry, MarkSpectrum
from nesr_gui.gui.model.statistics_settings import Range
from nesr_gui.regions import Region

Histogram = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]
"""Counts (bins,) and edges (bins + 1,)."""
Row = Mapping[str, str]


@dataclass(frozen=True)
class StatisticsRequest:
    """A region in source pixels, None for the whole image, and an interval of wavelengths in nm."""

    field: SpectralField
    region: Region | None
    within: Range


def compute_statistics(request: StatisticsRequest, progress: ProgressCallback) -> RegionStatistics | ValueError:
    """Return the statistics, of evenly spread pixels where there are many, or why there are none."""
    try:
        return region_statistics(
            request.field, request.region, within=request.within, sample=SAMPLE, progress=progress
        )  # fmt: skip
    except ValueError as error:
        return error


@dataclass(frozen=True)
class HistogramRequest:
    """A region in source pixels, None for the whole image, and a wavelength in nm."""

    field: SpectralField
    region: Region | None
    nm: float


def compute_histogram(request: HistogramRequest, progress: ProgressCallback) -> Histogram | ValueError:
    """Return the histogram of the values at the wavelength, or why there is none."""
    try:
        return band_histogram(request.field, request.nm, request.region, progress=progress)
    except ValueError as error:
        return error


@dataclass(frozen=True, eq=False)
class IntegralsRequest:
    """Spectra of marks by place, and an interval of wavelengths in nm."""

    curves: Mapping[MarkGeometry, MarkSpectrum]
    within: Range


def compute_integrals(request: IntegralsRequest, progress: ProgressCallback) -> dict[MarkGeometry, Integral]:
    """Return the area under each spectrum, with its limits within the prediction interval of a pixel."""
    found: dict[MarkGeometry, Integral] = {}
    if not request.within[0] < request.within[1]:
        return found  # a single band has no area
    for place, curve in request.curves.items():
        progress(0.0)
        interval = curve.interval if curve.deviation is None else None
        found[place] = integrate(curve.spectrum, request.within, interval)
    return found


def histogram_rows(histogram: Histogram) -> list[Row]:
    """Return a row for each bin."""
    counts, edges = histogram
    return [
        {"from": f"{low:.6g}", "to": f"{high:.6g}", "pixels": str(count)}
        for low, high, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    ]


def integral_rows(marks: Sequence[Mark], integrals: Mapping[MarkGeometry, Integral], within: Range) -> list[Row]:
    """Return a row for each mark whose integral is known; limits are empty without a prediction interval."""
    width, rows = within[1] - within[0], list[Row]()
    for mark in marks:
        if (found := integrals.get(mark.place)) is not None:
            low, high = found.limits or (math.nan, math.nan)
            values = {"integral": found.area, "90 % low": low, "90 % high": high, "mean": found.area / width}
            texts = {name: "" if math.isnan(value) else f"{value:.6g}" for name, value in values.items()}
            rows.append({"mark": mark.title, **texts})
    return rows
