"""Camera RAW through rawpy (LibRaw): linear light, balanced as the camera was; it belongs to the extra `raw`."""

from __future__ import annotations

from typing import IO, BinaryIO, cast

import numpy as np

from nesr_gui.io.decoders import CheckSize, Stored
from nesr_gui.io.encodings import ColourCode, Curve, Primaries
from nesr_gui.io.errors import UnreadableImage

ROMM_PRIMARIES: Primaries = (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, 0.3457, 0.3585)
WIDE = ColourCode("camera RAW, linear", Curve.LINEAR, ROMM_PRIMARIES)
"""ISO 22028-2's primaries: LibRaw clips what lies outside its output, so that is wider than any colour of a surface."""


def read_raw(file: IO[bytes], check_size: CheckSize) -> Stored:
    """A raw photograph as linear light at 16 bits, upright, with the camera's white balance, which the notes tell."""
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
            f"it is a raw file that LibRaw does not read ({_text(error)}); develop it to TIFF or JPEG first"
        ) from error
    notes = ["Developed from the camera's raw values: linear light, no tone curve."]
    if is_balanced:
        red, green, blue = np.array(multipliers) / multipliers[1]
        notes.append(
            f"The camera's white balance was applied: red × {red:.3f}, green × {green:.0f}, blue × {blue:.3f}."
        )
    else:
        notes.append("The camera wrote no white balance; that of daylight was applied.")
    return Stored(np.asarray(pixels), 0xFFFF, code=WIDE, notes=notes)


def _text(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
