"""Prediction intervals, calibrated on the residuals of a model on scenes held out from training.

Three numbers do not determine a spectrum, and no formula gives the uncertainty, but held-out scenes do. Their
residuals, relative to the prediction and the brightness of the pixel, are grouped by wavelength, saturation and
brightness; the quantiles of each group are the interval. The coverage is pointwise and empirical: it is not guaranteed
for scenes that differ from the calibration scenes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.intervals import Intervals
from nesr_gui.spectral import FloatArray


@dataclass(frozen=True, eq=False)
class IntervalCalibration:
    """Quantiles of relative residuals, interpolated linearly, and the training colours.

    Attributes:
        nm: (L,), wavelengths of the quantiles.
        low: (L, saturations, brightnesses), lower quantiles.
        high: (L, saturations, brightnesses), upper quantiles.
        seen: (C, C), True for chromaticities covered by the training data, see `chromaticity_cells`.
        constant: (), half-width of the constant interval with the same coverage, for comparison.
    """

    nm: npt.NDArray[np.float64]
    low: FloatArray
    high: FloatArray
    seen: npt.NDArray[np.bool_]
    constant: FloatArray

    @cached_property
    def intervals(self) -> Intervals:
        """The intervals, which contain the prediction even where the quantiles do not."""
        return self._build_intervals()

    def _build_intervals(self) -> Intervals:
        none = np.zeros(len(self.nm), np.float32)
        low, high = np.minimum(self.low, 0), np.maximum(self.high, 0)
        return Intervals(nm=self.nm, low=low, high=high, below=none, above=none)

    def prediction_interval(
        self, rgb: FloatArray, spectra: FloatArray, nm: npt.NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """See `Intervals.limits`."""
        return self.intervals.limits(rgb, spectra, nm)

    def is_unfamiliar(self, rgb: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether the chromaticity of colours (..., 3) was absent from training; False for black, which has none."""
        row, col = chromaticity_cells(rgb, len(self.seen))
        return ~self.seen[row, col] & (rgb.max(-1) > 0)


def chromaticity_cells(rgb: FloatArray, cells: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Row and column of colours (..., 3) in a grid of `cells` × `cells` over r = R / (R + G + B) and g, both [0, 1]."""
    shares = rgb[..., :2] / np.maximum(rgb.sum(-1, keepdims=True), 1e-9)
    places = np.minimum(shares * cells, cells - 1).astype(np.intp)
    return places[..., 0], places[..., 1]
