"""The error of a network on crops of test scenes at fixed steps of its training.

Networks whose steps differ in cost can be compared by it after the same number of steps and after the same time, also
while they are being trained. Nothing is selected by it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nesr_gui import metrics
from nesr_gui.io.atomic import atomic_write
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSR
from nesr_gui.networks.registry import Network
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.sampler import whole_windows
from nesr_gui.training.scenes import TestScene

FILE = "curve.csv"
COLUMNS = ("step", "seconds", "mrae", "rmse")
STEPS = 1_000  # between two measurements
SCENES = 4  # test scenes that are used
CROPS = 3  # of each scene
SIDE = 64  # of a crop in pixels; less in smaller scenes
EVERY = 4  # rows and columns between the pixels that are compared


class HeldOutCrops:
    """Crops of the first test scenes of a data set, of pixels that all count, with their spectra."""

    def __init__(self, scenes: Sequence[TestScene]) -> None:
        self._scenes = [(scene, corners, side) for scene in scenes[:SCENES] for corners, side in [_corners(scene)]]

    def pairs(self, bands: Wavelengths, inputs: Wavelengths | None) -> list[tuple[Tensor, Tensor]]:
        """What a network sees of every crop (1, C, S, S), and its spectra (L, s, s) on `bands` at the compared pixels.

        Scenes whose bands are too coarse for `bands` or `inputs` are left out.

        Args:
            bands: of the spectra.
            inputs: the bands that the network sees; None for RGB.
        """
        pairs = []
        for scene, corners, side in self._scenes:
            try:
                truth = scene.truth(bands)
                seen = np.moveaxis(scene.rgb, -1, 0) if inputs is None else scene.truth(inputs)
            except ValueError:
                continue
            for y, x in corners:
                here = (..., slice(y, y + side), slice(x, x + side))
                image, spectra = torch.from_numpy(seen[here].copy()), torch.from_numpy(truth[here].copy())
                pairs.append((image[None], spectra[..., ::EVERY, ::EVERY]))
        return pairs


def _corners(scene: TestScene) -> tuple[list[tuple[int, int]], int]:
    """Rows and columns of the top left corners of the crops of a scene, and their side."""
    side = min(SIDE, *scene.counted.shape)
    while not (whole := whole_windows(scene.counted, side)).any():
        side //= 2
    places = np.argwhere(whole)
    drawn = np.random.default_rng(0).choice(len(places), CROPS)
    return [(int(y), int(x)) for y, x in places[drawn]], side


class LearningCurve:
    """The learning curve of one run, in `FILE` of its folder.

    Args:
        folder: of the run.
        pairs: see `HeldOutCrops.pairs`.
        step: of the run, if it is resumed; later rows of the file are dropped.
    """

    def __init__(self, folder: Path, pairs: Sequence[tuple[Tensor, Tensor]], step: int = 0) -> None:
        self._path, self._pairs = folder / FILE, pairs
        self.rows = [row for row in read_curve(self._path) if row[0] <= step]

    def add(self, network: Network, step: int, seconds: float) -> None:
        """Measure a network after a step, and write the file.

        Args:
            network: any network; its mode, weights and random numbers stay as they are.
            step: completed steps.
            seconds: of training, as its budget counts them.
        """
        errors = [_errors(network, image, truth) for image, truth in self._pairs]
        self.rows.append((step, seconds, *np.mean(errors, axis=0).tolist()))
        lines = (f"{step},{seconds:.1f},{mrae:.6f},{rmse:.6f}\n" for step, seconds, mrae, rmse in self.rows)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(self._path) as temporary:
            temporary.write_text(",".join(COLUMNS) + "\n" + "".join(lines), encoding="utf-8")


@torch.no_grad()
def _errors(network: Network, image: Tensor, truth: Tensor) -> tuple[float, float]:
    """MRAE and RMSE of a network on one crop."""
    was_training, device = network.training, next(network.parameters()).device
    network.eval()
    if isinstance(network, NeSR):
        nm = torch.tensor(network.bands, device=device)
        answer = network.decode_all(network.encode(image.to(device)), nm, EVERY)
    elif isinstance(network, FactorisedNeSR):
        answer = network(image.to(device), torch.tensor(network.bands, device=device))[..., ::EVERY, ::EVERY]
    else:
        answer = network(image.to(device))[..., ::EVERY, ::EVERY]
    network.train(was_training)
    values, target = answer[0].double().cpu().numpy(), truth.double().numpy()
    return float(metrics.mrae(values, target)), float(metrics.rmse(values, target))


def read_curve(path: Path) -> list[tuple[int, float, float, float]]:
    """The rows of a file: step, seconds of training, MRAE and RMSE; none if there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            (int(step), float(seconds), float(mrae), float(rmse))
            for step, seconds, mrae, rmse in [*csv.reader(file)][1:]
        ]
