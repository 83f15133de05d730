"""The photograph as it is displayed."""

from __future__ import annotations

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.session import Bytes
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.gui.view_modes.base import Need, Scene, ViewMode


class Photograph(ViewMode):
    """The colours of the file, which are there already and are never sampled."""

    name, title, tip = "photograph", "Photograph", "Show the photograph"
    icon = "photograph"
    needs = (Need.PHOTOGRAPH,)

    def depends(self, scene: Scene) -> tuple[object, ...]:
        return (id(scene.colours),)  # the picture that is compared holds its scene, so the id is not another's

    def bands(self, scene: Scene) -> int:
        return 0

    def paint(self, scene: Scene, sampling: Sampling, progress: ProgressCallback) -> Bytes:
        assert scene.colours is not None
        return scene.colours
