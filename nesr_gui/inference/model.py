"""A model on a device: what it takes, what it covers, and how large an image it answers for in seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from nesr_gui import resources
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.inference.checkpoint import Checkpoint, load_checkpoint
from nesr_gui.inference.device import translate_torch_errors
from nesr_gui.inference.model_input import BandInput, InputKind, ModelInput, input_error_message
from nesr_gui.networks.nesr import NeSR, parameter_count
from nesr_gui.networks.registry import Network, coverage, input_bands
from nesr_gui.spectral import Wavelengths

PATIENCE = 4.0  # seconds a user may wait for a photograph to open
WORKING_PIXELS = (2_000_000, 1_000_000, 500_000)  # on a processor: few steps, so that a machine keeps to one of them
LARGE, FEW_PIXELS = 5_000_000, (125_000, 30_000)  # parameters of a network for which fewer are worth their time
LOW_MEMORY_TILE = 128  # pixels along a side of a tile where memory is scarce


@dataclass(frozen=True, eq=False)
class LoadedModel:
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
    def supports_low_memory(self) -> bool:
        """Whether `low_memory` needs less memory: tiles are exact, and are not small yet."""
        return self.network.halo is not None and self.small_tile is None

    def low_memory(self) -> LoadedModel:
        """The same with small tiles and nothing kept that can be computed again: slower, with equal answers."""
        return replace(self, small_tile=LOW_MEMORY_TILE)

    @property
    def input(self) -> InputKind:
        """What it makes spectra of."""
        return InputKind.PHOTOGRAPH if self.input_bands is None else InputKind.CUBE

    @property
    def input_bands(self) -> Wavelengths | None:
        """The bands of a cube that it makes spectra of; None where it makes them of photographs."""
        return input_bands(self.network.config)

    def read_input(
        self, cube: SpectralField, name: str, *, max_pixels: int | None = None, progress: ProgressCallback | None = None
    ) -> BandInput:
        """What it sees of the cube called `name`, as of `BandInput.of`.

        Raises:
            ValueError: it takes photographs, or the cube cannot provide what it sees.
        """
        if self.input_bands is None:
            raise ValueError(input_error_message(self.name, None, f"{name} has {cube.bands}"))
        return BandInput.of(cube, name, self.input_bands, self.name, max_pixels=max_pixels, progress=progress)

    def check_input(self, image: ModelInput) -> None:
        """Raise ValueError where it takes something else."""
        seen = image.wavelengths if isinstance(image, BandInput) else None
        if seen is None and self.input_bands is not None:
            raise ValueError(input_error_message(self.name, self.input_bands, f"{image.source.name} is a photograph"))
        if seen is not None and (self.input_bands is None or not np.array_equal(seen.nm, self.input_bands.nm)):
            raise ValueError(input_error_message(self.name, self.input_bands, f"{image.source.name} has {seen}"))

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


def resolve_device(name: str) -> str:
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


@translate_torch_errors()
def load_model(path: Path | None = None, device: str = "auto") -> LoadedModel:
    """The model in `path` (default: the embedded one) on `device`, one of auto, cpu, cuda, mps."""
    where = resolve_device(device)
    if where == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    checkpoint = load_checkpoint(path or resources.default_model())
    checkpoint.network.to(where)
    return LoadedModel(checkpoint, where, _working_pixels(checkpoint.network) if where == "cpu" else 1 << 40)


@torch.inference_mode()
def _working_pixels(network: Network) -> int:
    """The largest of `WORKING_PIXELS` that this processor encodes within `PATIENCE`, from the best of three tries."""
    run = network.encode if isinstance(network, NeSR) else network
    inputs = len(input_bands(network.config) or "RGB")

    def seconds(side: int) -> float:
        began = time.perf_counter()
        run(torch.zeros(1, inputs, side, side))
        return time.perf_counter() - began

    side = 128 if seconds(32) < PATIENCE / 100 else 32  # a large network would take a minute to say that it is slow
    affordable = PATIENCE / min(seconds(side) for _ in range(3)) * side**2
    steps = WORKING_PIXELS + (FEW_PIXELS if parameter_count(network) > LARGE else ())
    return next((pixels for pixels in steps if pixels <= affordable), steps[-1])
