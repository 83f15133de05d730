"""CAVE in one small file, to carry it to a machine with a GPU.

    python -m nesr_gui.training.datasets.cave_pack pack cave cave.zip
    python -m nesr_gui.training.datasets.cave_pack unpack cave.zip cave

Test scenes are complete, in 10 bits on a square-root scale (rounding to .1 % at white, 1 % at .01). Of every training
scene only a square is taken, without its chart, in 8 bits. `unpack` writes CAVE's own layout.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import click
import imagecodecs
import numpy as np
import numpy.typing as npt

from nesr_gui.io.atomic import atomic_write
from nesr_gui.spectral import FloatArray
from nesr_gui.training.datasets.base import BANDS, Measured
from nesr_gui.training.datasets.cave import CAVE, CHART_FILE, chart_boxes
from nesr_gui.training.sampler import whole_windows

WHITE = 65_535  # full scale of CAVE
CODES = {"train": 255, "test": 1023}  # the largest code of each part
STEP = 8  # pixels between the squares that are considered, and between their sides


def pack(root: Path, file: Path, side: int) -> None:
    """Pack the data set in a folder.

    Args:
        root: the folder, with its split and the boxes of its charts.
        file: the file to write.
        side: of the squares of training scenes in pixels; less where the chart leaves no room for it.

    Raises:
        ValueError: the folder does not hold CAVE, or a scene has no room for a square beside its chart.
    """
    split, charts = CAVE.open(root), chart_boxes(root)
    with atomic_write(file) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for part, scenes in (("train", split.train), ("test", split.test)):
            for scene in scenes:
                cube = scene.cube(BANDS)
                if part == "train":
                    cube = _square(scene, cube, side)
                codes = np.round(np.sqrt(cube) * CODES[part]).astype(np.uint8 if part == "train" else np.uint16)
                for band, values in enumerate(codes, 1):
                    data = imagecodecs.jpegxl_encode(np.ascontiguousarray(values), lossless=True)
                    archive.writestr(f"{part}/{scene.name}/{band:02d}.jxl", data)
        own = {scene.name: charts[scene.name] for scene in split.test if scene.name in charts}
        archive.writestr(CHART_FILE, json.dumps(own))


def unpack(file: Path, root: Path) -> None:
    """Write the scenes of a file to a folder, as 31 PNGs each, with the boxes of their charts.

    Raises:
        OSError: the file cannot be read, or the folder cannot be written.
    """
    with zipfile.ZipFile(file) as archive:
        root.mkdir(parents=True, exist_ok=True)
        (root / CHART_FILE).write_bytes(archive.read(CHART_FILE))
        for name in (name for name in archive.namelist() if name.endswith(".jxl")):
            part, scene, band = name.removesuffix(".jxl").split("/")
            codes: npt.NDArray[np.integer] = imagecodecs.jpegxl_decode(archive.read(name)).squeeze()
            values = np.round((codes / CODES[part]) ** 2 * WHITE).astype(np.uint16)
            folder = root / part / f"{scene}_ms"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{scene}_ms_{band}.png").write_bytes(imagecodecs.png_encode(values))


def _square(scene: Measured, cube: FloatArray, side: int) -> FloatArray:
    """The square of a cube (L, H, W) in which brightness varies most, of the largest with only pixels that count."""
    bright = cube.mean(0)
    counted = scene.mask((bright.shape[0], bright.shape[1]))
    for size in range(min(side, *bright.shape), 0, -STEP):
        places = np.argwhere(whole_windows(counted, size)[::STEP, ::STEP]) * STEP
        if len(places):
            squares = [(slice(y, y + size), slice(x, x + size)) for y, x in places]
            return cube[:, *max(squares, key=lambda here: float(bright[here].std()))]
    raise ValueError(f"{scene.name} has no room for a square beside its chart; correct {CHART_FILE}, or leave it out")


@click.group()
def _main() -> None:
    """Carry CAVE in one small file."""


@_main.command("pack")
@click.argument("root", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--side", default=272, show_default=True, help="Side of the squares of training scenes in pixels, at most."
)
def _pack(root: Path, file: Path, side: int) -> None:
    pack(root, file, side)


@_main.command("unpack")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("root", type=click.Path(path_type=Path))
def _unpack(file: Path, root: Path) -> None:
    unpack(file, root)


if __name__ == "__main__":
    _main()
