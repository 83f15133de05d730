"""Curves as they are compared, and marks as rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nesr_gui.analysis.continuum import continuum, remove_continuum
from nesr_gui.colorimetry.appearance import Appearance
from nesr_gui.gui.model.marks import (
    Absorption,
    ColourResult,
    Mark,
    MarkSpectrum,
    Readout,
    as_text,
    mark_of,
    new_mark,
    row_of,
)
from nesr_gui.gui.model.plot_settings import (
    Kind,
    Normalise,
    PlotContent,
    ReferenceSpectrum,
    SpreadKind,
    Spreads,
    Transform,
)
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Spectrum, Wavelengths

BANDS = Wavelengths.from_step(400, 700, 1)
RNG = np.random.default_rng(3)
FIRST, SECOND = (Spectrum(BANDS, RNG.uniform(0.1, 0.9, 301)) for _ in range(2))


@pytest.mark.parametrize("normalise", [n for n in Normalise if n is not Normalise.NONE])
def test_normalised_curves_do_not_know_their_brightness(normalise: Normalise) -> None:
    brighter = Spectrum(BANDS, 3 * FIRST.values)
    transform = Transform(normalise)
    np.testing.assert_allclose(transform.curve(brighter, 512.3), transform.curve(FIRST, 512.3), rtol=1e-5)
    one = {
        Normalise.MAXIMUM: np.max,
        Normalise.AREA: lambda values: np.trapezoid(values, BANDS.nm) / 300,
        Normalise.AT_WAVELENGTH: lambda values: np.interp(512.3, BANDS.nm, values),
    }[normalise]
    assert one(transform.curve(FIRST, 512.3)) == pytest.approx(1)


@pytest.mark.parametrize("normalise", list(Normalise))
@pytest.mark.parametrize("derivative", [False, True])
def test_the_difference_to_itself_is_nothing_and_differences_turn_around(
    normalise: Normalise, derivative: bool
) -> None:
    transform = Transform(normalise, derivative, difference=True)
    assert np.abs(transform.apply(FIRST, 550, FIRST)).max() == 0
    np.testing.assert_allclose(transform.apply(FIRST, 550, SECOND), -transform.apply(SECOND, 550, FIRST), atol=1e-12)


def test_gaps_do_not_keep_a_curve_from_being_normalised() -> None:
    bands = Wavelengths.from_step(400, 700, 10)
    values = np.linspace(20, 40, 31, dtype=np.float32)
    values[5] = np.nan
    spectrum = Spectrum(bands, values)
    for normalise, divisor in ((Normalise.MAXIMUM, 40), (Normalise.AREA, 30), (Normalise.AT_WAVELENGTH, 30)):
        curve = Transform(normalise=normalise).curve(spectrum, 550.0)
        np.testing.assert_allclose(curve, values / divisor, rtol=1e-6)
    assert np.isnan(Transform(normalise=Normalise.AT_WAVELENGTH).curve(spectrum, 450.0)).all()
    nothing = Spectrum(bands, np.full(31, np.nan, np.float32))
    assert Transform(normalise=Normalise.MAXIMUM).scale(nothing, 550.0) == 1


def test_derivative_of_a_line_is_its_slope() -> None:
    line = Spectrum(Wavelengths.from_step(400, 700, 10), np.linspace(0, 1, 31))
    np.testing.assert_allclose(Transform(derivative=True).curve(line, 500), 1 / 300, rtol=1e-5)


def test_differences_end_where_the_active_curve_ends() -> None:
    short = Spectrum(Wavelengths.from_step(500, 600, 10), np.full(11, 0.5))
    values = Transform(difference=True).apply(FIRST, 550, short)
    assert np.isnan(values[:100]).all() and np.isfinite(values[100:201]).all() and np.isnan(values[201:]).all()


@pytest.mark.parametrize("values", [np.zeros(301), np.full(301, np.nan)])
@pytest.mark.parametrize("normalise", list(Normalise))
def test_nothing_is_divided_by_nothing(values: np.ndarray, normalise: Normalise) -> None:
    np.testing.assert_array_equal(Transform(normalise).curve(Spectrum(BANDS, values), 500), values)


def test_the_spread_is_scaled_and_shifted_with_its_curve() -> None:
    marks = [new_mark((1, 1), ()), new_mark((2, 2), (1,))]
    spread = np.full(301, 0.1, np.float32)
    curves = {(1, 1): MarkSpectrum(FIRST, deviation=spread), (2, 2): MarkSpectrum(SECOND)}
    for normalise, difference in itertools.product(Normalise, (False, True)):
        plotted = PlotContent(marks, curves, transform=Transform(normalise, False, difference), active=2)
        edges = plotted.spread(curves[(1, 1)])
        assert edges is not None
        np.testing.assert_allclose((edges[0] + edges[1]) / 2, plotted.values(FIRST), atol=1e-6)
        np.testing.assert_allclose(edges[1] - edges[0], 0.2 / plotted.transform.scale(FIRST, 550), rtol=1e-5)
    assert PlotContent(marks, curves, transform=Transform(derivative=True)).spread(curves[(1, 1)]) is None


def test_lines_are_the_marks_with_what_they_are_compared_with() -> None:
    mark = new_mark((1, 1), ())
    known = {"curves": {(1, 1): MarkSpectrum(FIRST, SECOND)}, "colour_results": {(1, 1): ColourResult(smooth=SECOND)}}
    library = [ReferenceSpectrum(Spectrum(BANDS, FIRST.values, "grass"), "file")]
    kinds = [line.kind for line in PlotContent([mark], **known, library=library, truth=True, smooth=True).lines]
    assert kinds == [Kind.CURVE, Kind.TRUTH, Kind.SMOOTH, Kind.LIBRARY]
    assert [line.kind for line in PlotContent([mark], **known, truth=False).lines] == [Kind.CURVE]


@pytest.mark.parametrize("normalise", list(Normalise))
def test_without_the_continuum_the_brightness_and_the_normalisation_do_not_count(normalise: Normalise) -> None:
    removed = Transform(normalise, continuum=True)
    expected = remove_continuum(FIRST.values, BANDS)
    np.testing.assert_array_equal(removed.curve(FIRST, 500), expected)
    np.testing.assert_allclose(removed.curve(Spectrum(BANDS, 3 * FIRST.values), 500), expected, atol=1e-5)
    slope = Transform(normalise, derivative=True, continuum=True).curve(FIRST, 500)
    np.testing.assert_allclose(slope, np.gradient(expected, BANDS.nm), atol=1e-6)
    difference = Transform(normalise, difference=True, continuum=True).apply(FIRST, 500, SECOND)
    np.testing.assert_allclose(difference, expected - remove_continuum(SECOND.values, BANDS), atol=1e-6)
    assert removed.unit("reflectance") == "ratio to the continuum"


def test_the_axis_of_ratios_to_the_continuum_ends_above_1_and_fits_their_bands() -> None:
    mark = new_mark((1, 1), ())
    shallow = Spectrum(BANDS, 0.5 - 0.05 * np.exp(-(((BANDS.nm - 550) / 20) ** 2)))
    content = {"marks": [mark], "curves": {(1, 1): MarkSpectrum(shallow)}}
    low, high = PlotContent(**content, transform=Transform(continuum=True)).value_range()
    assert 0.88 < low < 0.9 and 1 < high < 1.02
    assert PlotContent(**content).value_range()[0] == 0


def test_bands_around_ratios_to_the_continuum_are_those_computed_for_them_or_are_named_as_missing() -> None:
    marks = [new_mark((1, 1), ()), new_mark((2, 2), (1,))]
    limits = np.stack([0.9 * remove_continuum(FIRST.values, BANDS), np.ones(301)]).astype(np.float32)
    curves = {
        (1, 1): MarkSpectrum(FIRST, interval=np.stack([0.8 * FIRST.values, 1.2 * FIRST.values])),
        (2, 2): MarkSpectrum(SECOND, deviation=np.full(301, 0.1, np.float32)),
    }
    content = {"marks": marks, "curves": curves, "spreads": Spreads.ALL}
    absorptions = {(1, 1): Absorption((0.5, 550, 20), limits=limits), (2, 2): Absorption((0.5, 550, 20))}
    removed = PlotContent(**content, transform=Transform(continuum=True), absorptions=absorptions)
    (band,) = removed.shown_spreads
    assert band.kind is SpreadKind.INTERVAL and band.mark is marks[0]
    np.testing.assert_allclose([band.low, band.high], limits, atol=1e-6)
    assert [text for _, text in removed.key()] == [
        "estimated", "90 % prediction interval", "no ± SD of ratios to the continuum",
    ]  # fmt: skip
    difference = Transform(difference=True, continuum=True)
    (band,) = PlotContent(**content, transform=difference, absorptions=absorptions, active=2).shown_spreads
    np.testing.assert_allclose([band.low, band.high], limits - remove_continuum(SECOND.values, BANDS), atol=1e-6)
    waiting = PlotContent(**content, transform=Transform(continuum=True))
    assert waiting.shown_spreads == [] and [text for _, text in waiting.key()] == [
        "estimated", "no ± SD of ratios to the continuum",
    ]  # fmt: skip
    sloped = PlotContent(**content, transform=Transform(derivative=True)).key()
    assert [text for _, text in sloped] == ["estimated", "no 90 % interval of derivatives", "no ± SD of derivatives"]
    seen = MarkSpectrum(FIRST, seen=SECOND)
    assert removed.seen(seen) is None and PlotContent().seen(seen) is not None


def test_the_hull_is_drawn_on_spectra_that_are_not_processed() -> None:
    mark = new_mark((1, 1), ())
    content = {"marks": [mark], "curves": {(1, 1): MarkSpectrum(FIRST)}, "hull": True}
    curve, hull = PlotContent(**content).lines
    assert (curve.kind, hull.kind, hull.name) == (Kind.CURVE, Kind.HULL, "pin 1, continuum")
    np.testing.assert_array_equal(PlotContent(**content).values(hull.spectrum), continuum(FIRST.values, BANDS))
    for transform in (Transform(Normalise.MAXIMUM), Transform(continuum=True), Transform(derivative=True)):
        assert [line.kind for line in PlotContent(**content, transform=transform).lines] == [Kind.CURVE]


POLYGON = Region(Shape.POLYGON, ((1, 2.25), (8, 3), (4, 20.5)))
RING = Region(Shape.POLYGON, ((0, 0), (0, 30), (30, 9)), (((2, 5), (2, 9.5), (6, 9)), ((2, 15), (3, 15), (3, 16))))


@pytest.mark.parametrize(
    "mark", [new_mark((3, 4), ()), Mark(9, POLYGON, "#123456", "star", 'a, "b"', False), new_mark(RING, ())]
)
def test_a_row_makes_its_mark_again(mark: Mark) -> None:
    seen = Appearance((0.1, 0.2, 0.3), (0.31, 0.32), (50.0, 1.0, 2.0), float("nan"))
    row = row_of(mark, 512.5, Readout(0.25, 0.5), MarkSpectrum(FIRST, pixels=3, of=9), ColourResult(seen))
    assert mark_of(row) == mark
    assert row["value_at_512.5_nm"] == "0.25" and row["pixels"] == "3 of 9" and row["L*"] == "50"
    assert row["dominant_nm"] == "" and as_text([row]).count("\n") == 1
    assert row.keys() == row_of(mark, 512.5, None, None, None).keys()


@pytest.mark.parametrize("change", [{"vertices": "a b"}, {"vertices": ""}, {"colour": "red"}, {"shape": "blob"}])
def test_a_row_that_is_no_mark_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="this is not a valid mark"):
        mark_of({**row_of(new_mark((3, 4), ()), 500, None, None, None), **change})
