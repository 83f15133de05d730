"""A batch on a cluster of dask.distributed: a few calls at a time are with its workers, and none is lost with one.

The workers need this program, the same model, and the photographs and the folder of the cubes under the same paths.
A call that a worker died with is made again elsewhere, so what is called must notice what was done already.
"""

from __future__ import annotations

import contextlib
import importlib
import secrets
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from nesr_gui._version import __version__
from nesr_gui.batch.job import ItemResult, ItemState, JobItem, JobSettings, process_item
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.io.atomic import remove_stale

Call = TypeVar("Call", bound=tuple[Any, ...])
IsStopped = Callable[[], bool]

AT_ONCE = 2  # calls under way for each thread of a worker: one that works, one that waits
CONNECTING = 10.0  # seconds until an address counts as wrong
STOPPING = 60.0  # seconds that workers have to leave what they are at; they look up between two tiles
POLL = 0.2  # seconds between two looks at workers that are stopping


class WorkersDied(OSError):
    """Every worker that tried a call ended with it."""


def run(tasks: Sequence[JobItem], order: JobSettings, client: Any) -> Generator[ItemResult, None, None]:
    """Do the tasks on the cluster, each photograph by one worker, and yield each outcome as it comes.

    Closing the iterator, or Ctrl-C, stops the workers between two tiles; cubes that are not complete are removed.
    """
    try:
        for (task, _), answer in answers(client, _processed, [(task, order) for task in tasks]):
            yield ItemResult(task, ItemState.FAILED, str(answer)) if isinstance(answer, WorkersDied) else answer
    finally:
        for folder in {task.out.parent for task in tasks}:
            remove_stale(folder)


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the scheduler at `address`, as tcp://host:8786.

    Raises:
        ValueError: dask.distributed is not installed, or the workers have another version of this program.
        OSError: nothing answers there, or it has no workers.
    """
    try:
        client = _distributed().Client(address, timeout=CONNECTING, set_as_default=False)
    except OSError as error:
        raise OSError(
            f"no scheduler of dask.distributed answers at {address}; start one with `dask scheduler` and give its "
            "address, such as tcp://host:8786"
        ) from error
    with client:
        if not client.nthreads():
            raise OSError(f"the scheduler at {address} has no workers; start some with: dask worker {address}")
        versions = set(client.run(_version).values())
        if versions != {__version__}:
            raise ValueError(
                f"the workers have nesr_gui {', '.join(sorted(versions))} and this is {__version__}; "
                "install the same everywhere"
            )
        yield client


def answers(
    client: Any, function: Callable[..., Any], calls: Sequence[Call]
) -> Generator[tuple[Call, Any | WorkersDied], None, None]:
    """Call `function(is_stopped, *call)` for each call on the cluster; yields each call with its result as they come.

    A call that ends every worker that tries it has a `WorkersDied` for a result. When the iterator is closed early,
    `is_stopped()` becomes true for the calls under way, and they are waited for.

    Raises:
        ConnectionError: the cluster is no longer there.
        Exception: what `function` raised.
    """
    distributed = _distributed()
    name = f"nesr-{secrets.token_hex(4)}"
    stop = distributed.Event(name, client=client)
    waiting = enumerate(calls)
    under_way: dict[str, tuple[Call, Any]] = {}
    completed = distributed.as_completed(loop=client.loop)
    try:
        while True:
            threads = max(sum(client.nthreads().values()), 1)  # workers come and go
            for index, call in islice(waiting, max(AT_ONCE * threads - len(under_way), 0)):
                future = client.submit(_called, name, function, call, key=f"{name}-{index}", pure=False)
                under_way[future.key] = call, future
                completed.add(future)
            if not under_way:
                return
            finished = next(completed)
            result = _result(finished)
            yield under_way.pop(finished.key)[0], result
    finally:
        with contextlib.suppress(OSError):  # where the scheduler is lost there is nobody to tell
            if under_way:
                stop.set()
                client.cancel([future for _, future in under_way.values()])
                _wait_until_idle(client, name)
            stop.clear()


def _result(future: Any) -> Any:
    distributed = _distributed()
    try:
        return future.result()
    except distributed.KilledWorker:
        return WorkersDied("every worker that tried it ended; most likely it needs more memory than they have")
    except distributed.CancelledError:
        raise ConnectionError(
            "the scheduler is gone; run the same command again when it is back, and what is complete stays"
        ) from None


def _called(name: str, function: Callable[..., Any], call: tuple[Any, ...]) -> Any:
    """What a worker does."""
    return function(_distributed().Event(name).is_set, *call)


def _processed(is_stopped: IsStopped, task: JobItem, order: JobSettings) -> ItemResult | None:
    """A photograph, done by a worker; None where it was stopped."""

    def progress(_: float) -> None:
        if is_stopped():
            raise Cancelled

    with contextlib.suppress(Cancelled):
        return process_item(task, order, progress)
    return None


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError:
        raise ValueError(
            "a cluster needs the package distributed, which is not installed; install nesr-gui[cluster]"
        ) from None


def _version() -> str:
    return __version__


def _wait_until_idle(client: Any, name: str) -> None:
    until = time.monotonic() + STOPPING
    while any(client.run(_is_at_work, name).values()) and time.monotonic() < until:
        time.sleep(POLL)


def _is_at_work(name: str, dask_worker: Any) -> bool:
    return any(task.key.startswith(name) for task in dask_worker.state.executing)
