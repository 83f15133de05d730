"""MST++ (Cai et al. 2022): cascaded U-shaped transformers whose tokens are channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DEPTH = 2  # number of times a stage halves the resolution


class SpectralAttention(nn.Module):
    """Multi-head self-attention between channels, each a token over all pixels, with positional convolutions."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Conv2d(channels, channels, 1, bias=False) for _ in range(3))
        self.scale = nn.Parameter(torch.ones(heads, 1, 1))
        self.out = nn.Conv2d(channels, channels, 1)
        self.place = nn.Sequential(_depthwise(channels), nn.GELU(), _depthwise(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        value = self.value(x)
        query, key, tokens = (self._split(part) for part in (self.query(x), self.key(x), value))  # (B, heads, c, N)
        weights = (self.scale * F.normalize(key, dim=-1) @ F.normalize(query, dim=-1).transpose(2, 3)).softmax(-1)
        mixed: Tensor = self.out((weights @ tokens).reshape(x.shape))
        return mixed + self.place(value)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(len(x), self.heads, -1, x.shape[2] * x.shape[3])


class AttentionBlock(nn.Module):
    """Attention, then a feed-forward network on normalised channels, each with a residual connection."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attention = SpectralAttention(channels, heads)
        self.norm = nn.LayerNorm(channels)
        self.feed = nn.Sequential(
            nn.Conv2d(channels, 4 * channels, 1, bias=False), nn.GELU(),
            _depthwise(4 * channels), nn.GELU(),
            nn.Conv2d(4 * channels, channels, 1, bias=False),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        x = x + self.attention(x)
        added: Tensor = self.feed(self.norm(x.movedim(1, -1)).movedim(-1, 1))
        return x + added


class Stage(nn.Module):
    """SST: encoder, bottleneck and decoder of attention blocks, with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels << level for level in range(DEPTH)]
        self.embed, self.mapping = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.encoder = nn.ModuleList(AttentionBlock(width, width // channels) for width in widths)
        self.down = nn.ModuleList(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False) for width in widths)
        self.bottleneck = AttentionBlock(channels << DEPTH, 1 << DEPTH)
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, 2) for width in widths)
        self.join = nn.ModuleList(nn.Conv2d(2 * width, width, 1, bias=False) for width in widths)
        self.decoder = nn.ModuleList(AttentionBlock(width, width // channels) for width in widths)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape; H and W are multiples of 2^DEPTH."""
        inner, skips = self.embed(x), []
        for block, down in zip(self.encoder, self.down, strict=True):
            skips.append(block(inner))
            inner = down(skips[-1])
        inner = self.bottleneck(inner)
        for level in reversed(range(DEPTH)):
            inner = self.join[level](torch.cat([self.up[level](inner), skips[level]], 1))
            inner = self.decoder[level](inner)
        mapped: Tensor = self.mapping(inner)
        return x + mapped


class MSTPlusPlus(nn.Module):
    """Image (B, inputs, H, W) to bands (B, bands, H, W), or to features (B, features, H, W) as an encoder.

    Args:
        features: channels of a stage at full resolution; 31 in the paper.
        blocks: stages; 3 in the paper.
        bands: channels of the output layer; None omits it.
        inputs: channels of the image.

    As in its paper, the long skip is added after the output layer; if the numbers of bands and features differ, it
    passes through a 1×1 convolution. Attention pools over the image, so no finite border makes a tile exact: `halo` is
    None.
    """

    halo = None

    def __init__(self, features: int = 31, blocks: int = 3, bands: int | None = None, inputs: int = 3) -> None:
        super().__init__()
        self.scratch = 24 * features  # numbers per pixel held at once
        self.head = nn.Conv2d(inputs, features, 3, padding=1, bias=False)
        self.stages = nn.Sequential(*(Stage(features) for _ in range(blocks)))
        self.tail = nn.Conv2d(features, bands, 3, padding=1, bias=False) if bands is not None else nn.Identity()
        self.skip = nn.Identity() if bands in (None, features) else nn.Conv2d(features, bands, 1, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, inputs, H, W) to (B, bands or features, H, W)."""
        height, width = image.shape[2:]
        multiple = 1 << DEPTH
        shallow = self.head(F.pad(image, (0, -width % multiple, 0, -height % multiple), mode="replicate"))
        output: Tensor = self.tail(self.stages(shallow)) + self.skip(shallow)
        return output[:, :, :height, :width]


def _depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
