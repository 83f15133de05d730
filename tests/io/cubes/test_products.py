"""Layouts of the products of imaging spectrometers, written with the libraries that their makers use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.io import CubeHints
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity
from tests.io.cubes.foreign import MISSING, NM, VALUES, check, question

BY_LINE = VALUES.transpose(1, 2, 0)  # (lines, samples, bands)


@pytest.fixture
def netcdf(tmp_path: Path) -> Any:
    """A new NetCDF-4 file, and its path."""
    library = pytest.importorskip("netCDF4")
    return library.Dataset(tmp_path / "c.nc", "w"), tmp_path / "c.nc"


def dimensions(file: Any, **sizes: int) -> None:
    for name, size in sizes.items():
        file.createDimension(name, size)


def variable(group: Any, name: str, values: Any, dims: tuple[str, ...], **attributes: Any) -> None:
    stored = group.createVariable(name, values.dtype, dims, fill_value=attributes.pop("fill", None))
    stored.set_auto_maskandscale(False)
    stored[:] = values
    stored.setncatts(attributes)


@pytest.mark.parametrize("kind", ["radiance", "reflectance"])
def test_emit(netcdf: Any, kind: str) -> None:
    file, path = netcdf
    dims = ("downtrack", "crosstrack", "bands")
    dimensions(file, downtrack=9, crosstrack=7, bands=10)
    stored = np.where(np.isnan(MISSING), -9999, MISSING).transpose(1, 2, 0).astype("f4")
    variable(file, kind, stored, dims, fill=np.float32(-9999))
    variable(file, f"{kind}_uncertainty", stored, dims, fill=np.float32(-9999))
    group = file.createGroup("sensor_band_parameters")
    variable(group, "wavelengths", NM.astype("f4"), ("bands",), units="nm")
    variable(group, "fwhm", np.full(10, 8, "f4"), ("bands",), units="nm")
    variable(group, "good_wavelengths", np.uint8([1] * 9 + [0]), ("bands",))
    file.close()
    assert question(path).guess == kind
    expected = np.where(np.arange(10)[:, None, None] == 9, np.nan, MISSING)
    assert check(path, expected, CubeHints(variable=kind)).provenance["bad_bands"].startswith("1 of 10")


def test_the_spectrometers_of_pace_have_wavelengths_of_their_own(netcdf: Any) -> None:
    file, path = netcdf
    dimensions(file, scans=9, pixels=7, blue_bands=10, red_bands=10, SWIR_bands=4)
    group, data = file.createGroup("sensor_band_parameters"), file.createGroup("observation_data")
    shifts = {"red": NM + 300, "blue": NM, "SWIR": np.array([940.0, 1250, 1615, 2260])}
    for name, nm in shifts.items():
        dims = (f"{name}_bands", "scans", "pixels")
        variable(group, f"{name}_wavelength", nm.astype("f4"), dims[:1], units="nm")
        variable(group, f"{name}_solar_irradiance", nm.astype("f4"), dims[:1], units="W m^-2 um^-1")
        variable(data, f"rhot_{name}", (VALUES[: nm.size] * nm[0] / 405).astype("f4"), dims, valid_max=np.float32(9))
    file.close()
    assert question(path).field == "variable"
    for name, nm in shifts.items():
        check(path, VALUES[: nm.size] * nm[0] / 405, CubeHints(variable=f"rhot_{name}"), nm=nm)


def test_remote_sensing_reflectance_of_pace_is_packed_with_an_offset(netcdf: Any) -> None:
    file, path = netcdf
    dimensions(file, number_of_lines=9, pixels_per_line=7, wavelength_3d=10, number_of_bands=20)
    group = file.createGroup("sensor_band_parameters")
    variable(group, "wavelength", np.arange(350, 370, dtype="i4"), ("number_of_bands",), units="nm")
    variable(group, "wavelength_3d", NM.astype("f4"), ("wavelength_3d",), units="nm")
    stored = np.round((BY_LINE * 0.05 - 0.05) / 2e-6).astype("i2")
    limits = {"valid_min": np.int16(-30000), "valid_max": np.int16(25000), "scale_factor": 2e-6, "add_offset": 0.05}
    dims = ("number_of_lines", "pixels_per_line", "wavelength_3d")
    variable(file.createGroup("geophysical_data"), "Rrs", stored, dims, fill=np.int16(-32767), **limits)
    file.close()
    check(path, VALUES * 0.05, tolerance=2e-6)


def neon(path: Path, *, fraction: Any = None, whole: Any = None) -> Path:
    """Radiance of NEON in two parts, of which those that are not given are right."""
    radiance = np.round(100 * BY_LINE, 4)
    with h5py.File(path, "w") as file:
        group = file.create_group("TALL/Radiance")
        parts = np.floor(radiance), np.round((radiance % 1) * 50_000)
        group["RadianceIntegerPart"] = parts[0].astype("u1") if whole is None else whole
        group["RadianceDecimalPart"] = parts[1].astype("u2") if fraction is None else fraction
        group["RadianceIntegerPart"][0, 0] = 255  # outside the flight line
        group["RadianceDecimalPart"].attrs["Scale_Factor"] = 50_000.0
        for part in group.values():
            part.attrs["Data_Ignore_Value"] = -9999.0
        group["Metadata/Spectral_Data/Wavelength"] = NM
        group["Metadata/Spectral_Data/Wavelength"].attrs["Units"] = "nanometers"
    return path


def test_the_two_parts_of_neon_s_radiance_are_joined(tmp_path: Path) -> None:
    assert check(neon(tmp_path / "c.h5"), 100 * MISSING).quantity is Quantity.RADIANCE
    with h5py.File(tmp_path / "c.h5", "a") as file:
        file["TALL/Radiance/RadianceDecimalPart"].attrs["Scale_Factor"] = 100_000.0
    radiance = np.round(100 * MISSING, 4)
    check(tmp_path / "c.h5", np.floor(radiance) + radiance % 1 / 2, tolerance=1e-3)


def test_parts_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    for name, part in (("c", {"fraction": np.zeros((9, 7, 9), "u2")}), ("d", {"whole": np.zeros((9, 7, 10), "f4")})):
        with pytest.raises(UnreadableFile, match="RadianceIntegerPart and RadianceDecimalPart do not fit together"):
            io.open_cube(neon(tmp_path / f"{name}.h5", **part), is_trusted=True)


def test_a_part_that_was_never_written_is_refused(tmp_path: Path) -> None:
    path = neon(tmp_path / "c.h5")
    with h5py.File(path, "a") as file:
        group = file["TALL/Radiance"]
        del group["RadianceDecimalPart"]
        group.create_dataset("RadianceDecimalPart", (9, 7, 10), "u2", chunks=(9, 7, 1))
    with pytest.raises(UnreadableFile, match="RadianceDecimalPart` was never written"):
        io.open_cube(path, is_trusted=True)
