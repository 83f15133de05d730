"""CIE data and conversions: from spectra to colour, and from a wavelength to its display colour.

The default camera is the CIE 1931 2° observer under D65, expressed as linear sRGB, on 400-700 nm in steps of 10 nm.
Each channel is divided by its response to a perfect white reflector, so white is exactly (1, 1, 1).
"""

from __future__ import annotations

import math
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import FloatArray, Wavelengths

CAMERA_BANDS = Wavelengths.from_step(400, 700, 10)

CHARTS = ("BabelColor Average", "ColorChecker N Ohta", "ISO 17321-1")
"""Colour charts whose published reflectances come with colour-science."""

Table = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Wavelengths (L,) nm, and the values measured at them, (L,) or (L, 3)."""


_ONE_AT_A_TIME = threading.Lock()  # threads that import at once would remove each other's placeholders


@cache
def _colour() -> Any:
    """The colour-science package, imported on first use: importing it takes a second."""
    with _ONE_AT_A_TIME, warnings.catch_warnings(), _without_matplotlib():
        # Matplotlib and SciPy are only needed by parts of it that are not used here.
        warnings.filterwarnings("ignore", message=".*related API features are not available")
        import colour
    return colour


@contextmanager
def _without_matplotlib() -> Iterator[None]:
    """Hide Matplotlib while colour-science is imported, which would otherwise load pyplot for another second.

    The placeholder that colour-science installs is removed afterwards, so that other code finds the real package.
    """
    loaded = set(sys.modules)
    if "matplotlib" not in loaded:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in set(sys.modules) - loaded:
            if name.partition(".")[0] in ("matplotlib", "mpl_toolkits", "cycler"):
                del sys.modules[name]


@cache
def default_camera() -> npt.NDArray[np.float64]:
    """Sensitivities (3, 31) of the default camera on `CAMERA_BANDS`: linear sRGB = sensitivities @ reflectance."""
    colour = _colour()
    shape = colour.SpectralShape(400, 700, 10)
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"].copy().align(shape).values  # (31, 3)
    light = colour.SDS_ILLUMINANTS["D65"].copy().align(shape).values  # (31,)
    rgb = colour.RGB_COLOURSPACES["sRGB"].matrix_XYZ_to_RGB @ (observer * light[:, None]).T  # (3, 31)
    sensitivities: npt.NDArray[np.float64] = rgb / rgb.sum(axis=1, keepdims=True)
    sensitivities.setflags(write=False)
    return sensitivities


def render_camera_rgb(spectra: npt.ArrayLike) -> FloatArray:
    """Render reflectances (..., 31) on `CAMERA_BANDS` with the default camera: linear sRGB (..., 3) in [0, 1].

    Colours outside sRGB or brighter than white are clipped, as in a photograph.
    """
    rgb = np.asarray(spectra) @ default_camera().T.astype(np.float32)
    return np.clip(rgb, 0, 1).astype(np.float32)


def white_level(rgb: npt.ArrayLike) -> float:
    """White level of a photograph (H, W, 3): the 99th percentile of each pixel's largest channel.

    It scales with the exposure and is robust against light sources and hot pixels. If nearly all of the image is black,
    it is an eighth of the maximum. Large photographs are subsampled.
    """
    rgb = np.asarray(rgb)
    stride = max(1, math.isqrt(rgb.shape[0] * rgb.shape[1] // 1_000_000))
    peaks = rgb[::stride, ::stride].max(axis=-1)
    return max(float(np.percentile(peaks, 99)), float(peaks.max()) / 8, 1e-3)


def encode_srgb(linear: npt.ArrayLike) -> FloatArray:
    """Encode linear sRGB in [0, 1] for display, in [0, 1] (IEC 61966-2-1)."""
    linear = np.asarray(linear, dtype=np.float32)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055).astype(
        np.float32
    )


def decode_srgb(encoded: npt.ArrayLike) -> FloatArray:
    """Decode display-encoded sRGB in [0, 1] to linear light in [0, 1] (IEC 61966-2-1)."""
    encoded = np.asarray(encoded, dtype=np.float32)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)


def colour_differences(first: npt.ArrayLike, second: npt.ArrayLike) -> FloatArray:
    """ΔE2000 (...) between linear sRGB colours (..., 3), relative to the sRGB white point.

    Source: CIE 142:2001, ISO/CIE 11664-6.

    Examples:
        >>> round(float(colour_differences([0.0, 0.0, 0.0], [1.0, 1.0, 1.0])), 1)
        100.0
    """
    labs = [srgb_to_lab(linear) for linear in (first, second)]
    return np.asarray(_colour().delta_E(*labs, method="CIE 2000"), np.float32)


def srgb_to_lab(linear: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """CIE 1976 L*a*b* (..., 3) of linear sRGB colours (..., 3), relative to the sRGB white point."""
    colour = _colour()
    space = colour.RGB_COLOURSPACES["sRGB"]
    return np.asarray(colour.XYZ_to_Lab(np.asarray(linear, np.float64) @ space.matrix_RGB_to_XYZ.T, space.whitepoint))


_LOCUS = np.array([
    (0.1733, 0.0048), (0.1730, 0.0048), (0.1726, 0.0048), (0.1721, 0.0048), (0.1714, 0.0051), (0.1703, 0.0058),
    (0.1689, 0.0069), (0.1669, 0.0086), (0.1644, 0.0109), (0.1611, 0.0138), (0.1566, 0.0177), (0.1510, 0.0227),
    (0.1440, 0.0297), (0.1355, 0.0399), (0.1241, 0.0578), (0.1096, 0.0868), (0.0913, 0.1327), (0.0687, 0.2007),
    (0.0454, 0.2950), (0.0235, 0.4127), (0.0082, 0.5384), (0.0039, 0.6548), (0.0139, 0.7502), (0.0389, 0.8120),
    (0.0743, 0.8338), (0.1142, 0.8262), (0.1547, 0.8059), (0.1929, 0.7816), (0.2296, 0.7543), (0.2658, 0.7243),
    (0.3016, 0.6923), (0.3374, 0.6588), (0.3731, 0.6245), (0.4087, 0.5896), (0.4441, 0.5547), (0.4788, 0.5202),
    (0.5125, 0.4866), (0.5448, 0.4544), (0.5752, 0.4242), (0.6029, 0.3965), (0.6270, 0.3725), (0.6482, 0.3514),
    (0.6658, 0.3340), (0.6801, 0.3197), (0.6915, 0.3083), (0.7006, 0.2993), (0.7079, 0.2920), (0.7140, 0.2859),
    (0.7190, 0.2809), (0.7230, 0.2769), (0.7260, 0.2740), (0.7283, 0.2717), (0.7300, 0.2700), (0.7311, 0.2689),
    (0.7320, 0.2680), (0.7327, 0.2673), (0.7334, 0.2666), (0.7340, 0.2660), (0.7344, 0.2656), (0.7346, 0.2654),
    (0.7347, 0.2653),
])  # fmt: skip
"""Chromaticities (x, y) of the wavelengths 400, 405 … 700 nm for the CIE 1931 2° standard observer (CIE 018:2019).

A table, because importing colour-science delays the window by a second."""
_XYZ_TO_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""IEC 61966-2-1."""


_OKLAB_LMS = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
])  # fmt: skip
_OKLAB_LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
])  # fmt: skip
"""Linear sRGB to LMS, and cube roots of LMS to L, a, b. Source: Ottosson, A perceptual color space for image
processing, 2020."""
_BRIGHTNESS = (380, 400, 430, 650, 700, 750), (0.03, 0.35, 1.0, 1.0, 0.35, 0.03)
_INVISIBLE = 0.16  # linear grey of wavelengths outside 380-750 nm


def wavelength_colours(nm: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """8-bit sRGB display colours (N, 3) of wavelengths (N,) nm.

    Spectral colours are outside sRGB: each is desaturated towards grey at constant hue and lightness (Oklab) until it
    is inside, and scaled to full brightness, so that neighbouring wavelengths remain distinguishable. The ends fade to
    dark, with the hue of 700 nm up to 750 nm and that of 400 nm down to 380 nm; wavelengths beyond are a neutral grey.
    """
    at = np.atleast_1d(np.asarray(nm, dtype=np.float64))
    nodes, rgb = _spectral_colours()
    colours = np.stack([np.interp(at, nodes, channel) for channel in rgb.T], axis=-1)
    colours *= np.interp(at, *_BRIGHTNESS)[:, None]
    colours[(at < _BRIGHTNESS[0][0]) | (at > _BRIGHTNESS[0][-1])] = _INVISIBLE
    return np.round(255 * encode_srgb(colours)).astype(np.uint8)


@cache
def _spectral_colours() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Wavelengths (L,) nm and their most saturated colours (L, 3) in linear sRGB, the largest channel being 1."""
    x, y = _LOCUS.T
    spectral = np.stack([x / y, np.ones_like(x), (1 - x - y) / y], axis=-1) @ _XYZ_TO_SRGB.T
    lab = np.cbrt(spectral @ _OKLAB_LMS.T) @ _OKLAB_LAB.T
    inside, outside = np.zeros((len(lab), 1)), np.ones((len(lab), 1))  # fraction of the chroma
    for _ in range(32):
        chroma = (inside + outside) / 2
        is_inside = _from_oklab(_with_chroma(lab, chroma)).min(axis=-1, keepdims=True) >= 0
        inside, outside = np.where(is_inside, chroma, inside), np.where(is_inside, outside, chroma)
    rgb = _from_oklab(_with_chroma(lab, inside))
    return np.linspace(400, 700, len(rgb)), rgb / rgb.max(axis=-1, keepdims=True)


def _with_chroma(lab: npt.NDArray[np.float64], fraction: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return lab * np.hstack([np.ones_like(fraction), fraction, fraction])


def _from_oklab(lab: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Linear sRGB (N, 3) of Oklab colours (N, 3)."""
    return np.asarray((lab @ np.linalg.inv(_OKLAB_LAB).T) ** 3 @ np.linalg.inv(_OKLAB_LMS).T)


def colour_checker(wavelengths: Wavelengths) -> FloatArray:
    """Published reflectances (24, L) of the 24-patch ColorChecker, row by row (BabelColor average of 30 charts)."""
    patches = _colour().SDS_COLOURCHECKERS["BabelColor Average"].values()
    return np.stack([np.interp(wavelengths.nm, patch.wavelengths, patch.values) for patch in patches]).astype(
        np.float32
    )


def sprague(nm: npt.ArrayLike, values: npt.ArrayLike, wanted: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Interpolate values (L,) on evenly spaced wavelengths by Sprague's method (CIE 167:2005)."""
    return np.asarray(_colour().SpragueInterpolator(nm, values)(wanted))


def illuminant(name: str) -> Table:
    """Relative power (L,) of the CIE illuminant `name` (A, D65, FL11, LED-B3) at wavelengths (L,) nm.

    Raises:
        ValueError: the name is unknown.
    """
    illuminants = _colour().SDS_ILLUMINANTS
    if name not in illuminants:
        raise ValueError(f"unknown CIE illuminant {name!r}; choose A, D50, D65, E, FL1 to FL12, LED-B1 …")
    return illuminants[name].wavelengths, illuminants[name].values


def blackbody(kelvin: float) -> Table:
    """Relative power (L,) of a blackbody (Planck's law) at wavelengths (L,) nm, 300-830 nm in steps of 5 nm."""
    colour = _colour()
    light = colour.sd_blackbody(kelvin, colour.SpectralShape(300, 830, 5))
    return light.wavelengths, light.values / light.values.max()


def daylight(kelvin: float) -> Table:
    """Relative power (L,) of CIE daylight of correlated colour temperature `kelvin` at wavelengths (L,) nm.

    Source: CIE 15:2004.
    """
    colour = _colour()
    # The temperatures of D50, D65 … are higher by 1.4388/1.4380; a temperature entered by the user is used unchanged.
    light = colour.sd_CIE_illuminant_D_series(colour.temperature.CCT_to_xy_CIE_D(kelvin))
    return light.wavelengths, light.values


def colour_matching(degrees: int) -> Table:
    """Colour-matching functions (L, 3) at wavelengths (L,) nm of the CIE 1931 2° or CIE 1964 10° observer."""
    names = {2: "CIE 1931 2 Degree Standard Observer", 10: "CIE 1964 10 Degree Standard Observer"}
    observer = _colour().MSDS_CMFS[names[degrees]]
    return observer.wavelengths, observer.values


def xyz_to_linear_srgb() -> npt.NDArray[np.float64]:
    """Matrix (3, 3) from XYZ under D65 to linear sRGB (IEC 61966-2-1)."""
    return np.asarray(_colour().RGB_COLOURSPACES["sRGB"].matrix_XYZ_to_RGB)


def adaptation(white: npt.ArrayLike, to: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Bradford chromatic adaptation matrix (3, 3) from XYZ white `white` to `to`."""
    return np.asarray(
        _colour().adaptation.matrix_chromatic_adaptation_VonKries(np.asarray(white), np.asarray(to), "Bradford")
    )


def blackbody_uv(kelvin: float) -> npt.NDArray[np.float64]:
    """CIE 1960 (u, v) of a blackbody of 1000 to 15,000 K (Krystek 1985)."""
    return np.asarray(_colour().temperature.CCT_to_uv_Krystek1985(kelvin))


def lab(xyz: npt.ArrayLike, white: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """CIE 1976 L*a*b* (N, 3) of XYZ (N, 3) relative to a white (3,) with Y = 1 (ISO/CIE 11664-4)."""
    colour = _colour()
    return np.asarray(colour.XYZ_to_Lab(np.asarray(xyz), colour.XYZ_to_xy(np.asarray(white))))


def delta_e(lab: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """CIEDE2000 colour difference between two L*a*b* colours (3,) (ISO/CIE 11664-6)."""
    return float(_colour().delta_E(np.asarray(lab), np.asarray(other), method="CIE 2000"))


def mallett_basis(nm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Basis reflectances (L, 3) of the sRGB primaries at wavelengths (L,) nm; they sum to 1.

    Source: Mallett and Yuksel (2019).
    """
    basis = _colour().recovery.MSDS_BASIS_FUNCTIONS_sRGB_MALLETT2019
    return np.stack([np.interp(nm, basis.wavelengths, column) for column in basis.values.T], axis=1)


def chart(name: str) -> list[tuple[str, Table]]:
    """Name and reflectance of each patch of one of `CHARTS`, or of another chart in colour-science."""
    patches = _colour().SDS_COLOURCHECKERS[name]
    return [(patch_name, (patch.wavelengths, patch.values)) for patch_name, patch in patches.items()]


def chart_colours(name: str) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Names (N,) of the patches of a chart in colour-science, and their published linear sRGB colours (N, 3).

    They are adapted from the white of their table to D65 (Bradford), and may lie outside [0, 1].
    """
    colour = _colour()
    table = colour.CCS_COLOURCHECKERS[name]
    xyz = colour.xyY_to_XYZ(np.array(list(table.data.values())))
    to_d65 = adaptation(
        colour.xy_to_XYZ(table.illuminant), colour.xy_to_XYZ(colour.RGB_COLOURSPACES["sRGB"].whitepoint)
    )
    return list(table.data), np.asarray(xyz @ (xyz_to_linear_srgb() @ to_d65).T)


def chart_reflectances(wavelengths: Wavelengths) -> FloatArray:
    """Published reflectances (54, L) of the patches of two colour charts.

    The ColorChecker, and the preferred memory colours (skin, fruit, plants, sky) of Luo (2024).
    """
    patches = chart("BabelColor Average") + chart("PMC")
    return np.stack([np.interp(wavelengths.nm, *measured) for _, measured in patches]).astype(np.float32)
