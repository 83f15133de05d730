"""How good an answer is: figures of a cube beside the truth, over the pixels that count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui import metrics
from nesr_gui.spectral import FloatArray, Wavelengths
from nesr_gui.training.datasets import DataSet, Measured
from nesr_gui.training.datasets.resampling import BandShape
from nesr_gui.training.evaluation import DARKEST

EVERY_NM = np.arange(400.0, 701.0)


@dataclass(frozen=True, eq=False)
class Judge:
    """A scene to be judged by: its photograph (H, W, 3), its pixels (H, W) that count, its truth (L, H, W) on demand.

    `group` is what it is averaged with. `fine` is the truth at every nm, where there is one.
    """

    group: str
    name: str
    rgb: FloatArray
    counted: npt.NDArray[np.bool_]
    truth: Callable[[Wavelengths], FloatArray]
    sha256: str
    fine: FloatArray | None = None


def measured(scene: Measured, dataset: DataSet, shape: BandShape) -> Judge:
    """A test scene of a data set."""
    rgb = dataset.photograph(scene)
    mask = scene.mask((rgb.shape[0], rgb.shape[1]))
    return Judge(dataset.title, scene.name, rgb, mask, lambda bands: scene.cube(bands, shape), scene.sha256())


FIGURES = ("mrae", "rmse", "psnr", "angle")
BETWEEN = ("rmse", "on_bands", "between", "roughness")


@dataclass(frozen=True)
class Score:
    """A row at a column on a scene, of one seed: `FIGURES`, or `BETWEEN`, which are of every nm."""

    section: str
    row: str
    column: str
    seed: int
    group: str
    scene: str
    figures: Mapping[str, float]


def figures(truth: FloatArray, answer: FloatArray, counted: npt.NDArray[np.bool_]) -> dict[str, float]:
    """`FIGURES` of cubes (L, H, W) over the pixels (H, W) that count; `angle` in degrees where the mean truth > .02."""
    truth, answer = truth[:, counted].T, answer[:, counted].T
    bright = truth.mean(1) > DARKEST
    return {
        "mrae": float(metrics.mrae(answer, truth)),
        "rmse": float(metrics.rmse(answer, truth)),
        "psnr": float(metrics.psnr(answer, truth)),
        "angle": float(metrics.spectral_angle(answer[bright], truth[bright]).mean()) if bright.any() else float("nan"),
    }


def between_figures(truth: FloatArray, answer: FloatArray) -> dict[str, float]:
    """`BETWEEN` of cubes (301, H, W) at every nm: over all, on and between multiples of 10 nm, and roughness.

    That is the root mean square of second differences from nm to nm, relative to the truth's.
    """
    on = EVERY_NM % 10 == 0
    return {
        "rmse": float(metrics.rmse(answer, truth)),
        "on_bands": float(metrics.rmse(answer[on], truth[on])),
        "between": float(metrics.rmse(answer[~on], truth[~on])),
        "roughness": roughness(answer) / roughness(truth),
    }


def roughness(cube: FloatArray) -> float:
    """Root mean square of second differences from band to band of a cube (L, H, W)."""
    return float(np.sqrt(np.mean(np.diff(cube.astype(np.float64), 2, axis=0) ** 2)))
