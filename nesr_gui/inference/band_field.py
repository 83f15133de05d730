"""A photograph as a system of fixed bands answers it: a cube, linear between them, kept or computed when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui.fields.protocol import CubeArray, CubeField, ProgressCallback
from nesr_gui.inference import provenance, tiling
from nesr_gui.inference.device import translate_torch_errors
from nesr_gui.inference.model_input import ModelInput, input_quantity
from nesr_gui.networks.band_network import BandNetwork
from nesr_gui.spectral import FloatArray

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel

STORED_BYTES = 1 << 30  # bands above this are computed again per window instead of kept, where windows are exact


class BandField(CubeField):
    """The bands that a model made of a photograph; between them, straight lines (the paper's "+ BI")."""

    def __init__(self, model: LoadedModel, image: ModelInput, values: CubeArray, notes: Sequence[str]) -> None:
        super().__init__(values, model.bands, input_quantity(image), provenance.provenance(model, image, notes))
        self.model, self.image = model, image


@dataclass(frozen=True, eq=False)
class BandInference:
    """A network with the image (1, inputs, H, W) it is to answer for, over its white `level`."""

    network: BandNetwork
    image: Tensor
    level: float
    small_tile: int | None = None  # pixels along a side of what is computed at once, where memory is scarce

    @property
    def shape(self) -> tuple[int, ...]:
        """(L, H, W) of its answer."""
        return len(self.network.bands), *self.image.shape[2:]

    def values(self, progress: ProgressCallback) -> tuple[CubeArray, list[str]]:
        """Its answer, and what a user has to know of how it was computed."""
        notes = [self.network.remark] if self.network.remark else []
        if self.network.halo is not None:
            fits = 4 * int(np.prod(self.shape)) <= STORED_BYTES
            return (self._stored(progress) if fits else LazyBands(self)), notes
        side = self.network.tile or tiling.blended_tile_size(self.network.scratch, (self.shape[1], self.shape[2]))
        blended = side is not None and side < max(self.shape[1:])
        if blended and self.network.tile is None:  # else its remark tells of tiles
            notes.append(tiling.NOTE.format(side=side))
        answer = tiling.run_whole_or_blended(self.network, self.network, self.image, side, progress)
        return self._scaled(answer), notes

    def window(self, rows: slice, cols: slice) -> FloatArray:
        """The answer of a local network (L, h, w) in a window."""
        assert self.network.halo is not None
        return self._scaled(tiling.run_tile_with_halo(self.network, self.image, rows, cols, self.network.halo))

    def _stored(self, progress: ProgressCallback) -> FloatArray:
        values = np.empty(self.shape, np.float32)
        _, height, width = self.shape
        for done, rows, cols in tiling.iter_square_tiles(
            slice(0, height), slice(0, width), self.small_tile or tiling.TILE
        ):
            progress(done)
            values[:, rows, cols] = self.window(rows, cols)
        return values

    def _scaled(self, answer: Tensor) -> FloatArray:
        values: FloatArray = (answer[0] * self.level).cpu().numpy()
        return values


@dataclass(frozen=True, eq=False)
class LazyBands:
    """The answer of a local network that does not fit into memory: computed where it is asked for; a `CubeArray`."""

    run: BandInference

    @property
    def shape(self) -> tuple[int, ...]:
        return self.run.shape

    @translate_torch_errors()
    def __getitem__(self, window: tuple[slice, slice, slice], /) -> npt.NDArray[np.floating]:
        bands, rows, cols = (slice(*part.indices(size)) for part, size in zip(window, self.shape, strict=True))
        counts = [len(range(part.start, part.stop, part.step)) for part in (bands, rows, cols)]
        values = np.empty(counts, np.float32)
        side = max((self.run.small_tile or tiling.TILE) // max(rows.step, cols.step), 1)
        for _, y, x in tiling.iter_square_tiles(slice(0, counts[1]), slice(0, counts[2]), side):
            some = [
                slice(part.start + at.start * part.step, part.start + (at.stop - 1) * part.step + 1)
                for part, at in ((rows, y), (cols, x))
            ]
            with torch.inference_mode():
                values[:, y, x] = self.run.window(*some)[bands, :: rows.step, :: cols.step]
        return values
