"""Functions of the wavelength that spectra are sums of, and splines between knots."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

HARMONICS = 8  # of the coordinate that the basis sees
WIDTH = 64  # of its hidden layers


class WavelengthBasis(nn.Module):
    """Wavelengths to the functions that spectra are sums of: φ_k, and the three of W.

    φ is an MLP of sines and cosines of the coordinate; W stands on the training bands, with splines between.
    """

    frequencies: Tensor

    def __init__(self, rank: int, bands: int) -> None:
        super().__init__()
        self.bands = bands
        self.register_buffer("frequencies", torch.arange(1, HARMONICS + 1) * (math.pi / 2), persistent=False)
        self.network = nn.Sequential(
            nn.Linear(2 * HARMONICS, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, rank)
        )
        self.linear = nn.Parameter(torch.full((bands, 3), 1 / 3))

    def forward(self, coord: Tensor) -> Tensor:
        """Coordinates (L,) in [-1, 1], section 4.1, to (L, rank + 3)."""
        angles = coord[:, None] * self.frequencies
        functions = self.network(torch.cat([angles.sin(), angles.cos()], 1))
        return torch.cat([functions, catmull_rom((coord + 1) / 2, self.bands) @ self.linear], 1)


def catmull_rom(position: Tensor, knots: int) -> Tensor:
    """Weights (L, knots) of evenly spaced knots at positions (L,) in [0, 1]; a straight line stays straight.

    Beyond an end the line through the last two knots goes on.
    """
    scaled = position * (knots - 1)
    below = scaled.floor().clamp(0, max(knots - 2, 0))
    t = (scaled - below)[:, None]
    taps = 0.5 * torch.cat(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], dim=1
    )  # (L, 4), of the knots below - 1 to below + 2
    weights = position.new_zeros(len(position), knots + 2)
    weights.scatter_add_(1, below.long()[:, None] + torch.arange(4, device=position.device), taps)
    inner = weights[:, 1:-1].clone()
    if knots > 1:  # the knots outside are mirrored through the ends
        inner[:, 0] += 2 * weights[:, 0]
        inner[:, 1] -= weights[:, 0]
        inner[:, -1] += 2 * weights[:, -1]
        inner[:, -2] -= weights[:, -1]
    return inner
