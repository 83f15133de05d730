"""What not knowing the camera costs, and how much of it the calibration by a chart removes.

Simulated cameras photograph measured scenes. The photographs are reconstructed as their files state the colours, and
with a camera profile from a chart that the same camera photographed in the same light with the same settings.
"""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.charts import classic
from nesr_gui.fields.intervals import COVERAGE
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel
from nesr_gui.inference.unknown_camera import Widening
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.chart_calibration import calibrate
from nesr_gui.io.photos.chart_patches import Corners, read_patches
from nesr_gui.io.photos.develop import develop
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.spectral import CameraKnowledge, FloatArray, RGBImage
from nesr_gui.training.cameras import TONES, WHITE, SimulatedCamera, chart_spectra, decoded, simulated_cameras
from nesr_gui.training.evaluation import measure
from nesr_gui.training.robustness import interval_cubes
from nesr_gui.training.scenes import Scene, outside

CHART_SHAPE = 220, 320  # px of the photograph of a chart beside the scene
CHART_CORNERS = ((25.0, 30.0), (18.0, 285.0), (195.0, 300.0), (188.0, 22.0))
PIXELS = 2000  # of a picture, whose intervals are measured
SCENE_CHARTS: dict[str, Corners] = {"stuffed_toys": ((308.5, 112.5), (306.5, 391.5), (485.5, 392.5), (488.8, 115.0))}
"""Outer corners of the corner patches of the scenes that show a whole chart."""


class Knowledge(enum.StrEnum):
    """What is known of the camera."""

    CAMERA = "camera known"
    FILE = "as the file states"
    CHART = "chart beside"
    OWN_CHART = "chart in the scene"


class Maker(enum.StrEnum):
    """What the simulated cameras do with the colours of their sensors."""

    PICTURE = "maker's matrix"
    SENSOR = "sensor's colours"


@dataclass(frozen=True)
class CameraRow:
    """Figures of one scene by one camera.

    Attributes:
        scene: name of the scene.
        camera: name of the camera, its light and its tone curve.
        maker: what the camera does with its colours.
        knowledge: what is known of the camera.
        rmse: over all pixels outside the chart.
        angle: spectral angle in degrees over pixels of mean truth above 0.02.
        coverage: fraction of the values within the 90 % intervals; NaN without them.
        width: mean width of the intervals.
    """

    scene: str
    camera: str
    maker: Maker
    knowledge: Knowledge
    rmse: float
    angle: float
    coverage: float
    width: float


def evaluate_cameras(
    model: LoadedModel, scenes: Sequence[Scene], cameras: Path, *, every: int = 4, stride: int = 4
) -> Iterator[CameraRow]:
    """Figures for every scene, by simulated cameras in turn.

    The exposure of photographs that are read as their files state, and of those with a chart in the scene, whose scale
    is arbitrary, is not counted as an error: the truth is scaled by the factor that fits best.

    Args:
        model: the model.
        scenes: measured scenes.
        cameras: a file of camera sensitivities, see `read_camera_collection`.
        every: use every n-th camera; each scene begins with the next one.
        stride: use every n-th row and column of a scene.

    Raises:
        ValueError: the file has another form.
    """
    chart = chart_spectra(classic(), CHART_CORNERS, CHART_SHAPE)
    groups = [(maker, list(simulated_cameras(cameras, has_matrix=maker is Maker.PICTURE))) for maker in Maker]
    known = SimulatedCamera("default", WHITE * cie.default_camera())
    for index, scene in enumerate(scenes):
        small = thinned(scene, stride)
        yield _row(model, small, known, Maker.PICTURE, Knowledge.CAMERA, None)
        for maker, group in groups:
            for camera in group[index % every :: every]:
                yield _row(model, small, camera, maker, Knowledge.FILE, None)
                profile = chart_profile(camera, chart, CHART_CORNERS)
                yield _row(model, small, camera, maker, Knowledge.CHART, profile)
                if scene.name in SCENE_CHARTS:
                    own = chart_profile(camera, np.moveaxis(scene.cube, 0, -1), SCENE_CHARTS[scene.name])
                    yield _row(model, small, camera, maker, Knowledge.OWN_CHART, own)


def measure_widening(
    model: LoadedModel,
    scenes: Sequence[Scene],
    cameras: Path,
    camera: CameraKnowledge,
    *,
    every: int = 8,
    stride: int = 8,
) -> Widening:
    """Widths to add to the intervals of pictures by unknown cameras so that they hold 90 % of the values.

    Each tail holds 5 % of the values of a band, over the pixels outside the charts; every picture has the same weight.
    The truth is scaled to the exposure of each answer, as in `evaluate_cameras`.

    Args:
        model: a model with intervals.
        scenes: training scenes.
        cameras: a file of camera sensitivities.
        camera: `UNKNOWN`: their pictures have the maker's matrix; `CHART`: with a profile from a chart that each has
            photographed beside the scene, their pictures also have the sensor's colours.
        every: use every n-th camera; each scene begins with the next one.
        stride: use every n-th row and column of a scene.

    Raises:
        ValueError: the model has no intervals.
    """
    has_chart, tails = camera is CameraKnowledge.CHART, []
    makers = tuple(Maker) if has_chart else (Maker.PICTURE,)
    groups = [list(simulated_cameras(cameras, has_matrix=maker is Maker.PICTURE)) for maker in makers]
    chart = chart_spectra(classic(), CHART_CORNERS, CHART_SHAPE)
    for index, scene in enumerate(scenes):
        small = thinned(scene, stride)
        counted = outside(small.chart, small.cube.shape[1:])
        for picture in itertools.chain.from_iterable(group[index % every :: every] for group in groups):
            image = photographed(picture, small, chart_profile(picture, chart, CHART_CORNERS) if has_chart else None)
            known = replace(image, source=replace(image.source, camera=CameraKnowledge.KNOWN))
            field = engine.encode(known, model)
            if not isinstance(field, CalibratedField):
                raise ValueError(f"{model.name} has no intervals to widen; calibrate it first")
            answer = field.cube(cie.CAMERA_BANDS).values
            truth = small.cube * np.float32(1 if has_chart else scale_to(small.cube, answer, counted))
            low, high = interval_cubes(field, field.shape)
            level = cie.white_level(known.values)
            below, above = (low - truth)[:, counted] / level, (truth - high)[:, counted] / level
            some = np.random.default_rng(0).integers(counted.sum(), size=PIXELS)
            tails.append(np.stack([below[:, some], above[:, some]]))
    widths = np.quantile(np.concatenate(tails, axis=-1), 0.5 + COVERAGE / 2, axis=-1)
    return Widening(cie.CAMERA_BANDS.nm, *np.maximum(widths, 0))


def chart_profile(camera: SimulatedCamera, spectra: FloatArray, corners: Corners) -> CameraProfile:
    """Profile of a camera from its photograph of spectra (H, W, 31) that show a chart.

    Raises:
        ChartError: the chart cannot be read.
    """
    photo = decoded(camera.photograph(spectra))
    return calibrate(read_patches(photo, classic(), corners), photo).profile


def thinned(scene: Scene, stride: int) -> Scene:
    """Every `stride`-th row and column of a scene."""
    box = None
    if scene.chart is not None:
        top, bottom, left, right = (-(-edge // stride) for edge in scene.chart)
        box = top, bottom, left, right
    return replace(scene, cube=np.ascontiguousarray(scene.cube[:, ::stride, ::stride]), chart=box)


def scale_to(truth: FloatArray, answer: FloatArray, counted: npt.NDArray[np.bool_]) -> float:
    """Factor of the truth (L, H, W) that fits an answer of unknown exposure best, in least squares."""
    wanted, found = truth[:, counted], answer[:, counted]
    return float((wanted * found).sum() / (wanted**2).sum())


def photographed(
    camera: SimulatedCamera, scene: Scene, profile: CameraProfile | None, knowledge: Knowledge = Knowledge.FILE
) -> RGBImage:
    """The photograph of a scene as it is developed with a profile, or as the file states."""
    codes = camera.photograph(np.moveaxis(scene.cube, 0, -1))
    photo = decoded(codes, scene.name)
    photo = replace(
        photo, stored=replace(photo.stored, camera=camera.name if knowledge is not Knowledge.CAMERA else "")
    )
    return develop(photo, DevelopSettings(profile=profile))


def _row(
    model: LoadedModel, scene: Scene, camera: SimulatedCamera, maker: Maker, knowledge: Knowledge,
    profile: CameraProfile | None,
) -> CameraRow:  # fmt: skip
    field = engine.encode(photographed(camera, scene, profile, knowledge), model)
    answer, counted = field.cube(cie.CAMERA_BANDS).values, outside(scene.chart, scene.cube.shape[1:])
    is_exact = knowledge in (Knowledge.CAMERA, Knowledge.CHART)
    scale = (WHITE if knowledge is Knowledge.CAMERA else 1.0) if is_exact else scale_to(scene.cube, answer, counted)
    truth = scene.cube * np.float32(scale)
    found = measure(answer / np.float32(scale), scene.cube, counted)
    coverage = width = float("nan")
    if isinstance(field, CalibratedField):
        low, high = (limits[:, counted] for limits in interval_cubes(field, field.shape))
        coverage = float(((truth[:, counted] >= low) & (truth[:, counted] <= high)).mean())
        width = float((high - low).mean() / scale)
    return CameraRow(
        scene.name, camera.name, maker, knowledge, rmse=found.rmse, angle=found.angle, coverage=coverage, width=width
    )


@dataclass(frozen=True)
class CameraMean:
    """Means over cameras and then over scenes, see `CameraRow`; `scenes` is "all" or the name of one with a chart.

    `rmse_removed` and `angle_removed` are the fractions of the extra error that a chart removes, otherwise NaN.
    """

    scenes: str
    tone: str
    maker: Maker
    knowledge: Knowledge
    rmse: float
    angle: float
    coverage: float
    width: float
    rmse_removed: float
    angle_removed: float


def mean_rows(rows: Sequence[CameraRow]) -> list[CameraMean]:
    """Means for each knowledge, maker and tone curve; every scene has the same weight."""
    means = []
    own = {row.scene for row in rows if row.knowledge is Knowledge.OWN_CHART}
    groups = [
        ("all", tone, [row for row in rows if row.knowledge is not Knowledge.OWN_CHART]) for tone in (*TONES, "all")
    ]
    groups += [(scene, "all", [row for row in rows if row.scene == scene]) for scene in sorted(own)]
    for maker, (scenes, tone, group) in itertools.product(Maker, groups):
        chosen = [row for row in group if _is_in(row, maker, tone)]
        figures = {each: _means(chosen, each) for each in Knowledge if any(row.knowledge is each for row in chosen)}
        if Knowledge.FILE not in figures:
            continue
        known, file = figures[Knowledge.CAMERA], figures[Knowledge.FILE]
        for knowledge, mean in figures.items():
            parts = (file[:2] - mean[:2]) / (file[:2] - known[:2])
            is_chart = knowledge in (Knowledge.CHART, Knowledge.OWN_CHART)
            means.append(CameraMean(
                scenes, tone, maker, knowledge, rmse=mean[0], angle=mean[1], coverage=mean[2], width=mean[3],
                rmse_removed=float(parts[0]) if is_chart else math.nan,
                angle_removed=float(parts[1]) if is_chart else math.nan,
            ))  # fmt: skip
    return means


def _means(rows: Sequence[CameraRow], knowledge: Knowledge) -> npt.NDArray[np.float64]:
    """RMSE, angle, coverage and width: means over the cameras of each scene that unknown cameras photographed."""
    scenes = {row.scene for row in rows if row.knowledge is Knowledge.FILE}
    values = [
        np.mean([
            [row.rmse, row.angle, row.coverage, row.width] for row in rows
            if row.scene == scene and row.knowledge is knowledge
        ], axis=0)
        for scene in sorted(scenes)
    ]  # fmt: skip
    return np.asarray(np.mean(values, axis=0), np.float64)


def _is_in(row: CameraRow, maker: Maker, tone: str) -> bool:
    if row.knowledge is Knowledge.CAMERA:
        return True
    return row.maker is maker and (tone == "all" or row.camera.endswith(f", {tone}"))
