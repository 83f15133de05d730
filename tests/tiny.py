"""Tiny real models and images, for tests that need one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from nesr_gui.colorimetry import cie
from nesr_gui.fields.residual_prior import ResidualPrior
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


def residual_prior(curves: int = 4, shapes: int = 3) -> ResidualPrior:
    """A prior of residuals with every kind of kernel, whose curves the default camera does not see."""
    rng, camera, bands = np.random.default_rng(0), cie.default_camera(), cie.CAMERA_BANDS.nm
    blind = np.eye(31) - np.linalg.pinv(camera) @ camera
    smooth = np.stack([np.cos((k + 1) * np.pi * np.linspace(0, 1, 31)) for k in range(3, 3 + curves)], axis=1)
    return ResidualPrior(
        nm=bands,
        camera=camera.astype(np.float32),
        curves=(0.2 * blind @ smooth).astype(np.float32),
        centre=np.full(31, 0.9, np.float32),
        shapes=rng.normal(0, 0.1, (shapes, 31)).astype(np.float32),
        rates=np.repeat([[0.1, 0], [2, 3], [0.5, 0.5]], [shapes + 1, 2], axis=1).astype(np.float32),
        fading=np.array([0, 0, 1], np.float32),
        weights=rng.uniform(0.2, 0.8, (3, curves)).astype(np.float32),
        noise=np.full(curves, 0.01, np.float32),
        dark_noise=np.full(curves, 0.02, np.float32),
        pixel_noise=np.full(curves, 0.03, np.float32),
        rest=np.full(31, 1e-4, np.float32),
        narrowing=np.array([0.2, 1.0, 1.5, 1.2], np.float32),
        doubt=np.array([1.0, 0.5, 0.1, 0.3], np.float32),
    )  # fmt: skip


def image(height: int, width: int, seed: int = 0) -> RGBImage:
    """Random colours."""
    values = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    return RGBImage(values, ImageSource("random.png", "00", ()))
