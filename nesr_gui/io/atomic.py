"""A file appears under its name complete, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary file to write in place of `path`; it takes that name when the block ends well.

    The temporary file stands in the same folder, so that taking the name is one step on one disk. Whatever ends the
    block early, a `Cancelled` and Ctrl-C included, deletes it and leaves an older `path` as it was. A link is followed,
    as an ordinary write would.

    Raises:
        OSError: the folder is missing or cannot be written, `path` is a folder, or another program holds it.
    """
    target = Path(os.path.realpath(path))
    part = _create_beside(target)
    try:
        yield part
        with part.open("r+b") as file:  # the data must be on the disk before the name says so
            os.fsync(file.fileno())
        _take_name(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _create_beside(target: Path) -> Path:
    if not target.parent.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, f"cannot write {target.name}: there is no folder {target.parent}; create it or choose another"
        )
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, f"cannot write {target}: it is a folder; choose a file name")
    part = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.part")
    try:
        part.open("xb").close()  # not mkstemp, whose files nobody else may read
    except OSError as error:
        raise type(error)(
            error.errno, f"cannot write in {target.parent} ({error.strerror}); choose another folder"
        ) from error
    return part


def _take_name(part: Path, target: Path) -> None:
    try:
        os.replace(part, target)
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cannot replace {target} ({error.strerror}); close it elsewhere or choose another name",
        ) from error
