"""How good a model is on measured scenes, beside the baselines under the same input and mask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.networks.baselines import ChromaticityNeighbours, Regression, linear_terms, root_polynomial_terms
from nesr_gui.spectral import FloatArray
from nesr_gui.training.scenes import Scene
from nesr_gui.training.spectral_library import Library

NEIGHBOURS = 200_000  # pixels of scenes, at most, among which the nearest colours are looked for
DARKEST = 0.02  # mean truth above which a pixel counts as masked in

Method = Callable[[FloatArray], FloatArray]
"""Photograph (H, W, 3), linear sRGB, to spectra (H, W, 31)."""


@dataclass(frozen=True)
class Score:
    """Figures of one method on one scene, all over the pixels outside the chart.

    `masked_mrae` and `angle` (degrees) are over pixels whose mean truth exceeds 0.02; the rest are over all.
    """

    scene: str
    method: str
    mrae: float
    masked_mrae: float
    rmse: float
    masked_rmse: float
    psnr: float
    angle: float

    FIGURES = ("mrae", "masked_mrae", "rmse", "masked_rmse", "psnr", "angle")


def score(scene: Scene, method: str, prediction: FloatArray) -> Score:
    """Figures of a prediction (H, W, 31)."""
    mask = scene.outside_chart()
    truth = np.moveaxis(scene.cube, 0, -1)[mask].astype(np.float64)
    answer = prediction[mask].astype(np.float64)
    bright = truth.mean(1) > DARKEST
    return Score(
        scene=scene.name,
        method=method,
        mrae=float(metrics.mrae(answer, truth)),
        masked_mrae=float(metrics.mrae(answer[bright], truth[bright])),
        rmse=float(metrics.rmse(answer, truth)),
        masked_rmse=float(metrics.rmse(answer[bright], truth[bright])),
        psnr=float(metrics.psnr(answer, truth)),
        angle=float(metrics.spectral_angle(answer[bright], truth[bright]).mean()),
    )


def mean_scores(scores: Sequence[Score]) -> list[Score]:
    """One row per method: the mean of its figures over the scenes, every scene counting once."""
    methods = dict.fromkeys(row.method for row in scores)
    rows = {name: [asdict(row) for row in scores if row.method == name] for name in methods}
    means = {
        name: {f: float(np.mean([row[f] for row in found])) for f in Score.FIGURES} for name, found in rows.items()
    }
    return [Score(scene="mean", method=name, **figures) for name, figures in means.items()]


def baselines(scenes: Sequence[Scene], libraries: Sequence[Library], *, eight_bit: bool) -> dict[str, Method]:
    """The baselines, fitted: linear regression on scenes, root-polynomial on libraries, neighbours on both."""
    every = [
        (scene.photograph(eight_bit=eight_bit)[scene.outside_chart()], scene.cube[:, scene.outside_chart()].T)
        for scene in scenes
    ]
    spectra = np.concatenate([library.at(cie.CAMERA_BANDS.nm) for library in libraries]) if libraries else None
    methods: dict[str, Method] = {}
    if every:
        rgb, truth = (np.concatenate(parts) for parts in zip(*every, strict=True))
        methods["linear regression"] = Regression.fitted(linear_terms, rgb, truth)
    if spectra is not None:
        methods["root-polynomial regression"] = Regression.fitted(
            root_polynomial_terms, cie.render_camera_rgb(spectra), spectra
        )
    if every and spectra is not None:
        some = slice(None, None, max(4, len(rgb) // NEIGHBOURS))
        known = np.concatenate([rgb[some], cie.render_camera_rgb(spectra)]), np.concatenate([truth[some], spectra])
        methods["16 nearest colours"] = ChromaticityNeighbours(*known)
    return methods


def evaluate_scenes(scenes: Sequence[Scene], methods: dict[str, Method], *, eight_bit: bool) -> Iterator[Score]:
    """Every method on every scene."""
    for scene in scenes:
        photograph = scene.photograph(eight_bit=eight_bit)
        for name, method in methods.items():
            yield score(scene, name, method(photograph))
