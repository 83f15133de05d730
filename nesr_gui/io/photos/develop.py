"""From a file's numbers to linear sRGB under one interpretation: cheap enough to be done again when it changes.

White balance is gains from a grey point or a matrix from the temperature and tint of a light; a camera's red, green and
blue become the default camera's, which the models know. The image is worked strip by strip and reduced on the way, so
that the memory is that of the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.viewing_conditions import Observer, ViewingConditions
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.io.errors import UnreadableImage
from nesr_gui.io.photos import colour_encoding, icc
from nesr_gui.io.photos.colour_encoding import ColourEncoding
from nesr_gui.io.photos.develop_settings import DAYLIGHT, DevelopSettings, SourceEncoding, WhiteBalance
from nesr_gui.io.photos.icc import Converter
from nesr_gui.io.photos.photo import DecodedPhoto, DecodedPixels
from nesr_gui.spectral import FloatArray, ImageSource, RGBImage, Wavelengths, bin_any, bin_mean, binning_factor

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear sRGB, IEC 61966-2-1
DARKEST = 1e-3  # linear light below which a grey point says nothing of the light
STRONGEST = 20.0  # a gain beyond is of a colour, not of a grey
FIT_AT = Wavelengths.from_step(400, 700, 5)
DRAFT_PIXELS = 1 << 20  # of a picture that must be there at once
STRIP_PIXELS = 1 << 20  # pixels converted at once, so that the work arrays stay small
OUTSIDE = 2e-3  # beyond [0, 1] by more than the colour engine's rounding
AROUND = 2  # pixels on each side of a grey point that are averaged with it


def grey_gains(light: FloatArray) -> npt.NDArray[np.float64] | None:
    """Gains (3,) that make the mean of light (h, w, 3) grey, its luminance kept; None where it is no grey at all."""
    mean = light.reshape(-1, 3).mean(axis=0).astype(np.float64)
    if mean.min() < DARKEST or mean.max() / mean.min() > STRONGEST:
        return None
    gains: npt.NDArray[np.float64] = (LUMINANCE @ mean) / mean
    return gains


def balance_matrix(kelvin: float, tint: float) -> npt.NDArray[np.float64]:
    """(3, 3) on linear sRGB that makes white what is white in a light of `kelvin`, `tint`; 6504 K, 0 is the identity.

    The Bradford transform of the light's white to that of daylight, as cameras and CIE 15 do it.
    """
    to_rgb = cie.xyz_to_linear_srgb()
    adapted = cie.adaptation(_white(kelvin, tint), _white(DAYLIGHT, 0))
    matrix: npt.NDArray[np.float64] = to_rgb @ adapted @ np.linalg.inv(to_rgb)
    return matrix


def _white(kelvin: float, tint: float) -> npt.NDArray[np.float64]:
    """XYZ, Y = 1, of a light: on the blackbody locus (Krystek 1985), moved by daylight's and the tint's Duv.

    `tint` counts thousandths of Duv in the CIE 1960 diagram along the isotherm; daylight stands at Duv = 0.0032.
    """
    u, v = cie.blackbody_uv(kelvin)
    ahead = np.subtract(cie.blackbody_uv(kelvin * 1.001), (u, v))
    across = np.array([ahead[1], -ahead[0]]) / np.linalg.norm(ahead)
    across *= np.sign(across[1]) or 1  # green lies above the locus
    u, v = np.array([u, v]) + (0.0032 + tint / 1000) * across
    return np.array([3 * u / (2 * v), 1, (4 - u - 10 * v) / (2 * v)])


@dataclass(frozen=True, eq=False)
class CameraFit:
    """default camera's RGB ≈ matrix (3, 3) @ camera's RGB; `error` is what is left, as root mean square."""

    matrix: npt.NDArray[np.float64]
    error: float
    surfaces: int

    def in_words(self, name: str) -> str:
        """A sentence for notes and files."""
        return (
            f"Colours of the camera {name} were turned into the default camera's by a matrix fitted to "
            f"{self.surfaces} surfaces of colour charts under D65; what it leaves is {self.error:.4f} of white."
        )


@lru_cache(maxsize=8)
def camera_matrix(camera: Observer) -> CameraFit:
    """The matrix that comes nearest over the colour charts' surfaces, under D65, white staying white.

    Both cameras are balanced: a perfect white reflector is (1, 1, 1) to either. Least squares of linear light, with
    the rows of the matrix summing to 1 (the white point preserving fit of Finlayson and Drew, 1997).

    Raises:
        ValueError: the camera sees nothing of one of its channels between 400 and 700 nm.
    """
    surfaces = cie.chart_reflectances(FIT_AT)  # (N, L)
    theirs = (surfaces @ ViewingConditions(observer=camera).rgb_weights(FIT_AT.nm)).astype(np.float64)  # (N, 3)
    ours = (surfaces @ ViewingConditions.default().rgb_weights(FIT_AT.nm)).astype(np.float64)
    # rows that sum to 1 are 1 = a + b + c: with c = 1 - a - b two unknowns are left, of differences to blue
    free = theirs[:, :2] - theirs[:, 2:]
    solved = np.linalg.lstsq(free, ours - theirs[:, 2:], rcond=None)[0].T  # (3, 2)
    matrix = np.column_stack([solved, 1 - solved.sum(axis=1)])
    error = float(np.sqrt(np.mean((theirs @ matrix.T - ours) ** 2)))
    return CameraFit(matrix, error, len(surfaces))


def develop_preview(decoded: DecodedPhoto, interpretation: DevelopSettings) -> RGBImage | None:
    """A first look at a large file: some of its pixels, far enough apart to be at most `DRAFT_PIXELS`.

    It is for the eye; its pixels are samples and no means. None where the file is small enough to be done at once.
    """
    step = binning_factor(DRAFT_PIXELS, decoded.shape)
    if step == 1:
        return None
    point = interpretation.grey_point
    thinned = replace(
        interpretation, grey_point=(point[0] // step, point[1] // step) if point else None, working_pixels=None
    )
    stored = replace(decoded.stored, pixels=decoded.stored.pixels[::step, ::step])
    image = develop(DecodedPhoto(stored, decoded.name, decoded.sha256), thinned)
    return replace(image, binning=step, source_shape=decoded.shape)


@dataclass
class _Reading:
    """What is known on the way: the conversion so far, its name, and what to tell."""

    convert: Converter
    encoding: str
    notes: list[str] = field(default_factory=list)
    scaled: float = 1.0
    has_negative: bool = False


def develop(
    decoded: DecodedPhoto,
    interpretation: DevelopSettings,
    *,
    max_pixels: int | None = None,
    progress: ProgressCallback | None = None,
) -> RGBImage:
    """Linear sRGB (H, W, 3) of a decoded file.

    In this order: the encoding is undone; values brighter than white are scaled to it, where the file holds such; the
    grey point is balanced; the camera's colours become the default camera's; temperature and tint are corrected; the
    exposure is changed; what then lies outside sRGB is clipped, marked in `clipped`, and counted in the notes.

    Args:
        decoded: from `photograph.decode`; it is not changed.
        interpretation: how to understand it.
        max_pixels: average blocks of pixels in linear light to at most so many; None keeps all.
        progress: called between strips with the fraction done; what it raises ends the work.

    Raises:
        UnreadableImage: no colours can be made of the file's primaries.
    """
    stored = decoded.stored
    pixels = stored.pixels
    notes = list(stored.notes)
    if pixels.shape[2] in (2, 4):
        pixels = pixels[..., : pixels.shape[2] - 1]
        notes.append("The alpha channel was dropped.")
    reading = _conversion(stored, pixels, interpretation)
    adjustment = _adjustment(pixels, reading, interpretation)
    is_adjusted = not np.array_equal(adjustment, np.eye(3))
    if is_adjusted or reading.scaled != 1:
        reading.convert = reading.convert.then(adjustment / reading.scaled)
    factor = 1 if max_pixels is None else binning_factor(max_pixels, decoded.shape)
    white = None if pixels.dtype.kind == "f" else stored.white
    values, clipped, outside = _developed(pixels, white, reading.convert, factor, progress)
    notes += reading.notes
    if outside and (is_adjusted or not reading.has_negative):  # which the notes tell
        notes.append(_of_the_outside(outside, decoded.shape, is_adjusted))
    understood = {"photograph_encoding": reading.encoding, **interpretation.in_words()}
    source = ImageSource(decoded.name, decoded.sha256, tuple(notes), tuple(understood.items()))
    return RGBImage(values, source, factor, decoded.shape, clipped)


def _conversion(stored: DecodedPixels, pixels: npt.NDArray[np.generic], chosen: DevelopSettings) -> _Reading:
    """The encoding undone, as the user chose or as the file says."""
    is_float = pixels.dtype.kind == "f"
    white = None if is_float else stored.white
    if chosen.encoding is not SourceEncoding.AUTOMATIC:
        code = _chosen(chosen)
        reading = _Reading(icc.of_code(white, code), f"{code.name}, chosen")
        if stored.profile or stored.code:
            reading.notes.append(f"Colours are taken as {code.name}, as chosen; what the file says was left aside.")
    elif stored.profile and stored.code is None and white is not None:
        convert, name, note = icc.of_profile(pixels.shape[2], white, stored.profile)
        return _Reading(convert, name, [note] if note else [])
    else:
        code = stored.code or (colour_encoding.LINEAR if is_float else colour_encoding.SRGB)
        try:
            reading = _Reading(icc.of_code(white, code), code.name)
        except ValueError as error:
            raise UnreadableImage(str(error)) from error
        if stored.code:
            reading.notes.append(f"Colours were converted from {code.name}, as the file says.")
    if is_float or code.exceeds_white:
        _scale(pixels, reading)
    return reading


def _chosen(chosen: DevelopSettings) -> ColourEncoding:
    return {
        SourceEncoding.SRGB: colour_encoding.SRGB,
        SourceEncoding.LINEAR: colour_encoding.LINEAR,
        SourceEncoding.GAMMA: colour_encoding.of_power(chosen.gamma),
        SourceEncoding.DISPLAY_P3: colour_encoding.DISPLAY_P3,
        SourceEncoding.ADOBE_RGB: colour_encoding.ADOBE_RGB,
    }[chosen.encoding]


def _scale(pixels: npt.NDArray[np.generic], reading: _Reading) -> None:
    """Bring light that is brighter than white to white, said so; negative light there is none."""
    extremes = [(float(light.min()), float(light.max())) for light in map(reading.convert, _strips(pixels))]
    least, peak = min(low for low, _ in extremes), max(high for _, high in extremes)
    reading.has_negative = least < 0
    if least < 0:
        reading.notes.append(f"Negative values, down to {least:.3g}, were set to 0.")
    if peak > 1:
        reading.scaled = peak
        reading.notes.append(f"The exposure was divided by {peak:.6g}, so that the brightest value is 1.")


def _adjustment(pixels: npt.NDArray[np.generic], reading: _Reading, chosen: DevelopSettings) -> npt.NDArray[np.float64]:
    """(3, 3): what the user changes, of linear light."""
    matrix = np.eye(3)
    if chosen.balance is WhiteBalance.GREY_POINT and chosen.grey_point is not None:
        row, col = (min(at, size - 1) for at, size in zip(chosen.grey_point, pixels.shape[:2], strict=True))
        around = slice(max(row - AROUND, 0), row + AROUND + 1), slice(max(col - AROUND, 0), col + AROUND + 1)
        gains = grey_gains(reading.convert(pixels[around]))
        if gains is None:
            reading.notes.append("The grey point is black or has no colour to balance; white was left as it is.")
        else:
            matrix = np.diag(gains)
    if chosen.camera is not None:
        fit = camera_matrix(chosen.camera)
        matrix = fit.matrix @ matrix
        reading.notes.append(fit.in_words(chosen.camera.name))
    if chosen.balance is WhiteBalance.TEMPERATURE:
        matrix = balance_matrix(chosen.kelvin, chosen.tint) @ matrix
    return matrix * 2.0**chosen.stops


def _developed(
    pixels: npt.NDArray[np.generic],
    white: int | None,
    convert: Converter,
    factor: int,
    progress: ProgressCallback | None,
) -> tuple[FloatArray, npt.NDArray[np.bool_], int]:
    """Values (h, w, 3) in [0, 1], clipped pixels (h, w), and how many source pixels lay outside."""
    height, width = (-(-size // factor) for size in pixels.shape[:2])
    values, clipped = np.empty((height, width, 3), np.float32), np.empty((height, width), bool)
    outside = row = 0
    for strip in _strips(pixels, factor):
        light = convert(strip)
        beyond = np.zeros(strip.shape[:2], bool)
        if light.min() < -OUTSIDE or light.max() > 1 + OUTSIDE:
            beyond = _any_channel((light < -OUTSIDE) | (light > 1 + OUTSIDE))
            outside += int(np.count_nonzero(beyond))
        if white is not None:
            beyond |= _any_channel((strip == 0) | (strip == white))
        np.clip(light, 0, 1, out=light)
        rows = slice(row, row + -(-strip.shape[0] // factor))
        values[rows] = bin_mean(light, factor) if factor > 1 else light
        clipped[rows] = bin_any(beyond, factor) if factor > 1 else beyond
        row = rows.stop
        if progress is not None:
            progress(row / height)
    return values, clipped, outside


def _any_channel(marks: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(h, W, channels) → (h, W); a reduction along so short an axis would take ten times as long."""
    found = marks[..., 0]
    for channel in range(1, marks.shape[2]):
        found = found | marks[..., channel]
    return found


def _strips(pixels: npt.NDArray[np.generic], factor: int = 1) -> list[npt.NDArray[np.generic]]:
    """Views of some rows each, a whole number of blocks of `factor` rows."""
    height, width = pixels.shape[:2]
    rows = -(-max(STRIP_PIXELS // width, 1) // factor) * factor
    return [pixels[row : row + rows] for row in range(0, height, rows)]


def _of_the_outside(count: int, shape: tuple[int, int], is_adjusted: bool) -> str:
    share = max(100 * count / (shape[0] * shape[1]), 0.01)
    pixels, verb = ("pixel", "has a colour") if count == 1 else ("pixels", "have colours")
    where = "outside sRGB or brighter than white" if is_adjusted else "outside sRGB"
    return f"{count:,} {pixels} ({share:.2f} %) {verb} {where}, clipped and marked."
