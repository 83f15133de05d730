"""Saving sessions and opening them again: frozen requests and the plain functions that do them, on any thread."""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from nesr_gui.fields.protocol import Progress
from nesr_gui.gui import jobs
from nesr_gui.gui.model.document import Cube, Origin
from nesr_gui.gui.model.session_file import Kept, read_session, write_session
from nesr_gui.gui.model.truth import Measurement
from nesr_gui.gui.view_modes import MODES
from nesr_gui.io.atomic import replacing
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.fingerprint import fingerprint


class MovedImage(UnreadableFile):
    """The image of a session is not where it was, or another one is there (`found`)."""

    def __init__(self, request: SessionRequest, kept: Kept, found: Path | None) -> None:
        name, folder = kept.origin.image.name, kept.origin.image.parent
        super().__init__(
            f"{found.name} is not the image that {request.path.name} was saved with; choose that one, or use this one "
            "all the same"
            if found is not None
            else f"{name} of the session {request.path.name} is not in {folder} any more; choose where it is"
        )
        self.request, self.found, self.wanted = request, found, name


@dataclass(frozen=True, eq=False)
class SaveRequest:
    """What to keep, where, and `made` of the document at that time."""

    path: Path
    kept: Kept
    made: tuple[object, ...]


def save_session(request: SaveRequest, progress: Progress) -> Origin:
    """Write a session file with the fingerprints of its images as they are now.

    Returns:
        Where its images are: a pasted one was written beside it.
    """
    origin = _with_file(request.kept.origin, request.path)
    digests = fingerprint(origin.image), fingerprint(origin.truth) if origin.truth is not None else ""
    write_session(request.path, replace(request.kept, origin=origin, digests=digests))
    return origin


def _with_file(origin: Origin, session: Path) -> Origin:
    """The same with a pasted image beside the session, under a name that no other file has."""
    if not origin.is_pasted:
        return origin
    digest = fingerprint(origin.image)
    names = (f"{session.stem}{f' {number}' * (number > 1)}.png" for number in itertools.count(1))
    places = (session.with_name(name) for name in names)
    place = next(each for each in places if not each.exists() or (each.is_file() and fingerprint(each) == digest))
    if not place.exists():
        with replacing(place) as part:
            shutil.copyfile(origin.image, part)
    return replace(origin, image=place, is_pasted=False)


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
class Restored:
    """What a session keeps, with its image opened, and what the user should know of it."""

    kept: Kept
    opened: jobs.Photograph | Cube
    notes: tuple[str, ...] = ()


def open_session(request: SessionRequest, progress: Progress) -> Restored:
    """Open a session and its image.

    Raises:
        MovedImage: the image is not there, or is another one.
        OSError, ValueError: a file cannot be read; the text is one sentence.
    """
    kept = read_session(request.path, MODES)
    image = request.image or kept.origin.image
    if not os.path.exists(image):  # which a name that no file can have is none for
        raise MovedImage(request, kept, None)
    if not request.is_accepted and fingerprint(image) != kept.digests[0]:
        raise MovedImage(request, kept, image)
    truth, notes = _truth(kept)
    is_pasted = request.is_copy and image.parent == request.path.parent  # nothing else is in the folder of copies
    known = replace(kept.origin, image=image, truth=truth.path if truth is not None else None, is_pasted=is_pasted)
    kept = replace(kept, origin=known)
    opened: jobs.Photograph | Cube
    if kept.origin.reading is not None:
        opened = jobs.read_cube(jobs.CubeRequest(image, kept.origin.reading), progress)
    else:
        opened = jobs.read_file(jobs.ReadRequest(image, None, kept.interpretation), progress)
        if isinstance(opened, jobs.Photograph):
            opened = replace(opened, truth=truth)
    return Restored(kept, opened, notes)


def _truth(kept: Kept) -> tuple[Measurement | None, tuple[str, ...]]:
    """The measured cube as it was laid, where it is still there and the same."""
    from nesr_gui import io

    path, laid = kept.origin.truth, kept.laid
    if path is None or laid is None:
        return None, ()
    if not os.path.exists(path) or fingerprint(path) != kept.digests[1]:
        return None, (f"Its measured cube {path} is no longer there, or another one.",)
    try:
        cube = io.open_cube(path)
    except (OSError, ValueError) as error:
        return None, (f"Its measured cube was left out: {error}.",)
    return Measurement(cube, path.name, path, laid.match, is_chosen=laid.is_chosen), ()
