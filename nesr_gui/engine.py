"""From a photograph and a model to a field: devices, precision, features, the attention map.

The place that turns numpy into torch for inference. What is read or saved is computed in float32 with TF32 off,
features included; only a field's `sketch` is not. Encoding in bfloat16 took 0.4 of the time, but moved values by up to
.0046 (RMSE .0001) on the first sample, and would let them depend on tiles where features are computed again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nesr_gui import resources, tiles
from nesr_gui.band_field import BandField, Run
from nesr_gui.checkpoint import Checkpoint, load_checkpoint
from nesr_gui.colorimetry import cie
from nesr_gui.context import Sums, attention_map, tile_sums
from nesr_gui.devices import sent, translated
from nesr_gui.features import Features, RecomputedFeatures, StoredFeatures, kept
from nesr_gui.fields.protocol import Progress, SpectralField
from nesr_gui.inputs import Input, SeenBands, Shown, refusal
from nesr_gui.networks.nesr import NeSR, parameter_count
from nesr_gui.networks.registry import Network, coverage, kind_of, seen_bands
from nesr_gui.networks.spi import HALO
from nesr_gui.reconstruction import CalibratedNeSRField, Encoding, NeSRField
from nesr_gui.spectral import RGBImage, Wavelengths

PATIENCE = 4.0  # seconds a user may wait for a photograph to open
WORKING_PIXELS = (2_000_000, 1_000_000, 500_000)  # on a processor: few steps, so that a machine keeps to one of them
LARGE, FEW_PIXELS = 5_000_000, (125_000, 30_000)  # parameters of a network for which fewer are worth their time
THRIFTY_TILE = 128  # pixels along a side of a tile where memory is scarce
MOST_BYTES = 8 << 30  # of features that have to be kept


@dataclass(frozen=True, eq=False)
class Model:
    """A checkpoint on a device."""

    checkpoint: Checkpoint
    device: str
    working_pixels: int = WORKING_PIXELS[0]  # what this device encodes in seconds; a larger photograph opens reduced
    small_tile: int | None = None  # pixels along a side that are computed at once, where memory is scarce

    @property
    def name(self) -> str:
        return self.checkpoint.name

    @property
    def network(self) -> Network:
        return self.checkpoint.network

    @property
    def can_save_memory(self) -> bool:
        """Whether `thrifty` needs less memory: tiles are exact, and are not small yet."""
        return self.network.halo is not None and self.small_tile is None

    def thrifty(self) -> Model:
        """The same with small tiles and nothing kept that can be computed again: slower, with equal answers."""
        return replace(self, small_tile=THRIFTY_TILE)

    @property
    def input(self) -> Input:
        """What it makes spectra of."""
        return Input.PHOTOGRAPH if self.sees is None else Input.CUBE

    @property
    def sees(self) -> Wavelengths | None:
        """The bands of a cube that it makes spectra of; None where it makes them of photographs."""
        return seen_bands(self.network.config)

    def shown(
        self, cube: SpectralField, name: str, *, max_pixels: int | None = None, progress: Progress | None = None
    ) -> SeenBands:
        """What it sees of the cube called `name`, as of `SeenBands.of`.

        Raises:
            ValueError: it takes photographs, or the cube cannot provide what it sees.
        """
        if self.sees is None:
            raise ValueError(refusal(self.name, None, f"{name} has {cube.bands}"))
        return SeenBands.of(cube, name, self.sees, self.name, max_pixels=max_pixels, progress=progress)

    def check_takes(self, image: Shown) -> None:
        """Raise ValueError where it takes something else."""
        seen = image.wavelengths if isinstance(image, SeenBands) else None
        if seen is None and self.sees is not None:
            raise ValueError(refusal(self.name, self.sees, f"{image.source.name} is a photograph"))
        if seen is not None and (self.sees is None or not np.array_equal(seen.nm, self.sees.nm)):
            raise ValueError(refusal(self.name, self.sees, f"{image.source.name} has {seen}"))

    @property
    def bands(self) -> Wavelengths:
        """What it was trained on."""
        return Wavelengths(np.array(self.network.bands))

    @property
    def wavelength_range(self) -> tuple[float, float]:
        return self.network.bands[0], self.network.bands[-1]

    @property
    def coverage(self) -> str:
        """What wavelengths it answers at, in words."""
        return coverage(self.network.config)


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


@translated()
def load_model(path: Path | None = None, device: str = "auto") -> Model:
    """The model in `path` (default: the embedded one) on `device`, one of auto, cpu, cuda, mps."""
    where = chosen_device(device)
    if where == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    checkpoint = load_checkpoint(path or resources.default_model())
    checkpoint.network.to(where)
    return Model(checkpoint, where, _working_pixels(checkpoint.network) if where == "cpu" else 1 << 40)


@torch.inference_mode()
def _working_pixels(network: Network) -> int:
    """The largest of `WORKING_PIXELS` that this processor encodes within `PATIENCE`, from the best of three tries."""
    run = network.encode if isinstance(network, NeSR) else network
    inputs = len(seen_bands(network.config) or "RGB")

    def seconds(side: int) -> float:
        began = time.perf_counter()
        run(torch.zeros(1, inputs, side, side))
        return time.perf_counter() - began

    side = 128 if seconds(32) < PATIENCE / 100 else 32  # a large network would take a minute to say that it is slow
    affordable = PATIENCE / min(seconds(side) for _ in range(3)) * side**2
    steps = WORKING_PIXELS + (FEW_PIXELS if parameter_count(network) > LARGE else ())
    return next((pixels for pixels in steps if pixels <= affordable), steps[-1])


def _quiet(_: float) -> None:
    """Progress nobody watches."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image as its network sees it: `rgb` (1, inputs, H, W) over the white `level`, nothing of it encoded yet."""

    model: Model
    image: Shown
    level: float
    rgb: Tensor

    @classmethod
    def of(cls, image: Shown, model: Model) -> Prepared:
        """Put an image, at the resolution its field is to have, on the model's device."""
        model.check_takes(image)
        values = image.values if isinstance(image, RGBImage) else np.moveaxis(image.values, 0, -1)  # (H, W, inputs)
        level = cie.white_level(values) if model.network.normalised else 1.0
        shown = torch.from_numpy(values / values.dtype.type(level)).permute(2, 0, 1)[None].contiguous()
        return cls(model, image, level, sent(shown, model.device))

    @property
    def network(self) -> NeSR:
        """The network, where it makes a function of a photograph."""
        assert isinstance(self.model.network, NeSR)
        return self.model.network

    @property
    def features(self) -> RecomputedFeatures:
        """Features that are computed where they are asked for, which takes no memory."""
        assert self.network.halo is not None
        return RecomputedFeatures(self.network, self.rgb, self.network.halo, self.model.small_tile or tiles.TILE)

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
        return tiles.square_tiles(slice(0, height), slice(0, width), self.model.small_tile or tiles.TILE)

    def sums(self, rows: slice, cols: slice, features: Features | None = None) -> Sums | None:
        """What a tile adds to the attention map."""
        return tile_sums(self.network, features or self.features, self.image.shape, rows, cols)

    def field(self, sums: Sums | None, features: Features | None = None, notes: tuple[str, ...] = ()) -> NeSRField:
        """The field that follows from the sums over all tiles; None for a network without context."""
        attention = attention_map(self.network, sums, self.model.device) if sums else None
        encoding = Encoding(self.rgb, self.level, features or self.features, attention, notes)
        calibration = self.model.checkpoint.calibration
        if calibration is None or not isinstance(self.image, RGBImage):  # it is of colours
            return NeSRField(self.model, self.image, encoding)
        return CalibratedNeSRField(self.model, self.image, encoding, calibration)


@translated()
@torch.inference_mode()
def encode(image: Shown, model: Model, *, progress: Progress | None = None) -> NeSRField | BandField:
    """Make the field of a photograph, or of what a model sees of a cube: what is slow, once.

    Args:
        image: at the resolution the field is to have.
        model: from `load_model`.
        progress: called between tiles with the fraction done; what it raises (`Cancelled`) ends the work.

    Raises:
        ValueError: the model takes something else, or the image is too large for it.
    """
    report = progress or _quiet
    prepared = Prepared.of(image, model)
    field = MAKERS.get(kind_of(model.network.config), _band_field)(prepared, report)
    report(1.0)
    return field


def _band_field(prepared: Prepared, report: Progress) -> BandField:
    network = prepared.model.network
    assert not isinstance(network, NeSR)
    run = Run(network, prepared.rgb, prepared.level, prepared.model.small_tile)
    return BandField(prepared.model, prepared.image, *run.values(report))


def _nesr_field(prepared: Prepared, report: Progress) -> NeSRField:
    features, notes = _features(prepared, lambda done: report(0.8 * done))
    parts = []
    for done, rows, cols in prepared.tiles() if prepared.network.has_context else ():
        report(0.8 + 0.2 * done)
        parts.append(prepared.sums(rows, cols, features))
    return prepared.field(Sums.total(parts) if parts else None, features, notes)


MAKERS: dict[str, Callable[[Prepared, Progress], NeSRField | BandField]] = {"nesr": _nesr_field}
"""How a photograph becomes a field, by kind of system; those that are not named answer at their bands."""


def _features(prepared: Prepared, progress: Progress) -> tuple[Features, tuple[str, ...]]:
    """Encoder features of an image, and what a user has to know of how they were computed."""
    network, (height, width) = prepared.network, prepared.image.shape
    size = 4 * network.config.features * height * width
    if network.halo is not None:
        keep = prepared.model.small_tile is None
        return (kept(prepared.features, progress) if keep else prepared.features), ()
    if size > MOST_BYTES:
        raise ValueError(
            f"{prepared.model.name} would keep {size / 2**30:.0f} GiB for a photograph of {width}×{height} pixels; at "
            f"most {MOST_BYTES >> 30} GiB are allowed, so reconstruct it reduced"
        )
    side = tiles.blended_side(network.scratch, (height, width))
    features = tiles.pooled(network.encoder, network.encode, prepared.rgb, side, progress)
    return StoredFeatures(F.pad(features, (HALO,) * 4)), (tiles.NOTE.format(side=side),) if side else ()
