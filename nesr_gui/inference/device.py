"""Device management: batch sizes, transfers, and translation of errors."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor

from nesr_gui.fields.protocol import DeviceLost, OutOfMemory

T = TypeVar("T")

# A token is one pixel at one wavelength.
TOKENS = 1 << 16  # per batch on a processor, of 32 channels: enough to occupy its cores, few enough for its caches
CHANNELS = 32  # per token, at the size of the paper
FEWEST_TOKENS, MOST_TOKENS = 1 << 10, 1 << 22  # per batch on a graphics device, which is faster with larger batches
TOKEN_BYTES = 1 << 13  # memory for decoding one token at the size of the paper, with a margin

TRIAL_TOKENS = 1 << 13  # for measuring the speed of bfloat16
CLEARLY = 0.8  # fraction of the time of float32 below which bfloat16 is used

_FULL = ("out of memory", "can't allocate memory", "not enough memory", "cudnn_status_alloc_failed")
_LOST = ("cuda error", "hip error", "cudnn error", "cublas_status", "cudnn_status", "mps backend", "device-side assert")


@contextmanager
def translate_torch_errors() -> Iterator[None]:
    """Context manager and decorator that converts torch errors to `OutOfMemory` or `DeviceLost`.

    Most such failures are raised as a bare RuntimeError that only its message identifies.
    """
    try:
        yield
    except OutOfMemory:  # translated by an inner call, which knows the kind of memory
        raise
    except torch.cuda.OutOfMemoryError as error:
        raise _full("graphics") from error
    except MemoryError as error:
        raise _full("main") from error
    except RuntimeError as error:
        message = str(error).lower()
        if any(sign in message for sign in _FULL):
            raise _full("main" if "cpuallocator" in message else "graphics") from error
        if any(sign in message for sign in _LOST):
            raise DeviceLost("the graphics device failed; continue on the processor") from error
        raise


def release_memory() -> None:
    """Return freed memory to the system where glibc keeps it: tiles of many sizes leave gigabytes in its heap."""
    if (libc := _libc()) is not None:
        libc.malloc_trim(0)


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:  # another system
        return None
    return libc if hasattr(libc, "malloc_trim") else None


def _full(kind: str) -> OutOfMemory:
    return OutOfMemory(f"there is not enough {kind} memory for this; close other programs, or reduce the photograph")


class AdaptiveBatch:
    """Number of items processed at once: what fits the device, halved whenever memory runs out."""

    def __init__(self, device: str, channels: int = CHANNELS) -> None:
        free = free_bytes(device)
        fitting = TOKENS * CHANNELS // channels
        self.tokens = fitting if free is None else min(max(free // TOKEN_BYTES, FEWEST_TOKENS), MOST_TOKENS)

    def run(self, function: Callable[[int], T]) -> T:
        """Return `function(tokens)`, called again with fewer tokens if memory runs out; the number is remembered.

        Raises:
            OutOfMemory: not even `FEWEST_TOKENS` fit.
        """
        while True:
            try:
                with translate_torch_errors():
                    return function(self.tokens)
            except OutOfMemory:
                if self.tokens <= FEWEST_TOKENS:
                    raise
                self.tokens = max(self.tokens // 2, FEWEST_TOKENS)


@lru_cache
def is_faster_in_bfloat16(device: str) -> bool:
    """Whether matrix products as in decoding are clearly faster in bfloat16; measured once, within milliseconds."""

    def seconds(dtype: torch.dtype) -> float:
        tokens, layer = (torch.ones(size, 64, dtype=dtype, device=device) for size in (TRIAL_TOKENS, 64))
        times = []
        for _ in range(5):
            began = time.perf_counter()
            float((tokens @ layer)[0, 0])  # synchronises
            times.append(time.perf_counter() - began)
        return min(times)

    with translate_torch_errors():
        try:
            return seconds(torch.bfloat16) < CLEARLY * seconds(torch.float32)
        except TypeError:  # for example older Macs, which do not support bfloat16
            return False


def free_bytes(device: str) -> int | None:
    """Free memory of a graphics device; None for the processor, where the caches are the limit."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    if device == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return None


def to_device(tensor: Tensor, device: str) -> Tensor:
    """Move a tensor to a device; the copy to a CUDA device is asynchronous."""
    if device == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
