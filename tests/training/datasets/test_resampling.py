"""Bands are integrals: they keep what is flat or straight, and are sums of what is finer."""

from __future__ import annotations

import numpy as np
import pytest

from nesr_gui.spectral import Wavelengths
from nesr_gui.training.datasets.resampling import BandShape, weights

FINE = Wavelengths(np.linspace(380, 730, 281))  # by 1.25 nm


@pytest.mark.parametrize("kind", ["gaussian", "box"])
@pytest.mark.parametrize("width", [5.0, 10.0, 30.0])
@pytest.mark.parametrize("count", [7, 31, 61])
def test_flat_stays_flat_and_straight_stays_straight(kind, width, count):
    wanted = Wavelengths.evenly_spaced(count)
    matrix = weights(FINE, wanted, BandShape(kind, width))
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    assert matrix.min() >= 0
    inside = (wanted.nm > FINE.nm[0] + 1.4 * width) & (wanted.nm < FINE.nm[-1] - 1.4 * width)
    np.testing.assert_allclose((matrix @ FINE.nm)[inside], wanted.nm[inside], atol=0.05)


def test_a_box_averages_what_it_covers_and_a_gaussian_has_its_width():
    native = Wavelengths.from_step(400, 700, 1)
    box = weights(native, Wavelengths(np.array([550.0])), BandShape("box", 10))[0]
    np.testing.assert_allclose(box[145:156], [0.05, *[0.1] * 9, 0.05], atol=1e-6)
    assert box[:145].sum() == box[156:].sum() == 0
    gaussian = weights(native, Wavelengths(np.array([550.0])), BandShape("gaussian", 20))[0]
    assert gaussian[140] / gaussian[150] == pytest.approx(0.5, abs=0.01)


def test_coarse_bands_are_taken_as_they_are_or_refused():
    coarse = Wavelengths.evenly_spaced(31)
    for count in (31, 16, 11, 7, 4):
        matrix = weights(coarse, Wavelengths.evenly_spaced(count), BandShape())
        assert set(np.unique(matrix)) == {0, 1}
        np.testing.assert_allclose(matrix @ coarse.nm, Wavelengths.evenly_spaced(count).nm)
    with pytest.raises(ValueError, match="31 bands are too coarse for 41 bands from 400 to 700 nm"):
        weights(coarse, Wavelengths.evenly_spaced(41), BandShape())


def test_what_lies_outside_is_refused():
    with pytest.raises(ValueError, match="cover 380-730 nm; 350-700 nm was requested"):
        weights(FINE, Wavelengths.from_step(350, 700, 10), BandShape())


@pytest.mark.parametrize("width", [0, -1, float("nan"), float("inf")])
def test_a_band_has_a_width(width):
    with pytest.raises(ValueError, match="gaussian or box"):
        BandShape("box", width)
