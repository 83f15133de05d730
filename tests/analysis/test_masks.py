"""The outlines of a mask cover exactly its pixels, part by part as SciPy labels them."""

import json

import numpy as np
import pytest
import rasterio.features
from scipy import ndimage

from nesr_gui.analysis import masks
from nesr_gui.analysis.masks import mask_regions
from nesr_gui.io.georeference import Georeference
from nesr_gui.io.regions.files import read_regions, write_regions
from nesr_gui.regions import Region, Shape, inside


def filled(regions, shape, binning=1):
    """How many regions cover each pixel."""
    centres = [(np.arange(size) + 0.5) * binning for size in shape]
    total = np.zeros(shape, int)
    for region in regions:
        total += inside(region.place, *centres)
        for hole in region.place.holes:
            assert inside(Region(Shape.POLYGON, region.place.vertices), *centres)[
                inside(Region(Shape.POLYGON, hole), *centres)
            ].all()
    return total


@pytest.mark.parametrize("seed", range(40))
def test_random_masks_are_covered_exactly(seed):
    chance = np.random.default_rng(seed)
    mask = chance.random(chance.integers(1, 14, 2)) < chance.uniform(0.1, 0.95)
    regions = mask_regions(mask)
    np.testing.assert_array_equal(filled(regions, mask.shape), mask.astype(int))
    assert len(regions) == ndimage.label(mask)[1]
    for region in regions:  # simple rings: no vertex twice
        for ring in region.place.outlines:
            assert len(set(ring)) == len(ring) >= 4


def test_a_part_in_the_hole_of_another_and_nested_holes():
    mask = np.zeros((11, 11), bool)
    mask[0:11, 0:11], mask[1:10, 1:10], mask[2:9, 2:9], mask[3:8, 3:8], mask[5, 5] = 1, 0, 1, 0, 1
    regions = mask_regions(mask, "ring")
    assert [len(region.place.holes) for region in regions] == [1, 1, 0]
    assert [region.name for region in regions] == ["ring 1", "ring 2", "ring 3"]
    np.testing.assert_array_equal(filled(regions, mask.shape), mask)


def test_a_hole_behind_another_hole_belongs_to_its_part():
    mask = np.ones((7, 12), bool)
    mask[2:5, 2:4] = mask[3, 5] = mask[1:6, 8] = mask[1, 8:11] = mask[5, 8:11] = False
    (region,) = mask_regions(mask)
    assert len(region.place.holes) == 3
    np.testing.assert_array_equal(filled([region], mask.shape), mask)


def test_small_parts_are_left_out_by_their_pixels_without_holes():
    mask = np.zeros((5, 9), bool)
    mask[:5, :5], mask[1:4, 1:4], mask[0, 7] = 1, 0, 1  # 16 pixels and 1
    assert len(mask_regions(mask, least_pixels=16)) == 1 and mask_regions(mask, least_pixels=17) == []


def test_regions_are_in_source_pixels():
    mask = np.zeros((4, 4), bool)
    mask[1, 2] = True
    (region,) = mask_regions(mask, "leaf", binning=3, origin=(10, 20), colour="#00ff00")
    assert region.place.bounds == (33, 66, 36, 69) and (region.name, region.colour) == ("leaf", "#00ff00")


def test_geojson_of_a_georeferenced_mask_is_that_of_rasterio(tmp_path):
    chance = np.random.default_rng(1)
    mask = ndimage.gaussian_filter(chance.normal(size=(60, 70)), 1) > 0.02
    where = Georeference.upright((500_000, 5_400_000), (2.0, 2.0), 32632)
    write_regions(tmp_path / "mask.geojson", mask_regions(mask), where)
    content = json.loads((tmp_path / "mask.geojson").read_text())
    a, b, c, d, e, f = where.transform
    own = rasterio.features.rasterize(
        [feature["geometry"] for feature in content["features"]],
        mask.shape,
        transform=rasterio.Affine(a, b, c, d, e, f),
    )
    np.testing.assert_array_equal(own, mask)
    assert any(len(feature["geometry"]["coordinates"]) > 1 for feature in content["features"])
    read = read_regions(tmp_path / "mask.geojson", where)
    assert len(read) == len(content["features"])
    np.testing.assert_array_equal(filled(read, mask.shape), mask)


def test_an_empty_mask_has_no_regions():
    assert mask_regions(np.zeros((3, 4), bool)) == []


def test_too_many_parts_are_told_in_one_sentence(monkeypatch):
    monkeypatch.setattr(masks, "MAX_REGIONS", 3)
    mask = np.zeros((1, 9), bool)
    mask[0, ::2] = True
    with pytest.raises(ValueError, match="the mask has 5 separate parts; at most 3 can be regions"):
        mask_regions(mask)
    monkeypatch.setattr(masks, "MAX_EDGES", 10)
    with pytest.raises(ValueError, match="the mask has outlines of 20 pixel edges; at most 10"):
        mask_regions(mask)


def test_the_largest_parts_come_first_and_holes_count():
    mask = np.zeros((12, 20), bool)
    mask[1:4, 1:4] = True  # 9 pixels
    mask[1:7, 6:12] = True
    mask[2:6, 7:11] = False  # 36 - 16 = 20 pixels
    mask[8:11, 1:9] = True  # 24 pixels
    mask[9, 15] = True
    found = mask_regions(mask, "part", most=2)
    assert [each.place.bounds for each in found] == [(8, 1, 11, 9), (1, 6, 7, 12)]
    assert [each.name for each in found] == ["part 1", "part 2"]
    speckled = np.zeros((300, 300), bool)
    speckled[::2, ::2] = True
    speckled[10:13, 10:13] = True
    assert [each.place.bounds for each in mask_regions(speckled, most=1)] == [(10, 10, 13, 13)]
    with pytest.raises(ValueError, match="separate parts"):
        mask_regions(speckled)
