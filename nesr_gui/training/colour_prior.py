"""What the guide of an anchored network is taught before the rest: what colours alone say."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nesr_gui.networks.colour_prior import ColourPrior
from nesr_gui.training.sampler import Batches
from nesr_gui.training.synthesis import BANDS, Patches

GUIDE_BATCHES = 80  # whose pixels are learned from
GUIDE_STEPS = 2_000
GUIDE_PIXELS = 2_048  # of one batch, per step
GUIDE_RATE = 3e-3  # learning rate, falls to zero along a line
DARK = 0.02  # added to brightness where an error is divided by it


def fit_guide(guide: ColourPrior, batches: Batches) -> None:
    """Teach the guide what colours alone say, before the rest learns what it leaves: a minute instead of an hour.

    Least squares give its base, and `GUIDE_STEPS` steps on pixels of mosaics and patches its MLP.
    """
    config = batches.config
    drawn = [batches.render(np.random.default_rng([config.seed, 0, n]), BANDS) for n in range(GUIDE_BATCHES)]
    known = [pixels(patches) for patches in drawn]
    rgb, truth, _ = (torch.cat(parts) for parts in zip(*known, strict=True))
    base = np.linalg.lstsq(rgb.double().numpy(), truth.double().numpy(), rcond=None)[0].T
    guide.base.data.copy_(torch.from_numpy(base.round(4)))  # rounded, or its last bits would differ from run to run
    rng = np.random.default_rng([config.seed, 1])
    optimizer = torch.optim.AdamW(guide.parameters(), weight_decay=config.weight_decay)
    position = torch.linspace(0, 1, guide.knots)
    for step in range(GUIDE_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = GUIDE_RATE * (1 - step / GUIDE_STEPS)
        rgb, truth, brightness = known[rng.integers(len(known))]
        some = torch.from_numpy(rng.integers(len(rgb), size=GUIDE_PIXELS))
        answer = guide(rgb[some].T[None, :, None], position)[0, :, 0].T
        loss = ((answer - truth[some]).square() / (brightness[some] + DARK)).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def pixels(patches: Patches) -> tuple[Tensor, Tensor, Tensor]:
    """Colours (N, 3), spectra (N, L) and brightness (N, 1) of all pixels."""
    parts = (patches.rgb, patches.truth, patches.brightness)
    colours, spectra, brightness = (torch.from_numpy(np.moveaxis(p, 1, -1).reshape(-1, p.shape[1])) for p in parts)
    return colours, spectra, brightness
