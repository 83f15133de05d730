"""Training is repeatable, resumable to the bit, and learns."""

import dataclasses

import numpy as np
import pytest
import torch

from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.nesr import NeSR, NeSRConfig
from nesr_gui.networks.registry import SYSTEMS
from nesr_gui.training import colour_prior
from nesr_gui.training.commands import as_fed, chosen_config
from nesr_gui.training.sampler import Batches, TrainingConfig
from nesr_gui.training.synthesis import BANDS, RenderingConfig
from nesr_gui.training.trainer import Trainer, loss_of, rate_at
from tests.training import worlds


@pytest.fixture(autouse=True)
def short_lessons(monkeypatch):
    """The guide's own training is tested beside it."""
    monkeypatch.setattr(colour_prior, "GUIDE_STEPS", 3)
    monkeypatch.setattr(colour_prior, "GUIDE_BATCHES", 2)


NETWORK = NeSRConfig(features=6, blocks=1, channels=4, hidden=(8,), output="anchored", compressed=True)
CONFIG = TrainingConfig(steps=6, batch=6, window=8, painted=0.5, rendering=RenderingConfig(patch=16))


def batches(config: TrainingConfig = CONFIG) -> Batches:
    return Batches([worlds.scene("a")], [worlds.library("coarse", 10), worlds.library("fine", 1)], config)


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.averaged.state_dict().items()}


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_resumed_equals_uninterrupted_to_the_bit(tmp_path, stop):
    whole = Trainer(NETWORK, CONFIG, batches(), tmp_path / "whole")
    losses = [step.loss for step in whole.run()]
    first = Trainer(NETWORK, CONFIG, batches(), tmp_path / "parts")
    run = first.run()
    interrupted = [next(run).loss for _ in range(stop)]
    run.close()
    second = Trainer(NETWORK, CONFIG, batches(), tmp_path / "parts")
    assert second.step == stop
    interrupted += [step.loss for step in second.run()]
    assert interrupted == losses
    for name, tensor in weights(whole).items():
        assert torch.equal(weights(second)[name], tensor), name


def test_other_settings_do_not_resume(tmp_path):
    list(Trainer(NETWORK, CONFIG, batches(), tmp_path).run())
    with pytest.raises(ValueError, match="other settings"):
        Trainer(NETWORK, dataclasses.replace(CONFIG, rate=1e-4), batches(), tmp_path)


def test_it_learns(tmp_path):
    config = dataclasses.replace(CONFIG, steps=40, rate=2e-2)
    trainer = Trainer(dataclasses.replace(NETWORK, output="plain"), config, batches(config), tmp_path)

    def held_out_loss() -> float:
        with torch.no_grad():
            losses = [loss_of(trainer.averaged, batches(config).draw(1000 + n), config, n) for n in range(10)]
        return float(torch.stack(losses).mean())

    before = held_out_loss()
    list(trainer.run())
    assert held_out_loss() < 0.7 * before


@pytest.mark.parametrize(
    "network",
    [
        DiscreteConfig("hscnn_r", 6, 1, bands=(400.0, 500.0, 600.0, 700.0)),
        DiscreteConfig("mst_plus_plus", 4, 1),
        dataclasses.replace(NETWORK, output="plain", attention="spatial"),
        dataclasses.replace(NETWORK, output="plain", attention="none", spi=False),
    ],
)
@pytest.mark.parametrize("loss", [{}, {"squared": 0.0, "colour": 0.0, "relative": 1.0}])
def test_every_kind_of_network_learns_from_the_same_patches(tmp_path, network, loss):
    config = dataclasses.replace(CONFIG, steps=2, **loss)
    trainer = Trainer(network, config, batches(config), tmp_path)
    before = weights(trainer)
    assert all(np.isfinite(step.loss) for step in trainer.run())
    assert any(not torch.equal(before[name], tensor) for name, tensor in weights(trainer).items())


@pytest.mark.parametrize("name", ["awan", "awan+nesr", "a+"])
def test_what_is_not_chosen_stays(name):
    config = SYSTEMS[name].config
    assert chosen_config(config, None, None, spi=True) == config


@pytest.mark.parametrize("name", ["hscnn-r", "mst++", "awan+nesr"])
def test_what_learns_from_photographs_over_their_white_level_is_asked_about_such(name):
    assert as_fed(SYSTEMS[name].config).normalised


def test_bands_and_ablations_can_be_chosen():
    assert chosen_config(DiscreteConfig(), 7, None, spi=True).bands == (400, 450, 500, 550, 600, 650, 700)
    ablated = chosen_config(NETWORK, None, "none", spi=False)
    assert (ablated.attention, ablated.spi, ablated.features) == ("none", False, NETWORK.features)


def test_other_wavelengths_are_of_the_same_patches():
    own, asked = batches().draw(3), batches().draw(3, BANDS)
    np.testing.assert_array_equal(own.rgb, asked.rgb)
    shared = [list(BANDS).index(nm) for nm in own.nm if nm in BANDS]
    there = [index for index, nm in enumerate(own.nm) if nm in BANDS]
    np.testing.assert_allclose(own.truth[:, there], asked.truth[:, shared], rtol=1e-6)


def test_a_step_has_training_bands_and_wavelengths_between_them():
    patches = batches().draw(3)
    assert patches.truth.shape == (6, 8, 16, 16)
    assert patches.nm.tolist() == sorted(patches.nm)
    assert len(set(patches.nm) & set(BANDS)) == 4
    assert patches.truth.min() >= 0


def test_truth_does_not_depend_on_the_other_wavelengths_of_a_step():
    together = batches().render(np.random.default_rng(1), np.array([455.5, 500.0, 640.2]))
    alone = batches().render(np.random.default_rng(1), np.array([500.0]))
    np.testing.assert_allclose(together.truth[:, 1:2], alone.truth, atol=1e-6)
    np.testing.assert_array_equal(together.rgb, alone.rgb)


def test_patches_depend_on_seed_and_step_only():
    first, again, other = batches().draw(3), batches().draw(3), batches().draw(4)
    np.testing.assert_array_equal(first.rgb, again.rgb)
    assert not np.array_equal(first.rgb, other.rgb)


@pytest.mark.parametrize(
    ("scenes", "steps", "expected"), [(1, (10, 1), 3), (1, (10,), 3), (1, (1,), 3), (1, (), 0), (0, (1,), 6)]
)
def test_every_mixture_of_sources_trains(tmp_path, scenes, steps, expected):
    libraries = [worlds.library(f"by {step}", step) for step in steps]
    config = dataclasses.replace(CONFIG, steps=1)
    made = Batches([worlds.scene("a")] * scenes, libraries, config)
    assert made.painted == expected
    assert len(list(Trainer(NETWORK, config, made, tmp_path).run())) == 1


def test_nothing_to_train_on_is_said():
    with pytest.raises(ValueError, match="nothing to train on"):
        Batches([], [], CONFIG)


@pytest.mark.parametrize("part", ["squared", "relative", "colour"])
def test_every_part_of_the_loss_is_zero_at_the_truth_and_nowhere_else(part):
    """An oracle in the network's place: with the truth every part vanishes, with half of it none does."""
    config = dataclasses.replace(CONFIG, **{**dict.fromkeys(["squared", "relative", "colour"], 0.0), part: 1.0})
    oracle = Oracle(batches(config), config)
    assert float(loss_of(oracle, oracle.patches, config, 0)) < 1e-4
    oracle.factor = 0.5
    assert float(loss_of(oracle, oracle.patches, config, 0)) > 1e-3


def test_colour_of_clipped_pixels_does_not_count():
    config = dataclasses.replace(CONFIG, squared=0.0, colour=1.0)
    oracle = Oracle(batches(config), config)
    oracle.factor = 0.5
    oracle.patches.faithful[:] = False
    assert float(loss_of(oracle, oracle.patches, config, 0)) == 0


class Oracle(NeSR):
    """Answers with the truth times `factor`, wherever it is asked."""

    def __init__(self, made: Batches, config: TrainingConfig) -> None:
        super().__init__(NETWORK)
        self.factor = 1.0
        rendering = dataclasses.replace(config.rendering, noise=0.0, eight_bit=0.0, jpeg=0.0, dimmest=1.0)
        clean = Batches([], [worlds.library("fine", 1)], dataclasses.replace(config, rendering=rendering))
        nm = np.concatenate([[455.5, 500.0], BANDS])
        whole = clean.render(np.random.default_rng(1), nm)
        self.truth = dict(zip(nm.tolist(), torch.from_numpy(whole.truth).unbind(1), strict=True))
        self.rgb = torch.from_numpy(whole.rgb)
        self.patches = dataclasses.replace(whole, truth=whole.truth[:, :2].copy(), nm=nm[:2])

    def decode(self, features, rgb, query, inside=None, stride=1):
        """The window is found by its colours."""
        size = rgb.shape[-1]
        windows = self.rgb.unfold(2, size, 1).unfold(3, size, 1)  # (B, 3, y, x, size, size)
        differs = (windows - rgb[:, :, None, None]).abs().amax((0, 1, 4, 5))
        y, x = divmod(int(differs.argmin()), differs.shape[1])
        nm = [550 + 150 * float(at) for at in query.coord]
        answers = [self.truth[round(at, 3)][:, y : y + size, x : x + size] for at in nm]
        return self.factor * torch.stack(answers, 1)


def test_the_rate_begins_and_ends_as_stated():
    config = dataclasses.replace(CONFIG, steps=900)
    assert rate_at(config, 0) == pytest.approx(config.rate / 200)
    assert rate_at(config, 900) == pytest.approx(config.rate / 100)
