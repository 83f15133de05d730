"""Encoder features of an image, and the sums over them that determine its attention map.

Features are either stored or recomputed for each requested window. The sums are in float64, so that the tiles of one
image can be summed by several processes or machines and yield the same map as on one.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.inference import device as devices
from nesr_gui.inference import tiling
from nesr_gui.networks.nam import Correlations, NeuralAttentionMapping
from nesr_gui.networks.nesr import NeSR
from nesr_gui.networks.spi import HALO, SIDE, lattice

STORED_BYTES = 1 << 30  # larger features are stored in a file, or recomputed for each window
DISK_SHARE = 2  # such a file takes at most 1 / DISK_SHARE of the free disk space


class Features(Protocol):
    """Encoder features of an image."""

    @property
    def side(self) -> int:
        """Largest side of a window, in pixels."""
        ...

    def window(self, rows: slice, cols: slice) -> Tensor:
        """Features (1, F, h + 4, w + 4) of a window with a border of two pixels, zero outside the image."""
        ...


@dataclass(frozen=True, eq=False)
class LazyFeatures:
    """Features computed on demand, from each window and the halo of the encoder."""

    network: NeSR
    rgb: Tensor  # (1, inputs, H, W)
    halo: int
    side: int = tiling.TILE

    def window(self, rows: slice, cols: slice) -> Tensor:
        """See `Features.window`."""
        limits = [(part.start - HALO, part.stop + HALO) for part in (rows, cols)]
        inside = [slice(max(a, 0), min(b, size)) for (a, b), size in zip(limits, self.rgb.shape[2:], strict=True)]
        features = tiling.run_tile_with_halo(self.network.encode, self.rgb, inside[0], inside[1], self.halo)
        vertical, horizontal = ((part.start - a, b - part.stop) for (a, b), part in zip(limits, inside, strict=True))
        return F.pad(features, (*horizontal, *vertical))


@dataclass(frozen=True, eq=False)
class CachedFeatures:
    """Stored features of the whole image.

    In memory they are in channel order, since a band reads the few channels next to its wavelength.
    """

    framed: Tensor  # (1, F, H + 4, W + 4)

    @property
    def side(self) -> int:
        """See `Features.side`; not limited, since a window is a view."""
        return max(self.framed.shape[2:])

    @classmethod
    def of(cls, computed: LazyFeatures, progress: ProgressCallback) -> CachedFeatures:
        """Compute the features from top to bottom, in memory."""
        height, width = computed.rgb.shape[2:]
        count = computed.network.features
        framed = computed.rgb.new_zeros((1, count, height + 2 * HALO, width + 2 * HALO))
        row = HALO
        for rows in computed.network.encode_rows(computed.rgb):
            progress((row - HALO) / height)
            framed[:, :, row : row + rows.shape[2], HALO:-HALO] = rows
            row += rows.shape[2]
        return cls(framed)

    @classmethod
    def filed(cls, computed: LazyFeatures, progress: ProgressCallback) -> CachedFeatures:
        """Write the features row by row to a memory-mapped temporary file.

        Raises:
            OSError: there is too little space for temporary files.
        """
        folder = Path(tempfile.mkdtemp(prefix="nesr-"))
        try:
            stored = cls(_mapped(computed, folder / "features", progress))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        weakref.finalize(stored, shutil.rmtree, folder, ignore_errors=True)
        return stored

    def window(self, rows: slice, cols: slice) -> Tensor:
        """See `Features.window`; a view."""
        return self.framed[:, :, rows.start : rows.stop + 2 * HALO, cols.start : cols.stop + 2 * HALO]


def cache_features(computed: LazyFeatures, progress: ProgressCallback) -> Features:
    """Store the features of an image in memory or, if too large, in a file; if neither fits, leave them lazy."""
    height, width = computed.rgb.shape[2:]
    size = 4 * computed.network.features * height * width
    if size <= STORED_BYTES:
        return CachedFeatures.of(computed, progress)
    if computed.rgb.device.type == "cpu" and size <= shutil.disk_usage(tempfile.gettempdir()).free // DISK_SHARE:
        with suppress(OSError):  # another program may take the space meanwhile
            return CachedFeatures.filed(computed, progress)
    return computed


def _mapped(computed: LazyFeatures, path: Path, progress: ProgressCallback) -> Tensor:
    """Features (1, F, H + 4, W + 4) mapped from a file, stored row by row."""
    height, width = computed.rgb.shape[2:]
    shape = height + 2 * HALO, computed.network.features, width + 2 * HALO
    border, row = np.zeros((HALO, *shape[1:]), np.float32), 0
    with path.open("wb") as file:
        file.write(border.data)
        for rows in computed.network.encode_rows(computed.rgb):
            progress(row / height)
            lines = F.pad(rows[0], (HALO, HALO)).transpose(0, 1).contiguous()  # (r, F, W + 4)
            file.write(lines.numpy().data)
            row += rows.shape[2]
        file.write(border.data)
    mapped = torch.from_file(str(path), shared=False, size=math.prod(shape), dtype=torch.float32)
    with suppress(OSError):  # where mapped files can be unlinked, nothing is left behind after a crash
        path.unlink()
    return mapped.view(shape).transpose(0, 1)[None]


def crosses_border(rows: slice, cols: slice, shape: tuple[int, int]) -> bool:
    """Whether a window with its border of two pixels extends beyond an image of `shape`."""
    return any(part.start < HALO or part.stop + HALO > size for part, size in zip((rows, cols), shape, strict=True))


def border_mask(rows: slice, cols: slice, shape: tuple[int, int], like: Tensor) -> Tensor:
    """Mask (1, 1, h + 4, w + 4) of a window with its border of two pixels: 1 inside the image, 0 outside."""
    axes = [torch.arange(part.start - HALO, part.stop + HALO, device=like.device) for part in (rows, cols)]
    within = [((axis >= 0) & (axis < size)).to(like.dtype) for axis, size in zip(axes, shape, strict=True)]
    return torch.outer(*within)[None, None]


@dataclass(frozen=True, eq=False)
class AttentionSums:
    """`nam.Correlations` of pixels of an image, as numpy arrays."""

    products: npt.NDArray[np.float64]  # (…, C, C)
    queries: npt.NDArray[np.float64]  # (…, C)
    keys: npt.NDArray[np.float64]  # (…, C)

    @classmethod
    def total(cls, parts: Iterable[AttentionSums | None]) -> AttentionSums:
        """Sum over the tiles of an image, in the given order; tiles without lattice pixels are None."""
        present = [(part.products, part.queries, part.keys) for part in parts if part is not None]
        return cls(*(np.sum(terms, axis=0) for terms in zip(*present, strict=True)))


@torch.inference_mode()
def tile_sums(
    network: NeSR, features: Features, shape: tuple[int, int], rows: slice, cols: slice
) -> AttentionSums | None:
    """Contribution of a tile to the attention map of an image of `shape`; None if it contains no lattice pixel."""
    stride = network.context_stride(*shape)
    first = -rows.start % stride, -cols.start % stride  # the lattice is fixed to the image, not to the tile
    if first[0] >= rows.stop - rows.start or first[1] >= cols.stop - cols.start:
        return None
    window = features.window(rows, cols)
    parts = (window, border_mask(rows, cols, shape, window))
    windows, inside = (lattice(part[:, :, first[0] :, first[1] :], stride) for part in parts)
    at_once = SIDE * max(devices.TOKENS // SIDE // len(network.bands), 1)
    batches = []
    for batch in (slice(start, start + at_once) for start in range(0, windows.shape[3], at_once)):
        mask = None if inside[..., batch].all() else inside[..., batch]
        sums = network.nam.correlations(network.context_tokens(windows[..., batch], mask))
        batches.append(AttentionSums(*(part[0].cpu().double().numpy() for part in sums)))
    return AttentionSums.total(batches)


@torch.inference_mode()
def attention_map(nam: NeuralAttentionMapping, sums: AttentionSums, device: str) -> Tensor:
    """Attention map (1, …, C, C) of an image, equation (5), on `device`."""
    tensors = (torch.from_numpy(part).float()[None].to(device) for part in (sums.products, sums.queries, sums.keys))
    return nam.attention(Correlations(*tensors))
