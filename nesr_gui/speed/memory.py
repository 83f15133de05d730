"""How much memory work takes in a process of its own; read from Linux's /proc."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

EVERY = 0.02  # seconds between two looks, each of which takes milliseconds; a shorter allocation may be missed


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
