"""Spectra along a line, evenly spaced, and the mean of a box around a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nesr_gui.analysis.pixelwise import Bools, Doubles, PixelAnalysis, members_of
from nesr_gui.fields.protocol import CalibratedField, ProgressCallback, SpectralField
from nesr_gui.regions import Point, Region
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

MOST_POINTS = 10_000
MOST_ACROSS = 99  # pixels
_CHUNK = 256  # points evaluated between two calls of `progress`


@dataclass(frozen=True, eq=False)
class Transect:
    """Spectra of a field at evenly spaced points of a line.

    Attributes:
        wavelengths: of the spectra.
        distances: from the start of the line (N,), in source pixels.
        points: (N, 2) as (row, col), in source pixels; pixel (r, c) covers (r, c) to (r + 1, c + 1).
        spectra: (N, L), bilinear between the centres of the pixels; of a wide transect the means across it.
        limits: lower and upper limits (2, N, L) of the prediction interval of the nearest pixels, shifted to the
            interpolated values; of a wide transect their means, as if all errors across it were equal. None for a field
            without intervals, or if they were not requested.
    """

    wavelengths: Wavelengths
    distances: Doubles
    points: Doubles
    spectra: FloatArray
    limits: FloatArray | None = None

    def values(self, analysis: PixelAnalysis) -> FloatArray:
        """Values (C, N) of an analysis along the line, whose wavelengths must be those of the transect."""
        if not np.array_equal(analysis.wavelengths.nm, self.wavelengths.nm):
            raise ValueError(f"the transect is at {self.wavelengths}; compute it at {analysis.wavelengths}")
        return analysis.values(np.ascontiguousarray(self.spectra.T))

    def curves(self) -> list[Spectrum]:
        """The spectra, each named after its distance."""
        named = zip(self.distances.tolist(), self.spectra, strict=True)
        return [Spectrum(self.wavelengths, values, f"{distance:.6g} px") for distance, values in named]

    def rows(self, metres: float | None = None) -> list[dict[str, float]]:
        """A row of a table for each point: where it is, and its spectrum with the prediction interval.

        Args:
            metres: the length of a source pixel, if distances in metres are wanted, too.
        """
        names = [f"{nm:g} nm" for nm in self.wavelengths.nm]
        parts = [("", self.spectra)]
        if self.limits is not None:
            parts += [(" 90 % low", self.limits[0]), (" 90 % high", self.limits[1])]
        rows = []
        for at, (distance, (row, col)) in enumerate(zip(self.distances.tolist(), self.points.tolist(), strict=True)):
            place = {"distance_px": distance, "row": row, "col": col}
            if metres is not None:
                place["distance_m"] = distance * metres
            values = {
                name + part: float(str(value))  # the shortest text that reads back the same float32
                for part, table in parts
                for name, value in zip(names, table[at], strict=True)
            }
            rows.append(place | values)
        return rows


def describe_line(corners: Sequence[Point], width: int) -> dict[str, str]:
    """What a file records of the line of a transect."""
    points = [f"row {row:g}, column {col:g}" for row, col in corners]
    return {
        "transect": f"from {' to '.join(points)} of the source image",
        "width": f"mean of {width} pixels across" if width > 1 else "1 pixel",
    }


def sample_transect(
    field: SpectralField,
    corners: Sequence[Point],
    wavelengths: Wavelengths,
    *,
    count: int | None = None,
    width: int = 1,
    intervals: bool = True,
    progress: ProgressCallback | None = None,
) -> Transect:
    """Sample a field along a line of straight parts.

    Args:
        field: any field.
        corners: at least two points (row, col) in source pixels, all inside the image.
        wavelengths: where the field is evaluated.
        count: number of points, evenly spaced along the whole line, both ends included; by default one for every pixel
            of the field.
        width: pixels of the field across the line whose mean is taken; those outside the image or without values do not
            count.
        intervals: whether to compute the prediction intervals, if the field has them.
        progress: called with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: there are fewer than two different corners, one is outside the image, there are too many points, or
            the width is not 1 to 99.
    """
    line = np.array(corners, np.float64).reshape(-1, 2)
    lengths = np.hypot(*np.diff(line, axis=0).T) if len(line) > 1 else np.zeros(0)
    rows, cols = field.source_shape
    if not (np.isfinite(line).all() and lengths.sum() > 0):
        raise ValueError("a line needs at least two different points, given as ROW,COL")
    outside = (line < 0).any(axis=1) | (line > (rows, cols)).any(axis=1)
    if outside.any():
        row, col = line[outside][0]
        raise ValueError(f"the image has {rows} rows and {cols} columns; the line goes to row {row:g}, column {col:g}")
    total = float(lengths.sum())
    points = count if count is not None else max(round(total / field.binning), 1) + 1
    if not 2 <= points <= MOST_POINTS:
        raise ValueError(f"{points:,} points along the line requested; 2 to {MOST_POINTS:,} are possible")
    if not 1 <= width <= MOST_ACROSS:
        raise ValueError(f"a width of {width} pixels requested; 1 to {MOST_ACROSS} are possible")
    distances = np.linspace(0, total, points)
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    at = np.stack([np.interp(distances, ends, axis) for axis in line.T], axis=1)
    across = at[:, None] + _offsets(line, distances, width) * field.binning  # (N, width, 2)
    is_inside = np.asarray(((across >= 0) & (across <= (rows, cols))).all(axis=2))
    parts = []
    step = max(_CHUNK // width, 1)
    for start in range(0, points, step):
        part = slice(start, start + step)
        parts.append(_mean_across(field, across[part], is_inside[part], wavelengths, intervals))
        if progress is not None:
            progress(min((start + step) / points, 1.0))
    spectra, limits = (np.concatenate([part[which] for part in parts], axis=axis) for which, axis in ((0, 0), (1, 1)))
    has_limits = intervals and isinstance(field, CalibratedField)
    return Transect(wavelengths, distances, at, spectra, limits if has_limits else None)


def box_mean(
    field: SpectralField, row: int, col: int, side: int, wavelengths: Wavelengths
) -> tuple[Spectrum, FloatArray, int]:
    """Mean spectrum of the square of `side` × `side` source pixels around one, as far as it is in the image.

    Args:
        field: any field.
        row: of the middle pixel, in source pixels.
        col: of the middle pixel, in source pixels.
        side: of the square in source pixels; that of an even side extends one pixel more up and left.
        wavelengths: where the field is evaluated.

    Returns:
        The mean, the standard deviation (L,) between the pixels, and the number of pixels of the field. Those count
        whose centres are in the box, or else the one around it; pixels without values do not.

    Raises:
        ValueError: the pixel is outside the image, the side is not positive, or no pixel has values.
    """
    height, width = field.source_shape
    if not (0 <= row < height and 0 <= col < width) or side < 1:
        raise ValueError(
            f"a box of {side} pixels around row {row}, column {col} requested; the image has rows 0-{height - 1} and "
            f"columns 0-{width - 1}, and a box at least one pixel"
        )
    region = Region.square(row, col, side, (height, width))
    rows, cols = region.window(field.shape, field.binning)
    members = members_of(field, region, rows, cols)
    if not members.any():  # a box within one pixel of the field
        members[row // field.binning - rows.start, col // field.binning - cols.start] = True
    values = field.cube(wavelengths, rows=rows, cols=cols).values[:, members]
    values = values[:, np.isfinite(values).all(axis=0)].astype(np.float64)
    if not values.size:
        raise ValueError(f"no pixel of the box around row {row}, column {col} has values; choose another place")
    mean = Spectrum(wavelengths, values.mean(axis=1).astype(np.float32), f"{side}×{side} around row {row} col {col}")
    return mean, values.std(axis=1).astype(np.float32), values.shape[1]


def _offsets(line: Doubles, distances: Doubles, width: int) -> Doubles:
    """Offsets (N, width, 2) across a line, one apart, of the points at distances (N,) from its start."""
    steps = np.diff(line, axis=0)
    lengths = np.hypot(*steps.T)
    steps, lengths = steps[lengths > 0], lengths[lengths > 0]
    of = np.clip(np.searchsorted(np.cumsum(lengths), distances), 0, len(lengths) - 1)  # the straight part of each point
    along = (steps / lengths[:, None])[of]
    across = np.stack([along[:, 1], -along[:, 0]], axis=1)
    return np.asarray(across[:, None] * (np.arange(width) - (width - 1) / 2)[:, None])


def _mean_across(
    field: SpectralField, at: Doubles, is_inside: Bools, wavelengths: Wavelengths, intervals: bool
) -> tuple[FloatArray, FloatArray]:
    """Means (n, L) over the points inside the image of (n, width, 2), and of their limits (2, n, L)."""
    values, limits = _interpolated(field, at[is_inside], wavelengths, intervals)
    if is_inside.shape[1] == 1:  # all are inside
        return values, limits
    places = np.nonzero(is_inside)[0]
    means = []
    for each in (values, *limits) if limits.shape[1] else (values,):
        known = np.isfinite(each)
        sums, counts = (np.zeros((len(at), len(wavelengths))) for _ in range(2))
        np.add.at(sums, places, np.where(known, each, 0))
        np.add.at(counts, places, known)
        with np.errstate(invalid="ignore"):
            means.append((sums / counts).astype(np.float32))
    return means[0], np.stack(means[1:]) if len(means) > 1 else limits


def _interpolated(
    field: SpectralField, at: Doubles, wavelengths: Wavelengths, intervals: bool
) -> tuple[FloatArray, FloatArray]:
    """Spectra (n, L) at points (n, 2) in source pixels, and their limits (2, n, L), of no points without intervals."""
    centres = at / field.binning - 0.5  # of the pixels of the field
    last = np.array(field.shape) - 1
    low = np.clip(np.floor(centres).astype(np.int64), 0, last)
    high = np.minimum(low + 1, last)
    share = np.clip(centres - low, 0, 1)
    corners = [(rows, cols) for rows in (low[:, 0], high[:, 0]) for cols in (low[:, 1], high[:, 1])]
    weights = [
        row * col
        for row in (1 - share[:, 0], share[:, 0])
        for col in (1 - share[:, 1], share[:, 1])
    ]  # fmt: skip
    pixels = np.concatenate([np.stack(corner, axis=1) for corner in corners])
    different, which = np.unique(pixels, axis=0, return_inverse=True)
    known = field.spectra(different, wavelengths)[which.reshape(-1)].reshape(4, len(at), -1)
    spectra = np.zeros(known.shape[1:])
    for weight, values in zip(weights, known, strict=True):
        used = weight > 0  # a gap beside the line does not spread to it
        spectra[used] += weight[used, None] * values[used]
    if not (intervals and isinstance(field, CalibratedField)):
        return spectra.astype(np.float32), np.empty((2, 0, len(wavelengths)), np.float32)
    nearest = np.clip(np.floor(at / field.binning).astype(np.int64), 0, last)
    own, (lower, upper) = field.spectra(nearest, wavelengths), field.prediction_interval(nearest, wavelengths)
    limits = np.stack([spectra + (lower - own), spectra + (upper - own)]).astype(np.float32)
    return spectra.astype(np.float32), limits
