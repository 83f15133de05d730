"""What a spectrum looks like: its colour under a light, in the words of the CIE, and the smooth metamer of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.cie import CAMERA_BANDS, default_camera, mallett_basis
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.spectral import FloatArray, Spectrum

FloatArray64 = npt.NDArray[np.float64]
DARK = 1e-4  # of the largest value of a white: below, there was too little light to tell a reflectance
_DARKEST, _BRIGHTEST = 1e-3, 0.995  # black and white themselves lie infinitely far out for a hyperbolic tangent
_STEPS, _CLOSE = 40, 1e-9


@dataclass(frozen=True)
class Appearance:
    """A reflectance as seen: linear sRGB (beyond [0, 1] where the screen cannot show it), xy and L*a*b*.

    xy are the chromaticity under the light itself; L*a*b* refer to that light's white (CIE 15:2018). The dominant
    wavelength is in nm, negative for the complementary one of a purple, nan for a colour without hue.
    """

    rgb: tuple[float, float, float]
    xy: tuple[float, float]
    lab: tuple[float, float, float]
    dominant: float

    @property
    def in_gamut(self) -> bool:
        return min(self.rgb) >= -1e-3 and max(self.rgb) <= 1 + 1e-3

    @property
    def hex(self) -> str:
        """The colour to draw a swatch in: #rrggbb, what lies outside sRGB cut."""
        codes = np.round(255 * cie.encode_srgb(np.clip(self.rgb, 0, 1))).astype(int)
        return "#" + "".join(f"{code:02x}" for code in codes)


def appearances(spectra: npt.ArrayLike, nm: npt.ArrayLike, viewing: ViewingConditions) -> list[Appearance]:
    """How reflectances (N, L) at increasing wavelengths (L,) nm look.

    Raises:
        ValueError: light and observer leave nothing to see at these wavelengths.
    """
    values = np.asarray(spectra, dtype=np.float64)
    weights = viewing.xyz_weights(nm)  # (L, 3)
    white = weights.sum(0)
    rgb = values @ viewing.rgb_weights(nm)
    xyz = values @ weights
    lab = cie.lab(xyz, white)
    white_xy, colours = white[:2] / white.sum(), []
    for i, one in enumerate(xyz):
        xy = one[:2] / one.sum() if one.sum() > 1e-9 else white_xy
        dominant = dominant_wavelength(xy, white_xy, viewing)
        colours.append(Appearance(_three(rgb[i]), (float(xy[0]), float(xy[1])), _three(lab[i]), dominant))
    return colours


def white_scale(white: Spectrum, nm: npt.ArrayLike) -> FloatArray64:
    """What radiances at wavelengths (L,) nm are multiplied by to be part of a white's; zero where the white is dark."""
    of = np.interp(np.asarray(nm, np.float64), white.wavelengths.nm, white.values)
    bright = of > DARK * max(float(white.values.max()), 1e-30)
    return np.divide(1.0, of, out=np.zeros(len(of)), where=bright)


def dominant_wavelength(xy: npt.ArrayLike, white: npt.ArrayLike, viewing: ViewingConditions) -> float:
    """The wavelength (nm) where the line from `white` through `xy` meets the spectral locus (CIE 15:2018, 9.2).

    Where it meets the line of purples instead, the complementary wavelength, negative; nan at the white itself.
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
    """Where a ray crosses the spectral locus, in nm; ends of the spectrum, which add no chromaticity, left out."""
    nm, matching = cie.colour_matching(degrees)
    inside = (nm >= 390) & (nm <= 700)
    nm, locus = nm[inside], matching[inside, :2] / matching[inside].sum(1, keepdims=True)
    offset = locus - origin
    side = direction[0] * offset[:, 1] - direction[1] * offset[:, 0]  # left or right of the ray
    crossing = np.flatnonzero((side[:-1] <= 0) != (side[1:] <= 0))
    share = side[crossing] / (side[crossing] - side[crossing + 1])
    ahead = (offset[crossing] + share[:, None] * (offset[crossing + 1] - offset[crossing])) @ direction
    if not (ahead > 0).any():
        return None
    found = int(np.flatnonzero(ahead > 0)[np.argmax(ahead[ahead > 0])])
    return float(nm[crossing[found]] + share[found] * (nm[crossing[found] + 1] - nm[crossing[found]]))


def _three(values: npt.NDArray[np.floating]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


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
