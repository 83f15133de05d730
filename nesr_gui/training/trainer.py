"""Training of one network within a budget, on one device or several, with exact resumption.

Step n of a run depends on the seed and n alone. With a budget of steps on one CPU, an interrupted and resumed run
therefore ends with exactly the weights of an uninterrupted one.
"""

from __future__ import annotations

import copy
import io
import json
import math
import re
import signal
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nesr_gui.io.atomic import atomic_write
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import Network, build
from nesr_gui.training.closed_form import start_linear_skip
from nesr_gui.training.devices import Devices
from nesr_gui.training.loss import LossConfig, TrainingLoss
from nesr_gui.training.provenance import check_run, claim_run
from nesr_gui.training.sampler import PatchSampler, SamplerConfig
from nesr_gui.training.vital_signs import VitalSigns, vital_signs

STATE, RECORD = "state.pt", "config.json"
SAVE_SECONDS = 180.0
LOGGED_STEPS = 50  # whose mean loss is one line of losses.csv
GROWTH = 100.0  # of that mean over the first one, from which on a run has diverged
CHECK_STEPS = 250  # between two checks of the vital signs
CHECK_PATCHES = 2**31 - 1  # the step whose patches every check uses; no run reaches it
WARM_UP = 200  # steps of `nesr-gui train` over which the learning rate rises
SURROUNDINGS = ("encoder", "spi", "nam", "gather")  # parts of a factorised network that learn more slowly


class FailedRun(ValueError):
    """Training ended without a usable network."""


class DivergedRun(FailedRun):
    """The loss is no longer a finite number, or has grown out of bounds."""


class ConstantNetwork(FailedRun):
    """The network does not depend on its input: units are dead, or it predicts a constant."""


@dataclass(frozen=True)
class Budget:
    """A number of steps, or seconds of training; the default is the paper's 300,000 steps.

    On a CPU these are seconds of the processor, so that two runs on a busy machine have had the same. Those of all
    threads add up. On a GPU they are seconds of the clock. Checks and files do not count.
    """

    steps: int | None = 300_000
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `paper`, `hours=H` or `steps=N`.

        Raises:
            ValueError: the text has another form.
        """
        match = re.fullmatch(r"(hours|steps)=(\d+(?:\.\d+)?|\.\d+)", text)
        if text == "paper":
            return cls()
        if match and match[1] == "hours" and float(match[2]) > 0:
            return cls(None, float(match[2]) * 3600)
        if match and match[1] == "steps" and match[2].isdigit() and int(match[2]) > 0:
            return cls(int(match[2]))
        raise ValueError(f"cannot read the budget {text!r}; write paper, hours=1.5 or steps=2000")

    def spent(self, steps: int, seconds: float) -> float:
        """The fraction of the budget that is spent, at most 1."""
        share = steps / self.steps if self.steps else seconds / (self.seconds or 1)
        return min(share, 1.0)

    def __str__(self) -> str:
        return f"{self.steps:,} steps" if self.steps else f"{(self.seconds or 0) / 3600:g} hours"


@dataclass(frozen=True)
class OptimizerConfig:
    """Budget, learning rate and regularisation of a run; the optimiser is AdamW, with no weight decay plain Adam.

    Args:
        budget: when the run ends.
        rate: the initial learning rate.
        halvings: how often the rate is halved, evenly over the run; None for a cosine that ends at a hundredth.
        warm_up: steps over which the rate rises linearly.
        slow_rate: rate of the parts in `SURROUNDINGS`, and of networks that have no such parts, relative to `rate`.
        ramp: steps over which the rate of the parts in `SURROUNDINGS` rises further.
        weight_decay: decoupled weight decay.
        clip: largest norm of the gradient; None for no limit.
        averaging: decay per step of the exponential mean of the weights that the model keeps; 0 for the last weights.
        grace: steps before which no check of the vital signs ends the run; None to judge the network only at the end.
    """

    budget: Budget
    rate: float
    halvings: int | None = None
    warm_up: int = 0
    slow_rate: float = 1.0
    ramp: int = 0
    weight_decay: float = 0.0
    clip: float | None = None
    averaging: float = 0.0
    grace: int | None = None

    def rate_at(self, step: int, spent: float) -> float:
        """The learning rate at a step, when a fraction of the budget is spent."""
        if self.halvings is None:
            share = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * spent))
        else:
            share = 0.5 ** int(self.halvings * spent)
        return self.rate * share * (min(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0)


@dataclass(frozen=True)
class TrainingConfig(LossConfig):
    """One run of `nesr-gui train`: its loss, its optimiser and its patches.

    Args:
        steps: steps of the run.
        rate: the initial learning rate, which falls to a hundredth along a cosine.
        encoder_rate: see `OptimizerConfig.slow_rate`.
        ramp: see `OptimizerConfig`; a network must learn to read the colour before it reads the surroundings.
        weight_decay: see `OptimizerConfig`.
        averaging: see `OptimizerConfig`.
        seed: of the initial weights and the patches.
        sampler: composition of the patches.
    """

    squared: float = 20.0
    relative: float = 0.3
    angle: float = 3.0
    colour: float = 20.0
    pixels: int | None = 1_024
    window: int = 10
    wavelengths: int = 8
    blind: float = 0.1
    steps: int = 10_000
    rate: float = 2e-3
    encoder_rate: float = 0.1
    ramp: int = 1_000
    weight_decay: float = 1e-4
    averaging: float = 0.999
    seed: int = 0
    sampler: SamplerConfig = field(default_factory=SamplerConfig)

    def optimizer(self, network: Any) -> OptimizerConfig:
        """How a network with these settings is optimised.

        NeSR starts as a near-constant: at the paper's initialisation its last layers hardly depend on the features. It
        may take most of the run to leave that state, so it is judged only at the end.
        """
        return OptimizerConfig(
            budget=Budget(self.steps),
            rate=self.rate,
            warm_up=WARM_UP,
            slow_rate=self.encoder_rate,
            ramp=self.ramp,
            weight_decay=self.weight_decay,
            clip=1.0,
            averaging=self.averaging,
            grace=None if isinstance(network, NeSRConfig) else WARM_UP + self.ramp,
        )


@dataclass(frozen=True)
class Step:
    """A completed step of training.

    Args:
        number: completed steps of the run.
        loss: the loss of this step.
        mean_loss: exponential mean of the loss since this process started.
        signs: the vital signs, if they were measured after this step.
    """

    number: int
    loss: float
    mean_loss: float
    signs: VitalSigns | None = None


@contextmanager
def deferred_interrupt() -> Iterator[None]:
    """Delays Ctrl-C and SIGTERM to the end of a block that must not be left half done.

    Only the main thread receives them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda number, _: received.append(number)) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    if received:
        signal.raise_signal(received[0])


class Trainer:
    """Trains a network in a folder, resuming the run that the folder holds.

    `state.pt` holds everything needed to resume, `losses.csv` the loss, and `vital_signs.jsonl` the vital signs.
    `network` holds the latest weights and `averaged` those that the model keeps.
    """

    def __init__(self, loss: TrainingLoss, config: OptimizerConfig, folder: Path, devices: Devices) -> None:
        self.config, self.folder, self.devices = config, folder, devices
        self.network: Network = loss.network.to(devices.device).train()
        self.sampler = loss.sampler
        self.averaged = copy.deepcopy(self.network).eval() if config.averaging else self.network
        groups, self._scales = self._parameter_groups()
        optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay, capturable=self._graphed)
        self.loss, self.optimizer = devices.setup(loss, optimizer)
        self.step, self.seconds, self.losses = 0, 0.0, list[tuple[int, float]]()
        self._latest = torch.zeros((), device=devices.device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._warm_steps = 0  # before the step that the graph records
        if self._state.exists():
            self._resume()

    @property
    def spent(self) -> float:
        """The fraction of the budget that is spent, at most 1."""
        return self.config.budget.spent(self.step, self.seconds)

    def run(self) -> Generator[Step]:
        """Train until the budget is spent, yielding every step.

        The state is saved every `SAVE_SECONDS`, at the end, and when the iterator is closed. A step that has begun is
        completed before Ctrl-C or SIGTERM ends the run.

        Raises:
            DivergedRun: the loss is not a finite number, before which the state is kept, or has grown to `GROWTH` times
                what it was at first, also in a run that ended so before.
            ConstantNetwork: a check of the vital signs failed at the end, or earlier but after the period of grace.
        """
        self._check_growth()
        if self.spent == 1:  # the process ended before the model was written
            self._check()
            return
        saved = time.monotonic()
        recent: list[float] = []
        loss, mean = 0.0, None
        try:
            while self.spent < 1:
                with deferred_interrupt():
                    began = self._clock()
                    loss = self._advance()
                    seconds = self.seconds + self._clock() - began
                    if not math.isfinite(loss):
                        raise self._diverged()
                    self.seconds = self.devices.broadcast(seconds)  # all devices stop at the same step
                    recent.append(loss)
                    mean = loss if mean is None else mean + 0.02 * (loss - mean)
                    if len(recent) == LOGGED_STEPS or self.spent == 1:
                        self.losses.append((self.step, self.devices.broadcast(sum(recent) / len(recent))))
                        recent.clear()
                self._check_growth()
                signs = self._check() if self.step % CHECK_STEPS == 0 or self.spent == 1 else None
                if time.monotonic() - saved > SAVE_SECONDS:
                    self.save()
                    saved = time.monotonic()
                yield Step(self.step, loss, mean, signs)
        finally:
            if math.isfinite(loss):
                self.save()

    def _check_growth(self) -> None:
        if self.losses and self.losses[-1][1] > GROWTH * self.losses[0][1]:
            raise self._diverged()

    def _diverged(self) -> DivergedRun:
        return DivergedRun(f"{self.folder.name} diverged at step {self.step}; choose a lower --rate and another folder")

    def save(self) -> None:
        """Write everything needed to resume, replacing the previous state."""
        if not self.devices.is_main:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        if self.config.averaging:
            state["averaged"] = self.averaged.state_dict()
        state |= {"step": self.step, "seconds": self.seconds, "losses": self.losses}
        content = io.BytesIO()  # torch.save would name no reason if the disk is full
        torch.save(state, content)
        with atomic_write(self._state) as temporary:
            temporary.write_bytes(content.getbuffer())
        with atomic_write(self.folder / "losses.csv") as temporary:
            lines = "".join(f"{step},{loss:.6f}\n" for step, loss in self.losses)
            temporary.write_text(f"step,loss\n{lines}")

    @property
    def _state(self) -> Path:
        return self.folder / STATE

    def _resume(self) -> None:
        state = torch.load(self._state, map_location=self.devices.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        if self.config.averaging:
            self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = int(state["step"]), float(state.get("seconds", 0.0))
        self.losses = list(state.get("losses", []))

    def _parameter_groups(self) -> tuple[list[dict[str, Any]], list[tuple[float, int]]]:
        """Parameters by learning rate, and for each group its rate relative to the schedule and its ramp in steps."""
        factorised = isinstance(self.network, FactorisedNeSR)
        slow: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in self.network.named_parameters():
            (slow if not factorised or name.split(".")[0] in SURROUNDINGS else rest).append(parameter)
        scales = [(self.config.slow_rate, self.config.ramp if rest else 0), (1.0, 0)]
        # A recorded step reads the rate from a tensor on the device.
        rate = torch.zeros((), device=self.devices.device) if self._graphed else 0.0
        groups = [{"params": part, "lr": copy.deepcopy(rate)} for part in (slow, rest)]
        kept = [index for index, group in enumerate(groups) if group["params"]]
        return [groups[index] for index in kept], [scales[index] for index in kept]

    def _clock(self) -> float:
        """Seconds as a budget counts them, from any start."""
        return time.process_time() if self.devices.device.type == "cpu" else time.monotonic()

    def _advance(self) -> float:
        """One step; returns its loss."""
        rate = self.config.rate_at(self.step, self.spent)
        for group, (scale, ramp) in zip(self.optimizer.param_groups, self._scales, strict=True):
            own = rate * scale * (min(1.0, (self.step + 1) / ramp) if ramp else 1.0)
            if self._graphed:
                group["lr"].fill_(own)
            else:
                group["lr"] = own
        self.sampler.seek(self.step)
        if self._graphed:
            self._replay()
        else:
            self._update()
        self.step += 1
        if self.config.averaging:
            keep = min(self.config.averaging, self.step / (self.step + 10))
            with torch.no_grad():
                torch._foreach_lerp_(list(self.averaged.parameters()), list(self.network.parameters()), 1 - keep)
        return float(self._latest)

    def _update(self) -> None:
        """Draw a batch, compute the loss and its gradient, and update the weights."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.sampler.draw())
        self.devices.backward(loss)
        if self.config.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        self.optimizer.step()
        self._latest.copy_(loss.detach())

    @property
    def _graphed(self) -> bool:
        """Whether a step is recorded as a CUDA graph: launching its few hundred kernels takes longer than they do."""
        return self.devices.device.type == "cuda" and isinstance(self.network, FactorisedNeSR)

    def _replay(self) -> None:
        """A step on a GPU, recorded as a graph at the fourth."""
        if self._graph is None:
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                self._update()
            torch.cuda.current_stream().wait_stream(stream)
            self._warm_steps += 1
            if self._warm_steps < 3:
                return
            self._graph = torch.cuda.CUDAGraph()
            self._graph.register_generator_state(self.sampler.generator)
            with torch.cuda.graph(self._graph):
                self._update()
            return
        self._graph.replay()

    def _check(self) -> VitalSigns:
        """Measure the vital signs on patches that are the same in every check, and record them.

        Raises:
            ConstantNetwork: the network fails at the end of the run, or after the period of grace.
        """
        self.sampler.seek(CHECK_PATCHES)
        signs = self.devices.broadcast(vital_signs(self.network, self.sampler.draw()))
        if self.devices.is_main:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "vital_signs.jsonl").open("a") as file:
                file.write(json.dumps({"step": self.step, **asdict(signs)}) + "\n")
        judged = self.spent == 1 or (self.config.grace is not None and self.step >= self.config.grace)
        if judged and (trouble := signs.trouble):
            raise ConstantNetwork(f"{trouble} after {self.step} steps; lower the learning rate or change the seed")
        return signs


def start_training(
    network_config: Any,
    config: TrainingConfig,
    sampler: PatchSampler,
    folder: Path,
    start: Network | None = None,
    data: Mapping[str, Any] | None = None,
) -> Trainer:
    """The trainer of a run of `nesr-gui train`, new or resumed.

    Args:
        network_config: settings of the network.
        config: settings of the run.
        sampler: draws the patches, on the device that trains.
        folder: the folder of the run.
        start: a network with the same settings that gives the initial weights of a new run; by default they are
            random, except that the linear part of a network starts with the least-squares answer to colours.
        data: what the patches and the initial weights are from, as the folder records it.

    Raises:
        ValueError: the folder holds a run with other settings or data.
    """
    training = asdict(config)
    del training["precision"]  # the device determines it, and a run may be resumed on another one
    record = {"network": asdict(network_config), "training": training, **(data or {})}
    check_run(folder / RECORD, record)
    claim_run(folder / RECORD, record)
    torch.manual_seed(config.seed)
    network = build(network_config).to(sampler.device)
    if start is not None:
        network.load_state_dict(start.state_dict())
    elif isinstance(network, FactorisedNeSR):
        network.basis.linear.data.copy_(least_squares(sampler, config.seed))
    else:
        start_linear_skip(network, sampler)
    loss = TrainingLoss(network, sampler, config)
    return Trainer(loss, config.optimizer(network_config), folder, Devices(sampler.device))


def least_squares(sampler: PatchSampler, seed: int, count: int = 30_000) -> Tensor:
    """The matrix (31, 3) that takes linear RGB to spectra with the least squared error over `count` training pixels.

    It is rounded to four decimals, because its last bits differ from run to run.
    """
    spectra = sampler.table.pixels(count, sampler.generator.manual_seed(seed)).double()
    colours = (spectra @ sampler.camera.double().T).clamp_min(0)
    normal = colours.T @ colours + 1e-3 * torch.eye(3, dtype=torch.double, device=colours.device)
    return torch.linalg.solve(normal, colours.T @ spectra).T.float().round(decimals=4)
