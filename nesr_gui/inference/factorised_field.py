"""A photograph as coefficients of spectra: any wavelength is one small matrix product away."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui.fields.protocol import (
    BLOCK_VALUES,
    Block,
    Points,
    ProgressCallback,
    validate_points,
    validate_wavelengths,
    validate_window,
)
from nesr_gui.inference import tiling
from nesr_gui.inference.device import AdaptiveBatch
from nesr_gui.inference.features import AttentionSums
from nesr_gui.inference.model_input import ModelInput
from nesr_gui.inference.reconstructed_field import CalibratedReconstruction, ReconstructedField
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.spectral import FloatArray, Wavelengths

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel

CELLS = 128  # along a side of what is computed at once of the surroundings
STORED_BYTES = 1 << 30  # surroundings above this are computed again for each window
CACHED_BYTES = 384 << 20  # coefficients of a window up to this are kept for the next wavelength
PIXELS_AT_ONCE = 1 << 13  # through the MLP: few, so that its hidden layers stay in a processor's caches


class Surroundings(Protocol):
    """What the MLP reads of the surroundings of an image's cells."""

    def window(self, rows: slice, cols: slice) -> Tensor:
        """(width, r, c) of some rows and columns of cells."""
        ...

    def cells(self, rows: Tensor, cols: Tensor) -> Tensor:
        """(N, width) of single cells."""
        ...


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of an image: what its surroundings are computed on, in windows that see `halo` cells beyond them.

    `rgb` (1, 3, H, W) is linear, over the white level; `features` (1, F, h, w) are those of the encoder, where they are
    at hand.
    """

    network: FactorisedNeSR
    rgb: Tensor
    features: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns; the last may reach beyond the image, whose last pixels then stand for what is missing."""
        height, width = (-(-size // self.network.scale) for size in self.rgb.shape[2:])
        return height, width

    def within(self, rows: slice, cols: slice) -> tuple[slice, slice]:
        """The cells that some pixels lie in."""
        scale = self.network.scale
        first, second = (slice(part.start // scale, -(-part.stop // scale)) for part in (rows, cols))
        return first, second

    def encoded(self, progress: ProgressCallback) -> Cells:
        """The same with all features at hand."""
        halo = self.network.halo - self.network.code_halo
        features = self.rgb.new_empty(1, self.network.config.features, *self.shape)
        for done, rows, cols in self.tiles():
            progress(done)
            features[:, :, rows, cols] = self._windowed(self._encode, rows, cols, halo)
        return replace(self, features=features)

    def tokens(self, rows: slice, cols: slice) -> Tensor:
        """What `FactorisedNeSR.tokens` makes of a window of cells, as if it saw the whole image."""
        if (features := self.features) is None:
            return self._windowed(lambda *seen: self.network.tokens(self._encode(*seen)), rows, cols, self.network.halo)
        make = self.network.tokens
        return self._windowed(lambda y, x: make(features[:, :, y, x]), rows, cols, self.network.code_halo)

    def _windowed(self, run: Callable[[slice, slice], Tensor], rows: slice, cols: slice, halo: int) -> Tensor:
        """What `run` answers for a window (1, N, r, c, …) that depends on so many cells around."""
        spans = [_span(part, size, halo) for part, size in zip((rows, cols), self.shape, strict=True)]
        seen, kept = zip(*spans, strict=True)
        return run(*seen)[:, :, kept[0], kept[1]]

    def _encode(self, rows: slice, cols: slice) -> Tensor:
        return self.network.encode(self._pixels(rows, cols))

    def sums(self, rows: slice, cols: slice) -> AttentionSums:
        """What a window of cells adds to the attention map of the image."""
        found = self.network.correlations(self.tokens(rows, cols))
        return AttentionSums(*(part[0].cpu().double().numpy() for part in found))

    def context(self, rows: slice, cols: slice, attention: Tensor | None) -> Tensor:
        """(width, r, c), what the MLP reads of a window of cells."""
        return self.network.context(self.tokens(rows, cols), attention)[0]

    def tiles(self) -> Iterator[tuple[float, slice, slice]]:
        """Windows that cover the image, each with the fraction before it."""
        return tiling.iter_square_tiles(slice(0, self.shape[0]), slice(0, self.shape[1]), CELLS)

    def _pixels(self, rows: slice, cols: slice) -> Tensor:
        """The pixels (1, 3, r · scale, c · scale) of a window of cells."""
        scale = self.network.scale
        index = (
            torch.arange(part.start * scale, part.stop * scale, device=self.rgb.device).clamp_(max=size - 1)
            for part, size in zip((rows, cols), self.rgb.shape[2:], strict=True)
        )
        y, x = index
        return self.rgb[:, :, y[:, None], x]


def _span(part: slice, size: int, halo: int) -> tuple[slice, slice]:
    """Along one axis: the cells that are read, and which of them are answered."""
    seen = slice(max(part.start - halo, 0), min(part.stop + halo, size))
    return seen, slice(part.start - seen.start, part.stop - seen.start)


@dataclass(frozen=True, eq=False)
class StoredSurroundings:
    """Surroundings of all cells (width, h, w), computed once."""

    values: Tensor

    @classmethod
    def of(cls, cells: Cells, attention: Tensor | None, progress: ProgressCallback) -> StoredSurroundings:
        """Compute them tile by tile."""
        width = cells.network.config.hidden[0]
        values = cells.rgb.new_empty(width, *cells.shape)
        for done, rows, cols in cells.tiles():
            progress(done)
            values[:, rows, cols] = cells.context(rows, cols, attention)
        return cls(values)

    def window(self, rows: slice, cols: slice) -> Tensor:
        """See `Surroundings`; a view."""
        return self.values[:, rows, cols]

    def cells(self, rows: Tensor, cols: Tensor) -> Tensor:
        """See `Surroundings`."""
        return self.values[:, rows, cols].T


@dataclass(frozen=True, eq=False)
class ComputedSurroundings:
    """Surroundings that are computed for each window that is asked for, which takes time instead of memory."""

    image: Cells
    attention: Tensor | None

    def window(self, rows: slice, cols: slice) -> Tensor:
        """See `Surroundings`."""
        return self.image.context(rows, cols, self.attention)

    def cells(self, rows: Tensor, cols: Tensor) -> Tensor:
        """See `Surroundings`; cells that lie in one tile are computed together."""
        found = self.image.rgb.new_empty(len(rows), self.image.network.config.hidden[0])
        tile = rows // CELLS * self.image.shape[1] + cols // CELLS
        for some in (tile == each for each in torch.unique(tile)):
            y, x = rows[some], cols[some]
            first = int(y.min()), int(x.min())
            window = self.window(slice(first[0], int(y.max()) + 1), slice(first[1], int(x.max()) + 1))
            found[some] = window[:, y - first[0], x - first[1]].T
        return found


class FactorisedField(ReconstructedField):
    """A photograph whose every pixel has coefficients, and wavelengths their functions; see `FactorisedNeSR`."""

    def __init__(
        self,
        model: LoadedModel,
        image: ModelInput,
        rgb: Tensor,
        level: float,
        *,
        surroundings: Surroundings | None,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(model, image, rgb, level, notes)
        assert isinstance(model.network, FactorisedNeSR)
        self._network, self._surroundings = model.network, surroundings
        self._portion = AdaptiveBatch(model.device, max(model.network.config.hidden))
        self._cached: tuple[tuple[int, ...], Tensor] | None = None  # the latest window's coefficients

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        nm, places = validate_wavelengths(self, wavelengths), validate_points(self, points)
        return self._portion.work(lambda tokens: self._curves(places, nm, tokens))

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """See `SpectralField.band`."""
        return self._bands(validate_wavelengths(self, nm), stride, *validate_window(self, rows, cols))[0]

    def preview_bands(
        self,
        wavelengths: Wavelengths | npt.ArrayLike,
        *,
        stride: int = 1,
        rows: slice | None = None,
        cols: slice | None = None,
    ) -> FloatArray:
        """See `PreviewField.preview_bands`."""
        return self._bands(validate_wavelengths(self, wavelengths), stride, *validate_window(self, rows, cols))

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        nm, window = validate_wavelengths(self, wavelengths), validate_window(self, rows, cols)
        functions = self._functions(nm)
        for _, tile_rows, tile_cols in tiling.iter_square_tiles(*window, _side(BLOCK_VALUES // nm.size)):
            coefficients = self._coefficients(tile_rows, tile_cols, 1)
            yield Block(tile_rows, tile_cols, self._values(coefficients, functions).cpu().numpy())

    @torch.inference_mode()
    def _curves(self, places: npt.NDArray[np.int64], nm: npt.NDArray[np.float64], pixels: int) -> FloatArray:
        """(N, L), of so many pixels at once."""
        functions, curves = self._functions(nm), np.empty((len(places), nm.size), np.float32)
        for first in range(0, len(places), pixels):
            some = places[first : first + pixels]
            rows, cols = (torch.from_numpy(axis.copy()).to(self.rgb.device) for axis in some.T)
            context = None if self._surroundings is None else self._around(rows, cols)
            coefficients = self._network.coefficients(context, self.rgb[0][:, rows, cols].T)
            curves[first : first + pixels] = self._values(coefficients.T, functions).T.cpu().numpy()
        return curves

    def _around(self, rows: Tensor, cols: Tensor) -> Tensor:
        """Surroundings (N, width) of pixels, each from the four cells next to it."""
        assert self._surroundings is not None
        (height, width), scale, count = self._cells, self._network.scale, len(rows)
        y, x = _taps(rows, height, scale), _taps(cols, width, scale)
        near_rows = torch.cat([y.below, y.above, y.below, y.above])
        near_cols = torch.cat([x.below, x.below, x.above, x.above])
        near = self._surroundings.cells(near_rows, near_cols)
        above_left, below_left, above_right, below_right = torch.split(near, count)
        left = torch.lerp(above_left, below_left, y.weight[:, None])
        right = torch.lerp(above_right, below_right, y.weight[:, None])
        return torch.lerp(left, right, x.weight[:, None])

    @property
    def _cells(self) -> tuple[int, int]:
        height, width = (-(-size // self._network.scale) for size in self.shape)
        return height, width

    @torch.inference_mode()
    def _bands(self, nm: npt.NDArray[np.float64], stride: int, rows: slice, cols: slice) -> FloatArray:
        """(L, h, w) of a window. Its coefficients are kept: the next wavelength is asked of the same window."""
        functions = self._functions(nm)
        size = [len(range(part.start, part.stop, stride)) for part in (rows, cols)]
        if 4 * functions.shape[1] * math.prod(size) <= CACHED_BYTES:
            key = (rows.start, rows.stop, cols.start, cols.stop, stride)
            cached = self._cached
            if cached is None or cached[0] != key:
                cached = self._cached = key, self._coefficients(rows, cols, stride)
            return self._values(cached[1], functions).cpu().numpy()
        bands = np.empty((nm.size, *size), np.float32)
        for _, y, x in tiling.iter_square_tiles(slice(0, size[0]), slice(0, size[1]), _side(BLOCK_VALUES // nm.size)):
            own = [
                slice(part.start + at.start * stride, min(part.start + at.stop * stride, part.stop))
                for part, at in ((rows, y), (cols, x))
            ]
            bands[:, y, x] = self._values(self._coefficients(own[0], own[1], stride), functions).cpu().numpy()
        return bands

    @torch.inference_mode()
    def _coefficients(self, rows: slice, cols: slice, stride: int) -> Tensor:
        """(rank + 3, h', w') of every `stride`-th row and column of a window."""
        if (cached := self._cached) is not None and cached[0] == (0, self.shape[0], 0, self.shape[1], 1):
            return cached[1][:, rows, cols][:, ::stride, ::stride]
        return self._portion.work(lambda pixels: self._computed(rows, cols, stride, min(pixels, PIXELS_AT_ONCE)))

    def _computed(self, rows: slice, cols: slice, stride: int, pixels: int) -> Tensor:
        device, scale = self.rgb.device, self._network.scale
        y, x = (torch.arange(part.start, part.stop, stride, device=device) for part in (rows, cols))
        coefficients = self.rgb.new_empty(self._network.config.rank + 3, len(y), len(x))
        few = max(CELLS * scale // stride, 1)  # rows and columns whose surroundings are computed at once
        for _, part, across in tiling.iter_square_tiles(slice(0, len(y)), slice(0, len(x)), few):
            around = None if self._surroundings is None else self._upsampled(y[part], x[across])
            rgb = self.rgb[0][:, y[part, None], x[across]]
            at_once = max(pixels // rgb.shape[2], 1)
            for first in range(0, rgb.shape[1], at_once):
                lines = slice(first, first + at_once)
                context = None if around is None else around[:, lines].permute(1, 2, 0)
                found = self._network.coefficients(context, rgb[:, lines].permute(1, 2, 0))
                target = coefficients[:, part, across]
                target[:, lines] = found.permute(2, 0, 1)
        return coefficients

    def _upsampled(self, rows: Tensor, cols: Tensor) -> Tensor:
        """Surroundings (width, r, c) of the pixels where rows and columns cross, linear between cells."""
        height, width = self._cells
        y, x = _taps(rows, height, self._network.scale), _taps(cols, width, self._network.scale)
        spans = (slice(int(taps.below[0]), int(taps.above[-1]) + 1) for taps in (y, x))
        assert self._surroundings is not None
        near = self._surroundings.window(*spans)
        y, x = y.relative(), x.relative()
        lines = torch.lerp(near[:, y.below], near[:, y.above], y.weight[None, :, None])
        return torch.lerp(lines[:, :, x.below], lines[:, :, x.above], x.weight)

    def _functions(self, nm: npt.NDArray[np.float64]) -> Tensor:
        """The basis (L, rank + 3), as if each wavelength had been asked for alone."""
        with torch.inference_mode():
            asked = torch.tensor(nm, dtype=torch.float32, device=self.rgb.device)  # a copy: theirs may be read-only
            return self._network.functions(asked)

    def _values(self, coefficients: Tensor, functions: Tensor) -> Tensor:
        """Answers (L, …) from coefficients (rank + 3, …); no reflectance is negative."""
        with torch.inference_mode():
            values = functions @ coefficients.flatten(1)
            return values.clamp_min_(0).mul_(self.level).view(-1, *coefficients.shape[1:])


class CalibratedFactorisedField(CalibratedReconstruction, FactorisedField):
    """One whose model was calibrated."""


@dataclass(frozen=True, eq=False)
class _Taps:
    """The cells below and above each pixel along one axis, and how much the one above counts."""

    below: Tensor
    above: Tensor
    weight: Tensor

    def relative(self) -> _Taps:
        """The same, counted from the first cell."""
        return _Taps(self.below - self.below[0], self.above - self.below[0], self.weight)


def _taps(pixels: Tensor, cells: int, scale: int) -> _Taps:
    """As `F.interpolate(mode="bilinear", align_corners=False)` has them."""
    position = ((pixels + 0.5) / scale - 0.5).clamp_(min=0)
    below = position.floor().long()
    return _Taps(below, (below + 1).clamp_(max=cells - 1), position - below)


def _side(pixels: int) -> int:
    """The side of a square of at most so many pixels: a power of two, as files are cut."""
    return 1 << max(math.isqrt(pixels), 1).bit_length() - 1
