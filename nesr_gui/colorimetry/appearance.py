"""Colour appearance of spectra: coordinates under an illuminant, dominant wavelength, and smooth metamers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.cie import CAMERA_BANDS, default_camera, mallett_basis
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.spectral import FloatArray, Spectrum

FloatArray64 = npt.NDArray[np.float64]
DARK = 1e-4  # of the white's maximum; below, there is too little light to determine a reflectance
LEAST_LUMINANCE = 0.002  # relative to white; below, the chromaticity of a measurement is that of its noise
_DARKEST, _BRIGHTEST = 1e-3, 0.995  # pure black and white are at infinity for a hyperbolic tangent
_STEPS, _CLOSE = 40, 1e-9


@dataclass(frozen=True)
class Appearance:
    """Appearance of a reflectance: linear sRGB (outside [0, 1] if out of gamut), xy and L*a*b*.

    xy is the chromaticity under the illuminant itself; L*a*b* refers to the white of that illuminant (CIE 15:2018). The
    dominant wavelength is in nm, negative if it is the complementary wavelength of a purple, NaN for an achromatic
    colour. Both are NaN for a colour whose luminance is below `LEAST_LUMINANCE`.
    """

    rgb: tuple[float, float, float]
    xy: tuple[float, float]
    lab: tuple[float, float, float]
    dominant: float

    @property
    def is_near_black(self) -> bool:
        """Whether it is too dark for a chromaticity."""
        return bool(np.isnan(self.xy[0]))

    @property
    def in_gamut(self) -> bool:
        """Whether sRGB can represent the colour."""
        return min(self.rgb) >= -1e-3 and max(self.rgb) <= 1 + 1e-3

    @property
    def hex(self) -> str:
        """Swatch colour as #rrggbb, clipped to sRGB."""
        codes = np.round(255 * cie.encode_srgb(np.clip(self.rgb, 0, 1))).astype(np.uint8)
        return f"#{codes.tobytes().hex()}"


def appearances(spectra: npt.ArrayLike, nm: npt.ArrayLike, viewing: ViewingConditions) -> list[Appearance]:
    """Appearance of reflectances (N, L) at increasing wavelengths (L,) nm.

    Raises:
        ValueError: the viewing conditions have no response at these wavelengths.

    Examples:
        >>> nm = np.arange(400.0, 701.0, 10.0)
        >>> (grey,) = appearances(np.full((1, 31), 0.2), nm, ViewingConditions.default())
        >>> grey.hex, grey.in_gamut
        ('#7c7c7c', True)
    """
    values = np.asarray(spectra, dtype=np.float64)
    weights = viewing.xyz_weights(nm)  # (L, 3)
    white = weights.sum(0)
    rgb = values @ viewing.rgb_weights(nm)
    xyz = values @ weights
    lab = cie.lab(xyz, white)
    white_xy, colours = white[:2] / white.sum(), []
    for i, one in enumerate(xyz):
        xy, dominant = np.full(2, np.nan), math.nan
        if one[1] >= LEAST_LUMINANCE * white[1]:
            xy = one[:2] / one.sum()
            dominant = dominant_wavelength(xy, white_xy, viewing)
        colours.append(Appearance(_three(rgb[i]), (float(xy[0]), float(xy[1])), _three(lab[i]), dominant))
    return colours


def white_scale(white: Spectrum, nm: npt.ArrayLike) -> FloatArray64:
    """Factors (L,) that convert radiance at wavelengths (L,) nm to reflectance relative to `white`.

    The factor is zero where the white is dark.
    """
    of = np.interp(np.asarray(nm, np.float64), white.wavelengths.nm, white.values)
    bright = of > DARK * max(float(white.values.max()), 1e-30)
    return np.divide(1.0, of, out=np.zeros(len(of)), where=bright)


def dominant_wavelength(xy: npt.ArrayLike, white: npt.ArrayLike, viewing: ViewingConditions) -> float:
    """Wavelength (nm) at which the line from `white` through `xy` meets the spectral locus (CIE 15:2018, 9.2).

    If the line meets the purple boundary instead, the complementary wavelength, negative; NaN at the white point.
    """
    at, from_white = np.asarray(xy, np.float64), np.asarray(white, np.float64)
    direction = at - from_white
    if np.hypot(*direction) < 1e-4:
        return float("nan")
    for sign in (1, -1):
        if nm := _meets_locus(
            from_white, sign * direction, 2 if viewing.observer.is_camera else viewing.observer.degrees
        ):
            return sign * nm
    return float("nan")


def _meets_locus(origin: FloatArray64, direction: FloatArray64, degrees: int) -> float | None:
    """Wavelength (nm) at which a ray crosses the spectral locus, without the ends, where chromaticity is constant."""
    nm, matching = cie.colour_matching(degrees)
    inside = (nm >= 390) & (nm <= 700)
    nm, locus = nm[inside], matching[inside, :2] / matching[inside].sum(1, keepdims=True)
    offset = locus - origin
    side = direction[0] * offset[:, 1] - direction[1] * offset[:, 0]  # side of the ray
    crossing = np.flatnonzero((side[:-1] <= 0) != (side[1:] <= 0))
    share = side[crossing] / (side[crossing] - side[crossing + 1])
    ahead = (offset[crossing] + share[:, None] * (offset[crossing + 1] - offset[crossing])) @ direction
    if not (ahead > 0).any():
        return None
    first = int(np.flatnonzero(ahead > 0)[np.argmax(ahead[ahead > 0])])
    return float(nm[crossing[first]] + share[first] * (nm[crossing[first] + 1] - nm[crossing[first]]))


def _three(values: npt.NDArray[np.floating]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def smooth_metamers(rgb: npt.ArrayLike, nm: npt.ArrayLike) -> FloatArray:
    """Smooth reflectances (N, L) at wavelengths (L,) nm that the default camera renders as linear sRGB (N, 3).

    The least-slope solution in [0, 1] of Burns (2020, "Numerical methods for smoothest reflectance reconstruction",
    Color Research and Application 45; called LHTSS there) on the camera's bands, linearly interpolated. Where it does
    not converge, at the edge of sRGB, the mixture of the three basis reflectances of Mallett and Yuksel (2019), which
    has exactly that colour.
    """
    curves = [_least_slope(one) for one in np.atleast_2d(np.asarray(rgb, np.float64))]
    return np.stack([np.interp(np.asarray(nm, np.float64), CAMERA_BANDS.nm, curve) for curve in curves]).astype(
        np.float32
    )


def _least_slope(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Newton's method for z (31,), reflectance = (tanh z + 1) / 2, and the three Lagrange multipliers of the colour."""
    camera = default_camera()  # (3, 31)
    target = np.clip(rgb, _DARKEST, _BRIGHTEST)
    bands = camera.shape[1]
    slopes = 2 * (np.diff(np.eye(bands), axis=0).T @ np.diff(np.eye(bands), axis=0))  # of the sum of squared slopes
    z, multipliers = np.full(bands, np.arctanh(2 * target.mean() - 1)), np.zeros(3)
    for _ in range(_STEPS):
        reflectance, rise = (np.tanh(z) + 1) / 2, (1 - np.tanh(z) ** 2) / 2
        pull = camera.T @ multipliers
        gradient = np.concatenate([slopes @ z + rise * pull, camera @ reflectance - target])
        if np.abs(gradient).max() < _CLOSE:
            return np.asarray(reflectance)
        curvature = slopes + np.diag(-2 * np.tanh(z) * rise * pull)
        system = np.block([[curvature, (camera * rise).T], [camera * rise, np.zeros((3, 3))]])
        try:
            step = np.linalg.solve(system, -gradient)
        except np.linalg.LinAlgError:
            break
        step /= max(1.0, float(np.abs(step[:bands]).max()))  # long steps leave the range in which tanh is not flat
        z, multipliers = z + step[:bands], multipliers + step[bands:]
    basis = mallett_basis(CAMERA_BANDS.nm)
    return np.asarray(basis @ np.linalg.inv(camera @ basis) @ rgb)
