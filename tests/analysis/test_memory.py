"""A classification takes the memory of its maps and of some blocks, and not of the cube."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from nesr_gui.analysis.classification import Classification, SpectralAngleMapper
from nesr_gui.analysis.maps import compute_map
from nesr_gui.benchmark.system import report_ready, sample_memory
from nesr_gui.fields.protocol import CubeField
from nesr_gui.spectral import Quantity
from tests.analysis.scenes import chart_spectra
from tests.memory import BANDS, Ramp

HEIGHT, WIDTH = 1000, 1500


def _classify(pipe: Connection, height: int, width: int) -> None:
    analysis = Classification(SpectralAngleMapper(chart_spectra(), BANDS), 30)
    compute_map(CubeField(Ramp(64, 64), BANDS, Quantity.REFLECTANCE), analysis)
    report_ready(pipe)
    field = CubeField(Ramp(height, width), BANDS, Quantity.REFLECTANCE)
    made = compute_map(field, analysis, progress=lambda done: pipe.send(min(done, 0.999)))
    assert np.isfinite(made.values).all()
    pipe.send(1.0)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from Linux's /proc")
def test_a_large_image_is_classified_in_little_memory() -> None:
    peak, fraction = 0, 0.0
    for done, held in sample_memory(_classify, HEIGHT, WIDTH):
        peak, fraction = max(peak, held), fraction if done is None else done
        if fraction == 1:
            break
    maps, cube = 2 * 4 * HEIGHT * WIDTH, 31 * 4 * HEIGHT * WIDTH
    assert fraction == 1 and maps < peak + (8 << 20) and peak < maps + (120 << 20) < cube
