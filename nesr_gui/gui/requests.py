"""What the window asks of a field at points, frozen when it asks, and the functions that answer, on any thread."""

from __future__ import annotations

from dataclasses import dataclass

from nesr_gui.field import Progress, SpectralField
from nesr_gui.gui.session import Curve, Pixel, Reading
from nesr_gui.spectral import Spectrum, Wavelengths


@dataclass(frozen=True, eq=False)
class PointsRequest:
    """Pixels of the source to ask the field, and the measured truth where there is one; `nm` None asks for curves."""

    field: SpectralField
    truth: SpectralField | None
    reduction: int
    pixels: tuple[Pixel, ...]
    nm: float | None = None


def _reduced(request: PointsRequest) -> list[Pixel]:
    """The field's pixel that each source pixel lies in."""
    return [(row // request.reduction, col // request.reduction) for row, col in request.pixels]


def curve_wavelengths(field: SpectralField) -> Wavelengths:
    """Where curves are asked: every nm of the field's range."""
    return Wavelengths.every(*field.wavelength_range, 1.0)


def ask_curves(request: PointsRequest, progress: Progress) -> dict[Pixel, Curve]:
    """The curve of each pixel."""
    field, truth = request.field, request.truth
    bands = curve_wavelengths(field)
    curves = [Spectrum(bands, values) for values in field.spectra(_reduced(request), bands)]
    truths: list[Spectrum | None] = [None] * len(curves)
    if truth is not None:
        low, high = truth.wavelength_range
        shared = bands.nm[(bands.nm >= low) & (bands.nm <= high)]
        if shared.size:
            truths = [Spectrum(Wavelengths(shared), v) for v in truth.spectra(list(request.pixels), shared)]
    return {
        pixel: Curve(curve, measured) for pixel, curve, measured in zip(request.pixels, curves, truths, strict=True)
    }


def ask_readings(request: PointsRequest, progress: Progress) -> dict[Pixel, Reading]:
    """The value of each pixel at one wavelength, asked of the field rather than read off a curve."""
    assert request.nm is not None
    values = request.field.spectra(_reduced(request), [request.nm])[:, 0].tolist()
    truths: list[float | None] = [None] * len(values)
    truth = request.truth
    if truth is not None and truth.wavelength_range[0] <= request.nm <= truth.wavelength_range[1]:
        truths = truth.spectra(list(request.pixels), [request.nm])[:, 0].tolist()
    return {pixel: Reading(*pair) for pixel, pair in zip(request.pixels, zip(values, truths, strict=True), strict=True)}
