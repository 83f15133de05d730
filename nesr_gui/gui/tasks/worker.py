"""Slow work off the GUI thread: of most purposes the newest request wins; answers come back on the GUI thread."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from nesr_gui.fields.protocol import Cancelled, ProgressCallback

R = TypeVar("R")
T = TypeVar("T")

LANES = {
    "curves": "quick", "readings": "quick", "hover": "quick", "coarse": "quick", "coarse right": "quick",
    "shade": "quick", "shade right": "quick",
    "colours": "model", "nodes right": "nodes", "exact right": "exact", "draft": "interpret",
}  # fmt: skip
"""Purposes that share a thread; any other has its own, so that a click never waits behind an export."""
IN_TURN = ("write", "save", "spectra", "model")
"""Purposes of which every request is done, one after the other: each makes something of its own."""
_PATIENT = {"exact": 5, "interpret": 5, "encode": 10, "export": 10, "write": 10, "estimate": 10, "model": 5,
    "regions_finer": 5, "means": 5, "accuracy": 5, "accuracy image": 10, "autosave": 10, "nodes": 10,
}  # fmt: skip
"""How far the thread of a purpose steps back from the window's (nice levels); threads that torch starts inherit it."""


@dataclass(frozen=True, eq=False)
class _Job:
    purpose: str
    request: Any
    run: Callable[[Any, ProgressCallback], Any]
    then: Callable[[Any, Any], None]
    stop: threading.Event = field(default_factory=threading.Event)  # superseded or cancelled: end at the next chance
    dropped: threading.Event = field(default_factory=threading.Event)  # cancelled: deliver nothing
    go: threading.Event = field(default_factory=threading.Event)  # not set: wait at the next call of `progress`

    def __post_init__(self) -> None:
        self.go.set()

    def end(self) -> None:
        """Ask it to stop, also while it waits."""
        self.stop.set()
        self.go.set()


@dataclass(frozen=True, eq=False)
class _News:
    """What the thread says of a job: how far it is, or its end with a result or an error."""

    job: _Job
    fraction: float | None = None
    result: Any = None
    error: Exception | None = None


class _Lane:
    """One thread and its mailbox, which holds at most one waiting job per purpose."""

    def __init__(self, name: str, tell: Callable[[_News], None]) -> None:
        self._tell = tell
        self._waiting: dict[str, _Job] = {}
        self._closed = False
        self._changed = threading.Condition()
        self._patience = _PATIENT.get(name, 0)
        self._thread = threading.Thread(target=self._loop, name=f"nesr-{name}", daemon=True)
        self._thread.start()

    def put(self, job: _Job) -> None:
        with self._changed:
            self._waiting.pop(
                job.purpose, None
            )  # a newer job waits behind the others: they are done in the order asked
            self._waiting[job.purpose] = job
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()

    def join(self) -> None:
        self._thread.join()

    def _loop(self) -> None:
        if self._patience and sys.platform == "linux":  # only there a priority can belong to one thread
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._patience)
        while (job := self._next()) is not None:
            self._tell(self._do(job))
            del job  # while it waits for another one, nothing of this one's image is kept

    def _next(self) -> _Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            return None if self._closed else self._waiting.pop(next(iter(self._waiting)))

    def _do(self, job: _Job) -> _News:
        def progress(fraction: float) -> None:
            job.go.wait()
            if job.stop.is_set():
                raise Cancelled
            self._tell(_News(job, fraction=fraction))

        try:
            if job.stop.is_set():
                raise Cancelled
            return _News(job, result=job.run(job.request, progress))
        except Exception as error:  # told to the window, whose failure slot shows it
            return _News(job, error=error)


class Worker(QObject):
    """Runs plain functions of frozen requests; the newest of each purpose wins, but for those that are done `IN_TURN`.

    A newer request of the same purpose takes the place of one that waits, and asks one that runs to stop at its next
    call of `progress`. One that finishes all the same is delivered, in order: while the hand scrubs, each frame counts.
    After `cancel` nothing of the purpose is delivered. `then(request, result)` runs on the GUI thread.
    """

    progressed = Signal(str, float)  # purpose, fraction; 0 at the start
    ended = Signal(str)  # purpose: finished, failed or cancelled, and nothing more of it under way
    failed = Signal(str, object)  # purpose, the exception
    _told = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lanes: dict[str, _Lane] = {}
        self._newest: dict[str, _Job] = {}
        self._turns: defaultdict[str, deque[_Job]] = defaultdict(deque)  # what waits for the one before, by purpose
        self._failed: dict[str, _Job] = {}  # by purpose, until something newer of it is asked
        self._is_closed = False
        self._told.connect(self._hear, Qt.ConnectionType.QueuedConnection)

    def submit(
        self, purpose: str, request: R, run: Callable[[R, ProgressCallback], T], then: Callable[[R, T], None]
    ) -> None:
        """Have `run(request, progress)` done on the purpose's thread; nothing is done any more after `close`."""
        if self._is_closed:
            return
        self._failed.pop(purpose, None)
        job = _Job(purpose, request, run, then)
        if purpose in IN_TURN and self.is_busy(purpose):
            self._turns[purpose].append(job)
            return
        if (running := self._newest.get(purpose)) is not None:
            running.end()
        self._begin(job)

    def _begin(self, job: _Job) -> None:
        name = LANES.get(job.purpose, job.purpose)
        if name not in self._lanes:
            self._lanes[name] = _Lane(name, self._told.emit)
        self._newest[job.purpose] = job
        self._lanes[name].put(job)
        self.progressed.emit(job.purpose, 0.0)

    def retry(self, purpose: str, change: Callable[[Any], Any] = lambda request: request) -> None:
        """Do again what failed last for this purpose, with its request changed."""
        job = self._failed.pop(purpose, None)
        if job is not None:
            self.submit(purpose, change(job.request), job.run, job.then)

    def cancel(self, purpose: str) -> None:
        """Stop what runs for this purpose and drop what waits."""
        self._turns[purpose].clear()
        if (job := self._newest.pop(purpose, None)) is not None:
            job.dropped.set()
            job.end()
            self.ended.emit(purpose)

    def pause(self, purpose: str, paused: bool) -> None:
        """Hold what runs for this purpose between two pieces of its work, or let it go on."""
        if (job := self._newest.get(purpose)) is not None:
            (job.go.clear if paused else job.go.set)()

    def is_busy(self, purpose: str) -> bool:
        return purpose in self._newest or bool(self._turns[purpose])

    def close(self) -> None:
        """Cancel everything and wait for the threads to end."""
        self._is_closed = True
        for job in self._newest.values():
            job.end()
        self._newest.clear()
        self._turns.clear()
        for lane in self._lanes.values():
            lane.close()
        for lane in self._lanes.values():
            lane.join()
        self._lanes.clear()

    def _hear(self, news: _News) -> None:
        job = news.job
        if job.dropped.is_set() or job.purpose not in self._newest:
            return
        is_newest = self._newest[job.purpose] is job
        if news.fraction is not None:
            if is_newest:
                self.progressed.emit(job.purpose, news.fraction)
            return
        if is_newest:
            del self._newest[job.purpose]
        error = news.error or self._deliver(job, news.result)
        if error is not None and not isinstance(error, Cancelled) and is_newest:
            self._failed[job.purpose] = job
            self.failed.emit(job.purpose, error)
        if is_newest and job.purpose not in self._newest:
            if turns := self._turns[job.purpose]:
                self._begin(turns.popleft())
            else:
                self.ended.emit(job.purpose)

    def _deliver(self, job: _Job, result: Any) -> Exception | None:
        try:
            job.then(job.request, result)
        except Exception as error:  # what the session refuses is told like any other failure
            return error
        return None
