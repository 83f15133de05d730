"""The systems that are fitted at once to pixels of the crops that networks are trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from nesr_gui.baselines.a_plus import APlus, APlusConfig
from nesr_gui.baselines.interpolation import BandInterpolation, BandInterpolationConfig
from nesr_gui.baselines.sparse_coding import SparseCoding, SparseCodingConfig
from nesr_gui.models.bands import BandNetwork
from nesr_gui.training.experiments.crops import Crops
from nesr_gui.training.fitting import dictionary

BATCHES = 40  # whose pixels are learned from
PIXELS = 30_000  # of them
DARK = 0.01  # mean below which a spectrum teaches noise

FITTED = BandInterpolationConfig | SparseCodingConfig | APlusConfig


def fitted(config: Any, crops: Crops, seed: int) -> BandNetwork:
    """A system that is fitted, of these settings."""
    if isinstance(config, BandInterpolationConfig):
        return BandInterpolation(config)
    colours, spectra = known(crops, np.array(config.bands), seed)
    learned = dictionary(spectra, _atoms(config), seed)
    # What sees a spectrum as its colour: of a data set's own camera only its pictures are known.
    response = torch.linalg.lstsq(spectra.double(), colours.double()).solution.float()  # (L, 3)
    if isinstance(config, SparseCodingConfig):
        sparse = SparseCoding(config)
        sparse.atoms.copy_(learned)
        sparse.colours.copy_(learned @ response)
        return sparse
    anchored = APlus(config)
    anchors = learned @ response
    anchored.fit(colours, spectra, anchors * anchors.sum(1, keepdim=True).sign())  # an atom's sign is arbitrary
    return anchored


def _atoms(config: SparseCodingConfig | APlusConfig) -> int:
    return config.atoms if isinstance(config, SparseCodingConfig) else config.anchors


def known(crops: Crops, nm: np.ndarray, seed: int) -> tuple[Tensor, Tensor]:
    """Colours (N, 3) and spectra (N, L) at `nm` of pixels of the first crops, neither dark nor clipped."""
    batches = [crops.draw(step, nm, None, slice(0, crops.settings.batch)) for step in range(BATCHES)]
    colours, spectra = (
        np.concatenate([np.moveaxis(part, 1, -1).reshape(-1, part.shape[1]) for part in parts])
        for parts in ([batch.image for batch in batches], [batch.truth for batch in batches])
    )
    lit = np.flatnonzero((spectra.mean(1) > DARK) & (colours.max(1) < 1) & (colours.min(1) > 0))
    some = np.random.default_rng([seed, 2]).permutation(lit)[:PIXELS]
    return torch.from_numpy(colours[some]), torch.from_numpy(spectra[some])
