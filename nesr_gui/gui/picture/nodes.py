"""What moves under the hand: bands some nanometres apart of what is in view, and what is linear between them.

A frame then costs no network. It is shown only until the exact picture follows: nothing is read off it or saved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nesr_gui.fields.protocol import CubeField, Progress, SpectralField
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.gui.view_modes.base import band_in_pieces, sketches_in_pieces
from nesr_gui.spectral import Wavelengths

SPACINGS = (20.0, 5.0)  # nm: a first impression after a second, then below the 6.4 nm between a network's features
MOST_SAMPLES = 512 * 512  # of a band: 64 MB of them 5 nm apart
PROBES, PROBE_STRIDE = 8, 4  # where the error is measured: half way between nodes, at some of the samples


@dataclass(frozen=True, eq=False)
class Nodes:
    """Bands (L, h, w) of a sampling of a field, as a field of their own, and how far off it is between them."""

    field: SpectralField  # whose bands they are
    sampling: Sampling
    bands: CubeField
    error: float  # the largest difference that was found half way between two nodes

    @property
    def is_finest(self) -> bool:
        return float(np.diff(self.bands.wavelengths.nm).max()) <= SPACINGS[-1]


@dataclass(frozen=True, eq=False)
class NodesRequest:
    """Nodes to decode; those that are known already are not asked for again."""

    field: SpectralField
    sampling: Sampling
    spacing: float  # nm
    known: Nodes | None = None

    def finer(self, known: Nodes) -> NodesRequest | None:
        """The next request after this one was answered; None where nothing is to be gained."""
        finer = [spacing for spacing in SPACINGS if spacing < self.spacing]
        return replace(self, spacing=finer[0], known=known) if finer else None


def decode_nodes(request: NodesRequest, progress: Progress) -> Nodes:
    """Ask the field for about its bands at the nodes, and for a few between them to see how far off they are."""
    low, high = request.field.wavelength_range
    bands = Wavelengths.count(max(round((high - low) / request.spacing), 1) + 1, low, high)
    known = request.known.bands if request.known else None
    fresh = bands.nm if known is None else np.setdiff1d(bands.nm, known.wavelengths.nm)
    sketches = sketches_in_pieces(request.field, fresh, request.sampling, progress) if fresh.size else ()
    sketched = dict(zip(fresh.tolist(), sketches, strict=True))
    values = np.empty((len(bands), *request.sampling.size), np.float32)
    for band, nm in zip(values, bands, strict=True):  # one after the other: a copy of all would hold up the window
        band[:] = known.band(nm) if known and nm not in sketched else sketched[nm]
    nodes = CubeField(values, bands)
    return Nodes(request.field, request.sampling, nodes, _error(request, nodes))


def _error(request: NodesRequest, nodes: CubeField) -> float:
    """The largest difference between a field and its nodes at some pixels, half way between some nodes."""
    sampling, nm = request.sampling, nodes.wavelengths.nm
    sparse = replace(sampling, stride=sampling.stride * PROBE_STRIDE)
    gaps = np.unique(np.linspace(0, len(nm) - 2, PROBES).round().astype(int)).tolist()
    between = [float(nm[gap] + nm[gap + 1]) / 2 for gap in gaps]
    return max(
        float(np.abs(nodes.band(at, stride=PROBE_STRIDE) - band_in_pieces(request.field, at, sparse, _quiet)).max())
        for at in between
    )


def _quiet(fraction: float) -> None:
    """Progress nobody watches."""
