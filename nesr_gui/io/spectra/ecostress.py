"""Spectra in the text files of the ECOSTRESS and ASTER spectral libraries (Meerdink et al. 2019).

About twenty lines `Name: …`, `X Units: Wavelength (micrometers)`, `Y Units: Reflectance (percent)` … are followed by an
empty line and two columns, often with descending wavelengths. Lines with other numbers of values, and wavelengths that
are not positive, occur in published files and are left out.
"""

from __future__ import annotations

import re

import numpy as np

from nesr_gui.io.cubes.decoding import HUGE
from nesr_gui.io.cubes.wavelengths import titled_nanometres
from nesr_gui.spectral import Spectrum, Wavelengths

_HEADER = re.compile(r"^\s*(?:X|Y) Units\s*:", re.MULTILINE | re.IGNORECASE)
_FIELD = re.compile(r"^\s*([A-Za-z][A-Za-z .()]*?)\s*:\s*(.*?)\s*$")


def is_ecostress(text: str) -> bool:
    """Whether a text states the units of its columns as these libraries do."""
    return len(_HEADER.findall(text)) >= 2


def parse(text: str, stem: str) -> list[Spectrum]:
    """The spectrum of a file; `stem` names one that has no name.

    Raises:
        ValueError: it has fewer than two values, a wavelength is repeated, or their unit is unclear.
    """
    fields: dict[str, str] = {}
    pairs: list[tuple[float, float]] = []
    for line in text.splitlines():
        cells = line.split()
        try:
            pair = [float(cell) for cell in cells]
        except ValueError:
            if not pairs and (found := _FIELD.match(line)):
                fields.setdefault(found[1].lower(), found[2])
            continue
        if len(pair) == 2 and pair[0] > 0:
            pairs.append((pair[0], pair[1]))
    if len(pairs) < 2:
        raise ValueError("it holds no numbers in two columns")
    table = np.array(sorted(set(pairs)))
    nm = titled_nanometres(table[:, 0], fields.get("x units", ""))
    values = table[:, 1] / (100 if "percent" in fields.get("y units", "").lower() else 1)
    values[np.abs(table[:, 1]) >= HUGE] = np.nan
    order = np.argsort(nm, kind="stable")
    return [Spectrum(Wavelengths(nm[order]), values[order].astype(np.float32), _name(fields) or stem)]


def _name(fields: dict[str, str]) -> str:
    """Name and sample number: several samples of a material have the same name."""
    name, number = fields.get("name", ""), fields.get("sample no.", "")
    return f"{name} ({number})" if name and number and number.lower() not in ("none", "n/a") else name or number
