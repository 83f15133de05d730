"""Pictures of analyses are the maps of the same analyses, and abstain where those do."""

from dataclasses import replace

import numpy as np
import pytest

from nesr_gui.analysis.definitions import (
    AbundanceDefinition,
    ClassDefinition,
    ClassMethod,
    ComponentDefinition,
    ExpressionDefinition,
)
from nesr_gui.analysis.maps import compute_map
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.drawing.tone_mapping import MISSING, NONE, lookup
from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisRequest, AnalysisSettings, AnalysisSpectrum
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import MarkSpectrum
from nesr_gui.gui.model.plot_settings import PlotSettings
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.tasks.analyses import FitRequest, fit_analyses
from nesr_gui.gui.tasks.rendering import RenderRequest, UpdateRequest, render_picture, update_picture
from nesr_gui.gui.view_modes import ANALYSES, base
from nesr_gui.gui.view_modes.analysis import DIVERGING, MATCH, AnalysisMode
from nesr_gui.gui.view_modes.base import RenderContext, ValueScale
from nesr_gui.spectral import Quantity, Spectrum
from tests.gui.conftest import BANDS, Limited, smooth_cube

HEIGHT, WIDTH = 22, 30
VALUES = smooth_cube(HEIGHT, WIDTH) * (1 + 0.2 * np.random.default_rng(1).random((31, HEIGHT, WIDTH), np.float32))
WHOLE = SamplingGrid(1, slice(0, HEIGHT), slice(0, WIDTH))
SPECTRA = tuple(
    AnalysisSpectrum(name, name, colour, Spectrum(BANDS, VALUES[:, row, col].copy()))
    for name, colour, row, col in (("leaf", "#c32f0f", 3, 4), ("soil", "#1a95fe", 15, 22))
)


class HalfCertain(Limited):
    """Certain in the left half."""

    def prediction_interval_blocks(self, wavelengths, *, rows=None, cols=None):
        for limits in super().prediction_interval_blocks(wavelengths, rows=rows, cols=cols):
            values = (limits.lower + limits.upper) / 2
            is_certain = np.arange(WIDTH)[limits.cols] < WIDTH // 2
            lower, upper = (np.where(is_certain, values, limit) for limit in (limits.lower, limits.upper))
            yield replace(limits, lower=lower, upper=upper)


def ignore(fraction: float) -> None:
    pass


def context_of(field: CubeField, settings: AnalysisSettings, kind: AnalysisKind) -> RenderContext:
    document = Document()
    document.field, document.source_shape = field, field.shape
    definition = settings.definition(kind)
    request = AnalysisRequest(kind, definition, field, SPECTRA if definition.least_spectra else (), settings.within)
    document.analyses = fit_analyses(FitRequest((request,), {}), ignore)
    document.analysis_settings = settings
    return RenderContext.of(document)


@pytest.mark.parametrize("within", [None, (450.0, 620.0)])
@pytest.mark.parametrize("kind", AnalysisKind)
def test_a_picture_is_the_map(kind: AnalysisKind, within: tuple[float, float] | None) -> None:
    settings = AnalysisSettings(
        classes=ClassDefinition(angle=6.0), components=ComponentDefinition(count=3),
        expression=ExpressionDefinition("b550 - b450"), abundances=AbundanceDefinition(difference=0.2), within=within,
    )  # fmt: skip
    field, mode = Limited(VALUES, BANDS, Quantity.REFLECTANCE), ANALYSES[kind]
    context = context_of(field, settings, kind)
    fitted = mode.fitted(context)
    assert fitted is not None and fitted.analysis is not None
    whole = compute_map(field, fitted.analysis, differences=fitted.differences)
    shares = []
    for number in range(len(whole.layers)):
        asked = replace(context, view_settings=context.view_settings.with_layers(mode.name, number))
        answers = mode.render(asked, WHOLE, ignore)
        np.testing.assert_allclose(answers.values, whole.values[number], rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(answers.abstained, whole.abstained(number))
        certain = mode.render(replace(asked, is_abstaining=False), WHOLE, ignore)
        np.testing.assert_array_equal(certain.values, answers.values)
        assert not certain.abstained.any()
        shares.append(float(answers.abstained.mean()))
    assert max(shares) > 0  # the intervals of this field are wide


@pytest.mark.parametrize("kind", AnalysisKind)
def test_a_picture_of_some_pixels_is_that_of_the_map(kind: AnalysisKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a part, of every second and third pixel, in several strips, with the intervals of the same pixels."""
    monkeypatch.setattr(base, "BLOCK_VALUES", 31 * 40)
    settings = AnalysisSettings(
        classes=ClassDefinition(angle=6.0), expression=ExpressionDefinition("b550 - b450", 0.3),
        abundances=AbundanceDefinition(difference=0.2), components=ComponentDefinition(count=3),
    )  # fmt: skip
    mode, field = ANALYSES[kind], Limited(VALUES, BANDS, Quantity.REFLECTANCE)
    fitted = mode.fitted(context_of(field, settings, kind))
    assert fitted is not None and fitted.analysis is not None
    made = compute_map(field, fitted.analysis, differences=fitted.differences)
    for stride in (2, 3):
        sampling = SamplingGrid(stride, slice(stride, 20), slice(2 * stride, WIDTH))
        context = context_of(field, settings, kind)  # anew: nothing is rendered yet
        rows, cols = (slice(part.start, part.stop, stride) for part in (sampling.rows, sampling.cols))
        for number in range(len(made.layers)):
            answers = mode.render(with_layers(context, mode, number), sampling, ignore)
            np.testing.assert_allclose(answers.values, made.values[number][rows, cols], rtol=1e-4, atol=1e-4)
            np.testing.assert_array_equal(answers.abstained, made.abstained(number)[rows, cols])


@pytest.mark.parametrize("method", ClassMethod)
def test_better_scores_are_brighter(method: ClassMethod) -> None:
    """Small angles, and large fractions of a target."""
    mode, settings = ANALYSES[AnalysisKind.CLASSES], AnalysisSettings(classes=ClassDefinition(method))
    context = context_of(CubeField(VALUES, BANDS), settings, AnalysisKind.CLASSES)
    scale = mode.scale(with_layers(context, mode, 1))
    colours = lookup(scale.colormap, 550.0)
    assert colours is not None and scale.limits[0] == 0
    low, high = (int(colours[at].astype(int).sum()) for at in (0, -1))
    assert low > high if method is ClassMethod.ANGLE else high > low


def with_layers(context: RenderContext, mode: AnalysisMode, *layers: int) -> RenderContext:
    return replace(context, view_settings=context.view_settings.with_layers(mode.name, *layers))


def test_another_layer_is_shown_without_evaluating_the_image_again(monkeypatch: pytest.MonkeyPatch) -> None:
    field, mode = Limited(VALUES, BANDS, Quantity.REFLECTANCE), ANALYSES[AnalysisKind.COMPONENTS]
    context = context_of(field, AnalysisSettings(), AnalysisKind.COMPONENTS)
    first = mode.render(context, WHOLE, ignore)
    monkeypatch.setattr(Limited, "blocks", None)
    second = mode.render(with_layers(context, mode, 1), WHOLE, ignore)
    assert not np.array_equal(first.values, second.values)
    part = mode.render(with_layers(context, mode, 1), SamplingGrid(2, slice(4, 20), slice(2, 30)), ignore)
    np.testing.assert_array_equal(part.values, second.values[4:20:2, 2:30:2])
    np.testing.assert_array_equal(part.abstained, second.abstained[4:20:2, 2:30:2])


def test_another_difference_keeps_what_was_rendered() -> None:
    field = Limited(VALUES, BANDS, Quantity.REFLECTANCE)
    request = AnalysisRequest(AnalysisKind.ABUNDANCES, AbundanceDefinition(), field, SPECTRA, None)
    known = fit_analyses(FitRequest((request,), {}), ignore)
    before = known[AnalysisKind.ABUNDANCES]
    stricter = replace(request, definition=AbundanceDefinition(difference=0.01))
    again = fit_analyses(FitRequest((stricter,), known), ignore)[AnalysisKind.ABUNDANCES]
    assert again.rendered is before.rendered and again.differences == (0.01, 0.01, np.inf)
    other = replace(request, definition=AbundanceDefinition(sums_to_one=False))
    assert fit_analyses(FitRequest((other,), known), ignore)[AnalysisKind.ABUNDANCES].rendered is not before.rendered


def changed(request: AnalysisRequest, what: str) -> AnalysisRequest:
    """The request with another range of wavelengths, other spectra, or another image."""
    first, second = SPECTRA
    other = replace(first, spectrum=Spectrum(BANDS, VALUES[:, 8, 27].copy()))
    return {
        "range": replace(request, within=(450.0, 620.0)),
        "spectrum": replace(request, spectra=(other, second)),
        "order": replace(request, spectra=(second, first)),
        "name": replace(request, spectra=(replace(first, name="bark"), second)),
        "threshold": replace(request, definition=ClassDefinition(own_angles={"leaf": 4.0})),
        "image": replace(request, field=Limited(VALUES[:, ::-1].copy(), BANDS, Quantity.REFLECTANCE)),
    }[what]


@pytest.mark.parametrize(
    ("kind", "what"),
    [(AnalysisKind.CLASSES, what) for what in ("range", "spectrum", "order", "name", "threshold", "image")]
    + [(AnalysisKind.ABUNDANCES, what) for what in ("range", "spectrum", "order", "name", "image")]
    + [(kind, what) for kind in (AnalysisKind.COMPONENTS, AnalysisKind.EXPRESSION) for what in ("range", "image")],
)
def test_what_is_known_is_only_used_for_the_same_question(kind: AnalysisKind, what: str) -> None:
    """Learned after another question, an analysis has the pictures that it has when it is learned first."""
    mode, settings = ANALYSES[kind], AnalysisSettings()
    context = context_of(Limited(VALUES, BANDS, Quantity.REFLECTANCE), settings, kind)
    mode.render(context, WHOLE, ignore)
    before = context.analyses[kind]
    wanted = changed(before.request, what)
    pictures = []
    for known in ({kind: before}, {}):
        now = replace(context, field=wanted.field, analyses=fit_analyses(FitRequest((wanted,), known), ignore))
        fitted = mode.fitted(now)
        assert fitted is not None and fitted.request == wanted
        layers = range(len(mode.analysis(now).layers))
        answers = [mode.render(with_layers(now, mode, number), WHOLE, ignore) for number in layers]
        pictures.append((fitted.differences, [mode.scale_of(now, number) for number in layers], answers))
    (differences, scales, answers), (expected, expected_scales, anew) = pictures
    assert (differences, scales) == (expected, expected_scales)
    for found, again in zip(answers, anew, strict=True):
        np.testing.assert_array_equal(found.values, again.values)
        np.testing.assert_array_equal(found.abstained, again.abstained)


def test_three_components_are_mixed_between_their_limits() -> None:
    field, mode = Limited(VALUES, BANDS, Quantity.REFLECTANCE), ANALYSES[AnalysisKind.COMPONENTS]
    context = context_of(field, AnalysisSettings(), AnalysisKind.COMPONENTS)
    fitted = mode.fitted(context)
    assert fitted is not None
    layers = [mode.render(with_layers(context, mode, number), WHOLE, ignore) for number in (2, 0, 1)]
    mixed = mode.render(with_layers(context, mode, 2, 0, 1), WHOLE, ignore)
    for channel, (layer, number) in enumerate(zip(layers, (2, 0, 1), strict=True)):
        low, high = fitted.limits[number]
        np.testing.assert_array_equal(mixed.values[..., channel], layer.values)
        assert mode.scale(with_layers(context, mode, 2, 0, 1)).channels[channel].limits == (low, high)
    np.testing.assert_array_equal(mixed.abstained, np.any([layer.abstained for layer in layers], axis=0))
    assert layers[0].abstained.sum() > layers[1].abstained.sum()  # of the third component, and of the first
    backwards = mode.render(with_layers(context, mode, 0, 2), WHOLE, ignore)
    np.testing.assert_array_equal(backwards.abstained, layers[0].abstained | layers[1].abstained)
    colours = with_layers(context, mode, 2, 0, 1)
    assert mode.caption(colours) == "Components: PC 3 red, PC 1 green, PC 2 blue"
    assert mode.scale(colours).is_colour and not mode.scale(colours).is_light
    narrow = colours.view_settings.with_levels(mode.scale_of(context, 0).key, (0.0, 0.5))
    narrowed = replace(colours, view_settings=narrow)
    picture = render_picture(RenderRequest(mode, replace(colours, is_abstaining=False), WHOLE), ignore)
    shares = np.stack(
        [
            (layer.values - fitted.limits[number][0]) / np.subtract(*fitted.limits[number][::-1])
            for layer, number in zip(layers, (2, 0, 1), strict=True)
        ],
        axis=-1,
    )
    np.testing.assert_allclose(picture.shown, np.clip(shares, 0, 1) * 255, atol=1)  # not encoded as light
    assert picture.histogram is not None and picture.histogram.low == pytest.approx(shares.min(), abs=1e-5)
    wanted = RenderRequest(mode, replace(narrowed, is_abstaining=False), WHOLE)
    assert wanted.is_same_as(picture.request), "other limits need no evaluation"
    update = UpdateRequest(picture, wanted)
    assert update.is_reshaded
    again = update_picture(update, ignore)
    np.testing.assert_allclose(again.shown[..., 1], np.clip(layers[1].values / 0.5, 0, 1) * 255, atol=1)
    np.testing.assert_array_equal(again.shown[..., ::2], picture.shown[..., ::2])


def test_two_endmembers_are_red_and_green() -> None:
    mode = ANALYSES[AnalysisKind.ABUNDANCES]
    context = context_of(CubeField(VALUES, BANDS), AnalysisSettings(), AnalysisKind.ABUNDANCES)
    assert mode.first_mixture(context) == (0, 1)
    two = with_layers(context, mode, 0, 1)
    mixed = mode.render(two, WHOLE, ignore).values
    np.testing.assert_allclose(mixed.sum(axis=-1), 1, atol=1e-5)
    assert mixed.shape[-1] == 2 and mixed[..., 0].max() > 0.9
    shown = render_picture(RenderRequest(mode, two, WHOLE), ignore).shown
    np.testing.assert_allclose(shown[..., :2], np.clip(mixed, 0, 1) * 255, atol=1)
    assert not shown[..., 2].any()
    assert mode.caption(with_layers(context, mode, 0, 1)) == "Abundances: leaf red, soil green"
    error = mode.scale_of(context, 2)
    assert error.quantity == "error (RMSE)" and 0 < error.limits[1] < 0.5
    assert mode.layers(with_layers(context, mode, 7)) == (2,)  # an endmember that was left out


def test_values_have_limits_of_their_own() -> None:
    """Ratios with outliers, and values of both signs around 0, are seen without setting levels."""
    mode = ANALYSES[AnalysisKind.EXPRESSION]

    def scale(text: str) -> ValueScale:
        settings = AnalysisSettings(expression=ExpressionDefinition(text))
        return mode.scale(context_of(CubeField(VALUES, BANDS), settings, AnalysisKind.EXPRESSION))

    band = VALUES[15]
    low, high = np.percentile(band, (2, 98))
    assert scale("b550").limits == pytest.approx((low, high), rel=1e-4) and scale("b550").colormap == "viridis"
    signed = scale("b550 - b450")
    assert signed.limits[0] == -signed.limits[1] < 0 and signed.colormap == DIVERGING
    assert signed.limits[1] == pytest.approx(np.abs(np.percentile(band - VALUES[5], (2, 98))).max(), rel=1e-4)
    assert scale("b550").key != signed.key  # levels that are set for one do not apply to the other


def test_a_comparison_is_a_mask() -> None:
    settings = AnalysisSettings(expression=ExpressionDefinition("b550 > 0.5"))
    mode = ANALYSES[AnalysisKind.EXPRESSION]
    context = context_of(CubeField(VALUES, BANDS), settings, AnalysisKind.EXPRESSION)
    assert mode.scale(context).categories == (MATCH,)
    picture = render_picture(RenderRequest(mode, context, WHOLE), ignore)
    np.testing.assert_array_equal(picture.painted == 1, VALUES[15] > 0.5)
    assert picture.histogram is None and (picture.shown[VALUES[15] <= 0.5] == NONE).all()


def test_measured_cubes_never_abstain() -> None:
    context = context_of(CubeField(VALUES, BANDS), AnalysisSettings(), AnalysisKind.CLASSES)
    assert not ANALYSES[AnalysisKind.CLASSES].render(context, WHOLE, ignore).abstained.any()


def test_another_threshold_keeps_what_was_learned() -> None:
    settings = AnalysisSettings(classes=ClassDefinition(ClassMethod.FILTER))
    field = CubeField(VALUES, BANDS)
    request = AnalysisRequest(AnalysisKind.CLASSES, settings.classes, field, SPECTRA, None)
    known = fit_analyses(FitRequest((request,), {}), ignore)
    stricter = replace(request, definition=ClassDefinition(ClassMethod.FILTER, fraction=0.9))
    again = fit_analyses(FitRequest((stricter,), known), ignore)[AnalysisKind.CLASSES]
    before = known[AnalysisKind.CLASSES]
    assert again.analysis.scoring is before.analysis.scoring and again.analysis.thresholds.tolist() == [0.9, 0.9]
    assert fit_analyses(FitRequest((request,), known), ignore)[AnalysisKind.CLASSES] is before
    angle = replace(request, definition=ClassDefinition())
    assert fit_analyses(FitRequest((angle,), known), ignore)[AnalysisKind.CLASSES].analysis.scoring.is_distance


def test_what_is_impossible_is_said() -> None:
    settings = AnalysisSettings(expression=ExpressionDefinition("b900 / b550"))
    context = context_of(CubeField(VALUES, BANDS), settings, AnalysisKind.EXPRESSION)
    reason = ANALYSES[AnalysisKind.EXPRESSION].unavailable_reason(context)
    assert reason.startswith("is not possible: ") and "900" in reason and "400-700" in reason


def test_classes_have_the_colours_of_their_marks_and_uncertain_ones_are_pale() -> None:
    values = VALUES.copy()
    values[:, 0, 0], values[:, 0, 1] = np.nan, 1 - BANDS.nm / 800  # without a value, and like no class
    values[4, 1, WIDTH - 1] = np.nan
    settings = AnalysisSettings(classes=ClassDefinition(angle=6.0))
    context = context_of(HalfCertain(values, BANDS, Quantity.REFLECTANCE), settings, AnalysisKind.CLASSES)
    picture = render_picture(RenderRequest(ANALYSES[AnalysisKind.CLASSES], context, WHOLE), ignore)
    assert picture.abstained is not None and picture.shown.shape == (HEIGHT, WIDTH, 3)
    found = set()
    for number, rgb in ((1, (0xC3, 0x2F, 0x0F)), (2, (0x1A, 0x95, 0xFE))):
        for is_uncertain, expected in ((False, np.array(rgb)), (True, np.round(0.3 * np.array(rgb) + 0.7 * 150))):
            pixels = picture.shown[(picture.painted == number) & (picture.abstained == is_uncertain)]
            assert (pixels == expected).all()
            found.add(is_uncertain if len(pixels) else None)
    assert found >= {True, False}
    assert tuple(picture.shown[0, 0]) == tuple(picture.shown[1, WIDTH - 1]) == MISSING
    assert not picture.abstained[1, WIDTH - 1]  # nothing is uncertain about it
    certain = (picture.painted == 0) & ~picture.abstained
    assert (picture.shown[certain] == NONE).all()


def test_visible_marks_and_reference_spectra_are_the_classes() -> None:
    document = Document()
    document.open_cube("scene", CubeField(VALUES, BANDS), (0.0, 1.0))
    assert document.analysis_spectra == ()
    document.set_plot_settings(PlotSettings().with_spectra([replace(SPECTRA[0].spectrum, name="leaf")], "library.csv"))
    (leaf,) = document.analysis_spectra
    assert (leaf.name, leaf.key) == ("leaf", "leaf of library.csv") and leaf.spectrum.name == "leaf"
    document.set_plot_settings(document.plot_settings.with_visible(0, False))
    assert document.analysis_spectra == ()


def test_classes_are_the_visible_marks_in_their_colours_then_references_in_others() -> None:
    document = Document()
    document.open_cube("scene", CubeField(VALUES, BANDS), (0.0, 1.0))
    for place in ((3, 4), (15, 22), (8, 9)):
        document.add_pin(*place)
    spectra = {place: MarkSpectrum(Spectrum(BANDS, VALUES[:, *place].copy())) for place in ((3, 4), (15, 22), (8, 9))}
    document.set_curves(spectra)
    references = [replace(each.spectrum, name=each.name) for each in SPECTRA]
    document.set_plot_settings(PlotSettings().with_spectra(references, "library.csv"))
    assert [each.name for each in document.analysis_spectra] == ["pin 1", "pin 2", "pin 3", "leaf", "soil"]
    colours = [each.colour for each in document.analysis_spectra]
    assert colours[:3] == [mark.colour for mark in document.marks] and len(set(colours)) == 5
    document.mark_set.edit(2, visible=False)
    assert [each.name for each in document.analysis_spectra] == ["pin 1", "pin 3", "leaf", "soil"]
    assert [each.colour for each in document.analysis_spectra] == [colours[at] for at in (0, 2, 3, 4)]
    request = document.analysis_request(AnalysisKind.ABUNDANCES)
    assert request is not None and request.spectra == document.analysis_spectra


def test_pixels_without_a_value_are_dark_grey_in_pictures_of_values() -> None:
    values = VALUES.copy()
    values[15, 3, 4] = np.nan
    settings = AnalysisSettings(expression=ExpressionDefinition("b550"))
    context = context_of(CubeField(values, BANDS), settings, AnalysisKind.EXPRESSION)
    picture = render_picture(RenderRequest(ANALYSES[AnalysisKind.EXPRESSION], context, WHOLE), ignore)
    is_grey = (picture.shown == MISSING).all(axis=-1)
    assert is_grey[3, 4] and is_grey.sum() == 1
