"""The image at one wavelength."""

from __future__ import annotations

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import RenderContext, ValueScale, ViewMode, band_in_pieces
from nesr_gui.spectral import FloatArray


class Band(ViewMode):
    """The field's values at the chosen wavelength, under levels that are the same for every wavelength."""

    name, title, tip = "band", "Band", "Show the image at the chosen wavelength"
    icon = "band"
    moves = True

    def caption(self, context: RenderContext) -> str:
        return f"Band {context.nm:.1f} nm"

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        return context.field, context.nm

    def scale(self, context: RenderContext) -> ValueScale:
        return ValueScale("band", str(context.answering.quantity), "", context.levels)

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        return band_in_pieces(context.answering, context.nm, sampling, progress)
