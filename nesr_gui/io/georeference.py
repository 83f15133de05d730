"""Where the pixels of an image lie on a map, and how large they are.

Read from ENVI's `map info`, the tags of a GeoTIFF, the coordinates of a NetCDF file, or the pixel size of an OME-TIFF.
A cube carries it in its provenance, as the text of a `map info`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Affine = tuple[float, float, float, float, float, float]
KEY = "map info"  # of the provenance of a cube
PIXEL_SCALE, TIE_POINTS, TRANSFORMATION, GEO_KEYS, GEO_DOUBLES, GEO_TEXTS = 33550, 33922, 34264, 34735, 34736, 34737
"""Tags of a GeoTIFF: the first three state positions, the others the coordinate system."""
_RASTER_TYPE, _IS_POINT = 1025, 2  # key and value: coordinates refer to the centres of pixels
_PROJECTED, _GEOGRAPHIC = 1, 2  # values of the key 1024
_METRES = {
    "meters": 1.0, "metres": 1.0, "meter": 1.0, "metre": 1.0, "m": 1.0, "km": 1000.0, "kilometers": 1000.0,
    "feet": 0.3048, "ft": 0.3048, "mm": 1e-3, "millimeters": 1e-3, "cm": 1e-2, "centimeters": 1e-2,
    "micrometers": 1e-6, "micron": 1e-6, "microns": 1e-6, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "nm": 1e-9,
}  # fmt: skip
"""Length of a unit in metres, by its names in lower case."""
_LINEAR_UNITS = {9001: 1.0, 9002: 0.3048, 9003: 1200 / 3937}  # by their EPSG codes
_WGS84 = re.compile(r"wgs[- ]?(19)?84", re.IGNORECASE)
_EPSG = re.compile(r"epsg[:=]\s*(\d+)", re.IGNORECASE)
_UNITS = re.compile(r"units\s*=\s*(.+)", re.IGNORECASE)
_SQUARE = 0.01  # relative difference of the sides of a pixel that still counts as square


@dataclass(frozen=True)
class Georeference:
    """An affine map from image coordinates, in which (0, 0) is the upper left corner, to map coordinates.

    Attributes:
        transform: (a, b, c, d, e, f) of x = a·column + b·row + c and y = d·column + e·row + f.
        epsg: code of the coordinate system; None if it is unknown.
        metres: length of a map unit; None if it is an angle or unknown.
        system: projection and further parts of the `map info` that it was read from.
        geo_keys: tags of the GeoTIFF that it was read from which state its coordinate system.
    """

    transform: Affine
    epsg: int | None = None
    metres: float | None = None
    system: tuple[str, ...] = field(default=(), compare=False)
    geo_keys: Mapping[int, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def upright(
        cls, origin: tuple[float, float], pixel: tuple[float, float], epsg: int | None = None,
        metres: float | None = None,
    ) -> Georeference:  # fmt: skip
        """Return that of an image with north at the top.

        Args:
            origin: (x, y) of its upper left corner.
            pixel: width and height of a pixel in map units.
            epsg: code of the coordinate system.
            metres: length of a map unit; that of UTM is known.
        """
        metres = 1.0 if _is_utm(epsg) else metres
        return cls((pixel[0], 0.0, origin[0], 0.0, -pixel[1], origin[1]), epsg, metres)

    @classmethod
    def parse(cls, map_info: str) -> Georeference | None:
        """Read an ENVI `map info`; None if there is none, or it is incomplete, rotated or upside down."""
        name, *parts = (part.strip() for part in map_info.strip("{} ").split(","))
        try:
            column, row, x, y, width, height = map(float, parts[:6])
        except ValueError:
            return None
        numbers, rest = [column, row, x, y, width, height], parts[6:]
        if _rotation(rest) != 0 or not np.isfinite(numbers).all() or not (width > 0 and height > 0):
            return None
        epsg = _stated_epsg(name, rest)
        units = [match[1].lower() for part in rest if (match := _UNITS.fullmatch(part))]
        metres = _METRES.get(units[0]) if units else 1.0 if name.upper() == "UTM" else None
        origin = x - (column - 1) * width, y + (row - 1) * height  # the reference pixel counts from 1
        return replace(cls.upright(origin, (width, height), epsg, metres), metres=metres, system=(name, *rest))

    @classmethod
    def of_geotiff(cls, tags: Mapping[str, Any], geo_keys: Mapping[int, Any] | None = None) -> Georeference | None:
        """Read the tags of a GeoTIFF by name, as tifffile gives them; None if they state no positions."""
        try:
            shift = 0.5 if int(tags.get("GTRasterTypeGeoKey", 1)) == _IS_POINT else 0.0
            model, code = int(tags.get("GTModelTypeGeoKey", 0)), 0
            for key in ("ProjectedCSTypeGeoKey", "GeographicTypeGeoKey"):
                code = code or int(tags.get(key, 0))
            unit = _LINEAR_UNITS.get(int(tags.get("ProjLinearUnitsGeoKey", 0)))
            transform = _transform(tags)
        except (KeyError, IndexError, TypeError, ValueError):
            return None
        a, b, c, d, e, f = transform
        made = cls((a, b, c - shift * (a + b), d, e, f - shift * (d + e)))
        if not np.isfinite(transform).all() or a * e == b * d:
            return None
        epsg = code if 0 < code < 32767 or 32767 < code < 65535 else None  # 32767: defined by the user
        metres = 1.0 if _is_utm(epsg) else unit if model != _GEOGRAPHIC else None
        return replace(made, epsg=epsg, metres=metres, geo_keys=dict(geo_keys or {}))

    @classmethod
    def of_page(cls, page: Any) -> Georeference | None:
        """Read the tags of a page of a TIFF; None if it has none."""
        if not page.is_geotiff:
            return None
        keys = {code: page.tags[code].value for code in (GEO_KEYS, GEO_DOUBLES, GEO_TEXTS) if code in page.tags}
        return cls.of_geotiff(page.geotiff_tags, keys)

    @classmethod
    def of_file(cls, path: Path | None) -> Georeference | None:
        """Read the tags of a TIFF file; None for other files, and for one that was moved or replaced."""
        if path is None or path.suffix.lower() not in (".tif", ".tiff"):
            return None
        import tifffile

        try:
            with tifffile.TiffFile(path) as tiff:
                return cls.of_page(tiff.pages[0])
        except (OSError, ValueError, KeyError, IndexError, TypeError, tifffile.TiffFileError):
            return None

    @classmethod
    def of_image(cls, path: Path | None, attributes: Mapping[str, str]) -> Georeference | None:
        """Read what an opened image states: its attributes, with a coordinate system that only its file can state."""
        stated, read = cls.parse(attributes.get(KEY, "")), cls.of_file(path)
        return replace(stated, geo_keys=read.geo_keys) if stated is not None and read is not None else stated or read

    @property
    def pixel_metres(self) -> float | None:
        """Length of the side of a pixel in metres; None if it is unknown, or pixels are not square."""
        a, b, _, d, e, _ = self.transform
        width, height = math.hypot(a, d), math.hypot(b, e)
        is_known = self.metres is not None and math.isclose(width, height, rel_tol=_SQUARE)
        return width * self.metres if is_known and self.metres is not None else None

    def map_info(self) -> str:
        """The `map info` of an ENVI header; empty for an image that is not upright."""
        a, b, c, d, e, f = self.transform
        if b or d or a <= 0 or e >= 0:
            return ""
        name, *rest = self.system or _envi_system(self.epsg, self.metres)
        return ", ".join([name, *(repr(float(number)) for number in (1, 1, c, f, a, -e)), *rest])

    def geotiff_tags(self) -> list[tuple[int, str, int, Any, bool]]:
        """The tags of a GeoTIFF, as `tifffile` writes them."""
        keys = dict(self.geo_keys) or _geo_keys(self.epsg, self.metres)
        stated = keys.get(GEO_KEYS, ())
        types = [stated[at + 3] for at in range(4, len(stated) - 3, 4) if stated[at] == _RASTER_TYPE]
        shift = 0.5 if types == [_IS_POINT] else 0.0
        a, b, c, d, e, f = self.transform
        x, y = c + shift * (a + b), f + shift * (d + e)
        tags: dict[int, tuple[str, Any]] = {}
        if b == d == 0 and a > 0 > e:
            tags[PIXEL_SCALE] = "d", (a, -e, 0.0)
            tags[TIE_POINTS] = "d", (0.0, 0.0, 0.0, x, y, 0.0)
        else:
            tags[TRANSFORMATION] = "d", (a, b, 0.0, x, d, e, 0.0, y, *[0.0] * 7, 1.0)
        types_of_keys = {GEO_KEYS: "H", GEO_DOUBLES: "d", GEO_TEXTS: "s"}
        tags |= {code: (types_of_keys[code], value) for code, value in keys.items()}
        return [(code, kind, 0 if kind == "s" else len(value), value, True) for code, (kind, value) in tags.items()]

    def window(self, row: int, col: int) -> Georeference:
        """Return that of the part of the image that begins at a pixel."""
        a, b, _, d, e, _ = self.transform
        ((x, y),) = self.to_map([(row, col)]).tolist()
        return replace(self, transform=(a, b, x, d, e, y))

    def binned(self, binning: int) -> Georeference:
        """Return that of the image whose pixels cover `binning` × `binning` pixels of this one."""
        a, b, c, d, e, f = self.transform
        return replace(self, transform=(a * binning, b * binning, c, d * binning, e * binning, f))

    def flipped(self, height: int) -> Georeference:
        """Return that of the image of `height` rows in the opposite order of rows."""
        a, b, c, d, e, f = self.transform
        return replace(self, transform=(a, -b, c + b * height, d, -e, f + e * height))

    def to_map(self, points: npt.ArrayLike) -> Doubles:
        """Map coordinates (N, 2) as (x, y) of image coordinates (N, 2) as (row, col)."""
        rows, cols = np.asarray(points, np.float64).T
        a, b, c, d, e, f = self.transform
        return np.stack([a * cols + b * rows + c, d * cols + e * rows + f], axis=1)

    def to_image(self, points: npt.ArrayLike) -> Doubles:
        """Image coordinates (N, 2) as (row, col) of map coordinates (N, 2) as (x, y)."""
        x, y = np.asarray(points, np.float64).T
        a, b, c, d, e, f = self.transform
        det = a * e - b * d
        return np.stack([(a * (y - f) - d * (x - c)) / det, (e * (x - c) - b * (y - f)) / det], axis=1)


def length_in_metres(unit: str) -> float | None:
    """The length of a unit such as `m`, `km` or `µm` in metres; None for an unknown one."""
    return _METRES.get(unit.strip().lower())


def _transform(tags: Mapping[str, Any]) -> Affine:
    """The transformation in the tags of a GeoTIFF, to the position that its tie points refer to.

    Raises:
        KeyError, IndexError, TypeError, ValueError: there is none, or it is damaged.
    """
    if "ModelTransformation" in tags:
        matrix = np.ravel(tags["ModelTransformation"]).astype(float).tolist()
        return matrix[0], matrix[1], matrix[3], matrix[4], matrix[5], matrix[7]
    scale, tie = tags["ModelPixelScale"], tags["ModelTiepoint"]
    column, row, x, y = (float(tie[at]) for at in (0, 1, 3, 4))
    width, height = float(scale[0]), float(scale[1])
    return width, 0.0, x - column * width, 0.0, -height, y + row * height


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


def _stated_epsg(projection: str, rest: list[str]) -> int | None:
    """Code of the coordinate system of a `map info`: as stated, or of UTM or latitude and longitude on WGS-84."""
    stated = [int(match[1]) for part in rest if (match := _EPSG.fullmatch(part))]
    if stated:
        return stated[0]
    if not any(_WGS84.fullmatch(part) for part in rest):
        return None
    if projection.lower().startswith("geographic"):
        return 4326
    if projection.lower() == "utm" and len(rest) > 1 and rest[0].isdecimal() and 1 <= int(rest[0]) <= 60:
        return (32600 if rest[1].lower().startswith("n") else 32700) + int(rest[0])
    return None


def _is_utm(epsg: int | None) -> bool:
    """Whether the code is that of a zone of UTM on WGS-84."""
    return epsg is not None and epsg // 100 in (326, 327) and 1 <= epsg % 100 <= 60


def _envi_system(epsg: int | None, metres: float | None) -> tuple[str, ...]:
    """Projection and further parts of a `map info`; another program ignores a code that it does not expect."""
    if epsg == 4326:
        return "Geographic Lat/Lon", "WGS-84"
    if epsg is not None and _is_utm(epsg):
        return "UTM", str(epsg % 100), "North" if epsg // 100 == 326 else "South", "WGS-84"
    named = next((name for name, length in _METRES.items() if length == metres), None)
    parts = [f"units={named.capitalize()}"] if named is not None else []
    return "Arbitrary", *parts, *([f"EPSG:{epsg}"] if epsg is not None else [])


def _geo_keys(epsg: int | None, metres: float | None) -> dict[int, Any]:
    """The tags of latitude and longitude on WGS-84, and of systems whose units are lengths, which are projected."""
    if epsg == 4326:
        keys = (1024, 0, 1, _GEOGRAPHIC, _RASTER_TYPE, 0, 1, 1, 2048, 0, 1, epsg)
    elif epsg is not None and (_is_utm(epsg) or metres is not None):
        keys = (1024, 0, 1, _PROJECTED, _RASTER_TYPE, 0, 1, 1, 3072, 0, 1, epsg)
    else:
        return {}
    return {GEO_KEYS: (1, 1, 0, len(keys) // 4, *keys)}
