"""What the baselines that know no neighbours have in common: a spectrum for every colour."""

from __future__ import annotations

import torch
from torch import Tensor

from nesr_gui.networks.band_network import BandNetwork

AT_ONCE = 1 << 14  # pixels, of which each has a number per atom


class PixelNetwork(BandNetwork):
    """Answers for each pixel by its colour alone."""

    def spectra(self, colours: Tensor) -> Tensor:
        """Linear RGB (N, 3) to spectra (N, L)."""
        raise NotImplementedError

    def forward(self, image: Tensor) -> Tensor:
        colours = image.movedim(1, -1).flatten(0, 2)
        spectra = torch.cat([self.spectra(some) for some in torch.split(colours, AT_ONCE)]).clamp_min(0)
        return spectra.view(len(image), *image.shape[2:], -1).movedim(-1, 1)
