"""Matches of marks are those of their pixels: at any resolution, in a range, and relative to a white."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nesr_gui.analysis.distances import Distance
from nesr_gui.analysis.library import SpectralLibrary
from nesr_gui.colorimetry.viewing_conditions import D65, ViewingConditions
from nesr_gui.gui.model.library import MatchSettings
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.tasks.library import MarkLibraryRequest, MatchRequest, find_matches, library_of_marks
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, Quantity, Spectrum
from tests.analysis.scenes import BANDS, UncertainCube, mixed_cube

VALUES = mixed_cube(24, 31)
HALF = np.random.default_rng(1).uniform(0.01, 0.05, VALUES.shape[1:])
LIBRARY = SpectralLibrary.of([Spectrum(BANDS, VALUES[:, row, row + 3], f"row {row}") for row in range(0, 24, 2)])
BINNING = 3
MARKS = Mark(1, (13, 17), "#ff0000", "o"), Mark(2, Region.rectangle(9, 12, 27, 36), "#ff0000", "o")
"""In source pixels: the pixel (4, 5) of the field, and its rows 3-8 and columns 4-11."""


def asked(mark: Mark, settings: MatchSettings) -> MatchRequest:
    field = UncertainCube(VALUES, HALF)
    field.binning, field.source_shape = BINNING, (BINNING * 24, BINNING * 31)
    viewing = ViewingConditions.default()
    return MatchRequest(field, BINNING, mark, 1000, LIBRARY, settings, viewing, None)


def mean_of(mark: Mark) -> tuple[FloatArray, float]:
    """The mean spectrum of a mark and the mean half-width of its interval."""
    part = (slice(3, 9), slice(4, 12)) if isinstance(mark.place, Region) else (slice(4, 5), slice(5, 6))
    return VALUES[:, *part].mean(axis=(1, 2)), float(HALF[part].mean())


@pytest.mark.parametrize("within", [None, (450.0, 620.0)])
@pytest.mark.parametrize("mark", MARKS, ids=["pixel", "region"])
def test_matches_are_of_the_pixels_of_the_mark_in_the_range(mark: Mark, within: tuple[float, float] | None) -> None:
    answer = find_matches(asked(mark, MatchSettings(Distance.ANGLE, within)), lambda fraction: None)
    bands = slice(5, 23) if within else slice(None)
    mean, half = mean_of(mark)
    own = mean[bands].astype(float)
    assert answer.wavelengths is not None and answer.wavelengths.nm.tolist() == BANDS.nm[bands].tolist()
    for match in answer.matches:
        other = match.entry.spectrum.values[bands].astype(float)
        cosine = own @ other / np.linalg.norm(own) / np.linalg.norm(other)
        assert match.distance == pytest.approx(np.degrees(np.arccos(min(cosine, 1))), abs=0.02)
        gains = np.linspace(0.2, 5, 4801)[:, None]
        assert match.cover == pytest.approx((np.abs(gains * other - own) <= half).mean(axis=1).max(), abs=0.035)
    assert len({match.cover for match in answer.matches}) > 3


def test_a_library_of_marks_has_the_spectra_of_their_pixels() -> None:
    request = asked(MARKS[0], MatchSettings())
    found = library_of_marks(MarkLibraryRequest("marks", request.field, BINNING, MARKS), lambda fraction: None)
    assert [entry.name for entry in found.library.entries] == ["pin 1", "rectangle 2"]
    for entry, mark in zip(found.library.entries, MARKS, strict=True):
        mean, _ = mean_of(mark)
        at = np.searchsorted(entry.spectrum.wavelengths.nm, BANDS.nm)  # also every nm between
        np.testing.assert_allclose(entry.spectrum.values[at], mean, atol=1e-5)


@pytest.mark.parametrize("distance", Distance)
def test_radiance_relative_to_a_white_is_compared_as_the_reflectance(distance: Distance) -> None:
    """With its interval, whose limits are relative to the white as well."""
    settings, light = MatchSettings(distance), (D65.power(BANDS.nm) / 50).astype(np.float32)
    reflectance = asked(MARKS[0], settings)
    values = VALUES * light[:, None, None]

    class Radiant(UncertainCube):
        quantity = Quantity.RADIANCE

        def prediction_interval(self, points, wavelengths):
            spectra, at = self.spectra(points, wavelengths), np.asarray(points)
            half = HALF[at[:, 0], at[:, 1]][:, None] * light
            return spectra - half, spectra + half

    radiance = replace(
        reflectance, field=Radiant(values, HALF), binning=1, mark=replace(MARKS[0], place=(4, 5)),
        white=Spectrum(BANDS, light, "white"),
    )  # fmt: skip
    expected, found = (find_matches(each, lambda fraction: None) for each in (reflectance, radiance))
    assert found.refusal == "" and [m.entry.name for m in found.matches] == [m.entry.name for m in expected.matches]
    for one, other in zip(found.matches, expected.matches, strict=True):
        assert one.distance == pytest.approx(other.distance, abs=1e-3, rel=1e-3) and one.cover == other.cover
    assert found.alike == expected.alike > 0
