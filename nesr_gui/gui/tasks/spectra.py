"""Tasks that evaluate a field at marks: spectra, readouts, region statistics and colours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.abstention import iter_deviations
from nesr_gui.analysis.continuum import deepest_band, remove_continuum
from nesr_gui.analysis.distances import check_colour
from nesr_gui.colorimetry.appearance import appearances, smooth_metamers, white_scale
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import CalibratedField, Points, ProgressCallback, QualityFlag, SpectralField
from nesr_gui.fields.resampled import binned_field
from nesr_gui.gui.model.marks import Absorption, ColourResult, MarkGeometry, MarkSpectrum, Pixel, Readout
from nesr_gui.inference.model_input import BandInput, ModelInput
from nesr_gui.regions import Region, inside
from nesr_gui.spectral import FloatArray, Quantity, RGBImage, Spectrum, Wavelengths

FEW = 192  # evenly spread pixels of a region for a first estimate within half a second
MANY = 1 << 16  # regions of up to this many pixels are averaged completely
SAMPLE = 1 << 12  # evenly spread pixels that represent larger regions
SCANNED = 1 << 22  # maximum number of pixels tested for being inside a region
NO_COLOURS = "colours of radiance need a white; mark a white patch and use it as white reference"
_SAME = 1e-6  # nm between wavelengths that differ by rounding only
_PIECE = 64  # scattered pixels evaluated between two calls of `progress`
_SIDE = 32  # side of the windows evaluated between two calls of `progress`
Pixels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PixelQuery:
    """Source pixels to evaluate a field at, and at its measured cube if there is one.

    `nm` None requests whole spectra, at `bands` or else at every nm. `encoded` is the model input of a reconstruction.
    """

    field: SpectralField
    truth: SpectralField | None
    binning: int
    pixels: tuple[Pixel, ...]
    nm: float | None = None
    encoded: ModelInput | None = None
    bands: Wavelengths | None = None


def _reduced(request: PixelQuery) -> list[Pixel]:
    """Return the field's pixel of each source pixel."""
    return [(row // request.binning, col // request.binning) for row, col in request.pixels]


def _reduced_truth(request: PixelQuery) -> SpectralField | None:
    """Return the measured cube at the resolution of the field (mean of each pixel's area)."""
    return binned_field(request.truth, request.binning) if request.truth is not None else None


def curve_wavelengths(field: SpectralField) -> Wavelengths:
    """Return the wavelengths of spectra: every nm of the field's range, and its end."""
    low, high = field.wavelength_range
    nm = Wavelengths.from_step(low, high, 1.0).nm
    return Wavelengths(np.append(nm[nm < high - _SAME], high))


def query_spectra(request: PixelQuery, progress: ProgressCallback) -> dict[Pixel, Spectrum]:
    """Return only the spectrum of each pixel."""
    bands = curve_wavelengths(request.field)
    spectra = request.field.spectra(_reduced(request), bands)
    return {pixel: Spectrum(bands, values) for pixel, values in zip(request.pixels, spectra, strict=True)}


def query_curves(request: PixelQuery, progress: ProgressCallback) -> dict[MarkGeometry, MarkSpectrum]:
    """Return the spectrum of each pixel with measured spectrum, prediction interval, flags and input bands."""
    field, truth = request.field, _reduced_truth(request)
    bands = request.bands or curve_wavelengths(field)
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
    """Return the mean of the model's input bands at the field's pixels (N, 2); None if the input was a photograph."""
    if not isinstance(encoded, BandInput):
        return None
    rows, cols = np.asarray(points).T
    return Spectrum(encoded.wavelengths, encoded.values[:, rows, cols].mean(axis=1))


def _intervals(field: SpectralField, points: list[Pixel], bands: Wavelengths) -> list[FloatArray] | list[None]:
    """Return the prediction interval (2, L) of each pixel; None for fields without intervals."""
    if not isinstance(field, CalibratedField):
        return [None] * len(points)
    low, high = field.prediction_interval(points, bands)
    return list(np.stack([low, high], axis=1).astype(np.float32))


def doubt_shares(field: SpectralField, points: Points) -> dict[QualityFlag, float]:
    """Return the share of the pixels (N, 2) with each quality flag, flags without pixels omitted."""
    if not isinstance(field, CalibratedField):
        return {}
    places = np.asarray(points)
    (top, left), (bottom, right) = places.min(0), places.max(0) + 1
    flags = field.quality_flags(rows=slice(top, bottom), cols=slice(left, right))[
        places[:, 0] - top, places[:, 1] - left
    ]
    shares = {flag: float((flags & flag > 0).mean()) for flag in QualityFlag}
    return {flag: share for flag, share in shares.items() if share}


def query_readouts(request: PixelQuery, progress: ProgressCallback) -> dict[MarkGeometry, Readout]:
    """Return the values of each pixel at one wavelength, evaluated exactly rather than interpolated in a spectrum."""
    assert request.nm is not None
    values = request.field.spectra(_reduced(request), [request.nm])[:, 0].tolist()
    truths: list[float | None] = [None] * len(values)
    truth = _reduced_truth(request)
    if truth is not None and truth.wavelength_range[0] <= request.nm <= truth.wavelength_range[1]:
        truths = truth.spectra(_reduced(request), [request.nm])[:, 0].tolist()
    quality_flags = [QualityFlag(sum(doubt_shares(request.field, [pixel]))) for pixel in _reduced(request)]
    return {pixel: Readout(*row) for pixel, *row in zip(request.pixels, values, truths, quality_flags, strict=True)}


@dataclass(frozen=True, eq=False)
class RegionQuery:
    """Regions in source pixels to evaluate a field in, at `most` pixels of each, and its measured cube if there is one.

    `encoded` is the model input of a reconstruction; the spectra are at `bands`, or else at every nm.
    """

    field: SpectralField
    truth: SpectralField | None
    binning: int
    regions: tuple[Region, ...]
    most: int
    encoded: ModelInput | None = None
    bands: Wavelengths | None = None


def query_regions(request: RegionQuery, progress: ProgressCallback) -> dict[MarkGeometry, MarkSpectrum]:
    """Return mean and standard deviation of each region, over at most `most` pixels."""
    curves: dict[MarkGeometry, MarkSpectrum] = {}
    for region in request.regions:
        bands = request.bands or curve_wavelengths(request.field)
        members, of = pixels_of(region, request.binning, request.field.shape)
        pixels = strewn(members, request.most)
        mean, deviation = _statistics(request.field, pixels, bands, progress)
        truth = _truth(request.truth, region, request.most, bands, progress)
        shares = doubt_shares(request.field, pixels)
        curves[region] = MarkSpectrum(
            Spectrum(bands, mean), truth, deviation, pixels=len(pixels), of=of, quality_flags=shares,
            seen=seen_bands(request.encoded, pixels),
        )  # fmt: skip
    return curves


@dataclass(frozen=True, eq=False)
class RegionReadoutQuery:
    """Regions with their numbers of pixels to average at `nm`; otherwise as `RegionQuery`."""

    field: SpectralField
    truth: SpectralField | None
    binning: int
    regions: Mapping[Region, int]
    nm: float


def query_region_readouts(request: RegionReadoutQuery, progress: ProgressCallback) -> dict[MarkGeometry, Readout]:
    """Return the mean of each region at one wavelength, evaluated exactly rather than interpolated in a spectrum."""
    readouts, bands = dict[MarkGeometry, Readout](), Wavelengths(np.array([request.nm]))
    for region, most in request.regions.items():
        pixels = strewn(pixels_of(region, request.binning, request.field.shape)[0], most)
        mean, _ = _statistics(request.field, pixels, bands, progress)
        truth = _truth(request.truth, region, most, bands, progress)
        readouts[region] = Readout(float(mean[0]), float(truth.values[0]) if truth is not None else None)
    return readouts


def region_of(place: MarkGeometry, binning: int) -> Region:
    """Return the region of a mark, in source pixels; that of a pin is the field's pixel around it.

    Args:
        place: the place of the mark.
        binning: source pixels along one side of a pixel of the field.
    """
    if isinstance(place, Region):
        return place
    top, left = (binning * (at // binning) for at in place)
    return Region.rectangle(top, left, top + binning, left + binning)


def pixels_of(region: Region, binning: int, shape: tuple[int, int]) -> tuple[Pixels, int]:
    """Return the pixels (N, 2) of a field whose centres are inside a region, and their number.

    A region without any pixel centre gets the pixel at its own centre. In windows of more than `SCANNED` pixels only
    every k-th row and column is returned, to bound memory; the number is then an estimate.

    Args:
        region: the region, in source pixels.
        binning: source pixels along one side of a pixel of the field.
        shape: (H, W) of the field.
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
    """Return at most `most` of the pixels (N, 2), evenly spread over their order."""
    if len(members) <= most:
        return members
    return members[((np.arange(most) + 0.5) * (len(members) / most)).astype(np.int64)]


def _clipped(low: float, high: float, size: int) -> tuple[int, int]:
    return min(max(int(np.floor(low)), 0), size), min(max(int(np.ceil(high)), 0), size)


def _statistics(
    field: SpectralField, pixels: Pixels, bands: Wavelengths, progress: ProgressCallback
) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation (L,), summed in float64 relative to the first pixel to avoid cancellation."""
    total, squares, origin = np.zeros(len(bands)), np.zeros(len(bands)), None
    for done, values in _iter_spectra(field, pixels, bands):
        progress(done / len(pixels))
        origin = values[0].astype(np.float64) if origin is None else origin
        offsets = values - origin
        total += offsets.sum(0)
        squares += (offsets**2).sum(0)
    assert origin is not None  # a region has at least one pixel
    mean = total / len(pixels)
    deviation = np.sqrt(np.maximum(squares / len(pixels) - mean**2, 0))
    return (origin + mean).astype(np.float32), deviation.astype(np.float32)


def _iter_spectra(field: SpectralField, pixels: Pixels, bands: Wavelengths) -> Iterator[tuple[int, FloatArray]]:
    """Yield (number of pixels before, spectra (n, L)) piece by piece; whole windows where most pixels are needed.

    A window is faster than its pixels one by one.
    """
    rows, cols = pixels[:, 0], pixels[:, 1]
    top, left = int(rows.min()), int(cols.min())
    wanted = np.zeros((int(rows.max()) - top + 1, int(cols.max()) - left + 1), bool)
    wanted[rows - top, cols - left] = True
    done = 0
    if len(pixels) <= _PIECE or wanted.mean() < 0.5:
        for start in range(0, len(pixels), _PIECE):
            yield start, field.spectra(pixels[start : start + _PIECE], bands)
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
    """Return the mean measured spectrum of a region, in the wavelength range shared with the field."""
    if truth is None:
        return None
    low, high = truth.wavelength_range
    shared = bands.nm[(bands.nm >= low) & (bands.nm <= high)]
    if not shared.size:
        return None
    pixels = strewn(pixels_of(region, 1, truth.shape)[0], most)
    return Spectrum(Wavelengths(shared), _statistics(truth, pixels, Wavelengths(shared), progress)[0])


@dataclass(frozen=True, eq=False)
class AbsorptionQuery:
    """Spectra of marks by place, to find their deepest absorption bands."""

    curves: Mapping[MarkGeometry, MarkSpectrum]


def query_absorptions(request: AbsorptionQuery, progress: ProgressCallback) -> dict[MarkGeometry, Absorption]:
    """Return the deepest absorption band of each place, with its limits within the prediction interval.

    These are those of spectra within the interval, see `analysis.abstention`.
    """
    found = {}
    for place, curve in request.curves.items():
        progress(0.0)
        nm, values = curve.spectrum.wavelengths, curve.spectrum.values
        depth, position, width = deepest_band(remove_continuum(values, nm), nm).tolist()
        interval = limits = None
        if curve.interval is not None and curve.deviation is None:
            deviating = iter_deviations(nm, values, *curve.interval)
            ratios = np.stack([remove_continuum(each, nm) for each in (values, *deviating)], axis=1)
            bands = deepest_band(ratios, nm)
            limits = np.stack([ratios.min(axis=1), ratios.max(axis=1)])
            interval = np.stack([bands.min(axis=1), bands.max(axis=1)])
        found[place] = Absorption((depth, position, width), interval, limits)
    return found


@dataclass(frozen=True, eq=False)
class ColourQuery:
    """Spectra of marks by place, to compute colours of.

    Attributes:
        curves: the spectra.
        viewing: the light and the observer.
        has_colours: whether the spectra have colours, see `Document.has_colours`.
        white: the spectrum of a perfect white, if the quantity is not reflectance.
        smooth: whether to compute smooth metamers.
        photograph: the photograph whose colours the metamers match; without one, those of the spectra.
        binning: source pixels along one side of a pixel of the field.
    """

    curves: Mapping[MarkGeometry, MarkSpectrum]
    viewing: ViewingConditions
    has_colours: bool
    white: Spectrum | None
    smooth: bool
    photograph: RGBImage | None
    binning: int


def query_colours(request: ColourQuery, progress: ProgressCallback) -> dict[MarkGeometry, ColourResult]:
    """Return the colour of each place, or why it has none."""
    results = {}
    for place, curve in request.curves.items():
        progress(0.0)
        try:
            results[place] = _colour(request, place, curve.spectrum)
        except ValueError as error:
            results[place] = ColourResult(refusal=str(error))
    return results


def _colour(request: ColourQuery, place: MarkGeometry, spectrum: Spectrum) -> ColourResult:
    if not request.has_colours:
        raise ValueError(NO_COLOURS)
    nm, values = spectrum.wavelengths, relative(spectrum, request.white)
    if not np.isfinite(values).all():
        raise ValueError("this spectrum contains invalid values (nan or infinity), so no colour can be computed")
    check_colour(request.viewing, Quantity.REFLECTANCE, spectrum.wavelengths)
    (appearance,) = appearances(values[None], nm, request.viewing)
    if not request.smooth:
        return ColourResult(appearance)
    rgb = _photographed(request.photograph, place, request.binning)
    if rgb is None:
        rgb = values @ ViewingConditions.default().rgb_weights(nm)
    return ColourResult(appearance, Spectrum(nm, smooth_metamers(rgb[None], nm)[0], "smooth metamer"))


def relative(spectrum: Spectrum, white: Spectrum | None) -> FloatArray:
    """Return the values (L,) of a spectrum divided by those of a white; 0 where the white is dark."""
    if white is None:
        return spectrum.values
    return (spectrum.values * white_scale(white, spectrum.wavelengths.nm)).astype(np.float32)


def _photographed(photograph: RGBImage | None, place: MarkGeometry, binning: int) -> FloatArray | None:
    """Return the mean linear sRGB (3,) of the photograph in a region, or in the field's pixel of a pin."""
    if photograph is None:
        return None
    rows, cols = pixels_of(region_of(place, binning), photograph.binning, photograph.shape)[0].T
    return np.asarray(photograph.values[rows, cols].mean(0))
