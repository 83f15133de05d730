"""Charts photographed by known cameras: the corners, the patches, and the profile that is recovered."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import numpy.typing as npt
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.charts import ColourChart, classic, sg
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.chart_calibration import Calibration, calibrate
from nesr_gui.io.photos.chart_patches import ChartError, ChartReading, read_patches
from nesr_gui.io.photos.develop import develop
from nesr_gui.io.photos.develop_settings import DevelopSettings, SourceEncoding
from nesr_gui.io.photos.photo import DecodedPhoto, DecodedPixels
from nesr_gui.training.cameras import TONES, WHITE, SimulatedCamera, chart_spectra, decoded, simulated_cameras

CORNERS = [(30.0, 40.0), (20.0, 330.0), (225.0, 350.0), (215.0, 25.0)]
SHAPE = 250, 380
SHARED = Path(__file__).parents[4] / "shared" / "data"
CAMERAS = SHARED / "spectra" / "cameras_10nm.npz"


def bells(centres: tuple[float, ...] = (605, 540, 460), width: float = 38) -> npt.NDArray[Any]:
    """A camera with bell-shaped sensitivities (3, 31), white at `WHITE`, but for a white balance that is off."""
    nm = cie.CAMERA_BANDS.nm
    raw = np.stack([np.exp(-(((nm - centre) / width) ** 2)) for centre in centres])
    balance = np.array([1.06, 1.0, 0.93])
    return np.asarray(WHITE * balance[:, None] * raw / raw.sum(axis=1, keepdims=True))


@cache
def picture() -> npt.NDArray[Any]:
    return chart_spectra(classic(), CORNERS, SHAPE)


@cache
def photograph(tone: str = "sRGB") -> DecodedPhoto:
    return decoded(SimulatedCamera("bells", bells(), tone).photograph(picture()))


def calibrated(photo: DecodedPhoto, corners: Any = CORNERS, chart: ColourChart | None = None) -> Calibration:
    return calibrate(read_patches(photo, chart or classic(), corners), photo)


def codes(photo: DecodedPhoto) -> npt.NDArray[np.uint8]:
    return photo.stored.pixels


# --- patches ---


def test_patches_are_read_where_they_are() -> None:
    camera = SimulatedCamera("bells", bells())
    reading = read_patches(decoded(camera.photograph(picture())), classic(), CORNERS)
    wanted = classic().reflectances
    assert wanted is not None
    light = np.stack([np.interp(cie.CAMERA_BANDS.nm, classic().wavelengths, row) for row in wanted]) @ bells().T  # type: ignore[arg-type]
    np.testing.assert_allclose(reading.light, np.clip(light, 0, 1), atol=0.006)
    assert reading.spread.max() < 0.5 and reading.is_visible.all()
    region = reading.region(0)
    assert region.bounds[0] > 30 and region.bounds[1] > 40 and region.bounds[2] < 80 and region.bounds[3] < 90


def test_specks_on_a_patch_do_not_count() -> None:
    specked = codes(photograph()).copy()
    row, col = (int(at) for at in read_patches(photograph(), classic(), CORNERS).region(14).centre)
    specked[row - 2 : row + 2, col - 2 : col + 2] = (250, 250, 250)
    clean, dirty = (read_patches(each, classic(), CORNERS).light[14] for each in (photograph(), decoded(specked)))
    np.testing.assert_allclose(dirty, clean, atol=0.002)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_the_order_of_the_corners_does_not_matter(order: tuple[int, ...]) -> None:
    first = read_patches(photograph(), classic(), CORNERS)
    other = read_patches(photograph(), classic(), [CORNERS[i] for i in order])
    np.testing.assert_array_equal(first.light, other.light)
    np.testing.assert_array_equal(first.corners, other.corners)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_chart_is_read_alike(quarters: int) -> None:
    pixels, corners = codes(photograph()), np.array(CORNERS)
    for _ in range(quarters):  # anticlockwise
        corners = np.stack([pixels.shape[1] - corners[:, 1], corners[:, 0]], axis=1)
        pixels = np.rot90(pixels)
    reading = read_patches(decoded(np.ascontiguousarray(pixels)), classic(), corners)
    np.testing.assert_allclose(reading.light, read_patches(photograph(), classic(), CORNERS).light, atol=0.004)
    assert reading.turned == (360 - 90 * quarters) % 360
    assert any("turned" in note for note in calibrate(reading, photograph()).notes)


def test_a_mirrored_chart_is_refused() -> None:
    mirrored = np.array([(row, SHAPE[1] - col) for row, col in CORNERS])
    photo = decoded(np.ascontiguousarray(codes(photograph())[:, ::-1]))
    with pytest.raises(ChartError, match="mirrored in this photograph; flip"):
        read_patches(photo, classic(), mirrored)


def test_a_tiny_chart_is_refused() -> None:
    small = decoded(np.ascontiguousarray(codes(photograph())[::10, ::10]))
    with pytest.raises(ChartError, match="pixels wide; at least 6 are needed"):
        read_patches(small, classic(), np.array(CORNERS) / 10)


@pytest.mark.parametrize("thin", [(13, 1), (1, 13)])
def test_a_chart_that_is_too_narrow_one_way_is_refused(thin: tuple[int, int]) -> None:
    corners = np.array(CORNERS[0]) + (np.array(CORNERS) - CORNERS[0]) / thin
    with pytest.raises(ChartError, match="pixels wide; at least 6 are needed"):
        read_patches(photograph(), classic(), corners)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_no_chart_is_not_called_a_mirrored_one(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(30, 220, (25, 38, 3)).astype(np.uint8).repeat(10, 0).repeat(10, 1)
    assert not read_patches(decoded(noise), classic(), CORNERS).has_its_colours


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        (CORNERS[:3], "four corners"),
        ([(10, 10), (10, 90), (10, 50), (90, 50)], "do not enclose"),
        ([(10, 10), (10, 10), (90, 90), (90, 10)], "do not enclose"),
        ([(10, 10), (90, 90), (40, 55), (float("nan"), 3)], "four corners"),
        ([(1000, 1000), (1000, 1400), (1300, 1400), (1300, 1000)], "outside the photograph"),
    ],
)
def test_corners_that_are_no_chart_are_refused(corners: Any, message: str) -> None:
    with pytest.raises(ChartError, match=message):
        read_patches(photograph(), classic(), corners)


def test_a_chart_that_is_half_outside_is_used_or_refused() -> None:
    cut = decoded(np.ascontiguousarray(codes(photograph())[:, :260]))
    made = calibrated(cut)
    assert 12 <= made.profile.patches < 24 and made.profile.after < 2.5
    assert any("outside the photograph" in note for note in made.notes)
    outside = [patch for patch in made.patches if patch.reason == "outside the photograph"]
    assert len(outside) == 24 - made.profile.patches
    assert np.isnan([(patch.before, patch.after, patch.left_out) for patch in outside]).all()
    with pytest.raises(ChartError, match="of the 24 patches are inside the photograph, and at least 12"):
        calibrated(decoded(np.ascontiguousarray(codes(photograph())[:, :140])))


def test_a_chart_that_is_half_hidden_is_refused() -> None:
    hidden = codes(photograph()).copy()
    hidden[:, :190] = (90, 60, 30)
    with pytest.raises(ChartError, match="nothing hides"):
        calibrated(decoded(hidden))


def test_a_hidden_patch_is_left_out() -> None:
    hidden = codes(photograph()).copy()
    box = read_patches(photograph(), classic(), CORNERS).region(14).bounds  # red
    hidden[int(box[0]) : int(box[2]) + 1, int(box[1]) : int(box[3]) + 1] = (20, 90, 160)
    made = calibrated(decoded(hidden))
    assert made.patches[14].reason == "does not fit" and made.profile.patches == 23
    assert made.profile.after < 2.5
    assert len(made.anchors) == 23


def test_a_clipped_chart_is_refused() -> None:
    camera = SimulatedCamera("bells", 2.2 * bells())
    with pytest.raises(ChartError, match="patches are clipped .* another exposure"):
        calibrated(decoded(camera.photograph(picture())))


# --- profiles ---


@pytest.mark.parametrize("tone", TONES)
def test_a_known_camera_is_recovered(tone: str) -> None:
    made = calibrated(photograph(tone))
    profile = made.profile
    assert profile.before > 4
    assert profile.after < 1.6 and profile.left_out < 2.2
    grey = np.linspace(0.04, 0.9, 50)
    stored = TONES[tone](cie.encode_srgb(grey * WHITE).astype(np.float64))
    light = profile.linearise(cie.decode_srgb(stored))
    relative = light / light[25] / (grey / grey[25])
    np.testing.assert_allclose(relative, 1, atol=0.06)


def test_the_fits_without_each_patch_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one they take six times as long. A form solves one system, and six more for uneven light."""
    solved, compared = Mock(wraps=np.linalg.solve), Mock()
    monkeypatch.setattr(np.linalg, "solve", solved)
    calibrate(read_patches(photograph(), classic(), CORNERS), photograph(), compared)
    assert 10 < compared.call_count < solved.call_count < 7 * (compared.call_count + 2)


def test_a_profile_corrects_other_colours() -> None:
    """The memory colours of Luo, which the calibration has not seen, by a camera with another tone curve."""
    spectra = cie.chart_reflectances(cie.CAMERA_BANDS)[24:]
    camera = SimulatedCamera("bells", bells(), "contrast")
    photo = decoded(camera.photograph(np.repeat(spectra[None], 40, axis=0)))
    profile = calibrated(photograph("contrast")).profile
    truth = spectra @ cie.default_camera().T
    errors = {
        name: cie.colour_differences(develop(photo, settings).values.mean(axis=0), truth).mean()
        for name, settings in (("as stated", DevelopSettings()), ("profile", DevelopSettings(profile=profile)))
    }
    assert errors["as stated"] > 5 and errors["profile"] < 2


def test_the_developed_photograph_has_the_figures_of_the_table() -> None:
    photo, made = photograph("shoulder"), calibrated(photograph("shoulder"))
    image = develop(photo, DevelopSettings(profile=made.profile))
    reading = read_patches(photo, classic(), CORNERS)
    for patch, result in enumerate(made.patches):
        row, col = (int(at) for at in reading.region(patch).centre)
        colour = image.values[row - 5 : row + 5, col - 5 : col + 5].mean(axis=(0, 1))
        wanted = np.clip(classic().colours[patch], 0, 1)
        if not result.reason and (classic().colours[patch] > 0).all():
            assert cie.colour_differences(colour, wanted) == pytest.approx(result.after, abs=0.5)


def test_root_polynomials_only_where_they_help() -> None:
    """A camera whose colours are a matrix of the default camera's needs no more than a matrix."""
    matrix = np.array([[0.8, 0.15, 0.05], [0.1, 0.75, 0.15], [0.02, 0.18, 0.8]])
    plain = SimulatedCamera("mixed", WHITE * matrix @ cie.default_camera())
    profile = calibrated(decoded(plain.photograph(picture()))).profile
    assert len(profile.matrix[0]) == 3 and profile.after < 0.5
    np.testing.assert_allclose(np.array(profile.matrix) @ (WHITE * matrix) * profile.curve[-1][1], np.eye(3), atol=0.05)


def vignetted(amount: float) -> DecodedPhoto:
    corners = [(8.0, 8.0), (8.0, 372.0), (242.0, 372.0), (242.0, 8.0)]
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    radius = ((rows - 125) ** 2 + (cols - 190) ** 2) / (125**2 + 190**2)
    spectra = chart_spectra(classic(), corners, SHAPE) * np.exp(-amount * radius)[..., None]
    return decoded(SimulatedCamera("bells", bells()).photograph(spectra))


def test_vignetting_that_the_chart_shows_is_undone() -> None:
    corners = [(8, 8), (8, 372), (242, 372), (242, 8)]
    made = calibrated(vignetted(0.7), corners)
    assert made.profile.falloff == pytest.approx(0.7, abs=0.1)
    assert calibrated(vignetted(0), corners).profile.falloff == 0
    grey = np.full((*SHAPE, 31), 0.4)
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    grey *= np.exp(-0.7 * ((rows - 125) ** 2 + (cols - 190) ** 2) / (125**2 + 190**2))[..., None]
    even = develop(decoded(SimulatedCamera("bells", bells()).photograph(grey)), DevelopSettings(profile=made.profile))
    blocks = even.values[:240, :380].reshape(6, 40, 10, 38, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(blocks, 0.4, atol=0.03)


def test_uneven_light_on_the_chart_is_no_tone_curve() -> None:
    slope = np.exp(np.linspace(0.2, -0.2, SHAPE[1]))[None, :, None]
    made = calibrated(decoded(SimulatedCamera("bells", bells()).photograph(picture() * slope * 0.8)))
    assert any("uneven" in note for note in made.notes)
    grey = np.linspace(0.05, 0.7, 30)
    light = made.profile.linearise(grey)
    np.testing.assert_allclose(light / light[15] / (grey / grey[15]), 1, atol=0.1)


def test_a_linear_file_stays_linear_and_is_read_so_again() -> None:
    light = np.clip(picture() @ bells().T, 0, 1)
    stored = DecodedPixels(np.round(65535 * light).astype(np.uint16), 65535)
    photo = DecodedPhoto(stored, "linear.png", "0")
    reading = read_patches(photo, classic(), CORNERS, SourceEncoding.LINEAR)
    profile = calibrate(reading, photo).profile
    codes, values = np.array(profile.curve).T
    np.testing.assert_allclose(values[1:] / codes[1:], values[-1] / codes[-1], rtol=1e-4)
    assert profile.read_as == SourceEncoding.LINEAR
    image = develop(photo, DevelopSettings(profile=profile))
    np.testing.assert_allclose(image.values[40:60, 50:70].mean((0, 1)), classic().colours[0], atol=0.02)


@pytest.mark.parametrize("exponent", [1 / 2.2, 1.3])
@pytest.mark.parametrize("scale", [0.5, 4, 100, 65535])
def test_the_scale_of_a_file_of_floats_does_not_matter(scale: float, exponent: float) -> None:
    stored = DecodedPixels((scale * (picture() @ bells().T) ** exponent).astype(np.float32), 1)
    photo = DecodedPhoto(stored, "light.tif", "0")
    made = calibrated(photo)
    image = develop(photo, DevelopSettings(profile=made.profile))
    colours = image.values[40:60, 50:70].mean((0, 1)), image.values[190:205, 40:55].mean((0, 1))
    expected = classic().colours[[0, 18]]
    assert made.profile.after < 2
    assert cie.colour_differences(np.array(colours) * expected.mean() / np.mean(colours), expected).max() < 3


def test_a_tone_curve_that_cannot_be_stored_is_refused() -> None:
    stored = DecodedPixels((1e-3 * (picture() @ bells().T) ** (1 / 2.2)).astype(np.float32), 1)
    with pytest.raises(ChartError, match=r"the chart is too dark for a profile, .* too large; expose it more"):
        calibrated(DecodedPhoto(stored, "dark.tif", "0"))


def test_a_tone_curve_needs_greys() -> None:
    """A chart without greys keeps the curve of the file, and says so."""
    whole = classic()
    assert whole.reflectances is not None and whole.wavelengths is not None
    some = ColourChart.measured("colours", whole.patches[:18], whole.cells[:18], whole.reflectances[:18],
                                whole.wavelengths.nm)  # fmt: skip
    corners = [CORNERS[0], CORNERS[1], (175.5, 344.6), (164.0, 29.4)]
    made = calibrated(photograph(), corners, some)
    assert any("too few grey patches" in note for note in made.notes) and made.profile.after < 3


def test_the_sg_chart_has_colours_but_no_spectra() -> None:
    chart = sg()
    assert (len(chart), chart.rows, chart.columns) == (140, 10, 14) and chart.reflectance(0) is None
    assert chart.is_neutral.sum() >= 40
    pixels = np.zeros((10 * 16, 14 * 16, 3))
    for (row, col), colour in zip(chart.cells, chart.colours, strict=True):
        pixels[row * 16 : row * 16 + 15, col * 16 : col * 16 + 15] = np.clip(colour, 0, 1)
    photo = decoded(np.round(255 * cie.encode_srgb(pixels)).astype(np.uint8))
    made = calibrated(photo, [(0, 0), (0, 223.5), (159.5, 223.5), (159.5, 0)], chart)
    assert made.profile.after < 0.6 and made.anchors == ()


# --- what a profile does to photographs ---


def test_a_profile_gives_the_same_values_for_any_strip_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    from nesr_gui.io.photos import develop as development

    profile = replace(calibrated(photograph("contrast")).profile, falloff=0.4)
    settings = DevelopSettings(profile=profile, stops=-0.5)
    whole = develop(photograph("contrast"), settings)
    monkeypatch.setattr(development, "STRIP_PIXELS", 380 * 7)
    in_strips = develop(photograph("contrast"), settings)
    np.testing.assert_array_equal(whole.values, in_strips.values)
    binned = develop(photograph("contrast"), settings, max_pixels=SHAPE[0] * SHAPE[1] // 4)
    np.testing.assert_allclose(binned.values, whole.reduced(SHAPE[0] * SHAPE[1] // 4).values, atol=1e-6)


def test_table_and_pointwise_conversion_agree() -> None:
    """Integers are converted by a lookup table, other values point by point."""
    profile, photo = calibrated(photograph("contrast")).profile, photograph("contrast")
    wide = replace(photo, stored=DecodedPixels(photo.stored.pixels.astype(np.uint32) * 16_843_009, 2**32 - 1))
    same = [develop(each, DevelopSettings(profile=profile)).values for each in (photo, wide)]
    np.testing.assert_allclose(*same, atol=2e-5)


def test_provenance_and_notes() -> None:
    photo = photograph()
    photo = replace(photo, stored=replace(photo.stored, camera="Maker One"))
    profile = calibrated(photo).profile
    assert profile.name == profile.camera == "Maker One"
    image = develop(photo, DevelopSettings(profile=profile))
    metadata = dict(image.source.metadata)
    assert metadata["photograph_camera"] == "Maker One" and "24 patches" in metadata["photograph_camera_profile"]
    assert profile.in_words() in image.source.notes
    other = replace(photo, stored=replace(photo.stored, camera="Maker Two"))
    notes = develop(other, DevelopSettings(profile=profile)).source.notes
    assert any("is of a Maker One, but this photograph was taken with a Maker Two" in note for note in notes)


def test_a_profile_and_sensitivities_exclude_each_other() -> None:
    from nesr_gui.colorimetry.viewing_conditions import Observer

    samples = tuple((nm, 1.0, 1.0, 1.0) for nm in (400.0, 700.0))
    profile = CameraProfile("a", ((0, 0), (1, 1)), tuple(map(tuple, np.eye(3))))
    with pytest.raises(ValueError, match="choose one"):
        DevelopSettings(camera=Observer("flat", samples=samples), profile=profile)


def test_the_identity_profile_changes_nothing() -> None:
    profile = CameraProfile("none", ((0, 0), (1, 1)), tuple(map(tuple, np.eye(3))))
    with_it = develop(photograph(), DevelopSettings(profile=profile)).values
    np.testing.assert_allclose(with_it, develop(photograph(), DevelopSettings()).values, atol=1e-6)


def test_anchors_are_regions_with_the_reflectance_of_their_patch() -> None:
    made = calibrated(photograph())
    assert made.anchors[0].spectrum.name == "ColorChecker Classic: dark skin"
    np.testing.assert_array_equal(made.anchors[0].spectrum.values, classic().reflectances[0])  # type: ignore[index]
    assert ChartReading.region(read_patches(photograph(), classic(), CORNERS), 0) == made.anchors[0].region


@pytest.mark.skipif(not CAMERAS.is_file(), reason="needs the shared data")
def test_real_sensitivities() -> None:
    """Every eleventh of 32 measured cameras, with the maker's matrix and without, in several lights."""
    figures = []
    for camera in (list(simulated_cameras(CAMERAS, has_matrix=has))[i] for has in (True, False) for i in (0, 11, 22)):
        profile = calibrated(decoded(camera.photograph(picture()))).profile
        figures.append((profile.before, profile.after, profile.left_out))
    before, after, left_out = np.mean(figures, axis=0)
    assert before > 3.5 and after < 2.2 and left_out < 2.6
