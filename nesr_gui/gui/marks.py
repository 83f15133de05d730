"""What the user marks in an image, pins and regions, as plain values.

Everywhere (row, col) are source pixels, whatever resolution the image is worked at. A pin is a whole pixel; a region is
continuous, with pixel (r, c) the square from (r, c) to (r + 1, c + 1).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.gui.theme import MARK_SYMBOLS, PIN_COLOURS

Pixel = tuple[int, int]
"""(row, col) of the source photograph, whatever resolution it is worked at."""
Point = tuple[float, float]
Floats = npt.NDArray[np.floating]


class Shape(enum.StrEnum):
    """How a mark is drawn; the value is what files and menus call it."""

    POINT = "point"
    RECTANGLE = "rectangle"
    ELLIPSE = "ellipse"
    POLYGON = "polygon"
    LASSO = "lasso"


@dataclass(frozen=True)
class Region:
    """A part of the source image: two opposite corners of a rectangle or ellipse, or the vertices of an outline."""

    shape: Shape
    vertices: tuple[Point, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", Shape(self.shape))
        object.__setattr__(self, "vertices", tuple((float(row), float(col)) for row, col in self.vertices))
        least = 3 if self.shape in (Shape.POLYGON, Shape.LASSO) else 2
        if self.shape is Shape.POINT or len(self.vertices) < least or not np.isfinite(self.vertices).all():
            raise ValueError(f"{len(self.vertices)} corners make no {self.shape}; expected {least} finite (row, col)")

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Top, left, bottom, right."""
        rows, cols = zip(*self.vertices, strict=True)
        return min(rows), min(cols), max(rows), max(cols)

    @property
    def centre(self) -> Point:
        top, left, bottom, right = self.bounds
        return (top + bottom) / 2, (left + right) / 2

    def moved(self, rows: float, cols: float) -> Region:
        return replace(self, vertices=tuple((row + rows, col + cols) for row, col in self.vertices))

    def handles(self) -> tuple[Point, ...]:
        """What can be taken hold of: the vertices of a polygon, the four corners around any other shape."""
        if self.shape is Shape.POLYGON:
            return self.vertices
        top, left, bottom, right = self.bounds
        return (top, left), (top, right), (bottom, right), (bottom, left)

    def reshaped(self, handle: int, to: Point) -> Region:
        """The region with one handle at another place; the corner opposite stays."""
        if self.shape is Shape.POLYGON:
            vertices = (*self.vertices[:handle], to, *self.vertices[handle + 1 :])
            return replace(self, vertices=vertices)
        fixed, held = self.handles()[(handle + 2) % 4], self.handles()[handle]
        scale = [(to[i] - fixed[i]) / (held[i] - fixed[i]) if held[i] != fixed[i] else 1.0 for i in (0, 1)]
        return replace(
            self,
            vertices=tuple(
                (fixed[0] + (row - fixed[0]) * scale[0], fixed[1] + (col - fixed[1]) * scale[1])
                for row, col in self.vertices
            ),
        )


Place = Pixel | Region


@dataclass(frozen=True)
class Mark:
    """A pin or a region, with the signs by which it is known in the image, the plot, the table and files."""

    number: int
    place: Place
    colour: str
    symbol: str
    name: str = ""
    visible: bool = True

    @property
    def shape(self) -> Shape:
        return self.place.shape if isinstance(self.place, Region) else Shape.POINT

    @property
    def pixel(self) -> Pixel:
        """Its pixel, or of a region the one in the middle."""
        if isinstance(self.place, Region):
            row, col = self.place.centre
            return int(row), int(col)
        return self.place

    @property
    def row(self) -> int:
        return self.pixel[0]

    @property
    def col(self) -> int:
        return self.pixel[1]

    @property
    def title(self) -> str:
        """Its name, or what it is called until it has one: pin 1, rectangle 2."""
        return self.name or f"{'pin' if self.shape is Shape.POINT else self.shape} {self.number}"

    @property
    def position(self) -> str:
        """Where it is, in words."""
        if not isinstance(self.place, Region):
            return f"row {self.row}, col {self.col}"
        top, left, bottom, right = self.place.bounds
        return f"rows {top:.0f}-{bottom:.0f}, cols {left:.0f}-{right:.0f}"

    @property
    def label(self) -> str:
        """The name in files: pin 1 (row 120, col 64)."""
        return f"{self.title} ({self.position})"

    def as_json(self) -> dict[str, Any]:
        """Plain values for a session file."""
        vertices = self.place.vertices if isinstance(self.place, Region) else (self.place,)
        return {
            "number": self.number, "shape": str(self.shape), "vertices": [list(vertex) for vertex in vertices],
            "colour": self.colour, "symbol": self.symbol, "name": self.name, "visible": self.visible,
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Mark:
        """A mark from what `as_json` gave.

        Raises:
            ValueError: something is missing or of another kind.
        """
        try:
            shape, vertices = Shape(values["shape"]), [(row, col) for row, col in values["vertices"]]
            place: Place = (
                (int(vertices[0][0]), int(vertices[0][1])) if shape is Shape.POINT else Region(shape, tuple(vertices))
            )
            number, symbol, colour = int(values["number"]), str(values["symbol"]), str(values["colour"])
            if number < 1 or symbol not in MARK_SYMBOLS or not is_colour(colour):
                raise ValueError(f"number {number}, symbol {symbol!r}, colour {colour!r}")
        except (KeyError, TypeError, IndexError, ValueError, OverflowError) as error:
            raise ValueError(f"this is no mark: {error}") from error
        return cls(number, place, colour, symbol, str(values.get("name", "")), bool(values.get("visible", True)))


def is_colour(text: str) -> bool:
    """Whether this is a colour as marks have it: #rrggbb."""
    return len(text) == 7 and text[0] == "#" and all(c in "0123456789abcdefABCDEF" for c in text[1:])


def new_mark(place: Place, taken: Iterable[int]) -> Mark:
    """A mark with the least free number, which decides its colour and symbol."""
    numbers = set(taken)
    number = next(n for n in range(1, len(numbers) + 2) if n not in numbers)
    return Mark(number, place, *signs(number))


def signs(number: int) -> tuple[str, str]:
    """Colour and symbol of a number: none of the first 56 numbers share both."""
    return PIN_COLOURS[(number - 1) % len(PIN_COLOURS)], MARK_SYMBOLS[(number - 1) % len(MARK_SYMBOLS)]


def inside(region: Region, rows: Floats, cols: Floats) -> npt.NDArray[np.bool_]:
    """Which points of the lattice `rows` (h,) × `cols` (w,), both increasing, lie in the region: (h, w)."""
    top, left, bottom, right = region.bounds
    if region.shape is Shape.RECTANGLE:
        return np.outer((rows >= top) & (rows < bottom), (cols >= left) & (cols < right))
    if region.shape is Shape.ELLIPSE:
        (row, col), height, width = region.centre, max(bottom - top, 1e-9), max(right - left, 1e-9)
        distance = (2 * (rows - row) / height)[:, None] ** 2 + (2 * (cols - col) / width)[None] ** 2
        return np.asarray(distance <= 1)
    return _inside_outline(np.array(region.vertices), rows, cols)


def _inside_outline(vertices: Floats, rows: Floats, cols: Floats) -> npt.NDArray[np.bool_]:
    """Even-odd rule: along a row, every crossing of the outline turns outside into inside and back."""
    crossings = np.zeros((len(rows), len(cols) + 1), np.uint8)  # a count may wrap, its parity stays
    for start, stop in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        upper, lower = (start, stop) if start[0] <= stop[0] else (stop, start)
        first, last = np.searchsorted(rows, (upper[0], lower[0]))  # an edge holds its upper end and not its lower
        if first < last:
            share = (rows[first:last] - upper[0]) / (lower[0] - upper[0])
            at = np.searchsorted(cols, upper[1] + share * (lower[1] - upper[1]))
            np.add.at(crossings, (np.arange(first, last), at), 1)
    return np.asarray(crossings.cumsum(axis=1, dtype=np.uint8)[:, :-1] % 2 == 1)


def simplified(outline: list[Point], tolerance: float) -> tuple[Point, ...]:
    """An outline without the points that lie within `tolerance` of the line between others (Douglas and Peucker)."""
    points = np.array(outline)
    keep = np.zeros(len(points), bool)
    keep[[0, -1]] = True
    pieces = [(0, len(points) - 1)]
    while pieces:
        first, last = pieces.pop()
        if last - first < 2:
            continue
        along = points[last] - points[first]
        length = np.hypot(*along)
        offsets = points[first + 1 : last] - points[first]
        if length > 0:
            distances = np.abs(offsets[:, 0] * along[1] - offsets[:, 1] * along[0]) / length
        else:
            distances = np.hypot(offsets[:, 0], offsets[:, 1])
        farthest = int(np.argmax(distances))
        if distances[farthest] > tolerance:
            middle = first + 1 + farthest
            keep[middle] = True
            pieces += [(first, middle), (middle, last)]
    return tuple((float(row), float(col)) for row, col in points[keep])
