"""Files of regions that other programs read and write: GeoJSON (QGIS, QuPath) and ImageJ's .roi and RoiSet.zip.

GeoJSON is in pixels (x to the right, y down, from the upper left corner), or in map coordinates of a georeferenced
image. Ellipses become polygons there, with their shape as a property, so that they are ellipses again when read.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.io.georeference import Georeference
from nesr_gui.io.names import readable
from nesr_gui.io.registry import require_extra
from nesr_gui.regions import Point, Region, Shape, area

GEOJSON, IMAGEJ = (".geojson", ".json"), (".roi", ".zip")
MAX_BYTES, MAX_REGIONS, MAX_VERTICES = 64 << 20, 10_000, 100_000
_SIDES = 72  # of the polygon of an ellipse; a multiple of 4, so that it has the same bounds
_COORDINATES = "coordinate_system"  # our own member: pixel
_LONGITUDE_LATITUDE = 4326  # code of the coordinate system of RFC 7946
_ROUNDING = 1e-3  # pixels
_BEGIN, _LINE, _CLOSE = 0.0, 1.0, 4.0  # commands of the path of a composite of ImageJ
_VALUES = {_BEGIN: 2, _LINE: 2, 2.0: 4, 3.0: 6, _CLOSE: 0}  # x, y … after each; 2 and 3 are curves
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True)
class NamedRegion:
    """A region, or a pixel (row, col), with its name and colour as #rrggbb; both may be empty.

    `group` is the class of which it is an area, which is written to GeoJSON, and not read.
    """

    place: tuple[int, int] | Region
    name: str = ""
    colour: str = ""
    group: str = ""


def is_region_file(path: Path) -> bool:
    """Whether a file has the extension of a file of regions."""
    return path.suffix.lower() in (GEOJSON[0], *IMAGEJ)


def read_regions(
    path: Path,
    georeference: Georeference | None = None,
    shape: tuple[int, int] | None = None,
    notes: list[str] | None = None,
) -> list[NamedRegion]:
    """Read the regions of a GeoJSON or ImageJ file, for an image with or without georeferencing.

    GeoJSON that states no coordinate system is in pixels, unless all of it lies in the image as longitude and latitude,
    which RFC 7946 prescribes.

    Args:
        path: the file.
        georeference: of the image.
        shape: (H, W) of the image; without it, what states no coordinate system is in pixels.
        notes: a sentence is added if the coordinate system was inferred.

    Raises:
        OSError: the file cannot be read.
        UnreadableFile: it is damaged, has no regions, or is in another coordinate system.
        MissingExtra: ImageJ files need a library that is not installed.
    """
    if path.stat().st_size > MAX_BYTES:
        raise UnreadableFile(f"{path.name} is larger than {MAX_BYTES >> 20} MiB; export fewer regions")
    georeference = _with_system(georeference)
    try:
        if path.suffix.lower() in IMAGEJ:
            found = _read_imagej(path)
        else:
            found, note = _read_geojson(path, georeference, shape)
            if note and notes is not None:
                notes.append(note)
    except (KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError, ValueError) as error:
        if isinstance(error, UnreadableFile):
            raise
        raise UnreadableFile(f"{path.name} is not a valid file of regions: {error_message(error)[:200]}") from error
    if not found:
        raise UnreadableFile(f"{path.name} contains no points or areas; export regions of these kinds")
    if len(found) > MAX_REGIONS:
        raise UnreadableFile(f"{path.name} contains {len(found):,} regions; at most {MAX_REGIONS:,} are supported")
    return found


def write_regions(
    path: Path,
    regions: Sequence[NamedRegion],
    georeference: Georeference | None = None,
    provenance: Mapping[str, str] | None = None,
) -> None:
    """Write regions as GeoJSON, in map coordinates if the image has them, or as a set for ImageJ (.zip, .roi for one).

    GeoJSON also records the `provenance`.

    Raises:
        OSError: the file cannot be written.
        ValueError: several regions in one .roi file.
        MissingExtra: ImageJ files need a library that is not installed.
    """
    if path.suffix.lower() in IMAGEJ:
        _write_imagej(path, regions)
        return
    with atomic_write(path) as part:
        collection = _geojson(regions, _with_system(georeference))
        if provenance:
            collection["provenance"] = {readable(key): readable(text) for key, text in provenance.items()}
        part.write_text(json.dumps(collection, indent=1), encoding="utf-8")


def _with_system(georeference: Georeference | None) -> Georeference | None:
    """The georeference if its coordinate system is known, which GeoJSON has to name."""
    return georeference if georeference is not None and georeference.epsg is not None else None


# GeoJSON


def _geojson(regions: Sequence[NamedRegion], georeference: Georeference | None) -> dict[str, Any]:
    collection: dict[str, Any] = {"type": "FeatureCollection"}
    if georeference is None:
        collection[_COORDINATES] = "pixel"
    else:
        system = f"urn:ogc:def:crs:EPSG::{georeference.epsg}"
        collection["crs"] = {"type": "name", "properties": {"name": system}}
    collection["features"] = [
        {
            "type": "Feature",
            "geometry": _geometry(region, georeference),
            "properties": {
                "name": region.name, "stroke": region.colour,
                "shape": str(region.place.shape) if isinstance(region.place, Region) else str(Shape.POINT),
                **({"class": region.group} if region.group else {}),
            },
        }
        for region in regions
    ]  # fmt: skip
    return collection


def _geometry(region: NamedRegion, georeference: Georeference | None) -> dict[str, Any]:
    place = region.place
    if not isinstance(place, Region):
        row, col = place
        return {"type": "Point", "coordinates": _outward([(row + 0.5, col + 0.5)], georeference)[0]}
    rings = [_outline(place), *place.holes]
    return {"type": "Polygon", "coordinates": [_outward([*ring, ring[0]], georeference) for ring in rings]}


def _outline(region: Region) -> list[Point]:
    if region.shape is Shape.ELLIPSE:
        (row, col), (top, left, bottom, right) = region.centre, region.bounds
        angles = [2 * math.pi * k / _SIDES for k in range(_SIDES)]
        return [(row + (bottom - top) / 2 * math.sin(a), col + (right - left) / 2 * math.cos(a)) for a in angles]
    return list(region.handles()) if region.shape is Shape.RECTANGLE else list(region.vertices)


def _outward(points: Sequence[Point], georeference: Georeference | None) -> list[list[float]]:
    """GeoJSON coordinates of image points."""
    if georeference is not None:
        places: list[list[float]] = georeference.to_map(points).tolist()
        return places
    return [[round(col, 6), round(row, 6)] for row, col in points]


def _read_geojson(
    path: Path, georeference: Georeference | None, shape: tuple[int, int] | None
) -> tuple[list[NamedRegion], str]:
    """The regions of a file, and a sentence if their coordinate system was inferred."""
    content = json.loads(path.read_text(encoding="utf-8-sig"))
    features = content["features"] if isinstance(content, dict) and "features" in content else content
    features = features if isinstance(features, list) else [features]  # QuPath writes a list
    is_unstated = isinstance(content, dict) and not {"crs", _COORDINATES} & content.keys()
    if is_unstated and georeference is not None and georeference.epsg == _LONGITUDE_LATITUDE and shape is not None:
        placed = [region for feature in features for region in _of_feature(feature, georeference)]
        if all(_lies_within(region, shape) for region in placed):
            return placed, f"{path.name} states no coordinate system; it was taken as longitude and latitude."
    frame = _frame(path, content if isinstance(content, dict) else {}, georeference)
    return [region for feature in features for region in _of_feature(feature, frame)], ""


def _lies_within(region: NamedRegion, shape: tuple[int, int]) -> bool:
    """Whether a region lies in an image of (H, W) pixels, up to rounding errors of its outline."""
    if not isinstance(region.place, Region):
        return all(0 <= at < size for at, size in zip(region.place, shape, strict=True))
    top, left, bottom, right = region.place.bounds
    return min(top, left) > -_ROUNDING and bottom < shape[0] + _ROUNDING and right < shape[1] + _ROUNDING


def _frame(path: Path, content: Mapping[str, Any], georeference: Georeference | None) -> Georeference | None:
    """The georeferencing of the coordinates of a file; None for pixels.

    Raises:
        UnreadableFile: they are in a coordinate system other than that of the image.
    """
    system = str(((content.get("crs") or {}).get("properties") or {}).get("name", ""))
    if content.get(_COORDINATES) == "pixel" or not system:
        return None
    code = _LONGITUDE_LATITUDE if system.upper().endswith("CRS84") else int((re.findall(r"\d+$", system) or ["0"])[0])
    if georeference is None or code != georeference.epsg:
        own = f"EPSG:{georeference.epsg}" if georeference is not None else "pixels"
        raise UnreadableFile(f"{path.name} is in the coordinate system {system[:80]}; save it in {own} for this image")
    return georeference


def _of_feature(feature: Mapping[str, Any], frame: Georeference | None) -> Iterator[NamedRegion]:
    geometry = feature.get("geometry", feature if "coordinates" in feature or "geometries" in feature else None)
    properties = feature.get("properties") or {}
    colour = str(properties.get("stroke") or "").lower()
    name, colour = str(properties.get("name") or ""), colour if _COLOUR.fullmatch(colour) else ""
    for kind, coordinates in _parts(geometry):
        if kind == "Point":
            ((row, col),) = _inward([coordinates], frame)
            yield NamedRegion((math.floor(row), math.floor(col)), name, colour)
        else:
            outline, *holes = coordinates
            rings = [_inward(ring, frame) for ring in (outline, *filter(_is_closed, holes))]
            yield NamedRegion(_region(rings, properties.get("shape")), name, colour)


def _is_closed(ring: Sequence[object]) -> bool:
    """Whether a ring has an area; some programs leave behind holes that have none."""
    return len(ring) > 3


def _parts(geometry: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    """Points, and the rings of polygons, of a geometry; lines are not areas."""
    kind, coordinates = (geometry or {}).get("type"), (geometry or {}).get("coordinates")
    if geometry is not None and kind == "GeometryCollection":
        for inner in geometry["geometries"]:
            yield from _parts(inner)
    elif kind == "Point":
        yield "Point", coordinates
    elif kind == "MultiPoint":
        yield from (("Point", place) for place in coordinates or [])
    elif kind == "Polygon" and coordinates:
        yield "Polygon", coordinates
    elif kind == "MultiPolygon":
        yield from (("Polygon", polygon) for polygon in coordinates or [])


def _inward(coordinates: Sequence[Sequence[float]], frame: Georeference | None) -> list[Point]:
    """Image points of GeoJSON coordinates, which may have heights."""
    if len(coordinates) > MAX_VERTICES:
        raise UnreadableFile(f"a region has {len(coordinates):,} corners; at most {MAX_VERTICES:,} are supported")
    places = np.array([place[:2] for place in coordinates], np.float64)
    if not np.isfinite(places).all():
        raise ValueError("coordinates are not finite")
    points = frame.to_image(places) if frame is not None else places[:, ::-1]
    return [(float(row), float(col)) for row, col in points]


def _unclosed(ring: Sequence[Point]) -> tuple[Point, ...]:
    """A ring without its first point as the last."""
    return tuple(ring[:-1] if len(ring) > 3 and ring[0] == ring[-1] else ring)


def _region(rings: list[list[Point]], shape: object) -> Region:
    """The region of closed rings, the first around the others; `shape` is the property of files of this program."""
    outline, *holes = map(_unclosed, rings)
    polygon = Region(Shape.POLYGON, outline, tuple(holes))
    top, left, bottom, right = polygon.bounds
    if shape in (Shape.RECTANGLE, Shape.ELLIPSE) and not holes:
        made = Region(Shape(str(shape)), ((top, left), (bottom, right)))
        if len(outline) == len(expected := _outline(made)) and np.allclose(outline, expected, atol=1e-3):
            return made  # otherwise it was edited by another program
    return replace(polygon, shape=Shape.LASSO) if shape == Shape.LASSO else polygon


# ImageJ


def _write_imagej(path: Path, regions: Sequence[NamedRegion]) -> None:
    library = require_extra("roifile", "ImageJ regions")
    if path.suffix.lower() == ".roi" and len(regions) != 1:
        raise ValueError(f"a .roi file holds one region, not {len(regions)}; save them as .zip instead")
    names = _unique_names(regions)
    made = [_imagej_bytes(region, name, library) for region, name in zip(regions, names, strict=True)]
    with atomic_write(path) as part:
        if path.suffix.lower() == ".roi":
            part.write_bytes(made[0])
            return
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in zip(names, made, strict=True):
                archive.writestr(f"{name}.roi", data)


def _unique_names(regions: Sequence[NamedRegion]) -> list[str]:
    """Names that can be file names in an archive, without duplicates."""
    names: list[str] = []
    for number, region in enumerate(regions, 1):
        name = re.sub(r"[^\w .+()-]", "_", region.name).strip(" .") or f"region {number}"
        copies = (f"{name} ({copy})" for copy in itertools.count(number))
        names.append(next(free for free in itertools.chain([name], copies) if free not in names))
    return names


def _imagej_bytes(region: NamedRegion, name: str, library: Any) -> bytes:
    place = region.place
    points = _outline(place) if isinstance(place, Region) else [(place[0] + 0.5, place[1] + 0.5)]
    roi = library.ImagejRoi.frompoints(np.array(points)[:, ::-1].astype(np.float32), name=name)
    kinds = {
        Shape.RECTANGLE: library.ROI_TYPE.RECT, Shape.ELLIPSE: library.ROI_TYPE.OVAL,
        Shape.POLYGON: library.ROI_TYPE.POLYGON, Shape.LASSO: library.ROI_TYPE.FREEHAND,
    }  # fmt: skip
    roi.roitype = kinds[place.shape] if isinstance(place, Region) else library.ROI_TYPE.POINT
    if isinstance(place, Region):
        top, left, bottom, right = place.bounds
        roi.top, roi.left, roi.bottom, roi.right = (round(edge) for edge in (top, left, bottom, right))
        if place.shape in (Shape.RECTANGLE, Shape.ELLIPSE):
            roi.xd, roi.yd, roi.widthd, roi.heightd = left, top, right - left, bottom - top
            roi.n_coordinates, roi.integer_coordinates, roi.subpixel_coordinates = 0, None, None
        if place.holes:
            roi.roitype, roi.multi_coordinates = library.ROI_TYPE.RECT, _path(place)
            roi.shape_roi_size, roi.n_coordinates = len(roi.multi_coordinates), 0
            roi.integer_coordinates, roi.subpixel_coordinates = None, None
    if region.colour:
        roi.stroke_color = bytes.fromhex("ff" + region.colour[1:])  # ARGB
    data: bytes = roi.tobytes()
    return data


def _path(region: Region) -> npt.NDArray[np.float32]:
    """The outlines of a region as the path of a composite."""
    path = list[float]()
    for outline in region.outlines:
        for place, (row, col) in enumerate(outline):
            path += [_LINE if place else _BEGIN, col, row]
        path.append(_CLOSE)
    return np.array(path, np.float32)


def _read_imagej(path: Path) -> list[NamedRegion]:
    library = require_extra("roifile", "ImageJ regions")
    if path.suffix.lower() == ".roi":
        return list(_of_imagej(path.read_bytes(), path.stem, library))
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.lower().endswith(".roi")]
            if sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise UnreadableFile(f"{path.name} is larger than {MAX_BYTES >> 20} MiB; export fewer regions")
            files = [(Path(entry.filename).stem, archive.read(entry)) for entry in entries[: MAX_REGIONS + 1]]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UnreadableFile(f"{path.name} is not a set of ImageJ regions: {error}") from error
    return [region for name, data in files for region in _of_imagej(data, name, library)]


def _of_imagej(data: bytes, name: str, library: Any) -> Iterator[NamedRegion]:
    """The regions of one file; lines and angles, which have no area, are left out."""
    roi, types = library.ImagejRoi.frombytes(data), library.ROI_TYPE
    name = roi.name or name
    colour = f"#{roi.stroke_color[1:].hex()}" if roi.stroke_color and any(roi.stroke_color) else ""
    if roi.roitype in (types.RECT, types.OVAL) and not roi.composite:
        shape = Shape.RECTANGLE if roi.roitype == types.RECT else Shape.ELLIPSE
        left, top, width, height = roi.left, roi.top, roi.right - roi.left, roi.bottom - roi.top
        if roi.subpixelrect and roi.widthd > 0 and roi.heightd > 0:
            left, top, width, height = (float(value) for value in (roi.xd, roi.yd, roi.widthd, roi.heightd))
        yield NamedRegion(Region(shape, ((top, left), (top + height, left + width))), name, colour)
    elif roi.roitype == types.POINT:
        for x, y in np.asarray(roi.coordinates(), np.float64):
            yield NamedRegion((math.floor(y), math.floor(x)), name, colour)
    elif roi.roitype in (types.POLYGON, types.FREEHAND, types.TRACED) or roi.composite:
        shape = Shape.POLYGON if roi.roitype == types.POLYGON else Shape.LASSO
        found = _outlines(roi.multi_coordinates.tolist()) if roi.composite else [roi.coordinates()]
        rings = [_unclosed([(float(y), float(x)) for x, y in outline]) for outline in found if len(outline) >= 3]
        if len(rings) > MAX_REGIONS:
            raise UnreadableFile(f"a region has {len(rings):,} parts and holes; at most {MAX_REGIONS:,} are supported")
        for vertices, holes in _parts_and_holes(rings):
            yield NamedRegion(Region(shape, vertices, holes), name, colour)


def _outlines(path: Sequence[float]) -> list[list[Point]]:
    """The outlines (x, y) of the path of a composite; its curves, of ellipses and rounded corners, become corners."""
    outlines, place = list[list[Point]](), 0
    while place < len(path):
        command = path[place]
        values = path[place + 1 : place + 1 + _VALUES[command]]
        points = list(zip(values[::2], values[1::2], strict=True))
        if command == _BEGIN:
            outlines.append(points)
        elif points:
            outlines[-1] += _curve([outlines[-1][-1], *points])
        place += 1 + _VALUES[command]
    return outlines


def _curve(points: Sequence[Point]) -> list[Point]:
    """Points on a Bézier curve of two to four control points, without its start; of a straight line, its end."""
    degree = len(points) - 1
    along = np.linspace(0, 1, 1 + (1 if degree == 1 else _SIDES // 4))[1:, None]
    weights = [math.comb(degree, k) * along**k * (1 - along) ** (degree - k) for k in range(degree + 1)]
    return [(float(x), float(y)) for x, y in np.hstack(weights) @ np.array(points)]


def _parts_and_holes(
    outlines: Sequence[tuple[Point, ...]],
) -> Iterator[tuple[tuple[Point, ...], tuple[tuple[Point, ...], ...]]]:
    """The parts of a composite, each with its holes: ImageJ lists outlines that enclose one another by turns."""
    rings = sorted(outlines, key=area, reverse=True)
    arrays = [np.array(ring) for ring in rings]
    low, high = (np.array([fold(array, axis=0) for array in arrays]) for fold in (np.min, np.max))
    parts: dict[int, list[tuple[Point, ...]]] = {}
    for number, ring in enumerate(arrays):
        wider = ((low[:number] <= low[number]) & (high[:number] >= high[number])).all(axis=1)
        around = [int(outer) for outer in np.flatnonzero(wider) if _is_around(arrays[outer], ring)]
        if len(around) % 2:
            parts.setdefault(around[-1], []).append(rings[number])
        else:
            parts.setdefault(number, [])
    return ((rings[number], tuple(holes)) for number, holes in parts.items())


def _is_around(outer: npt.NDArray[np.float64], inner: npt.NDArray[np.float64]) -> bool:
    """Whether an outline encloses another that does not cross it; most middles of the edges of this do not touch it."""
    middles = (inner + np.roll(inner, 1, axis=0)) / 2
    row, col = middles[:: max(len(middles) // 9, 1)].T[..., None]
    start, stop = outer, np.roll(outer, 1, axis=0)
    crosses = (start[:, 0] <= row) != (stop[:, 0] <= row)
    steps = np.where(start[:, 0] == stop[:, 0], 1, stop[:, 0] - start[:, 0])  # a level edge crosses no row
    at = start[:, 1] + (row - start[:, 0]) / steps * (stop[:, 1] - start[:, 1])
    return bool(((crosses & (at < col)).sum(axis=1) % 2).mean() > 0.5)
