"""Numbers as a file holds them, seen as a cube: nothing is read before it is asked for."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import FloatArray

READ_AHEAD = 1 << 18  # bytes between rows above which reading ahead is waste
STRIP = 1 << 22  # values that are read at once where a library cannot skip rows itself


@dataclass(frozen=True, eq=False)
class StoredBands:
    """A stored array of any axis order and number type as (L, H, W) float32 in order of wavelength, read when indexed.

    Args:
        array: three-dimensional, with `shape`, `dtype` and slices: numpy, a memory map, a dataset of HDF5 or Zarr, …
        axes: the axes of `array` that run over bands, rows and columns.
        order: the stored band at each place of the cube.
        scale, offset: value = stored * scale + offset; one number, or one for each stored band.
        fill: stored numbers that mean "no value"; they become NaN.
        bad: (stored bands,) true where a band is not to be trusted; it becomes NaN.
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
        """(l, h, w); rows and columns may have steps."""
        bands, rows, cols = window
        wanted = self.order[bands]
        first, last = int(wanted.min()), int(wanted.max())
        if last - first < 2 * wanted.size:
            stored = self._stored(slice(first, last + 1), rows, cols)
            stored = stored if np.array_equal(wanted, np.arange(first, last + 1)) else stored[wanted - first]
        else:  # far apart: what lies between is not read
            stored = np.concatenate([self._stored(slice(band, band + 1), rows, cols) for band in wanted])
        return self._values(stored, wanted)

    def _stored(self, bands: slice, rows: slice, cols: slice) -> npt.NDArray[Any]:
        """(l, h, w) as stored. File libraries read steps value by value, so there they are taken afterwards."""
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
                reason = " ".join(str(error).split())[:200]
                raise UnreadableFile(f"the file is damaged, or was changed since it was opened ({reason})") from error
            strips.append(read[:, ::step, :: cols.step or 1])
        return strips[0] if len(strips) == 1 else np.concatenate(strips, axis=1)

    def _values(self, stored: npt.NDArray[Any], wanted: npt.NDArray[np.intp]) -> FloatArray:
        empty = np.isin(stored, self.fill) if self.fill else None
        if stored.dtype.kind == "c":
            stored = np.abs(stored)
        scale, offset = (part[wanted][:, None, None] if part.size > 1 else part for part in (self.scale, self.offset))
        if np.all(scale == 1) and np.all(offset == 0):
            with np.errstate(over="ignore"):  # beyond float32 is infinite
                values = np.array(stored, dtype=np.float32)
        else:
            values = (stored.astype(np.float64) * scale + offset).astype(np.float32)
        if empty is not None:
            values[empty] = np.nan
        if self.bad is not None:
            values[self.bad[wanted]] = np.nan
        return values


def _advise(array: npt.NDArray[Any], gap: int, rows: int) -> None:
    """Tell the system whether to read ahead in a mapped file: not for single pixels and rows that are far apart.

    What is read ahead there, some megabytes for each row, takes a hundred times as long as what was asked for.
    """
    pages = getattr(array, "_mmap", None)
    if isinstance(pages, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        pages.madvise(mmap.MADV_RANDOM if rows == 1 or gap > READ_AHEAD else mmap.MADV_NORMAL)
