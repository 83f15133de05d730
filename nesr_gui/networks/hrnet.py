"""HRNet (Zhao et al. 2020), a hierarchical regression network: four resolutions, the coarse ones feeding the finer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.networks.layers import padded

LEVELS = 4
SLOPE = 0.2  # of every LeakyReLU
RESIDUAL = 0.1  # what blocks add is scaled by this


class Conv(nn.Module):
    """Convolution and LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(x), SLOPE)


class ResidualDenseBlock(nn.Module):
    """Five convolutions, each of which sees the input and all before it, added to the input (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        growth = channels // 2
        sizes = [growth] * 4 + [channels]
        self.convs = nn.ModuleList(Conv(channels + i * growth, size) for i, size in enumerate(sizes))

    def forward(self, x: Tensor) -> Tensor:
        seen = x
        for conv in self.convs[:-1]:
            seen = torch.cat([seen, conv(seen)], 1)
        added: Tensor = self.convs[-1](seen)
        return x + RESIDUAL * added


class ResidualGlobalBlock(nn.Module):
    """Two convolutions with channels weighed in between by their means over the image, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // 4, 1)
        self.first, self.second = Conv(channels, channels), Conv(channels, channels)
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False), nn.ReLU(),
            nn.Linear(hidden, hidden, bias=False), nn.ReLU(),
            nn.Linear(hidden, channels, bias=False), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        inner = self.first(x)
        weights = self.fc(inner.mean((2, 3)))[:, :, None, None]
        added: Tensor = self.second(inner * weights)
        return x + RESIDUAL * added


class Level(nn.Module):
    """One resolution: the image at it (B, inputs, h, w), joined by what the coarser one made of it."""

    def __init__(self, inputs: int, channels: int, dense: int, coarser: int, finest: bool) -> None:
        super().__init__()
        self.entry = Conv(inputs, channels)
        self.join = Conv(channels + coarser, channels) if coarser else nn.Identity()
        blocks = [ResidualDenseBlock(channels) for _ in range(dense)]
        self.body = nn.Sequential(*blocks, ResidualGlobalBlock(channels))
        self.exit = nn.Identity() if finest else Conv(channels, channels, kernel=3 if coarser else 1)

    def forward(self, x: Tensor, coarser: Tensor | None) -> Tensor:
        x = self.entry(x)
        if coarser is not None:
            x = torch.cat([x, F.pixel_shuffle(coarser, 2)], 1)
        answer: Tensor = self.exit(self.body(self.join(x)))
        return answer


class HRNet(nn.Module):
    """Image (B, inputs, H, W) to features (B, features, H, W), or to `bands` where it ends in its output layer.

    Args:
        features: channels at full resolution, twice as many at each coarser one; 64 in the paper.
        blocks: dense blocks at full resolution, half as many at each coarser one, at least one; 4 in the paper.
        bands: of the output layer; None leaves it out.
        inputs: channels of the image.

    It pools over the image, so no border makes a tile exact: `halo` is None.
    """

    halo = None

    def __init__(self, features: int = 64, blocks: int = 4, bands: int | None = None, inputs: int = 3) -> None:
        super().__init__()
        self.scratch = 8 * features  # numbers per pixel held at once
        widths = [features << level for level in range(LEVELS)]
        self.levels = nn.ModuleList(
            Level(
                inputs=inputs * 4**level,
                channels=width,
                dense=max(blocks >> level, 1),
                coarser=width * 2 // 4 if level < LEVELS - 1 else 0,
                finest=level == 0,
            )
            for level, width in enumerate(widths)
        )
        self.tail = nn.Conv2d(features, bands, 3, padding=1) if bands is not None else nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        image = padded(image, 1 << LEVELS - 1)
        x: Tensor | None = None
        for level in reversed(range(LEVELS)):
            x = self.levels[level](F.pixel_unshuffle(image, 1 << level), x)
        answer: Tensor = self.tail(x)[:, :, :height, :width]
        return answer
