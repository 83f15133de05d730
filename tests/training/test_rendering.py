"""Patches are physical: photographs follow from the truth they come with."""

import dataclasses

import numpy as np
import pytest

from nesr_gui import colorimetry
from nesr_gui.training.rendering import BANDS, Painter, RenderingConfig, SceneCutter, photograph, smooth_noise
from tests.training import worlds

CONFIG = RenderingConfig(patch=16)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_crops_avoid_the_chart():
    scene = worlds.scene("a", chart=(0, 30, 0, 56))
    scene.cube[:, :30] = -1
    assert SceneCutter([scene], CONFIG).cut(rng(), 50).min() > 0


def test_no_room_beside_the_chart_is_said():
    with pytest.raises(ValueError, match="scene a has no room for a 16-pixel crop"):
        SceneCutter([worlds.scene("a", chart=(0, 40, 0, 56))], CONFIG)


def test_a_crop_is_a_turned_piece_of_its_scene():
    scene = worlds.scene("a")
    values = {tuple(curve) for curve in scene.cube.reshape(31, -1).T.tolist()}
    crop = SceneCutter([scene], CONFIG).cut(rng(), 4)
    assert crop.shape == (4, 31, 16, 16)
    assert {tuple(curve) for curve in crop[1].reshape(31, -1).T.tolist()} <= values


def test_painted_bands_do_not_depend_on_the_others_asked():
    painter = Painter(worlds.library("fine", 1), CONFIG)
    together = painter.paint(rng(), 3, np.concatenate([BANDS, [455.5]]))
    np.testing.assert_allclose(painter.paint(rng(), 3, [455.5])[:, 0], together[:, -1], rtol=1e-5)
    assert together.min() >= 0
    assert together.std() > 0.01


def test_tinting_keeps_texture_and_only_darkens():
    painter = Painter(worlds.library("coarse", 10), dataclasses.replace(CONFIG, tinted=1.0))
    cubes = SceneCutter([worlds.scene("a")], CONFIG).cut(rng(), 6)
    tinted = painter.tint(rng(), cubes)
    assert (tinted <= cubes * (1 + 1e-5)).all()
    ratio = tinted / cubes
    assert ratio.std(axis=(2, 3)).max() < 1e-5  # one filter per patch
    assert ratio.std(axis=1).max() > 0.01  # which has a colour


def test_without_noise_the_photograph_is_the_camera_s():
    config = dataclasses.replace(CONFIG, noise=0.0, eight_bit=0.0)
    cubes = SceneCutter([worlds.scene("a")], config).cut(rng(), 6)
    rgb, exposure = photograph(rng(), cubes, config)
    expected = colorimetry.expose(np.moveaxis(cubes * exposure, 1, -1))
    np.testing.assert_allclose(np.moveaxis(rgb, 1, -1), expected, atol=1e-6)
    assert exposure.min() > 0
    assert exposure.std() > 0


def test_eight_bit_photographs_hold_256_codes():
    config = dataclasses.replace(CONFIG, eight_bit=1.0)
    rgb, _ = photograph(rng(), SceneCutter([worlds.scene("a")], config).cut(rng(), 6), config)
    codes = colorimetry.encode_srgb(rgb) * 255
    np.testing.assert_allclose(codes, np.round(codes), atol=1e-3)


def test_noise_has_unit_variance_about():
    assert smooth_noise(rng(), 300, 32).std() == pytest.approx(1, abs=0.25)
