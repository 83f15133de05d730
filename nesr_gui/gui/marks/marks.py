"""What the user marks in an image, pins and regions, as plain values.

Everywhere (row, col) are source pixels, whatever resolution the image is worked at. A pin is a whole pixel; a region is
continuous (`nesr_gui.regions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nesr_gui.gui.theme import MARK_COLOURS, MARK_SYMBOLS, MarkColours
from nesr_gui.regions import Point, Region, Shape, inside

__all__ = [
    "Mark",
    "Pixel",
    "Place",
    "Point",
    "Region",
    "Shape",
    "inside",
    "is_colour",
    "new_mark",
    "signs",
    "simplified",
]

Pixel = tuple[int, int]
"""(row, col) of the source photograph, whatever resolution it is worked at."""


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


def new_mark(place: Place, taken: Iterable[int], palette: MarkColours = MARK_COLOURS["safe"]) -> Mark:
    """A mark with the least free number, which decides its colour and symbol."""
    numbers = set(taken)
    number = next(n for n in range(1, len(numbers) + 2) if n not in numbers)
    return Mark(number, place, *signs(number, palette))


def signs(number: int, palette: MarkColours = MARK_COLOURS["safe"]) -> tuple[str, str]:
    """Colour and symbol of a number: none of the first 56 numbers share both."""
    return palette[number], MARK_SYMBOLS[(number - 1) % len(MARK_SYMBOLS)]


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
