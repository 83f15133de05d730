"""Cubes as folders with one grey image per band: PNG or TIFF, with a wavelength or a number in each name.

Scenes of the CAVE data set are such folders, with one PNG per band, 400-700 nm by 10 nm (Yasuma et al. 2010).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.atomic import atomic_write_set, check_replaceable
from nesr_gui.io.cubes.binary import check_dtype, read_sidecar, write_sidecar
from nesr_gui.io.cubes.decoding import decoding
from nesr_gui.io.cubes.description import CubeDescription, CubeHints, build_field
from nesr_gui.io.cubes.export import FILL, CubeWriterSource, check_space
from nesr_gui.io.cubes.wavelengths import MAX_BANDS
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.io.siblings import check_inside
from nesr_gui.spectral import FloatArray, ImageSource, Quantity, SpectralCube, Wavelengths

DESCRIPTION = "cube.json"
ENDINGS = (".png", ".tif", ".tiff")
MAX_PIXELS = 1 << 28  # values of one image
CACHE = 256 << 20  # maximum bytes of cached bands
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WRITTEN = re.compile(r"[^/]+_\d{3,}_\d+\.\d+nm\.png|" + re.escape(DESCRIPTION))  # files of an export
_NANOMETRES = re.compile(r"(\d+(?:[.,]\d+)?)\s*_?nm", re.IGNORECASE)
WAVELENGTHS = Wavelengths.from_step(400, 700, 10)


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Write one 16-bit PNG per band, one band at a time, and `cube.json`; an older export is replaced as a whole.

    Raises:
        FileExistsError: the folder holds other files.
        OSError: it is not writable, or has too little space.
    """
    from nesr_gui.io.raster import encoded_png

    target = Path(os.path.realpath(path))
    is_export = (target / DESCRIPTION).is_file()
    check_replaceable(target, lambda file: is_export and _WRITTEN.fullmatch(file) is not None)
    with atomic_write_set(target) as folder:
        check_space(target.parent, export.nbytes)
        (folder / target.name).mkdir()
        for index, band in export.bands():
            nm = export.wavelengths.nm[index]
            name = f"{target.name}_{index + 1:03d}_{float(nm)!r}nm.png"
            (folder / target.name / name).write_bytes(encoded_png(target / name, band))
        write_sidecar(folder / target.name / DESCRIPTION, export)


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a folder of bands, decoded on demand; integers are divided by their full scale.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        AmbiguousFile: required information is missing.
        UnreadableFile: the folder contains no such images, or they are not readable.
    """
    path = Path(path)
    reading = reading or CubeHints()
    if not path.is_dir():
        raise FileNotFoundError(f"there is no folder {path}")
    files = _numbered(path)
    sidecar = read_sidecar(path / DESCRIPTION)
    bands = FolderBands([file for _, file in files])
    check_dtype(sidecar, bands.dtype, path / DESCRIPTION, path.name)
    stated = _stated(files, sidecar)
    whole = bands.dtype.kind == "u"
    found = CubeDescription(
        path.name,
        bands,
        band_axis=0,
        wavelengths=stated,
        unit="nm",
        suggested=_suggested([number for number, _ in files]),
        quantity=sidecar.get("quantity", Quantity.UNKNOWN),
        provenance=sidecar.get("provenance", {"source": path.name}),
        decoding=decoding(
            bands.dtype,
            fill=[FILL] if "scale" in sidecar else [],
            scale=sidecar.get("scale", 1 / np.iinfo(bands.dtype).max if whole else 1.0),
        ),
    )
    return build_field(found, reading)


def _numbered(folder: Path) -> list[tuple[float, Path]]:
    """Images with the number that distinguishes them, in its order."""
    files = sorted(
        file for file in folder.iterdir() if file.suffix.lower() in ENDINGS and not file.name.startswith(".")
    )
    if not files or len(files) > MAX_BANDS:
        raise UnreadableFile(f"the folder {folder.name} has {len(files):,} PNG or TIFF files; expected one per band")
    if all(_NANOMETRES.search(file.stem) for file in files):
        named = [(float(_NANOMETRES.findall(file.stem)[-1].replace(",", ".")), file) for file in files]
        return sorted(named) if len({nm for nm, _ in named}) == len(named) else named
    numbers = [[float(number) for number in _NUMBER.findall(file.stem)] for file in files]
    if len({len(row) for row in numbers}) != 1 or not numbers[0]:
        raise UnreadableFile(
            f"the files in {folder.name} are not numbered alike ({files[0].name}, {files[-1].name}); "
            "expected names that differ in a wavelength or a number"
        )
    columns = list(zip(*numbers, strict=True))
    telling = [column for column in columns if len(set(column)) == len(files)]
    if not telling:
        raise UnreadableFile(f"no number tells the files in {folder.name} apart; expected one per band")
    return sorted(zip(telling[-1], files, strict=True))


def _stated(files: list[tuple[float, Path]], sidecar: dict[str, Any]) -> npt.NDArray[np.float64] | None:
    if "wavelengths" in sidecar:
        return np.array(sidecar["wavelengths"])
    if all(_NANOMETRES.search(file.stem) for _, file in files):
        return np.array([number for number, _ in files])
    return None


def _suggested(numbers: list[float]) -> tuple[npt.NDArray[np.float64], str] | None:
    """Numbers that may be wavelengths, and what suggests them."""
    if not 200 <= min(numbers) < max(numbers) <= 20_000:
        return None
    return np.array(numbers), "the numbers in their names"


class FolderBands:
    """(L, H, W) array over one image per band, with a cache of recently decoded bands."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._decoded: OrderedDict[int, npt.NDArray[Any]] = OrderedDict()
        first = _decode(files[0])
        self.dtype = first.dtype
        self.shape = (len(files), *first.shape)
        self._kept = max(CACHE // max(first.nbytes, 1), 1)

    def __getitem__(self, window: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        bands, rows, cols = window
        return np.stack([self._band(band)[rows, cols] for band in range(*bands.indices(len(self._files)))])

    def _band(self, index: int) -> npt.NDArray[Any]:
        if index not in self._decoded:
            band = _decode(self._files[index])
            if band.shape != self.shape[1:] or band.dtype != self.dtype:
                height, width = self.shape[1:]
                raise UnreadableFile(
                    f"{self._files[index].name} has {band.shape[1]} x {band.shape[0]} pixels of {band.dtype}; "
                    f"expected {width} x {height} of {self.dtype} as in {self._files[0].name}"
                )
            self._decoded[index] = band
            while len(self._decoded) > self._kept:
                self._decoded.popitem(last=False)
        self._decoded.move_to_end(index)
        return self._decoded[index]


def _decode(path: Path) -> npt.NDArray[Any]:
    """Grey image (H, W); of an image with equal channels, the first."""
    try:
        pixels = _decoded_png(check_inside(path).read_bytes()) if path.suffix.lower() == ".png" else _read_tiff(path)
    except Exception as error:  # decoders raise many kinds of errors for damaged files
        raise UnreadableFile(
            f"{path} cannot be read as an image ({error_message(error)}); expected one band of a cube"
        ) from error
    if pixels.ndim == 3 and np.all(pixels[..., :3] == pixels[..., :1]):
        pixels = pixels[..., 0]
    if pixels.ndim != 2 or pixels.dtype.kind not in "uf":
        raise UnreadableFile(f"{path.name} has shape {pixels.shape} of {pixels.dtype}; expected a grey image")
    return pixels


def _decoded_png(data: bytes) -> npt.NDArray[Any]:
    """Pixels of a PNG, whose size is checked before it is decoded."""
    import imagecodecs

    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    if width * height > MAX_PIXELS:
        raise ValueError(f"it states {width} x {height} pixels")
    return imagecodecs.png_decode(data)


def _read_tiff(path: Path) -> npt.NDArray[Any]:
    """Pixels of the first page of a TIFF, whose size is checked before it is decoded."""
    import tifffile

    with tifffile.TiffFile(check_inside(path), _multifile=False) as tiff:
        page: Any = tiff.pages[0]
        if page.imagewidth * page.imagelength * page.samplesperpixel > MAX_PIXELS:
            raise ValueError(f"it states {page.imagewidth} x {page.imagelength} pixels")
        return page.asarray(maxworkers=1)


def scene_folders(root: str | os.PathLike[str]) -> list[Path]:
    """Folders with all 31 bands: `root`, its subfolders, and those one level deeper, as in the CAVE archive.

    Raises:
        FileNotFoundError: `root` is not a folder.
    """
    return [folder for folder in _folders(root) if not _missing(_band_files(folder))]


def check_whole(root: str | os.PathLike[str]) -> None:
    """Check that no scene below `root` lacks some of its bands.

    Raises:
        UnreadableFile: some bands of a scene are missing.
    """
    for folder in _folders(root):
        if files := _band_files(folder):
            _check(folder, files)


def _folders(root: str | os.PathLike[str]) -> list[Path]:
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root}")
    return sorted(folder for folder in (root, *root.glob("*/"), *root.glob("*/*/")) if folder.is_dir())


def open_cave_cube(folder: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Field of a scene, with the bands and wavelengths of the archive; raises as `read_scene`."""
    scene = read_scene(folder)
    origin = {"source": scene.source.name, "source_sha256": scene.source.sha256}
    quantity = (reading.quantity if reading else None) or scene.quantity
    return CubeField(scene.values, scene.wavelengths, quantity, origin)


def is_scene(folder: Path) -> bool:
    """Whether a folder, or one of its subfolders, has bands named like those of the archive."""
    return any(_band_files(place) for place in (folder, *folder.glob("*/")))


def read_scene(folder: str | os.PathLike[str]) -> SpectralCube:
    """Read a scene folder, or a folder that contains only a scene folder: (31, H, W) reflectance in [0, 1].

    One scene of the data set (watercolors) has RGBA files with equal channels; the first is used.

    Raises:
        FileNotFoundError: the folder does not exist.
        UnreadableFile: bands are missing, not readable or of different sizes.
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
    return SpectralCube(np.stack(bands), WAVELENGTHS, Quantity.REFLECTANCE, ImageSource(name, digest.hexdigest()))


def _band_files(folder: Path) -> dict[int, Path]:
    """Band number → file; of several scenes in one folder, the first by name."""
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
    """One band (H, W) in [0, 1] from the bytes of a PNG."""
    try:
        pixels = _decoded_png(data)
    except Exception as error:  # decoders raise many kinds of errors for damaged files
        raise UnreadableFile(
            f"{path} cannot be read as a PNG ({error_message(error)}); expected one band of a CAVE scene"
        ) from error
    first = pixels if pixels.ndim == 2 else pixels[..., 0]
    return (first / np.float32(np.iinfo(pixels.dtype).max)).astype(np.float32)


def _size(band: FloatArray) -> str:
    return f"{band.shape[1]} x {band.shape[0]}"
