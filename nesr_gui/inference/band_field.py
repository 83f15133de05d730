"""Fields of networks with fixed bands: a cube, interpolated linearly, stored or computed on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui.fields.protocol import CubeArray, CubeField, ProgressCallback
from nesr_gui.inference import tiling
from nesr_gui.inference.device import translate_torch_errors
from nesr_gui.inference.model_input import ModelInput, input_quantity
from nesr_gui.inference.reconstructed_field import provenance
from nesr_gui.networks.band_network import BandNetwork
from nesr_gui.spectral import FloatArray

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel

STORED_BYTES = 1 << 30  # larger outputs of local networks are recomputed per window instead of stored


class BandField(CubeField):
    """Bands that a model computed from a photograph, linearly interpolated ("+ BI" in the paper)."""

    def __init__(self, model: LoadedModel, image: ModelInput, values: CubeArray, notes: Sequence[str]) -> None:
        super().__init__(
            values,
            model.bands,
            input_quantity(image),
            provenance(model, image, notes),
            binning=image.binning,
            source_shape=image.source_shape,
        )
        self.model, self.image = model, image


@dataclass(frozen=True, eq=False)
class BandInference:
    """A network and its input image (1, inputs, H, W), normalised by the white `level`."""

    network: BandNetwork
    image: Tensor
    level: float
    small_tile: int | None = None  # tile side in low-memory mode

    @property
    def shape(self) -> tuple[int, ...]:
        """(L, H, W) of the output."""
        return len(self.network.bands), *self.image.shape[2:]

    def values(self, progress: ProgressCallback) -> tuple[CubeArray, list[str]]:
        """Output of the network, and notes for the user on how it was computed."""
        notes = [self.network.remark] if self.network.remark else []
        if self.network.halo is not None:
            fits = 4 * int(np.prod(self.shape)) <= STORED_BYTES
            return (self._stored(progress) if fits else LazyBands(self)), notes
        side = self.network.tile or tiling.blended_tile_size(self.network.scratch, (self.shape[1], self.shape[2]))
        blended = side is not None and side < max(self.shape[1:])
        if blended and self.network.tile is None:  # otherwise its remark mentions the tiles
            notes.append(tiling.NOTE.format(side=side))
        output = tiling.run_whole_or_blended(self.network, self.network, self.image, side, progress)
        return self._scale(output), notes

    def window(self, rows: slice, cols: slice) -> FloatArray:
        """Output (L, h, w) of a local network in a window."""
        assert self.network.halo is not None
        return self._scale(tiling.run_tile_with_halo(self.network, self.image, rows, cols, self.network.halo))

    def _stored(self, progress: ProgressCallback) -> FloatArray:
        values = np.empty(self.shape, np.float32)
        _, height, width = self.shape
        for done, rows, cols in tiling.iter_square_tiles(
            slice(0, height), slice(0, width), self.small_tile or tiling.TILE
        ):
            progress(done)
            values[:, rows, cols] = self.window(rows, cols)
        return values

    def _scale(self, output: Tensor) -> FloatArray:
        values: FloatArray = (output[0] * self.level).cpu().numpy()
        return values


@dataclass(frozen=True, eq=False)
class LazyBands:
    """Output of a local network that exceeds the memory limit, computed on demand; a `CubeArray`."""

    run: BandInference

    @property
    def shape(self) -> tuple[int, ...]:
        """(L, H, W) of the output."""
        return self.run.shape

    @translate_torch_errors()
    def __getitem__(self, window: tuple[slice, slice, slice], /) -> npt.NDArray[np.floating]:
        bands, rows, cols = (slice(*part.indices(size)) for part, size in zip(window, self.shape, strict=True))
        counts = [len(range(part.start, part.stop, part.step)) for part in (bands, rows, cols)]
        values = np.empty(counts, np.float32)
        side = max((self.run.small_tile or tiling.TILE) // max(rows.step, cols.step), 1)
        for _, y, x in tiling.iter_square_tiles(slice(0, counts[1]), slice(0, counts[2]), side):
            window_part = [
                slice(part.start + at.start * part.step, part.start + (at.stop - 1) * part.step + 1)
                for part, at in ((rows, y), (cols, x))
            ]
            with torch.inference_mode():
                values[:, y, x] = self.run.window(*window_part)[bands, :: rows.step, :: cols.step]
        return values
