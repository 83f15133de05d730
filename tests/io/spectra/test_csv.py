"""Curves come back from a CSV file as they were."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pandas
import pytest

from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.spectra.csv import read_curves, write_curves
from nesr_gui.spectral import Spectrum, Wavelengths

NAMES = [
    "pixel (3, 4)",
    'a "quoted", name',
    "# not a comment",
    "",
    "two\nlines",
    "a\rb",
    "c\r\nd",
    "1.5",
    "µ 色",
    " x ",
]


def curves(wavelengths: Wavelengths, names: list[str]) -> list[Spectrum]:
    rng = np.random.default_rng(1)
    return [Spectrum(wavelengths, rng.normal(size=len(wavelengths)).astype(np.float32), name) for name in names]


@pytest.mark.parametrize("names", [NAMES, NAMES[:1], ["x", "x"], [""]])
@pytest.mark.parametrize(
    "wavelengths",
    [
        Wavelengths.from_step(400, 700, 10),
        Wavelengths.evenly_spaced(7, 400, 700.1),
        Wavelengths(np.array([1 / 3, 550.1])),
    ],
)
def test_round_trip_is_exact(tmp_path: Path, wavelengths: Wavelengths, names: list[str]) -> None:
    written = curves(wavelengths, names)
    write_curves(tmp_path / "c.csv", written, provenance={"source": "a\nb, c", "model": "m"})
    read = read_curves(tmp_path / "c.csv")
    assert [curve.name for curve in read] == names
    for before, after in zip(written, read, strict=True):
        np.testing.assert_array_equal(after.values, before.values)
        np.testing.assert_array_equal(after.wavelengths.nm, wavelengths.nm)


def test_extreme_values_come_back(tmp_path: Path) -> None:
    values = np.array([np.finfo(np.float32).tiny, np.finfo(np.float32).max, -0.0, np.nan, np.inf, 1e-45], np.float32)
    write_curves(tmp_path / "c.csv", [Spectrum(Wavelengths.evenly_spaced(6), values)])
    np.testing.assert_array_equal(read_curves(tmp_path / "c.csv")[0].values.view(np.uint32), values.view(np.uint32))


def test_others_read_it(tmp_path: Path) -> None:
    write_curves(tmp_path / "c.csv", curves(Wavelengths.evenly_spaced(3), ["a,b", "c"]), provenance={"source": "p.png"})
    lines = (tmp_path / "c.csv").read_text(encoding="utf-8").split("\n")
    assert lines[0] == "# source: p.png" and lines[1] == 'wavelength_nm,"a,b",c' and lines[-1] == ""
    table = pandas.read_csv(tmp_path / "c.csv", comment="#")
    assert list(table.columns) == ["wavelength_nm", "a,b", "c"] and table["wavelength_nm"].tolist() == [400, 550, 700]


def test_a_spreadsheet_may_have_saved_it(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(b"\xef\xbb\xbf# k: v\r\nwavelength_nm,a\r\n400,1\r\n410,2\r\n\r\n")
    assert read_curves(tmp_path / "c.csv")[0].values.tolist() == [1, 2]


def test_refused_to_write(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at least one"):
        write_curves(tmp_path / "c.csv", [])
    mixed = curves(Wavelengths.evenly_spaced(3), ["a"]) + curves(Wavelengths.evenly_spaced(4), ["b"])
    with pytest.raises(ValueError, match=r"'a' and 'b' have different wavelengths"):
        write_curves(tmp_path / "c.csv", mixed)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# only: this\n",
        b"wavelength_nm,a\n",
        b"wavelength_nm\n400\n",
        b"nm,a\n400,1\n",
        b"wavelength_nm,a\n400,1\n410\n",
        b"wavelength_nm,a\n400,x\n",
        b"wavelength_nm,a\n410,1\n400,1\n",
        b"wavelength_nm,a\nnan,1\n",
        b'wavelength_nm,"a\n400,1\n',
        b"\xff\xfe\x00\x01",
        b"\x89PNG\r\n\x1a\n\0\0\0\0",
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.csv").write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"cannot read spectra from c.csv: .*expected a table"):
        read_curves(tmp_path / "c.csv")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file"):
        read_curves(tmp_path / "c.csv")


def test_header_is_one_csv_record(tmp_path: Path) -> None:
    write_curves(tmp_path / "c.csv", curves(Wavelengths.evenly_spaced(2), NAMES))
    with (tmp_path / "c.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["wavelength_nm", *NAMES]
