"""Calibration of the intervals of `inference.calibration` by the errors of models on data that they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.fields.intervals import BRIGHTNESS, COVERAGE, SATURATION, bins, scale
from nesr_gui.inference.calibration import IntervalCalibration, chromaticity_cells
from nesr_gui.networks.registry import Network
from nesr_gui.spectral import FloatArray
from nesr_gui.training.contributions import answers
from nesr_gui.training.scenes import Scene
from nesr_gui.training.spectral_library import Library

BANDS = cie.CAMERA_BANDS.nm
PIXELS = 5_000  # of one unit
PRIOR = 0.03  # weight of a pixel in the bins that it does not belong to, so that rare bins borrow from the rest
CELLS = 32  # along each axis of the plane of chromaticity
FEWEST = 300  # pixels of a cell from which a scene counts as a source of it
SOURCES = 3  # scenes or libraries from which a cell counts as seen in training
DIM = 0.05  # mean of the channels below which chromaticity is noise
WIDEST = 3.0  # factor by which intervals may be stretched to hold across units


@dataclass(frozen=True, eq=False)
class CalibrationUnit:
    """Pixels of an exchangeable unit of data: a scene, or a mosaic of library spectra.

    Args:
        name: of the scene or mosaic.
        rgb: colours (N, 3) over their white level, linear.
        answers: spectra of the model (N, 31).
        truth: measured spectra (N, 31).
    """

    name: str
    rgb: FloatArray
    answers: FloatArray
    truth: FloatArray


def calibration_unit(scene: Scene, network: Network) -> CalibrationUnit:
    """Random pixels of a scene outside its chart, with the answers of a network to its 8-bit photograph."""
    photograph = scene.photograph(eight_bit=True)
    mask = scene.outside_chart()
    rows = np.random.default_rng(0).permutation(int(mask.sum()))[:PIXELS]
    rgb = photograph[mask][rows] / np.float32(cie.white_level(photograph))
    truth = np.moveaxis(scene.cube, 0, -1)[mask][rows]
    return CalibrationUnit(scene.name, rgb, answers(network, photograph)[mask][rows], truth)


def calibrate_intervals(units: Sequence[CalibrationUnit], seen: npt.NDArray[np.bool_]) -> IntervalCalibration:
    """Intervals with the nominal coverage, on average over units, for a unit that was not used to calibrate them.

    All units have the same weight. The quantiles of the pooled residuals are stretched by the factor that held-out
    units need on average.

    Args:
        units: the errors.
        seen: cells of the chromaticity plane that training covered, see `seen_chromaticities`.
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
    """The calibration with intervals `factor` times as wide."""
    return replace(calibration, low=calibration.low * factor, high=calibration.high * factor)


def coverage(calibration: IntervalCalibration, unit: CalibrationUnit) -> float:
    """The fraction of the values of a unit within their intervals."""
    low, high = calibration.prediction_interval(unit.rgb, unit.answers, BANDS)
    return float(((unit.truth >= low) & (unit.truth <= high)).mean())


def interval_score(low: FloatArray, high: FloatArray, truth: FloatArray) -> float:
    """Interval score (Gneiting and Raftery 2007): mean of the width plus 2/α times the distance of the truth to it.

    Args:
        low: lower ends of intervals of nominal coverage 1 - α.
        high: upper ends, of the same shape.
        truth: measured values, of the same shape.
    """
    outside = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return float((high - low + 2 / (1 - COVERAGE) * outside).mean())


def _constant_width(units: Sequence[CalibrationUnit]) -> float:
    """Half the width of intervals of constant width with the nominal coverage; all units have the same weight."""
    errors = np.concatenate([abs(unit.truth - unit.answers).ravel() for unit in units])
    weights = np.concatenate([np.full(unit.truth.size, 1 / unit.truth.size) for unit in units])
    order = np.argsort(errors)
    return float(errors[order][np.searchsorted(np.cumsum(weights[order]), COVERAGE * len(units))])


def seen_chromaticities(scenes: Sequence[Scene], libraries: Sequence[Library]) -> npt.NDArray[np.bool_]:
    """Cells (32, 32) of the chromaticity plane that training covered: those with colours of several sources.

    A library is a source of a cell from one spectrum, a scene from `FEWEST` pixels outside its chart that are bright
    enough to have a chromaticity. A single source may be an artefact, such as noise or a highlight. The convex hull of
    all colours would not do, because a few clipped colours span the whole plane.
    """
    sources = [(cie.render_camera_rgb(library.at(BANDS)), 1) for library in libraries]
    sources += [(scene.photograph(eight_bit=False)[scene.outside_chart()], FEWEST) for scene in scenes]
    having = np.zeros((CELLS, CELLS), int)
    for rgb, fewest in sources:
        # Clipping changes the chromaticity.
        rgb = rgb[(rgb.mean(1) > DIM) & (rgb.min(1) > 0) & (rgb.max(1) < 1)]
        counts = np.zeros_like(having)
        np.add.at(counts, chromaticity_cells(rgb, CELLS), 1)
        having += counts >= fewest
    return having >= min(SOURCES, len(sources))


def _quantiles(units: Sequence[CalibrationUnit], seen: npt.NDArray[np.bool_]) -> IntervalCalibration:
    residuals = np.concatenate([(u.truth - u.answers) / scale(u.rgb, u.answers) for u in units])  # (N, 31)
    shares = np.concatenate([(bins(u.rgb) + PRIOR) / len(u.rgb) for u in units])  # (N, bins)
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
