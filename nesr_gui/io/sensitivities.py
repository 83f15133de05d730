"""A camera's spectral sensitivities from a table of text: one row per wavelength, one column per channel."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Spectrum, Wavelengths

CHANNELS = {"r": 0, "red": 0, "g": 1, "green": 1, "b": 2, "blue": 2}
SEEN = (400.0, 700.0)  # nm: the models' range, in which every channel must respond
EXPECTED = "a table whose first line is wavelength,R,G,B, in nm, with a row of numbers for each wavelength"

Sensitivities = tuple[Spectrum, Spectrum, Spectrum]
"""R, G, B on the same wavelengths; how large they are means nothing, only their shape."""


def read_sensitivities(path: str | os.PathLike[str]) -> Sensitivities:
    """Read a camera's sensitivities: a CSV of the columns wavelength (nm), R, G, B.

    The first line names the columns, the wavelength first (`wavelength`, `wavelength_nm`, `wavelength (nm)`, `nm`), the
    channels in any order (`R`, `red`, …). Columns are parted by comma, semicolon or tab; lines that begin with `#` are
    left aside. A value is the response per unit of spectral power at that wavelength, of the bare values of the
    camera: linear, before any white balance. Channels may be scaled, each by its own factor.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFile: it is not such a table, or a channel responds to nothing between 400 and 700 nm.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        header, *rows = _rows(path.read_text(encoding="utf-8-sig"))
        order = _order(header)
        if len(rows) < 2 or any(len(row) != len(header) for row in rows):
            raise ValueError(
                "its lines have different lengths" if len(rows) > 1 else "it has fewer than two wavelengths"
            )
        numbers = np.array([[float(cell) for cell in row] for row in rows])  # (L, 4)
        if not np.isfinite(numbers).all():
            raise ValueError("it has values that are not finite numbers")
        wavelengths = Wavelengths(numbers[:, 0])
        _check_response(numbers, order)
    except (ValueError, csv.Error) as error:
        raise UnreadableFile(
            f"cannot read camera sensitivities from {path.name}: {error}; expected {EXPECTED}"
        ) from error
    red, green, blue = (
        Spectrum(wavelengths, numbers[:, column], name) for column, name in zip(order, "RGB", strict=True)
    )
    return red, green, blue


def _rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise ValueError("it is empty")
    delimiter = max(",;\t", key=lines[0].count)
    return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter, strict=True)]


def _order(header: list[str]) -> list[int]:
    """The columns of R, G and B."""
    first = re.fullmatch(r"nm|wavelengths?[\s_]*[(\[]?(nm|nanomet(?:er|re)s?)?[)\]]?", header[0].lower())
    named = {CHANNELS.get(name.lower()): column for column, name in enumerate(header) if column > 0}
    if first is None or len(header) != 4 or set(named) != {0, 1, 2}:
        raise ValueError(f"its first line is {','.join(header)[:60]!r}")
    return [named[channel] for channel in range(3)]


def _check_response(numbers: npt.NDArray[np.float64], order: list[int]) -> None:
    seen = (numbers[:, 0] >= SEEN[0]) & (numbers[:, 0] <= SEEN[1])
    for name, column in zip(("red", "green", "blue"), order, strict=True):
        if not numbers[seen, column].sum() > 0:
            raise ValueError(f"its {name} channel responds to nothing between {SEEN[0]:g} and {SEEN[1]:g} nm")
