"""The accuracy of a model with measured spectra of some spots, against their number and how they are chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.fields.anchored import PATCH, Anchor, anchored, as_anchorable
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.fields.suggestion import suggest_spots
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel
from nesr_gui.spectral import RGBImage, Spectrum
from nesr_gui.training.calibration import interval_score
from nesr_gui.training.evaluation import MetricSums
from nesr_gui.training.scenes import Scene

STRIDE = 4  # of the rows and columns whose pixels are compared
SUGGESTED, RANDOM = "suggested", "at random"


@dataclass(frozen=True)
class AnchoredScore:
    """Accuracy on a scene, outside its chart, with some measured spectra.

    `coverage` is the share of the values within the 90 % intervals, `width` the mean width of these, and
    `interval_score` weighs both, see `calibration.interval_score`; NaN without intervals.
    """

    scene: str
    chosen: str
    anchors: int
    rmse: float
    angle: float
    coverage: float
    width: float
    interval_score: float

    NAMES = ("rmse", "angle", "coverage", "width", "interval_score")


def anchored_scores(
    model: LoadedModel, scene: Scene, counts: Sequence[int], *, seed: int = 0
) -> Iterator[AnchoredScore]:
    """Scores with the first `counts` of suggested and of random spots, on the 8-bit photograph of a scene.

    A reading is the mean measured spectrum of a spot of `PATCH` × `PATCH` pixels.

    Raises:
        ValueError: the model has no prior for measured spectra.
    """
    field = as_anchorable(engine.encode(RGBImage(scene.photograph(eight_bit=True)), model))
    counted, most = scene.outside_chart(), max(counts)
    allowed = _whole_patches(counted)
    every = np.argwhere(allowed)
    random = every[np.random.default_rng(seed).permutation(len(every))[:most]]
    points = np.argwhere(counted)
    points = points[(points % STRIDE == 0).all(1)]
    truth = scene.cube[:, points[:, 0], points[:, 1]].T
    for chosen, spots in ((SUGGESTED, suggest_spots(field, most, allowed)), (RANDOM, random.tolist())):
        anchors = [Anchor(row, col, _reading(scene, row, col)) for row, col in spots]
        for count in counts:
            corrected = anchored(field, anchors[:count])
            sums, (coverage, width, weighed) = MetricSums(), (np.nan,) * 3
            sums.add(corrected.spectra(points, cie.CAMERA_BANDS), truth)
            if isinstance(corrected, CalibratedField):
                lower, upper = corrected.prediction_interval(points, cie.CAMERA_BANDS)
                coverage, width = float(((lower <= truth) & (truth <= upper)).mean()), float((upper - lower).mean())
                weighed = interval_score(lower, upper, truth)
            found = sums.result()
            yield AnchoredScore(
                scene.name, chosen, count, rmse=found.rmse, angle=found.angle, coverage=coverage, width=width,
                interval_score=weighed,
            )  # fmt: skip


def mean_anchored_scores(scores: Sequence[AnchoredScore]) -> list[AnchoredScore]:
    """Means over the scenes, for each way of choosing and each number of spots."""
    rows = []
    for chosen, count in dict.fromkeys((row.chosen, row.anchors) for row in scores):
        own = [asdict(row) for row in scores if (row.chosen, row.anchors) == (chosen, count)]
        means = {name: float(np.mean([row[name] for row in own])) for name in AnchoredScore.NAMES}
        rows.append(AnchoredScore("mean", chosen, count, **means))
    return rows


def _whole_patches(counted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Centres (H, W) of the patches that lie in the image and do not touch the chart."""
    allowed = np.zeros_like(counted)
    inside = slice(PATCH // 2, -(PATCH // 2))
    allowed[inside, inside] = np.lib.stride_tricks.sliding_window_view(counted, (PATCH, PATCH)).all((2, 3))
    return allowed


def _reading(scene: Scene, row: int, col: int) -> Spectrum:
    half = PATCH // 2
    patch = scene.cube[:, row - half : row + half + 1, col - half : col + half + 1]
    return Spectrum(cie.CAMERA_BANDS, patch.mean((1, 2)), f"{scene.name} {row},{col}")
