"""NeSR (section 3): encoder, spectral profile interpolation, neural attention mapping and MLP."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.networks.encoders import encoder, linear_skip
from nesr_gui.networks.hscnn_r import Rows, add_branch, split_rows
from nesr_gui.networks.nam import ATTENTIONS, Folded, NeuralAttentionMapping
from nesr_gui.networks.spi import HALO, SIDE, SLOPE, SpectralProfileInterpolation, Taps, lattice, resample

PROFILES = ("features", "spectrum")


@dataclass(frozen=True)
class NeSRConfig:
    """Complete configuration of a network; the defaults are the paper's HSCNN-R + NeSR (1.34 M parameters).

    `spi` and `attention` remove parts, as in the paper's Table 4. Without SPI, the codes are the features of the pixel.
    The attention map is computed from sums over the pixels and wavelengths of an image (`spatial_spectral`, the
    paper's), over the wavelengths of each pixel (`spectral`), or over the pixels at each wavelength (`spatial`).

    `profile` is what SPI interpolates along wavelength: the `features` of the encoder, as in the paper, or, as an
    addition of ours, a `spectrum`. The encoder then keeps its output layer, a learned linear map of the input is added
    to that, and the answer is this spectrum, interpolated, plus the output of the MLP. The layers after the encoder
    start with He initialisation instead of PyTorch's default.
    """

    encoder: str = "hscnn_r"
    features: int = 64  # of the encoder
    blocks: int = 16  # of the encoder
    inputs: tuple[float, ...] = ()  # nm, of the input bands; empty for linear RGB
    spi: bool = True
    attention: Literal["spatial_spectral", "spectral", "spatial", "none"] = "spatial_spectral"
    profile: Literal["features", "spectrum"] = "features"
    channels: int = 32  # C, of the latent codes
    hidden: tuple[int, ...] = (128, 128, 256, 256)  # of the final MLP
    compressed: bool = False  # encode the square root of the input, which is closer to uniform in lightness
    normalised: bool = False  # divide the input by its white level, and multiply the output by it
    low: float = 400.0  # nm
    high: float = 700.0  # nm
    step: float = 10.0  # nm, between the training bands and between the taps of the convolutions
    context_pixels: int = 16_384  # largest number of pixels from which the attention map is computed

    @property
    def bands(self) -> tuple[float, ...]:
        """The training bands, nm."""
        return tuple(np.arange(self.low, self.high + self.step / 2, self.step).tolist())


class NeSR(nn.Module):
    """RGB image and wavelengths to a spectral image, Y = F(M_in, X), equation (1).

    `encode` runs once per photograph and `context_tokens` yields its attention map; `query` prepares wavelengths, at
    which `decode` evaluates any window. `forward` combines them, as in training.

    Raises:
        KeyError: the encoder is unknown.
        ValueError: the attention or the profile is unknown.
    """

    def __init__(self, config: NeSRConfig) -> None:
        super().__init__()
        if config.attention not in ATTENTIONS:
            raise ValueError(f"unknown attention {config.attention!r}; available: {', '.join(ATTENTIONS)}")
        if config.profile not in PROFILES:
            raise ValueError(f"unknown profile {config.profile!r}; available: {', '.join(PROFILES)}")
        self.config, self.bands, self.normalised = config, config.bands, config.normalised
        bands = len(config.bands) if config.profile == "spectrum" else None
        self.encoder = encoder(config.encoder).build(config.features, config.blocks, bands, len(config.inputs) or 3)
        self.halo, self.scratch = self.encoder.halo, self.encoder.scratch  # see `BandNetwork`
        self.features = bands or config.features  # channels of the output of `encode`
        if bands:
            self.linear = linear_skip(config.inputs, config.bands)
        codes = config.channels if config.spi else self.features
        if config.spi:
            self.spi = SpectralProfileInterpolation(codes, config.low, config.high, config.step)
        if config.attention != "none":
            self.nam = NeuralAttentionMapping(codes)
        sizes = (codes + (config.attention == "none"), *config.hidden, 1)
        layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU(inplace=True))]
        self.mlp = nn.Sequential(*layers[:-1])
        if bands:
            self._initialise()

    def _initialise(self) -> None:
        """He initialisation of everything after the encoder, with a small output.

        PyTorch's default, which the profile of the paper keeps, shrinks the variation over pixels in each of about ten
        layers, until the network starts as a constant.
        """
        *hidden, last = (layer for layer in self.mlp if isinstance(layer, nn.Linear))
        if self.config.spi:
            for convolution in (self.spi.first, self.spi.second):
                nn.init.kaiming_normal_(convolution.weight, SLOPE)
                nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
            self.spi.first.weight.data *= 2**-0.5  # its two input channels are equal
        if self.config.attention != "none":
            hidden = [self.nam.embed_in, self.nam.embed_out, self.nam.value, self.nam.out, *hidden]
        for layer in hidden:
            nn.init.kaiming_normal_(layer.weight)
        nn.init.kaiming_normal_(last.weight, nonlinearity="linear")
        last.weight.data *= 0.1
        for layer in [*hidden, last]:
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def encode(self, rgb: Tensor) -> Tensor:
        """Linear sRGB or input bands (B, inputs, H, W) in [0, 1] to features M_in or a spectrum (B, F, H, W)."""
        features: Tensor = self.encoder(self._compressed(rgb))
        return features + self.linear(rgb) if self.has_spectrum else features

    def encode_rows(self, rgb: Tensor) -> Iterator[Tensor]:
        """Encode one large image (1, inputs, H, W) in strips (1, F, r, W); the encoder must have a `halo`."""

        def encode(strips: Rows) -> Iterator[Tensor]:
            compressed = (self._compressed(rows) for rows in strips)
            if not hasattr(self.encoder, "forward_rows"):  # that of a plug-in
                return iter([self.encoder(torch.cat(list(compressed), 2))])
            features: Iterator[Tensor] = self.encoder.forward_rows(compressed)  # type: ignore[operator]
            return features

        strips = split_rows(rgb)
        return add_branch(strips, encode, self.linear) if self.has_spectrum else encode(strips)

    def _compressed(self, rgb: Tensor) -> Tensor:
        return rgb.sqrt() if self.config.compressed else rgb

    @property
    def has_spectrum(self) -> bool:
        """Whether `encode` returns a spectrum at the training bands, to which the answer is a correction."""
        return self.config.profile == "spectrum"

    def interpolate_spectrum(self, features: Tensor, coord: Tensor) -> Tensor:
        """The spectrum of the encoder (B, F, h, w), linear between the bands, at coordinates (L,): (B, L, h, w)."""
        return resample(features, (coord + 1) / 2)

    def coord(self, nm: Tensor) -> Tensor:
        """Wavelengths in nm to coordinates X in [-1, 1], section 4.1."""
        return 2 * (nm - self.config.low) / (self.config.high - self.config.low) - 1

    def query(self, nm: Tensor, attention: Tensor | None) -> Query:
        """Precompute everything for wavelengths (L,) in nm that does not depend on pixels, once per image.

        Args:
            nm: wavelengths (L,).
            attention: result of `nam.attention` for the context, (B, …, C, C), or (1, …, C, C) if all windows belong to
                one image; None for a network without context.
        """
        coord = self.coord(nm)
        taps = self.spi.taps(nm) if self.config.spi else None
        if attention is not None and attention.ndim == 3:
            return Query(coord, taps, self.nam.folded(coord, attention, self.mlp))
        if attention is not None:  # interpolate between the training bands
            attention = resample(attention, (coord + 1) / 2)[:, :, None, None]
        return Query(coord, taps, None, attention)

    def codes(self, features: Tensor, query: Query, inside: Tensor | None = None, stride: int = 1) -> Tensor:
        """Latent codes M_out (B, L, h', w', C) of a window, equation (3); arguments as for SPI."""
        if query.taps is not None:
            codes: Tensor = self.spi(features, query.taps, inside, stride)
            return codes
        pixels = features[:, :, HALO:-HALO:stride, HALO:-HALO:stride].permute(0, 2, 3, 1)[:, None]
        return pixels.expand(-1, query.coord.numel(), -1, -1, -1)

    def tokens(self, features: Tensor, nm: Tensor, inside: Tensor | None = None, stride: int = 1) -> Tensor:
        """Tokens v (B, L, h', w', C) of a window, equation (4); arguments as for SPI."""
        query = self.query(nm, None)
        return self.nam.tokens(self.codes(features, query, inside, stride), query.coord)

    def context_stride(self, height: int, width: int) -> int:
        """Stride of the pixel lattice for the attention map: the finest with at most `context_pixels` pixels."""
        limit = self.config.context_pixels
        return next(s for s in range(1, height + width + 1) if -(-height // s) * -(-width // s) <= limit)

    @property
    def has_context(self) -> bool:
        """Whether the attention map is computed once per image, before any query."""
        return self.config.attention in ("spatial_spectral", "spatial")

    def context_tokens(self, windows: Tensor, inside: Tensor | None) -> Tensor:
        """Tokens at the training bands from which the attention map of an image is computed.

        Args:
            windows: (B, F, 5, N·5), features around N pixels of each image, see `lattice`.
            inside: (1, 1, 5, N·5), as for SPI.

        Returns:
            (B, N·L, C), or (B, L, N, C) for `spatial` attention.
        """
        nm = torch.tensor(self.bands, device=windows.device)
        tokens = self.tokens(windows, nm, inside, SIDE)[:, :, 0]  # (B, L, N, C)
        return tokens if self.config.attention == "spatial" else tokens.flatten(1, 2)

    def decode(self, features: Tensor, query: Query, inside: Tensor | None = None, stride: int = 1) -> Tensor:
        """Evaluate the spectral image in a window.

        Args:
            features: (B, F, h + 4, w + 4), zero outside the image.
            query: result of `query` for L wavelengths.
            inside: as for SPI.
            stride: keep every `stride`-th row and column.

        Returns:
            (B, L, h', w'); not negative in evaluation mode.
        """
        codes = self.codes(features, query, inside, stride)
        if query.folded is not None:
            values = query.folded(codes)
        elif self.config.attention == "none":
            coord = query.coord.to(codes)[:, None, None, None].expand_as(codes[..., :1])
            values = self.mlp(torch.cat([codes, coord], -1))
        else:
            attention = query.attention if self.has_context else self._pixel_attention(features, inside, stride)
            assert attention is not None
            values = self.mlp(self.nam(self.nam.tokens(codes, query.coord), attention))
        values = values.squeeze(-1)  # (B, L, h', w')
        if self.has_spectrum:
            window = features[:, :, HALO:-HALO:stride, HALO:-HALO:stride]
            values = values + self.interpolate_spectrum(window, query.coord)
        # Reflectance is not negative; in training, negative values must keep their gradient.
        return values if self.training else values.clamp_min(0)

    def _pixel_attention(self, features: Tensor, inside: Tensor | None, stride: int) -> Tensor:
        """Attention map of each pixel of a window, from its tokens at the training bands: (B, 1, h', w', C, C)."""
        bands = torch.tensor(self.bands, device=features.device)
        tokens = self.tokens(features, bands, inside, stride).movedim(1, 3)  # (B, h', w', L, C)
        return self.nam.attention(self.nam.correlations(tokens))[:, None]

    def forward(self, rgb: Tensor, nm: Tensor) -> Tensor:
        """Complete forward pass: rgb (B, 3, H, W) and wavelengths (L,) in nm to the spectral image (B, L, H, W)."""
        return self.decode_all(self.encode(rgb), nm)

    def decode_all(self, features: Tensor, nm: Tensor, stride: int = 1) -> Tensor:
        """Encoded images (B, F, H, W) to their spectral images (B, L, h', w') at wavelengths (L,) in nm.

        Args:
            features: result of `encode`.
            nm: wavelengths (L,).
            stride: keep every `stride`-th row and column.
        """
        sparse = self.context_stride(*features.shape[2:])
        features, inside = framed(features)
        attention = None
        if self.has_context:
            tokens = self.context_tokens(lattice(features, sparse), lattice(inside, sparse))
            attention = self.nam.attention(self.nam.correlations(tokens))
        return self.decode(features, self.query(nm, attention), inside, stride)


@dataclass(frozen=True, eq=False)
class Query:
    """Wavelengths prepared by `NeSR.query`."""

    coord: Tensor  # (L,) in [-1, 1]
    taps: Taps | None  # for SPI
    folded: Folded | None  # codes to values, if one attention map serves all wavelengths
    attention: Tensor | None = None  # (B, L, 1, 1, C, C), if each wavelength has its own map

    def to(self, dtype: torch.dtype) -> Query:
        """Return a query that is evaluated in another precision."""
        if self.taps is None or self.folded is None or dtype == self.taps.first.dtype:
            return self
        return replace(self, taps=self.taps.to(dtype), folded=self.folded.to(dtype))


def framed(features: Tensor) -> tuple[Tensor, Tensor]:
    """Pad features (B, F, H, W) with the two pixels of zeros that SPI needs; also return the mask of the inside."""
    inside = F.pad(torch.ones_like(features[:1, :1]), (HALO,) * 4)
    return F.pad(features, (HALO,) * 4), inside


def parameter_count(module: nn.Module) -> int:
    """Number of learned parameters of a network, as counted in Table 1."""
    return sum(parameter.numel() for parameter in module.parameters())
