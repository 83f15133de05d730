"""Training scenes as crops are cut from them: unpacked once into plain files that are mapped into memory.

A crop of a compressed file costs as much as the whole scene. Unpacked, pixel after pixel, it costs a row of pages for
each of its rows.
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

FINE_STEP = 5.0  # nm, of the bands that are kept of finer instruments


@dataclass(frozen=True, eq=False)
class Prepared:
    """A scene on even `bands`: cube (H, W, L), photograph (H, W, 3), the pixels (H, W) that count."""

    name: str
    cube: FloatArray
    rgb: FloatArray
    counted: npt.NDArray[np.bool_]
    bands: Wavelengths
    sha256: str


def kept_bands(scenes: Sequence[Measured], dataset: DataSet, shape: BandShape) -> Wavelengths:
    """By 5 nm over the data set's range where every scene is fine enough to be integrated, else its own bands."""
    gaps = (np.median(np.diff(scene.open().field.wavelengths.nm)) for scene in scenes)
    if all(shape.width >= SAMPLES * gap for gap in gaps):
        return Wavelengths.from_step(dataset.bands.nm[0], dataset.bands.nm[-1], FINE_STEP)
    return dataset.bands


def prepare(
    scenes: Sequence[Measured], dataset: DataSet, bands: Wavelengths, shape: BandShape, folder: Path
) -> Iterator[Prepared]:
    """The scenes one by one, from `folder` where they are there already and unchanged."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        key = _key(scene, dataset, bands, shape)
        said, cube, rgb = (folder / f"{scene.name}.{ending}" for ending in ("json", "cube.npy", "rgb.npy"))
        known = json.loads(said.read_text()) if said.exists() else {}
        if known.get("key") != key:
            said.unlink(missing_ok=True)
            _save(cube, np.moveaxis(scene.cube(bands, shape), 0, -1))
            _save(rgb, dataset.photograph(scene))
            known = {"key": key, "sha256": scene.sha256()}
            with atomic_write(said) as temporary:
                temporary.write_text(json.dumps(known))
        values, photograph = (np.load(path, mmap_mode="r") for path in (cube, rgb))
        yield Prepared(scene.name, values, photograph, scene.mask(values.shape[:2]), bands, known["sha256"])


def _save(path: Path, values: FloatArray) -> None:
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(values))


def _key(scene: Measured, dataset: DataSet, bands: Wavelengths, shape: BandShape) -> str:
    """What the files were made from, without reading it: names, sizes and times of change."""
    seen = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in scene.files]
    said = repr((dataset.name, str(dataset.camera), seen, bands.nm.tolist(), shape))
    return hashlib.sha256(said.encode()).hexdigest()
