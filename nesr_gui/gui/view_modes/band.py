"""The image at one wavelength."""

from __future__ import annotations

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.gui.view_modes.base import Scale, Scene, ViewMode, band_in_pieces
from nesr_gui.spectral import FloatArray


class Band(ViewMode):
    """The field's values at the chosen wavelength, under levels that are the same for every wavelength."""

    name, title, tip = "band", "Band", "Show the image at the chosen wavelength"
    icon = "band"
    moves = True

    def caption(self, scene: Scene) -> str:
        return f"Band {scene.nm:.1f} nm"

    def depends(self, scene: Scene) -> tuple[object, ...]:
        return scene.field, scene.nm

    def scale(self, scene: Scene) -> Scale:
        return Scale("band", str(scene.answering.quantity), "", scene.levels)

    def paint(self, scene: Scene, sampling: Sampling, progress: ProgressCallback) -> FloatArray:
        return band_in_pieces(scene.answering, scene.nm, sampling, progress)
