"""Tiny real models and images, for tests that need one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from nesr_gui.networks.factorised_nesr import FactorisedConfig, FactorisedNeSR
from nesr_gui.networks.nesr import NeSR, NeSRConfig
from nesr_gui.networks.registry import build
from nesr_gui.spectral import ImageSource, RGBImage

CONFIG = NeSRConfig(features=10, blocks=2, channels=6, hidden=(12, 8), compressed=True)
FACTORISED = FactorisedConfig(features=6, blocks=1, channels=4, knots=5, hidden=(12, 10), rank=5)
LOW_RANK = FactorisedConfig(features=6, blocks=1, spi=False, attention="none", hidden=(12, 10), rank=5)


def network(config: Any = CONFIG, seed: int = 0) -> Any:
    """A network whose every parameter matters, in evaluation mode; it answers above zero nearly everywhere."""
    torch.manual_seed(seed)
    built = build(config).eval()
    for parameter in built.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    if isinstance(built, FactorisedNeSR):  # which starts as a lookup of the colour
        built.layers[-1].weight.data += 0.5 * torch.randn_like(built.layers[-1].weight)
        built.basis.network[-1].weight.data *= 3
        for layer in built.layers[:-1]:
            layer.weight.data *= 2
        if built.has_surroundings:
            built.gather.weight.data *= 8
    if isinstance(built, NeSR):
        last = built.mlp[-1]
        last.weight.data *= 3
        last.bias.data += 0.5
    return built


def image(height: int, width: int, seed: int = 0) -> RGBImage:
    """Random colours."""
    values = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    return RGBImage(values, ImageSource("random.png", "00", ()))
