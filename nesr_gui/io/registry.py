"""The table of file formats, with those of plug-ins, and optional packages."""

from __future__ import annotations

import enum
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from nesr_gui import plugins
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Spectrum


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


_EXTENSION = re.compile(r"\.[^.A-Z]+")  # as `Path.suffix` has it, in lower case


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

RAW = (
    ".dng", ".nef", ".nrw", ".cr2", ".cr3", ".crw", ".arw", ".srf", ".sr2", ".raf", ".orf", ".rw2", ".pef", ".srw",
    ".x3f", ".3fr", ".iiq", ".mrw", ".erf", ".kdc", ".mos",
)  # fmt: skip

_read_photograph = lazy("photos.decode", "read_photograph")

FORMATS = (
    Format("PNG", (".png",), FileKind.PHOTOGRAPH, _read_photograph),
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), FileKind.PHOTOGRAPH, _read_photograph),
    Format("TIFF", (".tif", ".tiff"), FileKind.PHOTOGRAPH, _read_photograph),
    Format("BMP", (".bmp",), FileKind.PHOTOGRAPH, _read_photograph),
    Format("WebP", (".webp",), FileKind.PHOTOGRAPH, _read_photograph),
    Format("HEIC", (".heic", ".heif"), FileKind.PHOTOGRAPH, _read_photograph),
    Format("OpenEXR", (".exr",), FileKind.PHOTOGRAPH, _read_photograph),
    Format("camera RAW", RAW, FileKind.PHOTOGRAPH, _read_photograph),
    *CUBES,
    Format("CSV", (".csv",), FileKind.CURVES, lazy("spectra.csv", "read_curves"), lazy("spectra.csv", "write_curves")),
    Format(
        "ENVI library",
        (".sli",),
        FileKind.CURVES,
        lazy("spectra.envi_library", "read_curves"),
        lazy("spectra.envi_library", "write_curves"),
    ),
)
SPECTRA = (".csv", ".txt", ".tsv", ".sli", ".hdr", ".cxf", ".cgats", ".it8", ".ti3", ".sp", ".cie")
"""Extensions of the files that `spectra.readers.read_spectra` reads, in many formats."""


def formats() -> tuple[Format, ...]:
    """The table of formats, with those of plug-ins, which are imported on the first call."""
    return (*FORMATS, *_of_plugins())


def plugin_formats(kind: FileKind) -> list[Format]:
    """The rows of plug-ins for files of a kind."""
    return [row for row in _of_plugins() if row.kind is kind]


def plugin_reader(path: Path, kind: FileKind) -> Callable[[Path], Any] | None:
    """The reader of a plug-in for the extension of a photograph or of spectra; None if there is none."""
    rows = plugin_formats(kind)
    return next((row.read for row in rows if path.suffix.lower() in row.extensions), None)


def _of_plugins() -> list[Format]:
    return list(plugins.load(plugins.Kind.FORMATS, _accept).values())


def _accept(plugin: plugins.Plugin, value: object) -> Format:
    """The row of a plug-in, whose functions raise only errors with a sentence.

    Raises:
        TypeError: it is no format.
        ValueError: it cannot be a format of its kind, or its name or an extension is taken.
    """
    row = plugins.require(plugin, value, Format)
    if row.sandboxed or not row.extensions or row.read is None:  # what is written is read back to verify it
        raise ValueError("a format must have extensions, and read files without a sandbox")
    for endings in (row.extensions, row.writes):
        if not all(_EXTENSION.fullmatch(each) for each in endings):
            raise ValueError(f"its extensions are {endings!r}; expected a tuple of endings in lower case: ('.fits',)")
    if row.kind is not FileKind.CUBE and row.write:
        raise ValueError(f"{row.kind.value.lower()} can be read by plug-ins, not written")
    own = {row.name, *row.extensions, *row.writes}
    if row.kind is FileKind.CURVES and (shared := own & set(SPECTRA)):
        raise ValueError(f"{min(shared)} belongs to the tables of spectra")
    for other in (*FORMATS, *plugins.accepted(plugins.Kind.FORMATS).values()):
        if shared := own & {other.name, *other.extensions, *other.writes}:
            raise ValueError(f"{min(shared)} belongs to the format {other.name}")
    read = _guarded(plugin, row.read, UnreadableFile, partial(_mistake, row.kind))
    return replace(row, read=read, write=row.write and _guarded(plugin, row.write, ValueError))


def _mistake(kind: FileKind, result: Any) -> str:
    """What a reader of a kind of files should have returned instead of `result`; empty if it is right."""
    if kind is FileKind.CUBE:
        return "" if isinstance(result, CubeField) else "a CubeField"
    if kind is FileKind.PHOTOGRAPH:
        from nesr_gui.io.photos.photo import DecodedPixels

        if not isinstance(result, DecodedPixels):
            return "DecodedPixels"
        is_cut = result.pixels.dtype.kind != "f" and result.pixels.max() > result.white
        return f"DecodedPixels whose `white` is at least {result.pixels.max()}" if is_cut else ""
    is_list = isinstance(result, list) and result and all(isinstance(each, Spectrum) for each in result)
    return "" if is_list else "a list of at least one Spectrum"


def _guarded(
    plugin: plugins.Plugin,
    function: Callable[..., Any],
    refusal: type[ValueError],
    mistake: Callable[[Any], str] | None = None,
) -> Callable[..., Any]:
    """The reader or writer of a plug-in, whose unexpected errors and results become sentences.

    Args:
        plugin: who declares it.
        function: the reader or writer.
        refusal: errors with a sentence of their own: of a reader those of files, of a writer also those of the field.
        mistake: what the result should have been instead; empty if it is right.
    """

    def call(path: Path, *args: Any) -> Any:
        try:
            result = function(path, *args)
        except (refusal, OSError, MemoryError, Cancelled):
            raise
        except plugins.FAILURES as error:
            raise UnreadableFile(plugins.failure(plugin, f"with {path.name}", error)) from error
        if mistake is not None and (expected := mistake(result)):
            raise UnreadableFile(f"{plugin} returned a {type(result).__name__} for {path.name}; expected {expected}")
        return result

    return call
