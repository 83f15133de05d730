"""Registration of a measured cube with a photograph: orientation and gain."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.camera import camera_bands, camera_weights
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.fields.resampled import Orientation, Registration, ResamplingWeights, Shape
from nesr_gui.spectral import FloatArray, RGBImage

COMPARED_SIDE = 128  # pixels along the longer side of the compared images
MIN_READ_SIDE = 512  # minimum pixels along the longer side of what is read from a cube
MIN_CORRELATION = 0.6  # correlation below which two images do not show the same scene
SAME_ASPECT = 0.01
SAME_GAIN = 0.005  # a gain this close to 1 is 1, the precision of 8-bit photographs


class RegistrationError(ValueError):
    """The cube does not show the same scene as the photograph, or cannot be compared with it."""


def register(photograph: RGBImage, cube: SpectralField, progress: ProgressCallback | None = None) -> Registration:
    """Find the orientation in which a cube, rendered for the default camera, best matches a photograph, and the gain.

    Both are compared at `COMPARED_SIDE` pixels by the correlation of their gamma-compressed colours about the mean of
    each channel, which is independent of exposure. The gain is the least-squares factor in linear light over pixels
    that are not clipped; no offset is fitted, since zero means no light in both.

    Raises:
        RegistrationError: no orientation has matching proportions, none is similar enough, or the cube has no
            wavelength that the camera sees.
    """
    turns = possible_orientations(photograph.source_shape, cube.shape)
    if not turns:
        raise RegistrationError(
            f"the measured cube has {cube.shape[1]}x{cube.shape[0]} pixels and the photograph "
            f"{photograph.source_shape[1]}x{photograph.source_shape[0]}, which do not match in any "
            "orientation or scale; open a cube of the same scene"
        )
    rendered = _render(cube, progress)
    scores = sorted(
        ((_correlation(photograph, turn.apply(rendered)), turn) for turn in turns), key=lambda each: -each[0]
    )
    best, turn = scores[0]
    if best < MIN_CORRELATION:
        raise RegistrationError(
            f"the measured cube does not look like the photograph in any orientation (the best correlation is "
            f"{best:z.2f}, {MIN_CORRELATION:g} is needed); open the cube that was measured of the same scene"
        )
    gain = fit_gain(photograph, turn.apply(rendered))
    return Registration(turn, gain, round(best, 4), round(scores[1][0], 4))


def register_in_orientation(
    photograph: RGBImage, cube: SpectralField, turn: Orientation, progress: ProgressCallback | None = None
) -> Registration:
    """Registration in an orientation chosen by the user.

    Raises:
        RegistrationError: the proportions do not match in this orientation.
    """
    if turn not in possible_orientations(photograph.source_shape, cube.shape):
        raise RegistrationError(
            f"the measured cube, {turn}, has other proportions than the photograph; choose another orientation"
        )
    rendered = turn.apply(_render(cube, progress))
    return Registration(turn, fit_gain(photograph, rendered), round(_correlation(photograph, rendered), 4))


def possible_orientations(photograph: Shape, cube: Shape) -> list[Orientation]:
    """Orientations in which a cube has the proportions of a photograph."""
    return [turn for turn in Orientation if _same_proportions(photograph, turn.shape_of(cube))]


def fit_gain(photograph: RGBImage, rendered: FloatArray) -> float:
    """Least-squares factor from linear colours (3, h, w) to those of a photograph; 1 if no pixel is usable."""
    size = _compared_shape(photograph.shape, (rendered.shape[1], rendered.shape[2]))
    photographed, light = resize_area(np.moveaxis(photograph.values, -1, 0), size), resize_area(rendered, size)
    usable = (photographed.min(0) > 1e-3) & (photographed.max(0) < 0.98) & (light.min(0) > 0)
    if photograph.clipped is not None:
        usable &= resize_area(photograph.clipped[None].astype(np.float32), size)[0] == 0
    if not usable.any():
        return 1.0
    photographed, light = photographed[:, usable].astype(np.float64), light[:, usable].astype(np.float64)
    gain = float((photographed * light).sum() / (light**2).sum())
    return 1.0 if abs(gain - 1) < SAME_GAIN else gain


def resize_area(values: FloatArray, size: Shape) -> FloatArray:
    """Resize values (..., h, w) to `size` by averaging over the part of each area that has values; NaN without."""
    known = np.isfinite(values)
    if known.all():
        return _averaged(values, size)
    share = _averaged(known.astype(np.float32), size)
    share[share == 0] = np.nan
    return _averaged(np.where(known, values, np.float32(0)), size) / share


def _averaged(values: FloatArray, size: Shape) -> FloatArray:
    for axis, wanted in zip((values.ndim - 2, values.ndim - 1), size, strict=True):
        taps = ResamplingWeights.of(wanted, values.shape[axis], values.shape[axis] / wanted)
        values = taps.gather(values, np.arange(wanted), 0, axis)
    return values


def _same_proportions(one: Shape, other: Shape) -> bool:
    """Whether two shapes have the same proportions, to a hundredth or to one pixel of the coarser one."""
    scale = math.sqrt(one[0] * one[1] / (other[0] * other[1]))
    tolerances = (max(1.0, scale, SAME_ASPECT * side) for side in one)
    return all(abs(side - scale * of) <= most + 1e-9 for side, of, most in zip(one, other, tolerances, strict=True))


def _render(cube: SpectralField, progress: ProgressCallback | None) -> FloatArray:
    """Linear colours (3, h, w) of a cube for the default camera, not finite where a pixel lacks values.

    A large cube is subsampled, and bands without any values are taken as linear between their neighbours.
    """
    bands = camera_bands(cube)
    weights = camera_weights(ViewingConditions.default(), cube.quantity, bands.nm)
    stride = max(max(cube.shape) // MIN_READ_SIDE, 1)
    images = np.empty((len(bands), *(-(-side // stride) for side in cube.shape)), np.float32)
    for i, nm in enumerate(bands):
        if progress is not None:
            progress(i / len(bands))
        images[i] = cube.band(nm, stride=stride)
    images[~np.isfinite(images)] = np.nan
    known = np.isfinite(images).any(axis=(1, 2))
    if known.any() and not known.all():
        shares = np.stack([np.interp(bands.nm, bands.nm[known], one) for one in np.eye(known.sum())])
        images, weights = images[known], (shares @ weights).astype(np.float32)
    return np.tensordot(weights, images, axes=(0, 0))


def _compared_shape(photograph: Shape, rendered: Shape) -> Shape:
    """Size of the comparison: the proportions of the photograph, no finer than either image."""
    longest = min(COMPARED_SIDE, max(photograph), max(rendered))
    rows, cols = (max(round(side * longest / max(photograph)), 1) for side in photograph)
    return rows, cols


def _correlation(photograph: RGBImage, rendered: FloatArray) -> float:
    """Correlation of the compressed colours of a photograph and a cube (3, h, w), about the channel means."""
    size = _compared_shape(photograph.shape, (rendered.shape[1], rendered.shape[2]))
    photographed, light = resize_area(np.moveaxis(photograph.values, -1, 0), size), resize_area(rendered, size)
    known = np.isfinite(light).all(axis=0)
    one, other = (_compress(part[:, known]) for part in (photographed, light))
    norm = math.sqrt(float((one**2).sum()) * float((other**2).sum()))
    return float((one * other).sum()) / norm if norm > 0 else 0.0


def _compress(light: FloatArray) -> npt.NDArray[np.float64]:
    """Compressed light (3, n) about the channel means."""
    values = np.maximum(light, 0).astype(np.float64) ** (1 / 2.2)
    return values - (values.mean(axis=1, keepdims=True) if values.size else 0)
