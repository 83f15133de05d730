"""Tiles: exact where a network is local, blended and said so where it is not."""

import numpy as np
import pytest
import torch
from torch import nn

from nesr_gui.fields.protocol import Cancelled
from nesr_gui.inference import tiling
from nesr_gui.networks.hscnn_r import HSCNNR


@pytest.mark.parametrize(
    "window", [(slice(0, 30), slice(0, 41)), (slice(7, 9), slice(38, 41)), (slice(12, 13), slice(0, 1))]
)
def test_a_window_of_a_local_network_is_that_of_the_whole(window):
    network, image = HSCNNR(4, 2, 3).eval(), torch.rand(1, 3, 30, 41)
    with torch.no_grad():
        answer = tiling.run_tile_with_halo(network, image, *window, network.halo)
        torch.testing.assert_close(answer, network(image)[:, :, *window], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("shape", [(5, 9), (16, 16), (17, 40), (64, 33), (100, 3)])
def test_blended_tiles_of_a_local_map_are_the_map(shape):
    image = torch.rand(1, 3, *shape)
    answer = tiling.run_whole_or_blended(nn.Identity(), lambda part: 2 * part, image, 16, lambda done: None)
    torch.testing.assert_close(answer, 2 * image)


@pytest.mark.parametrize("size", [16, 17, 29, 30, 31, 100])
def test_tiles_have_one_size_cover_all_and_overlap(size):
    starts = tiling._starts(size, 16)
    assert (starts[0], starts[-1]) == (0, size - 16)
    assert max(np.diff(starts), default=0) <= 14


def test_seams_are_blended():
    """What differs from tile to tile changes gradually where they meet."""
    calls = iter(range(10))
    answer = tiling.run_whole_or_blended(
        nn.Identity(), lambda part: torch.full_like(part, next(calls)), torch.zeros(1, 1, 32, 56), 32, lambda done: None
    )
    row = answer[0, 0, 0]
    assert (row[0], row[-1]) == (0, 1)
    assert (row.diff() >= 0).all() and row.diff().max() < 0.3


def test_a_whole_image_reports_between_layers_and_can_be_stopped():
    network, image, seen = HSCNNR(4, 2, 3), torch.rand(1, 3, 8, 8), []
    tiling.run_whole_or_blended(network, network, image, None, seen.append)
    assert seen == sorted(seen) and len(seen) == 6

    def stop(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        tiling.run_whole_or_blended(network, network, image, None, stop)
    network(image)  # nothing of it is left in the network
    assert len(seen) == 6


def test_tiles_report_between_layers_too():
    network, image, seen = HSCNNR(4, 2, 3), torch.rand(1, 3, 16, 28), []
    tiling.run_whole_or_blended(network, network, image, 16, seen.append)
    assert seen == sorted(seen) and len(seen) == 2 * 6 and seen[:2] == [0, 1 / 12] and seen[6] == 1 / 2


def test_what_does_not_fit_is_cut(monkeypatch):
    monkeypatch.setattr(tiling, "WHOLE_BYTES", 4 * 10 * 64 * 64)
    assert tiling.blended_tile_size(10, (64, 64)) is None
    assert tiling.blended_tile_size(10, (64, 65)) == 64
    assert tiling.blended_tile_size(20, (64, 64)) == 32
