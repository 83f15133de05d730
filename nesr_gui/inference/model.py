"""Loaded models: input, wavelength range, device, and the image size that it can encode within seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nesr_gui import resources
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.inference import model_library
from nesr_gui.inference.checkpoint import Checkpoint, load_checkpoint
from nesr_gui.inference.device import translate_torch_errors
from nesr_gui.inference.model_input import BandInput, InputKind, ModelInput, input_error_message
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSR, parameter_count
from nesr_gui.networks.registry import Network, coverage, input_bands
from nesr_gui.spectral import Wavelengths

PATIENCE = 4.0  # longest acceptable time to open a photograph, seconds
WORKING_PIXELS = (2_000_000, 1_000_000, 500_000)  # on a processor; few steps, so that a machine always gets the same
LARGE, FEW_PIXELS = 5_000_000, (125_000, 30_000)  # parameters above which smaller images are also permitted
LOW_MEMORY_TILE = 128  # side of a tile in low-memory mode, pixels


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A checkpoint on a device."""

    checkpoint: Checkpoint
    device: str
    working_pixels: int = WORKING_PIXELS[0]  # encoded within seconds; larger photographs open at reduced resolution
    small_tile: int | None = None  # side of a tile in low-memory mode, pixels

    @property
    def name(self) -> str:
        """Name of the model, its file name without extension."""
        return self.checkpoint.name

    @property
    def network(self) -> Network:
        """The network, on the device, in evaluation mode."""
        return self.checkpoint.network

    @property
    def supports_low_memory(self) -> bool:
        """Whether `low_memory` reduces memory: the network is local, and not yet in that mode."""
        return self.network.halo is not None and self.small_tile is None

    def low_memory(self) -> LoadedModel:
        """The same model with small tiles and without stored intermediate results: slower, with equal values."""
        return replace(self, small_tile=LOW_MEMORY_TILE)

    @property
    def input(self) -> InputKind:
        """Kind of input of the model."""
        return InputKind.PHOTOGRAPH if self.input_bands is None else InputKind.CUBE

    @property
    def input_bands(self) -> Wavelengths | None:
        """Bands of a cube that the model takes as input; None for photographs."""
        return input_bands(self.network.config)

    def read_input(
        self, cube: SpectralField, name: str, *, max_pixels: int | None = None, progress: ProgressCallback | None = None
    ) -> BandInput:
        """Read the input bands from the cube called `name`; arguments as for `BandInput.of`.

        Raises:
            ValueError: the model takes photographs, or the cube lacks an input band.
        """
        if self.input_bands is None:
            raise ValueError(input_error_message(self.name, None, f"{name} has {cube.bands}"))
        return BandInput.of(cube, name, self.input_bands, self.name, max_pixels=max_pixels, progress=progress)

    def check_input(self, image: ModelInput) -> None:
        """Raise ValueError if the model does not accept `image`."""
        wavelengths = image.wavelengths if isinstance(image, BandInput) else None
        if wavelengths is None and self.input_bands is not None:
            raise ValueError(input_error_message(self.name, self.input_bands, f"{image.source.name} is a photograph"))
        if wavelengths is not None and (
            self.input_bands is None or not np.array_equal(wavelengths.nm, self.input_bands.nm)
        ):
            raise ValueError(input_error_message(self.name, self.input_bands, f"{image.source.name} has {wavelengths}"))

    @property
    def bands(self) -> Wavelengths:
        """Training bands."""
        return Wavelengths(np.array(self.network.bands))

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """Shortest and longest wavelength, nm."""
        return self.network.bands[0], self.network.bands[-1]

    @property
    def coverage(self) -> str:
        """Description of the wavelengths at which the model can be evaluated."""
        return coverage(self.network.config)


def resolve_device(name: str) -> str:
    """Resolve `auto`, `cpu`, `cuda` or `mps` to an available device.

    From then on CUDA computes convolutions of float32 as such: by default cuDNN rounds their inputs to the ten bits of
    TF32, by which answers depend on the size of tiles.

    Raises:
        ValueError: the device is unknown or not available; the message lists those that are.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, is_available in available.items() if is_available)
    if not available.get(name):
        names = ", ".join(device for device, is_available in available.items() if is_available)
        raise ValueError(f"device {name!r} is not available on this machine; choose auto or one of: {names}")
    if name == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    return name


@translate_torch_errors()
def load_model(path: Path | None = None, device: str = "auto") -> LoadedModel:
    """Load the model in `path`, or of that name (default: the embedded one), to `device`: auto, cpu, cuda or mps.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableModel: the file is not a valid model.
        ValueError: the device is not available.
    """
    device_name = resolve_device(device)
    checkpoint = load_checkpoint(model_library.find(path) if path else resources.default_model())
    checkpoint.network.to(device_name)
    pixels = _working_pixels(checkpoint.network) if device_name == "cpu" else 1 << 40
    return LoadedModel(checkpoint, device_name, pixels)


def _encoding_of(network: Network) -> Callable[[Tensor], Tensor]:
    """The computation that runs once per image."""
    if isinstance(network, NeSR):
        return network.encode
    if isinstance(network, FactorisedNeSR):
        return network.surroundings if network.has_surroundings else lambda rgb: rgb
    return network


@torch.inference_mode()
def _working_pixels(network: Network) -> int:
    """The largest of `WORKING_PIXELS` that this processor encodes within `PATIENCE`, from the best of three runs."""
    run = _encoding_of(network)
    inputs = len(input_bands(network.config) or "RGB")

    def seconds(side: int) -> float:
        began = time.perf_counter()
        run(torch.zeros(1, inputs, side, side))
        return time.perf_counter() - began

    side = 128 if seconds(32) < PATIENCE / 100 else 32  # a large network would take a minute for the larger test image
    affordable = PATIENCE / min(seconds(side) for _ in range(3)) * side**2
    steps = WORKING_PIXELS + (FEW_PIXELS if parameter_count(network) > LARGE else ())
    return next((pixels for pixels in steps if pixels <= affordable), steps[-1])
