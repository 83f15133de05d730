"""Painted scenes with truth at every nm, of spectra kept out of training: how good answers are between the bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.inference import engine
from nesr_gui.inference.model import Model
from nesr_gui.spectral import FloatArray, RGBImage
from nesr_gui.training.evaluate import Method
from nesr_gui.training.libraries import Library, interpolation
from nesr_gui.training.rendering import Painter, RenderingConfig
from nesr_gui.training.scenes import quantised

NM = np.arange(400.0, 701.0)
PATCHES = 6  # along a side of a painted scene
ON_BANDS = NM % 10 == 0


@dataclass(frozen=True)
class Continuity:
    """Figures of one method on painted scenes, over all pixels.

    `rmse` is over all 301 wavelengths, `on_bands` and `between` over those that are multiples of 10 nm and the others.
    `roughness` is the root mean square of second differences from nm to nm, relative to the truth's.
    """

    method: str
    rmse: float
    on_bands: float
    between: float
    roughness: float


def painted_scene(libraries: Sequence[Library], seed: int = 0) -> FloatArray:
    """A mosaic (301, H, W) of painted patches at every nm, over its white level, so that little of it is clipped."""
    config = RenderingConfig(balance=1.0)
    painted = Painter(libraries, config).paint(np.random.default_rng(seed), PATCHES**2, NM)
    mosaic = painted.reshape(PATCHES, PATCHES, len(NM), config.patch, config.patch).transpose(2, 0, 3, 1, 4)
    cube = np.ascontiguousarray(mosaic.reshape(len(NM), PATCHES * config.patch, -1))
    response = np.einsum("cl,lyx->yxc", cie.default_camera(), cube[ON_BANDS])
    return cube / np.float32(cie.white_level(response))


def continuity(truth: FloatArray, methods: dict[str, Method], models: Sequence[Model]) -> list[Continuity]:
    """Every method, its bands interpolated, and every model on the 8-bit photograph of a painted scene."""
    rgb = quantised(cie.expose(np.moveaxis(truth[ON_BANDS], 0, -1)))
    finer = interpolation(cie.CAMERA_BANDS, NM).T
    rows = [_judged(name, np.moveaxis(method(rgb) @ finer, -1, 0), truth) for name, method in methods.items()]
    return rows + [_judged(m.name, engine.encode(RGBImage(rgb), m).cube(NM).values, truth) for m in models]


def _judged(name: str, answer: FloatArray, truth: FloatArray) -> Continuity:
    return Continuity(
        method=name,
        rmse=float(metrics.rmse(answer, truth)),
        on_bands=float(metrics.rmse(answer[ON_BANDS], truth[ON_BANDS])),
        between=float(metrics.rmse(answer[~ON_BANDS], truth[~ON_BANDS])),
        roughness=float(_roughness(answer) / _roughness(truth)),
    )


def _roughness(cube: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.diff(cube.astype(np.float64), 2, axis=0) ** 2)))
