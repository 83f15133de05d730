"""Tables of text as CSV: a header, one line per row, and where they come from as `# key: value` lines above."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from nesr_gui.io.atomic import replacing
from nesr_gui.io.errors import UnreadableFile


def write_table(
    path: str | os.PathLike[str], rows: Sequence[Mapping[str, str]], *, provenance: Mapping[str, str] | None = None
) -> None:
    """Write rows, which have the same keys in the same order.

    Raises:
        ValueError: there is no row.
        OSError: the folder cannot be written.
    """
    if not rows:
        raise ValueError("no row to write; expected at least one")
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        for key, value in (provenance or {}).items():
            file.write(f"# {key}: {' '.join(value.split())}\n")
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: str | os.PathLike[str], columns: Sequence[str]) -> list[dict[str, str]]:
    """Read the rows of a table that has at least `columns`; lines of # above its header are left out.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFile: it is no such table.
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
