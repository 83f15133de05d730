"""Evaluation of every model of an experiment on every test scene, from its photograph or from the bands of a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from nesr_gui import metrics
from nesr_gui.fields.protocol import CubeField, SpectralField
from nesr_gui.inference import engine
from nesr_gui.inference.checkpoint import load_checkpoint
from nesr_gui.inference.model import LoadedModel
from nesr_gui.inference.model_input import BandInput
from nesr_gui.networks.baselines import BandInterpolation
from nesr_gui.spectral import FloatArray, RGBImage, Wavelengths
from nesr_gui.training.evaluation import ContinuityMetrics, SpectralMetrics, measure, measure_continuity
from nesr_gui.training.experiments.definitions import Column
from nesr_gui.training.experiments.plan import Cell
from nesr_gui.training.scenes import TestScene
from nesr_gui.training.spectral_library import EVERY_NM

CURVE_STEP = 1.0  # nm between the points of plotted spectra
Points = Sequence[tuple[int, int]]
Scalar = TypeVar("Scalar", bound=np.generic)
Metrics = TypeVar("Metrics", SpectralMetrics, ContinuityMetrics)
Spectra = tuple[npt.NDArray[np.float64], FloatArray]
"""Wavelengths (L,) nm, and spectra (N, L)."""


@dataclass(frozen=True)
class CellScore(Generic[Metrics]):
    """Metrics of a cell on a scene, for one seed; sections, rows, columns and groups are given by their keys."""

    section: str
    row: str
    column: str
    seed: int
    group: str
    scene: str
    metrics: Metrics


@dataclass(eq=False)
class SceneFigures:
    """What the figures of a section show of one scene.

    Args:
        scene: the scene.
        points: row and column of the pixels whose spectra are plotted.
        truth: the measured spectra at the points.
        errors: by title of the row, its relative error (H, W), mean over the bands; NaN where a pixel does not count.
        curves: by title of the row, its spectra at the points.
    """

    scene: TestScene
    points: Points
    truth: Spectra
    errors: dict[str, FloatArray] = field(default_factory=dict)
    curves: dict[str, Spectra] = field(default_factory=dict)


def encode_scene(model: LoadedModel, scene: TestScene, inputs: Wavelengths | None) -> SpectralField:
    """The field of a model for the photograph of a scene, or for its bands `inputs`."""
    if inputs is None:
        return engine.encode(RGBImage(scene.rgb), model)
    cube = scene.truth(inputs)
    if isinstance(model.network, BandInterpolation):  # any cube is interpolated between its bands
        return CubeField(cube, inputs)
    return engine.encode(BandInput(cube, inputs), model)


def subsampled_cube(field: SpectralField, wavelengths: Wavelengths, every: int) -> FloatArray:
    """The cube (L, h, w) of every `every`-th row and column; the other pixels are not computed."""
    if every == 1:
        return field.cube(wavelengths).values
    rows, cols = (np.arange(0, size, every) for size in field.shape)
    points = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
    curves = field.spectra(points, wavelengths)  # (N, L)
    return np.ascontiguousarray(curves.T).reshape(-1, rows.size, cols.size)


class ModelEvaluation:
    """Evaluates the models of an experiment scene by scene.

    `scores` and `continuity` collect the metrics on and between the bands, `skipped` the columns that a scene cannot
    evaluate with the reasons, and `figures` what is plotted, by title of the section.
    """

    def __init__(
        self, models: Mapping[str, Path], cells: Sequence[Cell], kept: Wavelengths, device: str, every: int = 1
    ) -> None:
        """Set up the evaluation.

        Args:
            models: model files by name of their job.
            cells: the cells of the tables.
            kept: bands over whose range the bands of a column are spread.
            device: where the models run.
            every: step in rows and columns between the pixels that are evaluated.
        """
        self._models, self._cells, self._kept, self._device = models, cells, kept, device
        self._every = every
        self.scores: list[CellScore[SpectralMetrics]] = []
        self.continuity: list[CellScore[ContinuityMetrics]] = []
        self.skipped: list[str] = []
        self.figures: dict[str, SceneFigures] = {}

    def evaluate_scene(self, scene: TestScene, points: Points | None = None) -> None:
        """Evaluate every model on a scene.

        Args:
            scene: the scene.
            points: pixels whose spectra are plotted, with the error maps of the scene, in every section that has no
                figures yet; None if the figures show another scene.
        """
        columns = list(dict.fromkeys(cell.column for cell in self._cells))
        truths = {column: truth for column in columns if (truth := self._truth(scene, column)) is not None}
        for name, path in self._models.items():
            cells = [cell for cell in self._cells if cell.job.name == name and cell.column in truths]
            if not cells:
                continue
            checkpoint = load_checkpoint(path)
            checkpoint.network.to(self._device)
            answer = encode_scene(LoadedModel(checkpoint, self._device), scene, self._inputs(cells[0].column))
            for cell in cells:
                self._evaluate_cell(scene, answer, cell, truths[cell.column], points if cell.job.seed == 0 else None)
            if scene.fine is not None and cells[0].column.inputs is None:
                cube = subsampled_cube(answer, Wavelengths(EVERY_NM), self._every)
                found = measure_continuity(cube, self._subsampled(scene.fine))
                self.continuity.append(CellScore(*_keys(cells[0]), scene.group, scene.name, found))

    def bands(self, column: Column) -> Wavelengths:
        """The wavelengths that a column evaluates."""
        return Wavelengths.evenly_spaced(column.bands, float(self._kept.nm[0]), float(self._kept.nm[-1]))

    def _inputs(self, column: Column) -> Wavelengths | None:
        """The bands from which a column reconstructs; None for RGB."""
        return self.bands(Column(column.inputs)) if column.inputs else None

    def _truth(self, scene: TestScene, column: Column) -> FloatArray | None:
        try:
            if inputs := self._inputs(column):
                scene.truth(inputs)
            return self._subsampled(scene.truth(self.bands(column)))
        except ValueError as error:
            self.skipped.append(f"{column.title}, {scene.group}, {error}")
            return None

    def _subsampled(self, image: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """The pixels of an image (…, H, W) that are evaluated."""
        return image[..., :: self._every, :: self._every]

    def _evaluate_cell(
        self, scene: TestScene, answer: SpectralField, cell: Cell, truth: FloatArray, points: Points | None
    ) -> None:
        cube = subsampled_cube(answer, self.bands(cell.column), self._every)
        counted = self._subsampled(scene.counted)
        found = measure(cube, truth, counted)
        self.scores.append(CellScore(*_keys(cell), scene.group, scene.name, found))
        figures = self.figures.get(cell.section.title)
        if points is not None and cell.column == cell.section.columns[0] and (not figures or figures.scene is scene):
            errors = np.where(counted, metrics.mrae(cube, truth, axis=0), np.float32(np.nan))
            self._add_figures(scene, answer, cell, errors, points)

    def _add_figures(
        self, scene: TestScene, answer: SpectralField, cell: Cell, errors: FloatArray, points: Points
    ) -> None:
        bands = self.bands(cell.column)
        if cell.section.title not in self.figures:
            truth = scene.truth(bands)
            measured = np.stack([truth[:, row, col] for row, col in points])
            self.figures[cell.section.title] = SceneFigures(scene, points, (bands.nm, measured))
        figures = self.figures[cell.section.title]
        fine = Wavelengths.from_step(bands.nm[0], bands.nm[-1], CURVE_STEP)
        figures.errors[cell.row.title] = errors
        figures.curves[cell.row.title] = fine.nm, answer.spectra(points, fine)


def _keys(cell: Cell) -> tuple[str, str, str, int]:
    return cell.section.title, cell.row.name, cell.column.key, cell.job.seed
