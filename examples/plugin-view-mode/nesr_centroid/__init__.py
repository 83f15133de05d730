"""A view mode of nesr_gui: the mean wavelength of each spectrum, weighted with its values."""

from __future__ import annotations

import numpy as np

from nesr_gui.gui.view_modes.base import ValueScale, ViewMode, bands_of, spectra_in_pieces


class MeanWavelength(ViewMode):
    """The centroid of each spectrum in nm: short for bluish pixels, long for reddish ones, the middle for grey."""

    name, title = "mean_wavelength", "Mean wavelength"
    tip = "Show the mean wavelength of each spectrum, weighted with its values"

    def caption(self, context):
        """What the image shows."""
        return "mean wavelength, nm"

    def cache_key(self, context):
        """It depends on the field only, not on the selected wavelength."""
        return (context.field,)

    def bands(self, context):
        """All wavelengths are needed."""
        return len(bands_of(context.answering))

    def scale(self, context):
        """The middle half of the range of the field, in nm."""
        low, high = context.answering.wavelength_range
        quarter = (high - low) / 4
        return ValueScale("mean_wavelength", "mean wavelength, nm", "", (low + quarter, high - quarter), "turbo")

    def render(self, context, sampling, progress):
        """Mean wavelengths (h, w) float32."""
        bands = bands_of(context.answering)

        def reduce(spectra, rows, cols):
            return centroid(bands.nm, spectra)

        return spectra_in_pieces(context.answering, bands, sampling, progress, reduce)


def centroid(nm, spectra):
    """Mean wavelengths (h, w) float32 of spectra (L, h, w) at evenly spaced `nm` (L,); NaN for black pixels."""
    values = np.maximum(spectra, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.tensordot(nm, values, axes=1) / values.sum(axis=0)).astype(np.float32)
