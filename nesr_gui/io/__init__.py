"""The files the program reads and writes, as one table: dialogs, the command line and the error texts come from it.

Importing this is cheap: the libraries behind a format are loaded when a file of it is opened.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nesr_gui.field import CubeField, Progress, SpectralField
from nesr_gui.spectral import RGBImage, Wavelengths


class Kind(enum.StrEnum):
    """What a file holds; the value is the plural a dialog shows."""

    PHOTOGRAPH = "Photographs"
    CUBE = "Spectral cubes"
    CURVES = "Curves"


@dataclass(frozen=True)
class Format:
    """One row of the table. `read` and `write` are None where the program does not do that; no extension: a folder."""

    name: str
    extensions: tuple[str, ...]
    kind: Kind
    read: Callable[..., Any] | None = None
    write: Callable[..., Any] | None = None


def _read_photograph(path: Path) -> RGBImage:
    from nesr_gui.io import photograph

    return photograph.read_photograph(path)


def _open_hdf5(path: Path) -> CubeField:
    from nesr_gui.io import hdf5

    return hdf5.open_cube(path)


def _write_hdf5(path: Path, *args: Any, **options: Any) -> None:
    from nesr_gui.io import hdf5

    hdf5.write_cube(path, *args, **options)


def _open_cave(path: Path) -> CubeField:
    from nesr_gui.io import cave

    scene = cave.read_scene(path)
    origin = {"source": scene.source.name, "source_sha256": scene.source.sha256}
    return CubeField(scene.values, scene.wavelengths, scene.quantity, origin)


def _read_curves(path: Path) -> Any:
    from nesr_gui.io import curves

    return curves.read_curves(path)


def _write_curves(path: Path, *args: Any, **options: Any) -> None:
    from nesr_gui.io import curves

    curves.write_curves(path, *args, **options)


FORMATS = (
    Format("PNG", (".png",), Kind.PHOTOGRAPH, _read_photograph),
    Format("JPEG", (".jpg", ".jpeg"), Kind.PHOTOGRAPH, _read_photograph),
    Format("TIFF", (".tif", ".tiff"), Kind.PHOTOGRAPH, _read_photograph),
    Format("BMP", (".bmp",), Kind.PHOTOGRAPH, _read_photograph),
    Format("WebP", (".webp",), Kind.PHOTOGRAPH, _read_photograph),
    Format("NetCDF-4 / HDF5", (".nc", ".h5", ".hdf5"), Kind.CUBE, _open_hdf5, _write_hdf5),
    Format("CAVE scene", (), Kind.CUBE, _open_cave),
    Format("CSV", (".csv",), Kind.CURVES, _read_curves, _write_curves),
)


def read_photograph(path: str | os.PathLike[str]) -> RGBImage:
    """Read a photograph; see `nesr_gui.io.photograph.read_photograph`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the extension is of no photograph, or the file cannot be read as one (`UnreadableImage`).
    """
    image: RGBImage = _reader(Path(path), Kind.PHOTOGRAPH)(Path(path))
    return image


def open_cube(path: str | os.PathLike[str]) -> CubeField:
    """Open a spectral cube, a file or a folder of band images, without reading more of it than its format demands.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the extension is of no cube, or the file cannot be read as one (`UnreadableFile`).
    """
    cube: CubeField = _reader(Path(path), Kind.CUBE)(Path(path))
    return cube


def write_cube(
    path: str | os.PathLike[str], field: SpectralField, wavelengths: Wavelengths, *, progress: Progress | None = None
) -> None:
    """Write `field` at `wavelengths` in the format `path` ends with; `progress` may raise `Cancelled`.

    Raises:
        ValueError: the extension is of no cube, or the field does not cover the wavelengths.
        OSError: the folder cannot be written or has too little space.
    """
    found = _by_extension(Path(path), Kind.CUBE, [f for f in FORMATS if f.kind is Kind.CUBE and f.write])
    assert found.write is not None  # the rows were chosen by it
    found.write(Path(path), field, wavelengths, progress=progress)


def is_photograph(path: str | os.PathLike[str]) -> bool:
    """Whether the name ends as a photograph's does; what the file holds shows when it is read."""
    suffix = Path(path).suffix.lower()
    return any(suffix in f.extensions for f in FORMATS if f.kind is Kind.PHOTOGRAPH)


def dialog_filter(kind: Kind) -> str:
    """The files of a kind as Qt's dialogs take it: `Photographs (*.png *.jpg)`."""
    return f"{kind.value} ({' '.join('*' + e for f in FORMATS if f.kind is kind for e in f.extensions)})"


def _reader(path: Path, kind: Kind) -> Callable[[Path], Any]:
    readable = [f for f in FORMATS if f.kind is kind and f.read]
    folders = [f for f in readable if not f.extensions]
    found = folders[0] if folders and path.is_dir() else _by_extension(path, kind, readable)
    assert found.read is not None  # the rows were chosen by it
    return found.read


def _by_extension(path: Path, kind: Kind, formats: list[Format]) -> Format:
    for candidate in formats:
        if path.suffix.lower() in candidate.extensions:
            return candidate
    allowed = ", ".join(f"{f.name} ({' '.join(f.extensions)})" for f in formats if f.extensions)
    ending = f"the extension {path.suffix!r}" if path.suffix else "no extension"
    raise ValueError(f"{path.name or path} has {ending}; {kind.value.lower()} are {allowed}")
