"""Time and memory of a large photograph, measured in a process of its own."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from nesr_gui.benchmark import inference
from nesr_gui.benchmark.system import report_ready, reports_memory, sample_memory

HELD = 80_000_000  # bytes


def _hold(pipe: Connection, size: int) -> None:
    report_ready(pipe)
    held = np.ones(size, np.uint8)
    pipe.send("held")
    time.sleep(0.3)  # several looks
    pipe.send(int(held[0]))


@pytest.mark.skipif(not reports_memory(), reason="memory is read from Linux's /proc")
def test_what_a_process_holds_is_seen_and_what_it_says_is_told() -> None:
    told = list(sample_memory(_hold, HELD))
    assert [said for said, _ in told if said is not None] == ["held", 1]
    assert HELD <= max(held for _, held in told) < 1.2 * HELD


def test_every_step_has_its_time_and_memory(model_file: Path) -> None:
    found = {figure.name: figure.value for figure in inference.measure_large(model_file, "cpu", 0.004)}
    steps = [name for name in found if name.startswith("0.004 megapixels") and not name.endswith("memory")]
    assert len(steps) == 5 and all(found[name] > 0 for name in steps)
    assert [f"{name}, memory" in found for name in steps] == [reports_memory()] * 5
    assert found["time against pixels up to 0.004 megapixels, deviation from a straight line"] == pytest.approx(
        0, abs=1e-9
    )
