"""Wavelengths in the units files use, in nanometres inside."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

SPEED_OF_LIGHT = 299_792_458.0  # m/s, exact

_LENGTHS = {
    1.0: "nm nanometer nanometers nanometre nanometres",
    1e3: "um µm μm micrometer micrometers micrometre micrometres micron microns",
    1e6: "mm millimeter millimeters millimetre millimetres",
    1e7: "cm centimeter centimeters centimetre centimetres",
    1e9: "m meter meters metre metres",
    0.1: "å angstrom angstroms ångström",
}
_INVERSE = {  # nm = factor / value
    1e9: "m-1 m^-1 1/m m⁻¹",
    1e7: "cm-1 cm^-1 1/cm cm⁻¹ wavenumber wavenumbers",
    SPEED_OF_LIGHT * 1e9: "hz",
    SPEED_OF_LIGHT * 1e3: "mhz",
    SPEED_OF_LIGHT: "ghz",
    SPEED_OF_LIGHT * 1e-3: "thz",
}
TO_NM = {unit: factor for factor, units in _LENGTHS.items() for unit in units.split()}
INVERSE_TO_NM = {unit: factor for factor, units in _INVERSE.items() for unit in units.split()}
DECIMALS = 9  # of a converted wavelength in nm: what lies below is the rounding of the conversion
UNSTATED = {"", "unknown", "none", "1"}


@dataclass(frozen=True, eq=False)
class Axis:
    """Wavelengths (L,) float64 nm in the file's order, and notes on how they were understood, for the provenance."""

    nm: npt.NDArray[np.float64]
    notes: dict[str, str] = field(default_factory=dict)


def nanometres(values: npt.ArrayLike, unit: str) -> Axis:
    """Band positions in `unit` as nm; an unstated unit is told from their size, where that leaves one answer.

    Raises:
        ValueError: the unit is unknown, or a value is not finite and positive.
    """
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or not np.isfinite(given).all() or (given <= 0).any():
        raise ValueError("wavelengths must be a list of finite, positive numbers")
    name = unit.strip().strip("[]()").replace(" ", "").lower()
    notes = {}
    if name in UNSTATED:
        name = _unit_of_size(given)
        notes["source_wavelength_unit"] = f"{name} (not stated; told from the values)"
    elif TO_NM.get(name) != 1:
        notes["source_wavelength_unit"] = unit.strip()
    if name in TO_NM:
        return Axis(given if TO_NM[name] == 1 else np.round(given * TO_NM[name], DECIMALS), notes)
    if name in INVERSE_TO_NM:
        return Axis(np.round(INVERSE_TO_NM[name] / given, DECIMALS), notes)
    raise ValueError(f"they are in {unit!r}; expected nm, µm, mm, m, Å, cm⁻¹, m⁻¹ or GHz")


def _unit_of_size(values: npt.NDArray[np.float64]) -> str:
    """Optical instruments see 0.1 to 100 µm, so the sizes in nm, µm and m do not overlap."""
    low, high = float(values.min()), float(values.max())
    for name, factor in (("nm", 1.0), ("µm", 1e3), ("m", 1e9)):
        if low * factor >= 100 and high * factor < 100_000:
            return name
    raise ValueError(f"their unit is not stated, and {low:g} to {high:g} is no wavelength in nm, µm or m")
