"""Georeferencing of a cube: the map coordinates of its pixels, from the `map info` of an ENVI header."""

from __future__ import annotations

import re
from dataclasses import dataclass

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
