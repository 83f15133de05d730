"""The composed network: size, independence of the request, output forms."""

import dataclasses

import pytest
import torch

from nesr_gui.networks.nesr import NeSR, NeSRConfig
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


def test_lattice_windows_are_centred_on_their_pixels():
    framed = torch.nn.functional.pad(torch.arange(35.0).view(1, 1, 5, 7), (2, 2, 2, 2))
    assert lattice(framed, 3)[0, 0, 2, 2::5].tolist() == [0, 3, 6, 21, 24, 27]
