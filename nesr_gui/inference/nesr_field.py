"""The paper's network as a field: its MLP is asked at every pixel for every wavelength."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui.fields.protocol import BLOCK_VALUES, Block, Points, validate_points, validate_wavelengths, validate_window
from nesr_gui.inference import tiling
from nesr_gui.inference.device import AdaptiveBatch, is_faster_in_bfloat16
from nesr_gui.inference.features import Features, border_mask, crosses_border
from nesr_gui.inference.model_input import ModelInput
from nesr_gui.inference.reconstructed_field import CalibratedReconstruction, ReconstructedField
from nesr_gui.networks.nesr import NeSR, Query
from nesr_gui.networks.spi import HALO, SIDE
from nesr_gui.spectral import FloatArray, Wavelengths

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel

WAVELENGTHS_AT_ONCE = 32  # of them: neighbours share slices of the first convolution


class NeSRField(ReconstructedField):
    """The paper's network as a function: the MLP is asked at every pixel for every wavelength.

    `attention` (1, …, C, C) is the map of the image; None for a network that has none, or one for each pixel.
    """

    def __init__(
        self,
        model: LoadedModel,
        image: ModelInput,
        rgb: Tensor,
        level: float,
        *,
        features: Features,
        attention: Tensor | None,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(model, image, rgb, level, notes)
        self._features, self._attention = features, attention
        self._portion = AdaptiveBatch(model.device, model.network.config.channels)

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        nm, places = validate_wavelengths(self, wavelengths), validate_points(self, points)
        return self._portion.work(lambda tokens: self._curves(places, nm, tokens))

    @torch.inference_mode()
    def _curves(self, places: npt.NDArray[np.int64], nm: npt.NDArray[np.float64], tokens: int) -> FloatArray:
        """(N, L), of as many pixels at once as so many tokens are."""
        curves, query = np.empty((len(places), nm.size), np.float32), self._query(nm)
        at_once = max(tokens // SIDE // nm.size, 1)
        for some in (slice(start, start + at_once) for start in range(0, len(places), at_once)):
            spots = [(slice(row, row + 1), slice(col, col + 1)) for row, col in places[some].tolist()]
            windows = torch.cat([self._features.window(*spot) for spot in spots], 3)
            out = any(crosses_border(*spot, self.shape) for spot in spots)
            inside = torch.cat([border_mask(*spot, self.shape, windows) for spot in spots], 3) if out else None
            curves[some] = self._decoded(windows, inside, query, SIDE)[0, :, 0].T.cpu().numpy()
        return curves

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
        dtype = torch.bfloat16 if is_faster_in_bfloat16(self.model.device) else torch.float32
        return self._bands(validate_wavelengths(self, wavelengths), stride, *validate_window(self, rows, cols), dtype)

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        return self._tiles(validate_wavelengths(self, wavelengths), 1, *validate_window(self, rows, cols))

    def _bands(
        self, nm: npt.NDArray[np.float64], stride: int, rows: slice, cols: slice, dtype: torch.dtype = torch.float32
    ) -> FloatArray:
        """(L, h, w) of a window."""
        size = (-(-(part.stop - part.start) // stride) for part in (rows, cols))
        bands = np.empty((nm.size, *size), np.float32)
        for tile in self._tiles(nm, stride, rows, cols, dtype):
            y, x = (tile.rows.start - rows.start) // stride, (tile.cols.start - cols.start) // stride
            bands[:, y : y + tile.values.shape[1], x : x + tile.values.shape[2]] = tile.values
        return bands

    def _tiles(
        self, nm: npt.NDArray[np.float64], stride: int, rows: slice, cols: slice, dtype: torch.dtype = torch.float32
    ) -> Iterator[Block]:
        """Every `stride`-th row and column of a window, square by square; a block's slices are of the full image."""
        side = max(min(self._features.side // stride, _side(BLOCK_VALUES // nm.size)), 1) * stride
        for _, tile_rows, tile_cols in tiling.iter_square_tiles(rows, cols, side):
            part = partial(self._tile, nm, stride, tile_rows, tile_cols, dtype)
            yield Block(tile_rows, tile_cols, self._portion.work(part))

    @torch.inference_mode()
    def _tile(
        self, nm: npt.NDArray[np.float64], stride: int, rows: slice, cols: slice, dtype: torch.dtype, tokens: int
    ) -> FloatArray:
        """(L, h', w'), decoded in small squares and some wavelengths at a time so that the work stays in the caches."""
        window = self._features.window(rows, cols)
        shape = [len(range(part.start, part.stop, stride)) for part in (rows, cols)]
        values = self.rgb.new_empty((nm.size, *shape))  # on the device, which is waited for once
        few = min(nm.size, WAVELENGTHS_AT_ONCE)
        near = min(stride, SIDE) ** 2  # pixels that are read for each that is answered
        queries = [(first, self._query(nm[first : first + few]).to(dtype)) for first in range(0, nm.size, few)]
        for _, y, x in tiling.iter_square_tiles(slice(0, shape[0]), slice(0, shape[1]), _side(tokens // few // near)):
            own_rows, own_cols = (_spread(part, stride, of) for part, of in ((y, rows), (x, cols)))
            around = window[:, :, *(slice(part.start * stride, part.stop * stride + 2 * HALO) for part in (y, x))]
            out = crosses_border(own_rows, own_cols, self.shape)
            inside = border_mask(own_rows, own_cols, self.shape, around) if out else None
            for first, query in queries:
                values[first : first + few, y, x] = self._decoded(around, inside, query, stride)[0]
        answers: FloatArray = values.cpu().numpy()
        return answers

    def _query(self, nm: npt.NDArray[np.float64]) -> Query:
        network = self.model.network
        assert isinstance(network, NeSR)
        asked = torch.tensor(nm, dtype=torch.float32, device=self.model.device)  # a copy: theirs may be read-only
        return network.query(asked, self._attention)

    def _decoded(self, windows: Tensor, inside: Tensor | None, query: Query, stride: int = 1) -> Tensor:
        network = self.model.network
        assert isinstance(network, NeSR)
        return network.decode(windows, query, inside, stride) * self.level


class CalibratedNeSRField(CalibratedReconstruction, NeSRField):
    """One whose model was calibrated."""


def _side(pixels: int) -> int:
    """The side of a square of at most so many pixels: a power of two, as files are cut."""
    return 1 << max(math.isqrt(pixels), 1).bit_length() - 1


def _spread(part: slice, stride: int, of: slice) -> slice:
    """Where every `stride`-th pixel of a part of a side lies in the image."""
    return slice(of.start + part.start * stride, min(of.start + part.stop * stride, of.stop))
