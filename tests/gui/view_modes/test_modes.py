"""Every mode against a slow definition of what it shows."""

from dataclasses import replace

import numpy as np
import pytest

from nesr_gui import metrics
from nesr_gui.analysis.definitions import ComponentDefinition
from nesr_gui.colorimetry.cie import colour_differences, render_camera_rgb
from nesr_gui.colorimetry.viewing_conditions import Illuminant, ViewingConditions
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.fields.window_cache import WindowCache
from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisRequest, AnalysisSettings, AnalysisSpectrum
from nesr_gui.gui.model.view_settings import ErrorMetric, ViewSettings
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.tasks.analyses import FitRequest, fit_analyses
from nesr_gui.gui.view_modes import MODES, TABLE, base, key_of
from nesr_gui.gui.view_modes.analysis import PENDING, AnalysisMode
from nesr_gui.gui.view_modes.base import Answers, RenderContext, Requirement
from nesr_gui.gui.view_modes.quality import COLOURS
from nesr_gui.spectral import Quantity, RGBImage, Spectrum, Wavelengths
from tests.gui.conftest import BANDS, Limited, smooth_cube

HEIGHT, WIDTH = 22, 30
VALUES = smooth_cube(HEIGHT, WIDTH)
WHOLE = SamplingGrid(1, slice(0, HEIGHT), slice(0, WIDTH))
RNG = np.random.default_rng(0)


def ignore(fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def context() -> RenderContext:
    field = Limited(VALUES, BANDS, Quantity.REFLECTANCE)
    photograph, encoded = (RGBImage(RNG.random((HEIGHT, WIDTH, 3), np.float32)) for _ in range(2))
    truth = CubeField((0.9 * VALUES + 0.05 * RNG.random(VALUES.shape)).astype(np.float32), BANDS)
    colours = (255 * photograph.values).astype(np.uint8)
    reference = Spectrum(BANDS, VALUES[:, 3, 4].copy(), "leaf")
    plain = RenderContext(
        field=field,
        photograph=photograph,
        encoded=encoded,
        colours=colours,
        truth=truth,
        reference=reference,
        reference_name="leaf",
        viewing=ViewingConditions.default(),
        white=None,
        nm=512.3,
        binning=1,
        levels=(0.0, 0.8),
        view_settings=ViewSettings(),
        analyses={},
        is_abstaining=True,
    )
    return fitted(plain)


def fitted(context: RenderContext) -> RenderContext:
    """The context with all analyses learned from its field."""
    settings = AnalysisSettings(components=ComponentDefinition(count=3))
    spectra = tuple(
        AnalysisSpectrum(f"mark {number}", name, colour, Spectrum(BANDS, VALUES[:, row, col].copy()))
        for number, (name, colour, row, col) in enumerate((("leaf", "#c32f0f", 3, 4), ("soil", "#1a95fe", 15, 22)))
    )
    requests = tuple(
        AnalysisRequest(
            kind, settings.definition(kind), context.answering,
            spectra if settings.definition(kind).least_spectra else (), None,
        )
        for kind in AnalysisKind
    )  # fmt: skip
    return replace(context, analyses=fit_analyses(FitRequest(requests, {}), ignore))


def anew(context: RenderContext) -> RenderContext:
    """The context without the layers that were rendered before."""
    fresh = {kind: replace(each, rendered=WindowCache(1 << 20)) for kind, each in context.analyses.items()}
    return replace(context, analyses=fresh)


def values(picture: np.ndarray | Answers) -> np.ndarray:
    return picture.values if isinstance(picture, Answers) else picture


def measured(context: RenderContext, measure: ErrorMetric) -> RenderContext:
    return replace(context, view_settings=replace(context.view_settings, measure=measure))


def spectra(field: CubeField) -> np.ndarray:
    return np.moveaxis(field.cube(BANDS).values, 0, -1)


def test_keys_and_names_are_told_apart() -> None:
    assert len(MODES) == len(TABLE) == 14 and list(MODES)[:2] == ["photograph", "band"]
    assert [key_of(mode) for mode in (TABLE[0], TABLE[8], TABLE[9], TABLE[13])] == ["1", "9", "Alt+1", "Alt+5"]


def test_photograph_and_band(context: RenderContext) -> None:
    assert MODES["photograph"].render(context, WHOLE, ignore) is context.colours
    np.testing.assert_array_equal(MODES["band"].render(context, WHOLE, ignore), context.answering.band(512.3))


def test_false_colour_is_three_bands_within_the_range(context: RenderContext) -> None:
    asked = replace(context, view_settings=replace(context.view_settings, false_colour=(850.0, 550.5, 450.0)))
    picture = MODES["false_colour"].render(asked, WHOLE, ignore)
    for channel, nm in enumerate((700.0, 550.5, 450.0)):
        np.testing.assert_array_equal(picture[:, :, channel], context.answering.band(nm))
    options = {choice.text.partition(":")[0]: choice for choice in MODES["false_colour"].options(context)}
    assert options["Natural"].chosen and not options["Colour infrared"].possible and options["Blood"].possible


def test_rerendered_by_the_default_camera_is_its_exposure(context: RenderContext) -> None:
    picture = MODES["rerendered"].render(context, WHOLE, ignore)
    np.testing.assert_allclose(np.clip(picture, 0, 1), render_camera_rgb(spectra(context.field)), atol=1e-5)
    warm = MODES["rerendered"].render(replace(context, viewing=ViewingConditions(Illuminant("A"))), WHOLE, ignore)
    assert np.abs(warm - picture).max() > 0.01


def test_similarity_is_the_spectral_angle(context: RenderContext) -> None:
    picture = MODES["similarity"].render(context, WHOLE, ignore)
    expected = metrics.spectral_angle(spectra(context.field), VALUES[:, 3, 4])
    np.testing.assert_allclose(picture, expected, atol=0.05)
    assert picture[3, 4] == pytest.approx(0, abs=0.05) and picture.max() > 5


def test_similarity_reads_what_both_cover(context: RenderContext) -> None:
    short = Spectrum(Wavelengths.from_step(480, 900, 20), np.linspace(0, 1, 22, dtype=np.float32), "short")
    mode = MODES["similarity"]
    assert mode.bands(replace(context, reference=short)) == 23
    beyond = replace(context, reference=Spectrum(Wavelengths.from_step(800, 900, 50), np.ones(3, np.float32), "beyond"))
    assert "400-700 nm" in mode.unavailable_reason(beyond) and "800-900 nm" in mode.unavailable_reason(beyond)


def test_colour_error_is_the_difference_to_the_photograph_as_it_was_encoded(context: RenderContext) -> None:
    expected = colour_differences(render_camera_rgb(spectra(context.field)), context.encoded.values)
    np.testing.assert_allclose(MODES["colour_error"].render(context, WHOLE, ignore), expected, atol=0.02)
    lit = replace(
        context, viewing=ViewingConditions(Illuminant("A"))
    )  # the light to look under is not the photograph's
    assert MODES["colour_error"].cache_key(lit) == MODES["colour_error"].cache_key(context)


def test_colour_differences_are_those_of_the_standard() -> None:
    same = RNG.random((5, 3))
    np.testing.assert_allclose(colour_differences(same, same), 0, atol=1e-5)
    assert colour_differences((1.0, 1.0, 1.0), (0.0, 0.0, 0.0)) == pytest.approx(100, abs=0.01)  # ΔL alone


@pytest.mark.parametrize("measure", ErrorMetric)
def test_error_against_truth(context: RenderContext, measure: ErrorMetric) -> None:
    asked = measured(context, measure)
    got, known = spectra(context.field), spectra(context.truth)
    expected = {
        ErrorMetric.DIFFERENCE: np.abs(context.answering.band(512.3) - context.truth.band(512.3)),
        ErrorMetric.RMSE: np.sqrt(((got - known) ** 2).mean(-1)),
        ErrorMetric.MRAE: (np.abs(got - known) / (known + 1e-3)).mean(-1),
        ErrorMetric.ANGLE: metrics.spectral_angle(got, known),
        ErrorMetric.RELATIVE: np.abs(context.answering.band(512.3) - context.truth.band(512.3))
        / (context.truth.band(512.3) + 1e-3),
        ErrorMetric.COLOUR: colour_differences(render_camera_rgb(got), render_camera_rgb(known)),
    }[measure]
    picture = MODES["truth_error"].render(asked, WHOLE, ignore)
    np.testing.assert_allclose(
        picture, expected, rtol=1e-3, atol={ErrorMetric.ANGLE: 0.05, ErrorMetric.COLOUR: 0.02}.get(measure, 1e-6)
    )


def test_truth_is_averaged_to_the_pixels_of_a_reduced_field(context: RenderContext) -> None:
    field = CubeField(smooth_cube(HEIGHT // 2, WIDTH // 2), BANDS)
    reduced = replace(context, field=field, binning=2)
    sampling = SamplingGrid(1, slice(0, HEIGHT // 2), slice(0, WIDTH // 2), 2)
    blocks = context.truth.band(512.3).reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean((1, 3))
    picture = MODES["truth_error"].render(reduced, sampling, ignore)
    np.testing.assert_allclose(picture, np.abs(field.band(512.3) - blocks), atol=1e-6)
    whole = MODES["truth_error"].render(measured(reduced, ErrorMetric.RMSE), sampling, ignore)
    assert whole.shape == picture.shape


COMPUTED = [mode.name for mode in TABLE if mode.name != "photograph"]


@pytest.mark.parametrize("measure", [ErrorMetric.DIFFERENCE, ErrorMetric.ANGLE])
@pytest.mark.parametrize("name", COMPUTED)
def test_a_sampled_picture_is_the_whole_one_sampled(
    context: RenderContext, name: str, measure: ErrorMetric, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = measured(context, measure)
    whole = values(MODES[name].render(asked, WHOLE, ignore))
    monkeypatch.setattr(base, "PIECE", 40)
    monkeypatch.setattr(base, "BLOCK_VALUES", 31 * 40)
    monkeypatch.setattr("nesr_gui.fields.protocol.BLOCK_VALUES", 31 * 40)
    for stride, rows, cols in ((1, slice(3, 20), slice(5, 29)), (3, slice(3, 22), slice(6, 30))):
        picture = values(MODES[name].render(anew(asked), SamplingGrid(stride, rows, cols), ignore))
        np.testing.assert_allclose(picture, whole[rows, cols][::stride, ::stride], rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", COMPUTED)
def test_long_work_tells_its_progress_and_can_be_stopped(
    context: RenderContext, name: str, stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "PIECE", 40)
    monkeypatch.setattr("nesr_gui.fields.protocol.BLOCK_VALUES", 31 * 40)
    sampling, told = replace(WHOLE, stride=stride), list[float]()

    def stop(fraction: float) -> None:
        told.append(fraction)
        if fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        MODES[name].render(anew(context), sampling, stop)
    assert told == sorted(told) and told[0] >= 0 and told[-1] <= 1


def test_only_what_a_picture_depends_on_makes_it_another(context: RenderContext) -> None:
    moved = replace(context, nm=600.0)
    changed = {mode.name for mode in TABLE if mode.cache_key(moved) != mode.cache_key(context)}
    assert changed == {"band", "truth_error", "uncertainty"}
    over_all = measured(context, ErrorMetric.RMSE)
    assert MODES["truth_error"].cache_key(over_all) == MODES["truth_error"].cache_key(replace(over_all, nm=600.0))


@pytest.mark.parametrize("mode", TABLE, ids=lambda mode: mode.name)
def test_what_is_missing_is_said(context: RenderContext, mode: object) -> None:
    assert mode.unavailable_reason(context) == ""
    parts = {
        Requirement.PHOTOGRAPH: {"photograph": None, "colours": None}, Requirement.FIELD: {"field": None},
        Requirement.TRUTH: {"truth": None}, Requirement.REFERENCE: {"reference": None},
        Requirement.INTERVALS: {"field": CubeField(VALUES, BANDS)},
    }  # fmt: skip
    for need in Requirement:
        reason = mode.unavailable_reason(replace(context, **parts[need]))
        if isinstance(mode, AnalysisMode) and need is Requirement.INTERVALS:
            assert reason == PENDING  # for another field it is learned again
        else:
            assert reason == (need.value if need in mode.needs else "")


def test_radiance_is_not_put_under_a_light(context: RenderContext) -> None:
    radiance = replace(context, field=CubeField(VALUES, BANDS, Quantity.RADIANCE))
    assert "radiance" in MODES["rerendered"].unavailable_reason(radiance)
    infrared = replace(context, field=CubeField(VALUES, Wavelengths.from_step(800, 1100, 10)))
    assert "800-1100 nm" in MODES["rerendered"].unavailable_reason(infrared)


@pytest.mark.parametrize(
    ("low", "says"), [(400, ""), (420, ""), (450, ", without 32% of the response, outside 450-700 nm")]
)
def test_colours_of_an_image_that_does_not_determine_them_say_so(context: RenderContext, low: int, says: str) -> None:
    bands = Wavelengths.from_step(low, 700, 10)
    cut = replace(context, field=CubeField(VALUES[-len(bands) :], bands, Quantity.REFLECTANCE))
    assert MODES["rerendered"].caption(cut) == f"D65, CIE 1931 2°{says}, re-rendered"


def test_radiance_is_seen_relative_to_a_white(context: RenderContext) -> None:
    light = np.linspace(0.3, 2.0, len(BANDS), dtype=np.float32)
    lit = CubeField(VALUES * light[:, None, None], BANDS, Quantity.RADIANCE)
    radiance = replace(context, field=lit, white=Spectrum(BANDS, light, "paper"))
    mode = MODES["rerendered"]
    assert mode.unavailable_reason(radiance) == "" and "paper" in mode.caption(radiance)
    assert mode.cache_key(radiance) != mode.cache_key(replace(radiance, white=Spectrum(BANDS, 2 * light, "paper")))
    np.testing.assert_allclose(mode.render(radiance, WHOLE, ignore), mode.render(context, WHOLE, ignore), atol=1e-4)


def test_a_truth_of_fewer_wavelengths_says_where_it_ends(context: RenderContext) -> None:
    short = replace(context, truth=CubeField(VALUES[:5], Wavelengths(BANDS.nm[:5])))
    assert "400-440 nm" in MODES["truth_error"].unavailable_reason(short)
    assert MODES["truth_error"].unavailable_reason(measured(short, ErrorMetric.RMSE)) == ""
    assert "too little for colours" in MODES["truth_error"].unavailable_reason(measured(short, ErrorMetric.COLOUR))


@pytest.mark.parametrize("stride", [1, 3])
def test_uncertainty_and_doubts_are_the_fields(
    context: RenderContext, stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "PIECE", 50)
    asked = SamplingGrid(stride, slice(2, HEIGHT), slice(0, WIDTH))
    window = slice(2, HEIGHT, stride), slice(0, WIDTH, stride)
    width = MODES["uncertainty"].render(context, asked, ignore)
    np.testing.assert_allclose(width, context.answering.band(512.3)[window], rtol=1e-6)
    picture = MODES["doubts"].render(context, asked, ignore)
    flags = context.answering.quality_flags()[window]
    for doubt, colour in COLOURS.items():
        np.testing.assert_array_equal((picture == colour).all(-1), flags == doubt)
    rest = picture[flags == 0]
    assert (rest == rest[:, :1]).all() and rest.std() > 5
