"""A view mode of nesr_gui: the wavelength at which each pixel reflects most."""

from __future__ import annotations

import numpy as np

from nesr_gui.gui.view_modes.base import ValueScale, ViewMode, bands_of, spectra_in_pieces


class PeakWavelength(ViewMode):
    """The wavelength in nm of the maximum of each spectrum, refined by a parabola through its neighbours."""

    name, title = "peak_wavelength", "Peak wavelength"
    tip = "Show at which wavelength each pixel reflects most"

    def caption(self, context):
        """What the image shows."""
        return "wavelength of the greatest value"

    def cache_key(self, context):
        """It depends on the field only, not on the selected wavelength."""
        return (context.field,)

    def bands(self, context):
        """All wavelengths are needed."""
        return len(bands_of(context.answering))

    def scale(self, context):
        """Wavelengths in nm over the range of the field."""
        return ValueScale("peak_wavelength", "peak wavelength", " nm", context.answering.wavelength_range, "turbo")

    def render(self, context, sampling, progress):
        """Peak wavelengths (h, w) float32."""
        bands = bands_of(context.answering)

        def peak(spectra, rows, cols):
            return refined_peak(bands.nm, spectra)

        return spectra_in_pieces(context.answering, bands, sampling, progress, peak)


def refined_peak(nm, spectra):
    """Wavelengths (h, w) float32 of the maxima of spectra (L, h, w) at evenly spaced `nm` (L,)."""
    if len(nm) < 3:
        return nm[spectra.argmax(axis=0)].astype(np.float32)
    at = np.clip(np.nan_to_num(spectra, nan=-np.inf).argmax(axis=0), 1, len(nm) - 2)[None]
    below, middle, above = (np.take_along_axis(spectra, at + step, axis=0)[0] for step in (-1, 0, 1))
    curvature = below - 2 * middle + above
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(curvature < 0, 0.5 * (below - above) / curvature, np.sign(above - below))
    return (nm[at[0]] + np.clip(shift, -1, 1) * (nm[1] - nm[0])).astype(np.float32)
