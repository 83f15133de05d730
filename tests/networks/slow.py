"""The factorised network pixel by pixel and wavelength by wavelength, as its docstrings say, in float64."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nesr_gui.networks.factorised_nesr import DIMMEST, ContextEncoder, FactorisedNeSR, WavelengthBasis
from nesr_gui.networks.hscnn_r import HSCNNR
from nesr_gui.networks.nam import NeuralAttentionMapping
from nesr_gui.networks.spi import SpectralProfileInterpolation

Array = np.ndarray


def number(tensor: torch.Tensor) -> Array:
    return tensor.detach().cpu().double().numpy()


def leaky(x: Array, slope: float = 0.1) -> Array:
    return np.where(x > 0, x, slope * x)


def linear(layer: nn.Linear, x: Array) -> Array:
    return number(layer.weight) @ x + (0 if layer.bias is None else number(layer.bias))


def convolved(layer: nn.Conv2d, image: Array) -> Array:
    """A 3×3 convolution with zeros around the image (C, h, w)."""
    padded, weight = np.pad(image, ((0, 0), (1, 1), (1, 1))), number(layer.weight)
    out = np.empty((len(weight), *image.shape[1:]))
    for y, x in np.ndindex(*image.shape[1:]):
        out[:, y, x] = np.tensordot(weight, padded[:, y : y + 3, x : x + 3], 3) + number(layer.bias)
    return out


def normalised(features: Array) -> Array:
    """Mean 0 and variance 1 over the channels of each pixel."""
    return (features - features.mean(0)) / np.sqrt(features.var(0) + 1e-5)


def context_encoder(encoder: ContextEncoder, image: Array) -> Array:
    """(3, H, W) to (F, H / 4, W / 4)."""
    x = convolved(encoder.head, np.stack([image[c, y::4, x::4] for c, y, x in product(range(3), range(4), range(4))]))
    for block in encoder.blocks:
        x = x + convolved(block.second, leaky(convolved(block.first, normalised(x))))
    return x


def hscnn_r(encoder: HSCNNR, image: Array) -> Array:
    """(3, H, W) to (F, H, W)."""
    shallow = x = convolved(encoder.head, image)
    for block in encoder.blocks:
        x = x + convolved(block.second, leaky(convolved(block.first, x), 0))
    return shallow + x


def codes(spi: SpectralProfileInterpolation, features: Array, knots: int) -> Array:
    """Equations (2) and (3) on a grid of wavelengths: (F, h, w) to (M, h, w, C).

    Both profiles are upsampled to the grid, stacked as the two input channels, and two 3×3×3 convolutions follow, whose
    borders are replicated along wavelength and zero around the image.
    """
    channels, grid = np.linspace(0, 1, len(features)), np.linspace(0, 1, knots)
    profile = np.apply_along_axis(lambda line: np.interp(grid, channels, line), 0, features)  # (M, h, w)
    x = torch.from_numpy(np.stack([profile, profile])[None])  # (1, 2, M, h, w)
    for layer in (spi.first, spi.second):
        x = F.pad(F.pad(x, (0, 0, 0, 0, 1, 1), mode="replicate"), (1, 1, 1, 1, 0, 0))
        x = F.leaky_relu(F.conv3d(x, layer.weight.detach().cpu().double(), layer.bias.detach().cpu().double()), 0.1)
    return x[0].permute(1, 2, 3, 0).numpy()


def token(nam: NeuralAttentionMapping, code: Array, coord: float) -> Array:
    """Equation (4)."""
    return linear(nam.embed_out, leaky(linear(nam.embed_in, np.append(code, coord))))


def attention(nam: NeuralAttentionMapping, tokens: list[Array]) -> Array:
    """A (C, C): softmax over the last axis of τ Q̂ᵀK̂, of all tokens."""
    queries, keys = (np.stack([linear(layer, v) for v in tokens]) for layer in (nam.query, nam.key))
    scores = queries.T @ keys / np.linalg.norm(queries, axis=0)[:, None] / np.linalg.norm(keys, axis=0)
    exponents = np.exp(float(nam.temperature.detach()) * scores)
    return exponents / exponents.sum(1, keepdims=True)


def attended(nam: NeuralAttentionMapping, v: Array, a: Array) -> Array:
    """Equation (5): v + MLP(A ⊗ V)."""
    return v + linear(nam.out, a @ linear(nam.value, v))


def spline(values: Array, position: float) -> Array:
    """Catmull-Rom through values (N, …) that are evenly spaced over [0, 1]; beyond an end they go on straight."""
    count = len(values)
    below = min(int(position * (count - 1)), count - 2)
    t = position * (count - 1) - below
    line = np.concatenate([[2 * values[0] - values[1]], values, [2 * values[-1] - values[-2]]])
    p, q, r, s = line[below : below + 4]
    return 0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)


def functions(basis: WavelengthBasis, coord: float) -> tuple[Array, Array]:
    """φ (rank,) and W (3,) at a coordinate in [-1, 1]."""
    harmonics = [k * math.pi / 2 * coord for k in range(1, 9)]
    x = np.array([math.sin(angle) for angle in harmonics] + [math.cos(angle) for angle in harmonics])
    for layer in basis.network[::2]:
        x = linear(layer, x)
        if layer is not basis.network[-1]:
            x = x / (1 + np.exp(-x))
    return x, spline(number(basis.linear), (coord + 1) / 2)


def surroundings(network: FactorisedNeSR, photographs: Array) -> list[Array]:
    """What the MLP reads of each cell (width, h, w), of patches (B, 3, H, W) that are parts of one photograph."""
    config = network.config
    encoder = context_encoder if config.encoder == "context" else hscnn_r
    features = [normalised(encoder(network.encoder, np.sqrt(image))) for image in photographs]
    if not config.spi:
        return [np.stack([[linear(network.gather, f[:, y, x]) for x in range(f.shape[2])] for y in range(f.shape[1])])
                .transpose(2, 0, 1) for f in features]  # fmt: skip
    knots = np.linspace(-1, 1, config.knots)
    cells = [codes(network.spi, f, config.knots) for f in features]  # (M, h, w, C) each
    if config.attention != "none":
        cells = [
            np.stack([[[token(network.nam, c, x) for c in row] for row in band] for band, x in zip(own, knots)])  # noqa: B905
            for own in cells
        ]
        a = attention(network.nam, [v for own in cells for v in own.reshape(-1, own.shape[-1])])
        cells = [np.apply_along_axis(lambda v: attended(network.nam, v, a), 3, own) for own in cells]
    return [
        np.stack([[linear(network.gather, own[:, y, x].ravel()) for x in range(own.shape[2])]
                  for y in range(own.shape[1])]).transpose(2, 0, 1)
        for own in cells
    ]  # fmt: skip


def between(cells: Array, y: int, x: int, scale: int) -> Array:
    """Cells (width, h, w) at a pixel, linear between the centres of the cells and constant beyond the outermost."""
    ways = []
    for at, size in ((y, cells.shape[1]), (x, cells.shape[2])):
        position = min(max((at + 0.5) / scale - 0.5, 0), size - 1)
        below = min(int(position), max(size - 2, 0))
        ways.append([(below, 1 - (position - below)), (min(below + 1, size - 1), position - below)])
    return sum(p * q * cells[:, i, j] for (i, p), (j, q) in product(*ways))


def spectrum(network: FactorisedNeSR, around: Array | None, rgb: Array, nm: list[float]) -> list[float]:
    """y(pixel, nm) = s · Σ a_k φ_k(nm) + W(nm) · rgb."""
    config, brightness = network.config, rgb.mean()
    hidden = linear(network.colour, np.sqrt([*(rgb / max(brightness, DIMMEST)), brightness]))
    if around is not None:
        hidden = hidden + around
    for layer in network.layers:
        hidden = linear(layer, leaky(hidden))
    answers = []
    for wavelength in nm:
        phi, w = functions(network.basis, 2 * (wavelength - config.low) / (config.high - config.low) - 1)
        answers.append(brightness * sum(a * f for a, f in zip(hidden, phi, strict=True)) + w @ rgb)
    return answers


def forward(network: FactorisedNeSR, rgb: Array, nm: list[float], group: int) -> Array:
    """(B, 3, H, W) to (B, L, H, W)."""
    answers = np.empty((len(rgb), len(nm), *rgb.shape[2:]))
    for first in range(0, len(rgb), group):
        some = rgb[first : first + group]
        cells = surroundings(network, some) if network.config.encoder != "none" else [None] * group
        for b, y, x in np.ndindex(group, *rgb.shape[2:]):
            around = None if cells[b] is None else between(cells[b], y, x, network.scale)
            answers[first + b, :, y, x] = spectrum(network, around, some[b, :, y, x], nm)
    return answers
