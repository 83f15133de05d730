"""NAM against equations (4) and (5), written as loops."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nesr_gui.networks.nam import Correlations, NeuralAttentionMapping

C = 5


@pytest.fixture
def nam() -> NeuralAttentionMapping:
    torch.manual_seed(2)
    module = NeuralAttentionMapping(C)
    module.temperature.data.fill_(1.7)
    return module


def slow_attention(nam: NeuralAttentionMapping, v: np.ndarray) -> np.ndarray:
    """A (C, C) of tokens v (N, C): softmax over the last axis of τ Q̂ᵀK̂."""
    query, key = v @ nam.query.weight.detach().numpy().T, v @ nam.key.weight.detach().numpy().T
    scores = np.zeros((C, C))
    for i in range(C):
        for j in range(C):
            dot = sum(query[n, i] * key[n, j] for n in range(len(v)))
            lengths = math.sqrt(sum(q * q for q in query[:, i])) * math.sqrt(sum(k * k for k in key[:, j]))
            scores[i, j] = 1.7 * dot / lengths
    exponents = np.exp(scores)
    return exponents / exponents.sum(1, keepdims=True)


def test_attention_equals_slow_loops(nam):
    v = torch.randn(1, 40, C)
    got = nam.attention(nam.correlations(v))[0]
    np.testing.assert_allclose(got.detach(), slow_attention(nam, v[0].numpy().astype(np.float64)), atol=1e-5)


def test_output_equals_equation_5_token_by_token(nam):
    v = torch.randn(2, 3, 4, C)
    attention = torch.rand(2, C, C).softmax(-1)
    got = nam(v, attention)
    for b, n, m in np.ndindex(2, 3, 4):
        value = nam.value.weight @ v[b, n, m]
        mixed = torch.stack([sum(attention[b, i, j] * value[j] for j in range(C)) for i in range(C)])
        torch.testing.assert_close(got[b, n, m], v[b, n, m] + nam.out(mixed), atol=1e-5, rtol=1e-5)


def test_one_map_serves_all_windows_of_an_image(nam):
    v, attention = torch.randn(6, 2, C), torch.rand(1, C, C).softmax(-1)
    torch.testing.assert_close(nam(v, attention), nam(v, attention.expand(6, -1, -1)), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("images", "kept"), [(1, 1 << 19), (1, 35), (3, 1 << 19)])
@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_what_is_folded_equals_layer_after_layer(nam, images, kept, slope, monkeypatch):
    nam.slope = slope
    monkeypatch.setattr("nesr_gui.networks.nam.CACHED_VALUES", kept)  # 35: five tokens at a time
    codes, coord, layer = torch.randn(3, 4, 2, 2, C), torch.linspace(-1, 1, 4), torch.nn.Linear(C, 7)
    attention = torch.rand(images, C, C).softmax(-1)
    whole = layer(nam(nam.tokens(codes, coord), attention))
    torch.testing.assert_close(
        nam.folded(coord, attention, torch.nn.Sequential(layer))(codes), whole, atol=1e-6, rtol=1e-5
    )


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_tokens_equal_the_embedding_of_code_and_coordinate(nam, slope):
    nam.slope = slope
    codes, coord = torch.randn(2, 3, 4, 5, C), torch.tensor([-1.0, 0.1, 1.0])
    joined = torch.cat([codes, coord[None, :, None, None, None].expand(2, 3, 4, 5, 1)], -1)
    torch.testing.assert_close(
        nam.tokens(codes, coord), nam.embed_out(F.leaky_relu(nam.embed_in(joined), slope)), atol=1e-6, rtol=1e-5
    )


def test_correlations_of_parts_add_up(nam):
    v = torch.randn(1, 60, C)
    parts = [nam.correlations(part) for part in v.split(17, dim=1)]
    added = Correlations(*(sum(some) for some in zip(*parts, strict=True)))
    torch.testing.assert_close(nam.attention(added), nam.attention(nam.correlations(v)), atol=1e-6, rtol=1e-5)


def test_attention_does_not_saturate_with_the_number_of_tokens(nam):
    v = torch.randn(1, 50, C)
    many = v.repeat(1, 100, 1)
    torch.testing.assert_close(nam.attention(nam.correlations(many)), nam.attention(nam.correlations(v)))
