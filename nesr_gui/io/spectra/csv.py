"""Spectra as CSV files, exact and strict, and general tables."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.names import readable
from nesr_gui.spectral import Spectrum, Wavelengths

FIRST_COLUMN = "wavelength_nm"


def write_table(
    path: str | os.PathLike[str],
    rows: Sequence[Mapping[str, str | float]],
    *,
    provenance: Mapping[str, str] | None = None,
) -> None:
    """Write rows that have the same keys in the same order; numbers are not quoted.

    Raises:
        ValueError: there are no rows.
        OSError: the folder is not writable.
    """
    if not rows:
        raise ValueError("no row to write; expected at least one")
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        for key, value in (provenance or {}).items():
            file.write(f"# {_one_line(key)}: {_one_line(value)}\n")
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        writer.writerows(
            {key: readable(value) if isinstance(value, str) else value for key, value in row.items()} for row in rows
        )


def read_table(path: str | os.PathLike[str], columns: Sequence[str]) -> list[dict[str, str]]:
    """Read the rows of a table with at least `columns`; lines starting with # above the header are skipped.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it is not such a table.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            position = 0
            while file.readline().startswith("#"):
                position = file.tell()
            file.seek(position)
            reader = csv.DictReader(file, strict=True)
            missing = [column for column in columns if column not in (reader.fieldnames or [])]
            if missing:
                raise ValueError(f"it has no column {missing[0]!r}")
            rows = list(reader)
        if any(None in row or None in row.values() for row in rows):
            raise ValueError("its lines have different lengths")
    except (ValueError, csv.Error) as error:
        raise UnreadableFile(
            f"cannot read a table from {path.name}: {error}; expected the columns {', '.join(columns)}"
        ) from error
    return rows


def write_curves(
    path: str | os.PathLike[str], curves: Sequence[Spectrum], *, provenance: Mapping[str, str] | None = None
) -> None:
    """Write spectra with common wavelengths, with `provenance` above them as `# key: value` lines.

    Numbers have enough digits to read back the same float32 (values) and float64 (nm).

    Raises:
        ValueError: there are no spectra, or their wavelengths differ.
        OSError: the folder is not writable.
    """
    if not curves:
        raise ValueError("no spectra to write; expected at least one")
    nm = curves[0].wavelengths.nm
    for curve in curves:
        if not np.array_equal(curve.wavelengths.nm, nm):
            raise ValueError(
                f"spectra {curves[0].name!r} and {curve.name!r} have different wavelengths; "
                "one file holds spectra at the same wavelengths, so write two files"
            )
    rows = zip(nm.tolist(), *(curve.values for curve in curves), strict=True)
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        for key, value in (provenance or {}).items():
            file.write(f"# {_one_line(key)}: {_one_line(value)}\n")
        header = [FIRST_COLUMN, *(readable(curve.name) for curve in curves)]
        # the csv module leaves a lone carriage return unquoted, which would be read back as a new line
        all_quoted = any("\r" in name for name in header)
        csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL).writerow(
            header
        )
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([repr(at), *(f"{value:.9g}" for value in values)] for at, *values in rows)


def read_curves(path: str | os.PathLike[str]) -> list[Spectrum]:
    """Read the spectra of a file written by `write_curves`, or of the same form.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it is not such a table.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        header, *rows = _table(path)
        if header[0] != FIRST_COLUMN or len(header) < 2:
            raise ValueError(f"its first line is {','.join(header)[:60]!r}")
        if any(len(row) != len(header) for row in rows):
            raise ValueError("its lines have different lengths")
        numbers = np.array([[float(cell) for cell in row] for row in rows])  # (L, 1 + curves)
        wavelengths = Wavelengths(numbers.reshape(len(rows), len(header))[:, 0])
    except (ValueError, csv.Error) as error:
        raise UnreadableFile(
            f"cannot read spectra from {path.name}: {error}; expected a table with the first column {FIRST_COLUMN} "
            "and one column of numbers per spectrum"
        ) from error
    return [Spectrum(wavelengths, numbers[:, i], name) for i, name in enumerate(header) if i > 0]


def _table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        position = 0
        while file.readline().startswith("#"):  # only above the header: a column name may contain a line with "#"
            position = file.tell()
        file.seek(position)
        rows = [row for row in csv.reader(file, strict=True) if row]
    if len(rows) < 2:
        raise ValueError("it holds no numbers")
    return rows


def _one_line(text: str) -> str:
    return readable(" ".join(str(text).split()))
