"""Fingerprints that tell whether a file or folder has changed, without reading all of a large cube."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from nesr_gui import io

END = 1 << 19  # bytes read at the start and at the end of a cube file
_MOST_FILES = 256  # largest folder whose contents are read; of a larger one only names and sizes


def fingerprint(path: Path) -> str:
    """SHA-256 of a photograph; of a cube, of the names, sizes, and first and last bytes of its files.

    Raises:
        OSError: the file or folder is not readable.
    """
    if path.is_file() and io.is_photograph(path):
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for number, each in enumerate(files):
        size = each.stat().st_size
        name = each.relative_to(path).as_posix() if path.is_dir() else ""  # files may be renamed
        digest.update(os.fsencode(name) + f"\0{size}\0".encode())
        if number < _MOST_FILES:
            with each.open("rb") as file:
                digest.update(file.read(END))
                file.seek(max(END, size - END))
                digest.update(file.read(END))
    return digest.hexdigest()
