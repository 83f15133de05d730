"""From an image and a model to a field: precision, features, the attention map.

The place that turns numpy into torch for inference. What is read or saved is computed in float32 with TF32 off,
features included; only a field's `sketch` is not. Encoding in bfloat16 took 0.4 of the time, but moved values by up to
.0046 (RMSE .0001) on the first sample, and would let them depend on tiles where features are computed again.
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
from nesr_gui.fields.protocol import Progress
from nesr_gui.inference import tiling
from nesr_gui.inference.band_field import BandField, Run
from nesr_gui.inference.calibration import Calibration
from nesr_gui.inference.device import sent, translated
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
    Features,
    RecomputedFeatures,
    StoredFeatures,
    Sums,
    attention_map,
    kept,
    tile_sums,
)
from nesr_gui.inference.model import Model
from nesr_gui.inference.model_input import Shown
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
class Prepared:
    """An image as its network sees it: `rgb` (1, inputs, H, W) over the white `level`, nothing of it encoded yet."""

    model: Model
    image: Shown
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
        return tiling.square_tiles(slice(0, height), slice(0, width), self.model.small_tile or tiling.TILE)

    def sums(self, rows: slice, cols: slice) -> Sums | None:
        """What a tile adds to the attention map."""
        raise NotImplementedError

    def field(self, sums: Sums | None) -> ReconstructedField:
        """The field that follows from the sums over all tiles; None for a network without attention."""
        raise NotImplementedError

    def encoded(self, report: Progress) -> ReconstructedField | BandField:
        """The field, with what is worth keeping computed."""
        raise NotImplementedError

    @property
    def calibration(self) -> Calibration | None:
        """Of the model, where it is of such images: it is of colours."""
        return self.model.checkpoint.calibration if isinstance(self.image, RGBImage) else None


class PreparedBands(Prepared):
    """For a network that answers at fixed bands."""

    def encoded(self, report: Progress) -> BandField:
        """See `Prepared.encoded`."""
        network = self.model.network
        assert isinstance(network, BandNetwork)
        run = Run(network, self.rgb, self.level, self.model.small_tile)
        return BandField(self.model, self.image, *run.values(report))


class PreparedNeSR(Prepared):
    """For the paper's network."""

    @property
    def network(self) -> NeSR:
        """The network."""
        assert isinstance(self.model.network, NeSR)
        return self.model.network

    @property
    def is_tileable(self) -> bool:
        """See `Prepared.is_tileable`."""
        return self.network.halo is not None and self.network.has_context

    @property
    def features(self) -> RecomputedFeatures:
        """Features that are computed where they are asked for, which takes no memory."""
        assert self.network.halo is not None
        return RecomputedFeatures(self.network, self.rgb, self.network.halo, self.model.small_tile or tiling.TILE)

    def sums(self, rows: slice, cols: slice, features: Features | None = None) -> Sums | None:
        """See `Prepared.sums`."""
        return tile_sums(self.network, features or self.features, self.image.shape, rows, cols)

    def field(self, sums: Sums | None, features: Features | None = None, notes: tuple[str, ...] = ()) -> NeSRField:
        """See `Prepared.field`."""
        attention = attention_map(self.network.nam, sums, self.model.device) if sums else None
        given: dict[str, Any] = {"features": features or self.features, "attention": attention, "notes": notes}
        if self.calibration is None:
            return NeSRField(self.model, self.image, self.rgb, self.level, **given)
        return CalibratedNeSRField(self.model, self.image, self.rgb, self.level, calibration=self.calibration, **given)

    def encoded(self, report: Progress) -> NeSRField:
        """See `Prepared.encoded`."""
        features, notes = self._features(lambda done: report(0.8 * done))
        parts = []
        for done, rows, cols in self.tiles() if self.network.has_context else ():
            report(0.8 + 0.2 * done)
            parts.append(self.sums(rows, cols, features))
        return self.field(Sums.total(parts) if parts else None, features, notes)

    def _features(self, progress: Progress) -> tuple[Features, tuple[str, ...]]:
        """Encoder features of an image, and what a user has to know of how they were computed."""
        network, (height, width) = self.network, self.image.shape
        size = 4 * network.config.features * height * width
        if network.halo is not None:
            keep = self.model.small_tile is None
            return (kept(self.features, progress) if keep else self.features), ()
        if size > MOST_BYTES:
            raise ValueError(
                f"{self.model.name} would keep {size / 2**30:.0f} GiB for a photograph of {width}×{height} pixels; at "
                f"most {MOST_BYTES >> 30} GiB are allowed, so reconstruct it reduced"
            )
        side = tiling.blended_side(network.scratch, (height, width))
        features = tiling.pooled(network.encoder, network.encode, self.rgb, side, progress)
        return StoredFeatures(F.pad(features, (HALO,) * 4)), (tiling.NOTE.format(side=side),) if side else ()


class PreparedFactorised(Prepared):
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
        """See `Prepared.is_tileable`."""
        return self.network.has_attention

    def sums(self, rows: slice, cols: slice) -> Sums:
        """See `Prepared.sums`."""
        with torch.inference_mode():
            return self.cells.sums(*self.cells.within(rows, cols))

    def field(self, sums: Sums | None) -> FactorisedField:
        """See `Prepared.field`."""
        return self._field(ComputedSurroundings(self.cells, self._attention(sums)) if self._sees_around else None)

    def encoded(self, report: Progress) -> FactorisedField:
        """See `Prepared.encoded`."""
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
        attention = self._attention(Sums.total(parts) if parts else None)
        if thrifty or 4 * self.network.config.hidden[0] * height * width > STORED_BYTES:
            return self._field(ComputedSurroundings(self.cells, attention))
        return self._field(StoredSurroundings.of(cells, attention, lambda done: report(0.8 + 0.2 * done)))

    @property
    def _sees_around(self) -> bool:
        return self.network.has_surroundings

    def _attention(self, sums: Sums | None) -> Tensor | None:
        return attention_map(self.network.nam, sums, self.model.device) if sums else None

    def _field(self, surroundings: Surroundings | None) -> FactorisedField:
        given: dict[str, Any] = {"surroundings": surroundings}
        if self.calibration is None:
            return FactorisedField(self.model, self.image, self.rgb, self.level, **given)
        given["calibration"] = self.calibration
        return CalibratedFactorisedField(self.model, self.image, self.rgb, self.level, **given)


PREPARATIONS: dict[str, type[Prepared]] = {"nesr": PreparedNeSR, "factorised": PreparedFactorised}
"""How an image becomes a field, by kind of system; those that are not named answer at their bands."""


def prepare(image: Shown, model: Model) -> Prepared:
    """Put an image, at the resolution its field is to have, on the model's device.

    Raises:
        ValueError: the model takes something else.
    """
    model.check_takes(image)
    values = image.values if isinstance(image, RGBImage) else np.moveaxis(image.values, 0, -1)  # (H, W, inputs)
    level = cie.white_level(values) if model.network.normalised else 1.0
    shown = torch.from_numpy(values / values.dtype.type(level)).permute(2, 0, 1)[None].contiguous()
    preparation = PREPARATIONS.get(kind_of(model.network.config), PreparedBands)
    return preparation(model, image, level, sent(shown, model.device))


@translated()
@torch.inference_mode()
def encode(image: Shown, model: Model, *, progress: Progress | None = None) -> ReconstructedField | BandField:
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
