"""Harvard (Chakrabarti and Zickler 2011): 77 scenes, `ref` at 420-720 nm by 10 nm, and `lbl`, 0 where something moved.

The values are not corrected for the sensitivity of the instrument and have no common scale, so each scene is divided by
its largest value.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from nesr_gui.io.registry import require_extra
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.datasets.base import DataSet, Measured, open_mat
from nesr_gui.training.datasets.camera import Camera

BANDS = Wavelengths.from_step(420, 720, 10)


def _find(root: Path) -> list[Measured]:
    return [
        Measured(file.stem, file, partial(open_mat, file, {"ref": None}, BANDS), counted=partial(_still, file))
        for file in sorted(root.rglob("*.mat"))
    ]


def _still(path: Path, _: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """A mask (H, W), False where something moved between the bands."""
    if h5py.is_hdf5(path):  # saved again by a newer MATLAB
        with h5py.File(path) as file:
            return np.asarray(file["lbl"]).T > 0
    loaded = require_extra("scipy.io", "MATLAB files older than version 7.3").loadmat(str(path), variable_names=["lbl"])
    return np.asarray(loaded["lbl"]) > 0


HARVARD = DataSet(
    name="harvard",
    title="Harvard",
    expected="files such as CZ_hsdb/imga1.mat with `ref` of 31 bands (420-720 nm) and `lbl`",
    find=_find,
    camera=Camera("none", "; the cubes hold the sensitivity of their own instrument"),
    counts=(69, 8),
    bands=BANDS,
)
