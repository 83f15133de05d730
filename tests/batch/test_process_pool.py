"""Batches in processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.batch import process_pool
from nesr_gui.batch.job import ItemState, JobItem, JobSettings, job_items
from nesr_gui.inference import engine
from nesr_gui.inference.model import load_model
from tests.batch.conftest import BANDS


def quiet(task: JobItem, fraction: float) -> None:
    """A report nobody reads."""


def test_a_batch_goes_on_after_a_bad_file_and_a_process_that_ends(
    tmp_path: Path, order: JobSettings, photographs: Callable[..., list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_pool, "cores", lambda: 2)
    sources = photographs(5)
    sources[1].write_bytes(b"no photograph")
    asked = job_items(sources, tmp_path, ".h5")
    fractions: dict[JobItem, list[float]] = {}
    started: list[int] = []
    start = process_pool._Process.begin

    def begin(process: process_pool._Process, task: JobItem, order: JobSettings) -> None:
        start(process, task, order)
        started.append(process._process.pid or 0)
        if task is asked[2]:
            os.kill(started[-1], signal.SIGKILL)

    monkeypatch.setattr(process_pool._Process, "begin", begin)
    outcomes = list(
        process_pool.run(asked, order, 9, lambda task, fraction: fractions.setdefault(task, []).append(fraction))
    )
    by_task = {outcome.item: outcome for outcome in outcomes}
    assert len(outcomes) == len(by_task) == 5
    states = [by_task[task].state for task in asked]
    assert states == [ItemState.WRITTEN, ItemState.FAILED, ItemState.FAILED, ItemState.WRITTEN, ItemState.WRITTEN]
    assert "p1.png is not a photograph" in by_task[asked[1]].message
    assert "ended (signal SIGKILL" in by_task[asked[2]].message
    assert len(set(started)) == 3  # two at a time, and one for the one that was killed
    assert all(seen == sorted(seen) and len(seen) > 2 for task, seen in fractions.items() if task in asked[3:])
    model = load_model(order.model)
    expected = engine.encode(io.read_photograph(sources[0]), model).cube(BANDS).values
    np.testing.assert_allclose(io.open_cube(asked[0].out).cube(BANDS).values, expected, rtol=1e-5)
    left = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert left == ["p0.h5", "p3.h5", "p4.h5", "tiny.safetensors"]


@pytest.mark.skipif(os.name == "nt", reason="sends a Unix signal")
def test_a_process_ignores_ctrl_c_from_its_start(
    tmp_path: Path, order: JobSettings, photographs: Callable[..., list[Path]]
) -> None:
    """The main process handles it; a process that is still importing printed a traceback."""
    (asked,) = job_items(photographs(1), tmp_path, ".h5")
    process = process_pool._Process(1)
    os.kill(process._process.pid or 0, signal.SIGINT)
    process.begin(asked, order)
    while not (outcome := process.receive(quiet)):
        pass
    process.ask_to_stop()
    process.join(process_pool.PATIENCE)
    assert outcome.state is ItemState.WRITTEN, outcome.message


def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in process_pool.THREADS:
        monkeypatch.delenv(name, raising=False)
    with process_pool._threads(3):
        assert {os.environ[name] for name in process_pool.THREADS} == {"3"}
    assert not set(process_pool.THREADS) & set(os.environ)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with process_pool._threads(3):
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "1"


@pytest.mark.skipif(os.name == "nt", reason="sends a Unix signal")
@pytest.mark.parametrize(
    ("number", "kill"), [(signal.SIGINT, "killpg"), (signal.SIGTERM, "kill"), (signal.SIGTERM, "killpg")]
)
def test_ctrl_c_or_a_job_scheduler_leaves_complete_files_only(
    tmp_path: Path, model_file: Path, photographs: Callable[..., list[Path]], number: int, kill: str
) -> None:
    """A terminal signals all of the processes, `kill` the first, schedulers either."""
    sources = photographs(3, (700, 700))  # seconds each
    command = [sys.executable, "-m", "nesr_gui", "reconstruct", *sources, "-o", tmp_path / "out", "--jobs", "2"]
    heeded = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background of a shell ignore it
    running = subprocess.Popen(
        [*map(str, command), "--model", str(model_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    signal.signal(signal.SIGINT, heeded)
    until = time.monotonic() + 60
    while not list(tmp_path.glob("out/.*.part")) and time.monotonic() < until:
        time.sleep(0.02)  # what another process does can only be looked for
    getattr(os, kill)(running.pid, number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "the same command resumes with the others" in said and len(said.splitlines()) == 1
    names = [path.name for path in (tmp_path / "out").iterdir()]
    assert set(names) <= {"p0.h5", "p1.h5", "p2.h5"} and len(names) < 3
    for name in names:
        io.open_cube(tmp_path / "out" / name)
