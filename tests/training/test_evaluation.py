"""Figures of a method on a scene, and the baselines it stands beside."""

import dataclasses

import numpy as np
import pytest

from nesr_gui.networks.baselines import ChromaticityNeighbours, Regression, linear_terms, root_polynomial_terms
from nesr_gui.training.evaluation import baselines, evaluate_scenes, mean_scores, score
from nesr_gui.training.model_report import SPOT, worst_spots
from tests.training import worlds


def perfect(scene):
    return np.moveaxis(scene.cube, 0, -1)


def test_truth_scores_perfectly_and_a_factor_as_expected():
    scene = worlds.scene("a")
    row = score(scene, "truth", perfect(scene))
    assert (row.mrae, row.rmse) == (0, 0)
    assert row.angle == pytest.approx(0, abs=1e-5)
    row = score(scene, "half", perfect(scene) / 2)
    assert row.mrae == pytest.approx(np.mean(scene.cube / 2 / (scene.cube + 1e-3)), rel=1e-5)
    assert row.rmse == pytest.approx(np.sqrt(np.mean((scene.cube / 2) ** 2)), rel=1e-5)
    assert row.psnr == pytest.approx(-20 * np.log10(row.rmse))
    assert row.angle == pytest.approx(0, abs=1e-5)


def test_the_chart_does_not_count():
    scene = worlds.scene("a", chart=(0, 16, 0, 56))
    wrong = perfect(scene).copy()
    wrong[:16] = 9
    assert score(scene, "wrong in the chart", wrong).rmse == 0
    assert score(dataclasses.replace(scene, chart=None), "everywhere", wrong).rmse > 1


def test_dark_pixels_are_masked_out():
    scene = worlds.scene("a")
    scene.cube[:, :24] = 0.001
    wrong = perfect(scene).copy()
    wrong[:24] = 0.1
    row = score(scene, "wrong in the dark", wrong)
    assert row.masked_rmse == 0
    assert row.rmse > 0.05


def test_baselines_are_exact_where_they_can_be():
    rng = np.random.default_rng(0)
    rgb = rng.uniform(0.05, 1, (500, 3)).astype(np.float32)
    weights = rng.uniform(0, 1, (6, 31))
    spectra = (root_polynomial_terms(rgb) @ weights).astype(np.float32)
    fitted = Regression.fitted(root_polynomial_terms, rgb, spectra)
    np.testing.assert_allclose(fitted(rgb), spectra, atol=1e-3)
    np.testing.assert_allclose(fitted(0.3 * rgb), 0.3 * fitted(rgb), rtol=1e-4)
    linear = Regression.fitted(linear_terms, rgb, rgb @ weights[:3])
    np.testing.assert_allclose(linear(rgb.reshape(20, 25, 3)), (rgb @ weights[:3]).reshape(20, 25, 31), atol=1e-4)
    near = ChromaticityNeighbours(rgb, spectra, count=1)
    np.testing.assert_allclose(near(rgb[:50]), spectra[:50], rtol=1e-4)
    assert (near(np.zeros((2, 2, 3), np.float32)) == 0).all()


def test_means_count_every_scene_once():
    scenes = [worlds.scene("a"), worlds.scene("b", 1)]
    methods = baselines([worlds.scene("c", 2)], [worlds.library("coarse", 10)], eight_bit=True)
    assert list(methods) == ["linear regression", "root-polynomial regression", "16 nearest colours"]
    rows = list(evaluate_scenes(scenes, methods, eight_bit=True))
    assert len(rows) == 6
    (mean, *_) = mean_scores(rows)
    assert mean.rmse == pytest.approx(np.mean([row.rmse for row in rows if row.method == "linear regression"]))


def test_the_worst_spots_lie_apart_and_never_in_the_chart():
    error = np.random.default_rng(0).random((10 * SPOT + 3, 14 * SPOT), np.float32) * 0.01
    error[SPOT : 2 * SPOT, 3 * SPOT : 4 * SPOT] = 0.9
    error[SPOT : 2 * SPOT, 4 * SPOT : 5 * SPOT] = 0.8  # its neighbour, not another spot
    error[8 * SPOT : 9 * SPOT, 12 * SPOT : 13 * SPOT] = 0.7
    error[:, :SPOT] = np.nan
    places = worst_spots(error)
    corners = [(rows.start // SPOT, cols.start // SPOT) for rows, cols in places]
    assert corners[:2] == [(1, 3), (8, 12)] and len(corners) == 3 and corners[2][1] > 0
    assert worst_spots(np.full((40, 40), np.nan, np.float32)) == []
