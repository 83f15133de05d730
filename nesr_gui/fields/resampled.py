"""A measured cube as it lies over a photograph: turned, resampled, scaled, and asked like any other field."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.appearance import white_scale
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
    """The eight ways in which a rectangle lies on another of the same sides; the value is what the user reads."""

    AS_STORED = "as stored"
    TURNED_RIGHT = "turned right"
    TURNED_AROUND = "turned around"
    TURNED_LEFT = "turned left"
    MIRRORED = "left and right exchanged"
    FLIPPED = "top and bottom exchanged"
    TRANSPOSED = "rows and columns exchanged"
    ANTITRANSPOSED = "rows and columns exchanged, turned around"

    @property
    def steps(self) -> tuple[bool, bool, bool]:
        """Whether rows and columns are exchanged, and then whether the order of the rows, of the columns, is."""
        return _STEPS[self]

    def shape_of(self, shape: Shape) -> Shape:
        """What (H, W) becomes."""
        return (shape[1], shape[0]) if self.steps[0] else shape

    def apply(self, values: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """A view of values (..., H, W) in this orientation."""
        transposed, rows, cols = self.steps
        values = values.swapaxes(-1, -2) if transposed else values
        return values[..., :: -1 if rows else 1, :: -1 if cols else 1]

    def stored(self, rows: slice, cols: slice, shape: Shape) -> tuple[slice, slice]:
        """Where a window of the oriented image lies in the stored one, whose shape is (H, W)."""
        transposed, *flips = self.steps
        found = [
            slice(size - part.stop, size - part.start) if flipped else part
            for part, size, flipped in zip((rows, cols), self.shape_of(shape), flips, strict=True)
        ]
        return (found[1], found[0]) if transposed else (found[0], found[1])


_STEPS = {
    Orientation.AS_STORED: (False, False, False), Orientation.TURNED_RIGHT: (True, False, True),
    Orientation.TURNED_AROUND: (False, True, True), Orientation.TURNED_LEFT: (True, True, False),
    Orientation.MIRRORED: (False, False, True), Orientation.FLIPPED: (False, True, False),
    Orientation.TRANSPOSED: (True, False, False), Orientation.ANTITRANSPOSED: (True, True, True),
}  # fmt: skip


@dataclass(frozen=True)
class Registration:
    """How a cube lies over a photograph: turned so, and its values multiplied by `gain`; nothing is added to them.

    `correlation` is that of the photograph with the cube as a camera sees it, and `next_best` the highest in any other
    orientation; None where nobody looked.
    """

    orientation: Orientation = Orientation.AS_STORED
    gain: float = 1.0
    correlation: float | None = None
    next_best: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "orientation", Orientation(self.orientation))
        if not (math.isfinite(self.gain) and self.gain > 0):
            raise ValueError(f"a gain of {self.gain:g} asked for; it must be above 0")

    def in_words(self) -> str:
        """Turned left, values × 1.02, correlation 0.998 (next best 0.41)."""
        words = f"{self.orientation}, values × {self.gain:.4g}"
        if self.correlation is None:
            return words
        other = f" (next best {self.next_best:.2f})" if self.next_best is not None else ""
        return f"{words}, correlation {self.correlation:.3f}{other}"


class ResampledField:
    """A cube turned, resampled to `shape` and multiplied; a `SpectralField` of the photograph's pixels.

    A pixel that covers several of the cube's is their mean, weighted with what it covers of each; one that covers less
    than one is linear between them. With `white`, the spectrum of a perfect white in the cube, its radiances become
    reflectances.

    Args:
        cube: what was measured.
        shape: (H, W) of the photograph.
        match: how the cube lies over it.
        white: what to divide by at each wavelength, if anything.
        scale: the cube's pixels to one of the photograph's, down and across; by default the shapes' ratio.
    """

    def __init__(
        self,
        cube: SpectralField,
        shape: Shape,
        match: Registration | None = None,
        white: Spectrum | None = None,
        scale: tuple[float, float] | None = None,
    ) -> None:
        self.source, self.shape, self.match, self.white = cube, shape, match or Registration(), white
        self.wavelength_range, self.bands = cube.wavelength_range, cube.bands
        self.quantity = Quantity.REFLECTANCE if white is not None else cube.quantity
        self.provenance = cube.provenance
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
        asked = [np.arange(part.start, part.stop, stride) for part in validate_window(self, rows, cols)]
        if stride > 1 and self._rows.is_plain and self._cols.is_plain:
            return self._sparse(nm, stride, *asked)
        return self._values(validate_wavelengths(self, nm), asked[0], asked[1], self._read_band)[0]

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        nm = validate_wavelengths(self, wavelengths)
        each = max(self._rows.scale, 1) * max(self._cols.scale, 1)  # pixels of the cube that one here is made of
        for part in iter_tiles(*validate_window(self, rows, cols), max_pixels=int(BLOCK_VALUES / (nm.size * each))):
            asked = [np.arange(side.start, side.stop) for side in part]
            yield Block(*part, self._values(nm, asked[0], asked[1], self._read_all))

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """See `SpectralField.cube`."""
        return assemble_cube(self, wavelengths, rows, cols)

    def _values(self, nm: Floats, rows: Indices, cols: Indices, read: _Read) -> FloatArray:
        """(L, h, w) at some rows and columns, of the window of the cube that they are made of."""
        window = self._rows.window(rows), self._cols.window(cols)
        orientation = self.match.orientation
        values = orientation.apply(read(nm, *orientation.stored(*window, self.source.shape)))
        values = self._rows.gather(values, rows, window[0].start, axis=1)
        return self._scaled(nm, self._cols.gather(values, cols, window[1].start, axis=2))

    def _sparse(self, nm: float, stride: int, rows: Indices, cols: Indices) -> FloatArray:
        """A band of which the cube need not read all."""
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
    """A field as one sees it whose pixels are `binning`² of its own, those of the last row and column cut off."""
    if binning == 1:
        return field
    height, width = field.shape
    return ResampledField(field, (-(-height // binning), -(-width // binning)), scale=(binning, binning))


Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
_Read = Callable[[Floats, slice, slice], FloatArray]


@dataclass(frozen=True, eq=False)
class ResamplingWeights:
    """Along one axis: which pixels (n, k) each of n is made of, and with which weights, that sum to 1."""

    at: Indices
    weights: FloatArray
    scale: float

    @classmethod
    def of(cls, size: int, source: int, scale: float) -> ResamplingWeights:
        """`size` pixels out of `source`, each `scale` of them wide."""
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
            weights = np.where(weights > 1e-9, weights, 0) / (stop - start)[:, None]  # what is below is rounding
            at = np.minimum(at, source - 1)
        used = (weights > 0).any(axis=0)
        return cls(at[:, used], weights[:, used].astype(np.float32), scale)

    @property
    def is_plain(self) -> bool:
        """Whether every pixel is one of the source's."""
        return self.at.shape[1] == 1

    def window(self, places: Indices) -> slice:
        """The part of the source that some pixels are made of."""
        return slice(int(self.at[places].min()), int(self.at[places].max()) + 1)

    def gather(self, values: FloatArray, places: Indices, start: int, axis: int) -> FloatArray:
        """Some pixels along an axis, of the source from `start` on; tap by tap, so that no window changes a sum."""
        form = [1] * values.ndim
        form[axis] = len(places)
        at, weights = self.at[places] - start, self.weights[places]
        if self.is_plain:
            return np.take(values, at[:, 0], axis)
        total = np.zeros((), np.float32)
        for tap in range(at.shape[1]):
            weight = weights[:, tap].reshape(form)
            total = total + np.where(weight > 0, weight * np.take(values, at[:, tap], axis), 0)  # 0 · NaN is no part
        return np.asarray(total, np.float32)
