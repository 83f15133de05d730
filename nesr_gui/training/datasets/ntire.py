"""NTIRE challenges: cubes NAME.mat and photographs NAME + suffix, anywhere below a folder.

NTIRE2018 (Arad et al. 2018; 256 training scenes of BGU), NTIRE2020 (2020; 450 of ARAD), and ARAD_1K, the data of
NTIRE2022 (2022; 900 training and 50 validation scenes, JPEG). 2018 stores `rad`, radiance of 12 bits; 2020 stores
`cube`, scaled to [0, 1] by `norm_factor`. Tracks: *clean*, 8-bit PNG without noise, and *real world*, JPEG of a
simulated camera.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from nesr_gui.training.datasets.base import BANDS, DataSet, Measured, open_mat
from nesr_gui.training.datasets.camera import Camera

CODES_12 = 4095.0
CLEAN, REAL = "_clean.png", "_RealWorld.jpg"


def paired(root: Path, prefix: str, ending: str, arrays: Mapping[str, float | None]) -> list[Measured]:
    """Find the cubes that have a photograph.

    Args:
        root: folder of the data set.
        prefix: of the names of the cubes, PREFIX….mat.
        ending: of the names of the photographs, in upper or lower case.
        arrays: as for `open_mat`.
    """
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


def _row(year: int, track: str, ending: str) -> DataSet:
    prefix, arrays = ("BGU_HS_", {"rad": CODES_12, "cube": 1.0}) if year == 2018 else ("ARAD_HS_", {"cube": 1.0})
    folder = f"NTIRE{year}_Train{'1' if year == 2018 else ''}_"
    side = "RealWorld" if ending == REAL else "Clean"
    return DataSet(
        name=f"ntire{year}-{track}",
        title=f"NTIRE{year} “{'Real World' if track == 'real' else 'Clean'}”",
        expected=f"{prefix}….mat with `{next(iter(arrays))}` and {prefix}…{ending}, as in {folder}Spectral and "
        f"{folder}{side}",
        find=partial(paired, prefix=prefix, ending=ending, arrays=arrays),
        camera=Camera("given"),
        counts=(256, 5) if year == 2018 else (450, 10),
    )


NTIRE2018_CLEAN, NTIRE2018_REAL = _row(2018, "clean", CLEAN), _row(2018, "real", REAL)
NTIRE2020_CLEAN, NTIRE2020_REAL = _row(2020, "clean", CLEAN), _row(2020, "real", REAL)

ARAD_1K = DataSet(
    name="arad1k",
    title="ARAD_1K",
    expected="ARAD_1K_….mat with `cube` and ARAD_1K_….jpg, as in Train_Spec and Train_RGB, with "
    "split_txt/train_list.txt and valid_list.txt",
    find=partial(paired, prefix="ARAD_1K_", ending=".jpg", arrays={"cube": 1.0}),
    camera=Camera("given"),
    counts=(900, 50),
)
