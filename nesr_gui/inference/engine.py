"""From an image and a model to a field: precision, features, the attention map.

The place that turns numpy into torch for inference. What is read or saved is computed in float32 with TF32 off,
features included; only a field's `preview_bands` is not. Encoding in bfloat16 took 0.4 of the time, but moved values
by up to .0046 (RMSE .0001) on the first sample, and would let them depend on tiles where features are computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.inference import tiling
from nesr_gui.inference.band_field import BandField, BandInference
from nesr_gui.inference.device import to_device, translate_torch_errors
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
from nesr_gui.inference.nesr_field import CalibratedNeSRField, EncodedImage, NeSRField
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

    @classmethod
    def of(cls, image: ModelInput, model: LoadedModel) -> PreparedInput:
        """Put an image, at the resolution its field is to have, on the model's device."""
        model.check_input(image)
        values = image.values if isinstance(image, RGBImage) else np.moveaxis(image.values, 0, -1)  # (H, W, inputs)
        level = cie.white_level(values) if model.network.normalised else 1.0
        shown = torch.from_numpy(values / values.dtype.type(level)).permute(2, 0, 1)[None].contiguous()
        return cls(model, image, level, to_device(shown, model.device))

    @property
    def network(self) -> NeSR:
        """The network, where it makes a function of a photograph."""
        assert isinstance(self.model.network, NeSR)
        return self.model.network

    @property
    def features(self) -> LazyFeatures:
        """Features that are computed where they are asked for, which takes no memory."""
        assert self.network.halo is not None
        return LazyFeatures(self.network, self.rgb, self.network.halo, self.model.small_tile or tiling.TILE)

    def check_tiles(self) -> None:
        """Raise ValueError where the field cannot be made of `sums` over `tiles`."""
        network = self.model.network
        if not isinstance(network, NeSR) or network.halo is None or not network.has_context:
            raise ValueError(
                f"{self.model.name} cannot be computed tile by tile on several machines; reconstruct on one, or take "
                "HSCNN-R + NeSR"
            )

    def tiles(self) -> Iterator[tuple[float, slice, slice]]:
        """The tiles whose `sums` make the attention map, in the order of adding, each with the fraction before it."""
        height, width = self.image.shape
        return tiling.iter_square_tiles(slice(0, height), slice(0, width), self.model.small_tile or tiling.TILE)

    def sums(self, rows: slice, cols: slice, features: Features | None = None) -> AttentionSums | None:
        """What a tile adds to the attention map."""
        return tile_sums(self.network, features or self.features, self.image.shape, rows, cols)

    def field(
        self, sums: AttentionSums | None, features: Features | None = None, notes: tuple[str, ...] = ()
    ) -> NeSRField:
        """The field that follows from the sums over all tiles; None for a network without context."""
        attention = attention_map(self.network, sums, self.model.device) if sums else None
        encoding = EncodedImage(self.rgb, self.level, features or self.features, attention, notes)
        calibration = self.model.checkpoint.calibration
        if calibration is None or not isinstance(self.image, RGBImage):  # it is of colours
            return NeSRField(self.model, self.image, encoding)
        return CalibratedNeSRField(self.model, self.image, encoding, calibration)


@translate_torch_errors()
@torch.inference_mode()
def encode(image: ModelInput, model: LoadedModel, *, progress: ProgressCallback | None = None) -> NeSRField | BandField:
    """Make the field of a photograph, or of what a model sees of a cube: what is slow, once.

    Args:
        image: at the resolution the field is to have.
        model: from `load_model`.
        progress: called between tiles with the fraction done; what it raises (`Cancelled`) ends the work.

    Raises:
        ValueError: the model takes something else, or the image is too large for it.
    """
    report = progress or _quiet
    prepared = PreparedInput.of(image, model)
    field = FIELD_BUILDERS.get(kind_of(model.network.config), _band_field)(prepared, report)
    report(1.0)
    return field


def _band_field(prepared: PreparedInput, report: ProgressCallback) -> BandField:
    network = prepared.model.network
    assert not isinstance(network, NeSR)
    run = BandInference(network, prepared.rgb, prepared.level, prepared.model.small_tile)
    return BandField(prepared.model, prepared.image, *run.values(report))


def _nesr_field(prepared: PreparedInput, report: ProgressCallback) -> NeSRField:
    features, notes = _features(prepared, lambda done: report(0.8 * done))
    parts = []
    for done, rows, cols in prepared.tiles() if prepared.network.has_context else ():
        report(0.8 + 0.2 * done)
        parts.append(prepared.sums(rows, cols, features))
    return prepared.field(AttentionSums.total(parts) if parts else None, features, notes)


FIELD_BUILDERS: dict[str, Callable[[PreparedInput, ProgressCallback], NeSRField | BandField]] = {"nesr": _nesr_field}
"""How a photograph becomes a field, by kind of system; those that are not named answer at their bands."""


def _features(prepared: PreparedInput, progress: ProgressCallback) -> tuple[Features, tuple[str, ...]]:
    """Encoder features of an image, and what a user has to know of how they were computed."""
    network, (height, width) = prepared.network, prepared.image.shape
    size = 4 * network.config.features * height * width
    if network.halo is not None:
        keep = prepared.model.small_tile is None
        return (cache_features(prepared.features, progress) if keep else prepared.features), ()
    if size > MOST_BYTES:
        raise ValueError(
            f"{prepared.model.name} would keep {size / 2**30:.0f} GiB for a photograph of {width}×{height} pixels; at "
            f"most {MOST_BYTES >> 30} GiB are allowed, so reconstruct it reduced"
        )
    side = tiling.blended_tile_size(network.scratch, (height, width))
    features = tiling.run_whole_or_blended(network.encoder, network.encode, prepared.rgb, side, progress)
    return CachedFeatures(F.pad(features, (HALO,) * 4)), (tiling.NOTE.format(side=side),) if side else ()
