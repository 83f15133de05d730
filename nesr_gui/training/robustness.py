"""Robustness of a model: exposure, JPEG, and attacks such as noise, other cameras and lights, and metamers.

Every attack pairs photographs of a scene with the spectra that they show. A table then says how RMSE and spectral angle
grow, and whether the prediction intervals still hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.fields.accuracy import MIN_TRUTH_FOR_ANGLE
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel
from nesr_gui.io.spectra.readers import read_camera_collection
from nesr_gui.spectral import FloatArray, RGBImage
from nesr_gui.training.calibration import interval_score
from nesr_gui.training.evaluation import Score, score, spectra_of
from nesr_gui.training.scenes import Scene, as_jpeg, quantised

STABILITY_EXPOSURES = (0.1, 0.2, 0.5)
JPEG_QUALITIES = (75, 85, 95)
BRIGHTNESS_RANGES = ((0.02, 0.1), (0.1, 0.3), (0.3, 1.01))  # of the mean truth of a pixel

NOISE = (0.01, 0.02, 0.05)  # standard deviation of linear light, relative to white
QUALITIES = (50, 65, 80, 95)  # of attacks by JPEG
EXPOSURES = (0.1, 0.3, 2.0, 4.0)
BLURS = (1.0, 3.0)  # standard deviation in pixels
SHIFTS = (1, 2)  # pixels between green and the red and blue channels
KELVIN = (2_800, 4_000, 5_000, 6_500, 10_000)
DAYLIGHT = 4_500  # kelvin from which a light is CIE daylight, below a blackbody
BLACKS = (0.5, 1.0)  # fraction of the largest metameric black that leaves spectra within 0-1

Photographed = tuple[FloatArray, FloatArray]
"""A photograph (H, W, 3) in linear sRGB, and the spectra (H, W, 31) that it shows."""


@dataclass(frozen=True)
class Stability:
    """How the answer q to a photograph k times as bright differs from k times the answer p to the photograph.

    Args:
        exposure: the factor k.
        angle: median spectral angle in degrees, over pixels whose mean answer exceeds 0.02.
        relative: median of |q / (k·p) - 1| over the same pixels.
    """

    exposure: float
    angle: float
    relative: float


def exposure_stability(model: LoadedModel, scene: Scene) -> list[Stability]:
    """The stability of a model under `STABILITY_EXPOSURES`, for photographs stored as 16-bit sRGB."""
    light = scene.photograph(eight_bit=False)
    original = spectra_of(model, quantised(light, 65535))
    bright = original.mean(-1) > MIN_TRUTH_FOR_ANGLE
    expected = original[bright]
    rows = []
    for k in STABILITY_EXPOSURES:
        answer = spectra_of(model, quantised(light * np.float32(k), 65535))[bright]
        angle = float(np.median(metrics.spectral_angle(answer, expected)))
        relative = abs(answer / np.maximum(k * expected, 1e-6) - 1)
        rows.append(Stability(k, angle, float(np.median(relative))))
    return rows


def colour_error(model: LoadedModel, scene: Scene) -> tuple[float, float]:
    """Median and 99th percentile of ΔE2000 between an 8-bit photograph and the re-rendered answer to it.

    Pixels with a channel at the lowest or the highest code do not count.
    """
    rgb = scene.photograph(eight_bit=True)
    codes = np.round(cie.encode_srgb(rgb) * 255)
    unclipped = ((codes > 0) & (codes < 255)).all(-1)
    again = spectra_of(model, rgb)[unclipped] @ cie.default_camera().T
    median, most = np.percentile(cie.colour_differences(again, rgb[unclipped]), [50, 99])
    return float(median), float(most)


def jpeg_scores(model: LoadedModel, scene: Scene) -> list[Score]:
    """Scores on the photograph of a scene stored as JPEG, one per quality."""
    light = scene.photograph(eight_bit=False)
    return [score(scene, f"JPEG {quality}", spectra_of(model, as_jpeg(light, quality))) for quality in JPEG_QUALITIES]


@dataclass(frozen=True)
class IntervalQuality:
    """How well the prediction intervals of a model hold on a scene, at all bands and pixels outside the chart.

    Args:
        scene: name of the scene.
        coverage: fraction of the values within their intervals.
        by_brightness: coverage for pixels whose mean truth is in each of `BRIGHTNESS_RANGES`; NaN without such pixels.
        by_wavelength: coverage of each tenth of the bands.
        interval_score: of the intervals, see `calibration.interval_score`; lower is better.
        constant_score: of intervals of constant width with the same coverage on the calibration data.
    """

    scene: str
    coverage: float
    by_brightness: tuple[float, ...]
    by_wavelength: tuple[float, ...]
    interval_score: float
    constant_score: float


def interval_quality(model: LoadedModel, scene: Scene) -> IntervalQuality | None:
    """The quality of the intervals of a calibrated model on a scene; None for a model without intervals."""
    calibration = model.checkpoint.calibration
    field = engine.encode(RGBImage(scene.photograph(eight_bit=True)), model)
    if calibration is None or not isinstance(field, CalibratedField):
        return None
    low, high = interval_cubes(field, field.shape)
    answers = field.cube(field.bands).values
    mask = scene.outside_chart()
    truth, low, high, answers = (cube[:, mask] for cube in (scene.cube, low, high, answers))
    inside = (truth >= low) & (truth <= high)
    brightness = truth.mean(0)
    width = float(calibration.constant)
    return IntervalQuality(
        scene.name,
        float(inside.mean()),
        tuple(_mean(inside[:, (brightness >= low) & (brightness < high)]) for low, high in BRIGHTNESS_RANGES),
        tuple(float(part.mean()) for part in np.array_split(inside, 10)),
        interval_score(low, high, truth),
        interval_score(np.maximum(answers - width, 0), answers + width, truth),
    )


def interval_cubes(field: CalibratedField, shape: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Lower and upper ends (31, H, W) of the prediction intervals of a field of shape (H, W)."""
    low, high = np.empty((2, len(cie.CAMERA_BANDS), *shape), np.float32)
    for block in field.prediction_interval_blocks(cie.CAMERA_BANDS):
        low[:, block.rows, block.cols], high[:, block.rows, block.cols] = block.lower, block.upper
    return low, high


def _mean(inside: npt.NDArray[np.bool_]) -> float:
    return float(inside.mean()) if inside.size else float("nan")


@dataclass(frozen=True)
class Attack:
    """The result of one attack on one scene.

    Args:
        attack: name of the attack.
        scene: name of the scene.
        rmse: over all pixels outside the chart.
        angle: spectral angle in degrees over pixels of mean truth above 0.02.
        masked_mrae: over the same pixels.
        coverage: fraction of the values outside the chart within the 90 % intervals; NaN for a model without intervals.
    """

    attack: str
    scene: str
    rmse: float
    angle: float
    masked_mrae: float
    coverage: float


def attacks(
    model: LoadedModel, scenes: Sequence[Scene], cameras: Path | None = None, colours: Path | None = None
) -> Iterator[Attack]:
    """Run every attack on every scene.

    Args:
        model: the model.
        scenes: the scenes.
        cameras: a file of cameras, see `camera_matrices`; None to leave out other cameras.
        colours: a file of reflectances, see `scene_colours`; None to leave them out.

    Raises:
        ValueError: a file has another form.
    """
    for scene in scenes:
        for name, (photograph, truth) in _photographs(scene, cameras):
            yield _evaluate(model, name, scene, photograph, truth)
    if colours is not None:
        name, cube = "colours of other scenes, another instrument", scene_colours(colours)
        yield _evaluate(
            model, name, Scene("mosaic", np.moveaxis(cube, -1, 0)), quantised(cie.render_camera_rgb(cube)), cube
        )


def _evaluate(model: LoadedModel, name: str, scene: Scene, photograph: FloatArray, truth: FloatArray) -> Attack:
    field = engine.encode(RGBImage(photograph), model)
    cube = np.moveaxis(truth, -1, 0)
    row = score(Scene(scene.name, cube, scene.chart), name, np.moveaxis(field.cube(cie.CAMERA_BANDS).values, 0, -1))
    coverage = float("nan")
    if isinstance(field, CalibratedField):
        low, high = interval_cubes(field, field.shape)
        coverage = float(((cube >= low) & (cube <= high))[:, scene.outside_chart()].mean())
    return Attack(name, scene.name, row.rmse, row.angle, row.masked_mrae, coverage)


def _photographs(scene: Scene, cameras: Path | None) -> Iterator[tuple[str, Photographed]]:
    truth = np.ascontiguousarray(np.moveaxis(scene.cube, 0, -1))
    light = cie.render_camera_rgb(truth)
    rng = np.random.default_rng(0)
    yield "none", (quantised(light), truth)
    for sigma in NOISE:
        noisy = light + rng.normal(size=light.shape).astype(np.float32) * np.float32(sigma)
        yield f"noise {sigma:.0%}", (quantised(np.clip(noisy, 0, 1)), truth)
    for quality in QUALITIES:
        yield f"JPEG {quality}", (as_jpeg(light, quality), truth)
    for factor in EXPOSURES:
        stored = quantised(np.clip(light * np.float32(factor), 0, 1))
        yield f"exposure ×{factor:g}", (np.minimum(stored / np.float32(factor), 1), truth)
    for radius in BLURS:
        yield f"blur {radius:g} px", (_blurred(light, radius), truth)
    for shift in SHIFTS:
        apart = np.stack([np.roll(light[..., 0], shift, 1), light[..., 1], np.roll(light[..., 2], -shift, 1)], -1)
        yield f"chromatic aberration {shift} px", (quantised(apart), truth)
    for kelvin in KELVIN:
        yield f"light of {kelvin} K, white-balanced", (quantised(_under_light(truth, kelvin)), truth)
    for part in BLACKS:
        yield f"metamers, {part:g} of what is physical", (quantised(light), _metamers(truth, part))
    if cameras is not None:
        names, matrices = camera_matrices(cameras)
        for name, matrix in zip(names, matrices, strict=True):
            yield f"camera {name}", (quantised(np.clip(truth @ matrix.T, 0, 1).astype(np.float32)), truth)


def _blurred(light: FloatArray, radius: float) -> FloatArray:
    reach = round(3 * radius)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(light, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    rows = sum(k * padded[i : i + light.shape[0]] for i, k in enumerate(kernel))
    both = sum(k * rows[:, i : i + light.shape[1]] for i, k in enumerate(kernel))
    return quantised(np.asarray(both, np.float32))


def _under_light(truth: FloatArray, kelvin: float) -> FloatArray:
    """The photograph of the default camera under another light, each channel divided by its response to white."""
    nm = cie.CAMERA_BANDS.nm
    matching = _at(cie.colour_matching(2), nm)  # (31, 3)
    power = _at(cie.daylight(kelvin) if kelvin >= DAYLIGHT else cie.blackbody(kelvin), nm)
    camera = cie.xyz_to_linear_srgb() @ (matching * power[:, None]).T
    return np.clip(truth @ (camera / camera.sum(1, keepdims=True)).T, 0, 1).astype(np.float32)


def _at(table: cie.Table, nm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A table at wavelengths (L,) nm, interpolated linearly."""
    values = table[1].reshape(len(table[0]), -1)
    found = np.stack([np.interp(nm, table[0], column) for column in values.T], 1)
    return found[:, 0] if table[1].ndim == 1 else found


def _metamers(truth: FloatArray, part: float) -> FloatArray:
    """Other spectra with the same colours: a smooth metameric black is added to each pixel."""
    camera, nm = cie.default_camera(), cie.CAMERA_BANDS.nm
    bumps = sum(s * np.exp(-(((nm - c) / 35) ** 2)) for c, s in ((440, 1.0), (520, -1.0), (590, 1.0), (670, -1.0)))
    black = bumps - np.linalg.pinv(camera) @ (camera @ bumps)  # invisible to this camera
    up, down = np.maximum(black, 1e-9), np.maximum(-black, 1e-9)
    room = np.minimum(((1 - truth) / up).min(-1), (truth / down).min(-1)).clip(min=0)
    return (truth + part * room[..., None] * black).astype(np.float32)


def camera_matrices(path: Path) -> tuple[list[str], FloatArray]:
    """Names (N,) of cameras, and their effective sensitivities (N, 3, 31) in linear sRGB under D65.

    Each camera is colour-corrected by the matrix (3, 3) of least squares over two published colour charts that maps
    white to white.

    Args:
        path: a file (`.npz`) with `names` (N,) and `sensitivities` (N, 31, 3) on 400-700 nm by 10 nm.

    Raises:
        ValueError: the file has another form.
    """
    names, sensitivities = read_camera_collection(path)
    charts = np.vstack([cie.chart_reflectances(cie.CAMERA_BANDS), np.ones((20, 31), np.float32)])
    light = _at(cie.illuminant("D65"), cie.CAMERA_BANDS.nm)
    wanted = charts @ cie.default_camera().T
    found = []
    for sensitivity in sensitivities:
        raw = (sensitivity * light[:, None]).T
        raw = raw / raw.sum(1, keepdims=True)
        matrix = np.linalg.lstsq(charts @ raw.T, wanted, rcond=None)[0].T
        matrix /= matrix.sum(1, keepdims=True)
        found.append(matrix @ raw)
    return names, np.array(found, np.float32)


def scene_colours(path: Path, tile: int = 4) -> FloatArray:
    """A mosaic (H, W, 31) of square tiles of the `reflectance` (N, 31), uint16 with 65535 for 1, of an `.npz` file."""
    with np.load(path, allow_pickle=False) as file:
        spectra = file["reflectance"].astype(np.float32) / 65535
    side = int(np.sqrt(len(spectra)))
    grid = spectra[np.random.default_rng(0).permutation(len(spectra))[: side * side]].reshape(side, side, -1)
    return grid.repeat(tile, 0).repeat(tile, 1)


def summary(rows: Sequence[Attack]) -> list[tuple[str, int, float, float, float, float]]:
    """For each attack its name, number of scenes, and mean RMSE, angle, masked MRAE and coverage."""
    names = dict.fromkeys(row.attack for row in rows)
    table = []
    for name in names:
        own = [row for row in rows if row.attack == name]
        figures = [[row.rmse, row.angle, row.masked_mrae, row.coverage] for row in own]
        table.append((name, len(own), *np.mean(figures, 0).tolist()))
    return table
