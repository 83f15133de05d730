"""Single images as PNG, TIFF, GeoTIFF and OpenEXR, with the georeference of the image they were made from."""

from __future__ import annotations

import errno
import json
import struct
import zlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.errors import translate_library_errors
from nesr_gui.io.names import library_name
from nesr_gui.io.registry import require_extra

SCALE, TIE_POINTS, TRANSFORM, KEYS = 33550, 33922, 34264, 34735
_TAGS = {SCALE: "d", TIE_POINTS: "d", TRANSFORM: "d", KEYS: "H", 34736: "d", 34737: "s"}
"""Tags of a GeoTIFF and their types."""
_RASTER_TYPE, _IS_POINT = 1025, 2  # key and value: coordinates refer to the centres of pixels
_DEFLATE = 8

ImageArray = npt.NDArray[Any]
"""Image (h, w) or (h, w, 3)."""
Description = Mapping[str, object]
"""What the values of an image are; stored in the file as JSON."""


@dataclass(frozen=True)
class GeoTags:
    """The tags of a GeoTIFF (code → values) that georeference an image, in any coordinate system."""

    tags: Mapping[int, Any]

    @classmethod
    def of(cls, source: Path | None, provenance: Mapping[str, str]) -> GeoTags | None:
        """Return the georeference of a TIFF, or that in the map info of an ENVI header; None if there is none.

        Args:
            source: the file of the image.
            provenance: the attributes of the field.
        """
        if "map info" in provenance:
            return _of_map_info(provenance["map info"])
        if source is None or source.suffix.lower() not in (".tif", ".tiff"):
            return None
        try:
            with tifffile.TiffFile(source) as tiff:
                page: Any = tiff.pages[0]
                tags = {code: page.tags[code].value for code in _TAGS if code in page.tags}
        except (OSError, ValueError, tifffile.TiffFileError):  # the file was moved, or replaced by another one
            return None
        return cls(tags) if TRANSFORM in tags or {SCALE, TIE_POINTS} <= tags.keys() else None

    def binned(self, binning: int) -> GeoTags:
        """Return the georeference of the image whose pixels cover `binning` × `binning` pixels of this one."""
        keys = self.tags.get(KEYS, ())
        types = [keys[at + 3] for at in range(4, len(keys) - 3, 4) if keys[at] == _RASTER_TYPE]
        shift = (binning - 1) / 2 if types == [_IS_POINT] else 0.0  # of the centre of the first pixel
        tags = dict(self.tags)
        if SCALE in tags:
            x, y, z = tags[SCALE][:3]
            tags[SCALE] = (x * binning, y * binning, z)
        if TIE_POINTS in tags:
            points = np.array(tags[TIE_POINTS], float).reshape(-1, 6)
            points[:, :2] = (points[:, :2] - shift) / binning
            tags[TIE_POINTS] = tuple(points.ravel().tolist())
        if TRANSFORM in tags:
            matrix = np.array(tags[TRANSFORM], float).reshape(4, 4)
            matrix[:, 3] += matrix[:, :2].sum(1) * shift
            matrix[:, :2] *= binning
            tags[TRANSFORM] = tuple(matrix.ravel().tolist())
        return GeoTags(tags)

    def extra_tags(self) -> list[tuple[int, str, int, Any, bool]]:
        """Return the tags as `tifffile` writes them."""
        return [(code, _TAGS[code], 0 if _TAGS[code] == "s" else len(value), value, True)
                for code, value in self.tags.items()]  # fmt: skip


def _of_map_info(text: str) -> GeoTags | None:
    """Return the georeference of ENVI's map info: projection, reference pixel, its position, and the pixel size.

    None if it is rotated or incomplete. The coordinate system is known for UTM and for latitude and longitude, both on
    WGS-84.
    """
    parts = [part.strip() for part in text.strip("{} ").split(",")]
    try:
        col, row, x, y, width, height = map(float, parts[1:7])
    except ValueError:
        return None
    if any(part.lower().startswith("rotation") and float(part.partition("=")[2] or 0) for part in parts):
        return None
    tags: dict[int, Any] = {SCALE: (width, height, 0.0), TIE_POINTS: (col - 1, row - 1, 0.0, x, y, 0.0)}
    is_wgs84 = any(part.upper().replace("-", "").replace(" ", "") == "WGS84" for part in parts)
    keys: tuple[int, ...] = ()
    if is_wgs84 and parts[0].upper() == "UTM" and len(parts) > 8 and parts[7].isdecimal():
        zone = int(parts[7]) + (32700 if parts[8].upper().startswith("S") else 32600)
        keys = (1024, 0, 1, 1, _RASTER_TYPE, 0, 1, 1, 3072, 0, 1, zone)
    elif is_wgs84 and parts[0].lower().startswith("geographic"):
        keys = (1024, 0, 1, 2, _RASTER_TYPE, 0, 1, 1, 2048, 0, 1, 4326)
    if keys:
        tags[KEYS] = (1, 1, 0, len(keys) // 4, *keys)
    return GeoTags(tags)


def encoded_png(path: Path, image: ImageArray) -> bytes:
    """Return an image of 8 or 16 bits as PNG, to be written to `path`; raises MemoryError."""
    with translate_library_errors(path):
        return bytes(imagecodecs.png_encode(np.ascontiguousarray(image)))


def write_png(path: Path, image: ImageArray, description: Description) -> None:
    """Write an image of 8 or 16 bits; raises OSError if the file cannot be written."""
    data = encoded_png(path, image)
    text = b"Description\0\0\0\0\0" + _json(description).encode()  # keyword, not compressed, no language
    chunk = struct.pack(">I", len(text)) + b"iTXt" + text + struct.pack(">I", zlib.crc32(b"iTXt" + text))
    after_header = 8 + 12 + 13
    with atomic_write(path) as part:
        part.write_bytes(data[:after_header] + chunk + data[after_header:])


def write_tiff(path: Path, image: ImageArray, description: Description, georeference: GeoTags | None = None) -> None:
    """Write an image of any type, as GeoTIFF if it has a georeference; raises OSError if it cannot be written."""
    with atomic_write(path) as part, translate_library_errors(path):
        tifffile.imwrite(
            part,
            np.ascontiguousarray(image),
            photometric="rgb" if image.ndim == 3 else "minisblack",
            compression=_DEFLATE,
            predictor=True,
            description=_json(description),
            metadata=None,
            software="nesr_gui",
            extratags=georeference.extra_tags() if georeference is not None else (),
        )


def write_exr(path: Path, image: ImageArray, description: Description) -> None:
    """Write values (h, w) as channel Y, or linear colours (h, w, 3) as R, G and B, in single precision.

    Raises:
        MissingExtra: OpenEXR is not installed.
        OSError: the file cannot be written.
    """
    exr = require_extra("OpenEXR", "OpenEXR images")
    values = np.ascontiguousarray(image, np.float32)
    header = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage, "comments": _json(description)}
    channels = {"RGB" if values.ndim == 3 else "Y": values}
    with atomic_write(path) as part:
        with translate_library_errors(path), exr.File(header, channels) as file:
            file.write(str(part))
        check_whole_exr(part, path)


def check_whole_exr(part: Path, path: Path) -> None:
    """Check that the file `part`, which becomes `path`, was written to its end.

    OpenEXR does not tell if the disk becomes full while it closes a file, which by then lacks its last lines or their
    positions.

    Raises:
        OSError: it was not.
    """
    exr = require_extra("OpenEXR", "OpenEXR images")
    try:
        with library_name(part) as written, closing(exr.InputFile(written)) as file:
            header = file.header()
            names, last = sorted(header["channels"]), header["dataWindow"].max.y
            is_whole = file.isComplete() and bool(file.channels(names, scanLine1=last, scanLine2=last))
    except (OSError, RuntimeError, TypeError, ValueError):
        is_whole = False
    if not is_whole:
        raise OSError(
            errno.ENOSPC, f"{path} could not be written to its end; make room on the disk, or choose another disk"
        )


def _json(description: Description) -> str:
    return json.dumps(dict(description))  # ASCII, as TIFF requires
