"""Prediction intervals of pictures by unknown cameras: wider, by what not knowing tone curve, white and colours means.

The same, by less, holds for pictures that were converted by a profile from a colour chart, which is not exact. The
widths that are added are those that simulated pictures by 32 measured cameras need, see
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
from nesr_gui.fields.intervals import Intervals
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.spectral import CameraKnowledge


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

    def _build_intervals(self) -> Intervals:
        return super()._build_intervals().wider(self.widening.nm, self.widening.below, self.widening.above)


@cache
def measured_widening(camera: CameraKnowledge) -> Widening | None:
    """The measured widths; None for a known camera, which needs none."""
    content = json.loads(resources.unknown_camera().read_text(encoding="utf-8"))
    if camera not in content:
        return None
    return Widening(*(np.array(part, np.float64) for part in (content["nm"], *content[camera].values())))


def widened(calibration: IntervalCalibration, widening: Widening) -> WidenedCalibration:
    """The calibration for pictures by cameras that are not known exactly."""
    parts = {part.name: getattr(calibration, part.name) for part in fields(calibration)}
    return WidenedCalibration(**parts, widening=widening)
