"""A reconstructed photograph as a field: the model's answer at any pixel and wavelength, and how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui.fields.protocol import (
    BLOCK_VALUES,
    Block,
    IntervalBlock,
    Points,
    QualityFlag,
    assemble_cube,
    validate_points,
    validate_wavelengths,
    validate_window,
)
from nesr_gui.inference import provenance as origin
from nesr_gui.inference import tiling
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.device import AdaptiveBatch, is_faster_in_bfloat16
from nesr_gui.inference.features import Features, border_mask, crosses_border
from nesr_gui.inference.model_input import ModelInput, input_quantity
from nesr_gui.networks.nesr import NeSR, Query
from nesr_gui.networks.spi import HALO, SIDE
from nesr_gui.spectral import FloatArray, RGBImage, SpectralCube, Wavelengths

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel

WAVELENGTHS_AT_ONCE = 32  # of them: neighbours share slices of the first convolution


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """What a network made of a photograph once: everything its answers follow from.

    `rgb` (1, inputs, H, W) is the image over its white `level`; answers are scaled back by it.
    """

    rgb: Tensor
    level: float
    features: Features
    attention: Tensor | None  # (1, …, C, C); None for a network that has none, or one for each pixel
    notes: tuple[str, ...] = ()  # what a user has to know of how they were computed


class NeSRField:
    """An encoded photograph: the model's answer at any of its pixels and any wavelength in its range."""

    def __init__(self, model: LoadedModel, image: ModelInput, encoding: EncodedImage) -> None:
        self.model, self.image, self.quantity = model, image, input_quantity(image)
        self.shape, self.wavelength_range = image.shape, model.wavelength_range
        self.bands, self._encoding = model.bands, encoding
        self._portion = AdaptiveBatch(model.device, model.network.config.channels)

    @property
    def provenance(self) -> dict[str, str]:
        """See `SpectralField.provenance`."""
        return origin.provenance(self.model, self.image, self._encoding.notes)

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
            windows = torch.cat([self._encoding.features.window(*spot) for spot in spots], 3)
            out = any(crosses_border(*spot, self.shape) for spot in spots)
            inside = torch.cat([border_mask(*spot, self.shape, windows) for spot in spots], 3) if out else None
            rgb = torch.cat([self._encoding.rgb[:, :, *spot] for spot in spots], 3)
            curves[some] = self._decoded(windows, inside, rgb, query, SIDE)[0, :, 0].T.cpu().numpy()
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

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """See `SpectralField.cube`."""
        return assemble_cube(self, wavelengths, rows, cols)

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
        side = max(min(self._encoding.features.side // stride, _side(BLOCK_VALUES // nm.size)), 1) * stride
        for _, tile_rows, tile_cols in tiling.iter_square_tiles(rows, cols, side):
            part = partial(self._tile, nm, stride, tile_rows, tile_cols, dtype)
            yield Block(tile_rows, tile_cols, self._portion.work(part))

    @torch.inference_mode()
    def _tile(
        self, nm: npt.NDArray[np.float64], stride: int, rows: slice, cols: slice, dtype: torch.dtype, tokens: int
    ) -> FloatArray:
        """(L, h', w'), decoded in small squares and some wavelengths at a time so that the work stays in the caches."""
        window = self._encoding.features.window(rows, cols)
        shape = [len(range(part.start, part.stop, stride)) for part in (rows, cols)]
        values = self._encoding.rgb.new_empty((nm.size, *shape))  # on the device, which is waited for once
        few = min(nm.size, WAVELENGTHS_AT_ONCE)
        near = min(stride, SIDE) ** 2  # pixels that are read for each that is answered
        queries = [(first, self._query(nm[first : first + few]).to(dtype)) for first in range(0, nm.size, few)]
        for _, y, x in tiling.iter_square_tiles(slice(0, shape[0]), slice(0, shape[1]), _side(tokens // few // near)):
            own_rows, own_cols = (_spread(part, stride, of) for part, of in ((y, rows), (x, cols)))
            around = window[:, :, *(slice(part.start * stride, part.stop * stride + 2 * HALO) for part in (y, x))]
            out = crosses_border(own_rows, own_cols, self.shape)
            inside = border_mask(own_rows, own_cols, self.shape, around) if out else None
            rgb = self._encoding.rgb[:, :, own_rows, own_cols][:, :, ::stride, ::stride]
            for first, query in queries:
                values[first : first + few, y, x] = self._decoded(around, inside, rgb, query, stride)[0]
        answers: FloatArray = values.cpu().numpy()
        return answers

    def _query(self, nm: npt.NDArray[np.float64]) -> Query:
        network = self.model.network
        assert isinstance(network, NeSR)
        asked = torch.tensor(nm, dtype=torch.float32, device=self.model.device)  # a copy: theirs may be read-only
        return network.query(asked, self._encoding.attention)

    def _decoded(self, windows: Tensor, inside: Tensor | None, rgb: Tensor, query: Query, stride: int = 1) -> Tensor:
        network = self.model.network
        assert isinstance(network, NeSR)
        return network.decode(windows, rgb, query, inside, stride) * self._encoding.level


def _side(pixels: int) -> int:
    """The side of a square of at most so many pixels: a power of two, as files are cut."""
    return 1 << max(math.isqrt(pixels), 1).bit_length() - 1


def _spread(part: slice, stride: int, of: slice) -> slice:
    """Where every `stride`-th pixel of a part of a side lies in the image."""
    return slice(of.start + part.start * stride, min(of.start + part.stop * stride, of.stop))


class CalibratedNeSRField(NeSRField):
    """One whose model was calibrated: it says how far its answers may be off, and where not to trust them."""

    def __init__(
        self, model: LoadedModel, image: RGBImage, encoding: EncodedImage, calibration: IntervalCalibration
    ) -> None:
        super().__init__(model, image, encoding)
        self._photograph, self._calibration = image, calibration

    def prediction_interval(
        self, points: Points, wavelengths: Wavelengths | npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval`."""
        rows, cols = validate_points(self, points).T
        rgb = self._encoding.rgb[0][:, rows, cols].T.cpu().numpy()
        return self._ends(rgb, self.spectra(points, wavelengths), validate_wavelengths(self, wavelengths))

    def prediction_interval_blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[IntervalBlock]:
        """See `CalibratedField.prediction_interval_blocks`."""
        nm = validate_wavelengths(self, wavelengths)
        for block in self.blocks(nm, rows=rows, cols=cols):
            rgb = self._encoding.rgb[0][:, block.rows, block.cols].flatten(1).T.cpu().numpy()
            ends = self._ends(rgb, block.values.reshape(len(nm), -1).T, nm)
            yield IntervalBlock(block.rows, block.cols, *(end.T.reshape(block.values.shape) for end in ends))

    def prediction_interval_band(
        self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval_band`."""
        answers = self.band(nm, stride=stride, rows=rows, cols=cols)
        height, width = (slice(side.start, side.stop, stride) for side in validate_window(self, rows, cols))
        rgb = self._encoding.rgb[0, :, height, width].flatten(1).T.cpu().numpy()
        low, high = self._ends(rgb, answers.reshape(-1, 1), validate_wavelengths(self, nm))
        return low.reshape(answers.shape), high.reshape(answers.shape)

    def quality_flags(
        self, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> npt.NDArray[np.uint8]:
        """See `CalibratedField.quality_flags`."""
        sparse = tuple(slice(side.start, side.stop, stride) for side in validate_window(self, rows, cols))
        flags = QualityFlag.UNFAMILIAR_COLOUR * self._calibration.is_unfamiliar(self._photograph.values[sparse])
        if self._photograph.clipped is not None:
            flags = flags | QualityFlag.CLIPPED * self._photograph.clipped[sparse]
        return np.asarray(flags, np.uint8)

    def _ends(self, rgb: FloatArray, answers: FloatArray, nm: npt.NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
        level = self._encoding.level
        low, high = self._calibration.prediction_interval(rgb, answers / level, nm)
        return low * level, high * level
