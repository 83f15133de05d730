"""SPI against equations (2) and (3), written as loops."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nesr_gui.networks.spi import SLOPE, SpectralProfileInterpolation, resample
from tests.networks import slow

GRID = torch.arange(400, 701, 10.0)


@pytest.fixture
def spi() -> SpectralProfileInterpolation:
    torch.manual_seed(1)
    return SpectralProfileInterpolation(4)


def slow_up(profile: np.ndarray, nm: float) -> np.ndarray:
    """Up(·) of one profile (space, F) at one wavelength, equation (2): linear between channels at even wavelengths."""
    stations = np.linspace(400, 700, profile.shape[1])
    return np.array([np.interp(nm, stations, line) for line in profile])


def slow_spi(spi: SpectralProfileInterpolation, features: np.ndarray, nm: float) -> np.ndarray:
    """M_out (C, H, W) at one wavelength: both profiles upsampled, concatenated, two 3×3×3 convolutions (equation 3)."""

    def clamp(x: float) -> float:
        return min(max(x, 400.0), 700.0)

    def stacked(at: float) -> np.ndarray:  # [M_h, M_w] at one wavelength: (2, H, W)
        vertical = np.stack([slow_up(features[:, :, w].T, at) for w in range(features.shape[2])], axis=1)
        horizontal = np.stack([slow_up(features[:, h, :].T, at) for h in range(features.shape[1])], axis=0)
        return np.stack([vertical, horizontal])

    def convolved(layer: nn.Conv3d, slices: list[np.ndarray]) -> np.ndarray:
        volume = np.pad(np.stack(slices, axis=1), ((0, 0), (0, 0), (1, 1), (1, 1)))  # (in, 3, H + 2, W + 2)
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        out = np.empty((len(weight), volume.shape[2] - 2, volume.shape[3] - 2))
        for c, y, x in np.ndindex(out.shape):
            out[c, y, x] = (weight[c] * volume[:, :, y : y + 3, x : x + 3]).sum() + bias[c]
        return np.where(out > 0, out, SLOPE * out)

    def first(at: float) -> np.ndarray:
        return convolved(spi.first, [stacked(clamp(at + d)) for d in (-10, 0, 10)])

    return convolved(spi.second, [first(clamp(nm + d)) for d in (-10, 0, 10)])


@pytest.mark.parametrize("nm", [400.0, 403.7, 555.5, 690.0, 700.0])
def test_equals_slow_loops_with_two_profiles(spi, nm):
    features = torch.randn(1, 7, 4, 3)
    inside = F.pad(torch.ones(1, 1, 4, 3), (2, 2, 2, 2))
    got = spi(F.pad(features, (2, 2, 2, 2)), spi.taps(torch.tensor([nm])), inside)  # (1, 1, H, W, C)
    expected = slow_spi(spi, features[0].numpy().astype(np.float64), nm)
    np.testing.assert_allclose(got[0, 0].permute(2, 0, 1).detach(), expected, atol=1e-5)


def test_is_conv3d_with_replicated_spectral_borders_on_its_own_grid(spi):
    features = torch.randn(2, 7, 5, 6)
    volume = resample(features, torch.linspace(0, 1, 31))  # (B, 31, H, W)
    x = torch.stack([volume, volume], 1)
    for layer in (spi.first, spi.second):
        x = F.pad(F.pad(x, (0, 0, 0, 0, 1, 1), mode="replicate"), (1, 1, 1, 1, 0, 0))
        x = F.leaky_relu(layer(x), SLOPE)
    inside = F.pad(torch.ones(1, 1, 5, 6), (2, 2, 2, 2))
    got = spi(F.pad(features, (2, 2, 2, 2)), spi.taps(GRID), inside)
    torch.testing.assert_close(got, x.permute(0, 2, 3, 4, 1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("knots", "features", "shape"), [(5, 7, (5, 6)), (2, 3, (1, 1)), (16, 1, (2, 9))])
def test_a_grid_of_knots_equals_conv3d_of_two_equal_profiles(device, knots, features, shape):
    torch.manual_seed(4)
    spi = SpectralProfileInterpolation(4, step=300 / (knots - 1)).to(device)
    seen = torch.randn(2, features, *shape, device=device)
    got = spi.on_grid(seen, knots).detach().cpu()
    assert got.shape == (2, knots, *shape, 4)
    for own, image in zip(got, seen.cpu().double().numpy(), strict=True):
        np.testing.assert_allclose(own, slow.codes(spi, image, knots), atol=1e-5)


@pytest.mark.parametrize("knots", [4, 31])
def test_a_grid_of_knots_is_the_codes_at_its_wavelengths(knots):
    torch.manual_seed(4)
    spi = SpectralProfileInterpolation(4, step=300 / (knots - 1))
    features, inside = torch.randn(1, 7, 4, 5), F.pad(torch.ones(1, 1, 4, 5), (2, 2, 2, 2))
    one_by_one = [
        spi(F.pad(features, (2, 2, 2, 2)), spi.taps(nm[None]), inside) for nm in torch.linspace(400, 700, knots)
    ]
    torch.testing.assert_close(spi.on_grid(features, knots), torch.cat(one_by_one, 1), atol=1e-4, rtol=1e-4)


def test_folded_kernel_equals_two_equal_profiles(spi):
    volume = torch.randn(2, 1, 3, 6, 7)
    unfolded = F.conv3d(volume.expand(-1, 2, -1, -1, -1), spi.first.weight, spi.first.bias)
    folded = F.conv2d(volume[:, 0], spi.folded, spi.first.bias)
    torch.testing.assert_close(unfolded[:, :, 0], folded, atol=1e-5, rtol=1e-5)


def test_gradients_reach_both_halves_of_the_unfolded_kernel_equally(spi):
    spi(torch.randn(1, 7, 6, 6), spi.taps(torch.tensor([500.0]))).sum().backward()
    gradient = spi.first.weight.grad
    assert gradient.abs().max() > 0
    torch.testing.assert_close(gradient[:, 0], gradient[:, 1])


def test_resample_stands_on_channels_at_its_ends():
    features = torch.randn(1, 5, 2, 2)
    torch.testing.assert_close(resample(features, torch.tensor([0.0, 0.25, 1.0])), features[:, [0, 1, 4]])
    one = torch.randn(1, 1, 2, 2)
    torch.testing.assert_close(resample(one, torch.tensor([0.0, 0.3, 1.0])), one.expand(-1, 3, -1, -1))
