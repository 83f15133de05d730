"""What each photograph format stores, as it stands in the file: one decoder per format, chosen by the first bytes.

Sizes are checked from the header before anything is decoded, and cut files are refused. Pillow reads JPEG, BMP, WebP;
PNG goes through imagecodecs, because Pillow cuts 16-bit colour to 8 bits. Other formats have modules of their own.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import BmpImagePlugin, Image, ImageFile, JpegImagePlugin, WebPImagePlugin

from nesr_gui.io import encodings, exif
from nesr_gui.io.encodings import ColourCode
from nesr_gui.io.errors import UnreadableImage

MAX_PROFILE_BYTES = 16 << 20

SRGB_GAMMA = 1 / 2.2  # the gAMA chunk by which PNG writers mean sRGB

CheckSize = Callable[[int, int], None]
"""Given (width, height) from a header, raises UnreadableImage when that is too large to decode."""


@dataclass
class Stored:
    """The content of a photograph file: pixels (H, W, channels) with `white` as full scale, and how to read them.

    Floating-point pixels are linear light unless `code` says otherwise, and `white` means nothing to them. One channel
    is grey, two are grey and alpha, three RGB, four RGB and alpha. `profile` is the embedded ICC profile or empty,
    `code` the encoding that the file names, which goes before the profile. `orientation` is EXIF's, 1 to 8.
    """

    pixels: npt.NDArray[Any]
    white: int = 255
    profile: bytes = b""
    code: ColourCode | None = None
    orientation: int = 1
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or 0 in self.pixels.shape or self.pixels.shape[2] > 4:
            raise UnreadableImage("the file is cut short or damaged")


def read_png(file: IO[bytes], check_size: CheckSize) -> Stored:
    """A PNG of any kind: palettes and low bit depths are expanded by libpng, 16 bits stay 16 bits."""
    data = file.read()
    chunks = dict(reversed(list(_png_chunks(data))))  # the first of each name
    header = chunks.get(b"IHDR", b"")
    check_size(int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big"))
    if len(header) != 13 or b"IEND" not in chunks:
        raise UnreadableImage("the file is cut short or damaged")
    pixels = imagecodecs.png_decode(data)
    stored = Stored(pixels.reshape(*pixels.shape[:2], -1), int(np.iinfo(pixels.dtype).max))
    stored.profile = _png_profile(chunks.get(b"iCCP", b""))
    exif.follow(stored, exif.parsed(chunks.get(b"eXIf", b"")), is_named=b"sRGB" in chunks or b"gAMA" in chunks)
    if b"sRGB" not in chunks and not stored.profile:
        stored.code = _png_gamma(chunks) or stored.code
    if len(cicp := chunks.get(b"cICP", b"")) == 4:
        stored.code, note = coded(cicp[0], cicp[1], stored.code)
        stored.notes += note
    if int.from_bytes(chunks.get(b"acTL", b"")[:4], "big") > 1:
        stored.notes.append("The file is animated; its first picture was read.")
    return stored


def read_jpeg(file: IO[bytes], check_size: CheckSize) -> Stored:
    """A JPEG in grey or RGB; of a file with several pictures the first."""
    image = JpegImagePlugin.JpegImageFile(file)
    check_size(*image.size)
    if image.mode not in ("L", "RGB"):
        raise UnreadableImage(f"its colours are {image.mode}, made for print; save it as RGB first")
    return _from_pillow(image, image.getexif())


def read_bmp(file: IO[bytes], check_size: CheckSize) -> Stored:
    """A BMP of any kind; the length in its header tells whether it is whole, which Pillow does not see for RLE."""
    header = file.read(6)
    length = file.seek(0, 2)
    file.seek(0)
    if int.from_bytes(header[2:6], "little") > length:
        raise UnreadableImage("the file is cut short")
    image = BmpImagePlugin.BmpImageFile(file)
    check_size(*image.size)
    return _from_pillow(image, Image.Exif())


def read_webp(file: IO[bytes], check_size: CheckSize) -> Stored:
    """A WebP; Pillow checks its size before it makes the canvas, and refuses above 179 megapixels."""
    try:
        image = WebPImagePlugin.WebPImageFile(file)
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"it is too large ({error}); make it smaller") from error
    check_size(*image.size)
    stored = _from_pillow(image, image.getexif())
    if image.n_frames > 1:
        stored.notes.append("The file is animated; its first picture was read.")
    return stored


def _from_pillow(image: ImageFile.ImageFile, tags: Image.Exif) -> Stored:
    profile = image.info.get("icc_profile") or b""
    whole = image.mode in ("L", "LA", "RGB", "RGBA")  # bilevel and palette are expanded
    pixels = np.asarray(image if whole else image.convert("RGB"))
    stored = Stored(pixels.reshape(*pixels.shape[:2], -1), profile=profile)
    exif.follow(stored, tags)
    return stored


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk that is whole; the image data itself is left out."""
    position = 8
    while position + 12 <= len(data):
        size, name = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        if position + 12 + size > len(data):
            return
        yield name, b"" if name == b"IDAT" else data[position + 8 : position + 8 + size]
        position += 12 + size


def _png_profile(chunk: bytes) -> bytes:
    """iCCP: a name, a zero, the compression method, and the profile compressed."""
    _, _, packed = chunk.partition(b"\0")
    return zlib.decompressobj().decompress(packed[1:], MAX_PROFILE_BYTES) if packed else b""


def _png_gamma(chunks: dict[bytes, bytes]) -> ColourCode | None:
    """gAMA and cHRM, where they mean something else than sRGB."""
    gamma, places = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    primaries = encodings.SRGB_PRIMARIES
    if len(places) == 32:
        white, *colours = (
            tuple(int.from_bytes(places[at + i : at + i + 4], "big") / 100_000 for i in (0, 4)) for at in (0, 8, 16, 24)
        )
        written = (*colours[0], *colours[1], *colours[2], *white)
        primaries = primaries if encodings.is_srgb(written) else written
    exponent = int.from_bytes(gamma, "big") / 100_000 if len(gamma) == 4 else 0
    if not exponent or abs(exponent - SRGB_GAMMA) <= 0.01:
        same = primaries == encodings.SRGB_PRIMARIES
        return None if same else ColourCode("the sRGB curve with the file's own primaries", primaries=primaries)
    return encodings.of_power(1 / exponent, primaries)


def coded(primaries: int, transfer: int, otherwise: ColourCode | None) -> tuple[ColourCode | None, list[str]]:
    """The encoding of two code numbers (ITU-T H.273), or what else the file says and a note."""
    if {primaries, transfer} == {2}:  # "unspecified"
        return otherwise, []
    found = encodings.of_codes(primaries, transfer)
    if found is not None:
        return found, []
    taken = otherwise.name if otherwise else "sRGB, or its embedded profile"
    return otherwise, [
        f"Its colour code {primaries}/{transfer} is not one that is read here; colours are taken as {taken}."
    ]
