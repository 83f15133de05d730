"""Spectra in CGATS.17 text files (ANSI CGATS.17, ISO 28178), as profiling programs and Argyll CMS write them.

A sample has a column per wavelength (`SPECTRAL_NM400`, `SPECTRAL_400`, `SPEC_400`, `NM_400`, `R_400`), or pairs of
the columns `SPECTRAL_NM` and `SPECTRAL_PCT` or `SPECTRAL_DEC`.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import Spectrum, Wavelengths

_BAND = re.compile(r"(?:SPECTRAL_NM_?|SPECTRAL_|SPEC_|NM_?|R_)(\d{3,4}(?:\.\d+)?)(?:_?NM)?", re.IGNORECASE)
_TOKEN = re.compile(r'"[^"]*"|\S+')
_NAMES = ("SAMPLE_NAME", "SAMPLE_ID", "SAMPLE_LOC", "SAMPLENAME", "SAMPLEID")
_PERCENT = 100.0


def is_cgats(text: str) -> bool:
    """Whether a text is a CGATS.17 file."""
    return re.search(r"^\s*BEGIN_DATA_FORMAT\s*$", text, re.MULTILINE) is not None


def parse(text: str, stem: str) -> list[Spectrum]:
    """The spectra of a CGATS.17 file; `stem` names samples that have no name.

    Raises:
        ValueError: it holds no spectra, or its rows do not have its columns.
    """
    columns = [name.upper() for name in _TOKEN.findall(_section(text, "DATA_FORMAT"))]
    cells = [token.strip('"') for token in _TOKEN.findall(_section(text, "DATA"))]
    if not columns or not cells or len(cells) % len(columns):
        raise ValueError(f"it has {len(cells)} values for {len(columns)} columns")
    rows = [cells[first : first + len(columns)] for first in range(0, len(cells), len(columns))]
    positions, wavelengths = _bands(columns, rows[0])
    if len(positions) < 2:
        raise ValueError("it has no spectral columns, such as SPECTRAL_NM400")
    order = np.argsort(wavelengths)
    values = np.array([[float(row[position]) for position in positions] for row in rows])[:, order] / _scale(
        text, columns
    )
    nm = Wavelengths(wavelengths[order])
    named = [columns.index(name) for name in _NAMES if name in columns]
    names = [row[named[0]] if named else f"{stem} {number}" for number, row in enumerate(rows, 1)]
    return [Spectrum(nm, curve.astype(np.float32), name) for curve, name in zip(values, names, strict=True)]


def _section(text: str, name: str) -> str:
    """The text between BEGIN_name and END_name; only the first table of a file counts."""
    found = re.search(rf"^\s*BEGIN_{name}\s*$(.*?)^\s*END_{name}\s*$", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"it has no BEGIN_{name} … END_{name}")
    return found[1]


def _bands(columns: list[str], first: list[str]) -> tuple[list[int], npt.NDArray[np.float64]]:
    """Columns of values and their wavelengths in nm."""
    pairs = [at for at, name in enumerate(columns[:-1]) if name == "SPECTRAL_NM"]
    if pairs:
        return [at + 1 for at in pairs], np.array([float(first[at]) for at in pairs])
    found = [(at, match[1]) for at, name in enumerate(columns) if (match := _BAND.fullmatch(name))]
    return [at for at, _ in found], np.array([float(nm) for _, nm in found])


def _scale(text: str, columns: list[str]) -> float:
    """The value that means a reflectance of 1."""
    if stated := re.search(r'^\s*SPECTRAL_NORM\s+"?([\d.]+)"?\s*$', text, re.MULTILINE):
        return float(stated[1]) or 1.0
    return _PERCENT if "SPECTRAL_PCT" in columns else 1.0
