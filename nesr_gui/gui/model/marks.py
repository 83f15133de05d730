"""Marks (pins and regions): their geometry, the undoable set of them, their results, and their text form."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PySide6.QtGui import QUndoStack

from nesr_gui.colorimetry.appearance import Appearance
from nesr_gui.fields.anchored import Anchor
from nesr_gui.fields.protocol import QualityFlag
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.palette import MARK_COLOURS, MARK_SYMBOLS, MarkColours
from nesr_gui.gui.model.undo import ReplaceValue
from nesr_gui.io.spectra.readers import describe_origin
from nesr_gui.regions import Point, Region, Shape, area, inside
from nesr_gui.spectral import FloatArray, Spectrum

Pixel = tuple[int, int]
"""(row, col) of the source image, independent of the working resolution."""
MarkGeometry = Pixel | Region
COLUMNS = ("number", "name", "shape", "vertices", "colour", "symbol", "visible")
"""Table columns that define a mark; a file with these can be imported again."""
MOST_CORNERS = 2000  # of a region that an analysis found; the outlines of others are simplified
_TOLERANCE = 0.75  # pixels by which a simplified outline deviates


@dataclass(frozen=True, eq=False)
class Reading:
    """A measured spectrum of the place of a mark, which corrects the reconstruction while it is used.

    Attributes:
        spectrum: the measured values, on any scale.
        source: the file or the chart that it is from.
        sha256: the hash of the file; empty without one.
        is_used: whether it corrects the reconstruction.
    """

    spectrum: Spectrum
    source: str
    sha256: str = ""
    is_used: bool = True

    @property
    def origin(self) -> str:
        """Source and hash as one text, for the provenance."""
        return describe_origin(self.source, self.sha256)


@dataclass(frozen=True)
class Mark:
    """A pin or a region with its number, colour (#rrggbb), symbol and name, and perhaps a measured spectrum."""

    number: int
    place: MarkGeometry
    colour: str
    symbol: str
    name: str = ""
    visible: bool = True
    reading: Reading | None = None

    @property
    def shape(self) -> Shape:
        """The shape of its geometry."""
        return self.place.shape if isinstance(self.place, Region) else Shape.POINT

    @property
    def pixel(self) -> Pixel:
        """Its pixel; for a region the one at its centre."""
        return _pixel(self.place)

    @property
    def row(self) -> int:
        """Row of `pixel`."""
        return self.pixel[0]

    @property
    def col(self) -> int:
        """Column of `pixel`."""
        return self.pixel[1]

    @property
    def title(self) -> str:
        """Its name, or a default name such as "pin 1" or "rectangle 2"."""
        return self.name or f"{'pin' if self.shape is Shape.POINT else self.shape} {self.number}"

    @property
    def position(self) -> str:
        """Its position as text, in source pixels."""
        if not isinstance(self.place, Region):
            row, col = self.place
            return f"row {row}, col {col}"
        top, left, bottom, right = self.place.bounds
        return f"rows {top:.0f}-{bottom:.0f}, cols {left:.0f}-{right:.0f}"

    @property
    def label(self) -> str:
        """Its name with position, as used in files: "pin 1 (row 120, col 64)"."""
        return f"{self.title} ({self.position})"

    def as_json(self) -> dict[str, Any]:
        """Return plain values for tables and session files, without the reading."""
        outlines = self.place.outlines if isinstance(self.place, Region) else ((self.place,),)
        vertices, *holes = [[list(vertex) for vertex in outline] for outline in outlines]
        return {
            "number": self.number, "shape": str(self.shape), "vertices": vertices, "holes": holes,
            "colour": self.colour, "symbol": self.symbol, "name": self.name, "visible": self.visible,
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Mark:
        """Build a mark from the values of `as_json`.

        Raises:
            ValueError: a value is missing or invalid.
        """
        try:
            shape, outlines = Shape(values["shape"]), (values["vertices"], *values.get("holes", ()))
            vertices, *holes = [tuple((row, col) for row, col in outline) for outline in outlines]
            place: MarkGeometry = (
                (int(vertices[0][0]), int(vertices[0][1]))
                if shape is Shape.POINT
                else Region(shape, vertices, tuple(holes))
            )
            number, symbol, colour = int(values["number"]), str(values["symbol"]), str(values["colour"])
            if number < 1 or symbol not in MARK_SYMBOLS or not is_colour(colour):
                raise ValueError(f"number {number}, symbol {symbol!r}, colour {colour!r}")
        except (KeyError, TypeError, IndexError, ValueError, OverflowError) as error:
            raise ValueError(f"this is not a valid mark: {error}") from error
        return cls(number, place, colour, symbol, str(values.get("name", "")), bool(values.get("visible", True)))


def analysis_key(mark: Mark) -> str:
    """Return what identifies a mark as class or endmember; a later one of the number is mostly of another shape."""
    return f"{mark.shape} {mark.number}"


def _pixel(place: MarkGeometry) -> Pixel:
    """The pixel at the centre of a geometry."""
    if isinstance(place, Region):
        row, col = place.centre
        return math.floor(row), math.floor(col)
    return place


def is_colour(text: str) -> bool:
    """Return whether a text is a colour of the form #rrggbb."""
    return len(text) == 7 and text[0] == "#" and all(c in "0123456789abcdefABCDEF" for c in text[1:])


def new_mark(place: MarkGeometry, taken: Iterable[int], palette: MarkColours = MARK_COLOURS["safe"]) -> Mark:
    """Return a mark with the smallest free number, which determines its colour and symbol.

    Args:
        place: its geometry.
        taken: the numbers in use.
        palette: the colours to choose from.
    """
    numbers = set(taken)
    number = next(n for n in range(1, len(numbers) + 2) if n not in numbers)
    return Mark(number, place, *signs(number, palette))


def signs(number: int, palette: MarkColours = MARK_COLOURS["safe"]) -> tuple[str, str]:
    """Return colour and symbol for a mark number; the first 168 numbers have distinct combinations."""
    return palette[number], MARK_SYMBOLS[(number - 1) % len(MARK_SYMBOLS)]


def simplified(outline: list[Point], tolerance: float) -> tuple[Point, ...]:
    """Simplify an outline (Douglas-Peucker): drop points within `tolerance` of the line between their neighbours."""
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


@dataclass(frozen=True)
class SimplifiedRegions:
    """Regions of an analysis as marks can have them, and how many of them differ from what was found.

    Attributes:
        regions: the regions.
        simpler: how many of them have simplified outlines.
        filled: in how many of them the smallest holes are filled.
    """

    regions: tuple[Region, ...]
    simpler: int
    filled: int

    @classmethod
    def of(cls, found: Sequence[Region], binning: int) -> SimplifiedRegions:
        """Simplify the regions with more than `MOST_CORNERS`, which were found in an image with this binning."""
        regions = [_with_few_corners(region, _TOLERANCE * binning) for region in found]
        pairs = list(zip(regions, found, strict=True))
        filled = sum(len(region.holes) < len(was.holes) for region, was in pairs)
        return cls(tuple(regions), sum(region is not was for region, was in pairs), filled)

    def in_words(self) -> str:
        """State what differs, to follow a sentence; empty if nothing does."""
        if not self.simpler:
            return ""
        text = f"; the outline{'s' if self.simpler > 1 else ''} of {self.simpler} simplified"
        return text + (f", small holes in {self.filled} filled" if self.filled else "")


def _with_few_corners(region: Region, tolerance: float) -> Region:
    """The region with simplified outlines, and with the largest of its holes; unchanged if it has few corners."""
    if sum(map(len, region.outlines)) <= MOST_CORNERS:
        return region
    vertices = simplified(list(region.vertices), tolerance)
    holes, count = list[tuple[Point, ...]](), len(vertices)
    for hole in sorted(region.holes, key=area, reverse=True):
        corners = simplified(list(hole), tolerance)
        count += len(corners)
        if count > MOST_CORNERS:
            break
        if len(corners) >= 3:
            holes.append(corners)
    return Region(region.shape, vertices, tuple(holes))


@dataclass(frozen=True, eq=False)
class MarkSpectrum:
    """The spectrum of one mark with its statistics and references.

    Attributes:
        spectrum: the spectrum of a pixel, or the mean over `pixels` of the `of` pixels of a region.
        truth: the measured spectrum, if there is a measured cube.
        deviation: standard deviation (L,) over the pixels of a region.
        interval: lower and upper limits (2, L) of the model's 90 % prediction interval.
        quality_flags: the share (0-1) of pixels with each quality flag, if the model computes flags.
        seen: the band values of the cube that were the model's input.
    """

    spectrum: Spectrum
    truth: Spectrum | None = None
    deviation: FloatArray | None = None
    interval: FloatArray | None = None
    pixels: int = 1
    of: int = 1
    quality_flags: Mapping[QualityFlag, float] = field(default_factory=dict)
    seen: Spectrum | None = None

    def spread_text(self) -> str:
        """Return a description of the shaded band around the spectrum; empty if there is none."""
        if self.deviation is not None:
            of = f"{self.of}" if self.pixels == self.of else f"{self.pixels} of {self.of}"
            return f", mean ± SD of {of} pixels"
        return ", 90 % prediction interval" if self.interval is not None else ""

    def doubts_text(self) -> str:
        """Return the quality flags as text; empty if there are none."""
        texts = [flag.text if share == 1 else f"{share:.0%} {flag.text}" for flag, share in self.quality_flags.items()]
        return f"; {', '.join(texts)}" if texts else ""


@dataclass(frozen=True)
class Readout:
    """Values of one mark at the selected wavelength: reconstructed, measured if known, and quality flags."""

    value: float
    truth: float | None = None
    doubt: QualityFlag = field(default=QualityFlag(0))


@dataclass(frozen=True)
class ColourResult:
    """The colour of one mark under the viewing conditions, and the smooth metamer of its colour.

    `refusal` is the reason why there is no appearance, in one sentence.
    """

    appearance: Appearance | None = None
    smooth: Spectrum | None = None
    refusal: str = ""


@dataclass(frozen=True, eq=False)
class Absorption:
    """The deepest absorption band of a mark's spectrum below its continuum, the upper convex hull.

    Attributes:
        band: depth (0-1), position and width at half depth (nm); nan without a band.
        interval: lower and upper limits (2, 3) of `band` within the 90 % prediction interval of the spectrum, if it has
            one.
        limits: likewise of the spectrum divided by its continuum, (2, L).
    """

    band: tuple[float, float, float]
    interval: FloatArray | None = None
    limits: FloatArray | None = None

    def texts(self) -> tuple[str, str, str]:
        """Depth, position and width as text; – without a band."""
        depth, position, width = self.band
        if math.isnan(position):
            return ("–" if math.isnan(depth) else f"{depth:.3f}"), "–", "–"
        return f"{depth:.3f}", f"{position:.0f} nm", f"{width:.0f} nm"

    def interval_text(self) -> str:
        """The limits of the band in words; empty if there are none."""
        if self.interval is None:
            return ""
        (least, first, narrow), (most, last, wide) = self.interval.tolist()
        depth = f"Within the 90 % prediction interval, the depth is {least:.3f} to {most:.3f}"
        if math.isnan(first):
            return f"{depth}: there may be no band"
        return f"{depth}, the position {first:.0f} to {last:.0f} nm and the width {narrow:.0f} to {wide:.0f} nm"


def row_of(
    mark: Mark, nm: float, reading: Readout | None, curve: MarkSpectrum | None, finding: ColourResult | None
) -> dict[str, str]:
    """Return the table row of a mark as text: its definition, its value at `nm`, and its colour.

    Args:
        mark: the mark.
        nm: the selected wavelength.
        reading: its value at `nm`, if computed.
        curve: its spectrum, if computed.
        finding: its colour, if computed.
    """
    values = mark.as_json()
    row = {key: str(values[key]) for key in COLUMNS}
    row["vertices"] = " | ".join(_outline_text(outline) for outline in (values["vertices"], *values["holes"]))
    row["visible"] = "yes" if mark.visible else "no"
    row["pixels"] = "" if curve is None else f"{curve.pixels} of {curve.of}"
    row[f"value_at_{nm:g}_nm"] = "" if reading is None else f"{reading.value:.6g}"
    row[f"measured_at_{nm:g}_nm"] = "" if reading is None or reading.truth is None else f"{reading.truth:.6g}"
    colour = finding.appearance if finding is not None else None
    numbers = [*colour.rgb, *colour.xy, *colour.lab, colour.dominant] if colour is not None else [math.nan] * 9
    for name, number in zip(("R", "G", "B", "x", "y", "L*", "a*", "b*", "dominant_nm"), numbers, strict=True):
        row[name] = "" if math.isnan(number) else f"{number:.6g}"
    return row


def absorption_cells(absorption: Absorption | None) -> dict[str, str]:
    """Return depth, position and width of an absorption band as the last cells of a table row; empty if unknown."""
    values = absorption.band if absorption is not None else (math.nan,) * 3
    names = ("band_depth", "band_nm", "band_width_nm")
    return {name: "" if math.isnan(value) else f"{value:.6g}" for name, value in zip(names, values, strict=True)}


def _outline_text(outline: Sequence[Sequence[float]]) -> str:
    return "; ".join(" ".join(f"{at:g}" if at % 1 else f"{at:.0f}" for at in vertex) for vertex in outline)


def mark_of(row: Mapping[str, str]) -> Mark:
    """Build a mark from a table row with the columns of `COLUMNS`.

    Raises:
        ValueError: a value is missing or invalid.
    """
    try:
        vertices, *holes = [
            [[float(at) for at in vertex.split()] for vertex in outline.split(";")]
            for outline in row["vertices"].split("|")
        ]
    except (KeyError, ValueError) as error:
        raise ValueError(f"this is not a valid mark: {error}") from error
    return Mark.from_json({**row, "vertices": vertices, "holes": holes, "visible": row.get("visible", "yes") != "no"})


def as_text(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows with a header as tab-separated text, for the clipboard."""
    lines = [list(rows[0])] + [list(row.values()) for row in rows] if rows else []
    return "\n".join("\t".join(" ".join(cell.split()) for cell in line) for line in lines)


@dataclass(frozen=True)
class PlacedReading:
    """A reading with number and place of its mark; equal ones have the same effect on a reconstruction."""

    number: int
    place: MarkGeometry
    reading: Reading

    def anchor(self) -> Anchor:
        """The reading as an anchor at a pin or at the centre of a region, which stands for the spot.

        Raises:
            ValueError: the centre of the region is not in the region.
        """
        if isinstance(self.place, Region) and not inside(self.place, *np.array(self.place.centre)[:, None]).all():
            raise ValueError(
                f"{self.reading.spectrum.name or 'the reading'} belongs to the centre of its region, which is outside "
                "the region; attach it to a pin at the spot"
            )
        return Anchor(*_pixel(self.place), self.reading.spectrum, origin=self.reading.origin)


Readings = tuple[PlacedReading, ...]
Size = tuple[int, int]


class MarkSet:
    """The marks of an image and the active one; changes are commands on the undo stack.

    Attributes:
        marks: all marks, in the order of the table.
        readings: the measured spectra that they carry, in the same order.
        active: the number of the active mark; None if no mark is active.
        palette: the colours of new marks.
    """

    def __init__(self, undo_stack: QUndoStack, announce: Callable[[Change], None]) -> None:
        self._undo_stack, self._announce = undo_stack, announce
        self._size: Size = (0, 0)
        self.marks: tuple[Mark, ...] = ()
        self.readings: Readings = ()
        self.active: int | None = None
        self.palette = MARK_COLOURS["safe"]

    @property
    def visible(self) -> tuple[Mark, ...]:
        """The marks that are not hidden."""
        return tuple([mark for mark in self.marks if mark.visible])

    def get(self, number: int | None) -> Mark | None:
        """Return the mark with this number, or None."""
        for mark in self.marks:
            if mark.number == number:
                return mark
        return None

    @property
    def active_mark(self) -> Mark | None:
        """The active mark, if any."""
        return self.get(self.active)

    def start(self, size: Size) -> None:
        """Remove all marks for a new image of `size` (H, W) source pixels; not undoable."""
        self._size = size
        self._put(((), None))

    def restore(self, marks: Iterable[Mark], active: int | None) -> None:
        """Set the marks of a session file, except those outside the image; not undoable."""
        inside = tuple(mark for mark in marks if self.holds(mark.place))
        self._put((inside, active if active in [mark.number for mark in inside] else None))

    def add(self, place: MarkGeometry) -> None:
        """Add a mark and make it active; geometry outside the image is ignored."""
        if self.holds(place):
            mark = new_mark(place, (other.number for other in self.marks), self.palette)
            self._change(f"add {mark.title}", (*self.marks, mark), mark.number)

    def move(self, number: int, place: MarkGeometry, gesture: int) -> None:
        """Move or reshape a mark; changes with the same `gesture` (> 0, one mouse drag) are undone together."""
        mark = self.get(number)
        if mark is not None and self.holds(place):
            self._replace(f"move {mark.title}", replace(mark, place=place), gesture)

    def shift(self, number: int | None, rows: int, cols: int) -> None:
        """Move a mark by whole source pixels; consecutive shifts of one mark are undone together."""
        mark = self.get(number)
        if mark is not None:
            place = mark.place
            moved = place.moved(rows, cols) if isinstance(place, Region) else (place[0] + rows, place[1] + cols)
            if self.holds(moved):
                self._replace(f"move {mark.title}", replace(mark, place=moved), ("shift", number))

    def activate_next(self, by: int) -> None:
        """Make the mark `by` places further in the table active, wrapping around."""
        numbers = [mark.number for mark in self.marks]
        if numbers:
            at = numbers.index(self.active) + by if self.active in numbers else min(by, 0)
            self.set_active(numbers[at % len(numbers)])

    def edit(self, number: int, **values: Any) -> None:
        """Change `name`, `colour`, `symbol` or `visible` of a mark."""
        mark = self.get(number)
        if mark is not None:
            text = {"name": "rename", "colour": "recolour", "symbol": "change sign of"}.get(next(iter(values)))
            text = text or ("show" if values.get("visible") else "hide")
            self._replace(f"{text} {mark.title}", replace(mark, **values))

    def remove(self, *numbers: int | None) -> None:
        """Remove the marks with these numbers, as one command."""
        gone = [mark for mark in self.marks if mark.number in numbers]
        if gone:
            left = tuple(mark for mark in self.marks if mark not in gone)
            active = self.active if self.active not in numbers else (left[-1].number if left else None)
            title = gone[0].title if len(gone) == 1 else f"{len(gone)} marks"
            self._change(f"remove {title}" if left else "clear marks", left, active)

    def take_all(self, marks: Iterable[Mark]) -> int:
        """Add imported marks, with new numbers where theirs are in use; marks outside the image are left out.

        Marks without a colour or a symbol get those of their number.

        Returns:
            The number of marks added.
        """
        taken = {mark.number for mark in self.marks}
        added: list[Mark] = []
        for mark in marks:
            if self.holds(mark.place):
                number = mark.number if mark.number not in taken else new_mark(mark.place, taken).number
                taken.add(number)
                colour, symbol = signs(number, self.palette)
                added.append(replace(mark, number=number, colour=mark.colour or colour, symbol=mark.symbol or symbol))
        if added:
            self._change(f"add {len(added)} marks", (*self.marks, *added), added[-1].number)
        return len(added)

    def add_measured(self, spots: Iterable[tuple[MarkGeometry, Reading]]) -> int:
        """Add marks that carry measured spectra and have their names, as one command.

        Returns:
            The number of marks added; those outside the image are left out.
        """
        return self.take_all([Mark(1, place, "", "", reading.spectrum.name, reading=reading)
                              for place, reading in spots])  # fmt: skip

    def attach(self, number: int, reading: Reading) -> None:
        """Let a mark carry a measured spectrum, instead of the one that it has."""
        if (mark := self.get(number)) is not None:
            self._replace(f"attach measured spectrum to {mark.title}", replace(mark, reading=reading))

    def detach(self, *numbers: int) -> None:
        """Remove the measured spectra of marks, as one command."""
        self._change_readings("detach measured spectrum from", lambda reading: None, numbers)

    def use_readings(self, is_used: bool, *numbers: int) -> None:
        """Let the measured spectra of marks correct the reconstruction or not, as one command."""
        self._change_readings(
            f"switch {'on' if is_used else 'off'} measured spectrum of",
            lambda reading: reading if reading.is_used == is_used else replace(reading, is_used=is_used),
            numbers,
        )

    def _change_readings(self, text: str, change: Callable[[Reading], Reading | None], numbers: Sequence[int]) -> None:
        concerned = [mark for mark in self.marks if mark.number in numbers and mark.reading is not None]
        changed = {mark.number: replace(mark, reading=change(mark.reading)) for mark in concerned if mark.reading}
        after = tuple([changed.get(mark.number, mark) for mark in self.marks])
        if after != self.marks:
            title = concerned[0].title if len(concerned) == 1 else f"{len(concerned)} marks"
            self._change(f"{text} {title}", after, self.active)

    def set_active(self, number: int | None) -> None:
        """Make a mark active; not undoable. Unknown numbers are ignored."""
        if number != self.active and (number is None or self.get(number) is not None):
            self.active = number
            self._announce(Change.ACTIVE_MARK)

    def _replace(self, text: str, changed: Mark, series: Hashable = None) -> None:
        after = tuple(changed if mark.number == changed.number else mark for mark in self.marks)
        if after != self.marks:
            self._change(text, after, changed.number, series)

    def _change(self, text: str, after: tuple[Mark, ...], active: int | None, series: Hashable = None) -> None:
        before = self.marks, self.active
        self._undo_stack.push(ReplaceValue(text, self._put, before, (after, active), series))

    def _put(self, state: tuple[tuple[Mark, ...], int | None]) -> None:
        previous, (self.marks, self.active) = self.active, state
        self.readings = tuple([PlacedReading(mark.number, mark.place, mark.reading) for mark in self.marks
                               if mark.reading is not None])  # fmt: skip
        active = self.active
        self._announce(Change.MARKS)
        if active != previous:
            self._announce(Change.ACTIVE_MARK)

    def holds(self, place: MarkGeometry) -> bool:
        """Return whether a geometry is usable: a pin inside the image, or a region that overlaps it and has an area."""
        height, width = self._size
        if not isinstance(place, Region):
            return 0 <= place[0] < height and 0 <= place[1] < width
        top, left, bottom, right = place.bounds
        return bottom > 0 and right > 0 and top < height and left < width and bottom > top and right > left
