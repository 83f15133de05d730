"""The networks of the paper's tables: their size, what they see, any number of bands."""

import dataclasses

import pytest
import torch

from nesr_gui.networks.awan import AWAN, SecondOrderNonLocal, WeightedChannelAttention
from nesr_gui.networks.band_network import DiscreteConfig, DiscreteNetwork
from nesr_gui.networks.encoders import ENCODERS, encoder
from nesr_gui.networks.mst_plus_plus import MSTPlusPlus, SpectralAttention
from nesr_gui.networks.nesr import NeSR, NeSRConfig
from nesr_gui.networks.registry import SYSTEMS, build, config_from_json, config_to_json, kind_of, parameters_of

NAMES = sorted(ENCODERS)


def shrunken(name: str, bands: int | None = 5, inputs: int = 3) -> torch.nn.Module:
    torch.manual_seed(0)
    return encoder(name).build(16, 2, bands, inputs).eval()


@pytest.mark.parametrize("name", [name for name, system in SYSTEMS.items() if system.published])
def test_parameters_of_table_1(name):
    system = SYSTEMS[name]
    assert parameters_of(system.config) == pytest.approx(1e6 * system.published, rel=0.005)


@pytest.mark.parametrize("name", ["hrnet", "awan"])
def test_the_large_networks_answer_at_the_size_of_the_paper(name):
    """One forward pass of 32 and 29 million parameters: half a second, and two."""
    torch.manual_seed(0)
    network = build(SYSTEMS[name].config).eval()
    with torch.inference_mode():
        answer = network(torch.rand(1, 3, 64, 64))
    assert answer.shape == (1, 31, 64, 64)
    assert answer.isfinite().all() and answer.std() > 0


def test_the_release_s_count_of_awan_as_an_encoder():
    with torch.device("meta"):
        assert sum(p.numel() for p in AWAN().parameters()) == 29_286_667 - 155_105  # without SPI, NAM and MLP


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("bands", "inputs", "shape"), [(7, 3, (1, 1)), (None, 16, (9, 14)), (61, 3, (4, 30))])
def test_any_bands_inputs_and_sizes(name, bands, inputs, shape):
    with torch.no_grad():
        answer = shrunken(name, bands, inputs)(torch.rand(2, inputs, *shape))
    assert answer.shape == (2, bands or 16, *shape)
    assert answer.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_networks_see_as_far_as_they_say(name):
    network = shrunken(name)
    image = torch.rand(1, 3, 40, 40, requires_grad=True)
    network(image)[0, :, 20, 20].sum().backward()
    rows = torch.nonzero(image.grad.abs().sum((0, 1, 3)))
    if network.halo is None:
        assert (rows.min(), rows.max()) == (0, 39)
    else:
        assert (rows.min(), rows.max()) == (20 - network.halo, 20 + network.halo)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_takes_part(name):
    network = shrunken(name)
    network(torch.rand(1, 3, 16, 16)).square().sum().backward()
    assert [n for n, p in network.named_parameters() if p.grad is None] == []


def test_channel_attention_as_loops():
    torch.manual_seed(1)
    module, x = WeightedChannelAttention(6), torch.randn(1, 6, 3, 4)
    scores = [sum(module.conv.weight[0, c, 0, 0] * x[0, c, i, j] for c in range(6)) for i in range(3) for j in range(4)]
    weights = torch.stack(scores).softmax(0)
    pooled = torch.stack(
        [sum(weights[4 * i + j] * x[0, c, i, j] for i in range(3) for j in range(4)) for c in range(6)]
    )
    torch.testing.assert_close(module(x), x * module.fc(pooled)[None, :, None, None])


def test_non_local_tail_keeps_to_its_quadrants():
    torch.manual_seed(1)
    module, x = SecondOrderNonLocal(16), torch.randn(1, 16, 7, 8)
    changed = x.clone()
    changed[..., :3, :4] += 1
    difference = (module(x) - module(changed)).abs().sum((0, 1)) > 0
    assert difference[:3, :4].all()
    assert not difference[3:].any() and not difference[:3, 4:].any()


def test_spectral_attention_as_loops():
    torch.manual_seed(1)
    module, x = SpectralAttention(4, heads=2), torch.randn(1, 4, 3, 5)
    q, k, v = (conv(x)[0].flatten(1) for conv in (module.query, module.key, module.value))
    mixed = torch.zeros(4, 15)
    for head in range(2):
        some = range(2 * head, 2 * head + 2)
        for i in some:
            cosines = torch.stack([k[i] @ q[j] / (k[i].norm() * q[j].norm()) for j in some])
            mixed[i] = sum(
                w * v[j] for w, j in zip((module.scale[head] * cosines).flatten().softmax(0), some, strict=True)
            )
    expected = module.out(mixed.view(1, 4, 3, 5)) + module.place(v.view(1, 4, 3, 5))
    torch.testing.assert_close(module(x), expected)


def test_mst_joins_its_long_skip_after_the_output_layer_where_it_can():
    assert isinstance(MSTPlusPlus(6, 1, 6).skip, torch.nn.Identity)
    assert isinstance(MSTPlusPlus(6, 1, 9).skip, torch.nn.Conv2d)


def test_unknown_encoder_names_those_there_are():
    with pytest.raises(ValueError, match="awan"):
        DiscreteNetwork(DiscreteConfig("resnet"))


@pytest.mark.parametrize("bands", [(), (500.0, 400.0), (400.0, 400.0)])
def test_bands_come_in_order(bands):
    with pytest.raises(ValueError, match="in ascending order"):
        DiscreteNetwork(DiscreteConfig(bands=bands))


def test_a_discrete_network_is_not_negative_but_while_it_learns():
    network = DiscreteNetwork(DiscreteConfig(features=4, blocks=1))
    rgb = torch.rand(1, 3, 8, 8)
    assert network.train()(rgb).min() < 0
    assert network.eval()(rgb).min() == 0


@pytest.mark.parametrize("name", SYSTEMS)
def test_configs_survive_their_file(name):
    config = SYSTEMS[name].config
    assert config_from_json(kind_of(config), config_to_json(config)) == config


ABLATIONS = {
    "mlp": {"spi": False, "attention": "none"},
    "mlp+spi": {"attention": "none"},
    "nam without spi": {"spi": False},
    "spectral": {"attention": "spectral"},
    "spatial": {"attention": "spatial"},
    "16 bands": {"inputs": tuple(range(400, 701, 20))},
    "spectrum": {"profile": "spectrum", "compressed": True},
    "spectrum of 16 bands": {"profile": "spectrum", "inputs": tuple(range(400, 701, 20))},
}


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablations_are_functions_of_the_wavelength(name):
    torch.manual_seed(3)
    config = NeSRConfig(features=8, blocks=1, channels=4, hidden=(8,), context_pixels=30, **ABLATIONS[name])
    network = build(config).eval()
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    image = torch.rand(2, len(config.inputs) or 3, 9, 7)
    nm = torch.tensor([400.0, 533.3, 700.0])
    with torch.no_grad():
        together = network(image, nm)
        assert together.std() > 0
        for index in range(3):
            torch.testing.assert_close(network(image, nm[index : index + 1])[:, 0], together[:, index])


def test_attention_over_one_dimension_is_what_it_says():
    torch.manual_seed(3)
    config = NeSRConfig(features=8, blocks=1, channels=4, hidden=(8,), attention="spectral")
    network = NeSR(config).eval()
    features = torch.randn(1, 8, 7, 8)
    maps = network._pixel_attention(features, None, 1)  # (B, 1, h, w, C, C)
    tokens = network.tokens(features, torch.tensor(config.bands))  # (B, L, h, w, C)
    for row, col in [(0, 0), (2, 3)]:
        alone = network.nam.attention(network.nam.correlations(tokens[:, :, row, col]))
        torch.testing.assert_close(maps[:, 0, row, col], alone)
    spatial = NeSR(dataclasses.replace(config, attention="spatial")).eval()
    context = torch.rand(1, 31, 4, 4)
    torch.testing.assert_close(
        spatial.query(torch.tensor([400.0, 415.0]), context).attention[0, :, 0, 0],
        torch.stack([context[0, 0], (context[0, 1] + context[0, 2]) / 2]),
    )


def test_an_unknown_attention_names_those_there_are():
    with pytest.raises(ValueError, match="spatial_spectral"):
        NeSR(NeSRConfig(attention="both"))
