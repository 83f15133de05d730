"""The transect of an image: a line in the picture whose spectra are shown."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QUndoStack

from nesr_gui.analysis.transect import MOST_ACROSS, Transect
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.undo import ReplaceValue
from nesr_gui.regions import Point, Shape


class LineTool(enum.StrEnum):
    """Tools that draw something else than a mark; the value is the name used in menus."""

    TRANSECT = "transect"


Tool = Shape | LineTool
"""What the mouse draws in the image."""


@dataclass(frozen=True)
class TransectLine:
    """A line in source pixels, and the pixels across it of which the mean is taken.

    Attributes:
        start: (row, col), continuous as those of regions.
        end: (row, col).
        width: pixels of the field.
    """

    start: Point
    end: Point
    width: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", (float(self.start[0]), float(self.start[1])))
        object.__setattr__(self, "end", (float(self.end[0]), float(self.end[1])))
        if not np.isfinite((self.start, self.end)).all() or self.start == self.end:
            raise ValueError("a transect without a length")
        if not 1 <= self.width <= MOST_ACROSS:
            raise ValueError(f"a transect {self.width} pixels wide; 1 to {MOST_ACROSS} are possible")

    @property
    def length(self) -> float:
        """Length in source pixels."""
        return math.dist(self.start, self.end)

    @property
    def ends(self) -> tuple[Point, Point]:
        """Start and end."""
        return self.start, self.end

    def point_at(self, distance: float) -> Point:
        """The point (row, col) at a distance from the start."""
        share = distance / self.length
        (row, col), (last_row, last_col) = self.start, self.end
        return row + share * (last_row - row), col + share * (last_col - col)

    def project(self, point: Point) -> tuple[float, float]:
        """Distance from the start of the point of the line nearest to `point`, and the distance between both."""
        along = (self.end[0] - self.start[0]) / self.length, (self.end[1] - self.start[1]) / self.length
        offset = point[0] - self.start[0], point[1] - self.start[1]
        distance = min(max(offset[0] * along[0] + offset[1] * along[1], 0.0), self.length)
        return distance, math.dist(point, self.point_at(distance))

    def moved(self, rows: float, cols: float) -> TransectLine:
        """The line shifted by pixels."""
        start, end = ((row + rows, col + cols) for row, col in self.ends)
        return replace(self, start=start, end=end)

    def with_end(self, which: int, to: Point) -> TransectLine:
        """The line with its start (0) or end (1) at another point; itself if it would have no length."""
        ends = (to, self.end) if which == 0 else (self.start, to)
        return replace(self, start=ends[0], end=ends[1]) if ends[0] != ends[1] else self


@dataclass(frozen=True, eq=False)
class TransectSpectra:
    """The spectra of a transect as a picture.

    Attributes:
        transect: N points, L wavelengths.
        shades: (L, N) uint8: from 1 to 255 between the limits, 0 for no value.
        limits: lowest and highest value.
    """

    transect: Transect
    shades: npt.NDArray[np.uint8]
    limits: tuple[float, float]


class TransectModel:
    """The transect and its spectra; changes are commands on the undo stack.

    Attributes:
        line: the transect; None if there is none.
        spectra: its spectra; None until they are computed.
        values: its values at the selected wavelength, with prediction intervals if the field has them.
    """

    def __init__(self, undo_stack: QUndoStack, announce: Callable[[Change], None]) -> None:
        self._undo_stack, self._announce = undo_stack, announce
        self._size = (0, 0)
        self.line: TransectLine | None = None
        self.spectra: TransectSpectra | None = None
        self.values: Transect | None = None

    def start(self, size: tuple[int, int]) -> None:
        """Remove the transect for a new image of `size` (H, W) source pixels; not undoable."""
        self._size = size
        self._put(None)

    def restore(self, line: TransectLine | None) -> None:
        """Set the transect of a session file, unless it leaves the image; not undoable."""
        self._put(line if line is not None and self.holds(line) else None)

    def set_line(self, line: TransectLine | None, series: Hashable = None) -> None:
        """Set the transect, or remove it; consecutive changes of the same series are undone together.

        Lines that leave the image are ignored.
        """
        before = self.line
        if line != before and (line is None or self.holds(line)):
            text = "remove transect" if line is None else "draw transect" if before is None else "move transect"
            if line is not None and before is not None and line.ends == before.ends:
                text = "change of transect width"
            self._undo_stack.push(ReplaceValue(text, self._put, before, line, series))

    def holds(self, line: TransectLine) -> bool:
        """Whether both ends are in the image."""
        return all(0 <= row <= self._size[0] and 0 <= col <= self._size[1] for row, col in line.ends)

    def clamped(self, point: Point) -> Point:
        """The point of the image nearest to `point`."""
        return min(max(point[0], 0.0), float(self._size[0])), min(max(point[1], 0.0), float(self._size[1]))

    def forget_answers(self) -> None:
        """Drop the spectra of the previous field."""
        self.spectra = self.values = None

    def set_spectra(self, spectra: TransectSpectra) -> None:
        """Set the spectra of the present line."""
        self.spectra = spectra
        self._announce(Change.TRANSECT_VALUES)

    def set_values(self, values: Transect) -> None:
        """Set the values of the present line at the selected wavelength."""
        self.values = values
        self._announce(Change.TRANSECT_VALUES)

    def _put(self, line: TransectLine | None) -> None:
        if line != self.line:
            self.line = line
            self.forget_answers()
            self._announce(Change.TRANSECT)
