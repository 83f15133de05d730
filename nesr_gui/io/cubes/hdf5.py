"""Cubes as NetCDF-4, which is HDF5 with named dimensions; other layouts of HDF5 and NetCDF-4 are read too.

A file written here holds `cube` (wavelength, y, x) in tiles of one band, uncompressed. Compression was measured on a
CAVE scene with the mantissas a network writes: shuffle and gzip level 1 save 20 % of the size and make writing thirty
times slower, a band and a curve ten times slower to read; lzf is little better and few readers besides h5py know it.
Tiles keep a curve cheap where the file does not fit the memory, and every HDF5 reader can read them.
"""

from __future__ import annotations

import io
import math
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.cubes.arrays import MAX_CHUNK, NamedArray, attribute_text, find_cube
from nesr_gui.io.cubes.description import AmbiguousFile, CubeHints, build_field
from nesr_gui.io.cubes.export import FILL, CubeWriterSource, check_space
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity

TILE = 128  # pixels along a side: 64 kB of float32
MAX_ARRAYS = 1000  # of a file that are looked at
DAMAGED = (ValueError, OSError, RuntimeError, KeyError, TypeError, OverflowError, MemoryError)  # as h5py meets it
_LONG_NAMES = {"lower": "lower bound of ", "upper": "upper bound of "}


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource, *, compressed: bool = False) -> None:
    """Stream an export into a new file, in constant memory.

    `compressed` (shuffle, gzip) suits what is drawn rather than measured or learned: there it saves nearly everything.

    The provenance becomes the file's attributes; its entry `reduction` is repeated at the pixel coordinates. Nothing is
    left behind when the export is cancelled or anything else fails.

    Raises:
        OSError: the folder cannot be written or has too little space.
    """
    with atomic_write(path) as part:
        check_space(part.parent, export.nbytes)
        with new_file(part) as (file, check):
            _describe_axes(file, export)
            filters = {"compression": "gzip", "shuffle": True} if compressed else {}
            arrays = {name: _create(file, name, export, filters) for name in export.variables}
            for name, block in export.tiles(*arrays["cube"].chunks[1:]):  # whole tiles are written five times faster
                arrays[name][:, block.rows, block.cols] = block.values
                check()


@contextmanager
def new_file(path: Path, **options: Any) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """Give a new HDF5 file, and a function that raises OSError if something could not be written to it.

    HDF5 cannot close a file that it cannot write to the end, and takes the whole process down. So it is kept from it
    that a disk is full.
    """
    with _Undisturbed(path, "w+") as raw:
        with h5py.File(raw, "w", **options) as file:
            yield file, raw.check
        raw.check()


class _Undisturbed(io.FileIO):
    """A file that remembers its first failure to write, and from then on pretends to write."""

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
        return super().truncate(size) if self.failure is None else size or 0

    def check(self) -> None:
        if self.failure is not None:
            raise self.failure


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a NetCDF-4 or HDF5 file with an array of three dimensions; bands are read when they are asked for.

    The field owns the open file and closes it when it is collected.

    Raises:
        FileNotFoundError: there is no such file.
        AmbiguousFile: the file does not say what must be known.
        UnreadableFile: it is damaged, holds no cube, or takes its values from other files.
    """
    path = Path(path)
    reading = reading or CubeHints()
    file = open_file(path)
    try:
        found = find_cube(path.name, variables(file), reading, _provenance(file))
        check_cube(file, found.array)
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
    """Open an HDF5 file for reading; raises FileNotFoundError or UnreadableFile."""
    if path.is_dir():
        raise UnreadableFile(f"{path} is a folder; expected a NetCDF-4 or HDF5 file")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb"):  # a file we may not read says so itself
        pass
    if not h5py.is_hdf5(path):
        raise UnreadableFile(f"{path.name} is not an HDF5 file; expected a cube in NetCDF-4 or HDF5")
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise UnreadableFile(f"{path.name} is damaged or was cut short ({error}); copy or export it again") from error


def variables(file: h5py.File) -> list[NamedArray]:
    """The arrays that stand in this very file; links are not followed."""
    found: list[NamedArray] = []
    waiting: list[tuple[str, Any]] = [("", file)]
    while waiting and len(found) < MAX_ARRAYS:
        prefix, group = waiting.pop(0)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            member = group[name]
            if isinstance(member, h5py.Dataset) and member.shape is not None:
                found.append(NamedArray(prefix + name, member, _dims(file, member), _attributes(member)))
            elif isinstance(member, h5py.Group) and prefix.count("/") < 8:  # a cycle of hard links ends here
                waiting.append((f"{prefix}{name}/", member))
    return found


def check_cube(file: h5py.File, dataset: Any) -> None:
    """Raise ValueError where the values are not in this file, were never written, or would cost too much to read."""
    name = dataset.name[1:]
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"the values of its `{name}` are in other files, which are not followed")
    if dataset.id.get_storage_size() == 0:
        raise ValueError(f"its `{name}` was never written")
    properties = dataset.id.get_create_plist()
    for code in (properties.get_filter(i)[0] for i in range(properties.get_nfilters())):
        if not h5py.h5z.filter_avail(code):
            raise ValueError(f"its `{name}` is compressed by HDF5 filter {code}, which is not installed")
    if dataset.chunks and math.prod(dataset.chunks) * dataset.dtype.itemsize > MAX_CHUNK:
        raise ValueError(f"its `{name}` is cut in chunks of more than 1 GiB")


def _dims(file: h5py.File, dataset: h5py.Dataset) -> tuple[str, ...]:
    """The names of the dimension scales, empty where a dimension has none.

    HDF5's own functions for dimension scales crash on damaged files, so the references are followed one by one.
    """
    listed = dataset.attrs.get("DIMENSION_LIST")
    if listed is None or len(listed) != dataset.ndim:
        return ()
    return tuple(_scale_name(file, refs) for refs in listed)


def _scale_name(file: h5py.File, references: Any) -> str:
    try:
        return str(file[references[0]].name).rpartition("/")[2]
    except (KeyError, ValueError, TypeError, IndexError):  # there is none, or it was deleted
        return ""


def _attributes(dataset: h5py.Dataset) -> dict[str, Any]:
    """Those that are numbers or text."""
    skipped = ("DIMENSION_LIST", "REFERENCE_LIST")
    return {name: dataset.attrs[name] for name in dataset.attrs if name not in skipped}


def _describe_axes(file: h5py.File, export: CubeWriterSource) -> None:
    """Coordinates and attributes, as CF 1.11 names them."""
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
    """An empty array with its coordinates."""
    bands, height, width = export.shape
    encoding = export.encoding
    array = file.create_dataset(
        name,
        shape=(bands, height, width),
        dtype=encoding.numpy,
        chunks=(1, _side(height), _side(width)),
        fillvalue=FILL if encoding.is_packed else np.nan,  # a pixel that no block covered must not read as black
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
    """The side of a tile: at most `TILE`, and such that the last tile is nearly full, since it is stored in full."""
    return -(-size // -(-size // TILE))


def _text(value: str) -> str:
    return str(value).replace("\0", "")  # HDF5 ends a text there


def _provenance(file: h5py.File) -> dict[str, str]:
    return {
        key: attribute_text(value) for key, value in file.attrs.items() if key not in ("Conventions", "_NCProperties")
    }
