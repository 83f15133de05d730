"""What a device can be given: how much at once, how it gets there, and what it says when that is too much."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor

from nesr_gui.fields.protocol import DeviceLost, OutOfMemory

T = TypeVar("T")

TOKENS = 1 << 16  # (pixel, wavelength) pairs at once, of 32 channels: many for a processor's cores, few for its caches
CHANNELS = 32  # of a token in the paper's size
FEWEST_TOKENS, MOST_TOKENS = 1 << 10, 1 << 22  # of a graphics device, which is the faster the more it has to do
TOKEN_BYTES = 1 << 13  # that decoding one holds at once in the paper's size, with room to spare

TRIED_TOKENS, CLEARLY = 1 << 13, 0.8

_FULL = ("out of memory", "can't allocate memory", "not enough memory", "cudnn_status_alloc_failed")
_LOST = ("cuda error", "hip error", "cudnn error", "cublas_status", "cudnn_status", "mps backend", "device-side assert")


@contextmanager
def translate_torch_errors() -> Iterator[None]:
    """Around work on a device, also as a decorator: what torch raises there becomes `OutOfMemory` or `DeviceLost`.

    torch tells most such failures as a bare RuntimeError, of which only the text says what it is.
    """
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise _full("graphics") from error
    except MemoryError as error:
        raise _full("main") from error
    except RuntimeError as error:
        said = str(error).lower()
        if any(sign in said for sign in _FULL):
            raise _full("main" if "cpuallocator" in said else "graphics") from error
        if any(sign in said for sign in _LOST):
            raise DeviceLost("the graphics device stopped answering; the processor can go on without it") from error
        raise


def _full(kind: str) -> OutOfMemory:
    return OutOfMemory(f"there is not enough {kind} memory for this; close other programs, or reduce the photograph")


class AdaptiveBatch:
    """How many tokens a device is given at once: what it has room for, and half as many whenever memory runs out."""

    def __init__(self, device: str, channels: int = CHANNELS) -> None:
        free = free_bytes(device)
        fitting = TOKENS * CHANNELS // channels
        self.tokens = fitting if free is None else min(max(free // TOKEN_BYTES, FEWEST_TOKENS), MOST_TOKENS)

    def work(self, do: Callable[[int], T]) -> T:
        """`do(tokens)`, again with fewer where there is not enough memory; that is remembered.

        Raises:
            OutOfMemory: not even `FEWEST_TOKENS` fit.
        """
        while True:
            try:
                with translate_torch_errors():
                    return do(self.tokens)
            except OutOfMemory:
                if self.tokens <= FEWEST_TOKENS:
                    raise
                self.tokens = max(self.tokens // 2, FEWEST_TOKENS)


@lru_cache
def is_faster_in_bfloat16(device: str) -> bool:
    """Whether such products as decoding is made of take clearly less time so; measured once, in some milliseconds."""

    def seconds(dtype: torch.dtype) -> float:
        tokens, layer = (torch.ones(size, 64, dtype=dtype, device=device) for size in (TRIED_TOKENS, 64))
        times = []
        for _ in range(5):
            began = time.perf_counter()
            float((tokens @ layer)[0, 0])  # waited for
            times.append(time.perf_counter() - began)
        return min(times)

    with translate_torch_errors():
        try:
            return seconds(torch.bfloat16) < CLEARLY * seconds(torch.float32)
        except TypeError:  # such as an older Mac's, which has no such numbers
            return False


def free_bytes(device: str) -> int | None:
    """Memory that a graphics device still has; None for the processor, whose caches are what matters."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    if device == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return None


def to_device(tensor: Tensor, device: str) -> Tensor:
    """A tensor on a device; the copy to a CUDA device is not waited for."""
    if device == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
