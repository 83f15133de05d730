"""Which pixels of a field the window asks for: what is in view, as densely as time and screen allow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

_FARTHEST = 1e7  # source pixels from the image's corner


@dataclass(frozen=True)
class Viewport:
    """What the image pane shows: a rectangle in source pixels, and source pixels per pixel of the screen."""

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
    """Every `stride`-th pixel of `rows` × `cols`; a pixel stands for `binning`² of the source."""

    stride: int
    rows: slice
    cols: slice
    binning: int = 1

    @cached_property
    def size(self) -> tuple[int, int]:
        """Rows and columns that will be asked."""
        rows, cols = self.rows, self.cols
        return -(-(rows.stop - rows.start) // self.stride), -(-(cols.stop - cols.start) // self.stride)

    @cached_property
    def rect(self) -> tuple[int, int, int, int]:
        """x, y, width, height in source pixels of the blocks that the samples stand for."""
        (height, width), side = self.size, self.stride * self.binning
        return self.cols.start * self.binning, self.rows.start * self.binning, width * side, height * side

    def covers(self, view: Viewport, shape: tuple[int, int]) -> bool:
        """Whether nothing of a source image of `shape` that is in view lies outside."""
        x, y, width, height = self.rect
        return (
            y <= max(view.top, 0) and y + height >= min(view.bottom, shape[0])
            and x <= max(view.left, 0) and x + width >= min(view.right, shape[1])
        )  # fmt: skip

    def strips(self, samples: int) -> Iterator[SamplingGrid]:
        """Cut across into pieces of at most about `samples` samples, one row of them at least."""
        step = self.stride * max(1, samples // self.size[1])
        for row in range(self.rows.start, self.rows.stop, step):
            yield replace(self, rows=slice(row, min(row + step, self.rows.stop)))

    def index_of(self, row: int, col: int) -> tuple[int, int] | None:
        """Which sample stands for a pixel of the source; None outside."""
        x, y, width, height = self.rect
        side = self.stride * self.binning
        return ((row - y) // side, (col - x) // side) if 0 <= row - y < height and 0 <= col - x < width else None


def whole(shape: tuple[int, int], binning: int) -> SamplingGrid:
    """Every pixel of an image of `shape`."""
    return SamplingGrid(1, slice(0, shape[0]), slice(0, shape[1]), binning)


def resolve_sampling(
    shape: tuple[int, int], binning: int, view: Viewport, samples: int | None, is_costly: bool = False
) -> SamplingGrid:
    """What is in view of a field of `shape`: at most about `samples` pixels, or with None as fine as the screen shows.

    Samplings start on multiples of the stride, so that a moved view samples the same pixels. Between two strides the
    finer one is taken, which may be four times what the screen shows, or the nearer one where each pixel is costly.
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
