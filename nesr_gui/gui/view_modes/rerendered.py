"""The spectra seen under a light, by an observer."""

from __future__ import annotations

import numpy as np

from nesr_gui.colorimetry.appearance import white_scale
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import RenderContext, ValueScale, ViewMode, bands_of, not_shared, spectra_in_pieces
from nesr_gui.spectral import FloatArray, Quantity, Spectrum

VISIBLE = (380.0, 780.0)
RADIANCE = (
    "puts a reflectance under a light, and this cube holds radiance, which has its light in it; use a mark as white"
)


def rendered(
    field: SpectralField,
    viewing: ViewingConditions,
    sampling: SamplingGrid,
    progress: ProgressCallback,
    white: Spectrum | None = None,
) -> FloatArray:
    """Linear sRGB (h, w, 3) of a field's reflectances as `viewing` sees them; a perfect reflector is (1, 1, 1).

    Where the field holds no reflectances, they are parts of `white`, what it holds of a perfect reflector.
    """
    bands = bands_of(field, within=VISIBLE)
    weights = viewing.rgb_weights(bands.nm)  # (L, 3)
    if white is not None:
        weights = (weights * white_scale(white, bands.nm)[:, None]).astype(np.float32)

    def see(spectra: FloatArray, rows: slice, cols: slice) -> FloatArray:
        return np.tensordot(spectra, weights, axes=(0, 0))  # (h, w, 3)

    return spectra_in_pieces(field, bands, sampling, progress, see, 3)


class Rerendered(ViewMode):
    """The colours that the spectra have under the chosen light, for the chosen observer or camera."""

    name, title, tip = "rerendered", "Re-rendered", "Show the spectra under the chosen light, by the chosen observer"

    def unavailable_reason(self, context: RenderContext) -> str:
        is_radiance = context.field is not None and context.field.quantity is Quantity.RADIANCE
        refused = is_radiance and context.white is None
        return (
            RADIANCE
            if refused
            else super().unavailable_reason(context) or not_shared(context.field, "the eye", VISIBLE)
        )

    def caption(self, context: RenderContext) -> str:
        relative = f", white is {context.white.name}" if context.white is not None else ""
        return f"Re-rendered: {context.viewing.name}{relative}"

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        return context.field, context.viewing, context.white

    def bands(self, context: RenderContext) -> int:
        return len(bands_of(context.answering, within=VISIBLE))

    def scale(self, context: RenderContext) -> ValueScale:
        return ValueScale("rerendered", "linear sRGB, white = 1", "", (0.0, 1.0), is_colour=True)

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        return rendered(context.answering, context.viewing, sampling, progress, context.white)
