"""How far the reconstruction is from what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nesr_gui import metrics
from nesr_gui.fields.accuracy import SpectralComparison
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.fields.resampled import binned_field
from nesr_gui.gui.model.view_settings import ErrorMetric
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import (
    ModeOption,
    RenderContext,
    Requirement,
    ValueScale,
    ViewMode,
    bands_of,
    in_strips,
    not_shared,
    spectra_in_pieces,
)
from nesr_gui.gui.view_modes.similarity import angles
from nesr_gui.spectral import FloatArray, Wavelengths

SCALES = {
    ErrorMetric.DIFFERENCE: ValueScale("truth_difference", "|difference|", "", (0.0, 0.1), "magma"),
    ErrorMetric.RELATIVE: ValueScale("truth_relative", "relative error", "", (0.0, 0.5), "magma"),
    ErrorMetric.RMSE: ValueScale("truth_rmse", "RMSE", "", (0.0, 0.1), "magma"),
    ErrorMetric.MRAE: ValueScale("truth_mrae", "MRAE", "", (0.0, 0.5), "magma"),
    ErrorMetric.ANGLE: ValueScale("truth_angle", "spectral angle", "°", (0.0, 20.0), "magma"),
    ErrorMetric.COLOUR: ValueScale("truth_colour", "ΔE2000", "", (0.0, 5.0), "magma"),
}
TEXTS = {
    ErrorMetric.DIFFERENCE: "At the wavelength: |difference|",
    ErrorMetric.RELATIVE: "At the wavelength: |difference| relative to the measured",
    ErrorMetric.RMSE: "Over all wavelengths: RMSE",
    ErrorMetric.MRAE: "Over all wavelengths: MRAE",
    ErrorMetric.ANGLE: "Over all wavelengths: spectral angle",
    ErrorMetric.COLOUR: "Over all wavelengths: ΔE2000 of the colours in daylight",
}
AT_WAVELENGTH = (ErrorMetric.DIFFERENCE, ErrorMetric.RELATIVE)


class TruthError(ViewMode):
    """The difference to the measured cube, at the wavelength or over all that both cover (every 10 nm)."""

    name, title, tip = "truth_error", "Error", "Show the error against the measured cube"
    needs = (Requirement.FIELD, Requirement.TRUTH)

    def unavailable_reason(self, context: RenderContext) -> str:
        unavailable_reason = super().unavailable_reason(context)
        if unavailable_reason or context.truth is None:
            return unavailable_reason
        low, high = context.truth.wavelength_range
        if context.view_settings.measure in AT_WAVELENGTH and not low <= context.nm <= high:
            return f"at {context.nm:.1f} nm is not known: the measured cube covers {low:g}-{high:g} nm"
        unavailable_reason = not_shared(context.field, "the measured cube", (low, high))
        if (
            not unavailable_reason
            and context.view_settings.measure is ErrorMetric.COLOUR
            and not self._comparison(context).has_colour
        ):
            return f"in colour is not known: the measured cube covers {low:g}-{high:g} nm, of which no colour is made"
        return unavailable_reason

    def caption(self, context: RenderContext) -> str:
        at = f" at {context.nm:.1f} nm" if context.view_settings.measure in AT_WAVELENGTH else ""
        return f"Error: {SCALES[context.view_settings.measure].quantity}{at}"

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        measure = context.view_settings.measure
        return context.field, context.truth, measure, context.nm if measure in AT_WAVELENGTH else None

    def bands(self, context: RenderContext) -> int:
        return 2 if context.view_settings.measure in AT_WAVELENGTH else 2 * len(self._bands(context))

    def scale(self, context: RenderContext) -> ValueScale:
        return SCALES[context.view_settings.measure]

    def options(self, context: RenderContext) -> Sequence[ModeOption]:
        present = context.view_settings.measure
        return [
            ModeOption(TEXTS[one], replace(context.view_settings, measure=one), one is present) for one in ErrorMetric
        ]

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        assert context.truth is not None
        truth = binned_field(context.truth, sampling.binning)
        if context.view_settings.measure in AT_WAVELENGTH:
            return in_strips(sampling, progress, lambda strip: _at_wavelength(context, truth, strip))
        comparison, measure = self._comparison(context), context.view_settings.measure

        def compare(spectra: FloatArray, rows: slice, cols: slice) -> FloatArray:
            known = _measured(truth, comparison.bands, _part(sampling, rows, cols))
            return _over_all(measure, comparison, spectra, known)

        return spectra_in_pieces(context.answering, comparison.bands, sampling, progress, compare)

    def _bands(self, context: RenderContext) -> Wavelengths:
        assert context.truth is not None
        return bands_of(context.answering, within=context.truth.wavelength_range)

    def _comparison(self, context: RenderContext) -> SpectralComparison:
        assert context.truth is not None
        return SpectralComparison(self._bands(context), context.answering.quantity, context.truth.quantity)


def _at_wavelength(context: RenderContext, truth: SpectralField, strip: SamplingGrid) -> FloatArray:
    """The error (h, w) at the scene's wavelength."""
    band, known = (
        field.band(context.nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
        for field in (context.answering, truth)
    )
    difference = np.abs(band - known)
    return (
        difference / (known + metrics.MRAE_EPSILON)
        if context.view_settings.measure is ErrorMetric.RELATIVE
        else difference
    )


def _over_all(
    measure: ErrorMetric, comparison: SpectralComparison, spectra: FloatArray, known: FloatArray
) -> FloatArray:
    """The error (h, w) of spectra (L, h, w)."""
    if measure is ErrorMetric.COLOUR:
        return comparison.colour(spectra, known)
    if measure is ErrorMetric.ANGLE:
        return angles(spectra, known)
    errors = metrics.rmse if measure is ErrorMetric.RMSE else metrics.mrae
    return np.asarray(errors(spectra, known, axis=0), np.float32)


def _measured(truth: SpectralField, bands: Wavelengths, sampling: SamplingGrid) -> FloatArray:
    """The measured spectra (L, h, w), in one reading where every pixel is wanted."""
    if sampling.stride == 1:
        return truth.cube(bands, rows=sampling.rows, cols=sampling.cols).values
    window = sampling.rows, sampling.cols
    return np.stack([truth.band(nm, stride=sampling.stride, rows=window[0], cols=window[1]) for nm in bands])


def _part(sampling: SamplingGrid, rows: slice, cols: slice) -> SamplingGrid:
    """The sampling of some rows and columns of a picture."""
    parts = [
        slice(of.start + part.start * sampling.stride, min(of.start + part.stop * sampling.stride, of.stop))
        for part, of in zip((rows, cols), (sampling.rows, sampling.cols), strict=True)
    ]
    return replace(sampling, rows=parts[0], cols=parts[1])
