"""Camera sensitivities: the table that is read, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.spectra.csv import write_curves
from nesr_gui.io.spectra.readers import read_sensitivities
from nesr_gui.spectral import Spectrum, Wavelengths

ROWS = [(400, 0.0, 0.1, 0.9), (500.5, 0.1, 1.0, 0.2), (700, 0.8, 0.25, 0.0)]


def written(path: Path, header: str, separator: str = ",", rows: object = ROWS, newline: str = "\n") -> Path:
    lines = [header, *(separator.join(map(str, row)) for row in rows)]  # type: ignore[attr-defined]
    path.write_text(newline.join(lines) + newline, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "separator"),
    [
        ("wavelength,R,G,B", ","),
        ("# a camera\n\nWavelength (nm); red ; green ; blue", ";"),
        ("\ufeffwavelength_nm\tr\tg\tb", "\t"),
        ("wavelengths [nm],Red,Green,Blue", ","),
        ("nm,R,G,B", ","),
    ],
)
def test_a_table_is_read(tmp_path: Path, header: str, separator: str) -> None:
    for newline in ("\n", "\r\n"):
        channels = read_sensitivities(written(tmp_path / "camera.csv", header, separator, newline=newline))
        assert [channel.name for channel in channels] == ["R", "G", "B"]
        for i, channel in enumerate(channels):
            np.testing.assert_array_equal(channel.wavelengths.nm, [400, 500.5, 700])
            np.testing.assert_allclose(channel.values, [row[i + 1] for row in ROWS])


def test_channels_stand_in_any_order(tmp_path: Path) -> None:
    straight = read_sensitivities(written(tmp_path / "a.csv", "wavelength,R,G,B"))
    turned = read_sensitivities(
        written(tmp_path / "b.csv", "wavelength,B,R,G", rows=[(nm, b, r, g) for nm, r, g, b in ROWS])
    )
    for one, other in zip(straight, turned, strict=True):
        np.testing.assert_array_equal(one.values, other.values)


def test_curves_written_by_the_program_are_read(tmp_path: Path) -> None:
    nm = Wavelengths.from_step(400, 700, 20)
    curves = [Spectrum(nm, np.linspace(0.1, 1, 16) ** power, name) for power, name in ((1, "R"), (2, "G"), (3, "B"))]
    write_curves(tmp_path / "camera.csv", curves, provenance={"camera": "made up, for tests"})
    for read, curve in zip(read_sensitivities(tmp_path / "camera.csv"), curves, strict=True):
        np.testing.assert_array_equal(read.values, curve.values)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("wavelength,R,G,B\n", "fewer than two"),
        ("wavelength,R,G,B\n400,1,1,1\n", "fewer than two"),
        ("wavelength,R,G,B\n400,1,1,1\n500,1,1\n", "different lengths"),
        ("wavelength,R,G,B\n500,1,1,1\n400,1,1,1\n", "increasing"),
        ("wavelength,R,G,B\n400,1,x,1\n500,1,1,1\n", "could not convert"),
        ("wavelength,R,G,B\n400,1,nan,1\n500,1,1,1\n", "not finite"),
        ("wavelength,R,G\n400,1,1\n500,1,1\n", "first line"),
        ("wavelength,R,G,G\n400,1,1,1\n500,1,1,1\n", "first line"),
        ("wavelength_um,R,G,B\n0.4,1,1,1\n0.5,1,1,1\n", "first line"),
        ("400,1,1,1\n500,1,1,1\n", "first line"),
        ("wavelength,R,G,B\n400,1,1,0\n500,1,1,0\n", "blue channel responds to nothing"),
        ("wavelength,R,G,B\n800,1,1,1\n900,1,1,1\n", "red channel responds to nothing"),
        ('wavelength,R,G,B\n"400,1,1,1\n', "cannot read"),
    ],
)
def test_another_table_is_refused_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "camera.csv").write_text(text)
    with pytest.raises(UnreadableFile, match=said) as error:
        read_sensitivities(tmp_path / "camera.csv")
    assert "camera.csv" in str(error.value) and "wavelength,R,G,B" in str(error.value) and "\n" not in str(error.value)


def test_bytes_that_are_no_text_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "camera.csv").write_bytes(b"\xff\xfe\x00\x80" * 9)
    with pytest.raises(UnreadableFile):
        read_sensitivities(tmp_path / "camera.csv")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_sensitivities(tmp_path / "none.csv")
