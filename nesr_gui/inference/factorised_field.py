"""Fields of the factorised network: coefficients per pixel, and one small matrix product per wavelength."""

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
    ProgressCallback,
    validate_wavelengths,
    validate_window,
)
from nesr_gui.fields.window_cache import WindowCache
from nesr_gui.inference import tiling
from nesr_gui.inference.device import AdaptiveBatch, release_memory, translate_torch_errors
from nesr_gui.inference.features import AttentionSums
from nesr_gui.inference.model_input import ModelInput
from nesr_gui.inference.reconstructed_field import CalibratedReconstruction, ReconstructedField
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.spectral import FloatArray, Wavelengths

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel

CELLS = 128  # side of a tile of surroundings, in cells
STORED_BYTES = 1 << 30  # larger surroundings are recomputed for each window
CACHED_BYTES = 384 << 20  # of coefficients, kept for the next wavelength
PIXELS_AT_ONCE = 1 << 13  # per batch of the MLP: few enough that its hidden layers stay in the processor's caches


class Surroundings(Protocol):
    """Input of the MLP from the surroundings, per cell of an image."""

    def window(self, rows: slice, cols: slice) -> Tensor:
        """Surroundings (width, r, c) of a window of cells."""
        ...

    def cells(self, rows: Tensor, cols: Tensor) -> Tensor:
        """Surroundings (N, width) of single cells at `rows` (N,) and `cols` (N,)."""
        ...


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of an image, on which its surroundings are computed, window by window with a halo."""

    network: FactorisedNeSR
    rgb: Tensor  # (1, 3, H, W), linear, divided by the white level
    features: Tensor | None = None  # (1, F, h, w), of the encoder, if already computed

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) in cells; the last ones may extend beyond the image, whose last pixels are then repeated."""
        height, width = (-(-size // self.network.scale) for size in self.rgb.shape[2:])
        return height, width

    def within(self, rows: slice, cols: slice) -> tuple[slice, slice]:
        """The cells that contain a window of pixels."""
        scale = self.network.scale
        first, second = (slice(part.start // scale, -(-part.stop // scale)) for part in (rows, cols))
        return first, second

    def encoded(self, progress: ProgressCallback) -> Cells:
        """Compute the features of all cells."""
        halo = self.network.halo - self.network.code_halo
        features = self.rgb.new_empty(1, self.network.config.features, *self.shape)
        for done, rows, cols in self.tiles():
            progress(done)
            features[:, :, rows, cols] = tiling.run_window_with_halo(self._encode, rows, cols, self.shape, halo)
        return replace(self, features=features)

    def tokens(self, rows: slice, cols: slice) -> Tensor:
        """`FactorisedNeSR.tokens` of a window of cells (1, M, r, c, …), equal to those of the whole image."""
        network, features = self.network, self.features
        if features is None:
            halo = network.halo
            return tiling.run_window_with_halo(
                lambda y, x: network.tokens(self._encode(y, x)), rows, cols, self.shape, halo
            )
        halo = network.code_halo
        return tiling.run_window_with_halo(
            lambda y, x: network.tokens(features[:, :, y, x]), rows, cols, self.shape, halo
        )

    def _encode(self, rows: slice, cols: slice) -> Tensor:
        return self.network.encode(self._pixels(rows, cols))

    def sums(self, rows: slice, cols: slice) -> AttentionSums:
        """Contribution of a window of cells to the attention map of the image."""
        correlations = self.network.correlations(self.tokens(rows, cols))
        return AttentionSums(*(part[0].cpu().double().numpy() for part in correlations))

    def context(self, rows: slice, cols: slice, attention: Tensor | None) -> Tensor:
        """Surroundings (width, r, c) of a window of cells, given the attention map."""
        return self.network.context(self.tokens(rows, cols), attention)[0]

    def tiles(self) -> Iterator[tuple[float, slice, slice]]:
        """Yield windows of cells that cover the image, each with the fraction done before it."""
        for tile in tiling.iter_square_tiles(slice(0, self.shape[0]), slice(0, self.shape[1]), CELLS):
            yield tile
            release_memory()

    def _pixels(self, rows: slice, cols: slice) -> Tensor:
        """The pixels (1, 3, r · scale, c · scale) of a window of cells."""
        scale = self.network.scale
        index = (
            torch.arange(part.start * scale, part.stop * scale, device=self.rgb.device).clamp_(max=size - 1)
            for part, size in zip((rows, cols), self.rgb.shape[2:], strict=True)
        )
        y, x = index
        return self.rgb[:, :, y[:, None], x]


@dataclass(frozen=True, eq=False)
class StoredSurroundings:
    """Surroundings of all cells, computed once."""

    values: Tensor  # (width, h, w)

    @classmethod
    def of(cls, cells: Cells, attention: Tensor | None, progress: ProgressCallback) -> StoredSurroundings:
        """Compute the surroundings tile by tile."""
        width = cells.network.config.hidden[0]
        values = cells.rgb.new_empty(width, *cells.shape)
        for done, rows, cols in cells.tiles():
            progress(done)
            values[:, rows, cols] = cells.context(rows, cols, attention)
        return cls(values)

    def window(self, rows: slice, cols: slice) -> Tensor:
        """See `Surroundings.window`; a view."""
        return self.values[:, rows, cols]

    def cells(self, rows: Tensor, cols: Tensor) -> Tensor:
        """See `Surroundings.cells`."""
        return self.values[:, rows, cols].T


@dataclass(frozen=True, eq=False)
class ComputedSurroundings:
    """Surroundings recomputed for each window, which takes time instead of memory."""

    image: Cells
    attention: Tensor | None

    def window(self, rows: slice, cols: slice) -> Tensor:
        """See `Surroundings.window`."""
        return self.image.context(rows, cols, self.attention)

    def cells(self, rows: Tensor, cols: Tensor) -> Tensor:
        """See `Surroundings.cells`; cells of the same tile are computed together."""
        values = self.image.rgb.new_empty(len(rows), self.image.network.config.hidden[0])
        tile = rows // CELLS * self.image.shape[1] + cols // CELLS
        for selected in (tile == each for each in torch.unique(tile)):
            y, x = rows[selected], cols[selected]
            first = int(y.min()), int(x.min())
            window = self.window(slice(first[0], int(y.max()) + 1), slice(first[1], int(x.max()) + 1))
            values[selected] = window[:, y - first[0], x - first[1]].T
        return values


class FactorisedField(ReconstructedField):
    """Field of a `FactorisedNeSR` network, a `BasisField`.

    Args:
        model: the model, whose network is a `FactorisedNeSR`.
        image: its input.
        rgb: the input on the device, (1, 3, H, W), divided by `level`.
        level: white level by which values are multiplied.
        surroundings: of the image; None if the network depends on the colour of a pixel only.
        notes: sentences for the user on how the model was run.
    """

    minimum = 0.0

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
        assert isinstance(model.network, FactorisedNeSR)
        batch = AdaptiveBatch(model.device, max(model.network.config.hidden))
        super().__init__(model, image, rgb, level, batch=batch, notes=notes)
        self._network, self._surroundings = model.network, surroundings
        self._cache = WindowCache[Tensor](CACHED_BYTES)

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        nm, window = validate_wavelengths(self, wavelengths), validate_window(self, rows, cols)
        with translate_torch_errors():
            functions = self._functions(nm)
        for _, tile_rows, tile_cols in tiling.iter_square_tiles(*window, tiling.square_side(BLOCK_VALUES // nm.size)):
            with translate_torch_errors():  # a device that works asynchronously reports its failure to `cpu`
                values = self._values(self._coefficients(tile_rows, tile_cols, 1), functions).cpu().numpy()
            yield Block(tile_rows, tile_cols, values)

    def basis(self, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `BasisField.basis`."""
        with translate_torch_errors():
            return self._functions(validate_wavelengths(self, wavelengths)).float().cpu().numpy()

    def coefficient_blocks(self, *, rows: slice | None = None, cols: slice | None = None) -> Iterator[Block]:
        """See `BasisField.coefficient_blocks`; the white level is part of the coefficients."""
        side = tiling.square_side(BLOCK_VALUES // (self._network.config.rank + 3))
        for _, tile_rows, tile_cols in tiling.iter_square_tiles(*validate_window(self, rows, cols), side):
            with translate_torch_errors(), torch.inference_mode():
                values = (self._coefficients(tile_rows, tile_cols, 1) * self.level).float().cpu().numpy()
            yield Block(tile_rows, tile_cols, values)

    @torch.inference_mode()
    def _spectra(self, pixels: npt.NDArray[np.int64], nm: npt.NDArray[np.float64], count: int) -> FloatArray:
        functions, spectra = self._functions(nm), np.empty((len(pixels), nm.size), np.float32)
        for first in range(0, len(pixels), count):
            batch = pixels[first : first + count]
            rows, cols = (torch.from_numpy(axis.copy()).to(self.rgb.device) for axis in batch.T)
            context = None if self._surroundings is None else self._surroundings_of(rows, cols)
            coefficients = self._network.coefficients(context, self.rgb[0][:, rows, cols].T)
            spectra[first : first + count] = self._values(coefficients.T, functions).T.cpu().numpy()
        return spectra

    def _surroundings_of(self, rows: Tensor, cols: Tensor) -> Tensor:
        """Surroundings (N, width) of single pixels, interpolated between the four nearest cells."""
        assert self._surroundings is not None
        (height, width), scale, count = self._cells, self._network.scale, len(rows)
        y, x = _taps(rows, height, scale), _taps(cols, width, scale)
        cell_rows = torch.cat([y.lower, y.upper, y.lower, y.upper])
        cell_cols = torch.cat([x.lower, x.lower, x.upper, x.upper])
        cells = self._surroundings.cells(cell_rows, cell_cols)
        lower_left, upper_left, lower_right, upper_right = torch.split(cells, count)
        left = torch.lerp(lower_left, upper_left, y.weight[:, None])
        right = torch.lerp(lower_right, upper_right, y.weight[:, None])
        return torch.lerp(left, right, x.weight[:, None])

    @property
    def _cells(self) -> tuple[int, int]:
        height, width = (-(-size // self._network.scale) for size in self.shape)
        return height, width

    @translate_torch_errors()
    @torch.inference_mode()
    def _bands(
        self, nm: npt.NDArray[np.float64], stride: int, rows: slice, cols: slice, *, preview: bool = False
    ) -> FloatArray:
        functions = self._functions(nm)
        size = [len(range(part.start, part.stop, stride)) for part in (rows, cols)]
        if 4 * functions.shape[1] * math.prod(size) <= CACHED_BYTES:
            return self._values(self._coefficients(rows, cols, stride, keep=True), functions).cpu().numpy()
        bands = np.empty((nm.size, *size), np.float32)
        at_once = max(CELLS * self._network.scale // stride, 1)  # there are many coefficients for each value of a band
        side = min(tiling.square_side(BLOCK_VALUES // nm.size), at_once)
        for _, y, x in tiling.iter_square_tiles(slice(0, size[0]), slice(0, size[1]), side):
            tile = [
                slice(part.start + at.start * stride, min(part.start + at.stop * stride, part.stop))
                for part, at in ((rows, y), (cols, x))
            ]
            bands[:, y, x] = self._values(self._coefficients(tile[0], tile[1], stride), functions).cpu().numpy()
        return bands

    @torch.inference_mode()
    def _coefficients(self, rows: slice, cols: slice, stride: int, *, keep: bool = False) -> Tensor:
        """Coefficients (rank + 3, h', w') of every `stride`-th row and column of a window; `keep` caches new ones."""
        key = (rows.start, rows.stop, cols.start, cols.stop, stride)
        if (cached := self._cache.get(key)) is not None:
            return cached
        values = self.batch.run(lambda count: self._compute(rows, cols, stride, min(count, PIXELS_AT_ONCE)))
        if keep:
            self._cache.add(key, values)
        return values

    def _compute(self, rows: slice, cols: slice, stride: int, pixels: int) -> Tensor:
        device, scale = self.rgb.device, self._network.scale
        y, x = (torch.arange(part.start, part.stop, stride, device=device) for part in (rows, cols))
        coefficients = self.rgb.new_empty(self._network.config.rank + 3, len(y), len(x))
        side = max(CELLS * scale // stride, 1)  # rows and columns whose surroundings are computed at once
        for _, tile_rows, tile_cols in tiling.iter_square_tiles(slice(0, len(y)), slice(0, len(x)), side):
            surroundings = None if self._surroundings is None else self._upsample(y[tile_rows], x[tile_cols])
            rgb = self.rgb[0][:, y[tile_rows, None], x[tile_cols]]
            target = coefficients[:, tile_rows, tile_cols]
            at_once = max(pixels // rgb.shape[2], 1)
            for first in range(0, rgb.shape[1], at_once):
                lines = slice(first, first + at_once)
                context = None if surroundings is None else surroundings(lines).permute(1, 2, 0)
                batch = self._network.coefficients(context, rgb[:, lines].permute(1, 2, 0))
                target[:, lines] = batch.permute(2, 0, 1)
        return coefficients

    def _upsample(self, rows: Tensor, cols: Tensor) -> Callable[[slice], Tensor]:
        """Return a function of a slice of the `rows`, which gives the surroundings (width, r, c) of its pixels.

        They are interpolated linearly between cells, for few rows at once, so that they stay in the processor's caches.
        """
        height, width = self._cells
        y, x = _taps(rows, height, self._network.scale), _taps(cols, width, self._network.scale)
        spans = (slice(int(taps.lower[0]), int(taps.upper[-1]) + 1) for taps in (y, x))
        assert self._surroundings is not None
        window = self._surroundings.window(*spans)
        y, x = y.relative(), x.relative()

        def interpolated(part: slice) -> Tensor:
            lines = torch.lerp(window[:, y.lower[part]], window[:, y.upper[part]], y.weight[None, part, None])
            return torch.lerp(lines[:, :, x.lower], lines[:, :, x.upper], x.weight)

        return interpolated

    def _functions(self, nm: npt.NDArray[np.float64]) -> Tensor:
        """The basis (L, rank + 3) at `nm`; each row is independent of the others."""
        with torch.inference_mode():
            wavelengths = torch.tensor(nm, dtype=torch.float32, device=self.rgb.device)  # copies, nm may be read-only
            return self._network.functions(wavelengths)

    def _values(self, coefficients: Tensor, functions: Tensor) -> Tensor:
        """Values (L, …) from coefficients (rank + 3, …), clipped at zero, since reflectance is not negative."""
        with torch.inference_mode():
            values = functions @ coefficients.flatten(1)
            return values.clamp_min_(0).mul_(self.level).view(-1, *coefficients.shape[1:])


class CalibratedFactorisedField(CalibratedReconstruction, FactorisedField):
    """Field of a calibrated `FactorisedNeSR` network."""


@dataclass(frozen=True, eq=False)
class _Taps:
    """The two nearest cells of each pixel along one axis, and the weight of the upper one."""

    lower: Tensor
    upper: Tensor
    weight: Tensor

    def relative(self) -> _Taps:
        """Indices relative to the first cell."""
        return _Taps(self.lower - self.lower[0], self.upper - self.lower[0], self.weight)


def _taps(pixels: Tensor, cells: int, scale: int) -> _Taps:
    """Taps of pixels (N,), as in `F.interpolate(mode="bilinear", align_corners=False)`."""
    position = ((pixels + 0.5) / scale - 0.5).clamp_(min=0)
    lower = position.floor().long()
    return _Taps(lower, (lower + 1).clamp_(max=cells - 1), position - lower)
