"""Tiled inference: exact tiles for networks with a limited receptive field, otherwise the whole image or blended tiles.

A network that pools over the image is run on the whole image if that fits into memory, otherwise on overlapping tiles
of one size, which are blended. The value of a pixel then depends on its position, which a note states.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from nesr_gui.fields.protocol import ProgressCallback

TILE = 512  # side of an exact tile in pixels; halos are computed twice
WHOLE_BYTES = 4 << 30  # memory limit for running a network on a whole image
OVERLAP = 8  # adjacent blended tiles overlap by this fraction of their side

NOTE = (
    "This model requires the whole image, which was too large to process at once; it was processed in blended tiles of "
    "{side} pixels."
)

Run = Callable[[Tensor], Tensor]


def square_side(pixels: int) -> int:
    """Side of a square of at most `pixels` pixels: a power of two, like the chunks of files."""
    return 1 << max(math.isqrt(pixels), 1).bit_length() - 1


def iter_square_tiles(rows: slice, cols: slice, side: int) -> Iterator[tuple[float, slice, slice]]:
    """Yield squares of `side` pixels that cover a window, each with the fraction done before it."""
    corners = [(y, x) for y in range(rows.start, rows.stop, side) for x in range(cols.start, cols.stop, side)]
    for done, (y, x) in enumerate(corners):
        yield done / len(corners), slice(y, min(y + side, rows.stop)), slice(x, min(x + side, cols.stop))


def run_tile_with_halo(run: Run, image: Tensor, rows: slice, cols: slice, halo: int) -> Tensor:
    """Output of a local network in a window of an image (1, C, H, W), computed with its halo."""
    return run_window_with_halo(lambda y, x: run(image[:, :, y, x]), rows, cols, image.shape[2:], halo)


def run_window_with_halo(
    run: Callable[[slice, slice], Tensor], rows: slice, cols: slice, shape: Sequence[int], halo: int
) -> Tensor:
    """Run on a window of an image of `shape` (H, W) enlarged by its halo, and crop the output (1, N, h, w, …) to it."""
    y, x = (
        slice(max(part.start - halo, 0), min(part.stop + halo, size))
        for part, size in zip((rows, cols), shape, strict=True)
    )
    output = run(y, x)
    return output[:, :, rows.start - y.start : rows.stop - y.start, cols.start - x.start : cols.stop - x.start]


def blended_tile_size(scratch: int, shape: tuple[int, int]) -> int | None:
    """Side of the tiles in which an image (H, W) must be computed; None if it fits as a whole."""
    if 4 * scratch * shape[0] * shape[1] <= WHOLE_BYTES:
        return None
    return 1 << (int((WHOLE_BYTES / (4 * scratch)) ** 0.5).bit_length() - 1)


def run_whole_or_blended(
    network: nn.Module, run: Run, image: Tensor, side: int | None, progress: ProgressCallback
) -> Tensor:
    """Output of a network that pools over the image: of the whole image, or of blended tiles of `side` pixels."""
    if side is None or max(image.shape[2:]) <= side:
        with report_layers(network, progress):
            return run(image)
    starts = [_starts(size, side) for size in image.shape[2:]]
    total, weights = torch.zeros(()), image.new_zeros(1, 1, *image.shape[2:])
    corners = list(itertools.product(*starts))
    for done, (y, x) in enumerate(corners):
        window = slice(y, min(y + side, image.shape[2])), slice(x, min(x + side, image.shape[3]))
        with report_layers(network, lambda part, done=done: progress((done + part) / len(corners))):  # type: ignore[misc]
            output = run(image[:, :, *window])
        if total.ndim == 0:
            total = output.new_zeros(1, output.shape[1], *image.shape[2:])
        ramps = (_ramp(part, size, side) for part, size in zip(window, image.shape[2:], strict=True))
        weight = torch.outer(*ramps).to(output)
        total[:, :, *window] += weight * output
        weights[:, :, *window] += weight
    return total / weights


def _starts(size: int, side: int) -> list[int]:
    """Start positions of overlapping tiles of one size that cover an axis evenly."""
    if size <= side:
        return [0]
    count = -(-(size - side // OVERLAP) // (side - side // OVERLAP))
    return np.linspace(0, size - side, count).round().astype(int).tolist()


def _ramp(part: slice, size: int, side: int) -> Tensor:
    """Blending weights along one axis of a tile, rising from each edge inside the image."""
    positions = torch.arange(part.start, part.stop, dtype=torch.float32)
    rise = positions - part.start + 1 if part.start > 0 else torch.full_like(positions, torch.inf)
    fall = part.stop - positions if part.stop < size else torch.full_like(positions, torch.inf)
    overlap = max(side // OVERLAP, 1)
    return torch.minimum(rise, fall).clamp(max=overlap) / overlap


@contextmanager
def report_layers(network: nn.Module, progress: ProgressCallback) -> Iterator[None]:
    """Report progress between the layers of a long forward pass; `progress` may raise to stop it."""
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
