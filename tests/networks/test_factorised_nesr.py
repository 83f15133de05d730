"""The factorised network: slow loops from its docstrings, independence of the request, what it refuses."""

import dataclasses

import numpy as np
import pytest
import torch

from nesr_gui.inference.checkpoint import load_checkpoint, save_checkpoint
from nesr_gui.networks.factorised_nesr import FactorisedConfig, FactorisedNeSR
from nesr_gui.networks.registry import config_from_json, config_to_json, coverage, kind_of
from nesr_gui.training.commands import SIZES
from tests import tiny
from tests.networks import slow

NM = [700.0, 400.0, 533.3, 547.1, 698.9]
CONFIGS = {
    "whole": tiny.FACTORISED,
    "without attention": dataclasses.replace(tiny.FACTORISED, attention="none"),
    "low rank": tiny.LOW_RANK,
    "paper's encoder": dataclasses.replace(tiny.FACTORISED, encoder="hscnn_r"),
    "paper's encoder, low rank": dataclasses.replace(tiny.LOW_RANK, encoder="hscnn_r"),
    "colour alone": dataclasses.replace(tiny.LOW_RANK, encoder="none"),
}


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def network(request) -> FactorisedNeSR:
    return tiny.network(request.param)


def check_against_loops(network: FactorisedNeSR, device: str, count: int, group: int) -> None:
    exposures = torch.tensor([0.03, 1.1, 0.3, 0.5])[:count, None, None, None]
    rgb = torch.rand(count, 3, 4, 8, generator=torch.Generator().manual_seed(1)) * exposures
    got = network.to(device)(rgb.to(device), torch.tensor(NM, device=device), group)
    expected = slow.forward(network, rgb.double().numpy(), NM, group)
    assert expected.std() > 0.05
    np.testing.assert_allclose(got.detach().cpu(), expected, atol=2e-5, rtol=1e-4)


def test_equals_slow_loops_over_pixels_and_wavelengths(network, device):
    check_against_loops(network, device, count=2, group=1)


def test_parts_of_a_photograph_share_the_attention_map_of_slow_loops(device):
    check_against_loops(tiny.network(tiny.FACTORISED), device, count=4, group=2)


def test_a_value_does_not_depend_on_the_other_wavelengths(network):
    rgb = torch.rand(2, 3, 8, 12)
    together = network(rgb, torch.tensor(NM))
    for index, nm in enumerate(NM):
        torch.testing.assert_close(network(rgb, torch.tensor([nm]))[:, 0], together[:, index], atol=1e-6, rtol=1e-5)


def test_black_stays_black(network):
    rgb = torch.rand(1, 3, 8, 8)
    rgb[..., 2:5, 3:6] = 0
    assert network(rgb, torch.tensor(NM))[..., 2:5, 3:6].abs().max() == 0


def test_photographs_do_not_see_each_other_but_those_of_a_group_do():
    network, nm = tiny.network(tiny.FACTORISED), torch.tensor([512.3])
    rgb = torch.rand(4, 3, 8, 8)
    other = rgb.clone()
    other[1] = torch.rand(3, 8, 8)
    apart, together = ((network(rgb, nm, group) - network(other, nm, group)).abs().amax((1, 2, 3)) for group in (1, 2))
    assert (apart > 0).tolist() == [False, True, False, False]
    assert (together > 0).tolist() == [True, True, False, False]


def test_surroundings_decide_where_there_are_any_and_no_farther_than_is_said(network):
    if network.has_attention:
        network = tiny.network(dataclasses.replace(network.config, attention="none"))  # a map is of the whole image
    rgb = torch.rand(1, 3, 48, 48, requires_grad=True)
    network(rgb, torch.tensor([512.3]))[0, 0, 24, 24].backward()
    rows = torch.nonzero(rgb.grad.abs().sum((0, 1, 3)))
    first, last = int(rows.min()), int(rows.max())
    cells = 24 // network.scale, 24 // network.scale  # and, between cells, the one above: pixel 24 lies before a centre
    if not network.has_surroundings:
        assert (first, last) == (24, 24)
    elif network.scale == 1:
        assert (first, last) == (24 - network.halo, 24 + network.halo)
    else:
        assert (first, last) == (
            (cells[0] - 1 - network.halo) * network.scale,
            (cells[1] + network.halo + 1) * network.scale - 1,
        )


def test_every_parameter_takes_part(network):
    network.train()(torch.rand(2, 3, 8, 8), torch.tensor(NM)).square().sum().backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert idle == []


def test_at_the_start_surroundings_are_about_as_strong_as_the_colour():
    """Otherwise the network learns to read the colour alone, and what sees the surroundings dies before it is used."""
    torch.manual_seed(0)
    network = FactorisedNeSR(FactorisedConfig()).eval()
    rgb = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        around = network.surroundings(rgb).std()
        pixels = rgb.movedim(1, 3)
        brightness = pixels.mean(-1, keepdim=True)
        colour = network.colour(torch.cat([pixels / brightness, brightness], -1).sqrt()).std()
    assert 0.3 < around / colour < 3


def test_answers_have_no_kink_along_wavelength():
    """Second differences fall with the square of the step: all answers are sums of these functions."""
    network, curvature = tiny.network(tiny.FACTORISED).double(), {}
    for count in (301, 1201):
        with torch.no_grad():
            functions = network.functions(torch.linspace(400, 700, count).double())
        curvature[count] = functions.diff(n=2, dim=0).abs().amax(0) * count**2
    assert (curvature[1201] < 1.5 * curvature[301] + 1e-6).all()


@pytest.mark.parametrize("config", [*CONFIGS.values(), *SIZES.values()])
def test_settings_survive_a_file(config):
    assert config_from_json(kind_of(config), config_to_json(config)) == config
    assert coverage(config) == "any wavelength, 400-700 nm"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"features": 5, "blocks": 2, "channels": 3, "knots": 7, "hidden": (6,), "rank": 2},
        {"encoder": "hscnn_r", "attention": "none"},
        {"encoder": "none", "spi": False, "attention": "none"},
        {"low": 380.0, "high": 780.0, "step": 20.0},
    ],
)
def test_a_network_is_rebuilt_from_its_own_settings(tmp_path, changes):
    config = dataclasses.replace(tiny.FACTORISED, **changes)
    network, nm = tiny.network(config), torch.tensor([config.low, 555.5, config.high])
    save_checkpoint(tmp_path / "m.safetensors", network, {"seed": "7"})
    loaded = load_checkpoint(tmp_path / "m.safetensors")
    assert loaded.config == config
    rgb = torch.rand(1, 3, 8, 8)
    assert torch.equal(loaded.network(rgb, nm), network(rgb, nm))
    assert loaded.network.state_dict().keys() == network.state_dict().keys()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spi": False}, "enable SPI or disable attention"),
        ({"encoder": "none"}, "choose an encoder, or disable SPI and attention"),
        ({"encoder": "none", "attention": "none"}, "choose an encoder, or disable SPI and attention"),
        ({"encoder": "resnet"}, "unknown encoder 'resnet'; available encoders: context, hscnn_r, none"),
        ({"attention": "spectral"}, "unknown attention 'spectral'; available: spatial_spectral, none"),
        ({"hidden": ()}, "requires at least one hidden layer"),
        ({"knots": 1}, "at least two knots"),
    ],
)
def test_settings_that_make_no_network_are_refused_in_a_sentence(changes, message):
    with pytest.raises(ValueError, match=message) as refused:
        FactorisedNeSR(dataclasses.replace(tiny.FACTORISED, **changes))
    assert "\n" not in str(refused.value)
