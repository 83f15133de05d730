"""Spectra as instruments, lamp makers and ENVI write them."""

import contextlib
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
    [
        "",
        "hello\n",
        "400\n500\n",
        "400,\n500,\n",
        "400,1\n500\n",
        "400,1\nx,2\n",
        "nan,1\n500,2\n",
        "400,1\n400,2\n",
        "-4,1\n5,2\n",
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(UnreadableFile, match=r"cannot read spectra from bad.csv: .*expected a table"):
        read_spectra(tmp_path / "bad.csv")


GAPPED = """nm,leaf,soil
400,0.1,{0}
410,0.2,{0}
420,{0},0.5
430,0.4,0.6
440,0.5,{0}
"""


@pytest.mark.parametrize("gap", ["", "-", "NA", "n/a", "#N/A", "nan", "NaN", "-1.23e34"])
@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
def test_gaps_are_no_values_wherever_they_stand(tmp_path: Path, gap: str, separator: str) -> None:
    if separator == " " and not gap:
        return  # which cannot be told from none
    text = GAPPED.format(gap).replace(",", separator)
    (tmp_path / "t.csv").write_text(text.replace("0.", "0,") if separator in ";\t" else text)
    leaf, soil = read_spectra(tmp_path / "t.csv")
    assert (leaf.name, soil.name) == ("leaf", "soil")
    assert leaf.wavelengths.nm.tolist() == [400, 410, 420, 430, 440]
    np.testing.assert_allclose(leaf.values, [0.1, 0.2, np.nan, 0.4, 0.5])
    np.testing.assert_allclose(soil.values, [np.nan, np.nan, 0.5, 0.6, np.nan])


@pytest.mark.parametrize("text", ["nm,leaf,\n400,1,\n500,2,\n", "nm\tleaf\n400\t1\t\n500\t2\t\n", "400;1;\n500;2;\n"])
def test_separators_at_the_ends_of_lines_make_no_spectrum(tmp_path: Path, text: str) -> None:
    (tmp_path / "leaf.csv").write_text(text)
    (leaf,) = read_spectra(tmp_path / "leaf.csv")
    assert (leaf.name, leaf.values.tolist()) == ("leaf", [1, 2])


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("line", ["400,0.1,dark", "400,0.1,--", "400,x"])
def test_a_line_that_begins_with_a_number_is_never_lost(tmp_path: Path, at: int, line: str) -> None:
    lines = ["nm,leaf,soil", "410,0.2,0.3", "420,0.3,0.5", "430,0.4,0.6"]
    (tmp_path / "t.csv").write_text("\n".join([*lines[:at], line, *lines[at:]]))
    with pytest.raises(UnreadableFile, match=rf"t.csv: the line '{line}' holds more than numbers and gaps; expected"):
        read_spectra(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("title", "stated"),
    [
        ("Spectrum", [400, 500, 625]),
        ("Spektrum", [400, 500, 625]),
        ("Datum", [400, 500, 625]),
        ("", [0.4, 0.5, 0.625]),
        ("wavelength", [4e-7, 5e-7, 6.25e-7]),
        ("Wavelength (nm) in air", [400, 500, 625]),
        ("λ/nm", [400, 500, 625]),
        ("Wavelength in micrometers", [0.4, 0.5, 0.625]),
        ("wl_um", [0.4, 0.5, 0.625]),
        ("wavelength [m]", [4e-7, 5e-7, 6.25e-7]),
        ("Wavelength (Angstrom)", [4000, 5000, 6250]),
        ("Wavenumber (cm-1)", [25000, 20000, 16000]),
        ("wavenumber 1/cm", [25000, 20000, 16000]),
        ("Wavenumber (m-1)", [2500000, 2000000, 1600000]),
        ("Wavenumber", [25000, 20000, 16000]),
        ("cm⁻¹", [25000, 20000, 16000]),
        ("Frequency (THz)", [749.481145, 599.584916, 479.667933]),
    ],
)
def test_wavelengths_have_the_unit_of_their_title(tmp_path: Path, title: str, stated: list[float]) -> None:
    rows = [f"{at!r}\t{value}" for at, value in zip(stated, (1, 2, 3), strict=True)]
    (tmp_path / "t.csv").write_text("\n".join([f"{title}\tleaf", *rows]), encoding="utf-8")
    (leaf,) = read_spectra(tmp_path / "t.csv")
    np.testing.assert_allclose(leaf.wavelengths.nm, [400, 500, 625], rtol=1e-7)
    assert leaf.values.tolist() == [1, 2, 3]


@pytest.mark.parametrize("header", ["Wavelength (Angstrom),leaf", "Wavelength  [Å] leaf", "Å;leaf"])
def test_units_are_found_with_any_separator(tmp_path: Path, header: str) -> None:
    separator = next(mark for mark in ";, " if mark in header)
    text = "\n".join([header, *(f"{at}{separator}{value}" for at, value in ((6250, 3), (5000, 2), (4000, 1)))])
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    (leaf,) = read_spectra(tmp_path / "t.csv")
    assert (leaf.name, leaf.wavelengths.nm.tolist(), leaf.values.tolist()) == ("leaf", [400, 500, 625], [1, 2, 3])


@pytest.mark.parametrize(
    ("title", "stated", "reason"),
    [
        (
            "Wavelength (furlong)",
            [400, 500, 600],
            "its wavelengths are unclear: they are in 'furlong'; expected nm, µm",
        ),
        ("Photon energy (eV)", [2.0, 2.5, 3.0], "they are in 'eV'; expected nm"),
        ("Energy", [2.0, 2.5, 3.0], "they are in 'an unstated unit of energy'; expected nm"),
        ("Raman shift (cm-1)", [500, 1000, 1500], "they are in 'Raman shift'; expected nm"),
        ("Wavelength", [4000, 5000, 6000], "their unit is not stated, and 4000 to 6000 may be in nm, Å or cm⁻¹"),
        ("Wavelength (nm)", [0.4, 0.5, 0.6], "it states 0.4 to 0.6 nm, which no optical instrument covers"),
        ("Band", [1, 2, 3], "its first column counts the lines; it must hold the wavelengths"),
    ],
)
def test_wavelengths_in_an_unclear_unit_are_refused(
    tmp_path: Path, title: str, stated: list[float], reason: str
) -> None:
    (tmp_path / "t.csv").write_text("\n".join([f"{title},leaf", *(f"{at},1" for at in stated)]))
    with pytest.raises(UnreadableFile, match=rf"cannot read spectra from t\.csv: .*{reason}.*; expected a table"):
        read_spectra(tmp_path / "t.csv")


def test_the_title_of_a_whole_table_states_no_unit(tmp_path: Path) -> None:
    (tmp_path / "leaf.csv").write_text("Spectrum at 25 cm distance\n400,1\n500,2\n")
    assert read_spectra(tmp_path / "leaf.csv")[0].wavelengths.nm.tolist() == [400, 500]


def test_spectra_may_extend_beyond_optical_instruments(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("wavelength (µm),leaf\n0.3,1\n216,2\n", encoding="utf-8")
    assert read_spectra(tmp_path / "t.csv")[0].wavelengths.nm.tolist() == [300, 216_000]


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


CGATS = """CGATS.17
ORIGINATOR "a program"
NUMBER_OF_FIELDS 5
BEGIN_DATA_FORMAT
SAMPLE_ID SAMPLE_NAME {names}
END_DATA_FORMAT
{norm}NUMBER_OF_SETS 2
BEGIN_DATA
1 "green leaf" {first}
2 stone {second}
END_DATA
"""


@pytest.mark.parametrize(
    ("names", "norm", "first", "second"),
    [
        ("SPECTRAL_NM400 SPECTRAL_NM500 SPECTRAL_NM600", "", "0.1 0.2 0.3", "0.4 0.5 0.6"),
        ("SPECTRAL_400 SPECTRAL_500 SPECTRAL_600", "", "0.1 0.2 0.3", "0.4 0.5 0.6"),
        ("SPEC_600 SPEC_500 SPEC_400", 'SPECTRAL_NORM "100.0"\n', "30 20 10", "60 50 40"),
        ("nm400 nm500 nm600", "", "0.1 0.2 0.3", "0.4 0.5 0.6"),
        ("SPECTRAL_NM SPECTRAL_PCT SPECTRAL_NM SPECTRAL_PCT SPECTRAL_NM SPECTRAL_PCT", "",
         "400 10 500 20 600 30", "400 40 500 50 600 60"),
    ],
)  # fmt: skip
def test_cgats_is_read(tmp_path: Path, names: str, norm: str, first: str, second: str) -> None:
    (tmp_path / "m.txt").write_text(CGATS.format(names=names, norm=norm, first=first, second=second))
    leaf, stone = read_spectra(tmp_path / "m.txt")
    assert (leaf.name, stone.name) == ("green leaf", "stone")
    np.testing.assert_allclose(leaf.wavelengths.nm, [400, 500, 600])
    np.testing.assert_allclose([leaf.values, stone.values], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], rtol=1e-6)


@pytest.mark.parametrize(
    ("names", "first", "message"),
    [("LAB_L LAB_A LAB_B", "1 2 3", "no spectral columns"), ("SPEC_400 SPEC_500 SPEC_600", "1 2", "values for")],
)
def test_cgats_without_spectra_is_refused(tmp_path: Path, names: str, first: str, message: str) -> None:
    (tmp_path / "m.txt").write_text(CGATS.format(names=names, norm="", first=first, second="4 5 6"))
    with pytest.raises(UnreadableFile, match=message):
        read_spectra(tmp_path / "m.txt")


CXF = """<?xml version="1.0" encoding="UTF-8"?>{doctype}
<cc:CxF xmlns:cc="http://colorexchangeformat.com/CxF3-core"><cc:Resources>
<cc:ObjectCollection><cc:Object ObjectType="Standard" Name="leaf" Id="1"><cc:ColorValues>
<cc:ReflectanceSpectrum ColorSpecification="CS1"{start}>0.1 0.2 0.3</cc:ReflectanceSpectrum>
</cc:ColorValues></cc:Object>
</cc:ObjectCollection><cc:ColorSpecificationCollection><cc:ColorSpecification Id="CS1"><cc:MeasurementSpec>
<cc:WavelengthRange StartWL="380" Increment="{step}"/></cc:MeasurementSpec></cc:ColorSpecification>
</cc:ColorSpecificationCollection></cc:Resources></cc:CxF>"""


@pytest.mark.parametrize(
    ("start", "step", "nm"), [("", "20", [380, 400, 420]), (' StartWL="400"', "10", [400, 410, 420])]
)
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_cxf_is_read(tmp_path: Path, start: str, step: str, nm: list[float], encoding: str) -> None:
    text = CXF.format(doctype="", start=start, step=step).replace("UTF-8", encoding)
    (tmp_path / "m.cxf").write_text(text, encoding=encoding)
    (leaf,) = read_spectra(tmp_path / "m.cxf")
    assert leaf.name == "leaf"
    np.testing.assert_allclose(leaf.wavelengths.nm, nm)
    np.testing.assert_allclose(leaf.values, [0.1, 0.2, 0.3])


BOMB = '<!DOCTYPE x [<!ENTITY a "0.1 "><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_cxf_with_entities_is_refused(tmp_path: Path, encoding: str) -> None:
    text = CXF.format(doctype=BOMB, start="", step="10").replace("UTF-8", encoding).replace("0.1 0.2", "&b; 0.2")
    (tmp_path / "m.cxf").write_bytes(text.encode(encoding))
    with pytest.raises(UnreadableFile, match=r"it declares a document type, which CxF does not have"):
        read_spectra(tmp_path / "m.cxf")


@pytest.mark.parametrize("encoding", ["unknown", "utf-7", "cp932", "utf-32"])
def test_cxf_of_other_encodings_is_read_or_refused(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "m.cxf").write_text(CXF.format(doctype="", start="", step="10").replace("UTF-8", encoding))
    with contextlib.suppress(UnreadableFile):
        assert read_spectra(tmp_path / "m.cxf")[0].name == "leaf"


@pytest.mark.parametrize("content", ["<a>", "<a/>", CXF.format(doctype="", start="", step="0"), "<CxF><Object/></CxF>"])
def test_xml_without_spectra_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "m.cxf").write_text(content)
    with pytest.raises(UnreadableFile, match=r"cannot read spectra from m.cxf"):
        read_spectra(tmp_path / "m.cxf")


def test_the_file_of_a_spectrometer_is_read_between_its_marks(tmp_path: Path) -> None:
    """As of Ocean Optics."""
    (tmp_path / "leaf.txt").write_text(
        "Data from leaf.txt Node\n\nIntegration Time (sec): 1.0E-1\nNumber of Pixels in Spectrum: 3\n"
        ">>>>>Begin Processed Spectral Data<<<<<\n400.1\t0.1\n500.2\t0.2\n600.3\t0.3\n"
        ">>>>>End Processed Spectral Data<<<<<\n"
    )
    (leaf,) = read_spectra(tmp_path / "leaf.txt")
    assert leaf.name == "leaf"
    np.testing.assert_allclose(leaf.wavelengths.nm, [400.1, 500.2, 600.3])
    np.testing.assert_allclose(leaf.values, [0.1, 0.2, 0.3])


def test_a_table_with_a_row_for_each_spectrum_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        "name,date,400nm,410nm,420nm,430nm,440nm\nleaf,1 May,.1,.2,.3,.4,.5\nstone,2,1,2,3,4,5\n"
    )
    leaf, stone = read_spectra(tmp_path / "m.csv")
    assert (leaf.name, stone.name) == ("leaf", "stone")
    np.testing.assert_allclose(leaf.wavelengths.nm, [400, 410, 420, 430, 440])
    np.testing.assert_allclose(stone.values, [1, 2, 3, 4, 5])
    (tmp_path / "g.csv").write_text("name,400nm,410nm,420nm,430nm,440nm\nleaf,.1,,.3,N/A,\n")
    (leaf,) = read_spectra(tmp_path / "g.csv")
    np.testing.assert_allclose(leaf.values, [0.1, np.nan, 0.3, np.nan, np.nan])
