"""HSCNN-R: the evaluation in strips of rows against that of the whole image."""

import pytest
import torch

from nesr_gui.networks import hscnn_r
from nesr_gui.networks.hscnn_r import HSCNNR, add_branch, convolve_rows


def chunks(image: torch.Tensor, sizes: list[int]):
    return iter(image.split(sizes, 2))


@pytest.mark.parametrize("sizes", [[9], [1] * 9, [1, 8], [8, 1], [2, 3, 4], [1, 1, 7], [5, 1, 1, 2]])
def test_rows_through_a_chain_of_layers_are_those_of_the_whole_image(sizes):
    torch.manual_seed(0)
    one, two = (torch.nn.Conv2d(4, 4, 3, padding=1) for _ in range(2))
    image = torch.randn(2, 4, 9, 5)
    rolled = add_branch(chunks(image, sizes), lambda rows: convolve_rows(convolve_rows(rows, one), two))
    with torch.no_grad():
        torch.testing.assert_close(torch.cat(list(rolled), 2), image + two(one(image)))


@pytest.mark.parametrize("bands", [None, 5])
@pytest.mark.parametrize("rows", [4, 5, 50])
@pytest.mark.parametrize("height", [1, 2, 3, 11, 12])
def test_an_encoder_that_answers_without_gradients_answers_the_same(monkeypatch, bands, rows, height):
    monkeypatch.setattr(hscnn_r, "PIXELS", 6 * rows)
    torch.manual_seed(0)
    network, image = HSCNNR(8, 3, bands), torch.rand(1, 3, height, 6)
    with torch.no_grad():
        rolled = network(image)
    torch.testing.assert_close(rolled, network(image).detach())


def test_rows_come_before_the_image_ends():
    torch.manual_seed(0)
    network, taken = HSCNNR(4, 2), []

    def watched():
        for row in torch.rand(1, 3, 40, 5).split(1, 2):
            taken.append(row)
            yield row

    with torch.no_grad():
        next(iter(network.forward_rows(watched())))
    assert len(taken) == 1 + network.halo  # a row, and those below it that it depends on
