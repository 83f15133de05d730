"""Checks that a network is alive: its units respond, and its answers depend on the input.

A network was once released whose last hidden units were closed for every pixel. It predicted a constant, the lookup of
the colour beside it produced all of its published metrics, and no test noticed. These signs are therefore measured
during training, and the reports of a model include them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nesr_gui.networks.band_network import DiscreteNetwork
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSR
from nesr_gui.networks.registry import Network
from nesr_gui.training.sampler import Batch

MIN_ACTIVE_UNITS = 0.1  # share of the units of a layer that must be open for some pixels and closed for others
MIN_PIXELS = 0.01  # share of the pixels for which an active unit is open, and for which it is closed
LEAST_SHARE = 1e-3  # of an answer, root mean square, that the network and the surroundings must contribute
NESR_PATCHES, NESR_WAVELENGTHS = 4, 7  # at which NeSR, which is slow everywhere, is evaluated


@dataclass(frozen=True)
class VitalSigns:
    """How much of a network takes part in its answers.

    Args:
        open_units: by hidden layer, the share of its units that are open for some pixels and closed for others.
        deviation: variation over pixels of the network's own part of the answer, root mean square, relative to the
            answer. A linear map of the input is not its own, nor is, in NeSR with a spectrum, the spectrum; of encoder
            and MLP, the smaller.
        surroundings: change of the answer if every pixel is given the mean surroundings, root mean square, relative to
            the answer; NaN for networks without surroundings, or that do not expose them.
    """

    open_units: dict[str, float]
    deviation: float
    surroundings: float

    def __str__(self) -> str:
        layer, share = self._least_active
        return (
            f"open units from {share:.0%} ({layer}), the network's part varies by {self.deviation:.2g} of the answers, "
            f"surroundings contribute {self.surroundings:.2g}"
        )

    @property
    def _least_active(self) -> tuple[str, float]:
        return min(self.open_units.items(), key=lambda item: item[1], default=("", 1.0))

    @property
    def trouble(self) -> str | None:
        """Why the network has failed, in one sentence without a full stop; None if it is alive."""
        layer, share = self._least_active
        if share < MIN_ACTIVE_UNITS:
            return f"the layer {layer} is dead: {share:.1%} of its units depend on the input"
        if not self.deviation >= LEAST_SHARE:  # NaN fails too
            return f"the network answers a constant: its part varies by {self.deviation:.2g} of the answers"
        if self.surroundings < LEAST_SHARE:
            return f"the network ignores the surroundings: they contribute {self.surroundings:.2g} of the answers"
        return None


@torch.no_grad()
def vital_signs(network: Network, batch: Batch) -> VitalSigns:
    """The vital signs of a network on a batch of patches; its mode, weights and random numbers stay as they are."""
    inputs: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for name, layer in _layers_after_activations(network):
            hooks.callback(layer.register_forward_pre_hook(_record_input(inputs, name)).remove)
        if isinstance(network, FactorisedNeSR):
            deviation, surroundings = _of_factorised(network, batch)
        else:
            answers, parts = _answers(network, batch)
            deviation = float(torch.stack([_variation(part) for part in parts]).min() / _size(answers))
            surroundings = float("nan")
    return VitalSigns({name: _active_units(values) for name, values in inputs.items()}, deviation, surroundings)


def _layers_after_activations(network: Network) -> Sequence[tuple[str, nn.Module]]:
    """Modules whose input has the sign of a hidden layer's output; none of a network with fixed bands.

    The rectified units of HRNet see whole images, and may well be open for all of them.
    """
    if not isinstance(network, FactorisedNeSR):
        relus = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.ReLU)]
        return [(name, module) for name, module in relus if name.startswith("mlp.")]
    blocks = [
        (name, m) for name, m in network.named_modules() if name.startswith("encoder.") and name[-7:] == ".second"
    ]
    return blocks + [(f"layers.{index}", layer) for index, layer in enumerate(network.layers)]


def _record_input(inputs: dict[str, Tensor], name: str) -> Callable[[nn.Module, Any], None]:
    def record(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        values = given[0].detach()
        inputs.setdefault(name, values.movedim(1, -1) if isinstance(layer, nn.Conv2d) else values)

    return record


def _active_units(values: Tensor) -> float:
    """The share of units (…, units) that are positive for some of the pixels and negative for others."""
    open_ = (values.reshape(-1, values.shape[-1]) > 0).float().mean(0)
    return float(((open_ > MIN_PIXELS) & (open_ < 1 - MIN_PIXELS)).float().mean())


def _answers(network: Network, batch: Batch) -> tuple[Tensor, list[Tensor]]:
    """Answers (B, L, P, P) of a network that is not factorised, and the parts of them that are its own.

    The parts beside a linear map are taken in training mode: where the sum is negative, clamping it would make a
    constant part vary.
    """
    was_training, image = network.training, batch.image
    try:
        if not isinstance(network, NeSR):
            answers: Tensor = network(image)
            if isinstance(network, DiscreteNetwork) and network.config.skip:
                return answers, [network.train()(image) - network.linear(image)]
            return answers, [answers]
        image = image[:NESR_PATCHES]
        nm = torch.linspace(network.config.low, network.config.high, NESR_WAVELENGTHS, device=image.device)
        features = network.encode(image)
        answers = network.eval().decode_all(features, nm)
        if network.has_spectrum:
            own = network.train().decode_all(features, nm) - network.interpolate_spectrum(features, network.coord(nm))
            return answers, [own, features - network.linear(image)]
        return answers, [answers]
    finally:
        network.train(was_training)


def _variation(values: Tensor) -> Tensor:
    """Standard deviation over pixels of values (B, L, P, P), root mean square over wavelengths."""
    return values.std(dim=(0, 2, 3)).square().mean().sqrt()


def _of_factorised(network: FactorisedNeSR, batch: Batch) -> tuple[float, float]:
    """`deviation` and `surroundings` of `VitalSigns`."""
    nm = torch.tensor(network.bands, device=batch.image.device)
    functions, pixels = network.functions(nm), batch.image.movedim(1, 3)
    around = network.surroundings(batch.image).movedim(1, 3) if network.has_surroundings else None
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
    """Root mean square, at least 1e-9."""
    return values.square().mean().sqrt().clamp_min(1e-9)
