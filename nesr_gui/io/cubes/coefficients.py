"""Portable fields (.field): coefficients per pixel and functions of wavelength in one safetensors file.

Any program can read any wavelength from it with one matrix product; docs/models-in-and-out.md describes the format and
has readers of a few lines. The prediction interval of a calibrated model follows from the same coefficients, so that
its tables and the quality flags of each pixel are all that is added. A field without coefficients is stored with its
bands as coefficients, linear in between, and without its interval.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.coefficients import Basis, CalibratedCoefficientField, CoefficientField, StoredIntervals
from nesr_gui.fields.intervals import COVERAGE, Intervals
from nesr_gui.fields.protocol import BLOCK_VALUES, Block, CubeField
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.cubes.binary import write_block
from nesr_gui.io.cubes.description import MAX_SIDE, CubeHints
from nesr_gui.io.cubes.export import CubeWriterSource, check_space
from nesr_gui.io.cubes.file_array import FileArray, WatchedFile
from nesr_gui.io.cubes.stored import StoredCube
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.spectral import Quantity, Wavelengths

FORMAT = "nesr_gui field 1"
STEP = 0.25  # nm between the rows of the basis, which is linear in between: an error of at most 3e-5
MAX_HEADER = 1 << 20  # bytes
MAX_BASIS = 64 << 20  # bytes
_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
_FLAGS = "<f2"  # numbers up to 3, in a type that readers of files without intervals know
_ARRAYS = (
    "wavelengths", "basis", "bands", "coefficients", "flags",
    "interval_wavelengths", "interval_low", "interval_high", "interval_below", "interval_above",
)  # fmt: skip
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Stream the coefficients of an export to `path`.

    Raises:
        OSError: the folder is not writable or has too little space.
    """
    basis, minimum = _basis(export)
    _, height, width = export.shape
    count = basis.functions.shape[1]
    small = {
        "wavelengths": basis.wavelengths.nm.astype("<f8"),
        "bands": export.wavelengths.nm.astype("<f8"),
        **_interval_tables(export),
        "basis": basis.functions.astype("<f4"),
    }
    stored = export.encoding.numpy.newbyteorder("<")
    shapes = {name: (array.dtype.str, array.shape) for name, array in small.items()}
    shapes["coefficients"] = (stored.str, (height, width, count))
    shapes |= {"flags": (_FLAGS, (height, width))} if export.calibrated is not None else {}
    header = _header(shapes, _metadata(export, minimum))
    target = Path(os.path.realpath(path))
    with atomic_write(target) as part:
        check_space(target.parent, export.nbytes + sum(array.nbytes for array in small.values()))
        with part.open("wb") as file:
            file.write(header)
            for array in small.values():
                file.write(array.tobytes())
            start = file.tell()
            for block in export.coefficients():
                values = np.ascontiguousarray(block.values.transpose(1, 2, 0))  # (h, w, K)
                offset = start + block.rows.start * width * count * stored.itemsize
                line = Block(block.cols, slice(0, count), values)
                write_block(file, line, (values.shape[0], width, count), offset)
            file.seek(start + height * width * count * stored.itemsize)
            for flags in _flags(export):
                file.write(flags.tobytes())


def _interval_tables(export: CubeWriterSource) -> dict[str, npt.NDArray[Any]]:
    if (field := export.calibrated) is None:
        return {}
    tables = field.intervals
    return {
        "interval_wavelengths": tables.nm.astype("<f8"),
        "interval_low": tables.low.astype("<f4"),
        "interval_high": tables.high.astype("<f4"),
        "interval_below": tables.below.astype("<f4"),
        "interval_above": tables.above.astype("<f4"),
    }


def _flags(export: CubeWriterSource) -> Iterator[npt.NDArray[np.float16]]:
    """Yield the quality flags (h, w) strip by strip; pixels outside a mask have none."""
    if (field := export.calibrated) is None:
        return
    cols, step = export.cols, max(BLOCK_VALUES // export.shape[2], 1)
    for row in range(export.rows.start, export.rows.stop, step):
        rows = slice(row, min(row + step, export.rows.stop))
        kept = export.kept(np.arange(rows.start, rows.stop), np.arange(cols.start, cols.stop))
        yield np.where(kept, field.quality_flags(rows=rows, cols=cols), 0).astype(_FLAGS)


def _basis(export: CubeWriterSource) -> tuple[Basis, float | None]:
    """The functions of an export, and the lower bound of its values if there is one.

    The bands are among the wavelengths of the functions, so that values are exact there.
    """
    field = export.coefficients_of
    if field is None:
        return Basis(export.wavelengths, np.eye(len(export.wavelengths), dtype=np.float32)), None
    low, high = export.field.wavelength_range
    steps = np.append(np.arange(low, high, STEP), high)
    nm = np.unique(np.concatenate([steps, export.wavelengths.nm]))
    return Basis(Wavelengths(nm), field.basis(nm)), field.minimum


def _metadata(export: CubeWriterSource, minimum: float | None) -> dict[str, str]:
    stated = {} if minimum is None else {"minimum": repr(float(minimum))}
    if (field := export.calibrated) is not None:
        stated |= {"white_level": repr(float(field.level)), "interval_coverage": repr(COVERAGE)}
    provenance = json.dumps(export.provenance, ensure_ascii=False)
    return {"format": FORMAT, "quantity": export.field.quantity.value, **stated, "provenance": provenance}


def _header(arrays: dict[str, tuple[str, tuple[int, ...]]], metadata: dict[str, str]) -> bytes:
    """Length and JSON header of a safetensors file, padded to a multiple of 8 bytes."""
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, (dtype, shape) in arrays.items():
        begin, end = end, end + math.prod(shape) * np.dtype(dtype).itemsize
        header[name] = {"dtype": _NAMES[dtype], "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a portable field; the coefficients are read on demand. Hints other than the quantity do not apply.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: the file is damaged, or no portable field.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    reading = reading or CubeHints()
    if reading.wavelengths is not None or reading.band_axis is not None or reading.variable is not None:
        raise UnreadableFile(f"{path.name} is a portable field, which states its wavelengths; open it without hints")
    try:
        return _open(path, reading)
    except UnreadableFile:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError, OverflowError) as error:
        reason = error_message(error)[:200]
        raise UnreadableFile(f"cannot open {path.name}: {reason}; expected a portable field of this program") from error


def _open(path: Path, reading: CubeHints) -> CubeField:
    file = WatchedFile(path)
    header, start = _read_header(file)
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise UnreadableFile(f"{path.name} contains no {FORMAT!r}; expected a portable field of this program")
    arrays = {name: _array(file, entry, start) for name, entry in header.items() if name in _ARRAYS}
    wavelengths, bands = (Wavelengths(_small(arrays[name])) for name in ("wavelengths", "bands"))
    basis = Basis(wavelengths, _small(arrays["basis"]))
    stored = arrays["coefficients"]
    quantity = reading.quantity or Quantity(metadata.get("quantity", Quantity.UNKNOWN))
    provenance = {str(key): str(text) for key, text in json.loads(metadata.get("provenance", "{}")).items()}
    cube = StoredCube(stored, (2, 0, 1), np.arange(stored.shape[-1]))
    if len(stored.shape) != 3 or max(stored.shape) > MAX_SIDE or basis.functions.shape[1] != stored.shape[2]:
        raise ValueError(f"it has coefficients of shape {' x '.join(map(str, stored.shape))}")
    if basis.is_identity:  # not multiplied, since a missing value would then concern every wavelength
        return CubeField(cube, wavelengths, quantity, provenance)
    if math.isnan(minimum := float(metadata.get("minimum", "-inf"))):
        raise ValueError("its lower bound is no number")
    if "interval_low" not in arrays:
        return CoefficientField(cube, basis, bands, quantity, provenance, minimum=minimum)
    parts = {name: _small(arrays[f"interval_{name}"]) for name in ("low", "high", "below", "above")}
    tables = Intervals(nm=Wavelengths(_small(arrays["interval_wavelengths"])).nm, **parts)
    intervals = StoredIntervals(tables, float(metadata["white_level"]), arrays["flags"])
    return CalibratedCoefficientField(cube, basis, bands, quantity, provenance, minimum=minimum, stored=intervals)


def _read_header(file: WatchedFile) -> tuple[dict[str, Any], int]:
    """Header of a safetensors file, and the byte at which its data begin."""
    length = int.from_bytes(file.read(0, 8), "little")
    if length > min(MAX_HEADER, file.size - 8):
        raise ValueError(f"the header states {length:,} bytes")
    header = json.loads(bytes(file.read(8, length)))
    if not isinstance(header, dict):
        raise ValueError("the header is no object")
    return header, 8 + length


def _array(file: WatchedFile, entry: dict[str, Any], start: int) -> FileArray:
    shape = [int(size) for size in entry["shape"]]
    return FileArray(file, _DTYPES[entry["dtype"]], start + int(entry["data_offsets"][0]), shape)


def _small(array: FileArray) -> npt.NDArray[Any]:
    """An array that is read at once."""
    if (size := math.prod(array.shape) * array.dtype.itemsize) > MAX_BASIS:
        raise ValueError(f"its functions take {size:,} bytes")
    return array[...]
