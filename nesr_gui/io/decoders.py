"""What each photograph format stores, as it stands in the file: one decoder per format, chosen by the first bytes.

Sizes are checked from the header before anything is decoded, and cut files are refused. Pillow reads JPEG, BMP, WebP;
PNG goes through imagecodecs, because Pillow cuts 16-bit colour to 8 bits. TIFF has its own module.
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

from nesr_gui.io.colour_profile import adobe_rgb
from nesr_gui.io.errors import UnreadableImage

MAX_PROFILE_BYTES = 16 << 20
ORIENTATION = 0x0112  # EXIF and TIFF tag
INTEROPERABILITY = 0xA005  # EXIF: the directory in which a camera says that it wrote Adobe RGB

CheckSize = Callable[[int, int], None]
"""Given (width, height) from a header, raises UnreadableImage when that is too large to decode."""


@dataclass
class Stored:
    """The content of a photograph file: pixels (H, W, channels) with `white` as full scale, and how to read them.

    Floating-point pixels are linear light, and `white` means nothing to them. One channel is grey, two are grey and
    alpha, three RGB, four RGB and alpha. `orientation` is EXIF's, 1 to 8.
    """

    pixels: npt.NDArray[Any]
    white: int = 255
    profile: bytes = b""
    gamma: float | None = None
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
    if b"sRGB" not in chunks and len(gamma := chunks.get(b"gAMA", b"")) == 4:
        stored.gamma = int.from_bytes(gamma, "big") / 100_000 or None
    stored.orientation = _exif(chunks.get(b"eXIf", b"")).get(ORIENTATION, 1)
    if len(cicp := chunks.get(b"cICP", b"")) == 4 and tuple(cicp[:2]) != (1, 13):
        stored.notes.append(f"Its colour code (cICP {cicp[0]}/{cicp[1]}) is not understood and was left aside.")
    if int.from_bytes(chunks.get(b"acTL", b"")[:4], "big") > 1:
        stored.notes.append("The file is animated; its first picture was read.")
    return stored


def read_jpeg(file: IO[bytes], check_size: CheckSize) -> Stored:
    """A JPEG in grey or RGB; of a file with several pictures the first."""
    image = JpegImagePlugin.JpegImageFile(file)
    check_size(*image.size)
    if image.mode not in ("L", "RGB"):
        raise UnreadableImage(f"its colours are {image.mode}, made for print; save it as RGB first")
    exif = image.getexif()
    stored = _from_pillow(image, exif)
    if not stored.profile and exif.get_ifd(INTEROPERABILITY).get(1) == "R03":  # DCF option file: Adobe RGB
        stored.profile = adobe_rgb()
        stored.notes.append("The camera's note that the colours are Adobe RGB was followed.")
    return stored


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


def _from_pillow(image: ImageFile.ImageFile, exif: Image.Exif) -> Stored:
    profile = image.info.get("icc_profile") or b""
    whole = image.mode in ("L", "LA", "RGB", "RGBA")  # bilevel and palette are expanded
    pixels = np.asarray(image if whole else image.convert("RGB"))
    return Stored(pixels.reshape(*pixels.shape[:2], -1), profile=profile, orientation=exif.get(ORIENTATION, 1))


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


def _exif(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    if data:
        exif.load(data)
    return exif
