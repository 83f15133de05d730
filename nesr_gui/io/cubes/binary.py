"""Raw binary data, band by band, and its description in a JSON file NAME.json beside NAME."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from nesr_gui.fields.protocol import Block
from nesr_gui.io.cubes.export import CubeWriterSource, StorageEncoding
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity

MAX_BYTES = 16 << 20


def write_block(file: IO[bytes], block: Block, shape: tuple[int, int, int], offset: int = 0) -> None:
    """Write a block of a cube (L, H, W) in little-endian order; the first band starts at byte `offset`."""
    _, height, width = shape
    little = block.values.astype(block.values.dtype.newbyteorder("<"), copy=False)
    size = little.dtype.itemsize
    rows, cols = block.rows, block.cols
    for index, band in enumerate(little):
        start = offset + size * ((index * height + rows.start) * width + cols.start)
        if cols.stop - cols.start == width:  # its rows are contiguous in the file
            file.seek(start)
            file.write(band.tobytes())
            continue
        for row, values in enumerate(band):
            file.seek(start + size * row * width)
            file.write(values.tobytes())


def sidecar_of(path: Path) -> Path:
    """Path of the JSON file: cube.npy.json for cube.npy."""
    return path.with_name(path.name + ".json")


def describe_export(export: CubeWriterSource) -> dict[str, Any]:
    """Description of an export."""
    description: dict[str, Any] = {
        "wavelengths_nm": export.wavelengths.nm.tolist(),
        "quantity": export.field.quantity.value,
        "dtype": export.encoding.dtype,
        "provenance": export.provenance,
    }
    if export.encoding.is_packed:
        description["scale"] = export.encoding.scale
    return description


def write_sidecar(path: Path, export: CubeWriterSource) -> None:
    """Write the description of an export to the JSON file `path`."""
    path.write_text(json.dumps(describe_export(export), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_sidecar(path: Path) -> dict[str, Any]:
    """Description in the JSON file `path`; empty if there is none.

    Raises:
        UnreadableFile: it is damaged.
    """
    if not path.is_file():
        return {}
    if path.stat().st_size > MAX_BYTES:
        raise UnreadableFile(f"{path.name} is larger than {MAX_BYTES >> 20} MiB; expected the description of a cube")
    try:
        return validate_description(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnreadableFile(
            f"{path.name} does not describe a cube ({error}); remove it or export the cube again"
        ) from error


def check_dtype(description: dict[str, Any], dtype: np.dtype[Any], path: Path, described: str) -> None:
    """Check that the description in the file `path` is of numbers of this type, not of some that were replaced.

    Raises:
        UnreadableFile: it states another type; `described` names what holds the numbers.
    """
    stated = description.get("dtype", dtype)
    if stated.name != dtype.name:  # names are the same for both orders of bytes
        raise UnreadableFile(
            f"{path.name} describes {stated.name} values and {described} holds {dtype.name}; remove it or export the "
            "cube again"
        )


def validate_description(data: Any) -> dict[str, Any]:
    """Description with verified types, without missing entries.

    Entries that do not change the values are left aside with a note in the provenance if they are damaged.

    Raises:
        ValueError, TypeError: it is no object, or its scale is invalid.
    """
    if not isinstance(data, dict):
        raise ValueError("expected an object")
    checked: dict[str, Any] = {"provenance": {}}
    if "scale" in data:
        checked["scale"] = float(data["scale"])
    readers: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "wavelengths_nm": ("wavelengths", lambda listed: [float(nm) for nm in listed]),
        "quantity": ("quantity", Quantity),
        "dtype": ("dtype", lambda name: StorageEncoding(name).numpy),
        "provenance": ("provenance", lambda entries: {str(key): str(value) for key, value in dict(entries).items()}),
    }
    damaged = []
    for key in readers.keys() & data.keys():
        name, read = readers[key]
        try:
            checked[name] = read(data[key])
        except (ValueError, TypeError):
            damaged.append(key)
    if damaged:
        checked["provenance"] |= {"description": f"damaged, and left aside: {', '.join(sorted(damaged))}"}
    return checked
