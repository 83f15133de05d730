"""Angles and filters equal those of Spectral Python; classes are those of the best score within the threshold."""

import math
import tracemalloc

import numpy as np
import pytest
import spectral

from nesr_gui.analysis.classification import (
    ABSTAINED,
    Classification,
    MatchedFilter,
    SpectralAngleMapper,
    class_numbers,
)
from nesr_gui.analysis.maps import AnalysisMap, compute_map
from nesr_gui.analysis.outputs import count_classes
from nesr_gui.analysis.pixelwise import Layer
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.io.georeference import Georeference
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, Spectrum
from tests.analysis.scenes import BANDS, TiledCube, UncertainCube, chart_spectra, field_of, mixed_cube

VALUES = mixed_cube()
IMAGE = np.moveaxis(VALUES, 0, -1).astype(np.float64)


def test_angles_equal_those_of_spectral_python():
    mapper = SpectralAngleMapper(chart_spectra(), BANDS)
    members = np.stack([spectrum.values for spectrum in chart_spectra()])
    expected = np.degrees(spectral.spectral_angles(IMAGE, members))
    np.testing.assert_allclose(np.moveaxis(mapper.scores(VALUES), 0, -1), expected, atol=0.02)


def test_the_matched_filter_equals_that_of_spectral_python():
    target = chart_spectra()[2]
    found = MatchedFilter.fit(field_of(VALUES), [target], BANDS).scores(VALUES)[0]
    expected = spectral.matched_filter(IMAGE, target.values.astype(float))
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9999


def test_the_matched_filter_is_one_at_the_target_and_zero_on_average():
    target = chart_spectra()[2]
    matched = MatchedFilter.fit(field_of(VALUES), [target], BANDS)
    assert matched.scores(target.values[:, None])[0, 0] == pytest.approx(1, abs=1e-4)
    assert matched.scores(VALUES).mean() == pytest.approx(0, abs=1e-4)


def test_the_background_may_be_a_region():
    target, region = chart_spectra()[2], Region.rectangle(0, 0, 12, 12)
    found = MatchedFilter.fit(field_of(VALUES), [target], BANDS, region=region)
    expected = MatchedFilter.fit(field_of(VALUES[:, :12, :12]), [target], BANDS)
    np.testing.assert_allclose(found.filters, expected.filters, rtol=1e-6)
    assert found.background == "144 of 744 pixels"


@pytest.mark.parametrize("threshold", [12.0, [3.0, 20.0, 20.0, 5.0, 20.0, 20.0]])
def test_the_class_is_that_of_the_smallest_angle_within_its_threshold(threshold):
    mapper = SpectralAngleMapper(chart_spectra(), BANDS)
    made = compute_map(field_of(VALUES), Classification(mapper, threshold))
    limits = np.broadcast_to(threshold, 6)
    for row in range(0, 24, 5):
        for col in range(31):
            angles = mapper.scores(VALUES[:, row, col])
            within = [k for k in range(6) if angles[k] <= limits[k]]
            expected = 1 + min(within, key=lambda k, a=angles: a[k]) if within else 0
            assert made.values[0, row, col] == expected
            score = angles[int(expected) - 1] if expected else angles.min()
            assert made.values[1, row, col] == pytest.approx(score, abs=1e-3)
    assert len(np.unique(made.values[0])) > 2


def test_the_class_of_a_filter_is_that_of_the_largest_score():
    matched = MatchedFilter.fit(field_of(VALUES), chart_spectra(3), BANDS)
    scores = matched.scores(VALUES)
    classes = Classification(matched, 0.4).classes(scores)
    expected = np.where(scores.max(0) >= np.float32(0.4), scores.argmax(0) + 1, 0)
    np.testing.assert_array_equal(classes, expected)
    assert len(np.unique(classes)) > 1


def test_a_spectrum_of_any_brightness_is_at_no_angle_to_its_own_class():
    """The cosine of equal directions is rounded to more than 1 for some of them."""
    gains = np.random.default_rng(4).uniform(0.01, 3, 2000).astype(np.float32)
    for at, spectrum in enumerate(chart_spectra()):
        angles = SpectralAngleMapper(chart_spectra(), BANDS).scores(spectrum.values[:, None] * gains)
        assert (angles[at] < 0.1).all() and np.isfinite(angles).all()


@pytest.mark.parametrize("is_angle", [True, False])
def test_a_score_at_the_threshold_belongs_to_the_class(is_angle):
    scoring = SpectralAngleMapper(chart_spectra(3), BANDS)
    if not is_angle:
        scoring = MatchedFilter.fit(field_of(VALUES), chart_spectra(3), BANDS)
    scores = scoring.scores(VALUES)
    limit = np.median(scores.min(axis=0) if is_angle else scores.max(axis=0).ravel()[1:])
    at = np.abs((scores.min(axis=0) if is_angle else scores.max(axis=0)) - limit).argmin()
    limit = (scores.min(axis=0) if is_angle else scores.max(axis=0)).flat[at]
    beyond = np.nextafter(limit, np.float32(-np.inf if is_angle else np.inf))
    assert Classification(scoring, float(limit)).classes(scores).flat[at] > 0
    assert Classification(scoring, float(beyond)).classes(scores).flat[at] == 0


def test_a_map_does_not_depend_on_how_the_image_is_split():
    analysis = Classification(SpectralAngleMapper(chart_spectra(), BANDS), 5)
    whole, tiled = (
        compute_map(f, analysis) for f in (field_of(VALUES), TiledCube(VALUES, BANDS, Quantity.REFLECTANCE))
    )
    # Classes are equal; angles up to rounding, which depends on the sizes that a matrix product is given.
    np.testing.assert_allclose(whole.values, tiled.values, rtol=0, atol=1e-3)


def test_pixels_without_values_have_no_class():
    values = VALUES.copy()
    values[7, 5, 6] = np.nan
    made = compute_map(field_of(values), Classification(SpectralAngleMapper(chart_spectra(), BANDS), 90))
    assert np.isnan(made.values[:, 5, 6]).all() and np.isnan(made.values).sum() == 2
    numbers = class_numbers(made.values[0], made.abstained())
    assert numbers[5, 6] == 0 and (numbers > 0).sum() == numbers.size - 1


def test_pixels_without_values_are_not_uncertain():
    """They have no interval either: in files of classes they have no class, and do not count."""
    values = VALUES.copy()
    values[7, 5, 6] = np.nan
    field = UncertainCube(values, np.full(VALUES.shape[1:], 0.2))
    made = compute_map(field, Classification(SpectralAngleMapper(chart_spectra(), BANDS), 20))
    assert made.abstained().any() and not made.abstained()[5, 6]
    assert class_numbers(made.values[0], made.abstained())[5, 6] == 0
    assert made.abstained_share() == made.abstained().sum() / (made.values[0].size - 1)
    counts = count_classes(made, tuple("abcdef"))
    assert sum(each.pixels for each in counts) == made.values[0].size - 1


def test_a_map_describes_on_which_side_of_the_threshold_its_classes_lie():
    target = chart_spectra()[2]
    angles = Classification(SpectralAngleMapper([target], BANDS), 5.0).describe()
    scores = Classification(MatchedFilter.fit(field_of(VALUES), [target], BANDS), 0.5).describe()
    assert (angles["threshold"], scores["threshold"]) == ("at most 5°", "at least 0.5")


def test_a_region_limits_the_map():
    region = Region.parse("ellipse 4,4 16,20")
    made = compute_map(field_of(VALUES), Classification(SpectralAngleMapper(chart_spectra(), BANDS), 90), region=region)
    assert made.values.shape == (2, 12, 16) and (made.rows, made.cols) == (slice(4, 16), slice(4, 20))
    assert np.isnan(made.values[:, 0, 0]).all() and np.isfinite(made.values[:, 6, 8]).all()
    assert made.provenance["window"] == "rows 4-15, columns 4-19"


def test_a_map_of_a_binned_part_lies_where_the_part_lies():
    where = Georeference.upright((500_000, 5_400_000), (2.0, 2.0), 32632)
    field = field_of(VALUES, binning=3, source_shape=(72, 93))
    analysis = Classification(SpectralAngleMapper(chart_spectra(), BANDS), 90)
    made = compute_map(field, analysis, region=Region.rectangle(6, 9, 30, 60), georeference=where)
    assert made.binning == 3 and made.window_georeference.transform == (6, 0, 500_018, 0, -6, 5_399_988)
    assert compute_map(field, analysis).window_georeference is None


def test_abstentions_have_their_own_number():
    numbers = class_numbers(np.array([[1.0, np.nan, 3.0]], np.float32), np.array([[False, False, True]]))
    assert numbers.tolist() == [[1, 0, ABSTAINED]]


def test_maps_and_filters_can_be_cancelled():
    def cancel(fraction):
        raise Cancelled

    field = field_of(VALUES)
    with pytest.raises(Cancelled):
        compute_map(field, Classification(SpectralAngleMapper(chart_spectra(), BANDS), 5), progress=cancel)
    with pytest.raises(Cancelled):
        MatchedFilter.fit(field, chart_spectra(1), BANDS, progress=cancel)


def test_bad_input_is_refused_in_one_sentence():
    black = Spectrum(BANDS, np.zeros(31), "black")
    with pytest.raises(ValueError, match="the reference black is zero"):
        SpectralAngleMapper([black], BANDS)
    with pytest.raises(ValueError, match="2 thresholds for 3 classes"):
        Classification(SpectralAngleMapper(chart_spectra(3), BANDS), [1, 2])
    with pytest.raises(ValueError, match="no target given"):
        MatchedFilter.fit(field_of(VALUES), [], BANDS)
    flat = field_of(np.full((31, 4, 4), 0.5, np.float32))
    with pytest.raises(ValueError, match="the background does not vary"):
        MatchedFilter.fit(flat, chart_spectra(1), BANDS)
    mean = Spectrum(BANDS, VALUES.mean((1, 2)), "mean")
    with pytest.raises(ValueError, match="the target mean is the mean of the background"):
        MatchedFilter.fit(field_of(VALUES), [*chart_spectra(2), mean], BANDS)
    with pytest.raises(ValueError, match="255 classes requested; at most 254"):
        SpectralAngleMapper([mean] * 255, BANDS)


def test_classes_are_counted_without_pixels_that_have_no_values_and_in_little_memory():
    classes = np.random.default_rng(0).integers(0, 4, (600, 1000)).astype(np.float32)
    classes[5] = np.nan
    widths = (np.random.default_rng(1).random(classes.shape) < 0.3).astype(np.float32)
    layers = Layer("class", difference=0.0), Layer("angle", "°", math.inf)
    values = np.stack([classes, classes])
    made = AnalysisMap(
        layers=layers, values=values, widths=(widths, None), rows=slice(0, 600), cols=slice(0, 1000),
        differences=(0.0, math.inf), provenance={},
    )  # fmt: skip
    tracemalloc.start()
    counts = count_classes(made, ["a", "b", "c"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    known = np.isfinite(classes)
    expected = [int((known & (classes == number) & (widths == 0)).sum()) for number in range(4)]
    assert [each.pixels for each in counts] == [*expected, int((known & (widths > 0)).sum())]
    assert sum(each.share for each in counts) == pytest.approx(1)
    assert peak < 4 * classes.size, "bytes"
