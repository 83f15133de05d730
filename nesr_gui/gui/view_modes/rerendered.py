"""The spectra seen under a light, by an observer."""

from __future__ import annotations

import numpy as np

from nesr_gui.colorimetry.appearance import white_scale
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.gui.view_modes.base import Scale, Scene, ViewMode, bands_of, not_shared, spectra_in_pieces
from nesr_gui.spectral import FloatArray, Quantity, Spectrum

VISIBLE = (380.0, 780.0)
RADIANCE = (
    "puts a reflectance under a light, and this cube holds radiance, which has its light in it; use a mark as white"
)


def rendered(
    field: SpectralField,
    viewing: ViewingConditions,
    sampling: Sampling,
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

    def missing(self, scene: Scene) -> str:
        is_radiance = scene.field is not None and scene.field.quantity is Quantity.RADIANCE
        refused = is_radiance and scene.white is None
        return RADIANCE if refused else super().missing(scene) or not_shared(scene.field, "the eye", VISIBLE)

    def caption(self, scene: Scene) -> str:
        relative = f", white is {scene.white.name}" if scene.white is not None else ""
        return f"Re-rendered: {scene.viewing.name}{relative}"

    def depends(self, scene: Scene) -> tuple[object, ...]:
        return scene.field, scene.viewing, scene.white

    def bands(self, scene: Scene) -> int:
        return len(bands_of(scene.answering, within=VISIBLE))

    def scale(self, scene: Scene) -> Scale:
        return Scale("rerendered", "linear sRGB, white = 1", "", (0.0, 1.0), is_colour=True)

    def paint(self, scene: Scene, sampling: Sampling, progress: ProgressCallback) -> FloatArray:
        return rendered(scene.answering, scene.viewing, sampling, progress, scene.white)
