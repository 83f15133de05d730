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

from nesr_gui.networks.encoders import encoder
from nesr_gui.networks.layers import linear_answer
from nesr_gui.networks.nam import ATTENTIONS, Folded, NeuralAttentionMapping
from nesr_gui.networks.spi import HALO, SIDE, SLOPE, SpectralProfileInterpolation, Taps, lattice, resample
from nesr_gui.networks.streaming import Rows, in_rows, residual

PROFILES = ("features", "spectrum")


@dataclass(frozen=True)
class NeSRConfig:
    """Everything that rebuilds a network; the defaults are the paper's HSCNN-R + NeSR (1.34 M parameters).

    `spi` and `attention` take parts away, as the paper's Table 4 does. Without SPI, codes are the pixel's features.
    The attention map is made of sums over an image's pixels and wavelengths (`spatial_spectral`, the paper's), over the
    wavelengths of each pixel (`spectral`), or over the pixels at each wavelength (`spatial`).

    `profile` is what SPI reads along wavelength: the encoder's `features`, as in the paper, or a `spectrum`, which is a
    change of ours: the encoder keeps its output layer, a learned linear answer to the input is added to it, and the
    network's answer is that spectrum between its bands plus what SPI, NAM and the MLP make of it.
    """

    encoder: str = "hscnn_r"
    features: int = 64  # of the encoder
    blocks: int = 16  # of the encoder
    inputs: tuple[float, ...] = ()  # nm, of the bands that the encoder sees; none where it sees linear RGB
    spi: bool = True
    attention: Literal["spatial_spectral", "spectral", "spatial", "none"] = "spatial_spectral"
    profile: Literal["features", "spectrum"] = "features"
    channels: int = 32  # C, of the latent codes
    hidden: tuple[int, ...] = (128, 128, 256, 256)  # of the last MLP
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
        self.config, self.bands, self.normalised = config, config.bands, config.normalised
        if config.profile not in PROFILES:
            raise ValueError(f"no profile {config.profile!r}; there are {', '.join(PROFILES)}")
        bands = len(config.bands) if config.profile == "spectrum" else None
        self.encoder = encoder(config.encoder).build(config.features, config.blocks, bands, len(config.inputs) or 3)
        self.halo, self.scratch = self.encoder.halo, self.encoder.scratch  # as of `BandNetwork`
        self.features = bands or config.features  # channels of what `encode` answers
        if bands:
            self.linear = linear_answer(config.inputs, config.bands)
        codes = config.channels if config.spi else self.features
        if config.spi:
            self.spi = SpectralProfileInterpolation(codes, config.low, config.high, config.step)
        if config.attention != "none":
            self.nam = NeuralAttentionMapping(codes)
        sizes = (codes + (config.attention == "none"), *config.hidden, 1)
        layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU(inplace=True))]
        self.mlp = nn.Sequential(*layers[:-1])
        if bands:
            self._keep_signal()

    def _keep_signal(self) -> None:
        """Start with units that open and close from pixel to pixel.

        At PyTorch's own initialisation, which `features` as profile keep, each of a dozen layers shrinks what tells
        pixels apart to a third or less.
        """
        linear = [layer for layer in self.mlp if isinstance(layer, nn.Linear)]
        hidden = linear[:-1]
        if self.config.spi:
            for convolution in (self.spi.first, self.spi.second):
                nn.init.kaiming_normal_(convolution.weight, SLOPE)
                nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
            self.spi.first.weight.data *= 2**-0.5  # its two inputs are equal, and add up
        if self.config.attention != "none":
            hidden = [self.nam.embed_in, self.nam.embed_out, self.nam.value, self.nam.out, *hidden]
        for layer in hidden:
            nn.init.kaiming_normal_(layer.weight)
        nn.init.kaiming_normal_(linear[-1].weight, nonlinearity="linear")
        linear[-1].weight.data *= 0.1  # a correction at first
        for layer in [*hidden, linear[-1]]:
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def encode(self, rgb: Tensor) -> Tensor:
        """Linear sRGB or bands (B, inputs, H, W) in [0, 1] to features M_in (B, F, H, W), or to a spectrum."""
        features: Tensor = self.encoder(self._seen(rgb))
        return features + self.linear(rgb) if self.has_spectrum else features

    def encode_rows(self, rgb: Tensor) -> Iterator[Tensor]:
        """The same of one large image, some rows (B, F, r, W) after the others; of an encoder with a `halo` only."""

        def encoded(chunks: Rows) -> Rows:
            rolled: Rows = self.encoder.rolled(self._seen(rows) for rows in chunks)  # type: ignore[operator]
            return rolled

        return residual(in_rows(rgb), encoded, self.linear) if self.has_spectrum else iter(encoded(in_rows(rgb)))

    def _seen(self, rgb: Tensor) -> Tensor:
        return rgb.sqrt() if self.config.compressed else rgb

    @property
    def has_spectrum(self) -> bool:
        """Whether the encoder answers a spectrum of its own, to which the network's answer is added."""
        return self.config.profile == "spectrum"

    def between_bands(self, features: Tensor, coord: Tensor) -> Tensor:
        """What the encoder answers by itself (B, L, h, w) at coordinates (L,), of features (B, F, h, w)."""
        return resample(features, (coord + 1) / 2)

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
        if attention is not None and attention.ndim == 3:
            return Query(coord, taps, self.nam.folded(coord, attention, self.mlp))
        if attention is not None:  # linear between the training bands
            attention = resample(attention, (coord + 1) / 2)[:, :, None, None]
        return Query(coord, taps, None, attention)

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

    def decode(self, features: Tensor, query: Query, inside: Tensor | None = None, stride: int = 1) -> Tensor:
        """The spectral image in a window.

        Args:
            features: (B, F, h + 4, w + 4), zero outside the image, `inside` as for SPI.
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
        if self.has_spectrum:
            here = features[:, :, HALO:-HALO:stride, HALO:-HALO:stride]
            values = values + self.between_bands(here, query.coord)
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
        return self.decode(features, self.query(nm, attention), inside)


@dataclass(frozen=True, eq=False)
class Query:
    """Wavelengths, as `NeSR.query` prepares them."""

    coord: Tensor  # (L,), section 4.1
    taps: Taps | None  # of SPI
    folded: Folded | None  # from codes to answers, where one attention map serves all
    attention: Tensor | None = None  # (B, L, 1, 1, C, C), where each wavelength has its own

    def to(self, dtype: torch.dtype) -> Query:
        """The same, answered in another precision."""
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
