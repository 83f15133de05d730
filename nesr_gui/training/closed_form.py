"""The systems that are fitted at once to pixels of the patches that networks are trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui.colorimetry import cie
from nesr_gui.networks.band_network import BandNetwork
from nesr_gui.networks.baselines import (
    APlus,
    APlusConfig,
    BandInterpolation,
    BandInterpolationConfig,
    SparseCoding,
    SparseCodingConfig,
    pursue,
)
from nesr_gui.training.sampler import SpectralTable
from nesr_gui.training.spectral_library import interpolation

CANDIDATES, PIXELS = 100_000, 30_000  # spectra that are drawn, and of them those that are learned from
BLACK = 0.01  # mean of a spectrum up to which it is noise alone
SPARSITY = 1  # atoms of a spectrum while it is learned: with more, some become differences that have no colour
ROUNDS = 10  # of K-SVD

FITTED = BandInterpolationConfig | SparseCodingConfig | APlusConfig

Known = tuple[Tensor, Tensor]
"""Colours (N, 3) that were not clipped, and the spectra (N, L) they are of."""


def fitted(config: Any, known: Callable[[npt.NDArray[np.float64]], Known], seed: int) -> BandNetwork:
    """A system that is fitted, of these settings; `known` gives what it learns from, at its bands."""
    if isinstance(config, BandInterpolationConfig):
        return BandInterpolation(config)
    colours, spectra = known(np.array(config.bands))
    sparse = isinstance(config, SparseCodingConfig)
    atoms = dictionary(spectra, config.atoms if sparse else config.anchors, seed)
    response = camera_of(colours, spectra)
    if sparse:
        coding = SparseCoding(config)
        coding.atoms.copy_(atoms)
        coding.colours.copy_(atoms @ response)
        return coding
    anchored, anchors = APlus(config), atoms @ response
    anchored.fit(colours, spectra, anchors * anchors.sum(1, keepdim=True).sign())  # an atom's sign is arbitrary
    return anchored


def camera_of(colours: Tensor, spectra: Tensor) -> Tensor:
    """What sees spectra (N, L) as their colours (N, 3): of a data set's own camera only its pictures are known.

    Returns:
        (L, 3), rounded, or its last bits would differ from run to run.
    """
    return torch.linalg.lstsq(spectra.double(), colours.double()).solution.round(decimals=6).float()


def known(table: SpectralTable, nm: npt.NDArray[np.float64], seed: int) -> Known:
    """What the default camera sees, free of noise, of spectra at `nm` that networks are trained on."""
    spectra = table.pixels(CANDIDATES, torch.Generator(table.device).manual_seed(seed)).cpu()
    lit = brighter_half(spectra.mean(1).numpy())
    some = spectra[torch.from_numpy(np.random.default_rng(seed).permutation(lit)[:PIXELS])]
    matrix = torch.from_numpy(interpolation(cie.CAMERA_BANDS, nm))
    return some @ table.camera.cpu().T, some @ matrix.T


def brighter_half(brightness: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
    """Which spectra, by their mean (N,), teach: the brighter half of those that are not black.

    Scaled to length one, the noise of a dark spectrum becomes an atom that is large where no camera sees it; a colour
    of that direction is then answered by a multiple of it. Learned from all spectra above `BLACK`, the RMSE of sparse
    coding on scenes left out was .097 instead of .041, that of A+ .043 instead of .028.
    """
    lit = np.flatnonzero(brightness > BLACK)
    return lit[brightness[lit] >= np.median(brightness[lit])]


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
                worst = left.square().sum(1).argmax()
                learned[atom], left[worst] = scaled[worst], 0  # the next such atom becomes another
                continue
            whole = left[users] + torch.outer(codes[users, atom], learned[atom])
            learned[atom] = torch.nn.functional.normalize(whole.T @ codes[users, atom], dim=0)
            codes[users, atom] = whole @ learned[atom]
            left[users] = whole - torch.outer(codes[users, atom], learned[atom])
    return learned.float()
