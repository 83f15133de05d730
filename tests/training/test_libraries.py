"""Libraries are read as they are, and colour checkers stay out of training."""

import numpy as np
import pytest

from nesr_gui import colorimetry
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.libraries import Library, even_in_chromaticity, read_libraries, without_charts
from tests.training import worlds


def test_sets_of_a_file_come_back(tmp_path):
    worlds.write_library(tmp_path / "a.npz", worlds.library("one", 10), worlds.library("two", 10, 7))
    one, two = read_libraries([tmp_path / "a.npz"])
    assert (one.name, len(two.values)) == ("one", 7)
    np.testing.assert_allclose(one.values, worlds.library("one", 10).values, atol=1e-5)


@pytest.mark.parametrize("content", ["text", {"a": 1}, {"wavelengths": [500.0, 600.0], "a": [[1, 2]]}])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    if isinstance(content, str):
        path.write_text(content)
    else:
        np.savez(path, **{name: np.array(value) for name, value in content.items()})
    with pytest.raises(ValueError, match=r"a\.npz"):
        read_libraries([path])


def test_charts_by_name_and_spectra_near_a_patch_are_left_out():
    bands = colorimetry.CAMERA_BANDS
    patches = colorimetry.colour_checker(bands)
    near, far = patches[:3] + 0.005, np.tile(np.linspace(0, 1, 31, dtype=np.float32), (2, 1))
    plain = Library("paints", bands, np.concatenate([near, far]))
    chart = Library("iset_macbethChart", bands, far)
    (kept,) = without_charts([plain, chart])
    np.testing.assert_array_equal(kept.values, far)


def test_fine_spectra_are_compared_with_the_patches_too():
    fine = Wavelengths.every(400, 700, 1)
    (kept,) = without_charts([Library("tm30", fine, colorimetry.colour_checker(fine))])
    assert len(kept.values) == 0


def test_linear_between_samples_and_exact_on_them():
    library = worlds.library("one", 10)
    np.testing.assert_array_equal(library.at([400, 550, 700]), library.values[:, [0, 15, 30]])
    np.testing.assert_allclose(library.at([555])[:, 0], library.values[:, 15:17].mean(1), rtol=1e-6)


def test_a_crowded_colour_is_drawn_as_often_as_a_rare_one():
    spectra = np.stack([np.linspace(0, 1, 31), np.linspace(1, 0, 31)]).astype(np.float32)
    library = Library("crowd", colorimetry.CAMERA_BANDS, spectra[[0] * 9 + [1]])
    assert even_in_chromaticity(library, 1.0)[-1] == pytest.approx(0.5)
    assert even_in_chromaticity(library, 0.0)[-1] == pytest.approx(0.1)
