"""Cubes as NetCDF-4, which is HDF5 with named dimensions: what this program exports and opens again.

A file holds `cube` (wavelength, y, x) float32 in tiles of one band, uncompressed. Compression was measured on a CAVE
scene with the mantissas a network writes: shuffle and gzip level 1 save 20 % of the size and make writing thirty times
slower, a band and a curve ten times slower to read; lzf is little better and few readers besides h5py know it. Tiles
keep a curve cheap where the file does not fit the memory, and every HDF5 reader can read them.
"""

from __future__ import annotations

import errno
import os
import shutil
import weakref
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nesr_gui.field import CubeField, Progress, SpectralField, checked_nm
from nesr_gui.io.atomic import replacing
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity, Wavelengths

TILE = 128  # pixels along a side: 64 kB of float32
MAX_BANDS = 100_000
NANOMETRES = {"nm", "nanometer", "nanometers", "nanometre", "nanometres"}


def write_cube(
    path: str | os.PathLike[str],
    field: SpectralField,
    wavelengths: Wavelengths,
    *,
    progress: Progress | None = None,
    compressed: bool = False,
) -> None:
    """Stream `field` at `wavelengths` into a new file, in constant memory; `progress` is called after each block.

    `compressed` (shuffle, gzip) suits what is drawn rather than measured or learned: there it saves nearly everything.

    The field's provenance becomes the file's attributes; its entry `reduction` is repeated at the pixel coordinates.
    Nothing is left behind when `progress` raises `Cancelled` or anything else fails.

    Raises:
        ValueError: the field does not cover the wavelengths.
        OSError: the folder cannot be written or has too little space.
    """
    checked_nm(field, wavelengths)
    height, width = field.shape
    report = progress or (lambda fraction: None)
    with replacing(path) as part:
        _check_space(part.parent, 4 * len(wavelengths) * height * width)
        with h5py.File(part, "w") as file:
            cube = _create(file, field, wavelengths, {"compression": "gzip", "shuffle": True} if compressed else {})
            report(0.0)
            done = 0
            for block in field.blocks(wavelengths):
                cube[:, block.rows, block.cols] = block.values
                done += block.values.shape[1] * block.values.shape[2]
                report(done / (height * width))


def open_cube(path: str | os.PathLike[str]) -> CubeField:
    """Open a file that `write_cube` wrote, or one laid out like it; bands are read when they are asked for.

    The field owns the open file and closes it when it is collected.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFile: it is damaged, holds no cube of this layout, or takes its values from other files.
    """
    path = Path(path)
    file = _open(path)
    try:
        dataset = _dataset(file, "cube", dimensions=3)
        wavelengths = _wavelengths(file, dataset.shape[0])
        quantity = _quantity(dataset)
        field = CubeField(dataset, wavelengths, quantity, _provenance(file))
    except (ValueError, OSError, RuntimeError, KeyError, TypeError) as error:  # how h5py meets damaged metadata
        file.close()
        raise UnreadableFile(
            f"cannot open {path.name}: {error}; expected a cube (wavelength, y, x) with a list `wavelength` in nm"
        ) from error
    weakref.finalize(field, file.close)
    return field


def describe(path: str | os.PathLike[str]) -> dict[str, str]:
    """What the file holds, as name → text, its provenance last; raises as `open_cube` does."""
    field = open_cube(path)
    height, width = field.shape
    low, high = field.wavelength_range
    return {
        "format": "NetCDF-4 / HDF5 spectral cube",
        "size": f"{width} x {height} pixels",
        "bands": f"{len(field.wavelengths)}, {low:g}-{high:g} nm",
        "quantity": field.quantity.value,
        "bytes": str(Path(path).stat().st_size),
        **field.provenance,
    }


def _check_space(folder: Path, needed: int) -> None:
    """The older file stays until the new one is complete, so its space does not count."""
    free = shutil.disk_usage(folder).free
    if needed + (1 << 20) > free:
        raise OSError(
            errno.ENOSPC,
            f"this cube takes {_gibibytes(needed)} and {folder} has {_gibibytes(free)} free; "
            "export fewer wavelengths or fewer pixels, or choose another disk",
        )


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.1f} MiB"


def _create(file: h5py.File, field: SpectralField, wavelengths: Wavelengths, filters: dict[str, Any]) -> Any:
    """The empty `cube` with its coordinates and attributes, as CF 1.11 names them."""
    height, width = field.shape
    cube = file.create_dataset(
        "cube",
        shape=(len(wavelengths), height, width),
        dtype=np.float32,
        chunks=(1, _side(height), _side(width)),
        fillvalue=np.float32(np.nan),  # a pixel that no block covered must not read as black
        **filters,
    )
    cube.attrs["long_name"] = field.quantity.value
    if field.quantity is Quantity.REFLECTANCE:
        cube.attrs["units"] = "1"
    described = {
        "wavelength": (
            wavelengths.nm,
            {"units": "nm", "standard_name": "radiation_wavelength", "long_name": "wavelength"},
        ),
        "y": (np.arange(height, dtype=np.int32), {"long_name": "row of the pixel, from the top"}),
        "x": (np.arange(width, dtype=np.int32), {"long_name": "column of the pixel, from the left"}),
    }
    for axis, (name, (values, attributes)) in enumerate(described.items()):
        scale = file.create_dataset(name, data=values)
        scale.attrs.update(attributes)
        scale.make_scale(name)
        cube.dims[axis].attach_scale(scale)
        if axis > 0 and "reduction" in field.provenance:
            scale.attrs["reduction"] = _text(field.provenance["reduction"])
    for key, value in {**field.provenance, "Conventions": "CF-1.11"}.items():
        file.attrs[_text(key)] = _text(value)
    return cube


def _side(size: int) -> int:
    """The side of a tile: at most `TILE`, and such that the last tile is nearly full, since it is stored in full."""
    return -(-size // -(-size // TILE))


def _text(value: str) -> str:
    return str(value).replace("\0", "")  # HDF5 ends a text there


def _open(path: Path) -> h5py.File:
    if path.is_dir():
        raise UnreadableFile(f"{path} is a folder; expected a NetCDF-4 or HDF5 file")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb"):  # a file we may not read says so itself
        pass
    if not h5py.is_hdf5(path):
        raise UnreadableFile(f"{path.name} is not an HDF5 file; expected a cube that this program exported")
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise UnreadableFile(f"{path.name} is damaged or was cut short ({error}); copy or export it again") from error


def _dataset(file: h5py.File, name: str, dimensions: int) -> Any:
    """A dataset whose values are in this very file, readable here and as they stand."""
    link = file.get(name, getlink=True)
    if link is None:
        raise ValueError(f"it has no `{name}`")
    if not isinstance(link, h5py.HardLink):
        raise ValueError(f"its `{name}` is a link to somewhere else, which is not followed")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != dimensions or 0 in dataset.shape:
        raise ValueError(f"its `{name}` is not an array of {dimensions} dimension{'s' * (dimensions > 1)}")
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"the values of its `{name}` are in other files, which are not followed")
    if dataset.dtype.kind != "f" or {"scale_factor", "add_offset"} & set(dataset.attrs):
        raise ValueError(f"its `{name}` is packed or of type {dataset.dtype}, not plain floating-point numbers")
    if dataset.id.get_storage_size() == 0:
        raise ValueError(f"its `{name}` was never written")
    _check_filters(dataset)
    return dataset


def _check_filters(dataset: Any) -> None:
    properties = dataset.id.get_create_plist()
    for code in (properties.get_filter(i)[0] for i in range(properties.get_nfilters())):
        if not h5py.h5z.filter_avail(code):
            raise ValueError(f"its `{dataset.name[1:]}` is compressed by HDF5 filter {code}, which is not installed")


def _wavelengths(file: h5py.File, bands: int) -> Wavelengths:
    dataset = _dataset(file, "wavelength", dimensions=1)
    if dataset.shape != (bands,) or bands > MAX_BANDS:
        raise ValueError(f"it has {dataset.shape[0]} wavelengths for {bands} bands, of at most {MAX_BANDS:,}")
    units = _decoded(dataset.attrs.get("units", "nm"))
    if units not in NANOMETRES:
        raise ValueError(f"its wavelengths are in {units!r}")
    return Wavelengths(dataset[...])


def _quantity(dataset: Any) -> Quantity:
    named = _decoded(dataset.attrs.get("long_name", ""))
    return Quantity(named) if named in set(Quantity) else Quantity.UNKNOWN


def _provenance(file: h5py.File) -> dict[str, str]:
    return {key: _decoded(value) for key, value in file.attrs.items() if key != "Conventions"}


def _decoded(value: Any) -> str:
    """An attribute as text; other programs write bytes, and arrays of one."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
