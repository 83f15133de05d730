"""What the systems that are fitted at once learn from: pixels of the crops that networks are trained on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from nesr_gui.training.closed_form import Known, brighter_half
from nesr_gui.training.experiments.crops import Crops

BATCHES = 40  # whose pixels are learned from
PIXELS = 30_000  # of them


def known(crops: Crops, nm: npt.NDArray[np.float64]) -> Known:
    """Colours and spectra at `nm` of bright pixels of the first crops, clipped at neither end."""
    batches = [crops.draw(step, nm, None, slice(0, crops.settings.batch)) for step in range(BATCHES)]
    colours, spectra = (
        np.concatenate([np.moveaxis(part, 1, -1).reshape(-1, part.shape[1]) for part in parts])
        for parts in ([batch.image for batch in batches], [batch.truth for batch in batches])
    )
    unclipped = np.flatnonzero((colours.min(1) > 0) & (colours.max(1) < 1))
    bright = unclipped[brighter_half(spectra[unclipped].mean(1))]
    some = np.random.default_rng([crops.seed, 2]).permutation(bright)[:PIXELS]
    return torch.from_numpy(colours[some]), torch.from_numpy(spectra[some])
