"""Development of decoded photographs to linear sRGB, fast enough to repeat when a setting changes.

White balance is either per-channel gains from a grey point or a matrix from the temperature and tint of the light. A
camera's RGB is converted to that of the default camera, which the models expect. The image is processed and binned in
strips, so that memory use is that of the result.
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
from nesr_gui.io.photos.camera_profile import CHOSEN, CameraProfile, primaries, without_primaries
from nesr_gui.io.photos.colour_encoding import ColourEncoding
from nesr_gui.io.photos.develop_settings import DAYLIGHT, DevelopSettings, SourceEncoding, WhiteBalance
from nesr_gui.io.photos.icc import Converter
from nesr_gui.io.photos.photo import TONE_CURVE, DecodedPhoto, DecodedPixels
from nesr_gui.spectral import (
    CameraKnowledge,
    FloatArray,
    ImageSource,
    RGBImage,
    Wavelengths,
    bin_any,
    bin_mean,
    binning_factor,
)

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear sRGB, IEC 61966-2-1
MIN_GREY = 1e-3  # linear light below which a grey point is too dark to use
MOST_TOO_BRIGHT, TOO_BRIGHT = 0.01, 0.001
"""Share of pixels that a profile may make brighter than white before the exposure is divided, and after that."""
MAX_GAIN = 20.0  # a larger gain indicates a colour, not a grey
FIT_WAVELENGTHS = Wavelengths.from_step(400, 700, 5)
PREVIEW_PIXELS = 1 << 20  # size of a preview that must appear at once
STRIP_PIXELS = 1 << 20  # pixels converted at once, to keep work arrays small
OUT_OF_RANGE = 2e-3  # distance from [0, 1] beyond the rounding of the colour engine
GREY_POINT_RADIUS = 2  # pixels on each side of a grey point that are averaged


def grey_gains(light: FloatArray) -> npt.NDArray[np.float64] | None:
    """Gains (3,) that make the mean of light (..., 3) grey at equal luminance; None if it cannot be a grey."""
    mean = light.reshape(-1, 3).mean(axis=0).astype(np.float64)
    if mean.min() < MIN_GREY or mean.max() / mean.min() > MAX_GAIN:
        return None
    gains: npt.NDArray[np.float64] = (LUMINANCE @ mean) / mean
    return gains


def balance_matrix(kelvin: float, tint: float) -> npt.NDArray[np.float64]:
    """White balance matrix (3, 3) on linear sRGB for a light of `kelvin` and `tint`; 6504 K, 0 is the identity.

    The Bradford transform from the white of the light to that of daylight.
    """
    to_rgb = cie.xyz_to_linear_srgb()
    adapted = cie.adaptation(_white(kelvin, tint), _white(DAYLIGHT, 0))
    matrix: npt.NDArray[np.float64] = to_rgb @ adapted @ np.linalg.inv(to_rgb)
    return matrix


def _white(kelvin: float, tint: float) -> npt.NDArray[np.float64]:
    """XYZ (Y = 1) of a light: on the blackbody locus (Krystek 1985), offset by the Duv of daylight and of the tint.

    `tint` is in thousandths of Duv in the CIE 1960 diagram along the isotherm; daylight is at Duv = 0.0032.
    """
    u, v = cie.blackbody_uv(kelvin)
    ahead = np.subtract(cie.blackbody_uv(kelvin * 1.001), (u, v))
    across = np.array([ahead[1], -ahead[0]]) / np.linalg.norm(ahead)
    across *= np.sign(across[1]) or 1  # green is above the locus
    u, v = np.array([u, v]) + (0.0032 + tint / 1000) * across
    return np.array([3 * u / (2 * v), 1, (4 - u - 10 * v) / (2 * v)])


@dataclass(frozen=True, eq=False)
class CameraFit:
    """Colour correction: default camera RGB ≈ matrix (3, 3) @ camera RGB; `error` is the RMS residual."""

    matrix: npt.NDArray[np.float64]
    error: float
    surfaces: int

    def in_words(self, name: str) -> str:
        """Sentence for notes and files."""
        return (
            f"Colours of the camera {name} were converted to the default camera's by a matrix fitted to "
            f"{self.surfaces} surfaces of colour charts under D65; the residual is {self.error:.4f} of white."
        )


@lru_cache(maxsize=8)
def camera_matrix(camera: Observer) -> CameraFit:
    """Best colour correction matrix over the patches of colour charts under D65, preserving white.

    Both cameras are white-balanced: a perfect white reflector is (1, 1, 1). Least squares in linear light with rows
    that sum to 1 (white point preserving fit, Finlayson and Drew 1997).

    Raises:
        ValueError: a channel of the camera has no response between 400 and 700 nm.
    """
    surfaces = cie.chart_reflectances(FIT_WAVELENGTHS)  # (N, L)
    theirs = (surfaces @ ViewingConditions(observer=camera).rgb_weights(FIT_WAVELENGTHS.nm)).astype(
        np.float64
    )  # (N, 3)
    ours = (surfaces @ ViewingConditions.default().rgb_weights(FIT_WAVELENGTHS.nm)).astype(np.float64)
    # rows sum to 1: substituting c = 1 - a - b leaves two unknowns, of differences to blue
    free = theirs[:, :2] - theirs[:, 2:]
    solved = np.linalg.lstsq(free, ours - theirs[:, 2:], rcond=None)[0].T  # (3, 2)
    matrix = np.column_stack([solved, 1 - solved.sum(axis=1)])
    error = float(np.sqrt(np.mean((theirs @ matrix.T - ours) ** 2)))
    return CameraFit(matrix, error, len(surfaces))


def develop_preview(decoded: DecodedPhoto, interpretation: DevelopSettings) -> RGBImage | None:
    """Quick preview of a large file: a subsampled image of at most `PREVIEW_PIXELS` pixels, for display only.

    Returns:
        None if the file is small enough to be developed at once.
    """
    step = binning_factor(PREVIEW_PIXELS, decoded.shape)
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
    """State of the conversion: converter, name of the encoding, and notes for the user."""

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

    The order of operations: decode to linear light; scale values brighter than white; balance the grey point; convert
    the camera's RGB to that of the default camera, which a camera profile does before the grey point is balanced;
    correct temperature and tint; change the exposure; clip to sRGB, mark clipped pixels in `clipped` and count them in
    the notes.

    Args:
        decoded: from `decode.decode`; not modified.
        interpretation: develop settings.
        max_pixels: bin in linear light to at most this many pixels; None for full resolution.
        progress: called between strips with the fraction done; exceptions it raises end the work.

    Raises:
        UnreadableImage: the primaries of the file are degenerate.
    """
    stored = decoded.stored
    pixels = stored.pixels
    notes = [note for note in stored.notes if note != TONE_CURVE or interpretation.profile is None]
    if pixels.shape[2] in (2, 4):
        pixels = pixels[..., : pixels.shape[2] - 1]
        notes.append("The alpha channel was dropped.")
    reading = _conversion_by_profile(stored, pixels, interpretation)
    white = None if pixels.dtype.kind == "f" else stored.white
    adjustment = _adjustment(pixels, white, reading, interpretation)
    is_adjusted = not np.array_equal(adjustment, np.eye(3)) or interpretation.profile is not None
    if not np.array_equal(adjustment, np.eye(3)) or reading.scaled != 1:
        reading.convert = reading.convert.then(adjustment / reading.scaled)
    factor = 1 if max_pixels is None else binning_factor(max_pixels, decoded.shape)
    values, clipped, outside = _develop_strips(
        pixels, white, reading.convert, factor, profile=interpretation.profile, progress=progress
    )
    notes += reading.notes
    if outside and (is_adjusted or not reading.has_negative):  # already in the notes
        notes.append(_clipping_note(outside, decoded.shape, is_adjusted))
    understood = {"photograph_encoding": reading.encoding, **interpretation.in_words()}
    source = ImageSource(
        decoded.name, decoded.sha256, notes=tuple(notes), metadata=tuple(understood.items()),
        camera=_camera_knowledge(stored, interpretation),
    )  # fmt: skip
    return RGBImage(values, source, factor, decoded.shape, clipped)


def _camera_knowledge(stored: DecodedPixels, interpretation: DevelopSettings) -> CameraKnowledge:
    if interpretation.profile is not None:
        return CameraKnowledge.CHART
    is_stated = interpretation.camera is not None or not stored.is_camera_picture
    return CameraKnowledge.KNOWN if is_stated else CameraKnowledge.UNKNOWN


def _conversion(stored: DecodedPixels, pixels: npt.NDArray[np.generic], chosen: DevelopSettings) -> _Reading:
    """Converter to linear light, as chosen by the user or stated by the file."""
    is_float = pixels.dtype.kind == "f"
    white = None if is_float else stored.white
    if chosen.source_encoding is not SourceEncoding.AUTOMATIC:
        code = _chosen_encoding(chosen)
        reading = _Reading(icc.of_code(white, code), f"{code.name}{CHOSEN}")
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
    if (is_float or code.exceeds_white) and chosen.profile is None:  # a profile states the exposure
        _scale(pixels, reading)
    return reading


def _conversion_by_profile(stored: DecodedPixels, pixels: npt.NDArray[np.generic], chosen: DevelopSettings) -> _Reading:
    """Converter by the camera profile, if one is chosen; what the file says of its primaries is not used."""
    reading = _conversion(stored, pixels, chosen)
    if chosen.profile is not None:
        mismatches = chosen.profile.mismatches(stored.camera, reading.encoding, stored.white_balance)
        notes = [chosen.profile.in_words(), *mismatches]
        reading = _Reading(chosen.profile.converter(reading.convert), reading.encoding, notes)
        _darken(pixels, None if pixels.dtype.kind == "f" else stored.white, reading)
    return reading


def encoding_name(decoded: DecodedPhoto, interpretation: DevelopSettings) -> str:
    """Name of the encoding that a photograph is read as.

    Raises:
        UnreadableImage: the primaries of the file are degenerate.
    """
    stored = decoded.stored
    pixels = stored.pixels[:1, :1]  # of which no scale is needed
    return _conversion(stored, pixels[..., : pixels.shape[2] - (pixels.shape[2] in (2, 4))], interpretation).encoding


@dataclass(frozen=True, eq=False)
class DeviceLight:
    """Part of a photograph as the camera stored it, with the curve of its encoding undone.

    Attributes:
        values: (h, w, 3) float64, light in the file's own primaries.
        clipped: (h, w), whether a channel has its first or last code value.
        primaries: matrix (3, 3) from these primaries to linear sRGB.
        encoding: name of the encoding.
    """

    values: npt.NDArray[np.float64]
    clipped: npt.NDArray[np.bool_]
    primaries: npt.NDArray[np.float64]
    encoding: str


def device_light(decoded: DecodedPhoto, encoding: SourceEncoding, rows: slice, cols: slice) -> DeviceLight:
    """Light of a window of a photograph read as `encoding`, before any conversion of its colours.

    Raises:
        UnreadableImage: the primaries of the file are degenerate.
    """
    stored = decoded.stored
    pixels = stored.pixels[rows, cols]
    pixels = pixels[..., : pixels.shape[2] - 1] if pixels.shape[2] in (2, 4) else pixels
    reading = _conversion(stored, pixels, DevelopSettings(encoding))
    is_float = pixels.dtype.kind == "f"
    clipped = np.zeros(pixels.shape[:2], bool) if is_float else _any_channel((pixels == 0) | (pixels == stored.white))
    values = without_primaries(reading.convert)(pixels).astype(np.float64)
    return DeviceLight(values, clipped, primaries(reading.convert), reading.encoding)


def _chosen_encoding(chosen: DevelopSettings) -> ColourEncoding:
    return {
        SourceEncoding.SRGB: colour_encoding.SRGB,
        SourceEncoding.LINEAR: colour_encoding.LINEAR,
        SourceEncoding.GAMMA: colour_encoding.of_power(chosen.gamma),
        SourceEncoding.DISPLAY_P3: colour_encoding.DISPLAY_P3,
        SourceEncoding.ADOBE_RGB: colour_encoding.ADOBE_RGB,
    }[chosen.source_encoding]


def _scale(pixels: npt.NDArray[np.generic], reading: _Reading) -> None:
    """Scale light brighter than white to 1, and note it; note negative light."""
    extremes = [(float(light.min()), float(light.max())) for light in map(reading.convert, _strips(pixels))]
    least, peak = min(low for low, _ in extremes), max(high for _, high in extremes)
    reading.has_negative = least < 0
    if least < 0:
        reading.notes.append(f"Negative values, down to {least:.3g}, were set to 0.")
    if peak > 1:
        reading.scaled = peak
        reading.notes.append(f"The exposure was divided by {peak:.6g}, so that the brightest value is 1.")


def _darken(pixels: npt.NDArray[np.generic], white: int | None, reading: _Reading) -> None:
    """Scale light that a profile makes brighter than white, and note it.

    A chart in less light than the rest of the scene asks for an exposure that would clip the rest.
    """
    step = binning_factor(PREVIEW_PIXELS, (pixels.shape[0], pixels.shape[1]))
    thinned = pixels[::step, ::step]
    peaks = [
        reading.convert(strip).max(axis=2)[~_any_channel(strip == white) if white is not None else ...].ravel()
        for strip in _strips(thinned)
    ]
    light = np.concatenate(peaks)
    share = float((light > 1 + OUT_OF_RANGE).mean()) if light.size else 0.0
    if share > MOST_TOO_BRIGHT:
        reading.scaled = float(np.quantile(light, 1 - TOO_BRIGHT))
        reading.notes.append(
            f"The exposure was divided by {reading.scaled:.3g}, because {100 * share:.0f} % of the pixels would be "
            "brighter than the white of the chart; values are relative."
        )


def _adjustment(
    pixels: npt.NDArray[np.generic], white: int | None, reading: _Reading, chosen: DevelopSettings
) -> npt.NDArray[np.float64]:
    """Matrix (3, 3) of the user's adjustments, on linear light; `white` is the full scale of integers."""
    matrix = np.eye(3)
    if chosen.balance is WhiteBalance.GREY_POINT and chosen.grey_point is not None:
        row, col = (min(at, size - 1) for at, size in zip(chosen.grey_point, pixels.shape[:2], strict=True))
        around = (
            slice(max(row - GREY_POINT_RADIUS, 0), row + GREY_POINT_RADIUS + 1),
            slice(max(col - GREY_POINT_RADIUS, 0), col + GREY_POINT_RADIUS + 1),
        )
        window = pixels[around]
        known = (
            ~_any_channel((window == 0) | (window == white)) if white is not None else np.ones(window.shape[:2], bool)
        )
        gains = grey_gains(reading.convert(window)[known]) if known.any() else None
        if not known.any():
            reading.notes.append(
                "The grey point is clipped in the file; white was left as it is. Choose a grey that is neither "
                "overexposed nor black."
            )
        elif gains is None:
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


def _develop_strips(
    pixels: npt.NDArray[np.generic],
    white: int | None,
    convert: Converter,
    factor: int,
    *,
    profile: CameraProfile | None,
    progress: ProgressCallback | None,
) -> tuple[FloatArray, npt.NDArray[np.bool_], int]:
    """Values (h, w, 3) in [0, 1], clipped pixels (h, w), and the number of source pixels out of range."""
    height, width = (-(-size // factor) for size in pixels.shape[:2])
    values, clipped = np.empty((height, width, 3), np.float32), np.empty((height, width), bool)
    outside = row = 0
    for strip in _strips(pixels, factor):
        light = convert(strip)
        if profile is not None and profile.falloff:
            first = row * factor
            light *= profile.gains(slice(first, first + strip.shape[0]), (pixels.shape[0], pixels.shape[1]))[..., None]
        beyond = np.zeros(strip.shape[:2], bool)
        if light.min() < -OUT_OF_RANGE or light.max() > 1 + OUT_OF_RANGE:
            beyond = _any_channel((light < -OUT_OF_RANGE) | (light > 1 + OUT_OF_RANGE))
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
    """Whether any channel is set, (h, W, channels) → (h, W); a reduction over so short an axis is ten times as slow."""
    found = marks[..., 0]
    for channel in range(1, marks.shape[2]):
        found = found | marks[..., channel]
    return found


def _strips(pixels: npt.NDArray[np.generic], factor: int = 1) -> list[npt.NDArray[np.generic]]:
    """Views of consecutive rows, each a whole number of blocks of `factor` rows."""
    height, width = pixels.shape[:2]
    rows = -(-max(STRIP_PIXELS // width, 1) // factor) * factor
    return [pixels[row : row + rows] for row in range(0, height, rows)]


def _clipping_note(count: int, shape: tuple[int, int], is_adjusted: bool) -> str:
    share = max(100 * count / (shape[0] * shape[1]), 0.01)
    pixels, verb = ("pixel", "has a colour") if count == 1 else ("pixels", "have colours")
    where = "outside sRGB or brighter than white" if is_adjusted else "outside sRGB"
    return f"{count:,} {pixels} ({share:.2f} %) {verb} {where}, clipped and marked."
