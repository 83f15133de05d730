"""The challenges NTIRE2018 (Arad et al. 2018; 256 scenes of BGU to train on) and NTIRE2020 (2020; 450 of ARAD).

2018 keeps `rad`, radiance of 12 bits; 2020 keeps `cube`, scaled to [0, 1] by `norm_factor`. Tracks: *clean*, 8-bit PNG
without noise, and *real world*, JPEG of a simulated camera.
"""

from __future__ import annotations

from functools import partial

from nesr_gui.training.datasets.camera import Camera
from nesr_gui.training.datasets.dataset import DataSet
from nesr_gui.training.datasets.pairs import paired

CODES_12 = 4095.0
CLEAN, REAL = "_clean.png", "_RealWorld.jpg"


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
