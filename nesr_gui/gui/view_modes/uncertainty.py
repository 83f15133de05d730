"""View mode of the prediction interval."""

from __future__ import annotations

import numpy as np

from nesr_gui.fields.protocol import CalibratedField, ProgressCallback
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import RenderContext, Requirement, ValueScale, ViewMode, in_strips
from nesr_gui.spectral import FloatArray


class Uncertainty(ViewMode):
    """The width of the 90 % prediction interval at the selected wavelength."""

    name, title = "uncertainty", "Uncertainty"
    tip = "Show the width of the model's 90 % prediction interval at the wavelength"
    needs = (Requirement.FIELD, Requirement.INTERVALS)

    def caption(self, context: RenderContext) -> str:
        """Return the quantity and the wavelength."""
        return f"Width of the 90 % prediction interval at {context.nm:.1f} nm"

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """Field and wavelength."""
        return context.field, context.nm

    def scale(self, context: RenderContext) -> ValueScale:
        """The width of the interval."""
        return ValueScale("uncertainty", "prediction interval width", "", (0.0, 0.4), "magma")

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        """Compute the width (h, w)."""
        field = context.answering
        assert isinstance(field, CalibratedField)

        def width(strip: SamplingGrid) -> FloatArray:
            low, high = field.prediction_interval_band(
                context.nm, stride=strip.stride, rows=strip.rows, cols=strip.cols
            )
            return np.asarray(high - low, np.float32)

        return in_strips(sampling, progress, width)
