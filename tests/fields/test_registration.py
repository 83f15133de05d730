"""A cube is laid over its photograph whichever way round, however large and however bright it is."""

from __future__ import annotations

import numpy as np
import pytest

from nesr_gui.colorimetry.cie import render_camera_rgb
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.fields.registration import (
    RegistrationError,
    fit_gain,
    possible_orientations,
    register,
    register_in_orientation,
)
from nesr_gui.fields.resampled import Orientation, ResampledField
from nesr_gui.spectral import FloatArray, Quantity, RGBImage, Wavelengths

BANDS = Wavelengths.from_step(400, 700, 10)


def scene(height: int, width: int, seed: int = 0) -> FloatArray:
    """Patches of smooth reflectances under light that falls off: (31, height, width), no two sides alike."""
    rng = np.random.default_rng(seed)
    patches = rng.random((5, 4, 6), np.float32)
    basis = np.stack([np.exp(-(((BANDS.nm - centre) / 60) ** 2)) for centre in (430, 500, 560, 610, 680)])
    image = np.kron(np.tensordot(basis.T, patches, 1), np.ones((1, height // 4, width // 6)))
    rows, cols = np.mgrid[0:height, 0:width]
    return (0.4 * image * (0.4 + 0.6 * (rows / height + 0.5 * cols / width) / 1.5)).astype(np.float32)


def photographed(values: FloatArray) -> RGBImage:
    rgb = render_camera_rgb(np.moveaxis(values, 0, -1))
    return RGBImage((np.round(rgb * 4095) / 4095).astype(np.float32))


SCENE = scene(40, 60)
PHOTOGRAPH = photographed(SCENE)


@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize("size", [0.5, 1, 2])
def test_orientation_gain_and_size_are_recovered(orientation: Orientation, size: float) -> None:
    """The cube is stored so that turning it by `orientation` restores the scene."""
    values = SCENE
    if size == 2:
        values = values.repeat(2, 1).repeat(2, 2)
    if size == 0.5:
        values = values.reshape(31, 20, 2, 30, 2).mean((2, 4))
    stored = values
    inverse = {Orientation.TURNED_RIGHT: Orientation.TURNED_LEFT, Orientation.TURNED_LEFT: Orientation.TURNED_RIGHT}
    stored = np.ascontiguousarray(inverse.get(orientation, orientation).apply(values))
    for gain in (0.004, 1.0, 13.0):
        cube = CubeField((stored / np.float32(gain)).astype(np.float32), BANDS, Quantity.REFLECTANCE)
        found = register(PHOTOGRAPH, cube)
        assert found.orientation is orientation
        assert found.gain == pytest.approx(gain, rel=0.01)
        assert found.correlation > 0.98 and (found.next_best or 0) < found.correlation - 0.05
        lain = ResampledField(cube, PHOTOGRAPH.shape, found)
        assert np.abs(lain.band(550.0) - SCENE[15]).mean() < (0.002 if size >= 1 else 0.01)


def test_a_square_has_eight_orientations_and_a_rectangle_four() -> None:
    assert len(possible_orientations((30, 30), (60, 60))) == 8 and len(possible_orientations((30, 40), (60, 80))) == 4
    assert possible_orientations((30, 40), (50, 50)) == [] and possible_orientations((171, 171), (512, 512)) == list(
        Orientation
    )


def test_a_gain_that_the_photograph_cannot_tell_from_one_is_one() -> None:
    assert register(PHOTOGRAPH, CubeField(SCENE * np.float32(1.002), BANDS, Quantity.REFLECTANCE)).gain == 1.0


def test_a_photograph_that_cannot_tell_a_gain_leaves_the_values() -> None:
    dark = RGBImage(np.zeros((40, 60, 3), np.float32))
    assert fit_gain(dark, np.moveaxis(PHOTOGRAPH.values, -1, 0)) == 1.0


def test_the_correlation_is_that_of_compressed_colours_about_the_means_of_their_channels() -> None:
    values = SCENE + 0.3 * scene(40, 60, seed=9)
    colours = [each.values ** (1 / 2.2) for each in (PHOTOGRAPH, photographed(values))]
    one, other = ((part - part.mean((0, 1))).ravel() for part in colours)
    expected = np.corrcoef(one, other)[0, 1]
    assert expected < 0.97
    found = register(PHOTOGRAPH, CubeField(values, BANDS, Quantity.REFLECTANCE))
    assert found.correlation == pytest.approx(expected, abs=1e-3)
    assert f"correlation {found.correlation:.3f} (next best {found.next_best:.2f})" in found.in_words()


def test_an_overexposed_photograph_has_the_gain_of_what_is_not_clipped() -> None:
    bright = photographed(SCENE * np.float32(4))
    assert (bright.values == 1).any()
    assert register(bright, CubeField(SCENE, BANDS, Quantity.REFLECTANCE)).gain == pytest.approx(4, rel=0.02)


def test_pixels_marked_as_clipped_do_not_count_for_the_gain() -> None:
    """A converted colour may lie well below 1 although the file's own number was cut off."""
    values, clipped = PHOTOGRAPH.values.copy(), np.zeros(PHOTOGRAPH.shape, bool)
    clipped[:, 20:40] = True
    values[clipped] = np.minimum(0.4 * values[clipped], 0.9)
    cube = CubeField(SCENE, BANDS, Quantity.REFLECTANCE)
    assert register(RGBImage(values, clipped=clipped), cube).gain == pytest.approx(1, rel=0.01)
    assert register(RGBImage(values), cube).gain < 0.9  # where nothing is known of them


@pytest.mark.parametrize("missing", ["pixels", "rows", "bands"])
def test_what_a_cube_lacks_does_not_count_for_the_gain(missing: str) -> None:
    holed = SCENE.copy()
    if missing == "pixels":
        holed[:, np.random.default_rng(1).random(SCENE.shape[1:]) < 0.1] = np.nan
    elif missing == "rows":
        holed[:, ::5] = np.inf
    else:
        holed[[5, 15]] = np.nan
    large = holed.repeat(4, 1).repeat(4, 2)  # several of its pixels are compared with one of the photograph
    for values in (holed, large):
        found = register(PHOTOGRAPH, CubeField(values, BANDS, Quantity.REFLECTANCE))
        assert found.gain == pytest.approx(1, abs=0.01)


def test_radiance_and_part_of_the_wavelengths_are_enough_to_match() -> None:
    turned = np.ascontiguousarray(SCENE[5:27, ::-1])
    found = register(PHOTOGRAPH, CubeField(turned, Wavelengths(BANDS.nm[5:27]), Quantity.RADIANCE))
    assert found.orientation is Orientation.FLIPPED


def test_the_user_may_know_better() -> None:
    cube = CubeField(SCENE, BANDS, Quantity.REFLECTANCE)
    chosen = register_in_orientation(PHOTOGRAPH, cube, Orientation.FLIPPED)
    assert chosen.orientation is Orientation.FLIPPED and "next best" not in chosen.in_words()
    with pytest.raises(RegistrationError, match="other proportions"):
        register_in_orientation(PHOTOGRAPH, cube, Orientation.TURNED_LEFT)


def test_what_does_not_match_is_refused_in_a_sentence() -> None:
    with pytest.raises(RegistrationError, match="60x40"):
        register(PHOTOGRAPH, CubeField(scene(40, 42), BANDS))
    with pytest.raises(RegistrationError, match="does not look like"):
        register(PHOTOGRAPH, CubeField(scene(40, 60, seed=9), BANDS))
    with pytest.raises(RegistrationError, match="the best correlation is 0.00"):
        register(PHOTOGRAPH, CubeField(np.ones_like(SCENE), BANDS))
    with pytest.raises(ValueError, match="800-1100 nm"):
        register(PHOTOGRAPH, CubeField(SCENE, Wavelengths.from_step(800, 1100, 10)))


def test_matching_can_be_stopped() -> None:
    def stop(fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        register(PHOTOGRAPH, CubeField(SCENE, BANDS), stop)
