"""Libraries are read as they are, and colour checkers stay out of training."""

import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.spectral_library import (
    MARGIN,
    Library,
    even_in_chromaticity,
    read_libraries,
    without_charts,
    without_clusters,
)
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
    bands = cie.CAMERA_BANDS
    patches = cie.colour_checker(bands)
    near, far = patches[:3] + 0.005, np.tile(np.linspace(0, 1, 31, dtype=np.float32), (2, 1))
    plain = Library("paints", bands, np.concatenate([near, far]))
    chart = Library("iset_macbethChart", bands, far)
    (kept,) = without_charts([plain, chart])
    np.testing.assert_array_equal(kept.values, far)


def test_fine_spectra_are_compared_with_the_patches_too():
    fine = Wavelengths.from_step(400, 700, 1)
    (kept,) = without_charts([Library("tm30", fine, cie.colour_checker(fine))])
    assert len(kept.values) == 0


def test_exact_on_samples_and_close_between_them():
    coarse, fine = worlds.library("one", 10), worlds.library("one", 1)
    np.testing.assert_allclose(coarse.at([400, 550, 700]), coarse.values[:, [0, 15, 30]], atol=1e-6)
    np.testing.assert_array_equal(fine.at([400, 555, 700]), fine.values[:, [0, 155, 300]])
    np.testing.assert_allclose(coarse.at(fine.wavelengths.nm), fine.values, atol=3e-3)
    np.testing.assert_allclose(fine.at([555.5])[:, 0], fine.values[:, 155:157].mean(1), rtol=1e-5)


def test_what_is_kept_out_has_no_neighbour_among_what_is_learned():
    coarse, fine = worlds.library("coarse", 10, 400), worlds.library("fine", 1, 100)
    learned, held = without_clusters([coarse, fine])
    assert [library.name for library in held] == ["fine"]
    assert len(held[0].values) >= 10
    out = held[0].at(cie.CAMERA_BANDS.nm)
    for library in learned:
        spectra = library.at(cie.CAMERA_BANDS.nm)
        distances = np.sqrt(((spectra[:, None] - out) ** 2).mean(-1))
        assert distances.min() >= MARGIN
    assert sum(len(library.values) for library in learned) > 300


def test_without_a_fine_library_nothing_is_kept_out():
    learned, held = without_clusters([worlds.library("coarse", 10)])
    assert len(learned[0].values) == 60
    assert held == []


def test_a_crowded_colour_is_drawn_as_often_as_a_rare_one():
    spectra = np.stack([np.linspace(0, 1, 31), np.linspace(1, 0, 31)]).astype(np.float32)
    library = Library("crowd", cie.CAMERA_BANDS, spectra[[0] * 9 + [1]])
    assert even_in_chromaticity(library.at(cie.CAMERA_BANDS.nm), 1.0)[-1] == pytest.approx(0.5)
    assert even_in_chromaticity(library.at(cie.CAMERA_BANDS.nm), 0.0)[-1] == pytest.approx(0.1)
