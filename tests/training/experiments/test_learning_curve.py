"""Learning curves: crops that all count, errors by slow loops, and a file that an interruption does not change."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.factorised_nesr import FactorisedConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import input_bands
from nesr_gui.spectral import Wavelengths
from nesr_gui.training import scenes
from nesr_gui.training.datasets import DATASETS
from nesr_gui.training.devices import Devices
from nesr_gui.training.experiments import learning_curve, runner
from nesr_gui.training.experiments.definitions import Settings
from nesr_gui.training.experiments.learning_curve import HeldOutCrops, LearningCurve, read_curve
from nesr_gui.training.experiments.plan import TrainingJob
from nesr_gui.training.experiments.runner import train_model
from nesr_gui.training.trainer import Budget
from tests import tiny
from tests.training.datasets import layouts
from tests.training.test_crop_sampler import source

BANDS = DATASETS["cave"].bands
SETTINGS = Settings(Budget(steps=6), batch=2, patch=12, rate=1e-3, window=6)
NETWORKS = {
    "discrete": DiscreteConfig(features=8, blocks=1),
    "nesr": NeSRConfig(features=8, blocks=1, channels=4, hidden=(8,)),
    "spectrum": NeSRConfig(features=8, blocks=1, channels=4, hidden=(8,), profile="spectrum"),
    "factorised": FactorisedConfig("hscnn_r", features=8, blocks=1, channels=4, knots=4, hidden=(8,), rank=4),
    "from bands": DiscreteConfig(features=8, blocks=1, inputs=tuple(BANDS.nm[::2]), skip=True),
}


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    monkeypatch.setattr(learning_curve, "SIDE", 8)
    monkeypatch.setattr(runner, "CURVE_STEPS", 2)
    monkeypatch.setattr("nesr_gui.training.vital_signs.LEAST_SHARE", 0.0)
    monkeypatch.setattr("nesr_gui.training.vital_signs.MIN_ACTIVE_UNITS", 0.0)


def scene(seed: int = 5, counted: np.ndarray | None = None) -> scenes.TestScene:
    """The last rows of its photograph and of its cube are marked by 9, unless they count."""
    cube = layouts.truth(seed)
    rgb = DATASETS["cave"].camera.expose(cube, BANDS)
    mask = np.ones(layouts.SHAPE, bool) if counted is None else counted
    cube[:, ~mask], rgb[~mask] = 9, 9
    return scenes.TestScene("CAVE", f"scene {seed}", rgb, mask, lambda bands: cube[np.isin(BANDS.nm, bands.nm)], "")


def test_crops_are_of_pixels_that_count():
    counted = np.zeros(layouts.SHAPE, bool)
    counted[3:14, 5:20] = True
    pairs = HeldOutCrops([scene(counted=counted), *map(scene, range(8))]).pairs(BANDS, None)
    assert len(pairs) == learning_curve.SCENES * learning_curve.CROPS
    for image, truth in pairs:
        assert image.shape == (1, 3, 8, 8) and truth.shape == (31, 2, 2)
        assert max(image.max(), truth.max()) < 9
        seen = DATASETS["cave"].camera.expose(truth.numpy(), BANDS)
        np.testing.assert_allclose(image[0, :, ::4, ::4].movedim(0, -1), seen, atol=1e-6)


def test_crops_are_smaller_where_little_counts():
    counted = np.zeros(layouts.SHAPE, bool)
    counted[3:8, 5:10] = True
    assert {image.shape for image, _ in HeldOutCrops([scene(counted=counted)]).pairs(BANDS, None)} == {(1, 3, 4, 4)}


@pytest.mark.parametrize("name", NETWORKS)
def test_errors_are_those_of_the_whole_answer(tmp_path, name):
    config = NETWORKS[name]
    network = tiny.network(config).train()
    inputs = input_bands(config)
    pairs = HeldOutCrops([scene(1), scene(2)]).pairs(BANDS, inputs)
    curve = LearningCurve(tmp_path, pairs)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    state = torch.get_rng_state()
    curve.add(network, 7, 1.25)
    assert network.training and torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    relative, square = [], []
    network.eval()
    for image, truth in pairs:
        with torch.no_grad():
            bands = () if isinstance(config, DiscreteConfig) else (torch.tensor(network.bands),)
            answer = network(image, *bands)
        error = answer[0, :, ::4, ::4] - truth
        relative.append(float((error.abs() / (truth + 1e-3)).mean()))
        square.append(float(error.square().mean().sqrt()))
    ((step, seconds, mrae, rmse),) = read_curve(tmp_path / "curve.csv")
    assert (step, seconds) == (7, 1.2) and mrae > 0
    assert (mrae, rmse) == pytest.approx((np.mean(relative), np.mean(square)), rel=1e-4, abs=1e-6)


def trained(folder: Path, config: Any, turn: float, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, ...]]:
    """The curve of a run of which a step takes a second, in turns."""
    clock = iter(np.arange(0, 1e6, 0.5))
    monkeypatch.setattr("nesr_gui.training.trainer.time.process_time", lambda: float(next(clock)))
    job = TrainingJob("tiny", config, (31,), seed=0)
    turns = 0
    while True:
        turns += 1
        path = train_model(
            job, source(SETTINGS.crops), SETTINGS, folder, Devices("cpu"), {}, lambda *_: None,
            held_out=HeldOutCrops([scene()]), turn=turn,
        )  # fmt: skip
        if path:
            break
        with (folder / "curve.csv").open("a") as file:
            file.write("99,1,9,9\n")  # of an interrupted process, after the last state was saved
    assert turns == (1 if turn > 100 else 3)
    return read_curve(folder / "curve.csv")


@pytest.mark.parametrize("name", ["discrete", "spectrum"])
def test_a_run_in_turns_has_the_curve_of_one_without(tmp_path, monkeypatch, name):
    """It is measured at fixed steps and at the end."""
    whole = trained(tmp_path / "whole", NETWORKS[name], 1e9, monkeypatch)
    turns = trained(tmp_path / "turns", NETWORKS[name], 1.0, monkeypatch)
    assert whole == turns and [row[0] for row in whole] == [2, 4, 6]
    assert [row[1] for row in whole] == [1.0, 2.0, 3.0] and len({row[2] for row in whole}) == 3


def test_a_run_at_bands_that_no_test_scene_has_goes_on_without_a_curve(tmp_path):
    """As the 61 bands from 16 of Table 3 on CAVE, which only painted scenes have."""

    def truth(bands: Wavelengths) -> np.ndarray:
        raise ValueError(f"its 31 bands are too coarse for {len(bands)} bands")

    config = DiscreteConfig(features=8, blocks=1, bands=tuple(Wavelengths.evenly_spaced(61, 400, 700)))
    settings = dataclasses.replace(SETTINGS, budget=Budget(steps=2))
    coarse = dataclasses.replace(scene(), truth=truth)
    made = train_model(
        TrainingJob("tiny", config, (61,), seed=0), source(SETTINGS.crops), settings, tmp_path, Devices("cpu"), {},
        lambda *_: None, held_out=HeldOutCrops([coarse]),
    )  # fmt: skip
    assert made is not None and made.exists()
    assert not (tmp_path / "curve.csv").exists()


def test_a_run_without_test_crops_has_no_curve(tmp_path):
    job = TrainingJob("tiny", NETWORKS["discrete"], (31,), seed=0)
    settings = dataclasses.replace(SETTINGS, budget=Budget(steps=2))
    train_model(job, source(SETTINGS.crops), settings, tmp_path, Devices("cpu"), {}, lambda *_: None)
    assert not (tmp_path / "curve.csv").exists() and read_curve(tmp_path / "curve.csv") == []
