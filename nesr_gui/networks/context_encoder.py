"""The context encoder: what surrounds a pixel, seen at a quarter of the resolution for a ninth of the cost."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.1  # of the LeakyReLUs, so that no unit can die
START = 0.3  # what a block adds at first, relative to its input


def normalised(features: Tensor) -> Tensor:
    """Features (B, F, h, w) with mean 0 and variance 1 over the channels of each pixel, so that they keep their scale.

    Without it the features of a training run grew ten-thousandfold in 3,000 steps, and what followed died.
    """
    return F.layer_norm(features.permute(0, 2, 3, 1), features.shape[1:2]).permute(0, 3, 1, 2)


class ContextBlock(nn.Module):
    """x + conv(leaky(conv(normalised(x)))) on (B, features, h, w)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight, SLOPE)
        nn.init.normal_(self.second.weight, std=START / math.sqrt(9 * features))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.leaky_relu(self.first(normalised(x)), SLOPE))


class ContextEncoder(nn.Module):
    """Image (B, inputs, H, W) to features (B, features, H / 4, W / 4); H and W are multiples of `SCALE`.

    Cells of 4 × 4 pixels become channels (pixel unshuffle), which residual blocks see. The surroundings say little of a
    pixel's spectrum beside its own colour, which the decoder reads at full resolution, so they may be coarse.

    Args:
        features: channels of every block.
        blocks: residual blocks of two 3×3 convolutions.
        inputs: channels of the image.

    `halo` is how many cells around a cell its features depend on.
    """

    SCALE = 4

    def __init__(self, features: int = 64, blocks: int = 6, inputs: int = 3) -> None:
        super().__init__()
        self.halo = 1 + 2 * blocks
        self.head = nn.Conv2d(inputs * self.SCALE**2, features, 3, padding=1)
        self.blocks = nn.Sequential(*(ContextBlock(features) for _ in range(blocks)))

    def forward(self, image: Tensor) -> Tensor:
        cells = F.pixel_unshuffle(image, self.SCALE).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.blocks(self.head(cells))
        return features
