"""Plausibility of a guess about a cube, judged by its values: neighbouring bands and pixels are alike.

A guess that the user is offered must have passed this test; an array of unrelated numbers gives none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.cubes.decoding import Decoding

SIDE = 96  # values along each axis that are looked at
SMOOTH = 0.5  # smallest correlation of neighbours
CLEAR = 1.5  # by how much the best axis must exceed the second


def sample(array: Any, decoding: Decoding | None = None) -> npt.NDArray[np.float64]:
    """Numbers from the middle of a three-dimensional array, at most `SIDE` along each axis.

    Those that mean no value according to `decoding` are NaN; they are not scaled.
    """
    window = tuple(slice(max((size - SIDE) // 2, 0), max((size - SIDE) // 2, 0) + SIDE) for size in array.shape)
    values = np.asarray(array[window])
    if decoding is not None:
        unscaled = replace(decoding, scale=np.ones(1), offset=np.zeros(1), valid_unpacked=None)
        return unscaled.decode(values).astype(np.float64)
    return np.abs(values).astype(np.float64) if values.dtype.kind == "c" else values.astype(np.float64)


def correlation(values: npt.NDArray[np.float64], axis: int) -> float:
    """Correlation of neighbours along an axis; 1 for an axis of length one, 0 if nothing varies."""
    if values.shape[axis] < 2:
        return 1.0
    moved = np.moveaxis(values, axis, 0)
    first, second = moved[:-1].ravel(), moved[1:].ravel()
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    if first.size < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        found = float(np.corrcoef(first, second)[0, 1])
    return found if np.isfinite(found) else 0.0


def is_smooth(values: npt.NDArray[np.float64]) -> bool:
    """Whether neighbours along each axis are alike, as in an image of many bands."""
    return all(correlation(values, axis) >= SMOOTH for axis in range(3))


def spectral_axis(values: npt.NDArray[np.float64]) -> int | None:
    """Axis that runs over the bands: its mean spectrum explains more of the values than the means of rows or columns.

    None if neighbours are not alike or no axis stands out.
    """
    if not is_smooth(values):
        return None
    explained = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        explained.append(float(np.nanvar(np.nanmean(values, axis=others))))
    best, second = sorted(range(3), key=lambda axis: -explained[axis])[:2]
    return best if explained[best] > CLEAR * explained[second] else None
