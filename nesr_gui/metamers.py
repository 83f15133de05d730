"""The smoothest reflectance of a colour: what three numbers allow without having learned anything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import CAMERA_BANDS, default_camera, mallett_basis
from nesr_gui.spectral import FloatArray

_DARKEST, _BRIGHTEST = 1e-3, 0.995  # black and white themselves lie infinitely far out for a hyperbolic tangent
_STEPS, _CLOSE = 40, 1e-9


def smooth_metamers(rgb: npt.ArrayLike, nm: npt.ArrayLike) -> FloatArray:
    """Smooth reflectances (N, L) at wavelengths (L,) nm that the default camera photographs as linear sRGB (N, 3).

    The least slope between 0 and 1 of Burns (2020, "Numerical methods for smoothest reflectance reconstruction",
    Color Research and Application 45; there LHTSS) on the camera's bands, linear between them. Where it does not
    converge, at the edge of sRGB, the mixture of Mallett and Yuksel's (2019) three basis reflectances that has the
    colour exactly.
    """
    curves = [_least_slope(one) for one in np.atleast_2d(np.asarray(rgb, np.float64))]
    return np.stack([np.interp(np.asarray(nm, np.float64), CAMERA_BANDS.nm, curve) for curve in curves]).astype(
        np.float32
    )


def _least_slope(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Newton's method on z (31,), reflectance = (tanh z + 1) / 2, and the three Lagrange multipliers of the colour."""
    camera = default_camera()  # (3, 31)
    wanted = np.clip(rgb, _DARKEST, _BRIGHTEST)
    bands = camera.shape[1]
    slopes = 2 * (np.diff(np.eye(bands), axis=0).T @ np.diff(np.eye(bands), axis=0))  # of the sum of squared slopes
    z, multipliers = np.full(bands, np.arctanh(2 * wanted.mean() - 1)), np.zeros(3)
    for _ in range(_STEPS):
        reflectance, rise = (np.tanh(z) + 1) / 2, (1 - np.tanh(z) ** 2) / 2
        pull = camera.T @ multipliers
        gradient = np.concatenate([slopes @ z + rise * pull, camera @ reflectance - wanted])
        if np.abs(gradient).max() < _CLOSE:
            return np.asarray(reflectance)
        curvature = slopes + np.diag(-2 * np.tanh(z) * rise * pull)
        system = np.block([[curvature, (camera * rise).T], [camera * rise, np.zeros((3, 3))]])
        try:
            step = np.linalg.solve(system, -gradient)
        except np.linalg.LinAlgError:
            break
        step /= max(1.0, float(np.abs(step[:bands]).max()))  # far steps leave the region where the tangent bends
        z, multipliers = z + step[:bands], multipliers + step[bands:]
    basis = mallett_basis(CAMERA_BANDS.nm)
    return np.asarray(basis @ np.linalg.inv(camera @ basis) @ rgb)
