"""Cubes as Zarr, version 3 (2 is read too): a folder of shards that processes can write and read in parallel.

Groups, zip archives and the images of OME-Zarr (OME-NGFF 0.4 and 0.5) are read as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.atomic import atomic_write_set, check_replaceable
from nesr_gui.io.cubes.arrays import Container, NamedArray, check_chunks, find_cube
from nesr_gui.io.cubes.decoding import text_of
from nesr_gui.io.cubes.description import AmbiguousFile, CubeDescription, CubeHints, build_field
from nesr_gui.io.cubes.export import FILL, CubeWriterSource, check_space
from nesr_gui.io.cubes.wavelengths import named_in
from nesr_gui.io.errors import UnreadableFile, error_message, translate_library_errors
from nesr_gui.io.registry import require_extra
from nesr_gui.spectral import Quantity

TILE = 256  # pixels along a side of a shard
SHARD_BANDS = 32  # a shard of float32 has at most 8 MB
MAX_ARRAYS = 1000  # maximum number of arrays examined
MAX_DEPTH = 8  # groups inside groups
_STRUCTURE = {"Conventions", "wavelengths", "multiscales", "omero", "ome"}  # attributes that are no provenance
DIMS = ("wavelength", "y", "x")
_WRITTEN = re.compile(r"zarr\.json|(wavelength|y|x|cube|lower|upper)/(zarr\.json|c(/\d+)+)")  # files of an export
_LONG_NAMES = {"lower": "lower bound of ", "upper": "upper bound of "}


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Stream an export to a new folder, some shards at a time; the folder gets its name when it is complete.

    Raises:
        MissingExtra: Zarr is not installed.
        FileExistsError: the folder holds other files than those of an older export.
        OSError: it is not writable or has too little space.
    """
    with creating(path, export) as store:
        group = _zarr().open_group(store, mode="r+")
        arrays = {name: group[name] for name in export.variables}
        for name, block in export.tiles(TILE, TILE):
            with translate_library_errors(Path(path)):
                arrays[name][:, block.rows, block.cols] = block.values


@contextmanager
def creating(path: str | os.PathLike[str], export: CubeWriterSource) -> Iterator[Path]:
    """Context manager that gives a new folder with the empty arrays of an export, for any processes to write into.

    It becomes `path` if the block succeeds, and is deleted otherwise.

    Raises:
        FileExistsError: `path` holds other files than those of an older export.
    """
    zarr = _zarr()
    target = Path(os.path.realpath(path))
    check_replaceable(target, lambda file: _WRITTEN.fullmatch(file) is not None)
    with atomic_write_set(target) as folder:
        check_space(target.parent, export.nbytes)
        store = folder / target.name
        with translate_library_errors(target):
            _create(zarr.create_group(store, zarr_format=3), export)
        yield store
        for left in store.rglob("*.partial"):  # left by a process that was killed while writing a shard
            left.unlink()


def shards(shape: tuple[int, int, int]) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the shards of a cube (L, H, W), which processes can write in parallel."""
    _, height, width = shape
    for row in range(0, height, TILE):
        for col in range(0, width, TILE):
            yield slice(row, min(row + TILE, height)), slice(col, min(col + TILE, width))


def write_shard(store: Path, export: CubeWriterSource, rows: slice, cols: slice) -> None:
    """Compute and write one of `shards` to a folder opened by `creating`, unless it is already there."""
    group = _zarr().open_group(store, mode="r+")
    if all(_is_written(store / name, group[name], rows, cols) for name in export.variables):
        return
    for name, block in export.tile(rows, cols):
        with translate_library_errors(store):
            group[name][:, block.rows, block.cols] = block.values


def _is_written(folder: Path, array: Any, rows: slice, cols: slice) -> bool:
    """Whether the files of a shard exist; Zarr writes each under a temporary name and renames it."""
    bands = range(-(-array.shape[0] // array.shards[0]))
    keys = (array.metadata.encode_chunk_key((band, rows.start // TILE, cols.start // TILE)) for band in bands)
    return all((folder / key).is_file() for key in keys)


def _zarr() -> Any:
    return require_extra("zarr", "Zarr folders")


def _create(group: Any, export: CubeWriterSource) -> None:
    """Create the empty arrays of an export in a Zarr group, with coordinates and attributes as specified by CF 1.11."""
    bands, height, width = export.shape
    group.attrs.update({**export.provenance, "Conventions": "CF-1.11"})
    axes: dict[str, tuple[Any, dict[str, str]]] = {
        "wavelength": (export.wavelengths.nm, {"units": "nm", "standard_name": "radiation_wavelength"}),
        "y": (_pixels(export.rows), {"long_name": "row of the pixel, from the top"}),
        "x": (_pixels(export.cols), {"long_name": "column of the pixel, from the left"}),
    }
    for name, (values, attributes) in axes.items():
        group.create_array(name, data=values, dimension_names=(name,), attributes=attributes)
    side = (min(TILE, height), min(TILE, width))
    for name in export.variables:
        group.create_array(
            name,
            shape=export.shape,
            dtype=export.encoding.numpy,
            chunks=(1, *side),
            shards=(min(bands, SHARD_BANDS), *side),
            compressors=None,
            fill_value=FILL if export.encoding.is_packed else np.nan,
            dimension_names=DIMS,
            attributes=_attributes(name, export),
        )


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a Zarr folder, or a zip archive of one, with a three-dimensional array; only requested chunks are read.

    Arrays may lie in groups. Of an OME-Zarr image the finest level is opened.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        AmbiguousFile: required information is missing.
        UnreadableFile: the folder is damaged, incomplete or contains no cube, or Zarr is not installed.
    """
    path = Path(path)
    reading = reading or CubeHints()
    if not path.exists():
        raise FileNotFoundError(f"there is no folder {path}")
    zarr = _zarr()
    if path.is_dir() and not is_zarr(path):
        raise UnreadableFile(f"{path.name} has no zarr.json; it is not a Zarr folder, or its export was not finished")
    from nesr_gui.io.cubes import zarr_store

    try:
        store, prefix = zarr_store.zipped(path) if path.is_file() else zarr_store.folder(path)
        root = zarr.open(store, path=prefix, mode="r")
        held = _container(path.name, root)
        attributes = {} if isinstance(root, zarr.Array) else dict(root.attrs)
        noted = {key: text_of(value) for key, value in attributes.items() if key not in _STRUCTURE}
        found = find_cube(held, reading, noted)
        check_chunks(found.array, "cube")
        return build_field(_with_channel_names(found, attributes), reading)
    except AmbiguousFile:
        raise
    except Exception as error:  # Zarr raises many kinds of errors for damaged metadata
        raise UnreadableFile(
            f"cannot open {path.name}: {error_message(error)[:300]}; expected a Zarr folder with a cube"
        ) from error


def is_zarr(folder: Path) -> bool:
    """Whether a folder has the metadata of a Zarr group or array."""
    return any((folder / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray", ".zmetadata"))


def _container(file: str, root: Any) -> Container:
    """Arrays and attributes of a group and the groups in it; of an OME-Zarr image only its finest level."""
    zarr = _zarr()
    if isinstance(root, zarr.Array):
        return Container(file, [_variable("cube", root, ())])
    arrays: list[NamedArray] = []
    groups: dict[str, dict[str, Any]] = {}
    waiting: list[tuple[str, Any]] = [("", root)]
    while waiting and len(arrays) < MAX_ARRAYS:
        prefix, group = waiting.pop(0)
        groups[prefix.rstrip("/")] = attributes = dict(group.attrs)
        finest, axes = _finest_level(attributes)
        if finest:
            arrays.append(_variable(prefix + finest, group[finest], axes))
            continue
        members = list(group.members())
        arrays += [_variable(prefix + name, member, ()) for name, member in members if isinstance(member, zarr.Array)]
        if prefix.count("/") < MAX_DEPTH:
            waiting += [(f"{prefix}{name}/", member) for name, member in members if isinstance(member, zarr.Group)]
    return Container(file, arrays, groups)


def _ome(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Metadata of OME-Zarr: under `ome` since version 0.5."""
    found = attributes.get("ome", attributes)
    return found if isinstance(found, dict) else {}


def _finest_level(attributes: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Path of the first, finest level of an OME-Zarr image, and the names of its axes; empty for other groups.

    Raises:
        ValueError: the path leaves the group.
    """
    scales = _ome(attributes).get("multiscales")
    if not isinstance(scales, list) or not scales:
        return "", ()
    path = str(scales[0]["datasets"][0]["path"])
    if path.startswith("/") or ".." in path.split("/") or "\\" in path:
        raise ValueError(f"its finest level is {path[:80]!r}; only one inside the folder is opened")
    names = [axis.get("name", "") if isinstance(axis, dict) else str(axis) for axis in scales[0].get("axes", [])]
    return path, tuple("channel" if name == "c" else str(name) for name in names)


def _with_channel_names(found: CubeDescription, attributes: Mapping[str, Any]) -> CubeDescription:
    """Description with the wavelengths that the labels of OME-Zarr's channels state, if the file has no others."""
    omero = _ome(attributes).get("omero", attributes.get("omero"))
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if found.wavelengths is not None or not isinstance(channels, list):
        return found
    named = named_in([str(channel.get("label", "")) for channel in channels if isinstance(channel, dict)])
    return found if named is None else replace(found, wavelengths=named[0], unit=named[1])


def _variable(name: str, array: Any, axes: tuple[str, ...]) -> NamedArray:
    attributes = dict(array.attrs)
    named = axes or getattr(array.metadata, "dimension_names", None) or attributes.get("_ARRAY_DIMENSIONS") or ()
    return NamedArray(name, array, tuple(str(dim or "") for dim in named), attributes, _fills(array, attributes))


def _fills(array: Any, attributes: Mapping[str, Any]) -> tuple[Any, ...]:
    """Value of chunks that were never written; 0 is the default of programs that set none.

    In version 2 it is what xarray calls `_FillValue`, zero included.
    """
    if array.fill_value is None or "_FillValue" in attributes:
        return ()
    is_stated = array.metadata.zarr_format == 2 and "_ARRAY_DIMENSIONS" in attributes
    return (array.fill_value,) if array.fill_value or is_stated else ()


def _attributes(name: str, export: CubeWriterSource) -> dict[str, Any]:
    attributes: dict[str, Any] = {"long_name": _LONG_NAMES.get(name, "") + export.field.quantity.value}
    if export.field.quantity is Quantity.REFLECTANCE:
        attributes["units"] = "1"
    if export.encoding.is_packed:
        attributes |= {"scale_factor": export.encoding.scale, "_FillValue": FILL}
    return attributes


def _pixels(part: slice) -> Any:
    return np.arange(part.start, part.stop, dtype=np.int32)
