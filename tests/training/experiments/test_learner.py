"""A network is trained within its budget, the same whether interrupted or not."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nesr_gui.inference.checkpoint import load_checkpoint
from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import build
from nesr_gui.training.experiments import devices, learner
from nesr_gui.training.experiments.definitions import Budget, Settings
from nesr_gui.training.experiments.learner import Answering, Learner, learned
from nesr_gui.training.experiments.plan import Task
from tests.training.experiments.test_crops import crops

SETTINGS = Settings(Budget(steps=5), batch=2, patch=12, rate=1e-3)
DISCRETE = DiscreteConfig(features=8, blocks=1)
NESR = NeSRConfig(features=8, blocks=1, channels=4, hidden=(8,))
SIXTEEN = tuple(range(400, 701, 20))


def task(config: Any, counts: tuple[int, ...] = (31,)) -> Task:
    return Task("tiny", config, counts, seed=0)


def started(folder: Path, config: Any, settings: Settings = SETTINGS, counts: tuple[int, ...] = (31,)) -> Learner:
    return Learner(task(config, counts), crops(settings), settings, folder, devices.launched("cpu", settings.precision))


CASES = {
    "discrete": (DISCRETE, SETTINGS),
    "whole": (NESR, SETTINGS),
    "window": (NESR, dataclasses.replace(SETTINGS, window=6, decoded=4)),
    "mlp": (dataclasses.replace(NESR, spi=False, attention="none"), dataclasses.replace(SETTINGS, window=6)),
    "spectral": (dataclasses.replace(NESR, attention="spectral"), dataclasses.replace(SETTINGS, window=6)),
    "from bands": (dataclasses.replace(DISCRETE, inputs=SIXTEEN), SETTINGS),
    "bfloat16": (NESR, dataclasses.replace(SETTINGS, window=6, precision="bf16-mixed")),
}


@pytest.mark.parametrize("case", CASES)
def test_resumed_equals_uninterrupted_to_the_bit(tmp_path, case):
    config, settings = CASES[case]
    whole = started(tmp_path / "whole", config, settings)
    list(whole.run())
    first = started(tmp_path / "parts", config, settings)
    with closing(first.run()) as run:
        next(run), next(run)
    second = started(tmp_path / "parts", config, settings)
    assert second.step == 2
    list(second.run())
    assert (whole.step, whole.spent) == (second.step, second.spent) == (5, 1)
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[name], tensor), name


def test_a_model_is_written_once_and_says_where_it_is_from(tmp_path):
    heard: list[float] = []

    def again() -> Path:
        return learned(
            task(DISCRETE), crops(SETTINGS), SETTINGS, tmp_path / "run", devices.launched("cpu"), {"dataset": "CAVE"},
            lambda _, done: heard.append(done),
        )  # fmt: skip

    checkpoint = load_checkpoint(again())
    assert checkpoint.provenance["steps"] == "5" and checkpoint.provenance["dataset"] == "CAVE"
    assert heard[-1] == 1 and len(heard) == 5
    again()
    assert len(heard) == 5
    assert (tmp_path / "run" / "losses.csv").read_text().startswith("step,MRAE\n5,")


def test_it_learns(tmp_path):
    settings = dataclasses.replace(SETTINGS, budget=Budget(steps=60), rate=5e-3)
    made = started(tmp_path, DISCRETE, settings)
    losses = [
        float(made._loss(made.crops.draw(n, made.task.wavelengths(n, 0), None, slice(0, 2)), np.empty(0)).detach())
        for n in range(3)
    ]
    list(made.run())
    after = [
        float(made._loss(made.crops.draw(n, made.task.wavelengths(n, 0), None, slice(0, 2)), np.empty(0)).detach())
        for n in range(3)
    ]
    assert np.mean(after) < 0.7 * np.mean(losses)


def test_a_window_is_decoded_as_the_whole_is(monkeypatch):
    """With all pixels of the patch in the context, a window of the answer is the answer's window."""
    monkeypatch.setattr(learner, "CONTEXT_LATTICE", 12)
    torch.manual_seed(0)
    network = build(NESR).train()
    image, nm = torch.rand(2, 3, 12, 12), torch.tensor([400.0, 455.5, 700.0])
    whole = Answering(network, 0)(image, nm, 0, 0)
    part = Answering(network, 6)(image, nm, 2, 5)
    torch.testing.assert_close(part, whole[..., 2:8, 5:11], atol=1e-5, rtol=1e-4)


def test_wavelengths_of_a_step():
    continuous = task(NESR, tuple(range(7, 32)))
    counts = {continuous.wavelengths(step, 0).size for step in range(60)}
    assert counts <= set(range(7, 32)) and len(counts) > 10
    for step in range(20):
        nm = continuous.wavelengths(step, 5)
        assert nm.size == 5 and set(nm) <= set(continuous.wavelengths(step, 0)) and (np.diff(nm) > 0).all()
    fixed = task(DiscreteConfig(bands=SIXTEEN))
    assert all(fixed.wavelengths(step, 5).tolist() == list(SIXTEEN) for step in range(3))
    assert task(DiscreteConfig(inputs=SIXTEEN)).inputs is not None and fixed.inputs is None


def test_what_diverges_is_told(tmp_path):
    made = started(tmp_path, DISCRETE)
    with torch.no_grad():
        next(iter(made.network.parameters())).fill_(float("nan"))
    with pytest.raises(ValueError, match="tiny diverged at step 0; choose a lower --rate"):
        list(made.run())


def test_hours_end_by_the_clock_and_go_on_where_they_were(tmp_path, monkeypatch):
    clock = iter(np.arange(0, 1e6, 60.0))
    monkeypatch.setattr(learner.time, "monotonic", lambda: float(next(clock)))
    settings = dataclasses.replace(SETTINGS, budget=Budget.parse("hours=0.5"))
    first = started(tmp_path, DISCRETE, settings)
    with closing(first.run()) as run:
        next(run)
    second = started(tmp_path, DISCRETE, settings)
    assert second.seconds == first.seconds > 0
    list(second.run())
    assert second.spent == 1 and 1800 <= second.seconds < 2200


def test_a_batch_that_devices_cannot_share_is_told(tmp_path, monkeypatch):
    fabric = devices.launched("cpu")
    monkeypatch.setattr(type(fabric), "world_size", property(lambda _: 3))
    with pytest.raises(ValueError, match="a batch of 2 cannot be shared by 3 devices"):
        Learner(task(DISCRETE), crops(SETTINGS), SETTINGS, tmp_path, fabric)


def test_a_precision_that_the_manifest_would_not_know_of_is_refused(monkeypatch):
    assert devices.launched("cpu", "bf16-mixed").to_device(torch.zeros(1)).dtype == torch.float32
    monkeypatch.setenv("LT_PRECISION", "16-mixed")
    with pytest.raises(ValueError, match="fabric run was given --precision 16-mixed; give it after"):
        devices.launched("cpu", "bf16-mixed")


def test_missing_libraries_are_named(monkeypatch):
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"experiments need lightning-fabric, .* install nesr-gui\[train\]"):
        devices.check_extras()
