"""What is it: library spectra ranked by their distance to a spectrum, and metamers of a colour.

A library spectrum *cannot be told apart* from a reconstructed one if it explains it as well as the truth would: if,
multiplied by some gain, it lies within the 90 % prediction interval at four fifths of the compared wavelengths or more.
The gain is free because neither the exposure of the photograph nor the shading of the object is known. An interval that
contains the truth at nine tenths of the wavelengths on average misses more of them in some pixels; with four fifths,
nine of ten true spectra are found in each of the training scenes that were examined. docs/analysis.md states how often
those of held-out scenes are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.distances import (
    Distance,
    best_gains,
    check_colour,
    colour_distances,
    colour_gains,
    gained_rmse,
    information_divergences,
    spectral_angles,
)
from nesr_gui.analysis.library import Entry, SpectralLibrary
from nesr_gui.analysis.pixelwise import Doubles, Range, bands_within
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import CalibratedField, Points, ProgressCallback, SpectralField
from nesr_gui.spectral import FloatArray, Quantity, Spectrum, Wavelengths

LEAST_COVER = 0.8  # share of the wavelengths at which a spectrum that cannot be told apart is within the interval
METAMERIC = 1.0  # ΔE2000 up to which colours count as the same
_CHUNK = 4096  # library spectra compared between two calls of `progress`


@dataclass(frozen=True, eq=False)
class Query:
    """A spectrum to identify.

    Attributes:
        spectrum: its values (L,) where it is compared.
        limits: lower and upper limits (L,) of its 90 % prediction interval; None for a measured spectrum.
        quantity: what it measures.
    """

    spectrum: Spectrum
    limits: tuple[FloatArray, FloatArray] | None = None
    quantity: Quantity = Quantity.REFLECTANCE

    @classmethod
    def at_pixel(cls, field: SpectralField, row: int, col: int, within: Range | None = None) -> Query:
        """The spectrum of a pixel of a field at its bands, within a range of wavelengths (nm).

        Raises:
            ValueError: the pixel is outside the image, or the range has fewer than two bands.
        """
        bands, point = bands_within(field, within), [(row, col)]
        limits = None
        if isinstance(field, CalibratedField):
            lower, upper = field.prediction_interval(point, bands)
            limits = lower[0], upper[0]
        spectrum = Spectrum(bands, field.spectra(point, bands)[0], f"row {row} col {col}")
        return cls(spectrum, limits, field.quantity)

    @classmethod
    def of_region(cls, field: SpectralField, mean: Spectrum, points: Points) -> Query:
        """The mean spectrum of a region of a field.

        Its limits are as far from the mean as those of the pixels are from their spectra, on average: neighbouring
        pixels err alike, so that a mean is not known better than they are.

        Args:
            field: the field.
            mean: the mean of the spectra of the region.
            points: pixels (N, 2) that represent the region.
        """
        limits = None
        if isinstance(field, CalibratedField):
            spectra = field.spectra(points, mean.wavelengths)
            lower, upper = field.prediction_interval(points, mean.wavelengths)
            limits = mean.values + (lower - spectra).mean(axis=0), mean.values + (upper - spectra).mean(axis=0)
        return cls(mean, limits, field.quantity)

    def within(self, wavelengths: Range) -> Query:
        """The part of the query in a range of wavelengths (nm).

        Raises:
            ValueError: it has fewer than two wavelengths there.
        """
        nm = self.spectrum.wavelengths.nm
        inside = (nm >= wavelengths[0]) & (nm <= wavelengths[1])
        if inside.sum() < 2:
            raise ValueError(
                f"the range {wavelengths[0]:g}-{wavelengths[1]:g} nm holds {inside.sum()} of the spectrum's {nm.size} "
                f"wavelengths, {nm[0]:g}-{nm[-1]:g} nm; choose a range with at least two"
            )
        limits = None if self.limits is None else (self.limits[0][inside], self.limits[1][inside])
        spectrum = Spectrum(Wavelengths(nm[inside]), self.spectrum.values[inside], self.spectrum.name)
        return Query(spectrum, limits, self.quantity)


@dataclass(frozen=True, eq=False)
class Match:
    """A library spectrum compared with a query.

    Attributes:
        entry: the spectrum and its file.
        distance: by which the matches are ranked.
        gain: factor by which the library spectrum comes closest to the query: the spectrum itself or, for ΔE2000, its
            linear colour, in the least-squares sense; 1 for metamers of the same brightness.
        cover: largest share of the wavelengths at which the spectrum is within the prediction interval, over all
            gains; NaN without an interval.
    """

    entry: Entry
    distance: float
    gain: float
    cover: float

    @property
    def cannot_be_told_apart(self) -> bool:
        """Whether the query may be this spectrum, by the definition of this module."""
        return self.cover >= LEAST_COVER


def rank_matches(
    query: Query,
    library: SpectralLibrary,
    distance: Distance = Distance.ANGLE,
    *,
    viewing: ViewingConditions | None = None,
    progress: ProgressCallback | None = None,
) -> list[Match]:
    """Library spectra that cover the wavelengths of a query, the nearest first; equal distances in library order.

    Args:
        query: the spectrum to identify, and its prediction interval.
        library: spectra at any wavelengths.
        distance: how they are compared. Of colours, each library spectrum is scaled to the brightness of the query.
        viewing: illuminant and observer of `Distance.COLOUR`; by default the default camera.
        progress: called with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: the query is not finite, no library spectrum covers its wavelengths, or these determine no colour.
    """
    wavelengths, values = query.spectrum.wavelengths, query.spectrum.values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{query.spectrum.name or 'the spectrum'} has gaps; choose another pixel or range")
    covering, others = library.covering(wavelengths, progress)
    if not len(covering):
        raise ValueError(
            f"none of the {len(library)} library spectra covers {wavelengths.nm[0]:g}-{wavelengths.nm[-1]:g} nm; "
            "choose a narrower range or another library"
        )
    distances = np.empty(len(others))
    cover = np.full(len(others), math.nan)
    for start in range(0, len(others), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        distances[chunk] = _distances(query, others[chunk], distance, viewing)
        if query.limits is not None:
            cover[chunk] = interval_cover(others[chunk], *query.limits)
        if progress is not None:
            progress(min((start + _CHUNK) / len(others), 1.0))
    gains = _gains(query, others, distance, viewing)
    return [
        Match(covering.entries[at], float(distances[at]), float(gains[at]), float(cover[at]))
        for at in np.argsort(distances, kind="stable").tolist()
    ]


def interval_cover(others: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike) -> Doubles:
    """Largest share (N,) of the wavelengths at which spectra (N, L), times any one gain ≥ 0, are within limits (L,).

    At each wavelength a range of gains meets the limits; the gain that meets most of them is found by sweeping over the
    ends of the ranges.
    """
    many = np.asarray(others, np.float64)
    low, high = (np.asarray(limit, np.float64) for limit in (lower, upper))
    with np.errstate(divide="ignore", invalid="ignore"):
        first, last = low / many, high / many  # (N, L) range of gains
    negative = many < 0
    first, last = np.where(negative, last, first), np.where(negative, first, last)
    is_met_by_all = (many == 0) & (low <= 0) & (high >= 0)  # a zero is within the limits with any gain, or with none
    first, last = np.where(is_met_by_all, 0.0, first), np.where(is_met_by_all, np.inf, last)
    is_met = (last >= first) & (last >= 0) & ((many != 0) | is_met_by_all)
    starts = np.sort(np.where(is_met, np.maximum(first, 0), np.inf), axis=1)
    ends = np.sort(np.where(is_met, last, np.inf), axis=1)
    # At the start of a range, all ranges that started before and have not ended hold; each row is sorted.
    count = many.shape[1]
    held = np.empty(starts.shape)
    for row, (opened, closed) in enumerate(zip(starts, ends, strict=True)):
        held[row] = np.arange(1, count + 1) - np.searchsorted(closed, opened, side="left")
    held[np.isinf(starts)] = 0
    return np.asarray(held.max(axis=1) / count)


def find_metamers(
    query: Query,
    library: SpectralLibrary,
    viewing: ViewingConditions | None = None,
    *,
    most: float = METAMERIC,
    at_any_brightness: bool = True,
    progress: ProgressCallback | None = None,
) -> list[Match]:
    """Library spectra with the colour of a query, ΔE2000 ≤ `most`, under an illuminant for an observer or a camera.

    They are what the pixel of a photograph might be: the photograph alone does not tell them apart.

    Args:
        query: the pixel.
        library: spectra at any wavelengths.
        viewing: illuminant and observer; by default the default camera.
        most: ΔE2000 up to which colours count as the same.
        at_any_brightness: whether a library spectrum may be scaled to the brightness of the pixel.
        progress: as of `rank_matches`.

    Returns:
        The metamers by increasing spectral angle to the query, with ΔE2000 as their distance.

    Raises:
        ValueError: as `rank_matches`.
    """
    viewing = viewing or ViewingConditions.default()
    check_colour(viewing, query.quantity, query.spectrum.wavelengths)
    ranked = rank_matches(query, library, Distance.ANGLE, progress=progress)
    covering, others = library.covering(query.spectrum.wavelengths)
    differences = colour_distances(
        query.spectrum.values, others, query.spectrum.wavelengths, viewing, query.quantity,
        at_any_brightness=at_any_brightness,
    )  # fmt: skip
    gains = _gains(query, others, Distance.COLOUR, viewing) if at_any_brightness else np.ones(len(others))
    found = {
        id(covering.entries[at]): (float(differences[at]), float(gains[at]))
        for at in np.flatnonzero(differences <= most).tolist()
    }
    return [Match(match.entry, *found[id(match.entry)], match.cover) for match in ranked if id(match.entry) in found]


def match_rows(matches: Sequence[Match], distance: Distance) -> list[dict[str, str]]:
    """Matches as the rows of a table with text, the first column being their rank."""
    return [
        {
            "rank": str(rank), distance.label: f"{match.distance:.6g}", "gain": f"{match.gain:.6g}",
            "within interval": "" if math.isnan(match.cover) else f"{match.cover:.4g}",
            "cannot be told apart": "" if math.isnan(match.cover) else str(match.cannot_be_told_apart).lower(),
            "name": match.entry.name, "file": match.entry.file,
        }
        for rank, match in enumerate(matches, 1)
    ]  # fmt: skip


def _gains(
    query: Query, others: FloatArray, distance: Distance, viewing: ViewingConditions | None
) -> npt.NDArray[np.float64]:
    values = query.spectrum.values.astype(np.float64)
    if distance is Distance.COLOUR:
        wavelengths = query.spectrum.wavelengths
        return colour_gains(values, others, wavelengths, viewing or ViewingConditions.default(), query.quantity)
    return best_gains(values, others)


def _distances(
    query: Query, others: FloatArray, distance: Distance, viewing: ViewingConditions | None
) -> npt.NDArray[np.float64]:
    values = query.spectrum.values.astype(np.float64)
    if distance is Distance.COLOUR:
        return colour_distances(values, others, query.spectrum.wavelengths, viewing, query.quantity)
    measure = {
        Distance.ANGLE: spectral_angles, Distance.DIVERGENCE: information_divergences, Distance.RMSE: gained_rmse,
    }[distance]  # fmt: skip
    return measure(values, others)
