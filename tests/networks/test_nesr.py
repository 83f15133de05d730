"""The composed network: size, independence of the request, output forms."""

import dataclasses

import pytest
import torch

from nesr_gui.networks.nesr import NeSR, NeSRConfig, parameter_count
from nesr_gui.networks.registry import parameters_of
from nesr_gui.networks.spi import lattice

SMALL = NeSRConfig(features=8, blocks=2, channels=4, hidden=(8, 8))


def trained_looking(config: NeSRConfig) -> NeSR:
    """A network whose every parameter matters."""
    torch.manual_seed(3)
    network = NeSR(config).eval()
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return network


@pytest.mark.parametrize("compressed", [False, True])
def test_a_value_does_not_depend_on_the_other_wavelengths(compressed):
    network = trained_looking(dataclasses.replace(SMALL, compressed=compressed))
    rgb = torch.rand(2, 3, 9, 7)
    together = network(rgb, torch.tensor([700.0, 400.0, 533.3, 533.4]))
    for index, nm in enumerate((700.0, 400.0, 533.3, 533.4)):
        torch.testing.assert_close(network(rgb, torch.tensor([nm]))[:, 0], together[:, index], atol=1e-5, rtol=1e-5)


def test_nothing_is_negative_but_while_training():
    network = trained_looking(SMALL)
    network.mlp[-1].bias.data -= 1
    rgb, nm = torch.rand(1, 3, 16, 16), torch.linspace(400, 700, 7)
    assert network(rgb, nm).min() == 0
    assert network.train()(rgb, nm).min() < 0


def test_context_lattice_is_the_finest_that_fits():
    network = NeSR(dataclasses.replace(SMALL, context_pixels=100))
    for shape in [(1, 1), (10, 10), (10, 11), (37, 53), (1, 5000)]:
        stride = network.context_stride(*shape)
        assert -(-shape[0] // stride) * -(-shape[1] // stride) <= 100
        if stride > 1:
            assert -(-shape[0] // (stride - 1)) * -(-shape[1] // (stride - 1)) > 100


SPECTRUM = dataclasses.replace(SMALL, profile="spectrum", compressed=True)


def test_a_spectrum_as_profile_is_what_the_answer_adds_to():
    network, rgb = trained_looking(SPECTRUM), torch.rand(1, 3, 9, 7)
    network.mlp[-1].weight.data.zero_(), network.mlp[-1].bias.data.zero_()
    with torch.no_grad():
        own = network.encoder(rgb.sqrt()) + torch.einsum("lc,bchw->blhw", network.linear.weight[..., 0, 0], rgb)
        answer = network(rgb, torch.tensor([400.0, 413.0, 700.0]))
    expected = torch.stack([own[:, 0], 0.7 * own[:, 1] + 0.3 * own[:, 2], own[:, -1]], 1).clamp_min(0)
    assert expected.std() > 0.01
    torch.testing.assert_close(answer, expected, atol=1e-5, rtol=1e-5)


def test_a_spectrum_as_profile_is_what_spi_reads():
    network, rgb = trained_looking(SPECTRUM), torch.rand(1, 3, 9, 7)
    nm = torch.tensor(network.bands)
    with torch.no_grad():
        whole, features = network(rgb, nm), network.encode(rgb)
        other = features.clone()
        other[:, 20] += 1
        query = network.query(nm, None)
        pad = [torch.nn.functional.pad(part, (2, 2, 2, 2)) for part in (features, other)]
        one, two = (network.codes(part, query) for part in pad)
    assert whole.shape == (1, 31, 9, 7) and features.shape[1] == network.features == 31
    changed = (one - two).abs().amax((0, 2, 3, 4)) > 1e-6  # two convolutions reach two bands to either side
    assert changed.nonzero().flatten().tolist() == [18, 19, 20, 21, 22]


def test_an_encoder_with_a_spectrum_some_rows_at_a_time_answers_the_same(monkeypatch):
    monkeypatch.setattr("nesr_gui.networks.hscnn_r.PIXELS", 7 * 4)
    network, rgb = trained_looking(SPECTRUM), torch.rand(1, 3, 33, 7)
    with torch.no_grad():
        rows = list(network.encode_rows(rgb))
        torch.testing.assert_close(torch.cat(rows, 2), network.encode(rgb))
    assert len(rows) > 3


@pytest.mark.parametrize(("profile", "least", "most"), [("features", 0, 0.2), ("spectrum", 0.5, 1)])
def test_units_that_change_from_pixel_to_pixel_at_the_start(profile, least, most):
    torch.manual_seed(0)
    network, found = NeSR(NeSRConfig(profile=profile, blocks=2)), []
    network.mlp[-2].register_forward_pre_hook(lambda layer, given: found.append((given[0] > 0).float()))
    with torch.no_grad():
        network(torch.rand(1, 3, 16, 16), torch.tensor([530.0]))
    share = torch.cat(found).flatten(0, -2).mean(0)
    changing = float(((share > 0.01) & (share < 0.99)).float().mean())
    assert least <= changing <= most


def test_an_encoder_of_bands_starts_as_straight_lines_between_them():
    inputs, image = (400.0, 500.0, 700.0), torch.rand(1, 3, 2, 2)
    seen = dict(zip(inputs, image[0], strict=True))
    network = NeSR(dataclasses.replace(SMALL, profile="spectrum", inputs=inputs))
    start = dict(zip(network.bands, network.linear(image)[0].detach(), strict=True))
    torch.testing.assert_close(start[430.0], 0.7 * seen[400.0] + 0.3 * seen[500.0])
    torch.testing.assert_close(start[700.0], seen[700.0])
    assert parameters_of(network.config) == parameter_count(network)  # also where nothing can be computed


def test_an_unknown_profile_names_those_there_are():
    with pytest.raises(ValueError, match="features, spectrum"):
        NeSR(dataclasses.replace(SMALL, profile="colour"))


def test_lattice_windows_are_centred_on_their_pixels():
    framed = torch.nn.functional.pad(torch.arange(35.0).view(1, 1, 5, 7), (2, 2, 2, 2))
    assert lattice(framed, 3)[0, 0, 2, 2::5].tolist() == [0, 3, 6, 21, 24, 27]
