"""Image regions as plain values: rectangles, ellipses and outlines, in source pixels.

Coordinates (row, col) are continuous; pixel (r, c) covers the square from (r, c) to (r + 1, c + 1).
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice

import numpy as np
import numpy.typing as npt

Point = tuple[float, float]
Floats = npt.NDArray[np.floating]
MAX_CORNERS = 10_000  # of a region that is written as text
_HOLE = "hole"  # precedes the corners of a hole in the text of a region


class Shape(enum.StrEnum):
    """Shape of a mark; the value is the name used in files and menus."""

    POINT = "point"
    RECTANGLE = "rectangle"
    ELLIPSE = "ellipse"
    POLYGON = "polygon"
    LASSO = "lasso"


@dataclass(frozen=True)
class Region:
    """Part of the source image: two opposite corners of a rectangle or ellipse, or the vertices of an outline.

    `holes` are outlines within that of a polygon or lasso that do not belong to it; where they overlap, or leave the
    outline, the even-odd rule decides.

    Raises:
        ValueError: there are too few vertices for the shape, one is not finite, or the shape cannot have holes.
    """

    shape: Shape
    vertices: tuple[Point, ...]
    holes: tuple[tuple[Point, ...], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", Shape(self.shape))
        object.__setattr__(self, "vertices", _points(self.vertices))
        object.__setattr__(self, "holes", tuple(map(_points, self.holes)))
        is_outline = self.shape in (Shape.POLYGON, Shape.LASSO)
        if self.holes and not is_outline:
            raise ValueError(f"a {self.shape} cannot have holes; use a {Shape.POLYGON} or a {Shape.LASSO}")
        least = 3 if is_outline else 2
        for outline in self.outlines:
            if self.shape is Shape.POINT or len(outline) < least or not np.isfinite(outline).all():
                raise ValueError(
                    f"{len(outline)} corners do not define a {self.shape}; expected {least} finite (row, col)"
                )

    @classmethod
    def rectangle(cls, top: float, left: float, bottom: float, right: float) -> Region:
        """The rectangle with these edges, in source pixels."""
        return cls(Shape.RECTANGLE, ((top, left), (bottom, right)))

    @classmethod
    def square(cls, row: int, col: int, side: int, within: tuple[int, int]) -> Region:
        """The square of `side` × `side` pixels around one, as far as it is in an image of shape `within` (H, W).

        That of an even side extends one pixel more up and left.
        """
        edges = [
            (max(middle - side // 2, 0), min(middle - side // 2 + side, size))
            for middle, size in zip((row, col), within, strict=True)
        ]
        (top, bottom), (left, right) = edges
        return cls.rectangle(top, left, bottom, right)

    @classmethod
    def parse(cls, text: str) -> Region:
        """Parse `SHAPE ROW,COL ROW,COL …`, for example `ellipse 10,20 50,80`; the corners of holes follow `hole`.

        Raises:
            ValueError: the text does not describe a region.

        Examples:
            >>> region = Region.parse("rectangle 10,20 50,80")
            >>> region == Region.rectangle(10, 20, 50, 80)
            True
            >>> region.window((100, 70))
            (slice(10, 50, None), slice(20, 70, None))
            >>> Region.parse("polygon 0,0 0,9 9,9 hole 2,4 2,6 4,6").holes
            (((2.0, 4.0), (2.0, 6.0), (4.0, 6.0)),)
        """
        shape, *corners = text.split() or [""]
        if len(corners) > MAX_CORNERS:
            raise ValueError(f"a region of {len(corners):,} corners; at most {MAX_CORNERS:,} are allowed")
        drawn = [shape for shape in Shape if shape is not Shape.POINT]
        outlines = [list(group) for is_hole, group in groupby(corners, _HOLE.__eq__) if not is_hole]
        if shape not in drawn or not all(re.fullmatch(r"[^,]+,[^,]+", at) for at in corners if at != _HOLE):
            raise ValueError(
                f"cannot read the region {text[:60]!r}; write {', '.join(drawn)}, and its corners as ROW,COL: "
                "rectangle 10,20 50,80"
            )
        try:
            vertices, *holes = [
                tuple((float(row), float(col)) for row, col in (corner.split(",") for corner in outline))
                for outline in outlines or [[]]
            ]
        except ValueError:
            raise ValueError(f"the region {text[:60]!r} has corners that are not numbers; write ROW,COL") from None
        return cls(Shape(shape), vertices, tuple(holes))

    def __str__(self) -> str:
        """Text that `parse` accepts."""
        outlines = (" ".join(f"{row:g},{col:g}" for row, col in outline) for outline in self.outlines)
        return f"{self.shape} {f' {_HOLE} '.join(outlines)}"

    @property
    def outlines(self) -> tuple[tuple[Point, ...], ...]:
        """The vertices, then those of each hole."""
        return self.vertices, *self.holes

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Top, left, bottom and right edge of the bounding box."""
        rows, cols = zip(*self.vertices, strict=True)
        return min(rows), min(cols), max(rows), max(cols)

    @property
    def centre(self) -> Point:
        """(row, col) of the centre of the bounding box."""
        top, left, bottom, right = self.bounds
        return (top + bottom) / 2, (left + right) / 2

    def moved(self, rows: float, cols: float) -> Region:
        """The region shifted by `rows` and `cols` pixels."""
        return self._mapped(lambda row, col: (row + rows, col + cols))

    def _mapped(self, to: Callable[[float, float], Point]) -> Region:
        """The region with all its points mapped."""
        vertices, *holes = [tuple(to(*point) for point in outline) for outline in self.outlines]
        return replace(self, vertices=vertices, holes=tuple(holes))

    def handles(self) -> tuple[Point, ...]:
        """Draggable points: the vertices of a polygon and its holes, or four corners of the bounding box of others."""
        if self.shape is Shape.POLYGON:
            return tuple(chain(*self.outlines))
        top, left, bottom, right = self.bounds
        return (top, left), (top, right), (bottom, right), (bottom, left)

    def reshaped(self, handle: int, to: Point) -> Region:
        """The region after dragging one handle to `to`; the opposite corner stays in place."""
        if self.shape is Shape.POLYGON:
            points = iter((*self.handles()[:handle], to, *self.handles()[handle + 1 :]))
            vertices, *holes = [tuple(islice(points, len(outline))) for outline in self.outlines]
            return replace(self, vertices=vertices, holes=tuple(holes))
        fixed, held = self.handles()[(handle + 2) % 4], self.handles()[handle]
        scale = [(to[i] - fixed[i]) / (held[i] - fixed[i]) if held[i] != fixed[i] else 1.0 for i in (0, 1)]
        return self._mapped(
            lambda row, col: (fixed[0] + (row - fixed[0]) * scale[0], fixed[1] + (col - fixed[1]) * scale[1])
        )

    def window(self, shape: tuple[int, int], binning: int = 1) -> tuple[slice, slice]:
        """Rows and columns of an image of `shape` (H, W) that the region touches, for an image binned by `binning`.

        Raises:
            ValueError: the region lies outside the image.
        """
        top, left, bottom, right = (edge / binning for edge in self.bounds)
        edges = ((top, bottom, shape[0]), (left, right, shape[1]))
        rows, cols = (slice(max(math.floor(a), 0), min(max(math.ceil(b), math.floor(a) + 1), n)) for a, b, n in edges)
        if rows.start >= rows.stop or cols.start >= cols.stop:
            height, width = (size * binning for size in shape)
            raise ValueError(
                f"the region (rows {top * binning:g}-{bottom * binning:g}, columns {left * binning:g}-"
                f"{right * binning:g}) lies outside the image of {height} rows and {width} columns"
            )
        return rows, cols


def inside(region: Region, rows: Floats, cols: Floats) -> npt.NDArray[np.bool_]:
    """Which points of the lattice `rows` (h,) × `cols` (w,), both increasing, lie in the region: (h, w) bool."""
    top, left, bottom, right = region.bounds
    if region.shape is Shape.RECTANGLE:
        return np.outer((rows >= top) & (rows < bottom), (cols >= left) & (cols < right))
    if region.shape is Shape.ELLIPSE:
        (row, col), height, width = region.centre, max(bottom - top, 1e-9), max(right - left, 1e-9)
        distance = (2 * (rows - row) / height)[:, None] ** 2 + (2 * (cols - col) / width)[None] ** 2
        return np.asarray(distance <= 1)
    return _inside_outlines([np.array(outline) for outline in region.outlines], rows, cols)


def area(outline: Sequence[Point]) -> float:
    """Area of a polygon in square pixels (shoelace formula)."""
    rows, cols = np.array(outline).T
    return float(abs((rows * np.roll(cols, -1) - np.roll(rows, -1) * cols).sum()) / 2)


def _points(outline: Iterable[Point]) -> tuple[Point, ...]:
    return tuple((float(row), float(col)) for row, col in outline)


def _inside_outlines(outlines: Sequence[Floats], rows: Floats, cols: Floats) -> npt.NDArray[np.bool_]:
    """Even-odd rule: each crossing of an outline along a row toggles between outside and inside."""
    crossings = np.zeros((len(rows), len(cols) + 1), np.uint8)  # the count may wrap around; its parity does not
    edges = (zip(outline, np.roll(outline, -1, axis=0), strict=True) for outline in outlines)
    for start, stop in chain.from_iterable(edges):
        upper, lower = (start, stop) if start[0] <= stop[0] else (stop, start)
        first, last = np.searchsorted(rows, (upper[0], lower[0]))  # an edge includes its upper end, not its lower
        if first < last:
            share = (rows[first:last] - upper[0]) / (lower[0] - upper[0])
            at = np.searchsorted(cols, upper[1] + share * (lower[1] - upper[1]))
            np.add.at(crossings, (np.arange(first, last), at), 1)
    return np.asarray(crossings.cumsum(axis=1, dtype=np.uint8)[:, :-1] % 2 == 1)
