"""Whether a network lives: by slow loops, and for networks that are dead in every way that is known."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.encoders import ENCODERS
from nesr_gui.networks.factorised_nesr import FactorisedConfig, FactorisedNeSR
from nesr_gui.networks.registry import build
from nesr_gui.training.commands import SIZES
from nesr_gui.training.sampler import Batch
from nesr_gui.training.vital_signs import VitalSigns, vital_signs
from tests import tiny
from tests.networks import slow
from tests.training import worlds

DISCRETE = DiscreteConfig("hscnn_r", 6, 1)
SKIP = DiscreteConfig("hscnn_r", 6, 1, skip=True)
SPECTRUM = dataclasses.replace(worlds.PAPER, profile="spectrum")
WIDE = dataclasses.replace(tiny.FACTORISED, hidden=(20, 20))


def batch(count: int = 4, size: int = 16, device: str = "cpu") -> Batch:
    """Soft random colours, so that cells differ."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, size // 4, size // 4, generator=generator)
    rgb = coarse.repeat_interleave(4, 2).repeat_interleave(4, 3) * (0.5 + torch.rand(count, 3, size, size) / 2)
    return Batch(rgb.to(device), torch.ones(count, size, size, 31), torch.arange(400.0, 701.0, 10))


def share(pre_activations: list[np.ndarray]) -> float:
    """Units that are open for more than one and closed for more than one in a hundred of (N, units)."""
    open_ = (np.array(pre_activations) > 0).mean(0)
    return float(((open_ > 0.01) & (open_ < 0.99)).mean())


@pytest.mark.parametrize("config", [WIDE, tiny.LOW_RANK])
def test_signs_are_those_of_slow_loops(device, config):
    network, seen = tiny.network(config, seed=4), batch(2, device="cpu")
    network.colour.bias.data[:5] = -30  # closed for every pixel …
    network.colour.bias.data[5:9] = 30  # … and open for every one
    images = seen.image.double().numpy()
    around = [slow.surroundings(network, image[None])[0] for image in images]  # a map for each
    noted, first, own, answers = [[] for _ in network.layers], [], [], []
    for image in images:
        x = slow.convolved(
            network.encoder.head,
            np.stack([np.sqrt(image)[c, y::4, x::4] for c in range(3) for y in range(4) for x in range(4)]),
        )
        first += list(slow.convolved(network.encoder.blocks[0].first, slow.normalised(x)).reshape(len(x), -1).T)
    contexts = [slow.between(c, y, x, 4) for c in around for y, x in np.ndindex(16, 16)]
    pixels = [image[:, y, x] for image in images for y, x in np.ndindex(16, 16)]
    functions = [slow.functions(network.basis, nm / 150 - 11 / 3) for nm in network.bands]
    mean, blind = np.mean(contexts, 0), []
    for context, rgb in zip(contexts, pixels, strict=True):
        given = slow.linear(network.colour, np.sqrt([*(rgb / rgb.mean()), rgb.mean()]))
        for place, kept in ((context, True), (mean, False)):
            hidden = given + place
            for index, layer in enumerate(network.layers):
                if kept:
                    noted[index].append(hidden)
                hidden = slow.linear(layer, slow.leaky(hidden))
            part = np.array([hidden @ phi for phi, _ in functions])
            whole = rgb.mean() * part + np.array([w @ rgb for _, w in functions])
            (answers if kept else blind).append(whole)
            if kept:
                own.append(part)
    size = np.sqrt(np.mean(np.square(answers)))
    on_device = Batch(seen.image.to(device), seen.truth.to(device), seen.nm)
    signs = vital_signs(network.to(device), on_device)
    assert signs.open_units == pytest.approx(
        {"encoder.blocks.0.second": share(first)} | {f"layers.{i}": share(units) for i, units in enumerate(noted)},
        abs=1e-6,
    )
    assert signs.open_units["layers.0"] <= 1 - 9 / len(network.colour.bias)
    assert signs.deviation == pytest.approx(np.sqrt(np.var(own, 0, ddof=1).mean()) / size, rel=1e-3)
    difference = np.sqrt(np.mean(np.square(np.array(blind) - answers)))
    assert signs.surroundings == pytest.approx(difference / size, rel=1e-3)


@pytest.mark.parametrize("patch", [8, 16, 64])
def test_units_are_counted_whatever_the_size_of_a_patch(patch):
    """One unit in twenty lives: counted by rows instead, all would."""
    network = tiny.network(WIDE)
    network.colour.bias.data[:19] = -100
    network.gather.weight.data[19], network.colour.bias.data[19] = 0, 0
    network.colour.weight.data[19] = torch.tensor([1.0, -1.0, 0.0, 0.0])  # redder than green
    signs = vital_signs(network, batch(2, patch))
    assert signs.open_units["layers.0"] == pytest.approx(1 / 20)
    assert "is dead" in signs.trouble


def zero(module: torch.nn.Module) -> None:
    for parameter in module.parameters():
        parameter.data.zero_()


def close_last(network: FactorisedNeSR) -> None:
    network.layers[-2].bias.data.fill_(-1e3)


DEATHS = {
    "last hidden layer closed": (WIDE, close_last, "the layer layers.1 is dead"),
    "all of them open": (WIDE, lambda n: n.layers[-2].bias.data.fill_(1e3), "the layer layers.1 is dead"),
    "encoder zeroed": (WIDE, lambda n: zero(n.encoder), "encoder.blocks.0.second is dead"),
    "gather zeroed": (WIDE, lambda n: zero(n.gather), "the network ignores the surroundings"),
    "paper's encoder zeroed": (
        dataclasses.replace(WIDE, encoder="hscnn_r"), lambda n: zero(n.encoder), "dead",
    ),
    "paper's encoder, gather zeroed": (
        dataclasses.replace(WIDE, encoder="hscnn_r"), lambda n: zero(n.gather), "the network ignores the surroundings",
    ),
    "coefficients zeroed": (WIDE, lambda n: zero(n.layers[-1]), "answers a constant"),
    "same coefficients": (WIDE, lambda n: n.layers[-1].weight.data.zero_(), "answers a constant"),
    "basis zeroed": (WIDE, lambda n: zero(n.basis.network), "answers a constant"),
    "colour alone, zeroed": (
        dataclasses.replace(tiny.LOW_RANK, encoder="none"), lambda n: zero(n.layers[-1]), "answers a constant",
    ),
    "weights that are no numbers": (WIDE, lambda n: n.colour.bias.data.fill_(math.nan), "dead"),
    "paper's, closed": (worlds.PAPER, lambda n: n.mlp[2].bias.data.fill_(-1e3), "the layer mlp.3 is dead"),
    "paper's, zeroed": (worlds.PAPER, lambda n: zero(n.mlp[-1]), "answers a constant"),
    "discrete, zeroed": (DISCRETE, lambda n: zero(n.network.tail), "answers a constant"),
    "skip, beside it zero": (SKIP, lambda n: zero(n.network.tail), "answers a constant"),
    "spectrum, MLP zero": (SPECTRUM, lambda n: zero(n.mlp[-1]), "answers a constant"),
    "spectrum, encoder zero": (SPECTRUM, lambda n: zero(n.encoder.tail), "answers a constant"),
    "spectrum, no numbers": (SPECTRUM, lambda n: n.mlp[-1].bias.data.fill_(math.nan), "answers a constant"),
    "discrete, no numbers": (DISCRETE, lambda n: n.network.tail.bias.data.fill_(math.nan), "answers a constant"),
}  # fmt: skip


@pytest.mark.parametrize(("config", "kill", "message"), DEATHS.values(), ids=DEATHS)
def test_every_death_is_told_in_a_sentence(config, kill, message):
    network = worlds.living(config)
    assert vital_signs(network, batch()).trouble is None
    kill(network)
    trouble = vital_signs(network, batch()).trouble
    assert trouble is not None and message in trouble and "\n" not in trouble


@pytest.mark.parametrize("config", [SKIP, SPECTRUM])
@pytest.mark.parametrize("training", [True, False])
def test_a_linear_map_is_no_part_of_the_network(config, training):
    """Not even where it is negative, and the answer therefore is zero."""
    network = worlds.living(config).train(training)
    network.linear.weight.data[:, 0] = -2
    zero(network.network.tail if config is SKIP else network.encoder.tail)
    assert vital_signs(network, batch()).deviation < 1e-6


@pytest.mark.parametrize(
    "config",
    [
        *(config for name, config in SIZES.items() if name != "paper"),
        FactorisedConfig("hscnn_r", blocks=2),
        *(DiscreteConfig(name, 8, 1) for name in ENCODERS),
    ],
)
def test_networks_live_as_they_are_made(config):
    """A run ends where there is trouble, so a network that is merely young must have none."""
    torch.manual_seed(1)
    signs = vital_signs(build(config).train(), batch())
    assert signs.trouble is None, signs
    assert "open units from" in str(signs)


@pytest.mark.parametrize("config", [WIDE, worlds.PAPER, DISCRETE, SKIP, SPECTRUM])
@pytest.mark.parametrize("training", [True, False])
def test_to_look_changes_nothing(config, training):
    network, seen = tiny.network(config).train(training), batch()
    before, state = {k: v.clone() for k, v in network.state_dict().items()}, torch.get_rng_state()
    first, again = vital_signs(network, seen), vital_signs(network, seen)
    assert dataclasses.replace(first, surroundings=0.0) == dataclasses.replace(again, surroundings=0.0)
    assert network.training is training and torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_nesr_is_evaluated_over_its_own_range(monkeypatch):
    network = tiny.network(dataclasses.replace(worlds.PAPER, low=420.0, high=720.0))
    decoded: list[torch.Tensor] = []
    plain = network.query
    monkeypatch.setattr(network, "query", lambda nm, attention: (decoded.append(nm), plain(nm, attention))[1])
    vital_signs(network, batch(2))
    nm = torch.cat(decoded)
    assert (nm.min(), nm.max()) == (420, 720)


def test_what_cannot_be_asked_is_no_trouble():
    assert VitalSigns({}, 0.1, math.nan).trouble is None
    assert VitalSigns({"a": 0.09}, 0.1, 0.1).trouble is not None
    assert VitalSigns({"a": 0.5}, 0.1, 0.0).trouble is not None
