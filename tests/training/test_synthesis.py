"""Patches are physical: photographs follow from the truth they come with."""

import dataclasses

import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.training.spectral_library import Library
from nesr_gui.training.synthesis import (
    BANDS,
    Painter,
    RenderingConfig,
    SceneCutter,
    as_jpeg,
    laid,
    photograph,
    smooth_noise,
)
from tests.training import worlds

CONFIG = RenderingConfig(patch=16)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_crops_avoid_the_chart():
    scene = worlds.scene("a", chart=(0, 30, 0, 56))
    scene.cube[:, :30] = -1
    cubes, _ = SceneCutter([scene], CONFIG).cut(rng(), 50)
    assert cubes.min() > 0


def test_no_room_beside_the_chart_is_said():
    with pytest.raises(ValueError, match="scene a has no room for a 16-pixel crop"):
        SceneCutter([worlds.scene("a", chart=(0, 40, 0, 56))], CONFIG)


def test_a_crop_is_a_turned_piece_of_its_scene():
    scene = worlds.scene("a")
    values = {tuple(curve) for curve in scene.cube.reshape(31, -1).T.tolist()}
    crop, levels = SceneCutter([scene], CONFIG).cut(rng(), 4)
    assert levels.tolist() == [cie.white_level(scene.photograph(eight_bit=False))] * 4
    assert crop.shape == (4, 31, 16, 16)
    assert {tuple(curve) for curve in crop[1].reshape(31, -1).T.tolist()} <= values


def test_painted_bands_do_not_depend_on_the_others_asked():
    painter = Painter([worlds.library("coarse", 10), worlds.library("fine", 1)], CONFIG)
    together = painter.paint(rng(), 3, np.concatenate([BANDS, [455.5]]))
    np.testing.assert_allclose(painter.paint(rng(), 3, [455.5])[:, 0], together[:, -1], rtol=1e-5)
    assert together.min() >= 0
    assert together.std() > 0.01


def test_tinting_keeps_texture_and_only_darkens():
    painter = Painter([worlds.library("coarse", 10)], dataclasses.replace(CONFIG, tinted=1.0))
    cubes, _ = SceneCutter([worlds.scene("a")], CONFIG).cut(rng(), 6)
    tinted = painter.tint(rng(), cubes)
    assert (tinted <= cubes * (1 + 1e-5)).all()
    ratio = tinted / cubes
    assert ratio.std(axis=(2, 3)).max() < 1e-5  # one filter per patch
    assert ratio.std(axis=1).max() > 0.01  # which has a colour


def photographs(count: int = 6, **settings: float):
    """What was stored, where it is faithful, the factors of the truth, and the cubes."""
    config = dataclasses.replace(CONFIG, **settings)
    cubes, levels = SceneCutter([worlds.scene("a")], config).cut(rng(), count)
    return *photograph(rng(), cubes, levels, config), cubes


def test_without_noise_the_photograph_is_the_camera_s_whatever_its_exposure():
    rgb, faithful, factors, cubes = photographs(noise=0.0, eight_bit=0.0, jpeg=0.0)
    expected = np.einsum("cl,blyx->bcyx", cie.default_camera(), cubes * factors)
    np.testing.assert_allclose(rgb[faithful], expected[faithful], rtol=1e-4, atol=1e-5)
    assert factors.min() > 0
    assert factors.std() > 0
    assert faithful.mean() > 0.9


def test_eight_bit_photographs_hold_256_codes():
    textured = Painter([worlds.library("coarse", 10)], CONFIG).paint(rng(), 4, BANDS)
    codes = {}
    for share in (0.0, 1.0):
        config = dataclasses.replace(CONFIG, eight_bit=share, jpeg=0.0)
        rgb, _, _ = photograph(rng(), textured, np.ones(4), config)
        codes[share] = [len(np.unique(patch)) for patch in rgb]
    assert max(codes[1.0]) <= 256
    assert min(codes[0.0]) > 256


def test_a_jpeg_is_close_and_closer_at_higher_quality():
    cubes, _ = SceneCutter([worlds.scene("a")], CONFIG).cut(rng(), 1)
    rgb = cie.render_camera_rgb(np.moveaxis(cubes[0], 0, -1))
    errors = [abs(as_jpeg(rgb, quality) - rgb).mean() for quality in (20, 60, 95)]
    assert errors[0] > errors[1] > errors[2] > 0
    assert errors[2] < 0.03


def test_a_mosaic_has_square_tiles_of_the_spectra_it_is_given():
    for seed in range(8):
        generator = np.random.default_rng(seed)
        mosaics = laid(generator, lambda n: np.arange(n * 2, dtype=np.float32).reshape(n, 2), 3, 16)
        assert mosaics.shape == (3, 2, 16, 16)
        values, counts = np.unique(mosaics[:, 0], return_counts=True)
        side = round(np.sqrt(counts[0]))
        assert (counts == side**2).all()
        assert len(values) == 3 * (16 // side) ** 2
        np.testing.assert_array_equal(mosaics[:, 1], mosaics[:, 0] + 1)
        np.testing.assert_array_equal(mosaics[0, 0, :side, :side], mosaics[0, 0, 0, 0])


def test_pixels_are_of_scenes_and_never_of_their_charts():
    scene = worlds.scene("a", chart=(0, 24, 0, 56))
    scene.cube[:, :24] = 9
    cutter = SceneCutter([scene, worlds.scene("b", 1)], CONFIG)
    assert cutter.pixels(rng(), 500).max() < 9 / cie.white_level(scene.photograph(eight_bit=False))
    levels = [cie.white_level(s.photograph(eight_bit=False)) for s in cutter.scenes]
    known = {
        tuple(np.round(pixel, 5)) for s, k in zip(cutter.scenes, levels, strict=True)
        for pixel in (s.cube.reshape(31, -1).T / k).tolist()
    }  # fmt: skip
    assert {tuple(np.round(pixel, 5)) for pixel in cutter.pixels(rng(), 50).astype(float).tolist()} <= known


def test_libraries_are_drawn_by_balance_not_by_size():
    bands = worlds.library("x", 10).wavelengths
    large = Library("large", bands, np.full((999, 31), 0.2, np.float32))
    small = Library("small", bands, np.full((1, 31), 0.8, np.float32))
    drawn = {
        balance: (
            Painter([large, small], dataclasses.replace(CONFIG, balance=balance)).spectra(rng(), 4000, BANDS) > 0.5
        )
        for balance in (0.0, 1.0)
    }
    assert drawn[0.0].mean() == pytest.approx(0.5, abs=0.05)
    assert drawn[1.0].mean() < 0.01


def test_noise_has_unit_variance_about():
    assert smooth_noise(rng(), 300, 32).std() == pytest.approx(1, abs=0.25)
