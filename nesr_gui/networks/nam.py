"""Neural attention mapping (section 3.3): attention between the channels of all tokens of an image."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ATTENTIONS = ("spatial_spectral", "spectral", "spatial", "none")
CACHED_VALUES = 1 << 19  # outputs of the layer after the map per batch on a processor: 2 MB, which fit its caches


class Correlations(NamedTuple):
    """Sums over tokens that determine an attention map; those of the parts of an image add up to those of the image."""

    products: Tensor  # (…, C, C): Qᵀ K
    queries: Tensor  # (…, C): squared length of each query channel
    keys: Tensor  # (…, C): squared length of each key channel


class NeuralAttentionMapping(nn.Module):
    """Embedding of latent codes and coordinates, and attention over the image, equations (4) and (5).

    The paper's softmax(QᵀK) sums over whatever is requested. Here the map is a property of the image: it is computed
    once, from a defined set of tokens, and reused by every query. Q and K are normalised along the tokens and scaled
    by a learned temperature, since a plain sum grows with the number of tokens until the softmax saturates.

    Args:
        channels: C, of the latent codes.
        slope: negative slope of the hidden layer; 0 is the paper's ReLU, whose units can become permanently inactive.
    """

    def __init__(self, channels: int, slope: float = 0.0) -> None:
        super().__init__()
        self.slope = slope
        self.embed_in = nn.Linear(channels + 1, channels)
        self.embed_out = nn.Linear(channels, channels)
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.out = nn.Linear(channels, channels)
        self.temperature = nn.Parameter(torch.ones(()))

    def tokens(self, codes: Tensor, coord: Tensor) -> Tensor:
        """Equation (4): codes (B, L, h, w, C) with coordinates (L,) to tokens v (B, L, h, w, C)."""
        embedded: Tensor = self.embed_out(self._embedding(coord)(codes))
        return embedded

    def _embedding(self, coord: Tensor) -> Embedding:
        weight = self.embed_in.weight
        offset = torch.outer(coord.to(weight), weight[:, -1]) + self.embed_in.bias
        return Embedding(weight[:, :-1], offset[:, None, None, :], self.slope)

    def correlations(self, tokens: Tensor) -> Correlations:
        """Contribution of tokens (…, N, C) to the attention map shared by all N, in float32."""
        queries, keys = self.query(tokens).float(), self.key(tokens).float()
        return Correlations(queries.transpose(-1, -2) @ keys, queries.square().sum(-2), keys.square().sum(-2))

    def attention(self, sums: Correlations) -> Tensor:
        """Attention map A (…, C, C): softmax over the last axis of τ Q̂ᵀ K̂."""
        lengths = sums.queries.sqrt()[..., :, None] * sums.keys.sqrt()[..., None, :]
        cosines = sums.products / lengths.clamp_min(1e-12)
        return (self.temperature * cosines).softmax(-1)

    def mapping(self, attention: Tensor) -> Tensor:
        """Value, attention and output layer of equation (5) as one linear map (…, C, C), for a given A."""
        return self.out.weight @ attention @ self.value.weight

    def forward(self, tokens: Tensor, attention: Tensor) -> Tensor:
        """Equation (5): tokens (B, …, C) to v + MLP(A ⊗ V) of the same shape.

        A is (B or 1, C, C), one map per image, or broadcasts against the other axes of the tokens.
        """
        mapping = self.mapping(attention).to(tokens.dtype)
        if mapping.ndim == 3:
            mapping = mapping.view(-1, *[1] * (tokens.ndim - 2), *mapping.shape[1:])
        return tokens + torch.einsum("...ij,...j->...i", mapping, tokens) + self.out.bias.to(tokens.dtype)

    def folded(self, coord: Tensor, attention: Tensor, layers: nn.Sequential) -> Folded:
        """Return `layers(self(self.tokens(codes, coord), attention))` as a function of the codes alone.

        Everything between the hidden layer of the embedding and the next ReLU is affine, and the same for all tokens if
        A (B or 1, C, C) is shared by the image. `layers` must start with a linear layer.
        """
        layer = layers[0]
        assert isinstance(layer, nn.Linear)
        mapped = layer.weight @ (torch.eye(attention.shape[-1]).to(attention) + self.mapping(attention))
        bias = mapped @ self.embed_out.bias + layer.weight @ self.out.bias + layer.bias
        return Folded(self._embedding(coord), mapped @ self.embed_out.weight, bias, layers[1:])


@dataclass(frozen=True, eq=False)
class Embedding:
    """Hidden layer of the embedding at L wavelengths, with the contribution of the coordinates precomputed."""

    weight: Tensor  # (C, C)
    offset: Tensor  # (L, 1, 1, C), coordinate times weight, plus bias
    slope: float = 0.0  # negative slope of the activation

    def __call__(self, codes: Tensor) -> Tensor:
        """Codes (B, L, h, w, C) to hidden values of the same shape."""
        hidden = F.linear(codes, self.weight)
        hidden += self.offset.to(hidden.dtype)
        return F.leaky_relu_(hidden, self.slope) if self.slope else F.relu_(hidden)


@dataclass(frozen=True, eq=False)
class Folded:
    """Embedding, attention and the next layer reduced to two matrix products, followed by the remaining layers."""

    embedding: Embedding
    weight: Tensor  # (B or 1, N, C)
    bias: Tensor  # (B or 1, N)
    remaining: nn.Module  # applied to values (…, N)
    dtype: torch.dtype | None = None  # of all but the embedding, if different from the codes

    def __call__(self, codes: Tensor) -> Tensor:
        """Codes (B, L, h, w, C) to (B, L, h, w, M)."""
        hidden = self.embedding(codes) if self.dtype is None else self.embedding(codes.float()).to(self.dtype)
        if len(self.weight) > 1:  # one product per image
            weight, bias = self.weight.mT.to(hidden), self.bias[:, None].to(hidden)
            values: Tensor = self.remaining(torch.baddbmm(bias, hidden.flatten(1, -2), weight))
        else:
            tokens = hidden.flatten(0, -2)
            batch = CACHED_VALUES // self.weight.shape[1] if tokens.device.type == "cpu" else len(tokens)
            linear = (F.linear(part, self.weight[0], self.bias[0]) for part in torch.split(tokens, batch))
            values = torch.cat([self.remaining(part) for part in linear])
        return values.view(*codes.shape[:-1], -1)

    def to(self, dtype: torch.dtype) -> Folded:
        """Convert to another precision, except the embedding, whose addition per wavelength is slow in bfloat16."""
        remaining = copy.deepcopy(self.remaining).to(dtype)
        return Folded(self.embedding, self.weight.to(dtype), self.bias.to(dtype), remaining, dtype)
