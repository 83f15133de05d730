"""White balance: gains from a grey point, and a matrix from the temperature and tint of a light."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.io.interpretation import DAYLIGHT
from nesr_gui.spectral import FloatArray

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear sRGB, IEC 61966-2-1
DARKEST = 1e-3  # linear light below which a grey point says nothing of the light
STRONGEST = 20.0  # a gain beyond is of a colour, not of a grey


def grey_gains(light: FloatArray) -> npt.NDArray[np.float64] | None:
    """Gains (3,) that make the mean of light (h, w, 3) grey, its luminance kept; None where it is no grey at all."""
    mean = light.reshape(-1, 3).mean(axis=0).astype(np.float64)
    if mean.min() < DARKEST or mean.max() / mean.min() > STRONGEST:
        return None
    gains: npt.NDArray[np.float64] = (LUMINANCE @ mean) / mean
    return gains


def balance_matrix(kelvin: float, tint: float) -> npt.NDArray[np.float64]:
    """(3, 3) on linear sRGB that makes white what is white in a light of `kelvin`, `tint`; 6504 K, 0 is the identity.

    The Bradford transform of the light's white to that of daylight, as cameras and CIE 15 do it.
    """
    to_rgb = cie.xyz_to_linear_srgb()
    adapted = cie.adaptation(_white(kelvin, tint), _white(DAYLIGHT, 0))
    matrix: npt.NDArray[np.float64] = to_rgb @ adapted @ np.linalg.inv(to_rgb)
    return matrix


def _white(kelvin: float, tint: float) -> npt.NDArray[np.float64]:
    """XYZ, Y = 1, of a light: on the blackbody locus (Krystek 1985), moved by daylight's and the tint's Duv.

    `tint` counts thousandths of Duv in the CIE 1960 diagram along the isotherm; daylight stands at Duv = 0.0032.
    """
    u, v = cie.blackbody_uv(kelvin)
    ahead = np.subtract(cie.blackbody_uv(kelvin * 1.001), (u, v))
    across = np.array([ahead[1], -ahead[0]]) / np.linalg.norm(ahead)
    across *= np.sign(across[1]) or 1  # green lies above the locus
    u, v = np.array([u, v]) + (0.0032 + tint / 1000) * across
    return np.array([3 * u / (2 * v), 1, (4 - u - 10 * v) / (2 * v)])
