"""ICVL (Arad and Ben-Shahar 2016): 201 outdoor scenes, radiance of 12 bits by a line scanner.

Two forms are published: NAME.mat (version 7.3) with `rad`, 31 bands; and the raw ENVI set NAME.hdr + NAME.raw with 519
bands of about 1.25 nm, from which any number of bands can be computed. The raw form has priority.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from nesr_gui.io.cubes import envi
from nesr_gui.training.datasets.base import BANDS, DataSet, Measured, Opened, open_mat
from nesr_gui.training.datasets.camera import Camera

FULL_SCALE = 4095.0


def _find(root: Path) -> list[Measured]:
    scenes = {
        file.stem: Measured(file.stem, file, partial(open_mat, file, {"rad": FULL_SCALE}, BANDS))
        for file in sorted(root.rglob("*.mat"))
    }
    for header in sorted(root.rglob("*.hdr")):
        scenes[header.stem] = Measured(header.stem, header, partial(_open_raw, header))
    return list(scenes.values())


def _open_raw(header: Path) -> Opened:
    return Opened(envi.open_cube(header), FULL_SCALE)


ICVL = DataSet(
    name="icvl",
    title="ICVL",
    expected="NAME.mat (version 7.3) with `rad` of 31 bands, or raw ENVI sets NAME.hdr and NAME.raw",
    find=_find,
    camera=Camera("none"),
    counts=(80, 10),
)
