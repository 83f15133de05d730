"""The attention map of an image does not depend on the tiles in which its sums are computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nesr_gui.inference import engine
from nesr_gui.inference.checkpoint import Checkpoint
from nesr_gui.inference.features import AttentionSums, tile_sums
from nesr_gui.inference.model import LoadedModel
from nesr_gui.inference.tiling import iter_square_tiles
from tests import tiny

HEIGHT, WIDTH = 17, 23


@pytest.fixture
def prepared() -> engine.PreparedInput:
    network = tiny.network(replace(tiny.CONFIG, context_pixels=40))
    assert network.context_stride(HEIGHT, WIDTH) == 4
    return engine.PreparedInput.of(tiny.image(HEIGHT, WIDTH), LoadedModel(Checkpoint("tiny", network, {}, "ab"), "cpu"))


@pytest.mark.parametrize("side", [5, 6, 7])
def test_sums_of_tiles_are_those_of_the_image(prepared: engine.PreparedInput, side: int) -> None:
    """Tiles that do not start on the image's lattice: its first pixel in a tile is not the tile's first."""
    whole, parts = (sums_in_tiles(prepared, size) for size in (max(HEIGHT, WIDTH), side))
    for name in ("products", "queries", "keys"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-4, atol=1e-4)


def test_a_tile_between_the_points_of_the_lattice_adds_nothing(prepared: engine.PreparedInput) -> None:
    between = slice(1, 4)
    assert tile_sums(prepared.network, prepared.features, (HEIGHT, WIDTH), between, slice(0, WIDTH)) is None
    assert tile_sums(prepared.network, prepared.features, (HEIGHT, WIDTH), slice(0, HEIGHT), between) is None


def sums_in_tiles(prepared: engine.PreparedInput, side: int) -> AttentionSums:
    shape, features = (HEIGHT, WIDTH), prepared.features
    tiles = iter_square_tiles(slice(0, HEIGHT), slice(0, WIDTH), side)
    with torch.inference_mode():
        return AttentionSums.total(tile_sums(prepared.network, features, shape, rows, cols) for _, rows, cols in tiles)
