"""The marks as rows of text, for the clipboard and for files, and marks from such rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from nesr_gui.gui.marks.answers import Curve, Finding, Reading
from nesr_gui.gui.marks.marks import Mark

COLUMNS = ("number", "name", "shape", "vertices", "colour", "symbol", "visible")
"""What makes a mark; a file with these can be read back."""


def row_of(
    mark: Mark, nm: float, reading: Reading | None, curve: Curve | None, finding: Finding | None
) -> dict[str, str]:
    """Everything known of a mark, as text: what makes it, its value at `nm`, and how it looks."""
    values = mark.as_json()
    row = {key: str(values[key]) for key in COLUMNS}
    row["vertices"] = "; ".join(" ".join(f"{at:g}" if at % 1 else f"{at:.0f}" for at in v) for v in values["vertices"])
    row["visible"] = "yes" if mark.visible else "no"
    row["pixels"] = "" if curve is None else f"{curve.pixels} of {curve.of}"
    row[f"value_at_{nm:g}_nm"] = "" if reading is None else f"{reading.value:.6g}"
    row[f"measured_at_{nm:g}_nm"] = "" if reading is None or reading.truth is None else f"{reading.truth:.6g}"
    seen = finding.appearance if finding is not None else None
    numbers = [*seen.rgb, *seen.xy, *seen.lab, seen.dominant] if seen is not None else [math.nan] * 9
    for name, number in zip(("R", "G", "B", "x", "y", "L*", "a*", "b*", "dominant_nm"), numbers, strict=True):
        row[name] = "" if math.isnan(number) else f"{number:.6g}"
    return row


def mark_of(row: Mapping[str, str]) -> Mark:
    """The mark that a row of `COLUMNS` describes.

    Raises:
        ValueError: it describes none.
    """
    try:
        vertices = [[float(at) for at in vertex.split()] for vertex in row["vertices"].split(";")]
    except (KeyError, ValueError) as error:
        raise ValueError(f"this is no mark: {error}") from error
    return Mark.from_json({**row, "vertices": vertices, "visible": row.get("visible", "yes") != "no"})


def as_text(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows with their header, cells between tabs, as spreadsheets take them from the clipboard."""
    lines = [list(rows[0])] + [list(row.values()) for row in rows] if rows else []
    return "\n".join("\t".join(" ".join(cell.split()) for cell in line) for line in lines)
