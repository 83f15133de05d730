"""Synthetic scenes: patches painted with library spectra, mosaics of them at every nm, and the colour-checker sample.

`python -m nesr_gui.training.synthesis resources/samples` renders the sample, a chart of published reflectances. No
model may be trained on these, see `spectral_library.without_charts`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.cubes import hdf5
from nesr_gui.io.cubes.export import CubeWriterSource
from nesr_gui.spectral import FloatArray, Quantity, SpectralCube
from nesr_gui.training.spectral_library import EVERY_NM, ON_BANDS, Library, even_in_chromaticity

BANDS = cie.CAMERA_BANDS.nm
Generator = np.random.Generator
PATCHES = 6  # along a side of a painted scene
PATCH, GAP = 56, 12  # pixels
FRAME = 0.035  # reflectance of the black frame, the same at all wavelengths
FALL_OFF = 0.3  # relative loss of light from the top row to the bottom row
NOISE = 0.002  # standard deviation, linear


@dataclass(frozen=True)
class RenderingConfig:
    """Appearance of painted patches.

    Args:
        patch: side in pixels.
        balance: a library is drawn in proportion to this power of its size.
        evenness: of drawing spectra over the chromaticity plane, see `even_in_chromaticity`.
        most_materials: largest number of spectra in a patch.
        texture: largest standard deviation of log brightness from pixel to pixel.
        shading: standard deviation of log brightness across a patch.
        speculars: share of patches with highlights.
    """

    patch: int = 32
    balance: float = 0.1
    evenness: float = 0.7
    most_materials: int = 6
    texture: float = 0.04
    shading: float = 0.5
    speculars: float = 0.2


class Painter:
    """Paints patches with library spectra: mixtures with soft and hard edges, shading and highlights."""

    def __init__(self, libraries: Sequence[Library], config: RenderingConfig) -> None:
        self.config, self._libraries = config, libraries
        sizes = np.array([len(library.values) for library in libraries], np.float64) ** config.balance
        self._shares = sizes / sizes.sum()
        self._cumulative = [
            np.cumsum(even_in_chromaticity(library.at(BANDS), config.evenness)) for library in libraries
        ]

    def spectra(self, rng: Generator, count: int, nm: npt.ArrayLike) -> FloatArray:
        """Random library spectra (count, L) at `nm` (L,), as `RenderingConfig` distributes them."""
        drawn = rng.choice(len(self._libraries), count, p=self._shares)
        places = rng.random(count)
        values = np.empty((count, np.size(nm)), np.float32)
        for index in np.unique(drawn):
            chosen, library = drawn == index, self._libraries[index]
            rows = np.searchsorted(self._cumulative[index], places[chosen]).clip(max=len(library.values) - 1)
            values[chosen] = library.at(nm, rows)
        return np.maximum(values, 0)  # interpolation may undershoot

    def paint(self, rng: Generator, count: int, nm: npt.ArrayLike) -> FloatArray:
        """Random patches (count, L, P, P) at `nm` (L,)."""
        size, most = self.config.patch, self.config.most_materials
        spectra = self.spectra(rng, count * most, nm).reshape(count, most, -1)
        maps = smooth_noise(rng, count * most, size).reshape(count, most, size, size)
        materials = rng.integers(1, most + 1, count)
        maps[np.arange(most) >= materials[:, None]] = -np.inf
        shares = np.exp(maps * np.exp(rng.uniform(0, 3.5, (count, 1, 1, 1))))  # from soft to hard edges
        shares = (shares / shares.sum(1, keepdims=True)).astype(np.float32)
        painted = np.einsum("bkl,bkyx->blyx", spectra, shares, optimize=True)
        return painted * self._shade(rng, count) + self._highlights(rng, count)

    def _shade(self, rng: Generator, count: int) -> FloatArray:
        shape = (count, 1, self.config.patch, self.config.patch)
        slow = smooth_noise(rng, count, self.config.patch)[:, None] * self.config.shading
        texture = rng.normal(size=shape) * rng.uniform(0, self.config.texture, (count, 1, 1, 1))
        return np.exp(slow + texture).astype(np.float32)

    def _highlights(self, rng: Generator, count: int) -> FloatArray:
        """Specular highlights (count, 1, P, P): they have the lamp's colour, so they add equally at all wavelengths."""
        some = (rng.random((count, 1, 1, 1)) < self.config.speculars) * rng.uniform(0, 0.5, (count, 1, 1, 1))
        spots = np.clip(smooth_noise(rng, count, self.config.patch)[:, None] - 1, 0, 1)
        return (some * spots).astype(np.float32)


def smooth_noise(rng: Generator, count: int, size: int) -> FloatArray:
    """Smooth noise (count, size, size) of about unit variance, with correlation lengths of 1/2 to 1/8 of a side."""
    result = np.empty((count, size, size), np.float32)
    cells = rng.integers(2, 9, count)
    for n in np.unique(cells):
        chosen = np.flatnonzero(cells == n)
        grid = rng.normal(size=(len(chosen), n + 1, n + 1)).astype(np.float32)
        ramp = _tent(size, int(n))
        result[chosen] = 1.3 * np.einsum("yi,bij,xj->byx", ramp, grid, ramp, optimize=True)
    return result


def _tent(size: int, cells: int) -> FloatArray:
    """Linear interpolation from cells + 1 knots to `size` pixels: (size, cells + 1)."""
    position = np.linspace(0, cells, size)[:, None]
    return np.maximum(1 - abs(position - np.arange(cells + 1)), 0).astype(np.float32)


def painted_scene(libraries: Sequence[Library], seed: int = 0) -> FloatArray:
    """A mosaic (301, H, W) of painted patches at every nm of 400-700 nm, divided by its white level."""
    config = RenderingConfig(balance=1.0)
    painted = Painter(libraries, config).paint(np.random.default_rng(seed), PATCHES**2, EVERY_NM)
    mosaic = painted.reshape(PATCHES, PATCHES, len(EVERY_NM), config.patch, config.patch).transpose(2, 0, 3, 1, 4)
    cube = np.ascontiguousarray(mosaic.reshape(len(EVERY_NM), PATCHES * config.patch, -1))
    response = np.einsum("cl,lyx->yxc", cie.default_camera(), cube[ON_BANDS])
    return cube / np.float32(cie.white_level(response))


def render() -> tuple[SpectralCube, FloatArray]:
    """The colour checker (31, H, W), with light that falls off downwards, and its photograph (H, W, 3), linear."""
    reflectances = cie.colour_checker(cie.CAMERA_BANDS)  # (24, 31)
    size = PATCH + GAP
    values = np.full((31, 4 * size + GAP, 6 * size + GAP), FRAME, np.float32)
    for index, reflectance in enumerate(reflectances):
        y, x = GAP + index // 6 * size, GAP + index % 6 * size
        values[:, y : y + PATCH, x : x + PATCH] = reflectance[:, None, None]
    values *= np.linspace(1, 1 - FALL_OFF, values.shape[1], dtype=np.float32)[:, None]
    truth = SpectralCube(values, cie.CAMERA_BANDS, Quantity.REFLECTANCE)
    rgb = cie.render_camera_rgb(np.moveaxis(values, 0, -1))
    noise = np.random.default_rng(24).normal(size=rgb.shape) * NOISE
    return truth, np.clip(rgb + noise, 0, 1).astype(np.float32)


def main(folder: Path) -> None:
    """Write the photograph and the measured cube of the colour checker to a folder."""
    truth, rgb = render()
    iio.imwrite(folder / "colour_checker.png", np.round(cie.encode_srgb(rgb) * 255).astype(np.uint8))
    provenance = {"source": "24-patch colour checker, BabelColor average, as published in colour-science; rendered"}
    field = CubeField(truth.values, truth.wavelengths, truth.quantity, provenance)
    hdf5.write_cube(folder / "colour_checker.h5", CubeWriterSource(field, truth.wavelengths), compressed=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
