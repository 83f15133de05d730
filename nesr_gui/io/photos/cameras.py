"""The camera of a photograph: a profile or sensitivities, from files or as objects, as develop settings."""

from __future__ import annotations

import os
from pathlib import Path

from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.io.photos.camera_profile import CameraProfile, is_profile, read_profile
from nesr_gui.io.photos.decode import decode
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.io.spectra.readers import is_camera_collection, read_camera

Camera = str | os.PathLike[str] | CameraProfile | Observer | None


def camera_settings(camera: Camera, photograph: Path | None = None) -> DevelopSettings:
    """Develop settings for a camera.

    Args:
        camera: a camera profile or the sensitivities of a camera, or a file of either: a profile (.json), a table
            (.csv), or several cameras (.npz); None for what the photograph states.
        photograph: the photograph, whose EXIF data select a camera of a file of several.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file cannot be read, or has no such camera.
    """
    if camera is None:
        return DevelopSettings()
    if isinstance(camera, CameraProfile):
        return DevelopSettings(profile=camera)
    if isinstance(camera, Observer):
        return DevelopSettings(camera=camera)
    path = Path(camera)
    if is_profile(path):
        return DevelopSettings(profile=read_profile(path))
    model = ""
    if is_camera_collection(path):
        if photograph is None:
            raise ValueError(
                f"{path.name} has several cameras, and the photographs may be of any; give a profile or a table "
                "of one camera, or give the photographs one by one"
            )
        model = decode(photograph).stored.camera
    return DevelopSettings(camera=read_camera(path, model))
