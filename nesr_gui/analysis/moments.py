"""Mean and covariance of spectra that arrive piece by piece."""

from __future__ import annotations

import numpy as np

from nesr_gui.analysis.pixelwise import Doubles
from nesr_gui.spectral import FloatArray


class Moments:
    """Running mean and covariance of vectors of length `size`, summed in float64.

    Offsets from the first vectors are summed, so that large values with small differences keep their digits.
    """

    def __init__(self, size: int) -> None:
        self.count = 0
        self._origin: Doubles | None = None
        self._sum, self._products = np.zeros(size), np.zeros((size, size))

    def add(self, spectra: FloatArray) -> None:
        """Add finite spectra (L, n)."""
        if not spectra.shape[1]:
            return
        if self._origin is None:
            self._origin = spectra.mean(axis=1, dtype=np.float64)
        offsets = spectra - self._origin[:, None]  # float64
        self._sum += offsets.sum(axis=1)
        self._products += offsets @ offsets.T
        self.count += spectra.shape[1]

    @property
    def mean(self) -> Doubles:
        """Mean (L,).

        Raises:
            ValueError: nothing was added.
        """
        if self._origin is None:
            raise ValueError("no pixel has a value at all wavelengths; choose another region or range")
        return np.asarray(self._origin + self._sum / self.count)

    def covariance(self) -> Doubles:
        """Sample covariance (L, L), divided by the number of vectors less one.

        Raises:
            ValueError: fewer than two vectors were added.
        """
        if self.count < 2:
            raise ValueError(f"{self.count} pixels have a value at all wavelengths; at least two are required")
        mean = self._sum / self.count
        return np.asarray((self._products - self.count * np.outer(mean, mean)) / (self.count - 1))
