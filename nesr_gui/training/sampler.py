"""The patches that a step of training sees, a function of the seed and the step alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.spectral import FloatArray
from nesr_gui.training.scenes import Scene
from nesr_gui.training.spectral_library import Library, interpolation
from nesr_gui.training.synthesis import BANDS, Painter, Patches, RenderingConfig, SceneCutter, laid, photograph


@dataclass(frozen=True)
class TrainingConfig:
    """One run. The paper's own schedule is MRAE, Adam at 1e-4 halved every 20,000 of 300,000 steps."""

    steps: int = 3_500
    batch: int = 16
    painted: float = 0.4  # share of patches painted with spectra
    wavelengths: int = 8  # decoded per step
    window: int = 10  # pixels along a side decoded per step, somewhere in the patch
    rate: float = 1e-3  # learning rate, after a warm-up of 200 steps; falls to a hundredth along a cosine
    weight_decay: float = 1e-4
    squared: float = 20.0  # weight of the squared error over brightness
    relative: float = 0.0  # weight of MRAE, the paper's loss
    colour: float = 20.0  # weight of the squared difference of the re-rendered colour over brightness
    averaging: float = 0.999  # of the weights that are kept, an exponential mean over steps
    seed: int = 0
    rendering: RenderingConfig = field(default_factory=RenderingConfig)


Kind = tuple[FloatArray, npt.NDArray[np.float64], bool]
"""Patches (B, L, P, P), the white levels of their scenes (B,), and whether they look like photographs."""


class Batches:
    """The patches of step n, for every n."""

    def __init__(self, scenes: Sequence[Scene], libraries: Sequence[Library], config: TrainingConfig) -> None:
        self.config = config
        self._cutter = SceneCutter(scenes, config.rendering) if scenes else None
        self._painter = Painter(libraries, config.rendering) if libraries else None
        if not (scenes or libraries):
            raise ValueError("nothing to train on; give scenes, spectrum libraries, or both")

    @property
    def painted(self) -> int:
        """How many patches of a batch are painted."""
        if self._cutter is None:
            return self.config.batch
        return round(self.config.batch * self.config.painted) if self._painter else 0

    def draw(self, step: int, at: npt.NDArray[np.float64] | None = None) -> Patches:
        """The patches of a step: half its wavelengths are training bands, half lie anywhere.

        `at` are other wavelengths to give the truth of the same patches at.
        """
        rng = np.random.default_rng([self.config.seed, step])
        half = self.config.wavelengths // 2
        on_bands = rng.choice(BANDS, self.config.wavelengths - half, replace=False)
        nm = np.sort(np.concatenate([on_bands, rng.uniform(BANDS[0], BANDS[-1], half)]))
        return self.render(rng, nm if at is None else at)

    def render(self, rng: np.random.Generator, nm: npt.NDArray[np.float64]) -> Patches:
        """A batch with its truth at `nm`: measured, or interpolated between bands 10 nm apart.

        Some patches are as photographs are: crops of scenes, and painted surfaces. The others are mosaics whose every
        tile is another pixel of a scene or another spectrum. They show a thousand colours where a crop shows three, and
        nothing around a tile tells what it is, so that a network learns to answer by colour first: with few scenes it
        would else learn to tell them apart.
        """
        wanted = np.concatenate([BANDS, nm])
        kinds = self._cut(rng, wanted) + self._painted(rng, wanted)
        cube = np.maximum(np.concatenate([patches for patches, _, _ in kinds]), 0)
        levels = np.concatenate([level for _, level, _ in kinds])
        jpeg = np.concatenate([np.full(len(patches), natural) for patches, _, natural in kinds])
        rgb, faithful, factors = photograph(rng, cube[:, : len(BANDS)], levels, self.config.rendering, jpeg)
        cube *= factors
        return Patches(rgb, cube[:, len(BANDS) :], faithful, cube[:, : len(BANDS)].mean(1, keepdims=True), nm)

    def _cut(self, rng: np.random.Generator, wanted: npt.NDArray[np.float64]) -> list[Kind]:
        count, rendering = self.config.batch - self.painted, self.config.rendering
        if self._cutter is None or count == 0:
            return []
        cutter, painter = self._cutter, self._painter
        laid_out = round(count * rendering.mosaic)
        matrix = interpolation(cie.CAMERA_BANDS, wanted)
        crops, levels = cutter.cut(rng, count - laid_out)
        crops = painter.tint(rng, crops) if painter else crops

        def tiles(number: int) -> FloatArray:
            pixels = cutter.pixels(rng, number)[:, :, None, None]
            return (painter.tint(rng, pixels) if painter else pixels)[:, :, 0, 0]

        mosaics = laid(rng, tiles, laid_out, rendering.patch)
        crops, mosaics = (np.einsum("lk,bkyx->blyx", matrix, part, optimize=True) for part in (crops, mosaics))
        return [(crops, levels, True), (mosaics, np.ones(laid_out), False)]

    def _painted(self, rng: np.random.Generator, wanted: npt.NDArray[np.float64]) -> list[Kind]:
        count, rendering, painter = self.painted, self.config.rendering, self._painter
        if painter is None or count == 0:
            return []
        laid_out = round(count * rendering.mosaic)
        surfaces = painter.paint(rng, count - laid_out, wanted)
        mosaics = laid(rng, lambda number: painter.lit(rng, number, wanted), laid_out, rendering.patch)
        levels = painter.levels(rng, count)
        return [(surfaces, levels[laid_out:], True), (mosaics, levels[:laid_out], False)]
