"""From an image and a model to a field: precision, features, the attention map.

The place that turns numpy into torch for inference. What is read or saved is computed in float32 with TF32 off,
features included; only a field's `preview_bands` is not. Encoding in bfloat16 took 0.4 of the time, but moved values
by up to .0046 (RMSE .0001) on the first sample, and would let them depend on tiles where features are computed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.inference import tiling
from nesr_gui.inference.band_field import BandField, BandInference
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.device import to_device, translate_torch_errors
from nesr_gui.inference.factorised_field import (
    STORED_BYTES,
    CalibratedFactorisedField,
    Cells,
    ComputedSurroundings,
    FactorisedField,
    StoredSurroundings,
    Surroundings,
)
from nesr_gui.inference.features import (
    AttentionSums,
    CachedFeatures,
    Features,
    LazyFeatures,
    attention_map,
    cache_features,
    tile_sums,
)
from nesr_gui.inference.model import LoadedModel
from nesr_gui.inference.model_input import ModelInput
from nesr_gui.inference.nesr_field import CalibratedNeSRField, NeSRField
from nesr_gui.inference.reconstructed_field import ReconstructedField
from nesr_gui.networks.band_network import BandNetwork
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSR
from nesr_gui.networks.registry import kind_of
from nesr_gui.networks.spi import HALO
from nesr_gui.spectral import RGBImage

MOST_BYTES = 8 << 30  # of features that have to be kept


def _quiet(_: float) -> None:
    """Progress nobody watches."""


@dataclass(frozen=True, eq=False)
class PreparedInput:
    """An image as its network sees it: `rgb` (1, inputs, H, W) over the white `level`, nothing of it encoded yet."""

    model: LoadedModel
    image: ModelInput
    level: float
    rgb: Tensor

    @property
    def is_tileable(self) -> bool:
        """Whether `tiles`, `sums` and `field` make the field, on several machines if need be."""
        return False

    def check_tiles(self) -> None:
        """Raise ValueError where the field cannot be made of `sums` over `tiles`."""
        if not self.is_tileable:
            raise ValueError(
                f"{self.model.name} cannot be computed tile by tile on several machines; reconstruct on one, or take "
                "an embedded model"
            )

    def tiles(self) -> Iterator[tuple[float, slice, slice]]:
        """The tiles whose `sums` make the attention map, in the order of adding, each with the fraction before it."""
        height, width = self.image.shape
        return tiling.iter_square_tiles(slice(0, height), slice(0, width), self.model.small_tile or tiling.TILE)

    def sums(self, rows: slice, cols: slice) -> AttentionSums | None:
        """What a tile adds to the attention map."""
        raise NotImplementedError

    def field(self, sums: AttentionSums | None) -> ReconstructedField:
        """The field that follows from the sums over all tiles; None for a network without attention."""
        raise NotImplementedError

    def encoded(self, report: ProgressCallback) -> ReconstructedField | BandField:
        """The field, with what is worth keeping computed."""
        raise NotImplementedError

    @property
    def calibration(self) -> IntervalCalibration | None:
        """Of the model, where it is of such images: it is of colours."""
        return self.model.checkpoint.calibration if isinstance(self.image, RGBImage) else None


class PreparedBands(PreparedInput):
    """For a network that answers at fixed bands."""

    def encoded(self, report: ProgressCallback) -> BandField:
        """See `PreparedInput.encoded`."""
        network = self.model.network
        assert isinstance(network, BandNetwork)
        run = BandInference(network, self.rgb, self.level, self.model.small_tile)
        return BandField(self.model, self.image, *run.values(report))


class PreparedNeSR(PreparedInput):
    """For the paper's network."""

    @property
    def network(self) -> NeSR:
        """The network."""
        assert isinstance(self.model.network, NeSR)
        return self.model.network

    @property
    def is_tileable(self) -> bool:
        """See `PreparedInput.is_tileable`."""
        return self.network.halo is not None and self.network.has_context

    @property
    def features(self) -> LazyFeatures:
        """Features that are computed where they are asked for, which takes no memory."""
        assert self.network.halo is not None
        return LazyFeatures(self.network, self.rgb, self.network.halo, self.model.small_tile or tiling.TILE)

    def sums(self, rows: slice, cols: slice, features: Features | None = None) -> AttentionSums | None:
        """See `PreparedInput.sums`."""
        return tile_sums(self.network, features or self.features, self.image.shape, rows, cols)

    def field(
        self, sums: AttentionSums | None, features: Features | None = None, notes: tuple[str, ...] = ()
    ) -> NeSRField:
        """See `PreparedInput.field`."""
        attention = attention_map(self.network.nam, sums, self.model.device) if sums else None
        given: dict[str, Any] = {"features": features or self.features, "attention": attention, "notes": notes}
        if self.calibration is None:
            return NeSRField(self.model, self.image, self.rgb, self.level, **given)
        return CalibratedNeSRField(self.model, self.image, self.rgb, self.level, calibration=self.calibration, **given)

    def encoded(self, report: ProgressCallback) -> NeSRField:
        """See `PreparedInput.encoded`."""
        features, notes = self._features(lambda done: report(0.8 * done))
        parts = []
        for done, rows, cols in self.tiles() if self.network.has_context else ():
            report(0.8 + 0.2 * done)
            parts.append(self.sums(rows, cols, features))
        return self.field(AttentionSums.total(parts) if parts else None, features, notes)

    def _features(self, progress: ProgressCallback) -> tuple[Features, tuple[str, ...]]:
        """Encoder features of an image, and what a user has to know of how they were computed."""
        network, (height, width) = self.network, self.image.shape
        size = 4 * network.features * height * width
        if network.halo is not None:
            keep = self.model.small_tile is None
            return (cache_features(self.features, progress) if keep else self.features), ()
        if size > MOST_BYTES:
            raise ValueError(
                f"{self.model.name} would keep {size / 2**30:.0f} GiB for a photograph of {width}×{height} pixels; at "
                f"most {MOST_BYTES >> 30} GiB are allowed, so reconstruct it reduced"
            )
        side = tiling.blended_tile_size(network.scratch, (height, width))
        features = tiling.run_whole_or_blended(network.encoder, network.encode, self.rgb, side, progress)
        return CachedFeatures(F.pad(features, (HALO,) * 4)), (tiling.NOTE.format(side=side),) if side else ()


class PreparedFactorised(PreparedInput):
    """For a network of coefficients."""

    @property
    def network(self) -> FactorisedNeSR:
        """The network."""
        assert isinstance(self.model.network, FactorisedNeSR)
        return self.model.network

    @property
    def cells(self) -> Cells:
        """What the surroundings are computed on."""
        return Cells(self.network, self.rgb)

    @property
    def is_tileable(self) -> bool:
        """See `PreparedInput.is_tileable`."""
        return self.network.has_attention

    def sums(self, rows: slice, cols: slice) -> AttentionSums:
        """See `PreparedInput.sums`."""
        with torch.inference_mode():
            return self.cells.sums(*self.cells.within(rows, cols))

    def field(self, sums: AttentionSums | None) -> FactorisedField:
        """See `PreparedInput.field`."""
        return self._field(ComputedSurroundings(self.cells, self._attention(sums)) if self._sees_around else None)

    def encoded(self, report: ProgressCallback) -> FactorisedField:
        """See `PreparedInput.encoded`."""
        if not self._sees_around:
            return self._field(None)
        cells, parts = self.cells, []
        height, width = cells.shape
        thrifty = self.model.small_tile is not None
        if not thrifty and 4 * self.network.config.features * height * width <= STORED_BYTES:
            cells = cells.encoded(lambda done: report(0.6 * done))
        for done, rows, cols in cells.tiles() if self.network.has_attention else ():
            report(0.6 + 0.2 * done)
            parts.append(cells.sums(rows, cols))
        attention = self._attention(AttentionSums.total(parts) if parts else None)
        if thrifty or 4 * self.network.config.hidden[0] * height * width > STORED_BYTES:
            return self._field(ComputedSurroundings(self.cells, attention))
        return self._field(StoredSurroundings.of(cells, attention, lambda done: report(0.8 + 0.2 * done)))

    @property
    def _sees_around(self) -> bool:
        return self.network.has_surroundings

    def _attention(self, sums: AttentionSums | None) -> Tensor | None:
        return attention_map(self.network.nam, sums, self.model.device) if sums else None

    def _field(self, surroundings: Surroundings | None) -> FactorisedField:
        given: dict[str, Any] = {"surroundings": surroundings}
        if self.calibration is None:
            return FactorisedField(self.model, self.image, self.rgb, self.level, **given)
        given["calibration"] = self.calibration
        return CalibratedFactorisedField(self.model, self.image, self.rgb, self.level, **given)


PREPARATIONS: dict[str, type[PreparedInput]] = {"nesr": PreparedNeSR, "factorised": PreparedFactorised}
"""How an image becomes a field, by kind of system; those that are not named answer at their bands."""


def prepare(image: ModelInput, model: LoadedModel) -> PreparedInput:
    """Put an image, at the resolution its field is to have, on the model's device.

    Raises:
        ValueError: the model takes something else.
    """
    model.check_input(image)
    values = image.values if isinstance(image, RGBImage) else np.moveaxis(image.values, 0, -1)  # (H, W, inputs)
    level = cie.white_level(values) if model.network.normalised else 1.0
    shown = torch.from_numpy(values / values.dtype.type(level)).permute(2, 0, 1)[None].contiguous()
    preparation = PREPARATIONS.get(kind_of(model.network.config), PreparedBands)
    return preparation(model, image, level, to_device(shown, model.device))


@translate_torch_errors()
@torch.inference_mode()
def encode(
    image: ModelInput, model: LoadedModel, *, progress: ProgressCallback | None = None
) -> ReconstructedField | BandField:
    """Make the field of a photograph, or of what a model sees of a cube: what is slow, once.

    Args:
        image: at the resolution the field is to have.
        model: from `load_model`.
        progress: called between tiles with the fraction done; what it raises (`Cancelled`) ends the work.

    Raises:
        ValueError: the model takes something else, or the image is too large for it.
    """
    report = progress or _quiet
    field = prepare(image, model).encoded(report)
    report(1.0)
    return field
