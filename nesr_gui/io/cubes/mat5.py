"""Structure of MATLAB files of version 5, checked before SciPy reads them (MathWorks, MAT-File Format).

SciPy allocates what the dimensions of structs and cells state before it looks whether the file holds as much, and
decompresses whatever a variable states.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

MATRIX, COMPRESSED = 14, 15  # types of elements
CELL, STRUCT, OBJECT = 1, 2, 3  # classes of arrays
MAX_BYTES = 1 << 30  # of a variable with structs or cells, decompressed
MAX_RATIO = 1100  # by which deflate can shrink at most, and a little more
MAX_DEPTH = 16
SMALLEST = 8  # bytes of an element


def check_structs(path: Path) -> None:
    """Check that structs and cells of a file hold as many elements as their dimensions state.

    Raises:
        ValueError: they do not, or a variable is larger than `MAX_BYTES` or than its compressed size allows.
    """
    with path.open("rb") as file:
        order = "<" if file.read(128)[126:128] == b"IM" else ">"
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            start = file.tell()
            if kind == COMPRESSED:
                compressed = file.read(size)
                if _declared(compressed, order) > min(MAX_BYTES, MAX_RATIO * max(size, 1)):
                    raise ValueError("a variable states more bytes than are read, or than its compressed size can hold")
                data = zlib.decompressobj().decompress(compressed, MAX_BYTES)
            elif size > MAX_BYTES:
                raise ValueError(f"a variable states {size:,} bytes; at most {MAX_BYTES:,} are read")
            else:
                data = tag + file.read(size)
            for inner, content in _elements(memoryview(data), order):
                if inner == MATRIX:
                    _check_array(content, order, 0)
            file.seek(start + size)


def _declared(compressed: bytes, order: str) -> int:
    """Bytes of a compressed variable, by its own header; 0 if that is damaged."""
    try:
        head = zlib.decompressobj().decompress(compressed[:4096], 8)
    except zlib.error:
        return 0
    return int(struct.unpack(f"{order}II", head)[1]) if len(head) == 8 else 0


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and content of the elements in `data`, which are padded to 8 bytes; small ones have both in one."""
    position = 0
    while position + SMALLEST <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, position)
        if kind >> 16:
            kind, size = kind & 0xFFFF, kind >> 16
            yield kind, data[position + 4 : position + 4 + min(size, 4)]
            position += 8
            continue
        yield kind, data[position + 8 : position + 8 + size]
        position += 8 + -(-size // 8) * 8


def _check_array(content: memoryview, order: str, depth: int) -> None:
    """Check an array and those in it; of numbers and text only what SciPy checks itself."""
    if depth > MAX_DEPTH or not content:
        if content:
            raise ValueError(f"its structs are nested more than {MAX_DEPTH} deep")
        return
    parts = list(_elements(content, order))
    if len(parts) < 2 or len(parts[0][1]) < 4:
        raise ValueError("the file is cut short or damaged")
    kind = struct.unpack_from(f"{order}I", parts[0][1])[0] & 0xFF
    if kind not in (CELL, STRUCT, OBJECT):
        return
    dims = struct.unpack(f"{order}{len(parts[1][1]) // 4}i", parts[1][1][: len(parts[1][1]) // 4 * 4])
    if min(dims, default=0) < 0 or math.prod(dims) * SMALLEST > len(content):
        raise ValueError(f"a struct or cell of {' x '.join(map(str, dims))} has fewer elements than that")
    for inner, nested in parts[2:]:
        if inner == MATRIX:
            _check_array(nested, order, depth + 1)
