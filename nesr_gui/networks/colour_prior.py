"""What a colour alone says of its spectrum: the answer an anchored network starts from."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DIMMEST = 1e-4  # brightness below which a colour has no chromaticity


class ColourPrior(nn.Module):
    """Linear RGB of a pixel to its likely spectrum: base(nm)·rgb + s·MLP(chromaticity, brightness).

    s is the mean of R, G, B. Both parts stand on `knots` evenly spaced knots from the shortest wavelength to the
    longest, with Catmull-Rom splines between them, so that a curve has no kinks. The MLP starts at zero.
    """

    def __init__(self, knots: int, width: int) -> None:
        super().__init__()
        self.knots = knots
        self.base = nn.Parameter(torch.full((knots, 3), 1 / 3))
        self.first, self.second, self.last = nn.Linear(4, width), nn.Linear(width, width), nn.Linear(width, knots)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, rgb: Tensor, position: Tensor) -> Tensor:
        """Spectra (B, L, h, w) of colours (B, 3, h, w) at positions (L,) in [0, 1] along the range."""
        spectra: Tensor = F.linear(self.seen(rgb), self.at(position).to(rgb.dtype))
        return spectra.permute(0, 3, 1, 2)

    def seen(self, rgb: Tensor) -> Tensor:
        """What is linear in spectra of colours (B, 3, h, w): (B, h, w, width + 4), brightness the last but three."""
        rgb = rgb.permute(0, 2, 3, 1)  # (B, h, w, 3)
        brightness = rgb.mean(-1, keepdim=True)
        colour = torch.cat([rgb / brightness.clamp_min(DIMMEST), brightness], -1).clamp_min(0).sqrt()
        hidden = F.relu(self.second(F.relu(self.first(colour))))
        return torch.cat([brightness * hidden, brightness, rgb], -1)

    def at(self, position: Tensor) -> Tensor:
        """Weights (L, width + 4) of what is `seen` at positions (L,) in [0, 1]."""
        spline = catmull_rom(position, self.knots)  # (L, knots)
        return spline @ torch.cat([self.last.weight, self.last.bias[:, None], self.base], 1)


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
