"""Neural attention mapping (section 3.3): attention among the channels of all tokens of an image."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ATTENTIONS = ("spatial_spectral", "spectral", "spatial", "none")
CACHED_VALUES = 1 << 19  # of the layer after the map that are there at once: 2 MB, which a processor's caches hold


class Correlations(NamedTuple):
    """Sums over tokens from which an attention map follows: those of an image's parts add up to its own."""

    products: Tensor  # (…, C, C): Qᵀ K
    queries: Tensor  # (…, C): squared length of each query channel
    keys: Tensor  # (…, C): squared length of each key channel


class NeuralAttentionMapping(nn.Module):
    """Tokens of latent code and coordinate to tokens that have seen the image, equations (4) and (5).

    The paper's softmax(QᵀK) sums over whatever is requested; here the map is a property of the image: it is computed
    once, on a declared set of tokens, and every query reuses it. Q and K are normalised along the tokens and scaled by
    a learned temperature, since a plain sum grows with the number of tokens until the softmax saturates.
    """

    def __init__(self, channels: int, slope: float = 0.0) -> None:
        super().__init__()
        self.slope = slope  # of the hidden layer below zero; 0 is the paper's ReLU, whose units can die
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
        along = torch.outer(coord.to(weight), weight[:, -1]) + self.embed_in.bias
        return Embedding(weight[:, :-1], along[:, None, None, :], self.slope)

    def correlations(self, tokens: Tensor) -> Correlations:
        """What tokens (…, N, C) add to the attention map that is common to all N, in float32."""
        queries, keys = self.query(tokens).float(), self.key(tokens).float()
        return Correlations(queries.transpose(-1, -2) @ keys, queries.square().sum(-2), keys.square().sum(-2))

    def attention(self, sums: Correlations) -> Tensor:
        """A (…, C, C): softmax over the last axis of τ Q̂ᵀ K̂."""
        lengths = sums.queries.sqrt()[..., :, None] * sums.keys.sqrt()[..., None, :]
        cosines = sums.products / lengths.clamp_min(1e-12)
        return (self.temperature * cosines).softmax(-1)

    def mapping(self, attention: Tensor) -> Tensor:
        """The linear map (…, C, C) that equation (5) is for a given A: value, attention and output layer in one."""
        return self.out.weight @ attention @ self.value.weight

    def forward(self, tokens: Tensor, attention: Tensor) -> Tensor:
        """Equation (5): tokens (B, …, C) to v + MLP(A ⊗ V) of the same shape.

        A is (B or 1, C, C), one of a whole image, or has the other axes of the tokens too, or ones in their place.
        """
        mapping = self.mapping(attention).to(tokens.dtype)
        if mapping.ndim == 3:
            mapping = mapping.view(-1, *[1] * (tokens.ndim - 2), *mapping.shape[1:])
        return tokens + torch.einsum("...ij,...j->...i", mapping, tokens) + self.out.bias.to(tokens.dtype)

    def folded(self, coord: Tensor, attention: Tensor, layers: nn.Sequential) -> Folded:
        """What `layers(self(self.tokens(codes, coord), attention))` is as a function of the codes alone.

        From the hidden layer of the embedding on, everything up to the next ReLU is affine, and the same for all tokens
        where A (B or 1, C, C) is one of an image.
        """
        layer = layers[0]
        assert isinstance(layer, nn.Linear)
        mapped = layer.weight @ (torch.eye(attention.shape[-1]).to(attention) + self.mapping(attention))
        bias = mapped @ self.embed_out.bias + layer.weight @ self.out.bias + layer.bias
        return Folded(self._embedding(coord), mapped @ self.embed_out.weight, bias, layers[1:])


@dataclass(frozen=True, eq=False)
class Embedding:
    """The hidden layer of the embedding at some wavelengths; a coordinate is the same for all pixels, so its part is
    known."""

    weight: Tensor  # (C, C)
    along: Tensor  # (L, 1, 1, C)
    slope: float = 0.0  # below zero

    def __call__(self, codes: Tensor) -> Tensor:
        """Codes (B, L, h, w, C) to as many hidden values."""
        hidden = F.linear(codes, self.weight)
        hidden += self.along.to(hidden.dtype)
        return F.leaky_relu_(hidden, self.slope) if self.slope else F.relu_(hidden)


@dataclass(frozen=True, eq=False)
class Folded:
    """Embedding, attention and the layer after it, which are two matrix products, and the layers `after` them."""

    embedding: Embedding
    weight: Tensor  # (B or 1, N, C)
    bias: Tensor  # (B or 1, N)
    after: nn.Module  # of values (…, N)
    dtype: torch.dtype | None = None  # of all but the embedding, where it is not that of the codes

    def __call__(self, codes: Tensor) -> Tensor:
        """Codes (B, L, h, w, C) to (B, L, h, w, M)."""
        hidden = self.embedding(codes) if self.dtype is None else self.embedding(codes.float()).to(self.dtype)
        if len(self.weight) > 1:  # one product for each image
            weight, bias = self.weight.mT.to(hidden), self.bias[:, None].to(hidden)
            answers: Tensor = self.after(torch.baddbmm(bias, hidden.flatten(1, -2), weight))
        else:
            tokens = hidden.flatten(0, -2)
            few = CACHED_VALUES // self.weight.shape[1] if tokens.device.type == "cpu" else len(tokens)
            linear = (F.linear(part, self.weight[0], self.bias[0]) for part in torch.split(tokens, few))
            answers = torch.cat([self.after(part) for part in linear])
        return answers.view(*codes.shape[:-1], -1)

    def to(self, dtype: torch.dtype) -> Folded:
        """The same in another precision, but for the embedding: adding what differs by wavelength is slow there."""
        after = copy.deepcopy(self.after).to(dtype)
        return Folded(self.embedding, self.weight.to(dtype), self.bias.to(dtype), after, dtype)
