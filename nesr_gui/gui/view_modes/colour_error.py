"""How far the colours of the spectra are from those of the photograph they were made of."""

from __future__ import annotations

import numpy as np

from nesr_gui.colorimetry.cie import colour_differences
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import (
    RenderContext,
    Requirement,
    ValueScale,
    ViewMode,
    bands_of,
    not_shared,
    spectra_in_pieces,
)
from nesr_gui.gui.view_modes.rerendered import VISIBLE
from nesr_gui.spectral import FloatArray


class ColourError(ViewMode):
    """ΔE2000 between photograph and re-rendering, by the camera and the light the photograph was read with.

    The light chosen for viewing plays no part: under another one the colours are meant to differ. The photograph is the
    one the field was made of, as it was understood then.
    """

    name, title = "colour_error", "Colour error"
    tip = "Show how far the re-rendered colours are from the photograph's (ΔE2000)"
    needs = (Requirement.FIELD, Requirement.PHOTOGRAPH)

    def unavailable_reason(self, context: RenderContext) -> str:
        return super().unavailable_reason(context) or not_shared(context.field, "the eye", VISIBLE)

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        return context.field, context.encoded

    def bands(self, context: RenderContext) -> int:
        return len(bands_of(context.answering, within=VISIBLE))

    def scale(self, context: RenderContext) -> ValueScale:
        return ValueScale("colour_error", "ΔE2000", "", (0.0, 5.0), "magma")

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        assert context.encoded is not None
        bands = bands_of(context.answering, within=VISIBLE)
        weights = ViewingConditions.default().rgb_weights(bands.nm)
        photograph = context.encoded.values[sampling.rows, sampling.cols][:: sampling.stride, :: sampling.stride]

        def compare(spectra: FloatArray, rows: slice, cols: slice) -> FloatArray:
            seen = np.clip(np.tensordot(spectra, weights, axes=(0, 0)), 0, 1)  # as a photograph clips
            return colour_differences(seen, photograph[rows, cols])

        return spectra_in_pieces(context.answering, bands, sampling, progress, compare)
