"""What a model was made by and from: the program, its commit, and the record that ties a folder to one run."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from nesr_gui._version import __version__
from nesr_gui.io.atomic import atomic_write

LABELS = {
    "network": "another network",
    "config": "another network",
    "counts": "other band numbers",
    "scenes": "other scenes",
    "spectra": "other spectra",
    "counted": "other charts, or other pixels that do not count",
}
"""How a refused run names the parts of a record that are not compared field by field."""


def commit() -> str:
    """The commit of the source tree, marked `-dirty` if files differ from it; empty for an installed program."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def program() -> str:
    """Versions of the program and of torch."""
    return f"nesr_gui {__version__}, torch {torch.__version__}"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits; raises OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_run(path: Path, record: Mapping[str, Any]) -> None:
    """Check that a folder holds no run, or the run that is described: one cannot be resumed with other settings.

    Settings that an older version of the program did not record are taken to be equal.

    Args:
        path: the JSON file in the folder that holds the record of its run.
        record: everything that determines the run; sections without a label in `LABELS` are compared field by field.

    Raises:
        ValueError: the folder holds another run; the message names the settings that differ.
    """
    if not path.exists():
        return
    before, after = json.loads(path.read_text(encoding="utf-8")), json.loads(json.dumps(record))
    differences = [text for key, value in after.items() if key not in LABELS for text in _changes(before, key, value)]
    labels = [LABELS[key] for key, value in after.items() if key in LABELS and before.get(key, value) != value]
    if "another network" in labels and differences:  # the settings that differ explain it
        labels.remove("another network")
    if found := [*differences, *labels]:
        raise ValueError(
            f"{path.parent} holds a run with other settings ({'; '.join(found)}); name another folder by --out, or "
            "repeat its settings"
        )


def claim_run(path: Path, record: Mapping[str, Any]) -> None:
    """Record the run of a folder, unless it has a record already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")


def _changes(before: Mapping[str, Any], key: str, value: Any) -> Iterator[str]:
    """The values below a key that differ, in words such as `rate 0.001, not 0.002`."""
    old = before.get(key, value)
    if isinstance(value, dict) and isinstance(old, dict):
        for name, part in value.items():
            yield from _changes(old, name, part)
    elif old != value:
        yield f"{key} {_text(old)}, not {_text(value)}"


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "none" if value in (None, "") else str(value)
