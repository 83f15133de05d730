"""Compare measured speeds with the recorded ones: `python -m tests.speed.history RESULTS.json [--record NAME]`.

A speed is the median time of a part over that of the reference beside it (`conftest.py`). `history.csv` has one row for
each recorded version and part.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

HISTORY = Path(__file__).with_name("history.csv")
COLUMNS = ("version", "part", "ratio")
MOST = 1.5  # times the last recorded ratio: less is noise between runs of the same code


def ratios(results: Path) -> dict[str, float]:
    """Ratio of each part in a file of pytest-benchmark."""
    measured = json.loads(results.read_text(encoding="utf-8"))["benchmarks"]
    return {each["name"].removeprefix("test_"): each["stats"]["median"] / each["extra_info"]["reference_s"]
            for each in measured}  # fmt: skip


def recorded() -> dict[str, list[tuple[str, float]]]:
    """Versions and ratios of each part, oldest first."""
    found: dict[str, list[tuple[str, float]]] = {}
    with HISTORY.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["part"], []).append((row["version"], float(row["ratio"])))
    return found


def compare(present: dict[str, float], past: dict[str, list[tuple[str, float]]]) -> tuple[list[str], list[str]]:
    """Lines of a table, and the parts that are more than `MOST` times as slow as when they were last recorded."""
    lines, slower = [f"{'part':42}{'now':>10}{'recorded':>10}{'now / recorded':>16}"], []
    for part, ratio in present.items():
        if part not in past:
            lines.append(f"{part:42}{ratio:10.3g}{'-':>10}{'-':>16}")
            continue
        last = past[part][-1][1]
        lines.append(f"{part:42}{ratio:10.3g}{last:10.3g}{ratio / last:16.2f}")
        if ratio > MOST * last:
            slower.append(part)
    return lines, slower


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison; 1 if a part became slower. With `--record`, append the ratios under a name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--record", metavar="NAME")
    options = parser.parse_args(arguments)
    present = ratios(options.results)
    lines, slower = compare(present, recorded())
    sys.stdout.write("\n".join(lines) + "\n")
    if options.record:
        with HISTORY.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(
                (options.record, part, f"{ratio:.4g}") for part, ratio in present.items()
            )
        return 0
    if slower:
        sys.stderr.write(f"slower than recorded: {', '.join(slower)}\n")
    return bool(slower)


if __name__ == "__main__":
    sys.exit(main())
