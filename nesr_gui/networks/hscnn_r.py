"""HSCNN-R (Shi et al. 2018), the paper's small encoder: residual blocks of 3×3 convolutions with a global skip.

Without gradients the network is evaluated in strips of rows. Running layer by layer over the whole image moves every
value through main memory once per layer; a strip instead passes through all layers as soon as its neighbouring rows
are available, while it is still in the processor's caches. For HSCNN-R this takes three quarters of the time, stores a
few rows per layer instead of whole images, and computes the same sums in the same order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Rows = Iterable[Tensor]
"""An image from top to bottom in strips (B, C, r, W)."""

PIXELS = 1 << 14  # per strip: few enough to stay in the caches, enough to occupy all cores


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))) on (B, features, H, W)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, H, W) to the same shape."""
        return x + self.second(F.relu(self.first(x)))

    def forward_rows(self, rows: Rows) -> Iterator[Tensor]:
        """Compute `forward` strip by strip."""
        return add_branch(rows, lambda x: convolve_rows(relu_rows(convolve_rows(x, self.first)), self.second))


class HSCNNR(nn.Module):
    """Image (B, inputs, H, W) to features (B, features, H, W), or to bands (B, bands, H, W).

    Args:
        features: channels of every block; 64 in the paper.
        blocks: residual blocks of two convolutions; 16 in the paper.
        bands: channels of the output layer; None omits it, as NeSR does.
        inputs: channels of the image.

    Attributes:
        halo: pixels around a pixel on which its value depends; a tile with this border is exact.
        scratch: numbers per pixel held at once.
    """

    def __init__(self, features: int = 64, blocks: int = 16, bands: int | None = None, inputs: int = 3) -> None:
        super().__init__()
        self.scratch = 4 * features
        self.halo = 1 + 2 * blocks + (bands is not None)
        self.head = nn.Conv2d(inputs, features, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(features) for _ in range(blocks)))
        self.tail = nn.Conv2d(features, bands, 3, padding=1) if bands is not None else nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, inputs, H, W) to (B, features or bands, H, W)."""
        if not torch.is_grad_enabled():  # no activations are needed for a backward pass
            return torch.cat(list(self.forward_rows(split_rows(image))), 2)
        shallow = self.head(image.contiguous(memory_format=torch.channels_last))
        features: Tensor = self.tail(shallow + self.blocks(shallow))
        return features

    def forward_rows(self, rows: Rows) -> Iterator[Tensor]:
        """Compute `forward` strip by strip."""

        def blocks(rows: Rows) -> Rows:
            for block in self.blocks:
                assert isinstance(block, ResidualBlock)
                rows = block.forward_rows(rows)
            return rows

        deep = add_branch(convolve_rows(rows, self.head), blocks)
        return convolve_rows(deep, self.tail) if isinstance(self.tail, nn.Conv2d) else deep


def split_rows(image: Tensor) -> Rows:
    """Split an image (B, C, H, W) into strips in channels-last order, which is fastest on processors."""
    count = max(PIXELS // image.shape[3], 4)
    return (rows.contiguous(memory_format=torch.channels_last) for rows in torch.split(image, count, 2))


def convolve_rows(chunks: Rows, layer: nn.Conv2d) -> Iterator[Tensor]:
    """3×3 convolution with zero padding; each row is yielded once the row below it is available."""
    above = None
    for chunk in chunks:
        joined = F.pad(chunk, (0, 0, 1, 0)) if above is None else torch.cat([above, chunk], 2)
        above = joined[:, :, -2:]
        if joined.shape[2] > 2:
            yield F.conv2d(joined, layer.weight, layer.bias, padding=(0, 1))
    if above is not None:
        yield F.conv2d(F.pad(above, (0, 0, 0, 1)), layer.weight, layer.bias, padding=(0, 1))


def relu_rows(chunks: Rows) -> Iterator[Tensor]:
    """ReLU, in place."""
    return (F.relu_(chunk) for chunk in chunks)


def add_branch(
    chunks: Rows, branch: Callable[[Rows], Rows], shortcut: Callable[[Tensor], Tensor] = lambda rows: rows
) -> Iterator[Tensor]:
    """Residual connection: `shortcut(rows)` plus `branch(rows)`, whose output may lag behind its input.

    The shortcut must be pointwise; by default it is the identity.
    """
    pending: deque[Tensor] = deque()

    def record() -> Iterator[Tensor]:
        for chunk in chunks:
            pending.append(shortcut(chunk))
            yield chunk

    for output in branch(record()):
        done = 0
        while done < output.shape[2]:
            rows = pending.popleft()
            count = min(rows.shape[2], output.shape[2] - done)
            output[:, :, done : done + count] += rows[:, :, :count]
            done += count
            if count < rows.shape[2]:
                pending.appendleft(rows[:, :, count:])
        yield output
