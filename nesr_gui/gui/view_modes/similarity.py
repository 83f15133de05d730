"""View mode of the spectral similarity to a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nesr_gui import metrics
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import (
    ModeOption,
    RenderContext,
    Requirement,
    ValueScale,
    ViewMode,
    bands_of,
    not_shared,
    spectra_in_pieces,
)
from nesr_gui.spectral import FloatArray, Wavelengths


def angles(spectra: FloatArray, to: FloatArray) -> FloatArray:
    """Return spectral angles (h, w) in degrees between spectra (L, h, w) and others (L, h, w) or (L, 1, 1)."""
    last = (np.moveaxis(part, 0, -1) for part in (spectra, to))
    return np.asarray(metrics.spectral_angle(*last), np.float32)


class Similarity(ViewMode):
    """The spectral angle between each spectrum and the reference; 0° is the same shape, at any brightness."""

    name, title = "similarity", "Similarity"
    tip = "Show the spectral angle to the active mark's spectrum, or to a fixed reference"
    needs = (Requirement.FIELD, Requirement.REFERENCE)

    def unavailable_reason(self, context: RenderContext) -> str:
        """Also refuses references outside the field's range."""
        unavailable_reason = super().unavailable_reason(context)
        return unavailable_reason or not_shared(context.field, "the reference", self._range(context))

    def caption(self, context: RenderContext) -> str:
        """Return the name of the reference."""
        return f"Similarity to {context.reference_name}" if context.reference else self.title

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """Field and reference."""
        return context.field, context.reference

    def bands(self, context: RenderContext) -> int:
        """The bands of the common range."""
        return len(self._bands(context))

    def scale(self, context: RenderContext) -> ValueScale:
        """The spectral angle in degrees."""
        return ValueScale("similarity", "spectral angle", "°", (0.0, 20.0), "viridis reversed")

    def options(self, context: RenderContext) -> Sequence[ModeOption]:
        """Choices to follow the active mark or to keep the present reference."""
        follows = context.view_settings.reference is None
        choices = [ModeOption("To the active mark", replace(context.view_settings, reference=None), follows)]
        if context.reference is not None:
            fixed = replace(context.reference, name=context.reference_name)
            text = f"{'Keep' if follows else 'To'} {context.reference_name}"
            choices.append(ModeOption(text, replace(context.view_settings, reference=fixed), not follows))
        return choices

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        """Compute spectral angles (h, w) in degrees."""
        assert context.reference is not None
        bands = self._bands(context)
        nm = context.reference.wavelengths.nm
        reference = np.interp(bands.nm, nm, context.reference.values).astype(np.float32)[:, None, None]  # (L, 1, 1)
        return spectra_in_pieces(
            context.answering, bands, sampling, progress, lambda spectra, rows, cols: angles(spectra, reference)
        )

    def _bands(self, context: RenderContext) -> Wavelengths:
        return bands_of(context.answering, within=self._range(context))

    def _range(self, context: RenderContext) -> tuple[float, float]:
        assert context.reference is not None
        nm = context.reference.wavelengths.nm
        return float(nm[0]), float(nm[-1])
