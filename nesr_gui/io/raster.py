"""Single images as PNG, TIFF, GeoTIFF and OpenEXR."""

from __future__ import annotations

import errno
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.errors import translate_library_errors
from nesr_gui.io.georeference import Georeference
from nesr_gui.io.names import library_name
from nesr_gui.io.registry import require_extra

_DEFLATE = 8
_GDAL_METADATA, _GDAL_NODATA = 42112, 42113

ImageArray = npt.NDArray[Any]
"""Image (h, w) or (h, w, 3)."""
Description = Mapping[str, object]
"""What the values of an image are; stored in the file as JSON."""


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


def write_tiff(
    path: Path, image: ImageArray, description: Description, georeference: Georeference | None = None
) -> None:
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
            extratags=georeference.geotiff_tags() if georeference is not None else (),
        )


def write_layers(
    path: Path,
    layers: ImageArray,
    names: Sequence[str],
    description: Description,
    *,
    georeference: Georeference | None = None,
    nodata: str = "",
) -> None:
    """Write named layers (C, h, w) as the bands of a TIFF, for QGIS and other programs that use GDAL.

    Args:
        path: the file.
        layers: values of any type.
        names: of the layers.
        description: what the values are.
        georeference: of the image.
        nodata: the number that means no value.

    Raises:
        OSError: the file cannot be written.
    """
    items = ElementTree.Element("GDALMetadata")
    for number, name in enumerate(names):
        item = ElementTree.SubElement(items, "Item", name="DESCRIPTION", sample=str(number), role="description")
        item.text = name
    tags = [(_GDAL_METADATA, "s", 0, ElementTree.tostring(items, encoding="us-ascii").decode(), True)]
    if nodata:
        tags.append((_GDAL_NODATA, "s", 0, nodata, True))
    with atomic_write(path) as part, translate_library_errors(path):
        tifffile.imwrite(
            part,
            np.ascontiguousarray(layers),
            photometric="minisblack",
            planarconfig="separate" if len(layers) > 1 else None,
            compression=_DEFLATE,
            predictor=True,
            description=_json(description),
            metadata=None,
            software="nesr_gui",
            extratags=[*tags, *(georeference.geotiff_tags() if georeference is not None else ())],
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
