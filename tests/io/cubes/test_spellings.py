"""Other spellings of fill values, factors and limits than those of the conventions mean the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nesr_gui.io.cubes.decoding import decoding, decoding_of
from nesr_gui.spectral import Quantity
from tests.io.cubes.foreign import MISSING, NM, PACKED, VALUES, check, hdf5
from tests.io.cubes.test_foreign_cubes import envi as envi_set

STORED = np.int16([1064, -9999])


@pytest.mark.parametrize(
    "name",
    ["_FillValue", "FillValue", "fill_value", "Fill Value", "missing_value", "missing", "no_data_value", "NODATA",
     "NoDataValue", "data ignore value", "Data_Ignore_Values", "ignore_value", "null_value", "bad_value",
     "invalid_value", "undef", "undefined", "nan_value", "mask_value"],
)  # fmt: skip
def test_names_of_fill_values(name: str) -> None:
    np.testing.assert_allclose(decoding_of({name: -9999}, "i2").decode(STORED), [1064, np.nan])


@pytest.mark.parametrize("name", ["fill_rate", "missing_data_fraction", "bad_pixels", "mask", "invalid", "nan_count"])
def test_names_that_only_resemble_them(name: str) -> None:
    assert decoding_of({name: -9999}, "i2").fill == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [('"-9999"', {-9999}), ("-9999;", {-9999}), ("-9999, -8888", {-9999, -8888}), ("-9999 -9999", {-9999}),
     ("-9,999", {-9999}), ("[-9999.0]", {-9999}), ("-9999 (no data)", set())],
)  # fmt: skip
def test_texts_of_fill_values(text: str, expected: set[int]) -> None:
    how = decoding("i2", fill=[text])
    assert set(how.fill) == expected and bool(how.notes) != bool(expected)


@pytest.mark.parametrize("number", [10**40, -(10**400), "-12299999952855020000000000000000000", 2**64 - 1])
@pytest.mark.parametrize("dtype", ["i2", "u8", "f4", "f8"])
def test_fill_values_of_any_size(number: Any, dtype: str) -> None:
    decoding(dtype, fill=[number]).decode(np.zeros(3, dtype))
    assert decoding("u8", fill=[2**64 - 1]).fill == (2**64 - 1,)
    assert decoding("f4", fill=["-12299999952855020000000000000000000"]).fill == (float(np.float32(-1.23e34)),)


def test_a_fill_value_beyond_the_precision_of_the_data_became_infinite() -> None:
    how = decoding("f2", fill=[-1.23e34])
    assert np.isnan(how.decode(np.float16([1, -np.inf]))).tolist() == [False, True]


def test_a_fill_value_in_units_of_the_values_and_one_that_cannot_stand_in_the_data() -> None:
    how = decoding("i2", fill=[-0.9999], scale=1e-4)
    np.testing.assert_allclose(how.decode(STORED), [0.1064, np.nan])
    how = decoding("u2", fill=[-9999])
    assert how.fill == () and how.notes["data_ignore_value"] == "-9999 cannot stand in data of type uint16"


@pytest.mark.parametrize(
    ("name", "stated", "scale"),
    [("scaling_factor", 1e-4, 1e-4), ("scales", 1e-4, 1e-4), ("slope", 1e-4, 1e-4), ("multiplier", 1e-4, 1e-4),
     ("ScaleFactor", 10000, 1e-4), ("slope", 2.0, 2.0), ("gain", 0.5, 0.5), ("gain", 4.0, 1.0),
     ("scale_factor", 10000.0, 1e-4), ("scale_factor", 0.5, 0.5), ("scale_factor", 20.0, 20.0)],
)  # fmt: skip
def test_names_of_factors(name: str, stated: float, scale: float) -> None:
    how = decoding_of({name: stated}, "i2")
    assert how.scale.tolist() == pytest.approx([scale])
    assert ("scaling" in how.notes) == (name != "scale_factor" or stated > 1)


def test_a_gain_with_an_offset_is_a_calibration_and_one_alone_may_be_a_setting() -> None:
    assert decoding_of({"gain": 4.0, "offset": 1.0}, "i2").decode(np.int16([2])).tolist() == [9]
    assert "not applied" in decoding_of({"gain": 4.0}, "i2").notes["scaling"]


def test_cf_multiplies_in_netcdf_and_for_real_numbers() -> None:
    assert decoding_of({"scale_factor": 1000.0}, "i2", is_netcdf=True).scale[0] == 1000
    assert decoding_of({"scale_factor": 1000.0}, "i2", is_cf=True).scale[0] == 1000
    assert decoding_of({"scale_factor": 1000.0}, "f4").scale[0] == 1000


@pytest.mark.parametrize(
    "stated", ["0, 10000", "0 10000", "0.0, 1.0", np.array(["0", "10000"], object), np.array([0.0, 1.0])]
)
def test_valid_ranges_as_text(tmp_path: Path, stated: Any) -> None:
    path = hdf5(tmp_path / "c.h5", PACKED, attributes={"valid_range": stated, "scale_factor": 1e-4})
    check(path, MISSING)


@pytest.mark.parametrize("dtype", ["i1", "u1", ">i2", ">u2", "f2", ">f4", ">f8", "i4"])
def test_types_of_numbers(tmp_path: Path, dtype: str) -> None:
    kind = np.dtype(dtype)
    scale = 1.0 if kind.kind == "f" else 0.004 if kind.itemsize == 1 else 1e-4
    fill = -9999.0 if kind.kind == "f" else np.iinfo(kind).max
    stored = np.where(np.isnan(MISSING), fill, VALUES / scale if kind.kind == "f" else np.round(VALUES / scale))
    path = hdf5(tmp_path / "c.h5", stored.astype(kind), attributes={"scale_factor": scale, "_FillValue": fill})
    check(path, MISSING, tolerance=0.003)


def test_a_number_beside_the_array_states_what_means_no_value(tmp_path: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    stored = np.where(np.isnan(MISSING), -9999, VALUES)
    scipy_io.savemat(tmp_path / "c.mat", {"img": stored.transpose(1, 2, 0), "wavelength": NM, "nodata": -9999.0})
    check(tmp_path / "c.mat", MISSING)
    np.savez(tmp_path / "c.npz", img=stored, wavelength=NM, fill_value=-9999.0)
    check(tmp_path / "c.npz", MISSING)


def test_a_chunk_of_zarr_that_was_never_written_has_no_value(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    for version in (2, 3):
        group = zarr.open_group(tmp_path / f"{version}.zarr", mode="w", zarr_format=version)
        group.create_array("wavelength", data=NM)
        array = group.create_array("cube", shape=VALUES.shape, dtype="f4", chunks=(10, 9, 1), fill_value=-9999.0)
        array[..., 1:] = VALUES[..., 1:]
        check(tmp_path / f"{version}.zarr", np.where(np.arange(7) == 0, np.nan, VALUES))


def envi(path: Path, values: Any = PACKED, **keys: Any) -> Path:
    wavelengths = "{" + ", ".join(map(str, NM)) + "}"
    return envi_set(path, values, "bil", **{"wavelength": wavelengths, **keys})


@pytest.mark.parametrize("key", ["data_ignore_value", "data_ignore_values", "no_data_value", "nodata", "missing_value"])
@pytest.mark.parametrize("factor", ["reflectance_scale_factor", "scale_factor", "radiance_scale_factor"])
@pytest.mark.parametrize("stated", ["10000", "0.0001", "{" + ",".join(["10000"] * 10) + "}"])
def test_spellings_of_envi(tmp_path: Path, key: str, factor: str, stated: str) -> None:
    field = check(envi(tmp_path / "c.hdr", **{key: '"-9999"', factor: stated}), MISSING)
    expected = {"reflectance_scale_factor": Quantity.REFLECTANCE, "radiance_scale_factor": Quantity.RADIANCE}
    assert field.quantity is expected.get(factor, Quantity.UNKNOWN)
    assert ("scaling" in field.provenance) == (factor != "reflectance_scale_factor" or stated == "0.0001")


def test_gains_of_reflectance_of_envi(tmp_path: Path) -> None:
    gains = "{" + ",".join(["1e-4"] * 10) + "}"
    path = envi(tmp_path / "c.hdr", data_ignore_value=-9999, data_reflectance_gain_values=gains)
    assert check(path, MISSING).quantity is Quantity.REFLECTANCE
    path = envi(tmp_path / "d.hdr", data_gain_values="{2}", data_reflectance_gain_values=gains)
    check(path, PACKED * 2.0)


def test_braces_decide_where_a_list_ends(tmp_path: Path) -> None:
    path = envi(tmp_path / "c.hdr", data_ignore_value=-9999)
    plain = path.read_text()
    path.write_text(plain + "description = { made so:\n samples = 3\n bands = 2\n}\n")
    check(path, np.where(np.isnan(MISSING), np.nan, PACKED))
    path.write_text(plain.replace("samples", "note = { without an end\nsamples", 1))
    check(path, np.where(np.isnan(MISSING), np.nan, PACKED))
