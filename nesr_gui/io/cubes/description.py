"""Conversion of a file's description of its cube, completed by the user's hints, to a field.

Missing information is requested from the user, never invented: `AmbiguousFile` carries the question, a guess and its
reason.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.spectral import FloatArray, Quantity, Wavelengths

SPEED_OF_LIGHT = 299_792_458.0  # m/s, exact
_LENGTHS = {
    1.0: "nm nanometer nanometers nanometre nanometres",
    1e3: "um µm μm micrometer micrometers micrometre micrometres micron microns",
    1e6: "mm millimeter millimeters millimetre millimetres",
    1e7: "cm centimeter centimeters centimetre centimetres",
    1e9: "m meter meters metre metres",
    0.1: "å angstrom angstroms ångström",
}
_INVERSE = {  # nm = factor / value
    1e9: "m-1 m^-1 1/m m⁻¹",
    1e7: "cm-1 cm^-1 1/cm cm⁻¹ wavenumber wavenumbers",
    SPEED_OF_LIGHT * 1e9: "hz",
    SPEED_OF_LIGHT * 1e3: "mhz",
    SPEED_OF_LIGHT: "ghz",
    SPEED_OF_LIGHT * 1e-3: "thz",
}
TO_NM = {unit: factor for factor, units in _LENGTHS.items() for unit in units.split()}
INVERSE_TO_NM = {unit: factor for factor, units in _INVERSE.items() for unit in units.split()}
DECIMALS = 9  # precision of converted wavelengths in nm: further digits are rounding errors
UNSTATED = {"", "unknown", "none", "1"}
READ_AHEAD = 1 << 18  # bytes between rows above which read-ahead is wasteful
STRIP = 1 << 22  # values read at once if a library cannot skip rows itself
MAX_BANDS = 100_000
MAX_SIDE = 1 << 24  # pixels; a header that states more is damaged


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
class BandAxis:
    """Wavelengths (L,) float64 nm in the file's order, and notes on their conversion, for the provenance."""

    nm: npt.NDArray[np.float64]
    notes: dict[str, str] = field(default_factory=dict)


def to_nanometres(values: npt.ArrayLike, unit: str) -> BandAxis:
    """Convert band positions in `unit` to nm; an unstated unit is inferred from the values if unambiguous.

    Raises:
        ValueError: the unit is unknown, or a value is not finite and positive.
    """
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or not np.isfinite(given).all() or (given <= 0).any():
        raise ValueError("wavelengths must be a list of finite, positive numbers")
    name = unit.strip().strip("[]()").replace(" ", "").lower()
    notes = {}
    if name in UNSTATED:
        name = _unit_of_size(given)
        notes["source_wavelength_unit"] = f"{name} (not stated; inferred from the values)"
    elif TO_NM.get(name) != 1:
        notes["source_wavelength_unit"] = unit.strip()
    if name in TO_NM:
        return BandAxis(given if TO_NM[name] == 1 else np.round(given * TO_NM[name], DECIMALS), notes)
    if name in INVERSE_TO_NM:
        return BandAxis(np.round(INVERSE_TO_NM[name] / given, DECIMALS), notes)
    raise ValueError(f"they are in {unit!r}; expected nm, µm, mm, m, Å, cm⁻¹, m⁻¹ or GHz")


def _unit_of_size(values: npt.NDArray[np.float64]) -> str:
    """Infer the unit: optical instruments cover 0.1 to 100 µm, so values in nm, µm and m do not overlap."""
    low, high = float(values.min()), float(values.max())
    for name, factor in (("nm", 1.0), ("µm", 1e3), ("m", 1e9)):
        if low * factor >= 100 and high * factor < 100_000:
            return name
    raise ValueError(f"their unit is not stated, and {low:g} to {high:g} is not a wavelength in nm, µm or m")


@dataclass(frozen=True, eq=False)
class StoredCube:
    """A stored array of any axis order and type as (L, H, W) float32 in order of wavelength, read when indexed.

    Args:
        array: three-dimensional, with `shape`, `dtype` and slicing: NumPy, a memory map, an HDF5 or Zarr array …
        axes: axes of `array` for bands, rows and columns.
        order: stored band at each position of the cube.
        scale: value = stored * scale + offset; one number, or one per stored band.
        offset: see `scale`.
        fill: stored values that mean "no value"; they become NaN.
        bad: (stored bands,) true for bands marked as bad; they become NaN.
    """

    array: Any
    axes: tuple[int, int, int]
    order: npt.NDArray[np.intp]
    scale: npt.NDArray[np.float64] = field(default_factory=lambda: np.ones(1))
    offset: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    fill: tuple[float, ...] = ()
    bad: npt.NDArray[np.bool_] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(L, H, W)."""
        _, rows, cols = (int(self.array.shape[axis]) for axis in self.axes)
        return int(self.order.size), rows, cols

    def __getitem__(self, window: tuple[slice, slice, slice]) -> FloatArray:
        """Read a window (l, h, w); rows and columns may have steps."""
        bands, rows, cols = window
        wanted = self.order[bands]
        first, last = int(wanted.min()), int(wanted.max())
        if last - first < 2 * wanted.size:
            stored = self._stored(slice(first, last + 1), rows, cols)
            stored = stored if np.array_equal(wanted, np.arange(first, last + 1)) else stored[wanted - first]
        else:  # far apart: do not read what lies between
            stored = np.concatenate([self._stored(slice(band, band + 1), rows, cols) for band in wanted])
        return self._values(stored, wanted)

    def _stored(self, bands: slice, rows: slice, cols: slice) -> npt.NDArray[Any]:
        """Stored values (l, h, w).

        File libraries read strided slices value by value, so steps are applied afterwards.
        """
        index: list[slice] = [slice(None)] * 3
        for axis, part in zip(self.axes, (bands, rows, cols), strict=True):
            index[axis] = part
        if isinstance(self.array, np.ndarray):
            _advise(
                self.array,
                self.array.strides[self.axes[1]] * (rows.step or 1),
                len(range(*rows.indices(self.shape[1]))),
            )
            return self.array[tuple(index)].transpose(self.axes)
        start, stop, step = rows.indices(self.shape[1])
        height = max(STRIP // self.shape[2] // step, 1) * step if step > 1 else stop - start
        strips = []
        for row in range(start, stop, height):
            index[self.axes[1]] = slice(row, min(row + height, stop))
            index[self.axes[2]] = slice(cols.start, cols.stop)
            try:
                read = np.asarray(self.array[tuple(index)]).transpose(self.axes)
            except (OSError, RuntimeError, KeyError) as error:
                reason = error_message(error)[:200]
                raise UnreadableFile(f"the file is damaged, or was changed since it was opened ({reason})") from error
            strips.append(read[:, ::step, :: cols.step or 1])
        return strips[0] if len(strips) == 1 else np.concatenate(strips, axis=1)

    def _values(self, stored: npt.NDArray[Any], wanted: npt.NDArray[np.intp]) -> FloatArray:
        empty = np.isin(stored, self.fill) if self.fill else None
        if stored.dtype.kind == "c":
            stored = np.abs(stored)
        scale, offset = (part[wanted][:, None, None] if part.size > 1 else part for part in (self.scale, self.offset))
        if np.all(scale == 1) and np.all(offset == 0):
            with np.errstate(over="ignore"):  # values beyond the range of float32 become infinite
                values = np.array(stored, dtype=np.float32)
        else:
            values = (stored.astype(np.float64) * scale + offset).astype(np.float32)
        if empty is not None:
            values[empty] = np.nan
        if self.bad is not None:
            values[self.bad[wanted]] = np.nan
        return values


def _advise(array: npt.NDArray[Any], gap: int, rows: int) -> None:
    """Disable read-ahead in a mapped file for single pixels and widely spaced rows.

    Reading ahead some megabytes per row would take a hundred times as long as reading the requested values.
    """
    pages = getattr(array, "_mmap", None)
    if isinstance(pages, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        pages.madvise(mmap.MADV_RANDOM if rows == 1 or gap > READ_AHEAD else mmap.MADV_NORMAL)


@dataclass(frozen=True, eq=False)
class CubeHints:
    """Information about a file from the user; it takes precedence over what the file states.

    Args:
        wavelengths: one per band, in the file's order.
        band_axis: axis of the stored array for the bands, from 0.
        quantity: what the values measure.
        variable: array to open if the file has several.
    """

    wavelengths: Wavelengths | None = None
    band_axis: int | None = None
    quantity: Quantity | None = None
    variable: str | None = None


@dataclass(frozen=True, eq=False)
class CubeDescription:
    """What a file states about its cube; None or empty if unstated. See `StoredCube` for the scaling.

    `transposed` is true if the axis of the columns precedes that of the rows. `likely_axis` is a convention that the
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


def build_field(found: CubeDescription, reading: CubeHints) -> CubeField:
    """Build the field of a described cube, which is read on demand.

    Raises:
        AmbiguousFile: required information is missing.
        UnreadableFile: the array is not a cube, or its description contradicts itself.
    """
    shape = validate_shape(found)
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
    bands = StoredCube(found.array, axes, kept, scale=scale, offset=offset, fill=found.fill, bad=found.bad)
    quantity = reading.quantity or found.quantity
    return CubeField(bands, Wavelengths(measured.nm[kept]), quantity, {**found.provenance, **notes})


def validate_shape(found: CubeDescription) -> tuple[int, int, int]:
    """Shape of the array.

    Raises:
        UnreadableFile: it is not a three-dimensional array of numbers.
    """
    shape = tuple(int(size) for size in found.array.shape)
    kind = np.dtype(found.array.dtype).kind
    if len(shape) != 3 or min(shape) < 1 or max(shape) > MAX_SIDE or kind not in "buifc":
        raise UnreadableFile(
            f"{found.name} holds an array of shape {' x '.join(map(str, shape))} and type {found.array.dtype}; "
            f"expected numbers with three dimensions of 1 to {MAX_SIDE:,}"
        )
    return shape[0], shape[1], shape[2]


def _band_axis(found: CubeDescription, reading: CubeHints, shape: tuple[int, int, int]) -> int:
    if reading.band_axis is not None:
        if not 0 <= reading.band_axis <= 2:
            raise UnreadableFile(f"band axis {reading.band_axis} requested; the cube of {found.name} has axes 0, 1, 2")
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
    raise AmbiguousFile(
        f"{found.name} holds {' x '.join(map(str, shape))} numbers and does not say which axis runs over the bands",
        "band_axis",
        str(guess),
        reason,
        ("0", "1", "2"),
    )


def _wavelengths(found: CubeDescription, reading: CubeHints, shape: tuple[int, int, int], axis: int) -> BandAxis:
    bands = shape[axis]
    if reading.wavelengths is not None:
        if len(reading.wavelengths) != bands:
            raise UnreadableFile(f"{len(reading.wavelengths)} wavelengths given; {found.name} has {bands} bands")
        return BandAxis(reading.wavelengths.nm, {"wavelengths": "given by the user"})
    if found.wavelengths is None:
        guess, reason = _guess(bands)
        question = f"{found.name} does not say at which wavelengths its {bands} bands stand"
        raise AmbiguousFile(question, "wavelengths", guess, reason)
    if found.wavelengths.size != bands or bands > MAX_BANDS:
        raise UnreadableFile(
            f"{found.name} has {found.wavelengths.size} wavelengths for {bands} bands, of at most {MAX_BANDS:,}"
        )
    try:
        return to_nanometres(found.wavelengths, found.unit)
    except ValueError as error:
        raise UnreadableFile(f"cannot understand the wavelengths of {found.name}: {error}") from error


def _guess(bands: int) -> tuple[str, str]:
    """Likely wavelengths in the syntax of the user interface, and the reason."""
    if bands == 1:
        return "550", "one band in the middle of the visible range"
    known = {31: (400, 700, "31 bands of the CAVE, ICVL and NTIRE data sets"), 61: (400, 700, "the visible range")}
    start, stop, reason = known.get(bands, (400, 700, "an even division of the visible range"))
    return f"{start}:{stop}:{(stop - start) / (bands - 1):.10g}", reason
