"""Conversion of a file's description of its cube, completed by the user's hints, to a field.

Missing information is requested from the user, never invented: `AmbiguousFile` carries the question, and a guess with
its reason if there is evidence for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.cubes import plausibility
from nesr_gui.io.cubes.decoding import Decoding
from nesr_gui.io.cubes.stored import StoredCube
from nesr_gui.io.cubes.wavelengths import (
    MAX_BANDS,
    BandAxis,
    BandPositions,
    contradiction,
    is_placeholder,
    likely_nanometres,
    to_nanometres,
    wavelengths_text,
)
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity, Wavelengths

MAX_SIDE = 1 << 24  # pixels; a header that states more is damaged
CONVENTIONAL = {31: "the 31 bands of the CAVE, ICVL and NTIRE data sets"}
"""Number of bands → why they are likely to stand at 400 to 700 nm."""


class AmbiguousFile(UnreadableFile):
    """The file can be read once the user supplies missing information.

    `field` is the name of the missing entry of `CubeHints`, `choices` are its possible values (empty: any), and `guess`
    is the most likely value in the syntax of the user interface, with the `reason` for it. `io.open_cube` adds the path
    and the hints that were given.
    """

    path: Path | None = None
    reading: CubeHints | None = None

    def __init__(
        self, question: str, field: str, guess: str = "", reason: str = "", choices: tuple[str, ...] = ()
    ) -> None:
        super().__init__(question + (f"; {guess} is likely ({reason})" if guess else ""))
        self.question, self.field, self.guess, self.reason, self.choices = question, field, guess, reason, choices

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.question, self.field, self.guess, self.reason, self.choices)


@dataclass(frozen=True, eq=False)
class CubeHints:
    """Information about a file from the user; it takes precedence over what the file states.

    Args:
        wavelengths: one per band, in the file's order; `BandPositions` need not be sorted.
        band_axis: axis of the stored array for the bands, from 0.
        quantity: what the values measure.
        variable: array to open if the file has several.
    """

    wavelengths: Wavelengths | BandPositions | None = None
    band_axis: int | None = None
    quantity: Quantity | None = None
    variable: str | None = None


@dataclass(frozen=True, eq=False)
class CubeDescription:
    """What a file states about its cube; None or empty if unstated.

    Args:
        name: file name, for messages.
        array: the stored numbers, with three dimensions.
        band_axis: axis of the bands.
        likely_axis: axis of the bands by a convention that the file does not state.
        transposed: the axis of the columns precedes that of the rows.
        wavelengths: in any order and `unit`; a function is called only if the user states none, and may raise
            `AmbiguousFile`.
        unit: unit of the wavelengths, as stated.
        suggested: likely wavelengths in nm, and what suggests them, where the file states none.
        quantity: what the values measure.
        provenance: attributes of the file, and notes.
        decoding: how stored numbers become values.
        bad: (stored bands,) true for bands that are marked as bad.
        valid: mask of pixels (1, rows, columns), 0 for those without value.
        upside_down: the first row is the southernmost.
        mirrored: the first column is the easternmost.
    """

    name: str
    array: Any
    band_axis: int | None = None
    likely_axis: int | None = None
    transposed: bool = False
    wavelengths: npt.NDArray[np.float64] | Callable[[], tuple[npt.NDArray[np.float64] | None, str]] | None = None
    unit: str = ""
    suggested: tuple[npt.NDArray[np.float64], str] | None = None
    quantity: Quantity = Quantity.UNKNOWN
    provenance: dict[str, str] = field(default_factory=dict)
    decoding: Decoding = field(default_factory=Decoding)
    bad: npt.NDArray[np.bool_] | None = None
    valid: Any = None
    upside_down: bool = False
    mirrored: bool = False


def build_field(found: CubeDescription, reading: CubeHints) -> CubeField:
    """Build the field of a described cube, which is read on demand.

    Bands are sorted by wavelength; bands that have none, or repeat one, are left out with a note.

    Raises:
        AmbiguousFile: required information is missing.
        UnreadableFile: the array is not a cube, or its description contradicts itself.
    """
    shape = validate_shape(found)
    stated, unit = _stated(found, reading)
    axis = _band_axis(found, reading, shape, stated)
    plane = [other for other in range(3) if other != axis]
    axes = (axis, plane[1], plane[0]) if found.transposed else (axis, plane[0], plane[1])
    measured = _wavelengths(found, reading, shape[axis], stated, unit)
    known = np.flatnonzero(np.isfinite(measured.nm))
    order = known[np.argsort(measured.nm[known], kind="stable")]
    kept = order[np.append(True, np.diff(measured.nm[order]) > 0)]
    notes = {**found.decoding.notes, **measured.notes}
    if known.size < measured.nm.size:
        notes["bands_without_wavelength"] = (
            f"{measured.nm.size - known.size} bands have no wavelength and were left out"
        )
    if kept.size < order.size:
        notes["repeated_wavelengths"] = f"{order.size - kept.size} bands repeat a wavelength and were left out"
    bad = found.bad
    if bad is not None and bad.size != shape[axis]:
        notes["bad_bands"] = f"the list of bad bands has {bad.size} entries for {shape[axis]} bands and was left aside"
        bad = None
    elif bad is not None and bad.any():
        notes["bad_bands"] = f"{int(bad.sum())} of {bad.size} are marked as bad and have no values"
    if np.dtype(found.array.dtype).kind == "c":
        notes["numbers"] = "complex; their magnitudes are shown"
    if found.valid is not None:
        notes["mask"] = "pixels outside the mask of the file have no value"
    if found.upside_down:
        notes["orientation"] = "stored from south to north; shown north up"
    for name, part in (("scale factors", found.decoding.scale), ("offsets", found.decoding.offset)):
        if part.size not in (1, shape[axis]):
            raise UnreadableFile(f"{found.name} has {part.size} {name} for {shape[axis]} bands")
    bands = StoredCube(
        found.array,
        axes,
        kept,
        found.decoding,
        bad=bad,
        valid=found.valid,
        upside_down=found.upside_down,
        mirrored=found.mirrored,
    )
    quantity = reading.quantity or found.quantity
    sentences = tuple(
        f"{name.replace('_', ' ').capitalize()}: {note}." for name, note in notes.items() if name not in measured.notes
    )  # the unit of the wavelengths is no surprise where it was inferred
    provenance = {**found.provenance, **notes}
    return CubeField(bands, Wavelengths(measured.nm[kept]), quantity, provenance, notes=sentences)


def validate_shape(found: CubeDescription) -> tuple[int, int, int]:
    """Shape of the array.

    Raises:
        UnreadableFile: it is not a three-dimensional array of numbers.
    """
    shape = tuple(int(size) for size in found.array.shape)
    kind = found.array.dtype.kind if isinstance(found.array.dtype, np.dtype) else np.dtype(found.array.dtype).kind
    if len(shape) != 3 or min(shape) < 1 or max(shape) > MAX_SIDE or kind not in "buifc":
        raise UnreadableFile(
            f"{found.name} holds an array of shape {' x '.join(map(str, shape))} and type {found.array.dtype}; "
            f"expected numbers with three dimensions of 1 to {MAX_SIDE:,}"
        )
    return shape[0], shape[1], shape[2]


def _stated(found: CubeDescription, reading: CubeHints) -> tuple[npt.NDArray[np.float64] | None, str]:
    """Wavelengths and unit: what the user states, before the file's own text is parsed; None if there are none."""
    if reading.wavelengths is not None:
        return reading.wavelengths.nm, "nm"
    stated, unit = found.wavelengths() if callable(found.wavelengths) else (found.wavelengths, found.unit)
    return (None, "") if stated is None or is_placeholder(stated) else (stated, unit)


def _band_axis(
    found: CubeDescription, reading: CubeHints, shape: tuple[int, int, int], stated: npt.NDArray[np.float64] | None
) -> int:
    if reading.band_axis is not None:
        if not 0 <= reading.band_axis <= 2:
            raise UnreadableFile(f"band axis {reading.band_axis} requested; the cube of {found.name} has axes 0, 1, 2")
        return reading.band_axis
    if found.band_axis is not None:
        return found.band_axis
    fitting = [axis for axis in range(3) if stated is not None and shape[axis] == stated.size]
    if len(fitting) == 1:
        return fitting[0]
    guess, reason = _likely_axis(found, shape)
    raise AmbiguousFile(
        f"{found.name} holds {' x '.join(map(str, shape))} numbers and does not say which axis runs over the bands",
        "band_axis",
        "" if guess is None else str(guess),
        reason,
        ("0", "1", "2"),
    )


def _likely_axis(found: CubeDescription, shape: tuple[int, int, int]) -> tuple[int | None, str]:
    """Axis that passed the test of plausibility, and the reason; None if there is none."""
    values = plausibility.sample(found.array, found.decoding)
    if not plausibility.is_smooth(values):
        return None, ""
    seen = plausibility.spectral_axis(values)
    if seen is not None:
        return seen, "its values vary like spectra, and neighbouring pixels are alike"
    if found.likely_axis is not None:
        return found.likely_axis, "as such files are laid out"
    shortest = [axis for axis in range(3) if shape[axis] == min(shape)]
    return (shortest[0], "the shortest of the three") if len(shortest) == 1 else (None, "")


def _wavelengths(
    found: CubeDescription,
    reading: CubeHints,
    bands: int,
    stated: npt.NDArray[np.float64] | None,
    unit: str,
) -> BandAxis:
    if reading.wavelengths is not None:
        if len(reading.wavelengths) != bands:
            raise UnreadableFile(f"{len(reading.wavelengths)} wavelengths given; {found.name} has {bands} bands")
        return BandAxis(reading.wavelengths.nm, {"wavelengths": "given by the user"})
    if stated is None:
        question = f"{found.name} does not say at which wavelengths its {bands} bands stand"
        raise AmbiguousFile(question, "wavelengths", *_likely_wavelengths(found, bands))
    if bands > MAX_BANDS:
        raise UnreadableFile(f"{found.name} has {bands} bands, of at most {MAX_BANDS:,}")
    if stated.size != bands:
        raise AmbiguousFile(f"{found.name} has {stated.size} wavelengths for {bands} bands", "wavelengths")
    try:
        reason, likely = contradiction(stated, unit)
        if not reason:
            return to_nanometres(stated, unit)
    except ValueError as error:
        nm = likely_nanometres(stated, unit)
        guess, why = ("", "") if nm is None else (wavelengths_text(nm), "in the unit that fits the numbers")
        question = f"cannot understand the wavelengths of {found.name}: {error}"
        raise AmbiguousFile(question, "wavelengths", guess, why) from error
    guess = "" if likely is None or not np.isfinite(likely).all() else wavelengths_text(likely)
    why = "the same numbers in another unit" if guess else ""
    raise AmbiguousFile(f"{found.name} {reason}", "wavelengths", guess, why)


def _likely_wavelengths(found: CubeDescription, bands: int) -> tuple[str, str]:
    """Likely wavelengths in the syntax of the user interface, and the reason; empty without evidence.

    The values must pass the test of plausibility, too.
    """
    likely, reason = found.suggested or (np.empty(0), "")
    if likely.size != bands and bands in CONVENTIONAL:
        likely, reason = np.linspace(400, 700, bands), CONVENTIONAL[bands]
    if likely.size != bands or not plausibility.is_smooth(plausibility.sample(found.array, found.decoding)):
        return "", ""
    return wavelengths_text(likely), reason
