"""Scenes of the CAVE dataset: a folder with one PNG per band, 400-700 nm by 10 nm (Yasuma et al. 2010)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.reading import Reading
from nesr_gui.spectral import FloatArray, Quantity, Source, SpectralCube, Wavelengths

WAVELENGTHS = Wavelengths.every(400, 700, 10)


def scene_folders(root: str | os.PathLike[str]) -> list[Path]:
    """The folders with all 31 bands: `root`, those in it, and those one level deeper, as the CAVE archive nests them.

    Raises:
        FileNotFoundError: `root` is not a folder.
    """
    return [folder for folder in _folders(root) if not _missing(_band_files(folder))]


def check_whole(root: str | os.PathLike[str]) -> None:
    """Raise UnreadableFile where some bands of a scene are there, and others are not."""
    for folder in _folders(root):
        if files := _band_files(folder):
            _check(folder, files)


def _folders(root: str | os.PathLike[str]) -> list[Path]:
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root}")
    return sorted(folder for folder in (root, *root.glob("*/"), *root.glob("*/*/")) if folder.is_dir())


def open_cube(folder: str | os.PathLike[str], reading: Reading | None = None) -> CubeField:
    """The field of a scene, whose bands and wavelengths are those of the archive; raises as `read_scene`."""
    scene = read_scene(folder)
    origin = {"source": scene.source.name, "source_sha256": scene.source.sha256}
    quantity = (reading.quantity if reading else None) or scene.quantity
    return CubeField(scene.values, scene.wavelengths, quantity, origin)


def is_scene(folder: Path) -> bool:
    """Whether a folder, or one in it, has bands named like those of the archive."""
    return any(_band_files(place) for place in (folder, *folder.glob("*/")))


def read_scene(folder: str | os.PathLike[str]) -> SpectralCube:
    """Read a scene folder, or the folder that holds nothing but it: (31, H, W) reflectance in [0, 1].

    One scene of the dataset (watercolors) has RGBA files; their channels are equal, so the first is taken.

    Raises:
        FileNotFoundError: there is no such folder.
        UnreadableFile: bands are missing, unreadable or of different sizes.
    """
    folder = Path(folder)
    found = scene_folders(folder)
    files = _band_files(found[0] if len(found) == 1 else folder)
    _check(folder, files)
    digest = hashlib.sha256()
    bands: list[FloatArray] = []
    for number in range(1, 32):
        data = files[number].read_bytes()
        digest.update(data)
        bands.append(_read_band(files[number], data))
        if bands[-1].shape != bands[0].shape:
            raise UnreadableFile(
                f"{files[number]} has {_size(bands[-1])} pixels; expected {_size(bands[0])} as in the first band"
            )
    name = files[1].name.removesuffix("_ms_01.png")
    return SpectralCube(np.stack(bands), WAVELENGTHS, Quantity.REFLECTANCE, Source(name, digest.hexdigest()))


def _band_files(folder: Path) -> dict[int, Path]:
    """Number of the band → its file; of several scenes in one folder the first by name."""
    firsts = sorted(f for f in folder.glob("*_ms_[0-3][0-9].png") if not f.name.startswith("."))
    stem = firsts[0].name[:-6] if firsts else ""
    return {int(file.stem[-2:]): file for file in firsts if file.name[:-6] == stem}


def _check(folder: Path, files: dict[int, Path]) -> None:
    if missing := _missing(files):
        raise UnreadableFile(
            f"{folder} is not a CAVE scene: expected 31 files NAME_ms_01.png … NAME_ms_31.png, "
            f"but {len(missing)} are missing, the first of them number {missing[0]:02d}"
        )


def _missing(files: dict[int, Path]) -> list[int]:
    return [number for number in range(1, 32) if number not in files]


def _read_band(path: Path, data: bytes) -> FloatArray:
    """One band (H, W) in [0, 1] from the bytes of its PNG."""
    import imagecodecs

    try:
        pixels = imagecodecs.png_decode(data)
    except Exception as error:  # the decoder meets damaged files with errors of many classes
        raise UnreadableFile(f"{path} cannot be read as a PNG ({error}); expected one band of a CAVE scene") from error
    first = pixels if pixels.ndim == 2 else pixels[..., 0]
    return (first / np.float32(np.iinfo(pixels.dtype).max)).astype(np.float32)


def _size(band: FloatArray) -> str:
    return f"{band.shape[1]} x {band.shape[0]}"
