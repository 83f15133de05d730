"""The machine: its peak, the memory a process takes, and how long the program takes to start."""

from __future__ import annotations

import multiprocessing
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from nesr_gui.benchmark.result import BenchmarkResult, seconds

SIZE = 2048  # of the matrices
CHANNELS, SIDE = 64, 256  # of the image that is convolved, in channels-last order as the networks are
EVERY = 0.02  # seconds between two looks, each of which takes milliseconds; a shorter allocation may be missed
REPEATS = 3
WINDOW = "from nesr_gui.gui import program; program.say_when_usable()"


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


def is_known() -> bool:
    """Whether this system tells of it."""
    return Path("/proc/self/smaps_rollup").exists()


def watched(work: Callable[..., None], *asked: object, every: float = EVERY) -> Iterator[tuple[Any, int]]:
    """Run `work(pipe, *asked)` in a process of its own, which ends when nobody asks any more.

    `work` sends something when its imports are done, waits until something comes back, and sends what it likes.
    It is looked at `every` so many seconds.

    Yields:
        What was sent or, at every look between, None; and the bytes of pages that only this process holds or has
        changed by now, which cannot be dropped and read again, beyond those after its imports.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there, *asked), daemon=True)
    process.start()
    there.close()
    try:
        here.recv()
        before = _pages(process.pid)
        here.send("go on")
        while True:
            said = here.recv() if here.poll(every) else None
            yield said, _pages(process.pid) - before
    except EOFError:
        return
    finally:
        process.terminate()
        process.join()


def _pages(pid: int | None) -> int:
    """Bytes; none of a process that has ended, and where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return 0
    said = {name: 1024 * int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return max(said["Anonymous"], said["Private_Dirty"]) + said["Shared_Dirty"] + said["Swap"] if said else 0


def ready(pipe: Connection) -> None:
    """Say that imports are done, and wait until their memory was looked at."""
    pipe.send("ready")
    pipe.recv()


def start_figures() -> Iterator[BenchmarkResult]:
    """From nothing to the help text, and to a window that can be used, while the model is still being loaded."""
    yield BenchmarkResult(
        "start to the help text", 1000 * seconds(lambda: _until_line(["-m", "nesr_gui", "--help"]), REPEATS), aim=300
    )
    yield BenchmarkResult(
        "start to a usable window", 1000 * seconds(lambda: _until_line(["-c", WINDOW]), REPEATS), aim=2500
    )


def _until_line(command: list[str]) -> None:
    """Run Python until it has written a line."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.kill()
    if not said:
        raise OSError(f"{' '.join(command)} ended without a word")
