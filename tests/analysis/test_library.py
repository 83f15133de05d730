"""Libraries of several files: search, order, resampling, and what is left out."""

import numpy as np
import pytest

from nesr_gui.analysis.library import SpectralLibrary, read_entries
from nesr_gui.analysis.pixelwise import at_wavelengths, bands_within, parse_range, sampled_rows
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.io.spectra.csv import write_curves
from nesr_gui.io.spectra.envi_library import write_curves as write_library
from nesr_gui.spectral import Spectrum, Wavelengths
from tests.analysis.scenes import BANDS, chart_spectra, field_of, mixed_cube


@pytest.fixture
def folder(tmp_path):
    named = zip(chart_spectra(3), ("leaf 10", "leaf 2", "Red brick"), strict=True)
    spectra = [Spectrum(spectrum.wavelengths, spectrum.values, name) for spectrum, name in named]
    write_curves(tmp_path / "a.csv", spectra)
    (tmp_path / "below").mkdir()
    write_library(tmp_path / "below" / "b.sli", [Spectrum(BANDS, np.ones(31, np.float32), "white")])
    (tmp_path / "notes.txt").write_text("these are notes")
    (tmp_path / "picture.png").write_bytes(b"no spectrum")
    return tmp_path


def test_files_and_folders_are_read_together(folder):
    library = SpectralLibrary.read([folder])
    assert library.names == ("leaf 10", "leaf 2", "Red brick", "white")
    assert [entry.file for entry in library.entries][-1].replace("\\", "/") == "below/b.sli"
    assert SpectralLibrary.read([folder / "below" / "b.sli", folder / "a.csv"]).names[0] == "white"
    with pytest.raises(ValueError, match="cannot read spectra from notes.txt"):  # a file that is named must be readable
        SpectralLibrary.read([folder / "notes.txt"])
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no spectra; choose files such as .csv"):
        SpectralLibrary.read([folder / "empty"])


def test_search_and_order(folder):
    library = SpectralLibrary.read([folder])
    assert library.search("BRICK red").names == ("Red brick",)
    assert library.search("b.sli").names == ("white",)
    assert len(library.search("")) == 4 and len(library.search("leaf brick")) == 0
    assert library.sorted_by_name().names == ("leaf 2", "leaf 10", "Red brick", "white")


def test_spectra_are_chosen_by_name(folder):
    library = SpectralLibrary.read([folder])
    assert [s.name for s in library.pick(["white", "leaf 2"])] == ["white", "leaf 2"]
    with pytest.raises(ValueError, match="the library has no spectra named 'leaf'; choose one of its 4: leaf 10, leaf"):
        library.pick(["leaf"])
    doubled = SpectralLibrary((*library.entries, library.entries[0]))
    with pytest.raises(ValueError, match="the library has 2 spectra named 'leaf 10'"):
        doubled.pick(["leaf 10"])


def test_resampling_is_linear_bridges_gaps_and_leaves_out_what_does_not_cover():
    nm = Wavelengths(np.array([390.0, 500, 600, 710]))
    gap = Spectrum(nm, np.array([1, np.nan, 3, 4], np.float32), "gap")
    short = Spectrum(BANDS, np.where(BANDS.nm > 690, np.nan, 1).astype(np.float32), "short")
    library, values = SpectralLibrary.of([gap, short]).covering(BANDS)
    assert library.names == ("gap",)
    np.testing.assert_allclose(values[0], np.interp(BANDS.nm, [390, 600, 710], [1, 3, 4]), rtol=1e-6)
    np.testing.assert_array_equal(at_wavelengths([gap], BANDS, "target"), values)
    with pytest.raises(ValueError, match="the target short covers 400-690 nm, but 400-700 nm is analysed"):
        at_wavelengths([short], BANDS, "target")


def test_ranges_are_parsed_and_bands_chosen():
    assert parse_range("450-650") == (450, 650) == parse_range("450:650")
    for text in ("450", "a-b", "650-450", "-1-5", "450-inf", ""):
        with pytest.raises(ValueError, match="START-STOP in nm, as in 450-650"):
            parse_range(text)
    field = field_of(mixed_cube(4, 5))
    assert bands_within(field).nm.tolist() == BANDS.nm.tolist()
    assert bands_within(field, (455, 480)).nm.tolist() == [460, 470, 480]


SIZES = [(1000, 100, 5000), (97, 7, 300), (40, 10, 200), (17, 5, 10), (3000, 2400, 1 << 16), (9000, 6000, 1 << 15)]


@pytest.mark.parametrize(("height", "width", "sample"), SIZES)
def test_sampled_rows_are_spread_and_few(height, width, sample):
    strips = sampled_rows(slice(3, 3 + height), width, sample)
    rows = [row for strip in strips for row in range(strip.start, strip.stop)]
    assert len(set(rows)) == len(rows) and min(rows) >= 3 and max(rows) < 3 + height
    assert len(rows) * width <= max(sample, width)
    if height * width > sample >= 5 * width:  # each fifth of the height is represented by about a fifth of the rows
        counts = np.histogram(rows, 5, (3, 3 + height))[0]
        assert counts.min() > 0 and counts.max() <= max(2 * counts.min(), counts.min() + 16)
    assert sampled_rows(slice(3, 3 + height), width, None) == [slice(3, 3 + height)]


def test_spectra_are_resampled_once_for_the_same_wavelengths(folder):
    library = SpectralLibrary.read([folder])
    covering, values = library.covering(BANDS)
    assert library.covering(Wavelengths(BANDS.nm.copy()))[1] is values
    fewer = Wavelengths(BANDS.nm[5:9])
    np.testing.assert_array_equal(library.covering(fewer)[1], values[:, 5:9])
    again, others = library.covering(BANDS)
    assert again.names == covering.names
    np.testing.assert_array_equal(others, values)
    with pytest.raises(ValueError, match="read-only"):
        others[0, 0] = 1


def test_other_ranges_of_as_many_wavelengths_are_resampled_anew():
    spectra = chart_spectra(3)
    library = SpectralLibrary.of(spectra)
    for low in (400, 450, 420):
        wanted = Wavelengths.from_step(low, low + 200, 20)
        values = library.covering(wanted)[1]
        np.testing.assert_allclose(values, [np.interp(wanted.nm, BANDS.nm, each.values) for each in spectra], atol=1e-6)


def test_a_folder_reports_progress_and_what_has_no_spectra(folder):
    reported = []
    entries, skipped = read_entries(folder, reported.append)
    assert [entry.name for entry in entries] == ["leaf 10", "leaf 2", "Red brick", "white"]
    assert skipped == ["notes.txt"] and reported == [0, 1 / 3, 2 / 3]  # below/b.hdr belongs to its .sli

    def cancel(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        read_entries(folder, cancel)
    with pytest.raises(Cancelled):
        SpectralLibrary(tuple(entries)).covering(BANDS, cancel)
