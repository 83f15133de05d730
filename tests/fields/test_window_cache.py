"""The latest windows of an image are kept, and parts of them are found again."""

import numpy as np
import pytest

from nesr_gui.fields.window_cache import WindowCache


def test_the_latest_windows_are_kept_within_the_limit():
    cache = WindowCache[np.ndarray](limit=3 * 40)
    for row in range(4):
        cache.add((row, row + 1, 0, 10, 1), np.full((1, 1, 10), row, np.float32))
        cache.get((1, 2, 0, 10, 1))
    assert cache.get((0, 1, 0, 10, 1)) is None
    assert cache.get((1, 2, 0, 10, 1))[0, 0, 0] == 1 and cache.get((3, 4, 0, 10, 1))[0, 0, 0] == 3
    cache.add((9, 10, 0, 99, 1), np.zeros((1, 1, 99), np.float32))  # larger than the limit
    assert cache.get((9, 10, 0, 99, 1)) is None


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize(
    "window",
    [(0, 20, 0, 30, 6), (3, 20, 0, 30, 6), (0, 20, 5, 30, 6), (6, 13, 12, 30, 6), (2, 20, 3, 29, 1), (6, 19, 6, 25, 2)],
)
def test_a_part_of_a_window_is_exactly_its_pixels_or_not_found(step, window):
    image = np.arange(20 * 30, dtype=np.float32).reshape(1, 20, 30)
    cache = WindowCache[np.ndarray](limit=1 << 20)
    cache.add((0, 20, 0, 30, step), image[:, ::step, ::step])
    top, bottom, left, right, stride = window
    found = cache.get(window)
    if stride % step or top % step or left % step:
        assert found is None
    else:
        np.testing.assert_array_equal(found, image[:, top:bottom:stride, left:right:stride])


def test_pixels_outside_a_window_are_not_found():
    cache = WindowCache[np.ndarray](limit=1 << 20)
    cache.add((4, 10, 4, 10, 1), np.zeros((1, 6, 6), np.float32))
    for outside in [(3, 9, 4, 9, 1), (5, 11, 4, 9, 1), (4, 9, 3, 9, 1), (4, 9, 5, 11, 1)]:
        assert cache.get(outside) is None
