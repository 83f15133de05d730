"""Smooth metamers have the colour they were asked, and no reflectance of that colour is smoother."""

import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.appearance import smooth_metamers
from nesr_gui.spectral import Wavelengths

BANDS = cie.CAMERA_BANDS
CAMERA = cie.default_camera()


def test_they_have_their_colour_and_are_reflectances():
    rgb = np.random.default_rng(0).uniform(0.01, 0.95, (100, 3)) ** 2.2
    metamers = smooth_metamers(rgb, BANDS)
    np.testing.assert_allclose(metamers @ CAMERA.T, np.maximum(rgb, 1e-3), atol=2e-5)
    assert metamers.min() > -0.02 and metamers.max() < 1.03


@pytest.mark.parametrize(
    "rgb", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1), (0, 0, 0)]
)
def test_the_corners_of_srgb_are_answered(rgb):
    (metamer,) = smooth_metamers([rgb], BANDS)
    np.testing.assert_allclose(CAMERA @ metamer, rgb, atol=0.01)
    assert np.isfinite(metamer).all() and metamer.min() > -0.05 and metamer.max() < 1.05


def test_grey_is_flat():
    np.testing.assert_allclose(smooth_metamers([[0.3, 0.3, 0.3]], Wavelengths.from_step(400, 700, 1)), 0.3, atol=1e-6)


def test_none_is_smoother():
    """In the variable in which the slope is measured, any metamer near by is rougher."""
    rgb, rng = np.array([0.5, 0.3, 0.1]), np.random.default_rng(1)
    z = np.arctanh(2 * smooth_metamers([rgb], BANDS)[0].astype(np.float64) - 1)
    rise = (1 - np.tanh(z) ** 2) / 2
    unseen = np.linalg.svd(CAMERA * rise)[2][3:]  # changes of z that leave the colour, to first order
    for change in rng.normal(size=(50, 28)) @ unseen:
        assert (np.diff(z + 0.05 * change) ** 2).sum() > (np.diff(z) ** 2).sum()
