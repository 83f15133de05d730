"""NeSR: encoder, spectral profile interpolation, neural attention mapping and MLP, composed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.models import spi
from nesr_gui.models.guide import ColourGuide
from nesr_gui.models.hscnn_r import HSCNNR
from nesr_gui.models.nam import NeuralAttentionMapping
from nesr_gui.models.spi import SpectralProfileInterpolation, lattice


@dataclass(frozen=True)
class NeSRConfig:
    """Everything that rebuilds a network; the defaults are the paper's HSCNN-R + NeSR (1.34 M parameters)."""

    encoder: str = "hscnn_r"
    features: int = 64  # of the encoder
    blocks: int = 16  # of the encoder
    channels: int = 32  # C, of the latent codes
    hidden: tuple[int, ...] = (128, 128, 256, 256)  # of the last MLP
    output: Literal["plain", "anchored"] = "plain"
    guide: int = 32  # width of the MLP of the colour alone, where the output is anchored
    compressed: bool = False  # the encoder sees the square root of linear RGB, nearer to even steps of lightness
    normalised: bool = False  # the network sees a photograph over its white level, and its answer is scaled back
    low: float = 400.0  # nm
    high: float = 700.0  # nm
    step: float = 10.0  # nm, of the training bands and of the convolutions
    context_pixels: int = 16_384  # at most so many pixels make the attention map

    @property
    def bands(self) -> tuple[float, ...]:
        """The training bands, nm."""
        return tuple(np.arange(self.low, self.high + self.step / 2, self.step).tolist())


ENCODERS: dict[str, Callable[[NeSRConfig], nn.Module]] = {
    "hscnn_r": lambda config: HSCNNR(config.features, config.blocks),
}


class NeSR(nn.Module):
    """RGB and wavelengths to a spectral image, Y = F(M_in, X), equation (1).

    `encode` is what a photograph costs once; `attend` gives its attention map; `decode` answers any window at any
    wavelengths. `forward` is the three together on the training bands' context, as the paper trains it.
    """

    def __init__(self, config: NeSRConfig) -> None:
        super().__init__()
        if config.encoder not in ENCODERS:
            raise KeyError(f"no encoder {config.encoder!r}; there are {', '.join(ENCODERS)}")
        self.config = config
        self.encoder = ENCODERS[config.encoder](config)
        self.spi = SpectralProfileInterpolation(config.channels, config.low, config.high, config.step)
        self.nam = NeuralAttentionMapping(config.channels)
        sizes = (config.channels, *config.hidden, 1)
        layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
        self.mlp = nn.Sequential(*layers[:-1])
        if config.output == "anchored":
            self.guide = ColourGuide(len(config.bands), config.guide)
            nn.init.zeros_(layers[-2].weight)  # type: ignore[arg-type]
            nn.init.zeros_(layers[-2].bias)  # type: ignore[arg-type]

    @property
    def halo(self) -> int:
        """Pixels around a pixel that its features depend on."""
        return int(self.encoder.halo)  # type: ignore[arg-type]

    def encode(self, rgb: Tensor) -> Tensor:
        """Linear sRGB (B, 3, H, W) in [0, 1] to features M_in (B, F, H, W)."""
        features: Tensor = self.encoder(rgb.sqrt() if self.config.compressed else rgb)
        return features

    def coord(self, nm: Tensor) -> Tensor:
        """Wavelengths in nm to [-1, 1], section 4.1."""
        return 2 * (nm - self.config.low) / (self.config.high - self.config.low) - 1

    def tokens(self, features: Tensor, nm: Tensor, inside: Tensor | None = None, stride: int = 1) -> Tensor:
        """Tokens v (B, L, h', w', C) of a window, equation (4); arguments as for SPI."""
        return self.nam.tokens(self.spi(features, nm, inside, stride), self.coord(nm))

    def context_stride(self, height: int, width: int) -> int:
        """The lattice whose tokens make an image's attention map: the finest stride with few enough pixels."""
        limit = self.config.context_pixels
        return next(s for s in range(1, height + width + 1) if -(-height // s) * -(-width // s) <= limit)

    def context_tokens(self, windows: Tensor, inside: Tensor) -> Tensor:
        """Tokens that make the attention map: those of some pixels at the training bands.

        Args:
            windows: (B, N, F, 5, 5), features around N pixels of each image, see `lattice`.
            inside: (1, N, 1, 5, 5), as for SPI.

        Returns:
            (B, N, L, 1, 1, C).
        """
        nm = torch.tensor(self.config.bands, device=windows.device)
        tokens = self.tokens(windows.flatten(0, 1), nm, inside.expand(len(windows), -1, -1, -1, -1).flatten(0, 1))
        return tokens.reshape(len(windows), -1, *tokens.shape[1:])

    def decode(
        self,
        features: Tensor,
        rgb: Tensor,
        attention: Tensor,
        nm: Tensor,
        inside: Tensor | None = None,
        stride: int = 1,
    ) -> Tensor:
        """The spectral image in a window.

        Args:
            features: (B, F, h + 4, w + 4), zero outside the image, `inside` as for SPI.
            rgb: (B, 3, h, w) of the same window, linear.
            attention: (B, C, C) from `nam.attention`, or (1, C, C) where all windows are of one image.
            nm: (L,) wavelengths.

        Returns:
            (B, L, h', w').
        """
        tokens = self.nam(self.tokens(features, nm, inside, stride), attention)
        values: Tensor = self.mlp(tokens).squeeze(-1)  # (B, L, h', w')
        if self.config.output == "anchored":
            values = self._anchored(values, rgb[:, :, ::stride, ::stride], nm)
        # No reflectance is negative; while training, the slope below zero is what teaches that.
        return values if self.training else values.clamp_min(0)

    def _anchored(self, residual: Tensor, rgb: Tensor, nm: Tensor) -> Tensor:
        """What the colour alone says, plus s·MLP with s the mean of rgb: black stays black."""
        guided: Tensor = self.guide(rgb, (self.coord(nm) + 1) / 2)
        return guided + rgb.mean(1, keepdim=True) * residual

    def forward(self, rgb: Tensor, nm: Tensor) -> Tensor:
        """The joint forward pass: rgb (B, 3, H, W) and wavelengths (L,) to the spectral image (B, L, H, W)."""
        features, inside = framed(self.encode(rgb))
        stride = self.context_stride(*rgb.shape[2:])
        tokens = self.context_tokens(lattice(features, stride), lattice(inside, stride))
        return self.decode(features, rgb, self.nam.attention(self.nam.correlations(tokens)), nm, inside)


def framed(features: Tensor) -> tuple[Tensor, Tensor]:
    """A whole image's features (B, F, H, W) with SPI's two pixels of zeros around, and the mask of what is inside."""
    inside = F.pad(torch.ones_like(features[:1, :1]), (spi.HALO,) * 4)
    return F.pad(features, (spi.HALO,) * 4), inside


def parameter_count(module: nn.Module) -> int:
    """Learned numbers of a network, as Table 1 counts them."""
    return sum(parameter.numel() for parameter in module.parameters())
