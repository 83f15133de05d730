"""View mode of the colour error against the photograph."""

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
    """ΔE2000 between the photograph and the re-rendered spectra, with the default camera and light.

    The chosen viewing conditions are not used: under another light the colours differ by design. The photograph is the
    one that was the model's input, as developed at that time.
    """

    name, title = "colour_error", "Colour error"
    tip = "Show the difference of the re-rendered colours from the photograph (ΔE2000)"
    needs = (Requirement.FIELD, Requirement.PHOTOGRAPH)

    def unavailable_reason(self, context: RenderContext) -> str:
        """Also refuses fields outside the visible range."""
        return super().unavailable_reason(context) or not_shared(context.field, "the eye", VISIBLE)

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """Field and the photograph it was reconstructed from."""
        return context.field, context.encoded

    def bands(self, context: RenderContext) -> int:
        """The bands in the visible range."""
        return len(bands_of(context.answering, within=VISIBLE))

    def scale(self, context: RenderContext) -> ValueScale:
        """ΔE2000."""
        return ValueScale("colour_error", "ΔE2000", "", (0.0, 5.0), "magma")

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        """Compute ΔE2000 (h, w)."""
        assert context.encoded is not None
        bands = bands_of(context.answering, within=VISIBLE)
        weights = ViewingConditions.default().rgb_weights(bands.nm)
        photograph = context.encoded.values[sampling.rows, sampling.cols][:: sampling.stride, :: sampling.stride]

        def compare(spectra: FloatArray, rows: slice, cols: slice) -> FloatArray:
            rgb = np.clip(np.tensordot(spectra, weights, axes=(0, 0)), 0, 1)  # clipped like a photograph
            return colour_differences(rgb, photograph[rows, cols])

        return spectra_in_pieces(context.answering, bands, sampling, progress, compare)
