"""Band math: every construct equals NumPy on the bands, and nothing else is accepted."""

import numpy as np
import pytest
from scipy.integrate import trapezoid

from nesr_gui.analysis.expression import MAX_BANDS, MAX_DEPTH, Expression, ExpressionError
from nesr_gui.analysis.indices import INDICES, expression_of
from nesr_gui.analysis.maps import compute_map
from nesr_gui.fields.protocol import CubeField
from nesr_gui.spectral import Wavelengths
from tests.analysis.scenes import BANDS, field_of, mixed_cube

VALUES = mixed_cube(noise=0)
DOUBLE = VALUES.astype(np.float64)


def band(nm: float) -> np.ndarray:
    at = (nm - 400) / 10
    low = int(at)
    return DOUBLE[low] + (at - low) * (DOUBLE[min(low + 1, 30)] - DOUBLE[low])


CASES = {
    "b550": band(550),
    "b556.5": band(556.5),
    "-b550 + 2 * b600": -band(550) + 2 * band(600),
    "(b550 - b650) / (b550 + b650)": (band(550) - band(650)) / (band(550) + band(650)),
    "b550 ** 2 - +b450": band(550) ** 2 - band(450),
    "2 ** -b550 * 1e-3": 2 ** -band(550) * 1e-3,
    "abs(b450 - b550)": abs(band(450) - band(550)),
    "sqrt(b450) + log(b500) + log10(b500) + exp(b600)": np.sqrt(band(450)) + np.log(band(500)) + np.log10(band(500))
    + np.exp(band(600)),
    "max(b450, b550) - min(b450, b550)": abs(band(450) - band(550)),
    "where(b450 > b550, b450, 0.5)": np.where(band(450) > band(550), band(450), 0.5),
    "b450 > b550": band(450) > band(550),
    "0.1 < b450 <= 0.2": (band(450) > 0.1) & (band(450) <= 0.2),
    "b450 < 0.2 and b550 < 0.2 or not b600 < 0.3": (band(450) < 0.2) & (band(550) < 0.2) | (band(600) >= 0.3),
    "(b450 == b450) + (b450 != b450) + (b500 >= b500)": np.full((24, 31), 2.0),
    "mean(500, 600)": np.trapezoid(DOUBLE[10:21], dx=10, axis=0) / 100,
    "integral(500, 600)": np.trapezoid(DOUBLE[10:21], dx=10, axis=0),
    "mean(505, 512)": np.trapezoid([band(505), band(510), band(512)], [505, 510, 512], axis=0) / 7,
    "slope(500, 510)": (band(510) - band(500)) / 10,
}  # fmt: skip


@pytest.mark.parametrize("text", CASES)
def test_expressions_equal_numpy(text):
    made = compute_map(field_of(VALUES), Expression.parse(text).for_field(field_of(VALUES)))
    np.testing.assert_allclose(made.values[0], CASES[text], rtol=2e-6, atol=1e-7)


def test_the_slope_is_that_of_a_straight_line_and_of_a_weighted_fit():
    nm = np.array([500.0, 510, 530, 570, 600])
    line = (0.2 + 0.003 * (nm - 500)).astype(np.float32)[:, None, None]
    field = CubeField(line, Wavelengths(nm))
    assert compute_map(field, Expression.parse("slope(503, 598)").for_field(field)).values.item() == pytest.approx(
        0.003
    )
    curve = np.random.default_rng(0).random(5).astype(np.float32)
    field = CubeField(curve[:, None, None], Wavelengths(nm))
    width = np.array([5, 15, 30, 35, 15])  # of the trapezoids
    expected = np.polyfit(nm, curve, 1, w=np.sqrt(width))[0]
    made = compute_map(field, Expression.parse("slope(500, 600)").for_field(field))
    assert made.values.item() == pytest.approx(expected, rel=1e-5)


def test_ranges_of_a_continuous_field_are_integrated_finely():
    expression = Expression.parse("mean(500, 601)")
    plain = expression.for_field(field_of(VALUES)).wavelengths.nm
    assert plain.tolist() == [500, *range(510, 601, 10), 601]
    field = type("Reconstruction", (), {"wavelength_range": (400.0, 700.0)})()
    nm = expression.for_field(field).wavelengths.nm
    assert nm[0] == 500 and nm[-1] == 601 and np.diff(nm).max() <= 5


def test_undefined_values_are_gaps():
    values = np.ones((31, 1, 4), np.float32) * np.array([0, 1, 2, 3], np.float32)
    field = field_of(values)

    def value(text):
        return compute_map(field, Expression.parse(text).for_field(field)).values[0, 0]

    np.testing.assert_array_equal(value("1 / b500"), np.array([np.nan, 1, 1 / 2, 1 / 3], np.float32))
    np.testing.assert_array_equal(value("log(b500 - 1)"), np.log(np.array([np.nan, np.nan, 1, 2], np.float32)))
    np.testing.assert_array_equal(value("1 / b500 > 0.4"), np.array([np.nan, 1, 1, 0], np.float32))
    np.testing.assert_array_equal(value("not (1 / b500 > 0.4)"), np.array([np.nan, 0, 0, 1], np.float32))
    assert np.isnan(value("9 ** 9 ** 9 * b500 - 9 ** 9 ** 9")).all()  # overflows at once, as a number of 64 bits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the expression is empty"),
        ("  ", "the expression is empty"),
        ("b550 +", "the expression ends too early at position 7"),
        ("(b550", r"cannot be read at position 1"),
        ("b550 b650", "cannot be read at position"),
        ("1 + 2", "the expression has no band"),
        ("b550 + foo", "'foo' at position 8 of the expression is unknown"),
        ("b", "'b' at position 1"),
        ("b550_5_1 + b1", "'b550_5_1' at position 1"),
        ("b550.5.5", "cannot be read at position"),
        ("B550", "'B550' at position 1"),
        ("mean(650, 600)", "'mean\\(650, 600\\)' at position 1 of the expression has the range 650-600 nm"),
        ("mean(600)", "has 1 arguments; write mean\\(from, to\\)"),
        ("mean(b600, 650)", "'b600' at position 6 of the expression is not a number"),
        ("mean(600, high=650)", "is not allowed"),
        ("where(b1 > 2, 3)", "has 2 arguments; where takes 3"),
        ("b550 @ b600", "'@' at position 6"),
        ("b550 // 2", "is not allowed"),
        ("b550 if b600 else 1", "is not allowed"),
        ("b550 % 2", "'%' at position 6"),
        ("[b550]", r"'\[' at position 1"),
        ("__import__('os').system('ls')", '"\'" at position 12'),
        ("b550.real", "is not allowed"),
        ("(b550).__class__", "is not allowed"),
        ("lambda: b550", "':' at position 7"),
        ("open(b550)", "is not allowed"),
        ("eval(b550)", "is not allowed"),
        ("abs(*b550)", "is not allowed"),
        ("True * b550", "'True' at position 1"),
        ("1j * b550", "'1j' at position 1"),
        ("b550 is b600", "is not allowed"),
        ("b550 in b600", "is not allowed"),
        ("b550 = 1", "cannot be read"),
        ("b550 # note", "'#' at position 6"),
        ("é + b550", "'é' at position 1"),
        ("b550 + 1" + "0" * 400, "is too large a number"),
        ("+".join(["b550"] * 201), "the expression has 1,004 characters; at most 1,000"),
        ("-" * 150 + "b550", "is nested more than 100 levels deep"),
        ("+".join(f"b{400 + at}" for at in range(MAX_BANDS + 1)), "is one band too many; at most 64"),
    ],
)
def test_mistakes_are_told_in_one_sentence_with_their_position(text, message):
    with pytest.raises(ExpressionError, match=message) as error:
        Expression.parse(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["(" * 300 + "b550" + ")" * 300, "not " * 200 + "b550", "-(" * 120 + "b5" + ")" * 120])
def test_deep_nesting_is_refused(text):
    with pytest.raises(ExpressionError):
        Expression.parse(text)


def test_the_deepest_nesting_that_is_allowed_is_evaluated():
    field = field_of(VALUES)
    text = "-" * MAX_DEPTH + "b550"
    np.testing.assert_array_equal(compute_map(field, Expression.parse(text).for_field(field)).values[0], VALUES[15])


def test_a_band_outside_the_image_is_told_with_its_position():
    with pytest.raises(ExpressionError, match=r"asks for 380 nm at position 8, but this image covers 400-700 nm"):
        Expression.parse("b550 - b380").for_field(field_of(VALUES))
    with pytest.raises(ExpressionError, match=r"asks for 650-720 nm at position 1"):
        Expression.parse("mean(650, 720)").for_field(field_of(VALUES))


def test_truth_values_are_classes_and_others_have_a_difference():
    field = field_of(VALUES)
    assert Expression.parse("b550 > 0.5 and b600 < 1").for_field(field, 0.3).layers[0].difference == 0
    assert Expression.parse("(b550 > 0.5) * b600").for_field(field, 0.3).layers[0].difference == 0.3
    assert Expression.parse("b550").for_field(field).layers[0].difference is None
    for text, is_truth_value in (("-b550", False), ("+(b550 > 1)", False), ("not b550", True), ("0 < b550 < 1", True)):
        assert Expression.parse(text).is_truth_value == is_truth_value, text


def test_every_index_is_computed_in_the_visible_range_and_states_its_source():
    field = field_of(VALUES)
    for index in INDICES.values():
        made = compute_map(field, Expression.parse(index.expression).for_field(field, name=index.name))
        assert np.isfinite(made.values).all() and made.values.std() > 0
        assert "doi" in index.source and made.layers[0].name == index.name


def test_indices_have_their_published_values():
    """Of spectra that are constant within the broad bands; values computed by hand."""
    spectrum = np.select([BANDS.nm < 510, BANDS.nm < 600], [0.1, 0.4], 0.2).astype(np.float32)
    field = field_of(spectrum[:, None, None])
    expected = {
        "GLI": (0.8 - 0.2 - 0.1) / (0.8 + 0.2 + 0.1), "VARI": 0.2 / (0.4 + 0.2 - 0.1), "NGRDI": 0.2 / 0.6,
        "TGI": -0.5 * (190 * (0.2 - 0.4) - 120 * (0.2 - 0.1)), "PRI": 0.0, "CRI550": 1 / 0.4 - 1 / 0.4,
        "CRI700": 1 / 0.4 - 1 / 0.2, "ARI": 1 / 0.4 - 1 / 0.2, "CTR1": 0.2 / 0.1,
    }  # fmt: skip
    for name, value in expected.items():
        found = compute_map(field, Expression.parse(INDICES[name].expression).for_field(field)).values.item()
        assert found == pytest.approx(value, abs=1e-5), name
    assert expected.keys() == INDICES.keys()


def test_indices_have_the_bands_of_their_definitions():
    """Computed anew from the formulas of docs/analysis.md, of spectra that differ at every wavelength."""
    spectrum = np.random.default_rng(9).uniform(0.1, 0.9, 31).astype(np.float32)

    def r(nm):
        return np.interp(nm, BANDS.nm, spectrum)

    def mean(low, high):
        fine = np.arange(low, high + 0.5, 5)  # has all bands
        return trapezoid(r(fine), fine) / (high - low)

    blue, green, red = mean(450, 495), mean(520, 570), mean(620, 680)
    expected = {
        "GLI": (2 * green - red - blue) / (2 * green + red + blue), "VARI": (green - red) / (green + red - blue),
        "NGRDI": (green - red) / (green + red), "TGI": -0.5 * (190 * (r(670) - r(550)) - 120 * (r(670) - r(480))),
        "PRI": (r(531) - r(570)) / (r(531) + r(570)), "CRI550": 1 / r(510) - 1 / r(550),
        "CRI700": 1 / r(510) - 1 / r(700), "ARI": 1 / r(550) - 1 / r(700), "CTR1": r(695) / r(420),
    }  # fmt: skip
    field = field_of(spectrum[:, None, None])
    found = {
        name: compute_map(field, Expression.parse(index.expression).for_field(field)).values.item()
        for name, index in INDICES.items()
    }
    assert found == pytest.approx(expected, rel=1e-5)


def test_an_index_is_found_by_its_name_in_any_case():
    assert expression_of("gli") == (INDICES["GLI"].expression, "GLI")
    assert expression_of("b550") == ("b550", "")
