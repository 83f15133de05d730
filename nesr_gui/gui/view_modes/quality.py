"""View mode of the quality flags."""

from __future__ import annotations

import numpy as np

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CalibratedField, ProgressCallback, QualityFlag
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import RenderContext, Requirement, ViewMode, in_strips

COLOURS = {QualityFlag.CLIPPED: (230, 159, 0), QualityFlag.UNFAMILIAR_COLOUR: (86, 180, 233)}
"""Orange and sky blue, which are distinct in colour-blind vision, also from grey."""
_GREY = 0.55  # factor on the brightness of the photograph, so that the flags stand out


class QualityFlags(ViewMode):
    """The photograph in grey, with clipped pixels and colours rare in the training data highlighted."""

    name, title = "doubts", "Quality flags"
    tip = "Show clipped pixels and colours that are rare in the training data"
    needs = (Requirement.FIELD, Requirement.PHOTOGRAPH, Requirement.INTERVALS)

    def caption(self, context: RenderContext) -> str:
        """Return the legend."""
        return f"Quality flags: orange {QualityFlag.CLIPPED.text}, blue {QualityFlag.UNFAMILIAR_COLOUR.text}"

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """Field and the photograph it was reconstructed from."""
        return context.field, context.encoded

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> UInt8Array:
        """Draw the flags over the photograph (h, w, 3)."""
        field, encoded = context.answering, context.encoded
        assert isinstance(field, CalibratedField) and encoded is not None

        def mark(strip: SamplingGrid) -> UInt8Array:
            rgb = encoded.values[strip.rows, strip.cols][:: strip.stride, :: strip.stride]
            grey = 255 * _GREY * cie.encode_srgb(np.clip(rgb.mean(-1, keepdims=True), 0, 1))
            picture = np.repeat(grey, 3, axis=-1).astype(np.uint8)
            flags = field.quality_flags(stride=strip.stride, rows=strip.rows, cols=strip.cols)
            for flag, colour in COLOURS.items():
                picture[flags & flag > 0] = colour
            return picture

        return in_strips(sampling, progress, mark)
