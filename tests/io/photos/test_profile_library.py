"""The stored camera profiles: which one applies to a photograph, and what a damaged list does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.colour_encoding import LINEAR
from nesr_gui.io.photos.develop_settings import SourceEncoding
from nesr_gui.io.photos.photo import DecodedPhoto, DecodedPixels
from nesr_gui.io.photos.profile_library import (
    StoredProfile,
    automatic_profile,
    read_library,
    with_profile,
    without_profile,
    write_library,
)

EYE = tuple(map(tuple, np.eye(3).tolist()))
PROFILE = CameraProfile(
    "studio", ((0, 0), (1, 1)), EYE, camera="Maker One", encoding="sRGB", white_balance=(2.0, 1, 1.5)
)
OTHER = replace(PROFILE, name="garden", light="sun")
RAW = replace(PROFILE, name="raw", encoding=LINEAR.name)
FOREIGN = replace(PROFILE, name="foreign", camera="Maker Two")


def photograph(camera: str = "Maker One", **stored: object) -> DecodedPhoto:
    pixels = np.full((2, 3, 3), 100, np.uint8)
    return DecodedPhoto(DecodedPixels(pixels, camera=camera, **stored), "a.png", "0")  # type: ignore[arg-type]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "profiles.json"
    assert read_library(path) == ()
    library = (StoredProfile(PROFILE, True), StoredProfile(OTHER, False))
    write_library(path, library)
    assert read_library(path) == library
    assert list(path.parent.iterdir()) == [path]


def test_the_newest_is_first_and_one_of_a_camera_is_automatic() -> None:
    library = with_profile((), PROFILE, True)
    library = with_profile(library, FOREIGN, True)
    library = with_profile(library, RAW, True)
    library = with_profile(library, OTHER, True)
    assert [each.profile.name for each in library] == ["garden", "raw", "foreign", "studio"]
    assert [each.is_automatic for each in library] == [True, True, True, False]
    again = with_profile(library, PROFILE, True)  # stays in its place
    assert [each.profile.name for each in again] == ["garden", "raw", "foreign", "studio"]
    assert [each.is_automatic for each in again] == [False, True, True, True]
    unticked = with_profile(again, PROFILE, False)
    assert [each.is_automatic for each in unticked] == [False, True, True, False]
    assert without_profile(again, RAW) == (again[0], again[2], again[3])


def test_the_profile_of_the_camera_and_of_the_kind_of_file_is_found() -> None:
    library = (
        StoredProfile(OTHER, False),
        StoredProfile(FOREIGN, True),
        StoredProfile(RAW, True),
        StoredProfile(PROFILE, True),
    )
    found = lambda photo, encoding=SourceEncoding.AUTOMATIC: automatic_profile(library, photo, encoding)  # noqa: E731
    assert found(photograph()) == PROFILE
    assert found(photograph("Maker Two")) == FOREIGN
    assert found(photograph("Maker Three")) is None and found(photograph("")) is None
    assert found(photograph(code=LINEAR)) == RAW
    assert found(photograph(), SourceEncoding.ADOBE_RGB) is None
    assert found(photograph(), SourceEncoding.SRGB) == PROFILE  # chosen or stated, it is the same


def test_a_profile_without_a_camera_is_not_automatic() -> None:
    nameless = replace(PROFILE, camera="")
    assert with_profile((), nameless, False)[0].profile == nameless
    with pytest.raises(ValueError, match="names no camera, so the program cannot know"):
        with_profile((), nameless, True)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(nesr_camera_profiles=2),
        lambda content: content.pop("profiles"),
        lambda content: content["profiles"][0].pop("is_automatic"),
        lambda content: content["profiles"][0]["profile"].update(matrix=[[1]]),
        lambda content: content["profiles"][0]["profile"].update(camera="", name="x"),  # automatic for no camera
    ],
)
def test_a_damaged_list_is_refused(tmp_path: Path, change: object) -> None:
    path = tmp_path / "profiles.json"
    write_library(path, (StoredProfile(PROFILE, True),))
    content = json.loads(path.read_text())
    change(content)  # type: ignore[operator]
    path.write_text(json.dumps(content))
    with pytest.raises(UnreadableFile, match=r"list of camera profiles, .*profiles.json, is damaged .* delete it"):
        read_library(path)
    path.write_text("{")
    with pytest.raises(UnreadableFile):
        read_library(path)
