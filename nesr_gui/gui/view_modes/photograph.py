"""The photograph as it is displayed."""

from __future__ import annotations

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import RenderContext, Requirement, ViewMode


class Photograph(ViewMode):
    """The colours of the file, which are there already and are never sampled."""

    name, title, tip = "photograph", "Photograph", "Show the photograph"
    icon = "photograph"
    needs = (Requirement.PHOTOGRAPH,)

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        return (id(context.colours),)  # the picture that is compared holds its scene, so the id is not another's

    def bands(self, context: RenderContext) -> int:
        return 0

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> UInt8Array:
        assert context.colours is not None
        return context.colours
