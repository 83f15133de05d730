"""What the window asks of a field at marks, and what follows from the answers, frozen when it asks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.appearance import appearances, smooth_metamers, white_scale
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import CalibratedField, Points, ProgressCallback, QualityFlag, SpectralField
from nesr_gui.fields.resampled import binned_field
from nesr_gui.gui.model.marks import ColourResult, MarkGeometry, MarkSpectrum, Pixel, Readout
from nesr_gui.inference.model_input import BandInput, ModelInput
from nesr_gui.regions import Region, inside
from nesr_gui.spectral import FloatArray, RGBImage, Spectrum, Wavelengths

FEW = 192  # pixels of a region that are asked at once, evenly strewn over it: a first answer within half a second
MANY = 1 << 16  # pixels up to which all are asked, in the end
SAMPLE = 1 << 12  # pixels that are asked of a larger region, evenly strewn
SCANNED = 1 << 22  # pixels of a window that are looked at to find those of a region
_PIECE = 64  # scattered pixels asked between two chances to stop
_SIDE = 32  # of a window asked between two chances to stop
Pixels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PixelQuery:
    """Pixels of the source to ask the field, and the measured truth where there is one; `nm` None asks for curves.

    `encoded` is what the field was made of, if it was made.
    """

    field: SpectralField
    truth: SpectralField | None
    binning: int
    pixels: tuple[Pixel, ...]
    nm: float | None = None
    encoded: ModelInput | None = None


def _reduced(request: PixelQuery) -> list[Pixel]:
    """The field's pixel that each source pixel lies in."""
    return [(row // request.binning, col // request.binning) for row, col in request.pixels]


def _reduced_truth(request: PixelQuery) -> SpectralField | None:
    """The truth as the field's pixels see it: what stands for several source pixels is compared with their mean."""
    return binned_field(request.truth, request.binning) if request.truth is not None else None


def curve_wavelengths(field: SpectralField) -> Wavelengths:
    """Where curves are asked: every nm of the field's range."""
    return Wavelengths.from_step(*field.wavelength_range, 1.0)


def query_spectra(request: PixelQuery, progress: ProgressCallback) -> dict[Pixel, Spectrum]:
    """The spectrum of each pixel, and nothing else of it."""
    bands = curve_wavelengths(request.field)
    found = request.field.spectra(_reduced(request), bands)
    return {pixel: Spectrum(bands, values) for pixel, values in zip(request.pixels, found, strict=True)}


def query_curves(request: PixelQuery, progress: ProgressCallback) -> dict[MarkGeometry, MarkSpectrum]:
    """The curve of each pixel."""
    field, truth = request.field, _reduced_truth(request)
    bands = curve_wavelengths(field)
    curves = [Spectrum(bands, values) for values in field.spectra(_reduced(request), bands)]
    intervals = _intervals(field, _reduced(request), bands)
    quality_flags = [doubt_shares(field, [pixel]) for pixel in _reduced(request)]
    truths: list[Spectrum | None] = [None] * len(curves)
    if truth is not None:
        low, high = truth.wavelength_range
        shared = bands.nm[(bands.nm >= low) & (bands.nm <= high)]
        if shared.size:
            truths = [Spectrum(Wavelengths(shared), v) for v in truth.spectra(_reduced(request), shared)]
    seen = [seen_bands(request.encoded, [pixel]) for pixel in _reduced(request)]
    return {
        pixel: MarkSpectrum(curve, measured, interval=interval, quality_flags=shares, seen=shown)
        for pixel, curve, measured, interval, shares, shown in zip(
            request.pixels, curves, truths, intervals, quality_flags, seen, strict=True
        )
    }


def seen_bands(encoded: ModelInput | None, points: Points) -> Spectrum | None:
    """The mean of what a model was shown of a cube at the field's pixels (N, 2); None where it was a photograph."""
    if not isinstance(encoded, BandInput):
        return None
    rows, cols = np.asarray(points).T
    return Spectrum(encoded.wavelengths, encoded.values[:, rows, cols].mean(axis=1))


def _intervals(field: SpectralField, points: list[Pixel], bands: Wavelengths) -> list[FloatArray] | list[None]:
    """The limits (2, L) at each point between which the field's maker says 90 % of true values lie, if it says so."""
    if not isinstance(field, CalibratedField):
        return [None] * len(points)
    low, high = field.prediction_interval(points, bands)
    return list(np.stack([low, high], axis=1).astype(np.float32))


def doubt_shares(field: SpectralField, points: Points) -> dict[QualityFlag, float]:
    """Of the pixels (N, 2), the share that each flag is raised for, if for any."""
    if not isinstance(field, CalibratedField):
        return {}
    places = np.asarray(points)
    (top, left), (bottom, right) = places.min(0), places.max(0) + 1
    flags = field.quality_flags(rows=slice(top, bottom), cols=slice(left, right))[
        places[:, 0] - top, places[:, 1] - left
    ]
    shares = {doubt: float((flags & doubt > 0).mean()) for doubt in QualityFlag}
    return {doubt: share for doubt, share in shares.items() if share}


def query_readouts(request: PixelQuery, progress: ProgressCallback) -> dict[MarkGeometry, Readout]:
    """The value of each pixel at one wavelength, asked of the field rather than read off a curve."""
    assert request.nm is not None
    values = request.field.spectra(_reduced(request), [request.nm])[:, 0].tolist()
    truths: list[float | None] = [None] * len(values)
    truth = _reduced_truth(request)
    if truth is not None and truth.wavelength_range[0] <= request.nm <= truth.wavelength_range[1]:
        truths = truth.spectra(_reduced(request), [request.nm])[:, 0].tolist()
    quality_flags = [QualityFlag(sum(doubt_shares(request.field, [pixel]))) for pixel in _reduced(request)]
    return {pixel: Readout(*known) for pixel, *known in zip(request.pixels, values, truths, quality_flags, strict=True)}


@dataclass(frozen=True, eq=False)
class RegionQuery:
    """Regions of the source image to ask the field, of each at most `most` pixels; and the measured truth, if any.

    `encoded` is what the field was made of, if it was made.
    """

    field: SpectralField
    truth: SpectralField | None
    binning: int
    regions: tuple[Region, ...]
    most: int
    encoded: ModelInput | None = None


def query_regions(request: RegionQuery, progress: ProgressCallback) -> dict[MarkGeometry, MarkSpectrum]:
    """The mean curve of each region with the standard deviation of its pixels, at most `most` of them."""
    curves: dict[MarkGeometry, MarkSpectrum] = {}
    for region in request.regions:
        bands = curve_wavelengths(request.field)
        members, of = pixels_of(region, request.binning, request.field.shape)
        asked = strewn(members, request.most)
        mean, deviation = _statistics(request.field, asked, bands, progress)
        truth = _truth(request.truth, region, request.most, bands, progress)
        shares = doubt_shares(request.field, asked)
        curves[region] = MarkSpectrum(
            Spectrum(bands, mean), truth, deviation, pixels=len(asked), of=of, quality_flags=shares,
            seen=seen_bands(request.encoded, asked),
        )  # fmt: skip
    return curves


@dataclass(frozen=True, eq=False)
class RegionReadoutQuery:
    """Regions whose values at `nm` are asked, each as the mean of at most so many pixels; as of `RegionQuery`."""

    field: SpectralField
    truth: SpectralField | None
    binning: int
    regions: Mapping[Region, int]
    nm: float


def query_region_readouts(request: RegionReadoutQuery, progress: ProgressCallback) -> dict[MarkGeometry, Readout]:
    """The mean of the values of each region's pixels at one wavelength, asked rather than read off its curve."""
    readouts, bands = dict[MarkGeometry, Readout](), Wavelengths(np.array([request.nm]))
    for region, most in request.regions.items():
        asked = strewn(pixels_of(region, request.binning, request.field.shape)[0], most)
        mean, _ = _statistics(request.field, asked, bands, progress)
        truth = _truth(request.truth, region, most, bands, progress)
        readouts[region] = Readout(float(mean[0]), float(truth.values[0]) if truth is not None else None)
    return readouts


def pixels_of(region: Region, binning: int, shape: tuple[int, int]) -> tuple[Pixels, int]:
    """Pixels (N, 2) of a field of `shape` whose centres lie in a region, and how many there are.

    A region that holds no centre has the pixel in its middle. Of one whose window has more than `SCANNED` pixels only
    every so many-th row and column are given, so that a huge image fits in memory; the number then is an estimate.
    `binning` counts the source pixels along one side of each.
    """
    top, left, bottom, right = (edge / binning for edge in region.bounds)
    window = _clipped(top, bottom, shape[0]), _clipped(left, right, shape[1])
    step = math.ceil(math.sqrt(math.prod(stop - start for start, stop in window) / SCANNED)) or 1
    rows, cols = (np.arange(start, stop, step) for start, stop in window)
    members = np.argwhere(inside(region, (rows + 0.5) * binning, (cols + 0.5) * binning))
    if not len(members):
        middle = np.array(region.centre) / binning
        return np.clip(np.floor(middle), 0, np.array(shape) - 1).astype(np.int64)[None], 1
    return np.stack([rows[members[:, 0]], cols[members[:, 1]]], axis=1), len(members) * step**2


def strewn(members: Pixels, most: int) -> Pixels:
    """At most `most` of them, evenly over their order."""
    if len(members) <= most:
        return members
    return members[((np.arange(most) + 0.5) * (len(members) / most)).astype(np.int64)]


def _clipped(low: float, high: float, size: int) -> tuple[int, int]:
    return min(max(int(np.floor(low)), 0), size), min(max(int(np.ceil(high)), 0), size)


def _statistics(
    field: SpectralField, asked: Pixels, bands: Wavelengths, progress: ProgressCallback
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation (L,), summed in float64 around the first pixel, so that nothing cancels."""
    total, squares, origin = np.zeros(len(bands)), np.zeros(len(bands)), None
    for done, values in _asked(field, asked, bands):
        progress(done / len(asked))
        origin = values[0].astype(np.float64) if origin is None else origin
        offsets = values - origin
        total += offsets.sum(0)
        squares += (offsets**2).sum(0)
    assert origin is not None  # a region has at least one pixel
    mean = total / len(asked)
    deviation = np.sqrt(np.maximum(squares / len(asked) - mean**2, 0))
    return (origin + mean).astype(np.float32), deviation.astype(np.float32)


def _asked(field: SpectralField, asked: Pixels, bands: Wavelengths) -> Iterator[tuple[int, FloatArray]]:
    """Spectra (n, L) piece by piece, and how many have come before; whole windows where pixels lie side by side.

    A window costs a field less than its pixels one by one, if most of it is wanted.
    """
    rows, cols = asked[:, 0], asked[:, 1]
    top, left = int(rows.min()), int(cols.min())
    wanted = np.zeros((int(rows.max()) - top + 1, int(cols.max()) - left + 1), bool)
    wanted[rows - top, cols - left] = True
    done = 0
    if len(asked) <= _PIECE or wanted.mean() < 0.5:
        for start in range(0, len(asked), _PIECE):
            yield start, field.spectra(asked[start : start + _PIECE], bands)
        return
    for row in range(0, wanted.shape[0], _SIDE):
        for col in range(0, wanted.shape[1], _SIDE):
            part = wanted[row : row + _SIDE, col : col + _SIDE]
            if not part.any():
                continue
            window = slice(top + row, top + row + part.shape[0]), slice(left + col, left + col + part.shape[1])
            values = field.cube(bands, rows=window[0], cols=window[1]).values[:, part].T
            yield done, values
            done += len(values)


def _truth(
    truth: SpectralField | None, region: Region, most: int, bands: Wavelengths, progress: ProgressCallback
) -> Spectrum | None:
    """The mean of the measured spectra of the region, where they overlap with the field's wavelengths."""
    if truth is None:
        return None
    low, high = truth.wavelength_range
    shared = bands.nm[(bands.nm >= low) & (bands.nm <= high)]
    if not shared.size:
        return None
    asked = strewn(pixels_of(region, 1, truth.shape)[0], most)
    return Spectrum(Wavelengths(shared), _statistics(truth, asked, Wavelengths(shared), progress)[0])


@dataclass(frozen=True, eq=False)
class ColourQuery:
    """Curves by place and how to see them.

    `white` is the spectrum that stands for a perfect white where the curves are no reflectances; with neither
    (`seen` False) nothing is seen. The smooth metamers are of the photograph's colours, or where there is no
    photograph of the colours of the curves themselves; they are made where `smooth` asks for them.
    """

    spectra: Mapping[MarkGeometry, Spectrum]
    viewing: ViewingConditions
    seen: bool
    white: Spectrum | None
    smooth: bool
    photograph: RGBImage | None
    binning: int


def query_colours(request: ColourQuery, progress: ProgressCallback) -> dict[MarkGeometry, ColourResult]:
    """The finding of each place."""
    found = {}
    for place, spectrum in request.spectra.items():
        progress(0.0)
        try:
            found[place] = _find(request, place, spectrum)
        except ValueError as error:
            found[place] = ColourResult(refusal=str(error))
    return found


def _find(request: ColourQuery, place: MarkGeometry, spectrum: Spectrum) -> ColourResult:
    if not request.seen:
        raise ValueError("only reflectances have a colour under a light; use a mark as white first")
    nm, values = spectrum.wavelengths, relative(spectrum, request.white)
    if not np.isfinite(values).all():
        raise ValueError("this spectrum holds values that are no numbers, and so has no colour")
    (appearance,) = appearances(values[None], nm, request.viewing)
    if not request.smooth:
        return ColourResult(appearance)
    rgb = _photographed(request.photograph, place, request.binning)
    if rgb is None:
        rgb = values @ ViewingConditions.default().rgb_weights(nm)
    return ColourResult(appearance, Spectrum(nm, smooth_metamers(rgb[None], nm)[0], "smooth metamer"))


def relative(spectrum: Spectrum, white: Spectrum | None) -> FloatArray:
    """The values of a spectrum (L,) as part of a white's, zero where the white is dark."""
    if white is None:
        return spectrum.values
    return (spectrum.values * white_scale(white, spectrum.wavelengths.nm)).astype(np.float32)


def _photographed(photograph: RGBImage | None, place: MarkGeometry, binning: int) -> FloatArray | None:
    """The mean linear sRGB (3,) of the photograph in a region, or in the pixel of the field that a pin lies in."""
    if photograph is None:
        return None
    if isinstance(place, Region):
        rows, cols = pixels_of(place, 1, photograph.shape)[0].T
        return np.asarray(photograph.values[rows, cols].mean(0))
    row, col = (binning * (at // binning) for at in place)
    return np.asarray(photograph.values[row : row + binning, col : col + binning].mean((0, 1)))
