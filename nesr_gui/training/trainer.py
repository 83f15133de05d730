"""Training: a loop that yields what happened, can stop between any two steps, and resumes exactly where it was.

Step n of a run depends on nothing but the seed and n: its patches come from a generator seeded with both, so a run
that was interrupted ends, on a processor, with the weights of one that was not.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.io.atomic import atomic_write
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSR, framed
from nesr_gui.networks.registry import Network, build
from nesr_gui.networks.spi import HALO, lattice
from nesr_gui.training.sampler import Batch, PatchSampler, SamplerConfig
from nesr_gui.training.vital_signs import VitalSigns, vital_signs

SAVE_SECONDS = 180.0
DARK = 0.02  # added to brightness where an error is divided by it, and mean truth from which on an angle counts
EPSILON = 1e-3  # of MRAE, equation (6)
WARM_UP = 200  # steps
CONTEXT_LATTICE = 4  # by 4 pixels of a patch make the attention map of the paper's network
CHECK_STEPS = 250  # between two looks at whether the network lives
SURROUNDINGS = ("encoder", "spi", "nam", "gather")  # parts of a factorised network that learn more slowly


@dataclass(frozen=True)
class TrainingConfig:
    """One run. The paper's own schedule is MRAE, Adam at 1e-4 halved every 20,000 of 300,000 steps."""

    steps: int = 10_000
    rate: float = 2e-3  # learning rate, after a warm-up; falls to a hundredth along a cosine
    encoder_rate: float = 0.1  # of what sees the surroundings, and of other networks, relative to that
    ramp: int = 1_000  # steps over which what sees the surroundings gathers speed; the colour must be learned first
    weight_decay: float = 1e-4
    squared: float = 20.0  # weight of the squared error over brightness
    relative: float = 0.3  # weight of MRAE, the paper's loss
    angle: float = 3.0  # weight of 1 - cosine of the spectral angle
    colour: float = 20.0  # weight of the squared difference of the re-rendered colour over brightness
    averaging: float = 0.999  # of the weights that are kept, an exponential mean over steps
    pixels: int = 1_024  # of each patch that are compared with the truth
    between: int = 8  # wavelengths between the bands that are compared with the truth, where a network answers there
    window: int = 10  # pixels along a side that the paper's network decodes per step
    wavelengths: int = 8  # that it decodes per step
    blind: float = 0.1  # share of photographs whose surroundings are hidden, so that the colour alone suffices
    seed: int = 0
    sampler: SamplerConfig = field(default_factory=SamplerConfig)


class ConstantNetwork(ValueError):
    """The network has stopped to depend on the photograph: going on would waste hours."""


@dataclass(frozen=True)
class Step:
    """What one step did; `signs` are of every so many steps."""

    number: int  # steps done
    loss: float
    seconds: float  # since this process began
    signs: VitalSigns | None = None


class Loss:
    """How far a network is off on a batch: squared error over brightness, MRAE, angle, and colour.

    The squared error is weighted with one over brightness, as between RMSE, which sees only what is bright, and MRAE
    (equation 6), which sees only what is dark; it makes the network learn a mean of the spectra that may have a colour.
    The colour term compares the spectra, photographed, with the input where that is faithful.
    """

    def __init__(self, sampler: PatchSampler, config: TrainingConfig) -> None:
        self.sampler, self.config, self.table = sampler, config, sampler.table
        self.device = sampler.device
        self.bands = torch.arange(0, 301, 10, device=self.device)  # rows of the table of interpolation, one per nm

    def __call__(self, network: Network, batch: Batch) -> Tensor:
        """The loss, a number; takes random numbers from the sampler's generator."""
        if isinstance(network, FactorisedNeSR):
            return self._of_factorised(network, batch)
        if isinstance(network, NeSR):
            return self._of_nesr(network, batch)
        with self._autocast():
            answer = network(batch.rgb).float().permute(0, 2, 3, 1)
        rows = torch.tensor(network.bands, device=self.device).sub(400).round().long()
        taken = self._some(batch)
        truth, target = taken(batch.truth), taken(batch.truth) @ self.table.interpolation[rows].T
        if len(rows) != len(self.bands):  # the camera has no sensitivities for other bands
            return self._error(taken(answer), target, truth, None, None)
        return self._error(taken(answer), target, truth, taken(batch.rgb.movedim(1, 3)), taken(batch.faithful))

    def _of_factorised(self, network: FactorisedNeSR, batch: Batch) -> Tensor:
        taken, group = self._some(batch), self.sampler.config.group
        truth, rgb, faithful = taken(batch.truth), taken(batch.rgb.movedim(1, 3)), taken(batch.faithful)
        with self._autocast():
            context = None
            if network.has_surroundings:
                seen = self.sampler.random(len(batch.rgb) // group) >= self.config.blind
                around = taken(network.surroundings(batch.rgb, group).movedim(1, 3))
                context = around * seen.repeat_interleave(group)[:, None, None]
            coefficients = network.coefficients(context, rgb).float()
        between = (self.sampler.random(self.config.between) * 301).long().clamp(max=300)
        rows = torch.cat([self.bands, between])
        answer = coefficients @ network.functions(400.0 + rows).T  # (B, N, L)
        return self._error(answer, truth @ self.table.interpolation[rows].T, truth, rgb, faithful)

    def _of_nesr(self, network: NeSR, batch: Batch) -> Tensor:
        """Over a window of every patch, at some wavelengths.

        The attention map comes from a lattice over the whole patch, as it does over an image, without a gradient
        through its tokens: Q, K and the temperature learn from it, the tokens learn through the values. The map is a
        matrix of cosines, so fewer pixels estimate the same one, and the gradient would double the cost of a step.
        """
        size, side = batch.rgb.shape[2], min(self.config.window, batch.rgb.shape[2])
        y, x = (self.sampler.random(2) * (size - side + 1)).long().clamp(max=size - side).tolist()
        drawn = self.sampler.random(self.config.wavelengths)
        half = self.config.wavelengths // 2  # lie on the bands
        on_bands = (drawn[:half] * 31).long().clamp(max=30) * 10
        rows = torch.cat([on_bands, (drawn[half:] * 301).long().clamp(max=300)]).sort().values
        with self._autocast():
            features, inside = framed(network.encode(batch.rgb))
            attention = None
            if network.has_context:
                stride = max(size // CONTEXT_LATTICE, 1)
                with torch.no_grad():
                    tokens = network.context_tokens(lattice(features, stride), lattice(inside, stride))
                attention = network.nam.attention(network.nam.correlations(tokens))
            around = (..., slice(y, y + side + 2 * HALO), slice(x, x + side + 2 * HALO))
            query = network.query(400.0 + rows, attention)
            answer = network.decode(features[around], query, inside[around]).float().movedim(1, 3)
        truth = batch.truth[:, y : y + side, x : x + side]
        return self._error(answer, truth @ self.table.interpolation[rows].T, truth, None, None)

    def _some(self, batch: Batch) -> Any:
        """Takes some pixels, the same ones each time, of tensors (B, P, P, C): (B, N, C)."""
        size = batch.rgb.shape[2] ** 2
        chosen = (self.sampler.random(self.config.pixels) * size).long().clamp(max=size - 1)
        whole = self.config.pixels >= size
        return lambda values: values.flatten(1, 2) if whole else values.flatten(1, 2)[:, chosen]

    def _error(
        self, answer: Tensor, target: Tensor, truth: Tensor, rgb: Tensor | None, faithful: Tensor | None
    ) -> Tensor:
        """The loss of answers (..., L) to `target`; `truth` (..., 31) is of the same pixels, as is `rgb` (..., 3)."""
        config, brightness = self.config, truth.mean(-1, keepdim=True)
        weight = 1 / (brightness + DARK)
        loss = config.squared * ((answer - target).square() * weight).mean()
        if config.relative:
            loss = loss + config.relative * ((answer - target).abs() / (target.clamp_min(0) + EPSILON)).mean()
        if config.angle:
            cosine = F.cosine_similarity(answer, target, dim=-1, eps=1e-4)
            loss = loss + config.angle * ((1 - cosine) * (brightness[..., 0] > DARK)).mean()
        if config.colour and rgb is not None and faithful is not None:
            seen = (answer[..., : len(self.bands)] @ self.sampler.camera.T - rgb) * faithful
            loss = loss + config.colour * (seen.square() * weight).mean()
        return loss

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, cache_enabled=False)


def rate_at(config: TrainingConfig, step: int) -> float:
    """The learning rate at a step."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / config.steps))
    return config.rate * min(1.0, (step + 1) / WARM_UP) * (0.01 + 0.99 * cosine)


class Trainer:
    """A run in a folder: `state.pt` holds what resuming needs, `config.json` what the run is.

    `start` is a network of the same settings whose weights it begins with.
    """

    def __init__(
        self,
        network_config: Any,
        config: TrainingConfig,
        sampler: PatchSampler,
        folder: Path,
        start: Network | None = None,
    ) -> None:
        self.config, self.sampler, self.folder = config, sampler, folder
        self.device = sampler.device
        torch.manual_seed(config.seed)
        self.network = build(network_config).to(self.device).train()
        self.averaged = build(network_config).to(self.device).eval()
        self.loss = Loss(sampler, config)
        self.optimizer = torch.optim.AdamW(self._groups(), weight_decay=config.weight_decay, capturable=self._graphed)
        self.step, self._latest = 0, torch.zeros((), device=self.device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._warm = 0  # steps before the one that is recorded
        self._check_folder({"network": asdict(network_config), "training": asdict(config)})
        if self._state.exists():
            self._resume()
            return
        if start is not None:
            self.network.load_state_dict(start.state_dict())
        elif isinstance(self.network, FactorisedNeSR):
            self.network.basis.linear.data.copy_(least_squares(sampler, config.seed))
        self.averaged.load_state_dict(self.network.state_dict())

    @property
    def _graphed(self) -> bool:
        """Whether a step is recorded once and replayed: launching its few hundred kernels takes longer than they do."""
        return self.device.type == "cuda" and isinstance(self.network, FactorisedNeSR)

    def _groups(self) -> list[dict[str, Any]]:
        """Parameters with the learning rate they have relative to the rest, and the steps of their ramp."""
        slow: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in self.network.named_parameters():
            is_slow = not isinstance(self.network, FactorisedNeSR) or name.split(".")[0] in SURROUNDINGS
            (slow if is_slow else rest).append(parameter)
        ramp = self.config.ramp if rest else 0
        groups: list[dict[str, Any]] = [
            {"params": slow, "scale": self.config.encoder_rate, "ramp": ramp},
            {"params": rest, "scale": 1.0, "ramp": 0},
        ]
        for group in groups:  # read by a recorded step, so it has to lie where that does
            group["lr"] = torch.zeros((), device=self.device) if self._graphed else 0.0
        return [group for group in groups if group["params"]]

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
        """Train to the end, yielding every step; saves every few minutes and when it ends or is closed.

        Raises:
            ConstantNetwork: the network is dead, or answers a constant.
        """
        began = saved = time.monotonic()
        try:
            while self.step < self.config.steps:
                loss, signs = self._advance(), None
                if self.step % CHECK_STEPS == 0 or self.step == self.config.steps:
                    signs = self._check()
                if time.monotonic() - saved > SAVE_SECONDS:
                    self.save()
                    saved = time.monotonic()
                yield Step(self.step, loss, time.monotonic() - began, signs)
        finally:
            self.save()

    def _check(self) -> VitalSigns:
        """Whether the network lives, on patches that are the same at every look."""
        self.sampler.generator.manual_seed(self.config.seed)
        signs = vital_signs(self.network, self.sampler.draw())
        with (self.folder / "vital_signs.jsonl").open("a") as file:
            file.write(json.dumps({"step": self.step, **asdict(signs)}) + "\n")
        if self.step >= min(WARM_UP + self.config.ramp, self.config.steps) and (trouble := signs.trouble):
            raise ConstantNetwork(f"{trouble} after {self.step} steps; lower the learning rate or change the seed")
        return signs

    def _advance(self) -> float:
        for group in self.optimizer.param_groups:
            ramp = min(1.0, (self.step + 1) / group["ramp"]) if group["ramp"] else 1.0
            rate = rate_at(self.config, self.step) * group["scale"] * ramp
            if self._graphed:
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        self.sampler.generator.manual_seed(self.config.seed * 1_000_003 + self.step)
        if self._graphed:
            self._replay()
        else:
            self._work()
        self.step += 1
        keep = min(self.config.averaging, self.step / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.averaged.parameters()), list(self.network.parameters()), 1 - keep)
        return float(self._latest)

    def _work(self) -> None:
        """Draw, compare, learn."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.network, self.sampler.draw())
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self._latest.copy_(loss.detach())

    def _replay(self) -> None:
        """A step on a graphics processor, recorded at the fourth."""
        if self._graph is None:
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                self._work()
            torch.cuda.current_stream().wait_stream(stream)
            self._warm += 1
            if self._warm < 3:
                return
            self._graph = torch.cuda.CUDAGraph()
            self._graph.register_generator_state(self.sampler.generator)
            with torch.cuda.graph(self._graph):
                self._work()
            return
        self._graph.replay()

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
        state = torch.load(self._state, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])


def least_squares(sampler: PatchSampler, seed: int, count: int = 30_000) -> Tensor:
    """What spectra (31, 3) colours linearly stand for: where a network of coefficients starts.

    Rounded, or its last bits would differ from run to run.
    """
    spectra = sampler.table.pixels(count, sampler.generator.manual_seed(seed)).double()
    colours = (spectra @ sampler.camera.double().T).clamp_min(0)
    normal = colours.T @ colours + 1e-3 * torch.eye(3, dtype=torch.double, device=colours.device)
    return torch.linalg.solve(normal, colours.T @ spectra).T.float().round(decimals=4)
