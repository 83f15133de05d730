"""Cubes as folders with one grey picture per band: PNG or TIFF, the wavelength or a number in each name."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.atomic import replacing_set
from nesr_gui.io.errors import Unclear, UnreadableFile
from nesr_gui.io.export import FILL, Export, check_space
from nesr_gui.io.reading import MAX_BANDS, Found, Reading, field_of
from nesr_gui.io.sidecar import read_sidecar, write_sidecar
from nesr_gui.spectral import Quantity

DESCRIPTION = "cube.json"
ENDINGS = (".png", ".tif", ".tiff")
CACHE = 256 << 20  # bytes of decoded bands that are kept
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NANOMETRES = re.compile(r"(\d+(?:[.,]\d+)?)\s*_?nm", re.IGNORECASE)


def write_cube(path: str | os.PathLike[str], export: Export) -> None:
    """Write one 16-bit PNG per band, one band at a time, and `cube.json`; an older folder is replaced whole."""
    import imagecodecs

    target = Path(os.path.realpath(path))
    if target.is_dir() and any(target.iterdir()) and not (target / DESCRIPTION).is_file():
        raise FileExistsError(f"the folder {target} holds other files; choose a new folder for the bands")
    with replacing_set(target) as folder:
        check_space(target.parent, export.nbytes)
        (folder / target.name).mkdir()
        for index, band in export.bands():
            nm = export.wavelengths.nm[index]
            name = f"{target.name}_{index + 1:03d}_{float(nm)!r}nm.png"
            (folder / target.name / name).write_bytes(imagecodecs.png_encode(band))
        write_sidecar(folder / target.name / DESCRIPTION, export)


def open_cube(path: str | os.PathLike[str], reading: Reading | None = None) -> CubeField:
    """Open a folder of bands, decoded when they are asked for; whole numbers count as parts of their full scale.

    Raises:
        FileNotFoundError: there is no such folder.
        Unclear: the names do not say the wavelengths.
        UnreadableFile: the folder has no such pictures, or they cannot be read.
    """
    path = Path(path)
    reading = reading or Reading()
    if not path.is_dir():
        raise FileNotFoundError(f"there is no folder {path}")
    files = _numbered(path)
    said = read_sidecar(path / DESCRIPTION)
    bands = FolderBands([file for _, file in files])
    stated = _stated(files, said)
    if stated is None and reading.wavelengths is None and (guess := _evenly([number for number, _ in files])):
        question = f"the files in {path.name} are numbered and do not say their wavelengths"
        raise Unclear(question, "wavelengths", guess, "the numbers in their names")
    whole = bands.dtype.kind == "u"
    found = Found(
        path.name,
        bands,
        band_axis=0,
        wavelengths=stated,
        unit="nm",
        quantity=said.get("quantity", Quantity.UNKNOWN),
        provenance=said.get("provenance", {"source": path.name}),
        scale=said.get("scale", 1 / np.iinfo(bands.dtype).max if whole else 1.0),
        fill=(float(FILL),) if "scale" in said else (),
    )
    return field_of(found, reading)


def _numbered(folder: Path) -> list[tuple[float, Path]]:
    """The pictures with the number that tells them apart, in its order."""
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


def _stated(files: list[tuple[float, Path]], said: dict[str, Any]) -> npt.NDArray[np.float64] | None:
    if "wavelengths" in said:
        return np.array(said["wavelengths"])
    if all(_NANOMETRES.search(file.stem) for _, file in files):
        return np.array([number for number, _ in files])
    return None


def _evenly(numbers: list[float]) -> str:
    """Numbers that may be wavelengths, as a user would type them."""
    if not 200 <= min(numbers) < max(numbers) <= 20_000:
        return ""
    steps = np.diff(numbers)
    if np.ptp(steps) == 0:
        return f"{numbers[0]:g}:{numbers[-1]:g}:{steps[0]:g}"
    return ",".join(f"{number:g}" for number in numbers)


class FolderBands:
    """(L, H, W) over one picture per band; the last ones used stay decoded."""

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
    """A grey picture (H, W); of one with equal channels the first."""
    import imagecodecs
    import tifffile

    try:
        pixels = imagecodecs.png_decode(path.read_bytes()) if path.suffix.lower() == ".png" else tifffile.imread(path)
    except Exception as error:  # the decoders meet damaged files with errors of many classes
        raise UnreadableFile(f"{path} cannot be read as a picture ({error}); expected one band of a cube") from error
    if pixels.ndim == 3 and np.all(pixels[..., :3] == pixels[..., :1]):
        pixels = pixels[..., 0]
    if pixels.ndim != 2 or pixels.dtype.kind not in "uf":
        raise UnreadableFile(f"{path.name} has shape {pixels.shape} of {pixels.dtype}; expected a grey picture")
    return pixels
