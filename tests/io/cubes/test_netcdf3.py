"""NetCDF-3 in its three variants, as the NetCDF library and SciPy write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.io.errors import UnreadableFile

VALUES = np.arange(60).reshape(4, 5, 3).astype(np.int16)
BANDS = [400.0, 450, 500, 600]


def written(path: Path, form: str, unlimited: str | None) -> Path:
    netcdf = pytest.importorskip("netCDF4")
    order = ("y", "x", "wavelength") if unlimited == "y" else ("wavelength", "y", "x")
    with netcdf.Dataset(path, "w", format=form) as file:
        for name, size in (("wavelength", 4), ("y", 5), ("x", 3)):
            file.createDimension(name, None if name == unlimited else size)
        file.title = "made by a test"
        file.createVariable("mask", "i1", ("y",))[:] = np.arange(5)
        listed = file.createVariable("wavelength", "f8", ("wavelength",))
        listed[:], listed.units = BANDS, "nm"
        cube = file.createVariable("cube", "i2", order, fill_value=-1)
        cube.scale_factor = 0.5
        cube.set_auto_maskandscale(False)
        cube[:] = VALUES.transpose([("wavelength", "y", "x").index(name) for name in order])
    return path


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("unlimited", [None, "y", "wavelength"])
def test_the_netcdf_library(tmp_path: Path, form: str, unlimited: str | None) -> None:
    field = io.open_cube(written(tmp_path / "c.nc", form, unlimited))
    assert field.wavelengths.nm.tolist() == BANDS and field.provenance["title"] == "made by a test"
    np.testing.assert_array_equal(field.cube(field.wavelengths).values, VALUES * 0.5)
    np.testing.assert_array_equal(field.band(450, stride=2), VALUES[1, ::2, ::2] * 0.5)


def test_scipy(tmp_path: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    with scipy_io.netcdf_file(tmp_path / "c.nc", "w") as file:
        for name, size in (("wavelength", 4), ("y", 5), ("x", 3)):
            file.createDimension(name, size)
        file.createVariable("cube", "f4", ("wavelength", "y", "x"))[:] = VALUES
        listed = file.createVariable("wavelength", "f8", ("wavelength",))
        listed[:], listed.units = BANDS, "nm"
    field = io.open_cube(tmp_path / "c.nc")
    np.testing.assert_array_equal(field.cube(field.wavelengths).values, VALUES)


def test_damage_is_refused(tmp_path: Path) -> None:
    data = written(tmp_path / "c.nc", "NETCDF3_CLASSIC", None).read_bytes()
    for length in (4, 20, 100, 200, len(data) - 40):
        (tmp_path / "c.nc").write_bytes(data[:length])
        with pytest.raises(UnreadableFile, match=r"cannot open c.nc: "):
            io.open_cube(tmp_path / "c.nc")
