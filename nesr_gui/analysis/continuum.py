"""Continuum removal: spectra divided by their upper convex hull, which leaves the depths of absorption bands."""

from __future__ import annotations

import math

import numpy as np

from nesr_gui.analysis.pixelwise import Layer
from nesr_gui.spectral import FloatArray, Wavelengths


def continuum(spectra: FloatArray, wavelengths: Wavelengths) -> FloatArray:
    """Upper convex hull (L, …) of spectra (L, …) over their wavelengths: straight lines between points of contact.

    Each line goes from one point of contact to the later point that it is steepest towards, for all spectra at once.
    A spectrum that is not finite has no hull (NaN). Source: Clark and Roush 1984, doi 10.1029/JB089iB07p06329.
    """
    nm = wavelengths.nm
    flat = spectra.reshape(len(nm), -1)
    values = np.ascontiguousarray(flat.T, np.float64)  # (n, L)
    hull = np.full(values.shape, np.nan)
    pending = np.flatnonzero(np.isfinite(values).all(axis=1))
    hull[pending] = values[pending]
    at = np.zeros(pending.size, np.int64)
    position = np.arange(len(nm))
    while pending.size:
        here = values[pending, at]
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes = (values[pending] - here[:, None]) / (nm - nm[at][:, None])
        slopes[position <= at[:, None]] = -math.inf
        steepest = slopes.max(axis=1)
        goal = slopes.argmax(axis=1)
        line = here[:, None] + steepest[:, None] * (nm - nm[at][:, None])
        between = (position > at[:, None]) & (position < goal[:, None])
        rows, bands = np.nonzero(between)
        hull[pending[rows], bands] = line[rows, bands]
        goes_on = goal < len(nm) - 1
        pending, at = pending[goes_on], goal[goes_on]
    return np.ascontiguousarray(hull.T, np.float32).reshape(spectra.shape)


def remove_continuum(spectra: FloatArray, wavelengths: Wavelengths) -> FloatArray:
    """Spectra (L, …) divided by their continuum: 1 at the points of contact, below 1 in absorption bands.

    NaN where the continuum is not positive.
    """
    hull = continuum(spectra, wavelengths)
    ratio = np.full(spectra.shape, np.nan, np.float32)
    np.divide(spectra, hull, out=ratio, where=hull > 0)
    return ratio


class AbsorptionDepth:
    """Depth and position of the deepest absorption band, as a `PixelAnalysis`.

    Args:
        wavelengths: over which the continuum is drawn.
        difference: the difference of depth asked about; None for the contrast of the map.

    Raises:
        ValueError: there are fewer than three wavelengths.
    """

    def __init__(self, wavelengths: Wavelengths, difference: float | None = None) -> None:
        if len(wavelengths) < 3:
            raise ValueError(f"{len(wavelengths)} wavelengths have no absorption band; choose at least three")
        self.wavelengths = wavelengths
        self.layers = (Layer("depth", difference=difference), Layer("position", "nm", math.inf))

    def values(self, spectra: FloatArray) -> FloatArray:
        """Depth (1 - spectrum / continuum) and its wavelength in nm, (2, …), of spectra (L, …)."""
        ratio = remove_continuum(spectra, self.wavelengths)
        valid = np.isfinite(ratio).all(axis=0)
        deepest = np.where(valid, ratio, np.float32(1)).argmin(axis=0)
        depth = 1 - np.take_along_axis(ratio, deepest[None], axis=0)[0]
        found = np.stack([depth, self.wavelengths.nm[deepest].astype(np.float32)])
        return np.where(valid, found, np.float32(np.nan)).astype(np.float32)

    def describe(self) -> dict[str, str]:
        """See `PixelAnalysis.describe`."""
        return {"analysis": f"depth of the deepest absorption band below the convex hull at {self.wavelengths}"}
