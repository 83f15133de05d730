"""Which of a file's named arrays is the cube, and which its wavelengths: HDF5, NetCDF, MATLAB 7.3 and Zarr alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.cubes.description import MAX_BANDS, AmbiguousFile, CubeDescription, CubeHints
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity

MAX_CHUNK = 1 << 30  # bytes that reading one value may cost
_SPECTRAL = re.compile(
    r"(central?_?)?(wave_?lengths?|wave_?numbers?|wls?|wvl|lambdas?|lam|frequency|freq|bands?|spectral|channels?)"
    r"(_?(centers?|centres?|nm|um))?",
    re.IGNORECASE,
)
_COLUMNS = {"x", "lon", "longitude", "easting", "col", "cols", "column", "columns", "sample", "samples", "width"}
_ROWS = {"y", "lat", "latitude", "northing", "row", "rows", "line", "lines", "height"}


@dataclass(frozen=True, eq=False)
class NamedArray:
    """A named array of a file, not read; `dims` are the names of its dimensions, empty where they have none."""

    name: str
    array: Any
    dims: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def short(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(int(size) for size in self.array.shape)

    def text(self, attribute: str) -> str:
        """An attribute as text, empty where there is none."""
        return attribute_text(self.attributes.get(attribute, ""))


def attribute_text(value: Any) -> str:
    """An attribute as text; other programs write bytes, and arrays of one."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def find_cube(
    file: str, variables: Sequence[NamedArray], reading: CubeHints, provenance: dict[str, str]
) -> CubeDescription:
    """The cube among a file's arrays, with its wavelengths where they are there.

    Raises:
        AmbiguousFile: several arrays could be the cube.
        UnreadableFile: none is, or its values are packed in a way that makes no sense.
    """
    cube = _cube(file, variables, reading)
    axis_variable = _axis_variable(cube, variables)
    band_axis = _named_axis(cube, axis_variable)
    plane = [cube.dims[i].lower() for i in range(3) if i != band_axis] if len(cube.dims) == 3 else []
    wavelengths, unit = _positions(cube, axis_variable)
    return CubeDescription(
        file,
        cube.array,
        band_axis=band_axis,
        transposed=bool(plane) and plane[0] in _COLUMNS and plane[-1] in _ROWS,
        wavelengths=wavelengths,
        unit=unit,
        quantity=_quantity(cube),
        provenance=provenance,
        scale=_number(file, cube, "scale_factor", 1.0),
        offset=_number(file, cube, "add_offset", 0.0),
        fill=_fill(cube),
    )


def _cube(file: str, variables: Sequence[NamedArray], reading: CubeHints) -> NamedArray:
    if reading.variable is not None:
        chosen = [v for v in variables if reading.variable in (v.name, v.short)]
        if not chosen:
            raise UnreadableFile(f"{file} has no array {reading.variable!r}; it has {_names(variables)}")
        return chosen[0]
    cubes = [v for v in variables if len(v.shape) == 3 and 0 not in v.shape and _is_numeric(v)]
    if not cubes:
        raise UnreadableFile(f"{file} has no `cube` and no other array of three dimensions; it has {_names(variables)}")
    named = [v for v in cubes if v.name == "cube"]
    if named or len(cubes) == 1:
        return (named or cubes)[0]
    largest = max(cubes, key=lambda v: float(np.prod(v.shape, dtype=float)))
    choices = tuple(v.name for v in cubes)
    raise AmbiguousFile(
        f"{file} has {len(cubes)} arrays of three dimensions ({_names(cubes)})",
        "variable",
        largest.name,
        "the largest",
        choices,
    )


def _is_numeric(variable: NamedArray) -> bool:
    return np.dtype(variable.array.dtype).kind in "uif"


def _names(variables: Sequence[NamedArray]) -> str:
    shown = [f"{v.name} ({' x '.join(map(str, v.shape))})" for v in variables[:6]]
    return ", ".join(shown) + (", …" if len(variables) > 6 else "") if shown else "no arrays"


def _axis_variable(cube: NamedArray, variables: Sequence[NamedArray]) -> NamedArray | None:
    """The array of wavelengths: called so, as long as a dimension of the cube, and best named like that."""
    fitting = [
        v
        for v in variables
        if v is not cube and _is_numeric(v) and _length(v) in cube.shape and (_is_spectral(v) or v.short in cube.dims)
    ]
    spectral = [v for v in fitting if _is_spectral(v) and not _is_index(v)]
    return min(spectral, key=lambda v: (v.short not in cube.dims, not v.text("units")), default=None)


def _length(variable: NamedArray) -> int:
    """Of a list, or of a MATLAB vector of one row or column."""
    return max(variable.shape) if variable.shape and sorted(variable.shape)[:-1] in ([], [1]) else -1


def _is_spectral(variable: NamedArray) -> bool:
    standard = variable.text("standard_name")
    return "wavelength" in standard or "wavenumber" in standard or bool(_SPECTRAL.fullmatch(variable.short))


def _is_index(variable: NamedArray) -> bool:
    """Whether the numbers only count the bands."""
    length = _length(variable)
    if length > MAX_BANDS:
        return False
    values = np.ravel(variable.array[...])
    return length > 1 and any(np.array_equal(values, np.arange(length) + first) for first in (0, 1))


def _named_axis(cube: NamedArray, axis: NamedArray | None) -> int | None:
    """The axis that carries the dimension of the wavelengths, or a dimension that is called so."""
    if axis is not None and axis.dims and len(cube.dims) == 3:
        shared = [i for i, name in enumerate(cube.dims) if name and name in (*axis.dims, axis.short)]
        if len(shared) == 1:
            return shared[0]
    named = [i for i, name in enumerate(cube.dims) if _SPECTRAL.fullmatch(name)]
    return named[0] if len(named) == 1 else None


def _positions(cube: NamedArray, axis: NamedArray | None) -> tuple[npt.NDArray[np.float64] | None, str]:
    if axis is not None:
        if max(axis.shape) > MAX_BANDS:
            raise UnreadableFile(f"it has {max(axis.shape):,} wavelengths, of at most {MAX_BANDS:,}")
        return np.ravel(np.asarray(axis.array[...], dtype=np.float64)), axis.text("units")
    for name in ("wavelengths", "wavelength", "band_wavelengths", "center_wavelengths"):
        listed = cube.attributes.get(name)
        if listed is not None and not isinstance(listed, str | bytes) and np.ndim(listed) == 1:
            return np.asarray(listed, dtype=np.float64), cube.text("wavelength_units") or cube.text("wavelength_unit")
    return None, ""


def _quantity(cube: NamedArray) -> Quantity:
    """What the file's own words say; a name counts as little as any other description."""
    for words in (cube.text("quantity"), cube.text("long_name"), cube.text("standard_name"), cube.short):
        if words in set(Quantity):
            return Quantity(words)
        for quantity, word in ((Quantity.REFLECTANCE, "reflectance"), (Quantity.RADIANCE, "radiance")):
            if word in words.lower():
                return quantity
    return Quantity.UNKNOWN


def _number(file: str, cube: NamedArray, name: str, default: float) -> float:
    value = np.ravel(cube.attributes.get(name, default))
    try:
        return float(value[0]) if value.size == 1 else float("nan")
    except (TypeError, ValueError):
        raise UnreadableFile(f"{file} has a {name} that is no number: {value!r}") from None


def _fill(cube: NamedArray) -> tuple[float, ...]:
    """NaN needs no replacing."""
    marks = [np.ravel(cube.attributes[name]) for name in ("_FillValue", "missing_value") if name in cube.attributes]
    numbers = [float(mark) for part in marks for mark in part if isinstance(mark, int | float | np.number)]
    return tuple(sorted({number for number in numbers if np.isfinite(number)}))
