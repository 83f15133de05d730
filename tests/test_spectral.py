"""Types check once what an array is, and say what is allowed."""

import numpy as np
import pytest
from PIL import Image

import nesr_gui
from nesr_gui.spectral import RGBImage, SpectralCube, Spectrum, Wavelengths, as_wavelength_array, varied_pixels


def test_every_includes_its_end_where_steps_reach_it():
    assert list(Wavelengths.from_step(400, 700, 10)) == list(range(400, 701, 10))
    assert len(Wavelengths.from_step(400, 700, 0.1)) == 3001
    assert list(Wavelengths.from_step(400, 425, 10)) == [400, 410, 420]
    assert list(Wavelengths.from_step(500, 500, 1)) == [500]


@pytest.mark.parametrize(("start", "stop"), [(905.898, 1428.898), (350.91, 650.91), (351.17, 951.17)])
def test_steps_do_not_go_beyond_their_end_by_rounding(start, stop):
    nm = Wavelengths.from_step(start, stop, 1).nm
    assert nm[-1] == stop and len(nm) == round(stop - start) + 1


def test_count_includes_both_ends():
    assert list(Wavelengths.evenly_spaced(4)) == [400, 500, 600, 700]
    assert list(Wavelengths.evenly_spaced(1)) == [550]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("400:700:100", [400, 500, 600, 700]), ("450,550.5", [450, 550.5]), (" 450 , 460 ", [450, 460]), ("500", [500])],
)
def test_parse(text, expected):
    assert list(Wavelengths.parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a", "400:700", "400:700:0", "700:400:10", "400:700:nan", "450,450", "460,450", "inf", "0,1", "1:9e9:1e-9"],
)
def test_what_is_no_list_of_wavelengths_is_refused(text):
    with pytest.raises(ValueError, match="wavelengths|step"):
        Wavelengths.parse(text)


def test_wavelengths_cannot_be_changed_afterwards():
    nm = np.array([400.0, 500.0])
    wavelengths = Wavelengths(nm)
    nm[0] = 600
    assert list(wavelengths) == [400, 500]
    with pytest.raises(ValueError, match="read-only"):
        wavelengths.nm[0] = 1


def test_mismatches_are_said():
    with pytest.raises(ValueError, match=r"cube of shape \(3, 2, 2\) does not match 2 wavelengths"):
        SpectralCube(np.zeros((3, 2, 2), np.float32), Wavelengths.evenly_spaced(2))
    with pytest.raises(ValueError, match="does not match 2"):
        Spectrum(Wavelengths.evenly_spaced(2), np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="expected"):
        RGBImage(np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match="outside"):
        RGBImage(np.full((2, 2, 3), 1.1, np.float32))
    with pytest.raises(ValueError, match="finite"):
        as_wavelength_array([np.nan])
    with pytest.raises(ValueError, match="at least one"):
        as_wavelength_array([])


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (8, 6), (1, 30)])
@pytest.mark.parametrize("most", [1, 6, 12, 1000])
def test_reduction_averages_blocks_in_linear_light(shape, most):
    image = RGBImage(np.random.default_rng(0).random((*shape, 3)).astype(np.float32))
    small = image.reduced(most)
    n = small.binning
    assert small.shape[0] * small.shape[1] <= most
    assert small.source_shape == shape
    for row, col in np.ndindex(small.shape):
        block = image.values[row * n : row * n + n, col * n : col * n + n]
        np.testing.assert_allclose(small.values[row, col], block.mean((0, 1)), rtol=1e-5)


def test_a_small_image_is_not_copied():
    image = RGBImage(np.zeros((4, 4, 3), np.float32))
    assert image.reduced(16) is image


@pytest.mark.parametrize("most", [0, -5])
def test_a_photograph_of_no_pixels_is_refused(most, tmp_path):
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(tmp_path / "photo.png")
    with pytest.raises(ValueError, match=f"at most {most} pixels requested; choose at least 1"):
        nesr_gui.reconstruct(tmp_path / "photo.png", max_pixels=most)


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (1, 1), (1, 50), (20, 300), (300, 20), (100, 2400)])
def test_pixels_of_different_colours_are_found_in_images_of_any_proportions(shape):
    height, width = shape
    image = np.random.default_rng(0).random((height, width, 3), np.float32)  # of no use …
    colours = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.1], [0.1, 0.1, 0.6]], np.float32)
    parts = np.array_split(np.arange(max(shape)), 4)[:3]
    for part, colour in zip(parts, colours, strict=True):  # … but for three areas
        image[(slice(None), part) if width >= height else part] = colour
    found = varied_pixels(RGBImage(image, binning=2))
    assert all(row < 2 * height and col < 2 * width for row, col in found)
    chosen = {tuple(image[row // 2, col // 2]) for row, col in found}
    assert len(found) == min(3, image[..., 0].size)
    if min(shape) < 12:
        return
    assert all(0 < row // 2 < height - 1 and 0 < col // 2 < width - 1 for row, col in found), "not at an edge"
    assert chosen == {tuple(colour) for colour in colours}
