"""Files that belong to another one: found beside it, whatever the case of their names, and never elsewhere.

What a file says may name a sibling, but opens nothing outside its folder: no absolute path, no `..`, and no link that
leaves the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from nesr_gui.io.errors import UnreadableFile

MAX_ENTRIES = 100_000  # names in a folder that are compared


def find_sibling(path: Path, names: Iterable[str]) -> Path | None:
    """First of `names` that is a file in the folder of `path` and not `path` itself; upper and lower case are the same.

    Raises:
        UnreadableFile: it is a link that leaves the folder.
    """
    return next(iter(find_siblings(path, names)), None)


def find_siblings(path: Path, names: Iterable[str]) -> list[Path]:
    """All of `names` that are files in the folder of `path`, in that order; see `find_sibling`."""
    wanted = list(dict.fromkeys(names))
    exact = [path.with_name(name) for name in wanted if is_name(name)]
    listed: dict[str, str] = {}
    try:
        with os.scandir(path.parent) as entries:
            for _, entry in zip(range(MAX_ENTRIES), entries, strict=False):
                listed.setdefault(entry.name.casefold(), entry.name)
    except OSError:  # a folder that may be entered but not listed
        pass
    found = []
    for place in exact:
        actual = place if place.is_file() else path.with_name(listed.get(place.name.casefold(), place.name))
        if actual.is_file() and actual.name != path.name and actual not in found:
            found.append(check_inside(actual))
    return found


def is_name(name: str) -> bool:
    """Whether text is the name of a file, without any path."""
    return bool(name) and name not in (".", "..") and not any(mark in name for mark in "/\\\0")


def check_inside(path: Path) -> Path:
    """The same path, if it is not a link that leaves its folder.

    Raises:
        UnreadableFile: it is.
    """
    if path.is_symlink() and Path(os.path.realpath(path)).parent != Path(os.path.realpath(path.parent)):
        raise UnreadableFile(
            f"{path.name} is a link that leaves its folder and is not followed; put the file itself there"
        )
    return path
