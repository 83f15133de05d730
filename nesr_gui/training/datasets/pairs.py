"""Challenge data: cubes NAME.mat and photographs NAME + ending, anywhere below a folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from nesr_gui.training.datasets.dataset import BANDS, Measured
from nesr_gui.training.datasets.matlab_cube import open_mat


def paired(root: Path, prefix: str, ending: str, arrays: Mapping[str, float | None]) -> list[Measured]:
    """The cubes called `prefix`….mat that have a photograph with `ending`, in whatever case that is written."""
    photographs = {
        file.name[: -len(ending)]: file
        for file in root.rglob("*" + Path(ending).suffix)
        if file.name.lower().endswith(ending.lower())
    }
    cubes = {file.stem: file for file in sorted(root.rglob(f"{prefix}*.mat"))}
    return [
        Measured(name, file, partial(open_mat, file, arrays, BANDS), given=photographs[name])
        for name, file in cubes.items()
        if name in photographs
    ]
