"""Systems, and parts of networks, that are fitted in closed form to pixels of the patches that networks learn from."""

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
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.registry import Network, input_bands
from nesr_gui.training.sampler import CropSampler, CropSource, Sampler, SpectralTable
from nesr_gui.training.spectral_library import interpolation

CANDIDATES, PIXELS = 100_000, 30_000  # spectra drawn, and those of them that a system is fitted to
CROP_BATCHES = 40  # of crops whose pixels are used
BLACK = 0.01  # mean of a spectrum up to which it is only noise
RIDGE = 1e-4  # added to the mean products of colours, whose squares are around .1
SPARSITY = 1  # atoms per spectrum while the dictionary is learned; with more, some atoms become colourless differences
ROUNDS = 10  # of K-SVD

FITTED = BandInterpolationConfig | SparseCodingConfig | APlusConfig

Samples = tuple[Tensor, Tensor]
"""Unclipped colours (N, 3) in linear RGB, and their spectra (N, L)."""


def fit(config: Any, samples: Callable[[npt.NDArray[np.float64]], Samples], seed: int) -> BandNetwork:
    """A fitted system.

    Args:
        config: settings of the system, one of `FITTED`.
        samples: gives the pixels to fit to, at the wavelengths of the system's bands; not called for band
            interpolation, which has no parameters.
        seed: of the initial atoms.
    """
    if isinstance(config, BandInterpolationConfig):
        return BandInterpolation(config)
    colours, spectra = samples(np.array(config.bands))
    sparse = isinstance(config, SparseCodingConfig)
    atoms = learn_dictionary(spectra, config.atoms if sparse else config.anchors, seed)
    response = camera_response(colours, spectra)
    if sparse:
        coding = SparseCoding(config)
        coding.atoms.copy_(atoms)
        coding.colours.copy_(atoms @ response)
        return coding
    anchored, anchors = APlus(config), atoms @ response
    anchored.fit(colours, spectra, anchors * anchors.sum(1, keepdim=True).sign())  # the sign of an atom is arbitrary
    return anchored


def sample_table(table: SpectralTable, nm: npt.NDArray[np.float64], seed: int) -> Samples:
    """Bright spectra of scenes and libraries at wavelengths (L,) nm, and their noise-free colours."""
    spectra = table.pixels(CANDIDATES, torch.Generator(table.device).manual_seed(seed)).cpu()
    lit = brighter_half(spectra.mean(1).numpy())
    some = spectra[torch.from_numpy(np.random.default_rng(seed).permutation(lit)[:PIXELS])]
    matrix = torch.from_numpy(interpolation(cie.CAMERA_BANDS, nm))
    return some @ table.camera.cpu().T, some @ matrix.T


def sample_crops(source: CropSource, nm: npt.NDArray[np.float64], seed: int) -> Samples:
    """Bright, unclipped pixels of the first crops of a seed: their colours, and their spectra at (L,) nm."""
    sampler = CropSampler(source, lambda _: nm, seed=seed)
    parts = []
    for step in range(CROP_BATCHES):
        sampler.seek(step)
        batch = sampler.draw()
        parts.append((batch.image.movedim(1, 3).reshape(-1, 3), batch.truth.reshape(-1, nm.size)))
    colours, spectra = (torch.cat(part) for part in zip(*parts, strict=True))
    unclipped = np.flatnonzero(((colours > 0) & (colours < 1)).all(1).numpy())
    bright = unclipped[brighter_half(spectra.mean(1).numpy()[unclipped])]
    some = torch.from_numpy(np.random.default_rng([seed, 2]).permutation(bright)[:PIXELS])
    return colours[some], spectra[some]


@torch.no_grad()
def start_linear_skip(network: Network, sampler: Sampler) -> None:
    """Start the linear map of RGB of a network that has one at the least-squares answer to the first patches of a run.

    From its plain start, the mean of the channels at every band, short runs ended at a higher error. A map of bands is
    left at linear interpolation.

    Args:
        network: any network.
        sampler: its patches, with spectra at any wavelengths that cover the bands of the network.
    """
    linear = _linear_map(network)
    if linear is None or input_bands(network.config):
        return
    products, responses, pixels = torch.zeros(()), torch.zeros(()), 0
    for step in range(CROP_BATCHES):
        sampler.seek(step)
        batch = sampler.draw()
        colours = batch.image.movedim(1, 3).flatten(0, 2).double()  # (N, 3)
        spectra = batch.truth.flatten(0, 2).double()  # (N, L)
        products, responses = products + colours.T @ colours, responses + colours.T @ spectra
        pixels += len(colours)
    ridge = RIDGE * torch.eye(3, dtype=torch.double, device=sampler.device)
    matrix = torch.linalg.solve(products / pixels + ridge, responses / pixels).T.cpu().numpy()  # (L, 3)
    nm = batch.nm.cpu().numpy()
    weight = np.stack([np.interp(network.bands, nm, column) for column in matrix.T], axis=1)
    # Rounded, because the last bits differ from run to run.
    linear.copy_(torch.from_numpy(weight.round(4)))


def _linear_map(network: Network) -> Tensor | None:
    """The linear map (L, C) of what a network sees, as part of its weights; None if it has none."""
    if isinstance(network, FactorisedNeSR):
        return network.basis.linear
    linear = getattr(network, "linear", None)
    return linear.weight[..., 0, 0] if linear is not None else None


def camera_response(colours: Tensor, spectra: Tensor) -> Tensor:
    """The matrix (L, 3) that takes spectra (N, L) to colours (N, 3) with the least squared error.

    It replaces the sensitivities of the camera, which data sets do not publish. It is rounded to six decimals, because
    its last bits differ from run to run.
    """
    return torch.linalg.lstsq(spectra.double(), colours.double()).solution.round(decimals=6).float()


def brighter_half(brightness: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
    """Indices of the brighter half of the spectra that are not black, by their mean (N,).

    Scaled to unit length, the noise of a dark spectrum becomes an atom that is large where no camera is sensitive, and
    colours in its direction are answered with a multiple of that noise. Fitted to all spectra above `BLACK`, the RMSE
    on held-out scenes was .097 instead of .041 for sparse coding, and .043 instead of .028 for A+.
    """
    lit = np.flatnonzero(brightness > BLACK)
    return lit[brightness[lit] >= np.median(brightness[lit])]


def learn_dictionary(spectra: Tensor, atoms: int, seed: int) -> Tensor:
    """A dictionary (K, L) of `atoms` unit vectors, of which spectra (N, L) are sparse sums, by K-SVD.

    After Aharon et al., K-SVD, 2006. The rank-one update of each atom is one power iteration; an unused atom is
    replaced by the spectrum with the largest residual.
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
                learned[atom], left[worst] = scaled[worst], 0  # so that the next unused atom becomes another spectrum
                continue
            whole = left[users] + torch.outer(codes[users, atom], learned[atom])
            learned[atom] = torch.nn.functional.normalize(whole.T @ codes[users, atom], dim=0)
            codes[users, atom] = whole @ learned[atom]
            left[users] = whole - torch.outer(codes[users, atom], learned[atom])
    return learned.float()
