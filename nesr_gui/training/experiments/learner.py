"""One network trained within a budget: on one device or, where Fabric's launcher says so, on several.

Step n depends on the seed and n alone, so on one device, with a budget of steps, a run that was interrupted ends with
the weights of one that was not. Each of several devices takes its part of every batch: the batch stays the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nesr_gui import metrics
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.io.atomic import atomic_write
from nesr_gui.networks.nesr import NeSR, framed
from nesr_gui.networks.registry import Network, build
from nesr_gui.networks.spi import HALO, lattice
from nesr_gui.training.closed_form import FITTED, fitted
from nesr_gui.training.experiments.crops import Batch, Crops
from nesr_gui.training.experiments.definitions import Settings
from nesr_gui.training.experiments.fitting import known
from nesr_gui.training.experiments.plan import Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SAVE_SECONDS = 180.0
CONTEXT_LATTICE = 4  # by 4 pixels of a crop make its attention map where not all of it is decoded
LOGGED = 50  # steps whose mean loss is one line of the log
MODEL = "model.safetensors"


class Answering(nn.Module):
    """A network as training asks it: at some wavelengths, in a window or everywhere."""

    def __init__(self, network: Network, window: int) -> None:
        super().__init__()
        self.network, self.window = network, window

    def forward(self, image: Tensor, nm: Tensor, y: int, x: int) -> Tensor:
        """(B, L, h, w) of an image (B, C, H, W), in the window whose corner is y, x where it has one."""
        if not isinstance(self.network, NeSR):
            answer: Tensor = self.network(image)
            return answer
        if not self.window:
            return self.network(image, nm)
        features, inside = framed(self.network.encode(image))
        attention = None
        if self.network.has_context:
            stride = max(image.shape[2] // CONTEXT_LATTICE, 1)
            with torch.no_grad():  # the map is one of cosines: it learns from Q and K, the tokens through the values
                tokens = self.network.context_tokens(lattice(features, stride), lattice(inside, stride))
            attention = self.network.nam.attention(self.network.nam.correlations(tokens))
        around = (..., slice(y, y + self.window + 2 * HALO), slice(x, x + self.window + 2 * HALO))
        seen = image[..., y : y + self.window, x : x + self.window]
        return self.network.decode(features[around], seen, self.network.query(nm, attention), inside[around])


class Learner:
    """A run in a folder: `state.pt` holds what resuming needs, `losses.csv` how it went."""

    def __init__(self, task: Task, crops: Crops, settings: Settings, folder: Path, fabric: Fabric) -> None:
        if settings.batch % fabric.world_size:
            raise ValueError(
                f"a batch of {settings.batch} cannot be shared by {fabric.world_size} devices; change one of them"
            )
        self.task, self.crops, self.settings, self.folder, self.fabric = task, crops, settings, folder, fabric
        torch.manual_seed(task.seed)
        self.network = build(task.config).train()
        optimizer = torch.optim.Adam(self.network.parameters(), lr=settings.rate, betas=(0.9, 0.999))
        self.module, self.optimizer = fabric.setup(Answering(self.network, settings.window), optimizer)
        self.step, self.seconds, self.losses = 0, 0.0, list[tuple[int, float]]()
        if self._state.exists():
            self._resume()

    @property
    def _state(self) -> Path:
        return self.folder / "state.pt"

    @property
    def spent(self) -> float:
        """The share of the budget that is spent."""
        return self.settings.budget.spent(self.step, self.seconds)

    def run(self) -> Generator[float]:
        """Train until the budget is spent, yielding the loss; saves every few minutes and when it ends or is closed."""
        began, saved = time.monotonic() - self.seconds, time.monotonic()
        recent: list[float] = []
        try:
            while self.spent < 1:
                recent.append(self._advance())
                self.seconds = self.fabric.broadcast(time.monotonic() - began)  # all devices stop at the same step
                if len(recent) == LOGGED or self.spent == 1:
                    self.losses.append((self.step, float(np.mean(recent))))
                    recent.clear()
                if time.monotonic() - saved > SAVE_SECONDS:
                    self._save()
                    saved = time.monotonic()
                yield self.losses[-1][1] if self.losses else float(np.mean(recent))
        finally:
            self._save()

    def finish(self, provenance: dict[str, str]) -> None:
        """Write the model, once the budget is spent."""
        if self.fabric.is_global_zero:
            save_checkpoint(self.folder / MODEL, self.network.eval().cpu(), provenance)

    def _advance(self) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate_at(self.spent)
        nm = self.task.wavelengths(self.step, self.settings.decoded)
        share = self.settings.batch // self.fabric.world_size
        start = share * self.fabric.global_rank
        batch = self.crops.draw(self.step, nm, self.task.inputs, slice(start, start + share))
        loss = self._loss(batch, nm)
        if not math.isfinite(value := float(loss.detach())):
            raise ValueError(f"{self.task.name} diverged at step {self.step}; choose a lower --rate and another folder")
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.optimizer.step()
        self.step += 1
        return value

    def _loss(self, batch: Batch, nm: npt.NDArray[np.float64]) -> Tensor:
        """MRAE, equation (6)."""
        image, truth = (self.fabric.to_device(torch.from_numpy(part)) for part in (batch.image, batch.truth))
        window = self.settings.window if isinstance(self.network, NeSR) else 0
        rng = np.random.default_rng([self.task.seed, self.step, 2])
        y, x = (int(at) for at in rng.integers(self.settings.patch - window + 1, size=2)) if window else (0, 0)
        prediction = self.module(image, torch.tensor(nm, dtype=torch.float32, device=image.device), y, x)
        if window:
            truth = truth[..., y : y + window, x : x + window]
        loss: Tensor = metrics.mrae(prediction.float(), truth)
        return loss

    def _save(self) -> None:
        if not self.fabric.is_global_zero:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        state |= {"step": self.step, "seconds": self.seconds, "losses": self.losses}
        with atomic_write(self._state) as temporary:
            torch.save(state, temporary)
        with atomic_write(self.folder / "losses.csv") as temporary:
            lines = "".join(f"{step},{loss:.6f}\n" for step, loss in self.losses)
            temporary.write_text(f"step,MRAE\n{lines}")

    def _resume(self) -> None:
        state = torch.load(self._state, weights_only=True, map_location=self.fabric.device)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.losses = state["step"], state["seconds"], state["losses"]


def learned(
    task: Task, crops: Crops, settings: Settings, folder: Path, fabric: Fabric, provenance: dict[str, str],
    report: Callable[[str, float], None],
) -> Path:  # fmt: skip
    """The model of a task, as it is in `folder`, or trained until the budget is spent; `report` hears of each step."""
    if isinstance(task.config, FITTED):
        if fabric.is_global_zero and not (folder / MODEL).exists():
            save_checkpoint(folder / MODEL, fitted(task.config, partial(known, crops), task.seed), provenance)
        fabric.barrier()
        return folder / MODEL
    learner = Learner(task, crops, settings, folder, fabric)
    if not (folder / MODEL).exists() or learner.spent < 1:
        with closing(learner.run()) as run:  # so that Ctrl-C saves
            for loss in run:
                report(f"{task.name}, MRAE {loss:.4f}", learner.spent)
        learner.finish(provenance | {"steps": str(learner.step), "hours": f"{learner.seconds / 3600:.3f}"})
    fabric.barrier()
    return folder / MODEL
