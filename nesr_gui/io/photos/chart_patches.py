"""Patches of a colour chart in a photograph: from four corners to the light of every patch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.charts import GAP, ColourChart
from nesr_gui.io.photos.develop import device_light
from nesr_gui.io.photos.develop_settings import SourceEncoding
from nesr_gui.io.photos.photo import DecodedPhoto
from nesr_gui.regions import Region, Shape

INNER = 0.5  # side of the part of a patch that is read, as a fraction of the patch
SMALLEST = 3.0  # px, side of that part
MOST_SAMPLES = 48  # along each side of that part
CLIPPED = 0.02  # fraction of the pixels of a patch from which it counts as clipped
FEWEST = 12  # patches inside the photograph
TRIM = 3.0  # median absolute deviations beyond which a pixel does not count
OTHER_COLOURS = 0.13  # misfit of what is no chart; tone curves of cameras leave .08, other parts of pictures .17
MIRRORED = 0.8  # a mirrored chart must fit better than an unmirrored one by this factor

Corners = Sequence[tuple[float, float]] | npt.NDArray[np.float64]
Array = npt.NDArray[np.float64]


class ChartError(ValueError):
    """The chart cannot be read; the message is one sentence for the user."""


@dataclass(frozen=True, eq=False)
class ChartReading:
    """The patches (N,) of a chart as a camera stored them.

    Attributes:
        chart: the chart.
        corners: (4, 2), (row, col) of the outer corners of its corner patches, clockwise from the chart's top left.
        light: (N, 3), mean light of each patch in the file's own primaries; NaN for patches outside the photograph.
        spread: (N,), standard deviation of the pixels of each patch over their mean.
        clipped: (N,), fraction of the pixels with a channel at the first or the last code value.
        places: (N, 2), centres in fractions of the height and width of the photograph.
        shape: (H, W) of the photograph.
        primaries: matrix (3, 3) from the light to linear sRGB, as the file states it.
        encoding: name of the encoding of the file.
        read_as: how the file was read.
        misfit: RMS residual of the chart's colours fitted by an affine function of the light, both as cube roots.
    """

    chart: ColourChart
    corners: Array
    light: Array
    spread: Array
    clipped: Array
    places: Array
    shape: tuple[int, int]
    primaries: Array
    encoding: str
    read_as: SourceEncoding
    misfit: float

    @property
    def has_its_colours(self) -> bool:
        """Whether the colours are those of the chart, so that it lies as `corners` says."""
        return self.misfit < OTHER_COLOURS

    @property
    def is_visible(self) -> npt.NDArray[np.bool_]:
        """Which patches (N,) lie inside the photograph."""
        return np.asarray(np.isfinite(self.light).all(axis=1))

    @property
    def turned(self) -> int:
        """Clockwise rotation of the chart in the photograph: 0, 90, 180 or 270 degrees."""
        down, right = self.corners[1] - self.corners[0]
        return round(np.degrees(np.arctan2(down, right)) / 90) % 4 * 90

    def region(self, patch: int) -> Region:
        """The part of a patch that was read, in source pixels."""
        square = inner_square(self.chart, patch, np.array([[0, 0], [0, 1], [1, 1], [1, 0]]))
        return Region(Shape.POLYGON, tuple(map(tuple, project(homography(self.corners), square).tolist())))


def read_patches(
    decoded: DecodedPhoto,
    chart: ColourChart,
    corners: Corners,
    encoding: SourceEncoding = SourceEncoding.AUTOMATIC,
) -> ChartReading:
    """Read the patches of a chart; its orientation follows from their colours.

    Args:
        decoded: the photograph.
        chart: the chart.
        corners: (row, col) in source pixels of the outer corners of the four corner patches, in any order; they may lie
            outside the photograph if enough patches are inside.
        encoding: how the file is read; a gamma is not needed, since the tone curve is measured, and taken as linear.

    Raises:
        ChartError: the corners do not enclose a chart, it is too small, mirrored, or too little of it is visible.
    """
    ring = ordered_corners(corners)
    shape = decoded.shape
    low, high = np.floor(ring.min(axis=0)).astype(int), np.ceil(ring.max(axis=0)).astype(int) + 1
    rows, cols = (slice(max(int(low[i]), 0), min(int(high[i]), shape[i])) for i in (0, 1))
    if rows.stop <= rows.start or cols.stop <= cols.start:
        raise ChartError("the corners of the chart lie outside the photograph; give row and column of each in pixels")
    _check_size(chart, ring)
    encoding = SourceEncoding.LINEAR if encoding is SourceEncoding.GAMMA else encoding
    device = device_light(decoded, encoding, rows, cols)
    window = _Window(device.values, device.clipped, (rows.start, cols.start))
    readings = [(_misfit(chart, light), mirrored, turned, light)
                for turned, mirrored in _placements(ring) for light in [window.read(chart, turned)[0]]]  # fmt: skip
    best = min(readings, key=lambda each: each[0])
    if not np.isfinite(best[0]):
        visible = int(np.isfinite(best[3]).all(axis=1).sum())
        raise ChartError(
            f"{visible} of the {len(chart)} patches are inside the photograph, and at least {_fewest(chart)} are "
            "needed; photograph the whole chart, or check its corners"
        )
    upright = min(each[0] for each in readings if not each[1])
    if best[1] and best[0] < MIRRORED * upright:
        raise ChartError("the chart is mirrored in this photograph; flip the photograph first")
    misfit, _, turned, _ = min((each for each in readings if not each[1]), key=lambda each: each[0])
    light, spread, clipped = window.read(chart, turned)
    centres = project(homography(turned), inner_square(chart, np.arange(len(chart)), np.array([[0.5, 0.5]])))
    return ChartReading(
        chart, turned, light=light, spread=spread, clipped=clipped, places=centres / shape, shape=shape,
        primaries=device.primaries, encoding=device.encoding, read_as=encoding, misfit=misfit,
    )  # fmt: skip


def ordered_corners(corners: Corners) -> Array:
    """Four corners (4, 2), (row, col), clockwise in the photograph; which is the first does not matter.

    Raises:
        ChartError: there are not four finite corners of a convex quadrilateral.
    """
    points = np.asarray(corners, np.float64)
    if points.shape != (4, 2) or not np.isfinite(points).all():
        raise ChartError(f"a chart has four corners, each with row and column; {len(points)} were given")
    around = points - points.mean(axis=0)
    ring = points[np.argsort(np.arctan2(around[:, 0], around[:, 1]))]
    sides = np.roll(ring, -1, axis=0) - ring
    ahead = np.roll(sides, -1, axis=0)
    turns = sides[:, 1] * ahead[:, 0] - sides[:, 0] * ahead[:, 1]  # positive: clockwise in the image
    if turns.min() <= 1e-6 * max(float((sides**2).sum()), 1e-12):
        raise ChartError("the four corners do not enclose the chart; give the outer corners of its corner patches")
    return ring


def _placements(ring: Array) -> Iterator[tuple[Array, bool]]:
    """The ring of corners from each of its corners, clockwise and mirrored."""
    for mirrored in (False, True):
        points = ring[::-1] if mirrored else ring
        for first in range(4):
            yield np.roll(points, -first, axis=0), mirrored


def _fewest(chart: ColourChart) -> int:
    return min(FEWEST, len(chart))


def homography(corners: Array) -> Array:
    """Matrix (3, 3) from (x, y) in the unit square of the chart to (row, col), for corners clockwise from top left."""
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    rows = []
    for (x, y), (row, col) in zip(square, corners, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -row * x, -row * y, row])
        rows.append([0, 0, 0, x, y, 1, -col * x, -col * y, col])
    table = np.array(rows)
    solved = np.linalg.solve(table[:, :8], table[:, 8])
    return np.append(solved, 1).reshape(3, 3)


def project(matrix: Array, points: Array) -> Array:
    """(row, col) (..., 2) of points (x, y) (..., 2)."""
    homogeneous = np.concatenate([points, np.ones_like(points[..., :1])], axis=-1) @ matrix.T
    projected: Array = homogeneous[..., :2] / homogeneous[..., 2:]
    return projected


def inner_square(chart: ColourChart, patch: int | npt.NDArray[np.int64], inside: Array) -> Array:
    """Points (x, y) of the unit square of a chart, for places (row, col) in 0-1 of the part of patches that is read."""
    size = np.array([chart.rows - GAP, chart.columns - GAP])
    within = (1 - GAP) * ((1 - INNER) / 2 + INNER * inside)
    return ((chart.cells[patch] + within) / size)[..., ::-1]


def _check_size(chart: ColourChart, ring: Array) -> None:
    """Refuse a chart whose patches are too small, whichever way it lies."""
    sides = np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1)
    long, short = max(chart.rows, chart.columns), min(chart.rows, chart.columns)
    widest, narrowest = max(sides[::2].min(), sides[1::2].min()), min(sides[::2].min(), sides[1::2].min())
    side = min(widest / long, narrowest / short) * (1 - GAP)
    if side * INNER < SMALLEST:
        raise ChartError(
            f"the patches are {side:.1f} pixels wide; at least {SMALLEST / INNER:g} are needed, so photograph the "
            "chart from nearer or at a higher resolution"
        )


@dataclass(frozen=True, eq=False)
class _Window:
    """Light (h, w, 3) and clipped pixels (h, w) of a part of a photograph that starts at `start`."""

    values: Array
    clipped: npt.NDArray[np.bool_]
    start: tuple[int, int]

    def read(self, chart: ColourChart, corners: Array) -> tuple[Array, Array, Array]:
        """Mean light (N, 3), relative spread (N,) and fraction of clipped pixels (N,); NaN where not visible."""
        matrix, count = homography(corners), len(chart)
        light, spread, clipped = np.full((count, 3), np.nan), np.full(count, np.nan), np.full(count, np.nan)
        for patch in range(count):
            ends = project(matrix, inner_square(chart, patch, np.array([[0, 0], [1, 1.0]])))
            side = np.clip(np.ceil(np.abs(ends[1] - ends[0]).max()), 3, MOST_SAMPLES)
            steps = (np.arange(side) + 0.5) / side
            grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
            points = np.floor(project(matrix, inner_square(chart, patch, grid))).astype(int) - self.start
            if (points < 0).any() or (points >= self.clipped.shape).any():
                continue
            pixels = self.values[points[:, 0], points[:, 1]]
            light[patch], spread[patch] = _robust_mean(pixels)
            clipped[patch] = self.clipped[points[:, 0], points[:, 1]].mean()
        return light, spread, clipped


def _robust_mean(pixels: Array) -> tuple[Array, float]:
    """Mean (3,) of pixels (N, 3) without outliers in any channel, and their standard deviation over the mean."""
    median = np.median(pixels, axis=0)
    deviation = 1.4826 * np.median(np.abs(pixels - median), axis=0) + 1e-4
    inside = (np.abs(pixels - median) <= TRIM * deviation).all(axis=1)
    kept = pixels[inside] if inside.any() else median[None]
    mean = kept.mean(axis=0)
    return mean, float(pixels.std(axis=0).max() / max(float(mean.max()), 1e-3))


def _misfit(chart: ColourChart, light: Array) -> float:
    """RMS residual of the chart's colours fitted by an affine function of those read, both as cube roots."""
    visible = np.isfinite(light).all(axis=1)
    if visible.sum() < _fewest(chart):
        return float("inf")
    seen = np.cbrt(np.column_stack([light[visible], np.ones(visible.sum())]))
    wanted = np.cbrt(chart.colours[visible])
    residual = wanted - seen @ np.linalg.lstsq(seen, wanted, rcond=None)[0]
    return float(np.sqrt(np.mean(residual**2)))
