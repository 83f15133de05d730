"""KAIST (Choi et al. 2017): 30 scenes of reflectance at 420-720 nm by 10 nm, OpenEXR with channels w420nm … or .mat."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from nesr_gui.io.cubes import exr, matlab
from nesr_gui.io.cubes.description import CubeHints
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.datasets.base import DataSet, Measured, Opened
from nesr_gui.training.datasets.camera import Camera

BANDS = Wavelengths.from_step(420, 720, 10)


def _find(root: Path) -> list[Measured]:
    files = {file.stem: file for ending in ("mat", "exr") for file in sorted(root.rglob(f"scene*.{ending}"))}
    return [Measured(name, file, partial(_open, file)) for name, file in files.items()]


def _open(path: Path) -> Opened:
    if path.suffix == ".exr":
        return Opened(exr.open_cube(path), 1.0)
    return Opened(matlab.open_cube(path, CubeHints(wavelengths=BANDS)), 1.0)


KAIST = DataSet(
    name="kaist",
    title="KAIST",
    expected="scene01_reflectance.exr with channels w420nm to w720nm, or scene01….mat with 31 bands, and so on",
    find=_find,
    camera=Camera("D65"),
    counts=(26, 4),
    bands=BANDS,
)
