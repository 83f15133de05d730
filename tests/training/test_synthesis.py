"""Painted patches do not depend on the other wavelengths, and a JPEG is close to its original."""

import dataclasses

import numpy as np
import pytest

from nesr_gui.training.scenes import as_jpeg
from nesr_gui.training.spectral_library import Library
from nesr_gui.training.synthesis import BANDS, Painter, RenderingConfig, smooth_noise
from tests.training import worlds

CONFIG = RenderingConfig(patch=16)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_painted_bands_do_not_depend_on_the_others_asked():
    painter = Painter([worlds.library("coarse", 10), worlds.library("fine", 1)], CONFIG)
    together = painter.paint(rng(), 3, np.concatenate([BANDS, [455.5]]))
    np.testing.assert_allclose(painter.paint(rng(), 3, [455.5])[:, 0], together[:, -1], rtol=1e-5)
    assert together.min() >= 0
    assert together.std() > 0.01


def test_a_jpeg_is_close_and_closer_at_higher_quality():
    rgb = worlds.scene("a").photograph(eight_bit=False)
    errors = [abs(as_jpeg(rgb, quality) - rgb).mean() for quality in (20, 60, 95)]
    assert errors[0] > errors[1] > errors[2] > 0
    assert errors[2] < 0.03


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
