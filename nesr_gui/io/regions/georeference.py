"""Georeferencing of a cube: the map coordinates of its pixels, from ENVI's `map info` or the tags of a GeoTIFF."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
KEY = "map info"  # of the provenance of a cube
_WGS84 = re.compile(r"wgs[- ]?(19)?84", re.IGNORECASE)


@dataclass(frozen=True)
class Georeference:
    """Map coordinates of an image without rotation.

    Attributes:
        origin: (x, y) of the upper left corner of the image.
        pixel: width and height of a pixel in map units.
        epsg: code of the coordinate system.
    """

    origin: tuple[float, float]
    pixel: tuple[float, float]
    epsg: int

    @classmethod
    def parse(cls, map_info: str) -> Georeference | None:
        """Read an ENVI `map info`; None if there is none, or its projection is not UTM or geographic with WGS-84."""
        parts = [part.strip() for part in map_info.split(",")]
        try:
            column, row, x, y, width, height = map(float, parts[1:7])
        except ValueError:
            return None
        if _rotation(parts) != 0 or not np.isfinite([column, row, x, y]).all() or not (width > 0 and height > 0):
            return None
        epsg = _epsg(parts)
        origin = x - (column - 1) * width, y + (row - 1) * height  # the reference pixel counts from 1
        return cls(origin, (width, height), epsg) if epsg is not None else None

    @classmethod
    def of_geotiff(cls, tags: Mapping[str, Any]) -> Georeference | None:
        """Read the tags of a GeoTIFF by name, as tifffile gives them; None as for `parse`."""
        try:
            scale, tie = tags["ModelPixelScale"], tags["ModelTiepoint"]
            epsg = int(tags.get("ProjectedCSTypeGeoKey", tags.get("GeographicTypeGeoKey", 0)))
            column, row, x, y = (float(tie[at]) for at in (0, 1, 3, 4))
            width, height = float(scale[0]), float(scale[1])
        except (KeyError, IndexError, TypeError, ValueError):
            return None
        is_point = int(tags.get("GTRasterTypeGeoKey", 1)) == 2  # coordinates are those of pixel centres
        shift = 0.5 if is_point else 0.0
        made = cls((x - (column + shift) * width, y + (row + shift) * height), (width, height), epsg)
        return cls.parse(made.map_info())  # which validates it

    def map_info(self) -> str:
        """The `map info` of an ENVI header; empty for a coordinate system that `parse` does not know."""
        numbers = ", ".join(f"{number!r}" for number in (1.0, 1.0, *self.origin, *self.pixel))
        zone = self.epsg % 100
        if self.epsg == 4326:
            return f"Geographic Lat/Lon, {numbers}, WGS-84"
        if self.epsg // 100 in (326, 327) and 1 <= zone <= 60:
            return f"UTM, {numbers}, {zone}, {'North' if self.epsg // 100 == 326 else 'South'}, WGS-84"
        return ""

    def window(self, row: int, col: int) -> Georeference:
        """Georeferencing of the part of the image that begins at a pixel."""
        ((x, y),) = self.to_map([(row, col)])
        return replace(self, origin=(float(x), float(y)))

    def to_map(self, points: npt.ArrayLike) -> Doubles:
        """Map coordinates (N, 2) as (x, y) of image coordinates (N, 2) as (row, col)."""
        rows, cols = np.asarray(points, np.float64).T
        return np.stack([self.origin[0] + cols * self.pixel[0], self.origin[1] - rows * self.pixel[1]], axis=1)

    def to_image(self, points: npt.ArrayLike) -> Doubles:
        """Image coordinates (N, 2) as (row, col) of map coordinates (N, 2) as (x, y)."""
        x, y = np.asarray(points, np.float64).T
        return np.stack([(self.origin[1] - y) / self.pixel[1], (x - self.origin[0]) / self.pixel[0]], axis=1)


def _rotation(parts: list[str]) -> float:
    """Rotation in degrees; NaN if it cannot be read."""
    for part in parts:
        name, _, value = part.partition("=")
        if name.strip().lower() == "rotation":
            try:
                return float(value)
            except ValueError:
                return float("nan")
    return 0.0


def _epsg(parts: list[str]) -> int | None:
    projection, rest = parts[0].lower(), parts[7:]
    if not any(_WGS84.fullmatch(part) for part in rest):
        return None
    if projection.startswith("geographic"):
        return 4326
    if projection == "utm" and len(rest) > 1 and rest[0].isdecimal() and 1 <= int(rest[0]) <= 60:
        return (32600 if rest[1].lower().startswith("n") else 32700) + int(rest[0])
    return None
