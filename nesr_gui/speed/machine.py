"""What the machine can do at best: multiply-adds per second in large matrix products and convolutions."""

from __future__ import annotations

import platform
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from nesr_gui.speed.figures import seconds

SIZE = 2048  # of the matrices
CHANNELS, SIDE = 64, 256  # of the image that is convolved, in channels-last order as the networks are


def description(device: str) -> str:
    """What computes, and with what, in a line."""
    what = (
        torch.cuda.get_device_name()
        if device == "cuda"
        else f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
    )
    return f"{device} ({what}), {torch.get_num_threads()} threads, torch {torch.__version__}, {platform.system()}"


@torch.inference_mode()
def peak(dtype: torch.dtype, device: str, repeats: int = 7) -> float:
    """Operations per second, the larger of a matrix product and a 3×3 convolution; a multiply-add counts two."""
    one, other = (torch.randn(SIZE, SIZE, dtype=dtype, device=device) for _ in range(2))
    image = torch.randn(1, CHANNELS, SIDE, SIDE, dtype=dtype, device=device)
    kernel = torch.randn(CHANNELS, CHANNELS, 3, 3, dtype=dtype, device=device)
    image, kernel = (part.contiguous(memory_format=torch.channels_last) for part in (image, kernel))
    works: tuple[Callable[[], Tensor], ...] = (lambda: one @ other, lambda: F.conv2d(image, kernel, padding=1))
    return max(operations(work) / seconds(waited(work, device), repeats) for work in works)


def operations(work: Callable[[], object]) -> int:
    """How many additions and multiplications the products and convolutions of some work are, counted by torch."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def waited(work: Callable[[], object], device: str) -> Callable[[], None]:
    """The same work, and waiting until the device has done it."""

    def wait() -> None:
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        elif device == "mps":
            torch.mps.synchronize()

    return wait
