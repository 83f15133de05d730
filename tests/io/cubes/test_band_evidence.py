"""Wavelengths are found by evidence, and asked about where it is missing, damaged or contradictory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.io.cubes.wavelengths import numbers_in, unit_name
from tests.io.cubes.foreign import NM, STATED, VALUES, check, hdf5, listed, question
from tests.io.cubes.test_foreign_cubes import envi as envi_set

GUESS = ",".join(listed(NM))
TEXT = h5py.string_dtype()


def damage_list(path: Path, name: str = "wavelength") -> Path:
    """Overwrite the compressed numbers of a list."""
    with h5py.File(path, "a") as file:
        del file[name]
        chunk = file.create_dataset(name, data=NM, chunks=NM.shape, compression="gzip").id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + chunk.size] = b"\xff" * chunk.size
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", ["chunk", "scale", "text"])
def test_a_damaged_list_costs_no_pixels_and_what_the_user_states_wins(tmp_path: Path, kind: str) -> None:
    path = hdf5(tmp_path / "c.h5")
    if kind == "chunk":
        damage_list(path)
    else:
        with h5py.File(path, "a") as file:
            file["wavelength"].attrs["scale_factor"] = 0.0 if kind == "scale" else "much"
    assert question(path).field == "band_axis"
    assert "`wavelength` was left aside" in check(path, hints=STATED).provenance["damaged_wavelengths"]


def test_a_damaged_list_of_zarr_costs_no_pixels(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(tmp_path / "c.zarr", mode="w")
    group.create_array("cube", data=VALUES, dimension_names=("wavelength", "y", "x"))
    group.create_array("wavelength", data=NM, dimension_names=("wavelength",))
    (tmp_path / "c.zarr" / "wavelength" / "c" / "0").write_bytes(b"\xff" * 9)
    assert question(tmp_path / "c.zarr").field == "wavelengths"
    check(tmp_path / "c.zarr", hints=STATED)


def test_a_damaged_list_that_belongs_to_other_data_does_not_matter(tmp_path: Path) -> None:
    check(damage_list(hdf5(tmp_path / "c.h5", bands=NM), "bands"))


def test_of_several_lists_the_one_of_the_same_name_is_taken_and_else_asked_about(tmp_path: Path) -> None:
    lists = {"meta__swir_wavelengths": NM + 600, "meta__vnir_wavelengths": NM}
    asked = question(hdf5(tmp_path / "c.h5", nm=None, **lists))
    assert asked.field == "wavelengths" and "2 lists of wavelengths that fit (meta/swir_wavelengths" in str(asked)
    check(tmp_path / "c.h5", hints=STATED)
    with h5py.File(tmp_path / "c.h5", "a") as file:
        file.move("cube", "vnir_data")
    check(tmp_path / "c.h5")
    check(hdf5(tmp_path / "d.h5", nm=None, a__wavelengths=NM, b__wavelengths=NM))


@pytest.mark.parametrize("form", ["{:g} nm", "{:g}nm", "Band ({:g} Nanometers)", "{:g}"])
@pytest.mark.parametrize("kind", [TEXT, "S32"])
def test_names_of_bands_in_an_array(tmp_path: Path, form: str, kind: Any) -> None:
    path = hdf5(tmp_path / "c.h5", nm=None, wavelength=np.array(listed(NM, form), kind))
    if form == "{:g}":
        with h5py.File(path, "a") as file:
            file["wavelength"].attrs["units"] = "nm"
    check(path)


@pytest.mark.parametrize("name", ["wavelengths", "band_names", "long_name"])
def test_names_of_bands_in_an_attribute(tmp_path: Path, name: str) -> None:
    check(hdf5(tmp_path / "c.h5", nm=None, attributes={name: np.array(listed(NM, "{:g} nm"), TEXT)}))


def test_names_of_bands_of_xarray(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    data = xarray.Dataset({"img": (("band", "y", "x"), VALUES)}, {"band": listed(NM, "{:g} nm")})
    data.to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    check(tmp_path / "c.nc")
    data.to_zarr(tmp_path / "c.zarr", zarr_format=2, consolidated=False)
    check(tmp_path / "c.zarr")
    data["band"] = listed(NM, "B ({:g})")
    data.to_netcdf(tmp_path / "d.nc", engine="h5netcdf")
    assert question(tmp_path / "d.nc").guess == GUESS


def test_names_of_bands_of_numpy(tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", cube=VALUES, wavelengths=np.array(listed(NM, "{:g} nm")))
    check(tmp_path / "c.npz")


@pytest.mark.parametrize("form", ["B01 ({:g})", "R{:g}", "lambda={:g}", "{:g}"])
@pytest.mark.parametrize("key", ["band_names", "wavelength"])
def test_numbers_in_names_are_suggested(tmp_path: Path, form: str, key: str) -> None:
    stored = VALUES.astype("<f4")
    names = {"band_names": "{}", "wavelength": "{}", key: "{" + ", ".join(listed(NM, form)) + "}"}
    path = envi_set(tmp_path / "c.hdr", stored, "bsq", **names)
    if (key, form) == ("wavelength", "{:g}"):
        check(path)
        return
    assert question(path).guess == GUESS
    check(path, hints=STATED)


@pytest.mark.parametrize(
    "names",
    [listed(NM, "{:g} cm-1"), listed(NM, "{:g} THz"), listed(NM, "{:g} Å"), listed(range(1, 11), "B{}"), ["450", "x"],
     listed(range(10, 20), "B{}"), ["450", "430", "470"], [], listed(NM * 100)],
)  # fmt: skip
def test_numbers_that_are_no_wavelengths_in_nm_are_not(names: list[str]) -> None:
    assert numbers_in(names) is None


@pytest.mark.parametrize("axes", ["yb", "xb", "bx", "yxb"])
def test_wavelengths_of_each_pixel_suggest_their_mean(tmp_path: Path, axes: str) -> None:
    sizes, shift = {"y": 9, "x": 7, "b": 10}, {"x": np.linspace(-2, 2, 7), "y": np.linspace(-2, 2, 9)}
    differing = np.zeros([sizes[axis] for axis in axes])
    for axis in axes:
        values = NM if axis == "b" else shift[axis] / (len(axes) - 1)
        differing = differing + values.reshape([-1 if axis == other else 1 for other in axes])
    path = hdf5(tmp_path / "c.h5", VALUES.transpose(1, 2, 0), nm=None, wavelength=differing)
    with h5py.File(path, "a") as file:
        file.move("cube", "radiance")
    asked = question(path, type(STATED)(band_axis=2))
    assert asked.guess == GUESS and "differs between pixels by up to ±2 nm" in asked.reason
    check(path, hints=STATED)


@pytest.mark.parametrize(
    ("unit", "name"),
    [("wavelength (nm)", "nm"), ("[nm]", "nm"), ('"Nanometers"', "nanometers"), ("nm.", "nm"), ("nm; by hand", "nm"),
     ("Nanometers (nm)", "nanometers"), ("cm**-1", "cm**-1"), ("W/m2/nm", "w/m2/nm"), ("10-9 m", "10-9m")],
)  # fmt: skip
def test_units_in_text(unit: str, name: str) -> None:
    assert unit_name(unit) == name


@pytest.mark.parametrize(
    ("unit", "factor", "guess"),
    [("10^-9 m", 1.0, GUESS), ("furlong", 1.0, ""), ("eV", 0.003, ""), ("inverse m", 1.0, ""), ("1/mm", 1.0, "")],
)
def test_numbers_in_an_unknown_unit_suggest_wavelengths_only_of_a_length(
    tmp_path: Path, unit: str, factor: float, guess: str
) -> None:
    path = hdf5(tmp_path / "c.h5", nm=NM * factor)
    with h5py.File(path, "a") as file:
        file["wavelength"].attrs["units"] = unit
    assert (question(path).field, question(path).guess) == ("wavelengths", guess)


@pytest.mark.parametrize(
    ("values", "name"), [(NM * 10, "wavelength"), (1e7 / NM, "wavelength"), (3e5 / NM, "frequency")]
)
def test_lists_that_may_be_in_several_units_are_asked_about(tmp_path: Path, values: Any, name: str) -> None:
    asked = question(hdf5(tmp_path / "c.h5", nm=None, **{name: values}))
    assert (asked.field, asked.guess) == ("wavelengths", "")


def test_wavenumbers_say_by_their_name_what_they_are(tmp_path: Path) -> None:
    check(hdf5(tmp_path / "c.h5", nm=None, wavenumber=1e7 / NM))


def test_a_list_of_good_bands_as_text(tmp_path: Path) -> None:
    field = check(hdf5(tmp_path / "c.h5", attributes={"bbl": "{1, 1, 1, 1, 1, 1, 1, 1, 1, 0}"}),
                  np.where(np.arange(10)[:, None, None] == 9, np.nan, VALUES))  # fmt: skip
    assert field.provenance["bad_bands"].startswith("1 of 10")


def test_an_array_of_uncertainties_is_not_suggested(tmp_path: Path) -> None:
    fill = np.where(VALUES > 0.3, -9999, VALUES)
    path = hdf5(tmp_path / "c.h5", nm=None, a_uncertainty=VALUES, data=fill, wavelength=NM)
    with h5py.File(path, "a") as file:
        del file["cube"]
        file["data"].attrs["_FillValue"] = -9999.0
    assert question(path).guess == "data"


def test_surplus_axes_of_a_numpy_array(tmp_path: Path) -> None:
    np.save(tmp_path / "c.npy", VALUES[None])
    check(tmp_path / "c.npy", hints=type(STATED)(wavelengths=STATED.wavelengths, band_axis=0))


@pytest.mark.parametrize("form", ["{:g}nm", "w{:g}nm", "cube.{:g}nm", "S0.{:g}nm"])
def test_channels_of_openexr_that_are_wavelengths(tmp_path: Path, form: str) -> None:
    exr = pytest.importorskip("OpenEXR")
    channels = {name: band.astype("f4") for name, band in zip(listed(NM, form), VALUES, strict=True)}
    exr.File({"type": exr.scanlineimage}, channels).write(str(tmp_path / "c.exr"))
    assert io.is_cube(tmp_path / "c.exr") and not io.is_photograph(tmp_path / "c.exr")
    check(tmp_path / "c.exr")


def test_openexr_with_two_kinds_and_layers_says_which_was_read(tmp_path: Path) -> None:
    exr = pytest.importorskip("OpenEXR")
    channels = {}
    for root, kind, factor in (("left.", "T", 1.0), ("right.", "T", 2.0), ("left.", "S0", 3.0)):
        names = listed(NM, f"{root}{kind}.{{:g}}nm")
        channels |= {name: (factor * band).astype("f4") for name, band in zip(names, VALUES, strict=True)}
    exr.File({"type": exr.scanlineimage}, channels).write(str(tmp_path / "c.exr"))
    field = check(tmp_path / "c.exr")
    assert field.provenance["channels"] == "those of T were read; the file also has S0"
    assert field.provenance["layer"] == "left, the first of 2, was read"


def test_channels_of_openexr_that_are_no_wavelengths_are_asked_about(tmp_path: Path) -> None:
    exr = pytest.importorskip("OpenEXR")
    names = ["S0.nm", "S0.,nm", *listed(NM[2:], "S0.{:g}nm")]
    channels = {name: np.full((9, 7), value, "f4") for value, name in enumerate(names)}
    exr.File({"type": exr.scanlineimage}, channels).write(str(tmp_path / "c.exr"))
    assert question(tmp_path / "c.exr").field == "wavelengths"
    assert io.open_cube(tmp_path / "c.exr", STATED, is_trusted=True).shape == (9, 7)


def test_what_the_user_states_wins_over_damaged_attributes_of_prisma(tmp_path: Path) -> None:
    path = tmp_path / "c.he5"
    with h5py.File(path, "w") as file:
        file["HDFEOS/SWATHS/PRS_L1_HCO/Data Fields/VNIR_Cube"] = np.round(VALUES.transpose(1, 0, 2) * 1e4).astype("u2")
        file.attrs.update({"List_Cw_Vnir": "unreadable", "ScaleFactor_Vnir": 1e4, "Offset_Vnir": 0.0})
    assert question(path).field == "wavelengths"
    check(path, hints=STATED)
