"""Counts of classes and histograms of scores equal slow loops, of whole images and of samples."""

import numpy as np
import pytest

from nesr_gui.analysis.class_counts import score_histogram, tally_classes
from nesr_gui.analysis.classification import Classification, MatchedFilter, SpectralAngleMapper
from nesr_gui.analysis.definitions import ClassDefinition, ClassMethod
from nesr_gui.analysis.maps import compute_map
from nesr_gui.analysis.pixelwise import sampled_rows
from nesr_gui.fields.protocol import Cancelled
from tests.analysis.scenes import BANDS, TiledCube, UncertainCube, chart_spectra, field_of, mixed_cube

VALUES = mixed_cube(40, 33)
SPECTRA = chart_spectra(3)


def slow_angles(values):
    """Angles (K, H, W) by the definition, pixel by pixel."""
    angles = np.empty((len(SPECTRA), *values.shape[1:]))
    for at, spectrum in enumerate(SPECTRA):
        for row, col in np.ndindex(*values.shape[1:]):
            a, b = spectrum.values.astype(float), values[:, row, col].astype(float)
            angles[at, row, col] = np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
    return angles


def slow_classes(angles, thresholds):
    eligible = np.where(angles <= np.array(thresholds)[:, None, None], angles, np.inf)
    return np.where(np.isfinite(eligible.min(0)), eligible.argmin(0) + 1, 0)


def test_pixels_are_counted_in_the_whole_image():
    values = VALUES.copy()
    values[4, 3, 2] = np.nan
    angles = slow_angles(VALUES)
    classes = slow_classes(angles, (20.0, 14.0, 20.0))
    classes[3, 2] = -1
    analysis = Classification(SpectralAngleMapper(SPECTRA, BANDS), (20.0, 14.0, 20.0))
    found = tally_classes(TiledCube(values, BANDS), analysis, analysis.names)
    assert [each.pixels for each in found.counts] == [*((classes == k).sum() for k in range(4)), 0]
    assert [each.name for each in found.counts] == ["none", "patch 0", "patch 1", "patch 2", "abstained"]
    assert sum(each.share for each in found.counts) == pytest.approx(1) and min(c.pixels for c in found.counts[:4]) > 0
    assert (found.used, found.total) == (classes.size - 1, classes.size)
    assert found.in_words == "Of 1,319 pixels; 1 have no value"
    np.testing.assert_array_equal(found.numbers, np.maximum(classes, 0))


def test_uncertain_pixels_are_those_in_which_the_map_abstains():
    field = UncertainCube(VALUES, np.full(VALUES.shape[1:], 0.02))
    analysis = Classification(SpectralAngleMapper(SPECTRA, BANDS), 12.0)
    made, found = compute_map(field, analysis), tally_classes(field, analysis, analysis.names)
    assert found.counts[-1].pixels == made.abstained().sum() > 0
    own = made.values[0][made.abstained()]
    assert found.uncertain == {number: (own == number).sum() for number in range(4)}
    assert min(found.uncertain[1], found.counts[1].pixels) > 0
    assert tally_classes(field, analysis, analysis.names, intervals=False).counts[-1].pixels == 0


def test_a_large_image_is_counted_in_strips_of_it():
    field = field_of(VALUES, binning=2, source_shape=(80, 66))
    analysis = Classification(SpectralAngleMapper(SPECTRA, BANDS), 12.0)
    found = tally_classes(field, analysis, analysis.names, sample=16 * 33)
    rows = [row for strip in sampled_rows(slice(0, 40), 33, 16 * 33) for row in range(40)[strip]]
    classes = slow_classes(slow_angles(VALUES), (12.0,) * 3)[rows]
    assert [each.pixels for each in found.counts[:-1]] == [(classes == number).sum() for number in range(4)]
    assert found.numbers is None and found.in_words == "Of 528 evenly spread pixels of 1,320"


def test_scores_are_counted_for_the_nearest_class():
    found = score_histogram(field_of(VALUES), SpectralAngleMapper(SPECTRA, BANDS), bins=20, sample=None)
    angles = slow_angles(VALUES)
    best = np.clip(angles.min(0), *np.percentile(angles.min(0), (0.1, 99.9)))
    assert found.counts.shape == (3, 20) and found.counts.sum() == found.used == best.size
    for number in range(3):
        own = best[angles.argmin(0) == number]
        for place in (5, 10, 15):
            below = (own < found.edges[place]).sum()
            assert abs(found.counts[number, :place].sum() - below) <= 1  # float32
    np.testing.assert_allclose(found.edges[[0, -1]], (best.min(), best.max()), rtol=1e-3)


def test_scores_of_the_matched_filter_are_counted_for_the_highest():
    field = field_of(VALUES)
    scoring = MatchedFilter.fit(field, SPECTRA, BANDS)
    found = score_histogram(field, scoring, sample=None)
    nearest = scoring.scores(VALUES).argmax(0)
    assert found.counts.sum(axis=1).tolist() == [(nearest == number).sum() for number in range(3)]


def test_counting_can_be_cancelled_and_needs_values():
    analysis = Classification(SpectralAngleMapper(SPECTRA, BANDS), 12.0)

    def cancel(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        tally_classes(field_of(VALUES), analysis, analysis.names, progress=cancel)
    with pytest.raises(Cancelled):
        score_histogram(field_of(VALUES), analysis.scoring, progress=cancel)
    with pytest.raises(ValueError, match="the map has no values"):
        score_histogram(field_of(np.full_like(VALUES, np.nan)), analysis.scoring)


def test_classes_can_have_thresholds_of_their_own():
    definition = ClassDefinition(angle=12.0).with_own("patch 1", 5.0)
    analysis = definition.fit(field_of(VALUES), SPECTRA, None, lambda fraction: None)
    assert analysis.thresholds.tolist() == [12, 5, 12]
    assert definition.with_threshold(3.0).thresholds(["patch 0", "patch 1"]) == [3, 5]
    assert definition.with_own("patch 1", None) == ClassDefinition(angle=12.0)
    other = ClassDefinition(ClassMethod.FILTER).with_own("a", 0.2)
    assert other.own == {"a": 0.2} and other.own_angles == {} and other.with_threshold(0.3).fraction == 0.3
    with pytest.raises(ValueError, match=r"a threshold of 200°; angles are from 0 to 180°"):
        definition.with_own("patch 0", 200.0)
    with pytest.raises(ValueError, match="a threshold of nan; scores are from -100 to 100"):
        other.with_own("a", float("nan"))
