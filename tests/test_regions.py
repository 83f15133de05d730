"""Regions as text, and holes: what belongs to a region, and what goes with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nesr_gui.regions import Region, Shape, area, inside

LATTICE = np.arange(40) + 0.5
OUTLINE = ((2.0, 3.0), (2.0, 30.0), (35.0, 31.5), (30.0, 4.0))
HOLES = (((5.0, 6.0), (5.0, 12.0), (12.0, 9.0)), ((20.0, 20.0), (20.0, 21.0), (21.0, 21.0), (21.0, 20.0)))
POINTS = st.tuples(*[st.integers(-400, 4000).map(lambda at: at / 4)] * 2)
OUTLINES = st.lists(POINTS, min_size=3, max_size=6).map(tuple)


def mask(region: Region) -> npt.NDArray[np.bool_]:
    return inside(region, LATTICE, LATTICE)


@pytest.mark.parametrize("shape", [Shape.POLYGON, Shape.LASSO])
def test_holes_do_not_belong_to_a_region(shape: Shape) -> None:
    without = mask(Region(shape, OUTLINE))
    holes = [mask(Region(shape, hole)) for hole in HOLES]
    assert all(hole.any() and without[hole].all() for hole in holes)
    np.testing.assert_array_equal(mask(Region(shape, OUTLINE, HOLES)), without & ~holes[0] & ~holes[1])


@given(st.sampled_from([Shape.POLYGON, Shape.LASSO]), OUTLINES, st.lists(OUTLINES, max_size=3).map(tuple))
def test_text_makes_the_region_again(shape: Shape, outline: tuple[tuple[float, float], ...], holes: object) -> None:
    region = Region(shape, outline, holes)  # type: ignore[arg-type]
    assert Region.parse(str(region)) == region


@pytest.mark.parametrize("shape", [Shape.POLYGON, Shape.LASSO])
def test_holes_move_with_their_region(shape: Shape) -> None:
    region = Region(shape, OUTLINE, HOLES)
    moved = region.moved(3, -2)
    np.testing.assert_array_equal(mask(moved)[3:, :-2], mask(region)[:-3, 2:])
    assert moved.moved(-3, 2) == region


def test_a_lasso_is_scaled_with_its_holes() -> None:
    lasso = Region(Shape.LASSO, OUTLINE, HOLES)
    top, left, bottom, right = lasso.bounds
    larger = lasso.reshaped(2, (2 * bottom - top, 2 * right - left))
    assert [area(ring) for ring in larger.outlines] == pytest.approx([4 * area(ring) for ring in lasso.outlines])


def test_every_corner_of_a_polygon_and_its_holes_can_be_dragged_alone() -> None:
    region = Region(Shape.POLYGON, OUTLINE, HOLES)
    for ring, outline in enumerate(region.outlines):
        for corner in range(len(outline)):
            vertices, *holes = expected = [list(each) for each in region.outlines]
            expected[ring][corner] = (1.0, 2.0)
            changed = region.reshaped(region.handles().index(outline[corner]), (1.0, 2.0))
            assert changed == Region(Shape.POLYGON, tuple(vertices), tuple(map(tuple, holes)))


def test_what_cannot_be_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="a rectangle cannot have holes; use a polygon or a lasso"):
        Region(Shape.RECTANGLE, ((0, 0), (9, 9)), (HOLES[0],))
    for hole in ("hole 1,1 2,2", "hole 1,1 2,2 nan,3", "hole 1,1 2,2 x,3"):
        with pytest.raises(ValueError, match="corners"):
            Region.parse(f"polygon 0,0 0,9 9,9 {hole}")


def test_a_region_of_too_many_corners_is_not_cut_short() -> None:
    corners = [f"{row},{col}" for row in range(100) for col in range(101)]
    assert len(Region.parse(" ".join(["lasso", *corners[:10_000]])).vertices) == 10_000
    with pytest.raises(ValueError, match=r"a region of 10,100 corners; at most 10,000 are allowed"):
        Region.parse(" ".join(["lasso", *corners]))
