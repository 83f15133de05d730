import numpy as np
import pytest

from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.model.viewport import SamplingGrid, Viewport, resolve_sampling
from tests.gui.conftest import BANDS, smooth_cube

FIELD = CubeField(smooth_cube(300, 400), BANDS)
ALL = Viewport(-10, 310, -10, 410, 0.5)


def band(sampling: SamplingGrid) -> np.ndarray:
    return FIELD.band(512.3, stride=sampling.stride, rows=sampling.rows, cols=sampling.cols)


@pytest.mark.parametrize("samples", [100, 5000, 1 << 20, None])
@pytest.mark.parametrize("binning", [1, 3])
@pytest.mark.parametrize("view", [ALL, Viewport(31.5, 97, 50.2, 120, 0.3), Viewport(100, 900, 0, 1200, 4.0)])
def test_a_sampling_covers_what_is_in_view_and_stands_where_it_was_sampled(
    samples: int | None, binning: int, view: Viewport
) -> None:
    sampling = resolve_sampling(FIELD.shape, binning, view, samples)
    values = band(sampling)
    x, y, width, height = sampling.rect
    side = sampling.stride * binning
    assert values.shape == sampling.size == (height // side, width // side) and x % side == y % side == 0
    assert sampling.covers(view, (300 * binning, 400 * binning))
    if samples is not None:
        assert values.size <= samples * 1.3 + 200
    whole = FIELD.band(512.3)
    for i in range(0, values.shape[0], 7):
        for j in range(0, values.shape[1], 7):  # the block of each sample begins at the pixel that was sampled
            assert values[i, j] == whole[(y + i * side) // binning, (x + j * side) // binning]
            assert sampling.index_of(y + i * side, x + j * side + side - 1) == (i, j)
    assert sampling.index_of(y - 1, x) is None and sampling.index_of(y, x + width) is None


def test_the_exact_sampling_is_as_fine_as_the_screen() -> None:
    assert resolve_sampling(FIELD.shape, 1, Viewport(0, 300, 0, 400, 0.5), None).stride == 1
    assert resolve_sampling(FIELD.shape, 1, Viewport(0, 300, 0, 400, 3.7), None).stride == 3
    assert resolve_sampling(FIELD.shape, 1, Viewport(0, 300, 0, 400, 3.7), None, is_costly=True).stride == 4
    assert resolve_sampling(FIELD.shape, 2, Viewport(0, 600, 0, 800, 3.7), None).stride == 1


def test_strips_make_up_the_whole() -> None:
    sampling = resolve_sampling(FIELD.shape, 1, Viewport(13, 299, 7, 390, 2.2), None)
    strips = list(sampling.strips(1000))
    assert len(strips) > 3
    np.testing.assert_array_equal(np.concatenate([band(strip) for strip in strips]), band(sampling))


@pytest.mark.parametrize("stride", [1, 3])
def test_the_visible_samples_are_those_whose_pixels_are_in_view(stride: int) -> None:
    sampling = SamplingGrid(stride, slice(3, 40), slice(6, 50), 2)
    view = Viewport(top=20.5, bottom=47.0, left=-5.0, right=31.0, scale=1.0)
    rows, cols = sampling.visible(view)
    side = 2 * stride
    for part, start, count, low, high in (
        (rows, 6, sampling.size[0], 20.5, 47.0), (cols, 12, sampling.size[1], -5.0, 31.0)
    ):  # fmt: skip
        seen = [n for n in range(count) if start + n * side < high and start + (n + 1) * side > low]
        assert list(range(count))[part] == seen
    beside = Viewport(top=500, bottom=600, left=500, right=600, scale=1.0)
    assert np.empty(sampling.size)[sampling.visible(beside)].size == 0
    assert np.empty(sampling.size)[sampling.visible(None)].shape == sampling.size
