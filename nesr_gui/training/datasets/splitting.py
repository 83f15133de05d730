"""Which scenes are trained on and which are judged by: as lists say, as folders say, or by lot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nesr_gui.training.datasets.dataset import Measured

TRAIN = re.compile(r"(^|[^a-z])train", re.IGNORECASE)
TEST = re.compile(r"(^|[^a-z])(valid|test|(dev|val)([^a-z]|$))", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Split:
    """Scenes to train on and scenes to be judged by; `how` says who decided, for tables and manifests."""

    train: list[Measured]
    test: list[Measured]
    how: str


def split(root: Path, scenes: Sequence[Measured], counts: tuple[int, int], seed: int) -> Split:
    """Divide the scenes of a data set.

    Lists go first: text files in `root` or one folder below, called like train_list.txt and valid_list.txt (or test),
    a name in each line. Then folders: Train…, and Valid…, Test… or Dev…. Else scenes are drawn by `seed`, as many as
    `counts` of training and test scenes, or all of a smaller set in that proportion.

    Raises:
        ValueError: a list names a scene that is not there, both name the same, or one of the two sides would be empty.
    """
    lists = sorted([*root.glob("*.txt"), *root.glob("*/*.txt")])
    train, test = ([file for file in lists if side.search(file.stem)] for side in (TRAIN, TEST))
    if train and test:
        test = [file for file in test if "valid" in file.stem.lower()] or test
        chosen = Split(_listed(train, scenes), _listed(test, scenes), f"{train[0].name} and {test[0].name}")
    else:
        chosen = _by_folder(root, scenes) or _drawn(scenes, counts, seed)
    if both := {scene.name for scene in chosen.train} & {scene.name for scene in chosen.test}:
        raise ValueError(f"{min(both)} is both to train on and to be judged by, as {chosen.how} say; it must be one")
    if not (chosen.train and chosen.test):
        raise ValueError(
            f"{root} has {len(scenes)} scenes, {len(chosen.train)} to train on and {len(chosen.test)} to be judged by; "
            "both are needed"
        )
    return chosen


def _listed(files: Sequence[Path], scenes: Sequence[Measured]) -> list[Measured]:
    known = {scene.name: scene for scene in scenes}
    lines = [(file, line.strip()) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    chosen = []
    for file, line in lines:
        if not line:
            continue
        name = line if line in known else Path(line).stem
        if name not in known:
            raise ValueError(f"{file.name} names {line}, which is not among the {len(known)} scenes in {file.parent}")
        chosen.append(known[name])
    return chosen


def _by_folder(root: Path, scenes: Sequence[Measured]) -> Split | None:
    sides: dict[str, list[Measured]] = {"train": [], "test": []}
    for scene in scenes:
        folders = scene.path.relative_to(root).parts[:-1]
        for name, pattern in (("test", TEST), ("train", TRAIN)):
            if any(pattern.search(folder) for folder in folders):
                sides[name].append(scene)
                break
    return Split(sides["train"], sides["test"], "the data set's folders") if all(sides.values()) else None


def _drawn(scenes: Sequence[Measured], counts: tuple[int, int], seed: int) -> Split:
    order = np.random.default_rng(seed).permutation(len(scenes))
    test = min(counts[1], max(1, round(len(scenes) * counts[1] / sum(counts))))
    train = min(counts[0], len(scenes) - test)
    drawn = [scenes[index] for index in order[: test + train]]
    by_name = [sorted(part, key=lambda scene: scene.name) for part in (drawn[test:], drawn[:test])]
    return Split(by_name[0], by_name[1], f"{train} and {test} of {len(scenes)} scenes drawn with seed {seed}")
