"""The networks of an experiment are trained within their budget, the same whether interrupted or not."""

from __future__ import annotations

import dataclasses
import itertools
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nesr_gui import metrics
from nesr_gui.inference.checkpoint import load_checkpoint
from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.factorised_nesr import FactorisedConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import build
from nesr_gui.training import devices, loss, trainer
from nesr_gui.training.devices import Devices
from nesr_gui.training.experiments.definitions import Settings
from nesr_gui.training.experiments.plan import TrainingJob
from nesr_gui.training.experiments.runner import crop_trainer, train_model
from nesr_gui.training.loss import TrainingLoss, decode_window
from nesr_gui.training.sampler import CropSampler
from nesr_gui.training.trainer import Budget, DivergedRun, Trainer
from tests.training.test_crop_sampler import source

SETTINGS = Settings(Budget(steps=5), batch=2, patch=12, rate=1e-3)
DISCRETE = DiscreteConfig(features=8, blocks=1)
NESR = NeSRConfig(features=8, blocks=1, channels=4, hidden=(8,))
SPECTRUM = dataclasses.replace(NESR, profile="spectrum")
SKIP = dataclasses.replace(DISCRETE, skip=True)
FACTORISED = FactorisedConfig("hscnn_r", features=8, blocks=1, channels=4, knots=4, hidden=(8,), rank=4)
SIXTEEN = tuple(range(400, 701, 20))


@pytest.fixture(autouse=True)
def lenient(monkeypatch) -> None:
    """After a few steps, tiny networks of the paper's initialisation may still be near-constant."""
    monkeypatch.setattr("nesr_gui.training.vital_signs.LEAST_SHARE", 0.0)
    monkeypatch.setattr("nesr_gui.training.vital_signs.MIN_ACTIVE_UNITS", 0.0)


def job(config: Any, counts: tuple[int, ...] = (31,)) -> TrainingJob:
    return TrainingJob("tiny", config, counts, seed=0)


def started(folder: Path, config: Any, settings: Settings = SETTINGS, counts: tuple[int, ...] = (31,)) -> Trainer:
    launched = Devices.launched("cpu", settings.precision)
    return crop_trainer(job(config, counts), source(settings.crops), settings, folder / "tiny", launched)


CASES = {
    "discrete": (DISCRETE, SETTINGS),
    "whole": (NESR, SETTINGS),
    "window": (NESR, dataclasses.replace(SETTINGS, window=6, decoded=4)),
    "mlp": (dataclasses.replace(NESR, spi=False, attention="none"), dataclasses.replace(SETTINGS, window=6)),
    "spectral": (dataclasses.replace(NESR, attention="spectral"), dataclasses.replace(SETTINGS, window=6)),
    "spectrum": (SPECTRUM, dataclasses.replace(SETTINGS, window=6, decoded=4)),
    "skip": (SKIP, SETTINGS),
    "factorised": (FACTORISED, SETTINGS),
    "from bands": (dataclasses.replace(DISCRETE, inputs=SIXTEEN), SETTINGS),
    "bfloat16": (NESR, dataclasses.replace(SETTINGS, window=6, precision="bf16-mixed")),
}


@pytest.mark.parametrize("case", CASES)
def test_resumed_equals_uninterrupted_to_the_bit(tmp_path, monkeypatch, case):
    monkeypatch.setattr(trainer, "LOGGED_STEPS", 2)
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
    assert second.losses == whole.losses and [step for step, _ in whole.losses] == [2, 4, 5]
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[name], tensor), name


@pytest.mark.parametrize(("precision", "dtype"), [("32-true", torch.float32), ("bf16-mixed", torch.bfloat16)])
def test_the_forward_pass_has_the_requested_precision(tmp_path, precision, dtype):
    made = started(tmp_path, DISCRETE, dataclasses.replace(SETTINGS, precision=precision))
    seen = set()
    for layer in made.network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda _, __, output: seen.add(output.dtype))
    made.sampler.seek(0)
    assert made.loss(made.sampler.draw()).dtype == torch.float32
    assert seen == {dtype}


def test_a_model_is_written_once_and_says_where_it_is_from(tmp_path):
    heard: list[float] = []

    def again() -> Path:
        return train_model(
            job(DISCRETE), source(SETTINGS.crops), SETTINGS, tmp_path / "run", Devices.launched("cpu"),
            {"dataset": "CAVE"}, lambda _, done: heard.append(done),
        )  # fmt: skip

    checkpoint = load_checkpoint(again())
    assert checkpoint.provenance["steps"] == "5" and checkpoint.provenance["dataset"] == "CAVE"
    assert heard[-1] == 1 and len(heard) == 5
    again()
    assert len(heard) == 5
    assert (tmp_path / "run" / "losses.csv").read_text().startswith("step,loss\n5,")


def test_it_learns(tmp_path):
    settings = dataclasses.replace(SETTINGS, budget=Budget(steps=60), rate=5e-3)
    made = started(tmp_path, DISCRETE, settings)

    def mean_loss() -> float:
        losses = []
        for step in range(100, 103):
            made.sampler.seek(step)
            losses.append(float(made.loss(made.sampler.draw()).detach()))
        return float(np.mean(losses))

    before = mean_loss()
    list(made.run())
    assert mean_loss() < 0.7 * before


def test_a_window_is_decoded_as_the_whole_is(monkeypatch):
    """With all pixels of the patch in the context, a window of the answer is the answer's window."""
    monkeypatch.setattr(loss, "CONTEXT_LATTICE", 12)
    torch.manual_seed(0)
    network = build(NESR).train()
    image, nm = torch.rand(2, 3, 12, 12), torch.tensor([400.0, 455.5, 700.0])
    whole = network(image, nm)
    part = decode_window(network, network.encode(image), nm, (2, 5), 6)
    torch.testing.assert_close(part, whole[..., 2:8, 5:11], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("config", [DISCRETE, NESR, SPECTRUM])
def test_the_shares_of_several_devices_make_the_loss_of_one(config):
    """Each decodes the same window at the same wavelengths of its own patches, so that the gradients average."""
    settings = dataclasses.replace(SETTINGS, batch=4, window=5, decoded=4)
    torch.manual_seed(0)
    network = build(config)

    def loss_of(part: slice) -> torch.Tensor:
        sampler = CropSampler(source(settings.crops), job(config).wavelengths, part=part)
        sampler.seek(7)
        return TrainingLoss(network, sampler, settings.loss(config))(sampler.draw()).detach()

    shares = [loss_of(slice(start, start + 1)) for start in range(4)]
    assert len({float(share) for share in shares}) == 4
    torch.testing.assert_close(torch.stack(shares).mean(), loss_of(slice(0, 4)))


def test_wavelengths_of_a_step():
    continuous = job(NESR, tuple(range(7, 32)))
    counts = {continuous.wavelengths(step).size for step in range(60)}
    assert counts <= set(range(7, 32)) and len(counts) > 10
    fixed = job(DiscreteConfig(bands=SIXTEEN))
    assert all(fixed.wavelengths(step).tolist() == list(SIXTEEN) for step in range(3))
    assert job(DiscreteConfig(inputs=SIXTEEN)).inputs is not None and fixed.inputs is None


def test_a_spectrum_is_compared_everywhere_besides_the_decoded_part():
    """As a discrete network is, whatever part of the patch is decoded."""
    settings = dataclasses.replace(SETTINGS, window=5, decoded=4)
    torch.manual_seed(0)
    network = build(SPECTRUM)
    sampler = CropSampler(source(settings.crops), job(SPECTRUM).wavelengths)
    sampler.seek(3)
    batch, (y, x), some = sampler.draw(), sampler.corner(7), sampler.subset(31, 4)
    assert some.tolist() == sorted(set(some.tolist())) and len(some) == 4
    features = network.encode(batch.image)
    part = decode_window(network, features, batch.nm[some], (y, x), 5).movedim(1, 3)
    expected = metrics.mrae(part, batch.truth[:, y : y + 5, x : x + 5][..., some])
    expected += metrics.mrae(features.movedim(1, 3), batch.truth)
    found = TrainingLoss(network, sampler, settings.loss(SPECTRUM))(batch)
    torch.testing.assert_close(found, expected)


def test_a_linear_skip_starts_at_the_least_squares_answer_to_its_crops(tmp_path):
    crops = CropSampler(source(SETTINGS.crops), lambda _: np.array(SKIP.bands))
    colours, spectra = [], []
    for step in range(40):
        crops.seek(step)
        batch = crops.draw()
        colours.append(batch.image.movedim(1, 3).reshape(-1, 3).double())
        spectra.append(batch.truth.reshape(-1, 31).double())
    count = sum(map(len, colours))
    ridge = torch.eye(3, dtype=torch.double) * (1e-4 * count) ** 0.5  # as further pixels
    colours.append(ridge)
    spectra.append(torch.zeros(3, 31, dtype=torch.double))
    expected = torch.linalg.lstsq(torch.cat(colours), torch.cat(spectra)).solution.T.float()
    for name, config, counts in (("discrete", SKIP, (31,)), ("nesr", SPECTRUM, tuple(range(7, 32)))):
        made = started(tmp_path / name, config, counts=counts)
        torch.testing.assert_close(made.network.linear.weight.detach()[..., 0, 0], expected, atol=1e-4, rtol=0)
    made = started(tmp_path / "factorised", FACTORISED)
    torch.testing.assert_close(made.network.basis.linear.detach(), expected, atol=1e-4, rtol=0)
    few = dataclasses.replace(SKIP, bands=(400.0, 550.0, 700.0))
    made = started(tmp_path / "few", few)
    torch.testing.assert_close(made.network.linear.weight.detach()[..., 0, 0], expected[[0, 15, 30]], atol=1e-4, rtol=0)


def test_a_skip_of_bands_starts_at_linear_interpolation(tmp_path):
    config = dataclasses.replace(SKIP, inputs=SIXTEEN)
    weight = started(tmp_path, config).network.linear.weight.detach()
    assert torch.equal(weight, build(config).linear.weight) and weight[1, :2, 0, 0].tolist() == [0.5, 0.5]


def test_what_diverges_is_told(tmp_path):
    made = started(tmp_path, DISCRETE)
    with torch.no_grad():
        next(iter(made.network.parameters())).fill_(float("nan"))
    with pytest.raises(DivergedRun, match="tiny diverged at step 1; choose a lower --rate"):
        list(made.run())


def test_hours_are_those_of_the_processor_and_go_on_where_they_were(tmp_path, monkeypatch):
    clock = iter(np.arange(0, 1e6, 60.0))
    monkeypatch.setattr(trainer.time, "process_time", lambda: float(next(clock)))
    settings = dataclasses.replace(SETTINGS, budget=Budget.parse("hours=0.5"))
    first = started(tmp_path, DISCRETE, settings)
    with closing(first.run()) as run:
        next(run)
    second = started(tmp_path, DISCRETE, settings)
    assert second.seconds == first.seconds > 0
    with closing(second.run()) as run:
        assert len(list(itertools.islice(run, 50))) < 50
    assert second.spent == 1 and 1800 <= second.seconds < 2200


def test_a_network_that_answers_a_constant_is_a_failed_run(tmp_path, monkeypatch):
    """Its model is written, as the comparison needs its result, but says that it failed."""
    monkeypatch.setattr("nesr_gui.training.vital_signs.LEAST_SHARE", 1e9)
    lines: list[str] = []
    model = train_model(
        job(DISCRETE), source(SETTINGS.crops), SETTINGS, tmp_path, Devices.launched("cpu"), {},
        lambda text, _: lines.append(text),
    )  # fmt: skip
    checkpoint = load_checkpoint(model)
    assert "answers a constant" in checkpoint.provenance["failed"] and checkpoint.provenance["steps"] == "5"
    assert lines[-1] == "tiny, which failed,"
    assert (tmp_path / "vital_signs.jsonl").read_text().count("\n") == 1


def test_old_run_folders_are_resumed(tmp_path):
    """Of programs before one trainer served all: Adam's state, and no vital signs."""
    made = started(tmp_path, DISCRETE)
    with closing(made.run()) as run:
        next(run)
    path = tmp_path / "tiny" / "state.pt"
    state = torch.load(path, weights_only=True)
    adam = torch.optim.Adam(made.network.parameters(), lr=1e-3, betas=(0.9, 0.999))
    old = adam.state_dict() | {"state": state["optimizer"]["state"]}
    torch.save(state | {"optimizer": old}, path)
    resumed = started(tmp_path, DISCRETE)
    assert resumed.step == 1
    list(resumed.run())
    list(made.run())
    for name, tensor in made.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], tensor), name


def test_a_batch_that_devices_cannot_share_is_told(tmp_path, monkeypatch):
    launched = Devices.launched("cpu")
    launched.count = 3
    with pytest.raises(ValueError, match="a batch of 2 cannot be shared by 3 devices"):
        crop_trainer(job(DISCRETE), source(SETTINGS.crops), SETTINGS, tmp_path, launched)


def test_a_precision_that_the_manifest_would_not_know_of_is_refused(monkeypatch):
    monkeypatch.setenv("LT_PRECISION", "16-mixed")
    with pytest.raises(ValueError, match="fabric run was given --precision 16-mixed; give it after"):
        Devices.launched("cpu", "bf16-mixed")


def test_missing_libraries_are_named(monkeypatch):
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"experiments need lightning-fabric, .* install nesr-gui\[train\]"):
        devices.check_extras()
