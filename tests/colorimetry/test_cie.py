"""The default camera, transfer functions, and colours of wavelengths."""

import colorsys
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

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
    assert red[0] > 200 > 70 > max(red[1:])
    assert cie.wavelength_colours([400, 700]).max(axis=1).min() > 60


def test_the_spectral_locus_is_that_of_the_standard_observer():
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"]
    xyz = np.stack([np.interp(np.arange(400, 701, 5), observer.wavelengths, table) for table in observer.values.T], -1)
    np.testing.assert_allclose(cie._LOCUS, xyz[:, :2] / xyz.sum(axis=-1, keepdims=True), atol=6e-5)


def hues(codes):
    """Hue angles in degrees (HSV), continuous from one colour to the next."""
    return np.rad2deg(np.unwrap([2 * np.pi * colorsys.rgb_to_hsv(*(code / 255))[0] for code in codes]))


def test_hues_of_wavelengths_go_one_way_and_nowhere_stand_still():
    nm = np.arange(400, 701, 5)
    hue = hues(cie.wavelength_colours(nm))
    assert (np.diff(hue) <= 1.0).all()  # a degree of 8-bit steps where it is dim
    assert (np.diff(hue)[(nm[:-1] >= 430) & (nm[:-1] < 640)] < -0.2).all()
    assert hue[0] > 250 and hue[-1] > -25


def oklab_hues(rgb):
    """Hue angles in radians of linear sRGB colours, continuous from one to the next."""
    lab = np.cbrt(rgb @ cie._OKLAB_LMS.T) @ cie._OKLAB_LAB.T
    return np.unwrap(np.arctan2(lab[:, 2], lab[:, 1]))


def test_oklab_is_that_of_colour_science():
    """As published, from linear sRGB; colour-science has it from XYZ with its own rounding of the matrix."""
    rgb = np.random.default_rng(1).random((50, 3))
    expected = colour.XYZ_to_Oklab(colour.RGB_to_XYZ(rgb, "sRGB"))
    np.testing.assert_allclose(np.cbrt(rgb @ cie._OKLAB_LMS.T) @ cie._OKLAB_LAB.T, expected, atol=2e-3)
    np.testing.assert_allclose(rgb @ np.linalg.inv(cie._XYZ_TO_SRGB).T, colour.RGB_to_XYZ(rgb, "sRGB"), atol=2e-4)


def test_colours_of_wavelengths_are_inside_srgb_at_the_hue_of_the_spectrum():
    """Clipping negative values instead would turn the hue."""
    _, rgb = cie._spectral_colours()
    assert rgb.min() >= 0 and np.allclose(rgb.max(axis=-1), 1)
    x, y = cie._LOCUS.T
    spectral = np.stack([x / y, np.ones_like(x), (1 - x - y) / y], axis=-1) @ cie._XYZ_TO_SRGB.T
    assert spectral.min() < -0.5
    np.testing.assert_allclose(oklab_hues(rgb), oklab_hues(spectral), atol=1e-6)


def test_the_ends_fade_at_one_hue_and_nothing_beyond_has_a_hue():
    ends = cie.wavelength_colours([400, 390, 382, 700, 720, 740]).astype(float)
    for bright, *dimmer in (ends[:3], ends[3:]):
        assert bright.max() > dimmer[0].max() > dimmer[1].max() > 20
        np.testing.assert_allclose([hues([code])[0] % 360 for code in dimmer], hues([bright])[0] % 360, atol=4)
    grey = cie.wavelength_colours([300, 379, 751, 1000, 2500])
    assert (grey == grey[0, 0]).all() and 60 < grey[0, 0] < 160


def test_checker_is_interpolated_between_published_samples():
    fine = cie.colour_checker(Wavelengths.from_step(400, 700, 5))
    coarse = cie.colour_checker(cie.CAMERA_BANDS)
    np.testing.assert_array_equal(fine[:, ::2], coarse)
    np.testing.assert_allclose(fine[:, 1], coarse[:, :2].mean(1), rtol=1e-5)


def test_an_unknown_illuminant_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="unknown CIE illuminant 'D66'; choose A, D50"):
        cie.illuminant("D66")


def test_threads_that_need_colours_at_once_import_them_one_after_the_other(monkeypatch):
    """Each removed placeholders of Matplotlib that the other had installed: KeyError at a start, once in a while."""
    both_inside, met = threading.Barrier(2), []

    @contextmanager
    def inside() -> Iterator[None]:
        try:
            both_inside.wait(timeout=0.2)
            met.append(True)
        except threading.BrokenBarrierError:
            met.append(False)
        yield

    monkeypatch.setattr(cie, "_without_matplotlib", inside)
    monkeypatch.setattr(cie, "_colour", cache(cie._colour.__wrapped__))
    threads = [threading.Thread(target=cie._colour) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == [False, False]


def test_the_library_of_colours_does_not_bring_matplotlib():
    """It would make the window a second slower to open. Training, which draws with it, still finds the real one."""
    code = (
        "import sys; from nesr_gui.colorimetry import cie; cie.default_camera()\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import matplotlib.figure, cycler; assert isinstance(cycler.__version__, str)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
