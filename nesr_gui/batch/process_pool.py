"""A batch on this machine: photographs are handed to processes of our own, each with its share of the cores."""

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
"""Called with a task under way and the fraction of it that is done."""

PATIENCE = 30.0  # seconds that a process has to leave a file it writes; it looks up between two tiles
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_SPAWN = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(tasks: Sequence[JobItem], order: JobSettings, jobs: int, report: Report) -> Generator[ItemResult, None, None]:
    """Do the tasks in `jobs` processes, at most one for each core, and yield each outcome as it comes.

    A photograph that ends its process (a decoder that crashes, too little memory) is one that failed. Closing the
    iterator, or Ctrl-C, stops the processes between two tiles; cubes that are not complete are removed.
    """
    jobs = max(min(jobs, cores(), len(tasks)), 1)
    waiting = deque(tasks)
    processes: list[_Process] = []
    try:
        while waiting or any(process.task for process in processes):
            for process in [p for p in processes if not p.is_there]:
                processes.remove(process)
            while waiting and sum(process.task is not None for process in processes) < jobs:
                free = next((process for process in processes if process.task is None), None)
                if free is None:
                    processes.append(free := _Process(cores() // jobs))
                free.begin(waiting.popleft(), order)
            busy = {process.pipe: process for process in processes if process.task}
            for ready in connection.wait(list(busy)):
                outcome = busy[ready].heard(report)  # type: ignore[index]
                if outcome:
                    yield outcome
    finally:
        _stop(processes)
        for folder in {task.out.parent for task in tasks}:
            remove_stale(folder)


class _Process:
    """A process that does one task after another."""

    def __init__(self, threads: int) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self.task: JobItem | None = None
        self.is_there = True
        self._process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        with _threads(threads):
            self._process.start()
        theirs.close()

    def begin(self, task: JobItem, order: JobSettings) -> None:
        self.task = task
        with contextlib.suppress(OSError):  # a process that died is met when it is listened to
            self.pipe.send((task, order))

    def heard(self, report: Report) -> ItemResult | None:
        """Take what the process says; None if that is how far it is."""
        assert self.task is not None  # only busy processes are listened to
        task = self.task
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            self.task, self.is_there = None, False
            self.pipe.close()
            return ItemResult(task, ItemState.FAILED, f"the process that worked on it ended ({self._end()})")
        if isinstance(said, ItemResult):
            self.task = None
            return said
        report(task, said)
        return None

    def ask_to_stop(self) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send(None)

    def join(self, seconds: float) -> None:
        """Wait for the end, and bring it about where it takes longer."""
        self._process.join(max(seconds, 0.0))
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.pipe.close()

    def _end(self) -> str:
        code = self._process.exitcode or 0
        if code >= 0:
            return f"exit code {code}"
        killed = " by the system, likely for want of memory" if code == -9 else ""
        return f"signal {signal.Signals(-code).name}{killed}"


def _stop(processes: Sequence[_Process]) -> None:
    """End the processes; a second Ctrl-C does so at once."""
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
def _threads(count: int) -> Iterator[None]:
    """Let processes that are started within use `count` threads at most: libraries ask when they are loaded."""
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
    """Do what comes down the pipe until it says None or its other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the one the user started decides

    def progress(fraction: float) -> None:
        if pipe.poll():  # nothing is sent to a process at work but that it should stop
            raise Cancelled
        pipe.send(fraction)

    with contextlib.suppress(EOFError, OSError, Cancelled):
        while (asked := pipe.recv()) is not None:
            task, order = asked
            pipe.send(process_item(task, order, progress))
