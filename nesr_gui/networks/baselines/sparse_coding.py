"""Sparse coding (Arad and Ben-Shahar 2016): a colour as a sum of few atoms of a dictionary, and the spectra they have.

Other band numbers, for which the paper resamples the dictionary, are what the field reads between its bands: both are
linear.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nesr_gui.networks.band_network import EVERY_TEN
from nesr_gui.networks.baselines.per_pixel import PixelNetwork

RIDGE = 1e-9  # of squared length 1; keeps atoms of equal colour solvable


@dataclass(frozen=True)
class SparseCodingConfig:
    """The size of the dictionary, and how many of its atoms make a colour."""

    bands: tuple[float, ...] = EVERY_TEN  # nm
    atoms: int = 512
    nonzero: int = 3


class SparseCoding(PixelNetwork):
    """A dictionary of spectra `atoms` (K, L) with their colours (K, 3), and orthogonal matching pursuit."""

    atoms: Tensor
    colours: Tensor

    def __init__(self, config: SparseCodingConfig) -> None:
        super().__init__()
        self.config, self.bands = config, config.bands
        self.register_buffer("atoms", torch.zeros(config.atoms, len(config.bands)))
        self.register_buffer("colours", torch.zeros(config.atoms, 3))

    def spectra(self, colours: Tensor) -> Tensor:
        """See `PixelNetwork`."""
        chosen, amounts = pursue(self.colours, colours, self.config.nonzero)
        return torch.einsum("nk,nkl->nl", amounts, self.atoms[chosen])


def pursue(atoms: Tensor, signals: Tensor, nonzero: int) -> tuple[Tensor, Tensor]:
    """Orthogonal matching pursuit: which `nonzero` atoms (K, C) make each signal (N, C), and how much of each.

    Returns:
        Indices (N, nonzero) and amounts (N, nonzero); what is left after a step chooses the next atom, and all amounts
        are fitted again.
    """
    lengths = atoms.norm(dim=1).clamp_min(1e-12)
    unit, left = (atoms / lengths[:, None]).double(), signals.double()
    chosen, amounts = torch.empty(len(signals), 0, dtype=torch.long, device=signals.device), left[:, :0]
    for _ in range(min(nonzero, len(atoms))):
        likeness = (left @ unit.T).abs().scatter(1, chosen, -1.0)
        chosen = torch.cat([chosen, likeness.argmax(1, keepdim=True)], 1)
        basis = unit[chosen]  # (N, k, C)
        gram = basis @ basis.transpose(1, 2) + RIDGE * torch.eye(chosen.shape[1], device=signals.device)
        amounts = torch.linalg.solve(gram, (basis @ signals.double()[:, :, None])[:, :, 0])
        left = signals - torch.einsum("nk,nkc->nc", amounts, basis)
    return chosen, (amounts / lengths[chosen]).to(signals.dtype)
