"""A file, or a set of files that belong together, appears under its name complete, or not at all.

Temporary names say which process makes them, so that what a killed one left can be told from what a living one writes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
_TEMPORARY = re.compile(r"\..+\.(?P<host>[0-9a-f]{6})-(?P<pid>\d+)-[0-9a-f]{16}\.(?P<state>part|ready)")
_ORDER = ".order"
_DAY = 86_400.0  # seconds


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary file to write in place of `path`; it takes that name when the block ends well.

    The temporary file stands in the same folder, so that taking the name is one step on one disk. Whatever ends the
    block early, a `Cancelled` and Ctrl-C included, deletes it and leaves an older `path` as it was. A link is followed,
    as an ordinary write would.

    Raises:
        OSError: the folder is missing or cannot be written, `path` is a folder, or another program holds it.
    """
    target = Path(os.path.realpath(path))
    part = _named_beside(target)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, f"cannot write {target}: it is a folder; choose a file name")
    with _explained(target.parent):
        part.open("xb").close()  # not mkstemp, whose files nobody else may read
    try:
        yield part
        _flush(part)  # the data must be on the disk before the name says so
        _take_name(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_write_set(*paths: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary folder in which to write files or folders under the names of `paths`, all of one folder.

    When the block ends well they move to their places, the last of `paths` (the header, which readers need) last. A
    process killed while it writes leaves the older set; one killed in the few steps of moving leaves a set without its
    header, which readers refuse and the next `remove_stale` completes. What is there under another kind (a file where
    a folder comes) is an error; folders are replaced whole.

    Raises:
        OSError: as `atomic_write`.
    """
    targets = [Path(os.path.realpath(path)) for path in paths]
    part = _named_beside(targets[-1])
    with _explained(part.parent):
        part.mkdir()
    try:
        yield part
        (part / _ORDER).write_text("\n".join(target.name for target in targets), encoding="utf-8")
        for target in targets:
            _check_kind(part / target.name, target)
        for folder, _, names in os.walk(part):
            for name in names:
                _flush(Path(folder, name))
        ready = part.with_suffix(".ready")
        os.replace(part, ready)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _move_in(ready)


@contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """Give a temporary folder on the disk of `path`; it is deleted in the end."""
    part = _named_beside(path)
    with _explained(part.parent):
        part.mkdir()
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def remove_stale(folder: Path) -> None:
    """Remove what killed processes left unfinished in `folder`, and complete the sets they had finished writing."""
    for path in folder.glob(".*-*-*.*"):
        named = _TEMPORARY.fullmatch(path.name)
        if not named or not _is_abandoned(path, named["host"], int(named["pid"])):
            continue
        with contextlib.suppress(OSError):  # another process may do the same at this moment
            if named["state"] == "ready":
                _move_in(path)
            elif path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


_remove_stale_once = cache(remove_stale)


def _is_abandoned(path: Path, host: str, pid: int) -> bool:
    if host != _HOST or os.name == "nt":  # there is no asking after that process: it had a day
        return time.time() - path.stat().st_mtime > _DAY
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _named_beside(target: Path) -> Path:
    """A free name for what will become `target`; by the way the folder is swept, once in the life of a process."""
    if not target.parent.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, f"cannot write {target.name}: there is no folder {target.parent}; create it or choose another"
        )
    _remove_stale_once(target.parent)
    return target.with_name(f".{target.name[:100]}.{_HOST}-{os.getpid()}-{secrets.token_hex(8)}.part")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno, f"cannot write in {folder} ({error.strerror}); choose another folder") from error


def _check_kind(made: Path, target: Path) -> None:
    if target.exists() and made.is_dir() != target.is_dir():
        kind, other = ("folder", "file") if made.is_dir() else ("file", "folder")
        raise FileExistsError(errno.EEXIST, f"cannot write the {kind} {target}: it is a {other}; choose another name")


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _move_in(ready: Path) -> None:
    """Move a finished set to its places; may be repeated after a kill at any step."""
    if not (ready / _ORDER).is_file():  # everything was moved; the kill came while what remained was deleted
        shutil.rmtree(ready, ignore_errors=True)
        return
    names = (ready / _ORDER).read_text(encoding="utf-8").splitlines()
    header, folder = names[-1], ready.parent
    with _held(folder / header):
        if (ready / header).is_file():
            (folder / header).unlink(missing_ok=True)
        for name in (name for name in names if (ready / name).exists()):
            if (folder / name).is_dir():
                os.replace(folder / name, ready / f"{name}.{secrets.token_hex(4)}.old")
            os.replace(ready / name, folder / name)
    shutil.rmtree(ready, ignore_errors=True)


def _take_name(part: Path, target: Path) -> None:
    with _held(target):
        os.replace(part, target)


@contextmanager
def _held(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cannot replace {target} ({error.strerror}); close it elsewhere or choose another name",
        ) from error
