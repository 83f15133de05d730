"""Two values of every pixel: their density as in a scatter plot, selections in it, and their prediction intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.abstention import abstains
from nesr_gui.analysis.maps import AnalysisMap, compute_map
from nesr_gui.analysis.pixelwise import (
    SAMPLE,
    Bools,
    Doubles,
    Layer,
    PixelAnalysis,
    iter_spectra,
    sampled_rows,
)
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.regions import Point, Region
from nesr_gui.spectral import FloatArray, Wavelengths

MOST_POINTS = 200_000  # of `scatter`
OUTSIDE, MARGIN = 0.1, 0.04  # percent of the values beyond each automatic limit, and the margin beyond these
INTERVAL_SAMPLE = 1 << 15  # pixels whose intervals are computed
_PIECE = 1 << 20  # pixels handled between two calls of `progress`
_LEAST_RANGE = 1e-6  # of an axis, relative to its values: float32 has no more digits

Counts = npt.NDArray[np.int64]
Limits = tuple[float, float, float, float]
"""Lowest and highest x, lowest and highest y."""


class Pair:
    """One layer of each of two analyses, as one `PixelAnalysis` with the layers x and y.

    Args:
        x: gives the values of the horizontal axis.
        y: gives those of the vertical axis.
        layers: which layer of each.
    """

    def __init__(self, x: PixelAnalysis, y: PixelAnalysis, layers: tuple[int, int] = (0, 0)) -> None:
        self.wavelengths = Wavelengths(np.union1d(x.wavelengths.nm, y.wavelengths.nm))
        self._parts = [
            (analysis, np.searchsorted(self.wavelengths.nm, analysis.wavelengths.nm), layer)
            for analysis, layer in zip((x, y), layers, strict=True)
        ]
        self.layers: tuple[Layer, ...] = tuple(analysis.layers[layer] for analysis, _, layer in self._parts)

    def values(self, spectra: FloatArray) -> FloatArray:
        """Values (2, …) of spectra (L, …)."""
        return np.stack([analysis.values(spectra[at])[layer] for analysis, at, layer in self._parts])

    def describe(self) -> dict[str, str]:
        """See `PixelAnalysis.describe`."""
        x, y = (analysis.describe() for analysis, _, _ in self._parts)
        named = f"{self.layers[0].name} and {self.layers[1].name} of each pixel"
        parts = {f"{axis}_{key}": text for axis, part in (("x", x), ("y", y)) for key, text in part.items()}
        return {"analysis": named} | parts


@dataclass(frozen=True, eq=False)
class Density:
    """Numbers of pixels (rows, columns) in equal cells of a plane, the first row at the lowest y.

    Cells include their lower edges; the last ones also the upper.
    """

    counts: Counts
    limits: Limits

    @property
    def pixels(self) -> int:
        """Pixels within the limits."""
        return int(self.counts.sum())

    def rows(self, names: Sequence[str]) -> list[dict[str, float]]:
        """A row of a table for each cell that has pixels: x and y in its middle, by their names, and their number."""
        left, right, bottom, top = self.limits
        height, width = self.counts.shape
        x, y = (
            low + (np.arange(size) + 0.5) * (high - low) / size
            for low, high, size in ((left, right, width), (bottom, top, height))
        )
        places = zip(*(part.tolist() for part in np.nonzero(self.counts)), strict=True)
        keys = f"{names[0]} (x)", f"{names[1]} (y)", "pixels"
        return [
            dict(zip(keys, (float(x[col]), float(y[row]), int(self.counts[row, col])), strict=True))
            for row, col in places
        ]


def automatic_limits(values: FloatArray) -> Limits:
    """Limits that contain all but .1 % of the finite values at each end, with a margin.

    Args:
        values: (2, …).

    Raises:
        ValueError: no pixel has both values.
    """
    pairs = values.reshape(2, -1)
    pairs = pairs[:, :: max(pairs.shape[1] // SAMPLE, 1)]
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)].astype(np.float64)
    if not pairs.shape[1]:
        raise ValueError("no pixel has a value of both axes; choose another quantity")
    edges = list[float]()
    for low, high in np.percentile(pairs, [OUTSIDE, 100 - OUTSIDE], axis=1).T.tolist():
        least = _LEAST_RANGE * max(abs(low), abs(high)) or 1.0
        margin = max(MARGIN * (high - low), least)
        edges += [low - margin, high + margin]
    return edges[0], edges[1], edges[2], edges[3]


def density(
    values: FloatArray,
    limits: Limits,
    cells: tuple[int, int] = (256, 256),
    *,
    mask: Bools | None = None,
    progress: ProgressCallback | None = None,
) -> Density:
    """Count pixels in equal cells of the plane of their values.

    Args:
        values: (2, H, W); pixels with NaN count nowhere.
        limits: of the cells.
        cells: rows and columns.
        mask: which pixels count (H, W); None for all.
        progress: called with the fraction done; may raise `Cancelled`.
    """
    left, right, bottom, top = limits
    rows, cols = cells
    counts = np.zeros(rows * cols, np.int64)
    for x, y, _ in _pieces(values, mask, progress):
        inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
        col = np.minimum((x[inside] - left) * (cols / (right - left)), cols - 1).astype(np.int64)
        row = np.minimum((y[inside] - bottom) * (rows / (top - bottom)), rows - 1).astype(np.int64)
        counts += np.bincount(row * cols + col, minlength=rows * cols)
    return Density(counts.reshape(rows, cols), limits)


def polygon_mask(values: FloatArray, vertices: Sequence[Point], *, progress: ProgressCallback | None = None) -> Bools:
    """Which pixels (H, W) have their values inside a polygon in the plane, by the even-odd rule.

    Args:
        values: (2, H, W).
        vertices: (x, y) of at least three.
        progress: called with the fraction done; may raise `Cancelled`.
    """
    corners = np.array(vertices, np.float64)
    edges = list(zip(corners, np.roll(corners, -1, axis=0), strict=True))
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    mask = np.zeros(values[0].size, bool)
    for x, y, places in _pieces(values, None, progress):
        near = np.flatnonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top))
        order = near[np.argsort(y[near])]  # so that an edge concerns a run of pixels
        across, up, crossings = x[order], y[order], np.zeros(order.size, bool)
        for start, end in edges:
            lower, upper = (start, end) if start[1] <= end[1] else (end, start)
            first, last = np.searchsorted(up, (lower[1], upper[1]))  # an edge includes its lower end, not its upper
            if first < last:
                slope = (upper[0] - lower[0]) / (upper[1] - lower[1])
                crossings[first:last] ^= across[first:last] < lower[0] + slope * (up[first:last] - lower[1])
        mask[places[order]] = crossings
    return mask.reshape(values.shape[1:])


def _pieces(
    values: FloatArray, mask: Bools | None, progress: ProgressCallback | None
) -> Iterator[tuple[Doubles, Doubles, npt.NDArray[np.int64]]]:
    """Yield x, y and the places of the pixels that have both, piece by piece."""
    size = values[0].size
    flat, chosen = values.reshape(2, -1), mask.reshape(-1) if mask is not None else None
    for start in range(0, size, _PIECE):
        part = slice(start, min(start + _PIECE, size))
        known = np.isfinite(flat[:, part]).all(axis=0)
        if chosen is not None:
            known &= chosen[part]
        places = np.flatnonzero(known)
        x, y = flat[:, part][:, places].astype(np.float64)
        yield x, y, places + start
        if progress is not None:
            progress(part.stop / size)


@dataclass(frozen=True)
class IntervalSummary:
    """Prediction intervals of x and y, from some pixels of an image.

    Attributes:
        widths: median width of the interval of x, and of y.
        shares: share of the pixels whose interval of x, and of y, is wider than the difference asked about; see
            `abstention`.
        pixels: how many pixels with values it is from.
    """

    widths: tuple[float, float]
    shares: tuple[float, float]
    pixels: int


def summarise_intervals(
    field: SpectralField,
    pair: PixelAnalysis,
    differences: Sequence[float],
    *,
    sample: int | None = INTERVAL_SAMPLE,
    progress: ProgressCallback | None = None,
) -> IntervalSummary:
    """Compute the intervals of two values in evenly spread strips of an image.

    Args:
        field: any field with prediction intervals.
        pair: with two layers.
        differences: the difference asked about, of x and of y: `AnalysisMap.differences` of the whole map.
        sample: about the most pixels to use; None for all.
        progress: called with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: no pixel has both values.
    """
    height, width = field.shape
    side = field.binning
    strips = sampled_rows(slice(0, height), width, sample)
    widths, abstained = list[FloatArray](), list[Bools]()
    for done, strip in enumerate(strips):
        region = Region.rectangle(strip.start * side, 0, strip.stop * side, width * side)

        def report(fraction: float, done: int = done) -> None:
            if progress is not None:
                progress((done + fraction) / len(strips))

        made = compute_map(field, pair, region=region, progress=report)
        known = np.isfinite(made.values).all(axis=0)
        assert made.widths is not None  # of a field with prediction intervals
        widths.append(np.stack([np.zeros_like(made.values[0]) if w is None else w for w in made.widths])[:, known])
        abstained.append(np.stack([abstains(made.widths, differences, layer)[known] for layer in (0, 1)]))
    found, silent = np.concatenate(widths, axis=1), np.concatenate(abstained, axis=1)
    if not found.shape[1]:
        raise ValueError("no pixel has a value of both axes; choose another quantity")
    medians, shares = np.nanmedian(found, axis=1).tolist(), silent.mean(axis=1).tolist()
    return IntervalSummary((medians[0], medians[1]), (shares[0], shares[1]), found.shape[1])


def selection_map(made: AnalysisMap, mask: Bools, vertices: Sequence[Point]) -> AnalysisMap:
    """A selection in a scatter plot as a map of the class 1, for files; NaN where the axes have no values.

    Args:
        made: the map of both axes.
        mask: (H, W), the selected pixels.
        vertices: (x, y) of the polygon that selects them, for the provenance.
    """
    outline = " ".join(f"{x:.7g},{y:.7g}" for x, y in vertices)
    known = np.isfinite(made.values).all(axis=0)
    return replace(
        made, layers=(Layer("selection"),), values=np.where(known, mask, np.nan)[None].astype(np.float32), widths=None,
        provenance={**made.provenance, "selection": f"inside the polygon {outline} of both values"},
    )  # fmt: skip


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
    pair = Pair(x, y)
    points, columns, count = [], [], 0
    for block in iter_spectra(field, pair.wavelengths, region=region, sample=max(most, SAMPLE), progress=progress):
        rows, cols = np.nonzero(block.members)
        values = pair.values(block.spectra[:, rows, cols]).T
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
