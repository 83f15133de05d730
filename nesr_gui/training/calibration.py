"""Learning the intervals of `inference.calibration` from what models got wrong on what they had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.inference.calibration import (
    BRIGHTNESS,
    COVERAGE,
    SATURATION,
    IntervalCalibration,
    bins,
    chromaticity_cells,
    scale,
)
from nesr_gui.spectral import FloatArray
from nesr_gui.training.scenes import Scene
from nesr_gui.training.spectral_library import Library

BANDS = cie.CAMERA_BANDS.nm
PIXELS = 20_000  # looked at in one unit
PRIOR = 0.03  # how much a pixel counts in sorts it does not belong to, so that rare ones borrow from the rest
CELLS = 32  # along each axis of the plane of chromaticity
FEWEST = 20  # colours that make a cell of it seen
DIM = 0.05  # mean of the channels below which chromaticity is noise
WIDEST = 3.0  # by which intervals may be stretched to hold across units


@dataclass(frozen=True, eq=False)
class Unit:
    """What is exchangeable: a scene, or all painted patches. Colours (N, 3) over their white level, spectra (N, 31)."""

    name: str
    rgb: FloatArray
    answers: FloatArray
    truth: FloatArray


def unit_of(scene: Scene, photograph: FloatArray, answers: FloatArray) -> Unit:
    """Pixels of a scene outside its chart, from its photograph (H, W, 3) and a model's answers (H, W, 31)."""
    mask = scene.outside_chart()
    rows = np.random.default_rng(0).permutation(int(mask.sum()))[:PIXELS]
    rgb = photograph[mask][rows] / np.float32(cie.white_level(photograph))
    return Unit(scene.name, rgb, answers[mask][rows], np.moveaxis(scene.cube, 0, -1)[mask][rows])


def calibrated(units: Sequence[Unit], seen: npt.NDArray[np.bool_]) -> IntervalCalibration:
    """Intervals that hold, on average over units, for a unit that was not used to make them.

    Every unit counts the same. The quantiles of all units together are stretched by the factor that a unit left out
    needed on average.
    """
    whole = _quantiles(units, seen)
    if len(units) < 3:
        return whole
    left_out = [(unit, _quantiles([u for u in units if u is not unit], seen)) for unit in units]
    low, high = 1.0, WIDEST
    for _ in range(12):
        factor = (low + high) / 2
        covered = np.mean([coverage(stretched(calibration, factor), unit) for unit, calibration in left_out])
        low, high = (factor, high) if covered < COVERAGE else (low, factor)
    return stretched(whole, high)


def stretched(calibration: IntervalCalibration, factor: float) -> IntervalCalibration:
    """Intervals `factor` times as wide."""
    return replace(calibration, low=calibration.low * factor, high=calibration.high * factor)


def coverage(calibration: IntervalCalibration, unit: Unit) -> float:
    """The share of a unit's values that lie in their intervals."""
    low, high = calibration.prediction_interval(unit.rgb, unit.answers, BANDS)
    return float(((unit.truth >= low) & (unit.truth <= high)).mean())


def interval_score(low: FloatArray, high: FloatArray, truth: FloatArray) -> float:
    """Mean width plus 2/α times by how much the truth lies outside, α = 1 - coverage (Gneiting and Raftery 2007)."""
    outside = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return float((high - low + 2 / (1 - COVERAGE) * outside).mean())


def _constant_width(units: Sequence[Unit]) -> float:
    """Half the width of the band around every answer that covers as much, every unit counting the same."""
    errors = np.concatenate([abs(unit.truth - unit.answers).ravel() for unit in units])
    weights = np.concatenate([np.full(unit.truth.size, 1 / unit.truth.size) for unit in units])
    order = np.argsort(errors)
    return float(errors[order][np.searchsorted(np.cumsum(weights[order]), COVERAGE * len(units))])


def seen_chromaticities(scenes: Sequence[Scene], libraries: Sequence[Library]) -> npt.NDArray[np.bool_]:
    """Where training covered the plane of chromaticity: cells with at least `FEWEST` colours, and those next to them.

    Every library spectrum counts, and of scenes every pixel outside the chart that is not too dark to have a
    chromaticity. A convex hull would not do: a few clipped colours span the whole plane.
    """
    colours = [cie.render_camera_rgb(library.at(BANDS)) for library in libraries]
    for scene in scenes:
        rgb = scene.photograph(eight_bit=False)[scene.outside_chart()]
        colours.append(rgb[rgb.mean(1) > DIM])
    rgb = np.concatenate(colours)
    rgb = rgb[(rgb.min(1) > 0) & (rgb.max(1) < 1)]  # a clipped colour is not where it seems to be
    counts = np.zeros((CELLS, CELLS), int)
    np.add.at(counts, chromaticity_cells(rgb, CELLS), 1)
    padded = np.pad(counts >= FEWEST, 1)
    return np.any(
        [padded[1 + y : CELLS + 1 + y, 1 + x : CELLS + 1 + x] for y in (-1, 0, 1) for x in (-1, 0, 1)], axis=0
    )


def _quantiles(units: Sequence[Unit], seen: npt.NDArray[np.bool_]) -> IntervalCalibration:
    residuals = np.concatenate([(u.truth - u.answers) / scale(u.rgb, u.answers) for u in units])  # (N, 31)
    shares = np.concatenate([(bins(u.rgb) + PRIOR) / len(u.rgb) for u in units])  # (N, sorts)
    tail = (1 - COVERAGE) / 2
    ends = np.empty((2, residuals.shape[1], shares.shape[1]), np.float32)
    for band, values in enumerate(residuals.T):
        order = np.argsort(values)
        below = np.cumsum(shares[order], axis=0)
        for end, part in enumerate((tail, 1 - tail)):
            places = (below < part * below[-1]).sum(0).clip(max=len(values) - 1)
            ends[end, band] = values[order][places]
    low, high = ends.reshape(2, len(BANDS), len(SATURATION), len(BRIGHTNESS))
    return IntervalCalibration(BANDS, low, high, seen, np.array(_constant_width(units), np.float32))
