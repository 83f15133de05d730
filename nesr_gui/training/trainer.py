"""Training: a loop that yields what happened, can stop between any two steps, and resumes exactly where it was.

Step n of a run depends on nothing but the seed and n: its patches come from a generator seeded with both, so a run
that was interrupted ends with the weights of one that was not.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.io.atomic import atomic_write
from nesr_gui.networks.nesr import NeSR, framed
from nesr_gui.networks.registry import Network, build
from nesr_gui.networks.spi import HALO, lattice
from nesr_gui.training.colour_prior import DARK, fit_guide
from nesr_gui.training.sampler import Batches, TrainingConfig
from nesr_gui.training.synthesis import BANDS, Patches

SAVE_SECONDS = 180.0
CONTEXT_LATTICE = 4  # by 4 pixels of a patch make its attention map
COLOUR_WINDOW = 4  # pixels along a side of what is decoded at all bands to compare its colour


@dataclass(frozen=True)
class Step:
    """What one step did."""

    number: int  # steps done
    loss: float
    seconds: float  # since this process began


def loss_of(network: Network, patches: Patches, config: TrainingConfig, step: int) -> Tensor:
    """The loss of one step, over a window of every patch, or all of it where a network answers at fixed bands."""
    if isinstance(network, NeSR):
        return _continuous_loss(network, patches, config, step)
    with torch.autocast("cpu", torch.bfloat16):
        prediction = network(torch.from_numpy(patches.rgb)).float()
    between = np.stack([np.interp(BANDS, patches.nm, unit) for unit in np.eye(len(patches.nm))], axis=1)
    coloured = torch.einsum("kl,blyx->bkyx", torch.tensor(between, dtype=torch.float32), prediction)
    return _error(prediction, coloured, patches, (...,), (...,), config)


def _continuous_loss(network: NeSR, patches: Patches, config: TrainingConfig, step: int) -> Tensor:
    """The loss of NeSR at the wavelengths of a step, over a window of every patch.

    The attention map comes from a lattice over the whole patch, as it does over an image, without a gradient through
    its tokens: Q, K and the temperature learn from it, the tokens learn through the values. The map is a matrix of
    cosines, so fewer pixels estimate the same one, and the gradient would double the cost of a step.
    """
    rgb = torch.from_numpy(patches.rgb)
    y, x = np.random.default_rng([config.seed, step, 1]).integers(rgb.shape[2] - config.window + 1, size=2)
    stride = rgb.shape[2] // CONTEXT_LATTICE
    attention = None
    with torch.autocast(rgb.device.type, torch.bfloat16):
        features, inside = framed(network.encode(rgb))
        if network.has_context:
            with torch.no_grad():
                tokens = network.context_tokens(lattice(features, stride), lattice(inside, stride))
            attention = network.nam.attention(network.nam.correlations(tokens))

        def answer(size: int, nm: npt.NDArray[np.float64]) -> tuple[Tensor, tuple[Any, ...]]:
            """The spectra (B, L, size, size) of the window's corner, and where that is."""
            rows, cols = slice(y, y + size), slice(x, x + size)
            around = (..., slice(y, y + size + 2 * HALO), slice(x, x + size + 2 * HALO))
            asked = torch.tensor(nm, dtype=torch.float32)
            window = rgb[..., rows, cols]
            query = network.query(asked, attention)
            return network.decode(features[around], window, query, inside[around]).float(), (..., rows, cols)

        prediction, where = answer(config.window, patches.nm)
        corner, corner_at = answer(COLOUR_WINDOW, BANDS) if config.colour else (prediction, where)
    return _error(prediction, corner, patches, where, corner_at, config)


def _error(
    prediction: Tensor,
    coloured: Tensor,
    patches: Patches,
    where: tuple[Any, ...],
    coloured_at: tuple[Any, ...],
    config: TrainingConfig,
) -> Tensor:
    """How far a prediction (B, L, h, w) of a part of the patches is off, and the colour of one (B, 31, h', w').

    The squared error is weighted with one over brightness, as between RMSE, which sees only what is bright, and MRAE
    (equation 6), which sees only what is dark; and it makes the network learn a mean of the spectra that may have a
    colour, not a median wavelength by wavelength. The colour term compares the spectra, photographed, with the input
    where that is faithful.
    """
    truth = torch.from_numpy(patches.truth[where])
    brightness = torch.from_numpy(patches.brightness) + DARK  # not the camera's: what it cannot see is no small error
    loss = config.squared * ((prediction - truth).square() / brightness[where]).mean()
    if config.relative:
        loss = loss + config.relative * metrics.mrae(prediction, truth)
    if config.colour:
        camera = torch.tensor(cie.default_camera(), dtype=torch.float32)
        seen = torch.einsum("cl,blyx->bcyx", camera, coloured) - torch.from_numpy(patches.rgb[coloured_at])
        seen = seen * torch.from_numpy(patches.faithful[coloured_at])
        loss = loss + config.colour * (seen.square() / brightness[coloured_at]).mean()
    return loss


def rate_at(config: TrainingConfig, step: int) -> float:
    """The learning rate at a step."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / config.steps))
    return config.rate * min(1.0, (step + 1) / 200) * (0.01 + 0.99 * cosine)


class Trainer:
    """A run in a folder: `state.pt` holds what resuming needs, `config.json` what the run is."""

    def __init__(self, network_config: Any, config: TrainingConfig, batches: Batches, folder: Path) -> None:
        self.config, self.batches, self.folder = config, batches, folder
        torch.manual_seed(config.seed)
        self.network = build(network_config).train()
        self.averaged = build(network_config).eval()
        self.optimizer = torch.optim.AdamW(self.network.parameters(), weight_decay=config.weight_decay)
        self.step = 0
        self._check_folder({"network": asdict(network_config), "training": asdict(config)})
        if self._state.exists():
            self._resume()
            return
        if isinstance(self.network, NeSR) and self.network.config.output == "anchored":
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
        with atomic_write(path) as temporary:
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
        at = None if isinstance(self.network, NeSR) else np.array(self.network.bands)
        loss = loss_of(self.network, self.batches.draw(self.step, at), self.config, self.step)
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
        with atomic_write(self._state) as temporary:
            torch.save(state, temporary)

    def _resume(self) -> None:
        state = torch.load(self._state, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])
