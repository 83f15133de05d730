"""View mode of the photograph."""

from __future__ import annotations

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import RenderContext, Requirement, ViewMode


class Photograph(ViewMode):
    """The photograph as displayed, at its full resolution without sampling."""

    name, title, tip = "photograph", "Photograph", "Show the photograph"
    icon = "photograph"
    needs = (Requirement.PHOTOGRAPH,)

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """The identity of the displayed colours."""
        return (id(context.colours),)  # a rendering keeps its context alive, so the id is not reused

    def bands(self, context: RenderContext) -> int:
        """None: the photograph needs no field."""
        return 0

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> UInt8Array:
        """Return the displayed colours (H, W, 3)."""
        assert context.colours is not None
        return context.colours
