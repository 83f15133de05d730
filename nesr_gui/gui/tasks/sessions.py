"""Sessions saved, opened again, and copied while they are not saved: frozen requests and their functions."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import secrets
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QLockFile

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.document import DocumentSource, OpenedCube
from nesr_gui.gui.model.session_file import ENDING, SessionData, read_session, write_session
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.view_modes import MODES
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.fingerprint import fingerprint

_LOCK = ".lock"
_OLDEST = 90 * 86_400.0  # seconds; copies that nobody wanted for so long are removed


class MovedImage(UnreadableFile):
    """The image of a session is not where it was, or another one is there (`found`)."""

    def __init__(self, request: SessionRequest, data: SessionData, found: Path | None) -> None:
        name, folder = data.source.image.name, data.source.image.parent
        super().__init__(
            f"{found.name} is not the image that {request.path.name} was saved with; choose that one, or use this one "
            "all the same"
            if found is not None
            else f"{name} of the session {request.path.name} is not in {folder} any more; choose where it is"
        )
        self.request, self.found, self.wanted = request, found, name


@dataclass(frozen=True, eq=False)
class SaveRequest:
    """What to keep, where, and `work` of the document at that time."""

    path: Path
    data: SessionData
    work: tuple[object, ...]


def save_session(request: SaveRequest, progress: ProgressCallback) -> DocumentSource:
    """Write a session file with the fingerprints of its images as they are now.

    Returns:
        Where its images are: a pasted one was written beside it.
    """
    source = _with_file(request.data.source, request.path)
    digests = fingerprint(source.image), fingerprint(source.truth) if source.truth is not None else ""
    write_session(request.path, replace(request.data, source=source, digests=digests))
    return source


def _with_file(source: DocumentSource, document: Path) -> DocumentSource:
    """The same with a pasted image beside the session, under a name that no other file has."""
    if not source.is_pasted:
        return source
    digest = fingerprint(source.image)
    names = (f"{document.stem}{f' {number}' * (number > 1)}.png" for number in itertools.count(1))
    places = (document.with_name(name) for name in names)
    place = next(each for each in places if not each.exists() or (each.is_file() and fingerprint(each) == digest))
    if not place.exists():
        with atomic_write(place) as part:
            shutil.copyfile(source.image, part)
    return replace(source, image=place, is_pasted=False)


@dataclass(frozen=True, eq=False)
class SessionRequest:
    """A session file to open.

    Attributes:
        image: where its image is, if the user was asked.
        is_accepted: whether that may be another image than it was.
        beside: whether a document of its own is asked for.
        is_copy: whether it is an automatic copy, of which nothing is saved.
    """

    path: Path
    image: Path | None = None
    is_accepted: bool = False
    beside: bool = False
    is_copy: bool = False


@dataclass(frozen=True, eq=False)
class LoadedSession:
    """What a session keeps, with its image opened, and what the user should know of it."""

    data: SessionData
    opened: loading.OpenedPhotograph | OpenedCube
    notes: tuple[str, ...] = ()


def open_session(request: SessionRequest, progress: ProgressCallback) -> LoadedSession:
    """Open a session and its image.

    Raises:
        MovedImage: the image is not there, or is another one.
        OSError, ValueError: a file cannot be read; the text is one sentence.
    """
    data = read_session(request.path, MODES)
    image = request.image or data.source.image
    if not os.path.exists(image):  # which a name that no file can have is none for
        raise MovedImage(request, data, None)
    if not request.is_accepted and fingerprint(image) != data.digests[0]:
        raise MovedImage(request, data, image)
    truth, notes = _truth(data)
    is_pasted = request.is_copy and image.parent == request.path.parent  # nothing else is in the folder of copies
    source = replace(data.source, image=image, truth=truth.path if truth is not None else None, is_pasted=is_pasted)
    data = replace(data, source=source)
    opened: loading.OpenedPhotograph | OpenedCube
    if data.source.reading is not None:
        opened = loading.read_cube(loading.CubeRequest(image, data.source.reading), progress)
    else:
        opened = loading.read_file(loading.ReadRequest(image, None, data.interpretation), progress)
        if isinstance(opened, loading.OpenedPhotograph):
            opened = replace(opened, truth=truth)
    return LoadedSession(data, opened, notes)


def _truth(data: SessionData) -> tuple[MeasuredCube | None, tuple[str, ...]]:
    """The measured cube as it was laid, where it is still there and the same."""
    from nesr_gui import io

    path, registration = data.source.truth, data.registration
    if path is None or registration is None:
        return None, ()
    if not os.path.exists(path) or fingerprint(path) != data.digests[1]:
        return None, (f"Its measured cube {path} is no longer there, or another one.",)
    try:
        cube = io.open_cube(path)
    except (OSError, ValueError) as error:
        return None, (f"Its measured cube was left out: {error}.",)
    return MeasuredCube(cube, path.name, path, registration.match, is_chosen=registration.is_chosen), ()


@dataclass(frozen=True, eq=False)
class AutosaveFolder:
    """A folder of copies, held by a lock beside it: no other program takes it before this one closes or dies."""

    folder: Path
    lock: QLockFile

    @classmethod
    def take(cls, folder: Path) -> AutosaveFolder | None:
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

    own: AutosaveFolder
    left: tuple[AutosaveFolder, ...]
    copies: tuple[Copy, ...]


def find_copies(request: FindRequest, progress: ProgressCallback) -> Found:
    """Take every shelf that no running program holds, and a new one.

    Raises:
        OSError: the folder cannot be written.
    """
    root = request.root
    root.mkdir(parents=True, exist_ok=True)
    names = {path.stem for path in root.glob(f"*{_LOCK}")} | {path.name for path in root.iterdir() if path.is_dir()}
    left: list[AutosaveFolder] = []
    copies: list[Copy] = []
    for name in sorted(names):
        shelf = AutosaveFolder.take(root / name)
        if shelf is not None:
            found = [copy for path in shelf.copies() if (copy := _describe(path)) is not None]
            copies += found
            if found:
                left.append(shelf)
            else:
                shelf.release()
    own = AutosaveFolder.take(root / f"{os.getpid()}-{secrets.token_hex(4)}")
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
        data = read_session(path, MODES)
    except (OSError, UnreadableFile):
        return None
    return Copy(path, (data.file or data.source.image).name, written)


@dataclass(frozen=True, eq=False)
class CopyRequest:
    """Copies to write, and those that are not needed any more."""

    copies: tuple[SaveRequest, ...]
    needless: tuple[Path, ...]


def write_copies(request: CopyRequest, progress: ProgressCallback) -> str:
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


def _write(copy: SaveRequest, progress: ProgressCallback) -> None:
    try:
        save_session(copy, progress)
    except OSError:  # of its image perhaps, which is gone: work on it is kept all the same, and the image asked for
        write_session(copy.path, copy.data)


def remove_copy(path: Path) -> None:
    with contextlib.suppress(OSError):  # held by another program; it is offered once more
        for file in (path, path.with_suffix(".png")):  # a pasted image
            file.unlink(missing_ok=True)
