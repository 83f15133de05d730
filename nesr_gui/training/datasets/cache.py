"""Training scenes that are unpacked once into memory-mapped files, so that cutting a crop is cheap.

A crop of a compressed file costs as much as the whole scene; a crop of an unpacked one reads only its own rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.io.atomic import atomic_write
from nesr_gui.spectral import FloatArray, Wavelengths
from nesr_gui.training.datasets import DataSet, Measured
from nesr_gui.training.datasets.resampling import SAMPLES, BandShape

FINE_STEP = 5.0  # nm between the bands that are stored of finer instruments


@dataclass(frozen=True, eq=False)
class Prepared:
    """An unpacked scene.

    Args:
        name: of the scene.
        cube: spectra (H, W, L) on evenly spaced bands.
        rgb: the photograph (H, W, 3), linear in [0, 1].
        counted: the mask (H, W) of the pixels that count.
        bands: the bands.
        sha256: of the files of the data set.
    """

    name: str
    cube: FloatArray
    rgb: FloatArray
    counted: npt.NDArray[np.bool_]
    bands: Wavelengths
    sha256: str


def kept_bands(scenes: Sequence[Measured], dataset: DataSet, shape: BandShape) -> Wavelengths:
    """The bands to store: by 5 nm if every scene is fine enough to be integrated, otherwise those of the data set."""
    gaps = (np.median(np.diff(scene.open().field.wavelengths.nm)) for scene in scenes)
    if all(shape.width >= SAMPLES * gap for gap in gaps):
        return Wavelengths.from_step(dataset.bands.nm[0], dataset.bands.nm[-1], FINE_STEP)
    return dataset.bands


def prepare(
    scenes: Sequence[Measured], dataset: DataSet, bands: Wavelengths, shape: BandShape, folder: Path
) -> Iterator[Prepared]:
    """Unpack scenes into a folder, unless they are there and unchanged, and yield them one by one.

    Args:
        scenes: the scenes.
        dataset: their data set.
        bands: the bands to store, evenly spaced.
        shape: response of the bands that are integrated from finer ones.
        folder: where the unpacked files are.

    Raises:
        ValueError: a scene is damaged, see `Measured.cube` and `DataSet.photograph`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        key = _key(scene, dataset, bands, shape)
        info, cube, rgb = (folder / f"{scene.name}.{ending}" for ending in ("json", "cube.npy", "rgb.npy"))
        cached = json.loads(info.read_text()) if info.exists() else {}
        if cached.get("key") != key:
            info.unlink(missing_ok=True)
            _save(cube, np.moveaxis(scene.cube(bands, shape), 0, -1))
            _save(rgb, dataset.photograph(scene))
            cached = {"key": key, "sha256": scene.sha256()}
            with atomic_write(info) as temporary:
                temporary.write_text(json.dumps(cached))
        values, photograph = (np.load(path, mmap_mode="r") for path in (cube, rgb))
        yield Prepared(scene.name, values, photograph, scene.mask(values.shape[:2]), bands, cached["sha256"])


def _save(path: Path, values: FloatArray) -> None:
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(values))


def _key(scene: Measured, dataset: DataSet, bands: Wavelengths, shape: BandShape) -> str:
    """Identifies what the unpacked files were made from, by names, sizes and modification times."""
    files = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in scene.files]
    key = repr((dataset.name, str(dataset.camera), files, bands.nm.tolist(), shape))
    return hashlib.sha256(key.encode()).hexdigest()
