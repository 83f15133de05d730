"""The central interface of the program: a spectral image as a function of pixel and wavelength.

The slider, plot, readout and export all query the same `SpectralField`. The value at a pixel and wavelength never
depends on what else is requested.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.intervals import Intervals
from nesr_gui.fields.notebook import NotebookMethods
from nesr_gui.spectral import FloatArray, Quantity, SpectralCube, Wavelengths, as_wavelength_array

MAX_CUBE_BYTES = 2 << 30  # limit of cube(); blocks() has none
BLOCK_VALUES = 2 << 20  # values per block, 8 MB; an export can be cancelled between blocks

ProgressCallback = Callable[[float], None]
"""Called during long operations with the fraction done, in [0, 1]; it may raise `Cancelled` to stop them."""

Points = Sequence[tuple[int, int]] | npt.NDArray[np.integer]


class Cancelled(Exception):
    """The user cancelled the operation; its result is discarded."""


class OutOfMemory(MemoryError):
    """Not enough main or device memory for the operation; a smaller one may succeed."""


class DeviceLost(RuntimeError):
    """The compute device has failed; another device may work."""


@dataclass(frozen=True, eq=False)
class Block:
    """A rectangle of a cube: values (L, h, w) float32 at `rows` × `cols` of the field."""

    rows: slice
    cols: slice
    values: FloatArray


class SpectralField(Protocol):
    """A spectral image that can be queried at any pixel and wavelength, from any thread.

    Points are (row, col) integers inside the image. All methods raise ValueError, stating the valid range, for a
    wavelength or pixel outside it.
    """

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """Shortest and longest wavelength in nm, both included."""
        ...

    @property
    def bands(self) -> Wavelengths:
        """Wavelengths at which the field was measured, or its model trained."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        ...

    @property
    def binning(self) -> int:
        """Source pixels along each side of a pixel of the field; 1 is the resolution of the source."""
        ...

    @property
    def source_shape(self) -> tuple[int, int]:
        """(H, W) of the source image, in source pixels."""
        ...

    @property
    def quantity(self) -> Quantity:
        """What the values measure."""
        ...

    @property
    def provenance(self) -> dict[str, str]:
        """Attributes (name → text) that a file written from this field must record."""
        ...

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """Spectra (N, L) float32 at `points` (N, 2) and `wavelengths` (L,) nm, in any order."""
        ...

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """Band image (h, w) float32 of a window.

        `band(nm, stride=s)` equals `band(nm)[::s, ::s]` and costs less.
        """
        ...

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """Yield the cube block by block, in constant memory; the caller may stop between blocks."""
        ...

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """The whole cube of a window at once.

        Raises:
            ValueError: it would exceed 2 GiB; use `blocks` instead.
        """
        ...


@runtime_checkable
class PreviewField(Protocol):
    """A field that can also give faster, approximate answers, for display only and never for readouts or files."""

    def preview_bands(
        self,
        wavelengths: Wavelengths | npt.ArrayLike,
        *,
        stride: int = 1,
        rows: slice | None = None,
        cols: slice | None = None,
    ) -> FloatArray:
        """Band images (L, h, w) float32 like `band`, with errors of about .002 where the device is faster that way."""
        ...


class QualityFlag(enum.IntFlag):
    """Reason to trust the value at a pixel less than its interval suggests."""

    CLIPPED = 1  # a channel of the photograph is at its first or last code value
    UNFAMILIAR_COLOUR = 2  # the training data contains few colours of this chromaticity

    @property
    def text(self) -> str:
        """Description of a single flag."""
        return {
            QualityFlag.CLIPPED: "clipped in the photograph",
            QualityFlag.UNFAMILIAR_COLOUR: "a colour that is rare in the training data",
        }[self]


@dataclass(frozen=True, eq=False)
class IntervalBlock:
    """Interval limits `lower` and `upper` (L, h, w) float32 at `rows` × `cols` of the field."""

    rows: slice
    cols: slice
    lower: FloatArray
    upper: FloatArray


@runtime_checkable
class CalibratedField(Protocol):
    """A field with prediction intervals: pointwise, with an empirical coverage of 90 % on held-out scenes."""

    def prediction_interval(
        self, points: Points, wavelengths: Wavelengths | npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits, (N, L) float32 each, around the values of `spectra`."""
        ...

    def prediction_interval_blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[IntervalBlock]:
        """Yield the limits block by block, in the blocks of `blocks`."""
        ...

    def prediction_interval_band(
        self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits at one wavelength, (h, w) each, for a window as in `band`."""
        ...

    def quality_flags(
        self, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> npt.NDArray[np.uint8]:
        """`QualityFlag` bits (h, w) uint8, for a window as in `band`."""
        ...


@runtime_checkable
class BasisField(Protocol):
    """A field whose spectra are sums of a few functions of wavelength, the same at every pixel.

    The value at a pixel and wavelength is max(`minimum`, coefficients of the pixel · functions of the wavelength).
    """

    minimum: float

    def basis(self, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """The functions (L, K) float32 at `wavelengths` (L,) nm."""
        ...

    def coefficient_blocks(self, *, rows: slice | None = None, cols: slice | None = None) -> Iterator[Block]:
        """Yield the coefficients (K, h, w) of a window block by block, in constant memory."""
        ...


@runtime_checkable
class CalibratedBasisField(BasisField, CalibratedField, Protocol):
    """A calibrated field of a photograph, the last three coefficients of whose pixels are their colours, linear RGB.

    The prediction interval follows from the coefficients and `intervals`, both divided by the white `level`.
    """

    level: float

    @property
    def intervals(self) -> Intervals:
        """The limits for any colour."""
        ...


def reconstruction_model(field: SpectralField) -> str:
    """Name of the model that reconstructed a field, perhaps before it was written to a file; empty if it is measured.

    Other programs write attributes named `model`, too, but no hash of it.
    """
    stated = field.provenance
    return stated.get("model", "") if "model_sha256" in stated else ""


class CubeArray(Protocol):
    """Stored bands in order of wavelength, in memory or lazy.

    Indexing with three slices, which may have steps, reads part of (L, H, W).
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """(L, H, W)."""
        ...

    def __getitem__(self, window: tuple[slice, slice, slice], /) -> npt.NDArray[np.floating]: ...


class CubeField(NotebookMethods):
    """A measured or exported cube, linearly interpolated between its bands.

    Args:
        values: (L, H, W), an array or any `CubeArray`, so that a file larger than memory can be opened without being
            read.
        wavelengths: the bands.
        quantity: what the values measure.
        provenance: attributes that a file written from the field records.
        binning: source pixels along each side of a pixel.
        source_shape: (H, W) of the source in its own pixels; by default that of `values`.
        notes: sentences for the user on how the file was read, where that is not as it states or usual.

    Raises:
        ValueError: the shape of `values` does not match the wavelengths.
    """

    def __init__(
        self,
        values: CubeArray,
        wavelengths: Wavelengths,
        quantity: Quantity = Quantity.UNKNOWN,
        provenance: dict[str, str] | None = None,
        *,
        binning: int = 1,
        source_shape: tuple[int, int] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        if len(values.shape) != 3 or 0 in values.shape or values.shape[0] != len(wavelengths):
            raise ValueError(
                f"cube of shape {tuple(values.shape)} does not match {len(wavelengths)} wavelengths; expected (L, H, W)"
            )
        self._values = values
        self._lock = threading.Lock()  # file libraries are not thread-safe
        self.wavelengths = wavelengths
        self.quantity = quantity
        self.provenance, self.notes = dict(provenance or {}), notes
        self.shape: tuple[int, int] = (int(values.shape[1]), int(values.shape[2]))
        self.binning, self.source_shape = binning, source_shape or self.shape
        self.wavelength_range: tuple[float, float] = (float(wavelengths.nm[0]), float(wavelengths.nm[-1]))

    @property
    def bands(self) -> Wavelengths:
        """See `SpectralField.bands`."""
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
        """For each nm: the band below, the band above, and its weight; on a band, that band twice."""
        bands = self.wavelengths.nm
        low = np.searchsorted(bands, nm, side="right") - 1
        high = np.where(bands[low] == nm, low, low + 1)
        gap = np.where(high > low, bands[high] - bands[low], 1.0)
        return low, high, ((nm - bands[low]) / gap).astype(np.float32)


def is_linear_between_bands(field: SpectralField) -> bool:
    """Whether the bands of a field are all that is known of it, as of a cube, but not of stored coefficients."""
    return isinstance(field, CubeField) and not isinstance(field, BasisField)


def _between(low: FloatArray, high: FloatArray, weight: FloatArray) -> FloatArray:
    """Linear interpolation into a new array; exactly the band where the weight is 0, even next to NaN or infinity."""
    exact = weight == 0
    if exact.all():
        return np.array(low)
    with np.errstate(invalid="ignore"):
        return np.where(exact, low, low + weight * (high - low))


def validate_wavelengths(field: SpectralField, wavelengths: Wavelengths | npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Convert requested wavelengths to (L,) float64 nm.

    Raises:
        ValueError: one is outside the range of the field, which the message states.
    """
    nm = as_wavelength_array(wavelengths)
    low, high = field.wavelength_range
    if nm.min() < low or nm.max() > high:
        requested = f"{nm[0]:g} nm" if nm.size == 1 else f"{nm.min():g}-{nm.max():g} nm"
        raise ValueError(f"this image covers {low:g}-{high:g} nm; asked for {requested}")
    return nm


def validate_points(field: SpectralField, points: Points) -> npt.NDArray[np.int64]:
    """Convert requested points to (N, 2) integers.

    Raises:
        ValueError: one is outside the image, whose size the message states.
    """
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
    """Convert requested rows and columns to slices with explicit limits inside the image.

    Raises:
        ValueError: the window is empty or outside the image.
    """
    window = []
    for part, size, name in zip((rows, cols), field.shape, ("rows", "columns"), strict=True):
        start, stop, step = (part or slice(None)).indices(size)
        if step != 1 or stop <= start:
            raise ValueError(f"{name} {part} of an image with {size} {name}; expected a non-empty slice of step 1")
        window.append(slice(start, stop))
    return window[0], window[1]


def iter_tiles(rows: slice, cols: slice, max_pixels: int) -> Iterator[tuple[slice, slice]]:
    """Split a window into rectangles of at most `max_pixels` pixels (at least one), in full rows if possible."""
    width = min(cols.stop - cols.start, max(max_pixels, 1))
    height = max(max_pixels // width, 1)
    for row in range(rows.start, rows.stop, height):
        for col in range(cols.start, cols.stop, width):
            yield slice(row, min(row + height, rows.stop)), slice(col, min(col + width, cols.stop))


def assemble_cube(
    field: SpectralField, wavelengths: Wavelengths | npt.ArrayLike, rows: slice | None, cols: slice | None
) -> SpectralCube:
    """Assemble the blocks of a field into a cube.

    Raises:
        ValueError: the cube would exceed `MAX_CUBE_BYTES`.
    """
    bands = wavelengths if isinstance(wavelengths, Wavelengths) else Wavelengths(as_wavelength_array(wavelengths))
    window = validate_window(field, rows, cols)
    shape = (len(bands), window[0].stop - window[0].start, window[1].stop - window[1].start)
    if (size := 4 * shape[0] * shape[1] * shape[2]) > MAX_CUBE_BYTES:
        raise ValueError(
            f"a cube of {size / 2**30:.1f} GiB was requested; at most {MAX_CUBE_BYTES / 2**30:.0f} GiB is allowed, "
            "so choose fewer wavelengths or a smaller window, or use blocks()"
        )
    values = np.empty(shape, np.float32)
    for block in field.blocks(bands, rows=window[0], cols=window[1]):
        row, col = block.rows.start - window[0].start, block.cols.start - window[1].start
        values[:, row : row + block.values.shape[1], col : col + block.values.shape[2]] = block.values
    return SpectralCube(values, bands, field.quantity)
