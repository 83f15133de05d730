"""AWAN (Li et al. 2020): dual residual attention blocks, followed by second-order non-local attention.

Convolutions have no bias and use reflection padding; every PReLU has a single slope. The implementation matches the
release of the NeSR paper, whose weights it can load (`authors_release.py`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

REDUCTION = 16  # of channels within the attention over channels
TAIL_REDUCTION = 8  # of channels within the non-local tail
SMALLEST = 4  # smallest side in pixels: 5×5 kernels reflect two, and no quadrant may be empty


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect", bias=False)


class WeightedChannelAttention(nn.Module):
    """AWCA: channel attention from a learned weighted mean over pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // REDUCTION, 1)
        self.conv = nn.Conv2d(channels, 1, 1, bias=False)
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False), nn.PReLU(), nn.Linear(hidden, channels, bias=False), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        weights = self.conv(x).flatten(1).softmax(-1)  # (B, N), over pixels
        pooled = torch.einsum("bcn,bn->bc", x.flatten(2), weights)
        return x * self.fc(pooled)[:, :, None, None]


class SecondOrderNonLocal(nn.Module):
    """PSNL: non-local attention from the covariance of the channels, separately in each quadrant."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // TAIL_REDUCTION, 1)
        self.g = nn.Conv2d(channels, hidden, 1, bias=False)
        self.theta = nn.Conv2d(channels, hidden, 1, bias=False)
        self.W = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        halves = x.tensor_split([x.shape[2] // 2], 2)
        return torch.cat(
            [
                torch.cat([self._quadrant(part) for part in half.tensor_split([x.shape[3] // 2], 3)], 3)
                for half in halves
            ],
            2,
        )

    def _quadrant(self, x: Tensor) -> Tensor:
        theta = self.theta(x).flatten(2)  # (B, c, N)
        covariance = (theta - theta.mean(2, keepdim=True)) @ theta.transpose(1, 2) / theta.shape[2]
        mixed = covariance.softmax(-1) @ self.g(x).flatten(2)
        added: Tensor = self.W(mixed.unflatten(2, x.shape[2:]))
        return x + added


class DualResidualAttentionBlock(nn.Module):
    """DRAB: two residual paths, one through the block and one from block to block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.relu1 = _conv(channels, channels, 3), nn.PReLU()
        self.conv2, self.relu2 = _conv(channels, channels, 3), nn.PReLU()
        self.up_conv, self.up_relu = _conv(channels, channels, 5), nn.PReLU()
        self.se = WeightedChannelAttention(channels)
        self.down_conv, self.down_relu = _conv(channels, channels, 3), nn.PReLU()

    def forward(self, x: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
        """Features and residual (B, C, H, W), both for the next block."""
        inner = self.relu2(self.conv2(self.relu1(self.conv1(x))) + x)
        residual = self.up_relu(self.up_conv(inner) + residual)
        return self.down_relu(self.down_conv(self.se(residual)) + x), residual


class AWAN(nn.Module):
    """Image (B, inputs, H, W) to bands (B, bands, H, W), or to features (B, features, H, W) as an encoder.

    As an encoder it retains its output convolution, with `features` outputs, and its tail.

    Args:
        features: channels of every block; 256 in the paper.
        blocks: dual residual attention blocks; 8 in the paper.
        bands: number of output bands; None for an encoder.
        inputs: channels of the image.

    It pools over the image, so no finite border makes a tile exact: `halo` is None.
    """

    halo = None

    def __init__(self, features: int = 256, blocks: int = 8, bands: int | None = None, inputs: int = 3) -> None:
        super().__init__()
        self.scratch = 8 * features  # numbers per pixel held at once
        outputs = bands or features
        self.input_conv, self.input_prelu = _conv(inputs, features, 3), nn.PReLU()
        self.head_conv = _conv(features, features, 3)
        self.backbone = nn.ModuleList(DualResidualAttentionBlock(features) for _ in range(blocks))
        self.tail_conv, self.output_prelu = _conv(features, features, 3), nn.PReLU()
        self.output_conv = _conv(features, outputs, 3)
        self.tail_nonlocal = SecondOrderNonLocal(outputs)

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, inputs, H, W) to (B, bands or features, H, W)."""
        height, width = image.shape[2:]
        padded = F.pad(image, (0, max(SMALLEST - width, 0), 0, max(SMALLEST - height, 0)), mode="replicate")
        x = self.head_conv(self.input_prelu(self.input_conv(padded)))
        residual = x
        for block in self.backbone:
            x, residual = block(x, residual)
        x = self.output_conv(self.output_prelu(self.tail_conv(x) + residual))
        output: Tensor = self.tail_nonlocal(x)[:, :, :height, :width]
        return output
