"""BI: the three channels of a photograph, interpolated along the spectrum."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from nesr_gui.networks.band_network import BandNetwork


@dataclass(frozen=True)
class BandInterpolationConfig:
    """Where blue, green and red stand: the dominant wavelengths of the primaries of sRGB, to ten nm."""

    nominal: tuple[float, ...] = (460.0, 550.0, 610.0)  # nm
    low: float = 400.0  # nm
    high: float = 700.0  # nm


class BandInterpolation(BandNetwork):
    """Linear RGB (B, 3, H, W) at its nominal wavelengths, held beyond them: (B, 5, H, W)."""

    def __init__(self, config: BandInterpolationConfig) -> None:
        super().__init__()
        self.config, self.bands = config, (config.low, *config.nominal, config.high)

    def forward(self, image: Tensor) -> Tensor:
        return image[:, [2, 2, 1, 0, 0]]
