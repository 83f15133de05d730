"""View mode of a single band."""

from __future__ import annotations

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import RenderContext, ValueScale, ViewMode, band_in_pieces
from nesr_gui.spectral import FloatArray


class Band(ViewMode):
    """The field's values at the selected wavelength, with the same limits at every wavelength."""

    name, title, tip = "band", "Band", "Show the image at the selected wavelength"
    icon = "band"
    moves = True

    def caption(self, context: RenderContext) -> str:
        """Return the wavelength."""
        return f"Band {context.nm:.1f} nm"

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """Field and wavelength."""
        return context.field, context.nm

    def scale(self, context: RenderContext) -> ValueScale:
        """The quantity of the field, with the limits of all bands."""
        return ValueScale("band", str(context.answering.quantity), "", context.levels)

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        """Evaluate the band (h, w)."""
        return band_in_pieces(context.answering, context.nm, sampling, progress)
