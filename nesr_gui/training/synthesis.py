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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
from nesr_gui.training.scenes import Scene, quantised
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


@dataclass(frozen=True, eq=False)
class Patches:
    """Photographs (B, 3, P, P), linear sRGB over their white level, and their truth (B, L, P, P) at `nm` (L,), alike.

    `faithful` (B, 3, P, P) is True where a channel was stored as the camera saw it but for rounding: not clipped at
    either end, nor in a JPEG, which smears colours; `brightness`
    (B, 1, P, P) is the mean of the truth over all bands.
    """

    rgb: FloatArray
    truth: FloatArray
    faithful: npt.NDArray[np.bool_]
    brightness: FloatArray
    nm: npt.NDArray[np.float64]


@dataclass(frozen=True)
class RenderingConfig:
    """What patches look like."""

    patch: int = 32  # pixels along a side
    balance: float = 0.1  # a library is drawn as often as this power of its size says
    evenness: float = 0.7  # of drawing its spectra over the chromaticity plane, see `even_in_chromaticity`
    tinted: float = 0.5  # share of cut patches whose spectra are multiplied with a library spectrum
    mosaic: float = 0.5  # share of cut and of painted patches that are mosaics, see `Batches.render`
    most_materials: int = 6  # in a painted patch
    texture: float = 0.04  # largest standard deviation of log brightness from pixel to pixel
    shading: float = 0.5  # standard deviation of log brightness across a painted patch
    speculars: float = 0.2  # share of painted patches with highlights
    dimmest: float = 0.15  # smallest white level of a photograph
    level: float = 0.15  # standard deviation of the log of a patch's white level about its scene's
    noise: float = 0.006  # largest standard deviation of sensor noise
    eight_bit: float = 0.5  # share of photographs that went through 8-bit sRGB
    jpeg: float = 0.2  # share that went through JPEG on top of that


@dataclass(eq=False)
class SceneCutter:
    """Random crops of scenes, clear of their charts, flipped and turned."""

    scenes: Sequence[Scene]
    config: RenderingConfig
    _corners: list[npt.NDArray[np.int64]] = field(init=False)
    _levels: npt.NDArray[np.float64] = field(init=False)
    _clear: list[npt.NDArray[np.intp]] = field(init=False)  # pixels outside the chart, of each scene laid out in a row

    def __post_init__(self) -> None:
        self._corners = [self._clear_corners(scene) for scene in self.scenes]
        self._clear = [np.flatnonzero(scene.outside_chart()) for scene in self.scenes]
        self._levels = np.array([cie.white_level(scene.photograph(eight_bit=False)) for scene in self.scenes])

    def _clear_corners(self, scene: Scene) -> npt.NDArray[np.int64]:
        """Top left corners (N, 2) of the crops that do not touch the chart, on a grid of 4 pixels."""
        size = self.config.patch
        corners = [
            (y, x)
            for y in range(0, scene.cube.shape[1] - size + 1, 4)
            for x in range(0, scene.cube.shape[2] - size + 1, 4)
            if scene.outside_chart()[y : y + size, x : x + size].all()
        ]
        if not corners:
            raise ValueError(f"scene {scene.name} has no room for a {size}-pixel crop beside its chart")
        return np.array(corners)

    def cut(self, rng: Generator, count: int) -> tuple[FloatArray, npt.NDArray[np.float64]]:
        """Crops (count, 31, P, P) and the white levels (count,) of the scenes they are from."""
        size, crops = self.config.patch, []
        chosen = rng.integers(len(self.scenes), size=count)
        for index in chosen:
            y, x = self._corners[index][rng.integers(len(self._corners[index]))]
            crop = self.scenes[index].cube[:, y : y + size, x : x + size]
            crop = np.rot90(crop, int(rng.integers(4)), axes=(1, 2))
            crops.append(crop[:, :, ::-1] if rng.random() < 0.5 else crop)
        return np.stack(crops), self._levels[chosen]

    def pixels(self, rng: Generator, count: int) -> FloatArray:
        """(count, 31), pixels outside the charts over their scene's white level; every scene is drawn as often."""
        drawn = np.empty((count, len(BANDS)), np.float32)
        chosen = rng.integers(len(self.scenes), size=count)
        for index, (scene, clear) in enumerate(zip(self.scenes, self._clear, strict=True)):
            some = clear[rng.integers(len(clear), size=int((chosen == index).sum()))]
            drawn[chosen == index] = scene.cube.reshape(len(BANDS), -1)[:, some].T / self._levels[index]
        return drawn


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

    def lit(self, rng: Generator, count: int, nm: npt.ArrayLike) -> FloatArray:
        """(count, L), spectra of surfaces that are lit by more or less light."""
        return self.spectra(rng, count, nm) * np.exp(rng.normal(-0.5, self.config.shading, (count, 1))).astype(
            np.float32
        )

    def tint(self, rng: Generator, cubes: FloatArray) -> FloatArray:
        """Some patches (B, 31, P, P) as if seen through a dye or lit by light from a coloured wall.

        Products of measured spectra are spectra of the same kind, and they keep the textures of the scenes, so that
        texture alone does not tell a network which spectra to expect.
        """
        filters = self.spectra(rng, len(cubes), BANDS)
        filters /= np.maximum(filters.max(1, keepdims=True), 1e-3)
        strength = rng.uniform(0, 1, (len(cubes), 1)) * (rng.random((len(cubes), 1)) < self.config.tinted)
        tint: FloatArray = cubes * (1 - strength + strength * filters).astype(np.float32)[:, :, None, None]
        return tint

    def levels(self, rng: Generator, count: int) -> npt.NDArray[np.float64]:
        """White levels (count,) of the scenes that painted patches may be thought to be part of."""
        return rng.uniform(0.4, 1.0, count)

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


def laid(rng: Generator, tiles: Callable[[int], FloatArray], count: int, size: int) -> FloatArray:
    """Mosaics (count, L, size, size) of square tiles with sides of 1 to 8 pixels; `tiles(n)` gives n spectra (n, L)."""
    side = int(rng.choice([s for s in (1, 2, 4, 8) if size % s == 0]))
    across = size // side
    spectra = tiles(count * across**2)
    grid = np.moveaxis(spectra.reshape(count, across, across, -1), -1, 1)
    return grid.repeat(side, axis=2).repeat(side, axis=3)


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


def photograph(
    rng: Generator,
    camera_cube: FloatArray,
    levels: npt.NDArray[np.float64],
    config: RenderingConfig,
    jpeg: npt.NDArray[np.bool_] | None = None,
) -> tuple[FloatArray, npt.NDArray[np.bool_], FloatArray]:
    """Photograph patches (B, 31, P, P) of scenes with white `levels` (B,); `jpeg` (B,) are those that may become JPEG.

    Returns:
        What was stored, over its white level (B, 3, P, P); where it is faithful; the factors (B, 1, 1, 1) that the
        truth takes.
    """
    count = len(camera_cube)
    peaks = np.einsum("cl,blyx->bcyx", cie.default_camera(), camera_cube).reshape(count, -1)
    levels = levels * np.exp(rng.normal(0, config.level, count))
    levels = np.maximum(levels, peaks.max(1) / 1.25).clip(min=0.02)  # a photograph exceeds its level but little
    stored = np.exp(rng.uniform(np.log(config.dimmest), 0, count))  # the white level in the file
    gain = np.where(rng.random(count) < 0.5, np.minimum(1, 1 / levels), stored / levels)  # half as they are
    rgb = cie.render_camera_rgb(np.moveaxis(camera_cube, 1, -1) * gain[:, None, None, None].astype(np.float32))
    sigma = rng.uniform(0, config.noise, (count, 1, 1, 1)) * (rng.random((count, 1, 1, 1)) < 0.5)
    rgb = np.clip(rgb + rng.normal(size=rgb.shape) * sigma * np.sqrt(rgb + 0.05), 0, 1).astype(np.float32)
    kind = rng.random(count)
    smeared = (kind < config.jpeg) & (True if jpeg is None else jpeg)
    for patch in np.flatnonzero(kind < config.eight_bit):
        rgb[patch] = quantised(rgb[patch])
    for patch in np.flatnonzero(smeared):
        rgb[patch] = as_jpeg(rgb[patch], int(rng.integers(60, 96)))
    faithful = (rgb > 1 / (255 * 12.92)) & (rgb < 0.995) & ~smeared[:, None, None, None]
    rgb /= (levels * gain)[:, None, None, None].astype(np.float32)
    factors = (1 / levels)[:, None, None, None].astype(np.float32)
    return np.ascontiguousarray(np.moveaxis(rgb, -1, 1)), np.moveaxis(faithful, -1, 1), factors


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
