"""A tiny real model and images, for tests that need one."""

from __future__ import annotations

import numpy as np
import torch

from nesr_gui.networks.nesr import NeSR, NeSRConfig
from nesr_gui.spectral import ImageSource, RGBImage

CONFIG = NeSRConfig(features=10, blocks=2, channels=6, hidden=(12, 8), output="anchored", compressed=True)


def network(config: NeSRConfig = CONFIG, seed: int = 0) -> NeSR:
    """A network whose every parameter matters, in evaluation mode."""
    torch.manual_seed(seed)
    built = NeSR(config).eval()
    for parameter in built.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return built


def image(height: int, width: int, seed: int = 0) -> RGBImage:
    """Random colours."""
    values = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    return RGBImage(values, ImageSource("random.png", "00", ()))
