"""The patches of step n: a function of the seed and n alone, so every system of an experiment sees the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import FloatArray, Wavelengths
from nesr_gui.training.datasets.cache import Prepared
from nesr_gui.training.datasets.camera import Camera
from nesr_gui.training.experiments.definitions import Settings
from nesr_gui.training.spectral_library import Library, interpolation
from nesr_gui.training.synthesis import BANDS, Painter, RenderingConfig

GRID = 4  # pixels between the corners of crops that are tried where not all of a scene counts


@dataclass(frozen=True, eq=False)
class Batch:
    """What is seen (B, 3 or inputs, P, P), and the truth (B, L, P, P)."""

    image: FloatArray
    truth: FloatArray


class Crops:
    """Crops of scenes, and patches painted with spectra; every scene is drawn as often.

    Raises:
        ValueError: a scene has no room for a crop, there is nothing to train on, or painted patches are asked for where
            photographs are not the default camera's.
    """

    def __init__(
        self,
        scenes: Sequence[Prepared],
        camera: Camera,
        libraries: Sequence[Library],
        settings: Settings,
        seed: int,
    ) -> None:
        self.scenes, self.camera, self.settings, self.seed = scenes, camera, settings, seed
        self._corners = [_corners(scene, settings.patch) for scene in scenes]
        self._painter = None
        if settings.painted:
            if camera.light != "D65" or not np.array_equal(scenes[0].bands.nm[[0, -1]], BANDS[[0, -1]]):
                raise ValueError(
                    "spectra are painted as the default camera sees reflectances; choose cave, or --painted 0"
                )
            if not libraries:
                raise ValueError("painted patches need spectra; name a library by --spectra, or choose --painted 0")
            self._painter = Painter(libraries, RenderingConfig(patch=settings.patch))

    def draw(self, step: int, nm: npt.NDArray[np.float64], inputs: Wavelengths | None, part: slice) -> Batch:
        """`part` of the batch of a step, with its truth at `nm`; seen is RGB, or the bands `inputs`."""
        rng = np.random.default_rng([self.seed, step])
        painted = round(self.settings.batch * self.settings.painted)
        count = self.settings.batch - painted
        chosen = [self._place(rng) for _ in range(count)]
        pieces = [self._cut(*place, nm, inputs) for place in chosen[part]]
        if self._painter is not None and painted:
            pieces += self._painted(rng, painted, nm, inputs)[_after(part, count)]
        images, truths = zip(*pieces, strict=True)
        return Batch(np.stack(images), np.stack(truths))

    def _place(self, rng: np.random.Generator) -> tuple[int, int, int, int, bool]:
        """A scene, a corner, quarter turns, and whether it is mirrored."""
        index = int(rng.integers(len(self.scenes)))
        corners = self._corners[index]
        if corners is None:
            free = np.array(self.scenes[index].cube.shape[:2]) - self.settings.patch + 1
            y, x = (int(at) for at in rng.integers(free))
        else:
            y, x = (int(at) for at in corners[rng.integers(len(corners))])
        return index, y, x, int(rng.integers(4)), bool(rng.random() < 0.5)

    def _cut(
        self,
        index: int,
        y: int,
        x: int,
        turns: int,
        mirrored: bool,
        nm: npt.NDArray[np.float64],
        inputs: Wavelengths | None,
    ) -> tuple[FloatArray, FloatArray]:
        scene, size = self.scenes[index], self.settings.patch
        window = slice(y, y + size), slice(x, x + size)
        cube = scene.cube[window]
        truth = _at(scene.bands, nm, cube)
        seen = scene.rgb[window] if inputs is None else _at(scene.bands, inputs.nm, cube)
        turned = [np.rot90(part, turns)[:, :: -1 if mirrored else 1] for part in (seen, truth)]
        image, truth = (np.ascontiguousarray(np.moveaxis(part, -1, 0), np.float32) for part in turned)
        return image, truth

    def _painted(
        self, rng: np.random.Generator, count: int, nm: npt.NDArray[np.float64], inputs: Wavelengths | None
    ) -> list[tuple[FloatArray, FloatArray]]:
        assert self._painter is not None
        wanted = [BANDS, nm, *([inputs.nm] if inputs is not None else [])]
        cubes = np.maximum(self._painter.paint(rng, count, np.concatenate(wanted)), 0)
        pieces = []
        for cube in cubes:
            bands, truth, *seen = np.split(cube, np.cumsum([len(part) for part in wanted])[:-1])
            rgb = np.tensordot(self.camera.sensitivities(Wavelengths(BANDS)), bands, axes=1)
            level = np.float32(max(1.0, rgb.max()))  # nothing is clipped that a photographer would not clip
            image = seen[0] / level if seen else np.clip(rgb / level, 0, 1)
            pieces.append((np.asarray(image, np.float32), np.asarray(truth / level, np.float32)))
        return pieces


def _at(bands: Wavelengths, nm: npt.NDArray[np.float64], cube: FloatArray) -> FloatArray:
    """(h, w, len(nm)) of (h, w, L): the bands themselves, and between them as `interpolation` does."""
    if nm.size == len(bands) and np.array_equal(nm, bands.nm):
        return cube
    return np.asarray(cube @ interpolation(bands, nm).T)


def _corners(scene: Prepared, size: int) -> npt.NDArray[np.intp] | None:
    """Top left corners (N, 2) of crops that count as a whole; None: all are."""
    height, width = scene.counted.shape
    if height < size or width < size:
        raise ValueError(f"scene {scene.name} has {width} x {height} pixels; a crop of {size} is too large for it")
    if scene.counted.all():
        return None
    sums = np.zeros((height + 1, width + 1), np.int64)
    sums[1:, 1:] = scene.counted.cumsum(0).cumsum(1)
    whole = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size] == size**2
    corners = np.argwhere(whole[::GRID, ::GRID]) * GRID
    if not len(corners):
        raise ValueError(f"scene {scene.name} has no room for a crop of {size} pixels that all count")
    return corners


def _after(part: slice, count: int) -> slice:
    """A part of a batch, counted from its element `count`."""
    return slice(max(part.start - count, 0), max(part.stop - count, 0))
