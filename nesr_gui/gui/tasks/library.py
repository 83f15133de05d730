"""Tasks of spectral libraries: opening them, comparing a mark with them, and making libraries of marks."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nesr_gui.analysis.distances import Distance
from nesr_gui.analysis.library import Entry, SpectralLibrary, read_entries
from nesr_gui.analysis.matching import LEAST_COVER, Match, Query, find_metamers, match_rows, rank_matches
from nesr_gui.analysis.pixelwise import bands_within, brief_basis, rests_on
from nesr_gui.colorimetry.appearance import white_scale
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import ProgressCallback, SpectralField, reconstruction_model
from nesr_gui.gui.model.library import MatchSettings, OpenedLibrary
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.plot_settings import Kind, LibraryCurves, Line
from nesr_gui.gui.tasks.files import mark_spectra
from nesr_gui.gui.tasks.spectra import (
    FEW,
    NO_COLOURS,
    RegionQuery,
    curve_wavelengths,
    pixels_of,
    query_regions,
    strewn,
)
from nesr_gui.io.errors import error_message
from nesr_gui.io.spectra import csv, envi_library
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths

MOST_DRAWN = 60  # metamers in the plot
LIBRARY_FORMATS = "ENVI spectral library (*.sli);;Comma-separated values (*.csv)"


# Opening


@dataclass(frozen=True)
class LibraryRequest:
    """Files and folders to open as libraries."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class LibrariesRead:
    """The libraries that could be read, and why the others could not, one text each."""

    libraries: tuple[OpenedLibrary, ...]
    failures: tuple[str, ...]


def open_libraries(request: LibraryRequest, progress: ProgressCallback) -> LibrariesRead:
    """Read libraries; what cannot be read is left out."""
    libraries: list[OpenedLibrary] = []
    failures: list[str] = []
    for done, path in enumerate(request.paths):

        def report(fraction: float, done: int = done) -> None:
            progress((done + fraction) / len(request.paths))

        report(0.0)
        try:
            entries, skipped = read_entries(path, report)
            if not entries:
                raise ValueError(f"{path.name} holds no spectra")
        except (OSError, ValueError) as error:
            failures.append(error_message(error).rstrip("."))
            continue
        if path.is_dir():  # shown beside the names of spectra
            entries = [Entry(entry.spectrum, f"{path.name}/{entry.file}") for entry in entries]
        libraries.append(OpenedLibrary(path.name, SpectralLibrary(tuple(entries)), path, tuple(skipped)))
    return LibrariesRead(tuple(libraries), tuple(failures))


# Comparing


@dataclass(frozen=True)
class MatchRequest:
    """A mark to compare with libraries; equal requests have equal answers.

    Attributes:
        field: the field, of which each pixel covers `binning` × `binning` source pixels.
        mark: the mark, and `pixels` the number of those of a region that its spectrum is the mean of.
        library: all spectra to compare with.
        settings: how they are compared.
        viewing: the light and the observer of colours.
        white: the spectrum of a perfect white, relative to which the mark is compared.
    """

    field: SpectralField
    binning: int
    mark: Mark
    pixels: int
    library: SpectralLibrary
    settings: MatchSettings
    viewing: ViewingConditions
    white: Spectrum | None

    @property
    def quantity(self) -> Quantity:
        """What is compared."""
        return self.field.quantity if self.white is None else Quantity.REFLECTANCE


@dataclass(frozen=True, eq=False)
class MatchAnswer:
    """The matches of a mark.

    Attributes:
        request: the question.
        matches: the nearest first.
        compared: the number of spectra that were compared: the others do not cover the wavelengths.
        alike: the number of matches that cannot be told apart from the mark.
        wavelengths: where they were compared.
        has_interval: whether the mark has a prediction interval.
        nearest: of metamers, the spectrum with the nearest colour.
        refusal: why there is no answer, in one sentence; empty if there is.
    """

    request: MatchRequest
    matches: tuple[Match, ...] = ()
    compared: int = 0
    alike: int = 0
    wavelengths: Wavelengths | None = None
    has_interval: bool = False
    nearest: Match | None = None
    refusal: str = ""

    def summary(self) -> str:
        """What was found, as a sentence."""
        request, settings, count = self.request, self.request.settings, len(self.matches)
        title = request.mark.title
        if self.refusal:
            return f"{self.refusal[0].upper()}{self.refusal[1:].rstrip('.')}."
        if settings.metamers:
            has = "has" if count in (0, 1) else "have"
            same = f"the colour of {title} (ΔE2000 up to {settings.most:g}) under {request.viewing.name}"
            if count:
                return f"{count:,} of {self.compared:,} spectra {has} {same}: what it might be."
            return f"None of {self.compared:,} spectra {has} {same}.{self._advice()}"
        if not self.has_interval:
            return f"The nearest of {count:,} spectra to {title} is {self.matches[0].entry.name}."
        return f"{self.alike:,} of {count:,} spectra cannot be told apart from {title}, within its 90 % interval."

    def basis(self) -> str:
        """What the answer rests on, in sentences."""
        compared = [f"Compared at {self._comparison}."] if self.wavelengths is not None else []
        return " ".join((rests_on(self.request.field), *compared, *self._remarks()))

    def brief_basis(self) -> str:
        """What the answer rests on, in a line, and what the user should know besides."""
        compared = f", compared at {self._comparison}" if self.wavelengths is not None else ""
        return " ".join((f"{brief_basis(self.request.field)}{compared}.", *self._remarks()))

    @property
    def _comparison(self) -> str:
        uses_colour = self.request.settings.ranked_by is Distance.COLOUR
        under = f", and as colours under {self.request.viewing.name}" if uses_colour else ""
        return f"{self.wavelengths}{under}"

    def _remarks(self) -> list[str]:
        request, remarks = self.request, list[str]()
        if request.quantity is Quantity.RADIANCE:
            remarks.append(
                "Radiance includes the light of the scene; use a white as reference to compare reflectances."
            )
        elif request.white is not None:
            remarks.append(f"Relative to the white {request.white.name}.")
        if self.wavelengths is not None and (left_out := len(request.library) - self.compared):
            remarks.append(f"{left_out:,} of {len(request.library):,} spectra do not cover them and were left out.")
        return remarks

    def rows(self) -> list[dict[str, str]]:
        """The matches as rows of a table."""
        return match_rows(self.matches, self.request.settings.ranked_by)

    def provenance(self) -> dict[str, str]:
        """What a file of the matches records."""
        request = self.request
        return {
            **request.field.provenance, "mark": request.mark.label, "result": self.summary(), "rests_on": self.basis(),
            "wavelengths": str(self.wavelengths), "seen_under": request.viewing.name,
            "cannot_be_told_apart": f"within the 90 % interval at {LEAST_COVER:.0%} or more of the wavelengths",
        }  # fmt: skip

    def _advice(self) -> str:
        nearest, settings = self.nearest, self.request.settings
        near = f" The nearest is {nearest.entry.name} with {nearest.distance:.1f}." if nearest is not None else ""
        ways = ["allow a larger difference", "open more libraries", "try another light or observer"]
        if not settings.any_brightness:
            ways.insert(0, "allow any brightness")
        text = f"{', '.join(ways[:-1])}, or {ways[-1]}"
        return f"{near} {text[0].upper()}{text[1:]}."


def find_matches(request: MatchRequest, progress: ProgressCallback) -> MatchAnswer:
    """Compare a mark with libraries; a question that cannot be answered is refused in the answer."""
    settings, library, matches = request.settings, request.library, list[Match]()
    try:
        query = _query(request, progress)
        if settings.ranked_by is Distance.COLOUR and not request.quantity.is_relative:
            raise ValueError(NO_COLOURS)
        if settings.metamers:
            matches = find_metamers(
                query, library, request.viewing, most=math.inf, at_any_brightness=settings.any_brightness,
                progress=progress,
            )  # fmt: skip
        else:
            matches = rank_matches(query, library, settings.distance, viewing=request.viewing, progress=progress)
    except ValueError as error:
        return MatchAnswer(request, refusal=str(error))
    shown = [match for match in matches if match.distance <= settings.most] if settings.metamers else matches
    nearest = min(matches, key=lambda match: match.distance) if settings.metamers else None
    return MatchAnswer(
        request, tuple(shown), len(matches), alike=sum(match.cannot_be_told_apart for match in shown),
        wavelengths=query.spectrum.wavelengths, has_interval=query.limits is not None, nearest=nearest,
    )  # fmt: skip


def _query(request: MatchRequest, progress: ProgressCallback) -> Query:
    """The spectrum of the mark with its interval, relative to the white if there is one.

    Raises:
        ValueError: the range has fewer than two bands.
    """
    field, place, within = request.field, request.mark.place, request.settings.within
    if isinstance(place, Region):
        bands = bands_within(field, within)
        region = RegionQuery(field, None, request.binning, (place,), request.pixels, bands=bands)
        mean = query_regions(region, progress)[place].spectrum
        query = Query.of_region(field, mean, strewn(pixels_of(place, request.binning, field.shape)[0], FEW))
    else:
        query = Query.at_pixel(field, place[0] // request.binning, place[1] // request.binning, within)
    spectrum, limits = replace(query.spectrum, name=request.mark.title), query.limits
    if request.white is not None:
        scale = white_scale(request.white, spectrum.wavelengths.nm).astype(np.float32)
        spectrum = replace(spectrum, values=spectrum.values * scale)
        limits = (limits[0] * scale, limits[1] * scale) if limits is not None else None
    return Query(spectrum, limits, request.quantity)


def library_curves(answer: MatchAnswer, selected: Collection[Match]) -> LibraryCurves | None:
    """The library spectra to draw beside the mark, multiplied by their gains.

    Of metamers all, or `MOST_DRAWN` that are spread over their ranks, and those that are selected; of matches those
    that are selected, or else the nearest.
    """
    settings, count = answer.request.settings, len(answer.matches)
    if not count:
        return None
    chosen = list(selected) or ([] if settings.metamers else [answer.matches[0]])
    lines, family = list[Line](), list[Line]()
    texts: dict[Kind, str] = {}
    is_scaled = not settings.metamers or settings.any_brightness
    scaled = ", scaled to the mark" if is_scaled else ""
    if settings.metamers:
        places = np.linspace(0, count - 1, min(count, MOST_DRAWN)).round().astype(int).tolist()
        for match in (answer.matches[place] for place in places):
            family.append(Line(Kind.METAMER, None, match.entry.name, _drawn(match, answer.request)))
        of = f"{len(family)} of {count:,}" if count > len(family) else f"{count}"
        texts[Kind.METAMER] = f"{of} metamer{'s' * (count > 1)}{scaled}"
    for match in chosen:
        name = f"{match.entry.name} × {match.gain:.3g}" if is_scaled else match.entry.name
        lines.append(Line(Kind.MATCH, None, name, _drawn(match, answer.request)))
    if chosen:
        texts[Kind.MATCH] = f"library{scaled}"
    return LibraryCurves(tuple(lines), tuple(family), texts)


def _drawn(match: Match, request: MatchRequest) -> Spectrum:
    """A library spectrum in the units of the field, over its range and one value beyond on each side."""
    nm, values = match.entry.spectrum.wavelengths.nm, match.entry.spectrum.values
    valid = np.isfinite(values)
    nm, values = nm[valid], values[valid] * np.float32(match.gain)
    low, high = request.field.wavelength_range
    part = slice(max(int(np.searchsorted(nm, low, "right")) - 1, 0), int(np.searchsorted(nm, high, "left")) + 1)
    nm, values = nm[part], values[part]
    if request.white is not None:
        scale = white_scale(request.white, nm)
        values = np.divide(values, scale, out=np.full(len(nm), np.nan), where=scale > 0).astype(np.float32)
    return Spectrum(Wavelengths(nm), values, match.entry.name)


# Libraries of marks


@dataclass(frozen=True, eq=False)
class MarkLibraryRequest:
    """Marks to make a library of.

    Attributes:
        name: of the library.
        field: the field, of which each pixel covers `binning` × `binning` source pixels.
        marks: the marks.
    """

    name: str
    field: SpectralField
    binning: int
    marks: tuple[Mark, ...]


def library_of_marks(request: MarkLibraryRequest, progress: ProgressCallback) -> OpenedLibrary:
    """Compute the spectra of marks as a library."""
    return OpenedLibrary(request.name, SpectralLibrary.of(_mark_spectra(request, progress), request.name))


@dataclass(frozen=True, eq=False)
class MarkLibraryExport:
    """A library of marks to write: an ENVI spectral library (.sli) or a table (.csv).

    `resolution` is the working resolution as text, for the provenance.
    """

    path: Path
    library: MarkLibraryRequest
    resolution: str


def write_mark_library(request: MarkLibraryExport, progress: ProgressCallback) -> None:
    """Write the spectra of marks as a library.

    Raises:
        OSError: the file cannot be written.
    """
    field, spectra = request.library.field, _mark_spectra(request.library, progress)
    provenance = {**field.provenance, "working_resolution": request.resolution, "rests_on": rests_on(field)}
    provenance |= {f"mark_{mark.number}": mark.label for mark in request.library.marks}
    is_table = request.path.suffix.lower() == ".csv"
    (csv.write_curves if is_table else envi_library.write_curves)(request.path, spectra, provenance=provenance)


def _mark_spectra(request: MarkLibraryRequest, progress: ProgressCallback) -> list[Spectrum]:
    """Spectra of marks at common wavelengths: the bands of a measured cube, every nm and the bands of a model."""
    field, bands = request.field, request.field.bands
    if reconstruction_model(field):
        bands = Wavelengths(np.union1d(curve_wavelengths(field).nm, bands.nm))
    curves = mark_spectra(field, request.binning, request.marks, progress, bands)
    names = _unique_names(request.marks)
    return [replace(curves[mark.place].spectrum, name=name) for mark, name in zip(request.marks, names, strict=True)]


def _unique_names(marks: Sequence[Mark]) -> list[str]:
    titles = [mark.title for mark in marks]
    return [mark.title if titles.count(mark.title) == 1 else mark.label for mark in marks]
