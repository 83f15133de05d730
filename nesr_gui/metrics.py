"""Error metrics of spectral reconstruction: pure functions shared by training, evaluation and reports.

Each function takes a `prediction` and a `truth` of equal shape, both torch tensors or both numpy arrays, in relative
reflectance with a data range of 1. It averages over all elements, or over one `axis` for an error map; a value that is
NaN makes its mean NaN. Cropping, masking and excluding colour charts is up to the caller, and must be stated with the
result.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

MRAE_EPSILON = 1e-3  # equation (6): avoids division by zero where the truth is zero


def mrae(prediction: Any, truth: Any, epsilon: float = MRAE_EPSILON, axis: int | None = None) -> Any:
    """Mean relative absolute error, mean(|y - t| / (t + epsilon)); equation (6) of the paper.

    Where noise makes a measured t negative, the error is relative to that of t = 0.

    Raises:
        ValueError: the shapes differ.

    Examples:
        >>> truth = np.array([0.25, 0.5])
        >>> round(float(mrae(truth * 1.1, truth)), 4)
        0.0997
    """
    return (abs(_difference(prediction, truth)) / (truth.clip(min=0) + epsilon)).mean(axis)


def rmse(prediction: Any, truth: Any, axis: int | None = None) -> Any:
    """Root mean square error.

    Raises:
        ValueError: the shapes differ.

    Examples:
        >>> float(rmse(np.array([0.0, 1.0]), np.array([0.0, 0.5]), axis=0).round(4))
        0.3536
    """
    return (_difference(prediction, truth) ** 2).mean(axis) ** 0.5


def psnr(prediction: Any, truth: Any) -> float:
    """Peak signal-to-noise ratio in dB for a data range of 1; infinite if prediction and truth are equal.

    Raises:
        ValueError: the shapes differ.

    Examples:
        >>> round(psnr(np.array([0.1, 0.2]), np.array([0.2, 0.3])), 2)
        20.0
    """
    mean_square = float((_difference(prediction, truth) ** 2).mean())
    return math.inf if mean_square == 0 else -10 * math.log10(mean_square)


def spectral_angle(prediction: Any, truth: Any) -> Any:
    """Angle in degrees between spectra on the last axis, one per spectrum; 90 if either spectrum is zero.

    One spectrum (L,) may be compared with many (..., L).

    Examples:
        >>> spectral_angle(np.array([[1.0, 0.0], [2.0, 2.0]]), np.array([[1.0, 1.0], [1.0, 1.0]])).round(2).tolist()
        [45.0, 0.0]
    """
    dot = (prediction * truth).sum(-1)
    norms = (prediction**2).sum(-1) ** 0.5 * (truth**2).sum(-1) ** 0.5
    cosine = (dot / norms.clip(min=1e-30)).clip(-1, 1)  # radiances of 1e-7 have products of norms of 1e-14
    is_numpy = isinstance(cosine, np.ndarray | np.generic)  # the cosine of two single spectra is no array
    return np.degrees(np.arccos(cosine)) if is_numpy else cosine.arccos().rad2deg()


def _difference(prediction: Any, truth: Any) -> Any:
    """`prediction` - `truth`, of equal shape: broadcasting would average over pairs that do not belong together."""
    if prediction.shape != truth.shape:
        raise ValueError(
            f"a prediction of shape {tuple(prediction.shape)} and a truth of shape {tuple(truth.shape)}; expected "
            "equal shapes"
        )
    return prediction - truth
