"""Tasks that save, open and autosave sessions."""

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
from nesr_gui.gui.model.document import DocumentSource, OpenedCube, Simulation
from nesr_gui.gui.model.session_file import ENDING, SavedRegistration, SessionData, read_session, write_session
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.comparison import ExposureRequest, expose
from nesr_gui.gui.view_modes import MODES, load_plugins
from nesr_gui.io.atomic import atomic_write, remove_stale
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.io.fingerprint import fingerprint

_LOCK = ".lock"
_OLDEST = 90 * 86_400.0  # seconds; older autosave copies are removed if they cannot be read


class MovedImage(UnreadableFile):
    """The image of a session is missing, or another file is in its place (`found`)."""

    def __init__(self, request: SessionRequest, data: SessionData, found: Path | None) -> None:
        name, folder = data.source.image.name, data.source.image.parent
        super().__init__(
            f"{found.name} is not the image that {request.path.name} was saved with; choose the original image, or use "
            "this one anyway"
            if found is not None
            else f"{name} of the session {request.path.name} is no longer in {folder}; choose its new location"
        )
        self.request, self.found, self.wanted = request, found, name


@dataclass(frozen=True, eq=False)
class SaveRequest:
    """A session to save, its path, and the value of `Document.work` at that time."""

    path: Path
    data: SessionData
    work: tuple[object, ...]


def save_session(request: SaveRequest, progress: ProgressCallback) -> DocumentSource:
    """Write a session file with the fingerprints of its images.

    Returns:
        The files of the document; a pasted image is copied next to the session file.

    Raises:
        OSError: a file cannot be read or written.
    """
    source = _with_file(request.data.source, request.path)
    digests = fingerprint(source.image), fingerprint(source.truth) if source.truth is not None else ""
    write_session(request.path, replace(request.data, source=source, digests=digests))
    return source


def _with_file(source: DocumentSource, document: Path) -> DocumentSource:
    """Copy a pasted image next to the session file, under an unused name."""
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
        path: the session file.
        image: the location of its image, if the user was asked for it.
        is_accepted: whether the user accepts an image that differs from the saved one.
        beside: whether to open it in a new tab.
        is_copy: whether it is an autosave copy, whose content counts as unsaved work.
    """

    path: Path
    image: Path | None = None
    is_accepted: bool = False
    beside: bool = False
    is_copy: bool = False


@dataclass(frozen=True, eq=False)
class LoadedSession:
    """The content of a session file, its opened image, and warnings for the user."""

    data: SessionData
    opened: loading.OpenedPhotograph | OpenedCube
    notes: tuple[str, ...] = ()


def open_session(request: SessionRequest, progress: ProgressCallback) -> LoadedSession:
    """Open a session and its image.

    Raises:
        MovedImage: the image is missing or differs.
        OSError, ValueError: a file cannot be read; the text is one sentence.
    """
    load_plugins()  # the session may show one of their modes
    data = read_session(request.path, MODES)
    image = request.image or data.source.image
    if not os.path.exists(image):  # unlike Path.exists, False for invalid names
        raise MovedImage(request, data, None)
    if not request.is_accepted and fingerprint(image) != data.digests[0]:
        raise MovedImage(request, data, image)
    truth, notes = _truth(data)
    of_simulated = data.registration if data.source.truth is None else None  # to the cube that it was simulated from
    libraries = tuple(each for each in data.libraries if each.path is None or os.path.exists(each.path))
    if missing := [str(each.path) for each in data.libraries if each not in libraries]:
        names, is_one = ", ".join(missing), len(missing) == 1
        notes += (f"The {'library' if is_one else 'libraries'} {names} {'is' if is_one else 'are'} missing and "
                  f"{'was' if is_one else 'were'} left out.",)  # fmt: skip
    is_pasted = request.is_copy and image.parent == request.path.parent  # autosave folders contain pasted images only
    source = replace(data.source, image=image, truth=truth.path if truth is not None else None, is_pasted=is_pasted)
    data = replace(data, source=source, libraries=libraries)
    opened: loading.OpenedPhotograph | OpenedCube
    if data.source.reading is not None:
        opened = loading.read_cube(loading.CubeRequest(image, data.source.reading), progress)
    else:
        opened = loading.read_file(loading.ReadRequest(image, None, data.interpretation), progress)
    if isinstance(opened, OpenedCube) and source.simulation is not None:
        opened = _simulated(opened, image.name, source.simulation, of_simulated, progress)
    if isinstance(opened, loading.OpenedPhotograph) and truth is not None:
        opened = replace(opened, truth=truth)
    return LoadedSession(data, opened, notes)


def _simulated(
    opened: OpenedCube, name: str, simulation: Simulation, saved: SavedRegistration | None, progress: ProgressCallback
) -> loading.OpenedPhotograph:
    """Simulate the photograph of a cube again; the cube is its ground truth if their registration was saved."""
    made = expose(ExposureRequest(opened.field, name, simulation.viewing, simulation.white), progress)
    truth = replace(made.measurement, match=saved.match, is_chosen=saved.is_chosen) if saved is not None else None
    return loading.OpenedPhotograph(None, made.image, made.colours, truth, georeference=opened.georeference)


def _truth(data: SessionData) -> tuple[MeasuredCube | None, tuple[str, ...]]:
    """Open the measured cube with its saved registration, if it still exists unchanged; otherwise return warnings."""
    from nesr_gui import io

    path, registration = data.source.truth, data.registration
    if path is None or registration is None:
        return None, ()
    if not os.path.exists(path) or fingerprint(path) != data.digests[1]:
        return None, (f"The measured cube {path} is missing or has changed and was left out.",)
    try:
        cube = io.open_cube(path, registration.hints)
    except (OSError, ValueError) as error:
        return None, (f"The measured cube was left out: {error_message(error)}.",)
    match, is_chosen, hints = registration.match, registration.is_chosen, registration.hints
    return MeasuredCube(cube, path.name, path, match, is_chosen=is_chosen, hints=hints), ()


@dataclass(frozen=True, eq=False)
class AutosaveFolder:
    """A folder of autosave copies, locked by the process that uses it."""

    folder: Path
    lock: QLockFile

    @classmethod
    def take(cls, folder: Path) -> AutosaveFolder | None:
        """Lock a folder, which need not exist yet; None if a running process holds the lock."""
        lock = QLockFile(f"{folder}{_LOCK}")
        lock.setStaleLockTime(0)  # age is irrelevant; locks of dead processes are stale anyway
        return cls(folder, lock) if lock.tryLock(0) else None

    def copies(self) -> list[Path]:
        """Return the autosave copies in the folder."""
        return sorted(self.folder.glob(f"*{ENDING}"))

    def release(self) -> None:
        """Unlock the folder, and remove it if it contains no copies."""
        if not self.copies():
            shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.unlock()


@dataclass(frozen=True)
class Copy:
    """An autosave copy of a process that crashed: its file, the name of its document, and its time (Unix, seconds)."""

    path: Path
    name: str
    time: float


@dataclass(frozen=True)
class FindRequest:
    """The folder that contains all autosave folders."""

    root: Path


@dataclass(frozen=True, eq=False)
class Found:
    """The autosave folder of this process, those of crashed processes, and the readable copies in these."""

    own: AutosaveFolder
    left: tuple[AutosaveFolder, ...]
    copies: tuple[Copy, ...]


def find_copies(request: FindRequest, progress: ProgressCallback) -> Found:
    """Lock the autosave folders of crashed processes, and create one for this process.

    Raises:
        OSError: the folder cannot be written.
    """
    root = request.root
    root.mkdir(parents=True, exist_ok=True)
    names = {path.stem for path in root.glob(f"*{_LOCK}")} | {path.name for path in root.iterdir() if path.is_dir()}
    left: list[AutosaveFolder] = []
    copies: list[Copy] = []
    for name in sorted(names):
        folder = AutosaveFolder.take(root / name)
        if folder is not None:
            remove_stale(folder.folder)
            readable = [copy for path in folder.copies() if (copy := _describe(path)) is not None]
            copies += readable
            if readable:
                left.append(folder)
            else:
                folder.release()
    own = AutosaveFolder.take(root / f"{os.getpid()}-{secrets.token_hex(4)}")
    if own is None:
        raise OSError(errno.EACCES, f"cannot write to {root}: unsaved work would be lost in a crash")
    return Found(own, tuple(left), tuple(sorted(copies, key=lambda copy: copy.time)))


def _describe(path: Path) -> Copy | None:
    """Describe a copy; None if it cannot be read, as one of another version of the program.

    Such a copy is left until it is old. Work that can be restored is not removed by age: the clock may be wrong.
    """
    written = path.stat().st_mtime
    try:
        load_plugins()
        data = read_session(path, MODES)
    except (OSError, UnreadableFile):
        if time.time() - written > _OLDEST:
            remove_copy(path)
        return None
    return Copy(path, (data.file or data.source.image).name, written)


@dataclass(frozen=True, eq=False)
class CopyRequest:
    """Autosave copies to write, and obsolete ones to remove."""

    copies: tuple[SaveRequest, ...]
    needless: tuple[Path, ...]


def write_copies(request: CopyRequest, progress: ProgressCallback) -> str:
    """Write and remove autosave copies.

    Returns:
        A warning in one sentence; empty on success.
    """
    warning = ""
    for path in request.needless:
        remove_copy(path)
    for copy in request.copies:
        try:
            copy.path.parent.mkdir(parents=True, exist_ok=True)
            _write(copy, progress)
        except OSError as error:
            warning = f"autosave failed, so unsaved work would be lost in a crash: {error_message(error)}"
    return warning


def _write(copy: SaveRequest, progress: ProgressCallback) -> None:
    try:
        save_session(copy, progress)
    except OSError:  # the image may be gone: save the work anyway; opening asks for the image
        write_session(copy.path, copy.data)


def remove_copy(path: Path) -> None:
    """Remove an autosave copy and its pasted image."""
    with contextlib.suppress(OSError):  # locked by another program; it is offered again next time
        for file in (path, path.with_suffix(".png")):  # the pasted image
            file.unlink(missing_ok=True)
