"""The heart of the program: a spectral image as a function of pixel and wavelength.

Slider, plot, readout and export ask the same `SpectralField`, and a value at (pixel, wavelength) never depends on what
else was asked for.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import FloatArray, Quantity, SpectralCube, Wavelengths, as_wavelength_array

MAX_CUBE_BYTES = 2 << 30  # what cube() will hold at once; blocks() has no such limit
BLOCK_VALUES = 2 << 20  # values in one block, 8 MB: between two blocks an export can be cancelled

ProgressCallback = Callable[[float], None]
"""Long work calls it between two pieces with the fraction done, in [0, 1]; it may raise `Cancelled` to stop it."""

Points = Sequence[tuple[int, int]] | npt.NDArray[np.integer]


class Cancelled(Exception):
    """The user stopped this work; nothing of it is kept."""


class OutOfMemory(MemoryError):
    """There is not enough memory for this work, in the machine or on its device; less at once may do."""


class DeviceLost(RuntimeError):
    """The device that computes has failed; another one may do."""


@dataclass(frozen=True, eq=False)
class Block:
    """A rectangle of a cube: values (L, h, w) float32 at `rows` × `cols` of the field."""

    rows: slice
    cols: slice
    values: FloatArray


class SpectralField(Protocol):
    """A spectral image that can be asked at any pixel and wavelength; safe to ask from several threads.

    `wavelength_range` is closed, in nm; `bands` are the wavelengths it was measured at or its model trained on; `shape`
    is (H, W). Points are (row, col) integers inside the image.
    All methods raise ValueError, naming the range, for a wavelength or pixel outside it.
    """

    @property
    def wavelength_range(self) -> tuple[float, float]: ...
    @property
    def bands(self) -> Wavelengths: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def quantity(self) -> Quantity: ...
    @property
    def provenance(self) -> dict[str, str]:
        """What a file written from this field must say of its origin, as attribute name → text."""
        ...

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """Curves at `points` (N, 2) and `wavelengths` (L,) nm, any order: (N, L) float32."""
        ...

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """One band image (h, w) float32; `band(nm, stride=s)` equals `band(nm)[::s, ::s]` and costs less."""
        ...

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """The cube, rectangle by rectangle in constant memory; the caller may stop between two blocks."""
        ...

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """A small cube at once; refuses one above 2 GiB, for which `blocks` is there."""
        ...


@runtime_checkable
class PreviewField(Protocol):
    """A field that also answers sooner than exactly, for what is seen for a moment and never read or saved."""

    def preview_bands(
        self,
        wavelengths: Wavelengths | npt.ArrayLike,
        *,
        stride: int = 1,
        rows: slice | None = None,
        cols: slice | None = None,
    ) -> FloatArray:
        """Band images (L, h, w) float32 as of `band`, about .002 off where the device is faster for that."""
        ...


class QualityFlag(enum.IntFlag):
    """Why the answer at a pixel should be trusted less than its interval says."""

    CLIPPED = 1  # a channel of the photograph is at its first or last code, so how far beyond it was is lost
    UNFAMILIAR_COLOUR = 2  # training met few colours of its chromaticity

    @property
    def text(self) -> str:
        """What a reader is told of one flag."""
        return {
            QualityFlag.CLIPPED: "clipped in the photograph",
            QualityFlag.UNFAMILIAR_COLOUR: "a colour training hardly met",
        }[self]


@dataclass(frozen=True, eq=False)
class IntervalBlock:
    """Where the values of a rectangle lie: `lower` and `upper` bound (L, h, w) float32 at `rows` × `cols`."""

    rows: slice
    cols: slice
    lower: FloatArray
    upper: FloatArray


@runtime_checkable
class CalibratedField(Protocol):
    """A field that also knows how far its values can be trusted: pointwise intervals that held for 90 % elsewhere."""

    def prediction_interval(
        self, points: Points, wavelengths: Wavelengths | npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends at `points` and `wavelengths`, (N, L) float32 each, around what `spectra` answers."""
        ...

    def prediction_interval_blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[IntervalBlock]:
        """The same, rectangle by rectangle as `blocks` would give them."""
        ...

    def prediction_interval_band(
        self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends at one wavelength, (h, w) each, for a window as of `band`."""
        ...

    def quality_flags(
        self, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> npt.NDArray[np.uint8]:
        """`QualityFlag` flags (h, w) of pixels, for a window as of `band`."""
        ...


class CubeArray(Protocol):
    """Stored bands in order of wavelength, numpy or lazy: slices, with steps, of (L, H, W) give float32."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __getitem__(self, window: tuple[slice, slice, slice], /) -> npt.NDArray[np.floating]: ...


class CubeField:
    """A measured or exported cube, linear between its bands.

    `values` is (L, H, W): an array, or anything that reads a slice of itself when indexed (`CubeArray`), so that a file
    larger than memory opens without being read.
    """

    def __init__(
        self,
        values: CubeArray,
        wavelengths: Wavelengths,
        quantity: Quantity = Quantity.UNKNOWN,
        provenance: dict[str, str] | None = None,
    ) -> None:
        if len(values.shape) != 3 or 0 in values.shape or values.shape[0] != len(wavelengths):
            raise ValueError(
                f"cube of shape {tuple(values.shape)} does not match {len(wavelengths)} wavelengths; expected (L, H, W)"
            )
        self._values = values
        self._lock = threading.Lock()  # file libraries read one slice at a time
        self.wavelengths = wavelengths
        self.quantity = quantity
        self.provenance = dict(provenance or {})
        self.shape: tuple[int, int] = (int(values.shape[1]), int(values.shape[2]))
        self.wavelength_range: tuple[float, float] = (float(wavelengths.nm[0]), float(wavelengths.nm[-1]))

    @property
    def bands(self) -> Wavelengths:
        """See `SpectralField`."""
        return self.wavelengths

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        nm = validate_wavelengths(self, wavelengths)
        curves = [self._read(slice(None), slice(r, r + 1), slice(c, c + 1)) for r, c in validate_points(self, points)]
        if not curves:
            return np.empty((0, nm.size), np.float32)
        low, high, weight = self._neighbours(nm)
        stack = np.stack([curve[:, 0, 0] for curve in curves])  # (N, bands)
        return _between(stack[:, low], stack[:, high], weight)

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """See `SpectralField.band`."""
        sampled = [slice(part.start, part.stop, stride) for part in validate_window(self, rows, cols)]
        low, high, weight = self._neighbours(validate_wavelengths(self, nm))
        bands = {i: self._read(slice(i, i + 1), *sampled)[0] for i in {int(low[0]), int(high[0])}}
        return np.ascontiguousarray(_between(bands[int(low[0])], bands[int(high[0])], weight))

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        nm = validate_wavelengths(self, wavelengths)
        low, high, weight = self._neighbours(nm)
        window = validate_window(self, rows, cols)
        for tile in iter_tiles(*window, max_pixels=BLOCK_VALUES // max(nm.size, len(self.wavelengths))):
            bands = self._read(slice(None), *tile)
            yield Block(*tile, _between(bands[low], bands[high], weight[:, None, None]))

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """See `SpectralField.cube`."""
        return assemble_cube(self, wavelengths, rows, cols)

    def _read(self, bands: slice, rows: slice, cols: slice) -> FloatArray:
        with self._lock:
            return np.asarray(self._values[bands, rows, cols], dtype=np.float32)

    def _neighbours(self, nm: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray]:
        """For each nm: the bands below and above, and the weight of the one above; one band twice where it is exact."""
        bands = self.wavelengths.nm
        low = np.searchsorted(bands, nm, side="right") - 1
        high = np.where(bands[low] == nm, low, low + 1)
        gap = np.where(high > low, bands[high] - bands[low], 1.0)
        return low, high, ((nm - bands[low]) / gap).astype(np.float32)


def _between(low: FloatArray, high: FloatArray, weight: FloatArray) -> FloatArray:
    """A new array; a band is itself even where it or its neighbour is infinite or NaN."""
    exact = weight == 0
    if exact.all():
        return np.array(low)
    with np.errstate(invalid="ignore"):
        return np.where(exact, low, low + weight * (high - low))


def validate_wavelengths(field: SpectralField, wavelengths: Wavelengths | npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Wavelengths as (L,) float64 nm; raises ValueError, naming the field's range, where one lies outside it."""
    nm = as_wavelength_array(wavelengths)
    low, high = field.wavelength_range
    if nm.min() < low or nm.max() > high:
        asked = f"{nm[0]:g} nm" if nm.size == 1 else f"{nm.min():g}-{nm.max():g} nm"
        raise ValueError(f"this image covers {low:g}-{high:g} nm; asked for {asked}")
    return nm


def validate_points(field: SpectralField, points: Points) -> npt.NDArray[np.int64]:
    """Points as (N, 2) integers; raises ValueError, naming the image's size, where one lies outside it."""
    height, width = field.shape
    array = np.asarray(points)
    if array.size == 0:
        return np.empty((0, 2), np.int64)
    if array.ndim != 2 or array.shape[1] != 2 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"points of shape {array.shape} and type {array.dtype}; expected (N, 2) integers (row, col)")
    outside = (array < 0).any(1) | (array >= (height, width)).any(1)
    if outside.any():
        row, col = array[outside][0]
        raise ValueError(
            f"the image has rows 0-{height - 1} and columns 0-{width - 1}; asked for row {row}, column {col}"
        )
    return array.astype(np.int64)


def validate_window(field: SpectralField, rows: slice | None, cols: slice | None) -> tuple[slice, slice]:
    """Rows and columns as slices with start and stop inside the image; raises ValueError for an empty window."""
    window = []
    for part, size, name in zip((rows, cols), field.shape, ("rows", "columns"), strict=True):
        start, stop, step = (part or slice(None)).indices(size)
        if step != 1 or stop <= start:
            raise ValueError(f"{name} {part} of an image with {size} {name}; expected a non-empty slice of step 1")
        window.append(slice(start, stop))
    return window[0], window[1]


def iter_tiles(rows: slice, cols: slice, max_pixels: int) -> Iterator[tuple[slice, slice]]:
    """Cut a window into rectangles of at most `max_pixels` pixels (at least one), full rows where they fit."""
    width = min(cols.stop - cols.start, max(max_pixels, 1))
    height = max(max_pixels // width, 1)
    for row in range(rows.start, rows.stop, height):
        for col in range(cols.start, cols.stop, width):
            yield slice(row, min(row + height, rows.stop)), slice(col, min(col + width, cols.stop))


def assemble_cube(
    field: SpectralField, wavelengths: Wavelengths | npt.ArrayLike, rows: slice | None, cols: slice | None
) -> SpectralCube:
    """A field's blocks put together; raises ValueError above `MAX_CUBE_BYTES`."""
    bands = wavelengths if isinstance(wavelengths, Wavelengths) else Wavelengths(as_wavelength_array(wavelengths))
    window = validate_window(field, rows, cols)
    shape = (len(bands), window[0].stop - window[0].start, window[1].stop - window[1].start)
    if (size := 4 * shape[0] * shape[1] * shape[2]) > MAX_CUBE_BYTES:
        raise ValueError(
            f"a cube of {size / 2**30:.1f} GiB asked for at once; at most {MAX_CUBE_BYTES / 2**30:.0f} GiB is allowed, "
            "so take fewer wavelengths, a smaller window, or blocks()"
        )
    values = np.empty(shape, np.float32)
    for block in field.blocks(bands, rows=window[0], cols=window[1]):
        row, col = block.rows.start - window[0].start, block.cols.start - window[1].start
        values[:, row : row + block.values.shape[1], col : col + block.values.shape[2]] = block.values
    return SpectralCube(values, bands, field.quantity)
