"""How far each value may be off."""

from __future__ import annotations

import numpy as np

from nesr_gui.fields.protocol import CalibratedField, ProgressCallback
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.gui.view_modes.base import Need, Scale, Scene, ViewMode, in_strips
from nesr_gui.spectral import FloatArray


class Uncertainty(ViewMode):
    """The width of the interval that holds 90 % of true values, at the chosen wavelength."""

    name, title, tip = "uncertainty", "Uncertainty", "Show how wide the model's 90 % interval is at the wavelength"
    needs = (Need.FIELD, Need.INTERVALS)

    def caption(self, scene: Scene) -> str:
        return f"Width of the 90 % interval at {scene.nm:.1f} nm"

    def depends(self, scene: Scene) -> tuple[object, ...]:
        return scene.field, scene.nm

    def scale(self, scene: Scene) -> Scale:
        return Scale("uncertainty", "90 % interval width", "", (0.0, 0.4), "magma")

    def paint(self, scene: Scene, sampling: Sampling, progress: ProgressCallback) -> FloatArray:
        field = scene.answering
        assert isinstance(field, CalibratedField)

        def width(strip: Sampling) -> FloatArray:
            low, high = field.prediction_interval_band(scene.nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
            return np.asarray(high - low, np.float32)

        return in_strips(sampling, progress, width)
