"""The geometry of a transect: the nearest of its points is the nearest of many."""

from __future__ import annotations

import numpy as np
import pytest

from nesr_gui.gui.model.transect import TransectLine

CHANCE = np.random.default_rng(6)


@pytest.mark.parametrize("ends", [((3, 4), (17, 26)), ((20, 5), (2, 5)), ((8, 30), (8, 1))])
def test_the_nearest_point_of_a_line_is_that_of_a_slow_search(ends: tuple[tuple[float, float], ...]) -> None:
    """Also beside its ends, where it is one of them."""
    line = TransectLine(*ends)
    shares = np.linspace(0, 1, 20_001)
    points = np.array(ends[0]) + shares[:, None] * (np.array(ends[1]) - np.array(ends[0]))
    for place in CHANCE.uniform(-10, 40, (60, 2)):
        distance, away = line.project((float(place[0]), float(place[1])))
        gaps = np.hypot(*(points - place).T)
        assert away == pytest.approx(gaps.min(), abs=1e-2)
        assert distance == pytest.approx(shares[gaps.argmin()] * line.length, abs=1e-2)
        assert line.point_at(distance) == pytest.approx(tuple(points[gaps.argmin()]), abs=1e-2)
