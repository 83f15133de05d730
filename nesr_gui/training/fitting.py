"""Fitting the baselines to the pixels of the patches that networks are trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nesr_gui import colorimetry
from nesr_gui.baselines.a_plus import APlus, APlusConfig
from nesr_gui.baselines.interpolation import BandInterpolation, BandInterpolationConfig
from nesr_gui.baselines.sparse_coding import SparseCoding, SparseCodingConfig, pursue
from nesr_gui.models.bands import BandNetwork
from nesr_gui.training.batches import Batches
from nesr_gui.training.lessons import pixels
from nesr_gui.training.rendering import BANDS

PATCHES = 40  # batches whose pixels are learned from
PIXELS = 30_000  # of them
DIMMEST = 0.02  # mean of a spectrum; of darker ones little is known
SPARSITY = 1  # atoms of a spectrum while it is learned: with more, some become differences that have no colour
ROUNDS = 10  # of K-SVD


def known(batches: Batches) -> tuple[Tensor, Tensor]:
    """Colours (N, 3) that the default camera sees, free of noise, of spectra (N, 31) of the patches of a run."""
    rng = np.random.default_rng([batches.config.seed, 2])
    drawn = [pixels(batches.render(rng, BANDS)) for _ in range(PATCHES)]
    truth, brightness = (torch.cat([part[index] for part in drawn]) for index in (1, 2))
    lit = torch.nonzero(brightness[:, 0] > DIMMEST).ravel()
    spectra = truth[lit[torch.from_numpy(rng.permutation(len(lit))[:PIXELS])]]
    return colours_of(spectra), spectra


def dictionary(spectra: Tensor, atoms: int, seed: int) -> Tensor:
    """Atoms (K, L) of length one of which the spectra (N, L) are sparse sums, by K-SVD (Aharon et al. 2006).

    The rank-one step of each atom is one power iteration; an atom that nothing uses becomes the spectrum told worst.
    """
    scaled = (spectra / spectra.norm(dim=1, keepdim=True)).double()
    first = np.random.default_rng(seed).permutation(len(scaled))[:atoms]
    learned = scaled[torch.from_numpy(np.resize(first, atoms))].clone()
    for _ in range(ROUNDS):
        chosen, amounts = pursue(learned, scaled, SPARSITY)
        codes = scaled.new_zeros(len(scaled), atoms).scatter_add(1, chosen, amounts)
        left = scaled - codes @ learned
        for atom in range(atoms):
            users = torch.nonzero(codes[:, atom]).ravel()
            if len(users) == 0:
                learned[atom] = scaled[left.square().sum(1).argmax()]
                continue
            whole = left[users] + torch.outer(codes[users, atom], learned[atom])
            learned[atom] = torch.nn.functional.normalize(whole.T @ codes[users, atom], dim=0)
            codes[users, atom] = whole @ learned[atom]
            left[users] = whole - torch.outer(codes[users, atom], learned[atom])
    return learned.float()


def colours_of(atoms: Tensor) -> Tensor:
    """What the default camera sees of atoms (K, 31): (K, 3)."""
    return atoms @ torch.tensor(colorimetry.default_camera().T, dtype=torch.float32)


def fit_interpolation(config: BandInterpolationConfig, batches: Batches) -> BandInterpolation:
    """There is nothing to learn."""
    return BandInterpolation(config)


def fit_sparse_coding(config: SparseCodingConfig, batches: Batches) -> SparseCoding:
    """Learn the dictionary; its colours are those that the default camera sees."""
    _, spectra = known(batches)
    network = SparseCoding(config)
    network.atoms.copy_(dictionary(spectra, config.atoms, batches.config.seed))
    network.colours.copy_(colours_of(network.atoms))
    return network


def fit_a_plus(config: APlusConfig, batches: Batches) -> APlus:
    """Learn the projections around the colours of a dictionary's atoms."""
    colours, spectra = known(batches)
    anchors = colours_of(dictionary(spectra, config.anchors, batches.config.seed))
    network = APlus(config)
    network.fit(colours, spectra, anchors * anchors.sum(1, keepdim=True).sign())  # an atom's sign is arbitrary
    return network


FITS: dict[type[Any], Callable[[Any, Batches], BandNetwork]] = {
    BandInterpolationConfig: fit_interpolation,
    SparseCodingConfig: fit_sparse_coding,
    APlusConfig: fit_a_plus,
}
"""How the systems that are fitted at once, not trained step by step, are made."""
