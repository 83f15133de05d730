"""Tells whether a file or a folder is still the one it was, without reading all of a large cube."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nesr_gui import io

END = 1 << 19  # bytes at the start and at the end of a cube's file that are read
_MOST_FILES = 256  # of a folder whose contents are read; of more only names and sizes


def fingerprint(path: Path) -> str:
    """SHA-256 of a photograph; of a cube, of the names, sizes, first and last bytes of its files.

    Raises:
        OSError: it cannot be read.
    """
    if path.is_file() and io.is_photograph(path):
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for number, each in enumerate(files):
        size = each.stat().st_size
        name = each.relative_to(path).as_posix() if path.is_dir() else ""  # a file may be renamed
        digest.update(f"{name}\0{size}\0".encode())
        if number < _MOST_FILES:
            with each.open("rb") as file:
                digest.update(file.read(END))
                file.seek(max(END, size - END))
                digest.update(file.read(END))
    return digest.hexdigest()
