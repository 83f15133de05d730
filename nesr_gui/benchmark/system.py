"""Benchmarks of the machine: peak performance, memory use of a process, start-up time."""

from __future__ import annotations

import multiprocessing
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from nesr_gui.benchmark.result import BenchmarkResult, median_seconds

T = TypeVar("T")

SIZE = 2048  # side of the matrices
CHANNELS, SIDE = 64, 256  # of the convolved image, in channels-last order like the networks
EVERY = 0.02  # seconds between samples, each of which takes milliseconds; shorter allocations may be missed
REPEATS = 3
HELP = ("nesr_gui", "--help")
WINDOW = ("nesr_gui", "gui", "--say-when-usable")
"""Modules of this program with their arguments; a self-contained build can start nothing else."""


def description(device: str) -> str:
    """Device, threads and library versions on one line."""
    what = (
        torch.cuda.get_device_name()
        if device == "cuda"
        else f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
    )
    return f"{device} ({what}), {torch.get_num_threads()} threads, torch {torch.__version__}, {platform.system()}"


@torch.inference_mode()
def peak(dtype: torch.dtype, device: str, repeats: int = 7) -> float:
    """Peak operations per second, of a matrix product or a 3×3 convolution; a multiply-add counts as two."""
    one, other = (torch.randn(SIZE, SIZE, dtype=dtype, device=device) for _ in range(2))
    image = torch.randn(1, CHANNELS, SIDE, SIDE, dtype=dtype, device=device)
    kernel = torch.randn(CHANNELS, CHANNELS, 3, 3, dtype=dtype, device=device)
    image, kernel = (part.contiguous(memory_format=torch.channels_last) for part in (image, kernel))
    works: tuple[Callable[[], Tensor], ...] = (lambda: one @ other, lambda: F.conv2d(image, kernel, padding=1))
    return max(operations(work) / median_seconds(synchronised(work, device), repeats) for work in works)


def operations(work: Callable[[], object]) -> int:
    """Number of additions and multiplications of products and convolutions, counted by torch."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def synchronised(work: Callable[[], T], device: str) -> Callable[[], T]:
    """Function that does the same work and waits until the device has finished."""

    def wait() -> T:
        result = work()
        if device == "cuda":
            torch.cuda.synchronize()
        elif device == "mps":
            torch.mps.synchronize()
        return result

    return wait


def reports_memory() -> bool:
    """Whether this system reports memory use."""
    return Path("/proc/self/smaps_rollup").exists()


def sample_memory(work: Callable[..., None], *args: object, every: float = EVERY) -> Iterator[tuple[Any, int]]:
    """Run `work(pipe, *args)` in a separate process and sample its memory every `every` seconds.

    `work` sends a message when its imports are done, waits for a reply, and then sends any results. The process ends
    when the iterator is closed.

    Yields:
        A result, or None at each sample in between; and the bytes of private or modified pages of the process, which
            cannot be dropped and reread, in excess of those after its imports.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there, *args), daemon=True)
    process.start()
    there.close()
    try:
        here.recv()
        before = _pages(process.pid)
        here.send("go on")
        while True:
            message = here.recv() if here.poll(every) else None
            yield message, _pages(process.pid) - before
    except EOFError:
        return
    finally:
        process.terminate()
        process.join()


def _pages(pid: int | None) -> int:
    """Private bytes of a process; 0 if it has ended or the system does not report them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return 0
    sizes = {name: 1024 * int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return max(sizes["Anonymous"], sizes["Private_Dirty"]) + sizes["Shared_Dirty"] + sizes["Swap"] if sizes else 0


def report_ready(pipe: Connection) -> None:
    """Report that imports are done, and wait until the memory has been sampled."""
    pipe.send("ready")
    pipe.recv()


def measure_start() -> Iterator[BenchmarkResult]:
    """Start-up time to the help text, and to a usable window while the model is still loading."""
    yield BenchmarkResult(
        "start to the help text",
        1000 * median_seconds(lambda: _run_until_line(HELP), REPEATS),
        aim=100,
    )
    yield BenchmarkResult(
        "start to a usable window", 1000 * median_seconds(lambda: _run_until_line(WINDOW), REPEATS), aim=1000
    )


def _run_until_line(command: Sequence[str]) -> None:
    """Run a module, with arguments, until it prints a line."""
    with subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.kill()
    if not line:
        raise OSError(f"{' '.join(command)} ended without output")
