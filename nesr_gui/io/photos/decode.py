"""Decoding of photographs in all common formats.

The format is detected from the first bytes, never from the name. Sizes are checked in the header before decoding, and
truncated files are refused. Pillow reads JPEG, BMP and WebP; imagecodecs reads PNG, because Pillow reduces 16-bit
colour to 8 bits. The libraries for HEIC, camera RAW and OpenEXR are loaded when such a file is opened.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import logging
import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import BmpImagePlugin, Image, ImageFile, JpegImagePlugin, WebPImagePlugin

from nesr_gui.io.content import PHOTOGRAPHS
from nesr_gui.io.errors import SYSTEM_ERRORS, UnreadableImage, error_message
from nesr_gui.io.names import readable
from nesr_gui.io.photos import colour_encoding
from nesr_gui.io.photos.colour_encoding import ColourEncoding, Primaries, TransferFunction
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.io.photos.photo import MAX_PIXELS, TONE_CURVE, CheckSize, DecodedPhoto, DecodedPixels
from nesr_gui.io.registry import FileKind, plugin_reader
from nesr_gui.spectral import RGBImage

__all__ = ["DecodedPhoto", "UnreadableImage", "decode", "describe", "read_photograph"]

ORIENTATION = 0x0112  # EXIF and TIFF tag
MAKE, MODEL = 0x010F, 0x0110
START_OF_SCAN, COMMENT, ADOBE, ADOBE_BYTES = 0xDA, 0xFE, 0xEE, 14  # markers of JPEG, and the length of Adobe's segment
DETAILS, INTEROPERABILITY = 0x8769, 0xA005
COLOUR_SPACE = 0xA001
UNCALIBRATED = 0xFFFF
MAX_PROFILE_BYTES = 16 << 20
MIN_GAMMA = 0.05  # smallest gAMA value, and inverse of the largest, that is believed
SRGB_GAMMA = 1 / 2.2  # the gAMA value that PNG writers use for sRGB
ROMM_PRIMARIES: Primaries = (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, 0.3457, 0.3585)
WIDE = ColourEncoding("camera RAW, linear", TransferFunction.LINEAR, ROMM_PRIMARIES)
"""Primaries of ISO 22028-2: LibRaw clips to its output gamut, so that must contain all surface colours."""


def parse_exif(data: bytes) -> Image.Exif:
    r"""Parse EXIF data, with or without the header `Exif\0\0`."""
    tags = Image.Exif()
    if data:
        tags.load(data)
    return tags


def apply_exif(stored: DecodedPixels, read: Callable[[], Image.Exif], *, is_named: bool = False) -> None:
    """Apply EXIF tags to `stored`; damaged ones are left aside with a note.

    Args:
        stored: what the tags describe.
        read: parses the tags.
        is_named: whether the file already defines its colours more reliably.
    """
    orientation: Any = 1
    try:
        tags = read()
        orientation = tags.get(ORIENTATION, 1)
        if not stored.profile and not is_named:
            _apply_exif_colours(stored, tags)
        make = tags.get(MAKE)
        stored.camera = camera_name(make, tags.get(MODEL))
    except Exception as error:  # Pillow raises many kinds of errors for damaged tags
        stored.notes.append(f"Its EXIF data are damaged and were left aside ({error_message(error)[:80]}).")
        make = None
    if orientation in ORIENTATIONS:
        stored.orientation = orientation
    else:
        stored.notes.append(f"Its EXIF data state the orientation {str(orientation)[:20]}, which was left aside.")
    if make and stored.pixels.dtype == np.uint8:  # files with more bits were developed deliberately
        stored.notes.append(TONE_CURVE)


def camera_name(make: Any, model: Any) -> str:
    """Maker and model from EXIF as one name, in which the maker is not repeated; empty if there is none."""
    maker, name = (" ".join(readable(str(text or "")).replace("\0", " ").split())[:80] for text in (make, model))
    first = maker.partition(" ")[0].lower()
    return name if first and name.lower().startswith(first) else f"{maker} {name}".strip()


def _apply_exif_colours(stored: DecodedPixels, tags: Image.Exif) -> None:
    """Apply the colour space tag.

    DCF cameras mark Adobe RGB as option file R03, some as 2; iPhones mark Display P3 as uncalibrated.
    """
    space = tags.get_ifd(DETAILS).get(COLOUR_SPACE)
    if tags.get_ifd(INTEROPERABILITY).get(1) == "R03" or space == 2:
        stored.code = colour_encoding.ADOBE_RGB
    elif space == UNCALIBRATED and str(tags.get(MAKE, "")).strip("\0 ") == "Apple":
        stored.code = colour_encoding.DISPLAY_P3
        stored.notes.append("The camera's note that the colours are not sRGB was followed: its maker means Display P3.")
    elif space == UNCALIBRATED:
        stored.notes.append(
            "The camera says that the colours are not sRGB, but not which; they are taken as sRGB until you choose."
        )


def read_png(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    """Read any PNG: libpng expands palettes and low bit depths, 16-bit data stays 16-bit."""
    data = file.read()
    chunks = dict(reversed(list(_png_chunks(data))))  # the first chunk of each name
    header = chunks.get(b"IHDR", b"")
    check_size(int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big"))
    if len(header) != 13 or b"IEND" not in chunks:
        raise UnreadableImage("the file is cut short or damaged")
    stored = _png_pixels(data)
    try:
        stored.profile = _png_profile(chunks.get(b"iCCP", b""))
    except zlib.error:
        stored.notes.append("Its embedded profile is damaged and was left aside.")
    is_named = b"sRGB" in chunks or b"gAMA" in chunks
    apply_exif(stored, lambda: parse_exif(chunks.get(b"eXIf", b"")), is_named=is_named)
    if b"sRGB" not in chunks and not stored.profile:
        gamma, note = _png_gamma(chunks)
        stored.code, stored.notes = gamma or stored.code, stored.notes + note
    if len(cicp := chunks.get(b"cICP", b"")) == 4:
        stored.code, note = colour_encoding.of_codes_or(cicp[0], cicp[1], stored.code)
        stored.notes += note
    if int.from_bytes(chunks.get(b"acTL", b"")[:4], "big") > 1:
        stored.notes.append("The file is animated; its first picture was read.")
    return stored


def _png_pixels(data: bytes) -> DecodedPixels:
    """Pixels, decoded from the chunks that they need, so that damage in any other one does not matter."""
    needed = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
    kept = [data[start:end] for name, start, end in _png_layout(data) if name in needed]
    notes = []
    try:
        pixels = imagecodecs.png_decode(data[:8] + b"".join(kept))
    except imagecodecs.PngError:
        if not any(chunk[4:8] == b"tRNS" for chunk in kept):
            raise
        pixels = imagecodecs.png_decode(data[:8] + b"".join(chunk for chunk in kept if chunk[4:8] != b"tRNS"))
        notes = ["Its transparent colour is damaged and was left aside."]
    return DecodedPixels(pixels.reshape(*pixels.shape[:2], -1), int(np.iinfo(pixels.dtype).max), notes=notes)


def read_jpeg(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    """Read a grey or RGB JPEG; of several images in a file, the first.

    Damaged segments of metadata are left aside.
    """
    try:
        image, notes = JpegImagePlugin.JpegImageFile(file), []
    except Exception:  # Pillow raises many kinds of errors for damaged segments
        file.seek(0)
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(_without_metadata(file.read())))
        notes = ["Its metadata are damaged and were left aside."]
    check_size(*image.size)
    if image.mode not in ("L", "RGB"):
        raise UnreadableImage(f"its colours are {image.mode}, made for print; save it as RGB first")
    stored = _from_pillow(image, lambda: parse_exif(image.info.get("exif") or b""))
    stored.notes += notes
    return stored


def _without_metadata(data: bytes) -> bytes:
    """A JPEG without segments that its pixels do not need; that of Adobe, which names the colours, is kept if whole."""
    kept, position = [data[:2]], 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != START_OF_SCAN:
        marker, size = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        is_metadata = 0xE1 <= marker <= 0xEF or marker == COMMENT
        if not is_metadata or (marker == ADOBE and size >= ADOBE_BYTES):
            kept.append(data[position : position + 2 + size])
        position += 2 + size
    return b"".join(kept) + data[position:]


def read_bmp(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    """Read any BMP; the length in the header tells whether it is complete, which Pillow does not check for RLE."""
    header = file.read(6)
    length = file.seek(0, 2)
    file.seek(0)
    if int.from_bytes(header[2:6], "little") > length:
        raise UnreadableImage("the file is cut short")
    image = BmpImagePlugin.BmpImageFile(file)
    check_size(*image.size)
    return _from_pillow(image, Image.Exif)


def read_webp(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    """Read a WebP; Pillow checks its size before allocating the canvas, and refuses more than 179 megapixels."""
    try:
        image = WebPImagePlugin.WebPImageFile(file)
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"it is too large ({error}); make it smaller") from error
    check_size(*image.size)
    stored = _from_pillow(image, lambda: parse_exif(image.info.get("exif") or b""))
    if image.n_frames > 1:
        stored.notes.append("The file is animated; its first picture was read.")
    return stored


def _from_pillow(image: ImageFile.ImageFile, tags: Callable[[], Image.Exif]) -> DecodedPixels:
    profile = image.info.get("icc_profile") or b""
    whole = image.mode in ("L", "LA", "RGB", "RGBA")  # bilevel and palette are expanded
    pixels = np.asarray(image if whole else image.convert("RGB"))
    stored = DecodedPixels(pixels.reshape(*pixels.shape[:2], -1), profile=profile)
    apply_exif(stored, tags)
    return stored


def _png_layout(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, first and last byte of each complete chunk."""
    position = 8
    while position + 12 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if end > len(data):
            return
        yield data[position + 4 : position + 8], position, end
        position = end


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each complete chunk except the image data."""
    for name, start, end in _png_layout(data):
        yield name, b"" if name == b"IDAT" else data[start + 8 : end - 4]


def _png_profile(chunk: bytes) -> bytes:
    """Profile of an iCCP chunk: a name, a zero byte, the compression method, and the compressed profile."""
    _, _, packed = chunk.partition(b"\0")
    return zlib.decompressobj().decompress(packed[1:], MAX_PROFILE_BYTES) if packed else b""


def _png_gamma(chunks: dict[bytes, bytes]) -> tuple[ColourEncoding | None, list[str]]:
    """Encoding defined by gAMA and cHRM chunks, if it differs from sRGB, and notes on what was left aside."""
    gamma, places = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    primaries, notes = colour_encoding.SRGB_PRIMARIES, []
    if len(places) == 32:
        white, *colours = (
            tuple(int.from_bytes(places[at + i : at + i + 4], "big") / 100_000 for i in (0, 4)) for at in (0, 8, 16, 24)
        )
        written = (*colours[0], *colours[1], *colours[2], *white)
        if not colour_encoding.is_srgb(written):
            try:
                colour_encoding.primaries_matrix(written)
                primaries = written
            except ValueError:
                notes.append("Its primaries (cHRM) make no colours; those of sRGB were taken.")
    exponent = int.from_bytes(gamma, "big") / 100_000 if len(gamma) == 4 else 0
    if exponent and not MIN_GAMMA <= exponent <= 1 / MIN_GAMMA:
        notes.append(f"Its gamma of {exponent:g} (gAMA) shows no picture; that of sRGB was taken.")
        exponent = 0
    if not exponent or abs(exponent - SRGB_GAMMA) <= 0.01:
        same = primaries == colour_encoding.SRGB_PRIMARIES
        return (
            None if same else ColourEncoding("the sRGB curve with the file's own primaries", primaries=primaries)
        ), notes
    return colour_encoding.of_power(1 / exponent, primaries), notes


def read_heic(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    """The main picture of a HEIC in RGB, 8 to 12 bits, which its library has turned upright."""
    try:
        import pillow_heif
    except ImportError as error:
        raise UnreadableImage(
            "it is a HEIC, which needs the package pillow-heif; get it with: pip install 'nesr-gui[raw]'"
        ) from error
    several = pillow_heif.open_heif(file, convert_hdr_to_8bit=False)
    image = several[several.primary_index]
    info: dict[str, Any] = image.info
    check_size(*image.size)
    pixels = np.asarray(image)
    bits = int(info.get("bit_depth") or 8)
    # more than 8 bits come in the upper bits of 16
    white = 255 if pixels.dtype == np.uint8 else ((1 << bits) - 1) << (16 - bits)
    stored = DecodedPixels(pixels.reshape(*pixels.shape[:2], -1), white, bytes(info.get("icc_profile") or b""))
    nclx = info.get("nclx_profile") or {}
    if nclx and not stored.profile:
        stored.code, stored.notes = colour_encoding.of_codes_or(
            nclx["color_primaries"], nclx["transfer_characteristics"], None
        )
    apply_exif(stored, lambda: parse_exif(info.get("exif") or b""), is_named=bool(nclx))
    stored.orientation = 1
    if len(several) > 1:
        stored.notes.append(f"The file has {len(several)} pictures; its main one was read.")
    if stored.code is not None and stored.code.name == "sRGB":
        stored.code = None  # the default: no note
    return stored


def read_raw(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    """Develop a raw photograph to 16-bit linear light, upright.

    The camera's white balance is applied and stated in the notes.
    """
    try:
        import rawpy
    except ImportError as error:
        raise UnreadableImage(
            "it is a camera's raw file, which needs the package rawpy; get it with: pip install 'nesr-gui[raw]'"
        ) from error
    try:
        with rawpy.imread(cast(BinaryIO, file)) as raw:
            check_size(raw.sizes.width, raw.sizes.height)
            multipliers = [float(value) for value in raw.camera_whitebalance[:3]]
            is_balanced = min(multipliers) > 0
            pixels = raw.postprocess(
                gamma=(1, 1),
                no_auto_bright=True,
                output_bps=16,
                output_color=rawpy.ColorSpace.ProPhoto,
                use_camera_wb=is_balanced,
                highlight_mode=rawpy.HighlightMode.Clip,
            )
    except rawpy.LibRawError as error:
        raise UnreadableImage(
            f"LibRaw does not support this raw file ({_text(error)}); develop it to TIFF or JPEG first"
        ) from error
    notes = ["Developed from the camera's raw values: linear light, no tone curve."]
    balance: tuple[float, ...] = ()
    if is_balanced:
        balance = tuple(value / multipliers[1] for value in multipliers)
        notes.append(
            f"The camera's white balance was applied: red × {balance[0]:.3f}, green × 1, blue × {balance[2]:.3f}."
        )
    else:
        notes.append("The file has no white balance; that of daylight was applied.")
    return DecodedPixels(np.asarray(pixels), 0xFFFF, code=WIDE, white_balance=balance, notes=notes)


def _text(error: Exception) -> str:
    message = error.args[0] if error.args else ""
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)


logging.getLogger("tifffile").addHandler(logging.NullHandler())  # errors are reported once, by this module

PROFILE, COLORMAP, DNG_VERSION = 34675, 320, 50706
MAX_PAGES = 64  # among which the picture in full size is looked for
MAX_SPOTS = 8  # channels of an RGB photograph with spot colours or masks
PREVIEW = 1  # bit of NewSubfileType that marks the preview page of raw files
ASSOCIATED = 1  # value of ExtraSamples
AXES = {"YX", "YXS", "SYX"}
COLOURS = {"MINISBLACK", "MINISWHITE", "RGB", "PALETTE", "YCBCR"}


def read_tiff(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    """Read a grey, RGB or palette TIFF in any compression that imagecodecs supports.

    Floating-point values are linear light.
    """
    with tifffile.TiffFile(file) as tiff:
        page = _photograph_page(tiff)
        if page is None:
            first: Any = tiff.pages[0]
            camera = camera_name(first.tags.valueof(MAKE), first.tags.valueof(MODEL))
            return replace(_read_raw_in_tiff(file, check_size), camera=camera)
        check_size(page.imagewidth, page.imagelength)
        _check_layout(page)
        notes = _check_whole(page, file)
        stored = _stored_in_tiff(page)
        stored.notes += notes
        if page.index > 0:
            stored.notes.append(f"The file begins with a reduced version; page {page.index + 1} was read.")
        elif _has_more(tiff):
            stored.notes.append("The file has several pages; the first was read.")
    return stored


def _photograph_page(tiff: tifffile.TiffFile) -> Any:
    """The first page in full size; None for a raw file, which begins with a preview and has no other picture."""
    pages: Any = tiff.pages
    if DNG_VERSION in pages[0].tags:
        return None
    if not pages[0].subfiletype & PREVIEW:
        return pages[0]
    larger = (
        page
        for page in itertools.islice(pages, 1, MAX_PAGES)
        if not page.subfiletype & PREVIEW and page.imagewidth >= pages[0].imagewidth
    )
    return next((page for page in larger if getattr(page.photometric, "name", "") in COLOURS), None)


def _read_raw_in_tiff(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    """Read a raw file in TIFF format: in most, the first page is a preview."""
    file.seek(0)
    return read_raw(file, check_size)


def _check_layout(page: Any) -> None:
    colours = getattr(page.photometric, "name", str(page.photometric))
    most = MAX_SPOTS if colours == "RGB" else 4
    if page.samplesperpixel > most or page.axes not in AXES:
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
    extra = page.samplesperpixel - (3 if colours in ("RGB", "YCBCR") else 1)
    if extra < 0 or (extra > 1 and colours != "RGB"):
        raise UnreadableImage(f"it has {page.samplesperpixel} channels, which do not match its colours {colours}")


def _check_whole(page: Any, file: IO[bytes]) -> list[str]:
    """Refuse truncated files, and note unreachable tags: tifffile silently drops those and fills missing image data."""
    length = file.seek(0, 2)
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not parts or any(count <= 0 or offset + count > length for offset, count in parts):
        raise UnreadableImage("the file is cut short or damaged")
    lost = _declared_tags(page, file) - {tag.code for tag in page.tags}
    if COLORMAP in lost and page.photometric.name == "PALETTE":
        raise UnreadableImage("the file is cut short or damaged: its palette is missing")
    named = {PROFILE: "embedded profile", ORIENTATION: "orientation"}
    return [f"Its {name} is damaged and was left aside." for tag, name in named.items() if tag in lost]


def _declared_tags(page: Any, file: IO[bytes]) -> set[int]:
    """Tag numbers in the page's directory, whether or not their values are reachable."""
    layout = page.parent.tiff
    file.seek(page.offset)
    count = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))[0]
    entries = file.read(count * layout.tagsize)
    return {struct.unpack_from(layout.byteorder + "H", entries, i)[0] for i in range(0, len(entries), layout.tagsize)}


def _stored_in_tiff(page: Any) -> DecodedPixels:
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
        pixels, white = _expand_palette(pixels[..., 0], page.colormap)
    profile = page.tags.valueof(PROFILE, default=b"")
    if not isinstance(profile, bytes):
        notes.append("Its embedded profile is damaged and was left aside.")
        profile = b""
    if pixels.shape[2] > 4:
        notes.append(f"It has {pixels.shape[2] - 3} channels besides R, G and B, which were left out.")
        pixels = pixels[..., :3]
    elif ASSOCIATED in page.extrasamples:
        notes.append("Its colours are multiplied by the alpha channel: transparent parts are darker than they were.")
    if pixels.dtype.kind == "f" and profile:
        notes.append("Floating-point values are taken as linear sRGB; the embedded profile was left aside.")
        profile = b""
    stored = DecodedPixels(pixels, white, profile, notes=notes)
    apply_exif(stored, lambda: _tiff_exif(page))
    return stored


def _tiff_exif(page: Any) -> Image.Exif:
    """The tags of a page that EXIF defines too."""
    tags = parse_exif(b"")
    for code in (ORIENTATION, MAKE, MODEL):
        if (value := page.tags.valueof(code)) is not None:
            tags[code] = value
    details = page.tags.valueof(DETAILS)
    if isinstance(details, dict) and "ColorSpace" in details:
        tags.get_ifd(DETAILS)[COLOUR_SPACE] = int(details["ColorSpace"])
    return tags


def _expand_palette(indices: npt.NDArray[Any], colormap: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], int]:
    """Palette colours (H, W, 3) and their full scale; many programs write 8-bit colours times 256 instead of 257."""
    eight_bits = not (colormap & 0xFF).any()
    colours = colormap.T >> 8 if eight_bits else colormap.T  # (entries, 3)
    return colours[indices], 0xFF if eight_bits else 0xFFFF


def _has_more(tiff: Any) -> bool:
    """Whether there are more pages, or images behind the first that ImageJ stores without pages."""
    if tiff.is_imagej and (tiff.imagej_metadata or {}).get("images", 1) != 1:
        return True
    try:
        tiff.pages[1]
    except (IndexError, tifffile.TiffFileError, struct.error):
        return False
    return True


Decoder = Callable[[IO[bytes], CheckSize], DecodedPixels]


def _read_exr(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    from nesr_gui.io.photos import exr

    return exr.read_exr(file, check_size)


DECODERS: dict[str, Decoder] = {
    "PNG": read_png,
    "JPEG": read_jpeg,
    "camera RAW": read_raw,
    "TIFF": read_tiff,
    "BMP": read_bmp,
    "WebP": read_webp,
    "HEIC": read_heic,
    "OpenEXR": _read_exr,
}
"""Format, as named in `content.PHOTOGRAPHS`, → decoder."""

# EXIF orientation → (transpose, flip rows, flip columns), the transposition first
ORIENTATIONS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def decode(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> DecodedPhoto:
    """Decode a photograph: PNG, JPEG, TIFF, BMP, WebP, with optional libraries HEIC, camera RAW and OpenEXR.

    Other content is read by the plug-in of its extension.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableImage: the file is not a supported photograph, is damaged, is neither grey nor RGB, has more than
            `max_pixels` pixels, or requires a library that is not installed.
    """
    path = Path(path)
    if path.is_dir():
        raise UnreadableImage(f"{path} is a folder; expected a photograph ({', '.join(DECODERS)})")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        stored = _stored(file, path, max_pixels)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    transpose, rows, columns = ORIENTATIONS.get(stored.orientation, ORIENTATIONS[1])
    pixels = stored.pixels.transpose(1, 0, 2) if transpose else stored.pixels
    pixels = pixels[:: -1 if rows else 1, :: -1 if columns else 1]
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise UnreadableImage(
            f"cannot read {path.name}: it has values that are not finite numbers; fix it in the program that wrote it"
        )
    return DecodedPhoto(replace(stored, pixels=pixels, orientation=1), readable(path.name), digest)


def read_photograph(
    path: str | os.PathLike[str],
    interpretation: DevelopSettings | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
) -> RGBImage:
    """Read a photograph as (H, W, 3) linear sRGB in [0, 1], upright, at the precision of the file.

    `source.notes` states all processing beyond plain reading: dropped alpha, clipped colours, scaled exposure,
    selection of one image of several.

    Args:
        path: see `decode`.
        interpretation: develop settings; by default those the file states.
        max_pixels: largest size that is read.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableImage: as for `decode`.
    """
    from nesr_gui.io.photos.develop import develop

    return develop(decode(path, max_pixels=max_pixels), interpretation or DevelopSettings())


def describe(path: str | os.PathLike[str]) -> dict[str, str]:
    """Properties of a photograph file and of its colour conversion, as name → text; raises as `read_photograph`."""
    image = read_photograph(path)
    height, width = image.shape
    return {
        "format": "photograph",
        "size": f"{width} x {height} pixels",
        "sha256": image.source.sha256,
        "understood as": " ".join(("Linear sRGB after its own encoding was undone.", *image.source.notes)),
    }


def _stored(file: IO[bytes], path: Path, max_pixels: int) -> DecodedPixels:
    """Decode the file, and convert any error of a decoder to one sentence."""
    head, name = file.read(16), path.name
    file.seek(0)
    if not head:
        raise UnreadableImage(f"{name} is empty; expected a photograph ({', '.join(DECODERS)})")
    found = next((name for name, matches in PHOTOGRAPHS.items() if matches(head)), None)

    def check_size(width: int, height: int) -> None:
        if width * height > max_pixels:
            raise UnreadableImage(
                f"it has {width} x {height} pixels; at most {max_pixels / 1e6:g} megapixels are supported"
            )

    try:
        if found is None and (read := plugin_reader(path, FileKind.PHOTOGRAPH)) is not None:
            stored: DecodedPixels = read(path)
            check_size(stored.pixels.shape[1], stored.pixels.shape[0])
            return stored
    except UnreadableImage as error:
        raise UnreadableImage(f"cannot read {name}: {error}") from error
    if found is None:
        raise UnreadableImage(f"{name} is not a photograph that this program can read ({', '.join(DECODERS)})")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn about unusual metadata, which the user cannot fix
            return DECODERS[found](file, check_size)
    except MemoryError:
        raise
    except UnreadableImage as error:
        raise UnreadableImage(f"cannot read {name}: {error}") from error
    except Exception as error:  # decoders raise many kinds of errors for damaged files
        if isinstance(error, OSError) and error.errno in SYSTEM_ERRORS:  # the disk or the drive, not the file
            raise
        message = error_message(error)
        raise UnreadableImage(f"cannot read {name}: the file is cut short or damaged ({message})") from error
