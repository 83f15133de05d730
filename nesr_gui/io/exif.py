"""What a camera says of its picture: which way is up, whose colours these are, and that it was a camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from nesr_gui.io import encodings

if TYPE_CHECKING:
    from nesr_gui.io.decoders import Stored

ORIENTATION = 0x0112  # EXIF and TIFF tag
MAKE, MODEL = 0x010F, 0x0110
DETAILS, INTEROPERABILITY = 0x8769, 0xA005
COLOUR_SPACE = 0xA001
UNCALIBRATED = 0xFFFF
TONE_CURVE = (
    "A camera's picture: its tone curve bends light in a way the file does not tell, and cannot be undone; "
    "take the camera's raw file where brightness matters."
)


def parsed(data: bytes) -> Image.Exif:
    """EXIF of its bytes, with or without the header `Exif\\0\\0`."""
    tags = Image.Exif()
    if data:
        tags.load(data)
    return tags


def follow(stored: Stored, tags: Image.Exif, *, is_named: bool = False) -> None:
    """Put into `stored` what the tags say; `is_named`: the file names its colours in a stronger way."""
    stored.orientation = tags.get(ORIENTATION, 1)
    if not stored.profile and not is_named:
        _follow_colours(stored, tags)
    if tags.get(MAKE) and stored.pixels.dtype == np.uint8:  # what has more bits was developed by someone
        stored.notes.append(TONE_CURVE)


def _follow_colours(stored: Stored, tags: Image.Exif) -> None:
    """DCF cameras name Adobe RGB as option file R03, some as 2; iPhones say uncalibrated and mean Display P3."""
    space = tags.get_ifd(DETAILS).get(COLOUR_SPACE)
    if tags.get_ifd(INTEROPERABILITY).get(1) == "R03" or space == 2:
        stored.code = encodings.ADOBE_RGB
    elif space == UNCALIBRATED and str(tags.get(MAKE, "")).strip("\0 ") == "Apple":
        stored.code = encodings.DISPLAY_P3
        stored.notes.append("The camera's note that the colours are not sRGB was followed: its maker means Display P3.")
    elif space == UNCALIBRATED:
        stored.notes.append(
            "The camera says that the colours are not sRGB, but not which; they are taken as sRGB until you choose."
        )
