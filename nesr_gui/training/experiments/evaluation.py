"""Every model of an experiment on every scene it is judged by: of its photograph, or of the bands a column shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField, SpectralField
from nesr_gui.inference import engine
from nesr_gui.inference.checkpoint import load_checkpoint
from nesr_gui.inference.model import LoadedModel
from nesr_gui.inference.model_input import BandInput
from nesr_gui.networks.baselines import BandInterpolation
from nesr_gui.spectral import FloatArray, RGBImage, Wavelengths
from nesr_gui.training.experiments.definitions import Column
from nesr_gui.training.experiments.judging import EVERY_NM, Judge, Score, between_figures, figures
from nesr_gui.training.experiments.plan import Cell

CURVE_STEP = 1.0  # nm
Points = Sequence[tuple[int, int]]
Scalar = TypeVar("Scalar", bound=np.generic)


def answered(model: LoadedModel, judge: Judge, seen: Wavelengths | None) -> SpectralField:
    """The field of a scene of which RGB, or the bands `seen`, are shown."""
    if seen is None:
        return engine.encode(RGBImage(judge.rgb), model)
    cube = judge.truth(seen)
    if isinstance(model.network, BandInterpolation):  # between bands it is the interpolation that any cube has
        return CubeField(cube, seen)
    return engine.encode(BandInput(cube, seen), model)


def thinned(field: SpectralField, wavelengths: Wavelengths, every: int) -> FloatArray:
    """The cube (L, h, w) of every so many rows and columns; only what is in it is computed."""
    if every == 1:
        return field.cube(wavelengths).values
    rows, cols = (np.arange(0, size, every) for size in field.shape)
    points = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
    curves = field.spectra(points, wavelengths)  # (N, L)
    return np.ascontiguousarray(curves.T).reshape(-1, rows.size, cols.size)


@dataclass(eq=False)
class Portrait:
    """What the figures of a section show of one scene: errors (H, W) and curves at the points, by title of the row."""

    judge: Judge
    points: Points
    truth: tuple[npt.NDArray[np.float64], FloatArray]
    errors: dict[str, FloatArray] = field(default_factory=dict)
    curves: dict[str, tuple[npt.NDArray[np.float64], FloatArray]] = field(default_factory=dict)


class Exam:
    """The scores so far, of every so many rows and columns; `skipped` says what could not be judged, and why."""

    def __init__(
        self, models: Mapping[str, Path], places: Sequence[Cell], kept: Wavelengths, device: str, every: int = 1
    ) -> None:
        self._models, self._places, self._kept, self._device = models, places, kept, device
        self._every = every
        self.scores: list[Score] = []
        self.between: list[Score] = []
        self.skipped: list[str] = []
        self.portraits: dict[str, Portrait] = {}

    def sit(self, judge: Judge, points: Points | None = None) -> None:
        """Judge every model by a scene.

        With `points` what the figures show is kept, of the first seed, for sections that have no such scene yet.
        """
        columns = list(dict.fromkeys(cell.column for cell in self._places))
        truths = {column: truth for column in columns if (truth := self._truth(judge, column)) is not None}
        for name, path in self._models.items():
            sat = [cell for cell in self._places if cell.task.name == name and cell.column in truths]
            if not sat:
                continue
            checkpoint = load_checkpoint(path)
            checkpoint.network.to(self._device)
            asked = answered(LoadedModel(checkpoint, self._device), judge, self._seen(sat[0].column))
            for cell in sat:
                self._mark(judge, asked, cell, truths[cell.column], points if cell.task.seed == 0 else None)
            if judge.fine is not None and sat[0].column.inputs is None:
                found = between_figures(self._thinned(judge.fine), thinned(asked, Wavelengths(EVERY_NM), self._every))
                self.between.append(Score(*_place(sat[0]), judge.group, judge.name, found))

    def bands(self, column: Column) -> Wavelengths:
        """What is asked for at a column."""
        return Wavelengths.evenly_spaced(column.bands, float(self._kept.nm[0]), float(self._kept.nm[-1]))

    def _seen(self, column: Column) -> Wavelengths | None:
        """The bands that a column shows; None where it shows RGB."""
        return self.bands(Column(column.inputs)) if column.inputs else None

    def _truth(self, judge: Judge, column: Column) -> FloatArray | None:
        try:
            if seen := self._seen(column):
                judge.truth(seen)
            return self._thinned(judge.truth(self.bands(column)))
        except ValueError as error:
            self.skipped.append(f"{column.title}, {judge.group}, {error}")
            return None

    def _thinned(self, image: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """The pixels (…, H, W) that are judged by."""
        return image[..., :: self._every, :: self._every]

    def _mark(self, judge: Judge, asked: SpectralField, cell: Cell, truth: FloatArray, points: Points | None) -> None:
        answer = thinned(asked, self.bands(cell.column), self._every)
        found = figures(truth, answer, self._thinned(judge.counted))
        self.scores.append(Score(*_place(cell), judge.group, judge.name, found))
        known = self.portraits.get(cell.section.title)
        if points is not None and cell.column == cell.section.columns[0] and (known is None or known.judge is judge):
            errors = (abs(answer - truth) / (truth + 1e-3)).mean(0)
            self._portray(judge, asked, cell, errors, points)

    def _portray(self, judge: Judge, asked: SpectralField, cell: Cell, errors: FloatArray, points: Points) -> None:
        bands = self.bands(cell.column)
        if cell.section.title not in self.portraits:
            truth = judge.truth(bands)
            measured = np.stack([truth[:, row, col] for row, col in points])
            self.portraits[cell.section.title] = Portrait(judge, points, (bands.nm, measured))
        portrait = self.portraits[cell.section.title]
        fine = Wavelengths.from_step(bands.nm[0], bands.nm[-1], CURVE_STEP)
        portrait.errors[cell.row.title] = errors
        portrait.curves[cell.row.title] = fine.nm, asked.spectra(points, fine)


def _place(cell: Cell) -> tuple[str, str, str, int]:
    return cell.section.title, cell.row.name, cell.column.key, cell.task.seed
