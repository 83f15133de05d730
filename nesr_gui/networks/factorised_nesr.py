"""NeSR with a factorised answer: coefficients of the pixel times a basis of the wavelength.

The paper's MLP is asked anew at every pixel for every wavelength. Here encoder, spectral profile interpolation and
neural attention mapping are evaluated at a few knots of wavelength, the MLP answers coefficients, and

    y(pixel, nm) = s(pixel) · Σ_k a_k(pixel) φ_k(nm) + W(nm) · rgb(pixel)

with s the pixel's brightness, φ a small network of the wavelength and W a learned linear answer to the colour. A pixel
costs the same whether one wavelength is asked for or three hundred, each of which is one small matrix product, and
curves are as smooth as φ.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.networks.context_encoder import SLOPE, ContextEncoder, normalised
from nesr_gui.networks.hscnn_r import HSCNNR
from nesr_gui.networks.nam import Correlations, NeuralAttentionMapping
from nesr_gui.networks.spi import HALO, SpectralProfileInterpolation
from nesr_gui.networks.wavelength_basis import WavelengthBasis

DIMMEST = 1e-4  # brightness below which a colour has no chromaticity
ENCODERS, ATTENTIONS = ("context", "hscnn_r", "none"), ("spatial_spectral", "none")
COLOUR = 4  # numbers that the decoder sees of a pixel: chromaticity and brightness


@dataclass(frozen=True)
class FactorisedConfig:
    """Everything that rebuilds a network.

    `encoder` is `context` (a quarter of the resolution), `hscnn_r` (the paper's) or `none` (the colour alone). Without
    SPI and attention, what the encoder says goes straight to the MLP: a low-rank field.
    """

    encoder: Literal["context", "hscnn_r", "none"] = "context"
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
    """Linear RGB over its white level to coefficients of spectra: `surroundings`, then `coefficients`.

    The surroundings are computed on cells of `scale` × `scale` pixels: what `encode` and `tokens` answer for a cell
    depends on `halo` cells around it, in `tokens` alone on `code_halo`; `correlations` of all cells of an image make
    its attention map, and `context` is what the MLP reads of a cell.
    `forward` is all of it together.
    """

    normalised = True  # it sees photographs over their white level
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
        nn.init.normal_(self.layers[-1].weight, std=0.01)  # type: ignore[arg-type]  # small, but alive at once
        self.basis = WavelengthBasis(config.rank, len(config.bands))
        knots = torch.linspace(config.low, config.high, config.knots)
        self.register_buffer("knots", self.coord(knots), persistent=False)

    def _keep_signal(self) -> None:
        """Start the surroundings about as strong as the colour; by default each layer would shrink them to a third."""
        layers = [self.gather]
        if self.config.spi:
            nn.init.kaiming_normal_(self.spi.first.weight, SLOPE)
            nn.init.kaiming_normal_(self.spi.second.weight, SLOPE)
            self.spi.first.weight.data *= 2**-0.5  # its two inputs are equal, and add up
        if self.config.attention != "none":
            layers += [self.nam.embed_in, self.nam.embed_out, self.nam.value, self.nam.out]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, SLOPE)
        self.gather.weight.data *= 0.3

    @property
    def has_surroundings(self) -> bool:
        """Whether anything but a pixel's own colour decides its spectrum."""
        return self.config.encoder != "none"

    @property
    def has_attention(self) -> bool:
        """Whether an image has an attention map, which follows from all of its cells."""
        return self.config.attention != "none"

    def coord(self, nm: Tensor) -> Tensor:
        """Wavelengths in nm to [-1, 1], section 4.1."""
        return 2 * (nm - self.config.low) / (self.config.high - self.config.low) - 1

    def functions(self, nm: Tensor) -> Tensor:
        """The basis at wavelengths (L,) nm: (L, rank + 3)."""
        functions: Tensor = self.basis(self.coord(nm))
        return functions

    def encode(self, rgb: Tensor) -> Tensor:
        """Linear RGB (B, 3, H, W) over its white level to features (B, F, h, w) of cells."""
        return normalised(self.encoder(rgb.clamp_min(0).sqrt()))

    def tokens(self, features: Tensor) -> Tensor:
        """Features (B, F, h, w) to what `context` reads: tokens (B, M, h, w, C) at the knots, equations (2) to (4).

        Without attention they are the latent codes; without SPI, the features themselves.
        """
        if not self.config.spi:
            return features
        codes = self.spi.on_grid(features, self.config.knots)
        return self.nam.tokens(codes, self.knots) if self.has_attention else codes

    def correlations(self, tokens: Tensor) -> Correlations:
        """What tokens (B, M, h, w, C) add to the attention map of their image, for each of B."""
        return self.nam.correlations(tokens.flatten(1, 3))

    def context(self, tokens: Tensor, attention: Tensor | None) -> Tensor:
        """What the MLP reads of the surroundings (B, width, h, w), from `tokens` and the map (B or 1, C, C)."""
        if not self.config.spi:
            return F.conv2d(tokens, self.gather.weight[..., None, None])
        if attention is not None:
            tokens = self.nam(tokens, attention)  # equation (5)
        gathered: Tensor = self.gather(tokens.permute(0, 2, 3, 1, 4).flatten(3))
        return gathered.permute(0, 3, 1, 2)

    def surroundings(self, rgb: Tensor, group: int = 1) -> Tensor:
        """What the MLP reads of the surroundings of every pixel (B, width, H, W), H and W multiples of `scale`.

        `group` neighbours in the batch are parts of one photograph and share its attention map.
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
        """What surroundings (..., width), None where they are unknown, and colours (..., 3) say: (..., rank + 3)."""
        brightness = rgb.mean(-1, keepdim=True)
        chromaticity = rgb / brightness.clamp_min(DIMMEST)
        hidden = self.colour(torch.cat([chromaticity, brightness], -1).clamp_min(0).sqrt())
        if context is not None:
            hidden = hidden + context
        for layer in self.layers:
            hidden = layer(F.leaky_relu(hidden, SLOPE))
        return torch.cat([brightness * hidden, rgb.to(hidden.dtype)], -1)

    def forward(self, rgb: Tensor, nm: Tensor, group: int = 1) -> Tensor:
        """The joint pass: rgb (B, 3, H, W) and wavelengths (L,) nm to the spectral image (B, L, H, W).

        It may fall below zero, which teaches; a field does not.
        """
        context = self.surroundings(rgb, group).permute(0, 2, 3, 1) if self.has_surroundings else None
        coefficients = self.coefficients(context, rgb.permute(0, 2, 3, 1))
        return F.linear(coefficients.float(), self.functions(nm)).permute(0, 3, 1, 2)


def _check(config: FactorisedConfig) -> None:
    """Raise ValueError for settings that make no network."""
    if config.encoder not in ENCODERS:
        raise ValueError(f"no encoder {config.encoder!r}; there are {', '.join(ENCODERS)}")
    if config.attention not in ATTENTIONS:
        raise ValueError(f"no attention {config.attention!r}; there are {', '.join(ATTENTIONS)}")
    if config.attention != "none" and not config.spi:
        raise ValueError("attention is among the latent codes of SPI, which are left out; leave out both")
    if config.spi and config.encoder == "none":
        raise ValueError("SPI reads the features of an encoder; choose one, or leave SPI and attention out")
    if not config.hidden or config.knots < 2:
        raise ValueError("the MLP needs a hidden layer, and SPI two knots; give more")
