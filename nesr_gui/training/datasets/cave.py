"""CAVE (Yasuma et al. 2010): a folder of 31 PNGs per scene, reflectance under a fixed lamp, 400-700 nm by 10 nm.

`chart_boxes.json` in the folder or its parent may give the box of the colour chart of a scene: {scene: [y0, y1, x0,
x1]}. Several scenes show the same charts, so these pixels are neither trained nor tested on; nor are the outermost four
of every scene, which are dead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.io.cubes import band_folder
from nesr_gui.training.datasets.base import BANDS, DataSet, Measured, Opened
from nesr_gui.training.datasets.camera import Camera
from nesr_gui.training.scenes import Scene, inside_border, outside

CHART_FILE = "chart_boxes.json"
LAYOUT = "folders of 31 PNGs, name_ms_01.png to name_ms_31.png"

Box = tuple[int, int, int, int]


def _find(root: Path) -> list[Measured]:
    band_folder.check_whole(root)  # otherwise a scene with a missing band would be skipped silently
    boxes = chart_boxes(root)
    scenes = []
    for folder in band_folder.scene_folders(root):
        name = folder.name.removesuffix("_ms")
        scenes.append(Measured(name, folder, partial(_open, folder), counted=partial(_counted, boxes.get(name))))
    return scenes


def _counted(chart: Box | None, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    return outside(chart, shape) & inside_border(shape)


def _open(folder: Path) -> Opened:
    return Opened(band_folder.open_cave_cube(folder), 1.0)


def chart_boxes(root: Path) -> dict[str, Box]:
    """The boxes of the charts of scenes in a folder, by name; empty without `CHART_FILE`."""
    files = [file for file in (root / CHART_FILE, root.parent / CHART_FILE) if file.exists()]
    boxes = json.loads(files[0].read_text(encoding="utf-8")) if files else {}
    return {name: (y0, y1, x0, x1) for name, (y0, y1, x0, x1) in boxes.items()}


def read_scenes(root: Path) -> Iterator[Scene]:
    """Read the scenes in a folder one by one, with the boxes of their charts.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: the folder has no scene, or one is damaged.
    """
    found, boxes = _find(root), chart_boxes(root)
    if not found:
        raise ValueError(f"no scene in {root}; expected {LAYOUT}")
    for scene in found:
        yield Scene(scene.name, scene.cube(BANDS), boxes.get(scene.name))


CAVE = DataSet(
    name="cave",
    title="CAVE",
    expected=LAYOUT,
    find=_find,
    camera=Camera("D65"),
    counts=(28, 4),
)
