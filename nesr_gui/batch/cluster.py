"""Batch jobs on a dask.distributed cluster: a limited number of calls is in flight, and calls survive lost workers.

The workers need this program, the same model, and access to the photographs and the output folder under the same paths.
If a worker dies, its call is rescheduled, so calls must recognise work that is already done.
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

AT_ONCE = 2  # calls in flight per worker thread: one running, one waiting
CONNECTING = 10.0  # connection timeout in seconds
STOPPING = 60.0  # seconds for workers to stop; they check between tiles
POLL = 0.2  # seconds between checks of stopping workers


class WorkersDied(OSError):
    """Every worker that ran a call died."""


def run(items: Sequence[JobItem], settings: JobSettings, client: Any) -> Generator[ItemResult, None, None]:
    """Process items on the cluster, each by one worker, and yield each result as it arrives.

    Closing the iterator, or Ctrl-C, stops the workers between two tiles; incomplete cubes are removed.
    """
    try:
        for (item, _), answer in call_all(client, _process, [(item, settings) for item in items]):
            yield ItemResult(item, ItemState.FAILED, str(answer)) if isinstance(answer, WorkersDied) else answer
    finally:
        for folder in {item.out.parent for item in items}:
            remove_stale(folder)


@contextmanager
def connect(address: str) -> Iterator[Any]:
    """Context manager that gives a client of the scheduler at `address`, for example tcp://host:8786.

    Raises:
        ValueError: dask.distributed is not installed, or the workers have another version of this program.
        OSError: there is no scheduler at this address, or it has no workers.
    """
    try:
        client = _distributed().Client(address, timeout=CONNECTING, set_as_default=False)
    except OSError as error:
        raise OSError(
            f"there is no dask.distributed scheduler at {address}; start one with `dask scheduler` and pass its "
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


def call_all(
    client: Any, function: Callable[..., Any], calls: Sequence[Call]
) -> Generator[tuple[Call, Any | WorkersDied], None, None]:
    """Run `function(is_stopped, *call)` for each call on the cluster; yield each call with its result as it arrives.

    The result of a call that kills every worker is a `WorkersDied`. If the iterator is closed early, `is_stopped()`
    becomes true for the calls in flight, and they are awaited.

    Raises:
        ConnectionError: the connection to the cluster was lost.
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
            threads = max(sum(client.nthreads().values()), 1)  # workers may join and leave
            for index, call in islice(waiting, max(AT_ONCE * threads - len(under_way), 0)):
                future = client.submit(_call, name, function, call, key=f"{name}-{index}", pure=False)
                under_way[future.key] = call, future
                completed.add(future)
            if not under_way:
                return
            finished = next(completed)
            result = _result(finished)
            yield under_way.pop(finished.key)[0], result
    finally:
        with contextlib.suppress(OSError):  # without a scheduler, no worker can be notified
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
        return WorkersDied("every worker that ran it died, probably for lack of memory")
    except distributed.CancelledError:
        raise ConnectionError(
            "the connection to the scheduler was lost; run the same command again to resume"
        ) from None


def _call(name: str, function: Callable[..., Any], call: tuple[Any, ...]) -> Any:
    """Call run by a worker."""
    return function(_distributed().Event(name).is_set, *call)


def _process(is_stopped: IsStopped, item: JobItem, settings: JobSettings) -> ItemResult | None:
    """Process a photograph on a worker; None if it was stopped."""

    def progress(_: float) -> None:
        if is_stopped():
            raise Cancelled

    with contextlib.suppress(Cancelled):
        return process_item(item, settings, progress)
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
    return any(item.key.startswith(name) for item in dask_worker.state.executing)
