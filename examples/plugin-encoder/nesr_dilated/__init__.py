"""An encoder for nesr_gui: residual blocks of dilated convolutions, which see far with few layers."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.networks.encoders import Encoder

DILATIONS = (1, 2, 4, 8)  # of consecutive blocks, then again from the first


class DilatedEncoder(nn.Module):
    """Image (B, inputs, H, W) to features (B, features, H, W), or to bands (B, bands, H, W).

    Args:
        features: channels of every block.
        blocks: residual blocks.
        bands: channels of the output layer; None omits it, as NeSR does.
        inputs: channels of the image.

    Attributes:
        halo: pixels around a pixel on which its output depends, so that tiles with this border are exact.
        scratch: numbers per pixel held at once, by which tiles are made to fit into memory.
    """

    def __init__(self, features: int, blocks: int, bands: int | None, inputs: int) -> None:
        super().__init__()
        steps = [DILATIONS[block % len(DILATIONS)] for block in range(blocks)]
        self.halo, self.scratch = 1 + sum(steps), 3 * features
        self.head = nn.Conv2d(inputs, features, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Conv2d(features, features, 3, padding=step, dilation=step) for step in steps)
        self.tail = nn.Conv2d(features, bands, 1) if bands is not None else nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, inputs, H, W) to (B, features or bands, H, W)."""
        x = self.head(image)
        for block in self.blocks:
            x = x + F.relu(block(x))
        features: Tensor = self.tail(x)
        return features


DILATED = Encoder("Dilated", DilatedEncoder, features=48, blocks=8)
