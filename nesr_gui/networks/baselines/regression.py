"""Spectra by least squares from a pixel's colour: what any learned method must beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import FloatArray

RIDGE = 1e-6  # of the mean square of the terms; only keeps the normal equations solvable

Terms = Callable[[FloatArray], FloatArray]


def linear_terms(rgb: FloatArray) -> FloatArray:
    """R, G, B of linear sRGB (..., 3)."""
    return rgb


def root_polynomial_terms(rgb: FloatArray) -> FloatArray:
    """R, G, B, √RG, √GB, √BR of linear sRGB (..., 3): all scale with exposure (Finlayson et al. 2015)."""
    return np.concatenate([rgb, np.sqrt(rgb * np.roll(rgb, -1, axis=-1))], axis=-1)


@dataclass(frozen=True, eq=False)
class Regression:
    """Linear map from terms of a colour to a spectrum."""

    terms: Terms
    weights: npt.NDArray[np.float64]  # (terms, L)

    @classmethod
    def fitted(cls, terms: Terms, rgb: FloatArray, spectra: FloatArray) -> Regression:
        """Least squares over colours (N, 3) and their spectra (N, L)."""
        x = terms(rgb).astype(np.float64)
        normal = x.T @ x
        ridge = RIDGE * np.trace(normal) / len(normal) * np.eye(len(normal))
        return cls(terms, np.linalg.solve(normal + ridge, x.T @ spectra.astype(np.float64)))

    def __call__(self, rgb: FloatArray) -> FloatArray:
        """Linear sRGB (..., 3) to spectra (..., L), not below zero."""
        return np.maximum(self.terms(rgb) @ self.weights, 0).astype(np.float32)
