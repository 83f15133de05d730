"""ENVI spectral libraries: ours read by Spectral Python, its read by us."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nesr_gui.io.cubes.description import AmbiguousFile
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.spectra.envi_library import read_curves, write_curves
from nesr_gui.spectral import Spectrum, Wavelengths

NM = Wavelengths(np.array([400.0, 450.25, 1 / 3 + 600]))
NAMES = ["pin 1 (row 2, col 3)", "", "ü {brace}\nline"]
CURVES = [Spectrum(NM, np.random.default_rng(i).random(3, np.float32), name) for i, name in enumerate(NAMES)]


def test_round_trip_is_exact(tmp_path: Path) -> None:
    write_curves(tmp_path / "c.sli", CURVES, provenance={"source": "photo.png"})
    for path in ("c.sli", "c.hdr"):
        read = read_curves(tmp_path / path)
        assert [curve.name for curve in read] == NAMES
        for curve, expected in zip(read, CURVES, strict=True):
            np.testing.assert_array_equal(curve.wavelengths.nm, NM.nm)
            np.testing.assert_array_equal(curve.values, expected.values)


def test_spectral_python_reads_it(tmp_path: Path) -> None:
    envi = pytest.importorskip("spectral.io.envi")
    write_curves(tmp_path / "c.sli", CURVES)
    library = envi.open(str(tmp_path / "c.hdr"))
    assert library.names[0] == "pin 1 (row 2; col 3)" and library.bands.band_unit == "Nanometers"
    np.testing.assert_array_equal(library.spectra, [curve.values for curve in CURVES])
    np.testing.assert_array_equal(library.bands.centers, NM.nm)


def test_a_library_of_spectral_python_is_read(tmp_path: Path) -> None:
    envi = pytest.importorskip("spectral.io.envi")
    header = {"wavelength": [0.7, 0.55, 0.4], "wavelength units": "Micrometers", "spectra names": ["a", "b"]}
    values = np.array([[3, 2, 1], [6, 5, 4]], np.float32)
    envi.SpectralLibrary(values, header, None).save(str(tmp_path / "c"))
    first, second = read_curves(tmp_path / "c.sli")
    assert (first.name, second.name) == ("a", "b")
    assert first.values.tolist() == [1, 2, 3] and first.wavelengths.nm.tolist() == [400, 550, 700]


def test_a_library_spares_the_header_of_another_file(tmp_path: Path) -> None:
    envi = pytest.importorskip("spectral.io.envi")
    envi.save_image(str(tmp_path / "scene.hdr"), np.ones((2, 3, 4), np.float32))
    (tmp_path / "photo.hdr").write_bytes(b"#?RADIANCE")
    (tmp_path / "added.sli.hdr").write_text("ENVI\nfile type = ENVI Spectral Library\n")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    for name, taken in (("scene", "scene.hdr"), ("photo", "photo.hdr"), ("added", "added.sli.hdr")):
        with pytest.raises(FileExistsError, match=f"^cannot write {name}.sli: {taken} belongs to another file"):
            write_curves(tmp_path / f"{name}.sli", CURVES)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_library_replaces_an_older_one(tmp_path: Path) -> None:
    envi = pytest.importorskip("spectral.io.envi")
    header = {"wavelength": [400, 500], "spectra names": ["old"]}
    envi.SpectralLibrary(np.ones((1, 2), np.float32), header, None).save(str(tmp_path / "c"))
    write_curves(tmp_path / "c.sli", CURVES)
    assert [curve.name for curve in read_curves(tmp_path / "c.sli")] == NAMES
    (tmp_path / "alone.hdr").write_bytes((tmp_path / "c.hdr").read_bytes())
    with pytest.raises(FileExistsError, match=r"alone.hdr belongs to another file"):
        write_curves(tmp_path / "alone.sli", CURVES)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("data gain values = {0.0001}\ndata offset values = {0.1}", [[0.2, 0.3, 0.4], [0.1, 0.6, 0.7]]),
        ("data gain values = {3, 2, 1}", [[1000, 4000, 9000], [0, 10000, 18000]]),
        ("data offset values = {3, 2, 1}", [[1001, 2002, 3003], [1, 5002, 6003]]),
        ("data reflectance gain values = {0.5}", [[500, 1000, 1500], [0, 2500, 3000]]),
        ("reflectance scale factor = 10000\ndata ignore value = 0", [[0.1, 0.2, 0.3], [np.nan, 0.5, 0.6]]),
        ("bbl = {0, 1, 1}", [[1000, 2000, np.nan], [0, 5000, np.nan]]),
        ("bbl = {1, 0}", [[1000, 2000, 3000], [0, 5000, 6000]]),
    ],
)
def test_numbers_are_decoded_as_those_of_images(tmp_path: Path, stated: str, expected: list[list[float]]) -> None:
    np.array([[3000, 2000, 1000], [6000, 5000, 0]], "<u2").tofile(tmp_path / "c.sli")
    (tmp_path / "c.hdr").write_text(
        "ENVI\nsamples = 3\nlines = 2\nbands = 1\nfile type = ENVI Spectral Library\ndata type = 12\n"
        f"wavelength units = Nanometers\nwavelength = {{650, 550, 450}}\n{stated}\n"
    )
    np.testing.assert_allclose([curve.values for curve in read_curves(tmp_path / "c.sli")], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("stated", "reason"),
    [("data gain values = {1, 2}", "2 data gain values for 3 bands"), ("data gain values = {0}", "zero or not finite")],
)
def test_damaged_gains_are_refused(tmp_path: Path, stated: str, reason: str) -> None:
    write_curves(tmp_path / "c.sli", CURVES)
    with (tmp_path / "c.hdr").open("a") as file:
        file.write(f"{stated}\n")
    with pytest.raises(UnreadableFile, match=reason):
        read_curves(tmp_path / "c.sli")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("samples = 3", "samples = 1000000000000"), "which cannot be"),
        (("lines = 3", "lines = -3"), "which cannot be"),
        (("lines = 3", "lines = 300"), "is shorter than its header"),
        (("Library", "Standard"), "is not a spectral library"),
        (("400.0,", "nan,"), "not a list of numbers"),
        (("400.0,", "450.25,"), "strictly increasing"),
        (("400.0,", ""), "2 wavelengths for spectra of 3 values"),
    ],
)
def test_what_is_no_library_is_refused(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    write_curves(tmp_path / "c.sli", CURVES)
    header = tmp_path / "c.hdr"
    text = header.read_text(encoding="utf-8")
    assert change[0] in text
    header.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(UnreadableFile, match=said):
        read_curves(tmp_path / "c.sli")
    header.write_text(text.replace("wavelength = {", "waves = {"), encoding="utf-8")
    with pytest.raises(AmbiguousFile, match="does not state the wavelengths"):
        read_curves(header)
    with pytest.raises(ValueError, match="at least one"):
        write_curves(tmp_path / "d.sli", [])
