"""Source of the values that cube writers write: a window of a field at some wavelengths, encoded block by block."""

from __future__ import annotations

import errno
import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui._version import __version__
from nesr_gui.fields.coefficients import evaluate, evaluate_limits
from nesr_gui.fields.protocol import (
    BLOCK_VALUES,
    BasisField,
    Block,
    CalibratedBasisField,
    CalibratedField,
    ProgressCallback,
    SpectralField,
    validate_wavelengths,
    validate_window,
)
from nesr_gui.io.georeference import KEY, Georeference
from nesr_gui.io.names import readable
from nesr_gui.regions import Region, inside
from nesr_gui.spectral import FloatArray, Wavelengths

FILL = 65535  # uint16 value for "no value"
DTYPES = ("float32", "float16", "uint16")
REQUEST = "request_sha256"  # provenance entry that identifies the input and settings of a batch item
_OWN = ("window", "encoding", "masked", "error_band", REQUEST)
"""Provenance entries that describe an export rather than its content."""
PIECE_BYTES = 64 << 20  # memory limit for formats that must write whole tiles


@dataclass(frozen=True)
class StorageEncoding:
    """Number format: float32, float16 (rounded), or uint16 with value = stored * `scale`.

    With `error_band`, the limits of the prediction interval are stored as well, if the field has one.

    Raises:
        ValueError: the format is unknown, or the scale is not positive and finite.
    """

    dtype: str = "float32"
    scale: float = 1e-4
    error_band: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"numbers as {self.dtype!r} requested; a cube is stored as {', '.join(DTYPES)}")
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"a scale of {self.scale!r} requested; it must be finite and above 0")

    @property
    def is_packed(self) -> bool:
        """Whether values are stored as scaled integers."""
        return self.dtype == "uint16"

    @property
    def numpy(self) -> np.dtype[Any]:
        """NumPy data type."""
        return np.dtype(self.dtype)

    def encode(self, values: FloatArray) -> tuple[npt.NDArray[Any], int]:
        """Encode values; also returns the number of values clipped. NaN becomes `FILL` in uint16."""
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
        """Decode stored values to float32."""
        if not self.is_packed:
            return stored.astype(np.float32)
        return np.where(stored == FILL, np.nan, stored * np.float64(self.scale)).astype(np.float32)


class CubeWriterSource:
    """An export in progress: yields encoded blocks, reports progress, counts clipped values.

    Args:
        field: what to write.
        wavelengths: bands of the file, in nm.
        progress: called with the fraction done after each block; may raise `Cancelled`.
        rows: rows of the window, all by default; blocks are relative to the window.
        cols: columns of the window, all by default.
        encoding: number format; float32 by default.
        mask: region in source pixels; pixels of the field outside it have no value.
        origin: name of the file that was opened, if the provenance of the field does not state it.
        provenance: attributes to record in addition to those of the field.
        as_coefficients: write the coefficients of a `BasisField` instead of its bands, in a format that holds them.

    Attributes:
        coefficients_of: the field, if its coefficients are written.
        calibrated: the field, if its prediction interval follows from the coefficients that are written.

    Raises:
        ValueError: the field does not cover the wavelengths or the window, or has no prediction interval.
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
        origin: str = "",
        provenance: Mapping[str, str] | None = None,
        as_coefficients: bool = False,
    ) -> None:
        validate_wavelengths(field, wavelengths)
        self.field, self.wavelengths = field, wavelengths
        self.mask, self.origin = mask, origin
        self.rows, self.cols = validate_window(field, rows, cols)
        self.encoding = encoding or StorageEncoding()
        if self.encoding.error_band and not isinstance(field, CalibratedField):
            raise ValueError("this image has no prediction interval; export without it")
        self.coefficients_of = field if as_coefficients and isinstance(field, BasisField) else None
        self.calibrated = field if as_coefficients and isinstance(field, CalibratedBasisField) else None
        if as_coefficients and self.encoding.error_band:
            if self.calibrated is None:
                raise ValueError(
                    "the prediction interval of this image does not follow from coefficients; export without it, or "
                    "to NetCDF-4, Zarr or .npz"
                )
            self.encoding = replace(self.encoding, error_band=False)  # no arrays of limits are needed
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
        """Names of the arrays in the file."""
        return ("cube", "lower", "upper") if self.encoding.error_band else ("cube",)

    @property
    def layers(self) -> int:
        """Numbers per pixel of each array: bands, or coefficients."""
        if self.coefficients_of is None:
            return len(self.wavelengths)
        return self.coefficients_of.basis(self.wavelengths.nm[:1]).shape[1]

    @property
    def nbytes(self) -> int:
        """Size of all arrays in bytes."""
        return len(self.variables) * self.layers * math.prod(self.shape[1:]) * self.encoding.numpy.itemsize

    @property
    def contents(self) -> str:
        """What is written, for example `31 bands of 512×384 pixels`."""
        _, height, width = self.shape
        low, high = self.field.wavelength_range
        what = f"{self.layers} {'band' if self.layers == 1 else 'bands'}"
        if self.coefficients_of is not None:
            what = f"{self.layers} coefficients for any wavelength of {low:g}-{high:g} nm"
        return f"{what} of {width}×{height} pixels"

    @property
    def provenance(self) -> dict[str, str]:
        """Provenance of the field, additional attributes, and what was exported if not all of it unchanged.

        `row_offset` and `column_offset` are the position of the first pixel in the source, in source pixels.
        """
        attributes = {key: text for key, text in self.field.provenance.items() if key not in _OWN}
        attributes["program"] = f"nesr_gui {__version__}"
        if self.origin:
            attributes["exported_from"] = self.origin
        attributes |= self._stated
        if self.shape[1:] != self.field.shape:
            attributes["window"] = (
                f"rows {self.rows.start}-{self.rows.stop - 1}, columns {self.cols.start}-{self.cols.stop - 1}"
            )
            side = _parse_integer(attributes.get("reduction"), 1)
            for key, part in (("row_offset", self.rows), ("column_offset", self.cols)):
                attributes[key] = str(_parse_integer(attributes.get(key), 0) + part.start * side)
            where = Georeference.parse(attributes.pop(KEY, ""))
            if where is not None:
                attributes[KEY] = where.window(self.rows.start, self.cols.start).map_info()
        if self.mask is not None:
            attributes["masked"] = f"outside {self.mask}, in source pixels"
        if self.encoding.error_band:
            attributes["error_band"] = "arrays lower and upper: pointwise intervals that held for 90 % elsewhere"
        if self.encoding.dtype == "float16":
            attributes["encoding"] = "float16"
        if self.encoding.is_packed:
            attributes["encoding"] = f"uint16, value = stored * {self.encoding.scale!r}, {FILL} = none"
        return {readable(key): readable(text) for key, text in attributes.items()}

    def blocks(self) -> Iterator[tuple[str, Block]]:
        """Yield (variable, block) in the blocks of the field, the cheapest order, in constant memory."""
        self._progress(0.0)
        yield from self._encoded(self.rows, self.cols)

    def tiles(self, rows: int, cols: int) -> Iterator[tuple[str, Block]]:
        """Yield (variable, block) on a grid of `rows` × `cols` pixels; small cells are computed together."""
        self._progress(0.0)
        _, height, width = self.shape
        cells = max(PIECE_BYTES // (4 * len(self.wavelengths) * rows * cols), 1)
        for row in range(0, height, rows):
            for col in range(0, width, cells * cols):
                yield from self.tile(slice(row, min(row + rows, height)), slice(col, min(col + cells * cols, width)))

    def tile(self, rows: slice, cols: slice) -> Iterator[tuple[str, Block]]:
        """Yield (variable, block) of a part, relative to the window; each variable as a single block."""
        top, left = self.rows.start, self.cols.start
        parts: dict[str, list[Block]] = {}
        window = slice(top + rows.start, top + rows.stop), slice(left + cols.start, left + cols.stop)
        for name, block in self._encoded(*window):
            parts.setdefault(name, []).append(block)
        for name, blocks in parts.items():
            yield name, _merge_blocks(blocks)

    def bands(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield (index, band (H, W)) for formats that store one image per band."""
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

    def coefficients(self) -> Iterator[Block]:
        """Yield the encoded coefficients (K, h, w) of the field, or its bands if it has none, in constant memory."""
        self._progress(0.0)
        if self.coefficients_of is None:
            yield from (block for _, block in self._encoded(self.rows, self.cols))
            return
        for block in self.coefficients_of.coefficient_blocks(rows=self.rows, cols=self.cols):
            yield self._block(block.rows, block.cols, block.values)
            self._report(block.values.size)

    def spectra(self, points: npt.NDArray[np.int64], nm: npt.NDArray[np.float64]) -> FloatArray:
        """Values (N, L) at `points` (N, 2) of the field, from encoded coefficients if these are written."""
        if self.coefficients_of is None:
            return self.field.spectra(points, nm)
        return evaluate(self.coefficients_of.basis(nm), self._written(points), self.coefficients_of.minimum).T

    def limits(self, points: npt.NDArray[np.int64], nm: npt.NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits (N, L) of the prediction interval that follow from the encoded coefficients."""
        field, written = self.calibrated, self._written(points)
        assert field is not None  # the caller asks for limits only where there are any
        values = evaluate(field.basis(nm), written, field.minimum)
        low, high = evaluate_limits(field.intervals, field.level, written, values, nm)
        return low.T, high.T

    def _written(self, points: npt.NDArray[np.int64]) -> FloatArray:
        """Coefficients (K, N) of pixels of the field as they are read back."""
        assert self.coefficients_of is not None
        windows = ({"rows": slice(row, row + 1), "cols": slice(col, col + 1)} for row, col in points.tolist())
        pixels = [next(iter(self.coefficients_of.coefficient_blocks(**window))).values[:, 0, 0] for window in windows]
        return self.encoding.decode(self.encoding.encode(np.stack(pixels, axis=1))[0])

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
        """Which pixels of the field at `rows` (h,) × `cols` (w,), both increasing, are inside the mask: (h, w)."""
        if self.mask is None:
            return np.ones((len(rows), len(cols)), bool)
        side = self.field.binning
        return inside(self.mask, (rows + 0.5) * side, (cols + 0.5) * side)

    def _report(self, values: int) -> None:
        self._done += values
        everything = len(self.variables) * self.layers * math.prod(self.shape[1:])
        self._progress(min(self._done / everything, 1.0))


def _parse_integer(text: str | None, default: int) -> int:
    """Integer in a provenance, which other programs may have written."""
    return int(text) if text is not None and text.isdecimal() else default


def _merge_blocks(blocks: list[Block]) -> Block:
    """Merge blocks that tile a rectangle."""
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
    """The disk has too little space; the text is one sentence."""

    def __str__(self) -> str:
        """The sentence."""
        return str(self.args[-1])


def check_space(folder: Path, needed: int) -> None:
    """Check that `needed` bytes fit, in addition to an existing file, which is kept until the new one is complete.

    Raises:
        NoSpace: they do not fit.
    """
    free = shutil.disk_usage(folder).free
    if needed + (1 << 20) > free:
        raise NoSpace(
            errno.ENOSPC,
            f"this cube takes {_gibibytes(needed)} and {folder} has {_gibibytes(free)} free; "
            "export fewer wavelengths or fewer pixels, or choose another disk",
        )


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed for lack of space, by error number or message."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)


def disk_full(path: Path, error: BaseException) -> OSError:
    """Error for a disk that became full while `path` was written; an existing `NoSpace` is returned unchanged."""
    if isinstance(error, NoSpace):
        return error
    return NoSpace(
        errno.ENOSPC,
        f"the disk of {path.parent} became full while {path.name} was written, and nothing of it is left; "
        "make room, or choose another disk",
    )


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.1f} MiB"
