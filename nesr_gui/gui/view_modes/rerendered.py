"""View mode of the colours of the spectra under the viewing conditions."""

from __future__ import annotations

import numpy as np

from nesr_gui.colorimetry.appearance import white_scale
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.camera import MAX_LOST_RESPONSE, lost_response
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import RenderContext, ValueScale, ViewMode, bands_of, not_shared, spectra_in_pieces
from nesr_gui.spectral import FloatArray, Quantity, Spectrum

VISIBLE = (380.0, 780.0)
RADIANCE = "needs reflectance, but this cube contains radiance, which includes its illuminant; use a mark as white"


def rendered(
    field: SpectralField,
    viewing: ViewingConditions,
    sampling: SamplingGrid,
    progress: ProgressCallback,
    white: Spectrum | None = None,
) -> FloatArray:
    """Render linear sRGB (h, w, 3) under viewing conditions; a perfect reflector is (1, 1, 1).

    Args:
        field: the field to render.
        viewing: the light and the observer.
        sampling: the pixels to render.
        progress: called with the fraction done.
        white: the spectrum of a perfect white if the field's quantity is not reflectance; values are divided by it.
    """
    bands = bands_of(field, within=VISIBLE)
    weights = viewing.rgb_weights(bands.nm)  # (L, 3)
    if white is not None:
        weights = (weights * white_scale(white, bands.nm)[:, None]).astype(np.float32)

    def see(spectra: FloatArray, rows: slice, cols: slice) -> FloatArray:
        return np.tensordot(spectra, weights, axes=(0, 0))  # (h, w, 3)

    return spectra_in_pieces(field, bands, sampling, progress, see, 3)


def _missing(context: RenderContext) -> str:
    if context.field is None:
        return ""
    bands = bands_of(context.field, within=VISIBLE)
    lost = lost_response(context.viewing, Quantity.REFLECTANCE, bands)
    return f", without {lost:.0%} of the response, outside {bands.nm[0]:g}-{bands.nm[-1]:g} nm" if (
        lost > MAX_LOST_RESPONSE
    ) else ""  # fmt: skip


class Rerendered(ViewMode):
    """The colours of the spectra under the chosen light, for the chosen observer or camera."""

    name, title, tip = "rerendered", "Re-rendered", "Show the colours under the chosen light, for the chosen observer"

    def unavailable_reason(self, context: RenderContext) -> str:
        """Also refuses radiance without a white, and fields outside the visible range."""
        refused = context.field is not None and not context.field.quantity.is_relative and context.white is None
        return (
            RADIANCE
            if refused
            else super().unavailable_reason(context) or not_shared(context.field, "the eye", VISIBLE)
        )

    def caption(self, context: RenderContext) -> str:
        """Return the viewing conditions, and how much of the response is missing if the colours are wrong for it."""
        relative = f", white is {context.white.name}" if context.white is not None else ""
        if context.field is not None and context.field.quantity is Quantity.UNKNOWN and not relative:
            relative = ", values taken as reflectance"
        return f"{context.viewing.name}{relative}{_missing(context)}, re-rendered"

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """Field, viewing conditions and white."""
        return context.field, context.viewing, context.white

    def bands(self, context: RenderContext) -> int:
        """The bands in the visible range."""
        return len(bands_of(context.answering, within=VISIBLE))

    def scale(self, context: RenderContext) -> ValueScale:
        """Linear sRGB."""
        return ValueScale("rerendered", "linear sRGB, white = 1", "", (0.0, 1.0), is_colour=True)

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        """Render linear sRGB (h, w, 3)."""
        return rendered(context.answering, context.viewing, sampling, progress, context.white)
