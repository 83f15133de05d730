"""Cubes in MATLAB files: version 7.3, which is HDF5 with reversed axes, and older versions through SciPy.

Files are written as in the NTIRE/ARAD data sets: `cube`, `bands` (nm) and `norm_factor`.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.cubes import hdf5, mat5
from nesr_gui.io.cubes.arrays import Container, NamedArray, find_cube
from nesr_gui.io.cubes.decoding import text_of
from nesr_gui.io.cubes.description import AmbiguousFile, CubeDescription, CubeHints, build_field
from nesr_gui.io.cubes.export import CubeWriterSource, check_space
from nesr_gui.io.cubes.stored import underlying
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.io.registry import require_extra
from nesr_gui.spectral import Quantity

USER_BLOCK = 512  # bytes before the HDF5 part, which identify a MATLAB file
MAX_VALUES = 1 << 30  # maximum array size in older files, which must be read as a whole


@dataclass(frozen=True)
class Convention:
    """Published properties of a data set that its files do not state.

    `axis` is that of the bands in MATLAB's order, from 0.
    """

    dataset: str
    axis: int
    quantity: Quantity


CONVENTIONS = {
    "cube": Convention("NTIRE/ARAD", 2, Quantity.RADIANCE),
    "rad": Convention("ICVL", 2, Quantity.RADIANCE),
    "ref": Convention("Harvard; not corrected for the sensitivity of its camera", 2, Quantity.UNKNOWN),
    "HyperImage": Convention("the NeSR authors' release", 0, Quantity.UNKNOWN),
}


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Stream an export to a version 7.3 file; the provenance becomes attributes of the root group.

    Raises:
        OSError: the folder is not writable or has too little space.
    """
    bands, height, width = export.shape
    with atomic_write(path) as part:
        check_space(part.parent, export.nbytes)
        with hdf5.new_file(part, userblock_size=USER_BLOCK) as (file, check):
            chunks = (1, min(width, hdf5.TILE), min(height, hdf5.TILE))
            cube = file.create_dataset("cube", (bands, width, height), np.float32, chunks=chunks, fillvalue=np.nan)
            cube.attrs["MATLAB_class"] = np.bytes_("single")
            for name, values in (("bands", export.wavelengths.nm[:, None]), ("norm_factor", np.ones((1, 1)))):
                file.create_dataset(name, data=values).attrs["MATLAB_class"] = np.bytes_("double")
            file["bands"].attrs["units"] = "nm"  # MATLAB ignores it
            for key, value in {**export.provenance, "quantity": export.field.quantity.value}.items():
                file.attrs[key.replace("\0", "")] = str(value).replace("\0", "")
            for _, block in export.tiles(hdf5.TILE, hdf5.TILE):
                cube[:, block.cols, block.rows] = block.values.transpose(0, 2, 1)
                check()
        with part.open("r+b") as raw:
            raw.write(_user_block())


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a MATLAB file with a three-dimensional array; only version 7.3 is read on demand.

    `CubeHints.band_axis` counts in MATLAB's order, from 0: in (rows, columns, bands) it is 2.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        AmbiguousFile: required information is missing.
        UnreadableFile: the file is damaged or contains no cube, or it is of an older version and SciPy is not
            installed.
    """
    path = Path(path)
    reading = reading or CubeHints()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if h5py.is_hdf5(path):
        return _open_73(path, reading)
    return build_field(_found_5(path, reading), reading)


def _open_73(path: Path, reading: CubeHints) -> CubeField:
    file = hdf5.open_file(path)
    try:
        held = hdf5.container(path.name, file)
        arrays = [_named(variable) for variable in held.arrays if not variable.name.startswith("#")]
        found = find_cube(replace(held, arrays=arrays), reading, {})
        dataset = underlying(found.array)
        hdf5.check_cube(dataset)
        attributes = {key: text_of(value) for key, value in held.groups[""].items()}
        quantity = attributes.pop("quantity", "")
        found = _by_convention(replace(found, provenance=attributes), dataset.name[1:], arrays)
        if quantity in set(Quantity):
            found = replace(found, quantity=Quantity(quantity))
        turned = None if found.band_axis is None else 2 - found.band_axis
        likely = None if found.likely_axis is None else 2 - found.likely_axis
        given = None if reading.band_axis is None else 2 - reading.band_axis
        found = replace(found, band_axis=turned, likely_axis=likely, transposed=True)
        field = build_field(found, replace(reading, band_axis=given))
    except hdf5.DAMAGED as error:
        file.close()
        if isinstance(error, AmbiguousFile):
            raise _as_matlab_counts(error) from None
        raise UnreadableFile(f"cannot open {path.name}: {error}; expected a MATLAB file with a cube") from error
    weakref.finalize(field, file.close)
    return field


def _named(variable: NamedArray) -> NamedArray:
    """The array without the dimension names of HDF5, which MATLAB does not write and which would be reversed."""
    return replace(variable, dims=())


def _as_matlab_counts(error: AmbiguousFile) -> AmbiguousFile:
    if error.field != "band_axis":
        return error
    guess = str(2 - int(error.guess)) if error.guess else ""
    return AmbiguousFile(error.question, error.field, guess, error.reason, error.choices)


def _found_5(path: Path, reading: CubeHints) -> CubeDescription:
    scipy_io = require_extra("scipy.io", "MATLAB files older than version 7.3")
    try:
        listed = {name: (shape, kind) for name, shape, kind in scipy_io.whosmat(str(path))}
        wanted = {name for name, (shape, kind) in listed.items() if kind != "struct" and _is_wanted(shape)}
        if reading.variable in listed:
            wanted.add(reading.variable)
        wanted = {name for name in wanted if 0 < np.prod(listed[name][0], dtype=float) <= MAX_VALUES}
        structs = {name for name, (shape, kind) in listed.items() if kind == "struct" and np.prod(shape) == 1}
        if structs:
            mat5.check_structs(path)
        loaded = scipy_io.loadmat(str(path), variable_names=sorted(wanted | structs)) if wanted | structs else {}
    except Exception as error:  # SciPy raises many kinds of errors for damaged files
        raise UnreadableFile(
            f"cannot open {path.name}: {error_message(error)[:200]}; expected a MATLAB file"
        ) from error
    arrays = [part for name in listed if name in loaded for part in _fields(name, loaded[name])]
    found = find_cube(Container(path.name, arrays), reading, {})
    name = next(variable.name for variable in arrays if variable.array is underlying(found.array))
    return _by_convention(found, name, arrays)


def _is_wanted(shape: tuple[int, ...]) -> bool:
    """Whether an array may be a cube or a list."""
    return len(shape) >= 3 or (len(shape) == 2 and min(shape) <= 1)


def _fields(name: str, value: Any, depth: int = 0) -> Iterator[NamedArray]:
    """An array, or those in the fields of a single struct, named as in version 7.3."""
    if not isinstance(value, np.ndarray) or depth > 4:
        return
    if value.dtype.names and value.size == 1:
        for field in value.dtype.names:
            yield from _fields(f"{name}/{field}", value.ravel()[0][field], depth + 1)
    elif value.dtype.kind in "uifcb":
        yield NamedArray(name, value)


def _by_convention(found: CubeDescription, name: str, arrays: list[NamedArray]) -> CubeDescription:
    """Description by data set, recognised by the array name; axes in MATLAB's order.

    A `norm_factor` becomes a note.
    """
    if name in CONVENTIONS:
        known = CONVENTIONS[name]
        is_reversed = isinstance(underlying(found.array), h5py.Dataset)
        shape = found.array.shape[::-1] if is_reversed else found.array.shape
        size = found.wavelengths.size if isinstance(found.wavelengths, np.ndarray) else None
        fits = shape[known.axis] in (size, min(shape))
        found = replace(
            found,
            likely_axis=known.axis,
            band_axis=known.axis if fits else None,
            provenance={"dataset": known.dataset, **found.provenance},
            quantity=found.quantity if found.quantity is not Quantity.UNKNOWN else known.quantity,
        )
    factors = [v for v in arrays if v.name == "norm_factor" and np.prod(v.shape) == 1]
    if factors:
        factor = float(np.ravel(np.asarray(factors[0].array[...], np.float64))[0])
        found = replace(found, provenance={**found.provenance, "norm_factor": f"{factor:.10g}"})
    return found


def _user_block() -> bytes:
    created = time.strftime("%a %b %d %H:%M:%S %Y")
    text = f"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: {created} HDF5 schema 1.00 ."
    return (text.ljust(116).encode("ascii") + bytes(8) + b"\x00\x02IM").ljust(USER_BLOCK, b"\0")
