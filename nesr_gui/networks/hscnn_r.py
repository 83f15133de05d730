"""HSCNN-R (Shi et al. 2018), the paper's small encoder: residual blocks of 3×3 convolutions under a global skip."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.networks.streaming import Rows, convolved, in_rows, rectified, residual


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))) on (B, features, H, W)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))

    def rolled(self, rows: Rows) -> Iterator[Tensor]:
        """The same, some rows at a time."""
        return residual(rows, lambda own: convolved(rectified(convolved(own, self.first)), self.second))


class HSCNNR(nn.Module):
    """Image (B, inputs, H, W) to features (B, features, H, W), or to `bands` where it ends in its output layer.

    Args:
        features: channels of every block; 64 in the paper.
        blocks: residual blocks of two convolutions; 16 in the paper.
        bands: of the output layer; None leaves it out, which is how NeSR uses it as an encoder.
        inputs: channels of the image.

    `halo` is how many pixels around a pixel its value depends on: a tile with that much border is exact.
    """

    def __init__(self, features: int = 64, blocks: int = 16, bands: int | None = None, inputs: int = 3) -> None:
        super().__init__()
        self.scratch = 4 * features
        self.halo = 1 + 2 * blocks + (bands is not None)
        self.head = nn.Conv2d(inputs, features, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(features) for _ in range(blocks)))
        self.tail = nn.Conv2d(features, bands, 3, padding=1) if bands is not None else nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        if not torch.is_grad_enabled():  # nothing has to be kept for a way back
            return torch.cat(list(self.rolled(in_rows(image))), 2)
        shallow = self.head(image.contiguous(memory_format=torch.channels_last))
        features: Tensor = self.tail(shallow + self.blocks(shallow))
        return features

    def rolled(self, rows: Rows) -> Iterator[Tensor]:
        """The same, some rows at a time."""

        def blocks(rows: Rows) -> Rows:
            for block in self.blocks:
                assert isinstance(block, ResidualBlock)
                rows = block.rolled(rows)
            return rows

        deep = residual(convolved(rows, self.head), blocks)
        return convolved(deep, self.tail) if isinstance(self.tail, nn.Conv2d) else deep
