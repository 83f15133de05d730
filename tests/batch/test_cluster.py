"""Batches on a cluster of two processes, one of which is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.batch import cluster, tiled
from nesr_gui.batch.job import ItemState, JobItem, JobSettings, tasks
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.inference import engine
from nesr_gui.inference.model import load_model
from tests.batch.conftest import BANDS

distributed = pytest.importorskip("distributed", reason="needs the extra cluster: pip install 'nesr-gui[cluster]'")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler with two workers, which are started again when they die."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs="ERROR"
    ) as local:
        yield local.scheduler_address


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    with cluster.connected(address) as connected:
        connected.wait_for_workers(2, timeout=60)
        yield connected


def kill_one(client: Any) -> None:
    """Kill a worker that has work."""
    at_work = [worker for worker, keys in client.processing().items() if keys]
    pid = client.run(os.getpid, workers=at_work[:1])[at_work[0]]
    os.kill(pid, signal.SIGKILL)


def written(path: Path) -> tuple[int, int]:
    """What changes when a file is written again."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def expected(order: JobSettings, source: Path) -> Any:
    field = engine.encode(io.read_photograph(source), load_model(order.model, "cpu"))
    return field.cube(BANDS).values


def test_a_killed_worker_loses_nothing_and_nothing_is_written_twice(
    tmp_path: Path, client: Any, order: JobSettings, photographs: Callable[..., list[Path]]
) -> None:
    sources = photographs(8, (150, 150))
    sources[6].write_bytes(b"no photograph")
    asked = tasks(sources, tmp_path, ".h5")
    seen: dict[JobItem, tuple[int, int]] = {}
    states: list[ItemState] = []
    for outcome in cluster.run(asked, order, client):
        states.append(outcome.state)
        if outcome.state is not ItemState.FAILED:
            seen[outcome.task] = written(outcome.task.out)
        if len(states) == 2:
            kill_one(client)
    assert len(states) == 8 and states.count(ItemState.FAILED) == 1
    assert set(seen) == {task for task in asked if task.source is not sources[6]}
    assert all(written(task.out) == when for task, when in seen.items())
    np.testing.assert_allclose(io.open_cube(asked[7].out).cube(BANDS).values, expected(order, sources[7]), rtol=1e-5)
    assert {path.name for path in tmp_path.glob(".*")} == set()


def test_one_photograph_in_tiles_is_the_cube_of_one_machine(
    tmp_path: Path, client: Any, order: JobSettings, photographs: Callable[..., list[Path]]
) -> None:
    pytest.importorskip("zarr")
    [source] = photographs(1, (530, 780))
    task = JobItem(source, tmp_path / "cube.zarr")
    seen: dict[str, tuple[int, int]] = {}
    killed = False

    def progress(fraction: float) -> None:
        nonlocal killed
        for shard in tmp_path.glob(".*.part/cube.zarr/cube/c/*/*/*"):
            if not shard.name.endswith(".partial"):
                assert seen.setdefault(shard.relative_to(shard.parents[3]).as_posix(), written(shard)) == written(shard)
        if not killed and len(seen) >= 3:
            killed = True
            kill_one(client)

    outcome = tiled.run(task, order, client, progress)
    assert killed and outcome.state is ItemState.WRITTEN
    field = io.open_cube(task.out)
    np.testing.assert_allclose(field.cube(BANDS).values, expected(order, source), rtol=1e-5)
    shards = {path.relative_to(path.parents[3]).as_posix(): path for path in (task.out / "cube" / "c").glob("*/*/*")}
    assert len(shards) == 3 * 4 and all(written(shards[name]) == when for name, when in seen.items())
    assert tiled.run(task, order, client, progress).state is ItemState.SKIPPED
    assert {path.name for path in tmp_path.iterdir()} == {"cube.zarr", "photographs", "tiny.safetensors"}
    assert not list(task.out.rglob("*.partial"))


def test_stopping_leaves_nothing(
    tmp_path: Path, client: Any, order: JobSettings, photographs: Callable[..., list[Path]]
) -> None:
    pytest.importorskip("zarr")
    sources = photographs(2, (300, 300))

    def stop(fraction: float) -> None:
        if fraction > tiled.SUMS_SHARE:
            raise Cancelled

    with pytest.raises(Cancelled):
        tiled.run(JobItem(sources[0], tmp_path / "cube.zarr"), order, client, stop)
    coming = cluster.run(tasks([*sources, *photographs(6, (300, 300))], tmp_path, ".h5"), order, client)
    complete = [next(coming).task.out]
    coming.close()
    assert not any(client.run(cluster._is_at_work, "nesr-").values())
    left = {path for path in tmp_path.iterdir() if path.suffix in (".h5", ".zarr", ".part", ".ready")}
    assert left >= set(complete) and len(left) < 6
    for path in left:
        assert io.open_cube(path).shape == (300, 300)


def test_an_address_without_a_scheduler_or_a_program_of_another_version(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECTING", 0.5)
    with (
        pytest.raises(OSError, match=r"answers at tcp://127.0.0.1:9; start one"),
        cluster.connected("tcp://127.0.0.1:9"),
    ):
        pass
    monkeypatch.setattr(cluster, "CONNECTING", 10)
    monkeypatch.setattr("nesr_gui.batch.cluster.__version__", "9.9")
    with pytest.raises(ValueError, match=r"the workers have nesr_gui .* and this is 9.9"), cluster.connected(address):
        pass
