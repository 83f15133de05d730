"""Spectra as instruments, lamp makers and ENVI write them."""

from pathlib import Path

import numpy as np
import pytest

from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.spectra.csv import write_curves
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.spectral import Spectrum, Wavelengths


@pytest.mark.parametrize(
    "text",
    [
        "wavelength,R,G\n400,1,2\n500,3,4\n600,5,6\n",
        "400,1,2\n500,3,4\n600,5,6",
        "nm;R;G\r\n400;1,0;2,0\r\n500;3,0;4,0\r\n600;5,0;6,0\r\n",
        "# a comment\nnm\tR\tG\n400\t1\t2\n500\t3\t4\n600\t5\t6\n",
        "some title\nnm R G\n400 1 2\n500 3 4\n600 5 6\n",
        "0.4,1,2\n0.5,3,4\n0.6,5,6\n",
        '"wavelength (µm)","R","G"\n0.4,1,2\n0.5,3,4\n0.6,5,6\n',
        "nm,R,G\n600,5,6\n500,3,4\n400,1,2\n",
        "\ufeffnm, R, G\n400, 1, 2\n500, 3, 4\n600, 5, 6\n",
    ],
)
def test_any_usual_table_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "lamp.csv").write_text(text, encoding="utf-8")
    red, green = read_spectra(tmp_path / "lamp.csv")
    np.testing.assert_allclose(red.wavelengths.nm, [400, 500, 600])
    assert red.values.tolist() == [1, 3, 5] and green.values.tolist() == [2, 4, 6]
    assert [red.name, green.name] in (["R", "G"], ["lamp 1", "lamp 2"])


def test_a_single_column_without_a_name_has_the_name_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "office.txt").write_text("400 1\n500 2\n")
    assert [spectrum.name for spectrum in read_spectra(tmp_path / "office.txt")] == ["office"]


def test_the_programs_own_curves_are_read(tmp_path: Path) -> None:
    written = [
        Spectrum(Wavelengths.evenly_spaced(31), np.linspace(0, 1, 31), name) for name in ("pin 1 (row 1, col 2)", "b")
    ]
    write_curves(tmp_path / "c.csv", written, provenance={"source": "x"})
    for before, after in zip(written, read_spectra(tmp_path / "c.csv"), strict=True):
        assert after.name == before.name
        np.testing.assert_array_equal(after.values, before.values)


@pytest.mark.parametrize(
    "text",
    ["", "hello\n", "400\n500\n", "400,1\n500\n", "400,1\nx,2\n", "nan,1\n500,2\n", "400,1\n400,2\n", "-4,1\n5,2\n"],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(UnreadableFile, match=r"cannot read spectra from bad.csv: .*expected a table"):
        read_spectra(tmp_path / "bad.csv")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(b"\x89PNG\r\n\xff\xfe\0\0")
    with pytest.raises(UnreadableFile):
        read_spectra(tmp_path / "bad.csv")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file"):
        read_spectra(tmp_path / "none.sli")


def _library(path: Path, unit: str, centres: list[float]) -> None:
    np.array([[1, 2, 3], [4, 5, 6]], "<f4").tofile(path)
    path.with_suffix(".hdr").write_text(
        "ENVI\nsamples = 3\nlines = 2\nbands = 1\nheader offset = 0\nfile type = ENVI Spectral Library\ndata type = 4\n"
        f"interleave = bsq\nbyte order = 0\nwavelength units = {unit}\n"
        f"wavelength = {{{', '.join(map(str, centres))}}}\n"
        "spectra names = {grass, stone}\n"
    )


@pytest.mark.parametrize("opened", ["lib.sli", "lib.hdr"])
@pytest.mark.parametrize(("unit", "centres"), [("Nanometers", [400, 500, 600]), ("Micrometers", [0.4, 0.5, 0.6])])
def test_an_envi_library_is_read(tmp_path: Path, opened: str, unit: str, centres: list[float]) -> None:
    _library(tmp_path / "lib.sli", unit, centres)
    grass, stone = read_spectra(tmp_path / opened)
    assert (grass.name, stone.name) == ("grass", "stone")
    np.testing.assert_allclose(grass.wavelengths.nm, [400, 500, 600])
    assert grass.values.tolist() == [1, 2, 3] and stone.values.tolist() == [4, 5, 6]


def test_a_damaged_envi_library_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "lib.hdr").write_text("no header")
    with pytest.raises(UnreadableFile, match=r"is not an ENVI header"):
        read_spectra(tmp_path / "lib.hdr")
    (tmp_path / "alone.sli").write_bytes(b"\0" * 24)
    with pytest.raises(UnreadableFile, match=r"no ENVI header"):
        read_spectra(tmp_path / "alone.sli")


def test_deleted_channels_of_usgs_are_gaps(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("wavelength_um leaf\n0.4 0.1\n0.5 -1.23e34\n0.6 2e-7\n")
    curve = read_spectra(tmp_path / "c.txt")[0]
    assert np.isnan(curve.values).tolist() == [False, True, False] and curve.values[2] == np.float32(2e-7)
