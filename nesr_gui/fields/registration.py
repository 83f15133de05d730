"""Finds how a measured cube lies over a photograph: which way round, and by what its values must be multiplied."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.camera import camera_bands, camera_weights
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.fields.resampled import Orientation, Registration, ResamplingWeights, Shape
from nesr_gui.spectral import FloatArray, RGBImage

LOOKED_AT = 128  # pixels along the longer side of what is compared
READ = 512  # pixels along the longer side of what is read of a cube, at least
LEAST = 0.6  # correlation below which two images are not of one scene
SAME_ASPECT = 0.01
SAME_GAIN = 0.005  # a gain this near to 1 is 1: photographs of 8 bits do not say more


class RegistrationError(ValueError):
    """The cube is not of this photograph, or cannot be compared with it."""


def register(photograph: RGBImage, cube: SpectralField, progress: ProgressCallback | None = None) -> Registration:
    """The orientation in which a cube, seen by the default camera, is most like a photograph, and the gain then.

    Both are compared at `LOOKED_AT` pixels by the correlation of their colours, compressed as the eye does it, about
    each channel's mean: no exposure changes it. The gain is the least-squares one in linear light, of pixels that are
    not clipped; no offset is fitted, since zero is zero in both.

    Raises:
        RegistrationError: in no orientation have the two the same sides, or one is like the other, or they share no
            wavelengths.
    """
    turns = possible_orientations(photograph.source_shape, cube.shape)
    if not turns:
        raise RegistrationError(
            f"the measured cube has {cube.shape[1]}x{cube.shape[0]} pixels and the photograph "
            f"{photograph.source_shape[1]}x{photograph.source_shape[0]}, which no turning or scaling makes equal; open "
            "a cube of the same section"
        )
    seen = _seen(cube, progress)
    found = sorted(((_correlation(photograph, turn.apply(seen)), turn) for turn in turns), key=lambda each: -each[0])
    best, turn = found[0]
    if best < LEAST:
        raise RegistrationError(
            f"the measured cube does not look like the photograph in any orientation (the best correlation is "
            f"{best:.2f}, {LEAST:g} is needed); open the cube that was measured of this photograph"
        )
    gain = fit_gain(photograph, turn.apply(seen))
    return Registration(turn, gain, round(best, 4), round(found[1][0], 4) if len(found) > 1 else None)


def register_in_orientation(
    photograph: RGBImage, cube: SpectralField, turn: Orientation, progress: ProgressCallback | None = None
) -> Registration:
    """The match in an orientation that the user chose.

    Raises:
        RegistrationError: in this orientation the two have other sides.
    """
    if turn not in possible_orientations(photograph.source_shape, cube.shape):
        raise RegistrationError(
            f"the measured cube, {turn}, has other sides than the photograph; choose another orientation"
        )
    seen = turn.apply(_seen(cube, progress))
    return Registration(turn, fit_gain(photograph, seen), round(_correlation(photograph, seen), 4))


def possible_orientations(photograph: Shape, cube: Shape) -> list[Orientation]:
    """The orientations in which a cube has the sides of a photograph, up to a scale."""
    return [turn for turn in Orientation if _agree(photograph, turn.shape_of(cube))]


def fit_gain(photograph: RGBImage, seen: FloatArray) -> float:
    """What linear colours (3, h, w) are multiplied by to come nearest to a photograph's; 1 where nothing says so."""
    size = _size(photograph.shape, (seen.shape[1], seen.shape[2]))
    known, light = resize_area(np.moveaxis(photograph.values, -1, 0), size), resize_area(seen, size)
    usable = (known.min(0) > 1e-3) & (known.max(0) < 0.98) & (light.min(0) > 0)
    if photograph.clipped is not None:
        usable &= resize_area(photograph.clipped[None].astype(np.float32), size)[0] == 0
    if not usable.any():
        return 1.0
    known, light = known[:, usable].astype(np.float64), light[:, usable].astype(np.float64)
    gain = float((known * light).sum() / (light**2).sum())
    return 1.0 if abs(gain - 1) < SAME_GAIN else gain


def resize_area(values: FloatArray, size: Shape) -> FloatArray:
    """Values (..., h, w) at another size, by the means of what each pixel covers."""
    for axis, wanted in zip((values.ndim - 2, values.ndim - 1), size, strict=True):
        taps = ResamplingWeights.of(wanted, values.shape[axis], values.shape[axis] / wanted)
        values = taps.gather(values, np.arange(wanted), 0, axis)
    return values


def _agree(one: Shape, other: Shape) -> bool:
    """Whether two shapes are one, up to a scale: to a hundredth, or to a pixel of the coarser one."""
    scale = math.sqrt(one[0] * one[1] / (other[0] * other[1]))
    tolerances = (max(1.0, scale, SAME_ASPECT * side) for side in one)
    return all(abs(side - scale * of) <= most + 1e-9 for side, of, most in zip(one, other, tolerances, strict=True))


def _seen(cube: SpectralField, progress: ProgressCallback | None) -> FloatArray:
    """Linear colours (3, h, w) of a cube for the default camera; of a large one every so many-th pixel."""
    bands = camera_bands(cube)
    weights = camera_weights(ViewingConditions.default(), cube.quantity, bands.nm)
    stride = max(max(cube.shape) // READ, 1)
    seen = np.zeros((3, *(-(-side // stride) for side in cube.shape)), np.float32)
    for i, nm in enumerate(bands):
        if progress is not None:
            progress(i / len(bands))
        seen += weights[i][:, None, None] * np.nan_to_num(cube.band(nm, stride=stride), posinf=0, neginf=0)
    return seen


def _size(photograph: Shape, seen: Shape) -> Shape:
    """What both are compared at: the photograph's sides, no finer than either is."""
    longest = min(LOOKED_AT, max(photograph), max(seen))
    rows, cols = (max(round(side * longest / max(photograph)), 1) for side in photograph)
    return rows, cols


def _correlation(photograph: RGBImage, seen: FloatArray) -> float:
    """Of the compressed colours of a photograph and of a cube (3, h, w), about the mean of each channel."""
    size = _size(photograph.shape, (seen.shape[1], seen.shape[2]))
    one, other = (_compressed(resize_area(part, size)) for part in (np.moveaxis(photograph.values, -1, 0), seen))
    norm = math.sqrt(float((one**2).sum()) * float((other**2).sum()))
    return float((one * other).sum()) / norm if norm > 0 else 0.0


def _compressed(light: FloatArray) -> npt.NDArray[np.float64]:
    values = np.maximum(light, 0).astype(np.float64) ** (1 / 2.2)
    return values - values.mean(axis=(1, 2), keepdims=True)
