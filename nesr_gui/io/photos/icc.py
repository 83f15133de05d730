"""From the numbers in a photograph's file to linear sRGB, by its embedded ICC profile or by a named encoding.

The values keep their precision: 16 bits stay 16 bits, and colours are converted in floating point.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import ImageCms

from nesr_gui.io.photos.colour_encoding import SRGB, SRGB_PRIMARIES, ColourEncoding, linear_profile
from nesr_gui.spectral import FloatArray

Numbers = npt.NDArray[Any]
Matrix = npt.NDArray[np.float64]

LINEAR_TOLERANCE = 1e-4  # of what three tables and a matrix make of a profile
SAME_AS_SRGB = 0.5 / 255  # half a step of 8 bits, in display encoding
LARGEST_TABLE = 0xFFFF


class Converter(Protocol):
    """Numbers (h, W, 1 or 3) of the file to linear sRGB (h, W, 3) float32, not clipped."""

    def __call__(self, strip: Numbers) -> FloatArray: ...

    def then(self, matrix: Matrix) -> Converter:
        """The same, and its light mixed by a (3, 3) matrix."""
        ...


@dataclass(frozen=True, eq=False)
class Tables:
    """A converter of integers: the light of each number, looked up (3, white + 1), then a matrix (3, 3)."""

    curves: FloatArray
    matrix: Matrix

    def then(self, matrix: Matrix) -> Tables:
        return Tables(self.curves, matrix @ self.matrix)

    def __call__(self, strip: Numbers) -> FloatArray:
        if strip.shape[2] == 1:
            greys = (self.curves.T @ self.matrix.T).astype(np.float32)  # (white + 1, 3)
            return np.take(greys, strip[..., 0], axis=0, mode="clip")
        light = np.empty(strip.shape, np.float32)
        if (self.curves[1:] == self.curves[0]).all():
            np.take(self.curves[0], strip, out=light, mode="clip")
        else:
            for i, curve in enumerate(self.curves):
                light[..., i] = np.take(curve, strip[..., i], mode="clip")
        return _mixed(light, self.matrix)


@dataclass(frozen=True, eq=False)
class Pointwise:
    """A converter of any numbers: a function of each pixel, then a matrix."""

    light: Callable[[Numbers], FloatArray]
    matrix: Matrix

    def then(self, matrix: Matrix) -> Pointwise:
        return Pointwise(self.light, matrix @ self.matrix)

    def __call__(self, strip: Numbers) -> FloatArray:
        return _mixed(self.light(_three(strip)), self.matrix)


@lru_cache(maxsize=16)
def of_code(white: int | None, code: ColourEncoding) -> Converter:
    """Convert by a named encoding integers up to `white`, or floating point where that is None."""
    if white is None:
        return Pointwise(code.linear, code.matrix())
    if white > LARGEST_TABLE:
        return Pointwise(lambda strip: code.linear(strip / np.float64(white)), code.matrix())
    return Tables(np.stack([code.linear(_ramp(white))] * 3), code.matrix())


@lru_cache(maxsize=8)  # the photographs of one camera share their tables
def of_profile(channels: int, white: int, profile: bytes) -> tuple[Converter, str, str]:
    """Convert by an embedded profile: the converter, the name of what was done, and a sentence or nothing.

    A profile that cannot be used is left aside for sRGB, and said.
    """
    name, space = _description(profile), profile[16:20]
    if space != b"RGB " and (space != b"GRAY" or channels != 1):
        return (
            of_code(white, SRGB),
            SRGB.name,
            f"The embedded profile {name} is not for RGB; colours are taken as sRGB.",
        )
    try:
        if space == b"GRAY":
            return (
                _grey(white, profile),
                f"embedded profile {name}",
                (f"Greys were converted from the embedded profile {name}."),
            )
        if _is_srgb(profile):
            return of_code(white, SRGB), SRGB.name, ""
        return (
            _rgb(white, profile),
            f"embedded profile {name}",
            (f"Colours were converted from the embedded profile {name} to sRGB."),
        )
    except (imagecodecs.CmsError, FloatingPointError):
        return of_code(white, SRGB), SRGB.name, f"The embedded profile {name} is damaged; colours are taken as sRGB."


def _rgb(white: int, profile: bytes) -> Converter:
    """Convert through an RGB profile; a matrix profile, as nearly all are, by three tables and a matrix.

    In linear light such a profile sums what each channel contributes, so the colour engine is asked for the channels
    alone: several times faster than asking it for every pixel. Whether that holds is tried out.
    """
    if white <= LARGEST_TABLE:
        ramp = _ramp(white)
        alone = [_transform(np.outer(ramp, axis).astype(np.float32), profile).astype(np.float64) for axis in np.eye(3)]
        full = [light[-1] for light in alone]  # linear sRGB of the channel at its largest number
        curves = np.stack([light @ most / (most @ most) for light, most in zip(alone, full, strict=True)])
        tables = Tables(curves.astype(np.float32), np.stack(full, axis=1))
        trial = np.random.default_rng(0).integers(0, white, (1, 512, 3), endpoint=True)
        exact = _transform((trial / white).astype(np.float32), profile)
        if np.abs(tables(trial) - exact).max() < LINEAR_TOLERANCE:
            return tables
    return Pointwise(lambda strip: _transform((strip / np.float64(white)).astype(np.float32), profile), np.eye(3))


def _grey(white: int, profile: bytes) -> Converter:
    ramp = _ramp(min(white, LARGEST_TABLE))
    table = _transform(ramp, profile)[:, 1]  # grey has three equal channels
    if white > LARGEST_TABLE:
        return Pointwise(lambda strip: np.interp(strip / np.float64(white), ramp, table).astype(np.float32), np.eye(3))
    return Tables(np.stack([table] * 3), np.eye(3))


def _is_srgb(profile: bytes) -> bool:
    """Whether the profile means sRGB, by what it does: there are dozens of sRGB profiles with as many names."""
    from nesr_gui.colorimetry.cie import encode_srgb

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
        linear_profile(SRGB_PRIMARIES),
        colorspace="gray" if values.ndim == 1 else "rgb",
        outcolorspace="rgb",
        outdtype="float32",
        intent=1,
    )
    if not np.isfinite(result).all():
        raise FloatingPointError("the profile makes values that are not finite numbers")
    return result.reshape(-1, 3) if values.ndim == 1 else result.reshape(values.shape)


def _mixed(light: Numbers, matrix: Matrix) -> Numbers:
    """Light (h, W, 3) times a matrix, at its own precision."""
    weights = matrix.astype(light.dtype)
    if np.array_equal(matrix, np.eye(3)):
        return light
    if np.array_equal(matrix, np.diag(np.diagonal(matrix))):
        return light * np.diagonal(weights)
    return (light.reshape(-1, 3) @ weights.T).reshape(light.shape)


def _description(profile: bytes) -> str:
    try:
        return repr(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip())
    except (OSError, ImageCms.PyCMSError):
        return "without a name"


def _ramp(white: int) -> FloatArray:
    return (np.arange(white + 1) / white).astype(np.float32)


def _three(values: Numbers) -> Numbers:
    return np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values
