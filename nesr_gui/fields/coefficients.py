"""Fields stored as coefficients per pixel and functions of wavelength, from which any band is one matrix product."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.intervals import Intervals
from nesr_gui.fields.protocol import (
    BLOCK_VALUES,
    Block,
    CubeArray,
    CubeField,
    IntervalBlock,
    Points,
    QualityFlag,
    iter_tiles,
    validate_points,
    validate_wavelengths,
    validate_window,
)
from nesr_gui.fields.window_cache import WindowCache
from nesr_gui.spectral import FloatArray, Quantity, Wavelengths

CACHED_BYTES = 256 << 20  # of coefficients, kept for the next wavelength


class FlagArray(Protocol):
    """Numbers (H, W) of pixels, in memory or lazy; indexing with two slices, which may have steps, reads a part."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W)."""
        ...

    def __getitem__(self, window: tuple[slice, slice], /) -> npt.NDArray[Any]: ...


@dataclass(frozen=True, eq=False)
class Basis:
    """Functions of wavelength: `functions` (N, K) float32 at `wavelengths`, linear in between.

    Raises:
        ValueError: the shape does not match the wavelengths, or a value is not finite.
    """

    wavelengths: Wavelengths
    functions: FloatArray

    def __post_init__(self) -> None:
        functions = np.ascontiguousarray(self.functions, dtype=np.float32)
        if functions.ndim != 2 or functions.shape[0] != len(self.wavelengths) or functions.shape[1] == 0:
            raise ValueError(
                f"functions of shape {functions.shape} for {len(self.wavelengths)} wavelengths; expected (N, K)"
            )
        if not np.isfinite(functions).all():
            raise ValueError("functions of wavelength must be finite")
        object.__setattr__(self, "functions", functions)

    @property
    def is_identity(self) -> bool:
        """Whether the coefficients are the values at `wavelengths`, as in a cube."""
        rows, columns = self.functions.shape
        return rows == columns and np.array_equal(self.functions, np.eye(rows, dtype=np.float32))

    def at(self, nm: npt.NDArray[np.float64]) -> FloatArray:
        """The functions (L, K) at `nm` (L,), which are within the range of the wavelengths."""
        nodes = self.wavelengths.nm
        low = np.clip(np.searchsorted(nodes, nm, side="right") - 1, 0, max(len(nodes) - 2, 0))
        high = np.minimum(low + 1, len(nodes) - 1)
        gap = np.where(high > low, nodes[high] - nodes[low], 1.0)
        weight = ((nm - nodes[low]) / gap)[:, None]
        return ((1 - weight) * self.functions[low] + weight * self.functions[high]).astype(np.float32)


class CoefficientField(CubeField):
    """A field of stored coefficients, a `BasisField` that is continuous over the range of its basis.

    Args:
        coefficients: (K, H, W), an array or any `CubeArray`.
        basis: the functions of wavelength.
        bands: wavelengths at which the field was measured, or its model trained, within the range of the basis.
        quantity: what the values measure.
        provenance: attributes that a file written from the field records.
        minimum: lower bound of the values.

    Raises:
        ValueError: the number of coefficients is not that of the functions, or a band is outside the range.
    """

    def __init__(
        self,
        coefficients: CubeArray,
        basis: Basis,
        bands: Wavelengths,
        quantity: Quantity = Quantity.UNKNOWN,
        provenance: dict[str, str] | None = None,
        *,
        minimum: float = 0.0,
    ) -> None:
        count = basis.functions.shape[1]
        if len(coefficients.shape) != 3 or 0 in coefficients.shape or coefficients.shape[0] != count:
            raise ValueError(f"coefficients of shape {tuple(coefficients.shape)} for {count} functions of wavelength")
        low, high = float(basis.wavelengths.nm[0]), float(basis.wavelengths.nm[-1])
        if bands.nm[0] < low or bands.nm[-1] > high:
            raise ValueError(f"bands at {bands.nm[0]:g}-{bands.nm[-1]:g} nm, with functions at {low:g}-{high:g} nm")
        super().__init__(_Bands(coefficients, basis.at(bands.nm), minimum), bands, quantity, provenance)
        self.wavelength_range = low, high
        self.minimum = minimum
        self._basis, self._coefficients = basis, coefficients
        self._cache = WindowCache[FloatArray](CACHED_BYTES)

    def basis(self, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `BasisField.basis`."""
        return self._basis.at(validate_wavelengths(self, wavelengths))

    def coefficient_blocks(self, *, rows: slice | None = None, cols: slice | None = None) -> Iterator[Block]:
        """See `BasisField.coefficient_blocks`."""
        window = validate_window(self, rows, cols)
        for tile in iter_tiles(*window, max_pixels=BLOCK_VALUES // self._coefficients.shape[0]):
            yield Block(*tile, self._stored(*tile))

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        return evaluate(self.basis(wavelengths), self._pixels(points), self.minimum).T

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """See `SpectralField.band`; the coefficients of the window are kept for the next wavelength."""
        return evaluate(self.basis(nm), self._window(stride, rows, cols), self.minimum)[0]

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        functions, window = self.basis(wavelengths), validate_window(self, rows, cols)
        for tile in iter_tiles(*window, max_pixels=BLOCK_VALUES // max(functions.shape)):
            yield Block(*tile, evaluate(functions, self._stored(*tile), self.minimum))

    def _pixels(self, points: Points) -> FloatArray:
        """Coefficients (K, N) of single pixels."""
        pixels = [self._stored(slice(r, r + 1), slice(c, c + 1))[:, 0, 0] for r, c in validate_points(self, points)]
        return np.stack(pixels, axis=1) if pixels else np.empty((self._coefficients.shape[0], 0), np.float32)

    def _window(self, stride: int, rows: slice | None, cols: slice | None) -> FloatArray:
        """Coefficients (K, h, w) of every `stride`-th row and column of a window, kept for the next wavelength."""
        height, width = validate_window(self, rows, cols)
        key = (height.start, height.stop, width.start, width.stop, stride)
        if (coefficients := self._cache.get(key)) is None:
            coefficients = self._stored(*(slice(part.start, part.stop, stride) for part in (height, width)))
            self._cache.add(key, coefficients)
        return coefficients

    def _stored(self, rows: slice, cols: slice) -> FloatArray:
        with self._lock:
            return np.asarray(self._coefficients[slice(None), rows, cols], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class StoredIntervals:
    """What the prediction intervals and quality flags of a stored reconstruction follow from.

    Attributes:
        intervals: the limits for any colour.
        level: the white level, by which coefficients are divided.
        flags: `QualityFlag` bits (H, W) uint8, an array or anything that is indexed with two slices.

    Raises:
        ValueError: the level is not positive and finite.
    """

    intervals: Intervals
    level: float
    flags: FlagArray

    def __post_init__(self) -> None:
        if not 0 < self.level < np.inf:
            raise ValueError(f"its white level is {self.level}")


class CalibratedCoefficientField(CoefficientField):
    """A stored reconstruction with its prediction interval, a `CalibratedBasisField`.

    The last three coefficients of a pixel are its colour in the photograph, linear RGB.

    Args:
        coefficients: (K, H, W), as for `CoefficientField`.
        basis: the functions of wavelength.
        bands: wavelengths at which the model was trained.
        quantity: what the values measure.
        provenance: attributes that a file written from the field records.
        minimum: lower bound of the values.
        stored: from which the intervals follow.

    Raises:
        ValueError: the flags are not those of the pixels, or the coefficients contain no colour.
    """

    def __init__(
        self,
        coefficients: CubeArray,
        basis: Basis,
        bands: Wavelengths,
        quantity: Quantity = Quantity.UNKNOWN,
        provenance: dict[str, str] | None = None,
        *,
        minimum: float = 0.0,
        stored: StoredIntervals,
    ) -> None:
        super().__init__(coefficients, basis, bands, quantity, provenance, minimum=minimum)
        if tuple(stored.flags.shape) != self.shape or coefficients.shape[0] < 3:
            raise ValueError(
                f"flags of shape {tuple(stored.flags.shape)} and {coefficients.shape[0]} coefficients for an image of "
                f"shape {self.shape}"
            )
        self.intervals, self.level, self._flags = stored.intervals, stored.level, stored.flags

    def prediction_interval(
        self, points: Points, wavelengths: Wavelengths | npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval`."""
        low, high = self._limits(self._pixels(points), validate_wavelengths(self, wavelengths))
        return low.T, high.T

    def prediction_interval_blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[IntervalBlock]:
        """See `CalibratedField.prediction_interval_blocks`."""
        nm, window = validate_wavelengths(self, wavelengths), validate_window(self, rows, cols)
        for tile in iter_tiles(*window, max_pixels=BLOCK_VALUES // max(len(nm), self._coefficients.shape[0])):
            yield IntervalBlock(*tile, *self._limits(self._stored(*tile), nm))

    def prediction_interval_band(
        self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval_band`."""
        low, high = self._limits(self._window(stride, rows, cols), validate_wavelengths(self, nm))
        return low[0], high[0]

    def quality_flags(
        self, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> npt.NDArray[np.uint8]:
        """See `CalibratedField.quality_flags`."""
        height, width = (slice(part.start, part.stop, stride) for part in validate_window(self, rows, cols))
        with self._lock:
            return np.asarray(self._flags[height, width], np.uint8) & np.uint8(sum(QualityFlag))

    def _limits(self, coefficients: FloatArray, nm: npt.NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
        values = evaluate(self._basis.at(nm), coefficients, self.minimum)
        return evaluate_limits(self.intervals, self.level, coefficients, values, nm)


@dataclass(frozen=True, eq=False)
class _Bands:
    """The values (L, H, W) at some wavelengths, whose `functions` are (L, K), computed when they are indexed."""

    coefficients: CubeArray
    functions: FloatArray
    minimum: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """(L, H, W)."""
        return len(self.functions), self.coefficients.shape[1], self.coefficients.shape[2]

    def __getitem__(self, window: tuple[slice, slice, slice]) -> FloatArray:
        bands, rows, cols = window
        coefficients = np.asarray(self.coefficients[slice(None), rows, cols], dtype=np.float32)
        return evaluate(self.functions[bands], coefficients, self.minimum)


def evaluate(functions: FloatArray, coefficients: FloatArray, minimum: float) -> FloatArray:
    """Values (L, …) of functions (L, K) and coefficients (K, …), at least `minimum`; NaN stays NaN."""
    pixels = coefficients.reshape(len(coefficients), math.prod(coefficients.shape[1:]))
    values = (functions @ pixels).reshape(len(functions), *coefficients.shape[1:])
    return np.maximum(values, np.float32(minimum), out=values)


def evaluate_limits(
    intervals: Intervals, level: float, coefficients: FloatArray, values: FloatArray, nm: npt.NDArray[np.float64]
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper limits (L, …) at `nm` (L,) of a `CalibratedBasisField`.

    Args:
        intervals: the limits for any colour.
        level: the white level.
        coefficients: (K, …), of which the last three are the colour.
        values: (L, …), evaluated from them.
        nm: wavelengths.
    """
    rgb, spectra = (
        part.reshape(len(part), math.prod(part.shape[1:])).T / np.float32(level) for part in (coefficients[-3:], values)
    )
    low, high = ((part.T * np.float32(level)).reshape(values.shape) for part in intervals.limits(rgb, spectra, nm))
    return low, high
