"""Photographs of any usual format as linear sRGB.

What a file is, is decided by its first bytes, never by its name.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io import colour_profile, decoders, tiff
from nesr_gui.io.decoders import CheckSize, Stored
from nesr_gui.io.errors import UnreadableImage
from nesr_gui.spectral import FloatArray, RGBImage, Source

__all__ = ["UnreadableImage", "read_photograph"]

MAX_PIXELS = 200_000_000

DECODERS: dict[str, tuple[Callable[[bytes], bool], Callable[[IO[bytes], CheckSize], Stored]]] = {
    "PNG": (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), decoders.read_png),
    "JPEG": (lambda head: head.startswith(b"\xff\xd8\xff"), decoders.read_jpeg),
    "TIFF": (lambda head: head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), tiff.read_tiff),
    "BMP": (lambda head: head.startswith(b"BM"), decoders.read_bmp),
    "WebP": (lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP", decoders.read_webp),
}
"""Format → whether the first 16 bytes are of it, and what decodes it."""

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


def read_photograph(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> RGBImage:
    """Read a PNG, JPEG, TIFF, BMP or WebP: (H, W, 3) linear sRGB in [0, 1], upright, at the file's own precision.

    An embedded profile is applied. What was done beyond plain reading stands in `source.notes`: alpha dropped, colours
    clipped, exposure scaled, one picture taken of several.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableImage: it is no such photograph, damaged, not in grey or RGB, or has more than `max_pixels` pixels.
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
    try:
        linear, notes = _linear(stored)
    except UnreadableImage as error:
        raise UnreadableImage(f"cannot read {path.name}: {error}") from error
    return RGBImage(_upright(linear, stored.orientation), Source(path.name, digest, tuple(notes)))


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
        raise UnreadableImage(f"cannot read {name}: the file is cut short or damaged ({error})") from error


def _linear(stored: Stored) -> tuple[FloatArray, list[str]]:
    """Linear sRGB (H, W, 3) in [0, 1] of what a file stores, with the notes on how."""
    pixels, notes = stored.pixels, list(stored.notes)
    channels = pixels.shape[2]
    if channels in (2, 4):
        pixels = pixels[..., : channels - 1]
        notes.append("The alpha channel was dropped.")
    if pixels.dtype.kind == "f":
        linear, more = _exposed(pixels)
    else:
        linear, more = colour_profile.to_linear(pixels, stored.white, stored.profile, stored.gamma)
    return linear, notes + more


def _exposed(pixels: npt.NDArray[Any]) -> tuple[FloatArray, list[str]]:
    """Linear light (H, W, 1 or 3) brought into [0, 1]."""
    notes = []
    if not np.isfinite(pixels).all():
        raise UnreadableImage("it has values that are not finite numbers; mend it in the program that wrote it")
    peak, least = float(pixels.max()), float(pixels.min())
    if least < 0:
        notes.append(f"Negative values, down to {least:.3g}, were set to 0.")
    if peak > 1:
        pixels = pixels / pixels.dtype.type(peak)
        notes.append(f"The exposure was divided by {peak:.6g}, so that the brightest value is 1.")
    linear = np.clip(pixels, 0, 1).astype(np.float32)
    return np.repeat(linear, 3, axis=2) if linear.shape[2] == 1 else linear, notes


def _upright(values: FloatArray, orientation: int) -> FloatArray:
    transpose, rows, columns = ORIENTATIONS.get(orientation, ORIENTATIONS[1])
    values = values.transpose(1, 0, 2) if transpose else values
    return values[:: -1 if rows else 1, :: -1 if columns else 1]
