"""How far an answer may be off: intervals learned from what a model got wrong on what it had not been trained on.

Three numbers do not determine a spectrum, and no formula says by how much; but scenes left out of training do. Their
residuals, relative to the answer and the pixel's brightness, are sorted by wavelength, saturation and brightness, and
the quantiles of each sort are the interval. It is pointwise and empirical: across scenes unlike those few it promises
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import FloatArray

COVERAGE = 0.9  # of the intervals
SATURATION = (0.15, 0.4, 0.7)  # knots: 1 - smallest / largest channel
BRIGHTNESS = (0.03, 0.12, 0.4)  # knots: mean of the channels, relative to the photograph's white level
GREY = 0.1  # a residual is taken relative to the answer plus this part of the pixel's brightness


@dataclass(frozen=True, eq=False)
class IntervalCalibration:
    """Quantiles of relative residuals: low and high (L, saturations, brightnesses) at `nm` (L,), linear between.

    `seen` (C, C) bool is True where training covered the plane of chromaticity, see `chromaticity_cells`; `constant` ()
    is half the width of the band around every answer that covers as much, to compare with.
    """

    nm: npt.NDArray[np.float64]
    low: FloatArray
    high: FloatArray
    seen: npt.NDArray[np.bool_]
    constant: FloatArray

    def prediction_interval(
        self, rgb: FloatArray, answers: FloatArray, nm: npt.NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends (N, L), not below zero, for pixels `rgb` (N, 3), over their white level, and `answers`.

        The answer lies within.
        """
        weights = bins(rgb)  # (N, saturations · brightnesses)
        along = np.stack([np.interp(nm, self.nm, unit) for unit in np.eye(len(self.nm))], axis=1)  # (L, bands)
        ends = []
        for table in (np.minimum(self.low, 0), np.maximum(self.high, 0)):
            relative = weights @ (along @ table.reshape(len(self.nm), -1)).T
            ends.append(np.maximum(answers + relative * scale(rgb, answers), 0).astype(np.float32))
        return ends[0], ends[1]

    def is_unfamiliar(self, rgb: FloatArray) -> npt.NDArray[np.bool_]:
        """Which colours (..., 3) have a chromaticity that training did not cover; black has none and is not unseen."""
        row, col = chromaticity_cells(rgb, len(self.seen))
        return ~self.seen[row, col] & (rgb.max(-1) > 0)


def chromaticity_cells(rgb: FloatArray, cells: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where colours (..., 3) lie on a grid of `cells` × `cells` over r = R / (R + G + B) and g."""
    shares = rgb[..., :2] / np.maximum(rgb.sum(-1, keepdims=True), 1e-9)
    places = np.minimum(shares * cells, cells - 1).astype(np.intp)
    return places[..., 0], places[..., 1]


def scale(rgb: FloatArray, answers: FloatArray) -> FloatArray:
    """What residuals of `answers` (N, L) are taken relative to."""
    relative_to: FloatArray = answers + GREY * rgb.mean(-1, keepdims=True) + 1e-4
    return relative_to


def bins(rgb: FloatArray) -> FloatArray:
    """How much each pixel (N, 3) belongs to each of the saturations × brightnesses: (N, S · B), rows sum to one."""
    brightest = rgb.max(-1)
    saturation = 1 - rgb.min(-1) / np.maximum(brightest, 1e-9)
    by_saturation = _shares(saturation, SATURATION)
    by_brightness = _shares(np.log(np.maximum(rgb.mean(-1), 1e-9)), np.log(BRIGHTNESS).tolist())
    return (by_saturation[:, :, None] * by_brightness[:, None, :]).reshape(len(rgb), -1).astype(np.float32)


def _shares(values: npt.NDArray[np.floating], knots: Sequence[float]) -> npt.NDArray[np.float64]:
    """Linear interpolation between knots, constant beyond them: (N, knots)."""
    return np.stack([np.interp(values, knots, unit) for unit in np.eye(len(knots))], axis=1)
