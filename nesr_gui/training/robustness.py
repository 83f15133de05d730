"""What becomes of a model's answers when the photograph changes, and whether they know their limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel
from nesr_gui.spectral import FloatArray, RGBImage
from nesr_gui.training.calibration import interval_score
from nesr_gui.training.evaluation import DARKEST, Score, score
from nesr_gui.training.scenes import Scene, quantised
from nesr_gui.training.synthesis import as_jpeg

EXPOSURES = (0.1, 0.2, 0.5)
QUALITIES = (75, 85, 95)
BRIGHTNESSES = ((0.02, 0.1), (0.1, 0.3), (0.3, 1.01))  # of the mean truth of a pixel


@dataclass(frozen=True)
class Stability:
    """How an answer q to a photograph k times as bright differs from k times the answer p: medians over pixels.

    `angle` is in degrees, `relative` is |q / (k·p) - 1|; both over pixels whose mean answer exceeds 0.02.
    """

    exposure: float
    angle: float
    relative: float


def spectra_of(model: LoadedModel, rgb: FloatArray) -> FloatArray:
    """A model's answer (H, W, 31) to a photograph (H, W, 3), on the bands of the truth."""
    field = engine.encode(RGBImage(rgb), model)
    return field.cube(cie.CAMERA_BANDS).values.transpose(1, 2, 0)


def exposure_stability(model: LoadedModel, scene: Scene) -> list[Stability]:
    """Answers to darker photographs of a scene, stored in 16 bits as sRGB."""
    light = scene.photograph(eight_bit=False)
    original = spectra_of(model, quantised(light, 65535))
    bright = original.mean(-1) > DARKEST
    expected = original[bright]
    rows = []
    for k in EXPOSURES:
        answer = spectra_of(model, quantised(light * np.float32(k), 65535))[bright]
        angle = float(np.median(metrics.spectral_angle(answer, expected)))
        relative = abs(answer / np.maximum(k * expected, 1e-6) - 1)
        rows.append(Stability(k, angle, float(np.median(relative))))
    return rows


def colour_error(model: LoadedModel, scene: Scene) -> tuple[float, float]:
    """ΔE2000 of the answer, photographed again, to an 8-bit photograph: its median and 99th percentile.

    Over pixels whose every channel is strictly between the first and the last code.
    """
    rgb = scene.photograph(eight_bit=True)
    codes = np.round(cie.encode_srgb(rgb) * 255)
    unclipped = ((codes > 0) & (codes < 255)).all(-1)
    again = spectra_of(model, rgb)[unclipped] @ cie.default_camera().T
    median, most = np.percentile(cie.colour_differences(again, rgb[unclipped]), [50, 99])
    return float(median), float(most)


def jpeg_scores(model: LoadedModel, scene: Scene) -> list[Score]:
    """Figures for the photograph stored as JPEG, one row per quality."""
    light = scene.photograph(eight_bit=False)
    return [score(scene, f"JPEG {quality}", spectra_of(model, as_jpeg(light, quality))) for quality in QUALITIES]


@dataclass(frozen=True)
class Trust:
    """How intervals held on a scene, all wavelengths, pixels outside the chart.

    `by_brightness` is the coverage for pixels of mean truth in `BRIGHTNESSES`, NaN where there are none. The interval
    scores (lower is better) are those of the intervals and of a band of constant width that covered as much where they
    were learned.
    """

    scene: str
    coverage: float
    by_brightness: tuple[float, ...]
    interval_score: float
    constant_score: float


def trust(model: LoadedModel, scene: Scene) -> Trust | None:
    """Whether a calibrated model's intervals hold on a scene; None for a model without."""
    calibration = model.checkpoint.calibration
    field = engine.encode(RGBImage(scene.photograph(eight_bit=True)), model)
    if calibration is None or not isinstance(field, CalibratedField):
        return None
    low, high = np.empty_like(scene.cube), np.empty_like(scene.cube)
    for bounds in field.prediction_interval_blocks(field.bands):
        low[:, bounds.rows, bounds.cols], high[:, bounds.rows, bounds.cols] = bounds.lower, bounds.upper
    answers = field.cube(field.bands).values
    mask = scene.outside_chart()
    truth, low, high, answers = (cube[:, mask] for cube in (scene.cube, low, high, answers))
    held = (truth >= low) & (truth <= high)
    brightness = truth.mean(0)
    width = float(calibration.constant)
    return Trust(
        scene.name,
        float(held.mean()),
        tuple(_share(held[:, (brightness >= low) & (brightness < high)]) for low, high in BRIGHTNESSES),
        interval_score(low, high, truth),
        interval_score(np.maximum(answers - width, 0), answers + width, truth),
    )


def _share(held: npt.NDArray[np.bool_]) -> float:
    return float(held.mean()) if held.size else float("nan")
