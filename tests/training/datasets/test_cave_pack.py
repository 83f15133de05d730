"""CAVE in one file: test scenes as they were, training scenes as squares beside their charts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nesr_gui.training.datasets.base import BANDS
from nesr_gui.training.datasets.cave import CAVE
from nesr_gui.training.datasets.cave_pack import pack, unpack
from nesr_gui.training.scenes import Scene
from tests.training import worlds


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two training scenes and a test scene of 48 by 56 pixels, the brightest of which are charts."""
    root = tmp_path / "cave"
    for seed, (part, name) in enumerate([("train", "a"), ("train", "b"), ("dev", "c")]):
        cube = worlds.scene(name, seed).cube.copy()
        cube[:, 30:44, 36:52] = np.random.default_rng(0).random((31, 14, 16), np.float32)  # nothing varies as much
        worlds.write_scene(root / part, Scene(name, cube))
    (root / "chart_boxes.json").write_text(json.dumps({"a": [30, 44, 36, 52], "c": [30, 44, 36, 52]}))
    return root


def test_test_scenes_stay_whole_and_training_scenes_become_squares(tmp_path, data):
    pack(data, tmp_path / "cave.zip", 16)
    unpack(tmp_path / "cave.zip", tmp_path / "again")
    before, after = CAVE.open(data), CAVE.open(tmp_path / "again")
    assert [scene.name for scene in (*after.train, *after.test)] == ["a", "b", "c"]
    was, now = before.test[0].cube(BANDS), after.test[0].cube(BANDS)
    np.testing.assert_allclose(np.sqrt(now), np.sqrt(was), atol=0.8 / 1023)  # the rounding of both scales
    np.testing.assert_array_equal(before.test[0].mask((48, 56)), after.test[0].mask((48, 56)))
    for whole, square in zip(before.train, after.train, strict=True):
        cube, part = whole.cube(BANDS), square.cube(BANDS)
        assert part.shape == (31, 16, 16)
        windows = np.lib.stride_tricks.sliding_window_view(cube, (16, 16), axis=(1, 2))[:, ::8, ::8]
        errors = abs(np.sqrt(windows) - np.sqrt(part)[:, None, None]).max((0, 3, 4))
        y, x = np.argwhere(errors < 0.51 / 255)[0] * 8
        assert whole.mask((48, 56))[y : y + 16, x : x + 16].all()
        inside = [
            (r, c) for r in range(0, 33, 8) for c in range(0, 41, 8) if whole.mask((48, 56))[r:, c:][:16, :16].all()
        ]
        most = max(float(cube.mean(0)[r : r + 16, c : c + 16].std()) for r, c in inside)
        assert cube.mean(0)[y : y + 16, x : x + 16].std() == pytest.approx(most)


def test_a_second_time_the_scenes_are_the_same_to_the_bit(tmp_path, data):
    """Scenes that were stored in 10 bits already, as packed ones are, do not change again."""
    for turn, root in enumerate((data, tmp_path / "0")):
        pack(root, tmp_path / f"{turn}.zip", 24 - 16 * turn)
        unpack(tmp_path / f"{turn}.zip", tmp_path / str(turn))
    first, second = (CAVE.open(tmp_path / name).test[0].cube(BANDS) for name in "01")
    np.testing.assert_array_equal(first, second)


def test_a_square_is_smaller_where_its_chart_leaves_no_room(tmp_path, data):
    pack(data, tmp_path / "cave.zip", 60)
    unpack(tmp_path / "cave.zip", tmp_path / "again")
    sides = [scene.cube(BANDS).shape[1:] for scene in CAVE.open(tmp_path / "again").train]
    assert sides == [(24, 24), (32, 32)]


def test_a_scene_that_is_all_chart_is_told(tmp_path, data):
    (data / "chart_boxes.json").write_text(json.dumps({"a": [0, 48, 0, 56]}))
    with pytest.raises(ValueError, match=r"a has no room for a square beside its chart; correct chart_boxes.json"):
        pack(data, tmp_path / "cave.zip", 16)
    assert not (tmp_path / "cave.zip").exists()
