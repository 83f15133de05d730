"""A map abstains where spectra within the prediction interval give another answer; measured maps never do."""

import math

import numpy as np
import pytest

from nesr_gui.analysis.abstention import iter_deviations, patterns, value_range
from nesr_gui.analysis.classification import Classification, SpectralAngleMapper
from nesr_gui.analysis.components import Components
from nesr_gui.analysis.expression import Expression
from nesr_gui.analysis.maps import compute_map
from nesr_gui.analysis.pixelwise import rests_on
from nesr_gui.analysis.unmixing import Unmixing
from tests.analysis.scenes import BANDS, UncertainCube, chart_spectra, field_of, mixed_cube

VALUES = mixed_cube()
SHAPE = VALUES.shape[1:]


def uncertain(half_width):
    return UncertainCube(VALUES, np.broadcast_to(half_width, SHAPE))


def band_math(text, field, difference=None):
    return compute_map(field, Expression.parse(text).for_field(field, difference))


def test_deviations_stay_within_the_interval_and_reach_its_limits():
    lower, upper = VALUES - 0.1, VALUES + np.float32(0.3)
    spectra = list(iter_deviations(BANDS, VALUES, lower, upper))
    assert len(spectra) == len(patterns(BANDS)) == 22
    assert all((s >= lower - 1e-6).all() and (s <= upper + 1e-6).all() for s in spectra)
    np.testing.assert_allclose(np.min(spectra, axis=0), lower, atol=1e-6)
    np.testing.assert_allclose(np.max(spectra, axis=0), upper, atol=1e-6)


def test_the_interval_of_a_band_is_the_prediction_interval():
    half = np.linspace(0, 0.2, SHAPE[1], dtype=np.float32)
    made = band_math("b550", uncertain(half))
    np.testing.assert_allclose(made.widths[0], np.broadcast_to(2 * half, SHAPE), atol=1e-5)


def test_a_tilt_within_the_interval_changes_a_difference_of_bands():
    """Limits at 400 and 700 nm that may be missed in opposite directions allow nearly twice the width."""
    made = band_math("b700 - b400", uncertain(0.05))
    assert 0.15 < made.widths[0].min() <= made.widths[0].max() <= 0.2 + 1e-5


def test_a_map_abstains_where_the_interval_is_wider_than_the_difference():
    half = np.linspace(0, 0.2, SHAPE[1], dtype=np.float32)
    made = band_math("b550", uncertain(half), difference=0.1)
    np.testing.assert_array_equal(made.abstained(), np.broadcast_to(2 * half > 0.1 + 1e-6, SHAPE))
    assert np.isnan(made.answers()[made.abstained()]).all()
    np.testing.assert_array_equal(made.answers()[~made.abstained()], made.values[0][~made.abstained()])


def test_without_a_stated_difference_it_is_the_contrast_of_the_map():
    made = band_math("b550", uncertain(0.01))
    low, high = np.percentile(VALUES[15], [5, 95])
    assert made.differences == pytest.approx((high - low,), rel=1e-5)
    assert not made.abstained().any()
    assert band_math("b550", uncertain((high - low) * 0.51)).abstained().all()


def test_a_class_abstains_where_another_class_is_within_the_interval():
    """Equal to classifying all deviating spectra."""
    analysis = Classification(SpectralAngleMapper(chart_spectra(), BANDS), 12)
    field = uncertain(0.02)
    made = compute_map(field, analysis)
    classes = np.array([
        analysis.values(spectra)[0] for spectra in iter_deviations(BANDS, VALUES, VALUES - np.float32(0.02),
                                                                    VALUES + np.float32(0.02))
    ])  # fmt: skip
    changes = (classes != made.values[0]).any(axis=0)
    assert 0.05 < changes.mean() < 0.95
    assert (
        min((made.abstained(at) == changes).mean() for at in (0, 1)) > 0.999
    )  # also of the angle, which is that of the class


def test_a_truth_value_abstains_where_the_comparison_may_turn():
    field = uncertain(0.05)
    made = band_math("b550 > 0.3", field)
    np.testing.assert_array_equal(made.abstained(), np.abs(VALUES[15].astype(float) - 0.3) < 0.05)


@pytest.mark.parametrize("kind", ["components", "unmixing"])
def test_other_maps_abstain_more_with_wider_intervals(kind):
    shares = []
    for half in (0.0, 0.1, 0.5):
        field = uncertain(half)
        analysis = (
            Components.fit(field, BANDS, 3)
            if kind == "components"
            else Unmixing(chart_spectra(3), BANDS, difference=0.3)
        )
        shares.append(np.mean([compute_map(field, analysis).abstained(at) for at in range(3)]))
    assert shares[0] == 0 < shares[1] <= shares[2] and shares[2] > 0.9


@pytest.mark.parametrize("text", ["unmixing", "components", "b550 / (mean(600, 700) + 0.1)", "b500 > mean(420, 640)"])
def test_intervals_of_linear_functions_are_those_of_the_deviating_spectra(text):
    """The lower and the upper half of an interval differ, so that none can stand for the other."""
    field = field_of(VALUES)
    if text == "unmixing":
        analysis = Unmixing(chart_spectra(4), BANDS)
    elif text == "components":
        analysis = Components.fit(field, BANDS, 3)
    else:
        analysis = Expression.parse(text).for_field(field)
    nm = [int(np.flatnonzero(nm == BANDS.nm)[0]) for nm in analysis.wavelengths.nm]
    spectra, values = VALUES[nm], analysis.values(VALUES[nm])
    limits = spectra - np.float32(0.03), spectra * np.float32(1.2)
    low, high = value_range(analysis, values, spectra, *limits)
    every = [values, *(analysis.values(each) for each in iter_deviations(analysis.wavelengths, spectra, *limits))]
    layers = slice(0, -1) if text == "unmixing" else slice(None)  # the RMSE never abstains
    for found, expected in ((low, np.min(every, axis=0)), (high, np.max(every, axis=0))):
        np.testing.assert_allclose(found[layers], expected[layers], rtol=1e-4, atol=1e-5)
    assert (high[layers] > low[layers]).any()


def test_measured_maps_and_maps_without_intervals_do_not_abstain():
    analysis = Classification(SpectralAngleMapper(chart_spectra(), BANDS), 12)
    for made in (compute_map(field_of(VALUES), analysis), compute_map(uncertain(0.5), analysis, intervals=False)):
        assert made.widths is None and not made.abstained().any()


def test_an_undefined_interval_abstains():
    made = band_math("1 / (b550 - 0.3)", UncertainCube(np.full_like(VALUES, 0.3001), np.full(SHAPE, 0.05)), 1e9)
    assert np.isfinite(made.values).all()
    made = band_math("log(b550)", UncertainCube(np.full_like(VALUES, 0.01), np.full(SHAPE, 0.05)), 1e9)
    assert made.abstained().all()


def test_maps_say_what_they_rest_on():
    assert rests_on(field_of(VALUES)) == "Measured values, linear between the bands."
    field = uncertain(0.05)
    assert rests_on(field) == (
        "Spectra reconstructed from the three colours of a photograph by the model test; they are estimates, not "
        "measurements."
    )
    field.provenance["measured_spectra"] = "a at row 1 col 2, times 1; b at row 3 col 4, times 2"
    assert "by the model test, corrected by 2 measured spectra; they" in rests_on(field)
    made = band_math("b550 > 0.3", field)
    assert made.provenance["rests_on"] == rests_on(field) and made.provenance["expression"] == "b550 > 0.3"
    share = made.abstained().mean()
    assert made.in_words().endswith(
        f"measurements. In this map, b550 > 0.3 abstains in {share:.1%} of the pixels, whose 90 % prediction interval "
        "allows another one."
    )
    made = band_math("b550", field, difference=0.02)
    assert "b550 abstains in 100.0% of the pixels, whose 90 % prediction interval allows a difference of 0.02." in (
        made.in_words()
    )
    assert math.isclose(made.differences[0], 0.02)


def test_an_uncertain_layer_leaves_the_others_alone():
    """The first component varies by more than its interval, the last one by less."""
    field = uncertain(0.02)
    made = compute_map(field, Components.fit(field, BANDS, 20))
    assert not made.abstained().any() and made.abstained(19).all()
    assert np.isfinite(made.answers(0)).all() and np.isnan(made.answers(19)).all()
