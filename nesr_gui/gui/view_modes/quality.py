"""Where not to trust the reconstruction."""

from __future__ import annotations

import numpy as np

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CalibratedField, ProgressCallback, QualityFlag
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import RenderContext, Requirement, ViewMode, in_strips

COLOURS = {QualityFlag.CLIPPED: (230, 159, 0), QualityFlag.UNFAMILIAR_COLOUR: (86, 180, 233)}
"""Orange and sky blue, which colour-blind eyes tell apart and from grey."""
_GREY = 0.55  # of the photograph's brightness, so that what is marked stands out


class QualityFlags(ViewMode):
    """The photograph in grey; in colour the pixels whose photograph is clipped or whose colour training hardly met."""

    name, title, tip = "doubts", "Doubts", "Show clipped pixels and colours that training hardly met"
    needs = (Requirement.FIELD, Requirement.PHOTOGRAPH, Requirement.INTERVALS)

    def caption(self, context: RenderContext) -> str:
        return f"Doubts: orange {QualityFlag.CLIPPED.text}, blue {QualityFlag.UNFAMILIAR_COLOUR.text}"

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        return context.field, context.encoded

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> UInt8Array:
        field, encoded = context.answering, context.encoded
        assert isinstance(field, CalibratedField) and encoded is not None

        def mark(strip: SamplingGrid) -> UInt8Array:
            rgb = encoded.values[strip.rows, strip.cols][:: strip.stride, :: strip.stride]
            grey = 255 * _GREY * cie.encode_srgb(np.clip(rgb.mean(-1, keepdims=True), 0, 1))
            picture = np.repeat(grey, 3, axis=-1).astype(np.uint8)
            flags = field.quality_flags(stride=strip.stride, rows=strip.rows, cols=strip.cols)
            for doubt, colour in COLOURS.items():
                picture[flags & doubt > 0] = colour
            return picture

        return in_strips(sampling, progress, mark)
