"""Cache of arrays of the latest windows of an image."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Generic, Protocol, TypeVar


class _Array(Protocol):
    """An array of NumPy or a tensor, (…, h, w)."""

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        ...

    def __getitem__(self, index: Any, /) -> Any: ...


ArrayT = TypeVar("ArrayT", bound=_Array)
Key = tuple[int, int, int, int, int]
"""First and last row, first and last column, and stride of a window."""


class WindowCache(Generic[ArrayT]):
    """Arrays (C, h, w) of the latest windows, since the next wavelength usually concerns the same ones.

    An image is displayed in strips, so that these are several windows. Safe to use from several threads.

    Args:
        limit: bytes above which the oldest windows are dropped.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._lock = limit, threading.Lock()
        self._windows: OrderedDict[Key, ArrayT] = OrderedDict()  # the latest last

    def get(self, key: Key) -> ArrayT | None:
        """The array of a window, if it is cached, or part of a cached window that has every pixel."""
        top, bottom, left, right, stride = key
        with self._lock:
            if key in self._windows:
                self._windows.move_to_end(key)
                return self._windows[key]
            for (first, last, start, stop, step), values in self._windows.items():
                inside = first <= top and bottom <= last and start <= left and right <= stop
                if inside and stride % step == 0 and (top - first) % step == 0 and (left - start) % step == 0:
                    rows = slice((top - first) // step, -(-(bottom - first) // step), stride // step)
                    cols = slice((left - start) // step, -(-(right - start) // step), stride // step)
                    part: ArrayT = values[:, rows, cols]
                    return part
        return None

    def add(self, key: Key, values: ArrayT) -> None:
        """Cache the array of a window, and drop the oldest ones above the limit of bytes."""
        with self._lock:
            self._windows[key] = values
            while sum(each.nbytes for each in self._windows.values()) > self._limit:
                self._windows.popitem(last=False)
