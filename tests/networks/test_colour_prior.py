"""What a colour alone says: black is black, curves have no kinks, and a known relation is learned."""

import dataclasses

import numpy as np
import torch

from nesr_gui.networks.colour_prior import ColourPrior, catmull_rom
from nesr_gui.training.colour_prior import fit_guide
from nesr_gui.training.sampler import Batches, TrainingConfig
from nesr_gui.training.synthesis import BANDS
from tests.training import worlds


def made(knots: int = 31, seed: int = 0) -> ColourPrior:
    torch.manual_seed(seed)
    guide = ColourPrior(knots, 8)
    for parameter in guide.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return guide


def test_splines_pass_through_their_knots_and_keep_straight_lines():
    knots = torch.linspace(0, 1, 31)
    torch.testing.assert_close(catmull_rom(knots, 31), torch.eye(31), atol=1e-5, rtol=0)
    positions = torch.rand(200)
    torch.testing.assert_close(catmull_rom(positions, 31) @ knots, positions, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(catmull_rom(positions, 31).sum(1), torch.ones(200))


def test_the_slope_is_the_same_on_both_sides_of_a_knot():
    values = torch.rand(31, dtype=torch.float64)
    step = 1e-6
    for knot in (1, 7, 29):
        at = torch.tensor([knot / 30 - step, knot / 30, knot / 30 + step], dtype=torch.float64)
        before, here, after = (catmull_rom(at, 31) @ values).tolist()
        assert abs((after - here) - (here - before)) / step < 1e-2


def test_fresh_it_is_its_base_and_black_stays_black():
    rgb = torch.rand(2, 3, 4, 5)
    torch.testing.assert_close(ColourPrior(31, 8)(rgb, torch.tensor([0.3]))[:, 0], rgb.mean(1))
    assert made()(torch.zeros(1, 3, 2, 2), torch.rand(7)).abs().max() == 0


def test_a_value_depends_on_its_own_pixel_and_wavelength_only():
    guide, rgb, positions = made(), torch.rand(1, 3, 6, 7), torch.rand(5)
    together = guide(rgb, positions)
    torch.testing.assert_close(guide(rgb[:, :, 2:3, 4:5], positions[3:4])[0, 0, 0, 0], together[0, 3, 2, 4])


def test_it_learns_what_colours_say():
    config = TrainingConfig(batch=8, rendering=dataclasses.replace(TrainingConfig().rendering, patch=16))
    batches = Batches([worlds.scene("a")], [worlds.library("fine", 1)], config)
    guide = ColourPrior(31, 16)
    torch.manual_seed(0)
    fit_guide(guide, batches)
    patches = batches.render(np.random.default_rng(99), BANDS)
    with torch.no_grad():
        answer = guide(torch.from_numpy(patches.rgb), torch.linspace(0, 1, 31)).numpy()
        base = torch.einsum("lc,bchw->blhw", guide.base, torch.from_numpy(patches.rgb)).numpy()
    error, mean_error = (abs(a - patches.truth).mean() for a in (answer, patches.truth.mean((0, 2, 3), keepdims=True)))
    assert error < 0.5 * mean_error
    assert error < abs(base - patches.truth).mean()
