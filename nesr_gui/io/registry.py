"""Definition of a file format, the formats of cubes, and optional packages."""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nesr_gui.io.errors import UnreadableFile


class FileKind(enum.StrEnum):
    """Content of a file; the value is the plural used in dialogs."""

    PHOTOGRAPH = "Photographs"
    CUBE = "Spectral cubes"
    CURVES = "Spectra"


@dataclass(frozen=True)
class Format:
    """One row of the table. `read` or `write` is None if not supported; a format without extensions is a folder.

    Args:
        sniff: tells whether a folder has this format.
        dtypes: supported values of `StorageEncoding.dtype`.
        holds_bounds: whether a prediction interval can be stored with the cube.
        writes: extensions to write; by default `extensions`.
        sandboxed: module whose library may crash on a damaged file, which is therefore first opened in another process.
        files: all files of a set, given one of them; by default that file, or all in a folder.
        described_beside: whether the attributes of a cube are stored in a JSON file beside it.
        holds_coefficients: whether the coefficients of a `BasisField` are stored instead of its bands, and with them
            the prediction interval of a calibrated one.
    """

    name: str
    extensions: tuple[str, ...]
    kind: FileKind
    read: Callable[..., Any] | None = None
    write: Callable[..., Any] | None = None
    sniff: Callable[[Path], bool] | None = None
    dtypes: tuple[str, ...] = ("float32",)
    holds_bounds: bool = False
    writes: tuple[str, ...] = ()
    sandboxed: str = ""
    files: Callable[[Path], list[Path]] | None = None
    described_beside: bool = False
    holds_coefficients: bool = False

    @property
    def ending(self) -> str:
        """Extension of a written file; empty for a folder."""
        return next(iter(self.writes or self.extensions), "")


def lazy(module: str, function: str) -> Callable[..., Any]:
    """A function of a module of this package that is imported on the first call."""

    def call(*args: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(f"nesr_gui.io.{module}"), function)(*args, **options)

    return call


class MissingExtra(UnreadableFile):
    """A file requires a library that is not installed."""


def require_extra(module: str, purpose: str, extra: str = "formats", library: str = "") -> Any:
    """Import a library of an optional extra.

    Args:
        module: to import.
        purpose: what needs it, in the plural.
        extra: which installs it.
        library: its name where that is not the name of the module.

    Raises:
        MissingExtra: it is not installed; the message names it.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        library = library or module.partition(".")[0]
        raise MissingExtra(
            f"{purpose} need the library {library}, which is not installed; install nesr-gui[{extra}]"
        ) from None


PORTABLE = "Portable field"

CUBES = (
    Format(
        "NetCDF-4 / HDF5",
        (".nc", ".h5", ".hdf5", ".he5", ".nc4"),
        FileKind.CUBE,
        lazy("cubes.hdf5", "open_cube"),
        lazy("cubes.hdf5", "write_cube"),
        dtypes=("float32", "float16", "uint16"),
        holds_bounds=True,
        writes=(".nc", ".h5", ".hdf5"),
        sandboxed="cubes.hdf5",
    ),
    Format("NetCDF-3", (".cdf", ".nc3"), FileKind.CUBE, lazy("cubes.netcdf3", "open_cube")),
    Format(
        "ENVI",
        (".hdr", ".img", ".dat", ".bsq", ".bil", ".bip", ".raw"),
        FileKind.CUBE,
        lazy("cubes.envi", "open_cube"),
        lazy("cubes.envi", "write_cube"),
        files=lazy("cubes.envi_header", "files_of"),
        dtypes=("float32", "uint16"),
        writes=(".hdr",),
    ),
    Format(
        "MATLAB",
        (".mat",),
        FileKind.CUBE,
        lazy("cubes.matlab", "open_cube"),
        lazy("cubes.matlab", "write_cube"),
        sandboxed="cubes.matlab",
    ),
    Format(
        "TIFF",
        (".tif", ".tiff"),
        FileKind.CUBE,
        lazy("cubes.tiff", "open_cube"),
        lazy("cubes.tiff", "write_cube"),
        dtypes=("float32", "float16", "uint16"),
    ),
    Format(
        "Zarr",
        (".zarr", ".zip"),
        FileKind.CUBE,
        lazy("cubes.zarr", "open_cube"),
        lazy("cubes.zarr", "write_cube"),
        dtypes=("float32", "float16", "uint16"),
        holds_bounds=True,
        writes=(".zarr",),
    ),
    Format(
        "Spectral OpenEXR",
        (".exr",),
        FileKind.CUBE,
        lazy("cubes.exr", "open_cube"),
        lazy("cubes.exr", "write_cube"),
        sandboxed="cubes.exr",
        dtypes=("float32", "float16"),
    ),
    Format(
        "NumPy array",
        (".npy",),
        FileKind.CUBE,
        lazy("cubes.numpy", "open_cube"),
        lazy("cubes.numpy", "write_cube"),
        dtypes=("float32", "float16", "uint16"),
        described_beside=True,
    ),
    Format(
        "NumPy archive",
        (".npz",),
        FileKind.CUBE,
        lazy("cubes.numpy", "open_cube"),
        lazy("cubes.numpy", "write_archive"),
        dtypes=("float32", "float16", "uint16"),
        holds_bounds=True,
    ),
    Format(
        PORTABLE,
        (".field",),
        FileKind.CUBE,
        lazy("cubes.coefficients", "open_cube"),
        lazy("cubes.coefficients", "write_cube"),
        dtypes=("float32", "float16"),
        holds_coefficients=True,
    ),
    Format(
        "CAVE scene",
        (),
        FileKind.CUBE,
        lazy("cubes.band_folder", "open_cave_cube"),
        sniff=lazy("cubes.band_folder", "is_scene"),
    ),
    Format(
        "Folder of PNG bands",
        (),
        FileKind.CUBE,
        lazy("cubes.band_folder", "open_cube"),
        lazy("cubes.band_folder", "write_cube"),
        dtypes=("uint16",),
        described_beside=True,
    ),
)
