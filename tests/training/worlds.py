"""A small made-up world to train on: two CAVE-like scenes and two libraries."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np

from nesr_gui.spectral import Wavelengths
from nesr_gui.training.scenes import Scene
from nesr_gui.training.spectral_library import Library


def smooth_spectra(count: int, nm: np.ndarray, seed: int = 0) -> np.ndarray:
    """Reflectances (count, L): three broad bumps each."""
    rng = np.random.default_rng(seed)
    centres, heights = rng.uniform(400, 700, (count, 3, 1)), rng.uniform(0, 0.3, (count, 3, 1))
    return (0.03 + (heights * np.exp(-(((nm - centres) / 60) ** 2))).sum(1)).astype(np.float32)


def library(name: str, step: float, count: int = 60) -> Library:
    wavelengths = Wavelengths.from_step(400, 700, step)
    return Library(name, wavelengths, smooth_spectra(count, wavelengths.nm))


def scene(name: str, seed: int = 0, chart: tuple[int, int, int, int] | None = None) -> Scene:
    """48 by 56 pixels in blocks of 8."""
    spectra = smooth_spectra(42, np.arange(400, 701, 10.0), seed)
    blocks = spectra.T.reshape(31, 6, 7)
    return Scene(name, blocks.repeat(8, axis=1).repeat(8, axis=2), chart)


def write_scene(folder: Path, made: Scene) -> None:
    """In CAVE's layout."""
    folder = folder / f"{made.name}_ms"
    folder.mkdir(parents=True)
    for index, band in enumerate(made.cube, start=1):
        iio.imwrite(folder / f"{made.name}_ms_{index:02d}.png", np.round(band * 65535).astype(np.uint16))


def write_library(path: Path, *libraries: Library) -> None:
    sets = {entry.name: np.round(entry.values * 65535).astype(np.uint16) for entry in libraries}
    np.savez(path, wavelengths=libraries[0].wavelengths.nm, **sets)
