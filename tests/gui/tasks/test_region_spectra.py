"""Which pixels a region holds, and the mean and spread of their spectra."""

from __future__ import annotations

import numpy as np
import pytest

from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.gui.model.marks import simplified
from nesr_gui.gui.tasks.spectra import RegionQuery, pixels_of, query_regions, strewn
from nesr_gui.regions import Region, Shape, inside
from tests.gui.conftest import BANDS, smooth_cube

CUBE = smooth_cube(60, 80)
FIELD = CubeField(CUBE, BANDS)
EVERY = np.arange(400, 701.0)
REGIONS = [
    Region(Shape.RECTANGLE, ((10, 12), (30, 50))),
    Region(Shape.ELLIPSE, ((10, 12), (30, 50))),
    Region(Shape.POLYGON, ((5.13, 5.29), (50.2, 20.1), (20.3, 70.4))),
    Region(Shape.LASSO, ((5.13, 5.29), (50.2, 5.1), (50.2, 50.3), (30.1, 20.4), (5.2, 50.1))),  # not convex
    Region(Shape.POLYGON, ((10.13, 10.29), (40.13, 40.33), (10.2, 40.4), (40.1, 10.3))),  # crosses itself
]


def ignore(fraction: float) -> None:
    pass


def contains(region: Region, row: float, col: float) -> bool:
    """Slowly, as the definitions say."""
    top, left, bottom, right = region.bounds
    if region.shape is Shape.RECTANGLE:
        return top <= row < bottom and left <= col < right
    if region.shape is Shape.ELLIPSE:
        y, x = (row - (top + bottom) / 2) / ((bottom - top) / 2), (col - (left + right) / 2) / ((right - left) / 2)
        return x * x + y * y <= 1
    odd, points = False, region.vertices
    for (r0, c0), (r1, c1) in zip(points, (*points[1:], points[0]), strict=True):
        if (r0 > row) != (r1 > row) and col > c0 + (row - r0) / (r1 - r0) * (c1 - c0):
            odd = not odd
    return odd


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: str(region.shape))
@pytest.mark.parametrize("binning", [1, 3])
def test_a_region_holds_the_pixels_whose_centres_lie_in_it(region: Region, binning: int) -> None:
    shape = 60 // binning, 80 // binning
    expected = [
        (row, col) for row in range(shape[0]) for col in range(shape[1])
        if contains(region, (row + 0.5) * binning, (col + 0.5) * binning)
    ]  # fmt: skip
    assert [tuple(pixel) for pixel in pixels_of(region, binning, shape)[0].tolist()] == expected


def test_what_hangs_over_the_edge_is_cut_and_what_holds_no_centre_has_one_pixel() -> None:
    over = Region(Shape.RECTANGLE, ((50, 70), (90, 120)))
    assert pixels_of(over, 1, (60, 80))[1] == 10 * 10
    tiny = Region(Shape.POLYGON, ((5.1, 7.1), (5.2, 7.3), (5.3, 7.1)))
    assert pixels_of(tiny, 1, (60, 80))[0].tolist() == [[5, 7]]
    assert pixels_of(tiny, 8, (7, 10))[0].tolist() == [[0, 0]]


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: str(region.shape))
def test_the_curve_is_the_mean_and_deviation_of_its_pixels(region: Region) -> None:
    curve = query_regions(RegionQuery(FIELD, FIELD, 1, (region,), 10**6), ignore)[region]
    pixels, _ = pixels_of(region, 1, FIELD.shape)
    expected = FIELD.spectra(pixels, EVERY).astype(np.float64)
    np.testing.assert_allclose(curve.spectrum.values, expected.mean(0), atol=1e-6)
    assert curve.deviation is not None and curve.truth is not None
    np.testing.assert_allclose(curve.deviation, expected.std(0), atol=1e-5)
    np.testing.assert_allclose(curve.truth.values, curve.spectrum.values, atol=1e-6)
    assert curve.pixels == curve.of == len(pixels)


def test_a_sample_is_even_and_told() -> None:
    whole = Region(Shape.RECTANGLE, ((0, 0), (60, 80)))
    curve = query_regions(RegionQuery(FIELD, None, 1, (whole,), 100), ignore)[whole]
    assert (curve.pixels, curve.of) == (100, 4800) and "100 of 4800 pixels" in curve.spread_text()
    np.testing.assert_allclose(curve.spectrum.values, FIELD.cube(EVERY).values.mean((1, 2)), atol=0.03)
    members, _ = pixels_of(whole, 1, FIELD.shape)
    assert len(np.unique(strewn(members, 100), axis=0)) == 100 and strewn(members, 4800) is members


def test_a_huge_region_is_scanned_within_memory() -> None:
    circle = Region(Shape.ELLIPSE, ((0, 0), (30_000, 40_000)))
    members, of = pixels_of(circle, 1, (30_000, 40_000))
    assert len(members) < 1 << 22 and of == pytest.approx(np.pi / 4 * 30_000 * 40_000, rel=1e-3)
    assert (members.min(0) >= 0).all() and (members.max(0) < (30_000, 40_000)).all()


def test_source_coordinates_stay_whatever_the_reduction() -> None:
    """A field of blocks of 2×2 source pixels answers the same region with the pixels that lie there."""
    region = Region(Shape.RECTANGLE, ((20, 24), (60, 100)))
    curve = query_regions(RegionQuery(FIELD, None, 2, (region,), 10**6), ignore)[region]
    np.testing.assert_allclose(curve.spectrum.values[::10], CUBE[:, 10:30, 12:50].mean((1, 2)), atol=1e-6)


def test_it_stops_between_two_pieces() -> None:
    def stop(fraction: float) -> None:
        if fraction > 0.2:
            raise Cancelled

    whole = Region(Shape.RECTANGLE, ((0, 0), (60, 80)))
    with pytest.raises(Cancelled):
        query_regions(RegionQuery(FIELD, None, 1, (whole,), 10**6), stop)


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: str(region.shape))
def test_moving_keeps_the_pixels_and_handles_stay_where_they_are_put(region: Region) -> None:
    moved = region.moved(3, -4)
    lattice = np.arange(100) + 0.5
    np.testing.assert_array_equal(inside(moved, lattice[3:], lattice[:-4]), inside(region, lattice[:-3], lattice[4:]))
    for handle in range(len(region.handles())):
        to = region.handles()[handle][0] + 2.5, region.handles()[handle][1] + 1.5
        assert region.reshaped(handle, to).handles()[handle] == pytest.approx(to)


def test_a_lasso_is_simplified_within_its_tolerance() -> None:
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = [(50 + 30 * np.sin(a), 50 + 30 * np.cos(a)) for a in angle]
    fewer = simplified(circle, 0.5)
    assert len(fewer) < 60
    lattice = np.arange(100) + 0.5
    both = [inside(Region(Shape.LASSO, tuple(points)), lattice, lattice) for points in (circle, fewer)]
    assert (both[0] != both[1]).sum() < 0.04 * both[0].sum()
