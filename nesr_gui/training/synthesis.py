"""Training patches: cut from measured scenes, or painted with library spectra, and photographed.

A patch stands for a piece of a photograph that was scaled to its own white level, as every photograph is before a
network sees it (`cie.white_level`); its truth is scaled alike. Painted scenes have their truth at every nm, of spectra
kept out of training. `python -m nesr_gui.training.synthesis resources/samples` writes the colour-checker sample again,
a chart rendered from published reflectances. No model may have seen these spectra, see
`spectral_library.without_charts`.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
from PIL import Image

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CubeField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel
from nesr_gui.io.cubes import hdf5
from nesr_gui.io.cubes.export import CubeWriterSource
from nesr_gui.spectral import FloatArray, Quantity, RGBImage, SpectralCube
from nesr_gui.training.evaluation import Method
from nesr_gui.training.scenes import quantised
from nesr_gui.training.spectral_library import Library, even_in_chromaticity, interpolation

BANDS = cie.CAMERA_BANDS.nm
Generator = np.random.Generator
NM = np.arange(400.0, 701.0)
PATCHES = 6  # along a side of a painted scene
ON_BANDS = NM % 10 == 0
PATCH, GAP = 56, 12  # pixels
FRAME = 0.035  # reflectance of the black frame, the same at all wavelengths
FALL_OFF = 0.3  # light lost from the top row to the bottom row
NOISE = 0.002  # standard deviation, linear


@dataclass(frozen=True)
class RenderingConfig:
    """What painted patches look like."""

    patch: int = 32  # pixels along a side
    balance: float = 0.1  # a library is drawn as often as this power of its size says
    evenness: float = 0.7  # of drawing its spectra over the chromaticity plane, see `even_in_chromaticity`
    most_materials: int = 6  # in a painted patch
    texture: float = 0.04  # largest standard deviation of log brightness from pixel to pixel
    shading: float = 0.5  # standard deviation of log brightness across a painted patch
    speculars: float = 0.2  # share of painted patches with highlights


class Painter:
    """Patches painted with spectra of libraries: mixtures with soft and hard borders, shading, highlights."""

    def __init__(self, libraries: Sequence[Library], config: RenderingConfig) -> None:
        self.config, self._libraries = config, libraries
        sizes = np.array([len(library.values) for library in libraries], np.float64) ** config.balance
        self._shares = sizes / sizes.sum()
        self._cumulative = [np.cumsum(even_in_chromaticity(library, config.evenness)) for library in libraries]

    def spectra(self, rng: Generator, count: int, nm: npt.ArrayLike) -> FloatArray:
        """(count, L): a library, then a spectrum of it, drawn evenly in chromaticity."""
        drawn = rng.choice(len(self._libraries), count, p=self._shares)
        places = rng.random(count)
        values = np.empty((count, np.size(nm)), np.float32)
        for index in np.unique(drawn):
            chosen, library = drawn == index, self._libraries[index]
            rows = np.searchsorted(self._cumulative[index], places[chosen]).clip(max=len(library.values) - 1)
            values[chosen] = library.at(nm, rows)
        return np.maximum(values, 0)  # interpolation may undershoot

    def paint(self, rng: Generator, count: int, nm: npt.ArrayLike) -> FloatArray:
        """(count, L, P, P) at `nm` (L,)."""
        size, most = self.config.patch, self.config.most_materials
        spectra = self.spectra(rng, count * most, nm).reshape(count, most, -1)
        maps = smooth_noise(rng, count * most, size).reshape(count, most, size, size)
        materials = rng.integers(1, most + 1, count)
        maps[np.arange(most) >= materials[:, None]] = -np.inf
        shares = np.exp(maps * np.exp(rng.uniform(0, 3.5, (count, 1, 1, 1))))  # from soft to hard borders
        shares = (shares / shares.sum(1, keepdims=True)).astype(np.float32)
        painted = np.einsum("bkl,bkyx->blyx", spectra, shares, optimize=True)
        return painted * self._shade(rng, count) + self._highlights(rng, count)

    def _shade(self, rng: Generator, count: int) -> FloatArray:
        shape = (count, 1, self.config.patch, self.config.patch)
        slow = smooth_noise(rng, count, self.config.patch)[:, None] * self.config.shading
        texture = rng.normal(size=shape) * rng.uniform(0, self.config.texture, (count, 1, 1, 1))
        return np.exp(slow + texture).astype(np.float32)

    def _highlights(self, rng: Generator, count: int) -> FloatArray:
        """Light mirrored at the surface: it has the colour of the lamp, so it adds equally at every wavelength."""
        some = (rng.random((count, 1, 1, 1)) < self.config.speculars) * rng.uniform(0, 0.5, (count, 1, 1, 1))
        spots = np.clip(smooth_noise(rng, count, self.config.patch)[:, None] - 1, 0, 1)
        return (some * spots).astype(np.float32)


def smooth_noise(rng: Generator, count: int, size: int) -> FloatArray:
    """(count, size, size) of about unit variance, each varying over its own length between 1/2 and 1/8 of a side."""
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


def as_jpeg(rgb: FloatArray, quality: int) -> FloatArray:
    """Linear sRGB (H, W, 3) as it comes back from a JPEG file, its colours at half resolution as cameras store them."""
    codes = np.round(cie.encode_srgb(rgb) * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return cie.decode_srgb(np.asarray(Image.open(file)) / np.float32(255))


@dataclass(frozen=True)
class Continuity:
    """Figures of one method on painted scenes, over all pixels.

    `rmse` is over all 301 wavelengths, `on_bands` and `between` over those that are multiples of 10 nm and the others.
    `roughness` is the root mean square of second differences from nm to nm, relative to the truth's.
    """

    method: str
    rmse: float
    on_bands: float
    between: float
    roughness: float


def painted_scene(libraries: Sequence[Library], seed: int = 0) -> FloatArray:
    """A mosaic (301, H, W) of painted patches at every nm, over its white level, so that little of it is clipped."""
    config = RenderingConfig(balance=1.0)
    painted = Painter(libraries, config).paint(np.random.default_rng(seed), PATCHES**2, NM)
    mosaic = painted.reshape(PATCHES, PATCHES, len(NM), config.patch, config.patch).transpose(2, 0, 3, 1, 4)
    cube = np.ascontiguousarray(mosaic.reshape(len(NM), PATCHES * config.patch, -1))
    response = np.einsum("cl,lyx->yxc", cie.default_camera(), cube[ON_BANDS])
    return cube / np.float32(cie.white_level(response))


def continuity(truth: FloatArray, methods: dict[str, Method], models: Sequence[LoadedModel]) -> list[Continuity]:
    """Every method, its bands interpolated, and every model on the 8-bit photograph of a painted scene."""
    rgb = quantised(cie.render_camera_rgb(np.moveaxis(truth[ON_BANDS], 0, -1)))
    finer = interpolation(cie.CAMERA_BANDS, NM).T
    rows = [_judged(name, np.moveaxis(method(rgb) @ finer, -1, 0), truth) for name, method in methods.items()]
    return rows + [_judged(m.name, engine.encode(RGBImage(rgb), m).cube(NM).values, truth) for m in models]


def _judged(name: str, answer: FloatArray, truth: FloatArray) -> Continuity:
    return Continuity(
        method=name,
        rmse=float(metrics.rmse(answer, truth)),
        on_bands=float(metrics.rmse(answer[ON_BANDS], truth[ON_BANDS])),
        between=float(metrics.rmse(answer[~ON_BANDS], truth[~ON_BANDS])),
        roughness=float(_roughness(answer) / _roughness(truth)),
    )


def _roughness(cube: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.diff(cube.astype(np.float64), 2, axis=0) ** 2)))


def render() -> tuple[SpectralCube, FloatArray]:
    """The truth (31, H, W) under light that falls off downwards, and its photograph (H, W, 3), linear sRGB."""
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
    """Write photograph and truth."""
    truth, rgb = render()
    iio.imwrite(folder / "colour_checker.png", np.round(cie.encode_srgb(rgb) * 255).astype(np.uint8))
    provenance = {"source": "24-patch colour checker, BabelColor average, as published in colour-science; rendered"}
    field = CubeField(truth.values, truth.wavelengths, truth.quantity, provenance)
    hdf5.write_cube(folder / "colour_checker.h5", CubeWriterSource(field, truth.wavelengths), compressed=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
