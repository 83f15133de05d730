"""Continuum removal: spectra divided by their upper convex hull, which leaves the depths of absorption bands."""

from __future__ import annotations

import math

import numpy as np

from nesr_gui.analysis.pixelwise import Layer
from nesr_gui.spectral import FloatArray, Wavelengths

LEAST_DEPTH = 1e-6  # of a band: less is the rounding of float32


def continuum(spectra: FloatArray, wavelengths: Wavelengths) -> FloatArray:
    """Upper convex hull (L, …) of spectra (L, …) over their wavelengths: straight lines between points of contact.

    Each line goes from one point of contact to the later point that it is steepest towards, for all spectra at once.
    A spectrum that is not finite has no hull (NaN). Source: Clark and Roush 1984, doi 10.1029/JB089iB07p06329.
    """
    if spectra.ndim == 1:
        return _hull_of_one(spectra, wavelengths)
    nm = wavelengths.nm
    flat = spectra.reshape(len(nm), -1)
    values = np.ascontiguousarray(flat.T, np.float64)  # (n, L)
    hull = np.full(values.shape, np.nan)
    pending = np.flatnonzero(np.isfinite(values).all(axis=1))
    hull[pending] = values[pending]
    at = np.zeros(pending.size, np.int64)
    position = np.arange(len(nm))
    while pending.size and len(nm) > 1:
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


def _hull_of_one(spectrum: FloatArray, wavelengths: Wavelengths) -> FloatArray:
    """Hull (L,) of a single spectrum by a monotone chain (Andrew 1979), .2 ms for 300 wavelengths.

    All spectra at once take a step per point of contact, of which a smooth spectrum has hundreds.
    """
    if not np.isfinite(spectrum).all():
        return np.full(spectrum.shape, np.nan, np.float32)
    nm, values, contacts = wavelengths.nm.tolist(), spectrum.tolist(), list[int]()
    for at, (x, y) in enumerate(zip(nm, values, strict=True)):
        while len(contacts) > 1:
            first, middle = contacts[-2:]
            if (values[middle] - values[first]) * (x - nm[first]) > (y - values[first]) * (nm[middle] - nm[first]):
                break  # the middle one is above the line between its neighbours
            contacts.pop()
        contacts.append(at)
    hull = np.interp(wavelengths.nm, wavelengths.nm[contacts], spectrum[contacts].astype(np.float64))
    return hull.astype(np.float32)


def remove_continuum(spectra: FloatArray, wavelengths: Wavelengths) -> FloatArray:
    """Spectra (L, …) divided by their continuum: 1 at the points of contact, below 1 in absorption bands.

    NaN where the continuum is not positive.
    """
    hull = continuum(spectra, wavelengths)
    ratio = np.full(spectra.shape, np.nan, np.float32)
    np.divide(spectra, hull, out=ratio, where=hull > 0)
    return ratio


def deepest_band(ratio: FloatArray, wavelengths: Wavelengths) -> FloatArray:
    """Depth, position and width (3, …) of the deepest absorption band of spectra (L, …) without their continuum.

    The depth is 1 - spectrum / continuum at the deepest wavelength, which is the position in nm. The width in nm is the
    full width at half the depth, linear between the wavelengths. A spectrum without a band, whose depth is less than
    `LEAST_DEPTH`, has neither position nor width (NaN); one with NaN has none of them.
    """
    nm, flat = wavelengths.nm, ratio.reshape(len(wavelengths), -1).astype(np.float64)  # (L, n)
    valid = np.isfinite(flat).all(axis=0)
    flat = np.where(valid, flat, 1.0)
    at, pixels, index = flat.argmin(axis=0), np.arange(flat.shape[1]), np.arange(len(nm))[:, None]
    depth = 1 - flat[at, pixels]
    level = 1 - depth / 2
    above = flat >= level
    left = np.where(above & (index < at), index, 0).max(axis=0)  # the nearest wavelengths above the level
    right = np.where(above & (index > at), index, len(nm) - 1).min(axis=0)
    edges = []
    for outer, inner in ((left, np.minimum(left + 1, at)), (right, np.maximum(right - 1, at))):
        outside, inside = flat[outer, pixels], flat[inner, pixels]
        share = np.divide(outside - level, outside - inside, out=np.zeros_like(level), where=outside > inside)
        edges.append(nm[outer] + share * (nm[inner] - nm[outer]))
    found = np.stack([depth, nm[at], edges[1] - edges[0]])
    found[1:, depth < LEAST_DEPTH] = np.nan
    return np.where(valid, found, np.nan).astype(np.float32).reshape(3, *ratio.shape[1:])


class AbsorptionDepth:
    """Depth, position and width of the deepest absorption band, as a `PixelAnalysis`.

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
        self.layers = (
            Layer("depth", difference=difference), Layer("position", "nm", math.inf), Layer("width", "nm", math.inf),
        )  # fmt: skip

    def values(self, spectra: FloatArray) -> FloatArray:
        """Depth, position and width (3, …), see `deepest_band`, of spectra (L, …)."""
        return deepest_band(remove_continuum(spectra, self.wavelengths), self.wavelengths)

    def describe(self) -> dict[str, str]:
        """See `PixelAnalysis.describe`."""
        return {"analysis": f"depth of the deepest absorption band below the convex hull at {self.wavelengths}"}
