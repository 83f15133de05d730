"""Cubes of the PRISMA mission in HDF-EOS5, whose wavelengths and scaling are attributes of the file.

ASI, PRISMA Products Specification Document, issue 2.3: axes (lines, bands, samples); `List_Cw_Vnir` and `List_Cw_Swir`
with the centre wavelengths in nm, descending, 0 for bands that are not used; level 1 is radiance = stored /
ScaleFactor - Offset, level 2 is min + stored * (max - min) / 65535.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from nesr_gui.io.cubes.arrays import Container
from nesr_gui.io.cubes.decoding import stated_numbers
from nesr_gui.io.cubes.description import CubeDescription
from nesr_gui.io.cubes.stored import underlying
from nesr_gui.spectral import Quantity

FULL_SCALE = 65535
_SPECTROMETERS = {"vnir_cube": "Vnir", "swir_cube": "Swir"}


def complete(found: CubeDescription, container: Container) -> CubeDescription:
    """The description of a cube of PRISMA with wavelengths and scaling; any other description as it is."""
    attributes = container.groups.get("", {})
    chosen = next((v for v in container.arrays if v.array is underlying(found.array)), None)
    spectrometer = _SPECTROMETERS.get(chosen.short.lower()) if chosen else None
    if spectrometer is None or not {"List_Cw_Vnir", "List_Cw_Swir"} & attributes.keys():
        return found
    listed = np.array(stated_numbers(attributes.get(f"List_Cw_{spectrometer}", ()), np.dtype(np.float64)) or (), float)
    shape = found.array.shape
    level = chosen.name if chosen else ""
    quantity = Quantity.RADIANCE if "L1" in level or "L2B" in level else Quantity.REFLECTANCE
    low, high = (_number(attributes.get(f"L2Scale{spectrometer}{end}")) for end in ("Min", "Max"))
    divisor, offset = (_number(attributes.get(f"{name}_{spectrometer}")) for name in ("ScaleFactor", "Offset"))
    notes = dict(found.decoding.notes)
    decoding = found.decoding
    if low is not None and high is not None and high > low:
        decoding = replace(decoding, scale=np.array([(high - low) / FULL_SCALE]), offset=np.array([low]))
    elif divisor:
        decoding = replace(decoding, scale=np.array([1 / divisor]), offset=np.array([-(offset or 0.0)]))
    else:
        notes["scaling"], quantity = f"the file states no scaling of {chosen.short if chosen else ''}", Quantity.UNKNOWN
    return replace(
        found,
        band_axis=1 if listed.size in (0, shape[1]) else found.band_axis,
        wavelengths=listed if listed.size == shape[1] else found.wavelengths,
        unit="nm" if listed.size == shape[1] else found.unit,
        quantity=quantity,
        decoding=replace(decoding, notes=notes),
    )


def _number(value: Any) -> float | None:
    numbers = stated_numbers(value, np.dtype(np.float64)) if value is not None else None
    return float(numbers[0]) if numbers and np.isfinite(numbers[0]) else None
