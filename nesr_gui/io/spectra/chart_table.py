"""Tables of the patches of a colour chart: a line per patch with its place, its name and its reflectance."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from nesr_gui.colorimetry.charts import ColourChart
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.spectra.csv import read_table

EXPECTED = (
    "the columns row, column (both from 1), name and one per wavelength in nm, for example row,column,name,400,410"
)
MOST_PATCHES = 2000


def read_chart(path: str | os.PathLike[str]) -> ColourChart:
    """Read a chart from a CSV file: `row,column,name,400,410,…,700`, a line per patch; 1 is a perfect white.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it is not such a table.
    """
    path = Path(path)
    lines = read_table(path, ("row", "column", "name"))
    try:
        if not 1 <= len(lines) <= MOST_PATCHES:
            raise ValueError(f"it has {len(lines)} patches")
        headers = {
            header: found for header in lines[0] if (found := re.fullmatch(r"([\d.]+)(?:\s*nm)?", header.strip()))
        }
        nm = [float(found[1]) for found in headers.values()]
        cells = np.array([[int(line["row"]) - 1, int(line["column"]) - 1] for line in lines])
        values = np.array([[float(line[header]) for header in headers] for line in lines])
        if not headers:
            raise ValueError("it has no column of a wavelength")
        return ColourChart.measured(path.stem, tuple(line["name"] for line in lines), cells, values, nm)
    except ValueError as error:
        raise UnreadableFile(f"cannot read a chart from {path.name}: {error}; expected {EXPECTED}") from error
