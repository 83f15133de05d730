"""Spectral profile interpolation (section 3.2): encoder features to a feature at any wavelength."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.1  # of both LeakyReLUs
HALO = 2  # pixels around a pixel that its two 3×3×3 convolutions read
SPARSE_STRIDE = 5  # from this stride on, windows around single pixels cost less than convolving all pixels


class SpectralProfileInterpolation(nn.Module):
    """Features (B, F, H, W) of the encoder to latent codes at any wavelengths, equations (2) and (3).

    Feature channel 0 stands at the shortest wavelength, the last at the longest, linear between. Up(·) of a profile
    changes only its wavelength axis, so the vertical and the horizontal profiles are the same volume and the two
    input channels of the first convolution see equal values; `folded` adds their kernels. The paper's 3×3×3
    convolutions reach one *requested* band to either side; here they reach `step` nm, with positions clamped to the
    range, so that a value does not depend on what else is requested. On a grid of that step over the whole range this
    is Conv3d with replicated borders along wavelength.
    """

    def __init__(self, channels: int, low: float = 400.0, high: float = 700.0, step: float = 10.0) -> None:
        super().__init__()
        self.low, self.high, self.step = low, high, step
        self.first = nn.Conv3d(2, channels, 3)
        self.second = nn.Conv3d(channels, channels, 3)

    def forward(self, features: Tensor, nm: Tensor, inside: Tensor | None = None, stride: int = 1) -> Tensor:
        """Latent codes of a window.

        Args:
            features: (B, F, h + 4, w + 4), a window with two pixels around it; zero outside the image.
            nm: (L,) wavelengths in nm, within the range.
            inside: (B or 1, 1, h + 4, w + 4), 1 in the image and 0 outside; None where all of it is inside.
            stride: keep every `stride`-th row and column.

        Returns:
            (B, L, h', w', C) with h' = ceil(h / stride), w' = ceil(w / stride).
        """
        positions, index = torch.unique(self._around(nm), return_inverse=True)  # (U,), (L, 3)
        taps = resample(features, self._channel(self._around(positions))).flatten(1, 2)  # (B, 3·U, h + 4, w + 4)
        if stride < SPARSE_STRIDE:
            return self._convolved(taps, index, inside, stride)
        shape = [-(-(size - 2 * HALO) // stride) for size in taps.shape[2:]]
        windows = lattice(taps, stride).flatten(0, 1)  # (B·N, 3·U, 5, 5)
        if inside is not None:
            inside = lattice(inside, stride).expand(len(taps), -1, -1, -1, -1).flatten(0, 1)
        codes = self._convolved(windows, index, inside, 1)  # (B·N, L, 1, 1, C)
        return codes.view(len(taps), *shape, nm.numel(), -1).permute(0, 3, 1, 2, 4)

    def _convolved(self, taps: Tensor, index: Tensor, inside: Tensor | None, stride: int) -> Tensor:
        """Both convolutions of taps (B, 3·U, h + 4, w + 4) at wavelengths made of `index` (L, 3): (B, L, h', w', C)."""
        slices = taps.reshape(-1, 3, *taps.shape[2:])  # (B·U, 3, h + 4, w + 4)
        hidden = F.leaky_relu(_conv2d(slices, self.folded, self.first.bias), SLOPE)
        hidden = hidden.view(len(taps), -1, *hidden.shape[1:])  # (B, U, C, h + 2, w + 2)
        if inside is not None:  # the second convolution pads with zeros, not with what the first makes of zeros
            hidden = hidden * inside[:, None, :, 1:-1, 1:-1]
        stacked = hidden[:, index].flatten(0, 1).flatten(1, 2)  # (B·L, 3·C, h + 2, w + 2)
        weight = self.second.weight.transpose(1, 2).flatten(1, 2)  # (C, 3·C, 3, 3), wavelength outermost
        codes = F.leaky_relu(_conv2d(stacked, weight, self.second.bias, stride), SLOPE)
        return codes.permute(0, 2, 3, 1).view(len(taps), len(index), *codes.shape[2:], -1)

    @property
    def folded(self) -> Tensor:
        """The first kernel with its two equal inputs added: (C, 3 wavelengths, 3, 3)."""
        return self.first.weight.sum(1)

    def _around(self, nm: Tensor) -> Tensor:
        """The wavelengths that a convolution at `nm` (N,) reads: (N, 3), clamped to the range."""
        offsets = torch.tensor([-self.step, 0.0, self.step], device=nm.device, dtype=nm.dtype)
        return (nm[:, None] + offsets).clamp(self.low, self.high)

    def _channel(self, nm: Tensor) -> Tensor:
        """Wavelength to a position along the feature channels, 0 at the first and 1 at the last."""
        return (nm - self.low) / (self.high - self.low)


def resample(features: Tensor, position: Tensor) -> Tensor:
    """Features (B, F, H, W) at positions (…) in [0, 1] along their channels, linear between two: (B, …, H, W)."""
    scaled = position * (features.shape[1] - 1)
    below = scaled.floor().clamp(max=max(features.shape[1] - 2, 0)).long()
    above = (below + 1).clamp(max=features.shape[1] - 1)
    weight = (scaled - below).to(features.dtype)[..., None, None]
    return torch.lerp(features[:, below], features[:, above], weight)


def lattice(framed: Tensor, stride: int) -> Tensor:
    """The 5×5 windows around every `stride`-th pixel of a framed image (B, F, H + 4, W + 4): (B, N, F, 5, 5)."""
    size = 2 * HALO + 1
    windows = framed.unfold(2, size, stride).unfold(3, size, stride)  # (B, F, rows, cols, 5, 5)
    return windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)


def _conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1) -> Tensor:
    """A convolution in the memory layout that processors are fast at."""
    layout = torch.channels_last
    return F.conv2d(x.contiguous(memory_format=layout), weight.contiguous(memory_format=layout), bias, stride)
