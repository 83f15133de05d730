"""Every mode against a slow definition of what it shows."""

from dataclasses import replace

import numpy as np
import pytest

from nesr_gui import metrics
from nesr_gui.colorimetry.cie import colour_differences, render_camera_rgb
from nesr_gui.colorimetry.viewing_conditions import Illuminant, ViewingConditions
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.gui.model.view_settings import Look, Measure
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.gui.view_modes import MODES, TABLE, base
from nesr_gui.gui.view_modes.base import Need, Scene
from nesr_gui.gui.view_modes.quality import COLOURS
from nesr_gui.spectral import Quantity, RGBImage, Spectrum, Wavelengths
from tests.gui.conftest import BANDS, Limited, smooth_cube

HEIGHT, WIDTH = 22, 30
VALUES = smooth_cube(HEIGHT, WIDTH)
WHOLE = Sampling(1, slice(0, HEIGHT), slice(0, WIDTH))
RNG = np.random.default_rng(0)


def ignore(fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def scene() -> Scene:
    field = Limited(VALUES, BANDS, Quantity.REFLECTANCE)
    photograph, encoded = (RGBImage(RNG.random((HEIGHT, WIDTH, 3), np.float32)) for _ in range(2))
    truth = CubeField((0.9 * VALUES + 0.05 * RNG.random(VALUES.shape)).astype(np.float32), BANDS)
    colours = (255 * photograph.values).astype(np.uint8)
    reference = Spectrum(BANDS, VALUES[:, 3, 4].copy(), "leaf")
    return Scene(
        field,
        photograph,
        encoded,
        colours,
        truth,
        reference,
        "leaf",
        ViewingConditions.default(),
        None,
        512.3,
        1,
        (0.0, 0.8),
        Look(),
    )


def measured(scene: Scene, measure: Measure) -> Scene:
    return replace(scene, look=replace(scene.look, measure=measure))


def spectra(field: CubeField) -> np.ndarray:
    return np.moveaxis(field.cube(BANDS).values, 0, -1)


def test_keys_and_names_are_told_apart() -> None:
    assert len(MODES) == len(TABLE) == 9 and list(MODES)[:2] == ["photograph", "band"]


def test_photograph_and_band(scene: Scene) -> None:
    assert MODES["photograph"].paint(scene, WHOLE, ignore) is scene.colours
    np.testing.assert_array_equal(MODES["band"].paint(scene, WHOLE, ignore), scene.answering.band(512.3))


def test_false_colour_is_three_bands_within_the_range(scene: Scene) -> None:
    asked = replace(scene, look=replace(scene.look, false_colour=(850.0, 550.5, 450.0)))
    picture = MODES["false_colour"].paint(asked, WHOLE, ignore)
    for channel, nm in enumerate((700.0, 550.5, 450.0)):
        np.testing.assert_array_equal(picture[:, :, channel], scene.answering.band(nm))
    choices = {choice.text.partition(":")[0]: choice for choice in MODES["false_colour"].choices(scene)}
    assert choices["Natural"].chosen and not choices["Colour infrared"].possible and choices["Blood"].possible


def test_rerendered_by_the_default_camera_is_its_exposure(scene: Scene) -> None:
    picture = MODES["rerendered"].paint(scene, WHOLE, ignore)
    np.testing.assert_allclose(np.clip(picture, 0, 1), render_camera_rgb(spectra(scene.field)), atol=1e-5)
    warm = MODES["rerendered"].paint(replace(scene, viewing=ViewingConditions(Illuminant("A"))), WHOLE, ignore)
    assert np.abs(warm - picture).max() > 0.01


def test_similarity_is_the_spectral_angle(scene: Scene) -> None:
    picture = MODES["similarity"].paint(scene, WHOLE, ignore)
    expected = metrics.spectral_angle(spectra(scene.field), VALUES[:, 3, 4])
    np.testing.assert_allclose(picture, expected, atol=0.05)
    assert picture[3, 4] == pytest.approx(0, abs=0.05) and picture.max() > 5


def test_similarity_reads_what_both_cover(scene: Scene) -> None:
    short = Spectrum(Wavelengths.from_step(480, 900, 20), np.linspace(0, 1, 22, dtype=np.float32), "short")
    mode = MODES["similarity"]
    assert mode.bands(replace(scene, reference=short)) == 23
    beyond = replace(scene, reference=Spectrum(Wavelengths.from_step(800, 900, 50), np.ones(3, np.float32), "beyond"))
    assert "400-700 nm" in mode.missing(beyond) and "800-900 nm" in mode.missing(beyond)


def test_colour_error_is_the_difference_to_the_photograph_as_it_was_encoded(scene: Scene) -> None:
    expected = colour_differences(render_camera_rgb(spectra(scene.field)), scene.encoded.values)
    np.testing.assert_allclose(MODES["colour_error"].paint(scene, WHOLE, ignore), expected, atol=0.02)
    lit = replace(scene, viewing=ViewingConditions(Illuminant("A")))  # the light to look under is not the photograph's
    assert MODES["colour_error"].depends(lit) == MODES["colour_error"].depends(scene)


def test_colour_differences_are_those_of_the_standard() -> None:
    same = RNG.random((5, 3))
    np.testing.assert_allclose(colour_differences(same, same), 0, atol=1e-5)
    assert colour_differences((1.0, 1.0, 1.0), (0.0, 0.0, 0.0)) == pytest.approx(100, abs=0.01)  # ΔL alone


@pytest.mark.parametrize("measure", Measure)
def test_error_against_truth(scene: Scene, measure: Measure) -> None:
    asked = measured(scene, measure)
    got, known = spectra(scene.field), spectra(scene.truth)
    expected = {
        Measure.DIFFERENCE: np.abs(scene.answering.band(512.3) - scene.truth.band(512.3)),
        Measure.RMSE: np.sqrt(((got - known) ** 2).mean(-1)),
        Measure.MRAE: (np.abs(got - known) / (known + 1e-3)).mean(-1),
        Measure.ANGLE: metrics.spectral_angle(got, known),
        Measure.RELATIVE: np.abs(scene.answering.band(512.3) - scene.truth.band(512.3))
        / (scene.truth.band(512.3) + 1e-3),
        Measure.COLOUR: colour_differences(render_camera_rgb(got), render_camera_rgb(known)),
    }[measure]
    picture = MODES["truth_error"].paint(asked, WHOLE, ignore)
    np.testing.assert_allclose(
        picture, expected, rtol=1e-3, atol={Measure.ANGLE: 0.05, Measure.COLOUR: 0.02}.get(measure, 1e-6)
    )


def test_truth_is_averaged_to_the_pixels_of_a_reduced_field(scene: Scene) -> None:
    field = CubeField(smooth_cube(HEIGHT // 2, WIDTH // 2), BANDS)
    reduced = replace(scene, field=field, binning=2)
    sampling = Sampling(1, slice(0, HEIGHT // 2), slice(0, WIDTH // 2), 2)
    blocks = scene.truth.band(512.3).reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean((1, 3))
    picture = MODES["truth_error"].paint(reduced, sampling, ignore)
    np.testing.assert_allclose(picture, np.abs(field.band(512.3) - blocks), atol=1e-6)
    whole = MODES["truth_error"].paint(measured(reduced, Measure.RMSE), sampling, ignore)
    assert whole.shape == picture.shape


COMPUTED = [mode.name for mode in TABLE if mode.name != "photograph"]


@pytest.mark.parametrize("measure", [Measure.DIFFERENCE, Measure.ANGLE])
@pytest.mark.parametrize("name", COMPUTED)
def test_a_sampled_picture_is_the_whole_one_sampled(
    scene: Scene, name: str, measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = measured(scene, measure)
    whole = MODES[name].paint(asked, WHOLE, ignore)
    monkeypatch.setattr(base, "PIECE", 40)
    monkeypatch.setattr(base, "BLOCK_VALUES", 31 * 40)
    monkeypatch.setattr("nesr_gui.fields.protocol.BLOCK_VALUES", 31 * 40)
    for stride, rows, cols in ((1, slice(3, 20), slice(5, 29)), (3, slice(3, 22), slice(6, 30))):
        picture = MODES[name].paint(asked, Sampling(stride, rows, cols), ignore)
        np.testing.assert_allclose(picture, whole[rows, cols][::stride, ::stride], rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", COMPUTED)
def test_long_work_tells_its_progress_and_can_be_stopped(
    scene: Scene, name: str, stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "PIECE", 40)
    monkeypatch.setattr("nesr_gui.fields.protocol.BLOCK_VALUES", 31 * 40)
    sampling, told = replace(WHOLE, stride=stride), list[float]()

    def stop(fraction: float) -> None:
        told.append(fraction)
        if fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        MODES[name].paint(scene, sampling, stop)
    assert told == sorted(told) and told[0] >= 0 and told[-1] <= 1


def test_only_what_a_picture_depends_on_makes_it_another(scene: Scene) -> None:
    moved = replace(scene, nm=600.0)
    changed = {mode.name for mode in TABLE if mode.depends(moved) != mode.depends(scene)}
    assert changed == {"band", "truth_error", "uncertainty"}
    over_all = measured(scene, Measure.RMSE)
    assert MODES["truth_error"].depends(over_all) == MODES["truth_error"].depends(replace(over_all, nm=600.0))


@pytest.mark.parametrize("mode", TABLE, ids=lambda mode: mode.name)
def test_what_is_missing_is_said(scene: Scene, mode: object) -> None:
    assert mode.missing(scene) == ""
    parts = {
        Need.PHOTOGRAPH: {"photograph": None, "colours": None}, Need.FIELD: {"field": None},
        Need.TRUTH: {"truth": None}, Need.REFERENCE: {"reference": None},
        Need.INTERVALS: {"field": CubeField(VALUES, BANDS)},
    }  # fmt: skip
    for need in Need:
        assert mode.missing(replace(scene, **parts[need])) == (need.value if need in mode.needs else "")


def test_radiance_is_not_put_under_a_light(scene: Scene) -> None:
    radiance = replace(scene, field=CubeField(VALUES, BANDS, Quantity.RADIANCE))
    assert "radiance" in MODES["rerendered"].missing(radiance)
    infrared = replace(scene, field=CubeField(VALUES, Wavelengths.from_step(800, 1100, 10)))
    assert "800-1100 nm" in MODES["rerendered"].missing(infrared)


def test_radiance_is_seen_relative_to_a_white(scene: Scene) -> None:
    light = np.linspace(0.3, 2.0, len(BANDS), dtype=np.float32)
    lit = CubeField(VALUES * light[:, None, None], BANDS, Quantity.RADIANCE)
    radiance = replace(scene, field=lit, white=Spectrum(BANDS, light, "paper"))
    mode = MODES["rerendered"]
    assert mode.missing(radiance) == "" and "paper" in mode.caption(radiance)
    assert mode.depends(radiance) != mode.depends(replace(radiance, white=Spectrum(BANDS, 2 * light, "paper")))
    np.testing.assert_allclose(mode.paint(radiance, WHOLE, ignore), mode.paint(scene, WHOLE, ignore), atol=1e-4)


def test_a_truth_of_fewer_wavelengths_says_where_it_ends(scene: Scene) -> None:
    short = replace(scene, truth=CubeField(VALUES[:5], Wavelengths(BANDS.nm[:5])))
    assert "400-440 nm" in MODES["truth_error"].missing(short)
    assert MODES["truth_error"].missing(measured(short, Measure.RMSE)) == ""
    assert "no colour is made" in MODES["truth_error"].missing(measured(short, Measure.COLOUR))


@pytest.mark.parametrize("stride", [1, 3])
def test_uncertainty_and_doubts_are_the_fields(scene: Scene, stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "PIECE", 50)
    asked = Sampling(stride, slice(2, HEIGHT), slice(0, WIDTH))
    window = slice(2, HEIGHT, stride), slice(0, WIDTH, stride)
    width = MODES["uncertainty"].paint(scene, asked, ignore)
    np.testing.assert_allclose(width, scene.answering.band(512.3)[window], rtol=1e-6)
    picture = MODES["doubts"].paint(scene, asked, ignore)
    flags = scene.answering.quality_flags()[window]
    for doubt, colour in COLOURS.items():
        np.testing.assert_array_equal((picture == colour).all(-1), flags == doubt)
    rest = picture[flags == 0]
    assert (rest == rest[:, :1]).all() and rest.std() > 5
