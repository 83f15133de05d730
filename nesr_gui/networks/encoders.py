"""The networks that see the image: one table, by which NeSR and the discrete networks build them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nesr_gui.networks.awan import AWAN
from nesr_gui.networks.hrnet import HRNet
from nesr_gui.networks.hscnn_r import HSCNNR
from nesr_gui.networks.mst_plus_plus import MSTPlusPlus

Backbone = HSCNNR | HRNet | AWAN | MSTPlusPlus


@dataclass(frozen=True)
class Encoder:
    """One of them, with the size it has in its paper; `build` takes features, blocks, bands and inputs."""

    title: str
    build: Callable[[int, int, int | None, int], Backbone]
    features: int
    blocks: int


ENCODERS = {
    "hscnn_r": Encoder("HSCNN-R", HSCNNR, 64, 16),
    "hrnet": Encoder("HRNet", HRNet, 64, 4),
    "awan": Encoder("AWAN", AWAN, 256, 8),
    "mst_plus_plus": Encoder("MST++", MSTPlusPlus, 31, 3),
}


def encoder(name: str) -> Encoder:
    """The encoder called `name`; a KeyError names those there are."""
    if name not in ENCODERS:
        raise KeyError(f"no encoder {name!r}; there are {', '.join(ENCODERS)}")
    return ENCODERS[name]
