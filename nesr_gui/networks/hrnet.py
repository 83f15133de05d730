"""HRNet (Zhao et al. 2020), a hierarchical regression network: four resolutions, each feeding the next finer one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = 4
SLOPE = 0.2  # of every LeakyReLU
RESIDUAL = 0.1  # scale of the residual branch of each block


class Conv(nn.Module):
    """Convolution and LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        return F.leaky_relu(self.conv(x), SLOPE)


class ResidualDenseBlock(nn.Module):
    """Five densely connected convolutions, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        growth = channels // 2
        sizes = [growth] * 4 + [channels]
        self.convs = nn.ModuleList(Conv(channels + i * growth, size) for i, size in enumerate(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        dense = x
        for conv in self.convs[:-1]:
            dense = torch.cat([dense, conv(dense)], 1)
        added: Tensor = self.convs[-1](dense)
        return x + RESIDUAL * added


class ResidualGlobalBlock(nn.Module):
    """Two convolutions with channel attention over the image in between, added to their input."""

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
        """(B, C, H, W) to the same shape."""
        inner = self.first(x)
        weights = self.fc(inner.mean((2, 3)))[:, :, None, None]
        added: Tensor = self.second(inner * weights)
        return x + RESIDUAL * added


class Level(nn.Module):
    """One resolution: the image at that resolution, joined with the output of the next coarser level."""

    def __init__(self, inputs: int, channels: int, dense: int, coarser: int, finest: bool) -> None:
        super().__init__()
        self.entry = Conv(inputs, channels)
        self.join = Conv(channels + coarser, channels) if coarser else nn.Identity()
        blocks = [ResidualDenseBlock(channels) for _ in range(dense)]
        self.body = nn.Sequential(*blocks, ResidualGlobalBlock(channels))
        self.exit = nn.Identity() if finest else Conv(channels, channels, kernel=3 if coarser else 1)

    def forward(self, x: Tensor, coarser: Tensor | None) -> Tensor:
        """Image (B, inputs, h, w), and output of the coarser level or None, to (B, channels, h, w)."""
        x = self.entry(x)
        if coarser is not None:
            x = torch.cat([x, F.pixel_shuffle(coarser, 2)], 1)
        output: Tensor = self.exit(self.body(self.join(x)))
        return output


class HRNet(nn.Module):
    """Image (B, inputs, H, W) to features (B, features, H, W), or to bands (B, bands, H, W).

    Args:
        features: channels at full resolution, doubled at each coarser level; 64 in the paper.
        blocks: dense blocks at full resolution, halved at each coarser level, at least one; 4 in the paper.
        bands: channels of the output layer; None omits it.
        inputs: channels of the image.

    It pools over the image, so no finite border makes a tile exact: `halo` is None.
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
        """Image (B, inputs, H, W) to (B, features or bands, H, W)."""
        height, width = image.shape[2:]
        multiple = 1 << LEVELS - 1
        image = F.pad(image, (0, -width % multiple, 0, -height % multiple), mode="replicate")
        x: Tensor | None = None
        for level in reversed(range(LEVELS)):
            x = self.levels[level](F.pixel_unshuffle(image, 1 << level), x)
        output: Tensor = self.tail(x)[:, :, :height, :width]
        return output
