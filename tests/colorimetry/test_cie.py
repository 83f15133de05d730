"""The default camera, transfer functions, and colours of wavelengths."""

import subprocess
import sys

import colour
import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.spectral import Wavelengths


def test_white_is_white_and_black_black():
    np.testing.assert_allclose(cie.render_camera_rgb(np.ones(31)), 1, atol=1e-6)
    np.testing.assert_allclose(cie.render_camera_rgb(np.full(31, 0.18)), 0.18, atol=1e-6)
    assert (cie.render_camera_rgb(np.zeros((2, 3, 31))) == 0).all()


def test_the_colour_checker_photographs_as_published():
    """sRGB codes of the chart's patches as the industry quotes them, within the few codes of adaptation."""
    patches = cie.render_camera_rgb(cie.colour_checker(cie.CAMERA_BANDS))
    codes = cie.encode_srgb(patches) * 255
    quoted = {0: (115, 82, 68), 2: (98, 122, 157), 13: (70, 148, 73), 14: (175, 54, 60), 18: (243, 243, 242)}
    for index, code in quoted.items():
        np.testing.assert_allclose(codes[index], code, atol=9)


def test_transfer_functions_undo_each_other():
    linear = np.linspace(0, 1, 1001, dtype=np.float32)
    np.testing.assert_allclose(cie.decode_srgb(cie.encode_srgb(linear)), linear, atol=2e-6)
    assert float(cie.encode_srgb(0.18)) == pytest.approx(0.4614, abs=1e-4)


def test_wavelengths_look_like_themselves():
    violet, blue, green, yellow, red = cie.wavelength_colours([410, 460, 530, 580, 640]).astype(int)
    assert violet[2] > violet[0] > violet[1]
    assert blue[2] > 200 > 100 > blue[1]
    assert green[1] == green.max()
    assert min(yellow[:2]) > 150 > yellow[2]
    assert red[0] > 200 > 50 > max(red[1:])
    assert cie.wavelength_colours([400, 700]).max(axis=1).min() > 60


def test_the_colours_of_wavelengths_are_nearly_those_of_the_standard_observer():
    nm = np.arange(420, 681, 5.0)
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"]
    xyz = np.stack([np.interp(nm, observer.wavelengths, observer.values[:, i]) for i in range(3)], axis=-1)
    rgb = np.maximum(xyz @ colour.RGB_COLOURSPACES["sRGB"].matrix_XYZ_to_RGB.T, 0)
    hues = cie.encode_srgb(rgb / rgb.max(axis=-1, keepdims=True))
    drawn = cie.wavelength_colours(nm) / 255
    assert np.abs(drawn / drawn.max(axis=-1, keepdims=True) - hues).max() < 0.13


def test_wavelengths_that_nobody_sees_are_drawn_dark_and_not_black():
    assert (cie.wavelength_colours([300, 1000, 2500]).max(axis=1) > 60).all()


def test_checker_is_interpolated_between_published_samples():
    fine = cie.colour_checker(Wavelengths.from_step(400, 700, 5))
    coarse = cie.colour_checker(cie.CAMERA_BANDS)
    np.testing.assert_array_equal(fine[:, ::2], coarse)
    np.testing.assert_allclose(fine[:, 1], coarse[:, :2].mean(1), rtol=1e-5)


def test_the_library_of_colours_does_not_bring_matplotlib():
    """It would make the window a second slower to open. Training, which draws with it, still finds the real one."""
    code = (
        "import sys; from nesr_gui.colorimetry import cie; cie.default_camera()\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import matplotlib.figure, cycler; assert isinstance(cycler.__version__, str)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
