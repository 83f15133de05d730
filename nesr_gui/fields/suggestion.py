"""Where to measure next: the spots whose readings would shrink the prediction intervals of an image most.

The width of the intervals after a reading does not depend on its values, so it is known before anything is measured.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.anchored import AnchorableField, AnchoredField, prior_of
from nesr_gui.fields.residual_prior import ResidualPosterior, ResidualPrior
from nesr_gui.spectral import FloatArray

GRID = 900  # pixels of the image on which the intervals are compared
CANDIDATES = 450  # of these, possible spots
BORDER = 2  # pixels between a spot and the border of the image


def suggest_spots(
    field: AnchorableField, count: int = 1, allowed: npt.NDArray[np.bool_] | None = None
) -> list[tuple[int, int]]:
    """The next spots to measure, the best first, as (row, col) in source pixels.

    Each is the spot whose reading shrinks the mean squared width of the intervals of the image most, given the
    readings of the field and of the spots before.

    Args:
        field: a reconstruction, with measured spectra or without.
        count: number of spots.
        allowed: pixels (H, W) of the field at which a spot may be; all by default.

    Raises:
        ValueError: the model has no prior, or no pixel is allowed.
    """
    prior = prior_of(field)
    beneath = field.field if isinstance(field, AnchoredField) else field
    height, width = field.shape
    stride = max(math.isqrt(height * width // GRID), 1)
    spectra = beneath.band_images(prior.nm, stride=stride).reshape(len(prior.nm), -1)
    rows, cols = (axis.ravel() for axis in np.mgrid[0:height:stride, 0:width:stride])
    positions = (np.stack([rows, cols]) + 0.5) / max(height, width)
    features = prior.features(spectra, positions, field.level)
    inside = (rows >= BORDER) & (rows < height - BORDER) & (cols >= BORDER) & (cols < width - BORDER)
    possible = inside if inside.any() else np.ones_like(inside)
    if allowed is not None:
        possible = possible & allowed[rows, cols]
    candidates = np.flatnonzero(possible)
    if not candidates.size:
        raise ValueError("no pixel of the image may be measured; allow some")
    candidates = candidates[:: max(-(-candidates.size // CANDIDATES), 1)]
    posterior = field.posterior if isinstance(field, AnchoredField) else None
    importance = np.square(prior.brightness(spectra, field.level))
    chosen = choose_spots(prior, posterior, features, importance, candidates, count)
    return [(int(rows[i]) * field.binning, int(cols[i]) * field.binning) for i in chosen]


def choose_spots(
    prior: ResidualPrior,
    posterior: ResidualPosterior | None,
    features: FloatArray,
    importance: FloatArray,
    candidates: npt.NDArray[np.intp],
    count: int,
) -> list[int]:
    """Pixels whose readings reduce the variance most, chosen one after another.

    Args:
        prior: the prior.
        posterior: given the readings that exist; None without any.
        features: of the pixels over which variance is summed (F, N).
        importance: weight (N,) of the variance of each pixel.
        candidates: indices of pixels that may be chosen.
        count: number of pixels to choose; at most all candidates are.
    """
    shared, importance = np.ascontiguousarray(prior.weights.T), importance.astype(np.float32)
    covariance = np.tensordot(shared, prior.kernels(features[:, candidates], features), 1)  # (M, candidates, N)
    if posterior is not None:
        known = np.tensordot(shared, prior.kernels(posterior.features, features), 1)  # (M, n, N)
        whitened = posterior.whitening @ known
        covariance -= np.swapaxes(whitened[:, :, candidates], 1, 2) @ whitened
    size = np.square(prior.curves).sum(0)  # of a curve over all wavelengths
    noise, chosen = prior.patch_noise(prior.faintness(features[:, candidates])), list[int]()
    free = np.ones(len(candidates), bool)
    for _ in range(min(count, len(candidates))):
        own = covariance[:, np.arange(len(candidates)), candidates] + noise  # (M, candidates)
        gain = (size[:, None] * (np.square(covariance) @ importance) / own).sum(0)
        best = int(np.where(free, gain, -1).argmax())
        free[best] = False
        chosen.append(int(candidates[best]))
        row = covariance[:, best].copy()  # (M, N)
        for each, part, variance in zip(covariance, row, own[:, best], strict=True):
            each -= np.multiply.outer(part[candidates] / variance, part)
    return chosen
