"""A measured cube resampled to the pixels of a photograph: oriented, resampled, scaled; a field like any other."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.appearance import white_scale
from nesr_gui.fields.notebook import NotebookMethods
from nesr_gui.fields.protocol import (
    BLOCK_VALUES,
    Block,
    Points,
    SpectralField,
    assemble_cube,
    iter_tiles,
    validate_points,
    validate_wavelengths,
    validate_window,
)
from nesr_gui.spectral import FloatArray, Quantity, SpectralCube, Spectrum, Wavelengths

Shape = tuple[int, int]
Number = TypeVar("Number", bound=np.generic)


class Orientation(enum.StrEnum):
    """The eight orientations of a rectangle; the value is stored in session files."""

    AS_STORED = "as stored"
    TURNED_RIGHT = "turned right"
    TURNED_AROUND = "turned around"
    TURNED_LEFT = "turned left"
    MIRRORED = "left and right exchanged"
    FLIPPED = "top and bottom exchanged"
    TRANSPOSED = "rows and columns exchanged"
    ANTITRANSPOSED = "rows and columns exchanged, turned around"

    @property
    def label(self) -> str:
        """Display text."""
        return _LABELS[self]

    @property
    def steps(self) -> tuple[bool, bool, bool]:
        """Whether rows and columns are transposed, and then whether rows and columns are reversed."""
        return _STEPS[self]

    def shape_of(self, shape: Shape) -> Shape:
        """Shape of an image of `shape` (H, W) in this orientation."""
        return (shape[1], shape[0]) if self.steps[0] else shape

    def apply(self, values: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """View of values (..., H, W) in this orientation."""
        transposed, rows, cols = self.steps
        values = values.swapaxes(-1, -2) if transposed else values
        return values[..., :: -1 if rows else 1, :: -1 if cols else 1]

    def stored(self, rows: slice, cols: slice, shape: Shape) -> tuple[slice, slice]:
        """Window of the stored image, of `shape` (H, W), that corresponds to a window of the oriented one."""
        transposed, *flips = self.steps
        sampled = [
            slice(size - part.stop, size - part.start) if flipped else part
            for part, size, flipped in zip((rows, cols), self.shape_of(shape), flips, strict=True)
        ]
        return (sampled[1], sampled[0]) if transposed else (sampled[0], sampled[1])


_LABELS = {
    Orientation.AS_STORED: "as stored", Orientation.TURNED_RIGHT: "rotated 90° clockwise",
    Orientation.TURNED_AROUND: "rotated 180°", Orientation.TURNED_LEFT: "rotated 90° counter-clockwise",
    Orientation.MIRRORED: "flipped horizontally", Orientation.FLIPPED: "flipped vertically",
    Orientation.TRANSPOSED: "transposed", Orientation.ANTITRANSPOSED: "transposed and rotated 180°",
}  # fmt: skip
_STEPS = {
    Orientation.AS_STORED: (False, False, False), Orientation.TURNED_RIGHT: (True, False, True),
    Orientation.TURNED_AROUND: (False, True, True), Orientation.TURNED_LEFT: (True, True, False),
    Orientation.MIRRORED: (False, False, True), Orientation.FLIPPED: (False, True, False),
    Orientation.TRANSPOSED: (True, False, False), Orientation.ANTITRANSPOSED: (True, True, True),
}  # fmt: skip


@dataclass(frozen=True)
class Registration:
    """Orientation of a cube relative to a photograph, and the `gain` of its values; there is no offset.

    `correlation` compares the photograph with the cube as rendered for the camera, and `next_best` is the highest
    correlation in any other orientation; None if not computed.

    Raises:
        ValueError: the gain is not positive.
    """

    orientation: Orientation = Orientation.AS_STORED
    gain: float = 1.0
    correlation: float | None = None
    next_best: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "orientation", Orientation(self.orientation))
        if not (math.isfinite(self.gain) and self.gain > 0):
            raise ValueError(f"a gain of {self.gain:g} requested; it must be above 0")

    def in_words(self) -> str:
        """Description, for example `rotated 180°, values × 1.02, correlation 0.998 (next best 0.41)`."""
        words = f"{self.orientation.label}, values × {self.gain:.4g}"
        if self.correlation is None:
            return words
        other = f" (next best {self.next_best:.2f})" if self.next_best is not None else ""
        return f"{words}, correlation {self.correlation:.3f}{other}"


class ResampledField(NotebookMethods):
    """A cube oriented, resampled to `shape` and scaled: a `SpectralField` on the pixels of a photograph.

    A pixel that covers several cube pixels is their area-weighted mean; one that covers less than one cube pixel is
    interpolated linearly. With `white`, the spectrum of a perfect white in the cube, radiance is converted to
    reflectance.

    Args:
        cube: the measured field.
        shape: (H, W) of the photograph.
        match: orientation and gain of the cube.
        white: spectrum to divide by, if any.
        scale: cube pixels per photograph pixel, down and across; by default the ratio of the shapes.
        binning: source pixels along each side of a pixel of the photograph.
        source_shape: (H, W) of the source; by default `shape`.
    """

    def __init__(
        self,
        cube: SpectralField,
        shape: Shape,
        match: Registration | None = None,
        white: Spectrum | None = None,
        scale: tuple[float, float] | None = None,
        binning: int = 1,
        source_shape: Shape | None = None,
    ) -> None:
        self.source, self.shape, self.match, self.white = cube, shape, match or Registration(), white
        self.wavelength_range, self.bands = cube.wavelength_range, cube.bands
        self.quantity = Quantity.REFLECTANCE if white is not None else cube.quantity
        self.provenance = cube.provenance
        self.binning, self.source_shape = binning, source_shape or shape
        turned = self.match.orientation.shape_of(cube.shape)
        down, across = scale or (turned[0] / shape[0], turned[1] / shape[1])
        self._rows, self._cols = (
            ResamplingWeights.of(shape[0], turned[0], down),
            ResamplingWeights.of(shape[1], turned[1], across),
        )

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        nm, places = validate_wavelengths(self, wavelengths), validate_points(self, points)
        curves = np.empty((len(places), nm.size), np.float32)
        for curve, (row, col) in zip(curves, places, strict=True):
            curve[:] = self._values(nm, np.array([row]), np.array([col]), self._read_all)[:, 0, 0]
        return curves

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """See `SpectralField.band`."""
        places = [np.arange(part.start, part.stop, stride) for part in validate_window(self, rows, cols)]
        if stride > 1 and self._rows.is_plain and self._cols.is_plain:
            return self._sparse(nm, stride, *places)
        return self._values(validate_wavelengths(self, nm), places[0], places[1], self._read_band)[0]

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        nm = validate_wavelengths(self, wavelengths)
        each = max(self._rows.scale, 1) * max(self._cols.scale, 1)  # cube pixels per pixel of the field
        for part in iter_tiles(*validate_window(self, rows, cols), max_pixels=int(BLOCK_VALUES / (nm.size * each))):
            places = [np.arange(side.start, side.stop) for side in part]
            yield Block(*part, self._values(nm, places[0], places[1], self._read_all))

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """See `SpectralField.cube`."""
        return assemble_cube(self, wavelengths, rows, cols)

    def _values(self, nm: Floats, rows: Indices, cols: Indices, read: _ReadWindow) -> FloatArray:
        """Values (L, h, w) at some rows and columns, computed from the window of the cube that they depend on."""
        window = self._rows.window(rows), self._cols.window(cols)
        orientation = self.match.orientation
        values = orientation.apply(read(nm, *orientation.stored(*window, self.source.shape)))
        values = self._rows.gather(values, rows, window[0].start, axis=1)
        return self._scaled(nm, self._cols.gather(values, cols, window[1].start, axis=2))

    def _sparse(self, nm: float, stride: int, rows: Indices, cols: Indices) -> FloatArray:
        """Strided band that does not need all pixels of the cube."""
        down, across = (slice(int(part[0]), int(part[-1]) + 1) for part in (rows, cols))
        stored = self.match.orientation.stored(down, across, self.source.shape)
        band = self.source.band(nm, stride=stride, rows=stored[0], cols=stored[1])
        return self._scaled(validate_wavelengths(self, nm), self.match.orientation.apply(band)[None])[0]

    def _read_band(self, nm: Floats, rows: slice, cols: slice) -> FloatArray:
        return self.source.band(float(nm[0]), rows=rows, cols=cols)[None]

    def _read_all(self, nm: Floats, rows: slice, cols: slice) -> FloatArray:
        values = np.empty((nm.size, rows.stop - rows.start, cols.stop - cols.start), np.float32)
        for block in self.source.blocks(nm, rows=rows, cols=cols):
            row, col = block.rows.start - rows.start, block.cols.start - cols.start
            values[:, row : row + block.values.shape[1], col : col + block.values.shape[2]] = block.values
        return values

    def _scaled(self, nm: Floats, values: FloatArray) -> FloatArray:
        factor = np.full(nm.size, self.match.gain)
        if self.white is not None:
            factor *= white_scale(self.white, nm)
        return np.ascontiguousarray(values * factor.astype(np.float32)[:, None, None])


def binned_field(field: SpectralField, binning: int) -> SpectralField:
    """A field binned by `binning` × `binning` pixels; incomplete blocks at the border average what they contain."""
    if binning == 1:
        return field
    height, width = field.shape
    return ResampledField(
        field,
        (-(-height // binning), -(-width // binning)),
        scale=(binning, binning),
        binning=binning * field.binning,
        source_shape=field.source_shape,
    )


Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
_ReadWindow = Callable[[Floats, slice, slice], FloatArray]


@dataclass(frozen=True, eq=False)
class ResamplingWeights:
    """Resampling along one axis.

    `at` (n, k) are the source pixels of each of n pixels, `weights` (n, k) their weights, which sum to 1, and `scale`
    is the width of a pixel in source pixels.
    """

    at: Indices
    weights: FloatArray
    scale: float

    @classmethod
    def of(cls, size: int, source: int, scale: float) -> ResamplingWeights:
        """Weights for `size` pixels made of `source` pixels, each `scale` source pixels wide."""
        places = np.arange(size)
        if scale < 1:
            centre = np.clip((places + 0.5) * scale - 0.5, 0, source - 1)
            low = np.minimum(np.floor(centre).astype(np.intp), max(source - 2, 0))
            at, above = np.stack([low, np.minimum(low + 1, source - 1)], axis=1), centre - low
            weights = np.stack([1 - above, above], axis=1)
        else:
            start, stop = places * scale, np.minimum((places + 1) * scale, source)
            first = np.floor(start + 1e-9).astype(np.intp)
            at = first[:, None] + np.arange(math.ceil(scale) + 1)
            weights = np.minimum(at + 1, stop[:, None]) - np.maximum(at, start[:, None])
            weights = (
                np.where(weights > 1e-9, weights, 0) / (stop - start)[:, None]
            )  # smaller values are rounding errors
            at = np.minimum(at, source - 1)
        used = (weights > 0).any(axis=0)
        return cls(at[:, used], weights[:, used].astype(np.float32), scale)

    @property
    def is_plain(self) -> bool:
        """Whether each pixel is a single source pixel."""
        return self.at.shape[1] == 1

    def window(self, places: Indices) -> slice:
        """Range of source pixels that the given pixels depend on."""
        return slice(int(self.at[places].min()), int(self.at[places].max()) + 1)

    def gather(self, values: FloatArray, places: Indices, start: int, axis: int) -> FloatArray:
        """Resample along an axis of values that begin at source pixel `start`.

        Taps are added one by one, so that the result does not depend on the window.
        """
        form = [1] * values.ndim
        form[axis] = len(places)
        at, weights = self.at[places] - start, self.weights[places]
        if self.is_plain:
            return np.take(values, at[:, 0], axis)
        total = np.zeros((), np.float32)
        for tap in range(at.shape[1]):
            weight = weights[:, tap].reshape(form)
            total = total + np.where(
                weight > 0, weight * np.take(values, at[:, tap], axis), 0
            )  # 0 · NaN must not count
        return np.asarray(total, np.float32)
