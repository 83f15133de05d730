"""Standard colour encodings: a transfer function and a set of primaries."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache

import imagecodecs
import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import FloatArray

Primaries = tuple[float, ...]
"""Eight coordinates: x, y of red, green, blue and white."""

D65 = (0.3127, 0.3290)
SRGB_PRIMARIES: Primaries = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65)  # IEC 61966-2-1
P3_PRIMARIES: Primaries = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65)  # SMPTE EG 432-1
ADOBE_PRIMARIES: Primaries = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *D65)  # Adobe RGB (1998)
BT2020_PRIMARIES: Primaries = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65)  # ITU-R BT.2020
SAME_CHROMATICITY = 2e-3


class TransferFunction(enum.Enum):
    """Conversion from code values in [0, 1] to linear light."""

    LINEAR = "linear"
    SRGB = "sRGB"
    GAMMA = "gamma"
    BT709 = "BT.709"
    PQ = "PQ"
    HLG = "HLG"


@dataclass(frozen=True)
class ColourEncoding:
    """A colour encoding: name, transfer function (with exponent `gamma` if it is a power), and primaries."""

    name: str
    curve: TransferFunction = TransferFunction.SRGB
    primaries: Primaries = SRGB_PRIMARIES
    gamma: float = 1.0

    @property
    def exceeds_white(self) -> bool:
        """Whether the encoding can represent light brighter than diffuse white."""
        return self.curve in (TransferFunction.PQ, TransferFunction.HLG)

    def linear(self, encoded: npt.NDArray[np.floating]) -> FloatArray:
        """Linear light of code values, per channel; 1 is diffuse white, also for PQ and HLG (ITU-R BT.2408)."""
        from nesr_gui.colorimetry.cie import decode_srgb

        if self.curve is TransferFunction.LINEAR:
            return encoded.astype(
                np.promote_types(encoded.dtype, np.float32)
            )  # values may be huge before they are scaled
        if self.curve is TransferFunction.SRGB:
            return decode_srgb(np.maximum(encoded, 0))
        positive = np.maximum(encoded, 0).astype(np.float64)
        if self.curve is TransferFunction.GAMMA:
            return (positive**self.gamma).astype(np.float32)
        light = {TransferFunction.BT709: _bt709, TransferFunction.PQ: _pq, TransferFunction.HLG: _hlg}[self.curve](
            positive
        )
        return light.astype(np.float32)

    def matrix(self) -> npt.NDArray[np.float64]:
        """Matrix (3, 3) from linear light to linear sRGB, relative colorimetric (Bradford adaptation).

        Raises:
            ValueError: the primaries are degenerate.
        """
        return primaries_matrix(self.primaries)


SRGB = ColourEncoding("sRGB")
LINEAR = ColourEncoding("linear sRGB", TransferFunction.LINEAR)
DISPLAY_P3 = ColourEncoding("Display P3", TransferFunction.SRGB, P3_PRIMARIES)
ADOBE_RGB = ColourEncoding("Adobe RGB", TransferFunction.GAMMA, ADOBE_PRIMARIES, gamma=563 / 256)

# ITU-T H.273, tables 2 and 3: the code points used in photographs
_PRIMARIES = {1: ("BT.709", SRGB_PRIMARIES), 9: ("BT.2020", BT2020_PRIMARIES), 12: ("P3", P3_PRIMARIES)}
_CURVES = {
    1: TransferFunction.BT709,
    6: TransferFunction.BT709,
    8: TransferFunction.LINEAR,
    13: TransferFunction.SRGB,
    14: TransferFunction.BT709,
    15: TransferFunction.BT709,
    16: TransferFunction.PQ,
    18: TransferFunction.HLG,
}


def of_power(gamma: float, primaries: Primaries = SRGB_PRIMARIES) -> ColourEncoding:
    """Encoding with a power function: light = value ** gamma."""
    where = "" if primaries == SRGB_PRIMARIES else " with the file's own primaries"
    return ColourEncoding(f"gamma {gamma:.4g}{where}", TransferFunction.GAMMA, primaries, gamma)


def of_codes(primaries: int, transfer: int) -> ColourEncoding | None:
    """Encoding named by the code points of a PNG cICP chunk or a HEIC nclx box; None if not supported."""
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        return None
    (name, chromaticities), curve = _PRIMARIES[primaries], _CURVES[transfer]
    known = {
        (1, TransferFunction.SRGB): SRGB,
        (12, TransferFunction.SRGB): DISPLAY_P3,
        (1, TransferFunction.LINEAR): LINEAR,
    }
    return known.get((primaries, curve), ColourEncoding(f"{name} with the {curve.value} curve", curve, chromaticities))


def of_codes_or(
    primaries: int, transfer: int, otherwise: ColourEncoding | None
) -> tuple[ColourEncoding | None, list[str]]:
    """The encoding of two code numbers (ITU-T H.273), or what else the file says and a note."""
    if {primaries, transfer} == {2}:  # "unspecified"
        return otherwise, []
    found = of_codes(primaries, transfer)
    if found is not None:
        return found, []
    taken = otherwise.name if otherwise else "sRGB, or its embedded profile"
    return otherwise, [
        f"Its colour code {primaries}/{transfer} is not one that is read here; colours are taken as {taken}."
    ]


def is_srgb(primaries: Primaries) -> bool:
    """Whether chromaticities equal those of sRGB within the rounding of files."""
    return bool(np.abs(np.subtract(primaries, SRGB_PRIMARIES)).max() < SAME_CHROMATICITY)


@cache
def primaries_matrix(primaries: Primaries) -> npt.NDArray[np.float64]:
    """Matrix (3, 3) from linear light of these primaries to linear sRGB.

    Raises:
        ValueError: the primaries are degenerate.
    """
    if primaries == SRGB_PRIMARIES:
        return np.eye(3)
    try:
        light = imagecodecs.cms_transform(
            np.eye(3, dtype=np.float32)[None],
            linear_profile(primaries),
            linear_profile(SRGB_PRIMARIES),
            colorspace="rgb",
            outcolorspace="rgb",
            outdtype="float32",
            intent=1,
        )[0]
    except imagecodecs.CmsError as error:
        raise ValueError(f"its primaries {primaries} make no colours") from error
    matrix = np.asarray(light, np.float64).T
    if not np.isfinite(matrix).all() or np.abs(matrix.sum(axis=1) - 1).max() > 0.01:
        raise ValueError(f"its primaries {primaries} make no colours")
    return matrix / matrix.sum(axis=1, keepdims=True)


@cache
def linear_profile(primaries: Primaries) -> bytes:
    """ICC profile of linear light with these primaries."""
    red, green, blue, white = (list(primaries[i : i + 2]) for i in (0, 2, 4, 6))
    return bytes(
        imagecodecs.cms_profile("rgb", whitepoint=[*white, 1], primaries=[*red, 1, *green, 1, *blue, 1], gamma=1.0)
    )


def _bt709(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scene light, by the inverse of the camera transfer function of ITU-R BT.709."""
    return np.where(signal < 0.081, signal / 4.5, ((signal + 0.099) / 1.099) ** (1 / 0.45))


def _pq(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """SMPTE ST 2084, with diffuse white at 203 cd/m² (ITU-R BT.2408)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    return (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * 10_000 / 203


def _hlg(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scene light of ITU-R BT.2100, with diffuse white at signal 0.75 (ITU-R BT.2408)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073

    def scene(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)

    return scene(signal) / scene(np.array(0.75))
