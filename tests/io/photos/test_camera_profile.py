"""Camera profiles as files: what is written is read, and nothing else."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nesr_gui.batch.job import JobSettings
from nesr_gui.colorimetry.cie import decode_srgb
from nesr_gui.export import ExportPlan
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.photos import colour_encoding, icc
from nesr_gui.io.photos.camera_profile import (
    CameraProfile,
    colour_terms,
    primaries,
    read_profile,
    squared_radius,
    without_primaries,
    write_profile,
)
from nesr_gui.io.photos.develop_settings import DevelopSettings

PROFILE = CameraProfile(
    name="Maker One", curve=((0, 0), (0.1, 0.05), (1, 1.3)), matrix=((1.2, -0.1, -0.1), (0, 1, 0), (0.1, -0.3, 1.2)),
    falloff=0.3, camera="Maker One", encoding="sRGB", chart="classic", patches=24, photograph="a.jpg", sha256="00",
    before=9.5, after=1.25, left_out=1.5, white_balance=(2.1, 1, 1.6), light="flash",
)  # fmt: skip


def test_a_profile_is_read_as_it_was_written(tmp_path: Path) -> None:
    for profile in (PROFILE, replace(PROFILE, matrix=tuple((0.1, 0.2, 0.3, 0.4, 0.5, -0.5) for _ in range(3)))):
        write_profile(tmp_path / "a.json", profile)
        assert read_profile(tmp_path / "a.json") == profile
    assert pickle.loads(pickle.dumps(PROFILE)) == PROFILE  # for other processes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matrix": [[1, 0, 0]]}, "three rows"),
        ({"matrix": [[1, 0, 0], [1, 0, 0], [1, 0]]}, "three rows"),
        ({"matrix": [[1, 0, math.inf], [1, 0, 0], [1, 0, 0]]}, "not finite"),
        ({"matrix": [[1, 0, "1"], [1, 0, 0], [1, 0, 0]]}, "number is expected"),
        ({"matrix": 3}, "damaged"),
        ({"curve": [[0, 0], [1, 1], [0.5, 2]]}, "does not rise"),
        ({"curve": [[0, 0], [0.5, 1], [1, 0.5]]}, "does not rise"),
        ({"curve": [[0.1, 0], [1, 1]]}, "does not rise"),
        ({"curve": [[i, i] for i in range(5000)]}, "pairs of numbers"),
        ({"curve": [[0, 0], [1, 1e9]]}, "too large"),
        ({"falloff": 1e3}, "vignetting"),
        ({"falloff": None}, "number is expected"),
        ({"patches": True}, "whole number"),
        ({"white_balance": [2.0, 1.0]}, "white balance .* three positive numbers"),
        ({"white_balance": [2.0, 0.0, 1.0]}, "white balance .* three positive numbers"),
        ({"white_balance": [2.0, 1.0, math.nan]}, "not finite"),
        ({"white_balance": 2.0}, "damaged"),
        ({"light": 3}, "no text"),
        ({"camera": 7}, "no text"),
        ({"nesr_camera_profile": 2}, "another version"),
        ({"nesr_camera_profile": True}, "another version"),
    ],
)
def test_a_damaged_profile_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "a.json"
    write_profile(path, PROFILE)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UnreadableFile, match=message):
        read_profile(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", "{", "[" * 100_000, "\0"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UnreadableFile, match="is not a camera profile; write one with: nesr-gui calibrate-camera"):
        read_profile(tmp_path / "a.json")


def test_missing_parts_and_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_profile(tmp_path / "none.json")
    path = tmp_path / "a.json"
    write_profile(path, PROFILE)
    content = json.loads(path.read_text())
    for name in ("curve", "falloff", "camera", "patches"):
        path.write_text(json.dumps({key: value for key, value in content.items() if key != name}))
        with pytest.raises(UnreadableFile, match=f"'{name}' is missing"):
            read_profile(path)


def test_a_profile_of_an_older_program_is_read(tmp_path: Path) -> None:
    """It says nothing of the white balance of raw files, and of the light."""
    path = tmp_path / "a.json"
    write_profile(path, PROFILE)
    content = json.loads(path.read_text())
    del content["white_balance"], content["light"]
    path.write_text(json.dumps(content))
    assert read_profile(path) == replace(PROFILE, white_balance=(), light="")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_profile(path, PROFILE)
    path.write_text(path.read_text() + " " * (1 << 20))
    with pytest.raises(UnreadableFile, match="is not a camera profile"):
        read_profile(path)


def test_what_a_profile_does_not_fit_is_said() -> None:
    fitting = ("Maker One", "sRGB", (2.1, 1.0, 1.6))
    assert PROFILE.mismatches(*fitting) == []
    assert PROFILE.mismatches("", "sRGB, chosen", ()) == []  # nothing is known
    assert replace(PROFILE, camera="", encoding="", white_balance=()).mismatches("Maker Two", "linear", (1, 1, 1)) == []
    (camera,) = PROFILE.mismatches("Maker Two", *fitting[1:])
    assert camera == "The camera profile is of a Maker One, but this photograph was taken with a Maker Two."
    (encoding,) = PROFILE.mismatches("Maker One", "camera RAW, linear", fitting[2])
    assert "from a photograph stored as sRGB, but this one is stored as camera RAW, linear;" in encoding
    for balance in ((2.2, 1.0, 1.6), (2.1, 1.0, 1.5)):
        (note,) = PROFILE.mismatches(*fitting[:2], balance)
        assert "with the white balance red × 2.10, blue × 1.60, but this photograph was taken with red × " in note
        assert "Set a fixed white balance in the camera, or calibrate again." in note
    assert PROFILE.mismatches(*fitting[:2], (2.14, 1.0, 1.57)) == []  # less than shows


def test_a_profile_for_files_read_in_an_unknown_way_is_refused() -> None:
    with pytest.raises(ValueError, match="read as 'so'"):
        DevelopSettings(profile=replace(PROFILE, read_as="so"))


def test_the_terms_scale_with_the_exposure() -> None:
    light = np.random.default_rng(0).uniform(size=(50, 3))
    np.testing.assert_allclose(colour_terms(3 * light, 6), 3 * colour_terms(light, 6))
    np.testing.assert_allclose(colour_terms(np.full((1, 3), 0.4), 6), 0.4)
    np.testing.assert_allclose(colour_terms(light, 6)[:, 3:] ** 2, light * np.roll(light, -1, axis=1)[:, [0, 1, 2]])


def test_the_tone_curve_continues_above_its_last_knot() -> None:
    np.testing.assert_allclose(PROFILE.linearise(np.array([0, 0.05, 0.1, 1.9])), [0, 0.025, 0.05, 2.55], rtol=1e-6)


def test_colours_are_the_matrix_of_the_terms() -> None:
    light = np.random.default_rng(0).uniform(size=(4, 5, 3)).astype(np.float32)
    six = replace(PROFILE, matrix=tuple(tuple(row) for row in np.arange(18.0).reshape(3, 6).tolist()))
    for profile in (PROFILE, six):
        matrix = np.array(profile.matrix)
        expected = [[colour_terms(pixel, matrix.shape[1]) @ row for row in matrix] for pixel in light.reshape(-1, 3)]
        np.testing.assert_allclose(profile.colours(light).reshape(-1, 3), expected, rtol=1e-5)
    dark = colour_terms(np.array([[-0.1, 0.4, 0.9]]), 6)
    np.testing.assert_allclose(dark, [[-0.1, 0.4, 0.9, 0, 0.6, 0]])  # no light has no root


@pytest.mark.parametrize("white", [255, 2**32 - 1], ids=["table", "pointwise"])
@pytest.mark.parametrize("terms", [3, 6])
def test_the_profile_replaces_the_primaries_of_the_file(white: int, terms: int) -> None:
    """Its tone curve follows that of the encoding."""
    profile = (
        PROFILE if terms == 3 else replace(PROFILE, matrix=tuple((*row, 0.2, -0.1, 0.3) for row in PROFILE.matrix))
    )
    file = icc.of_code(white, colour_encoding.DISPLAY_P3)
    codes = np.random.default_rng(0).integers(0, 256, (3, 4, 3)) * (white // 255)
    pixels = codes.astype(np.uint8 if white == 255 else np.uint32)
    light = decode_srgb(codes / white)  # whose curve Display P3 has, too
    np.testing.assert_allclose(primaries(file) @ [1, 1, 1], [1, 1, 1], atol=1e-3)
    assert np.abs(primaries(file) - np.eye(3)).max() > 0.2
    np.testing.assert_allclose(without_primaries(file)(pixels), light, atol=2e-3)
    expected = profile.colours(profile.linearise(light))
    np.testing.assert_allclose(profile.converter(file)(pixels), expected, atol=5e-3)


def test_vignetting_is_undone_at_its_place() -> None:
    """In an image that is not square, and the same for any rows of it."""
    shape = 40, 120
    np.testing.assert_allclose(
        squared_radius(np.array([0, 0, 0.5, 0.5, 1]), np.array([0, 0.5, 0.5, 1, 1]), shape), [1, 0.1, 0, 0.9, 1]
    )
    gains = PROFILE.gains(slice(0, 40), shape)
    assert gains.shape == shape and gains[0, 0] == gains.max() == pytest.approx(np.exp(0.3), rel=0.02)
    assert gains[20, 60] == pytest.approx(1, abs=1e-3) == gains.min()
    assert gains[20, 0] == pytest.approx(np.exp(0.3 * 0.9), rel=0.02)
    assert gains[0, 60] == pytest.approx(np.exp(0.3 * 0.1), rel=0.02)
    np.testing.assert_array_equal(PROFILE.gains(slice(13, 20), shape), gains[13:20])


def test_cubes_of_another_profile_are_not_complete() -> None:
    plain = JobSettings(None, "model", "cpu", ExportPlan())
    one = replace(plain, development=DevelopSettings(profile=PROFILE))
    two = replace(plain, development=DevelopSettings(profile=replace(PROFILE, falloff=0.2)))
    assert len({settings.request("photo") for settings in (plain, one, two)}) == 3
    assert plain.request("photo") == replace(plain, development=DevelopSettings()).request("photo")
