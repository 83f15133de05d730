"""Regions as other programs write and read them: GeoJSON in pixels and map coordinates, ImageJ's .roi and sets."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.georeference import Georeference
from nesr_gui.io.regions.files import MAX_BYTES, NamedRegion, is_region_file, read_regions, write_regions
from nesr_gui.io.registry import MissingExtra
from nesr_gui.regions import Region, Shape, inside

UTM = "UTM, 1.000, 1.000, 500000.000, 5200000.000, 1.0e+001, 1.0e+001, 33, North, WGS-84, units=Meters"
HEIGHT, WIDTH = 60, 80
REGIONS = [
    NamedRegion((12, 34), "pin 1", "#c32f0f"),
    NamedRegion(Region.rectangle(2.5, 3, 20, 40.25), "leaf", "#1a95fe"),
    NamedRegion(Region(Shape.ELLIPSE, ((10, 20), (30, 61.5))), "stem", "#1e7652"),
    NamedRegion(Region(Shape.POLYGON, ((5.1, 5.3), (5.6, 30.2), (40.4, 20.7))), "soil", "#cd8309"),
    NamedRegion(Region(Shape.LASSO, ((1, 1), (2, 9), (9, 9.75), (8, 2))), "soil", "#b128a8"),
]
LAKE = NamedRegion(
    Region(
        Shape.POLYGON,
        ((2, 3), (50.5, 4), (55, 70.3), (5, 60.1)),
        (((10, 10), (10, 20), (20, 20.25)), ((30, 30), (30, 31), (31, 31), (31, 30))),
    ),
    "lake",
    "#1a95fe",
)


def mask(region: Region) -> np.ndarray:
    return inside(region, np.arange(HEIGHT) + 0.5, np.arange(WIDTH) + 0.5)


def same(read: list[NamedRegion], expected: list[NamedRegion] = REGIONS) -> bool:
    def vertices(region: NamedRegion) -> Any:
        return region.place.vertices if isinstance(region.place, Region) else region.place

    def bounds(region: NamedRegion) -> Any:
        return region.place.bounds if isinstance(region.place, Region) else region.place

    return [(type(each.place), getattr(each.place, "shape", None), each.colour) for each in read] == [
        (type(each.place), getattr(each.place, "shape", None), each.colour) for each in expected
    ] and all(
        np.allclose(*(bounds(side) for side in pair), atol=1e-3)
        and (len(vertices(pair[0])) == 2 or np.allclose(*(vertices(side) for side in pair), atol=1e-3))
        for pair in zip(read, expected, strict=True)
    )


@pytest.mark.parametrize("name", ["r.geojson", "r.json", "r.zip"])
@pytest.mark.parametrize("where", [None, Georeference.parse(UTM)], ids=["pixels", "map"])
def test_regions_survive_the_way_to_a_file_and_back(tmp_path: Path, name: str, where: Georeference | None) -> None:
    write_regions(tmp_path / name, REGIONS, where)
    read = read_regions(tmp_path / name, where)
    assert same(read)
    assert [region.name for region in read][:4] == ["pin 1", "leaf", "stem", "soil"]


def test_one_region_is_a_roi_file(tmp_path: Path) -> None:
    for number, region in enumerate(REGIONS):
        write_regions(tmp_path / f"{number}.roi", [region])
        assert same(read_regions(tmp_path / f"{number}.roi"), [region])
    with pytest.raises(ValueError, match=r"a .roi file holds one region, not 5; save them as .zip"):
        write_regions(tmp_path / "all.roi", REGIONS)
    assert not (tmp_path / "all.roi").exists()


# GeoJSON and other programs


@pytest.mark.parametrize("name", ["r.geojson", "r.zip", "r.roi"])
@pytest.mark.parametrize("where", [None, Georeference.parse(UTM)], ids=["pixels", "map"])
def test_holes_survive_the_way_to_a_file_and_back(tmp_path: Path, name: str, where: Georeference | None) -> None:
    write_regions(tmp_path / name, [LAKE], where)
    (read,) = read_regions(tmp_path / name, where)
    assert isinstance(read.place, Region) and isinstance(LAKE.place, Region)
    assert (read.name, read.colour, len(read.place.holes)) == ("lake", "#1a95fe", 2)
    for ring, expected in zip(read.place.outlines, LAKE.place.outlines, strict=True):
        np.testing.assert_allclose(ring, expected, atol=1e-3)
    np.testing.assert_array_equal(mask(read.place), mask(LAKE.place))


@pytest.mark.parametrize("where", [None, Georeference.parse(UTM)], ids=["pixels", "map"])
def test_rasterio_fills_the_same_pixels(tmp_path: Path, where: Georeference | None) -> None:
    features = pytest.importorskip("rasterio.features")
    affine = pytest.importorskip("rasterio.transform").Affine
    transform = affine(1, 0, 0, 0, 1, 0) if where is None else affine(10, 0, 500000, 0, -10, 5200000)
    regions = [*REGIONS, LAKE]
    write_regions(tmp_path / "r.geojson", regions, where)
    content = json.loads((tmp_path / "r.geojson").read_text())
    for region, feature in zip(regions, content["features"], strict=True):
        filled = features.geometry_mask([feature["geometry"]], (HEIGHT, WIDTH), transform, invert=True)
        if isinstance(region.place, Region):
            assert (filled != mask(region.place)).sum() <= 4  # an ellipse is a polygon of 72 sides
        else:
            assert np.argwhere(filled).tolist() == [list(region.place)]
    if where is not None:
        assert content["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32633"


QUPATH = [
    {"type": "Feature", "id": "PathROIObject", "geometry": {"type": "Polygon",
     "coordinates": [[[3, 4], [20, 4], [20, 30], [3, 30], [3, 4]],
      [[5, 5], [6, 5], [6, 6], [5, 5]], [], [[7, 7], [8, 8], [7, 7]]]},
     "properties": {"objectType": "annotation", "name": "Tumour", "color": [200, 0, 0]}},
    {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [
        [[[1, 1], [9, 1], [9, 9], [1, 1]]], [[[30, 1], [39, 1], [39, 9], [30, 1]]]]}, "properties": {}},
    {"type": "Feature", "geometry": {"type": "MultiPoint", "coordinates": [[7.5, 8.5, 100], [9, 10]]},
     "properties": None},
    {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[0, 0], [5, 5]]}, "properties": {}},
]  # fmt: skip


@pytest.mark.parametrize("content", [QUPATH, {"type": "FeatureCollection", "features": QUPATH}])
def test_what_qupath_writes_is_read(tmp_path: Path, content: object) -> None:
    path = tmp_path / "qupath.geojson"
    path.write_text(json.dumps(content), encoding="utf-8")
    tumour, first, second, one, other = read_regions(path)
    outline, hole = ((4, 3), (4, 20), (30, 20), (30, 3)), ((5, 5), (5, 6), (6, 6))
    assert tumour.name == "Tumour" and tumour.place == Region(Shape.POLYGON, outline, (hole,))
    assert (
        isinstance(first.place, Region) and isinstance(second.place, Region) and second.place.bounds == (1, 30, 9, 39)
    )
    assert (one.place, other.place) == ((8, 7), (10, 9))
    single = tmp_path / "single.geojson"
    single.write_text(json.dumps(QUPATH[0]["geometry"]))
    assert read_regions(single)[0].place == tumour.place


GEOGRAPHIC = Georeference.upright((11.0, 48.0), (0.001, 0.001), 4326)
FIELD = [[11.01, 47.98], [11.03, 47.98], [11.03, 47.96], [11.01, 47.96], [11.01, 47.98]]


def unstated(path: Path, coordinates: Any, kind: str = "Polygon", **members: Any) -> Path:
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": kind, "coordinates": coordinates}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature], **members}))
    return path


def test_longitude_and_latitude_of_the_standard_are_found_in_a_geographic_image(tmp_path: Path) -> None:
    notes: list[str] = []
    (read,) = read_regions(unstated(tmp_path / "r.geojson", [FIELD]), GEOGRAPHIC, (HEIGHT, WIDTH), notes)
    assert isinstance(read.place, Region)
    np.testing.assert_allclose(read.place.bounds, (20, 10, 40, 30), atol=1e-6)
    assert notes == ["r.geojson states no coordinate system; it was taken as longitude and latitude."]
    (pin,) = read_regions(unstated(tmp_path / "p.geojson", [11.0795, 47.9405], "Point"), GEOGRAPHIC, (HEIGHT, WIDTH))
    assert pin.place == (59, 79)
    image = [[11, 48], [11.08, 48], [11.08, 47.94], [11, 47.94], [11, 48]]
    (whole,) = read_regions(unstated(tmp_path / "w.geojson", [image]), GEOGRAPHIC, (HEIGHT, WIDTH))
    assert isinstance(whole.place, Region)
    np.testing.assert_allclose(whole.place.bounds, (0, 0, HEIGHT, WIDTH), atol=1e-6)


@pytest.mark.parametrize(
    ("coordinates", "where", "shape", "members"),
    [
        ([[[3, 4], [20, 4], [20, 30], [3, 4]]], GEOGRAPHIC, (HEIGHT, WIDTH), {}),
        ([[*FIELD[:3], [11.01, 47.9], FIELD[0]]], GEOGRAPHIC, (HEIGHT, WIDTH), {}),
        ([[*FIELD[:3], [11.09, 47.97], FIELD[0]]], GEOGRAPHIC, (HEIGHT, WIDTH), {}),
        ([[*FIELD[:3], [10.99, 47.97], FIELD[0]]], GEOGRAPHIC, (HEIGHT, WIDTH), {}),
        ([[*FIELD[:3], [11.01, 48.01], FIELD[0]]], GEOGRAPHIC, (HEIGHT, WIDTH), {}),
        ([FIELD], GEOGRAPHIC, (HEIGHT, WIDTH), {"coordinate_system": "pixel"}),
        ([FIELD], GEOGRAPHIC, (HEIGHT, WIDTH), {"crs": None}),
        ([FIELD], GEOGRAPHIC, None, {}),
        ([FIELD], None, (HEIGHT, WIDTH), {}),
        ([FIELD], Georeference.upright((11.0, 48.0), (0.001, 0.001), 32633), (HEIGHT, WIDTH), {}),
    ],
)
def test_other_coordinates_without_a_system_are_pixels(
    tmp_path: Path,
    coordinates: Any,
    where: Georeference | None,
    shape: tuple[int, int] | None,
    members: dict[str, Any],
) -> None:
    notes: list[str] = []
    (read,) = read_regions(unstated(tmp_path / "r.geojson", coordinates, **members), where, shape, notes)
    assert isinstance(read.place, Region) and not notes
    assert read.place.vertices == tuple((row, col) for col, row in coordinates[0][:-1])


def test_another_coordinate_system_is_refused(tmp_path: Path) -> None:
    where = Georeference.parse(UTM)
    path = tmp_path / "r.geojson"
    write_regions(path, REGIONS, where)
    with pytest.raises(UnreadableFile, match=r"system urn:ogc:def:crs:EPSG::32633; save it in pixels for this image"):
        read_regions(path)
    other = Georeference.parse(UTM.replace("33, North", "18, South"))
    with pytest.raises(UnreadableFile, match="save it in EPSG:32718 for this image"):
        read_regions(path, other)
    write_regions(path, REGIONS)  # pixels are pixels, also of a georeferenced image
    assert same(read_regions(path, where))


@pytest.mark.parametrize(
    ("text", "epsg"),
    [
        (UTM, 32633), (UTM.replace("North", "South"), 32733),
        ("Geographic Lat/Lon, 1, 1, 12.5, 48.2, 0.001, 0.001, WGS-84, units=Degrees", 4326),
        (UTM + ", rotation=0.0", 32633), (UTM + ", rotation=30", None), (UTM + ", rotation=x", None),
        (UTM.replace("WGS-84", "North America 1927"), None), ("", None),
        ("UTM, 1, 1, a, b, 1, 1, 33, North, WGS-84", None),
        (UTM.replace("1.0e+001, 1.0e+001", "0, 10"), None), ("Arbitrary, 1, 1, 0, 0, 1, 1, WGS-84", None),
    ],
)  # fmt: skip
def test_map_info_is_understood_or_ignored(text: str, epsg: int | None) -> None:
    where = Georeference.parse(text)
    assert (where.epsg if where is not None else None) == epsg
    if where is not None:
        points = np.array([[0.0, 0.0], [3.5, 7.25]])
        np.testing.assert_allclose(where.to_image(where.to_map(points)), points, atol=1e-6)


def test_the_reference_pixel_of_map_info_counts_from_one() -> None:
    where = Georeference.parse(UTM.replace("1.000, 1.000", "1.5, 2.5"))
    assert where is not None and where.to_map([(1.5, 0.5)]).tolist() == [[500000, 5200000]]


# ImageJ and the library of its format


def test_roifile_reads_what_is_written(tmp_path: Path) -> None:
    roifile = pytest.importorskip("roifile")
    write_regions(tmp_path / "RoiSet.zip", REGIONS)
    point, rectangle, oval, polygon, freehand = roifile.roiread(tmp_path / "RoiSet.zip")
    kinds = roifile.ROI_TYPE
    assert [roi.roitype for roi in (point, rectangle, oval, polygon, freehand)] == [
        kinds.POINT, kinds.RECT, kinds.OVAL, kinds.POLYGON, kinds.FREEHAND,
    ]  # fmt: skip
    assert [roi.name for roi in (point, rectangle, freehand)] == ["pin 1", "leaf", "soil (5)"]
    assert point.coordinates().tolist() == [[34.5, 12.5]] and point.stroke_color == bytes.fromhex("ffc32f0f")
    assert (rectangle.xd, rectangle.yd, rectangle.widthd, rectangle.heightd) == (3, 2.5, 37.25, 17.5)
    assert (oval.left, oval.top, oval.bottom) == (20, 10, 30)
    np.testing.assert_allclose(polygon.coordinates(), [[5.3, 5.1], [30.2, 5.6], [20.7, 40.4]])


def test_regions_of_one_name_have_files_of_their_own(tmp_path: Path) -> None:
    pytest.importorskip("roifile")
    names = ["a (3)", "a", "a", "a (3)", "a/b", "a_b"]
    write_regions(tmp_path / "RoiSet.zip", [NamedRegion((row, 0), name) for row, name in enumerate(names)])
    with zipfile.ZipFile(tmp_path / "RoiSet.zip") as archive:
        written = [entry.removesuffix(".roi") for entry in archive.namelist()]
    assert written == ["a (3)", "a", "a (4)", "a (3) (4)", "a_b", "a_b (6)"]
    assert [region.place for region in read_regions(tmp_path / "RoiSet.zip")] == [(row, 0) for row in range(6)]


def test_what_roifile_writes_is_read(tmp_path: Path) -> None:
    roifile = pytest.importorskip("roifile")
    kinds, path = roifile.ROI_TYPE, tmp_path / "RoiSet.zip"
    polygon = roifile.ImagejRoi.frompoints([[5, 6], [25, 6], [15, 40]], name="whole numbers")
    polygon.roitype = kinds.POLYGON
    points = roifile.ImagejRoi.frompoints(np.array([[5.5, 6.5], [7.0, 8.0]], np.float32), name="many")
    points.roitype = kinds.POINT
    line = roifile.ImagejRoi(roitype=kinds.LINE, name="line")
    oval = roifile.ImagejRoi(roitype=kinds.OVAL, name="oval", left=3, top=4, right=13, bottom=24)
    roifile.roiwrite(path, [polygon, points, line, oval])
    read = read_regions(path)
    assert [region.name for region in read] == ["whole numbers", "many", "many", "oval"]
    assert read[0].place == Region(Shape.POLYGON, ((6, 5), (6, 25), (40, 15)))
    assert [region.place for region in read[1:3]] == [(6, 5), (8, 7)]
    assert read[3].place == Region(Shape.ELLIPSE, ((4, 3), (24, 13)))


def test_a_composite_of_imagej_becomes_its_parts_with_their_holes(tmp_path: Path) -> None:
    """Outlines in any order: a ring, an island in its hole, and another part; with its bounds, as ImageJ writes it."""
    roifile = pytest.importorskip("roifile")
    island, ring, hole, other = (
        [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
        for left, top, side in ((20, 20, 4), (10, 10, 30), (15, 15, 15), (50, 10, 6))
    )
    path: list[float] = []
    for square in (island, hole, ring, other):
        path += [0, *square[0], *(value for corner in square[1:] for value in (1, *corner)), 4]
    roi = roifile.ImagejRoi(
        version=227, roitype=roifile.ROI_TYPE.RECT, name="made", left=10, top=10, right=56, bottom=40,
        shape_roi_size=len(path), multi_coordinates=np.array(path, np.float32),
    )  # fmt: skip
    (tmp_path / "c.roi").write_bytes(roi.tobytes())
    read = read_regions(tmp_path / "c.roi")
    assert [len(each.place.holes) for each in read if isinstance(each.place, Region)] == [1, 0, 0]
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[10:40, 10:40], expected[15:30, 15:30], expected[20:24, 20:24], expected[10:16, 50:56] = 1, 0, 1, 1
    covered = sum(mask(each.place).astype(int) for each in read if isinstance(each.place, Region))
    np.testing.assert_array_equal(covered, expected)


def test_curves_of_a_composite_are_followed(tmp_path: Path) -> None:
    """An ellipse with a hole with rounded corners, as ImageJ writes them: of cubic and square curves."""
    roifile = pytest.importorskip("roifile")
    k, row, col, high, wide = 0.5522847, 30.0, 40.0, 20.0, 30.0
    ellipse = [0, col, row - high]
    for (x0, y0), (x1, y1) in (((0, -1), (1, 0)), ((1, 0), (0, 1)), ((0, 1), (-1, 0)), ((-1, 0), (0, -1))):
        for x, y in ((x0 + k * x1, y0 + k * y1), (x1 + k * x0, y1 + k * y0), (x1, y1)):
            ellipse += [*([3] if len(ellipse) % 7 == 3 else []), col + wide * x, row + high * y]
    hole = [0, 35, 25, 1, 45, 25, 2, 50, 25, 50, 30, 1, 50, 40, 1, 35, 40, 4]
    path = np.array([*ellipse, 4, *hole], np.float32)
    roi = roifile.ImagejRoi(
        version=227, roitype=roifile.ROI_TYPE.RECT, left=10, top=10, right=70, bottom=50,
        shape_roi_size=len(path), multi_coordinates=path,
    )  # fmt: skip
    (tmp_path / "c.roi").write_bytes(roi.tobytes())
    (read,) = read_regions(tmp_path / "c.roi")
    assert isinstance(read.place, Region)
    expected = mask(Region(Shape.ELLIPSE, ((row - high, col - wide), (row + high, col + wide))))
    expected[25:40, 35:50] = False
    assert (mask(read.place) != expected).sum() <= 10 < expected.sum()  # the corner of the hole is rounded


@pytest.mark.parametrize("path", [[1, 5, 5], [4], [0, 1], [0, 1, 1, 9, 3, 3], [0, 1, 1, 1, 5, float("nan"), 1, 9, 9]])
def test_a_damaged_composite_is_refused_in_one_sentence(tmp_path: Path, path: list[float]) -> None:
    roifile = pytest.importorskip("roifile")
    roi = roifile.ImagejRoi(
        version=227, roitype=roifile.ROI_TYPE.RECT, right=9, bottom=9, shape_roi_size=len(path),
        multi_coordinates=np.array(path, np.float32),
    )  # fmt: skip
    (tmp_path / "c.roi").write_bytes(roi.tobytes())
    with pytest.raises(UnreadableFile, match=r"c\.roi"):
        read_regions(tmp_path / "c.roi")


def test_without_the_library_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "roifile", None)
    with pytest.raises(MissingExtra, match=r"ImageJ regions need the library roifile.*nesr-gui\[formats\]"):
        write_regions(tmp_path / "r.zip", REGIONS)
    assert list(tmp_path.iterdir()) == []


# Damaged files


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.geojson", b"{"), ("a.geojson", b"[]"), ("a.geojson", b'{"type": "FeatureCollection", "features": []}'),
        ("a.geojson", b'{"features": 3}'), ("a.geojson", b"\xff\xfe"), ("a.geojson", b"null"),
        ("a.geojson", b'{"type": "Point", "coordinates": ["a", 1]}'),
        ("a.geojson", b'{"type": "Point", "coordinates": []}'),
        ("a.geojson", b'{"type": "Point", "coordinates": [1e999, 1]}'),
        ("a.geojson", b'{"type": "Polygon", "coordinates": [[[1, 1]]]}'), ("a.geojson", b"[" * 100_000),
        ("a.roi", b""), ("a.roi", b"Iout"), ("a.roi", b"Iout" + bytes(200)), ("a.zip", b"PK"), ("a.zip", b""),
    ],
)  # fmt: skip
def test_damaged_files_are_refused_in_one_sentence(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnreadableFile) as caught:
        read_regions(path)
    assert "a." in str(caught.value) and "\n" not in str(caught.value)


def test_a_set_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.roi", bytes(MAX_BYTES + 1))
    with pytest.raises(UnreadableFile, match="larger than 64 MiB"):
        read_regions(tmp_path / "bomb.zip")


def test_files_of_regions_are_known_by_their_extension() -> None:
    known = [
        name for name in ("a.geojson", "A.ROI", "RoiSet.zip", "a.json", "a.csv", "a.png") if is_region_file(Path(name))
    ]
    assert known == ["a.geojson", "A.ROI", "RoiSet.zip"]
