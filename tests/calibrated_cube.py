"""Fields of numpy for tests that need one that is calibrated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nesr_gui.fields.protocol import CubeField, IntervalBlock
from nesr_gui.spectral import FloatArray


class CalibratedCube(CubeField):
    """A cube that claims to be within a tenth of the truth."""

    def prediction_interval(self, points: Any, wavelengths: Any) -> tuple[FloatArray, FloatArray]:
        values = self.spectra(points, wavelengths)
        return 0.9 * values, 1.1 * values

    def prediction_interval_blocks(
        self, wavelengths: Any, *, rows: Any = None, cols: Any = None
    ) -> Iterator[IntervalBlock]:
        for block in self.blocks(wavelengths, rows=rows, cols=cols):
            yield IntervalBlock(block.rows, block.cols, 0.9 * block.values, 1.1 * block.values)

    def prediction_interval_band(
        self, nm: float, *, stride: int = 1, rows: Any = None, cols: Any = None
    ) -> tuple[FloatArray, FloatArray]:
        values = self.band(nm, stride=stride, rows=rows, cols=cols)
        return 0.9 * values, 1.1 * values

    def quality_flags(self, *, stride: int = 1, rows: Any = None, cols: Any = None) -> np.ndarray:
        return self.band(self.bands.nm[0], stride=stride, rows=rows, cols=cols).astype(np.uint8)
