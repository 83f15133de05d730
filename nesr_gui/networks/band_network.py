"""Networks with fixed output bands: the common interface, and the discrete networks of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from nesr_gui.networks.encoders import encoder, linear_skip

EVERY_TEN = tuple(400.0 + 10 * i for i in range(31))  # nm


class BandNetwork(nn.Module):
    """Base class: image (1, inputs, H, W) to values (1, L, H, W) at `bands` in nm, in ascending order.

    Attributes:
        config: configuration that rebuilds the network.
        normalised: whether the input is divided by its white level, and the output multiplied by it.
        halo: pixels around a pixel on which its output depends; None if it depends on the whole image.
        scratch: numbers per pixel held at once, if the network pools over the whole image.
        tile: side of the blended tiles in which the network must be run, in pixels; None if it may see the whole image.
        remark: sentence about the output that the user must know.
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
    """Complete configuration of a discrete network; the defaults are the paper's HSCNN-R with 31 bands.

    With 61 `bands` it is the first step of the paper's AWAN(-D) (section 4.2), for any encoder. `skip` adds a learned
    linear map of the input to the output; it is not in the paper.
    """

    encoder: str = "hscnn_r"
    features: int = 64  # of the encoder
    blocks: int = 16  # of the encoder
    bands: tuple[float, ...] = EVERY_TEN  # nm, of the output
    inputs: tuple[float, ...] = ()  # nm, of the input bands; empty for linear RGB
    compressed: bool = False  # see `NeSRConfig`
    normalised: bool = False  # see `NeSRConfig`
    skip: bool = False


class DiscreteNetwork(BandNetwork):
    """An encoder with its output layer.

    Raises:
        KeyError: the encoder is unknown.
        ValueError: the bands are empty or not in ascending order.
    """

    def __init__(self, config: DiscreteConfig) -> None:
        super().__init__()
        if not config.bands or list(config.bands) != sorted(set(config.bands)):
            raise ValueError(f"bands at {config.bands} nm; expected at least one, in ascending order")
        self.config, self.bands, self.normalised = config, config.bands, config.normalised
        build = encoder(config.encoder).build
        self.network = build(config.features, config.blocks, len(config.bands), len(config.inputs) or 3)
        if config.skip:
            self.linear = linear_skip(config.inputs, config.bands)
        self.halo, self.scratch = self.network.halo, self.network.scratch

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, inputs, H, W) to bands (B, L, H, W), not negative in evaluation mode."""
        values: Tensor = self.network(image.sqrt() if self.config.compressed else image)
        if self.config.skip:
            values = values + self.linear(image)
        # Reflectance is not negative; in training, negative values must keep their gradient.
        return values if self.training else values.clamp_min(0)
