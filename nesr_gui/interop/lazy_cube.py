"""A field at some wavelengths as an array (L, H, W) that is computed when it is indexed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import Block, CalibratedField, SpectralField, validate_wavelengths
from nesr_gui.spectral import FloatArray, Wavelengths

FEW_PIXELS = 256  # whose spectra are computed one by one; a single band is computed as an image

Index = int | slice | npt.NDArray[np.integer] | npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LazyCube:
    """The values of a field at `nm`, or the limits of its prediction interval, as a read-only array.

    Indexing with integers, slices and one-dimensional arrays of integers or booleans computes what is needed for them
    and returns a NumPy array. Unlike those of NumPy, several arrays apply to each axis separately.

    Args:
        field: the field; for a limit, a `CalibratedField`.
        nm: wavelengths (L,), within its range.
        limit: `lower` or `upper`; empty for the values.
    """

    field: SpectralField
    nm: npt.NDArray[np.float64]
    limit: str = ""

    dtype = np.dtype(np.float32)
    ndim = 3

    @classmethod
    def of(
        cls, field: SpectralField, wavelengths: Wavelengths | npt.ArrayLike | None = None, limit: str = ""
    ) -> LazyCube:
        """The field at `wavelengths`, by default its bands.

        Raises:
            ValueError: a wavelength is outside the range of the field.
        """
        return cls(field, validate_wavelengths(field, field.bands if wavelengths is None else wavelengths), limit)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(L, H, W)."""
        return len(self.nm), *self.field.shape

    @property
    def size(self) -> int:
        """Number of values."""
        bands, height, width = self.shape
        return bands * height * width

    def __len__(self) -> int:
        return len(self.nm)

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
        parts = (*parts[:at], *[slice(None)] * (3 - len(parts) + (at < len(parts))), *parts[at + 1 :])
        if len(parts) > 3:
            raise IndexError(f"a cube has three axes; {len(parts)} were indexed")
        chosen = [_positions(part, size) for part, size in zip(parts, self.shape, strict=True)]
        bands, rows, cols = map(np.atleast_1d, chosen)
        if not (bands.size and rows.size and cols.size):
            values = np.empty((bands.size, rows.size, cols.size), np.float32)
        elif rows.size * cols.size <= (FEW_PIXELS if bands.size > 1 else 1):
            points = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
            values = self._spectra(points, self.nm[bands]).T.reshape(bands.size, rows.size, cols.size)
        else:
            values = self._window(self.nm[bands], rows, cols)
        return values[tuple(slice(None) if part.ndim else 0 for part in chosen)]

    def __deepcopy__(self, memo: Any) -> LazyCube:
        return self  # read-only, and open files cannot be copied

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self[...], dtype)

    def _window(
        self, nm: npt.NDArray[np.float64], rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp]
    ) -> FloatArray:
        """Values (L, h, w) at all `rows` and `cols`."""
        height, width = (slice(int(part.min()), int(part.max()) + 1) for part in (rows, cols))
        values = np.empty((len(nm), len(rows), len(cols)), np.float32)
        if len(nm) == 1:
            stride = _common_step(rows, cols)
            band = self._band(float(nm[0]), stride, height, width)
            values[0] = band[np.ix_((rows - height.start) // stride, (cols - width.start) // stride)]
            return values
        for block in self._blocks(nm, height, width):
            y, x = (
                np.flatnonzero((part >= span.start) & (part < span.stop))
                for part, span in ((rows, block.rows), (cols, block.cols))
            )
            inner = block.values[:, rows[y][:, None] - block.rows.start, cols[x] - block.cols.start]
            values[:, y[:, None], x] = inner
        return values

    def _spectra(self, points: npt.NDArray[np.integer], nm: npt.NDArray[np.float64]) -> FloatArray:
        if not self.limit:
            return self.field.spectra(points, nm)
        return self._chosen(self._calibrated.prediction_interval(points, nm))

    def _band(self, nm: float, stride: int, rows: slice, cols: slice) -> FloatArray:
        if not self.limit:
            return self.field.band(nm, stride=stride, rows=rows, cols=cols)
        return self._chosen(self._calibrated.prediction_interval_band(nm, stride=stride, rows=rows, cols=cols))

    def _blocks(self, nm: npt.NDArray[np.float64], rows: slice, cols: slice) -> Any:
        if not self.limit:
            yield from self.field.blocks(nm, rows=rows, cols=cols)
            return
        for block in self._calibrated.prediction_interval_blocks(nm, rows=rows, cols=cols):
            yield Block(block.rows, block.cols, self._chosen((block.lower, block.upper)))

    def _chosen(self, limits: tuple[FloatArray, FloatArray]) -> FloatArray:
        return limits[0 if self.limit == "lower" else 1]

    @property
    def _calibrated(self) -> CalibratedField:
        assert isinstance(self.field, CalibratedField)
        return self.field


def _positions(part: Index, size: int) -> npt.NDArray[np.intp]:
    """The indexed positions along an axis (n,), or the one of an integer ().

    Raises:
        IndexError: one is outside the array, or `part` is no index of an axis.
    """
    everything = np.arange(size)
    at = np.asarray(everything[part])
    if at.ndim > 1:
        raise IndexError(
            "an axis of a cube is indexed with an integer, a slice, or a one-dimensional array of integers or booleans"
        )
    return at


def _common_step(rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp]) -> int:
    """The step of a grid that has all `rows` and `cols`, from the smallest of each."""
    gaps = [np.gcd.reduce(part - part.min()) for part in (rows, cols)]
    return max(int(np.gcd.reduce(gaps)), 1)
