"""Prediction intervals as a function of colour: tables of quantiles by wavelength, saturation and brightness.

`inference.calibration` says where the quantiles come from. Files of portable fields hold the tables, and their format
fixes the numbers below; see docs/models-in-and-out.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import FloatArray

COVERAGE = 0.9  # of the intervals
SATURATION = (0.15, 0.4, 0.7)  # knots: 1 - smallest / largest channel
BRIGHTNESS = (0.03, 0.12, 0.4)  # knots: mean of the channels, relative to the white level of the photograph
GREY = 0.1  # quantiles are relative to the prediction plus this fraction of the brightness of the pixel …
DARK = 1e-4  # … plus this


@dataclass(frozen=True, eq=False)
class Intervals:
    """Limits of the prediction interval for any colour, linear between the wavelengths of the tables.

    Args:
        nm: (M,), increasing.
        low: (M, saturations, brightnesses), relative to `scale`, not positive.
        high: the same for the upper limit, not negative.
        below: (M,), not negative: by what the interval is wider below for a camera that is not known exactly.
        above: the same above it.

    Raises:
        ValueError: shapes do not match, or a number has the wrong sign or is not finite.
    """

    nm: npt.NDArray[np.float64]
    low: FloatArray
    high: FloatArray
    below: FloatArray
    above: FloatArray

    def __post_init__(self) -> None:
        table = (len(self.nm), len(SATURATION), len(BRIGHTNESS))
        shapes = [part.shape for part in (self.nm, self.low, self.high, self.below, self.above)]
        if shapes != [table[:1], table, table, table[:1], table[:1]] or not (np.diff(self.nm) > 0).all():
            raise ValueError(f"tables of intervals of shapes {shapes}; expected {table} at increasing wavelengths")
        signed = np.concatenate([-self.low.ravel(), self.high.ravel(), self.below, self.above])
        if not (np.isfinite(signed).all() and (signed >= 0).all()):
            raise ValueError("the tables of intervals contain numbers of the wrong sign, or none")

    def limits(
        self, rgb: FloatArray, spectra: FloatArray, nm: npt.NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits (N, L), not negative, that contain the predicted spectra.

        Args:
            rgb: pixels (N, 3), linear, divided by the white level.
            spectra: predictions (N, L) for these pixels, divided by the white level.
            nm: wavelengths (L,).
        """
        weights = bins(rgb)  # (N, saturations · brightnesses)
        at = np.stack([np.interp(nm, self.nm, unit) for unit in np.eye(len(self.nm))], axis=1)  # (L, M)
        limits = []
        for table, beyond in ((self.low, -self.below), (self.high, self.above)):
            relative = weights @ (at @ table.reshape(len(self.nm), -1)).T
            limits.append(np.maximum(spectra + relative * scale(rgb, spectra) + at @ beyond, 0).astype(np.float32))
        return limits[0], limits[1]

    def wider(
        self, nm: npt.NDArray[np.float64], below: npt.NDArray[np.float64], above: npt.NDArray[np.float64]
    ) -> Intervals:
        """These intervals with widths (K,) at `nm` (K,), linear in between, added on each side."""
        nodes = np.union1d(self.nm, nm)
        tables = [
            np.apply_along_axis(lambda column: np.interp(nodes, self.nm, column), 0, table).astype(np.float32)
            for table in (self.low, self.high)
        ]
        sides = [
            (np.interp(nodes, self.nm, before) + np.interp(nodes, nm, added)).astype(np.float32)
            for before, added in ((self.below, below), (self.above, above))
        ]
        return Intervals(nm=nodes, low=tables[0], high=tables[1], below=sides[0], above=sides[1])


def scale(rgb: FloatArray, spectra: FloatArray) -> FloatArray:
    """Scale (N, L) relative to which residuals of `spectra` (N, L) of pixels `rgb` (N, 3) are measured."""
    relative_to: FloatArray = spectra + GREY * rgb.mean(-1, keepdims=True) + DARK
    return relative_to


def bins(rgb: FloatArray) -> FloatArray:
    """Weight (N, S · B) of each group of saturation and brightness for pixels (N, 3); rows sum to one."""
    brightest = rgb.max(-1)
    saturation = 1 - rgb.min(-1) / np.maximum(brightest, 1e-9)
    by_saturation = _shares(saturation, SATURATION)
    by_brightness = _shares(np.log(np.maximum(rgb.mean(-1), 1e-9)), np.log(BRIGHTNESS).tolist())
    return (
        (by_saturation[:, :, None] * by_brightness[:, None, :])
        .reshape(-1, len(SATURATION) * len(BRIGHTNESS))
        .astype(np.float32)
    )


def _shares(values: npt.NDArray[np.floating], knots: Sequence[float]) -> npt.NDArray[np.float64]:
    """Weights (N, knots) of linear interpolation between knots, constant beyond them."""
    return np.stack([np.interp(values, knots, unit) for unit in np.eye(len(knots))], axis=1)
