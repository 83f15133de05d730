"""Files that users of other programs had trouble with: each has the right value, or the question that leads to it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.io import BandPositions, CubeHints
from nesr_gui.io.cubes.description import AmbiguousFile
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.spectral import Wavelengths

CASES = Path(__file__).parents[1] / "corpus" / "cases"
BANDS = Wavelengths.from_step(400, 700, 10)
BAND, ROW, COL = np.mgrid[:31, :7, :5]
TRUTH = 0.1 + 0.01 * BAND + 0.001 * ROW + 0.0001 * COL
STATED = CubeHints(wavelengths=BANDS)


def check(name: str, hints: CubeHints | None = None, *, has_fill: bool = False, factor: float = 1.0) -> dict[str, str]:
    """The whole cube, at every pixel; its first one has no value if `has_fill`."""
    field = io.open_cube(CASES / name, hints)
    np.testing.assert_allclose(field.wavelengths.nm, BANDS.nm)
    expected = factor * TRUTH
    if has_fill:
        expected[:, 0, 0] = np.nan
    if "bad_bands" in field.provenance:
        expected[12:15] = np.nan
    np.testing.assert_allclose(field.cube(BANDS).values, expected, rtol=2e-6, atol=1e-6 * factor)
    return field.provenance


@pytest.mark.parametrize(
    "name", ["envi/nd_usgs.hdr", "tif/nd9999.tif", "h5/fill64.h5", "h5/neon.h5", "zarr/xfill3.zarr", "h5/emit.nc",
             "h5/unsigned.nc", "h5/valid.nc"]
)  # fmt: skip
def test_a_number_that_means_no_value_is_none(name: str) -> None:
    check(name, has_fill=True)


@pytest.mark.parametrize(
    "name", ["h5/packed_wl.nc", "h5/south_up.nc", "h5/time4d.nc", "h5/classic.nc", "envi/frames.hdr", "envi/scene.dat",
             "envi/UP.HDR", "envi/UP.IMG", "envi/noext", "envi/noext.hdr", "envi/brk.hdr", "envi/trail.hdr",
             "envi/bandnames.hdr", "envi/nd_empty.hdr", "tif/side.tif", "tif/side.hdr", "zarr/nest2.zarr",
             "mat/struct5.mat", "mat/struct73.mat", "exr/s_nover.exr"]
)  # fmt: skip
def test_what_the_file_says_is_understood(name: str) -> None:
    check(name)


@pytest.mark.parametrize("name", ["h5/noband_netcdf4.nc", "tif/ij_one_ifd.tif", "zarr/ome.zarr"])
def test_what_it_does_not_say_is_asked_and_answered(name: str) -> None:
    with pytest.raises(AmbiguousFile, match="at which wavelengths its 31 bands stand") as asked:
        io.open_cube(CASES / name)
    assert asked.value.field == "wavelengths" and asked.value.guess == "400:700:10"
    check(name, STATED)


def test_bands_that_are_marked_as_bad_have_no_values() -> None:
    assert check("h5/emit.nc", has_fill=True)["bad_bands"].startswith("3 of 31")


def test_a_factor_that_divides_is_noted() -> None:
    assert check("h5/neon.h5", has_fill=True)["scaling"] == "values were divided by Scale_Factor 10000"


def test_an_ignore_value_that_is_none_is_noted() -> None:
    assert "taken as none" in check("envi/nd_empty.hdr")["data_ignore_value"]


def test_remote_sensing_reflectance_has_the_wavelengths_of_its_own_dimension() -> None:
    check("h5/pace_aop.nc", has_fill=True, factor=0.1)


def test_prisma_asks_which_spectrometer_and_sorts_its_wavelengths() -> None:
    with pytest.raises(AmbiguousFile, match="3 arrays of three dimensions") as asked:
        io.open_cube(CASES / "h5/prisma.he5")
    assert asked.value.field == "variable" and asked.value.guess.endswith("VNIR_Cube")
    field = io.open_cube(CASES / "h5/prisma.he5", CubeHints(variable="VNIR_Cube"))
    np.testing.assert_allclose(field.cube(BANDS).values, TRUTH, atol=2e-5)


def test_the_chosen_file_is_read_and_not_its_sibling(tmp_path: Path) -> None:
    for name in ("scene.hdr", "scene.dat", "scene.raw"):
        shutil.copy(CASES / "envi" / name, tmp_path)
    assert io.open_cube(tmp_path / "scene.raw").spectra([(6, 4)], [400])[0, 0] == pytest.approx(106.4)
    assert io.open_cube(tmp_path / "scene.dat").spectra([(6, 4)], [400])[0, 0] == pytest.approx(0.1064)
    with pytest.raises(AmbiguousFile, match=r"describes scene.dat and scene.raw equally well") as asked:
        io.open_cube(tmp_path / "scene.hdr")
    assert asked.value.choices == ("scene.dat", "scene.raw") and asked.value.guess == ""
    chosen = io.open_cube(tmp_path / "scene.hdr", CubeHints(variable="scene.raw"))
    assert chosen.spectra([(6, 4)], [400])[0, 0] == pytest.approx(106.4)


def test_units_that_contradict_the_numbers_are_asked_about() -> None:
    with pytest.raises(AmbiguousFile, match=r"0.4 to 0.7 Nanometers.*400:700:10 is likely") as asked:
        io.open_cube(CASES / "envi/um_as_nm.hdr")
    check("envi/um_as_nm.hdr", CubeHints(wavelengths=BandPositions.parse(asked.value.guess)))


def test_a_guess_is_plausible() -> None:
    with pytest.raises(AmbiguousFile) as asked:
        io.open_cube(CASES / "mat/Indian_pines_like.mat")
    assert asked.value.field == "band_axis" and asked.value.guess == "2"
    with pytest.raises(AmbiguousFile) as asked:
        io.open_cube(CASES / "mat/Indian_pines_like.mat", CubeHints(band_axis=2))
    assert asked.value.field == "wavelengths" and asked.value.guess == ""


def test_an_ignore_value_is_a_gap_in_a_spectrum() -> None:
    for curve in read_spectra(CASES / "misc/lib.sli"):
        assert np.isnan(curve.values).sum() == 1 and np.nanmin(curve.values) >= 0


@pytest.mark.parametrize("name", ["exif_bad.png", "iccp_notzlib.png", "chrm_zero.png"])
def test_damaged_side_metadata_costs_no_pixels(name: str) -> None:
    plain, damaged = (io.read_photograph(CASES / "photo" / each) for each in ("plain.png", name))
    np.testing.assert_array_equal(damaged.values, plain.values)
    assert not plain.source.notes and len(damaged.source.notes) == 1


@pytest.mark.parametrize(
    ("name", "note"),
    [("photo/x.jfif", ""), ("ptif/thumbfirst.tif", "begins with a reduced version; page 2 was read"),
     ("tif/rgb_plus2.tif", "2 channels besides R, G and B, which were left out"),
     ("exr/layer.exr", "ViewLayer.Combined was read")],
)  # fmt: skip
def test_photographs_are_opened_whole(name: str, note: str) -> None:
    assert io.is_photograph(CASES / name) and not io.is_cube(CASES / name)
    image = io.read_photograph(CASES / name)
    assert image.shape == ((20, 30) if "rgb_plus2" in name else (24, 36))
    assert note in " ".join(image.source.notes)


def test_luminance_and_chroma_are_refused() -> None:
    with pytest.raises(UnreadableFile, match=r"yc.exr: it stores luminance and chroma; save it with R, G and B"):
        io.read_photograph(CASES / "exr/yc.exr")


def test_a_stack_of_imagej_is_no_photograph() -> None:
    assert io.is_cube(CASES / "tif/ij_one_ifd.tif") and not io.is_photograph(CASES / "tif/ij_one_ifd.tif")


IN_PAIRS = {"tif/side.tif", "mat/struct73.mat"}  # the latter lacks the text by which MATLAB's own files are recognised
ALONE = [
    path.relative_to(CASES).as_posix()
    for path in sorted(CASES.glob("*/*"))
    if path.suffix.lower() not in (".hdr", ".img", ".sli", ".dat", ".raw", "")
]


@pytest.mark.parametrize("name", [name for name in ALONE if name not in IN_PAIRS])
def test_content_decides_and_not_the_name(tmp_path: Path, name: str) -> None:
    source = CASES / name
    copy = tmp_path / "renamed.unknown"
    shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    outcomes = []
    for path in (source, copy):
        try:
            if io.is_photograph(path):
                outcomes.append(io.read_photograph(path).values.tobytes())
            else:
                field = io.open_cube(path)
                outcomes.append(field.cube(field.wavelengths).values.tobytes())
        except UnreadableFile as error:
            outcomes.append(re.sub(r"renamed.unknown", source.name, str(error)).encode())
    assert outcomes[0] == outcomes[1]
