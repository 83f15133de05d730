"""Evaluation, tables, and scenes painted with spectra that were kept out."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from nesr_gui import metrics
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.inference.engine import encode
from nesr_gui.inference.model import load_model
from nesr_gui.spectral import Wavelengths
from nesr_gui.training import scenes
from nesr_gui.training.datasets import DATASETS
from nesr_gui.training.evaluation import ContinuityMetrics, SpectralMetrics, measure, measure_continuity, roughness
from nesr_gui.training.experiments import data, plots, tables
from nesr_gui.training.experiments.definitions import EXPERIMENTS, Settings
from nesr_gui.training.experiments.evaluation import CellScore, ModelEvaluation, subsampled_cube
from nesr_gui.training.experiments.plan import cells
from nesr_gui.training.experiments.tables import Mean, Results
from nesr_gui.training.spectral_library import EVERY_NM, Library
from tests import tiny
from tests.training import worlds


def test_figures_are_over_what_counts():
    truth = np.full((4, 3, 5), 0.5, np.float32)
    answer = truth.copy()
    answer[:, 0] += 0.1
    counted = np.ones((3, 5), bool)
    found = measure(answer, truth, counted)
    assert found.mrae == pytest.approx(0.1 / 0.501 / 3, rel=1e-4)
    assert found.rmse == pytest.approx(0.1 / 3**0.5, rel=1e-4)
    counted[0] = False
    assert measure(answer, truth, counted).rmse == 0
    dark = measure(answer * 0, truth * 0, counted)
    assert dark.rmse == 0 and np.isnan([dark.angle, dark.masked_mrae, dark.masked_rmse]).all()
    assert np.isnan(measure(answer, truth, counted & False).mrae)


def test_metrics_do_not_depend_on_the_chunks(monkeypatch):
    rng = np.random.default_rng(0)
    truth, counted = rng.random((5, 40, 30), np.float32) * 0.2, rng.random((40, 30)) < 0.6
    truth[:, :10] *= 0.05  # dark
    answer = truth + rng.normal(0, 0.05, truth.shape).astype(np.float32)
    whole = measure(answer, truth, counted)
    monkeypatch.setattr("nesr_gui.training.evaluation.CHUNK", 100)
    parts = measure(answer, truth, counted)
    bright = counted & (truth.mean(0) > 0.02)
    assert whole.masked_rmse == pytest.approx(float(metrics.rmse(answer[:, bright], truth[:, bright])), rel=1e-5)
    assert whole.mrae == pytest.approx(float(metrics.mrae(answer[:, counted], truth[:, counted])), rel=1e-5)
    for name in SpectralMetrics.NAMES:
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=1e-12)


def test_between_the_bands():
    nm = EVERY_NM[:, None, None]
    truth = (0.5 + 0.2 * np.sin(nm / 20)).astype(np.float32) * np.ones((1, 2, 2), np.float32)
    assert measure_continuity(truth, truth) == ContinuityMetrics(rmse=0, on_bands=0, between=0, roughness=1)
    linear = np.stack([np.interp(EVERY_NM, EVERY_NM[::10], truth[::10, 0, 0])] * 4).T.reshape(301, 2, 2)
    straight = measure_continuity(linear.astype(np.float32), truth)
    assert straight.on_bands < 1e-7 < straight.between and straight.roughness > 1
    assert roughness(np.full((9, 2, 2), 0.3, np.float32)) == 0


@pytest.mark.parametrize("every", [1, 2, 5])
def test_judged_by_some_pixels_alone_the_answer_is_theirs(tmp_path, every):
    save_checkpoint(tmp_path / "model.safetensors", tiny.network(), {})
    field = encode(tiny.image(11, 14), load_model(tmp_path / "model.safetensors", "cpu"))
    bands = Wavelengths.evenly_spaced(9)
    whole, some = field.cube(bands).values, subsampled_cube(field, bands, every)
    np.testing.assert_allclose(some, whole[:, ::every, ::every], atol=1e-6)
    assert some.flags.c_contiguous


def test_the_error_map_of_a_scene_is_of_the_pixels_that_are_measured(tmp_path, monkeypatch):
    """The number above a map is the scene's MRAE: neither charts nor dead pixels are in it."""
    kept = Wavelengths.from_step(400, 700, 10)
    (cell, *_) = (c for c in cells(EXPERIMENTS["fig3"], 1, kept, Settings()) if c.row.name == "hscnn-r+nesr")
    save_checkpoint(tmp_path / "model.safetensors", tiny.network(), {})
    rng = np.random.default_rng(0)
    counted = np.ones((11, 14), bool)
    counted[:, :3], counted[6:, 8:] = False, False
    truth = rng.random((31, 11, 14), np.float32) + 0.1
    truth[:, ~counted] = 0  # relative to this every error is huge
    scene = scenes.TestScene("CAVE", "toys", tiny.image(11, 14).values, counted, lambda _: truth, "")
    evaluation = ModelEvaluation({cell.job.name: tmp_path / "model.safetensors"}, [cell], kept, "cpu", every=2)
    evaluation.evaluate_scene(scene, ((4, 4),))
    (score,), (figures,) = evaluation.scores, evaluation.figures.values()
    shown = figures.errors[cell.row.title]
    np.testing.assert_array_equal(np.isnan(shown), ~counted[::2, ::2])
    assert np.nanmean(shown) == pytest.approx(score.metrics.mrae, rel=1e-5)
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda figure, _: drawn.append(figure))
    plots.error_maps(tmp_path / "maps.png", figures, "error")
    assert drawn[0].axes[1].get_title() == f"{cell.row.title}: {score.metrics.mrae:.4f}"
    assert plots.scale_end([shown]) < 5


@pytest.mark.parametrize(
    ("maps", "grid"), [(1, (1, 2)), (3, (1, 4)), (4, (2, 3)), (5, (2, 3)), (6, (2, 4)), (8, (3, 3))]
)
def test_maps_fill_their_rows(maps, grid):
    assert plots.grid(maps + 1) == grid


def test_spectra_measured_at_every_nm_are_told_from_interpolated_ones():
    nm = EVERY_NM
    coarse = worlds.smooth_spectra(40, nm[::5])
    interpolated = CubicSpline(nm[::5], coarse, axis=1)(nm)
    rough = worlds.smooth_spectra(20, nm) + np.random.default_rng(0).normal(0, 1e-3, (20, nm.size))
    values = np.round(np.concatenate([interpolated, rough]) * 65535) / 65535
    library = Library("both", Wavelengths(nm), values.astype(np.float32))
    assert data.measured_finely(library).tolist() == [False] * 40 + [True] * 20
    assert not data.measured_finely(worlds.library("coarse", 5)).any()
    scenes = data.painted_scenes([library], DATASETS["cave"].camera)
    assert [scene.group for scene in scenes] == ["painted", "painted, measured by 1 nm"]
    only = data.painted_scenes([replace(library, values=library.values[:40])], DATASETS["cave"].camera)
    assert [scene.group for scene in only] == ["painted"]


def test_a_painted_scene_knows_its_truth_anywhere():
    (scene,) = data.painted_scenes([worlds.library("fine", 1)], DATASETS["cave"].camera)
    assert scene.fine is not None and scene.counted.all()
    np.testing.assert_array_equal(scene.truth(Wavelengths.evenly_spaced(31)), scene.fine[::10])
    between = scene.truth(Wavelengths.evenly_spaced(41))[1]
    np.testing.assert_allclose(between, (scene.fine[7] + scene.fine[8]) / 2, atol=1e-6)
    assert scene.rgb.max() <= 1
    with pytest.raises(ValueError, match="painted scenes cover 400-700 nm; 420-720 nm was requested"):
        scene.truth(Wavelengths.from_step(420, 720, 10))


def constant(value: float) -> SpectralMetrics:
    return SpectralMetrics(**dict.fromkeys(SpectralMetrics.NAMES, value))


def results(name: str = "table2", seeds: int = 2) -> Results:
    experiment = EXPERIMENTS[name].chosen((), None, "AWAN")
    scores = [
        CellScore(section.title, row.name, column.key, seed, "ICVL", scene, constant(0.1 + 0.02 * seed))
        for section in experiment.sections
        for row in section.rows
        for column in section.columns
        for seed in range(seeds)
        for scene in ("a", "b")
    ]
    return Results(experiment, experiment.dataset or "cave", scores, [], {"awan": 28.59})


def test_a_table_has_the_paper_s_shape_and_figures():
    text = tables.markdown(results())
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "BI",
        "Sparse coding",
        "AWAN (-D)",
        "AWAN (-S)",
        "AWAN + NeSR",
    ]
    assert lines[0].count("bands MRAE") == 4
    assert "| AWAN (-S) | 0.11000 ± 0.01000 | 0.11000 ± 0.01000 | 0.02212 | 0.00530 |" in text
    assert "±" not in tables.markdown(results(seeds=1))


@pytest.mark.parametrize("encoder", ["hscnn-r", "awan+skip"])
def test_the_paper_s_figures_are_not_beside_another_encoder(encoder):
    """Rows of Table 4 are named after their attention alone; baselines have no encoder."""
    for name, shown in (("table2", {"bi", "sparse-coding"}), ("table3", {"bi"}), ("table4", set())):
        made = results(name)
        ours = replace(made, experiment=EXPERIMENTS[name].chosen((), encoder, "X"))
        rows = [(row, column) for s in ours.experiment.sections for row in s.rows for column in s.columns]
        assert {row.name for row, column in rows if tables.paper_result(ours, row, column)} == shown
        paper = [(row, column) for s in made.experiment.sections for row in s.rows for column in s.columns]
        assert all(tables.paper_result(made, row, column) for row, column in paper)


def test_what_was_not_judged_is_left_out():
    made = results("table3")
    some = replace(made, scores=[score for score in made.scores if score.column in ("41", "16-31")])
    text = tables.markdown(some)
    assert "41 bands MRAE" in text and "61 bands" not in text and "16-61" not in text


def test_a_csv_has_a_line_for_every_cell():
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(results()))))
    assert len(rows) == 5 * 4
    assert rows[0]["row"] == "BI" and float(rows[0]["paper_mrae"]) == 0.15573 and rows[0]["scenes"] == "2"
    assert float(rows[0]["mrae"]) == pytest.approx(0.11) and float(rows[0]["mrae_spread"]) == pytest.approx(0.01)


def test_scenes_count_alike_and_seeds_make_the_spread():
    values = {0: (0.1, 0.3), 1: (0.4, 0.4)}
    scores = [
        CellScore("s", "r", "31", seed, "g", str(index), constant(value))
        for seed, found in values.items()
        for index, value in enumerate(found)
    ]
    found = tables.mean(scores, "mrae")
    assert found is not None and (found.value, found.spread) == (pytest.approx(0.3), pytest.approx(0.1))
    assert tables.mean([], "mrae") is None and str(Mean(0.5)) == "0.50000"
