"""NeSR: encoder, spectral profile interpolation, neural attention mapping and MLP, composed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.networks.colour_prior import ColourPrior
from nesr_gui.networks.encoders import encoder
from nesr_gui.networks.nam import ATTENTIONS, Folded, NeuralAttentionMapping
from nesr_gui.networks.spi import HALO, SIDE, SpectralProfileInterpolation, Taps, lattice, resample
from nesr_gui.networks.streaming import in_rows


@dataclass(frozen=True)
class NeSRConfig:
    """Everything that rebuilds a network; the defaults are the paper's HSCNN-R + NeSR (1.34 M parameters).

    `spi` and `attention` take parts away, as the paper's Table 4 does. Without SPI, codes are the pixel's features.
    The attention map is made of sums over an image's pixels and wavelengths (`spatial_spectral`, the paper's), over the
    wavelengths of each pixel (`spectral`), or over the pixels at each wavelength (`spatial`).
    """

    encoder: str = "hscnn_r"
    features: int = 64  # of the encoder
    blocks: int = 16  # of the encoder
    inputs: tuple[float, ...] = ()  # nm, of the bands that the encoder sees; none where it sees linear RGB
    spi: bool = True
    attention: Literal["spatial_spectral", "spectral", "spatial", "none"] = "spatial_spectral"
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


class NeSR(nn.Module):
    """RGB and wavelengths to a spectral image, Y = F(M_in, X), equation (1).

    `encode` is what a photograph costs once, `context_tokens` make its attention map; `query` prepares wavelengths, at
    which `decode` answers any window. `forward` is all of it together, as the paper trains it.
    """

    def __init__(self, config: NeSRConfig) -> None:
        super().__init__()
        if config.attention not in ATTENTIONS:
            raise ValueError(f"no attention {config.attention!r}; there are {', '.join(ATTENTIONS)}")
        if config.output == "anchored" and config.inputs:
            raise ValueError("an anchored output starts from a colour; a network that sees bands has to be plain")
        self.config, self.bands, self.normalised = config, config.bands, config.normalised
        self.encoder = encoder(config.encoder).build(config.features, config.blocks, None, len(config.inputs) or 3)
        self.halo, self.scratch = self.encoder.halo, self.encoder.scratch  # as of `BandNetwork`
        codes = config.channels if config.spi else config.features
        if config.spi:
            self.spi = SpectralProfileInterpolation(codes, config.low, config.high, config.step)
        if config.attention != "none":
            self.nam = NeuralAttentionMapping(codes)
        sizes = (codes + (config.attention == "none"), *config.hidden, 1)
        layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU(inplace=True))]
        self.mlp = nn.Sequential(*layers[:-1])
        if config.output == "anchored":
            self.guide = ColourPrior(len(config.bands), config.guide)
            nn.init.zeros_(layers[-2].weight)  # type: ignore[arg-type]
            nn.init.zeros_(layers[-2].bias)  # type: ignore[arg-type]

    def encode(self, rgb: Tensor) -> Tensor:
        """Linear sRGB or bands (B, inputs, H, W) in [0, 1] to features M_in (B, F, H, W)."""
        features: Tensor = self.encoder(rgb.sqrt() if self.config.compressed else rgb)
        return features

    def encode_rows(self, rgb: Tensor) -> Iterator[Tensor]:
        """The same of one large image, some rows (B, F, r, W) after the others; of an encoder with a `halo` only."""
        seen = (rows.sqrt() if self.config.compressed else rows for rows in in_rows(rgb))
        rolled: Iterator[Tensor] = self.encoder.rolled(seen)  # type: ignore[operator]
        return rolled

    def coord(self, nm: Tensor) -> Tensor:
        """Wavelengths in nm to [-1, 1], section 4.1."""
        return 2 * (nm - self.config.low) / (self.config.high - self.config.low) - 1

    def query(self, nm: Tensor, attention: Tensor | None) -> Query:
        """Everything of answers at wavelengths (L,) nm that does not depend on pixels: made once for a whole image.

        `attention` (B, …, C, C) is from `nam.attention` of the context, or (1, …, C, C) where all windows are of one
        image; None where there is no context.
        """
        coord = self.coord(nm)
        taps = self.spi.taps(nm) if self.config.spi else None
        weights = self.guide.at((coord + 1) / 2) if self.config.output == "anchored" else None
        if attention is not None and attention.ndim == 3:
            return Query(coord, taps, weights, self.nam.folded(coord, attention, self.mlp))
        if attention is not None:  # linear between the training bands
            attention = resample(attention, (coord + 1) / 2)[:, :, None, None]
        return Query(coord, taps, weights, None, attention)

    def codes(self, features: Tensor, query: Query, inside: Tensor | None = None, stride: int = 1) -> Tensor:
        """Latent codes (B, L, h', w', C) of a window; arguments as for SPI."""
        if query.taps is not None:
            codes: Tensor = self.spi(features, query.taps, inside, stride)
            return codes
        own = features[:, :, HALO:-HALO:stride, HALO:-HALO:stride].permute(0, 2, 3, 1)[:, None]
        return own.expand(-1, query.coord.numel(), -1, -1, -1)

    def tokens(self, features: Tensor, nm: Tensor, inside: Tensor | None = None, stride: int = 1) -> Tensor:
        """Tokens v (B, L, h', w', C) of a window, equation (4); arguments as for SPI."""
        query = self.query(nm, None)
        return self.nam.tokens(self.codes(features, query, inside, stride), query.coord)

    def context_stride(self, height: int, width: int) -> int:
        """The lattice whose tokens make an image's attention map: the finest stride with few enough pixels."""
        limit = self.config.context_pixels
        return next(s for s in range(1, height + width + 1) if -(-height // s) * -(-width // s) <= limit)

    @property
    def has_context(self) -> bool:
        """Whether an image's attention map is computed once, ahead of what is asked."""
        return self.config.attention in ("spatial_spectral", "spatial")

    def context_tokens(self, windows: Tensor, inside: Tensor | None) -> Tensor:
        """Tokens that make an image's attention map: those of some pixels at the training bands.

        Args:
            windows: (B, F, 5, N·5), features around N pixels of each image, see `lattice`.
            inside: (1, 1, 5, N·5), as for SPI.

        Returns:
            (B, N·L, C), or (B, L, N, C) where attention is among the pixels at each wavelength.
        """
        nm = torch.tensor(self.bands, device=windows.device)
        tokens = self.tokens(windows, nm, inside, SIDE)[:, :, 0]  # (B, L, N, C)
        return tokens if self.config.attention == "spatial" else tokens.flatten(1, 2)

    def decode(
        self, features: Tensor, rgb: Tensor, query: Query, inside: Tensor | None = None, stride: int = 1
    ) -> Tensor:
        """The spectral image in a window.

        Args:
            features: (B, F, h + 4, w + 4), zero outside the image, `inside` as for SPI.
            rgb: (B, 3, h', w'), linear, of the pixels that are answered.
            query: of L wavelengths.

        Returns:
            (B, L, h', w').
        """
        codes = self.codes(features, query, inside, stride)
        if query.folded is not None:
            values = query.folded(codes)
        elif self.config.attention == "none":
            coord = query.coord.to(codes)[:, None, None, None].expand_as(codes[..., :1])
            values = self.mlp(torch.cat([codes, coord], -1))
        else:
            around = query.attention if self.has_context else self._own_attention(features, inside, stride)
            assert around is not None
            values = self.mlp(self.nam(self.nam.tokens(codes, query.coord), around))
        values = values.squeeze(-1)  # (B, L, h', w')
        if query.guide is not None:  # what the colour alone says, plus s·MLP with s its brightness: black stays black
            seen, values = self.guide.seen(rgb), values.to(rgb.dtype)
            values = values * seen[:, None, ..., -4] + F.linear(seen, query.guide.to(seen)).permute(0, 3, 1, 2)
        # No reflectance is negative; while training, the slope below zero is what teaches that.
        return values if self.training else values.clamp_min(0)

    def _own_attention(self, features: Tensor, inside: Tensor | None, stride: int) -> Tensor:
        """The attention map of each pixel of a window, of its own tokens at the training bands."""
        bands = torch.tensor(self.bands, device=features.device)
        own = self.tokens(features, bands, inside, stride).movedim(1, 3)  # (B, h', w', L, C)
        return self.nam.attention(self.nam.correlations(own))[:, None]

    def forward(self, rgb: Tensor, nm: Tensor) -> Tensor:
        """The joint forward pass: rgb (B, 3, H, W) and wavelengths (L,) to the spectral image (B, L, H, W)."""
        features, inside = framed(self.encode(rgb))
        attention = None
        if self.has_context:
            stride = self.context_stride(*rgb.shape[2:])
            tokens = self.context_tokens(lattice(features, stride), lattice(inside, stride))
            attention = self.nam.attention(self.nam.correlations(tokens))
        return self.decode(features, rgb, self.query(nm, attention), inside)


@dataclass(frozen=True, eq=False)
class Query:
    """Wavelengths, as `NeSR.query` prepares them."""

    coord: Tensor  # (L,), section 4.1
    taps: Taps | None  # of SPI
    guide: Tensor | None  # (L, K), weights of what the guide sees
    folded: Folded | None  # from codes to answers, where one attention map serves all
    attention: Tensor | None = None  # (B, L, 1, 1, C, C), where each wavelength has its own

    def to(self, dtype: torch.dtype) -> Query:
        """The same, answered in another precision; what the colour alone says stays in its own, being most of it."""
        if self.taps is None or self.folded is None or dtype == self.taps.first.dtype:
            return self
        return replace(self, taps=self.taps.to(dtype), folded=self.folded.to(dtype))


def framed(features: Tensor) -> tuple[Tensor, Tensor]:
    """A whole image's features (B, F, H, W) with SPI's two pixels of zeros around, and the mask of what is inside."""
    inside = F.pad(torch.ones_like(features[:1, :1]), (HALO,) * 4)
    return F.pad(features, (HALO,) * 4), inside


def parameter_count(module: nn.Module) -> int:
    """Learned numbers of a network, as Table 1 counts them."""
    return sum(parameter.numel() for parameter in module.parameters())
