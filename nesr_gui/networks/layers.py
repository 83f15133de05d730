"""Images brought to the sizes that networks with pyramids can halve."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def padded(image: Tensor, multiple: int, least: int = 1) -> Tensor:
    """(B, C, H, W) with its last row and column repeated until both sides are multiples, and at least `least`."""
    height, width = (max(-(-size // multiple) * multiple, least) - size for size in image.shape[2:])
    return F.pad(image, (0, width, 0, height), mode="replicate")
