"""From a photograph and a model to a field: devices, precision, features, the attention map.

The only place that turns numpy into torch for inference. Everything is computed in float32 with TF32 off, features
included: encoding in bfloat16 took 0.4 of the time, but moved values by up to .0046 (RMSE .0001) on the first sample,
and would let them depend on tiles where features are computed again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nesr_gui import colorimetry, resources
from nesr_gui.checkpoint import Checkpoint, load_checkpoint
from nesr_gui.features import TILE, Features, RecomputedFeatures, StoredFeatures, inside_mask, square_tiles
from nesr_gui.field import Progress
from nesr_gui.models.nam import Correlations
from nesr_gui.models.nesr import NeSR
from nesr_gui.models.spi import lattice
from nesr_gui.reconstruction import TOKENS, CalibratedNeSRField, Encoding, NeSRField
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


@torch.inference_mode()
def encode(image: RGBImage, model: Model, *, progress: Progress | None = None) -> NeSRField:
    """Make the field of a photograph: what is slow, once.

    Args:
        image: at the resolution the field is to have.
        model: from `load_model`.
        progress: called between tiles with the fraction done; what it raises (`Cancelled`) ends the work.
    """
    report = progress or _quiet
    network = model.network
    level = colorimetry.white_level(image.values) if network.config.normalised else 1.0
    rgb = torch.from_numpy(image.values / image.values.dtype.type(level)).permute(2, 0, 1)[None].to(model.device)
    computed = RecomputedFeatures(network, rgb)
    fits = 4 * network.config.features * image.shape[0] * image.shape[1] <= STORED_BYTES
    features = StoredFeatures.of(computed, lambda done: report(0.8 * done)) if fits else computed
    attention = _attention(network, features, image.shape, lambda done: report(0.8 + 0.2 * done))
    report(1.0)
    encoding = Encoding(rgb, level, features, attention)
    calibration = model.checkpoint.calibration
    if calibration is None:
        return NeSRField(model, image, encoding)
    return CalibratedNeSRField(model, image, encoding, calibration)


def _attention(network: NeSR, features: Features, shape: tuple[int, int], progress: Progress) -> Tensor:
    """The image's attention map (1, C, C): sums over its context lattice, in float64 tile by tile."""
    stride = network.context_stride(*shape)
    at_once = max(TOKENS // len(network.config.bands), 1)
    totals: list[Tensor] = []
    for done, rows, cols in square_tiles(slice(0, shape[0]), slice(0, shape[1]), TILE):
        progress(done)
        window = features.window(rows, cols)
        first = -rows.start % stride, -cols.start % stride  # the lattice is the image's, not the tile's
        if first[0] >= rows.stop - rows.start or first[1] >= cols.stop - cols.start:
            continue
        parts = (window, inside_mask(rows, cols, shape, window))
        windows, inside = (lattice(part[:, :, first[0] :, first[1] :], stride) for part in parts)
        for some in (slice(start, start + at_once) for start in range(0, windows.shape[1], at_once)):
            sums = network.nam.correlations(network.context_tokens(windows[:, some], inside[:, some]))
            doubles = [part.cpu().double() for part in sums]
            totals = [a + b for a, b in zip(totals, doubles, strict=True)] if totals else doubles
    return network.nam.attention(Correlations(*(total.float().to(window.device) for total in totals)))
