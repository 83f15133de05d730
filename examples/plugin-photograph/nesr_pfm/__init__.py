"""Portable float maps (PFM), the output of renderers, as photographs: a row of the format table of nesr_gui.

Three lines of text, `PF` (RGB) or `Pf` (grey), width and height, and a scale whose sign tells the byte order, are
followed by 32-bit numbers, from the lowest row to the highest. They are linear light, which nesr_gui assumes of all
pixels that are floating-point numbers.
"""

from __future__ import annotations

from nesr_gui.io.registry import FileKind, Format


def read(path):
    """The pixels of a file, as `DecodedPixels`."""
    import numpy as np  # the table is built at the start; libraries are imported when they are used

    from nesr_gui.io.errors import UnreadableImage
    from nesr_gui.io.photos.photo import DecodedPixels

    content = path.read_bytes()
    lines = content.split(b"\n", 3)
    channels = {b"PF": 3, b"Pf": 1}.get(lines[0].strip())
    try:
        width, height = map(int, lines[1].split())
        order = "<" if float(lines[2]) < 0 else ">"
        data = lines[3]
    except (IndexError, ValueError):
        channels = None
    if channels is None or min(width, height) < 1:
        raise UnreadableImage("it does not begin with PF, width and height, and scale, a line each")
    if len(data) < 4 * width * height * channels:
        raise UnreadableImage("the file is cut short")
    pixels = np.frombuffer(data, f"{order}f4", width * height * channels).reshape(height, width, channels)
    return DecodedPixels(pixels[::-1].astype(np.float32))


PFM = Format("PFM", (".pfm",), FileKind.PHOTOGRAPH, read=read)
