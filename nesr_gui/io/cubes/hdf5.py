"""Cubes as NetCDF-4, which is HDF5 with named dimensions; other layouts of HDF5 and NetCDF-4 are read too.

Files written here contain `cube` (wavelength, y, x) in tiles of one band, uncompressed. Compression was measured on a
CAVE scene with the mantissas that a network writes: shuffle and gzip level 1 save 20 % of the size and make writing
thirty times slower, and reading a band or a spectrum ten times slower; lzf is little better, and few readers besides
h5py support it. Tiles keep spectra cheap where the file does not fit into memory, and every HDF5 reader supports them.
"""

from __future__ import annotations

import io
import math
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.cubes import neon, prisma
from nesr_gui.io.cubes.arrays import Container, NamedArray, check_chunks, find_cube
from nesr_gui.io.cubes.decoding import text_of
from nesr_gui.io.cubes.description import AmbiguousFile, CubeHints, build_field
from nesr_gui.io.cubes.export import FILL, CubeWriterSource, check_space
from nesr_gui.io.cubes.stored import underlying
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.spectral import Quantity

TILE = 128  # pixels along a side: 64 kB of float32
MAX_RATIO = 1100  # by which deflate can shrink at most, and a little more
_UP_TO_DEFLATE = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
MAX_ARRAYS = 1000  # maximum number of arrays examined
DAMAGED = (
    ValueError,
    OSError,
    RuntimeError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
)  # errors of h5py for damaged files
_LONG_NAMES = {"lower": "lower bound of ", "upper": "upper bound of "}


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource, *, compressed: bool = False) -> None:
    """Stream an export to a new file, in constant memory.

    `compressed` (shuffle, gzip) suits synthetic images rather than measured or learned data; it removes nearly all of
    their size. The provenance becomes the file's attributes; its entry `reduction` is repeated at the pixel
    coordinates. No partial file remains after cancellation or failure.

    Raises:
        OSError: the folder is not writable or has too little space.
    """
    with atomic_write(path) as part:
        check_space(part.parent, export.nbytes)
        with new_file(part) as (file, check):
            _describe_axes(file, export)
            filters = {"compression": "gzip", "shuffle": True} if compressed else {}
            arrays = {name: _create(file, name, export, filters) for name in export.variables}
            for name, block in export.tiles(*arrays["cube"].chunks[1:]):  # whole tiles are written five times as fast
                arrays[name][:, block.rows, block.cols] = block.values
                check()


@contextmanager
def new_file(path: Path, **options: Any) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """Context manager that gives a new HDF5 file, and a function that raises OSError if writing to it has failed.

    HDF5 cannot close a file that it cannot finish writing, and terminates the process. Errors of a full disk are
    therefore hidden from it.
    """
    with _FailSafeFile(path, "w+") as raw:
        with h5py.File(raw, "w", **options) as file:
            yield file, raw.check
        raw.check()


class _FailSafeFile(io.FileIO):
    """A file that remembers the first failure to write or resize it, and from then on pretends to do so."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        left = memoryview(data).cast("B")
        size = left.nbytes
        try:
            while left and self.failure is None:
                left = left[super().write(left) :]
        except OSError as error:
            self.failure = error
        return size

    def truncate(self, size: int | None = None, /) -> int:
        try:
            return super().truncate(size) if self.failure is None else size or 0
        except OSError as error:
            self.failure = error
            return size or 0

    def check(self) -> None:
        if self.failure is not None:
            raise self.failure


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a NetCDF-4 or HDF5 file with a three-dimensional array; bands are read on demand.

    The field owns the open file and closes it when it is garbage-collected.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        AmbiguousFile: required information is missing.
        UnreadableFile: the file is damaged, contains no cube, or refers to values in other files.
    """
    path = Path(path)
    reading = reading or CubeHints()
    file = open_file(path)
    try:
        held = neon.joined(container(path.name, file))
        found = prisma.complete(find_cube(held, reading, _provenance(file)), held)
        for stored in neon.parts_of(underlying(found.array)):
            check_cube(stored)
        field = build_field(found, reading)
    except DAMAGED as error:
        file.close()
        if isinstance(error, AmbiguousFile):
            raise
        raise UnreadableFile(
            f"cannot open {path.name}: {error}; expected a cube (wavelength, y, x) with a list `wavelength` in nm"
        ) from error
    weakref.finalize(field, file.close)
    return field


def open_file(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it is not an HDF5 file, or is damaged.
    """
    if path.is_dir():
        raise UnreadableFile(f"{path} is a folder; expected a NetCDF-4 or HDF5 file")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb"):  # a file without read permission raises its own error
        pass
    if not h5py.is_hdf5(path):
        raise UnreadableFile(f"{path.name} is not an HDF5 file; expected a cube in NetCDF-4 or HDF5")
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise UnreadableFile(
            f"{path.name} is damaged or was cut short ({error_message(error)}); copy or export it again"
        ) from error


def container(name: str, file: h5py.File) -> Container:
    """Arrays stored in this file itself, and the attributes of its groups; links are not followed."""
    arrays: list[NamedArray] = []
    groups = {"": _attributes(file)}
    waiting: list[tuple[str, Any]] = [("", file)]
    while waiting and len(arrays) < MAX_ARRAYS:
        prefix, group = waiting.pop(0)
        for member_name in group:
            if not isinstance(group.get(member_name, getlink=True), h5py.HardLink):
                continue
            member, path = group[member_name], prefix + member_name
            if isinstance(member, h5py.Dataset) and member.shape is not None:
                arrays.append(NamedArray(path, member, _dims(file, member), _attributes(member), _fill(member)))
            elif isinstance(member, h5py.Group) and prefix.count("/") < 8:  # a cycle of hard links ends here
                groups[path] = _attributes(member)
                waiting.append((f"{path}/", member))
    return Container(name, arrays, groups, is_netcdf="_NCProperties" in file.attrs)


def _fill(dataset: h5py.Dataset) -> tuple[Any, ...]:
    """Number that the file defines for values that were never written, unless it is zero."""
    if dataset.dtype.kind not in "iuf":
        return ()
    defined = dataset.id.get_create_plist().fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED
    return (dataset.fillvalue,) if defined and dataset.fillvalue else ()


def check_cube(dataset: Any) -> None:
    """Check that the values are in this file, were written, and are not too expensive to read.

    Raises:
        ValueError: they are not.
    """
    name = dataset.name[1:]
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"the values of its `{name}` are in other files, which are not followed")
    if dataset.id.get_storage_size() == 0:
        raise ValueError(f"its `{name}` was never written")
    properties = dataset.id.get_create_plist()
    filters = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
    for code in filters:
        if not h5py.h5z.filter_avail(code):
            raise ValueError(f"its `{name}` is compressed by HDF5 filter {code}, which is not installed")
    check_chunks(dataset, name)
    if dataset.chunks and filters and filters <= _UP_TO_DEFLATE:
        chunk, stored = math.prod(dataset.chunks) * dataset.dtype.itemsize, dataset.id.get_storage_size()
        if chunk > MAX_RATIO * stored:
            raise ValueError(f"its `{name}` states chunks of {chunk:,} bytes, which {stored:,} bytes cannot hold")


def _dims(file: h5py.File, dataset: h5py.Dataset) -> tuple[str, ...]:
    """Names of the dimension scales, empty for dimensions without one; else the labels that the file states.

    HDF5's functions for dimension scales crash on damaged files, so the references are followed one by one.
    """
    listed = dataset.attrs.get("DIMENSION_LIST")
    if listed is not None and len(listed) == dataset.ndim:
        return tuple(_scale_name(file, refs) for refs in listed)
    stated = dataset.attrs.get("DIMENSION_LABELS", dataset.attrs.get("Dimension_Labels", ""))
    labels = text_of(stated).split(",") if np.ndim(stated) == 0 else [text_of(label) for label in np.ravel(stated)]
    return tuple(label.strip() for label in labels) if len(labels) == dataset.ndim else ()


def _scale_name(file: h5py.File, references: Any) -> str:
    try:
        return str(file[references[0]].name).rpartition("/")[2]
    except (KeyError, ValueError, TypeError, IndexError):  # missing or deleted
        return ""


def _attributes(member: h5py.Dataset | h5py.Group) -> dict[str, Any]:
    """Attributes that are numbers or text; damaged ones are left aside."""
    found: dict[str, Any] = {}
    for name in member.attrs:
        if name not in ("DIMENSION_LIST", "REFERENCE_LIST"):
            with suppress(OSError, RuntimeError, KeyError, TypeError, ValueError):
                found[name] = member.attrs[name]
    return found


def _describe_axes(file: h5py.File, export: CubeWriterSource) -> None:
    """Write coordinates and attributes as specified by CF 1.11."""
    described = {
        "wavelength": (
            export.wavelengths.nm,
            {"units": "nm", "standard_name": "radiation_wavelength", "long_name": "wavelength"},
        ),
        "y": (_pixels(export.rows), {"long_name": "row of the pixel, from the top"}),
        "x": (_pixels(export.cols), {"long_name": "column of the pixel, from the left"}),
    }
    for name, (values, attributes) in described.items():
        scale = file.create_dataset(name, data=values)
        scale.attrs.update(attributes)
        scale.make_scale(name)
        if name != "wavelength" and "reduction" in export.provenance:
            scale.attrs["reduction"] = _text(export.provenance["reduction"])
    for key, value in {**export.provenance, "Conventions": "CF-1.11"}.items():
        file.attrs[_text(key)] = _text(value)


def _pixels(part: slice) -> Any:
    return np.arange(part.start, part.stop, dtype=np.int32)


def _create(file: h5py.File, name: str, export: CubeWriterSource, filters: dict[str, Any]) -> Any:
    """Create an empty array with its coordinates."""
    bands, height, width = export.shape
    encoding = export.encoding
    array = file.create_dataset(
        name,
        shape=(bands, height, width),
        dtype=encoding.numpy,
        chunks=(1, _side(height), _side(width)),
        fillvalue=FILL if encoding.is_packed else np.nan,  # pixels that no block covers must not read as black
        **filters,
    )
    array.attrs["long_name"] = _LONG_NAMES.get(name, "") + export.field.quantity.value
    if export.field.quantity is Quantity.REFLECTANCE:
        array.attrs["units"] = "1"
    if encoding.is_packed:
        array.attrs["scale_factor"] = encoding.scale
        array.attrs["_FillValue"] = np.uint16(FILL)
    if name == "cube" and len(export.variables) > 1:
        array.attrs["ancillary_variables"] = "lower upper"
    for axis, scale in enumerate(("wavelength", "y", "x")):
        array.dims[axis].attach_scale(file[scale])
    return array


def _side(size: int) -> int:
    """Side of a tile: at most `TILE`, chosen so that the last tile is nearly full, since it is stored in full."""
    return -(-size // -(-size // TILE))


def _text(value: str) -> str:
    return str(value).replace("\0", "")  # HDF5 text ends at a zero byte


def _provenance(file: h5py.File) -> dict[str, str]:
    return {
        key: text_of(value) for key, value in _attributes(file).items() if key not in ("Conventions", "_NCProperties")
    }
