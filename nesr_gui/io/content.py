"""What a file contains, by its content rather than its name: a photograph, a cube or spectra, and in which format.

The name decides only where the content does not: for MATLAB files older than version 5 and for damaged files.
"""

from __future__ import annotations

import codecs
import zipfile
from collections.abc import Callable
from pathlib import Path

from nesr_gui.io.registry import PORTABLE, FileKind
from nesr_gui.io.siblings import find_sibling

HEAD = 512  # bytes that are looked at
FIELD = b'"nesr_gui field 1"'  # near the beginning of a portable field
HDF5 = b"\x89HDF\r\n\x1a\n"
HDF5_OFFSETS = (0, 512, 1024, 2048, 4096)  # where a superblock may begin
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # brands
_RAW = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM", b"FOVb")
"""Signatures of raw files that are not TIFFs; the TIFF reader recognises the others."""
PHOTOGRAPHS: dict[str, Callable[[bytes], bool]] = {
    "PNG": lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"),
    "JPEG": lambda head: head.startswith(b"\xff\xd8\xff"),
    "camera RAW": lambda head: head.startswith(_RAW) or head[4:12] == b"ftypcrx " or head[8:11] == b"CR\x02",
    "TIFF": lambda head: head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "BMP": lambda head: head.startswith(b"BM") and not any(head[6:10]),
    "WebP": lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP",
    "HEIC": lambda head: head[4:8] == b"ftyp" and head[8:12] in _HEIC,
    "OpenEXR": lambda head: head.startswith(b"v/1\x01"),
}
"""Format → whether a file with these first bytes has it; the first match is used."""
_ZARR = ("zarr.json", ".zgroup", ".zarray", ".zmetadata")

Content = tuple[FileKind, str]
"""Kind and name of the format, as in the table of formats."""


def content_of(path: Path) -> Content | None:
    """Content of a file or folder; None if it is not recognised, damaged or does not exist."""
    try:
        if path.is_dir():
            return (FileKind.CUBE, "Zarr") if any((path / name).is_file() for name in _ZARR) else None
        with path.open("rb") as file:
            head = file.read(max(HDF5_OFFSETS) + len(HDF5))
    except OSError:
        return None
    return _of_head(path, head)


def _of_head(path: Path, head: bytes) -> Content | None:
    if head.removeprefix(codecs.BOM_UTF8).startswith(b"ENVI"):
        return _of_envi(path)
    if any(head[at : at + len(HDF5)] == HDF5 for at in HDF5_OFFSETS):
        is_matlab = head.startswith(b"MATLAB") or path.suffix.lower() == ".mat"
        return FileKind.CUBE, "MATLAB" if is_matlab else "NetCDF-4 / HDF5"
    for signature, name in (
        (b"CDF", "NetCDF-3"),
        (b"MATLAB 5.0", "MATLAB"),
        (b"\x93NUMPY", "NumPy array"),
    ):
        if head.startswith(signature) and (name != "NetCDF-3" or head[3:4] in (b"\1", b"\2", b"\5")):
            return FileKind.CUBE, name
    if head.startswith(b"PK"):
        return _of_archive(path)
    if FIELD in head[:HEAD]:
        return FileKind.CUBE, PORTABLE
    found = next((name for name, matches in PHOTOGRAPHS.items() if matches(head)), None)
    if found == "TIFF":
        from nesr_gui.io.cubes import tiff

        return (FileKind.CUBE, "TIFF") if tiff.is_cube(path) else (FileKind.PHOTOGRAPH, "TIFF")
    if found == "OpenEXR":
        from nesr_gui.io.cubes import exr

        return (FileKind.CUBE, "Spectral OpenEXR") if exr.is_cube(path) else (FileKind.PHOTOGRAPH, "OpenEXR")
    return (FileKind.PHOTOGRAPH, found) if found else _of_envi_data(path)


def _of_envi(path: Path) -> Content | None:
    from nesr_gui.io.cubes import envi_header

    is_library = "library" in envi_header.file_type(path)
    return (FileKind.CURVES, "ENVI library") if is_library else (FileKind.CUBE, "ENVI")


def _of_envi_data(path: Path) -> Content | None:
    """Content of a file without a signature: that of the ENVI header beside it."""
    from nesr_gui.io.cubes import envi_header

    try:
        header = envi_header.header_beside(path)
    except ValueError:  # a link that leaves the folder
        return None
    return None if header is None else _of_envi(header)


def _of_archive(path: Path) -> Content | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return None
    if any(name.endswith(".npy") for name in names):
        return FileKind.CUBE, "NumPy archive"
    return (FileKind.CUBE, "Zarr") if any(name.rpartition("/")[2] in _ZARR for name in names) else None


def described_image(path: Path) -> Path:
    """The TIFF that an ENVI header describes (`file type = TIFF`); any other path as it is."""
    if path.suffix.lower() != ".hdr":
        return path
    from nesr_gui.io.cubes import envi_header

    if "tiff" not in envi_header.file_type(path):
        return path
    return find_sibling(path, [f"{path.stem}.tif", f"{path.stem}.tiff", path.stem]) or path
