"""What NeSR adds to the spectrum of its own encoder, on test scenes and on scenes that it was trained on.

`python docs/own_part.py CAVE MODEL …` prints figures of reproduction.md for model files of discrete networks and of
NeSR, on the test and on the training scenes: mean errors of the answers and of what they add to, and the share of the
last hidden units of NeSR that are open for no pixel, and for every pixel, at any band.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor, nn

from nesr_gui.inference.checkpoint import load_checkpoint
from nesr_gui.networks.band_network import DiscreteNetwork
from nesr_gui.networks.nesr import NeSR
from nesr_gui.training.datasets.cave import CAVE
from nesr_gui.training.datasets.resampling import BandShape
from nesr_gui.training.evaluation import measure
from nesr_gui.training.experiments.data import measured_scene

EVERY = 4  # pixels between those that are compared
FIGURES = ("mrae", "masked_mrae", "rmse", "angle")


def parts(network: NeSR | DiscreteNetwork, image: Tensor) -> Iterator[tuple[str, Tensor]]:
    """What a network answers to an image (1, 3, H, W), and what it adds to: (31, H / 4, W / 4) each."""
    thin = (0, slice(None), slice(None, None, EVERY), slice(None, None, EVERY))
    if hasattr(network, "linear"):
        yield "linear map alone", network.linear(image)[thin].clamp_min(0)
    if isinstance(network, NeSR):
        features = network.encode(image)
        if network.has_spectrum:
            yield "spectrum of the encoder", features[thin].clamp_min(0)
        yield "answer", network.decode_all(features, torch.tensor(network.bands), EVERY)[0]
    else:
        yield "answer", network(image)[thin]


class LastHiddenUnits:
    """Which of the last hidden units of NeSR have been open, and which closed, since this was made."""

    def __init__(self, network: NeSR) -> None:
        last = network.mlp[-2]
        units = network.config.hidden[-1]
        self._opened, self._closed = torch.zeros(2, units, dtype=torch.bool)
        self.release = last.register_forward_hook(self._record).remove

    def _record(self, layer: nn.Module, given: tuple[Tensor, ...], values: Tensor) -> None:
        is_open = values.reshape(-1, values.shape[-1]) > 0
        self._opened |= is_open.any(0)
        self._closed |= ~is_open.all(0)

    def __str__(self) -> str:
        never, always = (~self._opened).float().mean(), (~self._closed).float().mean()
        return f"{never:.1%} open for no pixel, {always:.1%} for all"


@click.command()
@click.argument("cave", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
def main(cave: Path, models: tuple[Path, ...]) -> None:
    """Compare the parts of trained models on CAVE."""
    networks = [load_checkpoint(path).network.eval() for path in models]
    split = CAVE.open(cave)
    for kind, scenes in (("test", split.test), ("training", split.train)):
        found: dict[tuple[int, str], list[list[float]]] = {}
        units = [LastHiddenUnits(network) if isinstance(network, NeSR) else None for network in networks]
        for scene in (measured_scene(each, CAVE, BandShape()) for each in scenes):
            truth, counted = scene.truth(CAVE.bands)[:, ::EVERY, ::EVERY], scene.counted[::EVERY, ::EVERY]
            image = torch.from_numpy(scene.rgb).permute(2, 0, 1)[None].contiguous()
            for number, network in enumerate(networks):
                with torch.inference_mode():
                    for part, answer in parts(network, image):
                        errors = measure(answer.numpy(), truth, counted)
                        row = found.setdefault((number, part), [])
                        row.append([getattr(errors, name) for name in FIGURES])
        for (number, part), rows in found.items():
            mrae, masked, rmse, angle = np.mean(rows, 0)
            figures = f"{mrae:.4f} / {masked:.4f} / {rmse:.5f} / {angle:.2f}"
            click.echo(f"{models[number]}, {part}, {len(rows)} {kind} scenes: {figures}")
        for model, hidden in zip(models, units, strict=True):
            if hidden is not None:
                hidden.release()
                click.echo(f"{model}, last hidden units, {len(scenes)} {kind} scenes: {hidden}")


if __name__ == "__main__":
    main()
