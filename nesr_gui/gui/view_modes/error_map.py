"""View mode of the error against the measured cube."""

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
    ErrorMetric.RELATIVE: "At the wavelength: |difference| relative to the measured value",
    ErrorMetric.RMSE: "Over all wavelengths: RMSE",
    ErrorMetric.MRAE: "Over all wavelengths: MRAE",
    ErrorMetric.ANGLE: "Over all wavelengths: spectral angle",
    ErrorMetric.COLOUR: "Over all wavelengths: ΔE2000 in daylight",
}
AT_WAVELENGTH = (ErrorMetric.DIFFERENCE, ErrorMetric.RELATIVE)


class TruthError(ViewMode):
    """The error against the measured cube, at the wavelength or over the common range of both (every 10 nm)."""

    name, title, tip = "truth_error", "Error", "Show the error against the measured cube"
    needs = (Requirement.FIELD, Requirement.TRUTH)

    def unavailable_reason(self, context: RenderContext) -> str:
        """Also refuses wavelengths and colours that the measured cube does not cover."""
        unavailable_reason = super().unavailable_reason(context)
        if unavailable_reason or context.truth is None:
            return unavailable_reason
        low, high = context.truth.wavelength_range
        if context.view_settings.measure in AT_WAVELENGTH and not low <= context.nm <= high:
            return f"at this wavelength is not available: the measured cube covers {low:g}-{high:g} nm"
        unavailable_reason = not_shared(context.field, "the measured cube", (low, high))
        if (
            not unavailable_reason
            and context.view_settings.measure is ErrorMetric.COLOUR
            and not self._comparison(context).has_colour
        ):
            return f"in colour is not available: the measured cube covers {low:g}-{high:g} nm, too little for colours"
        return unavailable_reason

    def caption(self, context: RenderContext) -> str:
        """Return the metric, and the wavelength if it is at one."""
        at = f" at {context.nm:.1f} nm" if context.view_settings.measure in AT_WAVELENGTH else ""
        return f"{SCALES[context.view_settings.measure].quantity}{at}, error against the measured cube"

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """Field, measured cube and metric, and the wavelength if the metric is at one."""
        measure = context.view_settings.measure
        return context.field, context.truth, measure, context.nm if measure in AT_WAVELENGTH else None

    def bands(self, context: RenderContext) -> int:
        """Bands of the field and of the measured cube."""
        return 2 if context.view_settings.measure in AT_WAVELENGTH else 2 * len(self._bands(context))

    def scale(self, context: RenderContext) -> ValueScale:
        """The scale of the metric, from `SCALES`."""
        return SCALES[context.view_settings.measure]

    def options(self, context: RenderContext) -> Sequence[ModeOption]:
        """One choice per metric."""
        present = context.view_settings.measure
        return [
            ModeOption(TEXTS[one], replace(context.view_settings, measure=one), one is present) for one in ErrorMetric
        ]

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        """Compute the error (h, w)."""
        assert context.truth is not None
        truth = binned_field(context.truth, sampling.binning)
        if context.view_settings.measure in AT_WAVELENGTH:
            return in_strips(sampling, progress, lambda strip: _at_wavelength(context, truth, strip))
        comparison, measure = self._comparison(context), context.view_settings.measure

        def compare(spectra: FloatArray, rows: slice, cols: slice) -> FloatArray:
            measured = _measured(truth, comparison.bands, _part(sampling, rows, cols))
            return _over_all(measure, comparison, spectra, measured)

        return spectra_in_pieces(context.answering, comparison.bands, sampling, progress, compare)

    def _bands(self, context: RenderContext) -> Wavelengths:
        assert context.truth is not None
        return bands_of(context.answering, within=context.truth.wavelength_range)

    def _comparison(self, context: RenderContext) -> SpectralComparison:
        assert context.truth is not None
        return SpectralComparison(self._bands(context), context.answering.quantity, context.truth.quantity)


def _at_wavelength(context: RenderContext, truth: SpectralField, strip: SamplingGrid) -> FloatArray:
    """Return the error (h, w) at the selected wavelength."""
    band, measured = (
        field.band(context.nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
        for field in (context.answering, truth)
    )
    return (
        metrics.mrae(band[None], measured[None], axis=0)
        if context.view_settings.measure is ErrorMetric.RELATIVE
        else np.abs(band - measured)
    )


def _over_all(
    measure: ErrorMetric, comparison: SpectralComparison, spectra: FloatArray, measured: FloatArray
) -> FloatArray:
    """Return the error (h, w) of spectra (L, h, w) against measured ones of the same shape."""
    if measure is ErrorMetric.COLOUR:
        return comparison.colour(spectra, measured)
    if measure is ErrorMetric.ANGLE:
        return angles(spectra, measured)
    errors = metrics.rmse if measure is ErrorMetric.RMSE else metrics.mrae
    return np.asarray(errors(spectra, measured, axis=0), np.float32)


def _measured(truth: SpectralField, bands: Wavelengths, sampling: SamplingGrid) -> FloatArray:
    """Return the measured spectra (L, h, w), as one cube if every pixel is sampled."""
    if sampling.stride == 1:
        return truth.cube(bands, rows=sampling.rows, cols=sampling.cols).values
    window = sampling.rows, sampling.cols
    return np.stack([truth.band(nm, stride=sampling.stride, rows=window[0], cols=window[1]) for nm in bands])


def _part(sampling: SamplingGrid, rows: slice, cols: slice) -> SamplingGrid:
    """Return the sampling of some rows and columns of the image."""
    parts = [
        slice(of.start + part.start * sampling.stride, min(of.start + part.stop * sampling.stride, of.stop))
        for part, of in zip((rows, cols), (sampling.rows, sampling.cols), strict=True)
    ]
    return replace(sampling, rows=parts[0], cols=parts[1])
