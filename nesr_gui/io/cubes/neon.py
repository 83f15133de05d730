"""Radiance of the NEON airborne observatory, which since 2021 is stored in two parts.

NEON, DP1.30008.001: radiance = `RadianceIntegerPart` (uint8) + `RadianceDecimalPart` (uint16) / its `Scale_Factor` of
50000. Pixels outside the flight line have the largest integer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.cubes.arrays import Container, NamedArray
from nesr_gui.io.cubes.decoding import stated_numbers
from nesr_gui.io.errors import UnreadableFile

WHOLE, FRACTION = "radianceintegerpart", "radiancedecimalpart"
DIVISOR = 50_000.0
FILL = 255  # integer part of a pixel without value


class JoinedParts:
    """Array of the sums of whole numbers and fractions, float64, read when indexed; NaN where there is no value."""

    dtype = np.dtype(np.float64)

    def __init__(self, whole: Any, fraction: Any, divisor: float) -> None:
        self.parts = (whole, fraction)
        self.shape = tuple(int(size) for size in whole.shape)
        self._divisor = divisor

    def __getitem__(self, window: Any) -> npt.NDArray[np.float64]:
        whole, fraction = (np.asarray(part[window]) for part in self.parts)
        return np.where(whole == FILL, np.nan, whole + fraction / self._divisor)


def joined(container: Container) -> Container:
    """The container with one array `Radiance` in place of its two parts; any other as it is.

    Raises:
        UnreadableFile: the parts do not fit together.
    """
    by_name = {v.name.lower(): v for v in container.arrays}
    arrays: list[NamedArray] = []
    for v in container.arrays:
        group = v.name[: -len(v.short)]
        if v.short.lower() == FRACTION and (group + WHOLE).lower() in by_name:
            continue
        fraction = by_name.get((group + FRACTION).lower())
        if v.short.lower() != WHOLE or fraction is None:
            arrays.append(v)
            continue
        if v.shape != fraction.shape or np.dtype(v.array.dtype) != np.uint8 or not fraction.is_numeric("u"):
            raise UnreadableFile(f"its {v.short} and {fraction.short} do not fit together")
        sums = JoinedParts(v.array, fraction.array, _divisor(fraction.attributes))
        arrays.append(NamedArray(f"{group}Radiance", sums, v.dims, _described(v.attributes)))
    return replace(container, arrays=arrays)


def parts_of(array: Any) -> Sequence[Any]:
    """The stored arrays of an array, which is one itself unless it joins two."""
    return array.parts if isinstance(array, JoinedParts) else (array,)


def _divisor(attributes: Mapping[str, Any]) -> float:
    stated = [value for name, value in attributes.items() if name.lower() in ("scale_factor", "scale")]
    numbers = stated_numbers(stated[0], np.dtype(np.float64)) if stated else None
    return float(numbers[0]) if numbers and numbers[0] > 1 else DIVISOR


def _described(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of the sums: those that describe them, not the numbers of a part."""
    return {name: value for name, value in attributes.items() if name.lower() in ("units", "long_name", "description")}
