"""Cubes in NetCDF-3, the classic format: also with 64-bit offsets (CDF-2) and 64-bit data (CDF-5).

The header is read here and the values on demand with `FileArray`; no library is required. The grammar is that of the
NetCDF File Format Specifications (Unidata) and, for CDF-5, of PnetCDF.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.cubes.arrays import Container, NamedArray, find_cube
from nesr_gui.io.cubes.decoding import text_of
from nesr_gui.io.cubes.description import AmbiguousFile, CubeHints, build_field
from nesr_gui.io.cubes.file_array import FileArray, WatchedFile
from nesr_gui.io.errors import UnreadableFile, error_message

MAGIC = (b"CDF\1", b"CDF\2", b"CDF\5")
TYPES = {1: "i1", 2: "S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8", 7: "u1", 8: ">u2", 9: ">u4", 10: ">i8", 11: ">u8"}
DIMENSION, VARIABLE, ATTRIBUTE = 10, 11, 12  # tags of the lists in a header
MAX_HEADER = 16 << 20  # bytes
MAX_RANK = 1024  # dimensions of a variable
MAX_ENTRIES = 100_000  # dimensions, variables or attributes


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a NetCDF-3 file with a three-dimensional array; values are read on demand.

    Raises:
        FileNotFoundError: the file does not exist.
        AmbiguousFile: required information is missing.
        UnreadableFile: the file is damaged or contains no cube.
    """
    path, reading = Path(path), reading or CubeHints()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        held = _Header(WatchedFile(path)).container(path.name)
        attributes = {key: text_of(value) for key, value in held.groups[""].items() if key != "Conventions"}
        return build_field(find_cube(held, reading, attributes), reading)
    except AmbiguousFile:
        raise
    except (ValueError, KeyError, OverflowError, MemoryError) as error:
        raise UnreadableFile(
            f"cannot open {path.name}: {error_message(error)[:300]}; expected a NetCDF-3 file with a cube"
        ) from error


@dataclass(frozen=True, eq=False)
class _Variable:
    """A variable: indices of its dimensions, of which one without a fixed length counts records, and its first byte."""

    name: str
    dims: tuple[int, ...]
    attributes: dict[str, Any]
    dtype: np.dtype[Any]
    begin: int


class _Header:
    """The header of a file, read once from its beginning to its end.

    Raises:
        ValueError: it is damaged.
    """

    def __init__(self, file: WatchedFile) -> None:
        self._file = file
        self._data = file.read(0, min(file.size, MAX_HEADER))
        self._at = 4
        if bytes(self._data[:4]) not in MAGIC:
            raise ValueError("it is not a NetCDF-3 file")
        self._wide = self._data[3] == 5  # counts of 64 bits
        self._offset_bytes = 4 if self._data[3] == 1 else 8
        self._records = self._count()
        self._dims = [(self._name(), self._count()) for _ in range(self._list(DIMENSION))]
        self._attributes = self._read_attributes()
        self._variables = [self._variable() for _ in range(self._list(VARIABLE))]

    def container(self, name: str) -> Container:
        """Arrays and attributes of the file."""
        record = self._record_bytes()
        arrays = []
        for variable in self._variables:
            shape = self._shape(variable)
            if variable.dtype.kind == "S" or 0 in shape or not shape:
                continue
            strides = [variable.dtype.itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
            if self._has_records(variable):
                strides[0] = record
            array = FileArray(self._file, variable.dtype, variable.begin, shape, strides)
            names = tuple(self._dims[dim][0] for dim in variable.dims)
            arrays.append(NamedArray(variable.name, array, names, variable.attributes))
        return Container(name, arrays, {"": self._attributes}, is_netcdf=True)

    def _record_bytes(self) -> int:
        """Bytes from one record to the next: those of all variables with records, padded unless there is only one."""
        sizes = [
            math.prod(self._shape(variable)[1:]) * variable.dtype.itemsize
            for variable in self._variables
            if self._has_records(variable)
        ]
        return sizes[0] if len(sizes) == 1 else sum(-(-size // 4) * 4 for size in sizes)

    def _has_records(self, variable: _Variable) -> bool:
        return bool(variable.dims) and self._dims[variable.dims[0]][1] == 0

    def _shape(self, variable: _Variable) -> tuple[int, ...]:
        return tuple(self._dims[dim][1] or self._records for dim in variable.dims)

    def _take(self, size: int) -> bytes:
        if size < 0 or self._at + size > len(self._data):
            raise ValueError("its header is cut short or damaged")
        self._at += size
        return bytes(self._data[self._at - size : self._at])

    def _integer(self, size: int = 4) -> int:
        return int.from_bytes(self._take(size), "big")

    def _count(self) -> int:
        return self._integer(8 if self._wide else 4)

    def _list(self, tag: int) -> int:
        """Length of the list that begins here; a list that is absent has tag and length 0."""
        found, length = self._integer(), self._count()
        if (found, length) != (0, 0) and (found != tag or length > MAX_ENTRIES):
            raise ValueError("its header is damaged")
        return length

    def _name(self) -> str:
        length = self._count()
        text = self._take(length).decode("utf-8", "replace")
        self._take(-length % 4)
        return text

    def _read_attributes(self) -> dict[str, Any]:
        return {self._name(): self._values() for _ in range(self._list(ATTRIBUTE))}

    def _values(self) -> str | npt.NDArray[Any]:
        dtype = self._dtype()
        data = self._take(self._count() * dtype.itemsize)
        self._take(-len(data) % 4)
        if dtype.kind == "S":
            return data.decode("utf-8", "replace")
        return np.frombuffer(data, dtype).astype(dtype.newbyteorder("="))

    def _dtype(self) -> np.dtype[Any]:
        code = self._integer()
        if code not in TYPES:
            raise ValueError(f"it has numbers of type {code}, which NetCDF-3 does not know")
        return np.dtype(TYPES[code])

    def _variable(self) -> _Variable:
        name, rank = self._name(), self._count()
        if rank > MAX_RANK:
            raise ValueError("its header is damaged")
        dims = tuple(self._count() for _ in range(rank))
        if any(dim >= len(self._dims) for dim in dims):
            raise ValueError("its header is damaged")
        attributes, dtype = self._read_attributes(), self._dtype()
        self._count()  # its size, which overflows for large variables
        return _Variable(name, dims, attributes, dtype, self._integer(self._offset_bytes))
