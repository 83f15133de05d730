"""From the numbers in a photograph's file to linear sRGB, by its embedded ICC profile or by the sRGB standard.

The values keep their precision: 16 bits stay 16 bits, and colours are converted in floating point.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import ImageCms

from nesr_gui.spectral import FloatArray

Integers = npt.NDArray[Any]
Converter = Callable[[Integers], FloatArray]
"""Integers (h, W, 1 or 3) of the file to linear sRGB (h, W, 3) float32, not clipped."""

STRIP_PIXELS = 1 << 20  # pixels converted at once, so that the work arrays stay small
OUTSIDE = 2e-3  # beyond [0, 1] by more than the colour engine's rounding
LINEAR_TOLERANCE = 1e-4  # of the sum of a matrix profile's three tables
SAME_AS_SRGB = 0.5 / 255  # half a step of 8 bits, in display encoding
SRGB_GAMMA = 1 / 2.2  # the gAMA chunk by which PNG writers mean sRGB


def to_linear(pixels: Integers, white: int, profile: bytes, gamma: float | None) -> tuple[FloatArray, list[str]]:
    """Linear sRGB (H, W, 3) in [0, 1] of integers (H, W, 1 or 3), where `white` is full scale; notes say what was done.

    `profile` is the embedded ICC profile or empty; `gamma` is a PNG's file gamma, used where there is no profile.
    """
    convert, conversion = _converter(pixels.shape[2], white, profile, gamma)
    notes = list(conversion)
    height, width = pixels.shape[:2]
    linear = np.empty((height, width, 3), np.float32)
    outside = 0
    rows = max(STRIP_PIXELS // width, 1)
    for row in range(0, height, rows):
        strip = convert(pixels[row : row + rows])
        outside += int(((strip < -OUTSIDE) | (strip > 1 + OUTSIDE)).any(axis=2).sum())
        np.clip(strip, 0, 1, out=linear[row : row + rows])
    if outside:
        share = 100 * outside / (height * width)
        notes.append(f"{max(share, 0.01):.2f} % of the pixels have colours outside sRGB, which were clipped.")
    return linear, notes


def adobe_rgb() -> bytes:
    """The profile of Adobe RGB, for photographs that name it without embedding it."""
    return bytes(imagecodecs.cms_profile("adobergb"))


@lru_cache(maxsize=8)  # the photographs of one camera share their tables
def _converter(channels: int, white: int, profile: bytes, gamma: float | None) -> tuple[Converter, tuple[str, ...]]:
    if profile:
        name, space = _description(profile), profile[16:20]
        if space != b"RGB " and (space != b"GRAY" or channels != 1):
            return _table(white, _decode), (f"The embedded profile {name} is not for RGB; colours are taken as sRGB.",)
        try:
            if space == b"GRAY":
                return _grey(white, profile), (f"Greys were converted from the embedded profile {name}.",)
            if _is_srgb(profile):
                return _table(white, _decode), ()
            return _rgb(white, profile), (f"Colours were converted from the embedded profile {name} to sRGB.",)
        except (imagecodecs.CmsError, FloatingPointError):
            return _table(white, _decode), (f"The embedded profile {name} is damaged; colours are taken as sRGB.",)
    if gamma and abs(gamma - SRGB_GAMMA) > 0.01:
        exponent = 1 / gamma
        return _table(white, lambda encoded: encoded**exponent), (
            f"Values were decoded by the file's gamma {gamma:g}.",
        )
    return _table(white, _decode), ()


def _decode(encoded: FloatArray) -> FloatArray:
    from nesr_gui.colorimetry import decode_srgb  # brings the colour library, which takes a second to load

    return decode_srgb(encoded)


def _table(white: int, curve: Callable[[FloatArray], FloatArray]) -> Converter:
    """Convert each channel by `curve`, of values in [0, 1]; up to 16 bits by looking up its exact values."""
    if white > 0xFFFF:
        return lambda strip: _three(curve((strip / np.float64(white)).astype(np.float32)))
    table = curve(_ramp(white)).astype(np.float32)
    return lambda strip: _three(table[strip])


def _rgb(white: int, profile: bytes) -> Converter:
    """Convert through an RGB profile; a matrix profile, as nearly all are, as the sum of three tables.

    In linear light such a profile sums what each channel contributes, so the colour engine is asked for the channels
    alone: several times faster than asking it for every pixel. Whether the sum holds is tried out.
    """
    if white <= 0xFFFF:
        ramp = _ramp(white)
        black = _transform(np.zeros((1, 3), np.float32), profile)
        alone = [_transform(np.outer(ramp, axis).astype(np.float32), profile) - black for axis in np.eye(3)]
        trial = np.random.default_rng(0).integers(0, white, (512, 3), endpoint=True)
        total = black + sum(table[trial[:, i]] for i, table in enumerate(alone))
        exact = _transform((trial / white).astype(np.float32), profile)
        if np.abs(total - exact).max() < LINEAR_TOLERANCE:
            return lambda strip: _summed(_three(strip), alone, black)
    return lambda strip: _transform((_three(strip) / np.float64(white)).astype(np.float32), profile)


def _summed(strip: Integers, alone: list[FloatArray], black: FloatArray) -> FloatArray:
    total = alone[0][strip[..., 0]]
    for channel in (1, 2):
        total += alone[channel][strip[..., channel]]
    total += black[0]
    return total


def _grey(white: int, profile: bytes) -> Converter:
    ramp = _ramp(min(white, 0xFFFF))
    table = _transform(ramp, profile)[:, 1]  # grey has three equal channels
    if white > 0xFFFF:
        return lambda strip: _three(np.interp(strip / np.float64(white), ramp, table).astype(np.float32))
    return lambda strip: _three(table[strip])


def _is_srgb(profile: bytes) -> bool:
    """Whether the profile means sRGB, by what it does: there are dozens of sRGB profiles with as many names."""
    from nesr_gui.colorimetry import encode_srgb

    steps = np.linspace(0, 1, 18, dtype=np.float32)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    return bool(np.abs(encode_srgb(_transform(colours, profile)) - colours).max() < SAME_AS_SRGB)


def _transform(values: FloatArray, profile: bytes) -> FloatArray:
    """Colours (..., 3) or greys (N,) in [0, 1] through a profile: linear sRGB (..., 3), unclipped.

    The intent is relative colorimetric: what both gamuts hold keeps its colour, and white stays white.
    """
    rows = values[None] if values.ndim == 1 else values.reshape(1, -1, 3)
    result: FloatArray = imagecodecs.cms_transform(
        np.ascontiguousarray(rows),
        profile,
        _linear_srgb(),
        colorspace="gray" if values.ndim == 1 else "rgb",
        outcolorspace="rgb",
        outdtype="float32",
        intent=1,
    )
    if not np.isfinite(result).all():
        raise FloatingPointError("the profile makes values that are not finite numbers")
    return result.reshape(-1, 3) if values.ndim == 1 else result.reshape(values.shape)


@cache
def _linear_srgb() -> bytes:
    primaries = [0.64, 0.33, 1, 0.30, 0.60, 1, 0.15, 0.06, 1]  # IEC 61966-2-1, as x, y, Y
    d65 = [0.3127, 0.3290, 1]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=d65, primaries=primaries, gamma=1.0))


def _description(profile: bytes) -> str:
    try:
        return repr(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip())
    except (OSError, ImageCms.PyCMSError):
        return "without a name"


def _ramp(white: int) -> FloatArray:
    return (np.arange(white + 1) / white).astype(np.float32)


def _three(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values
