"""Lists go before folders, folders before lots, and no scene is on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nesr_gui.training.datasets.base import Measured, split


def unread() -> Any:
    raise AssertionError("a split reads no cube")


def scenes(root: Path, *paths: str) -> list[Measured]:
    return [Measured(Path(path).stem, root / path, unread) for path in paths]


def names(made: list[Measured]) -> list[str]:
    return [scene.name for scene in made]


def test_lists_go_first(tmp_path):
    found = scenes(tmp_path, "train/a.mat", "train/b.mat", "test/c.mat", "d.mat")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "train_list.txt").write_text("c.mat\n\nb\n")
    (tmp_path / "lists" / "valid_list.txt").write_text("d\n")
    (tmp_path / "lists" / "test_list.txt").write_text("of which nobody has the truth\n")
    made = split(tmp_path, found, (1, 1), 0)
    assert (names(made.train), names(made.test)) == (["c", "b"], ["d"])
    assert made.how == "train_list.txt and valid_list.txt"
    (tmp_path / "lists" / "valid_list.txt").write_text("e\n")
    with pytest.raises(ValueError, match=r"valid_list.txt names e, which is not among the 4 scenes"):
        split(tmp_path, found, (1, 1), 0)
    (tmp_path / "lists" / "valid_list.txt").write_text("b\n")
    with pytest.raises(ValueError, match=r"b is a training and a test scene according to train_list.txt and valid_l"):
        split(tmp_path, found, (1, 1), 0)


@pytest.mark.parametrize("test", ["Valid_RGB", "NTIRE2020_Validation_Spectral", "dev", "Test", "val"])
def test_folders_go_next(tmp_path, test):
    made = split(tmp_path, scenes(tmp_path, "NTIRE_Train1_x/a.mat", f"{test}/b.mat", "latest/c.mat"), (9, 9), 0)
    assert (names(made.train), names(made.test)) == (["a"], ["b"])


def test_lots_are_the_seed_s_and_as_many_as_in_the_paper(tmp_path):
    found = scenes(tmp_path, *(f"{n:03}.mat" for n in range(120)))
    made, again, other = (split(tmp_path, found, (80, 10), seed) for seed in (3, 3, 4))
    assert (len(made.train), len(made.test)) == (80, 10)
    assert names(made.train) == names(again.train) == sorted(names(made.train)) != names(other.train)
    assert not set(names(made.train)) & set(names(made.test))
    few = split(tmp_path, found[:6], (80, 10), 0)
    assert (len(few.train), len(few.test)) == (5, 1) and "drawn with seed 0" in few.how


def test_one_scene_is_too_few(tmp_path):
    with pytest.raises(ValueError, match="1 scenes, 0 for training and 1 for testing"):
        split(tmp_path, scenes(tmp_path, "a.mat"), (80, 10), 0)
