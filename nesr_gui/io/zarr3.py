"""Cubes as Zarr, version 3 (2 is read too): a folder of shards that many processes may write and read at once."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from nesr_gui.field import CubeField
from nesr_gui.io.atomic import replacing_set
from nesr_gui.io.errors import Unclear, UnreadableFile
from nesr_gui.io.export import FILL, Export, check_space
from nesr_gui.io.extras import needed
from nesr_gui.io.labelled import MAX_CHUNK, Variable, decoded, found_in
from nesr_gui.io.reading import Reading, field_of
from nesr_gui.spectral import Quantity

TILE = 256  # pixels along a side of a shard
SHARD_BANDS = 32  # a shard of float32 has at most 8 MB
DIMS = ("wavelength", "y", "x")
_LONG_NAMES = {"lower": "lower bound of ", "upper": "upper bound of "}


def write_cube(path: str | os.PathLike[str], export: Export) -> None:
    """Stream an export into a new folder, shard by shard; the folder takes its name when it is complete."""
    zarr = needed("zarr", "Zarr folders")
    target = Path(os.path.realpath(path))
    with replacing_set(target) as folder:
        check_space(target.parent, export.nbytes)
        group = zarr.create_group(folder / target.name, zarr_format=3)
        arrays = create(group, export)
        for name, block in export.pieces(TILE, TILE):
            arrays[name][:, block.rows, block.cols] = block.values


def create(group: Any, export: Export) -> dict[str, Any]:
    """The empty arrays of an export in a Zarr group, with coordinates and attributes as CF 1.11 names them.

    Blocks cut along multiples of `TILE` touch different shards, so that processes need not wait for each other.
    """
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
    return {
        name: group.create_array(
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
        for name in export.variables
    }


def open_cube(path: str | os.PathLike[str], reading: Reading | None = None) -> CubeField:
    """Open a Zarr folder with an array of three dimensions; only the chunks asked for are read.

    Raises:
        FileNotFoundError: there is no such folder.
        Unclear: the folder does not say what must be known.
        UnreadableFile: it is damaged, unfinished, or holds no cube; or Zarr is not installed.
    """
    path = Path(path)
    reading = reading or Reading()
    if not path.exists():
        raise FileNotFoundError(f"there is no folder {path}")
    zarr = needed("zarr", "Zarr folders")
    if not any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray")):
        raise UnreadableFile(f"{path.name} has no zarr.json; it is no Zarr folder, or its export was not finished")
    try:
        root = zarr.open(path, mode="r")
        arrays = [("cube", root)] if isinstance(root, zarr.Array) else list(root.arrays())
        variables = [_variable(name, array) for name, array in arrays]
        said = {key: decoded(value) for key, value in root.attrs.items() if key not in ("Conventions", "wavelengths")}
        found = found_in(path.name, variables, reading, {} if isinstance(root, zarr.Array) else said)
        if math.prod(found.array.chunks) * found.array.dtype.itemsize > MAX_CHUNK:
            raise ValueError("it is cut in chunks of more than 1 GiB")
        return field_of(found, reading)
    except Unclear:
        raise
    except Exception as error:  # Zarr meets damaged metadata with errors of many classes
        raise UnreadableFile(
            f"cannot open {path.name}: {' '.join(str(error).split())[:300]}; expected a Zarr folder with a cube"
        ) from error


def _variable(name: str, array: Any) -> Variable:
    attributes = dict(array.attrs)
    dims = getattr(array.metadata, "dimension_names", None) or attributes.get("_ARRAY_DIMENSIONS") or ()
    return Variable(name, array, tuple(str(dim or "") for dim in dims), attributes)


def _attributes(name: str, export: Export) -> dict[str, Any]:
    said: dict[str, Any] = {"long_name": _LONG_NAMES.get(name, "") + export.field.quantity.value}
    if export.field.quantity is Quantity.REFLECTANCE:
        said["units"] = "1"
    if export.encoding.is_packed:
        said |= {"scale_factor": export.encoding.scale, "_FillValue": FILL}
    return said


def _pixels(part: slice) -> Any:
    return np.arange(part.start, part.stop, dtype=np.int32)
