"""Prediction intervals of pictures by unknown cameras: wider, by what not knowing tone curve, white and colours means.

The widths that are added are those that simulated pictures by 32 measured cameras need, see
`training.camera_evaluation.measure_widening`. They are added and not multiplied, because a tone curve changes dark
pixels by a large factor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from functools import cache

import numpy as np
import numpy.typing as npt

from nesr_gui import resources
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.spectral import FloatArray


@dataclass(frozen=True, eq=False)
class Widening:
    """Widths (L,), not negative, to be added below and above an interval, relative to the white level, at `nm` (L,)."""

    nm: npt.NDArray[np.float64]
    below: npt.NDArray[np.float64]
    above: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WidenedCalibration(IntervalCalibration):
    """A calibration whose intervals are wider by `widening`."""

    widening: Widening = field(kw_only=True)

    def prediction_interval(
        self, rgb: FloatArray, spectra: FloatArray, nm: npt.NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """See `IntervalCalibration.prediction_interval`."""
        low, high = super().prediction_interval(rgb, spectra, nm)
        below, above = (np.interp(nm, self.widening.nm, side) for side in (self.widening.below, self.widening.above))
        return np.maximum(low - below, 0).astype(np.float32), (high + above).astype(np.float32)


@cache
def measured_widening() -> Widening:
    """The measured widths."""
    content = json.loads(resources.unknown_camera().read_text(encoding="utf-8"))
    return Widening(*(np.array(content[name], np.float64) for name in ("nm", "below", "above")))


def widened(calibration: IntervalCalibration, widening: Widening | None = None) -> WidenedCalibration:
    """The calibration for pictures by unknown cameras; the measured widths are added by default."""
    parts = {part.name: getattr(calibration, part.name) for part in fields(calibration)}
    return WidenedCalibration(**parts, widening=widening or measured_widening())
