"""Atomic writing: a file, or a set of files, appears under its name complete or not at all.

Temporary names contain the process ID, so that remains of a killed process can be distinguished from files being
written.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
_TEMPORARY = re.compile(r"\..+\.(?P<host>[0-9a-f]{6})-(?P<pid>\d+)-[0-9a-f]{16}\.(?P<state>part|ready)")
_ORDER, _OLD = ".order", ".old"
_OF_WRITES = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))
_DAY = 86_400.0  # seconds
_OF_FILE_MANAGERS = (".DS_Store", "Thumbs.db", "desktop.ini")  # made by looking at a folder


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Context manager that gives a temporary file, which replaces `path` if the block succeeds.

    The temporary file is in the same folder, so that renaming it is a single operation on one file system. If the block
    raises, including `Cancelled` and KeyboardInterrupt, the file is deleted and an existing `path` stays unchanged.
    Symbolic links are followed, as in an ordinary write.

    Raises:
        OSError: the folder is missing or not writable, `path` is a folder, or another program holds the file open.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, f"cannot write {target}: it is a folder; choose a file name")
    part = _create_temporary(target)
    try:
        yield part
        _flush(part)  # the data must be on the disk before the rename
        _take_name(part, target)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the first error counts; `remove_stale` comes later
            part.unlink(missing_ok=True)
        _name_in_error(error, part, target)
        raise


@contextmanager
def atomic_write_set(*paths: str | os.PathLike[str]) -> Iterator[Path]:
    """Context manager that gives a temporary folder for files or folders named as `paths`, all of one folder.

    If the block succeeds, they are moved into place, the last of `paths` (the header, which readers require) last. If
    the process is killed while writing, or a file cannot be replaced, the old set remains. If it is killed during the
    moves, the set lacks its header, so readers refuse it, and the next `remove_stale` completes it. Replacing a file by
    a folder, or vice versa, is an error; folders are replaced as a whole.

    Raises:
        OSError: as for `atomic_write`.
    """
    targets = [Path(os.path.realpath(path)) for path in paths]
    part = _temporary_name(targets[-1])
    with _explain_errors(part.parent):
        part.mkdir()
    try:
        yield part
        (part / _ORDER).write_bytes(os.fsencode("\n".join(target.name for target in targets)))
        for target in targets:
            _check_kind(part / target.name, target)
        for folder, _, names in os.walk(part):
            for name in names:
                _flush(Path(folder, name))
        ready = part.with_suffix(".ready")
        os.replace(part, ready)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        _name_in_error(error, part, targets[-1])
        raise
    try:
        _move_in(ready)
    except OSError:
        if _is_untouched(ready, targets):
            shutil.rmtree(ready, ignore_errors=True)
        raise


def check_writable(path: str | os.PathLike[str]) -> None:
    """Check, before long work, that a file or folder can be created beside `path`.

    Raises:
        OSError: the folder is missing or not writable.
    """
    _create_temporary(Path(os.path.realpath(path))).unlink()


def check_replaceable(folder: Path, is_own: Callable[[str], bool]) -> None:
    """Check that a folder which is about to be replaced as a whole holds nothing else than what is written again.

    Args:
        folder: it need not exist.
        is_own: tells this of the path of a file inside the folder, with slashes.

    Raises:
        FileExistsError: it holds other files.
    """
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in sorted([*names, *links]):
            file = Path(place, name).relative_to(folder).as_posix()
            if name not in _OF_FILE_MANAGERS and not is_own(file):
                raise FileExistsError(f"the folder {folder} holds other files, such as {file}; choose a new folder")


@contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """Context manager that gives a temporary folder on the file system of `path`, deleted on exit."""
    part = _temporary_name(path)
    with _explain_errors(part.parent):
        part.mkdir()
    try:
        yield part
    except OSError as error:
        _name_in_error(error, part, path)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def remove_stale(folder: Path) -> None:
    """Remove unfinished files of killed processes from `folder`, and complete sets that were fully written."""
    for path in folder.glob(".*-*-*.*"):
        named = _TEMPORARY.fullmatch(path.name)
        if not named or not _is_abandoned(path, named["host"], int(named["pid"])):
            continue
        with contextlib.suppress(OSError):  # another process may be doing the same
            if named["state"] == "ready":
                _move_in(path)
            elif path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


_remove_stale_once = cache(remove_stale)


def _is_abandoned(path: Path, host: str, pid: int) -> bool:
    if host != _HOST or os.name == "nt":  # that process cannot be queried: allow it a day
        return time.time() - path.stat().st_mtime > _DAY
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _temporary_name(target: Path) -> Path:
    """Unused temporary name for `target`; also cleans the folder, once per process."""
    if not target.parent.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, f"cannot write {target.name}: there is no folder {target.parent}; create it or choose another"
        )
    _remove_stale_once(target.parent)
    return target.with_name(f".{target.name[:100]}.{_HOST}-{os.getpid()}-{secrets.token_hex(8)}.part")


def _create_temporary(target: Path) -> Path:
    part = _temporary_name(target)
    with _explain_errors(target.parent):
        part.open("xb").close()  # mkstemp would create a file that only its owner can read
    return part


@contextmanager
def _explain_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise type(error)(
            error.errno, f"cannot write in {folder} ({str(error.strerror).lower()}); choose another folder"
        ) from error


def _name_in_error(error: BaseException, part: Path, target: Path) -> None:
    """Let an error name the file that was asked for, where it names a temporary one or, like a failed write, none."""
    if isinstance(error, OSError) and error.errno is not None:
        named = str(error.filename or "")
        if named.startswith(str(part)) or (not named and error.errno in _OF_WRITES):
            error.filename = str(target)


def _check_kind(made: Path, target: Path) -> None:
    if target.exists() and made.is_dir() != target.is_dir():
        kind, other = ("folder", "file") if made.is_dir() else ("file", "folder")
        raise FileExistsError(errno.EEXIST, f"cannot write the {kind} {target}: it is a {other}; choose another name")


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _move_in(ready: Path) -> None:
    """Move a finished set into place; can be repeated after a kill at any step.

    If a file is refused its name, as one that another program holds open, the older set is put back.
    """
    if not (ready / _ORDER).is_file():  # everything was moved; the process was killed while deleting the remains
        shutil.rmtree(ready, ignore_errors=True)
        return
    names = os.fsdecode((ready / _ORDER).read_bytes()).split("\n")
    header, folder = names[-1], ready.parent
    moves: list[tuple[Path, Path]] = []

    def move(source: Path, target: Path) -> None:
        os.replace(source, target)
        moves.append((source, target))

    def set_aside(name: str) -> None:
        if (folder / name).exists():
            move(folder / name, ready / f"{name}.{secrets.token_hex(4)}{_OLD}")

    with _explain_lock(folder / header):
        try:
            if (ready / header).is_file():  # readers refuse a set without its header
                set_aside(header)
            for name in (name for name in names if (ready / name).exists()):
                set_aside(name)
                move(ready / name, folder / name)
        except OSError:
            for source, target in reversed(moves):
                os.replace(target, source)
            raise
    shutil.rmtree(ready, ignore_errors=True)


def _is_untouched(ready: Path, targets: list[Path]) -> bool:
    """Whether a finished set is complete and holds nothing of the older one."""
    is_complete = all((ready / target.name).exists() for target in targets)
    return is_complete and not any(path.suffix == _OLD for path in ready.iterdir())


def _take_name(part: Path, target: Path) -> None:
    with _explain_lock(target):
        os.replace(part, target)


@contextmanager
def _explain_lock(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cannot replace {target} ({str(error.strerror).lower()}); close it elsewhere or choose another name",
        ) from error
