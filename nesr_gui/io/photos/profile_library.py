"""The camera profiles that the program keeps, and which of them apply by themselves to photographs of their camera."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.photos.camera_profile import CameraProfile, profile_from_json, profile_to_json
from nesr_gui.io.photos.develop import encoding_name
from nesr_gui.io.photos.develop_settings import DevelopSettings, SourceEncoding
from nesr_gui.io.photos.photo import DecodedPhoto

FORMAT = 1  # raise it when an older program would read the file wrongly
MAX_BYTES = 16 << 20
MOST = 200  # profiles


@dataclass(frozen=True)
class StoredProfile:
    """A profile, and whether it is used for photographs of its camera without being asked for.

    Raises:
        ValueError: it is, but its camera is not known.
    """

    profile: CameraProfile
    is_automatic: bool

    def __post_init__(self) -> None:
        if self.is_automatic and not self.profile.camera:
            raise ValueError(
                f"the photograph that the camera profile {self.profile.name} was made from names no camera, so the "
                "program cannot know which other photographs it is for; load it for each of them"
            )


Library = tuple[StoredProfile, ...]


def read_library(path: str | os.PathLike[str]) -> Library:
    """Read the stored profiles, the newest first; empty if nothing was stored.

    Raises:
        OSError: the file cannot be read.
        UnreadableFile: it is damaged, or was written by a newer program.
    """
    path = Path(path)
    if not path.exists():
        return ()
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["nesr_camera_profiles"] != FORMAT:
            raise ValueError(f"its format is {str(content['nesr_camera_profiles'])[:20]}")
        return tuple(
            StoredProfile(profile_from_json(each["profile"]), each["is_automatic"] is True)
            for each in content["profiles"][:MOST]
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UnreadableFile(
            f"the list of camera profiles, {path}, is damaged or from another version of the program; delete it, or "
            "move it away"
        ) from error


def write_library(path: str | os.PathLike[str], library: Library) -> None:
    """Write the stored profiles; the folder need not exist.

    Raises:
        OSError: the file cannot be written.
    """
    profiles = [{"is_automatic": each.is_automatic, "profile": profile_to_json(each.profile)} for each in library]
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as part:
        content = {"nesr_camera_profiles": FORMAT, "profiles": profiles}
        part.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def with_profile(library: Library, profile: CameraProfile, is_automatic: bool) -> Library:
    """The library with a profile, which moves to its front if it is new.

    Of each camera and encoding at most one profile is automatic, that which was chosen last.

    Raises:
        ValueError: the profile cannot be automatic.
    """
    new = StoredProfile(profile, is_automatic)
    others = tuple(
        replace(each, is_automatic=False)
        if is_automatic and _applies(each.profile, profile.camera, profile.encoding)
        else each
        for each in library
    )
    if any(each.profile == profile for each in library):
        return tuple(new if each.profile == profile else each for each in others)
    return (new, *others)[:MOST]


def without_profile(library: Library, profile: CameraProfile) -> Library:
    """The library without a profile."""
    return tuple(each for each in library if each.profile != profile)


def automatic_profile(library: Library, decoded: DecodedPhoto, encoding: SourceEncoding) -> CameraProfile | None:
    """The profile that is used for a photograph by itself; None if there is none.

    It has the camera of the photograph and is for files of its encoding: a camera's raw and JPEG files need different
    profiles.
    """
    camera = decoded.stored.camera
    for profile in (each.profile for each in library if each.is_automatic):
        settings = DevelopSettings(encoding, profile=profile)
        if camera and _applies(profile, camera, encoding_name(decoded, settings)):
            return profile
    return None


def _applies(profile: CameraProfile, camera: str, encoding: str) -> bool:
    return profile.camera == camera and profile.is_of_encoding(encoding)
