"""Prediction intervals, calibrated on the residuals of a model on scenes held out from training.

Three numbers do not determine a spectrum, and no formula gives the uncertainty, but held-out scenes do. Their
residuals, relative to the prediction and the brightness of the pixel, are grouped by wavelength, saturation and
brightness; the quantiles of each group are the interval. The coverage is pointwise and empirical: it is not guaranteed
for scenes that differ from the calibration scenes.
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
GREY = 0.1  # residuals are relative to the prediction plus this fraction of the brightness of the pixel


@dataclass(frozen=True, eq=False)
class IntervalCalibration:
    """Quantiles of relative residuals, interpolated linearly, and the training colours.

    Attributes:
        nm: (L,), wavelengths of the quantiles.
        low: (L, saturations, brightnesses), lower quantiles.
        high: (L, saturations, brightnesses), upper quantiles.
        seen: (C, C), True for chromaticities covered by the training data, see `chromaticity_cells`.
        constant: (), half-width of the constant interval with the same coverage, for comparison.
    """

    nm: npt.NDArray[np.float64]
    low: FloatArray
    high: FloatArray
    seen: npt.NDArray[np.bool_]
    constant: FloatArray

    def prediction_interval(
        self, rgb: FloatArray, spectra: FloatArray, nm: npt.NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits (N, L), not negative, that contain the predicted spectra.

        Args:
            rgb: pixels (N, 3), linear, divided by the white level.
            spectra: predictions (N, L) for these pixels, divided by the white level.
            nm: wavelengths (L,).
        """
        weights = bins(rgb)  # (N, saturations · brightnesses)
        interpolation = np.stack([np.interp(nm, self.nm, unit) for unit in np.eye(len(self.nm))], axis=1)  # (L, bands)
        limits = []
        for table in (np.minimum(self.low, 0), np.maximum(self.high, 0)):
            relative = weights @ (interpolation @ table.reshape(len(self.nm), -1)).T
            limits.append(np.maximum(spectra + relative * scale(rgb, spectra), 0).astype(np.float32))
        return limits[0], limits[1]

    def is_unfamiliar(self, rgb: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether the chromaticity of colours (..., 3) was absent from training; False for black, which has none."""
        row, col = chromaticity_cells(rgb, len(self.seen))
        return ~self.seen[row, col] & (rgb.max(-1) > 0)


def chromaticity_cells(rgb: FloatArray, cells: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Row and column of colours (..., 3) in a grid of `cells` × `cells` over r = R / (R + G + B) and g, both [0, 1]."""
    shares = rgb[..., :2] / np.maximum(rgb.sum(-1, keepdims=True), 1e-9)
    places = np.minimum(shares * cells, cells - 1).astype(np.intp)
    return places[..., 0], places[..., 1]


def scale(rgb: FloatArray, spectra: FloatArray) -> FloatArray:
    """Scale (N, L) relative to which residuals of `spectra` (N, L) of pixels `rgb` (N, 3) are measured."""
    relative_to: FloatArray = spectra + GREY * rgb.mean(-1, keepdims=True) + 1e-4
    return relative_to


def bins(rgb: FloatArray) -> FloatArray:
    """Weight (N, S · B) of each group of saturation and brightness for pixels (N, 3); rows sum to one."""
    brightest = rgb.max(-1)
    saturation = 1 - rgb.min(-1) / np.maximum(brightest, 1e-9)
    by_saturation = _shares(saturation, SATURATION)
    by_brightness = _shares(np.log(np.maximum(rgb.mean(-1), 1e-9)), np.log(BRIGHTNESS).tolist())
    return (by_saturation[:, :, None] * by_brightness[:, None, :]).reshape(len(rgb), -1).astype(np.float32)


def _shares(values: npt.NDArray[np.floating], knots: Sequence[float]) -> npt.NDArray[np.float64]:
    """Weights (N, knots) of linear interpolation between knots, constant beyond them."""
    return np.stack([np.interp(values, knots, unit) for unit in np.eye(len(knots))], axis=1)
