"""Spectral profile interpolation (section 3.2): encoder features to a feature at any wavelength."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.1  # of both LeakyReLUs
HALO = 2  # pixels around a pixel that its two 3×3×3 convolutions read
SIDE = 2 * HALO + 1  # of what a pixel's code reads
SPARSE_STRIDE = SIDE + 1  # from this stride on, reading windows one by one costs less than convolving all pixels


@dataclass(frozen=True, eq=False)
class Taps:
    """What codes at L wavelengths are made of: T places along the features, three of which make each of U slices, three
    of which make a code."""

    positions: Tensor  # (T,) in [0, 1] along the features
    span: tuple[float, float]  # of these
    taken: tuple[slice | Tensor, ...]  # three of U places each: below, at and above a slice
    index: tuple[slice | Tensor, ...]  # three of L slices each: below, at and above a wavelength
    first: Tensor  # (C, 3, 3, 3), the folded kernel; of a single wavelength, see `_of_one`
    second: Tensor  # (C, 3·C, 3, 3), wavelength outermost
    biases: tuple[Tensor | None, Tensor | None]  # (C,) of both
    dtype: torch.dtype | None = None  # of codes, where it is not that of the features

    @property
    def is_single(self) -> bool:
        """Whether they are of one wavelength, L = 1."""
        return len(self.first) == len(self.second) * 3

    def channels(self, count: int) -> slice:
        """Those of so many features that are read."""
        low, high = (position * (count - 1) for position in self.span)
        return slice(max(math.floor(low), 0), min(math.floor(high) + 2, count))

    def to(self, dtype: torch.dtype) -> Taps:
        """The same in another precision, but for the places, where a rounding would move the wavelength."""
        first, second = (None if bias is None else bias.to(dtype) for bias in self.biases)
        kernels = self.first.to(dtype), self.second.to(dtype)
        return replace(self, first=kernels[0], second=kernels[1], biases=(first, second), dtype=dtype)


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

    def taps(self, nm: Tensor) -> Taps:
        """What of features and kernels codes at wavelengths (L,) nm, within the range, are made of."""
        positions, index = self._around(nm)
        places, taken = self._around(positions.clamp(self.low, self.high))
        along = (places.clamp(self.low, self.high) - self.low) / (self.high - self.low)
        kernel = self.second.weight.transpose(1, 2).flatten(1, 2)  # (C, 3·C, 3, 3), wavelength outermost
        first, bias = (self.folded, self.first.bias) if len(nm) > 1 else self._of_one(taken[index[0]], len(along))
        return Taps(
            along,
            (float(along.min()), float(along.max())),
            tuple(_pick(which) for which in taken.unbind(1)),
            tuple(_pick(which) for which in index.unbind(1)),
            first.contiguous(memory_format=torch.channels_last),
            kernel.contiguous(memory_format=torch.channels_last),
            (bias, self.second.bias),
        )

    def _of_one(self, taken: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The first kernel (3·C, T, 3, 3) and bias (3·C,) of one wavelength: from all places, `count` of them, to its
        three slices as neighbouring channels, which spares copying them side by side; each is made of three, `taken`.
        """
        kernel = self.folded.new_zeros(3, len(self.folded), count, 3, 3)
        for which, places in enumerate(taken):
            kernel[which].index_add_(1, places, self.folded)
        assert self.first.bias is not None
        return kernel.flatten(0, 1), self.first.bias.repeat(3)

    def forward(self, features: Tensor, taps: Taps, inside: Tensor | None = None, stride: int = 1) -> Tensor:
        """Latent codes of a window.

        Args:
            features: (B, F, h + 4, w + 4), a window with two pixels around it; zero outside the image.
            taps: of L wavelengths, see `taps`.
            inside: (B or 1, 1, h + 4, w + 4), 1 in the image and 0 outside; None where all of it is inside.
            stride: keep every `stride`-th row and column.

        Returns:
            (B, L, h', w', C) with h' = ceil(h / stride), w' = ceil(w / stride).
        """
        if stride < SPARSE_STRIDE:
            return self._convolved(resample(features, taps.positions), taps, inside, stride)
        read = taps.channels(features.shape[1])
        volume = resample(lattice(features[:, read], stride), taps.positions, read.start, features.shape[1])
        mask = None if inside is None else lattice(inside, stride)
        codes = self._convolved(volume, taps, mask, SIDE)  # (B, L, 1, h'·w', C)
        size = (len(range(0, side - 2 * HALO, stride)) for side in features.shape[2:])
        return codes.reshape(*codes.shape[:2], *size, -1)

    def on_grid(self, features: Tensor, count: int) -> Tensor:
        """Latent codes (B, count, h, w, C) of a whole image (B, F, h, w) at `count` wavelengths, `step` apart.

        They cover the range, so these are the two convolutions with replicated borders along wavelength.
        """
        position = torch.linspace(0, 1, count, device=features.device)
        volume = resample(features, position)  # (B, M, h, w)
        slices = F.pad(volume[:, None], (0, 0, 0, 0, 1, 1), mode="replicate").squeeze(1).unfold(1, 3, 1)
        hidden = F.conv2d(slices.flatten(0, 1).permute(0, 3, 1, 2), self.folded, self.first.bias, padding=1)
        hidden = F.leaky_relu(hidden, SLOPE)  # (B·M, C, h, w)
        hidden = hidden.reshape(-1, count, *hidden.shape[1:])
        hidden = torch.cat([hidden[:, :1], hidden, hidden[:, -1:]], 1)
        three = torch.cat([hidden[:, :-2], hidden[:, 1:-1], hidden[:, 2:]], 2)  # (B, M, 3·C, h, w)
        kernel = self.second.weight.transpose(1, 2).flatten(1, 2)  # (C, 3·C, 3, 3), wavelength outermost
        codes = F.leaky_relu(F.conv2d(three.flatten(0, 1), kernel, self.second.bias, padding=1), SLOPE)
        return codes.reshape(-1, count, *codes.shape[1:]).permute(0, 1, 3, 4, 2)

    def _convolved(self, volume: Tensor, taps: Taps, inside: Tensor | None, stride: int) -> Tensor:
        """Both convolutions of a resampled window (B, T, h + 4, w + 4): (B, L, h', w', C).

        Slices stand side by side as channels, the last axis in memory, which is what processors are fast at.
        """
        if taps.dtype is not None:
            volume = volume.to(taps.dtype)
        if taps.is_single:
            slices = volume[:, None].permute(0, 1, 3, 4, 2)  # (B, 1, h + 4, w + 4, T)
        else:
            slices = torch.stack([volume[:, which] for which in taps.taken], -1)  # (B, U, h + 4, w + 4, 3)
        hidden = F.conv2d(slices.flatten(0, 1).permute(0, 3, 1, 2), taps.first, taps.biases[0])
        hidden = F.leaky_relu_(hidden, SLOPE).permute(0, 2, 3, 1)
        hidden = hidden.reshape(*slices.shape[:2], *hidden.shape[1:])  # (B, U, h + 2, w + 2, C), or 3·C
        if inside is not None:  # the second convolution pads with zeros, not with what the first makes of zeros
            hidden = hidden * inside[:, :, 1:-1, 1:-1, None].to(hidden.dtype)
        if not taps.is_single:
            hidden = torch.cat([hidden[:, which] for which in taps.index], -1)  # (B, L, h + 2, w + 2, 3·C)
        codes = F.conv2d(hidden.flatten(0, 1).permute(0, 3, 1, 2), taps.second, taps.biases[1], stride)
        codes = F.leaky_relu_(codes, SLOPE).permute(0, 2, 3, 1)
        return codes.reshape(*hidden.shape[:2], *codes.shape[1:])

    @property
    def folded(self) -> Tensor:
        """The first kernel with its two equal inputs added: (C, 3 wavelengths, 3, 3)."""
        return self.first.weight.sum(1)

    def _around(self, nm: Tensor) -> tuple[Tensor, Tensor]:
        """The wavelengths (U,) that convolutions at `nm` (N,) read, each once, and which three each reads: (N, 3)."""
        offsets = torch.tensor([-self.step, 0.0, self.step], device=nm.device, dtype=nm.dtype)
        wavelengths, index = torch.unique(nm[:, None] + offsets, return_inverse=True)
        return wavelengths, index


def resample(features: Tensor, position: Tensor, first: int = 0, count: int | None = None) -> Tensor:
    """Features (B, F, …) at positions (T,) in [0, 1] along their channels, linear between two: (B, T, …).

    Where features are a part of the channels, from the `first` on, `count` is how many there are in all.
    """
    scaled = position * ((count or features.shape[1]) - 1) - first
    below = scaled.floor().clamp(0, max(features.shape[1] - 2, 0)).long()
    above = (below + 1).clamp(max=features.shape[1] - 1)
    weight = (scaled - below).to(features.dtype).view(-1, *[1] * (features.ndim - 2))
    return torch.lerp(features[:, below], features[:, above], weight)


def _pick(which: Tensor) -> slice | Tensor:
    """Indices (N,); where they count up, as those of evenly spaced wavelengths do, a slice, which copies nothing."""
    first, count = int(which[0]), len(which)
    return slice(first, first + count) if which.tolist() == list(range(first, first + count)) else which


def lattice(framed: Tensor, stride: int) -> Tensor:
    """The 5×5 windows around every `stride`-th pixel of a framed image (B, F, H + 4, W + 4): (B, F, 5, N·5).

    They stand side by side, as one image that answers at every fifth pixel: a stride of `SIDE` keeps them apart.
    """
    windows = framed.unfold(2, SIDE, stride).unfold(3, SIDE, stride)  # (B, F, rows, cols, 5, 5)
    return windows.permute(0, 1, 4, 2, 3, 5).flatten(3)
