"""The visible part of an image, and the pixels of a field to sample for it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

_FARTHEST = 1e7  # source pixels from the image's corner


@dataclass(frozen=True)
class Viewport:
    """The visible rectangle in source pixels, and source pixels per screen pixel (`scale`)."""

    top: float
    bottom: float
    left: float
    right: float
    scale: float

    def __post_init__(self) -> None:
        is_near = max(abs(self.top), abs(self.bottom), abs(self.left), abs(self.right)) < _FARTHEST
        if not (is_near and self.top < self.bottom and self.left < self.right and self.scale > 0):
            raise ValueError(f"a view of rows {self.top:g} to {self.bottom:g}, columns {self.left:g} to {self.right:g}")


@dataclass(frozen=True)
class SamplingGrid:
    """Every `stride`-th pixel of `rows` × `cols` of a field whose pixels cover `binning` × `binning` source pixels."""

    stride: int
    rows: slice
    cols: slice
    binning: int = 1

    @cached_property
    def size(self) -> tuple[int, int]:
        """(h, w) of the samples."""
        rows, cols = self.rows, self.cols
        return -(-(rows.stop - rows.start) // self.stride), -(-(cols.stop - cols.start) // self.stride)

    @cached_property
    def rect(self) -> tuple[int, int, int, int]:
        """x, y, width and height, in source pixels, of the area that the samples represent."""
        (height, width), side = self.size, self.stride * self.binning
        return self.cols.start * self.binning, self.rows.start * self.binning, width * side, height * side

    def covers(self, view: Viewport, shape: tuple[int, int]) -> bool:
        """Return whether the grid covers all of the source image of `shape` (H, W) that is visible in `view`."""
        x, y, width, height = self.rect
        return (
            y <= max(view.top, 0) and y + height >= min(view.bottom, shape[0])
            and x <= max(view.left, 0) and x + width >= min(view.right, shape[1])
        )  # fmt: skip

    def visible(self, view: Viewport | None) -> tuple[slice, slice]:
        """Return the rows and columns of the samples that are visible in `view`, which may be empty; None for all."""
        if view is None:
            return slice(None), slice(None)
        x, y, width, height = self.rect
        side = self.stride * self.binning
        rows, cols = (
            slice(max(math.floor((low - start) / side), 0), max(math.ceil((min(high, start + size) - start) / side), 0))
            for low, high, start, size in ((view.top, view.bottom, y, height), (view.left, view.right, x, width))
        )
        return rows, cols

    def strips(self, samples: int) -> Iterator[SamplingGrid]:
        """Split the grid into horizontal strips of about `samples` samples at most, and at least one row each."""
        step = self.stride * max(1, samples // self.size[1])
        for row in range(self.rows.start, self.rows.stop, step):
            yield replace(self, rows=slice(row, min(row + step, self.rows.stop)))

    def index_of(self, row: int, col: int) -> tuple[int, int] | None:
        """Return the sample index (row, col) that represents a source pixel; None outside the grid."""
        x, y, width, height = self.rect
        side = self.stride * self.binning
        return ((row - y) // side, (col - x) // side) if 0 <= row - y < height and 0 <= col - x < width else None


def whole(shape: tuple[int, int], binning: int) -> SamplingGrid:
    """Return the grid of every pixel of a field of `shape` (H, W)."""
    return SamplingGrid(1, slice(0, shape[0]), slice(0, shape[1]), binning)


def resolve_sampling(
    shape: tuple[int, int], binning: int, view: Viewport, samples: int | None, is_costly: bool = False
) -> SamplingGrid:
    """Return the grid for the visible part of a field.

    Grids start at multiples of the stride, so that a panned view samples the same pixels.

    Args:
        shape: (H, W) of the field.
        binning: source pixels along one side of a pixel of the field.
        view: the visible part.
        samples: about the maximum number of samples; None samples at screen resolution.
        is_costly: whether each sample is expensive: the nearest stride is then used instead of the next finer one,
            which may have up to four times as many samples as the screen shows.
    """
    fine = max(1, round(view.scale / binning) if is_costly else math.floor(view.scale / binning))
    edges = []
    for low, high, size in ((view.top, view.bottom, shape[0]), (view.left, view.right, shape[1])):
        start = min(max(math.floor(low / binning), 0), size - 1)
        edges.append((start, min(max(math.ceil(high / binning), start + 1), size)))
    area = math.prod([stop - start for start, stop in edges])
    stride = fine if samples is None else max(fine, math.ceil(math.sqrt(area / samples)))
    rows, cols = [slice(start - start % stride, stop) for start, stop in edges]
    return SamplingGrid(stride, rows, cols, binning)
