"""The accuracy of an answer on a scene: metrics on the bands and between them, beside baselines under one protocol."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.fields.accuracy import MIN_TRUTH_FOR_ANGLE
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel
from nesr_gui.io.registry import require_extra
from nesr_gui.networks.baselines import ChromaticityNeighbours, Regression, linear_terms, root_polynomial_terms
from nesr_gui.spectral import FloatArray, RGBImage
from nesr_gui.training.scenes import Scene, quantised
from nesr_gui.training.spectral_library import EVERY_NM, ON_BANDS, Library, interpolation

MAX_NEIGHBOURS = 200_000  # pixels of scenes among which the nearest colours are searched
CHUNK = 65_536  # pixels whose errors are computed at once

Method = Callable[[FloatArray], FloatArray]
"""A photograph (H, W, 3) in linear sRGB to spectra (H, W, 31)."""


@dataclass(frozen=True)
class SpectralMetrics:
    """Metrics of an answer; the masked ones and `angle` are over pixels of mean truth above 0.02.

    MRAE is equation (6); RMSE and PSNR (dB) are for a data range of 1; the angle is in degrees. NaN where no pixel
    counts.
    """

    mrae: float
    masked_mrae: float
    rmse: float
    masked_rmse: float
    psnr: float
    angle: float

    NAMES = ("mrae", "masked_mrae", "rmse", "masked_rmse", "psnr", "angle")


class MetricSums:
    """Running sums in double precision from which `SpectralMetrics` are computed."""

    def __init__(self) -> None:
        self._sums = np.zeros(5)  # relative error and squared error of all pixels, of bright ones, and their angle
        self._pixels = self._bright = 0

    def add(self, answer: FloatArray, truth: FloatArray) -> None:
        """Add the errors of spectra (N, L)."""
        answer, truth = answer.astype(np.float64), truth.astype(np.float64)
        bright = truth.mean(1) > MIN_TRUTH_FOR_ANGLE
        relative, square = metrics.mrae(answer, truth, axis=1), ((answer - truth) ** 2).mean(1)
        angle = metrics.spectral_angle(answer[bright], truth[bright])
        self._sums += [part.sum() for part in (relative, square, relative[bright], square[bright], angle)]
        self._pixels += len(truth)
        self._bright += int(bright.sum())

    def result(self) -> SpectralMetrics:
        """The metrics of all spectra added so far."""
        relative, square = (self._sums[:2] / self._pixels).tolist() if self._pixels else (math.nan,) * 2
        bright = (self._sums[2:] / self._bright).tolist() if self._bright else (math.nan,) * 3
        psnr = -10 * math.log10(square) if square > 0 else math.inf if square == 0 else math.nan
        return SpectralMetrics(relative, bright[0], math.sqrt(square), math.sqrt(bright[1]), psnr, bright[2])


def measure(answer: FloatArray, truth: FloatArray, counted: npt.NDArray[np.bool_]) -> SpectralMetrics:
    """Metrics of a cube (L, H, W) against the truth (L, H, W), over the pixels (H, W) that count."""
    sums = MetricSums()
    for rows in np.array_split(np.arange(truth.shape[1]), max(1, truth[0].size // CHUNK)):
        part = slice(rows[0], rows[-1] + 1)
        sums.add(answer[:, part][:, counted[part]].T, truth[:, part][:, counted[part]].T)
    return sums.result()


@dataclass(frozen=True)
class ContinuityMetrics:
    """Metrics between the bands, for an answer at every nm of 400-700 nm.

    `rmse` is over all 301 wavelengths, `on_bands` over the multiples of 10 nm, `between` over the others. `roughness`
    is the root mean square of second differences from nm to nm, relative to that of the truth.
    """

    rmse: float
    on_bands: float
    between: float
    roughness: float

    NAMES = ("rmse", "on_bands", "between", "roughness")


def measure_continuity(answer: FloatArray, truth: FloatArray) -> ContinuityMetrics:
    """Metrics of a cube (301, H, W) against the truth (301, H, W), over all pixels."""
    return ContinuityMetrics(
        rmse=float(metrics.rmse(answer, truth)),
        on_bands=float(metrics.rmse(answer[ON_BANDS], truth[ON_BANDS])),
        between=float(metrics.rmse(answer[~ON_BANDS], truth[~ON_BANDS])),
        roughness=roughness(answer) / roughness(truth),
    )


def roughness(cube: FloatArray) -> float:
    """Root mean square of second differences from band to band of a cube (L, H, W)."""
    return float(np.sqrt(np.mean(np.diff(cube.astype(np.float64), 2, axis=0) ** 2)))


@dataclass(frozen=True)
class Score(SpectralMetrics):
    """Metrics of a method on a scene, over the pixels outside its chart."""

    scene: str
    method: str


def score(scene: Scene, method: str, answer: FloatArray) -> Score:
    """Metrics of an answer (H, W, 31) to a photograph of a scene."""
    found = measure(np.moveaxis(answer, -1, 0), scene.cube, scene.outside_chart())
    return Score(**asdict(found), scene=scene.name, method=method)


def mean_scores(scores: Sequence[Score]) -> list[Score]:
    """One row per method: the mean of each metric over the scenes, every scene with the same weight."""
    rows = {name: [row for row in scores if row.method == name] for name in dict.fromkeys(row.method for row in scores)}
    return [
        Score(
            **{name: float(np.mean([getattr(row, name) for row in own])) for name in Score.NAMES},
            scene="mean",
            method=method,
        )
        for method, own in rows.items()
    ]


def spectra_of(model: LoadedModel, rgb: FloatArray) -> FloatArray:
    """The answer (H, W, 31) of a model to a photograph (H, W, 3) in linear sRGB, on `cie.CAMERA_BANDS`."""
    field = engine.encode(RGBImage(rgb), model)
    return field.cube(cie.CAMERA_BANDS).values.transpose(1, 2, 0)


def model_method(model: LoadedModel) -> Method:
    """A model as a method that can be evaluated beside the baselines."""
    return lambda rgb: spectra_of(model, rgb)


def baselines(scenes: Sequence[Scene], libraries: Sequence[Library], *, eight_bit: bool) -> dict[str, Method]:
    """Fitted baselines: linear regression on scenes, root-polynomial on libraries, nearest colours on both.

    Args:
        scenes: training scenes; without any, the methods fitted on scenes are left out.
        libraries: training libraries; without any, the methods fitted on libraries are left out.
        eight_bit: whether the photographs of the scenes are 8-bit sRGB.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
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
        some = slice(None, None, max(4, len(rgb) // MAX_NEIGHBOURS))
        require_extra("sklearn.neighbors", "baselines", "train", "scikit-learn")
        colours = np.concatenate([rgb[some], cie.render_camera_rgb(spectra)])
        methods["16 nearest colours"] = ChromaticityNeighbours(colours, np.concatenate([truth[some], spectra]))
    return methods


def evaluate_scenes(scenes: Sequence[Scene], methods: dict[str, Method], *, eight_bit: bool) -> Iterator[Score]:
    """The score of every method on every scene, scene by scene."""
    for scene in scenes:
        photograph = scene.photograph(eight_bit=eight_bit)
        for name, method in methods.items():
            yield score(scene, name, method(photograph))


@dataclass(frozen=True)
class Continuity(ContinuityMetrics):
    """Metrics between the bands of a method on a painted scene."""

    method: str


def evaluate_continuity(
    truth: FloatArray, methods: dict[str, Method], models: Sequence[LoadedModel]
) -> list[Continuity]:
    """Metrics between the bands on the 8-bit photograph of a scene that is known at every nm.

    Args:
        truth: the scene (301, H, W) over its white level.
        methods: methods whose bands are interpolated, see `interpolation`.
        models: models that are evaluated at every nm.
    """
    rgb = quantised(cie.render_camera_rgb(np.moveaxis(truth[ON_BANDS], 0, -1)))
    finer = interpolation(cie.CAMERA_BANDS, EVERY_NM).T
    answers = {name: np.moveaxis(method(rgb) @ finer, -1, 0) for name, method in methods.items()}
    answers |= {model.name: engine.encode(RGBImage(rgb), model).cube(EVERY_NM).values for model in models}
    return [Continuity(**asdict(measure_continuity(cube, truth)), method=name) for name, cube in answers.items()]
