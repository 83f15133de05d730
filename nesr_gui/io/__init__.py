"""The table of file formats, which provides the dialog filters, the command line and the error messages.

Importing this module is cheap: the library of a format is loaded when a file of that format is opened.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nesr_gui.fields.protocol import CubeField, ProgressCallback, SpectralField, reconstruction_model
from nesr_gui.io.content import Content, content_of, described_image
from nesr_gui.io.cubes.description import AmbiguousFile, CubeHints
from nesr_gui.io.cubes.export import CubeWriterSource, StorageEncoding, disk_full, is_disk_full
from nesr_gui.io.cubes.wavelengths import BandPositions
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.registry import FORMATS, FileKind, Format, formats
from nesr_gui.spectral import RGBImage, Spectrum, Wavelengths

if TYPE_CHECKING:
    from nesr_gui.io.photos.develop_settings import DevelopSettings
    from nesr_gui.io.photos.photo import DecodedPhoto

__all__ = [
    "FORMATS",
    "BandPositions",
    "CubeHints",
    "CubeWriterSource",
    "FileKind",
    "Format",
    "StorageEncoding",
    "decode_photograph",
    "describe",
    "dialog_filter",
    "files_of",
    "formats",
    "is_cube",
    "is_photograph",
    "open_cube",
    "read_photograph",
    "write_cube",
    "write_export",
    "writer",
    "written_formats",
]


OPTIONAL = {
    "HEIC": ("pillow_heif", "raw"),
    "camera RAW": ("rawpy", "raw"),
    "OpenEXR": ("OpenEXR", "formats"),
}
"""Format → required package, and the extra that installs it."""


def read_photograph(path: str | os.PathLike[str], settings: DevelopSettings | None = None) -> RGBImage:
    """Read a photograph; see `nesr_gui.io.photos.decode.read_photograph`.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: neither content nor extension are those of a photograph, or the file is not readable
            (`UnreadableImage`).

    Examples:
        >>> from nesr_gui import resources
        >>> read_photograph(resources.sample("coffee").photograph).shape
        (400, 600)
    """
    _format(Path(path), FileKind.PHOTOGRAPH)  # refuses other content
    from nesr_gui.io.photos import decode

    return decode.read_photograph(path, settings)


def decode_photograph(path: str | os.PathLike[str]) -> DecodedPhoto:
    """Decode a photograph, which can then be developed with different settings; see `photos.decode.decode`.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: neither content nor extension are those of a photograph, or the file is not readable
            (`UnreadableImage`).
    """
    _format(Path(path), FileKind.PHOTOGRAPH)  # refuses other content
    from nesr_gui.io.photos import decode

    return decode.decode(path)


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None, *, is_trusted: bool = False) -> CubeField:
    """Open a spectral cube, a file or a folder, reading no more of it than the format requires.

    Args:
        path: file or folder.
        reading: information that overrides or supplements what the file states.
        is_trusted: skip the test in another process whether the file crashes its library. The test takes seconds and is
            unnecessary for files that this program has just written.

    Raises:
        FileNotFoundError: the file does not exist.
        AmbiguousFile: the file lacks required information.
        ValueError: neither content nor extension are those of a cube, or the file is not readable (`UnreadableFile`).
    """
    path = described_image(Path(path))
    chosen = _format(path, FileKind.CUBE)
    assert chosen.read is not None  # the format was selected for it
    if chosen.sandboxed and path.is_file() and not is_trusted:
        from nesr_gui.io.sandbox import SANDBOX

        SANDBOX.check(path, chosen.sandboxed)
    try:
        cube: CubeField = chosen.read(path, reading or CubeHints())
    except AmbiguousFile as error:
        error.path, error.reading = path, reading
        raise
    return cube


def write_cube(
    path: str | os.PathLike[str],
    field: SpectralField,
    wavelengths: Wavelengths,
    *,
    progress: ProgressCallback | None = None,
    rows: slice | None = None,
    cols: slice | None = None,
    encoding: StorageEncoding | None = None,
    provenance: Mapping[str, str] | None = None,
) -> int:
    """Write `field` at `wavelengths` in the format given by the extension of `path`, in constant memory.

    A path without an extension becomes a folder with one image per band. If `progress` raises `Cancelled`, no partial
    file remains. An existing file or set is kept until the new one is complete.

    Args:
        path: file or folder to write.
        field: what to write.
        wavelengths: bands of the file, in nm.
        progress: called with the fraction done.
        rows: rows of the window; all by default.
        cols: columns of the window; all by default.
        encoding: number format; float32 by default.
        provenance: attributes to record in addition to those of the field.

    Returns:
        The number of values clipped by the encoding.

    Raises:
        ValueError: the extension is not that of a cube, the format does not support the encoding, or the field does not
            cover the wavelengths or the window.
        OSError: the folder is not writable or has too little space.

    Examples:
        >>> import tempfile
        >>> from nesr_gui import resources
        >>> cube = open_cube(resources.sample("colour_checker").truth)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     written = Path(folder, "patch.hdr")
        ...     clipped = write_cube(written, cube, cube.bands, rows=slice(12, 68), cols=slice(12, 68))
        ...     open_cube(written).shape, clipped
        ((56, 56), 0)
    """
    found = writer(path, encoding or StorageEncoding())
    export = CubeWriterSource(
        field,
        wavelengths,
        progress=progress,
        rows=rows,
        cols=cols,
        encoding=encoding,
        provenance=provenance,
        as_coefficients=found.holds_coefficients,
    )
    write_export(path, export)
    return export.clipped


def write_export(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Write a prepared export in the format given by the extension of `path`; see `write_cube`.

    Raises:
        ValueError: the extension is not that of a cube, or the format does not support the encoding.
        OSError: the folder is not writable, has too little space, or the disk became full.
    """
    path = Path(path)
    found = writer(path, export.encoding)
    assert found.write is not None  # the format was selected for it
    try:
        found.write(path, export)
    except (OSError, RuntimeError) as error:
        if is_disk_full(error):
            raise disk_full(path, error) from error
        raise


def writer(path: str | os.PathLike[str], encoding: StorageEncoding) -> Format:
    """Format in which `path` would be written.

    Raises:
        ValueError: the extension is not that of a cube, or the format does not support `encoding`.
    """
    path = Path(path)
    writable = written_formats()
    endings = {ending: f for f in writable for ending in f.writes or f.extensions}
    folder = next(f for f in writable if not f.extensions)
    found = endings.get(path.suffix.lower(), None if path.suffix else folder)
    if found is None:
        allowed = ", ".join(f"{f.name} ({' '.join(f.writes or f.extensions)})" for f in writable if f.extensions)
        raise ValueError(
            f"{path.name} has the extension {path.suffix!r}; {FileKind.CUBE.value.lower()} are {allowed}, or a folder"
        )
    if encoding.dtype not in found.dtypes:
        named = (
            f"{path.name} has no extension and would be a {found.name.lower()}, which"
            if found is folder
            else found.name
        )
        raise ValueError(
            f"{named} cannot store {encoding.dtype}; choose {' or '.join(found.dtypes)}, or another extension"
        )
    if encoding.error_band and not (found.holds_bounds or found.holds_coefficients):
        able = ", ".join(f"{f.name} ({' '.join(f.writes or f.extensions)})" for f in writable if f.holds_bounds)
        raise ValueError(f"{found.name} cannot store a prediction interval with the cube; {able} can")
    return found


def files_of(path: str | os.PathLike[str]) -> list[Path]:
    """Files of an image: header and data of a set, otherwise the file or folder itself; raises as its reader."""
    path = described_image(Path(path))
    found = _format(path, FileKind.CUBE) if is_cube(path) else None
    return found.files(path) if found is not None and found.files else [path]


def describe(path: str | os.PathLike[str], reading: CubeHints | None = None) -> dict[str, str]:
    """Properties of a cube or spectra file as name → text, provenance last; raises the errors of its reader."""
    path = described_image(Path(path))
    content = content_of(path)
    named = path.suffix.lower() if content is None else ""
    curves = [f for f in formats() if f.kind is FileKind.CURVES]
    if table := next((f for f in curves if named in f.extensions or content == (f.kind, f.name)), None):
        return _described_curves(path, table)
    field, found = open_cube(path, reading), _format(path, FileKind.CUBE)
    height, width = field.shape
    low, high = field.wavelength_range
    files = [file for part in files_of(path) for file in (part, *part.rglob("*"))]
    return {
        "format": f"{found.name} spectral cube",
        "size": f"{width} x {height} pixels",
        "bands": f"{len(field.wavelengths)}, {low:g}-{high:g} nm",
        "quantity": field.quantity.value,
        "values": f"reconstructed by the model {model}" if (model := reconstruction_model(field)) else "measured",
        "bytes": str(sum(file.stat().st_size for file in files if file.is_file())),
        **field.provenance,
    }


def _described_curves(path: Path, table: Format) -> dict[str, str]:
    assert table.read is not None  # every format of spectra can be read
    found: list[Spectrum] = table.read(path)
    low, high = (pick([pick(curve.wavelengths.nm) for curve in found]) for pick in (min, max))
    named = ", ".join(curve.name for curve in found[:20]) + (", …" if len(found) > 20 else "")
    return {
        "format": f"{table.name} spectra",
        "spectra": f"{len(found)}, {low:g}-{high:g} nm",
        "names": named,
        "bytes": str(path.stat().st_size),
    }


def is_photograph(path: str | os.PathLike[str]) -> bool:
    """Whether the content is that of a photograph or, if it is not recognised, the extension is."""
    path = Path(path)
    content = content_of(path)
    if content is not None:
        return content[0] is FileKind.PHOTOGRAPH
    suffix = path.suffix.lower()
    return not path.is_dir() and any(suffix in f.extensions for f in formats() if f.kind is FileKind.PHOTOGRAPH)


def is_cube(path: str | os.PathLike[str]) -> bool:
    """Whether the content is that of a cube or, if it is not recognised, the extension is; or it is a folder."""
    path = Path(path)
    try:
        found = _format(path, FileKind.CUBE, content_of(path))
    except ValueError:
        return False
    return found.kind is FileKind.CUBE and not is_photograph(path)


def dialog_filter(kind: FileKind) -> str:
    """Files of a kind in the syntax of Qt's file dialogs: `Photographs (*.png *.jpg)`."""
    extensions = " ".join(f"*{each}" for f in formats() if f.kind is kind for each in f.extensions)
    return f"{kind.value}{_missing(kind)} ({extensions})"


def written_formats() -> list[Format]:
    """Formats in which cubes can be written."""
    return [f for f in formats() if f.kind is FileKind.CUBE and f.write]


def _missing(kind: FileKind) -> str:
    """Note on formats of a kind whose package is not installed, and how to install it."""
    waiting: dict[str, list[str]] = {}
    for row in formats():
        package, extra = OPTIONAL.get(row.name, ("", ""))
        if row.kind is kind and package and importlib.util.find_spec(package) is None:
            waiting.setdefault(extra, []).append(row.name)
    return "".join(f"; {' and '.join(names)} with nesr-gui[{extra}]" for extra, names in waiting.items())


def _format(path: Path, kind: FileKind, content: Content | None = None) -> Format:
    """Format of a file that is to be opened as `kind`, by its content, else by its extension.

    A TIFF or an OpenEXR may be opened as either kind.

    Raises:
        UnreadableFile: the file is of another kind, or of no format of the table.
    """
    content = content or content_of(path)
    readable = [f for f in formats() if f.kind is kind and f.read]
    if content is not None:
        names = {"OpenEXR": "Spectral OpenEXR", "Spectral OpenEXR": "OpenEXR"}
        wanted = {content[1], names.get(content[1], "")}
        for candidate in readable:
            if candidate.name in wanted:
                return candidate
        if content[0] is FileKind.CURVES:
            raise UnreadableFile(f"{path.name} is a spectral library; load it as reference spectra")
        what = "photograph" if content[0] is FileKind.PHOTOGRAPH else "spectral cube"
        raise UnreadableFile(f"{path.name} is a {what} ({content[1]}); {_allowed(kind)}")
    if path.is_dir():
        folders = [f for f in readable if not f.extensions]
        for candidate in (f for f in readable if path.suffix.lower() in f.extensions and not f.sandboxed):
            return candidate
        if folders:
            return next(f for f in folders if f.sniff is None or f.sniff(path))
    for candidate in readable:
        if path.suffix.lower() in candidate.extensions:
            return candidate
    ending = f"the extension {path.suffix!r}" if path.suffix else "no extension"
    unrecognised = path.is_file() and kind is FileKind.CUBE
    also = f", {_allowed(FileKind.PHOTOGRAPH)}" if unrecognised else ""
    raise UnreadableFile(f"{path.name or path} has {ending}; {_allowed(kind)}{also}")


def _allowed(kind: FileKind) -> str:
    named = (f"{f.name} ({' '.join(f.extensions)})" for f in formats() if f.kind is kind and f.read and f.extensions)
    return f"{kind.value.lower()} are {', '.join(named)}"
