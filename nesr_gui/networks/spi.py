"""Spectral profile interpolation (section 3.2): encoder features to latent codes at any wavelength."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.1  # of both LeakyReLUs
HALO = 2  # pixels around a pixel read by the two 3×3×3 convolutions
SIDE = 2 * HALO + 1  # side of the window read for one code
SPARSE_STRIDE = SIDE + 1  # from this stride on, separate windows cost less than convolving all pixels


@dataclass(frozen=True, eq=False)
class Taps:
    """Precomputed sampling positions, indices and kernels for latent codes at L wavelengths.

    Features are sampled at T positions. The first convolution combines three positions into each of U slices, the
    second combines three slices into each of L codes.
    """

    positions: Tensor  # (T,) in [0, 1] along the feature channels
    span: tuple[float, float]  # smallest and largest position
    slice_inputs: tuple[slice | Tensor, ...]  # three times (U,): positions below, at and above each slice
    code_inputs: tuple[slice | Tensor, ...]  # three times (L,): slices below, at and above each wavelength
    first: Tensor  # (C, 3, 3, 3), the folded kernel; for a single wavelength see `_single_wavelength_kernel`
    second: Tensor  # (C, 3·C, 3, 3), wavelength outermost
    biases: tuple[Tensor | None, Tensor | None]  # (C,) of both convolutions
    dtype: torch.dtype | None = None  # of the codes, if different from the features

    @property
    def is_single(self) -> bool:
        """Whether L = 1."""
        return len(self.first) == len(self.second) * 3

    def channels(self, count: int) -> slice:
        """The range of feature channels that is read, out of `count`."""
        low, high = (position * (count - 1) for position in self.span)
        return slice(max(math.floor(low), 0), min(math.floor(high) + 2, count))

    def to(self, dtype: torch.dtype) -> Taps:
        """Convert kernels to another precision; positions keep theirs, since rounding would shift the wavelength."""
        first, second = (None if bias is None else bias.to(dtype) for bias in self.biases)
        kernels = self.first.to(dtype), self.second.to(dtype)
        return replace(self, first=kernels[0], second=kernels[1], biases=(first, second), dtype=dtype)


class SpectralProfileInterpolation(nn.Module):
    """Features (B, F, H, W) of the encoder to latent codes at any wavelengths, equations (2) and (3).

    Feature channels are spread evenly over the wavelength range, the first at the shortest wavelength, and are
    interpolated linearly. Up(·) changes only the wavelength axis of a profile, so the vertical and the horizontal
    profiles are the same volume and both input channels of the first convolution have equal values; `folded` adds
    their kernels. The paper's 3×3×3 convolutions extend one *requested* band to either side; here they extend `step`
    nm, with positions clamped to the range, so that a value does not depend on what else is requested. On a grid with
    this step over the whole range this equals Conv3d with replicate padding along wavelength.

    Args:
        channels: C, of the latent codes.
        low: shortest wavelength, nm.
        high: longest wavelength, nm.
        step: reach of the convolutions along wavelength, nm.
    """

    def __init__(self, channels: int, low: float = 400.0, high: float = 700.0, step: float = 10.0) -> None:
        super().__init__()
        self.low, self.high, self.step = low, high, step
        self.first = nn.Conv3d(2, channels, 3)
        self.second = nn.Conv3d(channels, channels, 3)

    def taps(self, nm: Tensor) -> Taps:
        """Prepare codes at wavelengths (L,) in nm, which must be within the range."""
        slices, code_inputs = self._neighbourhood(nm)
        sampled, slice_inputs = self._neighbourhood(slices.clamp(self.low, self.high))
        positions = (sampled.clamp(self.low, self.high) - self.low) / (self.high - self.low)
        kernel = self.second.weight.transpose(1, 2).flatten(1, 2)  # (C, 3·C, 3, 3), wavelength outermost
        if len(nm) > 1:
            first, bias = self.folded, self.first.bias
        else:
            first, bias = self._single_wavelength_kernel(slice_inputs[code_inputs[0]], len(positions))
        return Taps(
            positions,
            (float(positions.min()), float(positions.max())),
            tuple(_as_slice(indices) for indices in slice_inputs.unbind(1)),
            tuple(_as_slice(indices) for indices in code_inputs.unbind(1)),
            first.contiguous(memory_format=torch.channels_last),
            kernel.contiguous(memory_format=torch.channels_last),
            (bias, self.second.bias),
        )

    def _single_wavelength_kernel(self, slice_inputs: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """First kernel (3·C, T, 3, 3) and bias (3·C,) for one wavelength.

        It maps all T = `count` positions to the three slices as adjacent channels, which avoids copying them together;
        `slice_inputs` (3, 3) are the positions of each slice.
        """
        kernel = self.folded.new_zeros(3, len(self.folded), count, 3, 3)
        for which, inputs in enumerate(slice_inputs):
            kernel[which].index_add_(1, inputs, self.folded)
        assert self.first.bias is not None
        return kernel.flatten(0, 1), self.first.bias.repeat(3)

    def forward(self, features: Tensor, taps: Taps, inside: Tensor | None = None, stride: int = 1) -> Tensor:
        """Compute the latent codes of a window.

        Args:
            features: (B, F, h + 4, w + 4), a window with a border of two pixels; zero outside the image.
            taps: result of `taps` for L wavelengths.
            inside: (B or 1, 1, h + 4, w + 4), 1 inside the image and 0 outside; None if the window is all inside.
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
        """Latent codes (B, count, h, w, C) of a whole image (B, F, h, w) at `count` wavelengths, `step` nm apart.

        The wavelengths cover the whole range, so this is two convolutions with replicate padding along wavelength.
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
        """Apply both convolutions to a resampled window (B, T, h + 4, w + 4): (B, L, h', w', C).

        Slices are adjacent channels in channels-last order, which is fastest on processors.
        """
        if taps.dtype is not None:
            volume = volume.to(taps.dtype)
        if taps.is_single:
            slices = volume[:, None].permute(0, 1, 3, 4, 2)  # (B, 1, h + 4, w + 4, T)
        else:
            slices = torch.stack([volume[:, indices] for indices in taps.slice_inputs], -1)  # (B, U, h + 4, w + 4, 3)
        hidden = F.conv2d(slices.flatten(0, 1).permute(0, 3, 1, 2), taps.first, taps.biases[0])
        hidden = F.leaky_relu_(hidden, SLOPE).permute(0, 2, 3, 1)
        hidden = hidden.reshape(*slices.shape[:2], *hidden.shape[1:])  # (B, U, h + 2, w + 2, C), or 3·C
        if inside is not None:  # the second convolution also pads with zeros, not with the first one's output
            hidden = hidden * inside[:, :, 1:-1, 1:-1, None].to(hidden.dtype)
        if not taps.is_single:
            hidden = torch.cat([hidden[:, indices] for indices in taps.code_inputs], -1)  # (B, L, h + 2, w + 2, 3·C)
        codes = F.conv2d(hidden.flatten(0, 1).permute(0, 3, 1, 2), taps.second, taps.biases[1], stride)
        codes = F.leaky_relu_(codes, SLOPE).permute(0, 2, 3, 1)
        return codes.reshape(*hidden.shape[:2], *codes.shape[1:])

    @property
    def folded(self) -> Tensor:
        """The first kernel summed over its two equal inputs: (C, 3 wavelengths, 3, 3)."""
        return self.first.weight.sum(1)

    def _neighbourhood(self, nm: Tensor) -> tuple[Tensor, Tensor]:
        """Distinct wavelengths (U,) read by convolutions at `nm` (N,), and the indices (N, 3) that each reads."""
        offsets = torch.tensor([-self.step, 0.0, self.step], device=nm.device, dtype=nm.dtype)
        wavelengths, index = torch.unique(nm[:, None] + offsets, return_inverse=True)
        return wavelengths, index


def resample(features: Tensor, position: Tensor, first: int = 0, count: int | None = None) -> Tensor:
    """Interpolate features (B, F, …) linearly at positions (T,) in [0, 1] along their channels: (B, T, …).

    If `features` is only a range of the channels, `first` is the index of its first channel and `count` the total.
    """
    scaled = position * ((count or features.shape[1]) - 1) - first
    below = scaled.floor().clamp(0, max(features.shape[1] - 2, 0)).long()
    above = (below + 1).clamp(max=features.shape[1] - 1)
    weight = (scaled - below).to(features.dtype).view(-1, *[1] * (features.ndim - 2))
    return torch.lerp(features[:, below], features[:, above], weight)


def _as_slice(indices: Tensor) -> slice | Tensor:
    """Indices (N,) as a slice if consecutive, as for evenly spaced wavelengths, since a slice needs no copy."""
    first, count = int(indices[0]), len(indices)
    return slice(first, first + count) if indices.tolist() == list(range(first, first + count)) else indices


def lattice(framed: Tensor, stride: int) -> Tensor:
    """The 5×5 windows around every `stride`-th pixel of a padded image (B, F, H + 4, W + 4): (B, F, 5, N·5).

    They form one image, window next to window; processing it with a stride of `SIDE` keeps them separate.
    """
    windows = framed.unfold(2, SIDE, stride).unfold(3, SIDE, stride)  # (B, F, rows, cols, 5, 5)
    return windows.permute(0, 1, 4, 2, 3, 5).flatten(3)
