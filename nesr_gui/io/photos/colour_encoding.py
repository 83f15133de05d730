"""Encodings of colour that standards name: a curve from numbers to light, and whose red, green and blue they are."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache

import imagecodecs
import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import FloatArray

Primaries = tuple[float, ...]
"""Eight chromaticities: x, y of red, green, blue and white."""

D65 = (0.3127, 0.3290)
SRGB_PRIMARIES: Primaries = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65)  # IEC 61966-2-1
P3_PRIMARIES: Primaries = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65)  # SMPTE EG 432-1
ADOBE_PRIMARIES: Primaries = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *D65)  # Adobe RGB (1998)
BT2020_PRIMARIES: Primaries = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65)  # ITU-R BT.2020
SAME_CHROMATICITY = 2e-3


class TransferFunction(enum.Enum):
    """From numbers in [0, 1] to light."""

    LINEAR = "linear"
    SRGB = "sRGB"
    GAMMA = "gamma"
    BT709 = "BT.709"
    PQ = "PQ"
    HLG = "HLG"


@dataclass(frozen=True)
class ColourEncoding:
    """An encoding: its name, its curve (`gamma` where that is a power), and its primaries."""

    name: str
    curve: TransferFunction = TransferFunction.SRGB
    primaries: Primaries = SRGB_PRIMARIES
    gamma: float = 1.0

    @property
    def exceeds_white(self) -> bool:
        """Whether it holds light brighter than a white surface."""
        return self.curve in (TransferFunction.PQ, TransferFunction.HLG)

    def linear(self, encoded: npt.NDArray[np.floating]) -> FloatArray:
        """Light of numbers, channel by channel: 1 is a white surface, also in PQ and HLG (ITU-R BT.2408)."""
        from nesr_gui.colorimetry.cie import decode_srgb

        if self.curve is TransferFunction.LINEAR:
            return encoded.astype(
                np.promote_types(encoded.dtype, np.float32)
            )  # doubles may be huge until they are scaled
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
        """(3, 3): linear sRGB = matrix @ light, white staying white (relative colorimetric, Bradford)."""
        return primaries_matrix(self.primaries)


SRGB = ColourEncoding("sRGB")
LINEAR = ColourEncoding("linear sRGB", TransferFunction.LINEAR)
DISPLAY_P3 = ColourEncoding("Display P3", TransferFunction.SRGB, P3_PRIMARIES)
ADOBE_RGB = ColourEncoding("Adobe RGB", TransferFunction.GAMMA, ADOBE_PRIMARIES, gamma=563 / 256)

# ITU-T H.273, tables 2 and 3: the codes that photographs use
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
    """Light = number ** gamma."""
    where = "" if primaries == SRGB_PRIMARIES else " with the file's own primaries"
    return ColourEncoding(f"gamma {gamma:.4g}{where}", TransferFunction.GAMMA, primaries, gamma)


def of_codes(primaries: int, transfer: int) -> ColourEncoding | None:
    """The encoding that a PNG's cICP chunk or a HEIC's nclx box names by numbers; None where it is not known here."""
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        return None
    (name, chromaticities), curve = _PRIMARIES[primaries], _CURVES[transfer]
    known = {
        (1, TransferFunction.SRGB): SRGB,
        (12, TransferFunction.SRGB): DISPLAY_P3,
        (1, TransferFunction.LINEAR): LINEAR,
    }
    return known.get((primaries, curve), ColourEncoding(f"{name} with the {curve.value} curve", curve, chromaticities))


def is_srgb(primaries: Primaries) -> bool:
    """Whether chromaticities are those of sRGB, as nearly as files round them."""
    return bool(np.abs(np.subtract(primaries, SRGB_PRIMARIES)).max() < SAME_CHROMATICITY)


@cache
def primaries_matrix(primaries: Primaries) -> npt.NDArray[np.float64]:
    """(3, 3) from linear light of these primaries to linear sRGB.

    Raises:
        ValueError: no colours can be made of such primaries.
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
    """An ICC profile of linear light with these primaries."""
    red, green, blue, white = (list(primaries[i : i + 2]) for i in (0, 2, 4, 6))
    return bytes(
        imagecodecs.cms_profile("rgb", whitepoint=[*white, 1], primaries=[*red, 1, *green, 1, *blue, 1], gamma=1.0)
    )


def _bt709(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The scene's light, by the inverse of the camera's curve of ITU-R BT.709."""
    return np.where(signal < 0.081, signal / 4.5, ((signal + 0.099) / 1.099) ** (1 / 0.45))


def _pq(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """SMPTE ST 2084, where 203 cd/m² is the white of a surface (ITU-R BT.2408)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    return (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * 10_000 / 203


def _hlg(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The scene's light by ITU-R BT.2100, where the signal 0.75 is the white of a surface (ITU-R BT.2408)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073

    def scene(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)

    return scene(signal) / scene(np.array(0.75))
