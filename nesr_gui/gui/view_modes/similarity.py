"""How alike each spectrum is to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nesr_gui import metrics
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.gui.view_modes.base import Choice, Need, Scale, Scene, ViewMode, bands_of, not_shared, spectra_in_pieces
from nesr_gui.spectral import FloatArray, Wavelengths


def angles(spectra: FloatArray, to: FloatArray) -> FloatArray:
    """Spectral angles (h, w) in degrees between spectra (L, h, w) and others (L, h, w) or (L, 1, 1)."""
    last = (np.moveaxis(part, 0, -1) for part in (spectra, to))
    return np.asarray(metrics.spectral_angle(*last), np.float32)


class Similarity(ViewMode):
    """The spectral angle between each pixel's spectrum and a reference: 0° is one shape, however bright."""

    name, title = "similarity", "Similarity"
    tip = "Show the spectral angle to the active mark's spectrum, or to a chosen one"
    needs = (Need.FIELD, Need.REFERENCE)

    def missing(self, scene: Scene) -> str:
        missing = super().missing(scene)
        return missing or not_shared(scene.field, "the reference", self._range(scene))

    def caption(self, scene: Scene) -> str:
        return f"Similarity to {scene.reference_name}" if scene.reference else self.title

    def depends(self, scene: Scene) -> tuple[object, ...]:
        return scene.field, scene.reference

    def bands(self, scene: Scene) -> int:
        return len(self._bands(scene))

    def scale(self, scene: Scene) -> Scale:
        return Scale("similarity", "spectral angle", "°", (0.0, 20.0), "viridis reversed")

    def choices(self, scene: Scene) -> Sequence[Choice]:
        follows = scene.look.reference is None
        made = [Choice("To the active mark", replace(scene.look, reference=None), follows)]
        if scene.reference is not None:
            kept = replace(scene.reference, name=scene.reference_name)
            text = f"{'Keep' if follows else 'To'} {scene.reference_name}"
            made.append(Choice(text, replace(scene.look, reference=kept), not follows))
        return made

    def paint(self, scene: Scene, sampling: Sampling, progress: ProgressCallback) -> FloatArray:
        assert scene.reference is not None
        bands = self._bands(scene)
        known = scene.reference.wavelengths.nm
        wanted = np.interp(bands.nm, known, scene.reference.values).astype(np.float32)[:, None, None]
        return spectra_in_pieces(
            scene.answering, bands, sampling, progress, lambda spectra, rows, cols: angles(spectra, wanted)
        )

    def _bands(self, scene: Scene) -> Wavelengths:
        return bands_of(scene.answering, within=self._range(scene))

    def _range(self, scene: Scene) -> tuple[float, float]:
        assert scene.reference is not None
        known = scene.reference.wavelengths.nm
        return float(known[0]), float(known[-1])
