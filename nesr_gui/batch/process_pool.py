"""Batch jobs on this machine: photographs are distributed to processes, each with a share of the cores."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing import connection
from multiprocessing.connection import Connection

from nesr_gui.batch.job import ItemResult, ItemState, JobItem, JobSettings, process_item
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.io.atomic import remove_stale

Report = Callable[[JobItem, float], None]
"""Called with an item in progress and the fraction done."""

PATIENCE = 30.0  # seconds for a process to stop; it checks between tiles
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_SPAWN = multiprocessing.get_context("spawn")  # forking a process with torch threads may hang


def cores() -> int:
    """Number of processor cores available to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    items: Sequence[JobItem], settings: JobSettings, jobs: int, report: Report
) -> Generator[ItemResult, None, None]:
    """Process items in `jobs` processes, at most one per core, and yield each result as it arrives.

    An item that kills its process (crash of a decoder, out of memory) counts as failed. Closing the iterator, or
    Ctrl-C, stops the processes between two tiles; incomplete cubes are removed.
    """
    jobs = max(min(jobs, cores(), len(items)), 1)
    waiting = deque(items)
    processes: list[_Process] = []
    try:
        while waiting or any(process.item for process in processes):
            for process in [p for p in processes if not p.is_there]:
                processes.remove(process)
            while waiting and sum(process.item is not None for process in processes) < jobs:
                free = next((process for process in processes if process.item is None), None)
                if free is None:
                    processes.append(free := _Process(cores() // jobs))
                free.begin(waiting.popleft(), settings)
            busy = {process.pipe: process for process in processes if process.item}
            for ready in connection.wait(list(busy)):
                outcome = busy[ready].receive(report)  # type: ignore[index]
                if outcome:
                    yield outcome
    finally:
        _stop_all(processes)
        for folder in {item.out.parent for item in items}:
            remove_stale(folder)


class _Process:
    """Process that handles one item after another."""

    def __init__(self, threads: int) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self.item: JobItem | None = None
        self.is_there = True
        self._process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        with _threads(threads), _interrupts_blocked():
            self._process.start()
        theirs.close()

    def begin(self, item: JobItem, settings: JobSettings) -> None:
        self.item = item
        with contextlib.suppress(OSError):  # a dead process is detected when receiving
            self.pipe.send((item, settings))

    def receive(self, report: Report) -> ItemResult | None:
        """Receive a message of the process; None if it reports progress."""
        assert self.item is not None  # only busy processes are polled
        item = self.item
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            self.item, self.is_there = None, False
            self.pipe.close()
            return ItemResult(item, ItemState.FAILED, f"the process that worked on it ended ({self._end()})")
        if isinstance(message, ItemResult):
            self.item = None
            return message
        report(item, message)
        return None

    def ask_to_stop(self) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send(None)

    def join(self, seconds: float) -> None:
        """Wait until the process ends, and terminate it after the timeout."""
        self._process.join(max(seconds, 0.0))
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.pipe.close()

    def _end(self) -> str:
        code = self._process.exitcode or 0
        if code >= 0:
            return f"exit code {code}"
        killed = " by the system, probably for lack of memory" if code == -9 else ""
        return f"signal {signal.Signals(-code).name}{killed}"


def _stop_all(processes: Sequence[_Process]) -> None:
    """Stop the processes; a second Ctrl-C stops them immediately."""
    until = time.monotonic() + PATIENCE
    try:
        for process in processes:
            process.ask_to_stop()
        for process in processes:
            process.join(until - time.monotonic())
    except KeyboardInterrupt:
        for process in processes:
            process.join(0.0)
        raise


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let processes started in this context ignore Ctrl-C before `_serve` runs: imports would end in a traceback.

    They inherit the mask; in this process, a Ctrl-C is delivered at the end.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker  # not on Windows

    resource_tracker.ensure_running()  # the first process would start it, which unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Limit processes started in this context to `count` threads; libraries read the limit when they are loaded."""
    before = {name: os.environ.get(name) for name in THREADS}
    for name, value in before.items():
        os.environ[name] = str(min(count, int(value)) if value and value.isdecimal() else count)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection) -> None:
    """Process items from the pipe until it sends None or is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the main process handles it

    def progress(fraction: float) -> None:
        if pipe.poll():  # the only message to a busy process is to stop
            raise Cancelled
        pipe.send(fraction)

    with contextlib.suppress(EOFError, OSError, Cancelled):
        while (call := pipe.recv()) is not None:
            item, settings = call
            pipe.send(process_item(item, settings, progress))
