"""Arrays stored uncompressed in a file, read with `pread` when they are indexed.

A memory map of a file that another program shortens ends the process with a bus error, and a check before each access
cannot prevent that. A read ends early instead, which is reported. Read-ahead is limited to what is wanted, so single
pixels and widely spaced rows of a file larger than memory stay cheap.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.errors import UnreadableFile

SPAN = 8 << 20  # bytes read at once
PAGE = 4096  # bytes: gaps below that cost nothing to read over
NEAR = 1 << 16  # bytes that are read at once however little of them is wanted


class WatchedFile:
    """An open file that is read at any position, and is known to be the one that was opened.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb", buffering=0)
        self._lock = threading.Lock()
        self._opened = _content(os.fstat(self._file.fileno()))
        self._named = _place(os.stat(path))  # may differ from that of the open file on Windows
        weakref.finalize(self, self._file.close)

    @property
    def size(self) -> int:
        """Bytes of the file when it was opened."""
        return self._opened[0]

    def check(self) -> None:
        """Check that the file is still as it was opened.

        Raises:
            UnreadableFile: it was shortened, written to or replaced. A file that was deleted is still readable.
        """
        if _content(os.fstat(self._file.fileno())) != self._opened:
            raise self.changed("its size or time differs")
        with suppress(FileNotFoundError):
            if _place(os.stat(self.path)) != self._named:
                raise self.changed("another file has its name")

    def changed(self, reason: str) -> UnreadableFile:
        """The error to raise."""
        return UnreadableFile(f"the file is damaged, or was changed since it was opened ({self.path.name}: {reason})")

    def read(self, position: int, size: int) -> memoryview:
        """Exactly `size` bytes from `position`.

        Raises:
            UnreadableFile: the file ends before.
        """
        view, done = np.empty(size, np.uint8).data, 0
        try:
            while done < size:
                count = self._read_into(view[done:], position + done)
                if count == 0:
                    raise self.changed(f"it ends after {position + done:,} bytes")
                done += count
        except OSError as error:
            raise self.changed(str(error)) from error
        return view

    def _read_into(self, view: memoryview, position: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [view], position)
        with self._lock:
            self._file.seek(position)
            return self._file.readinto(view) or 0


def _content(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _place(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


class FileArray:
    """Array of any dimensions in a file; indexing with slices reads what they need into memory.

    Args:
        file: the file.
        dtype: type with byte order.
        offset: byte at which the first value begins.
        shape: size along each axis.
        strides: bytes between neighbours along each axis; by default those of C order without gaps.

    Raises:
        ValueError: the file is shorter than that.
    """

    def __init__(
        self,
        file: WatchedFile,
        dtype: npt.DTypeLike,
        offset: int,
        shape: Sequence[int],
        strides: Sequence[int] | None = None,
    ) -> None:
        self.file, self.dtype, self.shape = file, np.dtype(dtype), tuple(int(size) for size in shape)
        self.ndim = len(self.shape)
        self._offset = offset
        packed = [self.dtype.itemsize * math.prod(self.shape[axis + 1 :]) for axis in range(self.ndim)]
        self.strides = tuple(packed if strides is None else strides)
        needed = offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        if offset < 0 or min(self.shape, default=1) < 1 or needed + self.dtype.itemsize > file.size:
            raise ValueError(
                f"{file.path.name} has {file.size:,} bytes; an array of {' x '.join(map(str, self.shape))} "
                f"{self.dtype} from byte {offset:,} needs {needed + self.dtype.itemsize:,}"
            )

    def __getitem__(self, window: Any) -> npt.NDArray[Any]:
        """Values of a window given by slices, one per axis, or `...` for all."""
        parts = (slice(None),) * self.ndim if window is Ellipsis else window
        ranges = [range(*part.indices(size)) for part, size in zip(parts, self.shape, strict=True)]
        values = np.empty([len(part) for part in ranges], self.dtype)
        if values.size:
            self.file.check()
            order = sorted(range(self.ndim), key=lambda axis: -self.strides[axis])  # slowest first
            self._read(
                values.transpose(order), [ranges[axis] for axis in order], [self.strides[axis] for axis in order]
            )
            self.file.check()
        return values

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self[...], dtype)

    def _read(self, target: npt.NDArray[Any], ranges: list[range], strides: list[int]) -> None:
        """Read a window whose axes are sorted from the slowest to the fastest."""
        level = next(
            (level for level in range(len(ranges)) if self._is_near(ranges[level:], strides[level:])), len(ranges)
        )
        for outer in itertools.product(*(range(len(part)) for part in ranges[:level])):
            position = self._offset + sum(ranges[axis][index] * strides[axis] for axis, index in enumerate(outer))
            target[outer] = self._span(position, ranges[level:], strides[level:])

    def _is_near(self, ranges: list[range], strides: list[int]) -> bool:
        """Whether what is wanted lies so close together that all of it is read at once."""
        span = self._length(ranges, strides)
        wanted = math.prod(len(part) for part in ranges) * self.dtype.itemsize
        gaps = [part.step * stride for part, stride in zip(ranges, strides, strict=True) if len(part) > 1]
        return span <= NEAR or (span <= SPAN and (2 * wanted >= span or max(gaps, default=0) <= PAGE))

    def _length(self, ranges: list[range], strides: list[int]) -> int:
        steps = zip(ranges, strides, strict=True)
        return sum((len(part) - 1) * part.step * stride for part, stride in steps) + self.dtype.itemsize

    def _span(self, position: int, ranges: list[range], strides: list[int]) -> npt.NDArray[Any]:
        start = position + sum(part.start * stride for part, stride in zip(ranges, strides, strict=True))
        data = self.file.read(start, self._length(ranges, strides))
        steps = [part.step * stride for part, stride in zip(ranges, strides, strict=True)]
        return np.ndarray([len(part) for part in ranges], self.dtype, buffer=data, strides=steps)
