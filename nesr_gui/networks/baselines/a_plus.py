"""A+ (Aeschbacher et al. 2017): around each anchor colour, the linear map that its nearest known colours follow."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nesr_gui.networks.band_network import EVERY_TEN
from nesr_gui.networks.baselines.per_pixel import PixelNetwork


@dataclass(frozen=True)
class APlusConfig:
    """How many anchors there are, how many known colours each learns from, and how cautiously."""

    bands: tuple[float, ...] = EVERY_TEN  # nm
    anchors: int = 512
    neighbours: int = 1024
    ridge: float = 0.1


class APlus(PixelNetwork):
    """Anchors (K, 3) of length one, and their projections (K, L, 3)."""

    anchors: Tensor
    projections: Tensor

    def __init__(self, config: APlusConfig) -> None:
        super().__init__()
        self.config, self.bands = config, config.bands
        self.register_buffer("anchors", torch.zeros(config.anchors, 3))
        self.register_buffer("projections", torch.zeros(config.anchors, len(config.bands), 3))

    def spectra(self, colours: Tensor) -> Tensor:
        """See `PixelNetwork`; the anchor is the one of the nearest direction."""
        nearest = (colours @ self.anchors.T).argmax(1)
        return torch.einsum("nlc,nc->nl", self.projections[nearest], colours)

    def fit(self, colours: Tensor, spectra: Tensor, anchors: Tensor) -> None:
        """Learn from known colours (N, 3) and their spectra (N, L), around directions `anchors` (K, 3).

        Both are scaled to spectra of length one: exposure does not matter, nor what no camera sees more than the rest.
        """
        lengths = spectra.norm(dim=1, keepdim=True).clamp_min(1e-6)
        colours, spectra = (colours / lengths).double(), (spectra / lengths).double()
        directions = torch.nn.functional.normalize(colours, dim=1)
        self.anchors.copy_(anchors / anchors.norm(dim=1, keepdim=True).clamp_min(1e-12))
        ridge = self.config.ridge * torch.eye(3, dtype=torch.float64)
        for index, anchor in enumerate(self.anchors.double()):
            near = (directions @ anchor).topk(min(self.config.neighbours, len(colours))).indices
            x, y = colours[near], spectra[near]  # (n, 3), (n, L)
            self.projections[index] = torch.linalg.solve(x.T @ x + ridge, x.T @ y).T
