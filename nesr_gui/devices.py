"""What torch says when memory or a device fails it, as the program's own errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nesr_gui.field import DeviceLost, OutOfMemory

_FULL = ("out of memory", "can't allocate memory", "not enough memory", "cudnn_status_alloc_failed")
_LOST = ("cuda error", "hip error", "cudnn error", "cublas_status", "cudnn_status", "mps backend", "device-side assert")


@contextmanager
def translated() -> Iterator[None]:
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
