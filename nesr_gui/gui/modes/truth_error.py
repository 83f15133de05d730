"""How far the reconstruction is from what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from nesr_gui import metrics
from nesr_gui.field import Progress, SpectralField
from nesr_gui.gui.look import Measure
from nesr_gui.gui.modes.mode import Choice, Need, Scale, Scene, ViewMode
from nesr_gui.gui.modes.pieces import band_in_pieces, bands_of, not_shared, spectra_in_pieces
from nesr_gui.gui.modes.similarity import angles
from nesr_gui.gui.sampling import Sampling, reduced_values, source_window
from nesr_gui.spectral import FloatArray, Wavelengths

SCALES = {
    Measure.DIFFERENCE: Scale("truth_difference", "|difference|", "", (0.0, 0.1), "magma"),
    Measure.RMSE: Scale("truth_rmse", "RMSE", "", (0.0, 0.1), "magma"),
    Measure.MRAE: Scale("truth_mrae", "MRAE", "", (0.0, 0.5), "magma"),
    Measure.ANGLE: Scale("truth_angle", "spectral angle", "°", (0.0, 20.0), "magma"),
}
TEXTS = {
    Measure.DIFFERENCE: "At the wavelength: |difference|",
    Measure.RMSE: "Over all wavelengths: RMSE",
    Measure.MRAE: "Over all wavelengths: MRAE",
    Measure.ANGLE: "Over all wavelengths: spectral angle",
}
_OVER_ALL: dict[Measure, Callable[[FloatArray, FloatArray], FloatArray]] = {
    Measure.RMSE: lambda spectra, truth: metrics.rmse(spectra, truth, axis=0),
    Measure.MRAE: lambda spectra, truth: metrics.mrae(spectra, truth, axis=0),
    Measure.ANGLE: angles,
}


class TruthError(ViewMode):
    """The difference to the measured cube, at the wavelength or over all that both cover (every 10 nm)."""

    name, title, tip = "truth_error", "Error", "Show the error against the measured cube"
    needs = (Need.FIELD, Need.TRUTH)

    def missing(self, scene: Scene) -> str:
        missing = super().missing(scene)
        if missing or scene.truth is None:
            return missing
        low, high = scene.truth.wavelength_range
        if scene.look.measure is Measure.DIFFERENCE and not low <= scene.nm <= high:
            return f"at {scene.nm:.1f} nm is not known: the measured cube covers {low:g}-{high:g} nm"
        return not_shared(scene.field, "the measured cube", (low, high))

    def caption(self, scene: Scene) -> str:
        at = f" at {scene.nm:.1f} nm" if scene.look.measure is Measure.DIFFERENCE else ""
        return f"Error: {SCALES[scene.look.measure].quantity}{at}"

    def depends(self, scene: Scene) -> tuple[object, ...]:
        measure = scene.look.measure
        return scene.field, scene.truth, measure, scene.nm if measure is Measure.DIFFERENCE else None

    def bands(self, scene: Scene) -> int:
        return 2 if scene.look.measure is Measure.DIFFERENCE else 2 * len(self._bands(scene))

    def scale(self, scene: Scene) -> Scale:
        return SCALES[scene.look.measure]

    def choices(self, scene: Scene) -> Sequence[Choice]:
        present = scene.look.measure
        return [Choice(TEXTS[one], replace(scene.look, measure=one), one is present) for one in Measure]

    def paint(self, scene: Scene, sampling: Sampling, progress: Progress) -> FloatArray:
        truth = scene.truth
        assert truth is not None
        if scene.look.measure is Measure.DIFFERENCE:
            band = band_in_pieces(scene.answering, scene.nm, sampling, progress)
            return np.abs(band - _measured(truth, scene.nm, sampling))
        bands, measure = self._bands(scene), _OVER_ALL[scene.look.measure]

        def compare(spectra: FloatArray, rows: slice, cols: slice) -> FloatArray:
            part = _part(sampling, rows, cols)
            known = _measured_spectra(truth, bands, part)
            return np.asarray(measure(spectra, known), np.float32)

        return spectra_in_pieces(scene.answering, bands, sampling, progress, compare)

    def _bands(self, scene: Scene) -> Wavelengths:
        assert scene.truth is not None
        return bands_of(scene.answering, within=scene.truth.wavelength_range)


def _measured(truth: SpectralField, nm: float, sampling: Sampling) -> FloatArray:
    """The measured band (h, w) as the field's pixels see it: the mean of the source pixels that each stands for."""
    rows, cols = source_window(sampling, truth.shape)
    if sampling.reduction == 1:
        return truth.band(nm, stride=sampling.stride, rows=rows, cols=cols)
    return reduced_values(truth.band(nm, rows=rows, cols=cols), sampling)


def _measured_spectra(truth: SpectralField, bands: Wavelengths, sampling: Sampling) -> FloatArray:
    """The measured spectra (L, h, w), in one reading where every pixel is wanted."""
    if sampling.reduction == sampling.stride == 1:
        return truth.cube(bands, rows=sampling.rows, cols=sampling.cols).values
    return np.stack([_measured(truth, nm, sampling) for nm in bands])


def _part(sampling: Sampling, rows: slice, cols: slice) -> Sampling:
    """The sampling of some rows and columns of a picture."""
    parts = [
        slice(of.start + part.start * sampling.stride, min(of.start + part.stop * sampling.stride, of.stop))
        for part, of in zip((rows, cols), (sampling.rows, sampling.cols), strict=True)
    ]
    return replace(sampling, rows=parts[0], cols=parts[1])
