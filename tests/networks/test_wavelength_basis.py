"""Functions of the wavelength: the splines of the linear answer."""

import numpy as np
import pytest
import torch

from nesr_gui.networks.factorised_nesr import WavelengthBasis, catmull_rom
from tests.networks import slow


@pytest.mark.parametrize("knots", [2, 3, 31])
def test_a_spline_passes_through_its_knots_and_keeps_straight_lines(knots, device):
    places = torch.linspace(0, 1, knots, device=device)
    torch.testing.assert_close(catmull_rom(places, knots), torch.eye(knots, device=device), atol=1e-4, rtol=0)
    anywhere = torch.rand(50, device=device)
    weights = catmull_rom(anywhere, knots)
    torch.testing.assert_close(weights.sum(1), torch.ones(50, device=device), atol=1e-5, rtol=0)
    torch.testing.assert_close(weights @ (3 * places - 1), 3 * anywhere - 1, atol=1e-5, rtol=0)


@pytest.mark.parametrize("knots", [2, 4, 31])
def test_a_spline_equals_the_cubic_of_its_four_knots(knots):
    values = np.random.default_rng(0).random((knots, 3))
    for position in np.random.default_rng(1).random(20):
        got = catmull_rom(torch.tensor([position]), knots) @ torch.from_numpy(values)
        np.testing.assert_allclose(got[0], slow.spline(values, position), atol=1e-6)


def test_a_function_does_not_depend_on_the_others_asked(device):
    torch.manual_seed(0)
    basis, coord = WavelengthBasis(5, 7).to(device), torch.linspace(-1, 1, 9, device=device)
    together = basis(coord)
    assert together.shape == (9, 8)
    torch.testing.assert_close(torch.cat([basis(one[None]) for one in coord]), together, atol=1e-6, rtol=1e-5)
