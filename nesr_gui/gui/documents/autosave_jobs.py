"""Automatic copies of what is not saved: whose they are, and the plain functions that write and find them."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QLockFile

from nesr_gui.fields.protocol import Progress
from nesr_gui.gui.documents.session_jobs import SaveRequest, save_session
from nesr_gui.gui.model.session_file import ENDING, read_session, write_session
from nesr_gui.gui.view_modes import MODES
from nesr_gui.io.errors import UnreadableFile

_LOCK = ".lock"
_OLDEST = 90 * 86_400.0  # seconds; copies that nobody wanted for so long are removed


@dataclass(frozen=True, eq=False)
class Shelf:
    """A folder of copies, held by a lock beside it: no other program takes it before this one closes or dies."""

    folder: Path
    lock: QLockFile

    @classmethod
    def take(cls, folder: Path) -> Shelf | None:
        """Hold a folder, which need not be there yet; None where a running program holds it."""
        lock = QLockFile(f"{folder}{_LOCK}")
        lock.setStaleLockTime(0)  # however old; that of a dead process is taken all the same
        return cls(folder, lock) if lock.tryLock(0) else None

    def copies(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{ENDING}"))

    def release(self) -> None:
        """Let others have it; without a copy in it the folder is removed."""
        if not self.copies():
            shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.unlock()


@dataclass(frozen=True)
class Copy:
    """A copy that a program left when it died: its file, what it is of, and when it was written (seconds, Unix)."""

    path: Path
    name: str
    time: float


@dataclass(frozen=True)
class FindRequest:
    """The folder of all shelves."""

    root: Path


@dataclass(frozen=True, eq=False)
class Found:
    """A shelf for this program's copies, and those of programs that died, with what can be read on them."""

    own: Shelf
    left: tuple[Shelf, ...]
    copies: tuple[Copy, ...]


def find_copies(request: FindRequest, progress: Progress) -> Found:
    """Take every shelf that no running program holds, and a new one.

    Raises:
        OSError: the folder cannot be written.
    """
    root = request.root
    root.mkdir(parents=True, exist_ok=True)
    names = {path.stem for path in root.glob(f"*{_LOCK}")} | {path.name for path in root.iterdir() if path.is_dir()}
    left: list[Shelf] = []
    copies: list[Copy] = []
    for name in sorted(names):
        shelf = Shelf.take(root / name)
        if shelf is not None:
            found = [copy for path in shelf.copies() if (copy := _describe(path)) is not None]
            copies += found
            if found:
                left.append(shelf)
            else:
                shelf.release()
    own = Shelf.take(root / f"{os.getpid()}-{secrets.token_hex(4)}")
    if own is None:
        raise OSError(errno.EACCES, f"cannot write in {root}: unsaved work will not be kept if the program crashes")
    return Found(own, tuple(left), tuple(sorted(copies, key=lambda copy: copy.time)))


def _describe(path: Path) -> Copy | None:
    """None for one that is too old, which is removed, or of another version of the program, which is left."""
    written = path.stat().st_mtime
    if time.time() - written > _OLDEST:
        remove_copy(path)
        return None
    try:
        kept = read_session(path, MODES)
    except (OSError, UnreadableFile):
        return None
    return Copy(path, (kept.file or kept.origin.image).name, written)


@dataclass(frozen=True, eq=False)
class CopyRequest:
    """Copies to write, and those that are not needed any more."""

    copies: tuple[SaveRequest, ...]
    needless: tuple[Path, ...]


def write_copies(request: CopyRequest, progress: Progress) -> str:
    """Write and remove copies; what went wrong in a sentence, or nothing."""
    said = ""
    for path in request.needless:
        remove_copy(path)
    for copy in request.copies:
        try:
            copy.path.parent.mkdir(parents=True, exist_ok=True)
            _write(copy, progress)
        except OSError as error:
            said = f"unsaved work could not be copied for the case of a crash: {error.strerror or error}"
    return said


def _write(copy: SaveRequest, progress: Progress) -> None:
    try:
        save_session(copy, progress)
    except OSError:  # of its image perhaps, which is gone: work on it is kept all the same, and the image asked for
        write_session(copy.path, copy.kept)


def remove_copy(path: Path) -> None:
    with contextlib.suppress(OSError):  # held by another program; it is offered once more
        for file in (path, path.with_suffix(".png")):  # a pasted image
            file.unlink(missing_ok=True)
