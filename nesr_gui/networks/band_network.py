"""Networks that answer at fixed bands, and the encoders as such networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from nesr_gui.networks.encoders import encoder
from nesr_gui.networks.layers import linear_answer

EVERY_TEN = tuple(400.0 + 10 * i for i in range(31))  # nm


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


@dataclass(frozen=True)
class DiscreteConfig:
    """Everything that rebuilds a discrete network; the defaults are the paper's HSCNN-R of 31 bands.

    With 61 `bands` it is the first step of the paper's AWAN(-D) for any of the encoders. `skip` adds a learned linear
    answer to the input, as NeSR of `profile` spectrum has it.
    """

    encoder: str = "hscnn_r"
    features: int = 64  # of the encoder
    blocks: int = 16  # of the encoder
    bands: tuple[float, ...] = EVERY_TEN  # nm, of the output
    inputs: tuple[float, ...] = ()  # nm, of the bands that it sees; none where it sees linear RGB
    compressed: bool = False  # as for NeSR
    normalised: bool = False  # as for NeSR
    skip: bool = False


class DiscreteNetwork(BandNetwork):
    """Image (B, inputs, H, W) to bands (B, L, H, W): one of the encoders with its output layer."""

    def __init__(self, config: DiscreteConfig) -> None:
        super().__init__()
        if not config.bands or list(config.bands) != sorted(set(config.bands)):
            raise ValueError(f"bands at {config.bands} nm; expected some, in order")
        self.config, self.bands, self.normalised = config, config.bands, config.normalised
        build = encoder(config.encoder).build
        self.network = build(config.features, config.blocks, len(config.bands), len(config.inputs) or 3)
        if config.skip:
            self.linear = linear_answer(config.inputs, config.bands)
        self.halo, self.scratch = self.network.halo, self.network.scratch

    def forward(self, image: Tensor) -> Tensor:
        values: Tensor = self.network(image.sqrt() if self.config.compressed else image)
        if self.config.skip:
            values = values + self.linear(image)
        # No reflectance is negative; while training, the slope below zero is what teaches that.
        return values if self.training else values.clamp_min(0)
