"""When a map of a reconstruction says nothing: the one definition for all analyses.

The prediction interval of a spectrum is a band around it. An analysis is evaluated on the spectrum and on spectra that
deviate from it within the band: by a share of its half-width, in every pattern of `PATTERNS`, which are constant or
vary over the wavelengths with periods of at least `SHORTEST` nm, as the errors of reconstructions do. The interval of
the analysis is the range of these values. A layer of it abstains where that range is wider than the difference asked
about (`Layer.difference`). A class or a truth value abstains, with all layers, where any of these spectra belongs to
another class.
docs/analysis.md states how often the intervals contain the true values of held-out scenes.

Measured fields have no interval, and nothing to abstain from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from nesr_gui.analysis.pixelwise import Bools, LinearAnalysis, PixelAnalysis
from nesr_gui.spectral import FloatArray, Wavelengths

PERIODS = (600.0, 300.0, 200.0, 150.0, 120.0)  # nm
SHORTEST = PERIODS[-1]
_FEATURES = 96  # linear functions that are computed at once


def patterns(wavelengths: Wavelengths) -> FloatArray:
    """Deviations (K, L) in half-widths of the interval, each within [-1, 1]."""
    nm = wavelengths.nm
    shapes = [np.ones(nm.size)]
    for period in PERIODS:
        shapes += [np.cos(2 * np.pi * nm / period), np.sin(2 * np.pi * nm / period)]
    return np.array([sign * shape for shape in shapes for sign in (1, -1)], np.float32)


def iter_deviations(
    wavelengths: Wavelengths, spectra: FloatArray, lower: FloatArray, upper: FloatArray
) -> Iterator[FloatArray]:
    """Yield spectra (L, …) between the limits `lower` and `upper` (L, …) around `spectra`, one per pattern."""
    above, below = upper - spectra, spectra - lower
    for pattern in patterns(wavelengths).reshape(-1, len(wavelengths), *(1,) * (spectra.ndim - 1)):
        yield spectra + np.maximum(pattern, 0) * above + np.minimum(pattern, 0) * below


def value_range(
    analysis: PixelAnalysis, values: FloatArray, spectra: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest value (C, …) of an analysis for spectra within their prediction interval.

    Args:
        analysis: what is computed.
        values: its values (C, …) for `spectra`.
        spectra: (L, …) at the wavelengths of the analysis.
        lower: lower limits (L, …) of the prediction interval.
        upper: upper limits (L, …).
    """
    low, high = values.copy(), values.copy()
    for other in _iter_values(analysis, spectra, lower, upper):
        np.minimum(low, other, out=low)
        np.maximum(high, other, out=high)
    return low, high


def _iter_values(
    analysis: PixelAnalysis, spectra: FloatArray, lower: FloatArray, upper: FloatArray
) -> Iterator[FloatArray]:
    """Yield the values (C, …) of an analysis for the spectra of `iter_deviations`."""
    if not isinstance(analysis, LinearAnalysis):
        yield from map(analysis.values, iter_deviations(analysis.wavelengths, spectra, lower, upper))
        return
    weights, pixels = analysis.weights, spectra.shape[1:]
    flat, above, below = (
        part.reshape(len(spectra), -1).astype(np.float64) for part in (spectra, upper - spectra, spectra - lower)
    )
    features, shapes = weights @ flat, patterns(analysis.wavelengths)
    for group in np.array_split(shapes, math.ceil(len(shapes) * len(weights) / _FEATURES)):
        up, down = (
            (weights * part[:, None]).reshape(-1, len(spectra)) for part in (group.clip(0), group.clip(None, 0))
        )
        deviations = (up @ above + down @ below).reshape(len(group), *features.shape)
        for deviation in deviations:
            yield analysis.values_of((features + deviation).reshape(-1, *pixels))


def abstains(widths: Sequence[FloatArray | None], differences: Sequence[float], layer: int) -> Bools:
    """Where (…) a layer of a map abstains: where its interval is wider than the difference, or undefined.

    Where a class abstains, whose difference is 0, all layers do.

    Args:
        widths: widths (…) of the intervals of all layers; None for one of any width.
        differences: the difference asked about, for each layer.
        layer: the number of the layer.
    """
    deciding = [at for at, difference in enumerate(differences) if difference == 0 or at == layer]
    uncertain: Bools | None = None
    for at in deciding:
        width = widths[at]
        if width is not None:
            wider = ~(width <= np.float32(differences[at]))
            uncertain = wider if uncertain is None else uncertain | wider
    if uncertain is None:
        shape = next(width.shape for width in widths if width is not None)
        uncertain = np.zeros(shape, bool)
    return np.asarray(uncertain)
