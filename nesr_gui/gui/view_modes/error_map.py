"""How far the reconstruction is from what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nesr_gui import metrics
from nesr_gui.fields.accuracy import SpectralComparison
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.fields.resampled import binned_field
from nesr_gui.gui.model.view_settings import Measure
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.gui.view_modes.base import (
    Choice,
    Need,
    Scale,
    Scene,
    ViewMode,
    bands_of,
    in_strips,
    not_shared,
    spectra_in_pieces,
)
from nesr_gui.gui.view_modes.similarity import angles
from nesr_gui.spectral import FloatArray, Wavelengths

SCALES = {
    Measure.DIFFERENCE: Scale("truth_difference", "|difference|", "", (0.0, 0.1), "magma"),
    Measure.RELATIVE: Scale("truth_relative", "relative error", "", (0.0, 0.5), "magma"),
    Measure.RMSE: Scale("truth_rmse", "RMSE", "", (0.0, 0.1), "magma"),
    Measure.MRAE: Scale("truth_mrae", "MRAE", "", (0.0, 0.5), "magma"),
    Measure.ANGLE: Scale("truth_angle", "spectral angle", "°", (0.0, 20.0), "magma"),
    Measure.COLOUR: Scale("truth_colour", "ΔE2000", "", (0.0, 5.0), "magma"),
}
TEXTS = {
    Measure.DIFFERENCE: "At the wavelength: |difference|",
    Measure.RELATIVE: "At the wavelength: |difference| relative to the measured",
    Measure.RMSE: "Over all wavelengths: RMSE",
    Measure.MRAE: "Over all wavelengths: MRAE",
    Measure.ANGLE: "Over all wavelengths: spectral angle",
    Measure.COLOUR: "Over all wavelengths: ΔE2000 of the colours in daylight",
}
AT_WAVELENGTH = (Measure.DIFFERENCE, Measure.RELATIVE)


class TruthError(ViewMode):
    """The difference to the measured cube, at the wavelength or over all that both cover (every 10 nm)."""

    name, title, tip = "truth_error", "Error", "Show the error against the measured cube"
    needs = (Need.FIELD, Need.TRUTH)

    def missing(self, scene: Scene) -> str:
        missing = super().missing(scene)
        if missing or scene.truth is None:
            return missing
        low, high = scene.truth.wavelength_range
        if scene.look.measure in AT_WAVELENGTH and not low <= scene.nm <= high:
            return f"at {scene.nm:.1f} nm is not known: the measured cube covers {low:g}-{high:g} nm"
        missing = not_shared(scene.field, "the measured cube", (low, high))
        if not missing and scene.look.measure is Measure.COLOUR and not self._comparison(scene).sees:
            return f"in colour is not known: the measured cube covers {low:g}-{high:g} nm, of which no colour is made"
        return missing

    def caption(self, scene: Scene) -> str:
        at = f" at {scene.nm:.1f} nm" if scene.look.measure in AT_WAVELENGTH else ""
        return f"Error: {SCALES[scene.look.measure].quantity}{at}"

    def depends(self, scene: Scene) -> tuple[object, ...]:
        measure = scene.look.measure
        return scene.field, scene.truth, measure, scene.nm if measure in AT_WAVELENGTH else None

    def bands(self, scene: Scene) -> int:
        return 2 if scene.look.measure in AT_WAVELENGTH else 2 * len(self._bands(scene))

    def scale(self, scene: Scene) -> Scale:
        return SCALES[scene.look.measure]

    def choices(self, scene: Scene) -> Sequence[Choice]:
        present = scene.look.measure
        return [Choice(TEXTS[one], replace(scene.look, measure=one), one is present) for one in Measure]

    def paint(self, scene: Scene, sampling: Sampling, progress: ProgressCallback) -> FloatArray:
        assert scene.truth is not None
        truth = binned_field(scene.truth, sampling.binning)
        if scene.look.measure in AT_WAVELENGTH:
            return in_strips(sampling, progress, lambda strip: _at_wavelength(scene, truth, strip))
        comparison, measure = self._comparison(scene), scene.look.measure

        def compare(spectra: FloatArray, rows: slice, cols: slice) -> FloatArray:
            known = _measured(truth, comparison.bands, _part(sampling, rows, cols))
            return _over_all(measure, comparison, spectra, known)

        return spectra_in_pieces(scene.answering, comparison.bands, sampling, progress, compare)

    def _bands(self, scene: Scene) -> Wavelengths:
        assert scene.truth is not None
        return bands_of(scene.answering, within=scene.truth.wavelength_range)

    def _comparison(self, scene: Scene) -> SpectralComparison:
        assert scene.truth is not None
        return SpectralComparison(self._bands(scene), scene.answering.quantity, scene.truth.quantity)


def _at_wavelength(scene: Scene, truth: SpectralField, strip: Sampling) -> FloatArray:
    """The error (h, w) at the scene's wavelength."""
    band, known = (
        field.band(scene.nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
        for field in (scene.answering, truth)
    )
    difference = np.abs(band - known)
    return difference / (known + metrics.MRAE_EPSILON) if scene.look.measure is Measure.RELATIVE else difference


def _over_all(measure: Measure, comparison: SpectralComparison, spectra: FloatArray, known: FloatArray) -> FloatArray:
    """The error (h, w) of spectra (L, h, w)."""
    if measure is Measure.COLOUR:
        return comparison.colour(spectra, known)
    if measure is Measure.ANGLE:
        return angles(spectra, known)
    errors = metrics.rmse if measure is Measure.RMSE else metrics.mrae
    return np.asarray(errors(spectra, known, axis=0), np.float32)


def _measured(truth: SpectralField, bands: Wavelengths, sampling: Sampling) -> FloatArray:
    """The measured spectra (L, h, w), in one reading where every pixel is wanted."""
    if sampling.stride == 1:
        return truth.cube(bands, rows=sampling.rows, cols=sampling.cols).values
    window = sampling.rows, sampling.cols
    return np.stack([truth.band(nm, stride=sampling.stride, rows=window[0], cols=window[1]) for nm in bands])


def _part(sampling: Sampling, rows: slice, cols: slice) -> Sampling:
    """The sampling of some rows and columns of a picture."""
    parts = [
        slice(of.start + part.start * sampling.stride, min(of.start + part.stop * sampling.stride, of.stop))
        for part, of in zip((rows, cols), (sampling.rows, sampling.cols), strict=True)
    ]
    return replace(sampling, rows=parts[0], cols=parts[1])
