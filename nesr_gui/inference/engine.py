"""From an image and a model to a field: conversion to tensors, features, and the attention map.

Everything that is displayed as a number or saved is computed in float32 with TF32 off, features included; only
`preview_bands` may use lower precision. Encoding in bfloat16 took 0.4 of the time, but changed values by up to .0046
(RMSE .0001) on the first sample, and would make them depend on the tiling where features are recomputed.
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
from nesr_gui.inference.unknown_camera import measured_widening, widened
from nesr_gui.networks.band_network import BandNetwork
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSR
from nesr_gui.networks.registry import kind_of
from nesr_gui.networks.spi import HALO
from nesr_gui.spectral import RGBImage

MOST_BYTES = 8 << 30  # of features that must be stored


def _ignore_progress(_: float) -> None:
    """Discard progress."""


@dataclass(frozen=True, eq=False)
class PreparedInput:
    """An image on the device of its model, not yet encoded."""

    model: LoadedModel
    image: ModelInput
    level: float  # white level
    rgb: Tensor  # (1, inputs, H, W), divided by `level`

    @property
    def is_tileable(self) -> bool:
        """Whether `tiles`, `sums` and `field` can create the field, possibly on several machines."""
        return False

    def check_tiles(self) -> None:
        """Raise ValueError if the field cannot be created from `sums` over `tiles`."""
        if not self.is_tileable:
            raise ValueError(
                f"{self.model.name} cannot be distributed tile by tile; reconstruct on one machine, or choose an "
                "embedded model"
            )

    def tiles(self) -> Iterator[tuple[float, slice, slice]]:
        """Yield the tiles whose `sums` give the attention map, in summation order, each with the fraction done."""
        height, width = self.image.shape
        return tiling.iter_square_tiles(slice(0, height), slice(0, width), self.model.small_tile or tiling.TILE)

    def sums(self, rows: slice, cols: slice) -> AttentionSums | None:
        """Contribution of a tile to the attention map."""
        raise NotImplementedError

    def field(self, sums: AttentionSums | None) -> ReconstructedField:
        """Create the field from the sums over all tiles; None for a network without attention."""
        raise NotImplementedError

    def encode(self, report: ProgressCallback) -> ReconstructedField | BandField:
        """Create the field, with intermediate results stored if they fit into memory."""
        raise NotImplementedError

    @property
    def calibration(self) -> IntervalCalibration | None:
        """Calibration of the model, if it applies to the image; it is defined for photographs only."""
        calibration = self.model.checkpoint.calibration
        if calibration is None or not isinstance(self.image, RGBImage):
            return None
        widening = measured_widening(self.image.source.camera)
        return calibration if widening is None else widened(calibration, widening)


class PreparedBands(PreparedInput):
    """Input of a network with fixed bands."""

    def encode(self, report: ProgressCallback) -> BandField:
        """See `PreparedInput.encode`."""
        network = self.model.network
        assert isinstance(network, BandNetwork)
        run = BandInference(network, self.rgb, self.level, self.model.small_tile)
        return BandField(self.model, self.image, *run.values(report))


class PreparedNeSR(PreparedInput):
    """Input of the paper's network."""

    @property
    def network(self) -> NeSR:
        """The network of the model."""
        assert isinstance(self.model.network, NeSR)
        return self.model.network

    @property
    def is_tileable(self) -> bool:
        """See `PreparedInput.is_tileable`."""
        return self.network.halo is not None and self.network.has_context

    @property
    def features(self) -> LazyFeatures:
        """Features computed on demand."""
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
        options: dict[str, Any] = {"features": features or self.features, "attention": attention, "notes": notes}
        if self.calibration is None:
            return NeSRField(self.model, self.image, self.rgb, self.level, **options)
        return CalibratedNeSRField(
            self.model, self.image, self.rgb, self.level, calibration=self.calibration, **options
        )

    def encode(self, report: ProgressCallback) -> NeSRField:
        """See `PreparedInput.encode`."""
        features, notes = self._features(lambda done: report(0.8 * done))
        parts = []
        for done, rows, cols in self.tiles() if self.network.has_context else ():
            report(0.8 + 0.2 * done)
            parts.append(self.sums(rows, cols, features))
        return self.field(AttentionSums.total(parts) if parts else None, features, notes)

    def _features(self, progress: ProgressCallback) -> tuple[Features, tuple[str, ...]]:
        """Encoder features of the image, and notes for the user on how they were computed."""
        network, (height, width) = self.network, self.image.shape
        size = 4 * network.features * height * width
        if network.halo is not None:
            is_low_memory = self.model.small_tile is not None
            return (self.features if is_low_memory else cache_features(self.features, progress)), ()
        if size > MOST_BYTES:
            raise ValueError(
                f"{self.model.name} requires {size / 2**30:.0f} GiB for {width}×{height} pixels; at most "
                f"{MOST_BYTES >> 30} GiB are allowed, so reconstruct at reduced resolution"
            )
        side = tiling.blended_tile_size(network.scratch, (height, width))
        features = tiling.run_whole_or_blended(network.encoder, network.encode, self.rgb, side, progress)
        return CachedFeatures(F.pad(features, (HALO,) * 4)), (tiling.NOTE.format(side=side),) if side else ()


class PreparedFactorised(PreparedInput):
    """Input of a factorised network."""

    @property
    def network(self) -> FactorisedNeSR:
        """The network of the model."""
        assert isinstance(self.model.network, FactorisedNeSR)
        return self.model.network

    @property
    def cells(self) -> Cells:
        """The cells on which surroundings are computed."""
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
        return self._field(
            ComputedSurroundings(self.cells, self._attention(sums)) if self.network.has_surroundings else None
        )

    def encode(self, report: ProgressCallback) -> FactorisedField:
        """See `PreparedInput.encode`."""
        if not self.network.has_surroundings:
            return self._field(None)
        cells, parts = self.cells, []
        height, width = cells.shape
        is_low_memory = self.model.small_tile is not None
        config, size = self.network.config, 4 * height * width
        if not is_low_memory and (config.features + config.hidden[0]) * size <= STORED_BYTES:  # both at once
            cells = cells.encoded(lambda done: report(0.6 * done))
        for done, rows, cols in cells.tiles() if self.network.has_attention else ():
            report(0.6 + 0.2 * done)
            parts.append(cells.sums(rows, cols))
        attention = self._attention(AttentionSums.total(parts) if parts else None)
        if is_low_memory or config.hidden[0] * size > STORED_BYTES:
            return self._field(ComputedSurroundings(self.cells, attention))
        return self._field(StoredSurroundings.of(cells, attention, lambda done: report(0.8 + 0.2 * done)))

    def _attention(self, sums: AttentionSums | None) -> Tensor | None:
        return attention_map(self.network.nam, sums, self.model.device) if sums else None

    def _field(self, surroundings: Surroundings | None) -> FactorisedField:
        options: dict[str, Any] = {"surroundings": surroundings}
        if self.calibration is None:
            return FactorisedField(self.model, self.image, self.rgb, self.level, **options)
        options["calibration"] = self.calibration
        return CalibratedFactorisedField(self.model, self.image, self.rgb, self.level, **options)


PREPARATIONS: dict[str, type[PreparedInput]] = {"nesr": PreparedNeSR, "factorised": PreparedFactorised}
"""Classes that turn an image into a field, by kind of network; all other kinds use `PreparedBands`."""


def prepare(image: ModelInput, model: LoadedModel) -> PreparedInput:
    """Move an image, at the resolution of the field, to the device of the model.

    Raises:
        ValueError: the model does not accept the image.
    """
    model.check_input(image)
    values = image.values if isinstance(image, RGBImage) else np.moveaxis(image.values, 0, -1)  # (H, W, inputs)
    level = cie.white_level(values) if model.network.normalised else 1.0
    planes = np.moveaxis(values, -1, 0)
    divided = np.divide(planes, planes.dtype.type(level), out=np.empty(planes.shape, planes.dtype))  # one copy only
    preparation = PREPARATIONS.get(kind_of(model.network.config), PreparedBands)
    return preparation(model, image, level, to_device(torch.from_numpy(divided)[None], model.device))


@translate_torch_errors()
@torch.inference_mode()
def encode(
    image: ModelInput, model: LoadedModel, *, progress: ProgressCallback | None = None
) -> ReconstructedField | BandField:
    """Create the field of a photograph or of bands of a cube; this is the slow step, and runs once per image.

    Args:
        image: the input, at the resolution of the field.
        model: result of `load_model`.
        progress: called between tiles with the fraction done; it may raise `Cancelled` to stop.

    Raises:
        ValueError: the model does not accept the image, or the image is too large for it.
        OutOfMemory: memory ran out.
        DeviceLost: the device failed.
    """
    report = progress or _ignore_progress
    field = prepare(image, model).encode(report)
    report(1.0)
    return field
