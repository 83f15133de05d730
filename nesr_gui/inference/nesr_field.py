"""Fields of the paper's network, whose MLP is evaluated at every pixel for every wavelength."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui.fields.protocol import BLOCK_VALUES, Block, validate_wavelengths, validate_window
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

WAVELENGTHS_AT_ONCE = 32  # adjacent wavelengths share slices of the first convolution


class NeSRField(ReconstructedField):
    """Field of a `NeSR` network.

    Args:
        model: the model, whose network is a `NeSR`.
        image: its input.
        rgb: the input on the device, (1, inputs, H, W), divided by `level`.
        level: white level by which values are multiplied.
        features: encoder features of the image.
        attention: attention map of the image (1, …, C, C); None if the network has none, or one per pixel.
        notes: sentences for the user on how the model was run.
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
        assert isinstance(model.network, NeSR)
        batch = AdaptiveBatch(model.device, model.network.config.channels)
        super().__init__(model, image, rgb, level, batch=batch, notes=notes)
        self._network, self._features, self._attention = model.network, features, attention

    @torch.inference_mode()
    def _spectra(self, pixels: npt.NDArray[np.int64], nm: npt.NDArray[np.float64], count: int) -> FloatArray:
        spectra, query = np.empty((len(pixels), nm.size), np.float32), self._query(nm)
        at_once = max(count // SIDE // nm.size, 1)
        for batch in (slice(start, start + at_once) for start in range(0, len(pixels), at_once)):
            positions = [(slice(row, row + 1), slice(col, col + 1)) for row, col in pixels[batch].tolist()]
            windows = torch.cat([self._features.window(*position) for position in positions], 3)
            inside = None
            if any(crosses_border(*position, self.shape) for position in positions):
                inside = torch.cat([border_mask(*position, self.shape, windows) for position in positions], 3)
            spectra[batch] = self._decode(windows, inside, query, SIDE)[0, :, 0].T.cpu().numpy()
        return spectra

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        return self._tiles(validate_wavelengths(self, wavelengths), 1, *validate_window(self, rows, cols))

    def _bands(
        self, nm: npt.NDArray[np.float64], stride: int, rows: slice, cols: slice, *, preview: bool = False
    ) -> FloatArray:
        dtype = torch.bfloat16 if preview and is_faster_in_bfloat16(self.model.device) else torch.float32
        size = (-(-(part.stop - part.start) // stride) for part in (rows, cols))
        bands = np.empty((nm.size, *size), np.float32)
        for tile in self._tiles(nm, stride, rows, cols, dtype):
            y, x = (tile.rows.start - rows.start) // stride, (tile.cols.start - cols.start) // stride
            bands[:, y : y + tile.values.shape[1], x : x + tile.values.shape[2]] = tile.values
        return bands

    def _tiles(
        self, nm: npt.NDArray[np.float64], stride: int, rows: slice, cols: slice, dtype: torch.dtype = torch.float32
    ) -> Iterator[Block]:
        """Yield every `stride`-th row and column of a window in square tiles; their slices refer to the full image."""
        side = max(min(self._features.side // stride, tiling.square_side(BLOCK_VALUES // nm.size)), 1) * stride
        for _, tile_rows, tile_cols in tiling.iter_square_tiles(rows, cols, side):
            tile = partial(self._tile, nm, stride, tile_rows, tile_cols, dtype)
            yield Block(tile_rows, tile_cols, self.batch.run(tile))

    @torch.inference_mode()
    def _tile(
        self, nm: npt.NDArray[np.float64], stride: int, rows: slice, cols: slice, dtype: torch.dtype, tokens: int
    ) -> FloatArray:
        """(L, h', w'), decoded in small squares and some wavelengths at a time so that the data stays in the caches."""
        window = self._features.window(rows, cols)
        shape = [len(range(part.start, part.stop, stride)) for part in (rows, cols)]
        values = self.rgb.new_empty((nm.size, *shape))  # on the device, so that it is synchronised only once
        bands = min(nm.size, WAVELENGTHS_AT_ONCE)
        pixels_read = min(stride, SIDE) ** 2  # per pixel of the output
        queries = [(first, self._query(nm[first : first + bands]).to(dtype)) for first in range(0, nm.size, bands)]
        side = tiling.square_side(tokens // bands // pixels_read)
        for _, y, x in tiling.iter_square_tiles(slice(0, shape[0]), slice(0, shape[1]), side):
            square = [_in_image(part, stride, of) for part, of in ((y, rows), (x, cols))]
            around = window[:, :, *(slice(part.start * stride, part.stop * stride + 2 * HALO) for part in (y, x))]
            outside = crosses_border(square[0], square[1], self.shape)
            inside = border_mask(square[0], square[1], self.shape, around) if outside else None
            for first, query in queries:
                values[first : first + bands, y, x] = self._decode(around, inside, query, stride)[0]
        result: FloatArray = values.cpu().numpy()
        return result

    def _query(self, nm: npt.NDArray[np.float64]) -> Query:
        wavelengths = torch.tensor(nm, dtype=torch.float32, device=self.model.device)  # copies, as nm may be read-only
        return self._network.query(wavelengths, self._attention)

    def _decode(self, windows: Tensor, inside: Tensor | None, query: Query, stride: int = 1) -> Tensor:
        return self._network.decode(windows, query, inside, stride) * self.level


class CalibratedNeSRField(CalibratedReconstruction, NeSRField):
    """Field of a calibrated `NeSR` network."""


def _in_image(part: slice, stride: int, window: slice) -> slice:
    """Extent in the image of `part`, which counts every `stride`-th pixel along one side of a window."""
    return slice(window.start + part.start * stride, min(window.start + part.stop * stride, window.stop))
