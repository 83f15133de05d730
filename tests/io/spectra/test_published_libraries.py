"""Text files as the ECOSTRESS and USGS libraries publish them."""

import numpy as np
import pytest
from spectral.database.ecostress import read_ecostress_file

from nesr_gui.analysis.library import read_entries
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.spectra import usgs
from nesr_gui.io.spectra.readers import read_spectra

ECOSTRESS = """Name: Construction Asphalt
Type: manmade
Class: Road
Subclass: Tar
Particle Size: Solid
Sample No.: 0095UUUASP
Owner: National Photographic Interpretation Center
Wavelength Range: All
Origin: Spectra obtained from the National Photographic Interpretation Center
Collection Date: N/A
Description: Black Tar. Original filename 0095UUU.ASP
Geologic Age: none
Measurement: Directional (10 Degree) Hemispherical Reflectance
First Column: X
Second Column: Y
X Units: Wavelength (micrometers)
Y Units: Reflectance (percent)
First X Value: 0.300
Last X Value: 14.000
Number of X Values: 4
Additional Information: none

 14.0000\t 3.1000
  0.7000\t 8.5000
  0.5000\t 7.2500
  0.3000\t 5.0000
"""


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_ecostress_file_is_read_like_spectral_python_reads_it(tmp_path):
    path = tmp_path / "manmade.road.tar.txt"
    path.write_text(ECOSTRESS)
    (spectrum,) = read_spectra(path)
    expected = read_ecostress_file(str(path))
    np.testing.assert_allclose(spectrum.wavelengths.nm, 1000 * np.array(expected.x))
    np.testing.assert_allclose(spectrum.values, np.array(expected.y) / 100, rtol=1e-6)
    assert spectrum.name == "Construction Asphalt (0095UUUASP)"


def test_odd_lines_fractions_nanometres_and_latin_letters(tmp_path):
    text = (
        ECOSTRESS.replace("(percent)", "(fraction)").replace("(micrometers)", "(nanometers)").replace("none", "n\xe9")
    )
    text = text.replace("14.0000\t 3.1000", "1400\t 0.31\n0 0\n-1 2\n7\n1 2 3").replace("Sample No.: 0095UUUASP", "")
    text = text.replace("0.7000\t 8.5", "700 0.5").replace("0.5000\t 7.25", "500 -1.23e34").replace("0.3000", "300")
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode("latin-1"))
    (spectrum,) = read_spectra(path)
    assert spectrum.wavelengths.nm.tolist() == [300, 500, 700, 1400]
    np.testing.assert_allclose(spectrum.values, [5, np.nan, 0.5, 0.31])
    assert spectrum.name == "Construction Asphalt"


@pytest.mark.parametrize("unit", ["Wavenumber (cm-1)", "Wavenumbers (cm^-1)", "Wavenumber"])
def test_wavenumbers_of_an_ecostress_file_become_wavelengths(tmp_path, unit):
    text = ECOSTRESS.replace("Wavelength (micrometers)", unit).replace("14.0000", "14000").replace("0.7000", "16000")
    (tmp_path / "a.txt").write_text(text.replace("0.5000", "20000").replace("0.3000", "25000"))
    (spectrum,) = read_spectra(tmp_path / "a.txt")
    np.testing.assert_allclose(spectrum.wavelengths.nm, 1e7 / np.array([25000, 20000, 16000, 14000]))
    np.testing.assert_allclose(spectrum.values, [0.05, 0.0725, 0.085, 0.031], rtol=1e-6)


def test_an_unknown_unit_of_an_ecostress_file_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text(ECOSTRESS.replace("(micrometers)", "(furlong)"))
    with pytest.raises(UnreadableFile, match="its wavelengths are unclear: they are in 'furlong'; expected nm, µm"):
        read_spectra(tmp_path / "a.txt")


@pytest.fixture
def library(tmp_path):
    """The layout of the USGS library: wavelengths in the folder of the library, spectra in chapters below."""
    chapter = tmp_path / "ASCIIdata_splib07a" / "ChapterV_Vegetation"
    chapter.mkdir(parents=True)

    def write(path, title, values):
        path.write_text("\n".join([title, *(f" {value}" for value in values)]) + "\n")

    write(chapter.parent / "splib07a_Wavelengths_BECK_Beckman_0.2-3.0_microns.txt",
          "splib07a Record=1: Wavelengths BECK Beckman 0.2-3.0 microns", [0.4, 0.5, 0.6])  # fmt: skip
    write(chapter.parent / "splib07a_Wavelengths_ASD_0.35-2.5_microns_2151_ch.txt",
          "splib07a Record=2: Wavelengths ASD 0.35-2.5 microns 2151 ch", [0.35, 0.45, 0.55])  # fmt: skip
    write(chapter / "splib07a_Grass_BECKa_AREF.txt", "splib07a Record=16430: Grass_Golden_Dry GDS480    BECKa AREF",
          [1.2e-1, "-1.2300000e+034", 0.3])  # fmt: skip
    write(chapter / "splib07a_Leaf_ASDFRa_AREF.txt", "splib07a Record=7: Leaf ASDFRa AREF", [0.1, 0.2, 0.3])
    write(chapter / "splib07a_Long_ASDFRa_AREF.txt", "splib07a Record=8: Long ASDFRa AREF", [0.1] * 5)
    return chapter


def test_a_usgs_spectrum_finds_the_wavelengths_of_its_spectrometer(library):
    (grass,) = read_spectra(library / "splib07a_Grass_BECKa_AREF.txt")
    np.testing.assert_allclose(grass.wavelengths.nm, [400, 500, 600])
    np.testing.assert_allclose(grass.values, [0.12, np.nan, 0.3])
    assert grass.name == "Grass_Golden_Dry GDS480 BECKa AREF"
    (leaf,) = read_spectra(library / "splib07a_Leaf_ASDFRa_AREF.txt")
    np.testing.assert_allclose(leaf.wavelengths.nm, [350, 450, 550])


def test_what_is_missing_is_told(library):
    with pytest.raises(UnreadableFile, match="no file of 5 wavelengths lies beside it or above; copy the library's"):
        read_spectra(library / "splib07a_Long_ASDFRa_AREF.txt")
    axis = library.parent / "splib07a_Wavelengths_BECK_Beckman_0.2-3.0_microns.txt"
    with pytest.raises(UnreadableFile, match="it holds the wavelengths of other files, not a spectrum"):
        read_spectra(axis)
    other = library / "splib07a_Other_AREF.txt"
    other.write_text("splib07a Record=9: Other AREF\n0.1\n0.2\n0.3\n")
    with pytest.raises(UnreadableFile, match="several files beside it have 3 wavelengths"):
        read_spectra(other)
    other.write_text("splib07a Record=9: Other AREF\n0.1\nx\n0.3\n")
    with pytest.raises(UnreadableFile, match="cannot read spectra from splib07a_Other_AREF.txt"):
        read_spectra(other)


def test_a_folder_of_usgs_files_reads_its_wavelengths_once_and_anew_the_next_time(library, monkeypatch):
    folders, read = [], usgs._axes_of
    monkeypatch.setattr(usgs, "_axes_of", lambda folder: (folders.append(folder), read(folder))[1])
    entries, skipped = read_entries(library.parent)
    assert [entry.name for entry in entries] == ["Grass_Golden_Dry GDS480 BECKa AREF", "Leaf ASDFRa AREF"]
    assert [entry.spectrum.wavelengths.nm[0].round(6) for entry in entries] == [400, 350] and len(skipped) == 3
    assert len(folders) == len(set(folders)), "each folder once, however many spectra are in it"
    axis = library.parent / "splib07a_Wavelengths_ASD_0.35-2.5_microns_2151_ch.txt"
    axis.write_text(axis.read_text().replace("0.35\n", "0.36\n"))
    assert read_entries(library.parent)[0][1].spectrum.wavelengths.nm[0] == pytest.approx(360)
