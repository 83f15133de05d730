"""Ranked matches equal slow definitions; what cannot be told apart lies in the interval; metamers share a colour."""

import time
from itertools import pairwise

import colour
import numpy as np
import pytest

from nesr_gui.analysis.distances import (
    Distance,
    colour_distances,
    gained_rmse,
    information_divergences,
    spectral_angles,
)
from nesr_gui.analysis.library import SpectralLibrary
from nesr_gui.analysis.matching import Query, find_metamers, interval_cover, match_rows, rank_matches
from nesr_gui.colorimetry.appearance import smooth_metamers
from nesr_gui.colorimetry.viewing_conditions import CIE_1931, D65, Illuminant, Observer, ViewingConditions
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests.analysis.scenes import BANDS, UncertainCube, chart_spectra, field_of, mixed_cube

CHANCE = np.random.default_rng(2)
MANY = np.stack([s.values for s in chart_spectra(18)]).astype(np.float64)
ONE = (0.7 * MANY[4] + 0.3 * MANY[5]) * 0.8


def test_distances_equal_their_definitions():
    angles, divergences, errors = [], [], []
    for other in MANY:
        cosine = sum(a * b for a, b in zip(ONE, other, strict=True)) / np.sqrt((ONE**2).sum() * (other**2).sum())
        angles.append(np.degrees(np.arccos(cosine)))
        p, q = ONE / ONE.sum(), other / other.sum()
        divergences.append(sum(a * np.log(a / b) + b * np.log(b / a) for a, b in zip(p, q, strict=True)))
        gains = np.linspace(0, 20, 20001)
        errors.append(np.sqrt(((gains[:, None] * other - ONE) ** 2).mean(1)).min())
    np.testing.assert_allclose(spectral_angles(ONE, MANY), angles, atol=1e-9)
    np.testing.assert_allclose(information_divergences(ONE, MANY), divergences, rtol=1e-9)
    np.testing.assert_allclose(gained_rmse(ONE, MANY), errors, atol=1e-5)


def test_distances_do_not_depend_on_brightness_and_are_zero_for_the_same_shape():
    for distance in (spectral_angles, information_divergences, gained_rmse):
        np.testing.assert_allclose(distance(ONE, 3 * MANY), distance(ONE, MANY), rtol=1e-6, atol=1e-9)
        assert distance(ONE, 2 * ONE[None])[0] == pytest.approx(0, abs=1e-5)


def test_spectra_that_are_not_positive_have_distances_too():
    odd = np.stack([np.zeros(31), -MANY[0], np.where(np.arange(31) < 3, -0.01, MANY[0])])
    assert np.isinf(information_divergences(ONE, odd)[:2]).all() and np.isfinite(information_divergences(ONE, odd)[2])
    assert gained_rmse(ONE, odd)[:2] == pytest.approx(np.sqrt((ONE**2).mean()))  # no negative gain
    assert spectral_angles(ONE, odd)[0] == 90


def test_colour_differences_equal_those_of_colour_science():
    found = colour_distances(ONE, MANY, BANDS, at_any_brightness=False)
    weights = ViewingConditions.default().rgb_weights(BANDS.nm).astype(float)
    space = colour.RGB_COLOURSPACES["sRGB"]
    labs = [colour.XYZ_to_Lab((s @ weights) @ space.matrix_RGB_to_XYZ.T, space.whitepoint) for s in (ONE, MANY)]
    expected = [colour.delta_E(labs[0], other, method="CIE 2000") for other in labs[1]]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert colour_distances(ONE, 5 * ONE[None], BANDS)[0] == pytest.approx(0, abs=1e-4)
    assert colour_distances(ONE, 5 * ONE[None], BANDS, at_any_brightness=False)[0] > 20


def library(values=MANY, bands=BANDS):
    return SpectralLibrary.of(
        [Spectrum(bands, row.astype(np.float32), f"patch {at}") for at, row in enumerate(values)], "chart.csv"
    )


def test_radiance_has_the_colour_differences_of_its_reflectance_under_the_same_light():
    light = D65.power(BANDS.nm) / 100
    expected = colour_distances(ONE, MANY, BANDS, ViewingConditions(D65, CIE_1931))
    found = colour_distances(ONE * light, MANY * light, BANDS, ViewingConditions(D65, CIE_1931), Quantity.RADIANCE)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("distance", Distance)
def test_matches_are_ranked_by_every_distance(distance):
    query = Query(Spectrum(BANDS, (2 * MANY[7]).astype(np.float32), "unknown"))
    matches = rank_matches(query, library(), distance)
    assert len(matches) == 18 and matches[0].entry.name == "patch 7" and matches[0].entry.file == "chart.csv"
    assert matches[0].gain == pytest.approx(2, rel=1e-5)
    assert [m.distance for m in matches] == sorted(m.distance for m in matches)
    assert all(np.isnan(m.cover) and not m.cannot_be_told_apart for m in matches)  # a measured spectrum


def test_a_range_limits_the_comparison_and_spectra_that_do_not_cover_it_are_left_out():
    values = MANY.copy()
    values[3, BANDS.nm < 500] = 9  # only differs outside the range
    short = Spectrum(Wavelengths.from_step(550, 700, 5), np.ones(31, np.float32), "short")
    books = SpectralLibrary((*library(values).entries, *SpectralLibrary.of([short]).entries))
    query = Query(Spectrum(BANDS, MANY[3].astype(np.float32)))
    whole = rank_matches(query, books)
    part = rank_matches(query.within((500, 650)), books)
    assert whole[0].entry.name != "patch 3" and part[0].entry.name == "patch 3"
    assert part[0].distance == pytest.approx(0, abs=0.01)
    assert {m.entry.name for m in rank_matches(query.within((560, 650)), books)} >= {"short"}
    assert "short" not in {m.entry.name for m in part}


def slow_cover(other, lower, upper):
    """Every gain at which a limit is met at some wavelength, and those between."""
    gains = sorted({g for limit in (lower, upper) for g in limit[other != 0] / other[other != 0] if g >= 0} | {0.0})
    gains += [(a + b) / 2 for a, b in pairwise(gains)]
    return max(((g * other >= lower - 1e-12) & (g * other <= upper + 1e-12)).mean() for g in gains)


def test_the_cover_equals_trying_every_gain():
    others = np.concatenate([CHANCE.random((40, 12)), CHANCE.normal(size=(40, 12)), np.zeros((1, 12))])
    others[5, 3] = others[50, 2] = 0
    for lower_limit in (0.2, -0.1, 0.0):
        lower = np.full(12, lower_limit) + 0.1 * CHANCE.random(12)
        upper = lower + CHANCE.random(12)
        found = interval_cover(others, lower, upper)
        np.testing.assert_allclose(found, [slow_cover(other, lower, upper) for other in others])


def test_a_limit_belongs_to_the_interval():
    assert interval_cover(np.ones((1, 2)), [1, 2], [2, 3]) == [1]  # only with a gain of exactly 2
    assert interval_cover(np.ones((1, 2)), [1, 2.01], [2, 3]) == [0.5]


def test_what_lies_within_the_interval_cannot_be_told_apart():
    truth = MANY[7]
    wave = 1 + 0.05 * np.sin(BANDS.nm / 40)
    books = library(np.stack([truth, 3 * truth, truth * wave, MANY[2]]))
    query = Query(Spectrum(BANDS, truth.astype(np.float32)), (0.9 * truth, 1.1 * truth))
    told = {match.entry.name: match.cannot_be_told_apart for match in rank_matches(query, books)}
    assert told == {"patch 0": True, "patch 1": True, "patch 2": True, "patch 3": False}
    narrow = Query(query.spectrum, (0.98 * truth, 1.02 * truth))
    told = {match.entry.name: match.cannot_be_told_apart for match in rank_matches(narrow, books)}
    assert told == {"patch 0": True, "patch 1": True, "patch 2": False, "patch 3": False}


def test_one_fifth_of_the_wavelengths_may_lie_outside():
    truth = np.ones(30)
    bands = Wavelengths.evenly_spaced(30)
    for outside, expected in ((6, True), (7, False)):
        other = np.where(np.arange(30) < outside, 2.0, 1.0)
        query = Query(Spectrum(bands, truth.astype(np.float32)), (0.9 * truth, 1.1 * truth))
        (match,) = rank_matches(query, library(other[None], bands))
        assert match.cannot_be_told_apart is expected and match.cover == pytest.approx(1 - outside / 30)


def test_the_query_of_a_pixel_has_the_interval_of_the_field():
    field = UncertainCube(mixed_cube(), np.full((24, 31), 0.05))
    query = Query.at_pixel(field, 3, 4, within=(450, 650))
    assert query.spectrum.wavelengths.nm.tolist() == list(range(450, 651, 10))
    np.testing.assert_allclose(query.limits[1] - query.limits[0], 0.1, atol=1e-6)
    assert Query.at_pixel(field_of(mixed_cube()), 3, 4).limits is None
    within = Query.at_pixel(field, 3, 4).within((450, 650))
    np.testing.assert_array_equal(within.limits[0], query.limits[0])


def metameric_pair():
    """A reflectance, and a smooth one of the same colour under the default camera."""
    truth = MANY[8]
    rgb = truth @ ViewingConditions.default().rgb_weights(BANDS.nm).astype(float)
    return truth, smooth_metamers(rgb[None], BANDS.nm)[0].astype(float)


def test_metamers_share_the_colour_and_not_the_spectrum():
    truth, other = metameric_pair()
    query = Query(Spectrum(BANDS, other.astype(np.float32), "pixel"))
    books = library(np.stack([MANY[1], 0.5 * truth, truth, MANY[3]]))
    found = find_metamers(query, books)
    assert sorted(match.entry.name for match in found) == ["patch 1", "patch 2"]
    assert all(match.distance < 0.05 for match in found) and spectral_angles(other, truth[None])[0] > 1
    assert [m.entry.name for m in find_metamers(query, books, at_any_brightness=False)] == ["patch 2"]


def test_metamers_are_those_of_a_slow_loop_with_the_limit_and_by_angle():
    query = Query(Spectrum(BANDS, ONE.astype(np.float32), "pixel"))
    differences = [
        float(colour_distances(query.spectrum.values, other[None], BANDS)[0]) for other in MANY.astype(np.float32)
    ]
    angles = [float(spectral_angles(ONE, other[None])[0]) for other in MANY]
    most = sorted(differences)[5]  # the sixth is at the limit, which belongs to what counts as the same
    expected = sorted((at for at in range(18) if differences[at] <= most), key=lambda at: angles[at])
    found = find_metamers(query, library(), most=most)
    assert [match.entry.name for match in found] == [f"patch {at}" for at in expected] and len(expected) == 6
    assert [match.distance for match in found] == pytest.approx([differences[at] for at in expected], abs=1e-9)


def test_another_light_or_camera_separates_metamers():
    truth, other = metameric_pair()
    query, books = Query(Spectrum(BANDS, other.astype(np.float32))), library(truth[None])
    assert len(find_metamers(query, books, most=0.1)) == 1
    fluorescent = ViewingConditions(Illuminant("FL11"))
    nm = BANDS.nm
    channels = [Spectrum(BANDS, np.exp(-(((nm - at) / 12) ** 2)).astype(np.float32), str(at)) for at in (640, 520, 430)]
    camera = ViewingConditions(observer=Observer.camera("narrow", channels))
    for viewing in (fluorescent, camera):
        differences = colour_distances(other, truth[None], BANDS, viewing)
        assert differences[0] > 0.8
        assert find_metamers(query, books, viewing, most=differences[0] - 0.01) == []
        assert len(find_metamers(query, books, viewing, most=differences[0] + 0.01)) == 1


def test_ranking_can_be_cancelled():
    def cancel(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        rank_matches(Query(Spectrum(BANDS, ONE.astype(np.float32))), library(), progress=cancel)


def test_impossible_comparisons_are_refused_in_one_sentence():
    query = Query(Spectrum(BANDS, ONE.astype(np.float32), "pixel"))
    with pytest.raises(ValueError, match=r"the range 404-409 nm holds 0 of the spectrum's 31 wavelengths"):
        query.within((404, 409))
    with pytest.raises(ValueError, match=r"lies outside 500-600 nm, which therefore do not determine a colour"):
        rank_matches(query.within((500, 600)), library(), Distance.COLOUR)
    with pytest.raises(ValueError, match=r"outside 500-600 nm"):
        find_metamers(query.within((500, 600)), library())
    infrared = library(np.ones((2, 31)), Wavelengths.from_step(800, 1100, 10))
    with pytest.raises(ValueError, match=r"none of the 2 library spectra covers 400-700 nm"):
        rank_matches(query, infrared)
    gap = Query(Spectrum(BANDS, np.where(BANDS.nm == 500, np.nan, ONE).astype(np.float32), "pixel"))
    with pytest.raises(ValueError, match="pixel has gaps"):
        rank_matches(gap, library())


@pytest.mark.parametrize("viewing", [ViewingConditions.default(), ViewingConditions(Illuminant("FL11"))])
def test_scaled_by_its_gain_a_match_by_colour_has_the_colour_it_is_listed_with(viewing):
    query = Query(Spectrum(BANDS, ONE.astype(np.float32)))
    scaled = library(MANY * CHANCE.uniform(0.01, 100, (len(MANY), 1)))
    for matches in (rank_matches(query, scaled, Distance.COLOUR, viewing=viewing),
                    find_metamers(query, scaled, viewing, most=8)):  # fmt: skip
        assert matches
        drawn = np.stack([match.gain * match.entry.spectrum.values.astype(np.float64) for match in matches])
        same = colour_distances(ONE, drawn, BANDS, viewing, at_any_brightness=False)
        np.testing.assert_allclose([match.distance for match in matches], same, atol=1e-4)
    alone = find_metamers(query, scaled, viewing, most=1e3, at_any_brightness=False)
    assert {match.gain for match in alone} == {1}
    own = colour_distances(ONE, [m.entry.spectrum.values for m in alone], BANDS, viewing, at_any_brightness=False)
    np.testing.assert_allclose([match.distance for match in alone], own, atol=1e-4)


@pytest.mark.parametrize("distance", [Distance.ANGLE, Distance.DIVERGENCE, Distance.RMSE])
def test_the_scale_of_a_library_changes_its_gains_only(distance):
    query = Query(Spectrum(BANDS, ONE.astype(np.float32)), (0.8 * ONE, 1.2 * ONE))
    before = {match.entry.name: match for match in rank_matches(query, library(), distance)}
    factors = CHANCE.uniform(0.01, 100, len(MANY))
    for match in rank_matches(query, library(MANY * factors[:, None]), distance):
        other, factor = before[match.entry.name], factors[int(match.entry.name.split()[1])]
        assert match.distance == pytest.approx(other.distance, rel=1e-3, abs=1e-4) and match.cover == other.cover
        assert match.gain == pytest.approx(other.gain / factor, rel=1e-4)
        error = match.gain * match.entry.spectrum.values.astype(np.float64) - ONE
        assert abs(error @ match.entry.spectrum.values) < 1e-4 * factor, "no other gain brings it closer"


def test_the_query_of_a_region_is_its_mean_with_the_mean_distance_of_the_limits():
    half = CHANCE.uniform(0.01, 0.1, (24, 31))
    field = UncertainCube(mixed_cube(), half)
    points = [(row, col) for row in range(3, 7) for col in range(10, 12)]
    mean = np.mean([mixed_cube()[:, row, col] for row, col in points], axis=0)
    query = Query.of_region(field, Spectrum(BANDS, mean, "box"), points)
    margin = np.mean([half[point] for point in points])
    np.testing.assert_array_equal(query.spectrum.values, mean)
    np.testing.assert_allclose(query.limits[0], mean - margin, atol=1e-6)
    np.testing.assert_allclose(query.limits[1], mean + margin, atol=1e-6)
    assert Query.of_region(field_of(mixed_cube()), Spectrum(BANDS, mean), points).limits is None


def test_rows_state_what_was_found():
    query = Query(Spectrum(BANDS, MANY[7].astype(np.float32)), (0.9 * MANY[7], 1.1 * MANY[7]))
    rows = match_rows(rank_matches(query, library()), Distance.ANGLE)
    assert rows[0] == {
        "rank": "1", "spectral angle": rows[0]["spectral angle"], "gain": "1", "within interval": "1",
        "cannot be told apart": "true", "name": "patch 7", "file": "chart.csv",
    }  # fmt: skip
    assert float(rows[0]["spectral angle"]) < 0.01
    measured = match_rows(rank_matches(Query(query.spectrum), library()), Distance.ANGLE)
    assert {row["cannot be told apart"] for row in measured} == {row["within interval"] for row in measured} == {""}


def test_thousands_of_spectra_are_ranked_while_a_mark_moves():
    """2,500 spectra of 2,151 values at 61 bands: about .02 s of processor time after the first time."""
    nm = Wavelengths.from_step(350, 2500, 1)
    phases = CHANCE.uniform(0, 6, (2500, 1))
    values = (0.4 + 0.3 * np.sin(nm.nm / 80 + phases)).astype(np.float32)
    books = SpectralLibrary.of([Spectrum(nm, row, str(at)) for at, row in enumerate(values)])
    bands = Wavelengths.evenly_spaced(61)
    own = np.interp(bands.nm, nm.nm, values[7]).astype(np.float32)
    query = Query(Spectrum(bands, own), (0.9 * own, 1.1 * own))
    times = []
    for _ in range(4):
        start = time.thread_time()
        matches = rank_matches(query, books)
        times.append(time.thread_time() - start)
    assert matches[0].entry.name == "7" and len(matches) == 2500
    assert min(times[1:]) < 0.2
