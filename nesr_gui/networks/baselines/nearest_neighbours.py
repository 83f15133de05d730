"""Spectra by example: the mean of the known spectra whose colours are nearest."""

from __future__ import annotations

import numpy as np

from nesr_gui.spectral import FloatArray


class ChromaticityNeighbours:
    """Mean of the 16 nearest spectra in chromaticity (r, g), each scaled to the pixel's R + G + B.

    Args:
        rgb: known colours (N, 3), linear sRGB; those darker than `darkest` in sum are noise and left out.
        spectra: their spectra (N, L).
    """

    def __init__(self, rgb: FloatArray, spectra: FloatArray, count: int = 16, darkest: float = 0.02) -> None:
        from sklearn.neighbors import NearestNeighbors

        kept = rgb.sum(1) > darkest
        total = rgb[kept].sum(1, keepdims=True)
        self._shapes = (spectra[kept] / total).astype(np.float32)
        self._search = NearestNeighbors(n_neighbors=min(count, len(total)), algorithm="kd_tree")
        self._search.fit(rgb[kept][:, :2] / total)

    def __call__(self, rgb: FloatArray) -> FloatArray:
        """Linear sRGB (..., 3) to spectra (..., L)."""
        flat = rgb.reshape(-1, 3)
        total = flat.sum(1, keepdims=True)
        chromaticity, inverse = np.unique(flat[:, :2] / np.maximum(total, 1e-6), axis=0, return_inverse=True)
        nearest = self._search.kneighbors(chromaticity, return_distance=False)
        shapes = self._shapes[nearest].mean(1)
        return (shapes[inverse.ravel()] * total).reshape(*rgb.shape[:-1], -1)
