"""The attention map of an image does not depend on the tiles in which its sums are computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nesr_gui.inference.features import AttentionSums, LazyFeatures, tile_sums
from nesr_gui.inference.tiling import TILE, iter_square_tiles
from tests import tiny

SHAPE = HEIGHT, WIDTH = 17, 23


@pytest.fixture
def features() -> LazyFeatures:
    network = tiny.network(replace(tiny.CONFIG, context_pixels=40))
    assert network.context_stride(*SHAPE) == 4 and network.halo is not None
    rgb = torch.from_numpy(tiny.image(*SHAPE).values).permute(2, 0, 1)[None]
    return LazyFeatures(network, rgb, network.halo, TILE)


@pytest.mark.parametrize("side", [5, 6, 7])
def test_sums_of_tiles_are_those_of_the_image(features: LazyFeatures, side: int) -> None:
    """Tiles that do not start on the image's lattice: its first pixel in a tile is not the tile's first."""
    whole, parts = (sums_in_tiles(features, size) for size in (max(SHAPE), side))
    for name in ("products", "queries", "keys"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-4, atol=1e-4)


def test_a_tile_between_the_points_of_the_lattice_adds_nothing(features: LazyFeatures) -> None:
    between = slice(1, 4)
    for rows, cols in ((between, slice(0, WIDTH)), (slice(0, HEIGHT), between)):
        assert tile_sums(features.network, features, SHAPE, rows, cols) is None


def sums_in_tiles(features: LazyFeatures, side: int) -> AttentionSums:
    tiles = iter_square_tiles(slice(0, HEIGHT), slice(0, WIDTH), side)
    return AttentionSums.total(tile_sums(features.network, features, SHAPE, rows, cols) for _, rows, cols in tiles)
