"""The context encoder: cells of four by four pixels, normalised blocks, as far as it says."""

import numpy as np
import pytest
import torch

from nesr_gui.networks.factorised_nesr import ContextEncoder, normalised
from tests.networks import slow


@pytest.fixture
def encoder() -> ContextEncoder:
    torch.manual_seed(0)
    return ContextEncoder(6, 2).eval()


def test_equals_slow_loops(encoder, device):
    image = torch.rand(1, 3, 12, 20)
    got = encoder.to(device)(image.to(device))[0].detach().cpu()
    np.testing.assert_allclose(got, slow.context_encoder(encoder, image[0].double().numpy()), atol=1e-5)


def test_features_are_normalised_by_pixel(device):
    features = 100 * torch.randn(2, 7, 3, 4, device=device) + 40
    scaled = normalised(features)
    torch.testing.assert_close(scaled.mean(1), torch.zeros(2, 3, 4, device=device), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.var(1, unbiased=False), torch.ones(2, 3, 4, device=device), atol=1e-4, rtol=0)


def test_a_block_adds_a_part_of_its_input_at_first(encoder):
    x = torch.randn(1, 6, 30, 30)
    for scale in (1e-3, 1.0, 1e3):  # whatever the scale of what it sees
        added = encoder.blocks[0](scale * x) - scale * x
        assert 0.1 < added.std() < 1


def test_sees_as_far_as_it_says(encoder):
    image = torch.rand(1, 3, 80, 80, requires_grad=True)
    encoder(image)[0, :, 10, 10].sum().backward()
    rows = torch.nonzero(image.grad.abs().sum((0, 1, 3)))
    assert (int(rows.min()), int(rows.max())) == (4 * (10 - encoder.halo), 4 * (11 + encoder.halo) - 1)
