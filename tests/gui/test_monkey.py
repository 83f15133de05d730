"""Random events leave no exception, no warning, no thread and no growth behind.

A run of 600 events belongs to the tests. The full one, and others, are asked for by the environment; `test_soak.py` has
runs by time:

    NESR_MONKEY_EVENTS=20000 NESR_MONKEY_SEED=1 pytest tests/gui/test_monkey.py
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.io.spectra.csv import write_curves
from nesr_gui.spectral import Quantity, Spectrum
from tests.gui.conftest import BANDS, smooth_cube
from tests.gui.monkey_run import in_a_loop, let_loose
from tests.gui.program_size import ProgramSize

FEW = 600
EVENTS = int(os.environ.get("NESR_MONKEY_EVENTS", FEW))
SEED = int(os.environ.get("NESR_MONKEY_SEED", "0"))

pytestmark = pytest.mark.usefixtures("queued_refresh")


@pytest.fixture
def files(photograph: Path, tmp_path: Path) -> list[Path]:
    """What the monkey may open: a photograph, a cube, a model of cubes, curves, and things that are none of these."""
    cube, curves, broken = tmp_path / "cube.h5", tmp_path / "curves.csv", tmp_path / "broken.png"
    io.write_cube(cube, CubeField(smooth_cube(60, 80), BANDS, Quantity.RADIANCE), BANDS)
    write_curves(curves, [Spectrum(BANDS, np.linspace(0.1, 0.9, 31, dtype=np.float32), name) for name in "ab"])
    broken.write_bytes(photograph.read_bytes()[:200])
    model = tmp_path / "sixteen.safetensors"  # which takes cubes; the engine of the tests does not look into it
    model.touch()
    return [photograph, photograph, cube, cube, model, curves, broken, tmp_path / "missing.png"]


def test_random_events_end_well(
    gives_back: None, opened: App, files: list[Path], tmp_path: Path, qtbot: QtBot, said: Counter[str],
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    sizes: list[ProgramSize] = []
    with let_loose(opened, files, tmp_path / "saved", qtbot, said, monkeypatch, SEED) as run:

        def act(event: int) -> None:
            run.monkey.act()
            run.check(event)
            if event % (EVENTS // 4) == 0:
                run.monkey.rest()
                sizes.append(ProgramSize.measure(opened, files[0], qtbot))

        in_a_loop(act, range(1, EVENTS + 1))
    first, last = sizes[0], sizes[-1]
    assert not last.handles_since(first), last.differences(first)
    if EVENTS > FEW:
        growth = last.growth(first)
        with capsys.disabled():
            report = [*map(str, sizes), f"growth {growth}", last.differences(first), f"failures {run.failures}"]
            sys.stdout.write("\n".join(["", f"{EVENTS} events", *report, ""]))
        assert max(growth.values()) <= 0.05, growth
