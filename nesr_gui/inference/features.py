"""Encoder features of an image, and the sums over them that its attention map follows from.

Features are kept whole or computed again for each window that is asked for. The sums are plain numbers in float64, so
that the tiles of one image may be summed by several processes or machines and still give the map that one would have
made.
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

STORED_BYTES = 1 << 30  # features above this are kept in a file, or computed again for each window
DISK_SHARE = 2  # such a file takes at most one part in so many of what the disk has left


class Features(Protocol):
    """Encoder features of an image: windows (1, F, h + 4, w + 4) with two pixels around, zero outside the image.

    Windows of up to `side` pixels along a side may be asked for.
    """

    @property
    def side(self) -> int: ...
    def window(self, rows: slice, cols: slice) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class LazyFeatures:
    """Encodes each window when it is asked for, from as many pixels around it as the encoder sees."""

    network: NeSR
    rgb: Tensor  # (1, 3, H, W)
    halo: int
    side: int = tiling.TILE

    def window(self, rows: slice, cols: slice) -> Tensor:
        """See `Features`."""
        wanted = [(part.start - HALO, part.stop + HALO) for part in (rows, cols)]
        kept = [slice(max(a, 0), min(b, size)) for (a, b), size in zip(wanted, self.rgb.shape[2:], strict=True)]
        features = tiling.run_tile_with_halo(self.network.encode, self.rgb, kept[0], kept[1], self.halo)
        above, left = ((part.start - a, b - part.stop) for (a, b), part in zip(wanted, kept, strict=True))
        return F.pad(features, (*left, *above))


@dataclass(frozen=True, eq=False)
class CachedFeatures:
    """Features of the whole image, kept: (1, F, H + 4, W + 4).

    In memory channel after channel: a band reads the few channels next to its wavelength, and those lie together.
    """

    framed: Tensor

    @property
    def side(self) -> int:
        """See `Features`: a window is a view."""
        return max(self.framed.shape[2:])

    @classmethod
    def of(cls, computed: LazyFeatures, progress: ProgressCallback) -> CachedFeatures:
        """Encode from top to bottom."""
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
        """Encode into a file, row after row, and map it: the system reads what is asked for, and may forget it again.

        Raises:
            OSError: the folder for temporary files has no room for it.
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
        """See `Features`; a view."""
        return self.framed[:, :, rows.start : rows.stop + 2 * HALO, cols.start : cols.stop + 2 * HALO]


def cache_features(computed: LazyFeatures, progress: ProgressCallback) -> Features:
    """Features of a whole image: kept in memory, in a file where they are too large for that, or else not kept."""
    height, width = computed.rgb.shape[2:]
    size = 4 * computed.network.features * height * width
    if size <= STORED_BYTES:
        return CachedFeatures.of(computed, progress)
    if computed.rgb.device.type == "cpu" and size <= shutil.disk_usage(tempfile.gettempdir()).free // DISK_SHARE:
        with suppress(OSError):  # another program took the room
            return CachedFeatures.filed(computed, progress)
    return computed


def _mapped(computed: LazyFeatures, path: Path, progress: ProgressCallback) -> Tensor:
    """Features (1, F, H + 4, W + 4) that lie in a file, row after row."""
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
    with suppress(OSError):  # where a mapped file can be removed, a program that dies leaves nothing behind
        path.unlink()
    return mapped.view(shape).transpose(0, 1)[None]


def crosses_border(rows: slice, cols: slice, shape: tuple[int, int]) -> bool:
    """Whether a window with its two pixels around does not lie in the image as a whole."""
    return any(part.start < HALO or part.stop + HALO > size for part, size in zip((rows, cols), shape, strict=True))


def border_mask(rows: slice, cols: slice, shape: tuple[int, int], like: Tensor) -> Tensor:
    """What of a window with its two pixels around lies in the image: (1, 1, h + 4, w + 4) of ones and zeros."""
    axes = [torch.arange(part.start - HALO, part.stop + HALO, device=like.device) for part in (rows, cols)]
    within = [((axis >= 0) & (axis < size)).to(like.dtype) for axis, size in zip(axes, shape, strict=True)]
    return torch.outer(*within)[None, None]


@dataclass(frozen=True, eq=False)
class AttentionSums:
    """`nam.Correlations` of some pixels of an image: `products` (…, C, C), `queries` (…, C) and `keys` (…, C)."""

    products: npt.NDArray[np.float64]
    queries: npt.NDArray[np.float64]
    keys: npt.NDArray[np.float64]

    @classmethod
    def total(cls, parts: Iterable[AttentionSums | None]) -> AttentionSums:
        """Those of an image from those of its tiles, which are added in the order given."""
        present = [(part.products, part.queries, part.keys) for part in parts if part is not None]
        return cls(*(np.sum(terms, axis=0) for terms in zip(*present, strict=True)))


@torch.inference_mode()
def tile_sums(
    network: NeSR, features: Features, shape: tuple[int, int], rows: slice, cols: slice
) -> AttentionSums | None:
    """What a tile adds to the map of its image of `shape`; None where no pixel of the lattice lies in it."""
    stride = network.context_stride(*shape)
    first = -rows.start % stride, -cols.start % stride  # the lattice is the image's, not the tile's
    if first[0] >= rows.stop - rows.start or first[1] >= cols.stop - cols.start:
        return None
    window = features.window(rows, cols)
    parts = (window, border_mask(rows, cols, shape, window))
    windows, inside = (lattice(part[:, :, first[0] :, first[1] :], stride) for part in parts)
    at_once = SIDE * max(devices.TOKENS // SIDE // len(network.bands), 1)
    found = []
    for some in (slice(start, start + at_once) for start in range(0, windows.shape[3], at_once)):
        mask = None if inside[..., some].all() else inside[..., some]
        sums = network.nam.correlations(network.context_tokens(windows[..., some], mask))
        found.append(AttentionSums(*(part[0].cpu().double().numpy() for part in sums)))
    return AttentionSums.total(found)


@torch.inference_mode()
def attention_map(nam: NeuralAttentionMapping, sums: AttentionSums, device: str) -> Tensor:
    """The attention map (1, …, C, C) of an image."""
    tensors = (torch.from_numpy(part).float()[None].to(device) for part in (sums.products, sums.queries, sums.keys))
    return nam.attention(Correlations(*tensors))
