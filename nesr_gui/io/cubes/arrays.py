"""Detection of the cube and of what belongs to it among the named arrays of HDF5, NetCDF, MATLAB, NumPy and Zarr files.

Wavelengths are found by evidence: a name or unit that says so, values that can be wavelengths, and a dimension shared
with the cube. All arrays and their attributes pass through `decoding` before they are judged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.cubes import plausibility
from nesr_gui.io.cubes.decoding import Decoding, decoding_of, is_fill_name, text_of
from nesr_gui.io.cubes.description import AmbiguousFile, CubeDescription, CubeHints
from nesr_gui.io.cubes.stored import Squeezed, underlying
from nesr_gui.io.cubes.wavelengths import (
    INVERSE_TO_NM,
    MAX_BANDS,
    TO_NM,
    UNSTATED,
    is_placeholder,
    named_in,
    numbers_in,
    parse_list,
    to_nanometres,
    unit_name,
    unit_of_quantity,
)
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.io.georeference import KEY, Georeference, length_in_metres
from nesr_gui.spectral import Quantity

MAX_CHUNK = 1 << 30  # maximum bytes read for a single value
MAX_LIST_CHUNK = 64 << 20  # of a list of wavelengths
_SPECTRAL = re.compile(
    r"(central?_?)?(wave_?lengths?|wave_?numbers?|waves?|wls?|wvl|lambdas?|lam|frequency|freq|bands?|spectral|channels?)"
    r"(_?(centers?|centres?|nm|um))?",
    re.IGNORECASE,
)
_WAVELENGTH = re.compile(r"wave_?(length|number)|wvl|lambda|list_cw", re.IGNORECASE)
_ABOUT_WAVELENGTHS = re.compile(
    r"good|bad|valid|flag|mask|fwhm|width|uncert|err|std|shift|delta|resp|irradiance|index|num|count", re.IGNORECASE
)
_ABOUT_VALUES = re.compile(r"uncert|err|std|sigma|qualit|flag|mask|weight|count", re.IGNORECASE)
_BAND_NAMES = re.compile(r"(band|channel)_?(names?|labels?|descriptions?)|long_?names?|descriptions?", re.IGNORECASE)
MAX_PIXEL_WAVELENGTHS = 1 << 24  # numbers of wavelengths that differ between pixels, which are averaged
_GOOD_BANDS = re.compile(r"good_?(wave_?lengths?|bands?)(_?(list|mask|flags?))?|bbl", re.IGNORECASE)
_BAD_BANDS = re.compile(r"bad_?(wave_?lengths?|bands?)(_?(list|mask|flags?))?", re.IGNORECASE)
_BAD_WINDOW = re.compile(r"band_?window_?\d+_?nanometers", re.IGNORECASE)  # NEON: water vapour
_COLUMNS = {"x", "lon", "longitude", "easting", "col", "cols", "column", "columns", "sample", "samples", "width"}
_ROWS = {"y", "lat", "latitude", "northing", "row", "rows", "line", "lines", "height"}
_METRES = {"m", "metre", "metres", "meter", "meters", "km"}
_EPSG_OF_WKT = re.compile(r'(?:AUTHORITY|ID)\[\s*"EPSG"\s*,\s*"?(\d{1,6})"?\s*\]\s*\]\s*$')
_STEPS = {"t", "time", "date", "z", "lev", "level", "depth", "realization", "ensemble", "member"}


@dataclass(frozen=True)
class _Coordinate:
    """What makes a coordinate geographic (CF 1.11, section 4), and its direction where it runs against an image.

    Of `names`, those that are `alone` need no unit.
    """

    names: frozenset[str]
    alone: frozenset[str]
    units: re.Pattern[str]
    standard_names: tuple[str, ...]
    against: int


_NORTHING = _Coordinate(
    frozenset(_ROWS),
    frozenset({"lat", "latitude", "northing"}),
    re.compile(r"degrees?_?n(orth)?", re.IGNORECASE),
    ("latitude", "grid_latitude", "projection_y_coordinate"),
    against=1,
)
_EASTING = _Coordinate(
    frozenset(_COLUMNS),
    frozenset({"lon", "longitude", "easting"}),
    re.compile(r"degrees?_?e(ast)?", re.IGNORECASE),
    ("longitude", "grid_longitude", "projection_x_coordinate"),
    against=-1,
)


@dataclass(frozen=True, eq=False)
class NamedArray:
    """A named array of a file, not yet read; `dims` are its dimension names, empty if it has none.

    `fills` are fill values that the format states outside the attributes.
    """

    name: str
    array: Any
    dims: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    fills: tuple[Any, ...] = ()

    @property
    def short(self) -> str:
        """Name without the path."""
        return self.name.rpartition("/")[2]

    @property
    def group(self) -> str:
        """Path of the group, empty for the root."""
        return self.name.rpartition("/")[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return tuple(int(size) for size in self.array.shape)

    @property
    def length(self) -> int:
        """Length of a list, or of a MATLAB vector with one row or column; -1 for other arrays."""
        return max(self.shape) if self.shape and sorted(self.shape)[:-1] in ([], [1]) else -1

    def text(self, attribute: str) -> str:
        """An attribute as text, whatever the case of its name; empty if missing."""
        found = [value for name, value in self.attributes.items() if name.lower() == attribute]
        return text_of(found[0]) if found else ""

    def is_numeric(self, kinds: str = "uif") -> bool:
        """Whether its numbers are of one of NumPy's kinds of types."""
        return np.dtype(self.array.dtype).kind in kinds


@dataclass(frozen=True, eq=False)
class Container:
    """The named arrays of a file, and the attributes of its groups by path; the root has the empty one."""

    file: str
    arrays: Sequence[NamedArray]
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_netcdf: bool = False

    def decoding(self, variable: NamedArray) -> Decoding:
        """How the numbers of an array become values; single numbers beside it may state what means no value."""
        beside = [
            np.ravel(_read_list(v))[0]
            for v in self.arrays
            if v.group == variable.group and v.shape in ((), (1,), (1, 1)) and v.is_numeric() and is_fill_name(v.short)
        ]
        fills = (*variable.fills, *beside)
        is_cf = "CF-" in text_of(self.groups.get("", {}).get("Conventions", ""))
        return decoding_of(variable.attributes, variable.array.dtype, fill=fills, is_netcdf=self.is_netcdf, is_cf=is_cf)

    def values(self, variable: NamedArray) -> npt.NDArray[np.float64]:
        """Decoded values (L,) of a list.

        Raises:
            UnreadableFile: it is longer than any list of bands, or cut in chunks that are.
        """
        if variable.length > MAX_BANDS:
            raise UnreadableFile(f"it has {variable.length:,} wavelengths, of at most {MAX_BANDS:,}")
        return np.ravel(self.decoding(variable).decode(_read_list(variable))).astype(np.float64)

    def texts(self, variable: NamedArray) -> list[str]:
        """Entries of a list of texts."""
        return [text_of(text).strip("\0 ") for text in np.ravel(_read_list(variable)).tolist()]

    def attributes_around(self, variable: NamedArray) -> Iterator[tuple[str, Any]]:
        """Attributes of an array, of its group, and of those that contain it."""
        yield from variable.attributes.items()
        path = variable.group
        while True:
            yield from self.groups.get(path, {}).items()
            if not path:
                return
            path = path.rpartition("/")[0]


def check_chunks(array: Any, name: str, most: int = MAX_CHUNK) -> None:
    """Check the size of the chunks of an array of HDF5 or Zarr, one of which is decompressed for a single value.

    Raises:
        UnreadableFile: a chunk takes more than `most` bytes.
    """
    size = math.prod(getattr(underlying(array), "chunks", None) or ()) * array.dtype.itemsize
    if size > most:
        limit = f"{most >> 30} GiB" if most >= 1 << 30 else f"{most >> 20} MiB"
        raise UnreadableFile(f"its `{name}` is cut in chunks of more than {limit}")


def _read_list(variable: NamedArray) -> npt.NDArray[Any]:
    """Read an array beside the cube, such as wavelengths, whose number of values has been checked.

    Raises:
        UnreadableFile: it is stored in large chunks.
    """
    check_chunks(variable.array, variable.name, MAX_LIST_CHUNK)
    return np.asarray(variable.array[...])


def find_cube(container: Container, reading: CubeHints, provenance: dict[str, str]) -> CubeDescription:
    """Find the cube among the arrays of a file, and its wavelengths if present.

    Raises:
        AmbiguousFile: several arrays could be the cube.
        UnreadableFile: there is no cube, or its scaling is invalid.
    """
    cube = choose_cube(container, reading)
    lists, damaged = _wavelength_lists(cube, container)
    listed = lists[0] if lists else None
    band_axis = _named_axis(cube, listed)
    wavelengths, unit = _positions(cube, listed, container)
    rows, cols = _plane(cube, band_axis)
    transposed = rows is not None and cols is not None and cube.dims[rows].lower() in _COLUMNS
    transposed = transposed and cube.dims[cols or 0].lower() in _ROWS
    rows, cols = (cols, rows) if transposed else (rows, cols)
    decoded = container.decoding(cube)
    return CubeDescription(
        container.file,
        cube.array,
        band_axis=band_axis,
        transposed=transposed,
        wavelengths=wavelengths if len(lists) < 2 else _asking_which(container.file, lists),
        unit=unit,
        suggested=None if wavelengths is not None else _suggested(cube, container),
        quantity=_quantity(cube),
        provenance=_map_info(cube, rows, cols, container) | provenance,
        decoding=replace(decoded, notes={**decoded.notes, **damaged}),
        bad=_bad_bands(cube, listed, wavelengths, unit, container),
        upside_down=_runs_against(cube, rows, container, _NORTHING),
        mirrored=_runs_against(cube, cols, container, _EASTING),
    )


def _asking_which(file: str, lists: Sequence[NamedArray]) -> Callable[[], tuple[None, str]]:
    """A function that asks for the wavelengths because several lists fit equally well."""

    def ask() -> tuple[None, str]:
        raise AmbiguousFile(f"{file} has {len(lists)} lists of wavelengths that fit ({_names(lists)})", "wavelengths")

    return ask


def choose_cube(container: Container, reading: CubeHints) -> NamedArray:
    """The array that is the cube, without axes of size one beyond three.

    Raises:
        AmbiguousFile: several arrays could be it.
        UnreadableFile: none is, or not the one that the user names.
    """
    file, variables = container.file, container.arrays
    if reading.variable is not None:
        named = [v for v in variables if v.name == reading.variable] or [
            v for v in variables if v.short == reading.variable
        ]
        if not named:
            raise UnreadableFile(f"{file} has no array {reading.variable!r}; it has {_names(variables)}")
        return _three_axes(named[0]) or named[0]
    cubes = [cube for cube in map(_three_axes, variables) if cube is not None and cube.is_numeric("uifc")]
    cubes = [cube for cube in cubes if not _WAVELENGTH.search(cube.short)] or cubes  # wavelengths of each pixel
    cubes = cubes or [cube for cube in map(_three_axes, variables) if cube is not None and cube.is_numeric("b")]
    if not cubes:
        raise UnreadableFile(
            f"{file} has no `cube` and no other array of numbers with three dimensions; it has {_names(variables)}"
        )
    own = [v for v in cubes if v.name == "cube"] or [v for v in cubes if v.short == "cube"]
    if len(own) == 1 or len(cubes) == 1:
        return (own or cubes)[0]
    guess, reason = _likely_cube(cubes, container)
    raise AmbiguousFile(
        f"{file} has {len(cubes)} arrays of three dimensions ({_names(cubes)})",
        "variable",
        guess,
        reason,
        tuple(v.name for v in cubes),
    )


def _three_axes(variable: NamedArray) -> NamedArray | None:
    """The array with three axes, dropping axes of size one that are not those of an image; None if it has others."""
    if 0 in variable.shape or len(variable.shape) < 3:
        return None
    surplus = len(variable.shape) - 3
    single = [axis for axis, size in enumerate(variable.shape) if size == 1]
    if surplus > len(single):
        return None
    dims = variable.dims if len(variable.dims) == len(variable.shape) else ("",) * len(variable.shape)

    def belongs(axis: int) -> tuple[bool, int]:  # steps of time or depth first, then from the front
        name = dims[axis].lower()
        return (name in _ROWS | _COLUMNS or bool(_SPECTRAL.fullmatch(name)), 0 if name in _STEPS else axis + 1)

    dropped = tuple(sorted(sorted(single, key=belongs)[:surplus]))
    if not dropped:
        return variable
    kept = tuple(name for axis, name in enumerate(dims) if axis not in dropped)
    return replace(variable, array=Squeezed(variable.array, dropped), dims=kept if variable.dims else ())


def _likely_cube(cubes: Sequence[NamedArray], container: Container) -> tuple[str, str]:
    """Name of the array whose values pass the test of plausibility, and the reason; empty if there is none."""
    cubes = [cube for cube in cubes if not _ABOUT_VALUES.search(cube.short)] or cubes
    with_wavelengths = []
    for cube in cubes:
        lists, _ = _wavelength_lists(cube, container)
        if _positions(cube, lists[0] if lists else None, container)[0] is not None:
            with_wavelengths.append(cube)
    for chosen, reason in ((with_wavelengths, "the largest with wavelengths"), (cubes, "the largest")):
        largest = max(chosen, key=lambda v: float(np.prod(v.shape, dtype=float)), default=None)
        if largest is not None and plausibility.is_smooth(
            plausibility.sample(largest.array, container.decoding(largest))
        ):
            return largest.name, reason
    return "", ""


def _names(variables: Sequence[NamedArray]) -> str:
    shown = [f"{v.name} ({' x '.join(map(str, v.shape))}{_type(v)})" for v in variables[:6]]
    return ", ".join(shown) + (", …" if len(variables) > 6 else "") if shown else "no arrays"


def _type(variable: NamedArray) -> str:
    return "" if variable.is_numeric("uifcb") else f" of {variable.array.dtype}"


def _wavelength_lists(cube: NamedArray, container: Container) -> tuple[list[NamedArray], dict[str, str]]:
    """Lists of wavelengths of the cube that say so and whose values can be wavelengths, and a note on damaged ones.

    A list that shares a dimension with the cube is preferred, then one with units, then one in the nearest group, then
    one whose name shares a word with that of the cube. Several remain if they fit equally well and differ.
    """
    found: list[tuple[tuple[bool, bool, int, int], NamedArray, npt.NDArray[np.float64]]] = []
    notes: dict[str, str] = {}
    for v in container.arrays:
        if v.length not in cube.shape or not v.is_numeric() or not _is_listed(v, cube):
            continue
        try:
            values = container.values(v)
        except Exception as error:  # every library has its own errors for damaged chunks
            notes["damaged_wavelengths"] = f"`{v.name}` was left aside ({error_message(error)[:100]})"
            continue
        if not is_placeholder(values):
            shares_dimension = bool((set(v.dims) | {v.short}) & set(cube.dims))
            words = len(_words(v.name) & _words(cube.name))
            key = (not shares_dimension, not v.text("units"), -_shared_path(v.name, cube.name), -words)
            found.append((key, v, values))
    if not found:
        return [], notes
    best = [(v, values) for key, v, values in found if key == min(key for key, _, _ in found)]
    is_same = all(np.array_equal(values, best[0][1]) for _, values in best)
    return [best[0][0]] if is_same else [v for v, _ in best], notes


def _words(name: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", name.lower()) if word}


def _is_listed(variable: NamedArray, cube: NamedArray) -> bool:
    """Whether name, standard name or unit say that a list holds wavelengths."""
    standard, name = variable.text("standard_name"), variable.short
    if "wavelength" in standard or "wavenumber" in standard or _SPECTRAL.fullmatch(name):
        return True
    if _ABOUT_WAVELENGTHS.search(name):
        return False
    if _WAVELENGTH.search(name):
        return True
    unit = unit_name(variable.text("units") or variable.text("unit"))
    in_dims = bool((set(variable.dims) | {name}) & set(cube.dims))
    is_spatial = name.lower() in _ROWS | _COLUMNS | _STEPS or unit in _METRES
    return in_dims and not is_spatial and unit in TO_NM | INVERSE_TO_NM


def _shared_path(one: str, other: str) -> int:
    pairs = zip(one.split("/")[:-1], other.split("/")[:-1], strict=False)
    return next((depth for depth, (a, b) in enumerate(pairs) if a != b), min(one.count("/"), other.count("/")))


def _named_axis(cube: NamedArray, axis: NamedArray | None) -> int | None:
    """Axis with the dimension of the wavelengths, or with a dimension of a matching name."""
    if axis is not None and len(cube.dims) == 3:
        shared = [i for i, name in enumerate(cube.dims) if name and name in (*axis.dims, axis.short)]
        if len(shared) == 1 and cube.shape[shared[0]] == axis.length:
            return shared[0]
    named = [i for i, name in enumerate(cube.dims) if _SPECTRAL.fullmatch(name) or _WAVELENGTH.search(name)]
    return named[0] if len(named) == 1 else None


def _positions(
    cube: NamedArray, axis: NamedArray | None, container: Container
) -> tuple[npt.NDArray[np.float64] | None, str]:
    """Wavelengths and their unit: of a list, else of an attribute of the cube or of its groups."""
    if axis is not None:
        return container.values(axis), _unit_of(axis)
    named = _named_bands(cube, container)
    if named is not None:
        return named
    around = list(container.attributes_around(cube))
    units = [text_of(value) for name, value in around if re.fullmatch(r"wavelengths?_?units?", name, re.IGNORECASE)]
    for name, value in around:
        if not _WAVELENGTH.search(name) or _ABOUT_WAVELENGTHS.search(name) or "unit" in name.lower():
            continue
        listed, unit = _listed(value)
        if listed is not None and listed.size in cube.shape and not is_placeholder(listed):
            return listed, unit or (units[0] if units else "")
    return None, ""


def _unit_of(axis: NamedArray) -> str:
    """Stated unit of a list; without one, what its name says about it."""
    stated = axis.text("units") or axis.text("unit")
    return (unit_of_quantity(axis.short) if unit_name(stated) in UNSTATED else "") or stated


def _lists_of_names(cube: NamedArray, container: Container) -> Iterator[tuple[list[str], str]]:
    """Texts that may name the bands, one per band, and the unit of numbers in them."""
    for v in container.arrays:
        is_named = _SPECTRAL.fullmatch(v.short) or _WAVELENGTH.search(v.short) or _BAND_NAMES.fullmatch(v.short)
        if is_named and v.length in cube.shape and v.is_numeric("SUOT"):
            yield container.texts(v), v.text("units") if _WAVELENGTH.search(v.short) else ""
    for name, value in cube.attributes.items():
        if not (_WAVELENGTH.search(name) or _BAND_NAMES.fullmatch(name) or _SPECTRAL.fullmatch(name)):
            continue
        if isinstance(value, np.ndarray | list | tuple) and len(value) in cube.shape and np.ndim(value) == 1:
            texts = list(value)
            if all(isinstance(text, str | bytes) for text in texts):
                yield [text_of(text) for text in texts], ""


def _named_bands(cube: NamedArray, container: Container) -> tuple[npt.NDArray[np.float64], str] | None:
    """Wavelengths and unit in the names of the bands; None unless each name has one."""
    for names, unit in _lists_of_names(cube, container):
        parsed = parse_list(", ".join(names)) if unit else None
        if parsed is not None and parsed[0].size == len(names) and not is_placeholder(parsed[0]):
            return parsed[0], parsed[1] or unit
        if (found := named_in(names)) is not None:
            return found
    return None


def _suggested(cube: NamedArray, container: Container) -> tuple[npt.NDArray[np.float64], str] | None:
    """Likely wavelengths, and what suggests them: numbers in names of bands, or a mean over pixels that differ."""
    for names, _ in _lists_of_names(cube, container):
        if (values := numbers_in(names)) is not None:
            return values, "the numbers in the names of the bands"
    for v in container.arrays:
        is_named = _WAVELENGTH.search(v.short) and not _ABOUT_WAVELENGTHS.search(v.short)
        if is_named and v.length < 0 and len(v.shape) in (2, 3) and set(v.shape) <= set(cube.shape):
            with suppress(ValueError):
                return _mean_over_pixels(v, container)
    return None


def _mean_over_pixels(variable: NamedArray, container: Container) -> tuple[npt.NDArray[np.float64], str]:
    """Mean (L,) nm of wavelengths that differ between pixels, and how much they do.

    Raises:
        ValueError: they are too many, or no wavelengths.
    """
    if np.prod(variable.shape, dtype=float) > MAX_PIXEL_WAVELENGTHS:
        raise ValueError("too many wavelengths")
    values = container.decoding(variable).decode(_read_list(variable)).astype(np.float64)
    others = [tuple(other for other in range(values.ndim) if other != axis) for axis in range(values.ndim)]
    if not np.isfinite(values).all():
        raise ValueError("some pixels have no wavelength")
    axis = max(range(values.ndim), key=lambda axis: np.ptp(values.mean(axis=others[axis])))
    low, mean, high = (
        to_nanometres(part(values, axis=others[axis]), _unit_of(variable)).nm for part in (np.min, np.mean, np.max)
    )
    spread = float(np.abs(high - low).max() / 2)
    return mean, f"the mean of `{variable.name}`, which differs between pixels by up to ±{spread:.2g} nm"


def _listed(value: Any) -> tuple[npt.NDArray[np.float64] | None, str]:
    """Numbers and unit of an attribute that is a list, of numbers or texts, or the text of one."""
    if isinstance(value, str | bytes):
        return parse_list(text_of(value)) or (None, "")
    if isinstance(value, np.ndarray | list | tuple) and all(isinstance(part, str | bytes) for part in value):
        return parse_list(", ".join(text_of(part) for part in value)) or (None, "")
    array = np.asarray(value)
    return (array.astype(np.float64), "") if array.ndim == 1 and array.dtype.kind in "uif" else (None, "")


def _bad_bands(
    cube: NamedArray,
    axis: NamedArray | None,
    wavelengths: npt.NDArray[np.float64] | None,
    unit: str,
    container: Container,
) -> npt.NDArray[np.bool_] | None:
    """(bands,) true for bands that a list of good or bad bands or NEON's windows of water vapour mark as bad."""
    if wavelengths is None:
        return None
    length = wavelengths.size
    lists: list[tuple[str, Any]] = [
        (v.short, np.ravel(_read_list(v)))
        for v in container.arrays
        if v.length == length
        and v.is_numeric("uifb")
        and (_GOOD_BANDS.fullmatch(v.short) or _BAD_BANDS.fullmatch(v.short))
    ]
    around = [*container.attributes_around(axis)] if axis is not None else []
    for name, value in (*lists, *around, *container.attributes_around(cube)):
        if not (_GOOD_BANDS.fullmatch(name) or _BAD_BANDS.fullmatch(name)):
            continue
        listed = np.ravel(np.asarray(_listed(value)[0] if isinstance(value, str | bytes) else value))
        if listed.size == length and listed.dtype.kind in "uifb":
            return listed != 0 if _BAD_BANDS.fullmatch(name) else listed == 0
    bad = np.zeros(length, np.bool_)
    for name, value in container.attributes_around(cube):
        limits, _ = _listed(value)
        if _BAD_WINDOW.fullmatch(name) and limits is not None and limits.size == 2 and TO_NM.get(unit_name(unit)) == 1:
            bad |= (wavelengths >= limits.min()) & (wavelengths <= limits.max())
    return bad if bad.any() else None


def _plane(cube: NamedArray, band_axis: int | None) -> tuple[int | None, int | None]:
    """Axes of the first and the second spatial dimension; None if dimensions have no names."""
    if len(cube.dims) != 3 or band_axis is None:
        return None, None
    first, second = (axis for axis in range(3) if axis != band_axis)
    return first, second


def _runs_against(cube: NamedArray, axis: int | None, container: Container, kind: _Coordinate) -> bool:
    """Whether the coordinate of an axis is geographic and runs against an image, whose rows go south, columns east.

    A coordinate that counts pixels is not geographic.
    """
    coordinate = _coordinate(cube, axis, container)
    if coordinate is None:
        return False
    name, units = coordinate.short.lower(), coordinate.text("units")
    is_geographic = (
        coordinate.text("standard_name") in kind.standard_names
        or name in kind.alone
        or bool(kind.units.fullmatch(units))
        or (name in kind.names and units.lower() in _METRES)
    )
    with np.errstate(invalid="ignore"):  # between infinite values
        steps = np.diff(container.values(coordinate)) if is_geographic else np.zeros(1)
    return bool((np.sign(steps) == kind.against).all())


def _coordinate(cube: NamedArray, axis: int | None, container: Container) -> NamedArray | None:
    """The coordinate variable of an axis of the image; None if it has none, or a single pixel."""
    if axis is None or not cube.dims[axis] or not 2 <= cube.shape[axis] <= MAX_BANDS:
        return None
    name, length = cube.dims[axis], cube.shape[axis]
    return next((v for v in container.arrays if v.short == name and v.length == length and v.is_numeric()), None)


def _map_info(cube: NamedArray, rows: int | None, cols: int | None, container: Container) -> dict[str, str]:
    """Where the pixels lie, of an image shown with north at the top, as an entry of the provenance.

    Only of evenly spaced coordinates in degrees or a unit of length.
    """
    x, y = (_coordinate(cube, axis, container) for axis in (cols, rows))
    if x is None or y is None:
        return {}
    units = {each.text("units").lower() for each in (x, y)}
    metres = length_in_metres(units.pop()) if len(units) == 1 else None
    is_angular = all(kind.units.fullmatch(each.text("units")) for each, kind in ((x, _EASTING), (y, _NORTHING)))
    if metres is None and not is_angular:
        return {}
    across, down = np.sort(container.values(x)), np.sort(container.values(y))
    if not (np.isfinite(across).all() and np.isfinite(down).all()):
        return {}
    sides = [float(np.mean(np.diff(values))) for values in (across, down)]
    if not all(side > 0 and np.allclose(np.diff(v), side, rtol=1e-3, atol=0)
               for v, side in zip((across, down), sides, strict=True)):  # fmt: skip
        return {}
    origin = float(across[0]) - sides[0] / 2, float(down[-1]) + sides[1] / 2  # coordinates are those of centres
    where = Georeference.upright(origin, (sides[0], sides[1]), _epsg(cube, container), metres)
    return {KEY: where.map_info()}


def _epsg(cube: NamedArray, container: Container) -> int | None:
    """Code of the coordinate system that CF's grid mapping of a cube states."""
    name = cube.text("grid_mapping").partition(":")[0].strip()
    for variable in container.arrays:
        if name and variable.short == name:
            for stated in (variable.text("crs_wkt"), variable.text("spatial_ref")):
                if match := _EPSG_OF_WKT.search(stated):
                    return int(match[1])
            if (code := variable.text("epsg_code").upper().removeprefix("EPSG:")).isdecimal():
                return int(code)
    return None


def _quantity(cube: NamedArray) -> Quantity:
    """Quantity according to attributes and name; reflectance per steradian is not relative."""
    if "sr" in cube.text("units").lower() and "reflectance" in cube.text("long_name").lower():
        return Quantity.UNKNOWN
    for words in (cube.text("quantity"), cube.text("long_name"), cube.text("standard_name"), cube.short):
        if words in set(Quantity):
            return Quantity(words)
        for quantity, word in ((Quantity.REFLECTANCE, "reflectance"), (Quantity.RADIANCE, "radiance")):
            if word in words.lower():
                return quantity
    return Quantity.UNKNOWN
