"""Small parts that several networks share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def padded(image: Tensor, multiple: int, least: int = 1) -> Tensor:
    """(B, C, H, W) with its last row and column repeated until both sides are multiples, and at least `least`."""
    height, width = (max(-(-size // multiple) * multiple, least) - size for size in image.shape[2:])
    return F.pad(image, (0, width, 0, height), mode="replicate")


def linear_answer(inputs: tuple[float, ...], bands: tuple[float, ...]) -> nn.Conv2d:
    """A learned linear answer of each pixel to its own input: (B, inputs, H, W) to (B, bands, H, W).

    It starts as the grey of linear RGB, or as what is linear between the bands that are `inputs` (nm); a trainer may
    start it better, by least squares.
    """
    layer = nn.Conv2d(len(inputs) or 3, len(bands), 1, bias=False)
    nn.init.constant_(layer.weight, 1 / 3)
    if inputs:
        between = [np.interp(bands, inputs, one) for one in np.eye(len(inputs))]
        layer.weight.data.copy_(torch.tensor(np.array(between).T, dtype=torch.float32)[..., None, None])
    return layer
