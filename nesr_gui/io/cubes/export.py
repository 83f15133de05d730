"""What is written: a window of a field at some wavelengths, as the numbers a file will hold, piece by piece."""

from __future__ import annotations

import errno
import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui._version import __version__
from nesr_gui.fields.protocol import (
    BLOCK_VALUES,
    Block,
    CalibratedField,
    ProgressCallback,
    SpectralField,
    validate_wavelengths,
    validate_window,
)
from nesr_gui.regions import Region, inside
from nesr_gui.spectral import FloatArray, Wavelengths

FILL = 65535  # the stored uint16 that means "no value"
DTYPES = ("float32", "float16", "uint16")
REQUEST = "request_sha256"  # the entry of a provenance that tells what a cube of a batch was made of and how
_OWN = ("window", "encoding", "masked", "error_band", REQUEST)
"""Entries of a provenance that tell of one export, not of what is exported."""
PIECE_BYTES = 64 << 20  # what a format that must write whole tiles may hold at once


@dataclass(frozen=True)
class StorageEncoding:
    """How numbers are stored: float32 as they are, float16 rounded, or uint16 with value = stored * `scale`.

    With `error_band`, the lower and upper bound of each value are stored beside it, where the field knows them.
    """

    dtype: str = "float32"
    scale: float = 1e-4
    error_band: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"numbers as {self.dtype!r} asked for; a cube is stored as {', '.join(DTYPES)}")
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"a scale of {self.scale!r} asked for; it must be finite and above 0")

    @property
    def is_packed(self) -> bool:
        return self.dtype == "uint16"

    @property
    def numpy(self) -> np.dtype[Any]:
        return np.dtype(self.dtype)

    def encode(self, values: FloatArray) -> tuple[npt.NDArray[Any], int]:
        """Values as stored, and how many did not fit and were cut to what does; NaN becomes `FILL` in uint16."""
        if self.dtype == "float32":
            return values, 0
        if not self.is_packed:
            top = np.float32(np.finfo(np.float16).max)
            outside = np.isfinite(values) & (np.abs(values) > top)
            return np.clip(values, -top, top).astype(np.float16), int(outside.sum())
        steps = np.rint(np.nan_to_num(values, nan=0.0) / np.float64(self.scale))
        cut = np.clip(steps, 0, FILL - 1)
        stored = cut.astype(np.uint16)
        stored[np.isnan(values)] = FILL
        return stored, int((steps != cut).sum())

    def decode(self, stored: npt.NDArray[Any]) -> FloatArray:
        """What a reader makes of stored numbers."""
        if not self.is_packed:
            return stored.astype(np.float32)
        return np.where(stored == FILL, np.nan, stored * np.float64(self.scale)).astype(np.float32)


class CubeWriterSource:
    """One export under way: hands out encoded blocks, reports progress, counts the values that did not fit.

    Args:
        progress: called with the fraction done after each block; it may raise `Cancelled`.
        rows, cols: the window, by default everything; blocks are given relative to it.
        mask: a region in pixels of the source, of which a pixel of the field has `binning`²; what lies outside has
            no value.
        origin: the name of the file that was opened, where the field's provenance does not say it.
        provenance: what the file is to say beside what the field does.

    Raises:
        ValueError: the field does not cover the wavelengths or the window, or an error band is asked of one without.
    """

    def __init__(
        self,
        field: SpectralField,
        wavelengths: Wavelengths,
        *,
        progress: ProgressCallback | None = None,
        rows: slice | None = None,
        cols: slice | None = None,
        encoding: StorageEncoding | None = None,
        mask: Region | None = None,
        binning: int = 1,
        origin: str = "",
        provenance: Mapping[str, str] | None = None,
    ) -> None:
        validate_wavelengths(field, wavelengths)
        self.field, self.wavelengths = field, wavelengths
        self.mask, self.binning, self.origin = mask, binning, origin
        self.rows, self.cols = validate_window(field, rows, cols)
        self.encoding = encoding or StorageEncoding()
        if self.encoding.error_band and not isinstance(field, CalibratedField):
            raise ValueError("an error band is asked for, which this image does not have; export without it")
        self.clipped = 0
        self._stated = dict(provenance or {})
        self._progress = progress or (lambda fraction: None)
        self._done = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """(L, H, W) of the cube."""
        return len(self.wavelengths), self.rows.stop - self.rows.start, self.cols.stop - self.cols.start

    @property
    def variables(self) -> tuple[str, ...]:
        """The arrays that a file will have."""
        return ("cube", "lower", "upper") if self.encoding.error_band else ("cube",)

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers of all variables."""
        return len(self.variables) * math.prod(self.shape) * self.encoding.numpy.itemsize

    @property
    def provenance(self) -> dict[str, str]:
        """The field's, what was stated beside it, and what of it was taken where that is not everything as it is.

        `row_offset` and `column_offset` are where the first pixel lies in the source, in its pixels.
        """
        said = {key: text for key, text in self.field.provenance.items() if key not in _OWN}
        said["program"] = f"nesr_gui {__version__}"
        if self.origin:
            said["exported_from"] = self.origin
        said |= self._stated
        if self.shape[1:] != self.field.shape:
            said["window"] = (
                f"rows {self.rows.start}-{self.rows.stop - 1}, columns {self.cols.start}-{self.cols.stop - 1}"
            )
            side = _whole(said.get("reduction"), 1)
            for key, part in (("row_offset", self.rows), ("column_offset", self.cols)):
                said[key] = str(_whole(said.get(key), 0) + part.start * side)
        if self.mask is not None:
            said["masked"] = f"outside {self.mask}, in source pixels"
        if self.encoding.error_band:
            said["error_band"] = "arrays lower and upper: pointwise intervals that held for 90 % elsewhere"
        if self.encoding.dtype == "float16":
            said["encoding"] = "float16"
        if self.encoding.is_packed:
            said["encoding"] = f"uint16, value = stored * {self.encoding.scale!r}, {FILL} = none"
        return said

    def blocks(self) -> Iterator[tuple[str, Block]]:
        """(variable, block) in the field's own cut, which is cheapest, in constant memory."""
        self._progress(0.0)
        yield from self._encoded(self.rows, self.cols)

    def tiles(self, rows: int, cols: int) -> Iterator[tuple[str, Block]]:
        """(variable, block) on a grid of `rows` × `cols` pixels, several of its cells at once where that is small."""
        self._progress(0.0)
        _, height, width = self.shape
        cells = max(PIECE_BYTES // (4 * len(self.wavelengths) * rows * cols), 1)
        for row in range(0, height, rows):
            for col in range(0, width, cells * cols):
                yield from self.tile(slice(row, min(row + rows, height)), slice(col, min(col + cells * cols, width)))

    def tile(self, rows: slice, cols: slice) -> Iterator[tuple[str, Block]]:
        """(variable, block) of a part, given relative to the window as blocks are; each variable at once."""
        top, left = self.rows.start, self.cols.start
        parts: dict[str, list[Block]] = {}
        window = slice(top + rows.start, top + rows.stop), slice(left + cols.start, left + cols.stop)
        for name, block in self._encoded(*window):
            parts.setdefault(name, []).append(block)
        for name, blocks in parts.items():
            yield name, _joined(blocks)

    def bands(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """(index, band (H, W)) one after another, for formats that hold a picture per band."""
        self._progress(0.0)
        _, height, width = self.shape
        strip = max(BLOCK_VALUES // width, 1)
        for index, nm in enumerate(self.wavelengths):
            band = np.empty((height, width), self.encoding.numpy)
            for row in range(0, height, strip):
                rows = slice(self.rows.start + row, self.rows.start + min(row + strip, height))
                values = self.field.band(nm, rows=rows, cols=self.cols)
                band[row : row + strip] = self._stored(rows, self.cols, values)
                self._report(values.size)
            yield index, band

    def _encoded(self, rows: slice, cols: slice) -> Iterator[tuple[str, Block]]:
        for block in self.field.blocks(self.wavelengths, rows=rows, cols=cols):
            yield "cube", self._block(block.rows, block.cols, block.values)
            self._report(block.values.size)
        if self.encoding.error_band:
            assert isinstance(self.field, CalibratedField)
            for interval in self.field.prediction_interval_blocks(self.wavelengths, rows=rows, cols=cols):
                yield "lower", self._block(interval.rows, interval.cols, interval.lower)
                yield "upper", self._block(interval.rows, interval.cols, interval.upper)
                self._report(2 * interval.lower.size)

    def _block(self, rows: slice, cols: slice, values: FloatArray) -> Block:
        stored = self._stored(rows, cols, values)
        (top, left) = self.rows.start, self.cols.start
        return Block(slice(rows.start - top, rows.stop - top), slice(cols.start - left, cols.stop - left), stored)

    def _stored(self, rows: slice, cols: slice, values: FloatArray) -> npt.NDArray[Any]:
        if self.mask is not None:
            values = np.where(
                self.kept(np.arange(rows.start, rows.stop), np.arange(cols.start, cols.stop)), values, np.nan
            )
        stored, clipped = self.encoding.encode(values)
        self.clipped += clipped
        return stored

    def kept(self, rows: npt.NDArray[np.integer], cols: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Which pixels of the field at `rows` (h,) × `cols` (w,), both increasing, are not masked: (h, w)."""
        if self.mask is None:
            return np.ones((len(rows), len(cols)), bool)
        return inside(self.mask, (rows + 0.5) * self.binning, (cols + 0.5) * self.binning)

    def _report(self, values: int) -> None:
        self._done += values
        self._progress(min(self._done / (len(self.variables) * math.prod(self.shape)), 1.0))


def _whole(text: str | None, default: int) -> int:
    """A number of a provenance, which other programs may have written."""
    return int(text) if text is not None and text.isdecimal() else default


def _joined(blocks: list[Block]) -> Block:
    """Blocks that tile a rectangle as one."""
    if len(blocks) == 1:
        return blocks[0]
    rows, cols = (
        slice(min(part.start for part in parts), max(part.stop for part in parts))
        for parts in ([b.rows for b in blocks], [b.cols for b in blocks])
    )
    first = blocks[0].values
    values = np.empty((first.shape[0], rows.stop - rows.start, cols.stop - cols.start), first.dtype)
    for block in blocks:
        row, col = block.rows.start - rows.start, block.cols.start - cols.start
        values[:, row : row + block.values.shape[1], col : col + block.values.shape[2]] = block.values
    return Block(rows, cols, values)


class NoSpace(OSError):
    """A disk has no room for a cube; its text is one sentence."""

    def __str__(self) -> str:
        return str(self.args[-1])


def check_space(folder: Path, needed: int) -> None:
    """Raise OSError where `needed` bytes do not fit; an older file stays until the new one is complete."""
    free = shutil.disk_usage(folder).free
    if needed + (1 << 20) > free:
        raise NoSpace(
            errno.ENOSPC,
            f"this cube takes {_gibibytes(needed)} and {folder} has {_gibibytes(free)} free; "
            "export fewer wavelengths or fewer pixels, or choose another disk",
        )


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed for want of space; libraries say so by number or in words."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)


def disk_full(path: Path, error: BaseException) -> OSError:
    """The sentence for a disk that was filled while `path` was written; one that is said already stays as it is."""
    if isinstance(error, NoSpace):
        return error
    return NoSpace(
        errno.ENOSPC,
        f"the disk of {path.parent} became full while {path.name} was written, and nothing of it is left; "
        "make room, or choose another disk",
    )


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.1f} MiB"
