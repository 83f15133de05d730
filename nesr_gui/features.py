"""Encoder features of an image, kept whole or computed again for each window that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from nesr_gui.field import Progress
from nesr_gui.models.nesr import NeSR
from nesr_gui.models.spi import HALO

TILE = 512  # pixels along a side of a tile to encode; its border of `halo` pixels is computed twice


class Features(Protocol):
    """Encoder features of an image: windows (1, F, h + 4, w + 4) with two pixels around, zero outside the image."""

    def window(self, rows: slice, cols: slice) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class RecomputedFeatures:
    """Encodes each window when it is asked for, from as many pixels around it as the encoder sees."""

    network: NeSR
    rgb: Tensor  # (1, 3, H, W)

    def window(self, rows: slice, cols: slice) -> Tensor:
        """See `Features`."""
        crop, trim, pad = zip(*(self._span(s, n) for s, n in ((rows, 2), (cols, 3))), strict=True)
        features = self.network.encode(self.rgb[:, :, crop[0], crop[1]])[:, :, trim[0], trim[1]]
        return F.pad(features, (*pad[1], *pad[0]))

    def _span(self, part: slice, axis: int) -> tuple[slice, slice, tuple[int, int]]:
        """Along one axis: what to encode, which part of it to keep, and how many zeros stand outside the image."""
        size, halo = self.rgb.shape[axis], self.network.halo
        start, stop = part.start - HALO, part.stop + HALO
        kept = slice(max(start, 0), min(stop, size))
        encoded = slice(max(kept.start - halo, 0), min(kept.stop + halo, size))
        return (
            encoded,
            slice(kept.start - encoded.start, kept.stop - encoded.start),
            (kept.start - start, stop - kept.stop),
        )


@dataclass(frozen=True, eq=False)
class StoredFeatures:
    """Features of the whole image, kept: (1, F, H + 4, W + 4).

    Channel after channel: a band reads the few channels next to its wavelength, and those lie together.
    """

    framed: Tensor

    @classmethod
    def of(cls, computed: RecomputedFeatures, progress: Progress) -> StoredFeatures:
        """Encode tile by tile."""
        height, width = computed.rgb.shape[2:]
        count = computed.network.config.features
        framed = computed.rgb.new_zeros((1, count, height + 2 * HALO, width + 2 * HALO))
        for done, rows, cols in square_tiles(slice(0, height), slice(0, width), TILE):
            progress(done)
            inner = computed.window(rows, cols)[:, :, HALO:-HALO, HALO:-HALO]
            framed[:, :, rows.start + HALO : rows.stop + HALO, cols.start + HALO : cols.stop + HALO] = inner
        return cls(framed)

    def window(self, rows: slice, cols: slice) -> Tensor:
        """See `Features`; a view."""
        return self.framed[:, :, rows.start : rows.stop + 2 * HALO, cols.start : cols.stop + 2 * HALO]


def square_tiles(rows: slice, cols: slice, side: int) -> Iterator[tuple[float, slice, slice]]:
    """A window in squares of `side` pixels, each with the fraction that was done before it."""
    corners = [(y, x) for y in range(rows.start, rows.stop, side) for x in range(cols.start, cols.stop, side)]
    for done, (y, x) in enumerate(corners):
        yield done / len(corners), slice(y, min(y + side, rows.stop)), slice(x, min(x + side, cols.stop))


def inside_mask(rows: slice, cols: slice, shape: tuple[int, int], like: Tensor) -> Tensor:
    """What of a window with its two pixels around lies in the image: (1, 1, h + 4, w + 4) of ones and zeros."""
    axes = [torch.arange(part.start - HALO, part.stop + HALO, device=like.device) for part in (rows, cols)]
    within = [((axis >= 0) & (axis < size)).to(like.dtype) for axis, size in zip(axes, shape, strict=True)]
    return torch.outer(*within)[None, None]
