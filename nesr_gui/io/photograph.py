"""Photographs of any usual format: decoded once, then understood as linear sRGB in one way or another.

What a file is, is decided by its first bytes, never by its name.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from nesr_gui.io import decoders, tiff
from nesr_gui.io.decoders import CheckSize, Stored
from nesr_gui.io.errors import UnreadableImage
from nesr_gui.io.interpretation import Interpretation
from nesr_gui.spectral import RGBImage

__all__ = ["Decoded", "UnreadableImage", "decode", "describe", "read_photograph"]

MAX_PIXELS = 200_000_000
EXTENDED = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # brands of HEIC
RAW_HEADS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM", b"FOVb")
"""How raw files begin that are no TIFF; the others are recognised by the TIFF reader."""

Decoder = Callable[[IO[bytes], CheckSize], Stored]


def _read_exr(file: IO[bytes], check_size: CheckSize) -> Stored:
    from nesr_gui.io import exr_photograph

    return exr_photograph.read_exr(file, check_size)


def _read_heic(file: IO[bytes], check_size: CheckSize) -> Stored:
    from nesr_gui.io import heic

    return heic.read_heic(file, check_size)


def _read_raw(file: IO[bytes], check_size: CheckSize) -> Stored:
    from nesr_gui.io import raw

    return raw.read_raw(file, check_size)


DECODERS: dict[str, tuple[Callable[[bytes], bool], Decoder]] = {
    "PNG": (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), decoders.read_png),
    "JPEG": (lambda head: head.startswith(b"\xff\xd8\xff"), decoders.read_jpeg),
    "camera RAW": (
        lambda head: head.startswith(RAW_HEADS) or head[4:12] == b"ftypcrx " or head[8:11] == b"CR\x02",
        _read_raw,
    ),
    "TIFF": (lambda head: head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), tiff.read_tiff),
    "BMP": (lambda head: head.startswith(b"BM"), decoders.read_bmp),
    "WebP": (lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP", decoders.read_webp),
    "HEIC": (lambda head: head[4:8] == b"ftyp" and head[8:12] in EXTENDED, _read_heic),
    "OpenEXR": (lambda head: head.startswith(b"v/1\x01"), _read_exr),
}
"""Format → whether the first 16 bytes are of it, and what decodes it; the first that fits."""

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


@dataclass(frozen=True, eq=False)
class Decoded:
    """A photograph's file as it stands, upright: what every interpretation of it starts from.

    `stored` keeps the file's own numbers at their own precision; nothing changes them.
    """

    stored: Stored
    name: str
    sha256: str

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.stored.pixels.shape[0], self.stored.pixels.shape[1]


def decode(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode a photograph: PNG, JPEG, TIFF, BMP, WebP, and with their libraries HEIC, camera RAW, OpenEXR.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableImage: it is no such photograph, damaged, not in grey or RGB, has more than `max_pixels` pixels, or
            is of a format whose library is not installed.
    """
    path = Path(path)
    if path.is_dir():
        raise UnreadableImage(f"{path} is a folder; expected a photograph ({', '.join(DECODERS)})")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        stored = _stored(file, path.name, max_pixels)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    transpose, rows, columns = ORIENTATIONS.get(stored.orientation, ORIENTATIONS[1])
    pixels = stored.pixels.transpose(1, 0, 2) if transpose else stored.pixels
    pixels = pixels[:: -1 if rows else 1, :: -1 if columns else 1]
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise UnreadableImage(
            f"cannot read {path.name}: it has values that are not finite numbers; mend it in the program that wrote it"
        )
    return Decoded(replace(stored, pixels=pixels, orientation=1), path.name, digest)


def read_photograph(
    path: str | os.PathLike[str],
    interpretation: Interpretation | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
) -> RGBImage:
    """Read a photograph: (H, W, 3) linear sRGB in [0, 1], upright, at the file's own precision.

    Args:
        path: see `decode`.
        interpretation: how the file is understood; by default as it says itself.
        max_pixels: how large a file is read at all.

    What was done beyond plain reading stands in `source.notes`: alpha dropped, colours clipped, exposure scaled, one
    picture taken of several. Raises as `decode` does.
    """
    from nesr_gui.io.interpreting import interpret

    return interpret(decode(path, max_pixels=max_pixels), interpretation or Interpretation())


def describe(path: str | os.PathLike[str]) -> dict[str, str]:
    """What the file holds and how it is understood, as name → text; raises as `read_photograph` does."""
    image = read_photograph(path)
    height, width = image.shape
    return {
        "format": "photograph",
        "size": f"{width} x {height} pixels",
        "sha256": image.source.sha256,
        "understood as": " ".join(("Linear sRGB after its own encoding was undone.", *image.source.notes)),
    }


def _stored(file: IO[bytes], name: str, max_pixels: int) -> Stored:
    """Decode the file; whatever a decoder makes of a damaged one becomes one sentence."""
    head = file.read(16)
    file.seek(0)
    if not head:
        raise UnreadableImage(f"{name} is empty; expected a photograph ({', '.join(DECODERS)})")
    decode = next((decode for matches, decode in DECODERS.values() if matches(head)), None)
    if decode is None:
        raise UnreadableImage(f"{name} is not a photograph this program reads ({', '.join(DECODERS)})")

    def check_size(width: int, height: int) -> None:
        if width * height > max_pixels:
            raise UnreadableImage(
                f"it has {width} x {height} pixels, at most {max_pixels / 1e6:g} megapixels are read; make it smaller"
            )

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn of odd metadata, which the user cannot mend
            return decode(file, check_size)
    except MemoryError:
        raise
    except UnreadableImage as error:
        raise UnreadableImage(f"cannot read {name}: {error}") from error
    except Exception as error:  # decoders meet damaged files with errors of many classes
        said = " ".join(str(error).split())
        raise UnreadableImage(f"cannot read {name}: the file is cut short or damaged ({said})") from error
