"""Photographs in HEIC, as phones write them, through pillow-heif; it belongs to the extra `raw`."""

from __future__ import annotations

from typing import IO, Any

import numpy as np

from nesr_gui.io import exif
from nesr_gui.io.decoders import CheckSize, Stored, coded
from nesr_gui.io.errors import UnreadableImage


def read_heic(file: IO[bytes], check_size: CheckSize) -> Stored:
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
    stored = Stored(pixels.reshape(*pixels.shape[:2], -1), white, bytes(info.get("icc_profile") or b""))
    nclx = info.get("nclx_profile") or {}
    if nclx and not stored.profile:
        stored.code, stored.notes = coded(nclx["color_primaries"], nclx["transfer_characteristics"], None)
    exif.follow(stored, exif.parsed(info.get("exif") or b""), is_named=bool(nclx))
    stored.orientation = 1
    if len(several) > 1:
        stored.notes.append(f"The file has {len(several)} pictures; its main one was read.")
    if stored.code is not None and stored.code.name == "sRGB":
        stored.code = None  # as everything else: nothing to tell
    return stored
