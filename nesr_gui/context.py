"""What an image's attention map follows from: sums over its context lattice, tile by tile.

The sums are plain numbers in float64, so that the tiles of one image may be summed by several processes or machines and
still give the map that one would have made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui import devices
from nesr_gui.features import Features, inside_mask
from nesr_gui.networks.nam import Correlations
from nesr_gui.networks.nesr import NeSR
from nesr_gui.networks.spi import SIDE, lattice


@dataclass(frozen=True, eq=False)
class Sums:
    """`nam.Correlations` of some pixels of an image: `products` (…, C, C), `queries` (…, C) and `keys` (…, C)."""

    products: npt.NDArray[np.float64]
    queries: npt.NDArray[np.float64]
    keys: npt.NDArray[np.float64]

    @classmethod
    def total(cls, parts: Iterable[Sums | None]) -> Sums:
        """Those of an image from those of its tiles, which are added in the order given."""
        present = [(part.products, part.queries, part.keys) for part in parts if part is not None]
        return cls(*(np.sum(terms, axis=0) for terms in zip(*present, strict=True)))


@torch.inference_mode()
def tile_sums(network: NeSR, features: Features, shape: tuple[int, int], rows: slice, cols: slice) -> Sums | None:
    """What a tile adds to the map of its image of `shape`; None where no pixel of the lattice lies in it."""
    stride = network.context_stride(*shape)
    first = -rows.start % stride, -cols.start % stride  # the lattice is the image's, not the tile's
    if first[0] >= rows.stop - rows.start or first[1] >= cols.stop - cols.start:
        return None
    window = features.window(rows, cols)
    parts = (window, inside_mask(rows, cols, shape, window))
    windows, inside = (lattice(part[:, :, first[0] :, first[1] :], stride) for part in parts)
    at_once = SIDE * max(devices.TOKENS // SIDE // len(network.bands), 1)
    found = []
    for some in (slice(start, start + at_once) for start in range(0, windows.shape[3], at_once)):
        mask = None if inside[..., some].all() else inside[..., some]
        sums = network.nam.correlations(network.context_tokens(windows[..., some], mask))
        found.append(Sums(*(part[0].cpu().double().numpy() for part in sums)))
    return Sums.total(found)


@torch.inference_mode()
def attention_map(network: NeSR, sums: Sums, device: str) -> Tensor:
    """The attention map (1, …, C, C) of an image."""
    tensors = (torch.from_numpy(part).float()[None].to(device) for part in (sums.products, sums.queries, sums.keys))
    return network.nam.attention(Correlations(*tensors))
