"""Plain numbers, band after band, and what they cannot say of themselves: a JSON text NAME.json beside NAME."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from nesr_gui.fields.protocol import Block
from nesr_gui.io.cubes.export import CubeWriterSource
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity

MAX_BYTES = 16 << 20


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


def sidecar_of(path: Path) -> Path:
    """The JSON file of `path`: cube.npy.json of cube.npy."""
    return path.with_name(path.name + ".json")


def described(export: CubeWriterSource) -> dict[str, Any]:
    """An export in words and numbers."""
    said: dict[str, Any] = {
        "wavelengths_nm": export.wavelengths.nm.tolist(),
        "quantity": export.field.quantity.value,
        "dtype": export.encoding.dtype,
        "provenance": export.provenance,
    }
    if export.encoding.is_packed:
        said["scale"] = export.encoding.scale
    return said


def write_sidecar(path: Path, export: CubeWriterSource) -> None:
    """Write the description of an export to the JSON file `path`."""
    path.write_text(json.dumps(described(export), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_sidecar(path: Path) -> dict[str, Any]:
    """The description in the JSON file `path`, empty where there is none; `UnreadableFile` where it is damaged."""
    if not path.is_file():
        return {}
    if path.stat().st_size > MAX_BYTES:
        raise UnreadableFile(f"{path.name} is larger than {MAX_BYTES >> 20} MiB; expected the description of a cube")
    try:
        return checked_description(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnreadableFile(
            f"{path.name} does not describe a cube ({error}); remove it or export the cube again"
        ) from error


def checked_description(said: Any) -> dict[str, Any]:
    """A description with the types it should have, what is missing left out; raises ValueError or TypeError."""
    if not isinstance(said, dict):
        raise ValueError("expected an object")
    checked: dict[str, Any] = {}
    if "wavelengths_nm" in said:
        checked["wavelengths"] = [float(nm) for nm in said["wavelengths_nm"]]
    if "quantity" in said:
        checked["quantity"] = Quantity(said["quantity"])
    if "scale" in said:
        checked["scale"] = float(said["scale"])
    checked["provenance"] = {str(key): str(value) for key, value in dict(said.get("provenance", {})).items()}
    return checked
