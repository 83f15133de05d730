"""Decoding of stored numbers, the same for every format and for cubes, coordinates and spectra.

Readers hand over raw numbers and the attributes beside them. This module alone knows which attributes mean that a
number is no value, how it is scaled, and whether its bits are signed. The rules are those of the NetCDF User Guide
(attribute conventions), CF 1.11 (sections 2.5.1 and 8.1), the Zarr specifications with xarray's encoding of
`_FillValue`, the ENVI header format, GDAL's no-data value, and the HDF5 products of NEON.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.errors import UnreadableFile

Numbers = npt.NDArray[Any]

HUGE = 1e30  # no measurement is that large: such fill values are recognised by three digits, as programs print them
NETCDF_FILLS: dict[str, float | int] = {
    "i2": -32767, "u2": 65535, "i4": -2147483647, "u4": 4294967295, "i8": -9223372036854775806,
    "u8": 18446744073709551614, "f4": 9.969209968386869e36, "f8": 9.969209968386869e36,
}  # fmt: skip
"""What the NetCDF library stores where nothing was written, by type; bytes have no such value."""
_FILL_NAME = re.compile(
    r"(data)?(fill|missing|ignore|nodata)(data)?(values?|val)|(fill|missing|nodata|undef|undefined)|"
    r"(null|invalid|bad|undef|undefined|nan|mask)(data)?(value|val)"
)
_SCALE_NAME = re.compile(
    r"(reflectance|radiance|data)?(?P<divides>scal(e|ing)(factor|value)?)s?|"
    r"(reflectance|radiance|data)?(multiplier|multiplicativefactor|slope|(?P<gain>gain(value|factor)?))s?"
)
_OFFSET_NAME = re.compile(r"(reflectance|radiance|data|add|additive|scal(e|ing))?(offset(value)?|intercept)s?")
_WORDS_FOR_NONE = {"", "none", "null", "n/a", "na", "undefined", "unknown"}
_POWERS_OF_TEN = {float(10**power) for power in range(2, 10)}
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+")
_MICROSOFT_NAN = re.compile(r"[-+]?\d*\.?#?(1\.#(IND|QNAN|SNAN)|nan\(.*\))", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Decoding:
    """How stored numbers become values: value = stored * scale + offset, or NaN where there is no value.

    Args:
        scale: one number, or one per stored band.
        offset: see `scale`.
        fill: stored numbers that mean "no value".
        valid: lowest and highest stored number that is a value.
        valid_unpacked: lowest and highest value, where the file states the limits in units of the values.
        stored_as: type whose bits are stored, if it is not that of the array (`_Unsigned`).
        notes: what was understood in an unusual way or left aside, for the provenance.
    """

    scale: npt.NDArray[np.float64] = field(default_factory=lambda: np.ones(1))
    offset: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    fill: tuple[float | int, ...] = ()
    valid: tuple[float | int, float | int] | None = None
    valid_unpacked: tuple[float, float] | None = None
    stored_as: np.dtype[Any] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("scale", "offset"):
            object.__setattr__(self, name, np.atleast_1d(np.asarray(getattr(self, name), np.float64)))
        if not (np.isfinite(self.scale).all() and np.isfinite(self.offset).all() and self.scale.all()):
            raise UnreadableFile("it has scale factors that are zero or not finite; expected ordinary numbers")

    def decode(self, stored: Numbers, bands: npt.NDArray[np.intp] | None = None) -> npt.NDArray[np.floating]:
        """Values of stored numbers: float64, or float32 where they are neither scaled nor wider.

        Args:
            stored: any shape; the first axis runs over bands if scale or offset differ between them.
            bands: stored band of each entry of the first axis; needed in that case only.
        """
        if self.stored_as is not None:
            stored = stored.view(self.stored_as.newbyteorder(stored.dtype.byteorder))
        empty = self._without_value(stored)
        if stored.dtype.kind == "c":
            stored = np.abs(stored)
        scale, offset = (self._of_bands(part, stored.ndim, bands) for part in (self.scale, self.offset))
        if np.all(scale == 1) and np.all(offset == 0):
            narrow = stored.dtype.kind == "f" and stored.dtype.itemsize <= 4
            values: npt.NDArray[np.floating] = np.array(stored, np.float32 if narrow else np.float64)
        else:
            values = stored.astype(np.float64) * scale + offset
        if self.valid_unpacked is not None:
            low, high = self.valid_unpacked
            empty |= np.less(values, low) | np.greater(values, high)
        if empty.any():
            values[empty] = np.nan
        return values

    def _of_bands(self, part: npt.NDArray[np.float64], ndim: int, bands: npt.NDArray[np.intp] | None) -> Numbers:
        if part.size == 1:
            return part
        chosen = part if bands is None else part[bands]
        return chosen.reshape(-1, *[1] * (ndim - 1))

    def _without_value(self, stored: Numbers) -> npt.NDArray[np.bool_]:
        empty = np.zeros(stored.shape, np.bool_)
        for fill in self.fill:
            empty |= stored == fill
            if stored.dtype.kind == "f" and np.isfinite(fill) and abs(fill) >= HUGE:
                with np.errstate(invalid="ignore", over="ignore"):
                    empty |= np.abs(stored.astype(np.float64) / fill - 1) < 1e-3
        if self.valid is not None and stored.dtype.kind != "c":
            empty |= (stored < self.valid[0]) | (stored > self.valid[1])
        return empty


def decoding(
    dtype: npt.DTypeLike,
    *,
    fill: Iterable[Any] = (),
    scale: npt.ArrayLike = 1.0,
    offset: npt.ArrayLike = 0.0,
    notes: Mapping[str, str] | None = None,
) -> Decoding:
    """Decoding of numbers of type `dtype`, from fill values as a file states them: numbers or text.

    A fill value is compared in the precision of the data: -1.23e34 stated as float64 is not equal to any float32, but
    means the nearest one. One that cannot stand among integers may be meant in units of the values. Text that means
    none, such as an empty one, is left aside with a note.
    """
    noted = dict(notes or {})
    found: list[float | int] = []
    for stated in fill:
        numbers = stated_numbers(stated, np.dtype(dtype))
        if isinstance(stated, str) and not numbers:
            noted["data_ignore_value"] = f"{stated[:40]!r} is not a number; it was taken as none"
        for number in numbers or ():
            marks = _as_stored(number, np.dtype(dtype)) or _packed(number, np.dtype(dtype), scale, offset)
            if not marks and number == number:
                noted["data_ignore_value"] = f"{number!r} cannot stand in data of type {np.dtype(dtype).name}"
            found += marks
    return Decoding(np.asarray(scale), np.asarray(offset), tuple(dict.fromkeys(found)), notes=noted)


def decoding_of(
    attributes: Mapping[str, Any],
    dtype: npt.DTypeLike,
    *,
    fill: Iterable[Any] = (),
    is_netcdf: bool = False,
    is_cf: bool = False,
) -> Decoding:
    """Decoding of numbers of type `dtype` according to the attributes of their array.

    Names are compared without case, spaces and underscores, so `Data_Ignore_Value` of NEON is found. CF's
    `scale_factor` multiplies. A factor named scale of another spelling that is above 1 divides, as in NEON's products,
    and so does a power of ten from 100 for integers in a file that is neither NetCDF nor states that it follows CF.
    Factors above 1 are noted.

    Args:
        attributes: name → number, text, bytes or list, as the library of the format gives them.
        dtype: type of the stored numbers.
        fill: further fill values that the format states elsewhere.
        is_netcdf: whether the NetCDF library wrote the numbers, which has fill values of its own.
        is_cf: whether the file states that it follows CF.

    Raises:
        UnreadableFile: a scale or an offset is not a number, is zero or not finite.
    """
    stored = np.dtype(dtype)
    notes: dict[str, str] = {}
    by_name = {_plain(name): (name, value) for name, value in attributes.items()}
    stored_as = _signedness(by_name, stored)
    marks = [value for key, (_, value) in by_name.items() if _FILL_NAME.fullmatch(key)] + list(fill)
    if is_netcdf and not marks and stored.str[1:] in NETCDF_FILLS:
        marks = [NETCDF_FILLS[stored.str[1:]]]
    offset = _offset(attributes, by_name, notes)
    scale = _scale(attributes, by_name, notes, is_convention=is_netcdf or is_cf or stored.kind == "f")
    plain = decoding(stored, fill=marks, scale=scale, offset=offset, notes=notes)
    fills = tuple(_reinterpreted(value, stored, stored_as) for value in plain.fill)
    valid, is_unpacked = _valid(by_name, stored, plain)
    if valid is not None and not is_unpacked:
        valid = _within(valid, stored, stored_as)
    return Decoding(
        plain.scale,
        plain.offset,
        fills,
        None if is_unpacked else valid,
        valid if is_unpacked else None,
        stored_as,
        plain.notes,
    )


def is_fill_name(name: str) -> bool:
    """Whether an attribute or an array of this name states the number that means no value."""
    return _FILL_NAME.fullmatch(_plain(name)) is not None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def stated_numbers(stated: Any, dtype: np.dtype[Any]) -> list[float | int] | None:
    """Numbers that a file states as numbers, text, bytes or a list of them; None if it is damaged text.

    Text may hold decimal numbers, `NaN` in any spelling, or, as xarray writes it to Zarr 3, base64 of a float64 or of
    `dtype`.
    Words for none give an empty list.
    """
    if isinstance(stated, bytes):
        stated = stated.decode("latin-1")
    if isinstance(stated, str):
        return _numbers_in_text(stated.strip("\0 \t\r\n{}[]\"';"), dtype)
    if isinstance(stated, np.ndarray | list | tuple):
        parts = [stated_numbers(part, dtype) for part in np.ravel(np.asarray(stated)).tolist()]
        return None if any(part is None for part in parts) else [number for part in parts for number in part or ()]
    if isinstance(stated, np.generic):
        stated = stated.item()
    return [_bounded(stated)] if isinstance(stated, int | float) and not isinstance(stated, bool) else []


def _bounded(number: float | int) -> float | int:
    """A number that NumPy can compare: integers of more than 64 bits become floating-point, or infinite."""
    if isinstance(number, float) or -(1 << 63) <= number < 1 << 64:
        return number
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _numbers_in_text(text: str, dtype: np.dtype[Any]) -> list[float | int] | None:
    if text.lower() in _WORDS_FOR_NONE:
        return [] if text else None
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    for kind in (int, float):
        try:
            return [_bounded(kind(part)) for part in re.split(r"\s*[,;]\s*|\s+", text)]
        except ValueError:
            continue
    if _MICROSOFT_NAN.fullmatch(text) or text.lower().lstrip("+-") == "nan":
        return [float("nan")]
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(packed) == 8:
        return [struct.unpack("<d", packed)[0]]
    if len(packed) == dtype.itemsize and dtype.kind in "iuf":
        return [np.frombuffer(packed, dtype.newbyteorder("<"))[0].item()]
    return None


def _as_stored(number: float | int, dtype: np.dtype[Any]) -> list[float | int]:
    """The number as it can stand in data of this type; none if it cannot, or is NaN, which needs no mark."""
    if dtype.kind in "iub":
        if isinstance(number, float) and not number.is_integer():
            return []
        limits = np.iinfo(dtype) if dtype.kind != "b" else np.iinfo(np.uint8)
        return [int(number)] if limits.min <= number <= limits.max else []
    if number != number:
        return []
    own = dtype if dtype.kind == "f" else np.dtype(np.float32 if dtype.itemsize <= 8 else np.float64)  # complex
    largest = float(np.finfo(own.name).max)
    with np.errstate(over="ignore"):
        if np.isfinite(number) and not np.isfinite(own.type(number)):
            beyond = [float(np.copysign(np.inf, number))]  # what it became when it was stored
            return [float(np.copysign(largest, number))] if abs(number) < largest * (1 + 1e-3) else beyond
        found = [float(own.type(number))]
        single = np.float32(number)
    if own.itemsize > 4 and np.isfinite(single):  # data or the mark may have been float32 before
        found += [float(single)] + ([float(str(single))] if float(single) == number else [])
    return found


def _packed(
    number: float | int, dtype: np.dtype[Any], scale: npt.ArrayLike, offset: npt.ArrayLike
) -> list[float | int]:
    """The stored integer of a number in units of the values; none if there is no such integer."""
    steps = (number - np.ravel(np.asarray(offset, np.float64))) / np.ravel(np.asarray(scale, np.float64))
    if dtype.kind not in "iu" or steps.size != 1 or not np.isfinite(steps[0]):
        return []
    nearest = float(np.rint(steps[0]))
    return _as_stored(nearest, dtype) if abs(steps[0] - nearest) < 1e-3 else []


def _signedness(by_name: Mapping[str, tuple[str, Any]], dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """Type that `_Unsigned` declares; None if it is that of the array."""
    word = text_of(by_name.get("unsigned", ("", ""))[1]).lower()
    kind = {"true": "u", "1": "u", "false": "i", "0": "i"}.get(word)
    if kind is None or dtype.kind not in "iu" or dtype.kind == kind:
        return None
    return np.dtype(f"{dtype.byteorder}{kind}{dtype.itemsize}")


def _reinterpreted(number: float | int, dtype: np.dtype[Any], stored_as: np.dtype[Any] | None) -> float | int:
    if stored_as is None or not np.iinfo(dtype).min <= number <= np.iinfo(dtype).max:
        return number
    return np.array(number, dtype).view(stored_as).item()


def text_of(value: Any) -> str:
    """Convert an attribute to text; other programs also write bytes and one-element arrays."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _factors(name: str, value: Any) -> npt.NDArray[np.float64]:
    numbers = stated_numbers(value, np.dtype(np.float64))
    if not numbers:
        raise UnreadableFile(f"it has a {name} that is not a number: {text_of(value)[:40]!r}")
    return np.array(numbers, np.float64)


def _scale(
    attributes: Mapping[str, Any], by_name: Mapping[str, tuple[str, Any]], notes: dict[str, str], *, is_convention: bool
) -> Numbers:
    """Factors by which stored numbers are multiplied.

    `is_convention` states that `scale_factor` is certain to be that of CF.
    """
    has_offset = any(_OFFSET_NAME.fullmatch(key) for key in by_name)
    for key, (name, value) in sorted(by_name.items(), key=lambda item: item[1][0] != "scale_factor"):
        match = _SCALE_NAME.fullmatch(key)
        if match is None:
            continue
        is_damaged = isinstance(value, str | bytes) and not stated_numbers(value, np.dtype(np.float64))
        if is_damaged and name != "scale_factor":
            notes["scaling"] = f"{name} is {text_of(value)[:40]!r}, which is not a number, and was left aside"
            continue
        factor = _factors(name, value)
        is_large = bool((np.abs(factor) > 1).all())
        if match["gain"] and is_large and not has_offset:  # the setting of a camera
            notes["scaling"] = f"{name} {factor[0]:g} was taken as a setting and not applied"
            continue
        if name == "scale_factor":
            divides = not is_convention and all(value in _POWERS_OF_TEN for value in factor.tolist())
        else:
            divides = is_large and match["divides"] is not None
        if (name != "scale_factor" and (factor != 1).any()) or is_large:
            notes["scaling"] = f"values were {'divided' if divides else 'multiplied'} by {name} {factor[0]:g}"
        return 1 / factor if divides else factor
    return np.ones(1)


def _offset(attributes: Mapping[str, Any], by_name: Mapping[str, tuple[str, Any]], notes: dict[str, str]) -> Numbers:
    if "add_offset" in attributes:
        return _factors("add_offset", attributes["add_offset"])
    for key, (name, value) in by_name.items():
        if _OFFSET_NAME.fullmatch(key) and stated_numbers(value, np.dtype(np.float64)):
            offset = _factors(name, value)
            if offset.any():
                notes["offset"] = f"{name} {offset[0]:g} was added to the scaled values"
            return offset
    return np.zeros(1)


def _valid(
    by_name: Mapping[str, tuple[str, Any]], dtype: np.dtype[Any], plain: Decoding
) -> tuple[tuple[float | int, float | int] | None, bool]:
    """Valid limits, and whether they are in units of the values.

    By the NetCDF User Guide they are if they have the type of `scale_factor` and it is wider than that of the data.
    """
    low: float | int = -np.inf
    high: float | int = np.inf
    if "validrange" in by_name:
        stated = [by_name["validrange"][1]]
        numbers = stated_numbers(stated[0], dtype) or []
        low, high = numbers if len(numbers) == 2 else (low, high)
    else:
        stated = [by_name[name][1] for name in ("validmin", "validmax") if name in by_name]
        if "validmin" in by_name:
            low = next(iter(stated_numbers(by_name["validmin"][1], dtype) or []), low)
        if "validmax" in by_name:
            high = next(iter(stated_numbers(by_name["validmax"][1], dtype) or []), high)
    if np.isnan(low) or np.isnan(high) or (low, high) == (-np.inf, np.inf):
        return None, False
    is_packed = bool((plain.scale != 1).any() or plain.offset.any())
    is_text = any(isinstance(value, str | bytes) for value in stated)
    is_real = any(isinstance(limit, float) and np.isfinite(limit) for limit in (low, high)) if is_text else any(
        np.asarray(value).dtype.kind == "f" for value in stated
    )  # fmt: skip
    return (low, high), is_packed and dtype.kind in "iu" and is_real


def _within(
    limits: tuple[float | int, float | int], dtype: np.dtype[Any], stored_as: np.dtype[Any] | None
) -> tuple[float | int, float | int]:
    """Limits in the precision of the data, so that a value equal to one of them is valid."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return float(dtype.type(limits[0])), float(dtype.type(limits[1]))
    low, high = (_reinterpreted(int(part), dtype, stored_as) if np.isfinite(part) else part for part in limits)
    return low, high
