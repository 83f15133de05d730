"""Plain numbers, band after band, written in whatever order the blocks come."""

from __future__ import annotations

from typing import IO

from nesr_gui.fields.protocol import Block


def write_block(file: IO[bytes], block: Block, shape: tuple[int, int, int], offset: int = 0) -> None:
    """Write a block of a cube (L, H, W) to its places, little-endian; the first band starts at byte `offset`."""
    _, height, width = shape
    little = block.values.astype(block.values.dtype.newbyteorder("<"), copy=False)
    size = little.dtype.itemsize
    rows, cols = block.rows, block.cols
    for index, band in enumerate(little):
        start = offset + size * ((index * height + rows.start) * width + cols.start)
        if cols.stop - cols.start == width:  # its rows follow each other in the file too
            file.seek(start)
            file.write(band.tobytes())
            continue
        for row, values in enumerate(band):
            file.seek(start + size * row * width)
            file.write(values.tobytes())
