"""What becomes of a model's answers when the photograph is not as it should be: noise, cameras, lights, metamers.

Every attack gives photographs of a scene together with the spectra that were photographed, so that a table says at a
glance how RMSE and angle grow and whether the intervals, where the model has any, still hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel
from nesr_gui.spectral import FloatArray, RGBImage
from nesr_gui.training.evaluation import score
from nesr_gui.training.scenes import Scene, quantised
from nesr_gui.training.synthesis import as_jpeg

NOISE = (0.01, 0.02, 0.05)  # standard deviation, of linear light at white
QUALITIES = (50, 65, 80, 95)
EXPOSURES = (0.1, 0.3, 2.0, 4.0)
BLURS = (1.0, 3.0)  # pixels, standard deviation
SHIFTS = (1, 2)  # pixels by which red and blue are apart from green
KELVIN = (2_800, 4_000, 5_000, 6_500, 10_000)
DAYLIGHT = 4_500  # kelvin from which on a light is daylight, below a blackbody
BLACKS = (0.5, 1.0)  # of the metameric black that leaves spectra between 0 and 1

Photographed = tuple[FloatArray, FloatArray]
"""A photograph (H, W, 3), linear sRGB, and the spectra (H, W, 31) that it is of."""


@dataclass(frozen=True)
class Attack:
    """One attack on one scene; `coverage` is the share of values in the 90 % intervals, NaN where there are none."""

    attack: str
    scene: str
    rmse: float
    angle: float
    masked_mrae: float
    coverage: float


def attacks(
    model: LoadedModel, scenes: Sequence[Scene], cameras: Path | None = None, colours: Path | None = None
) -> Iterator[Attack]:
    """Every attack on every scene, all pixels outside charts; `cameras` and `colours` are files as `camera_matrices`
    and `scene_colours` read."""
    for scene in scenes:
        for name, (photograph, truth) in _on(scene, cameras):
            yield _judged(model, name, scene, photograph, truth)
    if colours is not None:
        name, cube = "colours of other scenes, another instrument", scene_colours(colours)
        yield _judged(
            model, name, Scene("mosaic", np.moveaxis(cube, -1, 0)), quantised(cie.render_camera_rgb(cube)), cube
        )


def _judged(model: LoadedModel, name: str, scene: Scene, photograph: FloatArray, truth: FloatArray) -> Attack:
    field = engine.encode(RGBImage(photograph), model)
    answer = np.moveaxis(field.cube(cie.CAMERA_BANDS).values, 0, -1)
    judged = Scene(scene.name, np.moveaxis(truth, -1, 0), scene.chart)
    row = score(judged, name, answer)
    held = float("nan")
    if isinstance(field, CalibratedField):
        inside = [
            (truth[block.rows, block.cols] >= np.moveaxis(block.lower, 0, -1))
            & (truth[block.rows, block.cols] <= np.moveaxis(block.upper, 0, -1))
            for block in field.prediction_interval_blocks(cie.CAMERA_BANDS)
        ]
        held = float(np.concatenate([part.reshape(-1) for part in inside]).mean())
    return Attack(name, scene.name, row.rmse, row.angle, row.masked_mrae, held)


def _on(scene: Scene, cameras: Path | None) -> Iterator[tuple[str, Photographed]]:
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
        yield f"light of {kelvin} K, white-balanced", (quantised(_lit(truth, kelvin)), truth)
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


def _lit(truth: FloatArray, kelvin: float) -> FloatArray:
    """The default camera under another light, each channel over its response to white."""
    nm = cie.CAMERA_BANDS.nm
    matching = _at(cie.colour_matching(2), nm)  # (31, 3)
    power = _at(cie.daylight(kelvin) if kelvin >= DAYLIGHT else cie.blackbody(kelvin), nm)
    camera = cie.xyz_to_linear_srgb() @ (matching * power[:, None]).T
    return np.clip(truth @ (camera / camera.sum(1, keepdims=True)).T, 0, 1).astype(np.float32)


def _at(table: cie.Table, nm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A table at other wavelengths, linear between its own."""
    values = table[1].reshape(len(table[0]), -1)
    found = np.stack([np.interp(nm, table[0], column) for column in values.T], 1)
    return found[:, 0] if table[1].ndim == 1 else found


def _metamers(truth: FloatArray, part: float) -> FloatArray:
    """Other spectra of the same colours: with a smooth metameric black added to each pixel, the same for all."""
    camera, nm = cie.default_camera(), cie.CAMERA_BANDS.nm
    bumps = sum(s * np.exp(-(((nm - c) / 35) ** 2)) for c, s in ((440, 1.0), (520, -1.0), (590, 1.0), (670, -1.0)))
    black = bumps - np.linalg.pinv(camera) @ (camera @ bumps)  # no camera of these sensitivities sees it
    up, down = np.maximum(black, 1e-9), np.maximum(-black, 1e-9)
    room = np.minimum(((1 - truth) / up).min(-1), (truth / down).min(-1)).clip(min=0)
    return (truth + part * room[..., None] * black).astype(np.float32)


def camera_matrices(path: Path) -> tuple[list[str], FloatArray]:
    """Cameras as effective sensitivities (N, 3, 31): each through the matrix that serves it best.

    The file (`.npz`) has `names` (N,) and `sensitivities` (N, 31, 3) on 400-700 nm by 10 nm. The light is D65; the
    matrix (3, 3) to linear sRGB is the one of least squares over two published colour charts, white being kept white.

    Raises:
        ValueError: the file is of another form.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            names, sensitivities = [str(name) for name in file["names"]], file["sensitivities"].astype(np.float64)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is no file of cameras; expected an .npz with `names` and `sensitivities`") from error
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
    """A mosaic (H, W, 31) of the `reflectance` (N, 31), uint16 for 65535 = 1, of an `.npz` file."""
    with np.load(path, allow_pickle=False) as file:
        spectra = file["reflectance"].astype(np.float32) / 65535
    side = int(np.sqrt(len(spectra)))
    grid = spectra[np.random.default_rng(0).permutation(len(spectra))[: side * side]].reshape(side, side, -1)
    return grid.repeat(tile, 0).repeat(tile, 1)


def summary(rows: Sequence[Attack]) -> list[tuple[str, int, float, float, float, float]]:
    """Attack, number of scenes, and their mean RMSE, angle, masked MRAE and coverage, in the order of the rows."""
    names = dict.fromkeys(row.attack for row in rows)
    table = []
    for name in names:
        own = [row for row in rows if row.attack == name]
        figures = [[row.rmse, row.angle, row.masked_mrae, row.coverage] for row in own]
        table.append((name, len(own), *np.mean(figures, 0).tolist()))
    return table
