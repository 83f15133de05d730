"""A small smooth cube in the layouts of other programs, and the check that it is read with the right values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io import BandPositions, CubeHints
from nesr_gui.io.cubes.description import AmbiguousFile

NM = np.array([405.0, 420.5, 450, 475, 500, 530, 560, 590, 610, 640])
SHAPE = (10, 9, 7)
BAND, ROW, COL = np.mgrid[:10, :9, :7]
VALUES = 0.1 + 0.03 * BAND + 0.006 * np.sin(ROW / 3) + 0.002 * COL  # (L, H, W)
MISSING = np.where((ROW == 0) & (COL == 0), np.nan, VALUES)  # one pixel without value
PACKED = np.where(np.isnan(MISSING), -9999, np.round(VALUES * 1e4)).astype(np.int16)
STATED = CubeHints(wavelengths=BandPositions(NM))


def check(
    path: Path, expected: Any = VALUES, hints: CubeHints | None = None, *, nm: Any = NM, tolerance: float = 1e-4
) -> CubeField:
    """Open a cube and compare every value."""
    field = io.open_cube(path, hints, is_trusted=True)
    np.testing.assert_allclose(field.wavelengths.nm, nm, rtol=1e-6)
    np.testing.assert_allclose(field.cube(field.wavelengths).values, expected, atol=tolerance, rtol=1e-5)
    return field


def question(path: Path, hints: CubeHints | None = None) -> AmbiguousFile:
    """Open a cube that must ask, and return the question."""
    with pytest.raises(AmbiguousFile) as asked:
        io.open_cube(path, hints, is_trusted=True)
    return asked.value


def hdf5(path: Path, values: Any = VALUES, *, attributes: Any = None, nm: Any = NM, **lists: Any) -> Path:
    """An HDF5 file with `cube` and, unless `nm` is None, `wavelength` in nm; `lists` are further arrays."""
    with h5py.File(path, "w") as file:
        file["cube"] = values
        file["cube"].attrs.update(attributes or {})
        if nm is not None:
            file["wavelength"] = nm
            file["wavelength"].attrs["units"] = "nm"
        for name, listed in lists.items():
            file[name.replace("__", "/")] = listed
    return path


def listed(numbers: Any, form: str = "{:g}") -> list[str]:
    """Numbers as texts of a form."""
    return [form.format(number) for number in numbers]
