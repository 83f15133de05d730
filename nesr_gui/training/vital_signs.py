"""Whether a network lives: its units open and close, and its answers depend on what it was shown.

A network once shipped whose last hidden units were closed for every pixel: it answered a constant, a lookup of the
colour beside it made all of its figures, and nothing noticed. So life is measured while it is trained, and it is told
by every evaluation of what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSR
from nesr_gui.networks.registry import Network
from nesr_gui.training.sampler import Batch

FEWEST_OPEN = 0.1  # share of the units of a layer that must change sign from pixel to pixel
RARELY = 0.01  # share of the pixels for which a unit must be open, and closed, to count as one that changes
LEAST_SHARE = 1e-3  # of an answer, root mean square, that must be the network's own, and that of the surroundings


@dataclass(frozen=True)
class VitalSigns:
    """How much of a network takes part in its answers.

    `open_units` is, for each hidden layer, the share of its units that are open for some pixels and closed for others.
    `deviation` is by how much the network's part of an answer varies over the pixels, and `surroundings` by how much
    answers change when every pixel is shown mean surroundings, both root mean square relative to the answers;
    `surroundings` is NaN for a network that has none or cannot be asked so.
    """

    open_units: dict[str, float]
    deviation: float
    surroundings: float

    def __str__(self) -> str:
        layer, share = min(self.open_units.items(), key=lambda item: item[1], default=("", 1.0))
        return (
            f"open units from {share:.0%} ({layer}), the network's part varies by {self.deviation:.2g} of the answers, "
            f"surroundings make {self.surroundings:.2g}"
        )

    @property
    def trouble(self) -> str | None:
        """What is wrong, in words; None for a network that lives."""
        layer, share = min(self.open_units.items(), key=lambda item: item[1], default=("", 1.0))
        if share < FEWEST_OPEN:
            return f"the layer {layer} is dead: {share:.1%} of its units depend on what they see"
        if not self.deviation >= LEAST_SHARE:  # nor is it a number, where weights are none
            return f"the network answers a constant: its part varies by {self.deviation:.2g} of the answers"
        if self.surroundings < LEAST_SHARE:
            return f"the network does not see: its surroundings make {self.surroundings:.2g} of the answers"
        return None


@torch.no_grad()
def vital_signs(network: Network, batch: Batch) -> VitalSigns:
    """Those of a network on a batch of patches."""
    found: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for name, layer in _activations(network):
            hooks.callback(layer.register_forward_pre_hook(_noted(found, name)).remove)
        if isinstance(network, FactorisedNeSR):
            deviation, surroundings = _of_factorised(network, batch)
        else:
            answers = _answers(network, batch)
            deviation = float(answers.std(dim=(0, 2, 3)).square().mean().sqrt() / _size(answers))
            surroundings = float("nan")
    return VitalSigns({name: _changing(values) for name, values in found.items()}, deviation, surroundings)


def _activations(network: Network) -> Sequence[tuple[str, nn.Module]]:
    """Modules whose input is, but for its sign, what a hidden layer gives; none of a network that answers bands.

    HRNet's rectified units are of whole images, and may well be open for all of them.
    """
    if not isinstance(network, FactorisedNeSR):
        relus = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.ReLU)]
        return [(name, module) for name, module in relus if name.startswith("mlp.")]
    blocks = [
        (name, m) for name, m in network.named_modules() if name.startswith("encoder.") and name[-7:] == ".second"
    ]
    return blocks + [(f"layers.{index}", layer) for index, layer in enumerate(network.layers)]


def _noted(found: dict[str, Tensor], name: str) -> Callable[[nn.Module, Any], None]:
    def note(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        values = given[0].detach()
        found.setdefault(name, values.movedim(1, -1) if isinstance(layer, nn.Conv2d) else values)

    return note


def _changing(values: Tensor) -> float:
    """The share of units (…, units) that are above zero for some and below for others of the pixels."""
    open_ = (values.reshape(-1, values.shape[-1]) > 0).float().mean(0)
    return float(((open_ > RARELY) & (open_ < 1 - RARELY)).float().mean())


def _answers(network: Network, batch: Batch) -> Tensor:
    """(B, L, P, P)."""
    if isinstance(network, NeSR):
        was_training = network.training
        answers: Tensor = network.eval()(batch.rgb[:4], torch.linspace(400, 700, 7, device=batch.rgb.device))
        network.train(was_training)
        return answers
    answers = network(batch.rgb)
    return answers


def _of_factorised(network: FactorisedNeSR, batch: Batch) -> tuple[float, float]:
    """`deviation` and `surroundings` of `VitalSigns`."""
    nm = torch.tensor(network.bands, device=batch.rgb.device)
    functions, pixels = network.functions(nm), batch.rgb.movedim(1, 3)
    around = network.surroundings(batch.rgb).movedim(1, 3) if network.has_surroundings else None
    coefficients = network.coefficients(around, pixels)
    answers = coefficients @ functions.T
    own = coefficients[..., :-3] / pixels.mean(-1, keepdim=True).clamp_min(1e-4) @ functions[:, :-3].T
    deviation = float(own.flatten(0, 2).std(0).square().mean().sqrt() / _size(answers))
    if around is None:
        return deviation, float("nan")
    mean = around.mean(dim=(0, 1, 2)).expand_as(around)
    change = network.coefficients(mean, pixels) @ functions.T - answers
    return deviation, float(_size(change) / _size(answers))


def _size(values: Tensor) -> Tensor:
    return values.square().mean().sqrt().clamp_min(1e-9)
