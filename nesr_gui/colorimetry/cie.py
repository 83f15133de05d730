"""CIE data and conversions: from spectra to colour, and from a wavelength to its display colour.

The default camera is the CIE 1931 2° observer under D65, expressed as linear sRGB, on 400-700 nm in steps of 10 nm.
Each channel is divided by its response to a perfect white reflector, so white is exactly (1, 1, 1).
"""

from __future__ import annotations

import math
import sys
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


@cache
def _colour() -> Any:
    """The colour-science package, imported on first use: importing it takes a second."""
    with warnings.catch_warnings(), _without_matplotlib():
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
    """
    colour = _colour()
    space = colour.RGB_COLOURSPACES["sRGB"]
    labs = [
        colour.XYZ_to_Lab(np.asarray(linear, np.float64) @ space.matrix_RGB_to_XYZ.T, space.whitepoint)
        for linear in (first, second)
    ]
    return np.asarray(colour.delta_E(*labs, method="CIE 2000"), np.float32)


_LOBES = np.array([
    [[1.056, 599.8, 37.9, 31.0], [0.362, 442.0, 16.0, 26.7], [-0.065, 501.1, 20.4, 26.2]],
    [[0.821, 568.8, 46.9, 40.5], [0.286, 530.9, 16.3, 31.1], [0.0, 500.0, 1.0, 1.0]],
    [[1.217, 437.0, 11.8, 36.0], [0.681, 459.0, 26.0, 13.8], [0.0, 500.0, 1.0, 1.0]],
])  # fmt: skip
"""Amplitude, centre and left and right width (nm) of the lobes that approximate the CIE 1931 colour-matching functions:
Wyman, Sloan, Shirley, Simple Analytic Approximations to the CIE XYZ Color Matching Functions, JCGT 2 (2), 2013."""
_XYZ_TO_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""IEC 61966-2-1."""


def wavelength_colours(nm: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """8-bit sRGB display colours (N, 3) of wavelengths (N,) nm.

    Spectral colours are outside sRGB: negative values are clipped, and the dim ends of the range are brightened so that
    a scale remains readable on a dark background. The colours are decorative, so an analytic approximation is used; the
    tabulated functions would require importing colour-science, which delays the window by a second.
    """
    at = np.clip(np.atleast_1d(np.asarray(nm, dtype=np.float64)), 380, 780)[:, None, None]
    height, place, below, above = np.moveaxis(_LOBES, -1, 0)
    xyz = (height * np.exp(-0.5 * ((at - place) / np.where(at < place, below, above)) ** 2)).sum(-1)
    rgb = np.maximum(xyz @ _XYZ_TO_SRGB.T, 0)
    peak = rgb.max(axis=-1, keepdims=True)
    lift = np.clip(xyz.sum(axis=-1, keepdims=True) / 0.3, 0.25, 1)
    return np.round(255 * encode_srgb(rgb / np.maximum(peak, 1e-9) * lift)).astype(np.uint8)


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


def chart_reflectances(wavelengths: Wavelengths) -> FloatArray:
    """Published reflectances (54, L) of the patches of two colour charts.

    The ColorChecker, and the preferred memory colours (skin, fruit, plants, sky) of Luo (2024).
    """
    patches = chart("BabelColor Average") + chart("PMC")
    return np.stack([np.interp(wavelengths.nm, *measured) for _, measured in patches]).astype(np.float32)
