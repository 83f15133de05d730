"""Factorised NeSR: coefficients per pixel times a basis over wavelength.

The paper evaluates its MLP at every pixel for every wavelength. Here encoder, spectral profile interpolation and neural
attention mapping are evaluated at a few knots along wavelength, the MLP predicts coefficients, and

    y(pixel, nm) = s(pixel) · Σ_k a_k(pixel) φ_k(nm) + W(nm) · rgb(pixel)

where s is the brightness of the pixel, φ a small network over wavelength and W a learned linear map of the colour. The
cost of the MLP does not depend on the number of wavelengths, each of which adds one small matrix product, and spectra
are as smooth as φ.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.networks.encoders import encoder
from nesr_gui.networks.hscnn_r import HSCNNR
from nesr_gui.networks.nam import Correlations, NeuralAttentionMapping
from nesr_gui.networks.spi import HALO, SpectralProfileInterpolation

DIMMEST = 1e-4  # brightness below which a colour has no chromaticity
ENCODERS, ATTENTIONS = ("context", "hscnn_r", "none"), ("spatial_spectral", "none")
COLOUR = 4  # inputs of the decoder per pixel: chromaticity and brightness
SLOPE = 0.1  # negative slope of the LeakyReLUs, so that no unit becomes permanently inactive
START = 0.3  # initial output scale of a context block, relative to its input
HARMONICS = 8  # of the coordinate, as input of the basis network
WIDTH = 64  # of the hidden layers of the basis network


@dataclass(frozen=True)
class FactorisedConfig:
    """Complete configuration of a network.

    `encoder` is `context` (a quarter of the resolution), `hscnn_r` (the paper's), that of a plug-in, or `none` (colour
    only). Without SPI and attention, the MLP receives the encoder features directly.
    """

    encoder: str = "context"
    features: int = 64  # of the encoder
    blocks: int = 6  # of the encoder
    spi: bool = True
    attention: Literal["spatial_spectral", "none"] = "spatial_spectral"
    channels: int = 16  # C, of the latent codes
    knots: int = 16  # wavelengths at which SPI and NAM are evaluated
    hidden: tuple[int, ...] = (128, 128)  # of the MLP
    rank: int = 32  # of the basis
    low: float = 400.0  # nm
    high: float = 700.0  # nm
    step: float = 10.0  # nm, of the training bands

    @property
    def bands(self) -> tuple[float, ...]:
        """The training bands, nm."""
        return tuple(np.arange(self.low, self.high + self.step / 2, self.step).tolist())


class FactorisedNeSR(nn.Module):
    """Linear RGB, divided by its white level, to coefficients of spectra: `surroundings`, then `coefficients`.

    Surroundings are computed on cells of `scale` × `scale` pixels: `encode` and `tokens` together depend on `halo`
    cells around a cell, `tokens` alone on `code_halo`. The `correlations` of all cells of an image determine its
    attention map; `context` is the input of the MLP for a cell. `forward` combines all steps.

    Raises:
        UnknownEncoder: there is no such encoder.
        ValueError: the configuration is inconsistent.
    """

    normalised = True  # the input is divided by its white level
    knots: Tensor

    def __init__(self, config: FactorisedConfig) -> None:
        super().__init__()
        _check(config)
        self.config, self.bands = config, config.bands
        self.scale, self.halo, self.code_halo = 1, 0, HALO if config.spi else 0
        width, codes = config.hidden[0], config.features
        if config.encoder == "context":
            context = ContextEncoder(config.features, config.blocks)
            self.encoder: nn.Module = context
            self.scale, self.halo = context.SCALE, context.halo
        elif config.encoder == "hscnn_r":
            hscnn_r = HSCNNR(config.features, config.blocks)
            self.encoder, self.halo = hscnn_r, hscnn_r.halo
        elif config.encoder != "none":
            local = encoder(config.encoder).build(config.features, config.blocks, None, 3)
            if local.halo is None:
                raise ValueError(f"the encoder {config.encoder} pools over the image; choose one with a halo")
            self.encoder, self.halo = local, local.halo
        if config.spi:
            spacing = (config.high - config.low) / (config.knots - 1)
            self.spi = SpectralProfileInterpolation(config.channels, config.low, config.high, spacing)
            codes = config.channels * config.knots
        self.halo += self.code_halo
        if config.attention != "none":
            self.nam = NeuralAttentionMapping(config.channels, SLOPE)
        if config.encoder != "none":
            self.gather = nn.Linear(codes, width, bias=False)
            self._keep_signal()
        self.colour = nn.Linear(COLOUR, width)
        sizes = (*config.hidden, config.rank)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        nn.init.normal_(self.layers[-1].weight, std=0.01)  # type: ignore[arg-type]  # small, but with gradients from the start
        self.basis = WavelengthBasis(config.rank, len(config.bands))
        knots = torch.linspace(config.low, config.high, config.knots)
        self.register_buffer("knots", self.coord(knots), persistent=False)

    def _keep_signal(self) -> None:
        """Initialise so that surroundings and colour have similar scale; by default each layer divides it by three."""
        layers = [self.gather]
        if self.config.spi:
            nn.init.kaiming_normal_(self.spi.first.weight, SLOPE)
            nn.init.kaiming_normal_(self.spi.second.weight, SLOPE)
            self.spi.first.weight.data *= 2**-0.5  # its two inputs are equal, so they add up
        if self.config.attention != "none":
            layers += [self.nam.embed_in, self.nam.embed_out, self.nam.value, self.nam.out]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, SLOPE)
        self.gather.weight.data *= 0.3

    @property
    def has_surroundings(self) -> bool:
        """Whether the spectrum of a pixel depends on anything but its own colour."""
        return self.config.encoder != "none"

    @property
    def has_attention(self) -> bool:
        """Whether there is an attention map, which depends on all cells of an image."""
        return self.config.attention != "none"

    def coord(self, nm: Tensor) -> Tensor:
        """Wavelengths in nm to coordinates in [-1, 1], section 4.1."""
        return 2 * (nm - self.config.low) / (self.config.high - self.config.low) - 1

    def functions(self, nm: Tensor) -> Tensor:
        """The basis at wavelengths (L,) nm: (L, rank + 3)."""
        functions: Tensor = self.basis(self.coord(nm))
        return functions

    def encode(self, rgb: Tensor) -> Tensor:
        """Linear RGB (B, 3, H, W), divided by its white level, to features (B, F, h, w) of cells."""
        return normalised(self.encoder(rgb.clamp_min(0).sqrt()))

    def tokens(self, features: Tensor) -> Tensor:
        """Features (B, F, h, w) to tokens (B, M, h, w, C) at the knots, equations (2) to (4).

        Without attention these are the latent codes; without SPI, the features themselves.
        """
        if not self.config.spi:
            return features
        codes = self.spi.on_grid(features, self.config.knots)
        return self.nam.tokens(codes, self.knots) if self.has_attention else codes

    def correlations(self, tokens: Tensor) -> Correlations:
        """Contribution of tokens (B, M, h, w, C) to the attention map of each of the B images."""
        return self.nam.correlations(tokens.flatten(1, 3))

    def context(self, tokens: Tensor, attention: Tensor | None) -> Tensor:
        """Input of the MLP from the surroundings (B, width, h, w), from `tokens` and the map (B or 1, C, C)."""
        if not self.config.spi:
            return F.conv2d(tokens, self.gather.weight[..., None, None])
        if attention is not None:
            tokens = self.nam(tokens, attention)  # equation (5)
        gathered: Tensor = self.gather(tokens.permute(0, 2, 3, 1, 4).flatten(3))
        return gathered.permute(0, 3, 1, 2)

    def surroundings(self, rgb: Tensor, group: int = 1) -> Tensor:
        """Input of the MLP from the surroundings of every pixel (B, width, H, W); H and W are multiples of `scale`.

        Every `group` consecutive images of the batch belong to one photograph and share an attention map.
        """
        tokens, attention = self.tokens(self.encode(rgb)), None
        if self.has_attention:
            sums = (part.reshape(-1, group, *part.shape[1:]).sum(1) for part in self.correlations(tokens))
            attention = self.nam.attention(Correlations(*sums)).repeat_interleave(group, 0)
        context = self.context(tokens, attention)
        if self.scale == 1:
            return context
        return F.interpolate(context, scale_factor=float(self.scale), mode="bilinear", align_corners=False)

    def coefficients(self, context: Tensor | None, rgb: Tensor) -> Tensor:
        """Coefficients (..., rank + 3) from surroundings (..., width), or None, and colours (..., 3)."""
        brightness = rgb.mean(-1, keepdim=True)
        chromaticity = rgb / brightness.clamp_min(DIMMEST)
        hidden = self.colour(torch.cat([chromaticity, brightness], -1).clamp_min(0).sqrt())
        if context is not None:
            hidden = hidden + context
        for layer in self.layers:
            hidden = layer(F.leaky_relu(hidden, SLOPE))
        return torch.cat([brightness * hidden, rgb.to(hidden.dtype)], -1)

    def forward(self, rgb: Tensor, nm: Tensor, group: int = 1) -> Tensor:
        """Complete forward pass: rgb (B, 3, H, W) and wavelengths (L,) in nm to the spectral image (B, L, H, W).

        Values may be negative, so that training has a gradient there; a field clips them.
        """
        context = self.surroundings(rgb, group).permute(0, 2, 3, 1) if self.has_surroundings else None
        coefficients = self.coefficients(context, rgb.permute(0, 2, 3, 1))
        return F.linear(coefficients.float(), self.functions(nm)).permute(0, 3, 1, 2)


def _check(config: FactorisedConfig) -> None:
    """Raise ValueError if the configuration is inconsistent."""
    if config.encoder not in ENCODERS:
        encoder(config.encoder, ENCODERS)
    if config.attention not in ATTENTIONS:
        raise ValueError(f"unknown attention {config.attention!r}; available: {', '.join(ATTENTIONS)}")
    if config.attention != "none" and not config.spi:
        raise ValueError("attention requires SPI, which is disabled; enable SPI or disable attention")
    if config.spi and config.encoder == "none":
        raise ValueError("SPI requires the features of an encoder; choose an encoder, or disable SPI and attention")
    if not config.hidden or config.knots < 2:
        raise ValueError("the MLP requires at least one hidden layer, and SPI at least two knots")


def normalised(features: Tensor) -> Tensor:
    """Normalise features (B, F, h, w) to mean 0 and variance 1 over the channels of each pixel.

    Without it, features grew by a factor of ten thousand within 3,000 training steps, and later layers became inactive.
    """
    return F.layer_norm(features.permute(0, 2, 3, 1), features.shape[1:2]).permute(0, 3, 1, 2)


class ContextBlock(nn.Module):
    """x + conv(leaky(conv(normalised(x)))) on (B, features, h, w)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight, SLOPE)
        nn.init.normal_(self.second.weight, std=START / math.sqrt(9 * features))

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) to the same shape."""
        return x + self.second(F.leaky_relu(self.first(normalised(x)), SLOPE))


class ContextEncoder(nn.Module):
    """Image (B, inputs, H, W) to features (B, features, H / 4, W / 4); H and W are multiples of `SCALE`.

    Cells of 4 × 4 pixels become channels (pixel unshuffle), which residual blocks process at a ninth of the cost of
    HSCNN-R. The decoder reads the colour of each pixel at full resolution; the surroundings add little to it, so they
    may be coarse.

    Args:
        features: channels of every block.
        blocks: residual blocks of two 3×3 convolutions.
        inputs: channels of the image.

    Attributes:
        halo: cells around a cell on which its features depend.
    """

    SCALE = 4

    def __init__(self, features: int = 64, blocks: int = 6, inputs: int = 3) -> None:
        super().__init__()
        self.halo = 1 + 2 * blocks
        self.head = nn.Conv2d(inputs * self.SCALE**2, features, 3, padding=1)
        self.blocks = nn.Sequential(*(ContextBlock(features) for _ in range(blocks)))

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, inputs, H, W) to features (B, features, H / 4, W / 4)."""
        cells = F.pixel_unshuffle(image, self.SCALE).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.blocks(self.head(cells))
        return features


class WavelengthBasis(nn.Module):
    """Coordinates to the functions of wavelength that spectra are sums of: φ_k, and the three rows of W.

    φ is an MLP of sines and cosines of the coordinate; W has a value per training band, with splines in between.
    """

    frequencies: Tensor

    def __init__(self, rank: int, bands: int) -> None:
        super().__init__()
        self.bands = bands
        self.register_buffer("frequencies", torch.arange(1, HARMONICS + 1) * (math.pi / 2), persistent=False)
        self.network = nn.Sequential(
            nn.Linear(2 * HARMONICS, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, rank)
        )
        self.linear = nn.Parameter(torch.full((bands, 3), 1 / 3))

    def forward(self, coord: Tensor) -> Tensor:
        """Coordinates (L,) in [-1, 1] to functions (L, rank + 3)."""
        angles = coord[:, None] * self.frequencies
        functions = self.network(torch.cat([angles.sin(), angles.cos()], 1))
        return torch.cat([functions, catmull_rom((coord + 1) / 2, self.bands) @ self.linear], 1)


def catmull_rom(position: Tensor, knots: int) -> Tensor:
    """Weights (L, knots) of evenly spaced knots at positions (L,) in [0, 1]; exact for straight lines.

    Beyond an end, the line through the last two knots is extended.
    """
    scaled = position * (knots - 1)
    below = scaled.floor().clamp(0, max(knots - 2, 0))
    t = (scaled - below)[:, None]
    taps = 0.5 * torch.cat(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], dim=1
    )  # (L, 4), of the knots below - 1 to below + 2
    weights = position.new_zeros(len(position), knots + 2)
    weights.scatter_add_(1, below.long()[:, None] + torch.arange(4, device=position.device), taps)
    inner = weights[:, 1:-1].clone()
    if knots > 1:  # the outer knots are mirrored through the ends
        inner[:, 0] += 2 * weights[:, 0]
        inner[:, 1] -= weights[:, 0]
        inner[:, -1] += 2 * weights[:, -1]
        inner[:, -2] -= weights[:, -1]
    return inner
