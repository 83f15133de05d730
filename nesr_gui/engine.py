"""From a photograph and a model to a field: devices, precision, features, the attention map.

The only place that turns numpy into torch for inference. Everything is computed in float32 with TF32 off, features
included: encoding in bfloat16 took 0.4 of the time, but moved values by up to .0046 (RMSE .0001) on the first sample,
and would let them depend on tiles where features are computed again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nesr_gui import colorimetry, resources
from nesr_gui.checkpoint import Checkpoint, load_checkpoint
from nesr_gui.context import Sums, attention_map, tile_sums
from nesr_gui.features import TILE, Features, RecomputedFeatures, StoredFeatures, square_tiles
from nesr_gui.field import Progress
from nesr_gui.models.nesr import NeSR
from nesr_gui.reconstruction import CalibratedNeSRField, Encoding, NeSRField
from nesr_gui.spectral import RGBImage

PATIENCE = 4.0  # seconds a user may wait for a photograph to open
WORKING_PIXELS = (2_000_000, 1_000_000, 500_000)  # on a processor: few steps, so that a machine keeps to one of them
STORED_BYTES = 1 << 30  # features above this are computed again per tile instead of kept


@dataclass(frozen=True, eq=False)
class Model:
    """A checkpoint on a device."""

    checkpoint: Checkpoint
    device: str
    working_pixels: int = WORKING_PIXELS[0]  # what this device encodes in seconds; a larger photograph opens reduced

    @property
    def name(self) -> str:
        return self.checkpoint.name

    @property
    def network(self) -> NeSR:
        return self.checkpoint.network

    @property
    def wavelength_range(self) -> tuple[float, float]:
        return self.network.config.low, self.network.config.high


def chosen_device(name: str) -> str:
    """`auto`, `cpu`, `cuda` or `mps` as a device that is there.

    Raises:
        ValueError: no such device, or not on this machine.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(device for device, there in present.items() if there)
    if not present.get(name):
        there = ", ".join(device for device, ready in present.items() if ready)
        raise ValueError(f"device {name!r} is not on this machine; choose auto or one of: {there}")
    return name


def load_model(path: Path | None = None, device: str = "auto") -> Model:
    """The model in `path` (default: the embedded one) on `device`, one of auto, cpu, cuda, mps."""
    where = chosen_device(device)
    if where == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    checkpoint = load_checkpoint(path or resources.default_model())
    checkpoint.network.to(where)
    return Model(checkpoint, where, _working_pixels(checkpoint.network) if where == "cpu" else 1 << 40)


@torch.inference_mode()
def _working_pixels(network: NeSR) -> int:
    """The largest of `WORKING_PIXELS` that this processor encodes within `PATIENCE`, from the best of three tries."""
    rgb = torch.zeros(1, 3, 128, 128)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        network.encode(rgb)
        seconds.append(time.perf_counter() - began)
    affordable = PATIENCE / min(seconds) * rgb[0, 0].numel()
    return next((pixels for pixels in WORKING_PIXELS if pixels <= affordable), WORKING_PIXELS[-1])


def _quiet(_: float) -> None:
    """Progress nobody watches."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A photograph as its network sees it: `rgb` (1, 3, H, W) over the white `level`, nothing of it encoded yet."""

    model: Model
    image: RGBImage
    level: float
    rgb: Tensor

    @classmethod
    def of(cls, image: RGBImage, model: Model) -> Prepared:
        """Put a photograph, at the resolution its field is to have, on the model's device."""
        level = colorimetry.white_level(image.values) if model.network.config.normalised else 1.0
        rgb = torch.from_numpy(image.values / image.values.dtype.type(level)).permute(2, 0, 1)[None].to(model.device)
        return cls(model, image, level, rgb)

    @property
    def features(self) -> RecomputedFeatures:
        """Features that are computed where they are asked for, which takes no memory."""
        return RecomputedFeatures(self.model.network, self.rgb)

    def tiles(self) -> Iterator[tuple[float, slice, slice]]:
        """The tiles whose `sums` make the attention map, in the order of adding, each with the fraction before it."""
        height, width = self.image.shape
        return square_tiles(slice(0, height), slice(0, width), TILE)

    def sums(self, rows: slice, cols: slice, features: Features | None = None) -> Sums | None:
        """What a tile adds to the attention map."""
        return tile_sums(self.model.network, features or self.features, self.image.shape, rows, cols)

    def field(self, sums: Sums, features: Features | None = None) -> NeSRField:
        """The field that follows from the sums over all tiles."""
        attention = attention_map(self.model.network, sums, self.model.device)
        encoding = Encoding(self.rgb, self.level, features or self.features, attention)
        calibration = self.model.checkpoint.calibration
        if calibration is None:
            return NeSRField(self.model, self.image, encoding)
        return CalibratedNeSRField(self.model, self.image, encoding, calibration)


@torch.inference_mode()
def encode(image: RGBImage, model: Model, *, progress: Progress | None = None) -> NeSRField:
    """Make the field of a photograph: what is slow, once.

    Args:
        image: at the resolution the field is to have.
        model: from `load_model`.
        progress: called between tiles with the fraction done; what it raises (`Cancelled`) ends the work.
    """
    report = progress or _quiet
    prepared = Prepared.of(image, model)
    features: Features = prepared.features
    if 4 * model.network.config.features * image.shape[0] * image.shape[1] <= STORED_BYTES:
        features = StoredFeatures.of(prepared.features, lambda done: report(0.8 * done))
    parts = []
    for done, rows, cols in prepared.tiles():
        report(0.8 + 0.2 * done)
        parts.append(prepared.sums(rows, cols, features))
    report(1.0)
    return prepared.field(Sums.total(parts), features)
