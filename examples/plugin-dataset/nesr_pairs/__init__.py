"""A data set for nesr_gui: your own cubes in one folder, with photographs of the same name and size beside them.

Every cube that the program reads is a scene: NAME.nc, NAME.hdr with its data, NAME.npy with its JSON … NAME.png is its
photograph; without one, it is rendered under D65. Lists of names in train.txt and test.txt make the split.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from nesr_gui import io
from nesr_gui.spectral import Quantity
from nesr_gui.training.datasets import DataSet, Measured
from nesr_gui.training.datasets.base import Opened
from nesr_gui.training.datasets.camera import Camera

ENDINGS = (".nc", ".h5", ".hdr", ".npy", ".npz", ".field")


def _find(root: Path) -> list[Measured]:
    found = [path for ending in ENDINGS for path in sorted(root.rglob(f"*{ending}"))]
    cubes = {path.stem: path for path in found}
    if other := next((path for path in found if cubes[path.stem] != path), None):
        raise ValueError(f"{other} and {cubes[other.stem]} have the same name; rename one of them")
    return [Measured(name, path, partial(_open, path), given=_photograph(path)) for name, path in cubes.items()]


def _photograph(cube: Path) -> Path | None:
    photograph = cube.with_suffix(".png")
    return photograph if photograph.is_file() else None


def _open(path: Path) -> Opened:
    cube = io.open_cube(path)
    return Opened(cube, 1.0 if cube.quantity is Quantity.REFLECTANCE else None)  # radiance: the brightest value is 1


PAIRS = DataSet(
    name="pairs",
    title="a folder of cubes",
    expected="cubes with wavelengths in nm (.nc, .h5, .hdr, .npy, .npz, .field), with photographs NAME.png if you like",
    find=_find,
    camera=Camera("D65"),
    counts=(9, 1),  # the proportion of scenes for training and test without lists
)
