"""Light, eyes and cameras: from spectra to colour, and from a wavelength to the colour it is drawn in.

The default camera is the CIE 1931 2° observer under D65, written as linear sRGB, on 400-700 nm by 10 nm, each channel
divided by its response to a perfect white reflector, so that white is exactly (1, 1, 1).
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
"""The colour charts whose published reflectances colour-science brings."""

Table = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Wavelengths (L,) nm, and what was measured at them: (L,) or (L, 3)."""


@cache
def _colour() -> Any:
    """colour-science, imported when first needed: it takes a second, and a transfer function does not need it."""
    with warnings.catch_warnings(), _without_matplotlib():
        # Matplotlib and SciPy are for parts of it that are not used here.
        warnings.filterwarnings("ignore", message=".*related API features are not available")
        import colour
    return colour


@contextmanager
def _without_matplotlib() -> Iterator[None]:
    """Hide it from colour-science, which would import all of pyplot, another second, for plots that are not drawn here.

    What colour-science puts in its place is taken away again, so that others find the real one.
    """
    known = set(sys.modules)
    if "matplotlib" not in known:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in set(sys.modules) - known:
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
    """Photograph reflectances (..., 31) on `CAMERA_BANDS` with the default camera: linear sRGB (..., 3) in [0, 1].

    Colours outside sRGB and above white are clipped, as a photograph clips them.
    """
    rgb = np.asarray(spectra) @ default_camera().T.astype(np.float32)
    return np.clip(rgb, 0, 1).astype(np.float32)


def white_level(rgb: npt.ArrayLike) -> float:
    """What counts as bright in a photograph (H, W, 3): the 99th percentile of its pixels' largest channels.

    It scales with the exposure and no light or hot pixel moves it; where nearly all is black, an eighth of the maximum.
    Of a large photograph every n-th pixel is looked at.
    """
    rgb = np.asarray(rgb)
    stride = max(1, math.isqrt(rgb.shape[0] * rgb.shape[1] // 1_000_000))
    peaks = rgb[::stride, ::stride].max(axis=-1)
    return max(float(np.percentile(peaks, 99)), float(peaks.max()) / 8, 1e-3)


def encode_srgb(linear: npt.ArrayLike) -> FloatArray:
    """Linear sRGB in [0, 1] to its display encoding in [0, 1] (IEC 61966-2-1)."""
    linear = np.asarray(linear, dtype=np.float32)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055).astype(
        np.float32
    )


def decode_srgb(encoded: npt.ArrayLike) -> FloatArray:
    """Display-encoded sRGB in [0, 1] to linear light in [0, 1] (IEC 61966-2-1)."""
    encoded = np.asarray(encoded, dtype=np.float32)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)


def colour_differences(first: npt.ArrayLike, second: npt.ArrayLike) -> FloatArray:
    """ΔE2000 (CIE 142:2001, ISO/CIE 11664-6) between linear sRGB colours (..., 3), white being that of sRGB: (...)."""
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
"""Height, place and width to either side (nm) of what the colour matching functions of CIE 1931 are nearly sums of:
Wyman, Sloan, Shirley, Simple Analytic Approximations to the CIE XYZ Color Matching Functions, JCGT 2 (2), 2013."""
_XYZ_TO_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""IEC 61966-2-1."""


def wavelength_colours(nm: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """The 8-bit sRGB colours (N, 3) in which wavelengths (N,) nm are drawn.

    Spectral colours lie outside sRGB: what is negative is cut, and the dim ends of the range are lifted so that a
    scale stays readable on a dark ground. They decorate and measure nothing, so an approximation does: the tables come
    with colour-science, for which a window that opens need not wait a second.
    """
    at = np.clip(np.atleast_1d(np.asarray(nm, dtype=np.float64)), 380, 780)[:, None, None]
    height, place, below, above = np.moveaxis(_LOBES, -1, 0)
    xyz = (height * np.exp(-0.5 * ((at - place) / np.where(at < place, below, above)) ** 2)).sum(-1)
    rgb = np.maximum(xyz @ _XYZ_TO_SRGB.T, 0)
    peak = rgb.max(axis=-1, keepdims=True)
    lift = np.clip(xyz.sum(axis=-1, keepdims=True) / 0.3, 0.25, 1)
    return np.round(255 * encode_srgb(rgb / np.maximum(peak, 1e-9) * lift)).astype(np.uint8)


def colour_checker(wavelengths: Wavelengths) -> FloatArray:
    """Published reflectances (24, L) of the 24-patch colour checker, row by row (BabelColor average of 30 charts)."""
    patches = _colour().SDS_COLOURCHECKERS["BabelColor Average"].values()
    return np.stack([np.interp(wavelengths.nm, patch.wavelengths, patch.values) for patch in patches]).astype(
        np.float32
    )


def sprague(nm: npt.ArrayLike, values: npt.ArrayLike, wanted: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Values (L,) on evenly spaced wavelengths at others within them, by Sprague's method (CIE 167:2005)."""
    return np.asarray(_colour().SpragueInterpolator(nm, values)(wanted))


def illuminant(name: str) -> Table:
    """Relative power (L,) of a CIE illuminant by its name (A, D65, FL11, LED-B3) at wavelengths (L,) nm.

    Raises:
        ValueError: there is no illuminant of that name.
    """
    known = _colour().SDS_ILLUMINANTS
    if name not in known:
        raise ValueError(f"there is no CIE illuminant {name!r}; choose A, D50, D65, E, FL1 to FL12 or LED-B1, say")
    return known[name].wavelengths, known[name].values


def blackbody(kelvin: float) -> Table:
    """Relative power (L,) of a blackbody (Planck's law) at wavelengths (L,) nm, 300-830 nm by 5 nm."""
    colour = _colour()
    light = colour.sd_blackbody(kelvin, colour.SpectralShape(300, 830, 5))
    return light.wavelengths, light.values / light.values.max()


def daylight(kelvin: float) -> Table:
    """Relative power (L,) of CIE daylight of a correlated colour temperature at wavelengths (L,) nm (CIE 15:2004)."""
    colour = _colour()
    # The names D50, D65 … mean temperatures 1.4388/1.4380 higher; a temperature typed by the user is meant as it is.
    light = colour.sd_CIE_illuminant_D_series(colour.temperature.CCT_to_xy_CIE_D(kelvin))
    return light.wavelengths, light.values


def colour_matching(degrees: int) -> Table:
    """Colour matching functions (L, 3) of the CIE 1931 2° or CIE 1964 10° observer at wavelengths (L,) nm."""
    names = {2: "CIE 1931 2 Degree Standard Observer", 10: "CIE 1964 10 Degree Standard Observer"}
    observer = _colour().MSDS_CMFS[names[degrees]]
    return observer.wavelengths, observer.values


def xyz_to_linear_srgb() -> npt.NDArray[np.float64]:
    """The matrix (3, 3) of IEC 61966-2-1 from XYZ under D65 to linear sRGB, as colour-science has it."""
    return np.asarray(_colour().RGB_COLOURSPACES["sRGB"].matrix_XYZ_to_RGB)


def adaptation(white: npt.ArrayLike, to: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The Bradford matrix (3, 3) that takes colours seen under XYZ `white` to those seen under `to`."""
    return np.asarray(
        _colour().adaptation.matrix_chromatic_adaptation_VonKries(np.asarray(white), np.asarray(to), "Bradford")
    )


def blackbody_uv(kelvin: float) -> npt.NDArray[np.float64]:
    """CIE 1960 u, v of a blackbody of 1000 to 15,000 K (Krystek 1985)."""
    return np.asarray(_colour().temperature.CCT_to_uv_Krystek1985(kelvin))


def lab(xyz: npt.ArrayLike, white: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """CIE 1976 L*a*b* (N, 3) of XYZ (N, 3) relative to a white (3,) of Y = 1 (ISO/CIE 11664-4)."""
    colour = _colour()
    return np.asarray(colour.XYZ_to_Lab(np.asarray(xyz), colour.XYZ_to_xy(np.asarray(white))))


def delta_e(lab: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """CIEDE2000 colour difference of two colours L*a*b* (3,) (ISO/CIE 11664-6)."""
    return float(_colour().delta_E(np.asarray(lab), np.asarray(other), method="CIE 2000"))


def mallett_basis(nm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Reflectances (L, 3) of sRGB's primaries by Mallett and Yuksel (2019) at wavelengths (L,) nm; they sum to 1."""
    basis = _colour().recovery.MSDS_BASIS_FUNCTIONS_sRGB_MALLETT2019
    return np.stack([np.interp(nm, basis.wavelengths, column) for column in basis.values.T], axis=1)


def chart(name: str) -> list[tuple[str, Table]]:
    """Name and reflectance of each patch of one of `CHARTS`, or of another chart that colour-science has."""
    patches = _colour().SDS_COLOURCHECKERS[name]
    return [(patch_name, (patch.wavelengths, patch.values)) for patch_name, patch in patches.items()]


def chart_reflectances(wavelengths: Wavelengths) -> FloatArray:
    """Published reflectances (54, L) of the surfaces of two colour charts: the colour checker, and PMC
    (preferred memory colours: skins, fruits, plants, sky; Luo 2024)."""
    patches = chart("BabelColor Average") + chart("PMC")
    return np.stack([np.interp(wavelengths.nm, *measured) for _, measured in patches]).astype(np.float32)
