"""What all systems but NeSR have in common: they answer at fixed wavelengths."""

from __future__ import annotations

from typing import Any

from torch import nn


class BandNetwork(nn.Module):
    """An image (1, inputs, H, W) to its values (1, L, H, W) at `bands` nm, in ascending order.

    Attributes:
        config: what rebuilds it.
        normalised: whether it sees photographs over their white level, and its answers are scaled back.
        halo: pixels around a pixel that its answer depends on; None where that is the whole image.
        scratch: numbers per pixel held at once, for one that looks at the whole image.
        tile: pixels along a side of the blended tiles it has to be computed in; None where it may see all at once.
        remark: what a user has to know of its answers.
    """

    config: Any
    bands: tuple[float, ...]
    normalised = False
    halo: int | None = 0
    scratch = 0
    tile: int | None = None
    remark = ""
