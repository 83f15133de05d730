"""What NeSR adds to the spectrum of its own encoder, on test scenes and on scenes that it was trained on.

`python docs/own_part.py CAVE MODEL …` prints a table of reproduction.md for model files of discrete networks and of
NeSR with a skip: errors of the answers and of what they add to, means over the test and over the training scenes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

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
        spectrum = network.encode(image)
        yield "spectrum of the encoder", spectrum[thin].clamp_min(0)
        yield "answer", network.decode_all(spectrum, torch.tensor(network.bands), EVERY)[0]
    else:
        yield "answer", network(image)[thin]


@click.command()
@click.argument("cave", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
def main(cave: Path, models: tuple[Path, ...]) -> None:
    """Compare the parts of trained models on CAVE."""
    networks = [load_checkpoint(path).network.eval() for path in models]
    split = CAVE.open(cave)
    for kind, scenes in (("test", split.test), ("training", split.train)):
        found: dict[tuple[int, str], list[list[float]]] = {}
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


if __name__ == "__main__":
    main()
