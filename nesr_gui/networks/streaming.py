"""A chain of 3×3 convolutions, some rows of the image at a time.

A layer after the other over the whole image moves every value through main memory once per layer. Here rows pass
through all layers as soon as the rows around them have come, while they are still in the caches: three quarters of the
time for HSCNN-R, a few rows per layer instead of whole images in memory, and the same sums in the same order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Rows = Iterable[Tensor]
"""An image from top to bottom, some rows (B, C, r, W) after the others."""

PIXELS = 1 << 14  # of an image at a time: few, so that they stay in the caches, but enough to keep the cores busy


def in_rows(image: Tensor) -> Rows:
    """An image as `Rows`, channels last as processors are fast at."""
    count = max(PIXELS // image.shape[3], 4)
    return (rows.contiguous(memory_format=torch.channels_last) for rows in torch.split(image, count, 2))


def convolved(chunks: Rows, layer: nn.Conv2d) -> Iterator[Tensor]:
    """A 3×3 convolution with zeros around the image: each row comes when the one below it has."""
    above = None
    for chunk in chunks:
        joined = F.pad(chunk, (0, 0, 1, 0)) if above is None else torch.cat([above, chunk], 2)
        above = joined[:, :, -2:]
        if joined.shape[2] > 2:
            yield F.conv2d(joined, layer.weight, layer.bias, padding=(0, 1))
    if above is not None:
        yield F.conv2d(F.pad(above, (0, 0, 0, 1)), layer.weight, layer.bias, padding=(0, 1))


def rectified(chunks: Rows) -> Iterator[Tensor]:
    """ReLU, in place."""
    return (F.relu_(chunk) for chunk in chunks)


def residual(
    chunks: Rows, branch: Callable[[Rows], Rows], shortcut: Callable[[Tensor], Tensor] = lambda rows: rows
) -> Iterator[Tensor]:
    """What a branch makes of the rows, added to them; it may give them later than it takes them.

    A `shortcut`, which sees each pixel alone, is what is added in their place.
    """
    waiting: deque[Tensor] = deque()

    def passed() -> Iterator[Tensor]:
        for chunk in chunks:
            waiting.append(shortcut(chunk))
            yield chunk

    for answer in branch(passed()):
        done = 0
        while done < answer.shape[2]:
            rows = waiting.popleft()
            count = min(rows.shape[2], answer.shape[2] - done)
            answer[:, :, done : done + count] += rows[:, :, :count]
            done += count
            if count < rows.shape[2]:
                waiting.appendleft(rows[:, :, count:])
        yield answer
