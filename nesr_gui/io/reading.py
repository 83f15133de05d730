"""From what a file says of its cube, and what the user adds, to a field.

What a file leaves open is asked, never invented: `Unclear` carries the question, a guess and the reason for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.errors import Unclear, UnreadableFile
from nesr_gui.io.stored import StoredBands
from nesr_gui.io.units import Axis, nanometres
from nesr_gui.spectral import Quantity, Wavelengths

MAX_BANDS = 100_000
MAX_SIDE = 1 << 24  # pixels; above it a header is damaged


@dataclass(frozen=True, eq=False)
class Reading:
    """What the user says of a file where the file does not; it goes before what the file says.

    Args:
        wavelengths: one per band, in the file's order.
        band_axis: the axis of the stored array that runs over the bands, from 0.
        quantity: what the numbers measure.
        variable: the array to open where a file has several.
    """

    wavelengths: Wavelengths | None = None
    band_axis: int | None = None
    quantity: Quantity | None = None
    variable: str | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """What a file says of its cube; None or empty where it says nothing. See `StoredBands` for the numbers.

    `transposed`: of the two axes of the image, that of the columns comes first. `likely_axis` is a convention that the
    file does not state. `wavelengths` may be in any order and `unit`.
    """

    name: str
    array: Any
    band_axis: int | None = None
    likely_axis: int | None = None
    transposed: bool = False
    wavelengths: npt.NDArray[np.float64] | None = None
    unit: str = ""
    quantity: Quantity = Quantity.UNKNOWN
    provenance: dict[str, str] = field(default_factory=dict)
    scale: npt.ArrayLike = 1.0
    offset: npt.ArrayLike = 0.0
    fill: tuple[float, ...] = ()
    bad: npt.NDArray[np.bool_] | None = None


def field_of(found: Found, reading: Reading) -> CubeField:
    """The field of what was found, read as it is asked.

    Raises:
        Unclear: the user must say what the file does not.
        UnreadableFile: the array is no cube, or its description contradicts itself.
    """
    shape = checked_shape(found)
    axis = _band_axis(found, reading, shape)
    plane = [other for other in range(3) if other != axis]
    axes = (axis, plane[1], plane[0]) if found.transposed else (axis, plane[0], plane[1])
    measured = _wavelengths(found, reading, shape, axis)
    order = np.argsort(measured.nm, kind="stable")
    kept = order[np.append(True, np.diff(measured.nm[order]) > 0)]
    notes = dict(measured.notes)
    if kept.size < order.size:
        notes["repeated_wavelengths"] = f"{order.size - kept.size} bands repeat a wavelength and were left out"
    if found.bad is not None and found.bad.any():
        notes["bad_bands"] = f"{int(found.bad.sum())} of {found.bad.size} are marked as bad and have no values"
    if np.dtype(found.array.dtype).kind == "c":
        notes["numbers"] = "complex; their magnitudes are shown"
    scale, offset = (np.atleast_1d(np.asarray(part, np.float64)) for part in (found.scale, found.offset))
    if not (np.isfinite(scale).all() and np.isfinite(offset).all() and scale.all()):
        raise UnreadableFile(f"{found.name} has scale factors that are zero or not finite; expected ordinary numbers")
    bands = StoredBands(found.array, axes, kept, scale, offset, found.fill, found.bad)
    quantity = reading.quantity or found.quantity
    return CubeField(bands, Wavelengths(measured.nm[kept]), quantity, {**found.provenance, **notes})


def checked_shape(found: Found) -> tuple[int, int, int]:
    """The array's shape; `UnreadableFile` where it is no image of numbers with a third dimension."""
    shape = tuple(int(size) for size in found.array.shape)
    kind = np.dtype(found.array.dtype).kind
    if len(shape) != 3 or min(shape) < 1 or max(shape) > MAX_SIDE or kind not in "buifc":
        raise UnreadableFile(
            f"{found.name} holds an array of shape {' x '.join(map(str, shape))} and type {found.array.dtype}; "
            f"expected numbers with three dimensions of 1 to {MAX_SIDE:,}"
        )
    return shape[0], shape[1], shape[2]


def _band_axis(found: Found, reading: Reading, shape: tuple[int, int, int]) -> int:
    if reading.band_axis is not None:
        if not 0 <= reading.band_axis <= 2:
            raise UnreadableFile(f"band axis {reading.band_axis} asked for; the cube of {found.name} has axes 0, 1, 2")
        return reading.band_axis
    if found.band_axis is not None:
        return found.band_axis
    count = None
    if reading.wavelengths is not None:
        count = len(reading.wavelengths)
    elif found.wavelengths is not None:
        count = found.wavelengths.size
    fitting = [axis for axis in range(3) if shape[axis] == count]
    if len(fitting) == 1:
        return fitting[0]
    guess, reason = int(np.argmin(shape)), "the shortest of the three"
    if found.likely_axis is not None:
        guess, reason = found.likely_axis, "as such files are laid out"
    raise Unclear(
        f"{found.name} holds {' x '.join(map(str, shape))} numbers and does not say which axis runs over the bands",
        "band_axis",
        str(guess),
        reason,
        ("0", "1", "2"),
    )


def _wavelengths(found: Found, reading: Reading, shape: tuple[int, int, int], axis: int) -> Axis:
    bands = shape[axis]
    if reading.wavelengths is not None:
        if len(reading.wavelengths) != bands:
            raise UnreadableFile(f"{len(reading.wavelengths)} wavelengths given; {found.name} has {bands} bands")
        return Axis(reading.wavelengths.nm, {"wavelengths": "given by the user"})
    if found.wavelengths is None:
        guess, reason = _guess(bands)
        question = f"{found.name} does not say at which wavelengths its {bands} bands stand"
        raise Unclear(question, "wavelengths", guess, reason)
    if found.wavelengths.size != bands or bands > MAX_BANDS:
        raise UnreadableFile(
            f"{found.name} has {found.wavelengths.size} wavelengths for {bands} bands, of at most {MAX_BANDS:,}"
        )
    try:
        return nanometres(found.wavelengths, found.unit)
    except ValueError as error:
        raise UnreadableFile(f"cannot understand the wavelengths of {found.name}: {error}") from error


def _guess(bands: int) -> tuple[str, str]:
    """Wavelengths as a user would type them, and why."""
    if bands == 1:
        return "550", "one band in the middle of the visible range"
    known = {31: (400, 700, "31 bands of the CAVE, ICVL and NTIRE data sets"), 61: (400, 700, "the visible range")}
    start, stop, reason = known.get(bands, (400, 700, "an even division of the visible range"))
    return f"{start}:{stop}:{(stop - start) / (bands - 1):.10g}", reason
