"""The patches of a training step, drawn from scenes and spectrum libraries on the device that trains.

Everything is a gather from one table of spectra and arithmetic on tensors of fixed shapes, so that a step costs a
graphics processor no wait, and a processor a small part of what the network costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.colorimetry import cie
from nesr_gui.spectral import FloatArray
from nesr_gui.training.scenes import Scene
from nesr_gui.training.spectral_library import Library, interpolation

CELLS = 32  # along each axis of the chromaticity plane in which library spectra are drawn evenly
BORDER = 4  # pixels along the edges of a scene that are not learned from
DULL = 0.06  # mean of a crop, over white, below which it is a dark ground
TILES = (1, 2, 4, 8, 16, 32)  # pixels along a side of a mosaic's tiles


@dataclass(frozen=True)
class SamplerConfig:
    """What the patches of a step look like; the numbers of patches are multiples of `group`."""

    patch: int = 64  # pixels along a side
    group: int = 2  # patches that are parts of one photograph
    crops: int = 18  # cut from scenes
    pixel_mosaics: int = 2  # whose tiles are pixels of scenes
    library_mosaics: int = 8  # whose tiles are library spectra
    painted: int = 2  # smooth and hard-edged mixtures of library spectra
    collages: int = 2  # crops with library spectra laid over a part of them
    balance: float = 0.1  # a library is drawn as often as this power of its size
    evenness: float = 0.7  # of drawing its spectra over the chromaticity plane
    dull: float = 0.3  # share of the crops of a dark ground that are used
    tinted: float = 0.5  # share of patches of scenes whose spectra are multiplied with a library spectrum
    shading: float = 0.5  # standard deviation of log brightness between tiles, and across painted patches
    level: float = 0.15  # standard deviation of the log of a photograph's white level
    dimmest: float = 0.15  # smallest white level of a stored photograph
    noise: float = 0.006  # largest standard deviation of sensor noise
    jpeg: float = 0.2  # share of photographs of crops and paintings that went through JPEG

    @property
    def batch(self) -> int:
        """Patches of a step."""
        return self.crops + self.pixel_mosaics + self.library_mosaics + self.painted + self.collages


@dataclass(frozen=True, eq=False)
class Batch:
    """Photographs over their white level and their truth, on one device.

    `rgb` (B, 3, P, P) is linear; `truth` (B, P, P, 31) the spectra on the bands; `faithful` (B, P, P, 3) is 1 where a
    channel was stored as the camera saw it but for rounding and noise; neighbours of a `group` are one photograph.
    """

    rgb: Tensor
    truth: Tensor
    faithful: Tensor


class SpectralTable:
    """Every spectrum that is learned from, on the device that trains: pixels of scenes, then library spectra.

    `values` (N, 31) float16. Scenes have one size, so that a crop is a set of rows; corners and pixels that are clear
    of charts are lists of rows, one scene after the other.
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
            usable = scene.outside_chart() & _inside_border(shape)
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
        self.interpolation = torch.from_numpy(interpolation(cie.CAMERA_BANDS, np.arange(400, 701))).to(device)

    def pixels(self, count: int, generator: torch.Generator) -> Tensor:
        """Spectra (count, 31): as many pixels of scenes outside their charts as library spectra."""
        half = count // 2
        places = torch.randint(len(self.clear), (half,), generator=generator, device=self.device)
        drawn = torch.rand(count - half, generator=generator, device=self.device)
        library = torch.searchsorted(self.cumulative, drawn).clamp(max=len(self.cumulative) - 1)
        return self.values[torch.cat([self.clear[places], self.library + library])].float()


class PatchSampler:
    """Draws the patches of a step: a function of the table, the configuration and the state of its generator."""

    def __init__(self, table: SpectralTable, config: SamplerConfig) -> None:
        self.table, self.config, self.device = table, config, table.device
        self.generator = torch.Generator(table.device)
        self.camera = table.camera
        self.jpeg = Jpeg().to(table.device)
        self.tiles = torch.tensor(TILES, device=table.device)

    def draw(self) -> Batch:
        """The patches of a step."""
        config = self.config
        scene = self._crops(config.crops + config.collages)
        mosaic = self._tile_rows(config.pixel_mosaics, self._pixel_rows)
        own = self.table.values[torch.cat([scene, mosaic])].float()  # of scenes (B, P, P, 31)
        own = own * self._tints(len(own))
        laid = self._laid(config.library_mosaics + config.collages)
        crops, collages, mosaics = torch.split(own, [config.crops, config.collages, config.pixel_mosaics])
        library, over = torch.split(laid, [config.library_mosaics, config.collages])
        mask = self._masks(config.collages)
        collages = torch.where(mask, over, collages)
        return self._photograph(torch.cat([crops, self._painted(config.painted), collages, mosaics, library]))

    def random(self, *shape: int) -> Tensor:
        """Even random numbers in [0, 1)."""
        return torch.rand(*shape, device=self.device, generator=self.generator)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, device=self.device, generator=self.generator)

    def _per_group(self, values: Tensor) -> Tensor:
        """Values (G, …) of photographs for each of their patches."""
        return values.repeat_interleave(self.config.group, 0)

    def _crops(self, count: int) -> Tensor:
        """Rows of the table (count, P, P) that are crops, flipped and turned; a group is of one scene."""
        scenes = len(self.table.corner_starts)
        chosen = self._per_group((self.random(count // self.config.group) * scenes).long().clamp(max=scenes - 1))
        place = self.table.corner_starts[chosen] + (self.random(count) * self.table.corner_counts[chosen]).long()
        corner = self.table.corners[place.clamp(max=len(self.table.corners) - 1)]
        turn = (self.random(count) * 8).long().clamp(max=7)
        return corner[:, None, None] + self.table.grids[turn]

    def _pixel_rows(self, *shape: int) -> Tensor:
        """Rows of the table that are pixels outside the charts; every scene is drawn as often."""
        scenes = len(self.table.clear_starts)
        chosen = (self.random(*shape) * scenes).long().clamp(max=scenes - 1)
        place = self.table.clear_starts[chosen] + (self.random(*shape) * self.table.clear_counts[chosen]).long()
        return self.table.clear[place.clamp(max=len(self.table.clear) - 1)]

    def _library_rows(self, *shape: int) -> Tensor:
        """Rows of the table that are of libraries."""
        place = torch.searchsorted(self.table.cumulative, self.random(*shape))
        return self.table.library + place.clamp(max=len(self.table.cumulative) - 1)

    def _tile_index(self, count: int) -> Tensor:
        """Which cell of (P + 32)² each pixel (count, P·P) of mosaics takes; each has its own tile size and offset."""
        size, most = self.config.patch, TILES[-1]
        side = self.tiles[(self.random(count) * len(TILES)).long().clamp(max=len(TILES) - 1)][:, None]
        offset = (self.random(count, 2) * side).long()
        line = torch.arange(size, device=self.device)[None]
        y, x = ((line + offset[:, axis, None]) // side * side for axis in (0, 1))
        return (y[:, :, None] * (size + most) + x[:, None]).flatten(1)

    def _tile_rows(self, count: int, rows: Callable[..., Tensor]) -> Tensor:
        """Rows of the table (count, P, P) of mosaics, of tiles that `rows` draws."""
        side = self.config.patch + TILES[-1]
        drawn = rows(count, side * side)
        return drawn.gather(1, self._tile_index(count)).view(count, self.config.patch, self.config.patch)

    def _laid(self, count: int) -> Tensor:
        """Mosaics (count, P, P, 31) of library spectra that are lit by more or less light."""
        side, index = self.config.patch + TILES[-1], self._tile_index(count)
        rows = self._library_rows(count, side * side).gather(1, index)
        light = torch.exp(self._normal(count, side * side) * self.config.shading - 0.5).gather(1, index)
        lit = self.table.values[rows].float() * light[..., None]
        return lit.view(count, self.config.patch, self.config.patch, lit.shape[-1])

    def _tints(self, count: int) -> Tensor:
        """What light from a coloured wall or a dye makes of the patches of a photograph: (count, 1, 1, 31).

        Products of measured spectra are spectra of the same kind, and they keep the textures of the scenes, so that
        texture alone does not tell a network which spectra to expect.
        """
        photographs = count // self.config.group
        filters = self.table.values[self._library_rows(photographs)].float()
        filters = filters / filters.amax(1, keepdim=True).clamp_min(1e-3)
        strength = self.random(photographs, 1) * (self.random(photographs, 1) < self.config.tinted)
        return self._per_group(1 - strength + strength * filters)[:, None, None]

    def _smooth(self, *shape: int) -> Tensor:
        """Noise (*shape, P, P) of about unit variance, each varying over its own length."""
        size = self.config.patch
        count = math.prod(shape)
        coarse = self._normal(count, 1, 9, 9)
        scale = torch.exp(self.random(count) * math.log(8.0)) / 8  # of the coarse grid that is shown
        line = torch.linspace(-1, 1, size, device=self.device)
        grid = torch.stack([line[None].expand(size, -1), line[:, None].expand(-1, size)], -1)  # (P, P, 2)
        shift = (self.random(count, 1, 1, 2) * 2 - 1) * (1 - scale)[:, None, None, None]
        places = grid[None] * scale[:, None, None, None] + shift
        return 1.3 * F.grid_sample(coarse, places, align_corners=True).view(*shape, size, size)

    def _painted(self, count: int, most: int = 6) -> Tensor:
        """Patches (count, P, P, 31) painted with library spectra: soft and hard borders, shading, highlights."""
        maps = self._smooth(count, most)
        materials = 1 + (self.random(count, 1) * most).long()
        absent = torch.arange(most, device=self.device)[None] >= materials
        contrast = torch.exp(self.random(count, 1, 1, 1) * 3.5)
        shares = (maps * contrast).masked_fill(absent[..., None, None], -torch.inf).softmax(1)
        spectra = self.table.values[self._library_rows(count, most)].float()
        painted = torch.einsum("bkyx,bkl->byxl", shares, spectra)
        texture = self._normal(count, *shares.shape[2:]) * self.random(count, 1, 1) * 0.04
        light = torch.exp(self._smooth(count) * self.config.shading + texture)
        mirrored = (self.random(count, 1, 1) < 0.2) * self.random(count, 1, 1) * 0.5  # has the colour of the lamp
        return painted * light[..., None] + (mirrored * (self._smooth(count) - 1).clamp(0, 1))[..., None]

    def _masks(self, count: int) -> Tensor:
        """Where collages show library spectra: blocks, about a third of a patch, (count, P, P, 1)."""
        side = self.config.patch + TILES[-1]
        blocks = self.random(count, side * side).gather(1, self._tile_index(count))
        return (blocks < 0.35).view(count, self.config.patch, self.config.patch, 1)

    def _photograph(self, truth: Tensor) -> Batch:
        """What a camera stores of patches (B, P, P, 31), over the white level of their photographs."""
        config, count = self.config, len(truth)
        photographs = count // config.group
        seen = truth @ self.camera.T  # (B, P, P, 3)
        peaks = seen.reshape(photographs, -1).amax(1)
        level = torch.exp(self._normal(photographs) * config.level)
        level = torch.maximum(level, peaks / 1.25).clamp_min(0.02)  # a photograph exceeds its level but little
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
        return Batch(rgb, truth, faithful.float())


def _some(rows: Sequence[Tensor], clear: Sequence[npt.NDArray[np.integer]], count: int = 2_000) -> FloatArray:
    """Pixels (N, 31) of scenes that stand for library spectra, where there are none."""
    chosen = np.random.default_rng(0).choice(np.concatenate(clear), count)
    return torch.cat(list(rows)).numpy()[chosen].astype(np.float32)


def _over_white(scene: Scene) -> FloatArray:
    """A scene's cube (H, W, 31) over the white level of its photograph, as a network sees photographs."""
    level = cie.white_level(scene.photograph(eight_bit=False))
    return np.ascontiguousarray(np.moveaxis(scene.cube, 0, -1)) / np.float32(level)


def _inside_border(shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """(H, W), False in the outermost pixels, which a sensor may leave dead."""
    inside = np.zeros(shape, bool)
    inside[BORDER:-BORDER, BORDER:-BORDER] = True
    return inside


def _clear_corners(
    name: str, cube: FloatArray, clear: npt.NDArray[np.bool_], config: SamplerConfig
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Top left corners (N,) of the crops that are clear throughout; of those of a dark ground only a share."""
    size = config.patch

    def mean(image: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        sums = np.pad(np.cumsum(np.cumsum(image, 0, dtype=np.float64), 1), ((1, 0), (1, 0)))
        boxes = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
        return boxes[::2, ::2] / size**2

    free, dark = mean(~clear) < 0.5 / size**2, mean(cube.mean(-1)) < DULL
    kept = np.random.default_rng(0).random(free.shape) < config.dull
    y, x = np.nonzero(free & (~dark | kept))
    if not len(y):
        raise ValueError(f"scene {name} has no room for a {size}-pixel patch beside its chart")
    return y * 2, x * 2


def _joined(parts: Sequence[npt.NDArray[np.integer]], device: torch.device | str) -> tuple[Tensor, Tensor, Tensor]:
    """Lists one after the other, where each starts, and how long it is."""
    counts = np.array([len(part) for part in parts])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rows, first, count = (
        torch.from_numpy(np.asarray(part, np.int64)).to(device) for part in (np.concatenate(parts), starts, counts)
    )
    return rows, first, count


def _turned(size: int, width: int) -> Tensor:
    """Offsets (8, P, P) in a table of rows `width` long of a patch's pixels, flipped and turned in all eight ways."""
    y, x = np.mgrid[:size, :size]
    offsets = y * width + x
    turned = [np.rot90(offsets, quarter) for quarter in range(4)]
    return torch.from_numpy(np.stack([*turned, *(grid[:, ::-1] for grid in turned)]).copy())


def _weights(libraries: Sequence[FloatArray], config: SamplerConfig) -> list[npt.NDArray[np.float64]]:
    """How often each spectrum of each library (N, 31) is drawn, relative to the others."""
    sizes = np.array([len(library) for library in libraries], np.float64) ** config.balance
    weights = []
    for library, share in zip(libraries, sizes / sizes.sum(), strict=True):
        rgb = cie.render_camera_rgb(library)
        chromaticity = rgb[:, :2] / np.maximum(rgb.sum(1, keepdims=True), 1e-6)
        cells = np.clip(chromaticity * CELLS, 0, CELLS - 1).astype(int)
        _, cell, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
        even = counts[cell.ravel()].astype(np.float64) ** -config.evenness
        weights.append(share * even / even.sum())
    return weights


def encode_srgb(linear: Tensor) -> Tensor:
    """Linear light in [0, 1] to sRGB (IEC 61966-2-1)."""
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp_min(1e-9) ** (1 / 2.4) - 0.055)


def decode_srgb(encoded: Tensor) -> Tensor:
    """The inverse of `encode_srgb`."""
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
    """What comes back of sRGB images from JPEG files with colours at half resolution, as cameras write them."""

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
        """sRGB (B, P, P, 3) in [0, 1], P a multiple of 16, through files of `quality` (B,) from 1 to 100."""
        y, colours = torch.split(((codes * 255).round() @ self.forth).permute(0, 3, 1, 2), [1, 2], 1)
        scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
        y = self._quantised(y - 128, self.luminance, scale) + 128
        colours = self._quantised(F.avg_pool2d(colours, 2), self.chrominance, scale)
        colours = F.interpolate(colours, scale_factor=2.0, mode="bilinear", align_corners=False)  # as libjpeg does
        restored = torch.cat([y, colours], 1).permute(0, 2, 3, 1) @ self.back
        return restored.round().clamp(0, 255) / 255

    def _quantised(self, planes: Tensor, table: Tensor, scale: Tensor) -> Tensor:
        """Planes (B, C, H, W) through the cosine transform of 8×8 blocks, quantised."""
        steps = ((table * scale[:, None, None] + 50) / 100).floor().clamp(1, 255)[:, None, None, None]
        blocks = planes.unfold(2, 8, 8).unfold(3, 8, 8)  # (B, C, h, w, 8, 8)
        coded = (self.cosines @ blocks @ self.cosines.T / steps).round() * steps
        restored = self.cosines.T @ coded @ self.cosines
        return restored.permute(0, 1, 2, 4, 3, 5).reshape(planes.shape)
