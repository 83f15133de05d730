"""The parts of a calibration, on patches whose light follows exactly from a known camera."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from nesr_gui.colorimetry.charts import ColourChart, classic
from nesr_gui.io.photos import chart_calibration as parts
from nesr_gui.io.photos.camera_profile import colour_terms, squared_radius
from nesr_gui.io.photos.chart_calibration import calibrate
from nesr_gui.io.photos.chart_patches import ChartError, ChartReading
from nesr_gui.io.photos.develop_settings import SourceEncoding
from nesr_gui.io.photos.photo import DecodedPhoto, DecodedPixels

Array = npt.NDArray[np.float64]
SHAPE = 200, 600
MATRIX = np.array([[1.4, -0.3, -0.1], [-0.2, 1.3, -0.1], [0.05, -0.45, 1.4]])  # from the camera to sRGB; rows sum to 1
GAINS = np.array([1.9, 1.0, 1.5])
GREYS = slice(18, 24)
RNG = np.random.default_rng(0)


def places() -> Array:
    """Centres of the patches of a chart that fills the photograph, in fractions of it."""
    chart = classic()
    return (chart.cells + 0.5) / (chart.rows, chart.columns)


def reading(light: Array | None = None, level: Array | None = None, **changes: Any) -> ChartReading:
    """The patches as a linear camera with `MATRIX` and `GAINS` stores them, under relative light `level` (N,)."""
    chart: ColourChart = changes.pop("chart", classic())
    if light is None:
        light = np.maximum(chart.colours @ np.linalg.inv(MATRIX).T / GAINS, 1e-4)
    light = light * (1 if level is None else level[:, None])
    values: dict[str, Any] = {
        "corners": np.array([[0, 0], [0, 600], [200, 600], [200, 0.0]]), "light": light,
        "spread": np.full(len(chart), 0.01),
        "clipped": np.zeros(len(chart)), "places": places(), "shape": SHAPE, "primaries": np.eye(3), "encoding": "sRGB",
        "read_as": SourceEncoding.AUTOMATIC, "misfit": 0.05,
    }  # fmt: skip
    return ChartReading(chart, **{**values, **changes})


def solver(made: ChartReading) -> parts._Solver:
    return parts._Solver(made, lambda done: None)


ALL = np.ones(24, bool)
LINEAR = parts._Form(degree=0, ridge=1e-9)
PHOTO = DecodedPhoto(
    DecodedPixels(np.zeros((200, 600, 3), np.uint8), camera="Maker One", white_balance=(2.0, 1.0, 1.5)), "a.png", "00"
)


# --- tone curve ---


def curve_of(light: Array, targets: Array, degree: int) -> tuple[Array, Array, Array]:
    return parts._fit_curve(light, targets, np.ones(len(light), bool), np.array(degree))


@pytest.mark.parametrize("curve", [(1.3, 0.2), (0.08, 1.2, -0.1), (0.02, 0.1, 1.1, 0.3)])
def test_a_polynomial_tone_curve_and_gains_are_recovered(curve: tuple[float, ...]) -> None:
    light = np.geomspace(0.03, 0.9, 6)[:, None] * [1.1, 0.9, 0.7]
    gains = np.array([2.0, 1.0, 0.5])
    targets = np.exp(np.polyval(curve, np.log(light))) * gains
    found, knees, scale = curve_of(light, targets, len(curve) - 1)
    np.testing.assert_allclose(found, curve, atol=1e-6)  # as the mean of the logarithms of these gains is 0
    np.testing.assert_allclose(scale, gains, rtol=1e-6)
    np.testing.assert_allclose(knees, np.log([light.min(), light.max()]))


def test_gains_alone() -> None:
    light = RNG.uniform(0.05, 0.9, (6, 1)) * np.ones(3)
    found, _, gains = curve_of(light, light * [2.0, 1.0, 0.5], 0)
    np.testing.assert_array_equal(found, [1, 0])
    np.testing.assert_allclose(gains, [2, 1, 0.5])


def test_the_darkest_grey_counts_least() -> None:
    light = np.geomspace(0.03, 0.9, 6)[:, None] * np.ones(3)
    wrong = light.copy()
    wrong[0] *= 1.5
    for degree, least in ((0, 0.03), (1, 0.06)):
        fit = parts._Fit(*curve_of(light, wrong, degree), np.eye(3), np.zeros(0))
        errors = np.abs(np.log((fit.linear(light) * fit.gains / light)[:, 0]))
        unweighted = np.log(1.5) / 6
        assert errors[-1] < max(least, 0.45 * unweighted)


def test_a_curve_that_would_fall_is_of_a_lower_degree() -> None:
    light = np.geomspace(0.03, 0.9, 6)[:, None] * np.ones(3)
    targets = np.exp(np.interp(np.log(light), np.log(light[[0, 2, 3, 5], 0]), [-3, -0.9, -2.2, -0.1]))
    found, knees, _ = curve_of(light, targets, 3)
    slopes = np.polyval(np.polyder(found), np.linspace(knees[0], knees[1], 50))
    assert slopes.min() >= parts.SMALLEST_SLOPE and found[0] == 0


def test_a_tone_curve_goes_on_beyond_the_greys() -> None:
    """Above along its tangent; below its slope tends to 1, as of any camera that is linear near black."""
    curve, knees = np.array([-0.1, 1.2, 0.2]), np.array([-3.0, -0.2])

    def at(logs: Any) -> Any:
        return parts._log_curve(curve, knees, np.atleast_2d(np.asarray(logs, float))).squeeze()

    def slope(log: float) -> float:
        return float((at(log + 1e-4) - at(log - 1e-4)) / 2e-4)

    inside = np.linspace(-2.9, -0.3, 9)
    np.testing.assert_allclose(at(inside), np.polyval(curve, inside))
    for knee in knees:
        assert slope(knee - 1e-3) == pytest.approx(slope(knee + 1e-3), abs=5e-3)
        assert at(knee - 1e-9) == pytest.approx(at(knee + 1e-9), abs=1e-6)
    assert slope(0.5) == pytest.approx(slope(1.5)) == pytest.approx(1.24)
    assert slope(-10) == pytest.approx(1, abs=1e-3) and 1.15 < slope(-3.7) < 1.45  # from 1.8


def test_knots_follow_the_curve() -> None:
    fit = parts._Fit(np.array([0.1, 1.6, 0.2]), np.array([-3.0, -0.2]), GAINS, np.eye(3), np.zeros(0))
    codes, light = np.array(parts._knots(fit)).T
    assert codes[0] == light[0] == 0 and codes[-1] == 1 and (np.diff(light) >= 0).all()
    between = np.geomspace(0.002, 1, 200)
    np.testing.assert_allclose(np.interp(between, codes, light), fit.linear(between[:, None])[:, 0], rtol=0.02)


# --- matrix ---


@pytest.mark.parametrize("count", [3, 6])
def test_gains_are_folded_into_the_matrix(count: int) -> None:
    matrix, light = RNG.normal(size=(3, count)), RNG.uniform(size=(9, 3))
    folded = np.array(parts._folded(parts._Fit(np.array([1.0, 0]), np.array([-3.0, 0]), GAINS, matrix, np.zeros(0))))
    np.testing.assert_allclose(colour_terms(light, count) @ folded.T, colour_terms(light * GAINS, count) @ matrix.T)


def test_a_matrix_is_recovered_and_keeps_white() -> None:
    terms = RNG.uniform(size=(24, 3))
    found = parts._fit_matrix(terms, terms @ MATRIX.T, np.ones(24), np.eye(3), 1e-9)
    np.testing.assert_allclose(found, MATRIX, atol=1e-6)
    six = colour_terms(terms, 6)
    for ridge in parts.RIDGES:
        noisy = parts._fit_matrix(six, terms @ MATRIX.T + RNG.normal(0, 0.1, (24, 3)), np.ones(24), MATRIX, ridge)
        np.testing.assert_allclose(noisy.sum(axis=1), 1)


def test_regularisation_pulls_towards_the_matrix_of_the_file() -> None:
    terms, weights = RNG.uniform(size=(24, 3)), RNG.uniform(0.5, 2, 24)
    targets = terms @ MATRIX.T + RNG.normal(0, 0.02, (24, 3))
    prior = np.array([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.3, 0.1, 0.6]])
    made = [parts._fit_matrix(terms, targets, weights, prior, ridge) for ridge in (1e-9, 1e-3, 1e-2, 1.0, 1e4)]
    distances = [float(np.linalg.norm(each - prior)) for each in made]
    assert distances == sorted(distances, reverse=True) and distances[-1] < 1e-3 < 0.5 < distances[0]
    np.testing.assert_allclose(parts._fit_matrix(terms, terms @ prior.T, weights, prior, 0.01), prior, atol=1e-9)
    again = parts._fit_matrix(terms, targets, 7 * weights, prior, 0.01)  # the scale of the weights means nothing
    np.testing.assert_allclose(again, made[2])


def test_no_channel_is_preferred() -> None:
    terms, order = RNG.uniform(size=(24, 3)), [2, 0, 1]
    targets = terms @ MATRIX.T
    found = parts._fit_matrix(terms, targets, np.ones(24), np.eye(3), 0.05)
    other = parts._fit_matrix(terms[:, order], targets[:, order], np.ones(24), np.eye(3), 0.05)
    np.testing.assert_allclose(other, found[np.ix_(order, order)])


# --- fits ---


def test_a_linear_camera_is_recovered() -> None:
    made = solver(reading())
    assert made.neutral.nonzero()[0].tolist() == list(range(18, 24))
    fit = made.fit(LINEAR, ALL)
    visible = (classic().colours @ np.linalg.inv(MATRIX).T > 1e-3).all(axis=1)
    np.testing.assert_allclose(made.colours(LINEAR, fit)[visible], classic().colours[visible], atol=0.012)
    np.testing.assert_allclose(np.array(parts._folded(fit)) / GAINS, MATRIX, atol=0.06)


def test_dark_patches_count_relative_to_their_light() -> None:
    weights = solver(reading()).weights
    assert weights[23] > 6 * weights[18] and weights.max() < 25


def test_the_matrix_of_the_file_is_the_prior() -> None:
    primaries = 1.7 * MATRIX  # whatever its scale
    made = solver(reading(primaries=primaries))
    np.testing.assert_allclose(made.prior, MATRIX)
    fit = made.fit(parts._Form(degree=0, ridge=1e3), ALL)
    np.testing.assert_allclose(fit.matrix, MATRIX, atol=1e-3)


@pytest.mark.parametrize(("light", "weights"), [("slope", (0.5, -0.8)), ("curved", (0.3, 0.2, -0.6, 0.5, 0.3))])
def test_uneven_light_is_recovered(light: str, weights: tuple[float, ...]) -> None:
    across = classic().cells / (3, 5) - 0.5
    square = across**2 - (across**2).mean(axis=0)
    columns = np.column_stack([across, square, across.prod(axis=1)])[:, : len(weights)]
    made = solver(reading(level=np.exp(columns @ weights)))
    form = replace(LINEAR, light=light)
    fit = made.fit(form, ALL)
    np.testing.assert_allclose(fit.shading, weights, atol=0.06)
    np.testing.assert_allclose(made.colours(form, fit)[GREYS], classic().colours[GREYS], rtol=0.05)
    assert np.nanmean(made.left_out(form, ALL)) < 1.2 < 2 < np.nanmean(made.left_out(LINEAR, ALL))


def test_vignetting_is_recovered_and_never_the_contrary() -> None:
    radius = squared_radius(places()[:, 0], places()[:, 1], SHAPE)
    form = replace(LINEAR, light="falloff")
    for amount, expected in ((0.6, 0.6), (-0.5, -0.1)):
        made = solver(reading(level=np.exp(-amount * radius)))
        assert "falloff" in made.lights
        assert -made.fit(form, ALL).shading[0] == pytest.approx(expected, abs=0.04)
    made = solver(reading(level=np.exp(-0.6 * radius)))
    for light, falloff in (("falloff", 0.6), ("curved", 0), ("even", 0)):  # only vignetting is part of a camera
        form = replace(LINEAR, light=light)
        profile = parts._result(made, form, ALL, made.left_out(form, ALL), PHOTO).profile
        assert profile.falloff == pytest.approx(falloff, abs=0.04)
    near = 0.5 + (places() - 0.5) / 4  # a small chart in the middle shows none
    assert "falloff" not in solver(reading(places=near)).lights


def test_light_that_changes_very_much_is_followed() -> None:
    across = classic().cells[:, 1] / 5 - 0.5
    form = replace(LINEAR, light="slope")
    assert solver(reading(level=np.exp(2.5 * across))).fit(form, ALL).shading[1] == pytest.approx(2.5, abs=0.1)


@pytest.mark.parametrize(
    "form",
    [parts._Form(degree=1), parts._Form(degree=3, light="curved"), parts._Form(degree=2, terms=6, light="falloff")],
)
def test_patches_left_out_are_left_out(form: parts._Form) -> None:
    """As a loop over the patches, each with a fit to all others that are used."""
    light = reading().light * np.exp(RNG.normal(0, 0.08, (24, 3)))
    light[5] = np.nan
    made, used = solver(reading(light)), ALL.copy()
    used[[2, 5, 9]] = False  # unused, outside the photograph, unused
    found = made.left_out(form, used)
    assert np.isnan(found[5])
    for patch in (0, 2, 9, 14, 20):
        others = used.copy()
        others[patch] = False
        colours = made.colours(form, made.fit(form, others))[patch]
        expected = parts._differences(colours[None], classic().colours[patch][None])[0]
        assert found[patch] == pytest.approx(expected)
    fitted = parts._differences(made.colours(form, made.fit(form, used)), classic().colours)
    assert found[used].mean() > 1.1 * fitted[used].mean()


# --- choice ---


class Table:
    """A solver whose errors are given by form, relative to 10."""

    lights = ("even", "slope", "falloff", "curved")

    def __init__(self, errors: dict[parts._Form, float], default: float, neutral: int) -> None:
        self.errors, self.default, self.neutral = errors, default, np.arange(24) < neutral

    def left_out(self, form: parts._Form, used: Any) -> Array:
        return np.full(24, 10 * self.errors.get(form, self.default))


def choose(errors: dict[parts._Form, float], default: float = 1.0, neutral: int = 6) -> parts._Form:
    return parts._choose(Table(errors, default, neutral), ALL)  # type: ignore[arg-type]


PLAIN = parts._Form(degree=0, ridge=1e-2, terms=3, light="even")


def test_the_simplest_form_is_chosen_unless_another_is_clearly_better() -> None:
    start = parts._Form(ridge=1e-3)
    even = replace(start, degree=0)
    assert choose({}) == PLAIN
    for degree in (1, 2, 3):
        assert choose({replace(even, degree=degree): 0.95}) == PLAIN
        assert choose({replace(even, degree=degree): 0.91}).degree == degree
    for light in ("slope", "falloff", "curved"):
        assert choose({replace(even, light=light): 0.9}).light == "even"  # may be a tone curve
        assert choose({replace(even, light=light): 0.8}).light == light
    assert choose({replace(even, ridge=1e-2): 1.2, even: 1.0}).ridge == 1e-3
    assert choose({replace(PLAIN, terms=6): 0.95}).terms == 3
    assert choose({replace(PLAIN, terms=6): 0.9}).terms == 6
    for ridge in parts.RIDGES:
        assert choose({replace(even, ridge=ridge): 1.0}, default=1.5).ridge == ridge


def test_what_is_not_visible_earns_no_complexity() -> None:
    even = parts._Form(degree=0, ridge=1e-3)
    for error, degree in ((0.022, 0), (0.015, 2)):  # ΔE2000 of .22 and .15 instead of .3
        assert choose({replace(even, degree=2): error}, default=0.03).degree == degree


def test_without_enough_greys_there_is_no_tone_curve() -> None:
    even = parts._Form(degree=2, ridge=1e-3)
    assert choose({even: 0.5}, neutral=4).degree == 2
    assert choose({even: 0.5}, neutral=3).degree == 0


# --- patches that cannot be used ---


def marked(count: int, first: int = 0) -> Array:
    values = np.zeros(24)
    values[first : first + count] = 1
    return values


def test_reasons_for_leaving_patches_out() -> None:
    light = reading().light.copy()
    light[3] = np.nan
    light[7, 1] = 0
    light[9] = (0.001, 0.002, 0.001)
    spread = np.full(24, 0.01)
    spread[[5, 9]] = 0.6  # but not where there is hardly any light
    clipped = np.zeros(24)
    clipped[11], clipped[12] = 0.03, 0.01
    made = solver(reading(light, spread=spread, clipped=clipped))
    used = made.usable()
    assert made.reasons == {3: "outside the photograph", 5: "not uniform", 7: "black in a channel", 11: "clipped"}
    assert set(np.flatnonzero(~used).tolist()) == set(made.reasons)
    assert made.misfits() == 1


@pytest.mark.parametrize(("count", "first", "is_refused"), [(6, 0, False), (7, 0, True), (1, 18, False), (2, 18, True)])
def test_too_many_clipped_patches_or_greys_are_refused(count: int, first: int, is_refused: bool) -> None:
    made = solver(reading(clipped=marked(count, first)))
    if is_refused:
        with pytest.raises(ChartError, match=rf"{count} of 24 patches are clipped \(.*another exposure"):
            made.usable()
    else:
        assert made.usable().sum() == 24 - count


def test_nine_patches_are_needed() -> None:
    for count in (15, 16):
        made = solver(reading(spread=np.where(np.arange(24) < count, 0.9, 0.01)))
        if count == 15:
            assert made.usable().sum() == 9
        else:
            with pytest.raises(ChartError, match=r"only 8 of 24 patches can be used \(16 not uniform\)"):
                made.usable()


# --- results ---


def test_the_figures_of_a_calibration() -> None:
    light = reading().light * np.exp(RNG.normal(0, 0.03, (24, 3)))
    light[14] = light[13]  # red looks green
    given = reading(light, primaries=np.diag(GAINS), encoding="linear, chosen", read_as=SourceEncoding.LINEAR)
    made = calibrate(given, PHOTO)
    profile, used = made.profile, [patch for patch in made.patches if not patch.reason]
    assert made.patches[14].reason == "does not fit" and len(used) == profile.patches == 23
    assert profile.read_as == "linear" and profile.encoding == "linear, chosen" and profile.photograph == "a.png"
    assert profile.camera == profile.name == "Maker One" and profile.white_balance == (2.0, 1.0, 1.5)
    for name in ("before", "after", "left_out"):
        assert getattr(profile, name) == pytest.approx(np.mean([getattr(patch, name) for patch in used]))
    assert profile.before > 2 * profile.left_out > 2.1 * profile.after > 0
    colours = profile.colours(profile.linearise(light))
    expected = parts._differences(np.asarray(colours, np.float64), classic().colours)
    for patch in (0, 8, 20):
        assert made.patches[patch].after == pytest.approx(expected[patch], abs=0.1)
    assert [anchor.patch for anchor in made.anchors] == [patch.name for patch in used]
    assert all(anchor.spectrum.name.endswith(anchor.patch) for anchor in made.anchors)
    assert any(note == "Not used, does not fit: red." for note in made.notes)


def test_before_is_at_the_exposure_that_fits_best_in_the_colours_of_the_file() -> None:
    exact = np.maximum(classic().colours @ np.linalg.inv(MATRIX).T, 1e-5)
    for exposure in (0.2, 1.0, 3.0):
        before = parts._before(reading(exposure * exact, primaries=MATRIX), ALL)
        assert np.median(before) < 0.5
    assert np.median(parts._before(reading(exact), ALL)) > 3  # with other primaries


def test_outliers_are_relative_to_the_other_errors() -> None:
    """A patch off by ΔE2000 15 is hidden or dirty where the others fit, and not where all are as bad."""
    light = reading().light
    dirty = light.copy()
    dirty[10] *= (0.55, 1.0, 1.25)
    assert calibrate(reading(dirty), PHOTO).patches[10].reason == "does not fit"
    noisy = light * np.exp(RNG.normal(0, 0.25, (24, 3)))
    made = calibrate(reading(noisy), PHOTO)
    assert made.profile.left_out > 5
    assert sum(patch.reason == "does not fit" for patch in made.patches) <= 1
    assert max(patch.left_out for patch in made.patches if not patch.reason) > 12


def test_colours_of_something_else_are_refused() -> None:
    light = RNG.permutation(reading().light)
    with pytest.raises(ChartError, match="patches do not have the colours of a ColorChecker Classic"):
        calibrate(reading(light), PHOTO)
    few = reading().light
    few[::3] = few[::3][::-1]
    with pytest.raises(ChartError, match=r"patches do not have the colours .* nothing hides it"):
        calibrate(reading(few), PHOTO)


def test_notes_on_light() -> None:
    across = classic().cells[:, 1] / 5 - 0.5
    for amount, advice in ((0.3, False), (0.9, True)):
        made = calibrate(reading(level=np.exp(amount * across)), PHOTO)
        (note,) = [note for note in made.notes if "uneven" in note]
        assert f"has {np.exp(amount):.1f} times the light" in note or "times the light of its darkest" in note
        ratio = float(note.split(" has ")[1].split(" times")[0])
        assert ratio == pytest.approx(np.exp(amount), abs=0.12)
        assert ("exact tone curve" in note) == advice
        assert made.profile.falloff == 0
