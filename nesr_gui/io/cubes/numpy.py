"""Cubes as NumPy files: `.npy` with a JSON description beside it, and self-contained `.npz`.

Both are read on demand; only a compressed `.npz` must be read as a whole.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.atomic import atomic_write, atomic_write_set, scratch_beside
from nesr_gui.io.cubes.arrays import Container, NamedArray, find_cube
from nesr_gui.io.cubes.binary import (
    check_dtype,
    describe_export,
    read_sidecar,
    sidecar_of,
    validate_description,
    write_block,
    write_sidecar,
)
from nesr_gui.io.cubes.decoding import decoding
from nesr_gui.io.cubes.description import MAX_SIDE, AmbiguousFile, CubeDescription, CubeHints, build_field
from nesr_gui.io.cubes.export import FILL, CubeWriterSource, check_space
from nesr_gui.io.cubes.file_array import FileArray, WatchedFile
from nesr_gui.io.cubes.stored import squeezed
from nesr_gui.io.errors import UnreadableFile, error_message

MAX_COMPRESSED = 4 << 30  # maximum size of a compressed array in memory
MAX_RATIO = 1100  # by which deflate can shrink at most, and a little more
Array = np.ndarray[Any, Any] | FileArray
_LOCAL_HEADER = 30  # size of the fixed part of a zip member header


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Stream an export to a `.npy` file, (L, H, W), then write its description beside it.

    Raises:
        OSError: the folder is not writable or has too little space.
    """
    target = Path(os.path.realpath(path))
    with atomic_write_set(target, sidecar_of(target)) as folder:
        check_space(target.parent, export.nbytes)
        with (folder / target.name).open("wb") as file:
            _stream(export, {"cube": file})
        write_sidecar(folder / sidecar_of(target).name, export)


def write_archive(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Stream an export to an uncompressed `.npz`: cube, wavelengths (nm), quantity, provenance (JSON), limits.

    A zip archive must be written sequentially, so the arrays are first written to temporary files.

    Raises:
        OSError: the folder is not writable or has too little space.
    """
    target = Path(os.path.realpath(path))
    with atomic_write(target) as part, scratch_beside(target) as folder:
        check_space(target.parent, 2 * export.nbytes)
        names = {name: folder / f"{name}.npy" for name in export.variables}
        files = {name: place.open("wb") for name, place in names.items()}
        try:
            _stream(export, files)
        finally:
            for file in files.values():
                file.close()
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name, place in names.items():
                archive.write(place, f"{name}.npy")
                place.unlink()
            description = describe_export(export)
            small = {"wavelengths": export.wavelengths.nm, "quantity": np.array(description["quantity"])}
            for name, value in {**small, "provenance": np.array(json.dumps(description))}.items():
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, value, allow_pickle=False)


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a `.npy` or `.npz` file; Python objects are never unpickled.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        AmbiguousFile: required information is missing.
        UnreadableFile: the file is damaged or contains no cube.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    reading = reading or CubeHints()
    try:
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                return build_field(_found_in_archive(path, reading), reading)
            file.seek(0)
            array = _stored(path, file)
    except AmbiguousFile:
        raise
    except Exception as error:  # NumPy parses the header as Python, and zip archives raise many kinds of errors
        raise UnreadableFile(
            f"cannot open {path.name}: {error_message(error)[:200]}; expected a NumPy file with numbers"
        ) from error
    if len(array.shape) > 3:
        array = squeezed(array)
    return build_field(_found_beside(path, array), reading)


def _found_beside(path: Path, array: Array) -> CubeDescription:
    """Description of a bare array with its JSON, whose first axis is that of the bands.

    Of an array that is a link, the JSON of its target counts where none lies beside the link.
    A damaged one is left aside if the array holds floating-point values, which it does not scale.

    Raises:
        UnreadableFile: it is damaged, or describes numbers of another type, as that of an array that was replaced.
    """
    try:
        sidecar = read_sidecar(sidecar_of(path)) or read_sidecar(sidecar_of(Path(os.path.realpath(path))))
    except UnreadableFile as error:
        if array.dtype.kind != "f":
            raise
        return CubeDescription(path.name, array, provenance={"description": f"{error}; it was left aside"})
    if not sidecar:
        return CubeDescription(path.name, array)
    check_dtype(sidecar, array.dtype, sidecar_of(path), path.name)
    return _with_description(CubeDescription(path.name, array), sidecar)


def _with_description(found: CubeDescription, sidecar: dict[str, Any]) -> CubeDescription:
    return replace(
        found,
        band_axis=0 if "wavelengths" in sidecar else found.band_axis,
        wavelengths=np.array(sidecar["wavelengths"]) if "wavelengths" in sidecar else found.wavelengths,
        unit="nm" if "wavelengths" in sidecar else found.unit,
        quantity=sidecar.get("quantity", found.quantity),
        provenance=sidecar["provenance"],
        decoding=decoding(found.array.dtype, fill=[FILL], scale=sidecar["scale"])
        if "scale" in sidecar
        else found.decoding,
    )


def _found_in_archive(path: Path, reading: CubeHints) -> CubeDescription:
    arrays = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                arrays[info.filename[:-4]] = _member(path, archive, info, file)
    variables = [NamedArray(name, array) for name, array in arrays.items()]
    found = find_cube(Container(path.name, variables), reading, {})
    text = arrays.get("provenance")
    if not isinstance(text, np.ndarray) or text.dtype.kind != "U" or text.ndim:
        return found
    return _with_description(found, validate_description(json.loads(str(text))))


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: IO[bytes]) -> Array:
    """An array of an archive: read on demand if uncompressed, otherwise read into memory."""
    if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER)
        file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), os.SEEK_CUR)
        return _stored(path, file)
    with archive.open(info) as member:
        shape, _, dtype = _npy_header(member)
        size = math.prod(shape) * dtype.itemsize
        if size > max(info.compress_size, 1) * MAX_RATIO:
            raise ValueError(f"{info.filename} states {size:,} bytes, more than its {info.compress_size:,} can hold")
        if size > MAX_COMPRESSED:
            raise ValueError(f"{info.filename} is compressed and takes {size / 2**30:,.0f} GiB; save it uncompressed")
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _stored(path: Path, file: IO[bytes]) -> Array:
    """The array whose header begins at the position of `file`; one of fewer than three dimensions is read at once."""
    shape, fortran, dtype = _npy_header(file)
    offset, size = file.tell(), math.prod(shape) * dtype.itemsize
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not opened")
    if any(side < 0 or side > MAX_SIDE * 64 for side in shape) or offset + size > path.stat().st_size:
        raise ValueError(f"it is cut short, or its shape {' x '.join(map(str, shape))} is wrong")
    if size == 0 or len(shape) < 3:
        return np.frombuffer(file.read(size), dtype).reshape(shape, order="F" if fortran else "C")
    strides = [math.prod(shape[:axis]) * dtype.itemsize for axis in range(len(shape))] if fortran else None
    return FileArray(WatchedFile(path), dtype, offset, shape, strides)


def _npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)


def _stream(export: CubeWriterSource, files: Mapping[str, IO[bytes]]) -> None:
    """Write the arrays of an export, each after a NumPy header."""
    header = {"descr": export.encoding.numpy.newbyteorder("<").str, "fortran_order": False, "shape": export.shape}
    for file in files.values():
        np.lib.format.write_array_header_1_0(file, header)
    start = files["cube"].tell()
    for name, block in export.blocks():
        write_block(files[name], block, export.shape, start)
