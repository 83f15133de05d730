"""Training: a loop that yields what happened, can stop between any two steps, and resumes exactly where it was.

Step n of a run depends on nothing but the seed and n: its patches come from a generator seeded with both, so a run
that was interrupted ends with the weights of one that was not.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui import colorimetry, metrics
from nesr_gui.io.atomic import replacing
from nesr_gui.models.guide import ColourGuide
from nesr_gui.models.nesr import NeSR, NeSRConfig, framed
from nesr_gui.models.spi import HALO, lattice
from nesr_gui.spectral import FloatArray
from nesr_gui.training.libraries import Library, interpolation
from nesr_gui.training.rendering import BANDS, Painter, Patches, RenderingConfig, SceneCutter, laid, photograph
from nesr_gui.training.scenes import Scene

SAVE_SECONDS = 180.0
CONTEXT_LATTICE = 4  # by 4 pixels of a patch make its attention map
COLOUR_WINDOW = 4  # pixels along a side of what is decoded at all bands to compare its colour
GUIDE_BATCHES, GUIDE_STEPS, GUIDE_PIXELS, GUIDE_RATE = 80, 2_000, 2_048, 3e-3  # what the colour guide learns from
DARK = 0.02  # added to brightness where something is divided by it


@dataclass(frozen=True)
class TrainingConfig:
    """One run. The paper's own schedule is MRAE, Adam at 1e-4 halved every 20,000 of 300,000 steps."""

    steps: int = 9_000
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


@dataclass(frozen=True)
class Step:
    """What one step did."""

    number: int  # steps done
    loss: float
    seconds: float  # since this process began


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

    def draw(self, step: int) -> Patches:
        """The patches of a step: half its wavelengths are training bands, half lie anywhere."""
        rng = np.random.default_rng([self.config.seed, step])
        half = self.config.wavelengths // 2
        on_bands = rng.choice(BANDS, self.config.wavelengths - half, replace=False)
        nm = np.sort(np.concatenate([on_bands, rng.uniform(BANDS[0], BANDS[-1], half)]))
        return self.render(rng, nm)

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
        matrix = interpolation(colorimetry.CAMERA_BANDS, wanted)
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


def fit_guide(guide: ColourGuide, batches: Batches) -> None:
    """Teach the guide what colours alone say, before the rest learns what it leaves: a minute instead of an hour.

    Least squares give its base, and `GUIDE_STEPS` steps on pixels of mosaics and patches its MLP.
    """
    config = batches.config
    drawn = [batches.render(np.random.default_rng([config.seed, 0, n]), BANDS) for n in range(GUIDE_BATCHES)]
    pixels = [_pixels(patches) for patches in drawn]
    rgb, truth, _ = (torch.cat(parts) for parts in zip(*pixels, strict=True))
    base = np.linalg.lstsq(rgb.double().numpy(), truth.double().numpy(), rcond=None)[0].T
    guide.base.data.copy_(torch.from_numpy(base.round(4)))  # rounded, or its last bits would differ from run to run
    rng = np.random.default_rng([config.seed, 1])
    optimizer = torch.optim.AdamW(guide.parameters(), weight_decay=config.weight_decay)
    position = torch.linspace(0, 1, guide.knots)
    for step in range(GUIDE_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = GUIDE_RATE * (1 - step / GUIDE_STEPS)
        rgb, truth, brightness = pixels[rng.integers(len(pixels))]
        some = torch.from_numpy(rng.integers(len(rgb), size=GUIDE_PIXELS))
        answer = guide(rgb[some].T[None, :, None], position)[0, :, 0].T
        loss = ((answer - truth[some]).square() / (brightness[some] + DARK)).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def _pixels(patches: Patches) -> tuple[Tensor, Tensor, Tensor]:
    """Colours (N, 3), spectra (N, L) and brightness (N, 1) of all pixels."""
    parts = (patches.rgb, patches.truth, patches.brightness)
    colours, spectra, brightness = (torch.from_numpy(np.moveaxis(p, 1, -1).reshape(-1, p.shape[1])) for p in parts)
    return colours, spectra, brightness


def loss_of(network: NeSR, patches: Patches, config: TrainingConfig, step: int) -> Tensor:
    """The loss of one step, over a window of every patch.

    The squared error is weighted with one over brightness, as between RMSE, which sees only what is bright, and MRAE
    (equation 6), which sees only what is dark; and it makes the network learn a mean of the spectra that may have a
    colour, not a median wavelength by wavelength. The colour term compares the spectra, photographed, with the input
    where that is faithful.

    The attention map comes from a lattice over the whole patch, as it does over an image, without a gradient through
    its tokens: Q, K and the temperature learn from it, the tokens learn through the values. The map is a matrix of
    cosines, so fewer pixels estimate the same one, and the gradient would double the cost of a step.
    """
    rgb = torch.from_numpy(patches.rgb)
    y, x = np.random.default_rng([config.seed, step, 1]).integers(rgb.shape[2] - config.window + 1, size=2)
    stride = rgb.shape[2] // CONTEXT_LATTICE
    with torch.autocast(rgb.device.type, torch.bfloat16):
        features, inside = framed(network.encode(rgb))
        with torch.no_grad():
            tokens = network.context_tokens(lattice(features, stride), lattice(inside, stride))
        attention = network.nam.attention(network.nam.correlations(tokens))

        def answer(size: int, nm: npt.NDArray[np.float64]) -> tuple[Tensor, tuple[Any, ...]]:
            """The spectra (B, L, size, size) of the window's corner, and where that is."""
            rows, cols = slice(y, y + size), slice(x, x + size)
            around = (..., slice(y, y + size + 2 * HALO), slice(x, x + size + 2 * HALO))
            asked = torch.tensor(nm, dtype=torch.float32)
            window = rgb[..., rows, cols]
            return network.decode(features[around], window, attention, asked, inside[around]).float(), (..., rows, cols)

        prediction, where = answer(config.window, patches.nm)
        corner, corner_at = answer(COLOUR_WINDOW, BANDS) if config.colour else (prediction, where)
    truth = torch.from_numpy(patches.truth[where])
    brightness = torch.from_numpy(patches.brightness) + DARK  # not the camera's: what it cannot see is no small error
    loss = config.squared * ((prediction - truth).square() / brightness[where]).mean()
    if config.relative:
        loss = loss + config.relative * metrics.mrae(prediction, truth)
    if config.colour:
        camera = torch.tensor(colorimetry.default_camera(), dtype=torch.float32)
        difference = torch.einsum("cl,blyx->bcyx", camera, corner) - rgb[corner_at]
        difference = difference * torch.from_numpy(patches.faithful[corner_at])
        loss = loss + config.colour * (difference.square() / brightness[corner_at]).mean()
    return loss


def rate_at(config: TrainingConfig, step: int) -> float:
    """The learning rate at a step."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / config.steps))
    return config.rate * min(1.0, (step + 1) / 200) * (0.01 + 0.99 * cosine)


class Trainer:
    """A run in a folder: `state.pt` holds what resuming needs, `config.json` what the run is."""

    def __init__(self, network_config: NeSRConfig, config: TrainingConfig, batches: Batches, folder: Path) -> None:
        self.config, self.batches, self.folder = config, batches, folder
        torch.manual_seed(config.seed)
        self.network = NeSR(network_config).train()
        self.averaged = NeSR(network_config).eval()
        self.optimizer = torch.optim.AdamW(self.network.parameters(), weight_decay=config.weight_decay)
        self.step = 0
        self._check_folder({"network": asdict(network_config), "training": asdict(config)})
        if self._state.exists():
            self._resume()
            return
        if network_config.output == "anchored":
            fit_guide(self.network.guide, batches)
        self.averaged.load_state_dict(self.network.state_dict())

    @property
    def _state(self) -> Path:
        return self.folder / "state.pt"

    def _check_folder(self, config: dict[str, object]) -> None:
        """A folder is one run: to resume it with other settings would be neither the old run nor a new one."""
        path, text = self.folder / "config.json", json.dumps(config, indent=1)
        if path.exists() and path.read_text() != text:
            raise ValueError(
                f"{self.folder} holds a run with other settings; name another folder, or repeat its settings"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(text)

    def run(self) -> Iterator[Step]:
        """Train to the end, yielding every step; saves every few minutes and when it ends or is closed."""
        began = saved = time.monotonic()
        try:
            while self.step < self.config.steps:
                loss = self._advance()
                if time.monotonic() - saved > SAVE_SECONDS:
                    self.save()
                    saved = time.monotonic()
                yield Step(self.step, loss, time.monotonic() - began)
        finally:
            self.save()

    def _advance(self) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(self.config, self.step)
        loss = loss_of(self.network, self.batches.draw(self.step), self.config, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self.config.averaging, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, new in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(new, 1 - keep)
        return float(loss.detach())

    def save(self) -> None:
        """Write what resuming needs, replacing what was there."""
        state = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }
        with replacing(self._state) as temporary:
            torch.save(state, temporary)

    def _resume(self) -> None:
        state = torch.load(self._state, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])
