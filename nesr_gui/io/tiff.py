"""Photographs in TIFF: the first page, as it stands in the file."""

from __future__ import annotations

import logging
import struct
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import tifffile

from nesr_gui.io import exif
from nesr_gui.io.decoders import CheckSize, Stored
from nesr_gui.io.errors import UnreadableImage

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what is wrong with a file is said once, by us

PROFILE, COLORMAP, DNG_VERSION = 34675, 320, 50706
PREVIEW = 1  # bit of NewSubfileType by which raw files mark their small first page
ASSOCIATED = 1  # of ExtraSamples
AXES = {"YX", "YXS", "SYX"}
COLOURS = {"MINISBLACK", "MINISWHITE", "RGB", "PALETTE", "YCBCR"}


def read_tiff(file: IO[bytes], check_size: CheckSize) -> Stored:
    """Grey, RGB or palette, integers or floating point (linear light), in any compression imagecodecs knows."""
    with tifffile.TiffFile(file) as tiff:
        page: Any = tiff.pages[0]
        if DNG_VERSION in page.tags or page.subfiletype & PREVIEW:
            return _read_raw(file, check_size)
        check_size(page.imagewidth, page.imagelength)
        _check_layout(page)
        _check_whole(page, file)
        stored = _stored(page)
        if _has_more(tiff):
            stored.notes.append("The file has several pages; the first was read.")
    return stored


def _read_raw(file: IO[bytes], check_size: CheckSize) -> Stored:
    """Most raw files are TIFFs whose first page is a preview."""
    from nesr_gui.io import raw

    file.seek(0)
    return raw.read_raw(file, check_size)


def _check_layout(page: Any) -> None:
    colours = getattr(page.photometric, "name", str(page.photometric))
    if page.samplesperpixel > 4 or page.axes not in AXES:
        raise UnreadableImage(
            f"it has {page.samplesperpixel} channels ({page.axes}) where a photograph has 1 to 4; "
            "if it is a spectral cube, export it as NetCDF-4 or HDF5 and open that"
        )
    if colours not in COLOURS or (colours == "YCBCR" and page.compression != tifffile.COMPRESSION.JPEG):
        raise UnreadableImage(f"its colours are {colours}; save it as RGB first")
    if page.dtype is None or page.dtype.kind not in "buf" or not isinstance(page.bitspersample, int):
        raise UnreadableImage(f"its numbers are of type {page.dtype}; expected unsigned integers or floating point")
    if page.dtype.kind == "f" and colours not in ("RGB", "MINISBLACK"):
        raise UnreadableImage(f"its colours are {colours} in floating point; save it as RGB first")
    if page.samplesperpixel - (3 if colours in ("RGB", "YCBCR") else 1) not in (0, 1):
        raise UnreadableImage(f"it has {page.samplesperpixel} channels, which do not fit its colours {colours}")


def _check_whole(page: Any, file: IO[bytes]) -> None:
    """tifffile leaves out a tag it cannot reach and fills what is missing of an image; neither may pass as read."""
    length = file.seek(0, 2)
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not parts or any(count <= 0 or offset + count > length for offset, count in parts):
        raise UnreadableImage("the file is cut short or damaged")
    if {PROFILE, COLORMAP, exif.ORIENTATION} & _declared(page, file) - {tag.code for tag in page.tags}:
        raise UnreadableImage("the file is cut short or damaged")


def _declared(page: Any, file: IO[bytes]) -> set[int]:
    """The tag numbers in the page's directory, whether their values can be reached or not."""
    layout = page.parent.tiff
    file.seek(page.offset)
    count = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))[0]
    entries = file.read(count * layout.tagsize)
    return {struct.unpack_from(layout.byteorder + "H", entries, i)[0] for i in range(0, len(entries), layout.tagsize)}


def _stored(page: Any) -> Stored:
    colours = page.photometric.name
    pixels = page.asarray(maxworkers=1)
    pixels = np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels.reshape(*pixels.shape[:2], -1)
    white = (1 << page.bitspersample) - 1
    notes = []
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8)
    if colours == "MINISWHITE":
        pixels = np.concatenate([white - pixels[..., :1], pixels[..., 1:]], axis=-1).astype(pixels.dtype)
    if colours == "PALETTE":
        pixels, white = _expanded(pixels[..., 0], page.colormap)
    profile = bytes(page.tags.valueof(PROFILE, default=b""))
    if pixels.dtype.kind == "f" and profile:
        notes.append("Floating-point values are taken as linear sRGB; the embedded profile was left aside.")
        profile = b""
    if ASSOCIATED in page.extrasamples:
        notes.append("Its colours are multiplied by the alpha channel: transparent parts are darker than they were.")
    stored = Stored(pixels, white, profile, notes=notes)
    tags = exif.parsed(b"")
    for code in (exif.ORIENTATION, exif.MAKE):
        if (value := page.tags.valueof(code)) is not None:
            tags[code] = value
    details = page.tags.valueof(exif.DETAILS)
    if isinstance(details, dict) and "ColorSpace" in details:
        tags.get_ifd(exif.DETAILS)[exif.COLOUR_SPACE] = int(details["ColorSpace"])
    exif.follow(stored, tags)
    return stored


def _expanded(indices: npt.NDArray[Any], colormap: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], int]:
    """Palette colours (H, W, 3) and their full scale; many programs write 8-bit colours times 256, not times 257."""
    eight_bits = not (colormap & 0xFF).any()
    colours = colormap.T >> 8 if eight_bits else colormap.T  # (entries, 3)
    return colours[indices], 0xFF if eight_bits else 0xFFFF


def _has_more(tiff: Any) -> bool:
    try:
        tiff.pages[1]
    except (IndexError, tifffile.TiffFileError, struct.error):
        return False
    return True
