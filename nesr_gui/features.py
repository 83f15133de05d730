"""Encoder features of an image, kept whole or computed again for each window that is asked for."""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nesr_gui import tiles
from nesr_gui.fields.protocol import Progress
from nesr_gui.networks.nesr import NeSR
from nesr_gui.networks.spi import HALO

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
class RecomputedFeatures:
    """Encodes each window when it is asked for, from as many pixels around it as the encoder sees."""

    network: NeSR
    rgb: Tensor  # (1, 3, H, W)
    halo: int
    side: int = tiles.TILE

    def window(self, rows: slice, cols: slice) -> Tensor:
        """See `Features`."""
        wanted = [(part.start - HALO, part.stop + HALO) for part in (rows, cols)]
        kept = [slice(max(a, 0), min(b, size)) for (a, b), size in zip(wanted, self.rgb.shape[2:], strict=True)]
        features = tiles.exact(self.network.encode, self.rgb, kept[0], kept[1], self.halo)
        above, left = ((part.start - a, b - part.stop) for (a, b), part in zip(wanted, kept, strict=True))
        return F.pad(features, (*left, *above))


@dataclass(frozen=True, eq=False)
class StoredFeatures:
    """Features of the whole image, kept: (1, F, H + 4, W + 4).

    In memory channel after channel: a band reads the few channels next to its wavelength, and those lie together.
    """

    framed: Tensor

    @property
    def side(self) -> int:
        """See `Features`: a window is a view."""
        return max(self.framed.shape[2:])

    @classmethod
    def of(cls, computed: RecomputedFeatures, progress: Progress) -> StoredFeatures:
        """Encode from top to bottom."""
        height, width = computed.rgb.shape[2:]
        count = computed.network.config.features
        framed = computed.rgb.new_zeros((1, count, height + 2 * HALO, width + 2 * HALO))
        row = HALO
        for rows in computed.network.encode_rows(computed.rgb):
            progress((row - HALO) / height)
            framed[:, :, row : row + rows.shape[2], HALO:-HALO] = rows
            row += rows.shape[2]
        return cls(framed)

    @classmethod
    def filed(cls, computed: RecomputedFeatures, progress: Progress) -> StoredFeatures:
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


def kept(computed: RecomputedFeatures, progress: Progress) -> Features:
    """Features of a whole image: kept in memory, in a file where they are too large for that, or else not kept."""
    height, width = computed.rgb.shape[2:]
    size = 4 * computed.network.config.features * height * width
    if size <= STORED_BYTES:
        return StoredFeatures.of(computed, progress)
    if computed.rgb.device.type == "cpu" and size <= shutil.disk_usage(tempfile.gettempdir()).free // DISK_SHARE:
        with suppress(OSError):  # another program took the room
            return StoredFeatures.filed(computed, progress)
    return computed


def _mapped(computed: RecomputedFeatures, path: Path, progress: Progress) -> Tensor:
    """Features (1, F, H + 4, W + 4) that lie in a file, row after row."""
    height, width = computed.rgb.shape[2:]
    shape = height + 2 * HALO, computed.network.config.features, width + 2 * HALO
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


def reaches_out(rows: slice, cols: slice, shape: tuple[int, int]) -> bool:
    """Whether a window with its two pixels around does not lie in the image as a whole."""
    return any(part.start < HALO or part.stop + HALO > size for part, size in zip((rows, cols), shape, strict=True))


def inside_mask(rows: slice, cols: slice, shape: tuple[int, int], like: Tensor) -> Tensor:
    """What of a window with its two pixels around lies in the image: (1, 1, h + 4, w + 4) of ones and zeros."""
    axes = [torch.arange(part.start - HALO, part.stop + HALO, device=like.device) for part in (rows, cols)]
    within = [((axis >= 0) & (axis < size)).to(like.dtype) for axis, size in zip(axes, shape, strict=True)]
    return torch.outer(*within)[None, None]
