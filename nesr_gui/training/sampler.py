"""The patches of a training step: of photographs simulated on the device that trains, or crops of data sets.

A patch shows a part of a photograph and its spectra. The patches of step n depend on the seed and n alone, so a run
can be resumed exactly, and all systems of an experiment are trained with the same patches.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.colorimetry import cie
from nesr_gui.spectral import FloatArray, Wavelengths
from nesr_gui.training.datasets.cache import Prepared
from nesr_gui.training.datasets.camera import Camera
from nesr_gui.training.scenes import Scene, inside_border
from nesr_gui.training.spectral_library import Library, even_in_chromaticity, interpolation
from nesr_gui.training.synthesis import BANDS, Painter, RenderingConfig

DULL = 0.06  # mean of a crop relative to white below which it counts as dark background
TILES = (1, 2, 4, 8, 16, 32)  # sides of the tiles of mosaics in pixels
GRID = 4  # pixels between the corners of crops of a scene of which some pixels do not count
FloatPair = tuple[FloatArray, FloatArray]


class Batch(NamedTuple):
    """Patches of one step, on one device.

    Args:
        image: what the network sees (B, C, P, P): linear RGB, or bands.
        truth: the spectra (B, P, P, L).
        nm: the wavelengths (L,) nm of `truth`.
        faithful: 1 where a channel of the photograph is what the camera saw but for rounding and noise, else 0,
            (B, P, P, 3); None where that is not known.
        group: number of neighbouring patches that are parts of one photograph.
    """

    image: Tensor
    truth: Tensor
    nm: Tensor
    faithful: Tensor | None = None
    group: int = 1


class Sampler(ABC):
    """Draws the patches of a step, and every other random number of it, from one generator."""

    def __init__(self, device: torch.device | str, seed: int) -> None:
        self.device, self.seed, self.step = torch.device(device), seed, 0
        self.generator = torch.Generator(self.device)

    def seek(self, step: int) -> None:
        """Restart the random numbers at the beginning of a step."""
        self.step = step
        self.generator.manual_seed(self.seed * 1_000_003 + step)

    def random(self, *shape: int) -> Tensor:
        """Random numbers of the step, uniform in [0, 1)."""
        return torch.rand(*shape, device=self.device, generator=self.generator)

    def corner(self, free: int) -> tuple[int, int]:
        """Row and column of the top left pixel of a window of the step, each random in 0 to `free`."""
        y, x = (self.random(2) * (free + 1)).long().clamp(max=free).tolist()
        return y, x

    def subset(self, total: int, count: int) -> Tensor:
        """`count` of the indices 0 to `total` - 1, random and in ascending order, that a step decodes."""
        return self.random(total).argsort()[:count].sort().values

    @abstractmethod
    def draw(self) -> Batch:
        """The patches of the step."""


def window_means(image: npt.NDArray[np.generic], size: int) -> npt.NDArray[np.float64]:
    """Mean of each window of `size` × `size` pixels of an image (H, W): (H - size + 1, W - size + 1)."""
    sums = np.pad(np.cumsum(np.cumsum(image, 0, dtype=np.float64), 1), ((1, 0), (1, 0)))
    boxes = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return np.asarray(boxes / size**2)


def whole_windows(mask: npt.NDArray[np.bool_], size: int) -> npt.NDArray[np.bool_]:
    """Whether every pixel of each window of `size` × `size` pixels is True in a mask (H, W)."""
    return window_means(~mask, size) < 0.5 / size**2


@dataclass(frozen=True)
class SamplerConfig:
    """Composition and degradation of the simulated photographs; numbers of patches are multiples of `group`.

    Args:
        patch: side of a patch in pixels.
        group: patches per photograph.
        crops: patches cut from scenes.
        pixel_mosaics: patches of tiles, each of the spectrum of a pixel of a scene.
        library_mosaics: patches of tiles, each of a library spectrum.
        painted: patches with smooth and hard-edged mixtures of library spectra.
        collages: crops of which a part is replaced by library spectra.
        balance: a library is drawn in proportion to this power of its size.
        evenness: 1 draws spectra evenly over the chromaticity plane, 0 as often as they occur.
        dull: share of the crops of dark background that are used.
        tinted: share of photographs of scenes whose spectra are multiplied with a library spectrum.
        shading: standard deviation of log brightness between tiles, and across painted patches.
        level: standard deviation of the log of a photograph's white level.
        dimmest: smallest white level of a stored photograph.
        noise: largest standard deviation of sensor noise, relative to white.
        jpeg: share of the photographs of crops and paintings that are compressed as JPEG.
    """

    patch: int = 64
    group: int = 2
    crops: int = 18
    pixel_mosaics: int = 2
    library_mosaics: int = 8
    painted: int = 2
    collages: int = 2
    balance: float = 0.1
    evenness: float = 0.7
    dull: float = 0.3
    tinted: float = 0.5
    shading: float = 0.5
    level: float = 0.15
    dimmest: float = 0.15
    noise: float = 0.006
    jpeg: float = 0.2

    @property
    def batch(self) -> int:
        """Patches per step."""
        return self.crops + self.pixel_mosaics + self.library_mosaics + self.painted + self.collages


class SpectralTable:
    """All training spectra on the device that trains: the pixels of the scenes, then the library spectra.

    `values` is (N, 31) float16. All scenes have the same size, so a crop is a fixed pattern of rows. `corners` and
    `clear` list the rows of the corners of usable crops and of the pixels outside charts, scene by scene.

    Raises:
        ValueError: there is no scene, the scenes differ in size, or one has no room for a patch beside its chart.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        libraries: Sequence[Library],
        config: SamplerConfig,
        device: torch.device | str = "cpu",
    ) -> None:
        if not scenes:
            raise ValueError("nothing to train on; give a folder of scenes")
        shapes = {scene.cube.shape[1:] for scene in scenes}
        if len(shapes) > 1:
            raise ValueError(f"the scenes differ in size ({shapes}); all must have the same")
        (shape,) = shapes
        self.device, camera = torch.device(device), cie.default_camera()
        self.camera = torch.tensor(camera, dtype=torch.float32, device=device)  # (3, 31)
        rows, corners, clear = [], [], []
        for index, scene in enumerate(scenes):
            first, cube = index * math.prod(shape), _over_white(scene)
            usable = scene.outside_chart() & inside_border(shape)
            y, x = _clear_corners(scene.name, cube, usable, config)
            corners.append(first + y * shape[1] + x)
            clear.append(first + np.flatnonzero(usable))
            rows.append(torch.from_numpy(cube.reshape(-1, cube.shape[-1])).half())
        self.library = len(scenes) * math.prod(shape)  # the first row that is of a library
        spectra = [np.maximum(library.at(cie.CAMERA_BANDS.nm), 0) for library in libraries] or [_some(rows, clear)]
        weights = np.concatenate(_weights(spectra, config))
        rows.append(torch.from_numpy(np.concatenate(spectra)).half())
        self.values = torch.cat(rows).to(device)
        self.cumulative = torch.tensor(np.cumsum(weights) / weights.sum(), dtype=torch.float32, device=device)
        self.corners, self.corner_starts, self.corner_counts = _joined(corners, device)
        self.clear, self.clear_starts, self.clear_counts = _joined(clear, device)
        self.grids = _turned(config.patch, shape[1]).to(device)  # (8, P, P)

    def pixels(self, count: int, generator: torch.Generator) -> Tensor:
        """Random spectra (count, 31), half of them pixels of scenes outside their charts, half library spectra."""
        half = count // 2
        places = torch.randint(len(self.clear), (half,), generator=generator, device=self.device)
        drawn = torch.rand(count - half, generator=generator, device=self.device)
        library = torch.searchsorted(self.cumulative, drawn).clamp(max=len(self.cumulative) - 1)
        return self.values[torch.cat([self.clear[places], self.library + library])].float()


class PatchSampler(Sampler):
    """Simulates photographs of scenes and library spectra, over their white level, as the default camera sees them.

    Every operation is a gather from one table or arithmetic on tensors of fixed shapes, so that a GPU never waits for
    the CPU and a step can be recorded as a CUDA graph.
    """

    def __init__(self, table: SpectralTable, config: SamplerConfig, seed: int = 0) -> None:
        super().__init__(table.device, seed)
        self.table, self.config = table, config
        self.camera = table.camera
        self.bands = torch.tensor(cie.CAMERA_BANDS.nm, dtype=torch.float32, device=table.device)
        self.jpeg = Jpeg().to(table.device)
        self.tiles = torch.tensor(TILES, device=table.device)

    def draw(self) -> Batch:
        """The patches of the step, with their spectra on the 31 bands of the default camera."""
        config = self.config
        scene = self._crops(config.crops + config.collages)
        mosaic = self._tile_rows(config.pixel_mosaics, self._pixel_rows)
        own = self.table.values[torch.cat([scene, mosaic])].float()  # of scenes (B, P, P, 31)
        own = own * self._tints(len(own))
        tiled = self._make_mosaics(config.library_mosaics + config.collages)
        crops, collages, mosaics = torch.split(own, [config.crops, config.collages, config.pixel_mosaics])
        library, over = torch.split(tiled, [config.library_mosaics, config.collages])
        mask = self._masks(config.collages)
        collages = torch.where(mask, over, collages)
        return self._photograph(torch.cat([crops, self._painted(config.painted), collages, mosaics, library]))

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, device=self.device, generator=self.generator)

    def _per_group(self, values: Tensor) -> Tensor:
        """Values (G, …) of photographs, repeated for each of their patches."""
        return values.repeat_interleave(self.config.group, 0)

    def _crops(self, count: int) -> Tensor:
        """Rows of the table (count, P, P) of crops, flipped and rotated; a group is cut from one scene."""
        scenes = len(self.table.corner_starts)
        chosen = self._per_group((self.random(count // self.config.group) * scenes).long().clamp(max=scenes - 1))
        place = self.table.corner_starts[chosen] + (self.random(count) * self.table.corner_counts[chosen]).long()
        corner = self.table.corners[place.clamp(max=len(self.table.corners) - 1)]
        turn = (self.random(count) * 8).long().clamp(max=7)
        return corner[:, None, None] + self.table.grids[turn]

    def _pixel_rows(self, *shape: int) -> Tensor:
        """Rows of the table of pixels outside the charts; every scene is drawn equally often."""
        scenes = len(self.table.clear_starts)
        chosen = (self.random(*shape) * scenes).long().clamp(max=scenes - 1)
        place = self.table.clear_starts[chosen] + (self.random(*shape) * self.table.clear_counts[chosen]).long()
        return self.table.clear[place.clamp(max=len(self.table.clear) - 1)]

    def _library_rows(self, *shape: int) -> Tensor:
        """Rows of the table of library spectra."""
        place = torch.searchsorted(self.table.cumulative, self.random(*shape))
        return self.table.library + place.clamp(max=len(self.table.cumulative) - 1)

    def _tile_index(self, count: int) -> Tensor:
        """The cell of a grid of (P + 32)² that each pixel (count, P·P) of a mosaic shows; tile size and offset vary."""
        size, most = self.config.patch, TILES[-1]
        side = self.tiles[(self.random(count) * len(TILES)).long().clamp(max=len(TILES) - 1)][:, None]
        offset = (self.random(count, 2) * side).long()
        line = torch.arange(size, device=self.device)[None]
        y, x = ((line + offset[:, axis, None]) // side * side for axis in (0, 1))
        return (y[:, :, None] * (size + most) + x[:, None]).flatten(1)

    def _tile_rows(self, count: int, rows: Callable[..., Tensor]) -> Tensor:
        """Rows of the table (count, P, P) of mosaics whose tiles `rows` draws."""
        side = self.config.patch + TILES[-1]
        drawn = rows(count, side * side)
        return drawn.gather(1, self._tile_index(count)).view(count, self.config.patch, self.config.patch)

    def _make_mosaics(self, count: int) -> Tensor:
        """Mosaics (count, P, P, 31) of library spectra, each tile under its own amount of light."""
        side, index = self.config.patch + TILES[-1], self._tile_index(count)
        rows = self._library_rows(count, side * side).gather(1, index)
        light = torch.exp(self._normal(count, side * side) * self.config.shading - 0.5).gather(1, index)
        lit = self.table.values[rows].float() * light[..., None]
        return lit.view(count, self.config.patch, self.config.patch, lit.shape[-1])

    def _tints(self, count: int) -> Tensor:
        """The filter that tints each patch, as a coloured wall nearby or a dye would: (count, 1, 1, 31) in [0, 1].

        The product of two measured spectra is a plausible spectrum. It keeps the texture of the scene, so a network
        cannot infer the spectra of a surface from its texture alone.
        """
        photographs = count // self.config.group
        filters = self.table.values[self._library_rows(photographs)].float()
        filters = filters / filters.amax(1, keepdim=True).clamp_min(1e-3)
        strength = self.random(photographs, 1) * (self.random(photographs, 1) < self.config.tinted)
        return self._per_group(1 - strength + strength * filters)[:, None, None]

    def _smooth(self, *shape: int) -> Tensor:
        """Smooth noise (*shape, P, P) of about unit variance, each with its own correlation length."""
        size, count = self.config.patch, math.prod(shape)
        coarse = self._normal(count, 1, 9, 9)
        scale = torch.exp(self.random(count) * math.log(8.0)) / 8  # share of the coarse grid that is visible
        line = torch.linspace(-1, 1, size, device=self.device)
        grid = torch.stack([line[None].expand(size, -1), line[:, None].expand(-1, size)], -1)  # (P, P, 2)
        shift = (self.random(count, 1, 1, 2) * 2 - 1) * (1 - scale)[:, None, None, None]
        places = grid[None] * scale[:, None, None, None] + shift
        return 1.3 * F.grid_sample(coarse, places, align_corners=True).view(*shape, size, size)

    def _painted(self, count: int, most: int = 6) -> Tensor:
        """Patches (count, P, P, 31) painted with library spectra: soft and hard edges, shading, highlights."""
        maps = self._smooth(count, most)
        materials = 1 + (self.random(count, 1) * most).long()
        absent = torch.arange(most, device=self.device)[None] >= materials
        contrast = torch.exp(self.random(count, 1, 1, 1) * 3.5)
        shares = (maps * contrast).masked_fill(absent[..., None, None], -torch.inf).softmax(1)
        spectra = self.table.values[self._library_rows(count, most)].float()
        painted = torch.einsum("bkyx,bkl->byxl", shares, spectra)
        texture = self._normal(count, *shares.shape[2:]) * self.random(count, 1, 1) * 0.04
        light = torch.exp(self._smooth(count) * self.config.shading + texture)
        mirrored = (
            (self.random(count, 1, 1) < 0.2) * self.random(count, 1, 1) * 0.5
        )  # highlights have the colour of the lamp
        return painted * light[..., None] + (mirrored * (self._smooth(count) - 1).clamp(0, 1))[..., None]

    def _masks(self, count: int) -> Tensor:
        """Where collages show library spectra: blocks over about a third of a patch, (count, P, P, 1)."""
        side = self.config.patch + TILES[-1]
        blocks = self.random(count, side * side).gather(1, self._tile_index(count))
        return (blocks < 0.35).view(count, self.config.patch, self.config.patch, 1)

    def _photograph(self, truth: Tensor) -> Batch:
        """The photographs that a camera stores of patches (B, P, P, 31), over their white level."""
        config, count = self.config, len(truth)
        photographs = count // config.group
        seen = truth @ self.camera.T  # (B, P, P, 3)
        peaks = seen.reshape(photographs, -1).amax(1)
        level = torch.exp(self._normal(photographs) * config.level)
        level = torch.maximum(level, peaks / 1.25).clamp_min(0.02)  # a photograph exceeds its white level only slightly
        truth, seen = (part / self._per_group(level)[:, None, None, None] for part in (truth, seen))
        dim = torch.exp(self.random(photographs) * math.log(config.dimmest))
        stored = torch.where(self.random(photographs) < 0.4, torch.ones_like(dim), dim)
        stored = self._per_group(stored)[:, None, None, None]
        sigma = self.random(photographs) * config.noise * (self.random(photographs) < 0.5)
        linear = (seen * stored).clamp(0, 1)
        sigma = self._per_group(sigma)[:, None, None, None]
        linear = (linear + self._normal(*linear.shape) * sigma * (linear + 0.05).sqrt()).clamp(0, 1)
        codes = encode_srgb(linear)
        eight_bit = self._per_group(self.random(photographs) < 0.6)[:, None, None, None]
        codes = torch.where(eight_bit, (codes * 255).round() / 255, codes)
        crops, painted = (round(config.jpeg * n / config.group) * config.group for n in (config.crops, config.painted))
        first, last = config.crops - crops, config.crops + painted  # the last crops, which the first paintings follow
        patch = torch.arange(count, device=self.device)
        some = (patch >= first) & (patch < last)
        if first < last:
            quality = self._per_group(60 + self.random((last - first) // config.group) * 35)
            codes = torch.cat([codes[:first], self.jpeg(codes[first:last], quality), codes[last:]])
        linear = decode_srgb(codes)
        faithful = (linear > 1 / (255 * 12.92)) & (linear < 0.995) & ~some[:, None, None, None]
        rgb = (linear / stored).permute(0, 3, 1, 2).contiguous()
        return Batch(rgb, truth, self.bands, faithful.float(), config.group)


def _some(rows: Sequence[Tensor], clear: Sequence[npt.NDArray[np.integer]], count: int = 2_000) -> FloatArray:
    """Pixels (N, 31) of scenes that replace library spectra if there are none."""
    chosen = np.random.default_rng(0).choice(np.concatenate(clear), count)
    return torch.cat(list(rows)).numpy()[chosen].astype(np.float32)


def _over_white(scene: Scene) -> FloatArray:
    """The cube (H, W, 31) of a scene, divided by the white level of its photograph as photographs are."""
    level = cie.white_level(scene.photograph(eight_bit=False))
    return np.ascontiguousarray(np.moveaxis(scene.cube, 0, -1)) / np.float32(level)


def _clear_corners(
    name: str, cube: FloatArray, clear: npt.NDArray[np.bool_], config: SamplerConfig
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns (N,) of the top left corners of usable crops; only a share of those of dark background."""
    size = config.patch
    free = whole_windows(clear, size)[::2, ::2]
    dark = window_means(cube.mean(-1), size)[::2, ::2] < DULL
    kept = np.random.default_rng(0).random(free.shape) < config.dull
    y, x = np.nonzero(free & (~dark | kept))
    if not len(y):
        raise ValueError(f"scene {name} has no room for a {size}-pixel patch beside its chart")
    return y * 2, x * 2


def _joined(parts: Sequence[npt.NDArray[np.integer]], device: torch.device | str) -> tuple[Tensor, Tensor, Tensor]:
    """Lists of indices, concatenated, with the start and the length of each."""
    counts = np.array([len(part) for part in parts])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rows, first, count = (
        torch.from_numpy(np.asarray(part, np.int64)).to(device) for part in (np.concatenate(parts), starts, counts)
    )
    return rows, first, count


def _turned(size: int, width: int) -> Tensor:
    """Offsets (8, P, P) of the pixels of a crop in a flattened image of that width, flipped and rotated all ways."""
    y, x = np.mgrid[:size, :size]
    offsets = y * width + x
    turned = [np.rot90(offsets, quarter) for quarter in range(4)]
    return torch.from_numpy(np.stack([*turned, *(grid[:, ::-1] for grid in turned)]).copy())


def _weights(libraries: Sequence[FloatArray], config: SamplerConfig) -> list[npt.NDArray[np.float64]]:
    """Relative frequencies with which the spectra of each library (N, 31) are drawn."""
    sizes = np.array([len(library) for library in libraries], np.float64) ** config.balance
    shares = sizes / sizes.sum()
    return [
        share * even_in_chromaticity(spectra, config.evenness) for spectra, share in zip(libraries, shares, strict=True)
    ]


@dataclass(frozen=True)
class CropConfig:
    """Batches of `batch` crops of `patch` × `patch` pixels, of which a share is painted with library spectra.

    Raises:
        ValueError: the share is above 0, and rounded to whole patches none.
    """

    batch: int = 16
    patch: int = 64
    painted: float = 0.0

    def __post_init__(self) -> None:
        if self.painted and not self.painted_patches:
            raise ValueError(
                f"painting a share of {self.painted:g} of {self.batch} patches was requested, which is none; choose a "
                "larger --painted or --batch, or --painted 0"
            )

    @property
    def painted_patches(self) -> int:
        """Number of painted patches in a batch."""
        return round(self.batch * self.painted)


@dataclass(frozen=True, eq=False)
class _Crop:
    """A scene, the top left corner of a crop, its rotation in quarter turns, and whether it is mirrored."""

    scene: Prepared
    y: int
    x: int
    turns: int
    mirrored: bool


class CropSource:
    """The scenes of a data set to cut crops from, and the libraries to paint patches with.

    Raises:
        ValueError: a scene has no room for a crop, or painted patches are requested without a library, or for a data
            set whose photographs are not those of the default camera.
    """

    def __init__(
        self, scenes: Sequence[Prepared], camera: Camera, libraries: Sequence[Library], config: CropConfig
    ) -> None:
        self.scenes, self.camera, self.config = scenes, camera, config
        self._corners = [_whole_corners(scene, config.patch) for scene in scenes]
        self._painter = None
        if config.painted:
            if camera.light != "D65" or not np.array_equal(scenes[0].bands.nm[[0, -1]], BANDS[[0, -1]]):
                raise ValueError(
                    "spectra are painted as the default camera sees reflectances; choose cave, or --painted 0"
                )
            if not libraries:
                raise ValueError("painted patches need spectra; name a library by --spectra, or choose --painted 0")
            self._painter = Painter(libraries, RenderingConfig(patch=config.patch))

    def cut(
        self, rng: np.random.Generator, nm: npt.NDArray[np.float64], inputs: Wavelengths | None, part: slice
    ) -> FloatPair:
        """A part of a batch: what the network sees (b, C, P, P), and the spectra (b, P, P, L).

        Every scene is drawn equally often.

        Args:
            rng: draws the crops and the painted patches of the whole batch, whatever the part.
            nm: wavelengths (L,) of the spectra.
            inputs: the bands that the network sees; None for RGB.
            part: which patches of the batch to compute.
        """
        painted = self.config.painted_patches
        count = self.config.batch - painted
        chosen = [self._choose(rng) for _ in range(count)]
        pieces = [self._crop(place, nm, inputs) for place in chosen[part]]
        if self._painter is not None and painted:
            rest = slice(max(part.start - count, 0), max(part.stop - count, 0))
            pieces += self._paint(self._painter, rng, painted, nm, inputs)[rest]
        images, truths = zip(*pieces, strict=True)
        return np.stack(images), np.stack(truths)

    def _choose(self, rng: np.random.Generator) -> _Crop:
        index = int(rng.integers(len(self.scenes)))
        corners = self._corners[index]
        if corners is None:
            free = np.array(self.scenes[index].cube.shape[:2]) - self.config.patch + 1
            y, x = (int(at) for at in rng.integers(free))
        else:
            y, x = (int(at) for at in corners[rng.integers(len(corners))])
        return _Crop(self.scenes[index], y, x, turns=int(rng.integers(4)), mirrored=bool(rng.random() < 0.5))

    def _crop(self, crop: _Crop, nm: npt.NDArray[np.float64], inputs: Wavelengths | None) -> FloatPair:
        scene, size = crop.scene, self.config.patch
        window = slice(crop.y, crop.y + size), slice(crop.x, crop.x + size)
        cube = scene.cube[window]
        truth = _resampled(scene.bands, nm, cube)
        image = scene.rgb[window] if inputs is None else _resampled(scene.bands, inputs.nm, cube)
        image, truth = (np.rot90(part, crop.turns)[:, :: -1 if crop.mirrored else 1] for part in (image, truth))
        return np.ascontiguousarray(np.moveaxis(image, -1, 0), np.float32), np.ascontiguousarray(truth, np.float32)

    def _paint(
        self,
        painter: Painter,
        rng: np.random.Generator,
        count: int,
        nm: npt.NDArray[np.float64],
        inputs: Wavelengths | None,
    ) -> list[FloatPair]:
        wavelengths = [BANDS, nm, *([inputs.nm] if inputs is not None else [])]
        cubes = np.maximum(painter.paint(rng, count, np.concatenate(wavelengths)), 0)
        sensitivities, pieces = self.camera.sensitivities(Wavelengths(BANDS)), []
        for cube in cubes:
            bands, truth, *seen = np.split(cube, np.cumsum([len(part) for part in wavelengths])[:-1])
            rgb = np.tensordot(sensitivities, bands, axes=1)
            level = np.float32(max(1.0, rgb.max()))  # as a photographer exposes, so that nothing is clipped
            image = seen[0] / level if seen else np.clip(rgb / level, 0, 1)
            pieces.append((np.asarray(image, np.float32), np.moveaxis(truth / level, 0, -1).astype(np.float32)))
        return pieces


class CropSampler(Sampler):
    """Draws crops of the scenes of a data set, at the wavelengths that a training job chooses for each step."""

    def __init__(
        self,
        source: CropSource,
        wavelengths: Callable[[int], npt.NDArray[np.float64]],
        inputs: Wavelengths | None = None,
        *,
        seed: int = 0,
        part: slice | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """Set up the sampler of one process.

        Args:
            source: scenes and libraries.
            wavelengths: the wavelengths (L,) nm of the spectra of a step.
            inputs: the bands that the network sees; None for RGB.
            seed: of the run.
            part: the patches of each batch that this process computes; all by default.
            device: where the batches go.
        """
        super().__init__(device, seed)
        self.source, self.wavelengths, self.inputs = source, wavelengths, inputs
        self.part = part or slice(0, source.config.batch)

    def corner(self, free: int) -> tuple[int, int]:
        """As for any sampler; the same on all devices, whatever they have drawn before."""
        y, x = np.random.default_rng([self.seed, self.step, 2]).integers(free + 1, size=2)
        return int(y), int(x)

    def subset(self, total: int, count: int) -> Tensor:
        """As for any sampler; the same on all devices."""
        chosen = np.random.default_rng([self.seed, self.step, 3]).choice(total, count, replace=False)
        return torch.from_numpy(np.sort(chosen)).to(self.device)

    def draw(self) -> Batch:
        """This process's part of the patches of the step."""
        nm = self.wavelengths(self.step)
        rng = np.random.default_rng([self.seed, self.step])
        image, truth = (
            torch.from_numpy(values).to(self.device) for values in self.source.cut(rng, nm, self.inputs, self.part)
        )
        return Batch(image, truth, torch.tensor(nm, dtype=torch.float32, device=self.device))


def _resampled(bands: Wavelengths, nm: npt.NDArray[np.float64], cube: FloatArray) -> FloatArray:
    """A cube (h, w, L) at other wavelengths: (h, w, len(nm)), see `interpolation`."""
    if nm.size == len(bands) and np.array_equal(nm, bands.nm):
        return cube
    return np.asarray(cube @ interpolation(bands, nm).T)


def _whole_corners(scene: Prepared, size: int) -> npt.NDArray[np.intp] | None:
    """Top left corners (N, 2) of the crops of which every pixel counts; None if all pixels of the scene do."""
    height, width = scene.counted.shape
    if height < size or width < size:
        raise ValueError(f"scene {scene.name} has {width} x {height} pixels; a crop of {size} is too large for it")
    if scene.counted.all():
        return None
    corners = np.argwhere(whole_windows(scene.counted, size)[::GRID, ::GRID]) * GRID
    if not len(corners):
        raise ValueError(f"scene {scene.name} has no room for a crop of {size} pixels that all count")
    return corners


def encode_srgb(linear: Tensor) -> Tensor:
    """Linear light in [0, 1] to sRGB in [0, 1] (IEC 61966-2-1)."""
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp_min(1e-9) ** (1 / 2.4) - 0.055)


def decode_srgb(encoded: Tensor) -> Tensor:
    """Linear light in [0, 1] from sRGB in [0, 1]; the inverse of `encode_srgb`."""
    return torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


_LUMINANCE = [
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
]  # fmt: skip
_CHROMINANCE = [
    [17, 18, 24, 47, 99, 99, 99, 99], [18, 21, 26, 66, 99, 99, 99, 99], [24, 26, 56, 99, 99, 99, 99, 99],
    [47, 66, 99, 99, 99, 99, 99, 99], *[[99] * 8] * 4,
]  # fmt: skip
"""Quantisation tables of ITU-T T.81, annex K."""
_YCC = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
"""ITU-T T.871."""


class Jpeg(nn.Module):
    """JPEG compression and decompression of sRGB images, with chroma at half resolution as cameras store it."""

    forth: Tensor
    back: Tensor
    cosines: Tensor
    luminance: Tensor
    chrominance: Tensor

    def __init__(self) -> None:
        super().__init__()
        matrix = torch.tensor(_YCC, dtype=torch.float64)
        n = torch.arange(8, dtype=torch.float64)
        cosines = torch.cos((2 * n[None] + 1) * n[:, None] * math.pi / 16) * 0.5
        cosines[0] *= math.sqrt(0.5)
        constants = {
            "forth": matrix.T,
            "back": torch.linalg.inv(matrix).T,
            "cosines": cosines,
            "luminance": torch.tensor(_LUMINANCE),
            "chrominance": torch.tensor(_CHROMINANCE),
        }
        for name, constant in constants.items():
            self.register_buffer(name, constant.float(), persistent=False)

    def forward(self, codes: Tensor, quality: Tensor) -> Tensor:
        """Decompressed images (B, P, P, 3) in [0, 1].

        Args:
            codes: sRGB (B, P, P, 3) in [0, 1]; P must be a multiple of 16.
            quality: of each file (B,), from 1 to 100 as in libjpeg.
        """
        y, colours = torch.split(((codes * 255).round() @ self.forth).permute(0, 3, 1, 2), [1, 2], 1)
        scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
        y = self._quantised(y - 128, self.luminance, scale) + 128
        colours = self._quantised(F.avg_pool2d(colours, 2), self.chrominance, scale)
        colours = F.interpolate(colours, scale_factor=2.0, mode="bilinear", align_corners=False)  # as libjpeg does
        restored = torch.cat([y, colours], 1).permute(0, 2, 3, 1) @ self.back
        return restored.round().clamp(0, 255) / 255

    def _quantised(self, planes: Tensor, table: Tensor, scale: Tensor) -> Tensor:
        """Planes (B, C, H, W) after quantising the discrete cosine transform of their 8 × 8 blocks."""
        steps = ((table * scale[:, None, None] + 50) / 100).floor().clamp(1, 255)[:, None, None, None]
        blocks = planes.unfold(2, 8, 8).unfold(3, 8, 8)  # (B, C, h, w, 8, 8)
        coded = (self.cosines @ blocks @ self.cosines.T / steps).round() * steps
        restored = self.cosines.T @ coded @ self.cosines
        return restored.permute(0, 1, 2, 4, 3, 5).reshape(planes.shape)
