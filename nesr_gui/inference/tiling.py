"""An image through a network: in tiles that are exact where it sees no farther than their border, else whole.

A network that pools over the image answers for the whole image at once where that fits into memory, else in tiles of
one size that overlap and are blended; the value of a pixel then depends on where it lies, and a user is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from nesr_gui.fields.protocol import ProgressCallback

TILE = 512  # pixels along a side of an exact tile; its border is computed twice
WHOLE_BYTES = 4 << 30  # that a network may hold at once to answer for a whole image
OVERLAP = 8  # a blended tile shares one part in so many of its side with the next

NOTE = (
    "This model looks at the whole image, which was too large for that: tiles of {side} pixels, blended, stand for it."
)

Run = Callable[[Tensor], Tensor]


def iter_square_tiles(rows: slice, cols: slice, side: int) -> Iterator[tuple[float, slice, slice]]:
    """A window in squares of `side` pixels, each with the fraction that was done before it."""
    corners = [(y, x) for y in range(rows.start, rows.stop, side) for x in range(cols.start, cols.stop, side)]
    for done, (y, x) in enumerate(corners):
        yield done / len(corners), slice(y, min(y + side, rows.stop)), slice(x, min(x + side, cols.stop))


def run_tile_with_halo(run: Run, image: Tensor, rows: slice, cols: slice, halo: int) -> Tensor:
    """What a local network answers in a window of an image (1, C, H, W), from as many pixels around as it sees."""
    spans = zip(
        *(_span(part, size, halo) for part, size in ((rows, image.shape[2]), (cols, image.shape[3]))), strict=True
    )
    seen, kept = spans
    return run(image[:, :, *seen])[:, :, *kept]


def _span(part: slice, size: int, halo: int) -> tuple[slice, slice]:
    """Along one axis: what to run on, and which part of the answer to keep."""
    seen = slice(max(part.start - halo, 0), min(part.stop + halo, size))
    return seen, slice(part.start - seen.start, part.stop - seen.start)


def blended_tile_size(scratch: int, shape: tuple[int, int]) -> int | None:
    """The side of the tiles that an image (H, W) must be computed in; None where it fits as a whole."""
    if 4 * scratch * shape[0] * shape[1] <= WHOLE_BYTES:
        return None
    return 1 << (int((WHOLE_BYTES / (4 * scratch)) ** 0.5).bit_length() - 1)


def run_whole_or_blended(
    network: nn.Module, run: Run, image: Tensor, side: int | None, progress: ProgressCallback
) -> Tensor:
    """What a network that looks at the whole image answers: whole, or in blended tiles of `side` pixels."""
    if side is None or max(image.shape[2:]) <= side:
        with watched(network, progress):
            return run(image)
    places = [_starts(size, side) for size in image.shape[2:]]
    total, weights = torch.zeros(()), image.new_zeros(1, 1, *image.shape[2:])
    corners = list(itertools.product(*places))
    for done, (y, x) in enumerate(corners):
        window = slice(y, min(y + side, image.shape[2])), slice(x, min(x + side, image.shape[3]))
        with watched(network, lambda part, done=done: progress((done + part) / len(corners))):  # type: ignore[misc]
            answer = run(image[:, :, *window])
        if total.ndim == 0:
            total = answer.new_zeros(1, answer.shape[1], *image.shape[2:])
        ramps = (_ramp(part, size, side) for part, size in zip(window, image.shape[2:], strict=True))
        weight = torch.outer(*ramps).to(answer)
        total[:, :, *window] += weight * answer
        weights[:, :, *window] += weight
    return total / weights


def _starts(size: int, side: int) -> list[int]:
    """Where tiles of one side start so that they cover an axis evenly, each overlapping the next."""
    if size <= side:
        return [0]
    count = -(-(size - side // OVERLAP) // (side - side // OVERLAP))
    return np.linspace(0, size - side, count).round().astype(int).tolist()


def _ramp(part: slice, size: int, side: int) -> Tensor:
    """Weights along one axis of a tile: rising from an edge that lies within the image."""
    places = torch.arange(part.start, part.stop, dtype=torch.float32)
    rise = places - part.start + 1 if part.start > 0 else torch.full_like(places, torch.inf)
    fall = part.stop - places if part.stop < size else torch.full_like(places, torch.inf)
    overlap = max(side // OVERLAP, 1)
    return torch.minimum(rise, fall).clamp(max=overlap) / overlap


@contextmanager
def watched(network: nn.Module, progress: ProgressCallback) -> Iterator[None]:
    """Report between the layers of one long forward pass, where `progress` may also stop it."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    count = itertools.count()
    hooks = [
        layer.register_forward_pre_hook(lambda *_: progress(min(next(count) / len(layers), 1.0))) for layer in layers
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
