"""A stored array of any axis order and number format as a cube (L, H, W) in order of wavelength, read when indexed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.cubes.decoding import Decoding
from nesr_gui.io.cubes.file_array import FileArray
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.spectral import FloatArray

STRIP = 1 << 22  # values read at once if a library cannot skip rows itself


@dataclass(frozen=True, eq=False)
class StoredCube:
    """Cube over a stored array.

    Args:
        array: three-dimensional, with `shape`, `dtype` and slicing: NumPy, a `FileArray`, an HDF5 or Zarr array …
        axes: axes of `array` for bands, rows and columns.
        order: stored band at each position of the cube.
        decoding: how stored numbers become values.
        bad: (stored bands,) true for bands marked as bad; they become NaN.
        valid: mask (1, rows, columns) of the stored pixels, read when indexed; those with 0 become NaN.
        upside_down: the first stored row is the last of the cube, as in grids whose y coordinate rises.
        mirrored: the first stored column is the last of the cube.
    """

    array: Any
    axes: tuple[int, int, int]
    order: npt.NDArray[np.intp]
    decoding: Decoding = field(default_factory=Decoding)
    bad: npt.NDArray[np.bool_] | None = None
    valid: Any = None
    upside_down: bool = False
    mirrored: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """(L, H, W)."""
        _, rows, cols = (int(self.array.shape[axis]) for axis in self.axes)
        return int(self.order.size), rows, cols

    def __getitem__(self, window: tuple[slice, slice, slice]) -> FloatArray:
        """Read a window (l, h, w); rows and columns may have steps."""
        bands, rows, cols = window
        wanted = self.order[bands]
        _, height, width = self.shape
        rows, flip_rows = _stored_part(rows, height, self.upside_down)
        cols, flip_cols = _stored_part(cols, width, self.mirrored)
        first, last = int(wanted.min()), int(wanted.max())
        if last - first < 2 * wanted.size:
            stored = self._stored(slice(first, last + 1), rows, cols)
            stored = stored if np.array_equal(wanted, np.arange(first, last + 1)) else stored[wanted - first]
        else:  # far apart: do not read what lies between
            stored = np.concatenate([self._stored(slice(band, band + 1), rows, cols) for band in wanted])
        with np.errstate(over="ignore", invalid="ignore"):  # values beyond the range of float32 become infinite
            values = self.decoding.decode(stored, wanted).astype(np.float32, copy=False)
        if self.bad is not None:
            values[self.bad[wanted]] = np.nan
        if self.valid is not None:
            mask = np.asarray(self.valid[slice(0, 1), slice(rows.start, rows.stop), slice(cols.start, cols.stop)])[0]
            values[:, mask[:: rows.step or 1, :: cols.step or 1] == 0] = np.nan
        return values[:, :: -1 if flip_rows else 1, :: -1 if flip_cols else 1]

    def _stored(self, bands: slice, rows: slice, cols: slice) -> npt.NDArray[Any]:
        """Stored values (l, h, w).

        File libraries read strided slices value by value, so steps are applied afterwards.
        """
        index: list[slice] = [slice(None)] * 3
        for axis, part in zip(self.axes, (bands, rows, cols), strict=True):
            index[axis] = part
        if isinstance(self.array, np.ndarray | FileArray):
            return self.array[tuple(index)].transpose(self.axes)
        start, stop, step = rows.indices(self.shape[1])
        height = max(STRIP // self.shape[2] // step, 1) * step if step > 1 else stop - start
        strips = []
        for row in range(start, stop, height):
            index[self.axes[1]] = slice(row, min(row + height, stop))
            index[self.axes[2]] = slice(cols.start, cols.stop)
            try:
                read = np.asarray(self.array[tuple(index)]).transpose(self.axes)
            except UnreadableFile:
                raise
            except (OSError, RuntimeError, KeyError, ValueError) as error:
                reason = error_message(error)[:200]
                raise UnreadableFile(f"the file is damaged, or was changed since it was opened ({reason})") from error
            strips.append(read[:, ::step, :: cols.step or 1])
        return strips[0] if len(strips) == 1 else np.concatenate(strips, axis=1)


def _stored_part(part: slice, size: int, is_reversed: bool) -> tuple[slice, bool]:
    """The same rows or columns counted from the other end, and whether they must be reversed after reading."""
    if not is_reversed:
        return part, False
    wanted = range(*part.indices(size))
    if not wanted:
        return slice(0, 0), False
    return slice(size - 1 - wanted[-1], size - wanted[0], wanted.step), True


class Squeezed:
    """A stored array without some of its axes of size one, read when indexed."""

    def __init__(self, array: Any, dropped: tuple[int, ...]) -> None:
        self.array, self._dropped = array, dropped
        self.dtype = np.dtype(array.dtype)
        self.shape = tuple(int(size) for axis, size in enumerate(array.shape) if axis not in dropped)

    def __getitem__(self, window: Any) -> npt.NDArray[Any]:
        parts = [slice(None)] * len(self.shape) if window is Ellipsis else list(window)
        for axis in self._dropped:
            parts.insert(axis, slice(0, 1))
        return np.squeeze(np.asarray(self.array[tuple(parts)]), axis=self._dropped)


def squeezed(array: Any) -> Any:
    """The array without surplus axes of size one, the first ones if there are too many; itself if it has none."""
    surplus = max(len(array.shape) - 3, 0)
    dropped = tuple([axis for axis, size in enumerate(array.shape) if size == 1][:surplus])
    return Squeezed(array, dropped) if dropped else array


def underlying(array: Any) -> Any:
    """The array of the file's library."""
    return array.array if isinstance(array, Squeezed) else array
